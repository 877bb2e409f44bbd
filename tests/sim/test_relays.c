/*
 * Calls that only a relay makes possible: symmetric NATs at both ends, over datagrams and over streams, with losses,
 * with a relay at one end alone, and what happens to the relay in mid-call.
 */
#include "relay_rig.h"

static relay_rig rig;

static void assert_path(const relay_rig *r, unsigned i, const char *local, const char *remote, const char *way)
{
    so_peer_facts facts;

    so_peer_facts_of(r->ends[i].peer, &facts);
    assert_non_null(facts.local_kind);
    if (local != NULL)
        assert_string_equal(facts.local_kind, local);
    if (remote != NULL)
        assert_string_equal(facts.remote_kind, remote);
    assert_true(facts.relayed);
    if (way == NULL)
        assert_null(facts.relay_way);
    else
        assert_string_equal(facts.relay_way, way);
}

static void open_call(relay_rig *r, so_msec ms)
{
    relay_start(r);
    relay_negotiate(r, 0);
    assert_true(relay_opens(r, ms));
}

static void over_every_way(void **state)
{
    static const char *const names[] = {"udp", "tcp", "tls"};

    (void)state;
    for (unsigned a = 0; a < 3; a++)
        for (unsigned b = 0; b < 3; b++)
            for (unsigned only = 0; only < 2; only++) {
                relay_begin(&rig, 1 + a * 3 + b, (so_relay_way)a, (so_relay_way)b, only);
                open_call(&rig, 5000);
                relay_talk(&rig, 100);
                relay_run(&rig, 3000);
                relay_talk(&rig, 100);
                for (unsigned i = 0; i < 2 && only; i++)
                    assert_path(&rig, i, "relay", "relay", names[i == 0 ? a : b]);
                assert_int_equal(rig.turn.dropped, 0);
                assert_true(rig.turn.channel_data > rig.turn.indications); /* media goes with 4 bytes more */
                relay_end_all(&rig);
            }
}

static void with_losses(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        relay_begin(&rig, seed, SO_RELAY_UDP, seed % 2 ? SO_RELAY_UDP : SO_RELAY_TCP, seed % 3 == 0);
        rig.loss = 1 + (unsigned)seed % 12;
        rig.jitter = (unsigned)seed % 30;
        open_call(&rig, 30000);
        relay_talk(&rig, 50);
        relay_end_all(&rig);
    }
}

/* The other end may be anywhere: it sends to the relayed address, from behind a NAT that lets nobody in. */
static void with_a_relay_at_one_end(void **state)
{
    (void)state;
    for (unsigned with = 0; with < 2; with++)
        for (unsigned way = 0; way < 3; way++) {
            relay_begin(&rig, 11 + way, (so_relay_way)way, (so_relay_way)way, false);
            rig.ends[1 - with].lone = true;
            open_call(&rig, 8000);
            relay_talk(&rig, 100);
            assert_path(&rig, with, "relay", NULL, way == 0 ? "udp" : way == 1 ? "tcp" : "tls");
            assert_path(&rig, 1 - with, NULL, "relay", NULL);
            relay_end_all(&rig);
        }
}

/* Where there is a better path than through the relay it is taken, whichever is there first. */
static void a_direct_path_is_preferred(void **state)
{
    so_peer_facts facts;

    (void)state;
    relay_begin(&rig, 21, SO_RELAY_UDP, SO_RELAY_UDP, false);
    for (unsigned i = 0; i < 2; i++) {
        so_address outside = rig.ends[i].nat.outside;

        sim_nat_open(&rig.ends[i].nat, SIM_NAT_FULL_CONE, &outside, 60000);
    }
    relay_start(&rig);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(so_peer_add_stun_server(rig.ends[i].peer, sim_now(), &rig.server), SO_OK);
    relay_negotiate(&rig, 0);
    assert_true(relay_opens(&rig, 5000));
    relay_run(&rig, 3000);
    relay_talk(&rig, 100);
    for (unsigned i = 0; i < 2; i++) {
        so_peer_facts_of(rig.ends[i].peer, &facts);
        assert_false(facts.relayed);
        assert_null(facts.relay_way);
    }
    relay_end_all(&rig);
}

static void an_hour_through_the_relay(void **state)
{
    (void)state;
    relay_begin(&rig, 31, SO_RELAY_UDP, SO_RELAY_TLS, true);
    open_call(&rig, 5000);
    for (unsigned i = 0; i < 60; i++) {
        relay_run(&rig, 57000);
        if (i % 7 == 0)
            sim_turn_new_nonce(&rig.turn);
        relay_talk(&rig, 100);
    }
    assert_true(rig.turn.refreshes > 8);
    assert_true(rig.turn.stale > 8);
    assert_int_equal(rig.turn.dropped, 0);
    assert_int_equal(rig.turn.allocates, 2);
    relay_end_all(&rig);
}

static void restart(relay_rig *r, unsigned end)
{
    assert_int_equal(so_peer_restart_ice(r->ends[end].peer, sim_now()), SO_OK);
    relay_negotiate(r, end);
}

static void a_restart_keeps_the_relay(void **state)
{
    (void)state;
    relay_begin(&rig, 41, SO_RELAY_UDP, SO_RELAY_TCP, true);
    open_call(&rig, 5000);
    relay_talk(&rig, 100);
    restart(&rig, 0);
    relay_run(&rig, 5000);
    relay_talk(&rig, 100);
    restart(&rig, 1);
    relay_run(&rig, 5000);
    relay_talk(&rig, 100);
    assert_int_equal(rig.turn.allocates, 2);
    assert_true(rig.turn.refreshes >= 4); /* it was asked whether it is still there */
    relay_end_all(&rig);
}

/* The NAT restarts: the server sees another client, and knows nothing of its allocation. */
static void a_restart_finds_a_lost_allocation(void **state)
{
    (void)state;
    relay_begin(&rig, 42, SO_RELAY_UDP, SO_RELAY_UDP, true);
    open_call(&rig, 5000);
    relay_talk(&rig, 100);
    sim_nat_rebind(&rig.ends[0].nat);
    relay_run(&rig, 9000);
    assert_int_equal(so_peer_ice(rig.ends[1].peer), SO_ICE_DISCONNECTED);
    restart(&rig, 0);
    relay_run(&rig, 10000);
    assert_int_equal(rig.turn.allocates, 3);
    relay_talk(&rig, 100);
    relay_end_all(&rig);
}

static void a_stream_that_breaks_is_replaced(void **state)
{
    const so_error why = {SO_IO, "relay", "the relay closed the connection; try again"};

    (void)state;
    relay_begin(&rig, 43, SO_RELAY_TCP, SO_RELAY_UDP, true);
    open_call(&rig, 5000);
    so_peer_stream_closed(rig.ends[0].peer, sim_now(), 1, "relay-unreachable", &why);
    relay_run(&rig, 100);
    assert_int_equal(rig.ends[0].failures, 1);
    assert_string_equal(rig.ends[0].relay_code, "relay-unreachable");
    assert_false(so_peer_has_relay(rig.ends[0].peer));
    assert_false(so_peer_wants_stream(rig.ends[0].peer, 1));
    assert_int_equal(relay_send(&rig, 0), SO_NOT_FOUND);
    rig.ends[0].stream.port++;
    assert_int_equal(so_peer_restart_ice(rig.ends[0].peer, sim_now()), SO_OK);
    assert_int_equal(relay_add_server(&rig, &rig.ends[0]), SO_OK);
    relay_negotiate(&rig, 0);
    relay_run(&rig, 10000);
    relay_talk(&rig, 100);
    relay_end_all(&rig);
}

static void the_end_gives_the_relay_back(void **state)
{
    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        relay_begin(&rig, 51 + way, (so_relay_way)way, (so_relay_way)way, true);
        open_call(&rig, 5000);
        so_peer_close(rig.ends[0].peer, sim_now());
        relay_run(&rig, 500);
        /* Behind the last word to the other end, which hears it. */
        assert_int_equal(so_peer_state_of(rig.ends[1].peer), SO_PEER_CLOSED);
        relay_run(&rig, 500);
        assert_int_equal(rig.turn.releases, 2);
        relay_end_all(&rig);
    }
}

static void what_is_abandoned_says_nothing_to_the_other_end(void **state)
{
    (void)state;
    relay_begin(&rig, 61, SO_RELAY_UDP, SO_RELAY_UDP, true);
    open_call(&rig, 5000);
    so_peer_abandon(rig.ends[0].peer, sim_now());
    relay_run(&rig, 500);
    assert_int_equal(so_peer_state_of(rig.ends[1].peer), SO_PEER_OPEN);
    assert_int_equal(rig.turn.releases, 1);
    relay_end_all(&rig);
}

static void no_relay_no_call(void **state)
{
    (void)state;
    relay_begin(&rig, 71, SO_RELAY_UDP, SO_RELAY_UDP, true);
    rig.turn.refuses = 486;
    relay_start(&rig);
    relay_negotiate(&rig, 0);
    relay_run(&rig, 60000);
    for (unsigned i = 0; i < 2; i++) {
        assert_false(rig.ends[i].opened);
        assert_int_equal(rig.ends[i].candidates, 0);
        assert_int_equal(rig.ends[i].failures, 1);
        assert_string_equal(rig.ends[i].relay_code, "relay-quota");
        assert_false(so_peer_has_relay(rig.ends[i].peer));
        assert_int_equal(so_peer_ice(rig.ends[i].peer), SO_ICE_FAILED);
    }
    relay_end_all(&rig);
}

static void bases_come_and_go(void **state)
{
    so_address other;

    (void)state;
    relay_begin(&rig, 81, SO_RELAY_UDP, SO_RELAY_UDP, true);
    open_call(&rig, 5000);
    other = rig.ends[0].base;
    so_peer_remove_base(rig.ends[0].peer, sim_now(), &other);
    assert_int_equal(relay_send(&rig, 0), SO_NOT_FOUND);
    rig.ends[0].base.port++;
    assert_int_equal(so_peer_add_base(rig.ends[0].peer, sim_now(), &rig.ends[0].base), SO_OK);
    restart(&rig, 0);
    relay_run(&rig, 10000);
    relay_talk(&rig, 100);
    relay_end_all(&rig);
}

static void servers_are_bounded(void **state)
{
    so_relay_server server = {.way = SO_RELAY_UDP, .username = "u", .credential = "c"};
    relay_end *e = &rig.ends[0];

    (void)state;
    relay_begin(&rig, 91, SO_RELAY_UDP, SO_RELAY_UDP, false);
    relay_start(&rig);
    server.address = rig.server;
    for (unsigned i = 0; i < 10; i++) {
        server.address.port++;
        assert_int_equal(so_peer_add_relay_server(e->peer, sim_now(), &server),
                         i < SO_ICE_MAX_SERVERS - 1 ? SO_OK : SO_TOO_LONG);
    }
    server.way = SO_RELAY_TCP;
    assert_int_equal(so_peer_add_relay_server(e->peer, sim_now(), &server), SO_BAD_INPUT); /* no number */
    for (unsigned i = 0; i < 10; i++) {
        server.stream = 1 + i;
        assert_int_equal(so_peer_add_relay_server(e->peer, sim_now(), &server),
                         i < SO_ICE_MAX_RELAYS - SO_ICE_MAX_SERVERS ? SO_OK : SO_TOO_LONG);
    }
    server.credential = "";
    assert_int_equal(so_peer_add_relay_server(rig.ends[1].peer, sim_now(), &server), SO_BAD_INPUT);
    relay_end_all(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_every_way),
        cmocka_unit_test(with_losses),
        cmocka_unit_test(with_a_relay_at_one_end),
        cmocka_unit_test(a_direct_path_is_preferred),
        cmocka_unit_test(an_hour_through_the_relay),
        cmocka_unit_test(a_restart_keeps_the_relay),
        cmocka_unit_test(a_restart_finds_a_lost_allocation),
        cmocka_unit_test(a_stream_that_breaks_is_replaced),
        cmocka_unit_test(the_end_gives_the_relay_back),
        cmocka_unit_test(what_is_abandoned_says_nothing_to_the_other_end),
        cmocka_unit_test(no_relay_no_call),
        cmocka_unit_test(bases_come_and_go),
        cmocka_unit_test(servers_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
