/*
 * One TLS connection over TCP, server or client: plaintext in and out of the loop. Writes wait until the end of the
 * loop's turn and leave together; while nothing is under way a stream holds no buffer.
 */
#ifndef SOTTO_NET_STREAM_H
#define SOTTO_NET_STREAM_H

#include "base/address.h"
#include "net/loop.h"
#include "net/tls.h"

typedef struct so_stream so_stream;

typedef struct so_stream_events {
    /* The handshake is done: for a client, the server's certificate chains to a trusted CA and names the host. */
    void (*open)(so_stream *stream, void *user);
    void (*data)(so_stream *stream, void *user, const uint8_t *bytes, size_t len);
    /* The last call, also after so_stream_finish and so_stream_abort. why->status is SO_OK for an orderly end. */
    void (*closed)(so_stream *stream, void *user, const so_error *why);
} so_stream_events;

/* Takes a connection that waits on listener. NULL: it was refused at once (no memory, or it is gone already). */
so_stream *so_stream_accept(so_loop *loop, uv_stream_t *listener, SSL_CTX *ctx, const so_stream_events *events,
                            void *user);

/*
 * Looks host up, connects and shakes hands. Errors come through closed, later. as: connect to this name or address
 * in host's place (tests, and hosts that are not in the DNS), or NULL.
 */
so_status so_stream_connect(so_stream **stream, so_loop *loop, SSL_CTX *ctx, const char *host, uint16_t port,
                            const char *as, const so_stream_events *events, void *user) SO_MUST_CHECK;

/* What it says that it speaks, in the place of http/1.1: ALPN (RFC 7301), each name behind its length. Right after
 * so_stream_connect. */
so_status so_stream_speak(so_stream *stream, const uint8_t *protocols, size_t len) SO_MUST_CHECK;

/* Gives a stream, from now on, to another owner. */
void so_stream_bind(so_stream *stream, const so_stream_events *events, void *user);

/* Queues bytes. When memory is short the stream is aborted. */
void so_stream_write(so_stream *stream, const void *bytes, size_t len);
/* Bytes that were written and that the kernel has not taken yet. */
size_t so_stream_backlog(const so_stream *stream);
/* Sends what is queued, close_notify and FIN, waits a little for the peer's end, then closes. */
void so_stream_finish(so_stream *stream);
/* Closes at once; nothing more is sent. */
void so_stream_abort(so_stream *stream);

so_tls_facts so_stream_facts(const so_stream *stream);
/* Of a client whose handshake is done: so_tls_chain. */
so_status so_stream_chain(const so_stream *stream, so_certs **chain) SO_MUST_CHECK;
/* The peer's address as 16 bytes, IPv4 as ::ffff:a.b.c.d. */
so_status so_stream_peer(const so_stream *stream, uint8_t address[16]) SO_MUST_CHECK;
/* Is this end's own address that one? The port does not matter. */
bool so_stream_is_from(const so_stream *stream, const so_address *address);

#endif
