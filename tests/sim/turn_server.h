/*
 * A TURN server (RFC 8656) without I/O, for clients that are told apart by their address: allocations, permissions,
 * channels and their lifetimes; long-term credentials with MD5 or with SHA-256 and hashed names; and refusals on
 * demand. It knows nothing of src/ice: what a client may send it checks by itself, and counts what it must not.
 */
#ifndef SOTTO_TESTS_SIM_TURN_SERVER_H
#define SOTTO_TESTS_SIM_TURN_SERVER_H

#include "base/clock.h"
#include "stun/build.h"

#define SIM_TURN_CLIENTS 8
#define SIM_TURN_PEERS 40

typedef struct sim_turn_grant {
    uint16_t number; /* of a channel; 0: a permission */
    so_address peer;
    so_msec until;
} sim_turn_grant;

typedef struct sim_turn_client {
    bool used;
    so_address from, relayed;
    uint8_t id[SO_STUN_ID]; /* of the request that made it: a second one of the same is answered again */
    so_msec until;
    sim_turn_grant grants[SIM_TURN_PEERS];
    unsigned count;
} sim_turn_client;

typedef struct sim_turn {
    so_address relay; /* its port counts up: one for each allocation */
    const char *user, *password, *realm;
    char nonce[64];
    bool sha256; /* offers algorithms, and wants names hashed */
    bool strips; /* somebody takes PASSWORD-ALGORITHMS out of its answers */
    uint32_t lifetime;
    uint16_t refuses; /* the error that every Allocate meets once it is authentic */
    uint16_t forbids; /* the error of every CreatePermission and ChannelBind */
    bool open;        /* asks for no credentials */
    sim_turn_client clients[SIM_TURN_CLIENTS];
    unsigned allocates, refreshes, releases, permissions, channels; /* that were granted */
    unsigned challenges, stale;                                     /* 401s and 438s that were answered */
    unsigned indications, channel_data, dropped;                    /* of clients */
    void (*to_client)(void *user, const so_address *client, const uint8_t *bytes, size_t len);
    void (*to_peer)(void *user, const so_address *relayed, const so_address *peer, const uint8_t *bytes, size_t len);
    void *user_data;
} sim_turn;

void sim_turn_open(sim_turn *turn, const so_address *relay);
void sim_turn_from_client(sim_turn *turn, so_msec now, const so_address *client, const uint8_t *bytes, size_t len);
void sim_turn_from_peer(sim_turn *turn, so_msec now, const so_address *relayed, const so_address *peer,
                        const uint8_t *bytes, size_t len);
/* The next request with the old nonce meets 438. */
void sim_turn_new_nonce(sim_turn *turn);
/* The allocation of that client; NULL: none. */
sim_turn_client *sim_turn_client_of(sim_turn *turn, so_msec now, const so_address *client);

#endif
