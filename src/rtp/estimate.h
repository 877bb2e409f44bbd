/*
 * How many bits per second the path to the peer carries, for everything that is sent on it: from transport-cc feedback
 * (delay and losses), or, where the peer has none, from its reports' losses and round trips; a REMB is an upper bound.
 *
 * To drive it: so_estimate_sent for each packet; so_estimate_result for each so_sent_result of a feedback and then
 * so_estimate_feedback; so_estimate_tick at so_estimate_deadline. After each input, so_estimate_event may have news.
 */
#ifndef SOTTO_RTP_ESTIMATE_H
#define SOTTO_RTP_ESTIMATE_H

#include "rtp/aimd.h"
#include "rtp/loss.h"
#include "rtp/meter.h"
#include "rtp/sent.h"
#include "rtp/trend.h"

/* Bits per second. */
typedef struct so_estimate_limits {
    uint64_t start, least, most;
} so_estimate_limits;

typedef struct so_estimate {
    so_aimd aimd;
    so_trend trend;
    so_loss loss;
    so_meter sent, acked;
    so_lowest trips;    /* round trips in ms, of reports */
    uint64_t remb;      /* UINT64_MAX: there is none */
    bool heard;         /* transport-cc feedback came at some time */
    bool reported;      /* or a report */
    double response;    /* ms from a packet's leaving to the feedback that tells of it */
    so_usec newest;     /* when the last packet left that this feedback tells of */
    so_msec unanswered; /* when the first packet left after the last feedback; UINT64_MAX: none did */
    uint64_t told;      /* by the last event */
} so_estimate;

void so_estimate_init(so_estimate *estimate, const so_estimate_limits *limits);

/* One packet left, of so many bytes on the wire. */
void so_estimate_sent(so_estimate *estimate, size_t bytes, so_usec now);
void so_estimate_result(so_estimate *estimate, const so_sent_result *result);
/* These were all of a feedback's results. */
void so_estimate_feedback(so_estimate *estimate, so_msec now);
/*
 * A report block about a stream of ours (RFC 3550 §6.4.1): the fraction it says is lost, of how many packets since the
 * one before, and the round trip in ms if it is known (else 0). Of no account once transport-cc feedback came.
 */
void so_estimate_report(so_estimate *estimate, uint8_t fraction, uint32_t packets, so_msec round_trip, so_msec now);
/* The peer's own estimate; UINT64_MAX: none any more. */
void so_estimate_remb(so_estimate *estimate, uint64_t bitrate);

/* Where no feedback comes for what was sent, the rate is halved. */
void so_estimate_tick(so_estimate *estimate, so_msec now);
so_msec so_estimate_deadline(const so_estimate *estimate);

/* Bits per second for everything that is sent. */
uint64_t so_estimate_rate(const so_estimate *estimate);
/* What video may have of it beside so many for audio, with room left for what must be sent again. */
uint64_t so_estimate_video(const so_estimate *estimate, uint64_t audio);
/* true: the rate has changed enough, by a fiftieth down or a twentieth up, for an encoder to follow it. */
bool so_estimate_event(so_estimate *estimate, uint64_t *rate);

#endif
