/*
 * The sender's side of transport-wide congestion control: what left under which number, and what a feedback says became
 * of it. Bounded: what is older than the last SO_SENT_KEPT packets is forgotten.
 */
#ifndef SOTTO_RTP_SENT_H
#define SOTTO_RTP_SENT_H

#include "rtp/transport_cc.h"

#define SO_SENT_KEPT 1024 /* a power of two: at 1200 bytes and 300 ms from leaving to feedback, 30 Mbit/s */

typedef enum so_sent_state {
    SO_SENT_UNKNOWN, /* no feedback told of it */
    SO_SENT_LOST,
    SO_SENT_RECEIVED,
} so_sent_state;

typedef struct so_sent_packet {
    so_usec at;
    uint16_t bytes;
    uint8_t state; /* a so_sent_state */
} so_sent_packet;

typedef struct so_sent {
    uint16_t next;  /* the number of the next packet */
    uint32_t count; /* packets that are kept */
    bool heard;
    int32_t reference; /* of the last feedback */
    int64_t turned;    /* the same as a count that never starts anew */
    so_sent_packet packets[SO_SENT_KEPT];
} so_sent;

void so_sent_init(so_sent *sent);
/* One packet leaves, of so many bytes on the wire; the answer is the number that it carries. */
uint16_t so_sent_add(so_sent *sent, size_t bytes, so_usec now);

/* One packet that a feedback brought news of. */
typedef struct so_sent_result {
    uint16_t number;
    size_t bytes;
    so_usec sent;
    bool received;
    bool before;     /* it was told lost by an earlier feedback, and came after all */
    int64_t arrived; /* if received: µs on the receiver's clock */
} so_sent_result;

typedef struct so_sent_results {
    so_rtcp_arrivals arrivals;
    int64_t offset; /* µs, for the circle of reference times */
} so_sent_results;

/* Begins to go through a feedback. SO_BAD_INPUT: malformed, nothing has changed. */
so_status so_sent_feedback(so_sent *sent, const so_rtcp_transport_cc *feedback, so_sent_results *results) SO_MUST_CHECK;
/* The next packet with news, in the order of their numbers; false: that was all. */
bool so_sent_next(so_sent *sent, so_sent_results *results, so_sent_result *out);

#endif
