/* Which packet indices were there: a replay window (RFC 3711 §3.3.2), and the guess at an index (§3.3.1). */
#ifndef SOTTO_SRTP_WINDOW_H
#define SOTTO_SRTP_WINDOW_H

#include "srtp/srtp.h"

#define SO_SRTP_INDEX_END ((uint64_t)1 << 48)

/* All zero: nothing was there. */
typedef struct so_srtp_window {
    uint64_t highest;
    bool any;
    uint64_t bits[SO_SRTP_WINDOW / 64]; /* a ring: index modulo SO_SRTP_WINDOW */
} so_srtp_window;

/* Not seen, and not older than the window reaches? */
bool so_srtp_window_fresh(const so_srtp_window *window, uint64_t index);
/* index is fresh. */
void so_srtp_window_mark(so_srtp_window *window, uint64_t index);

/*
 * The 48-bit index of a sequence number: ROC of the highest index, one more or one less, whichever comes nearest.
 * May be SO_SRTP_INDEX_END or more once the rollover counter is used up.
 */
uint64_t so_srtp_window_index(const so_srtp_window *window, uint16_t seq);

#endif
