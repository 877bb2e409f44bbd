/*
 * The network between two hosts, in simulated time (clock.h): links that lose, delay, reorder, double and spoil
 * datagrams; NATs; a STUN server. What happens follows from sim_dice alone.
 *
 * To drive it: sim_world_send for each datagram; at sim_world_next, sim_world_step, which hands on what has arrived.
 */
#ifndef SOTTO_TESTS_SIM_WORLD_H
#define SOTTO_TESTS_SIM_WORLD_H

#include "clock.h"
#include "nat.h"

#include <stdio.h>

#define SIM_NEVER UINT64_MAX
#define SIM_BASES 4
#define SIM_PACKET 1500
#define SIM_FLIGHT 4096
#define SIM_SERVER 2 /* as who a datagram comes from */

/* Of what a host sends. Percent, and milliseconds. */
typedef struct sim_link {
    unsigned loss, doubled, spoiled;
    so_msec delay, jitter; /* each datagram takes delay to delay + jitter */
} sim_link;

typedef struct sim_host {
    unsigned site; /* private addresses reach those of the same site */
    so_address bases[SIM_BASES];
    unsigned base_count;
    sim_nat *nat; /* of its private IPv4 addresses; NULL: there is none */
    sim_link out;
    so_msec mute_from, mute_until; /* nothing of it gets out */
    bool gone;                     /* nothing gets out or in any more */
} sim_host;

typedef struct sim_packet {
    so_msec at;
    uint64_t order; /* of those at the same time the one that was sent first arrives first */
    unsigned from;  /* host, or SIM_SERVER */
    unsigned site;
    so_address src, dst;
    uint32_t tag; /* the sender's */
    bool spoiled;
    size_t spoiled_at; /* the byte with the bit that flipped; 0: the first one, or the end is missing */
    size_t len;
    uint8_t bytes[SIM_PACKET];
} sim_packet;

typedef struct sim_world sim_world;

struct sim_world {
    sim_host hosts[2];
    sim_nat nats[2];
    so_address servers[2]; /* STUN, IPv4 and IPv6; family 0: none */
    sim_packet *flight[SIM_FLIGHT];
    unsigned count;
    uint64_t orders, hash; /* hash: of every datagram that was sent, and of when */
    FILE *trace;           /* NULL: none */
    char blame[400];       /* what went wrong first; "": nothing */
    /* A datagram arrived at a host's base; it may be altered. */
    void (*deliver)(void *user, unsigned host, const so_address *local, sim_packet *packet);
    void *user;
};

/* Owns nothing but its datagrams in flight: sim_world_close frees them. */
void sim_world_open(sim_world *world);
void sim_world_close(sim_world *world);

so_address sim_address(const char *ip, uint16_t port);
void sim_world_base(sim_world *world, unsigned host, const char *ip, uint16_t port);

void sim_world_send(sim_world *world, unsigned host, const so_address *local, const so_address *remote,
                    const uint8_t *bytes, size_t len, uint32_t tag);
so_msec sim_world_next(const sim_world *world); /* SIM_NEVER: nothing is under way */
void sim_world_step(sim_world *world);          /* everything that arrives by now */

/* Notes what went wrong; the first one counts. Returns false. */
bool sim_blame(sim_world *world, const char *fmt, ...) SO_PRINTF(2, 3);
bool sim_is_fine(const sim_world *world);
void sim_trace(const sim_world *world, const char *fmt, ...) SO_PRINTF(2, 3);
void sim_hash(sim_world *world, const void *bytes, size_t len);
/* "STUN request", "DTLS ClientHello", "SRTP": never contents. */
const char *sim_kind(const uint8_t *bytes, size_t len);

#endif
