/*
 * Packets of one stream back into order: late ones are waited for, those that came too late or twice are dropped, and a
 * gap that stays open for too long is declared lost. Packets wait in blocks of a pool; time is an argument.
 *
 * To drive it: so_reorder_put for each packet, then so_reorder_take until it answers SO_REORDER_WAIT, which goes on
 * until so_reorder_deadline.
 */
#ifndef SOTTO_RTP_REORDER_H
#define SOTTO_RTP_REORDER_H

#include "base/clock.h"
#include "base/pool.h"
#include "base/status.h"

typedef struct so_reorder so_reorder;

/*
 * slots: packets that can wait, a power of two up to 16384. packet_cap: bytes that each may have, at most a block of
 * the pool, which outlives the buffer. delay: milliseconds for which a gap is waited for, counted from the arrival of
 * the first packet behind it. SO_BAD_INPUT: other values.
 */
so_status so_reorder_new(so_reorder **buffer, so_pool *pool, size_t slots, size_t packet_cap,
                         so_msec delay) SO_MUST_CHECK;
void so_reorder_free(so_reorder *buffer);
/* For a delay that adapts to the jitter measured; holds for gaps that are open already, too. */
void so_reorder_set_delay(so_reorder *buffer, so_msec delay);

typedef enum so_reorder_put_result {
    SO_REORDER_KEPT = 0,
    SO_REORDER_LATE,      /* its turn is over: delivered or declared lost */
    SO_REORDER_DUPLICATE, /* it waits here already */
    SO_REORDER_TOO_BIG,   /* longer than packet_cap */
    SO_REORDER_NO_MEMORY, /* it is lost, as on its way */
    SO_REORDER_FULL,      /* `slots` or more ahead of what is next: not kept. so_reorder_take now gives up gaps at
                             once until there is room: drain it and put this packet again */
} so_reorder_put_result;

/* Copies. The first packet ever decides where the stream begins; earlier ones are late. */
so_reorder_put_result so_reorder_put(so_reorder *buffer, uint16_t seq, const uint8_t *bytes, size_t len,
                                     so_msec now) SO_MUST_CHECK;

typedef enum so_reorder_take_result {
    SO_REORDER_WAIT = 0,
    SO_REORDER_PACKET, /* out is filled */
    SO_REORDER_LOST,   /* out->seq and the out->count - 1 after it were given up */
} so_reorder_take_result;

typedef struct so_reorder_out {
    uint16_t seq;
    uint16_t count;       /* 1 for a packet */
    const uint8_t *bytes; /* valid until the next so_reorder_take, reset or free */
    size_t len;
    so_msec arrived;
} so_reorder_out;

so_reorder_take_result so_reorder_take(so_reorder *buffer, so_msec now, so_reorder_out *out);

/* When the gap in front is given up; UINT64_MAX: nothing waits behind a gap; 0: there is something to take. */
so_msec so_reorder_deadline(const so_reorder *buffer);

/* Forgets all packets, and where the stream is. */
void so_reorder_reset(so_reorder *buffer);

typedef struct so_reorder_counts {
    uint64_t delivered, lost, late, duplicate,
        dropped; /* dropped: too big, or no memory; a packet that was put again counts once */
} so_reorder_counts;
void so_reorder_stats(const so_reorder *buffer, so_reorder_counts *out);

#endif
