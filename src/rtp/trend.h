/*
 * Does a queue grow on the path? The trend of the one-way delay of groups of packets, held against a threshold that
 * adapts (draft-ietf-rmcat-gcc-02 §5, with a line through the last delays in the place of its Kalman filter), and how
 * long the queue is that even the quickest packets wait in.
 *
 * Sending and arrival are times on two clocks: only how their difference changes counts.
 */
#ifndef SOTTO_RTP_TREND_H
#define SOTTO_RTP_TREND_H

#include "base/clock.h"
#include "rtp/lowest.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum so_trend_sign {
    SO_TREND_STEADY,
    SO_TREND_RISING,  /* more is sent than the path carries */
    SO_TREND_FALLING, /* a queue empties */
} so_trend_sign;

#define SO_TREND_POINTS 20

/* Packets that left within 5 ms, or came back to back behind those: a pacer's or a path's burst. */
typedef struct so_trend_group {
    int64_t first_sent, last_sent;
    int64_t first_arrived, last_arrived;
} so_trend_group;

typedef struct so_trend {
    size_t groups; /* begun, until there are more than count */
    so_trend_group now, before;
    int64_t origin; /* arrival of the first group */
    double delay;   /* ms, since the beginning */
    double smooth;
    size_t count, next;
    struct {
        double at, delay; /* ms */
    } points[SO_TREND_POINTS];
    double slope, threshold;
    double over;     /* ms for which it has been over the threshold */
    int overs;       /* groups in which it was */
    int64_t adapted; /* the threshold, at an arrival */
    so_trend_sign sign;
    so_lowest quickest, quick; /* delays of the last half minute, and of the last tenth of a second */
    double late;               /* ms by which the last packet was later than the quickest */
    double usual;              /* the same, on average over some seconds */
    int waited;                /* how many packets in a row were later than the usual explains */
} so_trend;

void so_trend_init(so_trend *trend);
/* In the order of sending; both in µs. One that is out of that order is left out. */
void so_trend_packet(so_trend *trend, int64_t sent, int64_t arrived);
so_trend_sign so_trend_sign_of(const so_trend *trend);
/* ms that packets wait at least, over what they waited at best. */
double so_trend_queue(const so_trend *trend);

#endif
