#include "media/speaker.h"

#include "media/devices.h"
#include "media/ffmpeg.h"
#include "media/playout.h"

#include <errno.h>
#include <libavutil/mathematics.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHANNELS SO_PLAYOUT_CHANNELS
#define STEP SO_PLAYOUT_STEP
#define STEP_BYTES (STEP * CHANNELS * (int)sizeof(float))
#define FULL_NS 4000000 /* how long to wait when the device takes no more for now */

struct so_speaker {
    AVFormatContext *device;
    AVPacket *packet;
    so_playout *playout;
    int64_t at;    /* samples that the device got */
    int64_t stamp; /* of the packet that it was offered last, in its units */
    void (*told)(void *user);
    void *user;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* guards the playout and these */
    pthread_cond_t stopped;
    bool stop, failed;
    so_error fault;
};

/* ---- the thread ---- */

/* The device's answer to the samples in the packet: SO_STATE: it has no room for them now. */
static so_status write_step(so_speaker *s, so_error *err)
{
    const AVRational samples = {1, SO_PLAYOUT_RATE}, unit = s->device->streams[0]->time_base;
    int64_t at = av_rescale_q(s->at, samples, unit);
    char why[AV_ERROR_MAX_STRING_SIZE];
    int code;

    if (so_device_holds_enough(s->device, at))
        return SO_STATE;
    /* What the device had no room for is another packet for libavformat, which wants each to be later than the last. */
    s->stamp = at > s->stamp ? at : s->stamp + 1;
    s->packet->pts = s->packet->dts = s->stamp;
    s->packet->duration = av_rescale_q(STEP, samples, unit);
    code = av_write_frame(s->device, s->packet);
    if (code == AVERROR(EAGAIN))
        return SO_STATE;
    if (code < 0)
        return so_fail(err, SO_IO, "media",
                       "the loudspeaker plays no more: %s; start PulseAudio or PipeWire again (pactl info tells), and "
                       "call again",
                       so_media_why(code, why));
    s->at += STEP;
    return SO_OK;
}

static struct timespec soon(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += FULL_NS;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void *play(void *user)
{
    so_speaker *s = user;
    so_status status = SO_OK;
    so_error err = {0};

    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop && (status == SO_OK || status == SO_STATE)) {
        if (status == SO_OK)
            so_playout_step(s->playout, (float *)(void *)s->packet->data);
        (void)pthread_mutex_unlock(&s->lock);
        status = write_step(s, &err);
        (void)pthread_mutex_lock(&s->lock);
        if (status == SO_STATE && !s->stop) {
            struct timespec until = soon();
            (void)pthread_cond_timedwait(&s->stopped, &s->lock, &until);
        }
    }
    if (!s->stop) {
        s->failed = true;
        s->fault = err;
    }
    (void)pthread_mutex_unlock(&s->lock);
    if (status != SO_OK && status != SO_STATE)
        s->told(s->user);
    return NULL;
}

/* ---- the caller's side ---- */

static void init_locks(so_speaker *s)
{
    pthread_condattr_t monotonic;

    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->stopped, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

so_status so_speaker_open(so_speaker **made, void (*told)(void *user), void *user, so_error *err)
{
    so_speaker *s = calloc(1, sizeof *s);
    so_status status;

    *made = NULL;
    if (s == NULL)
        return so_media_no_memory(err);
    so_media_quiet();
    init_locks(s);
    s->stamp = -1;
    s->told = told;
    s->user = user;
    s->packet = av_packet_alloc();
    status = so_playout_make(&s->playout, err);
    if (status == SO_OK && (s->packet == NULL || av_new_packet(s->packet, STEP_BYTES) < 0))
        status = so_media_no_memory(err);
    if (status == SO_OK)
        status = so_device_speaker(&s->device, SO_PLAYOUT_RATE, CHANNELS, err);
    if (status == SO_OK && pthread_create(&s->thread, NULL, play, s) != 0)
        status = so_fail(err, SO_NO_MEMORY, "media", "no thread can be started; end other programs");
    s->running = status == SO_OK;
    if (status == SO_OK)
        *made = s;
    else
        so_speaker_close(s);
    return status;
}

void so_speaker_close(so_speaker *s)
{
    if (s == NULL)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_signal(&s->stopped);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->running)
        (void)pthread_join(s->thread, NULL);
    so_device_close_output(s->device);
    so_playout_free(s->playout);
    av_packet_free(&s->packet);
    (void)pthread_cond_destroy(&s->stopped);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

void so_speaker_put(so_speaker *s, so_media_codec codec, const uint8_t *bytes, size_t len, uint32_t rtp_time)
{
    (void)pthread_mutex_lock(&s->lock);
    so_playout_put(s->playout, codec, bytes, len, rtp_time);
    (void)pthread_mutex_unlock(&s->lock);
}

bool so_speaker_fault(so_speaker *s, so_error *fault)
{
    bool failed;

    (void)pthread_mutex_lock(&s->lock);
    failed = s->failed;
    s->failed = false;
    if (failed)
        *fault = s->fault;
    (void)pthread_mutex_unlock(&s->lock);
    return failed;
}
