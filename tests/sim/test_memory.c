/*
 * Memory: what a whole call does when the nth of Sotto's own allocations fails, for each n; and that a packet in
 * mid-call allocates nothing at all, in the libraries neither.
 */
#include "unit.h"

#include "clock.h"
#include "heap.h"
#include "peer/peer.h"
#include "turn_server.h"

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
    sim_turn *turn; /* NULL: the two reach each other */
    so_address server;
} rig;

static void to_client(void *user, const so_address *client, const uint8_t *bytes, size_t len)
{
    rig *r = user;
    uint8_t copy[2048];

    memcpy(copy, bytes, len);
    for (unsigned i = 0; i < 2; i++)
        if (so_address_equal(&r->ends[i].base, client))
            so_peer_receive(r->ends[i].peer, sim_now(), client, &r->server, copy, len);
}

static void to_peer(void *user, const so_address *relayed, const so_address *peer, const uint8_t *bytes, size_t len)
{
    rig *r = user;

    sim_turn_from_peer(r->turn, sim_now(), peer, relayed, bytes, len); /* whose end is there, too */
}

static bool add_relay(rig *r, end *e)
{
    so_relay_server server = {.way = SO_RELAY_UDP, .address = r->server};

    server.username = r->turn->user;
    server.credential = r->turn->password;
    r->turn->to_client = to_client;
    r->turn->to_peer = to_peer;
    r->turn->user_data = r;
    return so_peer_add_relay_server(e->peer, sim_now(), &server) == SO_OK;
}

/* turn: both ends use it, and nothing else; or NULL. */
static bool begin(rig *r, sim_turn *turn)
{
    so_error err;

    memset(r, 0, sizeof *r);
    r->turn = turn;
    if (so_address_parse(&r->server, "203.0.113.1", 3478) != SO_OK)
        return false;
    r->has_engine = so_engine_open(&r->engine, &err) == SO_OK;
    for (unsigned i = 0; r->has_engine && i < 2; i++) {
        end *e = &r->ends[i];
        so_peer_config config = {.engine = &r->engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                                 .polite = i == 1,
                                 .relay_only = turn != NULL};

        if (so_peer_new(&e->peer, &config, &err) != SO_OK ||
            so_address_parse(&e->base, i == 0 ? "10.0.0.1" : "10.0.0.2", 5000) != SO_OK ||
            so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track) != SO_OK ||
            so_peer_add_base(e->peer, sim_now(), &e->base) != SO_OK)
            return false;
        if (turn != NULL && !add_relay(r, e))
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
            if (r->turn != NULL) {
                assert_true(so_address_equal(&out.remote, &r->server));
                sim_turn_from_client(r->turn, sim_now(), &e->base, copy, out.len);
                continue;
            }
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

/* Both ends are there, and what they say to each other has come to what it comes to. */
static bool meet(rig *r, sim_turn *turn)
{
    so_address relay;

    if (turn != NULL) {
        if (so_address_parse(&relay, "203.0.113.9", 49152) != SO_OK)
            return false;
        sim_turn_open(turn, &relay);
    }
    if (!begin(r, turn))
        return false;
    while (pump(r)) /* relayed candidates go with the descriptions */
        ;
    if (!negotiate(r))
        return false;
    run_for(r, 3000);
    return true;
}

static bool has_failed(const end *e)
{
    return e->peer != NULL && so_peer_failure_of(e->peer) != NULL;
}

/* A whole call. *open: both ends were. *told: a function or an end said that something failed. */
static void call(bool relayed, bool *open, bool *told)
{
    sim_turn turn;
    rig r;
    bool first, second;

    *open = false;
    *told = true;
    if (meet(&r, relayed ? &turn : NULL)) {
        first = is_open(&r.ends[0]);
        second = is_open(&r.ends[1]);
        *open = first && second;
        if (*open && send(&r, 0, 5) == 5)
            so_peer_close(r.ends[0].peer, sim_now());
        else if (!*open)
            run_for(&r, 60000); /* the patience of a path or a handshake */
        *told = has_failed(&r.ends[0]) || has_failed(&r.ends[1]);
        run_for(&r, 100);
    }
    finish(&r);
}

static void each_allocation_may_fail(void **state)
{
    bool relayed = *state != NULL;
    unsigned long whole;
    unsigned opened = 0;
    bool open, told;

    sim_begin(1);
    heap_own = heap_fail_at = 0;
    call(relayed, &open, &told);
    whole = heap_own;
    assert_true(open && whole > 20);
    for (unsigned long n = 1; n <= whole; n++) {
        long before = heap_live;

        sim_begin(1);
        heap_own = 0;
        heap_fail_at = n;
        call(relayed, &open, &told);
        /* A path through a relay alone can be missing for good: how long to wait for one is so_call's to say. */
        if (!open && !told && !relayed)
            fail_msg("allocation %lu of %lu: no call, and nobody says why", n, whole);
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
    bool relayed = *state != NULL;
    sim_turn turn;
    rig r;

    sim_begin(2);
    heap_fail_at = 0;
    assert_true(meet(&r, relayed ? &turn : NULL));
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
    assert_true(!relayed || turn.channel_data >= 2800);
    finish(&r);
    sim_end();
}

int main(void)
{
    static int through_relay;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_packet_in_mid_call_allocates_nothing),
        {"each_allocation_may_fail, through a relay", each_allocation_may_fail, NULL, NULL, &through_relay},
        {"a_packet_through_a_relay_allocates_nothing", a_packet_in_mid_call_allocates_nothing, NULL, NULL,
         &through_relay},
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
