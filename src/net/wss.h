/*
 * A WebSocket client over TLS (RFC 6455), for the signaling of native ends: the server's certificate is checked before
 * anything is said, and the answer to the upgrade is held to what RFC 6455 §4.1 demands.
 */
#ifndef SOTTO_NET_WSS_H
#define SOTTO_NET_WSS_H

#include "net/stream.h"
#include "net/url.h"
#include "net/ws.h"

typedef struct so_wss so_wss;

typedef struct so_wss_events {
    /* The upgrade is done: texts may go. */
    void (*open)(void *user);
    void (*text)(void *user, const char *text, size_t len);
    /*
     * The last call; the so_wss is gone after it. code: the Close frame's, SO_WS_ABNORMAL without one; http: the status
     * that the server answered in place of 101, else 0. why->layer is "certificate" where that was refused.
     */
    void (*closed)(void *user, unsigned code, unsigned http, const so_error *why);
} so_wss_events;

/*
 * Connects to https://host:port/signal. as: connect to this name or address in the host's place, or NULL. Failures come
 * through closed, later. url, ctx and events outlive it.
 */
so_status so_wss_connect(so_wss **wss, so_loop *loop, SSL_CTX *ctx, const so_url *url, const char *as,
                         const so_wss_events *events, void *user) SO_MUST_CHECK;
/* Only after open. A message that memory does not allow ends the connection. */
void so_wss_send(so_wss *wss, const char *text, size_t len);
/* Says goodbye and closes; closed follows. */
void so_wss_finish(so_wss *wss);
/* Closes at once; closed follows. */
void so_wss_abort(so_wss *wss);

/* Does it go from that address of this machine? */
bool so_wss_is_from(const so_wss *wss, const so_address *address);
so_tls_facts so_wss_facts(const so_wss *wss);
so_status so_wss_chain(const so_wss *wss, so_certs **chain) SO_MUST_CHECK;

#endif
