/*
 * One allocation at one TURN server (RFC 8656): an address of the server's that is ours for a while, what may be sent
 * to it, and the wrapping of what goes through it. Sans I/O. It does not know its server's address: whoever drives it
 * gives it what came from there, datagrams of UDP or bytes of a stream (TCP, TLS), and nothing else.
 *
 * Give it one input, then drain so_turn_transmit, look at so_turn_state_of, and wait until so_turn_deadline. It takes
 * about 7 kB; no datagram makes it allocate, but for the key that a server's first challenge makes.
 */
#ifndef SOTTO_ICE_TURN_H
#define SOTTO_ICE_TURN_H

#include "base/clock.h"
#include "crypto/random.h"
#include "stun/login.h"

typedef struct so_turn so_turn;

/* The longest datagram of a peer that is taken. */
#define SO_TURN_DATA_MAX 2048
/* A wrapped datagram is at most so much longer than what is in it: a Send indication to an IPv6 address, padded. */
#define SO_TURN_OVERHEAD 52
/* The longest request. */
#define SO_TURN_REQUEST 1024

typedef enum so_turn_state {
    SO_TURN_AWAITS_START,      /* so_turn_start */
    SO_TURN_AWAITS_ALLOCATION, /* the server's word */
    SO_TURN_ALLOCATED,         /* so_turn_relayed is ours */
    SO_TURN_RELEASED,
    SO_TURN_FAILED, /* so_turn_failure_of; so_turn_start tries again */
} so_turn_state;

typedef struct so_turn_config {
    so_random random;
    bool stream;                       /* a stream is between, which loses nothing and has no edges */
    uint8_t family;                    /* of the relayed address: 4 or 6 */
    const char *username, *credential; /* copied; the second is a secret */
} so_turn_config;

/* SO_BAD_INPUT: no user name or credential, or one that is too long. */
so_status so_turn_new(so_turn **turn, const so_turn_config *config) SO_MUST_CHECK;
void so_turn_free(so_turn *turn); /* wipes the credential; takes NULL */

/* Asks for an allocation; of a stream once it is open. */
void so_turn_start(so_turn *turn, so_msec now);
/* The path may be another one: is the allocation still there? Where it is not, a new one is asked for. */
void so_turn_probe(so_turn *turn, so_msec now);
/* Gives the allocation back. It is said once; a server that does not hear it forgets by itself. */
void so_turn_release(so_turn *turn, so_msec now);
/* The stream broke or could not be made; code as of so_turn_failure. */
void so_turn_break(so_turn *turn, const char *code, const so_error *why);

/* What a peer sent; empty: nothing. bytes lie in what was given, or live until the next call. */
typedef struct so_turn_data {
    so_address remote;
    uint8_t *bytes;
    size_t len;
} so_turn_data;

/* Is a datagram from the server's address TURN's business, and not that of ICE, which asks servers too? */
bool so_turn_is_for(const uint8_t *bytes, size_t len);
/* Such a datagram. */
void so_turn_receive(so_turn *turn, so_msec now, uint8_t *bytes, size_t len, so_turn_data *data);
/* Bytes of the stream, up to the end of one message. Returns how many were taken; the rest is to be given again. */
size_t so_turn_read(so_turn *turn, so_msec now, const uint8_t *bytes, size_t len, so_turn_data *data);
void so_turn_tick(so_turn *turn, so_msec now);

so_msec so_turn_deadline(const so_turn *turn); /* UINT64_MAX: never */
/* The next request for the server; false: none is due. */
bool so_turn_transmit(so_turn *turn, uint8_t out[SO_TURN_REQUEST], size_t *len) SO_MUST_CHECK;

/*
 * Wraps a datagram for remote, and sees to it that the server lets through what comes back: requests may be due after
 * it, and should leave before it. carries: more than checks goes there; from the server's word on such datagrams have 4
 * bytes more, in place of 36 or 48. SO_STATE: there is no allocation. SO_REFUSED: the server will not have that peer.
 * SO_TOO_LONG: out is too small, or too many peers are in use. SO_BAD_INPUT: another family, or too long.
 */
so_status so_turn_wrap(so_turn *turn, so_msec now, const so_address *remote, bool carries, so_slice datagram,
                       uint8_t *out, size_t cap, size_t *len) SO_MUST_CHECK;

so_turn_state so_turn_state_of(const so_turn *turn);
const so_address *so_turn_relayed(const so_turn *turn); /* of SO_TURN_ALLOCATED */

/* code: "relay-unreachable", "relay-credentials", "relay-quota", "relay-elsewhere", "relay-refused", "relay-malformed"
 * or "relay-failed", which is this end's own fault. */
typedef struct so_turn_failure {
    const char *code;
    so_error error;
} so_turn_failure;
const so_turn_failure *so_turn_failure_of(const so_turn *turn); /* NULL: it did not fail */

#endif
