/* Time is an argument. These are its types; only net, server, cli and media may read a clock. */
#ifndef SOTTO_BASE_CLOCK_H
#define SOTTO_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds on a clock that only moves forward; its zero means nothing. */
typedef uint64_t so_msec;

/* Microseconds on the same clock, for what measures a path: when packets left and came. A thousand are one so_msec. */
typedef uint64_t so_usec;

/* Seconds since 1970-01-01 UTC, as certificates and TURN credentials count. */
typedef int64_t so_unix;

#define SO_DAY ((so_unix)86400)

#endif
