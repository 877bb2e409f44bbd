/*
 * The receiver's own estimate of what the path carries, for senders that have nothing better: told to them as a REMB
 * (draft-alvestrand-rmcat-remb-03). When packets left is known from abs-send-time, or else from a stream's timestamps.
 *
 * To drive it: so_remb_packet for each packet, so_remb_due after that.
 */
#ifndef SOTTO_RTP_REMB_H
#define SOTTO_RTP_REMB_H

#include "rtp/aimd.h"
#include "rtp/meter.h"
#include "rtp/trend.h"

/* How so_remb_packet takes the 24 bits of an abs-send-time: value << 8, in units of 2^-26 s. */
#define SO_REMB_SEND_TIME_RATE ((uint32_t)1 << 26)

typedef struct so_remb {
    so_aimd aimd;
    so_trend trend;
    so_meter meter;
    uint32_t rate; /* of the times below, in units per second; 0: none came */
    uint32_t time; /* of the last packet */
    int64_t units; /* the same on a circle that never ends */
    so_msec updated;
    so_msec told_at; /* 0: never */
    uint64_t told;
    bool news; /* packets came since */
} so_remb;

/* Bits per second. */
void so_remb_init(so_remb *remb, uint64_t start, uint64_t least, uint64_t most);
/*
 * One packet of so many bytes came. time: when it left, in units of which a second has rate, on a circle of 32 bits: an
 * abs-send-time, or the timestamp of an RTP packet; then of one stream only, the one with the most bytes.
 */
void so_remb_packet(so_remb *remb, uint32_t time, uint32_t rate, size_t bytes, so_usec arrived);
/* true: a REMB is to be sent; once a second, and at once where the rate fell. */
bool so_remb_due(so_remb *remb, so_msec now, uint64_t *bitrate);

#endif
