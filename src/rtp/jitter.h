/*
 * How long to wait for the packets of one stream: so long that a hundredth of them come later, learnt from how late
 * each is against the quickest; up soon, down slowly. It says so to so_reorder_set_delay, and to whoever plays what
 * came. Memory is fixed, time is an argument.
 */
#ifndef SOTTO_RTP_JITTER_H
#define SOTTO_RTP_JITTER_H

#include "base/clock.h"
#include "rtp/lowest.h"

#include <stdbool.h>
#include <stddef.h>

#define SO_JITTER_BINS 101 /* of 5 ms; the last one is for all that is later */

typedef struct so_jitter {
    uint32_t clock_rate; /* timestamp units per second */
    so_msec least, most;
    so_msec delay;
    bool started;
    uint32_t timestamp; /* of the last packet */
    int64_t media;      /* the same in units, on a circle that never ends */
    int64_t transit;    /* µs */
    so_lowest quickest; /* µs */
    double seen;        /* packets, up to as many as it remembers */
    /* The share of packets that were so late; those of long ago count for less and less. */
    double shares[SO_JITTER_BINS];
} so_jitter;

void so_jitter_init(so_jitter *jitter, uint32_t clock_rate, so_msec least, so_msec most);
/* One packet came, for the first time and not as a retransmission. */
void so_jitter_packet(so_jitter *jitter, uint32_t timestamp, so_usec now);
/* Another stream, or its clock, begins; what was learnt of the path holds. */
void so_jitter_restart(so_jitter *jitter);

/* ms, within the bounds. */
so_msec so_jitter_delay(const so_jitter *jitter);

/* ms at most: after that a key frame is asked for, which has to come while a picture may still stand. */
#define SO_JITTER_REPAIR 600
/*
 * How long to wait for a gap in a stream whose lost packets are sent again: until it is asked for, and answered, once
 * more if the first answer is lost. Nothing waits so long but what is behind a gap.
 */
so_msec so_jitter_repair_delay(const so_jitter *jitter, so_msec round_trip);

#endif
