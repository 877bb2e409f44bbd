/* Data channels of a pair: what one end sent in which, and what the other has of it. */
#ifndef SOTTO_TESTS_SIM_PAIR_DATA_H
#define SOTTO_TESTS_SIM_PAIR_DATA_H

#include "peer/peer.h"

#define SIM_CHANNELS 256
#define SIM_MESSAGES 8192
/* The first ones are negotiated, and there in both directions; the others are of the end that opens them. */
#define SIM_NEGOTIATED 2

/* A channel in one direction, as its number names it for good. */
typedef struct sim_channel {
    so_sctp_channel terms;
    uint16_t id;
    bool open, closing; /* for the end that sends */
    bool known, over;   /* to the end that receives */
    uint32_t sent, next, taken;
} sim_channel;

typedef struct sim_message {
    unsigned channel;
    uint32_t place; /* in its channel */
    size_t len;
    bool text, taken;
} sim_message;

typedef struct sim_data {
    bool connected;
    so_msec say_until, say_at; /* SIM_NEVER: not */
    sim_channel channels[SIM_CHANNELS];
    unsigned channel_count;
    sim_message *sent; /* SIM_MESSAGES */
    unsigned sent_count;
    unsigned taken; /* of the other end's */
} sim_data;

#endif
