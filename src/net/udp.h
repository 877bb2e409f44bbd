/* The UDP sockets of one end: one for each address of this machine, so that each datagram's own end is known. */
#ifndef SOTTO_NET_UDP_H
#define SOTTO_NET_UDP_H

#include "base/address.h"
#include "net/loop.h"

#define SO_UDP_SOCKETS 16

typedef struct so_udp so_udp;

/* bytes may be written to; they live for the call. */
typedef void (*so_udp_fn)(void *user, const so_address *local, const so_address *remote, uint8_t *bytes, size_t len);

/*
 * Binds a port of the system's choice on every address that may reach another end: not loopback, unless there is
 * nothing else or `loopback`; not link-local. SO_IO: not even one.
 */
so_status so_udp_open(so_udp **udp, so_loop *loop, bool loopback, so_udp_fn receive, void *user,
                      so_error *err) SO_MUST_CHECK;
/* Its sockets close later, in the loop. */
void so_udp_close(so_udp *udp);

size_t so_udp_count(const so_udp *udp);
const so_address *so_udp_base(const so_udp *udp, size_t index);
/* A datagram that the kernel does not take at once is dropped, as on any path. */
void so_udp_send(so_udp *udp, const so_address *local, const so_address *remote, const uint8_t *bytes, size_t len);

#endif
