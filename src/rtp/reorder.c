#include "rtp/reorder.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SLOTS 16384 /* half of the half-circle, so that ahead and late never meet */
#define MAX_PACKET 65535

typedef struct slot {
    uint8_t *block; /* NULL: nothing waits here */
    uint32_t len;
    so_msec arrived;
} slot;

struct so_reorder {
    size_t size; /* slots, a power of two */
    size_t packet_cap;
    so_msec delay;
    bool started;
    bool pressed;      /* a packet ahead of all room waits outside */
    uint16_t pressing; /* its number */
    uint16_t next;     /* whose turn it is */
    size_t count;      /* slots in use */
    so_reorder_counts counts;
    so_pool *pool;
    uint8_t *out; /* the block of the packet that was given out last */
    slot slots[];
};

so_status so_reorder_new(so_reorder **out, so_pool *pool, size_t slots, size_t packet_cap, so_msec delay)
{
    so_reorder *buffer;

    *out = NULL;
    if (slots == 0 || slots > MAX_SLOTS || (slots & (slots - 1)) != 0 || packet_cap == 0 || packet_cap > MAX_PACKET ||
        packet_cap > pool->size)
        return SO_BAD_INPUT;
    buffer = calloc(1, sizeof *buffer + slots * sizeof *buffer->slots);
    if (buffer == NULL)
        return SO_NO_MEMORY;
    buffer->pool = pool;
    buffer->size = slots;
    buffer->packet_cap = packet_cap;
    buffer->delay = delay;
    *out = buffer;
    return SO_OK;
}

void so_reorder_free(so_reorder *buffer)
{
    if (buffer == NULL)
        return;
    so_reorder_reset(buffer);
    free(buffer);
}

void so_reorder_set_delay(so_reorder *buffer, so_msec delay)
{
    buffer->delay = delay;
}

void so_reorder_reset(so_reorder *buffer)
{
    for (size_t i = 0; i < buffer->size; i++) {
        so_pool_give(buffer->pool, buffer->slots[i].block);
        buffer->slots[i].block = NULL;
    }
    so_pool_give(buffer->pool, buffer->out);
    buffer->out = NULL;
    buffer->started = buffer->pressed = false;
    buffer->count = 0;
}

static size_t place_of(const so_reorder *buffer, uint16_t seq)
{
    return seq & (buffer->size - 1);
}

/* How far seq is ahead of what is next; negative: behind. */
static int32_t ahead_of_next(const so_reorder *buffer, uint16_t seq)
{
    uint16_t d = (uint16_t)(seq - buffer->next);

    return d < 0x8000 ? d : d - 0x10000;
}

so_reorder_put_result so_reorder_put(so_reorder *buffer, uint16_t seq, const uint8_t *bytes, size_t len, so_msec now)
{
    slot *s = &buffer->slots[place_of(buffer, seq)];
    int32_t ahead;

    if (len > buffer->packet_cap) {
        buffer->counts.dropped++;
        return SO_REORDER_TOO_BIG;
    }
    if (!buffer->started) {
        buffer->started = true;
        buffer->next = seq;
    }
    ahead = ahead_of_next(buffer, seq);
    if (ahead < 0) {
        buffer->counts.late++;
        return SO_REORDER_LATE;
    }
    if ((size_t)ahead >= buffer->size) {
        buffer->pressed = true;
        buffer->pressing = seq;
        return SO_REORDER_FULL;
    }
    if (s->block != NULL) {
        buffer->counts.duplicate++;
        return SO_REORDER_DUPLICATE;
    }
    *s = (slot){.block = so_pool_take(buffer->pool), .len = (uint32_t)len, .arrived = now};
    if (s->block == NULL) {
        buffer->counts.dropped++;
        return SO_REORDER_NO_MEMORY;
    }
    if (len > 0)
        memcpy(s->block, bytes, len);
    buffer->count++;
    return SO_REORDER_KEPT;
}

/* When the first of those behind the gap came: that is when the gap showed. */
static so_msec gap_since(const so_reorder *buffer)
{
    so_msec since = UINT64_MAX;
    size_t seen = 0;

    for (size_t i = 1; i < buffer->size && seen < buffer->count; i++) {
        const slot *s = &buffer->slots[place_of(buffer, (uint16_t)(buffer->next + i))];
        seen += s->block != NULL;
        if (s->block != NULL && s->arrived < since)
            since = s->arrived;
    }
    return since;
}

so_msec so_reorder_deadline(const so_reorder *buffer)
{
    so_msec since;

    if (buffer->pressed || (buffer->started && buffer->slots[place_of(buffer, buffer->next)].block != NULL))
        return 0;
    if (buffer->count == 0)
        return UINT64_MAX;
    since = gap_since(buffer);
    return since > UINT64_MAX - buffer->delay ? UINT64_MAX : since + buffer->delay;
}

/* The missing ones in front, up to the first packet there is, and at most `limit`. */
static so_reorder_take_result give_up(so_reorder *buffer, size_t limit, so_reorder_out *out)
{
    size_t n = 1;

    while (n < limit && n < buffer->size && buffer->slots[place_of(buffer, (uint16_t)(buffer->next + n))].block == NULL)
        n++;
    if (n == buffer->size)
        n = limit; /* nothing is here: all of the jump is a gap */
    *out = (so_reorder_out){.seq = buffer->next, .count = (uint16_t)n};
    buffer->next = (uint16_t)(buffer->next + n);
    buffer->counts.lost += n;
    return SO_REORDER_LOST;
}

so_reorder_take_result so_reorder_take(so_reorder *buffer, so_msec now, so_reorder_out *out)
{
    slot *s = &buffer->slots[place_of(buffer, buffer->next)];
    int32_t excess;

    memset(out, 0, sizeof *out);
    so_pool_give(buffer->pool, buffer->out);
    buffer->out = NULL;
    excess = buffer->pressed ? ahead_of_next(buffer, buffer->pressing) - (int32_t)buffer->size + 1 : 0;
    buffer->pressed = excess > 0;
    if (s->block != NULL) {
        *out = (so_reorder_out){
            .seq = buffer->next,
            .count = 1,
            .bytes = s->block,
            .len = s->len,
            .arrived = s->arrived,
        };
        buffer->out = s->block;
        s->block = NULL;
        buffer->count--;
        buffer->next++;
        buffer->counts.delivered++;
        return SO_REORDER_PACKET;
    }
    if (buffer->pressed)
        return give_up(buffer, (size_t)excess, out);
    if (buffer->count == 0 || now < so_reorder_deadline(buffer))
        return SO_REORDER_WAIT;
    return give_up(buffer, buffer->size, out);
}

void so_reorder_stats(const so_reorder *buffer, so_reorder_counts *out)
{
    *out = buffer->counts;
}
