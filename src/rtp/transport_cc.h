/*
 * What a transport-cc feedback says of each packet (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): whether
 * it came, and when. rtp/arrivals.h decides what is told, rtp/sent.h what it means.
 */
#ifndef SOTTO_RTP_TRANSPORT_CC_H
#define SOTTO_RTP_TRANSPORT_CC_H

#include "base/clock.h"
#include "rtp/rtcp.h"

typedef struct so_rtcp_arrival {
    uint16_t number;
    bool received;
    int64_t at; /* if it was: µs on the receiver's clock, of which nothing is known; it starts anew after 12 days */
} so_rtcp_arrival;

/* Chunks say one status after the other. */
typedef struct so_rtcp_chunks {
    so_reader r;
    uint16_t word;
    uint16_t left; /* statuses of this word that are still to come */
} so_rtcp_chunks;

typedef struct so_rtcp_arrivals {
    so_rtcp_chunks chunks;
    so_reader deltas;
    uint16_t number;
    uint16_t left;
    int64_t ticks;
} so_rtcp_arrivals;

/* SO_BAD_INPUT: not whole, a reserved status, or more statuses than half the circle: none of it is to be used. */
so_status so_rtcp_arrivals_of(so_rtcp_arrivals *arrivals, const so_rtcp_transport_cc *feedback) SO_MUST_CHECK;
bool so_rtcp_arrival_next(so_rtcp_arrivals *arrivals, so_rtcp_arrival *out);

/* How long the circle of reference times is, in µs: 24 bits of 64 ms. */
#define SO_RTCP_REFERENCE_CIRCLE ((int64_t)64000 << 24)

/* Of a packet that did not come. */
#define SO_RTCP_NEVER UINT64_MAX
/* Statuses of one feedback that we write. */
#define SO_RTCP_ARRIVALS_MAX 512

/*
 * Writes the feedback about base and the count - 1 numbers after it; at: when each came. Says how many it tells of,
 * which are fewer where the room ends, or the time between two packets does not fit: the rest goes into the next one.
 * 0: none of them came, or there is no room.
 */
size_t so_rtcp_write_transport_cc(so_writer *w, uint32_t sender, uint32_t media, uint8_t feedback_number, uint16_t base,
                                  const so_usec *at, size_t count);

#endif
