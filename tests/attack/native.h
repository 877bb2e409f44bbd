/*
 * Two peers, and somebody on the wire between them: a tap that sees every datagram and may drop, alter or repeat it,
 * and who may say what they like from any address. What must never be on the wire is checked for every datagram.
 */
#ifndef SOTTO_TESTS_ATTACK_NATIVE_H
#define SOTTO_TESTS_ATTACK_NATIVE_H

#include "unit.h"

#include "clock.h"
#include "peer/demux.h"
#include "peer/peer.h"

#include <stdlib.h>

#define NATIVE_FRAME 60
#define NATIVE_KINDS 5

typedef struct native native;

typedef struct native_end {
    so_peer *peer;
    so_address base;
    size_t track;
    bool opened; /* it was open once */
    unsigned frames, lost;
    uint32_t last; /* number of the frame that came last */
    bool disordered;
    uint64_t sent[NATIVE_KINDS]; /* datagrams, by so_demux */
} native_end;

typedef struct native_datagram {
    unsigned from;
    so_address source, target;
    so_demux kind;
    size_t len;
    uint8_t bytes[2048];
} native_datagram;

struct native {
    so_engine engine;
    native_end ends[2];
    /* Sees every datagram first; false: it does not arrive. May alter it. */
    bool (*tap)(native *n, native_datagram *d);
    /* Sees every description and may rewrite it; NULL: all go as they are. */
    void (*rewrite)(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap);
    void *user;
    uint32_t numbers;
};

static inline so_address native_address(const char *ip, uint16_t port)
{
    so_address address;

    assert_int_equal(so_address_parse(&address, ip, port), SO_OK);
    return address;
}

static inline void native_make(native *n, unsigned i)
{
    native_end *e = &n->ends[i];
    so_peer_config config = {.engine = &n->engine,
                             .random = sim_random(),
                             .now = sim_now(),
                             .unix_ms = (uint64_t)SIM_EPOCH * 1000 + sim_now(),
                             .polite = i == 1};
    so_error err;

    memset(e, 0, sizeof *e);
    assert_int_equal(so_peer_new(&e->peer, &config, &err), SO_OK);
    assert_int_equal(so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track), SO_OK);
    e->base = native_address(i == 0 ? "10.0.0.1" : "10.0.0.2", 5000);
    assert_int_equal(so_peer_add_base(e->peer, sim_now(), &e->base), SO_OK);
    so_peer_no_more_bases(e->peer, sim_now());
}

static inline void native_begin(native *n, uint64_t seed)
{
    so_error err;

    sim_begin(seed);
    memset(n, 0, sizeof *n);
    assert_int_equal(so_engine_open(&n->engine, &err), SO_OK);
    native_make(n, 0);
    native_make(n, 1);
}

static inline void native_end_all(native *n)
{
    so_peer_free(n->ends[0].peer);
    so_peer_free(n->ends[1].peer);
    so_engine_close(&n->engine);
    sim_end();
}

/* ---- the wire ---- */

/* Something arrives at an end, whoever sent it and whatever it says its source is. */
static inline void native_inject(native *n, unsigned to, const so_address *source, const uint8_t *bytes, size_t len)
{
    uint8_t copy[2048];

    assert_true(len <= sizeof copy);
    memcpy(copy, bytes, len);
    so_peer_receive(n->ends[to].peer, sim_now(), &n->ends[to].base, source, copy, len);
}

static inline uint64_t native_media(const native_end *e)
{
    return e->sent[SO_DEMUX_RTP] + e->sent[SO_DEMUX_RTCP];
}

static inline bool native_carry(native *n, unsigned from)
{
    native_end *e = &n->ends[from], *other = &n->ends[1 - from];
    native_datagram d = {.from = from};
    so_datagram out;
    bool any = false;

    while (so_peer_transmit(e->peer, sim_now(), &out)) {
        any = true;
        assert_true(out.len > 0 && out.len <= 1280);
        d.source = out.local;
        d.target = out.remote;
        d.kind = so_demux_of(out.bytes, out.len);
        d.len = out.len;
        memcpy(d.bytes, out.bytes, out.len);
        e->sent[d.kind]++;
        e->opened |= so_peer_state_of(e->peer) == SO_PEER_OPEN;
        /* Attack 4, and the rule of all: no media before the certificate is checked. */
        assert_int_not_equal(d.kind, SO_DEMUX_NONE);
        assert_true(e->opened || native_media(e) == 0);
        if (n->tap != NULL && !n->tap(n, &d))
            continue;
        if (so_address_equal(&d.target, &other->base))
            native_inject(n, 1 - from, &d.source, d.bytes, d.len);
    }
    return any;
}

static inline void native_frame(native_end *e, const so_peer_event *event)
{
    uint32_t number;
    so_reader r = so_reader_of(event->frame.bytes, event->frame.len);

    assert_true(e->opened);
    assert_int_equal(event->frame.len, NATIVE_FRAME);
    assert_int_equal(so_read_u8(&r), 0xf8);
    number = so_read_u32(&r);
    for (size_t i = 5; i < NATIVE_FRAME; i++)
        assert_int_equal(so_read_u8(&r), (uint8_t)(number + i));
    e->disordered |= e->frames > 0 && number <= e->last;
    e->last = number;
    e->frames++;
    e->lost += event->lost;
}

static inline bool native_events(native *n, unsigned from)
{
    native_end *e = &n->ends[from], *other = &n->ends[1 - from];
    so_peer_event event;
    bool any = false;

    while (so_peer_event_next(e->peer, sim_now(), &event)) {
        any = true;
        e->opened |= so_peer_state_of(e->peer) == SO_PEER_OPEN;
        if (event.kind == SO_PEER_CANDIDATE && so_peer_had_remote(other->peer))
            assert_int_equal(so_peer_add_candidate(other->peer, sim_now(), event.candidate, event.ufrag), SO_OK);
        if (event.kind == SO_PEER_FRAME)
            native_frame(e, &event);
    }
    return any;
}

static inline void native_settle(native *n)
{
    bool any = true;

    for (int i = 0; any; i++) {
        any = false;
        assert_true(i < 2000);
        for (unsigned from = 0; from < 2; from++) {
            any = native_carry(n, from) || any;
            any = native_events(n, from) || any;
        }
    }
}

static inline void native_run(native *n, so_msec ms)
{
    so_msec until = sim_now() + ms;

    for (;;) {
        so_msec at = until;

        native_settle(n);
        for (int i = 0; i < 2; i++) {
            so_msec due = so_peer_deadline(n->ends[i].peer, sim_now());

            at = due < at ? due : at;
        }
        if (at >= until)
            break;
        sim_set(at > sim_now() ? at : sim_now());
        so_peer_tick(n->ends[0].peer, sim_now());
        so_peer_tick(n->ends[1].peer, sim_now());
    }
    sim_set(until);
    so_peer_tick(n->ends[0].peer, sim_now());
    so_peer_tick(n->ends[1].peer, sim_now());
    native_settle(n);
}

/* ---- what is said ---- */

/* One end takes a description; what it comes to is the test's to judge. */
static inline so_status native_take(native *n, unsigned to, so_sdp_type type, const char *sdp)
{
    so_sdp_taken taken;
    so_error err;

    return so_peer_take(n->ends[to].peer, sim_now(), type, sdp, strlen(sdp), &taken, &err);
}

/* false: one of the two refused, or was over already. */
static inline bool native_negotiate(native *n, unsigned offerer)
{
    static char sdp[2 * SO_PEER_SDP_MAX];
    so_error err;
    unsigned other = 1 - offerer;

    if (so_peer_offer(n->ends[offerer].peer, sim_now(), sdp, SO_PEER_SDP_MAX, &err) != SO_OK)
        return false;
    if (n->rewrite != NULL)
        n->rewrite(n, offerer, SO_SDP_OFFER, sdp, sizeof sdp);
    if (native_take(n, other, SO_SDP_OFFER, sdp) != SO_OK)
        return false;
    if (so_peer_answer(n->ends[other].peer, sim_now(), sdp, SO_PEER_SDP_MAX, &err) != SO_OK)
        return false;
    if (n->rewrite != NULL)
        n->rewrite(n, other, SO_SDP_ANSWER, sdp, sizeof sdp);
    return native_take(n, offerer, SO_SDP_ANSWER, sdp) == SO_OK;
}

/* Every occurrence of one text becomes another one. How many there were. */
static inline unsigned native_replace(char *text, size_t cap, const char *what, const char *with)
{
    size_t old_len = strlen(what), new_len = strlen(with);
    unsigned count = 0;

    for (char *at = text; (at = strstr(at, what)) != NULL; at += new_len, count++) {
        assert_true(strlen(text) + new_len < cap);
        memmove(at + new_len, at + old_len, strlen(at + old_len) + 1);
        memcpy(at, with, new_len);
    }
    return count;
}

/* The rest of the line behind what it begins with, in every place. */
static inline unsigned native_replace_line(char *text, size_t cap, const char *begins, const char *with)
{
    size_t new_len = strlen(with);
    unsigned count = 0;

    for (char *at = text; (at = strstr(at, begins)) != NULL; count++) {
        size_t old_len = strcspn(at, "\r");

        assert_true(strlen(text) + new_len < cap);
        memmove(at + new_len, at + old_len, strlen(at + old_len) + 1);
        memcpy(at, with, new_len);
        at += new_len;
    }
    return count;
}

/* ---- media ---- */

static inline so_status native_send(native *n, unsigned from)
{
    uint8_t bytes[NATIVE_FRAME];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    uint32_t number = n->numbers++;
    so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = number * 960, .level_known = true, .level = 30};

    so_write_u8(&w, 0xf8); /* one Opus frame of 20 ms */
    so_write_u32(&w, number);
    for (size_t i = 5; i < NATIVE_FRAME; i++)
        so_write_u8(&w, (uint8_t)(number + i));
    return so_peer_send(n->ends[from].peer, sim_now(), n->ends[from].track, &frame);
}

static inline void native_talk(native *n, unsigned from, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(native_send(n, from), SO_OK);
        native_run(n, 20);
    }
}

static inline bool native_is_open(const native *n)
{
    return so_peer_state_of(n->ends[0].peer) == SO_PEER_OPEN && so_peer_state_of(n->ends[1].peer) == SO_PEER_OPEN;
}

/* An honest call, up to where it is open. */
static inline void native_open(native *n, uint64_t seed, unsigned offerer)
{
    native_begin(n, seed);
    assert_true(native_negotiate(n, offerer));
    native_run(n, 500);
    assert_true(native_is_open(n));
}

/* Both ends hear each other, every frame. */
static inline void assert_they_hear_each_other(native *n)
{
    for (unsigned from = 0; from < 2; from++) {
        unsigned before = n->ends[1 - from].frames;

        native_talk(n, from, 10);
        native_run(n, 200);
        assert_int_equal(n->ends[1 - from].frames, before + 10);
        assert_false(n->ends[1 - from].disordered);
    }
}

/* ---- refusals: who, why, and that nothing of media left or came ---- */

static inline void assert_no_media(native *n, unsigned i)
{
    native_end *e = &n->ends[i];
    so_peer_facts facts;

    assert_int_not_equal(so_peer_state_of(e->peer), SO_PEER_OPEN);
    assert_false(e->opened);
    assert_int_equal(native_send(n, i), SO_STATE);
    native_run(n, 1000);
    so_peer_facts_of(e->peer, &facts);
    assert_int_equal(native_media(e), 0);
    assert_int_equal(facts.sent.protected_rtp + facts.sent.protected_rtcp, 0);
    assert_int_equal(facts.received.unprotected_rtp + facts.received.unprotected_rtcp, 0);
    assert_int_equal(e->frames, 0);
}

static inline void assert_refused(native *n, unsigned i, so_door door, const char *code)
{
    const so_peer_failure *failure = so_peer_failure_of(n->ends[i].peer);

    assert_int_equal(so_peer_state_of(n->ends[i].peer), SO_PEER_FAILED);
    assert_non_null(failure);
    assert_string_equal(failure->code, code);
    assert_int_equal(failure->door, door);
    assert_true(strlen(failure->error.text) > 20);
    assert_true(strlen(failure->error.layer) > 0);
    assert_int_equal(so_peer_deadline(n->ends[i].peer, sim_now()), UINT64_MAX);
}

#endif
