/* One outgoing stream: its numbers (RFC 3550 §5.1), what its sender reports say, and when reports are due (§6.2). */
#ifndef SOTTO_RTP_SENDER_H
#define SOTTO_RTP_SENDER_H

#include "base/clock.h"
#include "crypto/random.h"
#include "rtp/packet.h"
#include "rtp/rtcp.h"

typedef struct so_rtp_sender {
    uint32_t ssrc;
    uint8_t type;
    uint32_t clock_rate;
    uint16_t seq;       /* of the next packet */
    uint32_t offset;    /* random, added to media time (§5.1) */
    uint64_t packets;   /* sent; a SR has them modulo 2^32 */
    uint64_t octets;    /* of payload, likewise */
    uint32_t last_time; /* media time of the last packet, in clock units, without the offset */
    so_msec last_at;    /* when that was sent */
} so_rtp_sender;

/*
 * ssrc, offset and first number are random; the first number below 2^15, so that a receiver that misses the first
 * packets can't guess a wrong rollover counter (RFC 3711 §3.3.1).
 */
so_status so_rtp_sender_init(so_rtp_sender *sender, uint8_t type, uint32_t clock_rate,
                             const so_random *random) SO_MUST_CHECK;

/* The header fields of the next packet, in *packet (payload and extensions are the caller's), and counts it. */
void so_rtp_sender_next(so_rtp_sender *sender, uint32_t media_time, bool marker, size_t payload_len, so_msec now,
                        so_rtp_packet *packet);

/* What a SR says at now, which is ntp on the wall clock. */
void so_rtp_sender_report(const so_rtp_sender *sender, uint64_t ntp, so_msec now, so_rtcp_sender *out);

/*
 * When reports go out: the first after half a second or so, up to the fifth a second apart, then every five seconds;
 * each interval × 0.5 to 1.5 at random (§6.2, §6.3.1), so that the ends of many calls do not answer in step. Two
 * parties never reach the bandwidth share that §6.2 computes with (RFC 8834 §4.1 asks for RTCP, not for that sum).
 */
typedef struct so_rtcp_timer {
    so_random random;
    uint32_t sent;
    so_msec due;
} so_rtcp_timer;

so_status so_rtcp_timer_start(so_rtcp_timer *timer, const so_random *random, so_msec now) SO_MUST_CHECK;
bool so_rtcp_timer_due(const so_rtcp_timer *timer, so_msec now);
/* A report went out: sets the next time. */
so_status so_rtcp_timer_sent(so_rtcp_timer *timer, so_msec now) SO_MUST_CHECK;

#endif
