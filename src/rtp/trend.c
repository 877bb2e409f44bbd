#include "rtp/trend.h"

#include <string.h>

#define BURST 5000          /* µs (§5.2) */
#define MAX_BURST 100000    /* µs, of a group that the path has bunched */
#define JUMP 3000000        /* µs between two groups' delays: a clock was set */
#define SMOOTHING 0.9       /* of the delay that the line is drawn through */
#define GAIN 4.0            /* from a slope per group to what the threshold is compared with */
#define GAIN_GROUPS 60      /* a slope counts for more the longer it has been watched */
#define THRESHOLD 12.5      /* ms, at the beginning (§5.4: del_var_th(0)) */
#define THRESHOLD_LEAST 6.0 /* §5.4 */
#define THRESHOLD_MOST 600.0
#define THRESHOLD_UP 0.0087 /* per ms; up slowly, so that a queue is seen before the threshold has followed it */
#define THRESHOLD_DOWN 0.039
#define THRESHOLD_REACH 15.0 /* ms: what is further over it is a sudden event, and teaches nothing (§5.4) */
#define OVER_TIME 10.0       /* ms (§5.4: overuse_time_th) */
#define QUICKEST_SPAN 30000000
#define QUICK_SPAN 100000
#define USUAL_WEIGHT 0.002
/* A queue is one if even the quickest packets wait, this many ms and half of what packets are late usually. */
#define QUEUE_LEAST 10.0
#define QUEUE_USUAL 0.5
/* Where some packets in a row wait so long, and longer than those before, there is no need to see a line. */
#define SURE_LEAST 30.0
#define SURE_USUAL 1.5
#define SURE_GROWTH 10.0
#define SURE_PACKETS 3

void so_trend_init(so_trend *trend)
{
    memset(trend, 0, sizeof *trend);
    trend->threshold = THRESHOLD;
    so_lowest_init(&trend->quickest, QUICKEST_SPAN);
    so_lowest_init(&trend->quick, QUICK_SPAN);
}

/* Least squares; the points are never all at one time, or there is no slope. */
static double slope_of(const so_trend *t)
{
    double at = 0, delay = 0, up = 0, down = 0;

    for (size_t i = 0; i < t->count; i++) {
        at += t->points[i].at / (double)t->count;
        delay += t->points[i].delay / (double)t->count;
    }
    for (size_t i = 0; i < t->count; i++) {
        double x = t->points[i].at - at;

        up += x * (t->points[i].delay - delay);
        down += x * x;
    }
    return down == 0 ? 0 : up / down;
}

static void adapt(so_trend *t, double size, int64_t now)
{
    double passed = (double)(now - t->adapted) / 1000, rate = size < t->threshold ? THRESHOLD_DOWN : THRESHOLD_UP;

    passed = passed < 0 || t->adapted == 0 ? 0 : passed > 100 ? 100 : passed;
    t->adapted = now;
    if (size > t->threshold + THRESHOLD_REACH)
        return;
    t->threshold += rate * (size - t->threshold) * passed;
    if (t->threshold < THRESHOLD_LEAST)
        t->threshold = THRESHOLD_LEAST;
    if (t->threshold > THRESHOLD_MOST)
        t->threshold = THRESHOLD_MOST;
}

/* §5.4: over the threshold for some time, in more than one group, and not getting less. */
static void judge(so_trend *t, double slope, double passed, int64_t now)
{
    double trend = slope * GAIN * (double)(t->groups < GAIN_GROUPS ? t->groups : GAIN_GROUPS);

    if (trend > t->threshold) {
        t->over += t->overs == 0 ? passed / 2 : passed;
        t->overs++;
        if (t->over > OVER_TIME && t->overs > 1 && slope >= t->slope)
            t->sign = SO_TREND_RISING;
    } else {
        t->over = 0;
        t->overs = 0;
        t->sign = trend < -t->threshold ? SO_TREND_FALLING : SO_TREND_STEADY;
    }
    t->slope = slope;
    adapt(t, trend < 0 ? -trend : trend, now);
}

/* A group is over. */
static void take_group(so_trend *t)
{
    double sent = (double)(t->now.last_sent - t->before.last_sent) / 1000;
    double arrived = (double)(t->now.last_arrived - t->before.last_arrived) / 1000;

    t->delay += arrived - sent;
    t->smooth = SMOOTHING * t->smooth + (1 - SMOOTHING) * t->delay;
    t->points[t->next].at = (double)(t->now.last_arrived - t->origin) / 1000;
    t->points[t->next].delay = t->smooth;
    t->next = (t->next + 1) % SO_TREND_POINTS;
    if (t->count < SO_TREND_POINTS)
        t->count++;
    if (t->count == SO_TREND_POINTS)
        judge(t, slope_of(t), sent, t->now.last_arrived);
}

static bool is_of_group(const so_trend_group *g, int64_t sent, int64_t arrived)
{
    if (sent - g->first_sent <= BURST)
        return true;
    /* What waited behind something and was let go at once tells of the end of the waiting only (§5.2). */
    return arrived - g->last_arrived <= BURST && arrived - g->last_arrived < sent - g->last_sent &&
           arrived - g->first_arrived < MAX_BURST;
}

static void learn_lateness(so_trend *t, double late)
{
    t->waited = late > SURE_LEAST + SURE_USUAL * t->usual ? t->waited + 1 : 0;
    t->late = late;
    t->usual += USUAL_WEIGHT * (late - t->usual);
}

void so_trend_packet(so_trend *t, int64_t sent, int64_t arrived)
{
    so_trend_group *g = &t->now;
    int64_t delay = arrived - sent, change = delay - (g->last_arrived - g->last_sent);

    if (t->groups > 0 && (change > JUMP || change < -JUMP))
        so_trend_init(t);
    so_lowest_add(&t->quickest, delay, arrived);
    so_lowest_add(&t->quick, delay, arrived);
    learn_lateness(t, (double)(delay - so_lowest_get(&t->quickest)) / 1000);
    if (t->groups > 0 && sent < g->first_sent)
        return;
    if (t->groups > 0 && is_of_group(g, sent, arrived)) {
        g->last_sent = sent > g->last_sent ? sent : g->last_sent;
        g->last_arrived = arrived > g->last_arrived ? arrived : g->last_arrived;
        return;
    }
    if (t->groups > 1)
        take_group(t);
    else if (t->groups == 1)
        t->origin = g->last_arrived;
    t->before = *g;
    *g = (so_trend_group){sent, sent, arrived, arrived};
    t->groups++;
}

double so_trend_queue(const so_trend *t)
{
    int64_t quick = so_lowest_get(&t->quick), quickest = so_lowest_get(&t->quickest);

    return quick == SO_LOWEST_NONE ? 0 : (double)(quick - quickest) / 1000;
}

so_trend_sign so_trend_sign_of(const so_trend *t)
{
    double queue = so_trend_queue(t);

    if (t->sign == SO_TREND_RISING && queue < QUEUE_LEAST + QUEUE_USUAL * t->usual)
        return SO_TREND_STEADY;
    if (t->sign == SO_TREND_STEADY && t->waited >= SURE_PACKETS && t->late - queue > SURE_GROWTH)
        return SO_TREND_RISING;
    return t->sign;
}
