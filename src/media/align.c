#include "media/align.h"

#define SECOND_US 1000000
#define OTHER_STREAM_US (5 * SECOND_US)
/* Nobody notices less, and each step leaves a gap. */
#define STEP_US 10000

/* Without overflow: units are at most some years, at clocks of some kilohertz. */
static int64_t to_us(const so_align_track *t, int64_t units)
{
    return units / t->clock * SECOND_US + units % t->clock * SECOND_US / t->clock;
}

static int64_t file_us_of(const so_align_track *t)
{
    return to_us(t, t->units) + t->shift_us;
}

static int64_t ntp_us_of(uint64_t ntp)
{
    return (int64_t)(ntp >> 32) * SECOND_US + (int64_t)((ntp & 0xffffffff) * SECOND_US >> 32);
}

static void use_report(so_align_track *t, uint32_t rtp)
{
    t->report_units = t->units + (int32_t)(rtp - t->last);
    t->reported = true;
    t->reported_early = false;
}

void so_align_report(so_align *a, so_media_kind kind, uint64_t ntp, uint32_t rtp)
{
    so_align_track *t = &a->tracks[kind];

    t->report_us = ntp_us_of(ntp);
    t->early = rtp;
    t->reported_early = true;
    if (t->begun)
        use_report(t, rtp);
}

/* What the sender's wall clock said when the file's time was 0, by this track. */
static int64_t wall_at_zero(const so_align_track *t)
{
    return t->report_us + to_us(t, t->units - t->report_units) - file_us_of(t);
}

static void settle(so_align *a)
{
    so_align_track *audio = &a->tracks[SO_MEDIA_AUDIO], *video = &a->tracks[SO_MEDIA_VIDEO];
    int64_t ahead;

    if (!audio->reported || !video->reported)
        return;
    ahead = wall_at_zero(video) - wall_at_zero(audio); /* pictures stand that much too early in the file */
    if (ahead > STEP_US)
        video->shift_us += ahead;
    else if (ahead < -STEP_US)
        audio->shift_us -= ahead;
}

bool so_align_place(so_align *a, so_media_kind kind, uint32_t clock, uint32_t rtp, uint64_t arrival_us,
                    int64_t *file_us)
{
    so_align_track *t = &a->tracks[kind];
    int32_t step = (int32_t)(rtp - t->last);
    int64_t arrived, off;

    if (!a->begun)
        a->origin_us = (int64_t)arrival_us;
    a->begun = true;
    arrived = (int64_t)arrival_us - a->origin_us;
    t->clock = clock;
    off = file_us_of(t) + to_us(t, step) - arrived;
    if (!t->begun || off > OTHER_STREAM_US || off < -OTHER_STREAM_US) {
        int64_t least = t->begun ? file_us_of(t) + 1 : 0;
        t->reported = false;
        t->shift_us = (arrived < least ? least : arrived) - to_us(t, t->units);
        t->last = rtp;
        if (!t->begun && t->reported_early)
            use_report(t, t->early);
        t->begun = true;
    } else if (step <= 0) {
        return false;
    } else {
        t->units += step;
        t->last = rtp;
    }
    settle(a);
    *file_us = file_us_of(t);
    return true;
}
