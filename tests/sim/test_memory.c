/*
 * Memory: what a whole call does when the nth of Sotto's own allocations fails, for each n; and that a packet in
 * mid-call allocates nothing at all, in the libraries neither.
 */
#include "unit.h"

#include "clock.h"
#include "heap.h"
#include "peer/peer.h"

#include <stdlib.h>

typedef struct end {
    so_peer *peer;
    so_address base;
    size_t track;
    unsigned frames;
} end;

typedef struct rig {
    so_engine engine;
    bool has_engine;
    end ends[2];
} rig;

static bool begin(rig *r)
{
    so_error err;

    memset(r, 0, sizeof *r);
    r->has_engine = so_engine_open(&r->engine, &err) == SO_OK;
    for (unsigned i = 0; r->has_engine && i < 2; i++) {
        end *e = &r->ends[i];
        so_peer_config config = {.engine = &r->engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                                 .polite = i == 1};

        if (so_peer_new(&e->peer, &config, &err) != SO_OK ||
            so_address_parse(&e->base, i == 0 ? "10.0.0.1" : "10.0.0.2", 5000) != SO_OK ||
            so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track) != SO_OK ||
            so_peer_add_base(e->peer, sim_now(), &e->base) != SO_OK)
            return false;
        so_peer_no_more_bases(e->peer, sim_now());
    }
    return r->has_engine;
}

static void finish(rig *r)
{
    for (unsigned i = 0; i < 2; i++)
        so_peer_free(r->ends[i].peer);
    if (r->has_engine)
        so_engine_close(&r->engine);
}

static bool negotiate(rig *r)
{
    static char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err;

    return so_peer_offer(r->ends[0].peer, sim_now(), sdp, sizeof sdp, &err) == SO_OK &&
           so_peer_take(r->ends[1].peer, sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err) == SO_OK &&
           so_peer_answer(r->ends[1].peer, sim_now(), sdp, sizeof sdp, &err) == SO_OK &&
           so_peer_take(r->ends[0].peer, sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err) == SO_OK;
}

static bool pump(rig *r)
{
    bool any = false;

    for (unsigned from = 0; from < 2; from++) {
        end *e = &r->ends[from], *other = &r->ends[1 - from];
        so_peer_event event;
        so_datagram out;
        uint8_t copy[2048];

        while (so_peer_transmit(e->peer, sim_now(), &out)) {
            any = true;
            memcpy(copy, out.bytes, out.len);
            so_peer_receive(other->peer, sim_now(), &other->base, &e->base, copy, out.len);
        }
        while (so_peer_event_next(e->peer, sim_now(), &event)) {
            any = true;
            e->frames += event.kind == SO_PEER_FRAME;
        }
    }
    return any;
}

static void run_for(rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    while (sim_now() < until) {
        while (pump(r))
            ;
        sim_set(sim_now() + 10);
        for (unsigned i = 0; i < 2; i++)
            so_peer_tick(r->ends[i].peer, sim_now());
    }
    while (pump(r))
        ;
}

static bool is_open(const end *e)
{
    so_peer_facts facts;

    if (e->peer == NULL || so_peer_state_of(e->peer) != SO_PEER_OPEN)
        return false;
    so_peer_facts_of(e->peer, &facts);
    assert_true(so_fingerprint_equal(&facts.seen, &facts.signaled)); /* whatever failed, this door held */
    return true;
}

static unsigned send(rig *r, unsigned from, unsigned count)
{
    static const uint8_t sound[80] = {0xf8};
    unsigned sent = 0;

    for (unsigned i = 0; i < count; i++) {
        so_peer_frame frame = {.bytes = sound, .len = sizeof sound, .time = i * 960};

        sent += so_peer_send(r->ends[from].peer, sim_now(), r->ends[from].track, &frame) == SO_OK;
        run_for(r, 20);
    }
    return sent;
}

/* A whole call. *open: both ends were. */
static void call(bool *open)
{
    rig r;
    bool first, second;

    *open = false;
    if (begin(&r) && negotiate(&r)) {
        run_for(&r, 3000);
        first = is_open(&r.ends[0]);
        second = is_open(&r.ends[1]);
        *open = first && second;
        if (*open && send(&r, 0, 5) == 5)
            so_peer_close(r.ends[0].peer, sim_now());
        run_for(&r, 100);
    }
    finish(&r);
}

static void each_allocation_may_fail(void **state)
{
    unsigned long whole;
    unsigned opened = 0;
    bool open;

    (void)state;
    sim_begin(1);
    heap_own = heap_fail_at = 0;
    call(&open);
    whole = heap_own;
    assert_true(open && whole > 20);
    for (unsigned long n = 1; n <= whole; n++) {
        long before = heap_live;

        sim_begin(1);
        heap_own = 0;
        heap_fail_at = n;
        call(&open);
        assert_true(heap_own >= n);
        assert_int_equal(heap_live, before); /* nothing leaked */
        opened += open;
    }
    heap_fail_at = 0;
    /* Most of them are needed; a few, like the room for early datagrams, only cost time. */
    assert_true(opened < whole / 2);
    sim_end();
}

static void a_packet_in_mid_call_allocates_nothing(void **state)
{
    unsigned long before;
    rig r;

    (void)state;
    sim_begin(2);
    heap_fail_at = 0;
    assert_true(begin(&r) && negotiate(&r));
    run_for(&r, 3000);
    assert_true(is_open(&r.ends[0]) && is_open(&r.ends[1]));
    /* The first packets of each stream, reports and checks of consent: what is made once is made. */
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(send(&r, i, 400), 400);
    r.ends[0].frames = r.ends[1].frames = 0;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < 1000; k++) {
            static const uint8_t sound[80] = {0xf8};
            so_peer_frame frame = {.bytes = sound, .len = sizeof sound, .time = (400 + k) * 960};

            before = heap_own;
            heap_counting = true;
            assert_int_equal(so_peer_send(r.ends[i].peer, sim_now(), r.ends[i].track, &frame), SO_OK);
            while (pump(&r))
                ;
            heap_counting = false;
            assert_int_equal(heap_own, before);
            run_for(&r, 20);
        }
    assert_int_equal(r.ends[0].frames, 1000);
    assert_int_equal(r.ends[1].frames, 1000);
    assert_int_equal(heap_everybody, 0);
    finish(&r);
    sim_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_packet_in_mid_call_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
