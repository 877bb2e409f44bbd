/*
 * The receiver's side of transport-wide congestion control: which numbers came and when, until a feedback has told it.
 * Bounded: what jumps further than the memory reaches begins anew.
 *
 * To drive it: so_arrivals_packet for each packet with a number, so_arrivals_write as long as so_arrivals_deadline is
 * not after now.
 */
#ifndef SOTTO_RTP_ARRIVALS_H
#define SOTTO_RTP_ARRIVALS_H

#include "rtp/transport_cc.h"

#define SO_ARRIVALS_KEPT 1024 /* numbers, a power of two */
#define SO_ARRIVALS_ROOM 640  /* bytes that a feedback may take */

typedef struct so_arrivals {
    bool started;
    uint16_t begin; /* the first number that no feedback told of */
    uint16_t end;   /* after the highest that came */
    uint8_t number; /* of the next feedback */
    size_t waiting; /* packets that came and are not told of */
    so_msec since;  /* the first of them came */
    so_usec at[SO_ARRIVALS_KEPT];
} so_arrivals;

void so_arrivals_init(so_arrivals *arrivals);
void so_arrivals_packet(so_arrivals *arrivals, uint16_t number, so_usec at);
/* UINT64_MAX: there is nothing to tell. */
so_msec so_arrivals_deadline(const so_arrivals *arrivals);
/*
 * Adds one feedback; sender and media: SSRCs, ours and any of theirs. false: there was nothing to tell, or less room
 * than SO_ARRIVALS_ROOM, and what waited is forgotten.
 */
bool so_arrivals_write(so_arrivals *arrivals, so_writer *w, uint32_t sender, uint32_t media);

#endif
