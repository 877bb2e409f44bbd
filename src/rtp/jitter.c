#include "rtp/jitter.h"

#include <string.h>

#define BIN 5000               /* µs */
#define QUICKEST_SPAN 10000000 /* µs */
#define JUMP 5000000           /* µs between two packets: the clock or the timestamps were set */

/* A hundredth of so many packets come later. Five that are late in a row count as more, so that it is up at once. */
#define PACKETS 400
#define LATER 0.01

/* Answers come a little after a round trip. */
#define MARGIN 20 /* ms */
#define ANSWERS 2

void so_jitter_init(so_jitter *j, uint32_t clock_rate, so_msec least, so_msec most)
{
    memset(j, 0, sizeof *j);
    j->clock_rate = clock_rate == 0 ? 1 : clock_rate;
    j->least = j->delay = least;
    j->most = most < least ? least : most;
    so_lowest_init(&j->quickest, QUICKEST_SPAN);
}

void so_jitter_restart(so_jitter *j)
{
    j->started = false;
    so_lowest_init(&j->quickest, QUICKEST_SPAN);
}

/* Media time less than nothing, too: timestamps of packets that were overtaken run back. */
static int64_t transit_of(so_jitter *j, uint32_t timestamp, so_usec now)
{
    int64_t rate = j->clock_rate;

    j->media = j->started ? j->media + (int32_t)(timestamp - j->timestamp) : 0;
    j->timestamp = timestamp;
    return (int64_t)now - (j->media / rate * 1000000 + j->media % rate * 1000000 / rate);
}

static void learn(so_jitter *j, size_t bin)
{
    double weight;

    j->seen += j->seen < PACKETS ? 1 : 0;
    weight = 1 / j->seen; /* the first packets count as if they were all */
    for (size_t i = 0; i < SO_JITTER_BINS; i++)
        j->shares[i] *= 1 - weight;
    j->shares[bin] += weight;
}

/* ms after which no more than that share of the packets came. */
static so_msec wanted(const so_jitter *j)
{
    size_t bin = SO_JITTER_BINS;
    double share = 0;

    while (bin > 0 && share + j->shares[bin - 1] <= LATER)
        share += j->shares[--bin];
    return bin * (BIN / 1000);
}

void so_jitter_packet(so_jitter *j, uint32_t timestamp, so_usec now)
{
    int64_t transit = transit_of(j, timestamp, now), late;

    if (j->started && (transit - j->transit > JUMP || transit - j->transit < -JUMP)) {
        so_jitter_restart(j);
        transit = transit_of(j, timestamp, now);
    }
    j->started = true;
    j->transit = transit;
    so_lowest_add(&j->quickest, transit, (int64_t)now);
    late = (transit - so_lowest_get(&j->quickest)) / BIN;
    learn(j, late >= SO_JITTER_BINS ? SO_JITTER_BINS - 1 : (size_t)late);
    j->delay = wanted(j);
    j->delay = j->delay < j->least ? j->least : j->delay > j->most ? j->most : j->delay;
}

so_msec so_jitter_delay(const so_jitter *j)
{
    return j->delay;
}

so_msec so_jitter_repair_delay(const so_jitter *j, so_msec round_trip)
{
    so_msec wait;

    if (round_trip > SO_JITTER_REPAIR)
        return SO_JITTER_REPAIR;
    wait = j->delay + ANSWERS * (round_trip + round_trip / 4 + MARGIN);
    return wait > SO_JITTER_REPAIR ? SO_JITTER_REPAIR : wait;
}
