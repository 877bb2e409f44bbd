#include "rtp/nack.h"

#include <string.h>

#define FIRST_ROUND_TRIP 100
#define MAX_ROUND_TRIP 2000
#define MAX_REORDER 100 /* what is later than that is asked for, even if it comes by itself */
#define FORGET_REORDER 500
#define MARGIN 10 /* ms, of what makes one round trip longer than another */

void so_nack_init(so_nack *nack, so_msec patience)
{
    memset(nack, 0, sizeof *nack);
    nack->patience = patience;
    nack->round_trip = FIRST_ROUND_TRIP;
}

void so_nack_round_trip(so_nack *nack, so_msec round_trip)
{
    nack->round_trip = round_trip > MAX_ROUND_TRIP ? MAX_ROUND_TRIP : round_trip;
}

static void give_up_all(so_nack *nack)
{
    nack->given_up += (uint32_t)nack->count;
    nack->count = 0;
}

/* The numbers between the highest and seq. */
static void open_gap(so_nack *nack, uint16_t seq, so_msec now)
{
    size_t gap = (uint16_t)(seq - nack->highest - 1);

    if (gap > SO_NACK_MISSING) {
        give_up_all(nack);
        nack->given_up += (uint32_t)gap;
        return;
    }
    if (nack->count + gap > SO_NACK_MISSING) {
        size_t excess = nack->count + gap - SO_NACK_MISSING; /* the oldest make room */

        nack->given_up += (uint32_t)excess;
        nack->count -= excess;
        memmove(nack->missing, nack->missing + excess, nack->count * sizeof *nack->missing);
    }
    for (size_t i = 0; i < gap; i++)
        nack->missing[nack->count++] =
            (so_nack_entry){.seq = (uint16_t)(nack->highest + 1 + i), .since = now, .last = now};
}

/* Up at once; down by an eighth each half second in which nothing came as late. */
static void learn_reorder(so_nack *nack, so_msec late, so_msec now)
{
    if (late > MAX_REORDER)
        late = MAX_REORDER;
    if (late >= nack->reorder) {
        nack->reorder = late;
        nack->reorder_at = now;
    }
}

static void fade_reorder(so_nack *nack, so_msec now)
{
    while (nack->reorder > 0 && now - nack->reorder_at >= FORGET_REORDER) {
        nack->reorder -= nack->reorder / 8 + 1;
        nack->reorder_at += FORGET_REORDER;
    }
}

static void remove_entry(so_nack *nack, size_t i)
{
    nack->count--;
    memmove(nack->missing + i, nack->missing + i + 1, (nack->count - i) * sizeof *nack->missing);
}

static void close_gap(so_nack *nack, uint16_t seq, bool repaired, so_msec now)
{
    for (size_t i = 0; i < nack->count; i++) {
        const so_nack_entry *e = &nack->missing[i];

        if (e->seq != seq)
            continue;
        /* Before an answer can be here, it is the packet itself that comes. */
        if (!repaired && (e->asked == 0 || now - e->last < nack->round_trip))
            learn_reorder(nack, now - e->since, now);
        remove_entry(nack, i);
        return;
    }
}

void so_nack_packet(so_nack *nack, uint16_t seq, bool repaired, so_msec now)
{
    fade_reorder(nack, now);
    if (!nack->started) {
        nack->started = true;
        nack->highest = seq;
    } else if (so_rtp_seq_before(nack->highest, seq)) {
        open_gap(nack, seq, now);
        nack->highest = seq;
    } else {
        close_gap(nack, seq, repaired, now);
    }
}

void so_nack_forget(so_nack *nack, uint16_t seq)
{
    size_t n = 0;

    while (n < nack->count && so_rtp_seq_before(nack->missing[n].seq, seq))
        n++;
    nack->count -= n;
    memmove(nack->missing, nack->missing + n, nack->count * sizeof *nack->missing);
}

static so_msec ask_at(const so_nack *nack, const so_nack_entry *e)
{
    if (e->asked == 0)
        return e->since + nack->reorder;
    return e->last + nack->round_trip + nack->round_trip / 4 + nack->reorder + MARGIN;
}

static bool is_hopeless(const so_nack *nack, const so_nack_entry *e, so_msec now)
{
    return now - e->since >= nack->patience || (e->asked >= SO_NACK_TIMES && now >= ask_at(nack, e));
}

size_t so_nack_due(so_nack *nack, so_msec now, uint16_t *out, size_t cap)
{
    size_t count = 0, kept = 0;

    fade_reorder(nack, now);
    for (size_t i = 0; i < nack->count; i++) {
        so_nack_entry *e = &nack->missing[i];

        if (is_hopeless(nack, e, now)) {
            nack->given_up++;
            continue;
        }
        if (count < cap && now >= ask_at(nack, e)) {
            e->asked++;
            e->last = now;
            out[count++] = e->seq;
        }
        nack->missing[kept++] = *e;
    }
    nack->count = kept;
    return count;
}

so_msec so_nack_deadline(const so_nack *nack)
{
    so_msec at = UINT64_MAX;

    for (size_t i = 0; i < nack->count; i++) {
        const so_nack_entry *e = &nack->missing[i];
        so_msec next = ask_at(nack, e);

        if (e->since + nack->patience < next)
            next = e->since + nack->patience;
        if (next < at)
            at = next;
    }
    return at;
}

uint32_t so_nack_given_up(so_nack *nack)
{
    uint32_t given_up = nack->given_up;

    nack->given_up = 0;
    return given_up;
}
