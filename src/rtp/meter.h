/* Bits per second over the last moments: of what was sent, came, or is known to have come. */
#ifndef SOTTO_RTP_METER_H
#define SOTTO_RTP_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SO_METER_PARTS 32
#define SO_METER_PART 20000 /* µs */

/* All zero: nothing was there. */
typedef struct so_meter {
    bool any;
    int64_t first, last; /* parts of time, counted from its zero */
    uint32_t bytes[SO_METER_PARTS];
} so_meter;

/* at: µs. What is older than the meter reaches does not count; a clock that was set begins anew. 0 bytes: time passes.
 */
void so_meter_add(so_meter *meter, size_t bytes, int64_t at);
/* Over the last parts that are over, fewer than SO_METER_PARTS. 0: it has not run so long, or nothing came. */
uint64_t so_meter_rate(const so_meter *meter, size_t parts);

#endif
