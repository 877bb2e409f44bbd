#include "rtp/estimate.h"

#include <string.h>

#define STEADY_PARTS 25 /* half a second, of what is acknowledged */
#define QUICK_PARTS 8   /* when a queue stands, the path gives what it has, and shows it sooner */
#define FIRST_RESPONSE 150.0
#define RESPONSE_MOST 1000.0
#define RESPONSE_WEIGHT 0.125
#define QUEUE_STANDS 30.0 /* ms */
#define LOSS_CUT 0.9      /* of what came, where too much is lost: a little less than the path carries */

/* ms of a standing queue from which on less is sent than the path carries, and how fast: all of it in the second case.
 */
#define QUEUE_ALLOWED 60.0
#define QUEUE_SPAN 400.0
#define DRAIN_LEAST 0.3

#define SILENCE 500         /* ms over two responses without feedback */
#define SILENCE_STEP 500    /* ms until the next half */
#define SILENCE_RR 10000    /* the same where only reports come, at most every five seconds and a half more */
#define TRIP_QUEUE 150      /* ms over the shortest round trip: a queue, where nothing better tells of it */
#define TRIP_SPAN 60000     /* ms */
#define REPORT_DECREASE 0.5 /* of the fraction lost (draft-ietf-rmcat-gcc-02 §6), */
#define REPORT_HOLD 0.1     /* and no growth while so much is (there: 2 %, whosever losses they are) */

void so_estimate_init(so_estimate *e, const so_estimate_limits *limits)
{
    memset(e, 0, sizeof *e);
    so_aimd_init(&e->aimd, limits->start, limits->least, limits->most);
    so_trend_init(&e->trend);
    so_loss_init(&e->loss);
    so_lowest_init(&e->trips, TRIP_SPAN);
    e->remb = UINT64_MAX;
    e->response = FIRST_RESPONSE;
    e->unanswered = UINT64_MAX;
}

void so_estimate_sent(so_estimate *e, size_t bytes, so_usec now)
{
    so_meter_add(&e->sent, bytes, (int64_t)now);
    if (e->unanswered == UINT64_MAX)
        e->unanswered = now / 1000;
}

void so_estimate_result(so_estimate *e, const so_sent_result *result)
{
    so_loss_count(&e->loss, result->received ? -(int)result->before : 1, result->received);
    if (!result->received)
        return;
    so_meter_add(&e->acked, result->bytes, result->arrived);
    if (!result->before) /* what was overtaken is out of its order */
        so_trend_packet(&e->trend, (int64_t)result->sent, result->arrived);
    if (result->sent > e->newest)
        e->newest = result->sent;
}

/* What the path has carried lately. */
static uint64_t measured(const so_estimate *e)
{
    uint64_t steady = so_meter_rate(&e->acked, STEADY_PARTS), quick = so_meter_rate(&e->acked, QUICK_PARTS);

    if (steady == 0 || (so_trend_queue(&e->trend) > QUEUE_STANDS && quick < steady))
        return quick;
    return steady;
}

static void learn_response(so_estimate *e, so_msec now)
{
    so_msec sent = e->newest / 1000;
    double response = now > sent ? (double)(now - sent) : 0;

    if (response > RESPONSE_MOST)
        response = RESPONSE_MOST;
    e->response += RESPONSE_WEIGHT * (response - e->response);
}

void so_estimate_feedback(so_estimate *e, so_msec now)
{
    so_msec response;
    uint64_t came = measured(e);

    e->unanswered = UINT64_MAX;
    if (e->newest == 0)
        return; /* it told of nothing that came */
    if (!e->heard)
        e->loss.since = now;
    e->heard = true;
    learn_response(e, now);
    response = (so_msec)e->response;
    if (so_aimd_update(&e->aimd, so_trend_sign_of(&e->trend), came, response, now))
        so_loss_skip(&e->loss, response, now);
    else if (so_loss_judge(&e->loss, response, now))
        so_aimd_cut(&e->aimd, LOSS_CUT * (came > 0 ? (double)came : e->aimd.rate), came, now);
}

void so_estimate_report(so_estimate *e, uint8_t fraction, uint32_t packets, so_msec round_trip, so_msec now)
{
    double lost = (double)fraction / 256;
    uint64_t sent = so_meter_rate(&e->sent, STEADY_PARTS);
    so_trend_sign sign = lost > REPORT_HOLD ? SO_TREND_FALLING : SO_TREND_STEADY;
    int of = packets > 10000 ? 10000 : (int)packets;

    if (e->heard)
        return;
    e->reported = true;
    e->unanswered = UINT64_MAX;
    if (e->remb == UINT64_MAX)
        e->aimd.fast = 0; /* nobody would see a queue in time */
    so_loss_count(&e->loss, (int)(lost * of), of - (int)(lost * of));
    if (round_trip > 0) {
        so_lowest_add(&e->trips, (int64_t)round_trip, (int64_t)now);
        if ((int64_t)round_trip > so_lowest_get(&e->trips) + TRIP_QUEUE)
            sign = SO_TREND_RISING;
    }
    if (so_aimd_update(&e->aimd, sign, (uint64_t)((double)sent * (1 - lost)), round_trip, now))
        so_loss_skip(&e->loss, round_trip, now);
    else if (so_loss_judge(&e->loss, round_trip, now))
        so_aimd_cut(&e->aimd, e->aimd.rate * (1 - REPORT_DECREASE * lost), 0, now);
}

void so_estimate_remb(so_estimate *e, uint64_t bitrate)
{
    e->remb = bitrate;
}

so_msec so_estimate_deadline(const so_estimate *e)
{
    if (e->unanswered == UINT64_MAX || (!e->heard && !e->reported))
        return UINT64_MAX;
    return e->unanswered + (e->heard ? SILENCE + 2 * (so_msec)e->response : SILENCE_RR);
}

void so_estimate_tick(so_estimate *e, so_msec now)
{
    if (now < so_estimate_deadline(e))
        return;
    so_aimd_halve(&e->aimd, now);
    e->unanswered += SILENCE_STEP;
}

/* While a queue stands, less than the path carries, so that it empties before it is heard as delay. */
static double drain(const so_estimate *e)
{
    double share = 1 - (so_trend_queue(&e->trend) - QUEUE_ALLOWED) / QUEUE_SPAN;

    return share > 1 ? 1 : share < DRAIN_LEAST ? DRAIN_LEAST : share;
}

uint64_t so_estimate_rate(const so_estimate *e)
{
    uint64_t rate = (uint64_t)(e->aimd.rate * drain(e));

    if (rate > e->remb)
        rate = e->remb;
    return rate < (uint64_t)e->aimd.least ? (uint64_t)e->aimd.least : rate;
}

uint64_t so_estimate_video(const so_estimate *e, uint64_t audio)
{
    uint64_t rate = so_estimate_rate(e);
    double again = e->loss.share > 0.5 ? 0.5 : e->loss.share;

    return rate <= audio ? 0 : (uint64_t)((double)(rate - audio) * (1 - again));
}

bool so_estimate_event(so_estimate *e, uint64_t *rate)
{
    uint64_t now = so_estimate_rate(e);

    *rate = now;
    if (now < e->told + e->told / 20 + 1 && now + e->told / 50 >= e->told)
        return false;
    e->told = now;
    return true;
}
