/* The client's way to a stream: the name is looked up, each of its addresses is tried, and TLS told whom to expect. */
#include "net/stream_inside.h"

#include "crypto/verify.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static void try_next_address(so_stream *s);

/* A TCP handle whose connect failed can't be used again: it was closed, and is opened anew for the next address. */
static void on_retry(uv_handle_t *handle)
{
    so_stream *s = handle->data;

    if (s->state == CLOSED) {
        so_stream_on_closed(handle);
        return;
    }
    (void)uv_tcp_init(&s->loop->uv, &s->tcp);
    s->tcp.data = s;
    try_next_address(s);
}

static void connect_failed(so_stream *s, int status)
{
    so_error err;

    if (s->next_address != NULL) {
        uv_close((uv_handle_t *)&s->tcp, on_retry);
        return;
    }
    (void)so_fail(&err, SO_IO, "connection",
                  "can't connect to %s port %u: %s; is the server running, and the name right?", s->host, s->port,
                  uv_strerror(status));
    so_stream_fail(s, err.status, err.layer, err.text);
    so_stream_close(s, "connect failed");
}

static void on_connected(uv_connect_t *req, int status)
{
    so_stream *s = req->handle->data;

    free(req);
    if (s->state == CLOSED)
        return;
    if (status < 0) {
        connect_failed(s, status);
        return;
    }
    if (!so_stream_begin(s))
        so_stream_close(s, "can't read");
}

static void try_next_address(so_stream *s)
{
    uv_connect_t *req = malloc(sizeof *req);
    struct addrinfo *address = s->next_address;
    int fault = UV_ENOMEM;

    s->next_address = address->ai_next;
    if (req != NULL)
        fault = uv_tcp_connect(req, &s->tcp, address->ai_addr, on_connected);
    if (fault != 0) {
        free(req);
        connect_failed(s, fault);
    }
}

static void on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *found)
{
    so_stream *s = req->data;
    so_error err;

    free(req);
    if (s == NULL) {
        uv_freeaddrinfo(found);
        return;
    }
    s->looking_up = NULL;
    s->addresses = s->next_address = found;
    if (status == 0 && found != NULL) {
        try_next_address(s);
        return;
    }
    (void)so_fail(&err, SO_NOT_FOUND, "connection", "the name %s can't be found (%s); check the link and the network",
                  s->host, uv_strerror(status));
    so_stream_fail(s, err.status, err.layer, err.text);
    so_stream_close(s, "name look-up failed");
}

/* The certificate must name host; a name, not an address, is said to the server too (SNI, RFC 6066 §3). */
static bool demand_host(so_stream *s)
{
    struct in6_addr address;
    bool is_address = inet_pton(AF_INET, s->host, &address) == 1 || inet_pton(AF_INET6, s->host, &address) == 1;

    return so_verify_host(SSL_get0_param(s->ssl), s->host) &&
           (is_address || SSL_set_tlsext_host_name(s->ssl, s->host) == 1);
}

so_status so_stream_connect(so_stream **out, so_loop *loop, SSL_CTX *ctx, const char *host, uint16_t port,
                            const char *as, const so_stream_events *events, void *user)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC};
    so_stream *s = so_stream_new(loop, ctx, events, user);
    uv_getaddrinfo_t *req;
    char service[8];

    if (s == NULL)
        return SO_NO_MEMORY;
    s->host = strdup(host);
    s->port = port;
    SSL_set_connect_state(s->ssl);
    so_stream_set_state(s, AWAITS_CONNECTION, "made");
    (void)snprintf(service, sizeof service, "%u", port);
    req = malloc(sizeof *req);
    if (req != NULL)
        req->data = s;
    if (s->host == NULL || req == NULL || !demand_host(s) ||
        uv_getaddrinfo(&loop->uv, req, on_looked_up, as != NULL ? as : host, service, &hints) != 0) {
        free(req);
        free(s->host);
        uv_close((uv_handle_t *)&s->tcp, so_stream_on_refused);
        return SO_NO_MEMORY;
    }
    s->looking_up = req;
    *out = s;
    return SO_OK;
}

so_status so_stream_speak(so_stream *s, const uint8_t *protocols, size_t len)
{
    return SSL_set_alpn_protos(s->ssl, protocols, (unsigned)len) == 0 ? SO_OK : SO_CRYPTO;
}
