/* What a receiver knows of one source (RFC 3550 A.1, A.3, A.8), and what its reports say. Time is an argument. */
#ifndef SOTTO_RTP_STATS_H
#define SOTTO_RTP_STATS_H

#include "base/clock.h"
#include "rtp/rtcp.h"

/*
 * One source. RFC 3550's probation (two packets in sequence before a source counts) is left out: it guards against
 * stray packets, and here every packet has authenticated.
 */
typedef struct so_rtp_stats {
    uint32_t ssrc;
    uint32_t clock_rate; /* timestamp units per second */
    bool started;
    uint16_t highest; /* sequence number */
    uint32_t cycles;  /* << 16 already */
    uint32_t base;    /* extended: where counting began */
    uint16_t bad;     /* the number that would show that the sender restarted; see has_bad */
    bool has_bad;
    uint64_t received;                         /* packets, late ones and duplicates too */
    uint64_t octets;                           /* of payload */
    uint64_t expected_before, received_before; /* at the last report */
    uint32_t transit;
    uint32_t jitter; /* × 16, as A.8 keeps it */
    bool has_sr;
    uint32_t lsr;
    so_msec sr_at;
} so_rtp_stats;

void so_rtp_stats_init(so_rtp_stats *stats, uint32_t ssrc, uint32_t clock_rate);

/*
 * One packet came. false: its number is so far off that it is not counted until the next one in sequence confirms
 * it (A.1); the packet is still good to use.
 */
bool so_rtp_stats_packet(so_rtp_stats *stats, uint16_t seq, uint32_t timestamp, size_t payload_len, so_msec now);

/* The source's own report came. */
void so_rtp_stats_sr(so_rtp_stats *stats, const so_rtcp_sender *sr, so_msec now);

uint64_t so_rtp_stats_expected(const so_rtp_stats *stats);
/* Cumulative; negative with duplicates; held within the 24 bits with sign of a report. */
int32_t so_rtp_stats_lost(const so_rtp_stats *stats);
/* In timestamp units. */
uint32_t so_rtp_stats_jitter(const so_rtp_stats *stats);

/* What a report says now; the fraction lost starts anew. false: nothing came since the last one (§6.4: no block). */
bool so_rtp_stats_report(so_rtp_stats *stats, so_msec now, so_rtcp_block *out);

/*
 * Round trip in 1/65536 s from a block about a stream of ours, §6.4.1: arrival is the middle 32 bits of the NTP time at
 * which it came; of two clocks that are a little apart, 0. false: the block has no LSR yet, or the times can't be (a
 * clock was set: then it's nobody's fault).
 */
bool so_rtp_round_trip(const so_rtcp_block *block, uint32_t arrival, uint32_t *out);

/* Unix milliseconds to 32.32 NTP seconds since 1900 (RFC 3550 §4), back, and its middle 32 bits. */
uint64_t so_ntp_of_unix_msec(uint64_t msec);
uint64_t so_unix_msec_of_ntp(uint64_t ntp);
uint32_t so_ntp_middle(uint64_t ntp);

#endif
