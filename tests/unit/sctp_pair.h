/*
 * Two associations in simulated time, with a link between them that loses and reorders as a seed says, and a record of
 * what both of them said.
 */
#ifndef SOTTO_TESTS_SCTP_PAIR_H
#define SOTTO_TESTS_SCTP_PAIR_H

#include "unit.h"

#include "clock.h"
#include "sctp/sctp.h"

#include <stdlib.h>

#define FLYING 2048
#define HEARD 1024
#define BIG SO_SCTP_MESSAGE_MAX
#define TEXT(s) ((so_slice){(const uint8_t *)(s), sizeof(s) - 1})

typedef struct packet {
    bool used;
    int to;
    so_msec due;
    size_t len;
    uint8_t bytes[SO_SCTP_MTU];
} packet;

/* What of an event is looked at later: messages by their length and first four bytes. */
typedef struct heard {
    so_sctp_event_kind kind;
    uint16_t channel;
    bool text, intact;
    size_t len;
    uint32_t number;
    so_sctp_channel opened;
    char label[32], protocol[32];
} heard;

typedef struct pair {
    so_sctp *ends[2]; /* client, server */
    packet flying[FLYING];
    heard heard[2][HEARD];
    size_t count[2];
    unsigned loss, delay;                               /* in a hundred; up to so many ms more than 10 */
    bool mute;                                          /* nothing arrives */
    bool (*look)(int from, uint8_t *bytes, size_t len); /* sees what is sent and may change it; false: it gets lost */
    size_t packets;
} pair;

static pair p;

static inline so_sctp *end_of(so_sctp_role role, size_t receive_max, size_t queue_max)
{
    so_sctp_config config = {role, 5000, 5000, receive_max, BIG, queue_max, sim_now()};
    so_sctp *end;

    assert_int_equal(so_sctp_new(&end, &config, NULL), SO_OK);
    return end;
}

static inline void begin(uint64_t seed, unsigned loss, unsigned delay)
{
    for (int i = 0; i < 2; i++)
        so_sctp_free(p.ends[i]); /* of a test that failed */
    sim_begin(seed);
    memset(&p, 0, sizeof p);
    p.loss = loss;
    p.delay = delay;
    for (int i = 0; i < 2; i++)
        p.ends[i] = end_of((so_sctp_role)i, BIG, 4 * BIG);
}

static inline void end(void)
{
    for (int i = 0; i < 2; i++) {
        so_sctp_free(p.ends[i]);
        p.ends[i] = NULL;
    }
    sim_end();
}

/* Bytes that follow from their place and the message's number, which they begin with. */
static inline uint8_t byte_of(uint32_t number, size_t at)
{
    return at < 4 ? (uint8_t)(number >> (24 - 8 * at)) : (uint8_t)(number * 31 + at * 7 + (at >> 8));
}

static inline void note(int at, const so_sctp_event *event)
{
    heard *h = &p.heard[at][p.count[at]];
    const uint8_t *bytes = event->bytes.bytes;

    assert_true(p.count[at] < HEARD);
    *h = (heard){.kind = event->kind, .channel = event->channel, .text = event->text, .len = event->bytes.len};
    h->opened = event->opened;
    if (event->kind == SO_SCTP_CHANNEL_OPENED) {
        assert_true(event->opened.label.len < sizeof h->label && event->opened.protocol.len < sizeof h->protocol);
        memcpy(h->label, event->opened.label.bytes, event->opened.label.len);
        memcpy(h->protocol, event->opened.protocol.bytes, event->opened.protocol.len);
    }
    if (h->len >= 4) {
        h->number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
        h->intact = true;
        for (size_t i = 0; i < h->len; i++)
            h->intact = h->intact && bytes[i] == byte_of(h->number, i);
    }
    p.count[at]++;
}

static inline void launch(int from, const uint8_t *bytes, size_t len)
{
    uint8_t copy[SO_SCTP_MTU];

    memcpy(copy, bytes, len);
    p.packets++;
    if (sim_dice(100) < p.loss || p.mute || (p.look != NULL && !p.look(from, copy, len)))
        return;
    for (size_t i = 0; i < FLYING; i++) {
        packet *f = &p.flying[i];

        if (f->used)
            continue;
        *f = (packet){.used = true, .to = 1 - from, .due = sim_now() + 10 + sim_dice(p.delay + 1), .len = len};
        memcpy(f->bytes, copy, len);
        return;
    }
    fail_msg("%s", "too many packets under way");
}

static inline void drain(void)
{
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[SO_SCTP_MTU];
        so_sctp_event event;
        size_t len;

        while (p.ends[i] != NULL && so_sctp_event_next(p.ends[i], &event))
            note(i, &event);
        while (p.ends[i] != NULL && so_sctp_transmit(p.ends[i], bytes, &len))
            launch(i, bytes, len);
    }
}

static inline so_msec next_time(so_msec limit)
{
    for (int i = 0; i < 2; i++)
        if (p.ends[i] != NULL && so_sctp_deadline(p.ends[i]) < limit)
            limit = so_sctp_deadline(p.ends[i]);
    for (size_t i = 0; i < FLYING; i++)
        if (p.flying[i].used && p.flying[i].due < limit)
            limit = p.flying[i].due;
    return limit > sim_now() ? limit : sim_now() + 1;
}

/* The next moment in which anything happens. */
static inline void step(void)
{
    drain();
    sim_set(next_time(sim_now() + 1000));
    for (size_t i = 0; i < FLYING; i++) {
        packet *f = &p.flying[i];

        if (!f->used || f->due > sim_now())
            continue;
        f->used = false;
        if (p.ends[f->to] != NULL)
            so_sctp_receive(p.ends[f->to], sim_now(), (so_slice){f->bytes, f->len});
        drain();
    }
    for (int i = 0; i < 2; i++)
        if (p.ends[i] != NULL && so_sctp_deadline(p.ends[i]) <= sim_now())
            so_sctp_tick(p.ends[i], sim_now());
    drain();
}

static inline void pass(so_msec ms)
{
    so_msec until = sim_now() + ms;

    while (sim_now() < until)
        step();
}

static inline size_t count_of(int at, so_sctp_event_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < p.count[at]; i++)
        count += p.heard[at][i].kind == kind;
    return count;
}

static inline const heard *nth(int at, so_sctp_event_kind kind, size_t n)
{
    for (size_t i = 0; i < p.count[at]; i++)
        if (p.heard[at][i].kind == kind && n-- == 0)
            return &p.heard[at][i];
    fail_msg("%s", "no such event");
    return NULL;
}

/* Until one end has heard so many events of a kind, for at most two minutes of simulated time. */
static inline void wait_for(int at, so_sctp_event_kind kind, size_t count)
{
    so_msec until = sim_now() + 120000;

    while (count_of(at, kind) < count && sim_now() < until)
        step();
    assert_int_equal(count_of(at, kind), count);
}

static inline void connect_ends(void)
{
    for (int i = 0; i < 2; i++)
        so_sctp_start(p.ends[i], sim_now());
    wait_for(0, SO_SCTP_CONNECTED, 1);
    wait_for(1, SO_SCTP_CONNECTED, 1);
}

static inline uint16_t open_one(int at, const so_sctp_channel *channel)
{
    uint16_t id;

    assert_int_equal(so_sctp_open_channel(p.ends[at], sim_now(), channel, &id), SO_OK);
    return id;
}

static inline so_status say(int at, uint16_t channel, uint32_t number, size_t len)
{
    uint8_t *bytes = malloc(len);
    so_status status;

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(number, i);
    status = so_sctp_send(p.ends[at], sim_now(), channel, false, (so_slice){bytes, len});
    free(bytes);
    return status;
}

#endif
