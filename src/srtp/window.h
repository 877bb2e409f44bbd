/* Which packet indices were there: replay windows (RFC 3711 §3.3.2), and the guess at an index (§3.3.1). */
#ifndef SOTTO_SRTP_WINDOW_H
#define SOTTO_SRTP_WINDOW_H

#include "srtp/srtp.h"

/* What holds for nearly every packet: its way through the code is a straight one. */
#define SO_MOSTLY(condition) __builtin_expect(!!(condition), 1)

#define SO_SRTP_INDEX_END ((uint64_t)1 << 48)
#define SO_SRTP_WINDOW_WORDS (SO_SRTP_WINDOW / 64)

/*
 * All zero: nothing was there. Indices are kept in words of 64: `now` has the word that the highest one is in, and the
 * ring those before it, so that packets that come in order touch one line of the cache.
 */
typedef struct so_srtp_window {
    uint64_t highest;
    uint64_t now;
    bool any;
    uint64_t ring[SO_SRTP_WINDOW_WORDS];
} so_srtp_window;

/* For SRTCP, of which there are few packets: bit n of seen is index highest - n. */
typedef struct so_srtcp_window {
    uint64_t seen;
    uint32_t highest;
} so_srtcp_window;

/* What so_srtp_window_fresh asks of an index up to the highest. */
bool so_srtp_window_missing(const so_srtp_window *window, uint64_t index);
/* What so_srtp_window_mark does where the highest moves to another word, or an earlier word is meant. */
void so_srtp_window_mark_far(so_srtp_window *window, uint64_t index);

/* Not seen, and not older than the window reaches? */
static inline bool so_srtp_window_fresh(const so_srtp_window *window, uint64_t index)
{
    return !window->any || SO_MOSTLY(index > window->highest) || so_srtp_window_missing(window, index);
}

/* index is fresh. */
static inline void so_srtp_window_mark(so_srtp_window *window, uint64_t index)
{
    if (SO_MOSTLY(window->any && index / 64 == window->highest / 64)) {
        window->now |= (uint64_t)1 << (index % 64);
        window->highest = index > window->highest ? index : window->highest;
    } else {
        so_srtp_window_mark_far(window, index);
    }
}

/*
 * The 48-bit index of a sequence number: ROC of the highest index, one more or one less, whichever comes nearest.
 * May be SO_SRTP_INDEX_END or more once the rollover counter is used up.
 */
static inline uint64_t so_srtp_window_index(const so_srtp_window *window, uint16_t seq)
{
    uint64_t roc = window->highest >> 16;
    uint16_t last = (uint16_t)window->highest; /* s_l of §3.3.1 */
    uint16_t ahead = (uint16_t)(seq - last);

    if (!SO_MOSTLY(window->any))
        return seq;
    if (SO_MOSTLY(ahead > 0 && ahead < 0x8000)) /* what most packets are; the rule below says the same */
        return window->highest + ahead;
    if (last < 0x8000) {
        /* Before the very first rollover there is no ROC - 1: the number can only be one far ahead. */
        if (seq > last && seq - last > 0x8000 && roc > 0)
            roc--;
    } else if (last - 0x8000 > seq) {
        roc++;
    }
    return roc << 16 | seq;
}

bool so_srtcp_window_fresh(const so_srtcp_window *window, uint32_t index);
/* index is fresh. */
void so_srtcp_window_mark(so_srtcp_window *window, uint32_t index);

#endif
