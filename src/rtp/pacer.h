/*
 * When the next packet may leave: a budget that fills at a factor above the estimate, so that a frame's packets do not
 * fall on the path at once. The queue itself is somebody else's.
 */
#ifndef SOTTO_RTP_PACER_H
#define SOTTO_RTP_PACER_H

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct so_pacer {
    double factor;
    double pace;  /* bits per second */
    double hurry; /* the pace that what waits needs, if it is more */
    double debt;  /* bits that left before their time at the instant `at`; negative: room that was not used */
    so_usec at;
} so_pacer;

/* percent: of the estimate, 100 to 500; 250 lets a key frame through soon, 125 keeps queues on the path short. */
void so_pacer_init(so_pacer *pacer, unsigned percent, uint64_t rate, so_usec now);
/* The estimate has changed. */
void so_pacer_rate(so_pacer *pacer, uint64_t rate, so_usec now);
/* What waits, and since when the oldest of it: it is not to wait for more than half a second. */
void so_pacer_waiting(so_pacer *pacer, size_t bytes, so_msec oldest, so_usec now);

bool so_pacer_ready(const so_pacer *pacer, so_usec now);
/* A packet left; sound does not ask whether it may, and is counted here like all else. */
void so_pacer_sent(so_pacer *pacer, size_t bytes, so_usec now);
/* When the next one may leave, if one waits. */
so_msec so_pacer_deadline(const so_pacer *pacer);

#endif
