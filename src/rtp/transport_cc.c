#include "rtp/transport_cc.h"
#include "rtp/rtcp_inside.h"

#define TICK 250            /* µs: deltas count these (§3.1.5) */
#define REFERENCE_TICKS 256 /* 64 ms */
#define MAX_STATUSES 0x8000

/* Statuses (§3.1.1). Each is as many bytes as its delta has. */
#define MISSING 0
#define SMALL 1
#define LARGE 2
#define RESERVED 3

/* Chunks (§3.1.3, §3.1.4) */
#define VECTOR 0x8000
#define TWO_BITS 0x4000
#define RUN_MAX 0x1fff
#define ONE_BIT_COUNT 14
#define TWO_BIT_COUNT 7

/* ---- Reading ---- */

static unsigned next_status(so_rtcp_chunks *chunks)
{
    if (chunks->left == 0) {
        chunks->word = so_read_u16(&chunks->r);
        if ((chunks->word & VECTOR) == 0)
            chunks->left = chunks->word & RUN_MAX;
        else
            chunks->left = chunks->word & TWO_BITS ? TWO_BIT_COUNT : ONE_BIT_COUNT;
        if (chunks->left == 0) /* a run of none says nothing, for ever */
            return RESERVED;
    }
    chunks->left--;
    if ((chunks->word & VECTOR) == 0)
        return chunks->word >> 13 & 3;
    return chunks->word & TWO_BITS ? chunks->word >> 2 * chunks->left & 3 : chunks->word >> chunks->left & 1;
}

so_status so_rtcp_arrivals_of(so_rtcp_arrivals *arrivals, const so_rtcp_transport_cc *feedback)
{
    so_rtcp_chunks chunks = {.r = so_reader_of(feedback->chunks, feedback->chunks_len)};
    size_t deltas = 0;

    *arrivals = (so_rtcp_arrivals){.deltas = so_reader_of(NULL, 0)};
    if (feedback->statuses == 0 || feedback->statuses > MAX_STATUSES)
        return SO_BAD_INPUT;
    arrivals->chunks = chunks;
    for (uint32_t i = 0; i < feedback->statuses; i++) {
        unsigned status = next_status(&chunks);

        if (chunks.r.failed || status == RESERVED)
            return SO_BAD_INPUT;
        deltas += status;
    }
    if (so_reader_left(&chunks.r) < deltas)
        return SO_BAD_INPUT;
    arrivals->deltas = chunks.r;
    arrivals->number = feedback->base;
    arrivals->left = feedback->statuses;
    arrivals->ticks = (int64_t)feedback->reference * REFERENCE_TICKS;
    return SO_OK;
}

bool so_rtcp_arrival_next(so_rtcp_arrivals *arrivals, so_rtcp_arrival *out)
{
    unsigned status;

    if (arrivals->left == 0)
        return false;
    arrivals->left--;
    status = next_status(&arrivals->chunks);
    if (status == SMALL)
        arrivals->ticks += so_read_u8(&arrivals->deltas);
    else if (status == LARGE)
        arrivals->ticks += (int16_t)so_read_u16(&arrivals->deltas);
    *out = (so_rtcp_arrival){
        .number = arrivals->number++,
        .received = status != MISSING,
        .at = status != MISSING ? arrivals->ticks * TICK : 0,
    };
    return true;
}

/* ---- Writing ---- */

/* What is said of each packet. */
typedef struct saying {
    uint8_t statuses[SO_RTCP_ARRIVALS_MAX];
    int16_t deltas[SO_RTCP_ARRIVALS_MAX];
    size_t count;
    uint32_t reference;
} saying;

static bool fill(saying *s, const so_usec *at, size_t count)
{
    size_t first = 0;
    int64_t ticks;

    while (first < count && at[first] == SO_RTCP_NEVER)
        first++;
    if (first == count)
        return false;
    s->reference = (uint32_t)(at[first] / TICK / REFERENCE_TICKS & 0xffffff);
    ticks = (int64_t)(at[first] / TICK / REFERENCE_TICKS * REFERENCE_TICKS);
    for (s->count = 0; s->count < count; s->count++) {
        int64_t delta = at[s->count] == SO_RTCP_NEVER ? 0 : (int64_t)(at[s->count] / TICK) - ticks;

        if (delta < INT16_MIN || delta > INT16_MAX)
            break;
        s->statuses[s->count] = at[s->count] == SO_RTCP_NEVER ? MISSING : delta >= 0 && delta <= 0xff ? SMALL : LARGE;
        s->deltas[s->count] = (int16_t)delta;
        ticks += delta;
    }
    return true;
}

static bool any_large(const uint8_t *statuses, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (statuses[i] == LARGE)
            return true;
    return false;
}

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The chunk that says most; how many of the statuses it has said. Those past the end of a vector are zero. */
static size_t write_chunk(so_writer *w, const uint8_t *statuses, size_t left)
{
    size_t run = 1, vector = at_most(left, ONE_BIT_COUNT), bits = 1;
    uint16_t word = VECTOR;

    while (run < left && run < RUN_MAX && statuses[run] == statuses[0])
        run++;
    if (any_large(statuses, vector)) {
        vector = at_most(left, TWO_BIT_COUNT);
        bits = 2;
        word |= TWO_BITS;
    }
    if (run >= vector) {
        so_write_u16(w, (uint16_t)(statuses[0] << 13 | run));
        return run;
    }
    for (size_t i = 0; i < vector; i++)
        word |= (uint16_t)(statuses[i] << (ONE_BIT_COUNT - bits * (i + 1)));
    so_write_u16(w, word);
    return vector;
}

size_t so_rtcp_write_transport_cc(so_writer *w, uint32_t sender, uint32_t media, uint8_t feedback_number, uint16_t base,
                                  const so_usec *at, size_t count)
{
    size_t room = (size_t)(w->end - w->at), head = SO_RTCP_HEADER_LEN + SO_RTCP_COMMON_LEN + SO_RTCP_TRANSPORT_CC_LEN;
    size_t begun;
    saying s;

    if (w->failed || room < head + 8)
        return 0;
    /* At worst a status takes two bytes and a seventh of a chunk; then one chunk that is not full, and padding. */
    count = at_most(at_most(count, SO_RTCP_ARRIVALS_MAX), (room - head - 5) * 7 / 16);
    if (!fill(&s, at, count))
        return 0;
    begun = so_rtcp_feedback_begin(w, sender, media);
    so_write_u16(w, base);
    so_write_u16(w, (uint16_t)s.count);
    so_write_u32(w, s.reference << 8 | feedback_number);
    for (size_t i = 0; i < s.count;)
        i += write_chunk(w, s.statuses + i, s.count - i);
    for (size_t i = 0; i < s.count; i++) {
        if (s.statuses[i] == SMALL)
            so_write_u8(w, (uint8_t)s.deltas[i]);
        else if (s.statuses[i] == LARGE)
            so_write_u16(w, (uint16_t)s.deltas[i]);
    }
    /* Zeros to the word's end, without the P bit: that is for the last packet of a compound alone (RFC 3550 §6.4.1). */
    so_rtcp_feedback_end(w, begun, SO_RTCP_RTPFB, SO_RTCP_FMT_TRANSPORT_CC);
    return w->failed ? 0 : s.count;
}
