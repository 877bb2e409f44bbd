#include "rtp/stats.h"

#include <string.h>

#define ROUNDING (65536u / 64)  /* of the clocks at both ends together, in 1/65536 s */
#define NTP_OF_UNIX 2208988800u /* seconds from 1900 to 1970 */

/* RFC 3550 A.1 */
#define MAX_DROPOUT 3000
#define MAX_MISORDER 100

#define MAX_JITTER_S 10 /* more between two packets is a jump of the timestamps */

#define LOST_MAX 0x7fffff
#define LOST_MIN (-0x800000)

void so_rtp_stats_init(so_rtp_stats *stats, uint32_t ssrc, uint32_t clock_rate)
{
    memset(stats, 0, sizeof *stats);
    stats->ssrc = ssrc;
    stats->clock_rate = clock_rate;
}

static void begin_at(so_rtp_stats *stats, uint16_t seq)
{
    stats->started = true;
    stats->highest = seq;
    stats->base = seq;
    stats->cycles = 0;
    stats->has_bad = false;
    stats->received = stats->expected_before = stats->received_before = 0;
}

/* update_seq of A.1. */
static bool take_number(so_rtp_stats *stats, uint16_t seq)
{
    uint16_t ahead = (uint16_t)(seq - stats->highest);

    if (!stats->started) {
        begin_at(stats, seq);
    } else if (ahead < MAX_DROPOUT) {
        if (seq < stats->highest)
            stats->cycles += 0x10000;
        stats->highest = seq;
        stats->has_bad = false;
    } else if (ahead <= 0x10000 - MAX_MISORDER) {
        if (!stats->has_bad || seq != stats->bad) {
            stats->has_bad = true;
            stats->bad = (uint16_t)(seq + 1);
            return false;
        }
        begin_at(stats, seq); /* two in sequence: the sender did jump */
    }
    /* else late, or twice */
    stats->received++;
    return true;
}

static uint32_t clock_units(const so_rtp_stats *stats, so_msec now)
{
    return (uint32_t)(now / 1000 * stats->clock_rate + now % 1000 * stats->clock_rate / 1000);
}

bool so_rtp_stats_packet(so_rtp_stats *stats, uint16_t seq, uint32_t timestamp, size_t payload_len, so_msec now)
{
    uint32_t transit = clock_units(stats, now) - timestamp, d;
    bool first = !stats->started;

    if (!take_number(stats, seq))
        return false;
    stats->octets += payload_len;
    d = transit - stats->transit;
    if (d > 0x80000000)
        d = 0u - d;
    stats->transit = transit;
    if (first)
        return true;
    /* J += (|D| - J) / 16, in sixteenths and rounded (A.8) */
    if (d < (uint64_t)stats->clock_rate * MAX_JITTER_S)
        stats->jitter += d - ((stats->jitter + 8) >> 4);
    return true;
}

void so_rtp_stats_sr(so_rtp_stats *stats, const so_rtcp_sender *sr, so_msec now)
{
    stats->has_sr = true;
    stats->lsr = so_ntp_middle(sr->ntp);
    stats->sr_at = now;
}

static uint32_t extended_highest(const so_rtp_stats *stats)
{
    return stats->cycles + stats->highest;
}

uint64_t so_rtp_stats_expected(const so_rtp_stats *stats)
{
    return stats->started ? (uint64_t)(extended_highest(stats) - stats->base) + 1 : 0;
}

int32_t so_rtp_stats_lost(const so_rtp_stats *stats)
{
    int64_t lost = (int64_t)(so_rtp_stats_expected(stats) - stats->received);

    return lost > LOST_MAX ? LOST_MAX : lost < LOST_MIN ? LOST_MIN : (int32_t)lost;
}

uint32_t so_rtp_stats_jitter(const so_rtp_stats *stats)
{
    return stats->jitter >> 4;
}

/* A.3; none when more came than were expected. */
static uint8_t fraction_lost(uint64_t expected, uint64_t received)
{
    uint64_t fraction;

    if (expected == 0 || received >= expected)
        return 0;
    fraction = ((expected - received) << 8) / expected;
    return fraction > 255 ? 255 : (uint8_t)fraction;
}

bool so_rtp_stats_report(so_rtp_stats *stats, so_msec now, so_rtcp_block *out)
{
    uint64_t expected = so_rtp_stats_expected(stats), delay;

    if (!stats->started || stats->received == stats->received_before)
        return false;
    memset(out, 0, sizeof *out);
    out->ssrc = stats->ssrc;
    out->fraction = fraction_lost(expected - stats->expected_before, stats->received - stats->received_before);
    out->lost = so_rtp_stats_lost(stats);
    out->highest = extended_highest(stats);
    out->jitter = so_rtp_stats_jitter(stats);
    if (stats->has_sr && now >= stats->sr_at) {
        delay = (now - stats->sr_at) * 65536 / 1000;
        out->lsr = stats->lsr;
        out->dlsr = delay > UINT32_MAX ? UINT32_MAX : (uint32_t)delay;
    }
    stats->expected_before = expected;
    stats->received_before = stats->received;
    return true;
}

bool so_rtp_round_trip(const so_rtcp_block *block, uint32_t arrival, uint32_t *out)
{
    uint32_t trip = arrival - block->lsr - block->dlsr;

    if (block->lsr == 0)
        return false;
    /* Two ends that round their clocks, to milliseconds or so, make less than nothing of a trip that took next to it.
     */
    if (trip >= 0u - ROUNDING)
        trip = 0;
    if (trip > 0x80000000)
        return false;
    *out = trip;
    return true;
}

uint64_t so_ntp_of_unix_msec(uint64_t msec)
{
    return (msec / 1000 + NTP_OF_UNIX) << 32 | (msec % 1000 << 32) / 1000;
}

uint64_t so_unix_msec_of_ntp(uint64_t ntp)
{
    return (ntp >> 32) * 1000 - (uint64_t)NTP_OF_UNIX * 1000 + ((ntp & 0xffffffff) * 1000 >> 32);
}

uint32_t so_ntp_middle(uint64_t ntp)
{
    return (uint32_t)(ntp >> 16);
}
