/* The UDP sockets of one end: one for each address of this machine, so that each datagram's own end is known. */
#ifndef SOTTO_NET_UDP_H
#define SOTTO_NET_UDP_H

#include "base/address.h"
#include "net/loop.h"

#define SO_UDP_SOCKETS 16

typedef struct so_udp so_udp;

typedef struct so_udp_events {
    /* bytes may be written to; they live for the call. */
    void (*receive)(void *user, const so_address *local, const so_address *remote, uint8_t *bytes, size_t len);
    /* A socket is there, and its address with the port; the address has left this machine, and the socket with it. */
    void (*came)(void *user, const so_address *base);
    void (*gone)(void *user, const so_address *base);
} so_udp_events;

/*
 * Binds a port of the system's choice on every address that may reach another end: not loopback, unless there is
 * nothing else or `loopback`; not link-local. came is called for each, from here. SO_IO: not even one.
 */
so_status so_udp_open(so_udp **udp, so_loop *loop, bool loopback, const so_udp_events *events, void *user,
                      so_error *err) SO_MUST_CHECK;
/* Looks again which addresses this machine has: gone and came are called from here. */
void so_udp_look(so_udp *udp);
/* Its sockets close later, in the loop. */
void so_udp_close(so_udp *udp);

/* A datagram that the kernel does not take at once is dropped, as on any path. */
void so_udp_send(so_udp *udp, const so_address *local, const so_address *remote, const uint8_t *bytes, size_t len);

#endif
