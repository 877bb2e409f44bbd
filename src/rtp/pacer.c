#include "rtp/pacer.h"

#define BURST 0.005     /* seconds of the pace that may leave at once, besides one packet */
#define DEBT_MOST 0.2   /* seconds: what is never held can't hold the rest for ever */
#define WAIT_MOST 0.5   /* seconds that a packet is to wait */
#define WAIT_LEAST 0.05 /* seconds in which the rest leaves, once the oldest has waited too long */
#define HURRY_MOST 2.0  /* times the pace */
#define PACE_LEAST 1000.0

static double pace_of(const so_pacer *p)
{
    return p->hurry > p->pace ? p->hurry : p->pace;
}

static double debt_at(const so_pacer *p, so_usec now)
{
    double pace = pace_of(p), debt = p->debt;

    if (now > p->at)
        debt -= pace * (double)(now - p->at) / 1e6;
    return debt < -BURST * pace ? -BURST * pace : debt;
}

/* What is owed until now is owed at the pace that was. */
static void settle(so_pacer *p, so_usec now)
{
    p->debt = debt_at(p, now);
    if (now > p->at)
        p->at = now;
}

void so_pacer_init(so_pacer *p, unsigned percent, uint64_t rate, so_usec now)
{
    *p = (so_pacer){.factor = (double)(percent < 100 ? 100 : percent > 500 ? 500 : percent) / 100, .at = now};
    so_pacer_rate(p, rate, now);
}

void so_pacer_rate(so_pacer *p, uint64_t rate, so_usec now)
{
    settle(p, now);
    p->pace = (double)rate * p->factor;
    if (p->pace < PACE_LEAST)
        p->pace = PACE_LEAST;
}

void so_pacer_waiting(so_pacer *p, size_t bytes, so_msec oldest, so_usec now)
{
    double waited = now / 1000 > oldest ? (double)(now / 1000 - oldest) / 1000 : 0;
    double left = WAIT_MOST - waited < WAIT_LEAST ? WAIT_LEAST : WAIT_MOST - waited;

    settle(p, now);
    p->hurry = (double)bytes * 8 / left;
    if (p->hurry > HURRY_MOST * p->pace)
        p->hurry = HURRY_MOST * p->pace;
}

bool so_pacer_ready(const so_pacer *p, so_usec now)
{
    return debt_at(p, now) <= 0;
}

void so_pacer_sent(so_pacer *p, size_t bytes, so_usec now)
{
    double bits = (double)bytes * 8, most = DEBT_MOST * pace_of(p);

    settle(p, now);
    p->debt += bits;
    if (p->debt > (most > bits ? most : bits))
        p->debt = most > bits ? most : bits;
}

so_msec so_pacer_deadline(const so_pacer *p)
{
    double wait = p->debt > 0 ? p->debt / pace_of(p) * 1e6 + 1 : 0;

    return (p->at + (so_usec)wait + 999) / 1000;
}
