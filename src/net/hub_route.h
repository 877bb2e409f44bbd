/* Whose a datagram is, where many share a socket. For src/net's hub alone. */
#ifndef SOTTO_NET_HUB_ROUTE_H
#define SOTTO_NET_HUB_ROUTE_H

#include "base/address.h"
#include "base/clock.h"
#include "base/table.h"
#include "crypto/digest.h"
#include "crypto/random.h"

#include <stdbool.h>

/* ufrags that name one member: its own, and that of before a restart. */
#define SO_ROUTE_NAMES 2

typedef struct so_route_name {
    so_node node;
    struct so_route_member *member;
} so_route_name;

typedef struct so_route_path so_route_path;
typedef struct so_route_asked so_route_asked;

/* Inside of whatever a member is. */
typedef struct so_route_member {
    so_route_name names[SO_ROUTE_NAMES]; /* the newer one first */
    unsigned name_count;
    so_route_path *paths;
    so_route_asked *asked;
} so_route_member;

typedef struct so_route {
    so_table names, paths, asked;
    so_route_asked *oldest, *newest; /* requests that are out */
} so_route;

so_status so_route_init(so_route *route, const so_random *random) SO_MUST_CHECK;
void so_route_end(so_route *route); /* every member was forgotten */

/* It is known by this ufrag from now on, and by the one before; false: no memory. The same one again is fine. */
bool so_route_name_it(so_route *route, so_route_member *member, const char *ufrag);
void so_route_forget(so_route *route, so_route_member *member);

/* The first four letters or more of a USERNAME, before its colon (RFC 8445 §7.2.2). NULL: nobody's. */
so_route_member *so_route_of_username(const so_route *route, so_slice username);

/* Between a socket and an address of the other end's. */
so_route_member *so_route_of_path(const so_route *route, unsigned socket, const so_address *remote);
/* false: no memory. It replaces whoever had it. */
bool so_route_add_path(so_route *route, so_route_member *member, unsigned socket, const so_address *remote);

/* A request goes out, whose answer will have this id (12 bytes). */
void so_route_ask(so_route *route, so_route_member *member, const uint8_t *id, so_msec now);
/* Whose answer this is; there is one alone. NULL: nobody's. */
so_route_member *so_route_answered(so_route *route, const uint8_t *id);

#endif
