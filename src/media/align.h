/*
 * Where the packets of a call belong in a file: RTP's clocks (RFC 3550 §5.1) begin anywhere and know nothing of each
 * other. At first what arrives together belongs together; once sender reports have told both clocks' wall-clock times
 * (§6.4.1), these decide. Times in the file never go back: of two tracks that are out of step, the one that is ahead of
 * the other's wall clock waits.
 */
#ifndef SOTTO_MEDIA_ALIGN_H
#define SOTTO_MEDIA_ALIGN_H

#include "media/codec.h"

#include <stdbool.h>

typedef struct so_align_track {
    bool begun;
    int64_t clock;    /* units a second */
    uint32_t last;    /* RTP time of the last packet, */
    int64_t units;    /* and the same without wrapping */
    int64_t shift_us; /* what makes it a time in the file */
    bool reported, reported_early;
    uint32_t early; /* a report that came before any packet */
    int64_t report_units, report_us;
} so_align_track;

typedef struct so_align { /* all zero at first */
    so_align_track tracks[SO_MEDIA_KINDS];
    bool begun;
    int64_t origin_us;
} so_align;

/* A sender report: RTP time rtp is ntp (seconds in the upper 32 bits) on the sender's wall clock. */
void so_align_report(so_align *align, so_media_kind kind, uint64_t ntp, uint32_t rtp);
/*
 * Where a packet belongs, in µs from the beginning of the file on. false: nowhere, it is not later than the last one. A
 * packet whose RTP time has left its time of arrival by 5 s is one of another stream, and belongs where it arrived.
 */
bool so_align_place(so_align *align, so_media_kind kind, uint32_t clock, uint32_t rtp, uint64_t arrival_us,
                    int64_t *file_us);

#endif
