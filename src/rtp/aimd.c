#include "rtp/aimd.h"

#include <string.h>

#define DECREASE 0.85    /* §5.5: beta */
#define FAST 1.0         /* × 2 in a second, by 1 + FAST × time */
#define GROWTH 0.08      /* §5.5: eta, per second, just after a decrease */
#define GROWTH_MORE 0.02 /* per second more, for each second without a decrease */
#define GROWTH_MOST 0.4
#define BEYOND 1.5           /* § 5.5: "1.5 * R_hat(i)" */
#define BEYOND_BITS 10000    /* so that nothing does not stay nothing */
#define STEP 9600.0          /* bits: a packet */
#define FRAMES 30.0          /* per second: at low rates a frame is less than a packet */
#define STEP_RESPONSE 100    /* ms, that the detector takes (§5.5) */
#define CAPACITY_WEIGHT 0.05 /* of a new measurement (§5.5) */
#define SPREAD 0.0004        /* (2 %)², at the beginning and at least */
#define SPREAD_MOST 0.0025   /* (5 %)² */
#define FRESH_START 1e18     /* no rate is above it */

void so_aimd_init(so_aimd *a, uint64_t start, uint64_t least, uint64_t most)
{
    memset(a, 0, sizeof *a);
    a->rate = (double)start;
    a->least = (double)least;
    a->most = (double)most;
    a->fast = FRESH_START;
}

static void bound(so_aimd *a)
{
    if (a->rate < a->least)
        a->rate = a->least;
    if (a->rate > a->most)
        a->rate = a->most;
}

/* How many times its usual spread a measurement is off the capacity, squared, with its sign. */
static double distance(const so_aimd *a, double measured)
{
    double d = (measured - a->capacity) / a->capacity;

    return (d < 0 ? -d * d : d * d) / a->spread;
}

static void learn_capacity(so_aimd *a, double measured)
{
    double d;

    if (measured <= 0)
        return;
    if (a->capacity == 0 || distance(a, measured) < -9) { /* three times: it is another path now (§5.5) */
        a->capacity = measured;
        a->spread = SPREAD;
        return;
    }
    d = (measured - a->capacity) / a->capacity;
    a->spread += CAPACITY_WEIGHT * (d * d - a->spread);
    a->spread = a->spread < SPREAD ? SPREAD : a->spread > SPREAD_MOST ? SPREAD_MOST : a->spread;
    a->capacity += CAPACITY_WEIGHT * (measured - a->capacity);
}

static void lower_to(so_aimd *a, double rate, so_msec now)
{
    if (rate < a->rate)
        a->rate = rate;
    a->fast = 0;
    a->calm = now;
    bound(a);
}

void so_aimd_cut(so_aimd *a, double rate, uint64_t measured, so_msec now)
{
    learn_capacity(a, (double)measured);
    lower_to(a, rate, now);
}

static bool decrease(so_aimd *a, double measured, so_msec response, so_msec now)
{
    /* Until what was done can be seen, doing it again would be for the same queue; unless the path shows to be worse.
     */
    if (now - a->calm < response + STEP_RESPONSE && measured >= a->rate)
        return false;
    learn_capacity(a, measured);
    lower_to(a, DECREASE * (measured > 0 ? measured : a->rate), now);
    return true;
}

static void increase(so_aimd *a, double measured, so_msec response, double seconds, so_msec now)
{
    double growth = GROWTH + GROWTH_MORE * (double)(now - a->calm) / 1000, before = a->rate;
    double step = a->rate / FRAMES < STEP ? a->rate / FRAMES : STEP;

    if (measured <= 0)
        return; /* nothing was tried */
    if (a->capacity > 0 && distance(a, measured) > 9)
        a->capacity = 0;
    if (a->rate < a->fast)
        a->rate += a->rate * FAST * seconds;
    else if (a->capacity > 0)
        a->rate += step * seconds * 1000 / (double)(response + STEP_RESPONSE);
    else
        a->rate += a->rate * (growth > GROWTH_MOST ? GROWTH_MOST : growth) * seconds;
    if (a->rate > BEYOND * measured + BEYOND_BITS)
        a->rate = BEYOND * measured + BEYOND_BITS;
    if (a->rate < before)
        a->rate = before;
    bound(a);
}

bool so_aimd_update(so_aimd *a, so_trend_sign sign, uint64_t measured, so_msec response, so_msec now)
{
    double seconds = a->updated == 0 || now < a->updated ? 0 : (double)(now - a->updated) / 1000;

    if (a->updated == 0)
        a->calm = now;
    a->updated = now;
    if (sign == SO_TREND_RISING)
        return decrease(a, (double)measured, response, now);
    if (sign == SO_TREND_STEADY)
        increase(a, (double)measured, response, seconds > 1 ? 1 : seconds, now);
    return false; /* a queue that empties is let empty */
}

void so_aimd_halve(so_aimd *a, so_msec now)
{
    double back = a->fast > 0 ? a->fast : DECREASE * a->rate;

    lower_to(a, a->rate / 2, now);
    a->fast = back;
}
