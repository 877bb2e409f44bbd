#include "rtp/loss.h"

#include <string.h>

#define PERIOD 300       /* ms, at least */
#define PACKETS 100      /* of a period, at least */
#define LONG_PERIOD 2000 /* ms, after which a few packets do */
#define FEW_PACKETS 20
#define ALLOWED 0.02     /* over the usual (draft-ietf-rmcat-gcc-02 §6 bears as much) */
#define SURE 0.1         /* so much over the usual needs no second period */
#define USUAL_MOST 0.1   /* §6: above that the rate is lowered in any case */
#define USUAL_LEAST 0.02 /* for what chance makes of it */
#define DEVIATIONS 9     /* three of them, squared: of chance */
#define FALL 0.2         /* how fast the usual follows what is less, */
#define RISE 0.05        /* and what is a little more: quicker, it would get used to what is ours */

void so_loss_init(so_loss *loss)
{
    memset(loss, 0, sizeof *loss);
}

void so_loss_count(so_loss *loss, int lost, int received)
{
    loss->lost += lost;
    loss->total += lost + received;
    if (loss->lost < 0)
        loss->lost = 0;
}

static void begin(so_loss *loss, so_msec at)
{
    loss->lost = loss->total = 0;
    loss->since = at;
}

void so_loss_skip(so_loss *loss, so_msec response, so_msec now)
{
    begin(loss, now + response);
    loss->suspected = false;
}

/* More than allowed, and more than chance makes of the usual in so many packets. */
static bool is_too_much(const so_loss *loss)
{
    double over = loss->share - loss->usual - ALLOWED;
    double usual = loss->usual < USUAL_LEAST ? USUAL_LEAST : loss->usual;

    return over > 0 && over * over > DEVIATIONS * usual * (1 - usual) / loss->total;
}

static double at_most(double value, double most)
{
    return value < most ? value : most;
}

bool so_loss_judge(so_loss *loss, so_msec response, so_msec now)
{
    bool sure;

    if (loss->since == 0)
        loss->since = now;
    if (now < loss->since) {
        begin(loss, loss->since); /* this is of the time before */
        return false;
    }
    if (now - loss->since < PERIOD || loss->total < FEW_PACKETS ||
        (loss->total < PACKETS && now - loss->since < LONG_PERIOD))
        return false;
    loss->share = loss->lost / loss->total;
    if (!loss->known || loss->trial) {
        loss->known = true;
        loss->trial = false;
        loss->usual = at_most(loss->share, USUAL_MOST);
        begin(loss, now);
        return false;
    }
    if (!is_too_much(loss)) {
        loss->suspected = false;
        loss->usual += (loss->share < loss->usual ? FALL : RISE) * (loss->share - loss->usual);
        loss->usual = at_most(loss->usual, USUAL_MOST);
        begin(loss, now);
        return false;
    }
    sure = loss->suspected || loss->share - loss->usual > SURE + ALLOWED;
    loss->suspected = !sure;
    loss->trial = sure;
    begin(loss, sure ? now + response : now);
    return sure;
}
