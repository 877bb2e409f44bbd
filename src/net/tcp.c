#include "net/tcp.h"

#include "net/sockaddr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct so_tcp {
    uv_tcp_t handle;
    uv_connect_t connecting;
    so_loop *loop;
    const so_tcp_events *events;
    void *user;
    so_error why;
    uv_getaddrinfo_t *looking_up;
    struct addrinfo *addresses, *next_address;
    bool open, closed;
    size_t queued;
};

static void try_next_address(so_tcp *s);

static void on_closed(uv_handle_t *handle)
{
    so_tcp *s = handle->data;

    s->events->closed(s, s->user, &s->why);
    uv_freeaddrinfo(s->addresses);
    free(s);
}

void so_tcp_close(so_tcp *s)
{
    if (s->closed)
        return;
    s->closed = true;
    s->open = false;
    if (s->looking_up != NULL)
        s->looking_up->data = NULL;                /* its callback outlives the connection */
    if (!uv_is_closing((uv_handle_t *)&s->handle)) /* else on_retry sees it */
        uv_close((uv_handle_t *)&s->handle, on_closed);
}

static void fail(so_tcp *s, const char *what, int fault)
{
    if (s->why.status == SO_OK)
        (void)so_fail(&s->why, SO_IO, "relay",
                      "%s (%s); is it running, and does the network let TCP through to its port?", what,
                      uv_strerror(fault));
    so_tcp_close(s);
}

/* ---- receiving ---- */

static void on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
    so_tcp *s = handle->data;

    (void)hint;
    *buf = uv_buf_init(s->loop->net_in, SO_NET_IN);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    so_tcp *s = stream->data;

    if (s->closed || n == 0)
        return;
    if (n < 0)
        fail(s, "the relay closed the connection", (int)n);
    else
        s->events->data(s, s->user, (const uint8_t *)buf->base, (size_t)n);
}

/* ---- connecting ---- */

static void on_retry(uv_handle_t *handle)
{
    so_tcp *s = handle->data;

    if (s->closed) {
        on_closed(handle);
        return;
    }
    (void)uv_tcp_init(&s->loop->uv, &s->handle);
    s->handle.data = s;
    try_next_address(s);
}

static void on_connected(uv_connect_t *request, int status)
{
    so_tcp *s = request->handle->data;

    if (s->closed)
        return;
    if (status < 0 && s->next_address != NULL) {
        /* A handle whose connect failed can't be used again. */
        uv_close((uv_handle_t *)&s->handle, on_retry);
        return;
    }
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&s->handle, on_alloc, on_read);
    if (status < 0) {
        fail(s, "can't connect to the relay", status);
        return;
    }
    (void)uv_tcp_nodelay(&s->handle, 1);
    s->open = true;
    s->events->open(s, s->user);
}

static void try_next_address(so_tcp *s)
{
    const struct addrinfo *address = s->next_address;
    int fault;

    s->next_address = address->ai_next;
    fault = uv_tcp_connect(&s->connecting, &s->handle, address->ai_addr, on_connected);
    if (fault != 0)
        fail(s, "can't connect to the relay", fault);
}

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    so_tcp *s = request->data;

    free(request);
    if (s == NULL) {
        uv_freeaddrinfo(found);
        return;
    }
    s->looking_up = NULL;
    s->addresses = s->next_address = found;
    if (status == 0 && found != NULL)
        try_next_address(s);
    else
        fail(s, "the name of the relay can't be found", status);
}

so_status so_tcp_connect(so_tcp **out, so_loop *loop, const char *host, uint16_t port, const so_tcp_events *events,
                         void *user)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    so_tcp *s = calloc(1, sizeof *s);
    uv_getaddrinfo_t *request = malloc(sizeof *request);
    char service[8];

    *out = NULL;
    if (s == NULL || request == NULL) {
        free(s);
        free(request);
        return SO_NO_MEMORY;
    }
    s->loop = loop;
    s->events = events;
    s->user = user;
    s->looking_up = request;
    request->data = s;
    (void)snprintf(service, sizeof service, "%u", port);
    if (uv_getaddrinfo(&loop->uv, request, on_looked_up, host, service, &hints) != 0) {
        free(s);
        free(request);
        return SO_NO_MEMORY;
    }
    (void)uv_tcp_init(&loop->uv, &s->handle);
    s->handle.data = s;
    *out = s;
    return SO_OK;
}

/* ---- sending ---- */

typedef struct queued_write {
    uv_write_t request;
    size_t len;
    uint8_t bytes[];
} queued_write;

static void on_written(uv_write_t *request, int status)
{
    queued_write *q = request->data;
    so_tcp *s = request->handle->data;

    s->queued -= q->len;
    free(q);
    if (status < 0 && !s->closed)
        fail(s, "the connection to the relay broke", status);
}

void so_tcp_write(so_tcp *s, const void *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)bytes, (unsigned)len);
    int taken = 0, fault = UV_ENOMEM;
    queued_write *q;

    if (!s->open)
        return;
    if (s->queued == 0)
        taken = uv_try_write((uv_stream_t *)&s->handle, &buf, 1);
    if (taken < 0 && taken != UV_EAGAIN) {
        fail(s, "the connection to the relay broke", taken);
        return;
    }
    taken = taken < 0 ? 0 : taken;
    if ((size_t)taken == len)
        return;
    /* What the kernel does not take at once is copied and waits. */
    len -= (size_t)taken;
    q = malloc(sizeof *q + len);
    if (q != NULL) {
        memcpy(q->bytes, (const uint8_t *)bytes + taken, len);
        q->len = len;
        q->request.data = q;
        buf = uv_buf_init((char *)q->bytes, (unsigned)len);
        s->queued += len;
        fault = uv_write(&q->request, (uv_stream_t *)&s->handle, &buf, 1, on_written);
        if (fault == 0)
            return;
        s->queued -= len;
        free(q);
    }
    fail(s, "the connection to the relay can't be written to", fault);
}

size_t so_tcp_backlog(const so_tcp *s)
{
    return s->queued;
}

bool so_tcp_is_from(const so_tcp *s, const so_address *address)
{
    return so_sockaddr_is_of(&s->handle, address);
}
