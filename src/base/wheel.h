/*
 * Deadlines of many: a hierarchical timer wheel of milliseconds. Setting and taking back cost the same however many
 * there are. Nodes live inside the caller's own structs; nothing is allocated.
 */
#ifndef SOTTO_BASE_WHEEL_H
#define SOTTO_BASE_WHEEL_H

#include "base/clock.h"

#include <stdbool.h>

#define SO_WHEEL_LEVELS 4 /* 64 ms, 4 s, 4.4 min, 4.7 h; what is later is looked at again then */

typedef struct so_timer {
    struct so_timer *next, **before; /* before: what points here; NULL: it is not set */
    so_msec at;
    uint8_t level, slot; /* level SO_WHEEL_LEVELS: it is due */
} so_timer;

typedef struct so_wheel {
    so_msec now;
    so_timer *due;
    so_timer *slots[SO_WHEEL_LEVELS][64];
    uint64_t used[SO_WHEEL_LEVELS]; /* a bit for each slot that has a timer */
} so_wheel;

void so_wheel_init(so_wheel *wheel, so_msec now);
/* Sets it, or sets it anew. at: UINT64_MAX takes it back; what is past is due at once. */
void so_wheel_set(so_wheel *wheel, so_timer *timer, so_msec at);
/* One whose time has come, which is not set any more; NULL: none. Time never goes back. */
so_timer *so_wheel_take(so_wheel *wheel, so_msec now);
/* When to look again: never later than the first one's time, sometimes earlier. UINT64_MAX: never. */
so_msec so_wheel_next(const so_wheel *wheel);

#endif
