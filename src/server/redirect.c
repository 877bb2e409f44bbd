#include "server/redirect.h"

#include "net/http.h"
#include "server/gate.h"
#include "server/listen.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 2048

typedef struct visitor visitor;

struct so_redirect {
    so_listeners listeners;
    so_loop *loop;
    so_hub *hub;
    visitor *visitors;
    unsigned count;
    bool closing;
};

struct visitor {
    uv_tcp_t tcp;
    uv_timer_t timer;
    so_redirect *redirect;
    so_http *http;
    visitor *next, **at;
    char chunk[CHUNK];
    uv_write_t write;
    uv_shutdown_t end;
    so_answer answer;
    unsigned open_handles;
};

static void free_if_done(so_redirect *r)
{
    if (r->closing && r->count == 0)
        free(r);
}

static void on_handle_closed(uv_handle_t *handle)
{
    visitor *v = handle->data;
    so_redirect *r = v->redirect;

    if (--v->open_handles > 0)
        return;
    so_http_free(v->http);
    free(v);
    r->count--;
    free_if_done(r);
}

static void leave(visitor *v)
{
    if (uv_is_closing((uv_handle_t *)&v->tcp))
        return;
    *v->at = v->next;
    if (v->next != NULL)
        v->next->at = v->at;
    uv_close((uv_handle_t *)&v->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&v->timer, on_handle_closed);
}

/* Who waits longest is no browser: one asks at once. So idle sockets can't keep anybody out. */
static void make_room(so_redirect *r)
{
    visitor *first = r->visitors;

    while (first->next != NULL)
        first = first->next;
    leave(first);
}

static void on_patience(uv_timer_t *timer)
{
    leave(timer->data);
}

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    visitor *v = handle->data;

    (void)hint;
    *buf = uv_buf_init(v->chunk, CHUNK);
}

static void on_end_sent(uv_shutdown_t *req, int status)
{
    (void)req;
    (void)status;
}

static void on_rest(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    if (n < 0)
        leave(tcp->data);
}

/* RFC 9112 §9.6: what was not read would reset the connection over the answer, so it is read and thrown away. */
static void on_written(uv_write_t *req, int status)
{
    visitor *v = req->data;
    uv_stream_t *tcp = (uv_stream_t *)&v->tcp;

    if (status < 0 || uv_shutdown(&v->end, tcp, on_end_sent) != 0 || uv_read_start(tcp, on_alloc, on_rest) != 0)
        leave(v);
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
    visitor *v = tcp->data;
    so_http_result result;
    size_t taken;
    uv_buf_t out;

    if (n < 0) {
        leave(v);
        return;
    }
    result = so_http_feed(v->http, (const uint8_t *)buf->base, (size_t)n, &taken);
    if (result == SO_HTTP_MORE)
        return;
    (void)uv_read_stop(tcp);
    if (result == SO_HTTP_MESSAGE)
        so_gate_redirect(v->redirect->hub, v->http, &v->answer);
    else
        so_gate_refuse_clear(v->redirect->hub, so_http_fault(v->http), &v->answer);
    out = uv_buf_init((char *)v->answer.head, (unsigned)v->answer.head_len);
    v->write.data = v;
    if (uv_write(&v->write, tcp, &out, 1, on_written) != 0)
        leave(v);
}

static void on_incoming(uv_stream_t *listener, void *user)
{
    so_redirect *r = user;
    visitor *v = calloc(1, sizeof *v);

    if (v == NULL) {
        so_listener_turn_away(listener);
        return;
    }
    v->redirect = r;
    v->http = so_http_new(SO_HTTP_REQUESTS, r->hub->options->max_header, 0);
    (void)uv_tcp_init(&r->loop->uv, &v->tcp);
    (void)uv_timer_init(&r->loop->uv, &v->timer);
    v->tcp.data = v->timer.data = v;
    v->open_handles = 2;
    r->count++;
    v->at = &r->visitors;
    v->next = r->visitors;
    if (v->next != NULL)
        v->next->at = &v->next;
    r->visitors = v;
    if (uv_accept(listener, (uv_stream_t *)&v->tcp) != 0 || v->http == NULL ||
        uv_read_start((uv_stream_t *)&v->tcp, on_alloc, on_read) != 0) {
        leave(v);
        return;
    }
    (void)uv_timer_start(&v->timer, on_patience, (uint64_t)(r->hub->options->http_timeout * 1000), 0);
    if (r->count > r->hub->options->http_connections)
        make_room(r);
}

so_status so_redirect_open(so_redirect **out, so_loop *loop, const char *where, so_hub *hub, so_error *err)
{
    so_redirect *r = calloc(1, sizeof *r);
    char *copy = strdup(where);
    so_list list = {.items = {copy}, .count = 1};
    so_status status = SO_NO_MEMORY;

    if (r != NULL && copy != NULL) {
        r->loop = loop;
        r->hub = hub;
        status = so_listeners_open(&r->listeners, loop, &list, on_incoming, r, err);
    }
    free(copy);
    if (status != SO_OK)
        free(r);
    else
        *out = r;
    return status;
}

void so_redirect_close(so_redirect *r)
{
    if (r == NULL)
        return;
    r->closing = true;
    so_listeners_close(&r->listeners);
    while (r->visitors != NULL)
        leave(r->visitors);
    free_if_done(r);
}

unsigned so_redirect_port(const so_redirect *r)
{
    return r->listeners.first_port;
}
