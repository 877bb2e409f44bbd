/*
 * One plain TCP connection to a server: for TURN alone, where the network lets no datagrams through. What goes over it
 * is what would go in datagrams in the open as well: requests that are signed, and media that is encrypted end to end.
 * Nothing of the signaling can come here.
 */
#ifndef SOTTO_NET_TCP_H
#define SOTTO_NET_TCP_H

#include "base/address.h"
#include "net/loop.h"

typedef struct so_tcp so_tcp;

typedef struct so_tcp_events {
    void (*open)(so_tcp *tcp, void *user);
    void (*data)(so_tcp *tcp, void *user, const uint8_t *bytes, size_t len);
    /* The last call, also after so_tcp_close. */
    void (*closed)(so_tcp *tcp, void *user, const so_error *why);
} so_tcp_events;

/* Looks host up and connects, to one of its addresses after the other. Errors come through closed, later. */
so_status so_tcp_connect(so_tcp **tcp, so_loop *loop, const char *host, uint16_t port, const so_tcp_events *events,
                         void *user) SO_MUST_CHECK;
/* When memory is short the connection is closed. */
void so_tcp_write(so_tcp *tcp, const void *bytes, size_t len);
bool so_tcp_is_from(const so_tcp *tcp, const so_address *address); /* as so_stream_is_from */
size_t so_tcp_backlog(const so_tcp *tcp);                          /* bytes that the kernel has not taken yet */
void so_tcp_close(so_tcp *tcp);

#endif
