/*
 * Many peers behind one UDP socket (or one for each address of this machine): for a gateway, or anything else that
 * holds more calls than a socket each would be good for. What comes is told apart by ICE's ufrag (RFC 8445 §7.1.1) and
 * transaction, and then by the address that ICE has validated; packets go in and out in batches, and one timer wheel
 * has all deadlines.
 *
 * One loop and one thread have one hub. Who has more cores gives each a loop, an engine and a hub with a port of its
 * own, and each peer to one of them.
 *
 * Two peers can't share a path, the same address on both sides: the second one's checks are dropped, and it has to find
 * another way. So hubs do not call each other but over different ports, and a peer in a hub uses no TURN server of UDP.
 */
#ifndef SOTTO_NET_HUB_H
#define SOTTO_NET_HUB_H

#include "net/batch.h"
#include "net/loop.h"
#include "peer/peer.h"

/* Addresses that a hub can be bound to. */
#define SO_HUB_SOCKETS 8

typedef struct so_hub so_hub;
typedef struct so_hub_member so_hub_member;

typedef struct so_hub_config {
    so_loop *loop;
    const so_address *addresses; /* where others reach this end; port 0: the system chooses. Copied */
    size_t address_count;
    /* What came of an input: each event of so_peer_event_next. May give any peer of the hub an input (then so_hub_drain
     * for another one than this), and remove this one or others. */
    void (*event)(void *user, so_hub_member *member, const so_peer_event *event);
    void *user;
} so_hub_config;

/* SO_BAD_INPUT: no address, or too many. SO_IO: one can't be bound; err names it. */
so_status so_hub_open(so_hub **hub, const so_hub_config *config, so_error *err) SO_MUST_CHECK;
/* All members were removed before. Its handles close later, in the loop. NULL is allowed. */
void so_hub_close(so_hub *hub);

/* The i-th address with its port; false: there are no more. */
bool so_hub_address(const so_hub *hub, size_t i, so_address *out);

/*
 * The peer gets the hub's addresses, and is driven by the hub from now on; it stays the caller's. After every input but
 * datagrams and ticks so_hub_drain is due.
 */
so_status so_hub_add(so_hub *hub, so_peer *peer, void *user, so_hub_member **member) SO_MUST_CHECK;
/* The peer can be freed then. Say so_peer_close and so_hub_drain before, if the other end is to hear of it. */
void so_hub_remove(so_hub_member *member);
void so_hub_drain(so_hub_member *member);

so_peer *so_hub_peer(const so_hub_member *member);
void *so_hub_user(const so_hub_member *member);
so_msec so_hub_now(so_hub *hub);

typedef struct so_hub_counts {
    uint64_t strange;    /* datagrams of nobody: an unknown ufrag, or an address that no peer has validated */
    uint64_t taken;      /* checks from an address that is another peer's */
    so_batch_counts udp; /* all of them */
} so_hub_counts;
void so_hub_stats(const so_hub *hub, so_hub_counts *out);

#endif
