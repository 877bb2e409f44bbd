/*
 * What one address, and one connection, may ask of the server. Pure: time is an argument. Connections from one IPv6 /64
 * count as one address, since one person gets a whole /64.
 */
#ifndef SOTTO_SERVER_LIMITS_H
#define SOTTO_SERVER_LIMITS_H

#include "base/clock.h"
#include "base/table.h"

/* A token bucket: `rate` a `per` milliseconds, at most `burst` at once. */
typedef struct so_bucket {
    uint64_t spent; /* in units of 1/per of a token; falls by `rate` each millisecond */
    so_msec at;
} so_bucket;

bool so_bucket_take(so_bucket *bucket, unsigned rate, unsigned per, unsigned burst, so_msec now);

typedef struct so_limits so_limits;
typedef struct so_source so_source; /* one address */

typedef enum so_admission {
    SO_ADMITTED,
    SO_ADMITTED_TO_BE_TOLD, /* over the limit by a little: answer 429 to whatever it asks, then close */
    SO_TURNED_AWAY,         /* far over the limit: close without a word */
} so_admission;

so_limits *so_limits_new(const uint8_t seed[16], unsigned max_connections, unsigned per_address,
                         unsigned joins_a_minute);
void so_limits_free(so_limits *limits);

/* *source is set unless the answer is SO_TURNED_AWAY; it is given back with so_limits_leave. */
so_admission so_limits_enter(so_limits *limits, const uint8_t address[16], so_source **source);
void so_limits_leave(so_limits *limits, so_source *source, so_msec now);
bool so_limits_may_join(so_limits *limits, so_source *source, so_msec now);
/* Forgets addresses that have had no connection for a minute. */
void so_limits_sweep(so_limits *limits, so_msec now);

#endif
