/* This machine: what encrypts, which codecs there are, which devices, and whether datagrams pass on it at all. */
#include "cli/doctor.h"

#include "crypto/about.h"
#include "media/able.h"
#include "media/source.h"
#include "media/speaker.h"
#include "media/window.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 2000

static void versions(doctor *d, const so_crypto_about *about)
{
    so_media_libraries media;

    so_media_libraries_of(&media);
    doctor_say(d, DOCTOR_WELL, "versions", "sotto %s, %s, libuv %s, ipsec-mb %s, %s, %s, %s", SOTTO_VERSION,
               about->openssl, uv_version_string(), about->ipsec_mb == NULL ? "not in this build" : about->ipsec_mb,
               media.avcodec, media.opus, media.vpx);
}

static void encryption(doctor *d, const so_crypto_about *about)
{
    if (about->srtp == NULL)
        doctor_say(d, DOCTOR_FAILED, "encryption",
                   "neither ipsec-mb nor OpenSSL gives SRTP's ciphers; is there memory?");
    else
        doctor_say(d, DOCTOR_WELL, "encryption", "%s encrypts sound and pictures%s%s", about->srtp,
                   about->arch == NULL ? "" : ", by ", about->arch == NULL ? "" : about->arch);
    if (!about->cpu_known)
        doctor_say(d, DOCTOR_NOTE, "cpu", "what this kind of CPU does for encryption is not looked at");
    else if (about->aes && about->pclmul)
        doctor_say(d, DOCTOR_WELL, "cpu", "AES-NI yes, PCLMUL yes, VAES %s", about->vaes ? "yes" : "no");
    else
        doctor_say(d, DOCTOR_NOTE, "cpu",
                   "AES-NI %s, PCLMUL %s: encryption costs more here; a virtual machine may hide them, look at its CPU "
                   "model",
                   about->aes ? "yes" : "no", about->pclmul ? "yes" : "no");
}

static void codecs(doctor *d)
{
    for (so_media_codec codec = SO_MEDIA_NONE + 1; codec < SO_MEDIA_CODECS; codec++) {
        so_media_able able = so_media_able_of(codec);
        const char *name = so_media_codec_name(codec);

        if (able.encoder != NULL && able.decoder != NULL)
            doctor_say(d, DOCTOR_WELL, "codec", "%s: encoder %s, decoder %s", name, able.encoder, able.decoder);
        else
            doctor_say(d, codec == SO_MEDIA_H264 ? DOCTOR_NOTE : DOCTOR_FAILED, "codec",
                       "%s: encoder %s, decoder %s; install an FFmpeg (libavcodec) that has it%s", name,
                       able.encoder == NULL ? "missing" : able.encoder, able.decoder == NULL ? "missing" : able.decoder,
                       codec == SO_MEDIA_H264 ? ", or call with VP8" : "");
    }
}

static void device(doctor *d, const char *check, so_status status, const so_error *err)
{
    if (status == SO_OK)
        doctor_say(d, DOCTOR_WELL, check, "can be opened");
    else
        doctor_say(d, DOCTOR_NOTE, check, "%s", err->text);
}

static void source(doctor *d, const char *check, const char *what)
{
    so_source *opened;
    so_error err;
    so_status status = so_source_open(&opened, what, NULL, &err);

    device(d, check, status, &err);
    if (status == SO_OK)
        so_source_close(opened);
}

static void on_gone(void *user)
{
    (void)user; /* it is closed in a moment anyway */
}

static void devices(doctor *d)
{
    so_speaker *speaker;
    so_window *window;
    so_error err;
    so_status status;

    source(d, "microphone", "mic");
    source(d, "camera", "camera");
    source(d, "screen", "screen");
    status = so_speaker_open(&speaker, on_gone, NULL, &err);
    device(d, "speaker", status, &err);
    if (status == SO_OK)
        so_speaker_close(speaker);
    status = so_window_open(&window, on_gone, NULL, &err);
    device(d, "window", status, &err);
    if (status == SO_OK)
        so_window_close(window);
}

/* ---- two sockets of this machine ---- */

typedef struct pair {
    uv_udp_t ends[2];
    uv_timer_t patience;
    uint8_t bytes[64];
    unsigned came;
} pair;

static void close_pair(pair *p)
{
    for (size_t i = 0; i < 2; i++)
        if (!uv_is_closing((uv_handle_t *)&p->ends[i]))
            uv_close((uv_handle_t *)&p->ends[i], NULL);
    if (!uv_is_closing((uv_handle_t *)&p->patience))
        uv_close((uv_handle_t *)&p->patience, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    pair *p = handle->data;

    (void)wanted;
    *buffer = uv_buf_init((char *)p->bytes, sizeof p->bytes);
}

static void on_datagram(uv_udp_t *handle, ssize_t len, const uv_buf_t *buffer, const struct sockaddr *from,
                        unsigned flags)
{
    pair *p = handle->data;

    (void)flags;
    if (len <= 0 || from == NULL)
        return;
    /* The second end sends it back to where it came from. */
    if (handle == &p->ends[1]) {
        uv_buf_t back = uv_buf_init(buffer->base, (unsigned)len);

        (void)uv_udp_try_send(handle, &back, 1, from);
        return;
    }
    p->came++;
    close_pair(p);
}

static void on_patience(uv_timer_t *timer)
{
    close_pair(timer->data);
}

static bool begin_pair(doctor *d, pair *p)
{
    uv_buf_t hello = uv_buf_init("sotto", 5);
    struct sockaddr_in loopback[2];
    bool ok = true;

    (void)uv_timer_init(&d->loop.uv, &p->patience);
    p->patience.data = p;
    for (size_t i = 0; i < 2; i++) {
        int len = sizeof loopback[i];

        ok &= uv_udp_init(&d->loop.uv, &p->ends[i]) == 0;
        p->ends[i].data = p;
        ok = ok && uv_ip4_addr("127.0.0.1", 0, &loopback[i]) == 0 &&
             uv_udp_bind(&p->ends[i], (struct sockaddr *)&loopback[i], 0) == 0 &&
             uv_udp_getsockname(&p->ends[i], (struct sockaddr *)&loopback[i], &len) == 0 &&
             uv_udp_recv_start(&p->ends[i], on_alloc, on_datagram) == 0;
    }
    (void)uv_timer_start(&p->patience, on_patience, PATIENCE_MS, 0);
    return ok && uv_udp_try_send(&p->ends[0], &hello, 1, (struct sockaddr *)&loopback[1]) == 5;
}

static void datagrams(doctor *d)
{
    pair p = {.came = 0};

    if (!begin_pair(d, &p))
        close_pair(&p);
    so_loop_run(&d->loop);
    if (p.came > 0)
        doctor_say(d, DOCTOR_WELL, "udp", "a datagram goes from one socket of this machine to another, and back");
    else
        doctor_say(d, DOCTOR_FAILED, "udp",
                   "no datagram passes between two sockets of this machine; let its firewall or sandbox allow UDP");
}

void doctor_machine(doctor *d)
{
    so_crypto_about about;

    so_crypto_about_this(&about);
    versions(d, &about);
    encryption(d, &about);
    codecs(d);
    devices(d);
    datagrams(d);
}
