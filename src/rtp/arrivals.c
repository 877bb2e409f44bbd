#include "rtp/arrivals.h"

#define SLOW_INTERVAL 100 /* ms from a packet to the feedback that tells of it, when few come */
#define FAST_INTERVAL 50  /* when many come: the estimate at the other end is as quick as this */
#define MANY 3
#define FULL 128       /* at once */
#define MAX_LATE 256   /* numbers behind the highest; telling of one tells of all since once more */
#define MAX_SILENT 256 /* missing ones that are told of in front of one that came */

static size_t place_of(uint16_t number)
{
    return number & (SO_ARRIVALS_KEPT - 1);
}

static void begin_at(so_arrivals *a, uint16_t number)
{
    for (size_t i = 0; i < SO_ARRIVALS_KEPT; i++)
        a->at[i] = SO_RTCP_NEVER;
    a->started = true;
    a->begin = a->end = number;
    a->waiting = 0;
}

void so_arrivals_init(so_arrivals *a)
{
    begin_at(a, 0);
    a->started = false;
    a->number = 0;
    a->since = 0;
}

/* The numbers up to this one, which is the highest now. */
static void advance(so_arrivals *a, uint16_t number)
{
    if ((uint16_t)(number - a->end) >= SO_ARRIVALS_KEPT)
        begin_at(a, number);
    while (a->end != (uint16_t)(number + 1)) {
        if ((uint16_t)(a->end - a->begin) >= SO_ARRIVALS_KEPT) {
            a->waiting -= a->at[place_of(a->begin)] != SO_RTCP_NEVER;
            a->begin++;
        }
        a->at[place_of(a->end++)] = SO_RTCP_NEVER;
    }
}

/* How many of those from `from` to begin came: they wait once more. */
static size_t told_since(const so_arrivals *a, uint16_t from)
{
    size_t count = 0;

    for (; from != a->begin; from++)
        count += a->at[place_of(from)] != SO_RTCP_NEVER;
    return count;
}

void so_arrivals_packet(so_arrivals *a, uint16_t number, so_usec at)
{
    uint16_t behind;

    if (!a->started)
        begin_at(a, number);
    if ((uint16_t)(number - a->end) < 0x8000)
        advance(a, number);
    behind = (uint16_t)(a->end - number);
    if (behind > MAX_LATE || a->at[place_of(number)] != SO_RTCP_NEVER)
        return;
    if (a->waiting == 0)
        a->since = at / 1000;
    if ((uint16_t)(number - a->begin) >= SO_ARRIVALS_KEPT) {
        a->waiting += told_since(a, number);
        a->begin = number;
    }
    a->at[place_of(number)] = at;
    a->waiting++;
}

so_msec so_arrivals_deadline(const so_arrivals *a)
{
    if (a->waiting == 0)
        return UINT64_MAX;
    return a->waiting >= FULL ? 0 : a->since + (a->waiting >= MANY ? FAST_INTERVAL : SLOW_INTERVAL);
}

bool so_arrivals_write(so_arrivals *a, so_writer *w, uint32_t sender, uint32_t media)
{
    so_usec at[SO_RTCP_ARRIVALS_MAX];
    size_t count = 0, silent = 0, told;

    if (a->waiting == 0)
        return false;
    while (a->at[place_of((uint16_t)(a->begin + silent))] == SO_RTCP_NEVER)
        silent++;
    if (silent > MAX_SILENT)
        a->begin = (uint16_t)(a->begin + silent - MAX_SILENT);
    while (count < SO_RTCP_ARRIVALS_MAX && (uint16_t)(a->begin + count) != a->end) {
        at[count] = a->at[place_of((uint16_t)(a->begin + count))];
        count++;
    }
    told = so_rtcp_write_transport_cc(w, sender, media, a->number, a->begin, at, count);
    for (size_t i = 0; i < told; i++)
        a->waiting -= at[i] != SO_RTCP_NEVER;
    a->begin = (uint16_t)(a->begin + told);
    if (told == 0) {
        a->begin = a->end;
        a->waiting = 0;
        return false;
    }
    a->number++;
    return true;
}
