/*
 * rtp/sent and rtp/estimate under any feedback: packets leave, any RTCP comes, time passes. The rate keeps to its
 * limits and deadlines move on. And rtp/arrivals under any numbers: what it writes is whole, and tells no more than
 * came.
 */
#include "rtp/arrivals.h"
#include "rtp/estimate.h"
#include "rtp/nack.h"
#include "rtp/pacer.h"
#include "rtp/remb.h"
#include "rtp/sent.h"

#include <stdlib.h>

#define LEAST 50000
#define MOST 8000000

typedef struct rig {
    so_sent sent;
    so_estimate estimate;
    so_pacer pacer;
    so_arrivals arrivals;
    so_remb remb;
    so_nack nack;
    so_usec now;
    so_reader input;
} rig;

static void check(bool good)
{
    if (!good)
        abort();
}

static void look(rig *r)
{
    uint64_t rate = so_estimate_rate(&r->estimate), told;

    check(rate >= LEAST && rate <= MOST);
    check(so_estimate_video(&r->estimate, LEAST) <= rate);
    if (so_estimate_event(&r->estimate, &told))
        check(told == rate && !so_estimate_event(&r->estimate, &told));
    so_pacer_rate(&r->pacer, rate, r->now);
    check(so_pacer_ready(&r->pacer, so_pacer_deadline(&r->pacer) * 1000));
    so_estimate_tick(&r->estimate, r->now / 1000);
    check(so_trend_queue(&r->estimate.trend) >= 0);
}

static void take_feedback(rig *r, const so_rtcp_feedback *f)
{
    uint64_t given = 0, sent = r->sent.count;
    so_rtcp_transport_cc cc;
    so_sent_results results;
    so_sent_result result;
    so_rtcp_remb remb;

    if (so_rtcp_read_remb(f, &remb))
        so_estimate_remb(&r->estimate, remb.bitrate);
    if (!so_rtcp_read_transport_cc(f, &cc) || so_sent_feedback(&r->sent, &cc, &results) != SO_OK)
        return;
    for (; so_sent_next(&r->sent, &results, &result); given++) {
        check(result.sent <= r->now && !(result.before && !result.received));
        so_estimate_result(&r->estimate, &result);
    }
    check(given <= sent);
    so_estimate_feedback(&r->estimate, r->now / 1000);
}

static void take_rtcp(rig *r, const uint8_t *bytes, size_t len)
{
    so_rtcp_feedback f;
    so_rtcp_packet p;
    so_rtcp_iter iter;

    if (so_rtcp_parse(&iter, bytes, len, true) != SO_OK)
        return;
    while (so_rtcp_next(&iter, &p)) {
        so_rtcp_block block;

        for (size_t i = 0; so_rtcp_read_block(&p, i, &block); i++)
            so_estimate_report(&r->estimate, block.fraction, block.highest, block.dlsr % 4096, r->now / 1000);
        if (so_rtcp_read_feedback(&p, &f))
            take_feedback(r, &f);
    }
}

/* A feedback in its right form, with statuses and deltas from the input. */
static void take_transport_cc(rig *r)
{
    uint8_t bytes[300];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    uint16_t base = (uint16_t)(r->sent.next - so_read_u8(&r->input));
    uint8_t statuses = so_read_u8(&r->input);
    uint32_t reference = so_read_u32(&r->input);
    size_t len = so_read_u8(&r->input), left = so_reader_left(&r->input);
    const uint8_t *chunks;

    len = (len < left ? len : left) / 4 * 4;
    chunks = so_read_bytes(&r->input, len);
    if (chunks == NULL)
        return;
    so_write_u8(&w, 0x8f);
    so_write_u8(&w, SO_RTCP_RTPFB);
    so_write_u16(&w, (uint16_t)(len / 4 + 4));
    so_write_u64(&w, 1);
    so_write_u16(&w, base);
    so_write_u16(&w, statuses);
    so_write_u32(&w, reference);
    so_write_bytes(&w, chunks, len);
    check(!w.failed);
    take_rtcp(r, bytes, so_writer_len(&w));
}

/* Numbers come; what is told of them is a feedback that reads back, and a NACK that fits. */
static void receive(rig *r, uint8_t how)
{
    uint16_t number = how & 8 ? so_read_u16(&r->input) : (uint16_t)(r->arrivals.end + so_read_u8(&r->input) % 64 - 32);
    uint8_t bytes[SO_ARRIVALS_ROOM];
    uint16_t missing[SO_NACK_MISSING];
    size_t count;
    uint64_t rate;

    so_arrivals_packet(&r->arrivals, number, r->now);
    so_nack_packet(&r->nack, number, how & 16, r->now / 1000);
    so_remb_packet(&r->remb, so_read_u32(&r->input), how & 32 ? 90000 : SO_REMB_SEND_TIME_RATE, how, r->now);
    if (so_remb_due(&r->remb, r->now / 1000, &rate))
        check(rate >= LEAST && rate <= MOST);
    count = so_nack_due(&r->nack, r->now / 1000, missing, SO_NACK_MISSING);
    for (size_t i = 1; i < count; i++)
        check(so_rtp_seq_before(missing[i - 1], missing[i]));
    check(so_nack_deadline(&r->nack) > r->now / 1000);
    while (so_arrivals_deadline(&r->arrivals) <= r->now / 1000) {
        so_writer w = so_writer_of(bytes, sizeof bytes);
        size_t waiting = r->arrivals.waiting, came = 0;
        so_rtcp_arrivals told;
        so_rtcp_arrival one;
        so_rtcp_transport_cc cc;
        so_rtcp_feedback f;
        so_rtcp_packet p;
        so_rtcp_iter iter;

        check(so_arrivals_write(&r->arrivals, &w, 1, 2));
        check(so_rtcp_parse(&iter, bytes, so_writer_len(&w), true) == SO_OK && so_rtcp_next(&iter, &p));
        check(so_rtcp_read_feedback(&p, &f) && so_rtcp_read_transport_cc(&f, &cc));
        check(so_rtcp_arrivals_of(&told, &cc) == SO_OK);
        while (so_rtcp_arrival_next(&told, &one))
            came += one.received;
        check(came > 0 && r->arrivals.waiting == waiting - came);
    }
}

static void act(rig *r)
{
    uint8_t how = so_read_u8(&r->input);

    if (how % 8 == 0) {
        r->now += (so_usec)so_read_u16(&r->input) * (how & 8 ? 1000 : 16);
    } else if (how % 8 < 3) {
        for (int i = how >> 3; i >= 0; i--) {
            r->now += 500;
            so_estimate_sent(&r->estimate, 1200, r->now);
            (void)so_sent_add(&r->sent, 1200, r->now);
            so_pacer_sent(&r->pacer, 1200, r->now);
        }
    } else if (how % 8 < 5) {
        take_transport_cc(r);
    } else if (how % 8 == 5) {
        size_t len = so_read_u8(&r->input), left = so_reader_left(&r->input);

        len = len < left ? len : left;
        take_rtcp(r, so_read_bytes(&r->input, len), len);
    } else {
        receive(r, how);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const so_estimate_limits limits = {.start = 300000, .least = LEAST, .most = MOST};
    rig *r = calloc(1, sizeof *r);

    check(r != NULL);
    r->input = so_reader_of(bytes, len);
    r->now = 1000000;
    so_sent_init(&r->sent);
    so_estimate_init(&r->estimate, &limits);
    so_pacer_init(&r->pacer, 200, limits.start, r->now);
    so_arrivals_init(&r->arrivals);
    so_remb_init(&r->remb, limits.start, LEAST, MOST);
    so_nack_init(&r->nack, 1000);
    while (so_reader_left(&r->input) > 0 && !r->input.failed) {
        act(r);
        look(r);
    }
    free(r);
    return 0;
}
