#include "rtp/remb.h"

#include <string.h>

#define PARTS 25     /* half a second */
#define RESPONSE 200 /* ms: nobody tells the receiver its round trip */
#define INTERVAL 50  /* ms between two looks at the trend */
#define TELL 1000    /* ms */
#define JUMP 10      /* seconds from one packet to the next */
#define FELL 0.97    /* to such a share of what was told: no time to lose */

void so_remb_init(so_remb *r, uint64_t start, uint64_t least, uint64_t most)
{
    memset(r, 0, sizeof *r);
    so_aimd_init(&r->aimd, start, least, most);
    so_trend_init(&r->trend);
}

void so_remb_packet(so_remb *r, uint32_t time, uint32_t rate, size_t bytes, so_usec arrived)
{
    int64_t step = (int32_t)(time - r->time);

    if (rate == 0)
        return;
    /* The first one, another kind of time, or a clock that was set. */
    if (r->rate != rate || step > JUMP * (int64_t)rate || step < -JUMP * (int64_t)rate) {
        so_trend_init(&r->trend);
        r->rate = rate;
        r->units = step = 0;
    }
    r->units += step;
    r->time = time;
    r->news = true;
    so_meter_add(&r->meter, bytes, (int64_t)arrived);
    so_trend_packet(&r->trend, r->units / rate * 1000000 + r->units % rate * 1000000 / rate, (int64_t)arrived);
}

bool so_remb_due(so_remb *r, so_msec now, uint64_t *bitrate)
{
    uint64_t came = so_meter_rate(&r->meter, PARTS);

    if (!r->news || came == 0)
        return false;
    if (now - r->updated >= INTERVAL) {
        r->updated = now;
        (void)so_aimd_update(&r->aimd, so_trend_sign_of(&r->trend), came, RESPONSE, now);
        /* What came before anything was told was carried, however much it is. */
        if (r->told_at == 0 && so_trend_sign_of(&r->trend) == SO_TREND_STEADY && r->aimd.rate < (double)came)
            r->aimd.rate = (double)came < r->aimd.most ? (double)came : r->aimd.most;
    }
    if (r->told_at != 0 && now - r->told_at < TELL && r->aimd.rate >= FELL * (double)r->told)
        return false;
    r->told_at = now;
    r->told = *bitrate = (uint64_t)r->aimd.rate;
    r->news = false;
    return true;
}
