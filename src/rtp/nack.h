/*
 * The receiver's side of retransmission for one stream (RFC 4585 §6.2.1): which packets are missing, when each is asked
 * for, when again, and when it is of no use any more. Time is an argument; memory is bounded.
 *
 * To drive it: so_nack_packet for each packet, so_nack_due at so_nack_deadline; what that gives goes into one NACK.
 */
#ifndef SOTTO_RTP_NACK_H
#define SOTTO_RTP_NACK_H

#include "base/clock.h"
#include "rtp/packet.h"

#define SO_NACK_MISSING 256 /* that are waited for; of a longer gap a new picture is the cure */
#define SO_NACK_TIMES 8     /* each is asked for */

typedef struct so_nack_entry {
    uint16_t seq;
    uint8_t asked; /* so many times */
    so_msec since; /* the gap showed */
    so_msec last;  /* when it was asked for, if it was */
} so_nack_entry;

typedef struct so_nack {
    bool started;
    uint16_t highest;
    so_msec patience;   /* how long a packet is of use after its gap showed */
    so_msec round_trip; /* to the sender and back */
    so_msec reorder;    /* how late packets are that were only overtaken: so long the first question waits */
    so_msec reorder_at; /* when that was learnt, or last became less */
    uint32_t given_up;  /* since so_nack_given_up was asked */
    size_t count;
    so_nack_entry missing[SO_NACK_MISSING]; /* in the order of their circle */
} so_nack;

void so_nack_init(so_nack *nack, so_msec patience);
/* As it is measured; before that 100 ms are supposed. */
void so_nack_round_trip(so_nack *nack, so_msec round_trip);

/* One packet came; repaired: as a retransmission, so that its time says nothing about the path's reordering. */
void so_nack_packet(so_nack *nack, uint16_t seq, bool repaired, so_msec now);
/* Nothing before seq is needed any more: a key frame begins there, or the decoder has gone on. */
void so_nack_forget(so_nack *nack, uint16_t seq);

/* What to ask for now, in the order of the circle, and counted as asked; at most cap. */
size_t so_nack_due(so_nack *nack, so_msec now, uint16_t *out, size_t cap);
/* UINT64_MAX: nothing is missing. */
so_msec so_nack_deadline(const so_nack *nack);

/* How many were given up since this was last asked: where there are any, only a key frame helps. */
uint32_t so_nack_given_up(so_nack *nack);

#endif
