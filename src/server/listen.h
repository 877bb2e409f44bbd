/* The sockets that the server listens on. */
#ifndef SOTTO_SERVER_LISTEN_H
#define SOTTO_SERVER_LISTEN_H

#include "net/loop.h"
#include "server/options.h"

typedef void (*so_incoming_fn)(uv_stream_t *listener, void *user);

typedef struct so_listener so_listener;

typedef struct so_listeners {
    so_listener *items[SO_LIST_MAX];
    char names[SO_LIST_MAX][64]; /* "127.0.0.1:8443", the port that the system gave where 0 was asked for */
    size_t count;
    unsigned first_port;
} so_listeners;

/* where: ADDR:PORT each; empty for 127.0.0.1:8443 and, where there is IPv6, [::1]:8443. */
so_status so_listeners_open(so_listeners *listeners, so_loop *loop, const so_list *where, so_incoming_fn incoming,
                            void *user, so_error *err) SO_MUST_CHECK;
/* For an incoming connection that nobody takes: until it is accepted, libuv does not look at the listener again. */
void so_listener_turn_away(uv_stream_t *listener);
/* Twice does no harm. */
void so_listeners_close(so_listeners *listeners);

#endif
