/*
 * Servers that are not the one that was meant (attack 25): an impostor on loopback for each kind, and this program's
 * own client, which must refuse it before it says a word.
 */
#include "cli/rehearse_wire.h"

#include "crypto/x509.h"
#include "net/stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { HONEST, SELF_SIGNED, OTHER_CA, WRONG_NAME, EXPIRED, NOT_YET_VALID };

#define HERE "localhost"
#define ELSEWHERE "elsewhere.example"

typedef struct impostor {
    rehearsal *r;
    uv_tcp_t listener;
    SSL_CTX *server, *client;
    so_stream *stream;
    uint16_t port;
    bool heard; /* it was told something */
} impostor;

/* ---- its certificate ---- */

static bool make_ca(so_issued *ca, so_unix now)
{
    so_permit permits[2];
    const so_ca_request request = {.permits = permits, .permit_count = 2, .now = now, .random = &so_random_system};

    return so_permit_parse(&permits[0], HERE, NULL) == SO_OK &&
           so_permit_parse(&permits[1], ELSEWHERE, NULL) == SO_OK && so_ca_make(&request, ca, NULL) == SO_OK;
}

static bool make_leaf(so_issued *leaf, const so_issued *ca, const char *host, so_unix now)
{
    so_name name;
    const so_leaf_request request = {.ca_cert = so_pem_slice(&ca->cert),
                                     .ca_key = so_pem_slice(&ca->key),
                                     .names = &name,
                                     .name_count = 1,
                                     .days = 30,
                                     .now = now,
                                     .random = &so_random_system};

    return so_name_parse(&name, host, NULL) == SO_OK && so_leaf_make(&request, leaf, NULL) == SO_OK;
}

/* SSL_CTX wants the anchors in a file; this one nobody else sees, and it is gone when it is closed. */
static bool trust(SSL_CTX **ctx, const so_pem *anchor)
{
    int fd = memfd_create("sotto rehearse", MFD_CLOEXEC);
    char path[64];
    bool ok = fd >= 0 && write(fd, anchor->text, anchor->len) == (ssize_t)anchor->len;

    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ok = ok && so_tls_client(ctx, path, NULL) == SO_OK;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

static bool make_contexts(impostor *im, int kind)
{
    so_issued trusted = {.cert = {NULL, 0}}, other = {.cert = {NULL, 0}}, leaf = {.cert = {NULL, 0}};
    so_unix now = (so_unix)time(NULL), then = now;
    const so_issued *shown = kind == SELF_SIGNED ? &other : &leaf;
    bool ok;

    if (kind == EXPIRED)
        then = now - 100 * SO_DAY;
    if (kind == NOT_YET_VALID)
        then = now + 10 * SO_DAY;
    ok =
        make_ca(&trusted, now - 200 * SO_DAY) && make_ca(&other, now - 200 * SO_DAY) &&
        make_leaf(&leaf, kind == OTHER_CA ? &other : &trusted, kind == WRONG_NAME ? ELSEWHERE : HERE, then) &&
        so_tls_server(&im->server, shown->cert.text, shown->cert.len, shown->key.text, shown->key.len, NULL) == SO_OK &&
        trust(&im->client, &trusted.cert);
    so_issued_free(&trusted);
    so_issued_free(&other);
    so_issued_free(&leaf);
    return ok;
}

/* ---- the impostor ---- */

static void on_open(so_stream *stream, void *user)
{
    (void)stream;
    (void)user;
}

static void on_data(so_stream *stream, void *user, const uint8_t *bytes, size_t len)
{
    (void)stream;
    (void)bytes;
    (void)len;
    ((impostor *)user)->heard = true;
}

static void on_closed(so_stream *stream, void *user, const so_error *why)
{
    (void)stream;
    (void)why;
    ((impostor *)user)->stream = NULL;
}

static const so_stream_events events = {.open = on_open, .data = on_data, .closed = on_closed};

static void on_incoming(uv_stream_t *listener, int status)
{
    impostor *im = listener->data;

    if (status == 0 && im->stream == NULL)
        im->stream = so_stream_accept(&im->r->loop, listener, im->server, &events, im);
}

static bool stand(impostor *im)
{
    struct sockaddr_in at;
    int len = sizeof at;

    (void)uv_tcp_init(&im->r->loop.uv, &im->listener);
    im->listener.data = im;
    if (uv_ip4_addr("127.0.0.1", 0, &at) != 0 || uv_tcp_bind(&im->listener, (const struct sockaddr *)&at, 0) != 0 ||
        uv_listen((uv_stream_t *)&im->listener, 8, on_incoming) != 0 ||
        uv_tcp_getsockname(&im->listener, (struct sockaddr *)&at, &len) != 0)
        return false;
    im->port = ntohs(at.sin_port);
    return true;
}

static void on_listener_closed(uv_handle_t *handle)
{
    ((impostor *)handle->data)->port = 0;
}

static void go(impostor *im)
{
    if (im->stream != NULL)
        so_stream_abort(im->stream);
    im->port = 1;
    uv_close((uv_handle_t *)&im->listener, on_listener_closed);
    while (im->port != 0 || im->stream != NULL)
        (void)uv_run(&im->r->loop.uv, UV_RUN_NOWAIT);
}

typedef struct outcome {
    bool tried, opened, heard;
    so_error why;
} outcome;

static outcome call_impostor(rehearsal *r, int kind)
{
    impostor im = {.r = r};
    outcome o = {.tried = make_contexts(&im, kind)};
    wire *w;

    if (o.tried) {
        o.tried = stand(&im);
        w = o.tried ? wire_tls_to(r, im.client, HERE, im.port, "127.0.0.1") : NULL;
        o.tried = w != NULL;
        if (w != NULL) {
            o.opened = wire_opened(w);
            wire_send(w, "hello", 5); /* where it may: an end that was refused says nothing */
            (void)wire_wait(w, 1, o.opened ? 100 : 0);
            o.why = *wire_why(w);
        }
        o.heard = im.heard;
        wire_free(w);
        go(&im);
    }
    SSL_CTX_free(im.server);
    SSL_CTX_free(im.client);
    return o;
}

static bool honest_server(rehearsal *r)
{
    outcome o = call_impostor(r, HONEST);

    if (!o.tried)
        return rehearse_failed(r, "no server could be started on loopback");
    return o.opened || rehearse_failed(r, "%.250s", o.why.text);
}

static rehearse_result impose(rehearsal *r, int kind)
{
    outcome o = call_impostor(r, kind);

    if (!o.tried)
        return rehearse_not_tried(r, "no server could be started on loopback");
    if (o.opened || o.heard)
        return rehearse_weak(r, "this program's client spoke to it");
    if (strcmp(o.why.layer, "certificate") != 0)
        return rehearse_weak(r, "no connection, and not for its certificate: %.200s", o.why.text);
    return rehearse_held(r, "refused before a word: %.*s", (int)strcspn(o.why.text, ";"), o.why.text);
}

static const rehearse_attack attacks[] = {
    {"impostor-self-signed", "a server that signed its own certificate", impose, SELF_SIGNED},
    {"impostor-other-ca", "a certificate of a CA that is not trusted", impose, OTHER_CA},
    {"impostor-wrong-name", "a good certificate for another host", impose, WRONG_NAME},
    {"impostor-expired", "a certificate that was good once", impose, EXPIRED},
    {"impostor-not-yet", "a certificate whose time has not come", impose, NOT_YET_VALID},
};

const rehearse_group rehearse_impostors = {.name = "impostors",
                                           .whom = REHEARSE_PROGRAM,
                                           .good = "the true server is taken",
                                           .control = honest_server,
                                           .attacks = attacks,
                                           .count = sizeof attacks / sizeof attacks[0]};
