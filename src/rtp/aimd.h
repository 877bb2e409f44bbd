/*
 * A rate that follows what the path carries (draft-ietf-rmcat-gcc-02 §5.5): up by a factor while nothing is known, up
 * by steps near what it carried when it was last too much, down to a share of what came.
 */
#ifndef SOTTO_RTP_AIMD_H
#define SOTTO_RTP_AIMD_H

#include "base/clock.h"
#include "rtp/trend.h"

/* All rates in bits per second. */
typedef struct so_aimd {
    double rate, least, most;
    double fast;     /* below it, the rate doubles each second */
    double capacity; /* what came when it was too much, on average; 0: unknown */
    double spread;   /* how far that varies, as a share of it squared */
    so_msec updated; /* 0: never */
    so_msec calm;    /* since when nothing has lowered it */
} so_aimd;

void so_aimd_init(so_aimd *aimd, uint64_t start, uint64_t least, uint64_t most);
/*
 * measured: what came lately (0: unknown yet); response: ms from a change here to what is seen of it. The rate never
 * grows beyond one and a half times what was measured: what was not tried is not known to be carried. true: it was
 * lowered.
 */
bool so_aimd_update(so_aimd *aimd, so_trend_sign sign, uint64_t measured, so_msec response, so_msec now);
/* For another reason: down to a rate, at which the path lost packets. */
void so_aimd_cut(so_aimd *aimd, double rate, uint64_t measured, so_msec now);
/* Nothing is heard of the path: half, and back up to where it was as fast as at the beginning. */
void so_aimd_halve(so_aimd *aimd, so_msec now);

#endif
