/*
 * A simulated bottleneck between senders that follow so_estimate and receivers that answer with transport-cc feedback:
 * one queue in bytes, a rate that can change, propagation, jitter with reordering, and losses by chance. Everything
 * between the ends is what goes over the wire: numbers there, RTCP bytes back. A step is a millisecond.
 */
#ifndef SOTTO_TESTS_LINK_H
#define SOTTO_TESTS_LINK_H

#include "unit.h"

#include "rtp/arrivals.h"
#include "rtp/estimate.h"
#include "rtp/pacer.h"
#include "rtp/sent.h"

#include <stdlib.h>

#define LINK_FLOWS 2
#define LINK_PACKETS 8192
#define LINK_BACK 256  /* feedbacks under way */
#define LINK_AUDIO 180 /* bytes each 20 ms: 72 kbit/s */
#define LINK_MTU 1200

typedef struct link_packet {
    int flow;
    uint16_t number;
    size_t bytes;
    so_usec at; /* when it comes to the receiver, once it has left the queue */
} link_packet;

typedef struct link_feedback {
    uint8_t bytes[1200];
    size_t len;
    so_usec at;
} link_feedback;

typedef struct link_flow {
    so_sent sent;
    so_estimate estimate;
    so_pacer pacer;
    so_arrivals arrivals;
    link_feedback back[LINK_BACK];
    size_t back_first, back_count;
    so_msec starts, ends; /* of its video; ends 0: never */
    uint64_t wants;       /* what its encoder makes at most */
    double frames;        /* so many were made */
    size_t held[4096];    /* sizes of packets that wait for the pacer */
    size_t held_first, held_count;
    int64_t clock;           /* the receiver's is so far off */
    uint64_t came;           /* bytes, since it was last set to 0 */
    uint64_t rates, samples; /* the estimate, summed up each ms */
} link_flow;

typedef struct link {
    uint64_t seed;
    so_usec now;
    uint64_t rate;  /* bits per second */
    size_t room;    /* bytes of the queue */
    so_usec delay;  /* each way */
    so_usec jitter; /* more, evenly drawn for each packet */
    unsigned loss;  /* of 1000 packets */
    bool deaf;      /* no feedback comes through */
    link_packet queue[LINK_PACKETS], far[LINK_PACKETS];
    size_t queue_first, queue_count, far_count, queued;
    double credit; /* bits that the link may still carry in this step */
    link_flow flows[LINK_FLOWS];
    size_t count;
} link;

static inline uint32_t link_draw(link *l, uint32_t below)
{
    uint8_t b[4];

    (void)unit_fill(&l->seed, b, sizeof b);
    return ((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3]) % below;
}

static inline link *link_new(uint64_t seed, uint64_t rate, so_usec delay, size_t room, size_t flows)
{
    link *l = calloc(1, sizeof *l);
    so_estimate_limits limits = {.start = 300000, .least = 50000, .most = 20000000};

    assert_non_null(l);
    l->seed = seed * 7919 + 1;
    l->now = 1000000;
    l->rate = rate;
    l->delay = delay;
    l->room = room;
    l->count = flows;
    for (size_t i = 0; i < flows; i++) {
        link_flow *f = &l->flows[i];

        so_sent_init(&f->sent);
        so_estimate_init(&f->estimate, &limits);
        so_pacer_init(&f->pacer, 150, limits.start, l->now);
        so_arrivals_init(&f->arrivals);
        f->clock = (int64_t)link_draw(l, 2000000000);
        f->wants = UINT64_MAX;
    }
    return l;
}

/* ms that a packet would wait which came to the queue now. */
static inline double link_waits(const link *l)
{
    return (double)l->queued * 8000 / (double)l->rate;
}

static inline void link_send(link *l, size_t flow, size_t bytes)
{
    link_flow *f = &l->flows[flow];
    uint16_t number = so_sent_add(&f->sent, bytes, l->now);

    so_estimate_sent(&f->estimate, bytes, l->now);
    so_pacer_sent(&f->pacer, bytes, l->now);
    if (l->queued + bytes > l->room || l->queue_count == LINK_PACKETS)
        return;
    l->queue[(l->queue_first + l->queue_count++) % LINK_PACKETS] = (link_packet){(int)flow, number, bytes, 0};
    l->queued += bytes;
}

/* An encoder of 30 frames a second that follows the estimate, beside sound. */
static inline void link_encode(link *l, size_t flow)
{
    link_flow *f = &l->flows[flow];
    so_msec now = l->now / 1000;
    uint64_t video = so_estimate_video(&f->estimate, LINK_AUDIO * 8 * 50);

    if (now % 20 == 0)
        link_send(l, flow, LINK_AUDIO);
    if (now < f->starts || (f->ends != 0 && now >= f->ends))
        return;
    if (video > f->wants)
        video = f->wants;
    f->frames += 0.03;
    if (f->frames >= 1) {
        size_t bytes = (size_t)(video / 30 / 8 * (80 + link_draw(l, 41)) / 100);

        f->frames -= 1;
        for (; bytes > 0 && f->held_count < 4096; bytes -= bytes < LINK_MTU ? bytes : LINK_MTU)
            f->held[(f->held_first + f->held_count++) % 4096] = bytes < LINK_MTU ? bytes : LINK_MTU;
    }
    so_pacer_rate(&f->pacer, so_estimate_rate(&f->estimate), l->now);
    while (f->held_count > 0 && so_pacer_ready(&f->pacer, l->now)) {
        link_send(l, flow, f->held[f->held_first]);
        f->held_first = (f->held_first + 1) % 4096;
        f->held_count--;
    }
}

static inline void link_carry(link *l)
{
    double each = (double)l->rate / 1000;

    l->credit = l->queue_count == 0 ? each : l->credit + each;
    while (l->queue_count > 0 && (double)l->queue[l->queue_first].bytes * 8 <= l->credit) {
        link_packet p = l->queue[l->queue_first];

        l->queue_first = (l->queue_first + 1) % LINK_PACKETS;
        l->queue_count--;
        l->queued -= p.bytes;
        l->credit -= (double)p.bytes * 8;
        p.at = l->now + 1000 - (so_usec)(l->credit / each * 1000) + l->delay;
        if (l->jitter > 0)
            p.at += link_draw(l, (uint32_t)l->jitter);
        if (link_draw(l, 1000) >= l->loss && l->far_count < LINK_PACKETS)
            l->far[l->far_count++] = p;
    }
}

static inline int link_earlier(const void *a, const void *b)
{
    const link_packet *pa = a, *pb = b;

    return pa->at < pb->at ? -1 : pa->at > pb->at;
}

static inline void link_arrive(link *l)
{
    size_t due = 0;

    qsort(l->far, l->far_count, sizeof *l->far, link_earlier);
    while (due < l->far_count && l->far[due].at <= l->now) {
        link_packet *p = &l->far[due++];
        link_flow *f = &l->flows[p->flow];

        so_arrivals_packet(&f->arrivals, p->number, (so_usec)((int64_t)p->at + f->clock));
        f->came += p->bytes;
    }
    l->far_count -= due;
    memmove(l->far, l->far + due, l->far_count * sizeof *l->far);
}

static inline void link_answer(link *l, link_flow *f)
{
    so_msec theirs = (so_msec)((int64_t)l->now + f->clock) / 1000;

    while (so_arrivals_deadline(&f->arrivals) <= theirs) {
        link_feedback *b = &f->back[(f->back_first + f->back_count) % LINK_BACK];
        so_writer w = so_writer_of(b->bytes, sizeof b->bytes);

        assert_true(so_arrivals_write(&f->arrivals, &w, 1, 2));
        b->len = so_writer_len(&w);
        b->at = l->now + l->delay;
        if (!l->deaf && link_draw(l, 1000) >= l->loss && f->back_count < LINK_BACK)
            f->back_count++;
    }
}

static inline void link_hear(link *l, link_flow *f)
{
    while (f->back_count > 0 && f->back[f->back_first].at <= l->now) {
        const link_feedback *b = &f->back[f->back_first];
        so_sent_results results;
        so_sent_result result;
        so_rtcp_transport_cc cc;
        so_rtcp_feedback feedback;
        so_rtcp_packet p;
        so_rtcp_iter iter;

        assert_int_equal(so_rtcp_parse(&iter, b->bytes, b->len, true), SO_OK);
        assert_true(so_rtcp_next(&iter, &p) && so_rtcp_read_feedback(&p, &feedback));
        assert_true(so_rtcp_read_transport_cc(&feedback, &cc));
        assert_int_equal(so_sent_feedback(&f->sent, &cc, &results), SO_OK);
        while (so_sent_next(&f->sent, &results, &result))
            so_estimate_result(&f->estimate, &result);
        so_estimate_feedback(&f->estimate, l->now / 1000);
        f->back_first = (f->back_first + 1) % LINK_BACK;
        f->back_count--;
    }
}

/* One millisecond. */
static inline void link_step(link *l)
{
    l->now += 1000;
    for (size_t i = 0; i < l->count; i++) {
        link_flow *f = &l->flows[i];

        link_hear(l, f);
        if (so_estimate_deadline(&f->estimate) <= l->now / 1000)
            so_estimate_tick(&f->estimate, l->now / 1000);
        link_encode(l, i);
        f->rates += so_estimate_rate(&f->estimate);
        f->samples++;
    }
    link_carry(l);
    link_arrive(l);
    for (size_t i = 0; i < l->count; i++)
        link_answer(l, &l->flows[i]);
}

static inline void link_run(link *l, so_msec ms)
{
    while (ms-- > 0)
        link_step(l);
}

#endif
