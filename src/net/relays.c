#include "net/relays.h"

#include "net/tcp.h"

#include <stdlib.h>
#include <string.h>

/* How long a connection may take to be there: a call does not wait for a path much longer. */
#define PATIENCE_MS 20000
/* About two seconds of a video call. What waits longer is of no use when it arrives. */
#define BACKLOG_MAX ((size_t)512 * 1024)

typedef struct relay_link {
    so_relays *owner;
    unsigned stream; /* 0: its end concerns nobody */
    so_stream *tls;  /* one of the two */
    so_tcp *tcp;
    uv_timer_t patience;
    so_error why; /* other than what its closing says */
    unsigned open_handles;
    struct relay_link *next;
} relay_link;

struct so_relays {
    so_loop *loop;
    SSL_CTX *ctx;
    const so_relays_events *events;
    void *user;
    relay_link *links;
    bool closing;
};

static void end_link(relay_link *l)
{
    (void)uv_timer_stop(&l->patience);
    l->stream = 0;
    if (l->tls != NULL)
        so_stream_finish(l->tls);
    else if (l->tcp != NULL)
        so_tcp_close(l->tcp);
}

static void free_if_over(so_relays *r)
{
    if (r->closing && r->links == NULL)
        free(r);
}

static void release(relay_link *l)
{
    so_relays *r = l->owner;
    relay_link **at = &r->links;

    if (--l->open_handles > 0)
        return;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    free(l);
    free_if_over(r);
}

static void on_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void closed(relay_link *l, const so_error *why)
{
    so_relays *r = l->owner;
    unsigned stream = l->stream;
    so_error orderly;

    l->stream = 0;
    l->tls = NULL;
    l->tcp = NULL;
    if (l->why.status != SO_OK)
        why = &l->why;
    if (why->status == SO_OK) {
        (void)so_fail(&orderly, SO_IO, "relay", "the relay closed the connection; try again");
        why = &orderly;
    }
    uv_close((uv_handle_t *)&l->patience, on_timer_closed);
    if (stream != 0 && !r->closing)
        r->events->closed(r->user, stream,
                          strcmp(why->layer, "certificate") == 0 ? "relay-certificate" : "relay-unreachable", why);
    release(l);
}

static void opened(relay_link *l)
{
    (void)uv_timer_stop(&l->patience);
    if (l->stream != 0)
        l->owner->events->opened(l->owner->user, l->stream);
}

static void data(relay_link *l, const uint8_t *bytes, size_t len)
{
    if (l->stream != 0)
        l->owner->events->data(l->owner->user, l->stream, bytes, len);
}

/* ---- TLS ---- */

static void on_tls_open(so_stream *stream, void *user)
{
    (void)stream;
    opened(user);
}

static void on_tls_data(so_stream *stream, void *user, const uint8_t *bytes, size_t len)
{
    (void)stream;
    data(user, bytes, len);
}

static void on_tls_closed(so_stream *stream, void *user, const so_error *why)
{
    (void)stream;
    closed(user, why);
}

/* ---- TCP ---- */

static void on_tcp_open(so_tcp *tcp, void *user)
{
    (void)tcp;
    opened(user);
}

static void on_tcp_data(so_tcp *tcp, void *user, const uint8_t *bytes, size_t len)
{
    (void)tcp;
    data(user, bytes, len);
}

static void on_tcp_closed(so_tcp *tcp, void *user, const so_error *why)
{
    (void)tcp;
    closed(user, why);
}

static const so_stream_events tls_events = {.open = on_tls_open, .data = on_tls_data, .closed = on_tls_closed};
static const so_tcp_events tcp_events = {.open = on_tcp_open, .data = on_tcp_data, .closed = on_tcp_closed};

static void break_link(relay_link *l)
{
    if (l->tls != NULL)
        so_stream_abort(l->tls);
    else if (l->tcp != NULL)
        so_tcp_close(l->tcp);
}

static void on_patience(uv_timer_t *timer)
{
    relay_link *l = timer->data;

    (void)so_fail(&l->why, SO_IO, "relay",
                  "the connection to the relay is not there after %d seconds; does the network let it through?",
                  PATIENCE_MS / 1000);
    break_link(l);
}

/* RFC 7443 §2: what is spoken, so that a server that speaks HTTPS at the same port does not take it for that. */
static so_status connect_tls(relay_link *l, const char *host, uint16_t port)
{
    static const uint8_t protocols[] = {9, 's', 't', 'u', 'n', '.', 't', 'u', 'r', 'n'};
    so_relays *r = l->owner;
    so_status status = so_stream_connect(&l->tls, r->loop, r->ctx, host, port, NULL, &tls_events, l);

    if (status == SO_OK && so_stream_speak(l->tls, protocols, sizeof protocols) != SO_OK)
        so_stream_abort(l->tls);
    return status;
}

void so_relays_connect(so_relays *r, unsigned stream, const char *host, uint16_t port, bool tls)
{
    relay_link *l = r->closing ? NULL : calloc(1, sizeof *l);
    so_status status = SO_NO_MEMORY;
    so_error why;

    if (l != NULL) {
        *l = (relay_link){.owner = r, .stream = stream, .open_handles = 2};
        status = tls ? connect_tls(l, host, port) : so_tcp_connect(&l->tcp, r->loop, host, port, &tcp_events, l);
    }
    if (status != SO_OK) {
        free(l);
        (void)so_fail(&why, status, "relay", "no connection to a relay can be begun (%s); end other programs",
                      so_status_name(status));
        r->events->closed(r->user, stream, "relay-unreachable", &why);
        return;
    }
    (void)uv_timer_init(&r->loop->uv, &l->patience);
    l->patience.data = l;
    (void)uv_timer_start(&l->patience, on_patience, PATIENCE_MS, 0);
    l->next = r->links;
    r->links = l;
}

void so_relays_send(so_relays *r, unsigned stream, const uint8_t *bytes, size_t len)
{
    relay_link *l = r->links;

    while (l != NULL && l->stream != stream)
        l = l->next;
    if (l == NULL)
        return;
    if (l->tls != NULL && so_stream_backlog(l->tls) < BACKLOG_MAX)
        so_stream_write(l->tls, bytes, len);
    else if (l->tcp != NULL && so_tcp_backlog(l->tcp) < BACKLOG_MAX)
        so_tcp_write(l->tcp, bytes, len);
}

void so_relays_leave(so_relays *r, const so_address *address)
{
    for (relay_link *l = r->links; l != NULL; l = l->next)
        if ((l->tls != NULL && so_stream_is_from(l->tls, address)) ||
            (l->tcp != NULL && so_tcp_is_from(l->tcp, address))) {
            (void)so_fail(&l->why, SO_IO, "relay", "the network that the relay was reached over is gone");
            break_link(l);
        }
}

void so_relays_sweep(so_relays *r)
{
    for (relay_link *l = r->links; l != NULL; l = l->next)
        if (l->stream != 0 && !r->events->wanted(r->user, l->stream))
            end_link(l);
}

void so_relays_close(so_relays *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    for (relay_link *l = r->links; l != NULL; l = l->next)
        if (l->stream != 0)
            end_link(l);
    free_if_over(r);
}

so_status so_relays_open(so_relays **out, so_loop *loop, SSL_CTX *ctx, const so_relays_events *events, void *user)
{
    so_relays *r = calloc(1, sizeof *r);

    *out = r;
    if (r == NULL)
        return SO_NO_MEMORY;
    *r = (so_relays){.loop = loop, .ctx = ctx, .events = events, .user = user};
    return SO_OK;
}
