/*
 * Inside of the TURN client: what its files share. Every permission and every channel has one request of its own at
 * most, so that nothing has to be looked for and nothing can pile up.
 *
 *   turn.c      life, requests and their times      turn_answers.c  what the server answers, and why it fails
 *   turn_wire.c wrapping, unwrapping, the stream's edges
 */
#ifndef SOTTO_ICE_TURN_INSIDE_H
#define SOTTO_ICE_TURN_INSIDE_H

#include "ice/turn.h"

#define TURN_PERMISSIONS 32
#define TURN_CHANNELS 8
#define TURN_REQUESTS (1 + TURN_PERMISSIONS + TURN_CHANNELS)
#define TURN_SESSION 0 /* the request that asks for, keeps or gives back the allocation itself */
#define TURN_FIRST_PERMISSION 1
#define TURN_FIRST_CHANNEL (1 + TURN_PERMISSIONS)
#define TURN_NEVER UINT64_MAX

#define TURN_PERMISSION_MS 300000 /* RFC 8656 §9: "MUST be 300 seconds" */
/* A binding lasts 600 s, and refreshes a permission of 300 s (RFC 8656 §12): both are asked for again after this. */
#define TURN_RENEW_MS 240000
/* RFC 8656 §12: a channel that has expired may mean another peer 5 minutes later, and not sooner. */
#define TURN_CHANNEL_MS 600000
#define TURN_CHANNEL_REST_MS 300000
#define TURN_FIRST_NUMBER 0x4000
#define TURN_LAST_NUMBER 0x4fff

typedef struct turn_request {
    bool live, due, authenticated;
    uint8_t sent, challenges;
    uint16_t method;
    uint8_t id[SO_STUN_ID];
    so_msec next; /* to be sent again, or given up */
} turn_request;

typedef struct turn_permission {
    bool used, granted, refused;
    so_address ip; /* port 0: a permission is for all ports of an address (RFC 8656 §9) */
    so_msec used_at, renew_at, until;
} turn_permission;

typedef struct turn_channel {
    bool used, bound, refused;
    uint16_t number;
    so_address peer;
    so_msec used_at, renew_at, until; /* until: of the binding; its number rests for a while after that */
} turn_channel;

struct so_turn {
    so_random random;
    bool stream;
    uint8_t family;
    so_turn_state state;
    so_stun_login login;
    so_turn_failure failure;
    so_address relayed;
    bool releasing;   /* what is due is the last word */
    bool clearing;    /* an allocation of somebody before us is in the way: it is given back first */
    bool cleared;     /* that was tried */
    so_msec renew_at; /* the allocation */
    so_msec deadline;
    uint16_t next_number;
    turn_request requests[TURN_REQUESTS];
    turn_permission permissions[TURN_PERMISSIONS];
    turn_channel channels[TURN_CHANNELS];
    /* the stream: a message that is not all there, and how much of one that is too long is still to come */
    uint8_t *held;
    size_t held_len, skip;
};

/* turn.c */
bool so_turn_begin(so_turn *t, so_msec now, unsigned request, uint16_t method);
/* Sends it anew, in a transaction of its own: with what a challenge brought, or after another word. */
bool so_turn_again(so_turn *t, so_msec now, unsigned request);
void so_turn_plan(so_turn *t); /* the deadline; every input that changes something ends with it */
void so_turn_fail(so_turn *t, const char *code, so_status status, const char *text);
void so_turn_lost(so_turn *t, so_msec now); /* the server has forgotten it: from the beginning */
turn_permission *so_turn_permission_of(so_turn *t, const so_address *peer);
turn_channel *so_turn_channel_of(so_turn *t, const so_address *peer);

/* turn_answers.c */
void so_turn_take_answer(so_turn *t, so_msec now, const so_stun_message *m);

/* A frame of a stream is this long, with its padding. */
#define TURN_HELD_MAX (SO_TURN_DATA_MAX + SO_TURN_OVERHEAD)

#endif
