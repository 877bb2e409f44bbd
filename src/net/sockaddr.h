/* Addresses as the system has them, and as everything above the sockets has them. */
#ifndef SOTTO_NET_SOCKADDR_H
#define SOTTO_NET_SOCKADDR_H

#include "base/address.h"

#include <sys/socket.h>
#include <uv.h>

/* Returns the length that bind, connect and sendto want. */
socklen_t so_sockaddr_of(struct sockaddr_storage *out, const so_address *address);
/* Neither IPv4 nor IPv6: family 0. */
so_address so_sockaddr_address(const struct sockaddr *from);
/* Is a connection's own address that one? The port does not matter. */
bool so_sockaddr_is_of(const uv_tcp_t *tcp, const so_address *address);

#endif
