/* What stream.c and connect.c share of a stream, and nobody else may know. */
#ifndef SOTTO_NET_STREAM_INSIDE_H
#define SOTTO_NET_STREAM_INSIDE_H

#include "net/stream.h"

typedef enum stream_state {
    AWAITS_CONNECTION, /* client: name look-up, then TCP */
    AWAITS_HANDSHAKE,
    OPEN,
    AWAITS_PEER_END, /* our side is finished; the peer may still read what was sent */
    CLOSED,          /* uv_close is under way */
} stream_state;

struct so_stream {
    uv_tcp_t tcp;
    so_loop *loop;
    SSL *ssl;
    const so_stream_events *events;
    void *user;
    so_error *why; /* NULL: an orderly end */
    char *host;    /* client: what the certificate must name */
    uint16_t port;
    uv_getaddrinfo_t *looking_up;
    struct addrinfo *addresses; /* client: all that host stands for, while one is being tried */
    struct addrinfo *next_address;
    stream_state state;
    bool dirty, finishing, peer_ended;
    const char *in; /* bytes of the kernel that TLS has not taken; only while reading */
    size_t in_len;
    uint8_t *plain; /* bytes for the next flush */
    size_t plain_len, plain_cap;
    size_t queued; /* ciphertext that waits for the kernel */
    so_msec linger_until;
    so_stream *next_dirty, *next_lingering;
};

/* The one place where a stream's state changes; why is for a reader with a debugger. */
void so_stream_set_state(so_stream *s, stream_state state, const char *why);
/* Keeps the first fault for events->closed. */
void so_stream_fail(so_stream *s, so_status status, const char *layer, const char *text);
void so_stream_close(so_stream *s, const char *why);
void so_stream_on_closed(uv_handle_t *handle);

so_stream *so_stream_new(so_loop *loop, SSL_CTX *ctx, const so_stream_events *events, void *user);
/* For uv_close of a stream that its owner never had: events->closed is not called. */
void so_stream_on_refused(uv_handle_t *handle);
/* TCP is there: reads, and as a client begins the handshake. */
bool so_stream_begin(so_stream *s);

#endif
