/* Two peers side by side: what one sends arrives at the other at once. Networks that misbehave are tests/sim's. */
#ifndef SOTTO_TESTS_PEER_RIG_H
#define SOTTO_TESTS_PEER_RIG_H

#include "unit.h"

#include "clock.h"
#include "peer/peer.h"

typedef struct end {
    so_peer *peer;
    so_address base;
    size_t track;
    unsigned frames, lost;
    bool receiving, open;
    uint8_t last[64];
    size_t last_len;
} end;

typedef struct rig rig;
struct rig {
    so_engine engine;
    end ends[2];
    unsigned kinds[256]; /* datagrams by first byte */
    bool cut;            /* nothing arrives */
    void (*on_data)(rig *r, int at, const so_sctp_event *event);
    void *user;
};

static inline void begin(rig *r, uint64_t seed)
{
    so_error err;

    sim_begin(seed);
    memset(r, 0, sizeof *r);
    assert_int_equal(so_engine_open(&r->engine, &err), SO_OK);
    for (int i = 0; i < 2; i++) {
        end *e = &r->ends[i];
        so_peer_config config = {.engine = &r->engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                                 .polite = i == 1};

        assert_int_equal(so_peer_new(&e->peer, &config, &err), SO_OK);
        assert_int_equal(so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track), SO_OK);
        assert_int_equal(so_address_parse(&e->base, i == 0 ? "10.0.0.1" : "10.0.0.2", 5000), SO_OK);
        assert_int_equal(so_peer_add_base(e->peer, sim_now(), &e->base), SO_OK);
        so_peer_no_more_bases(e->peer, sim_now());
    }
}

static inline void finish(rig *r)
{
    for (int i = 0; i < 2; i++)
        so_peer_free(r->ends[i].peer);
    so_engine_close(&r->engine);
    sim_end();
}

static inline bool events(rig *r, int from)
{
    end *e = &r->ends[from], *other = &r->ends[1 - from];
    so_peer_event event;
    bool any = false;

    while (so_peer_event_next(e->peer, sim_now(), &event)) {
        any = true;
        if (event.kind == SO_PEER_CANDIDATE && so_peer_had_remote(other->peer))
            assert_int_equal(so_peer_add_candidate(other->peer, sim_now(), event.candidate, event.ufrag), SO_OK);
        if (event.kind == SO_PEER_STATE_CHANGED && so_peer_state_of(e->peer) == SO_PEER_OPEN)
            e->open = true;
        if (event.kind == SO_PEER_TRACK)
            e->receiving = event.receiving;
        if (event.kind == SO_PEER_DATA && r->on_data != NULL)
            r->on_data(r, from, event.data);
        if (event.kind == SO_PEER_FRAME) {
            e->frames++;
            e->lost += event.lost;
            assert_true(event.frame.len <= sizeof e->last);
            memcpy(e->last, event.frame.bytes, event.frame.len);
            e->last_len = event.frame.len;
        }
    }
    return any;
}

static inline bool carry(rig *r, int from)
{
    end *e = &r->ends[from], *other = &r->ends[1 - from];
    so_datagram out;
    uint8_t copy[2048];
    bool any = false;

    while (so_peer_transmit(e->peer, sim_now(), &out)) {
        any = true;
        r->kinds[out.bytes[0]]++;
        assert_true(so_address_equal(&out.local, &e->base));
        memcpy(copy, out.bytes, out.len);
        if (!r->cut && so_address_equal(&out.remote, &other->base))
            so_peer_receive(other->peer, sim_now(), &other->base, &e->base, copy, out.len);
    }
    return any;
}

static inline void settle(rig *r)
{
    for (int i = 0; i < 1000; i++) {
        bool any = false;

        for (int from = 0; from < 2; from++) {
            any |= carry(r, from);
            any |= events(r, from);
        }
        if (!any)
            return;
    }
    fail_msg("it never settles");
}

static inline void run_for(rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    for (;;) {
        so_msec at = until;

        settle(r);
        for (int i = 0; i < 2; i++) {
            so_msec due = so_peer_deadline(r->ends[i].peer, sim_now());

            if (due < at)
                at = due;
        }
        if (at >= until)
            break;
        sim_set(at > sim_now() ? at : sim_now());
        for (int i = 0; i < 2; i++)
            so_peer_tick(r->ends[i].peer, sim_now());
    }
    sim_set(until);
    settle(r);
}

static inline void negotiate(rig *r, int offerer)
{
    char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err = {0};
    end *a = &r->ends[offerer], *b = &r->ends[1 - offerer];

    assert_int_equal(so_peer_offer(a->peer, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    assert_int_equal(so_peer_take(b->peer, sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err), SO_OK);
    assert_int_equal(so_peer_answer(b->peer, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    assert_int_equal(so_peer_take(a->peer, sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err), SO_OK);
}

#endif
