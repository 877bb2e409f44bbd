/* ice: two agents find each other, through whatever the network does. */
#include "ice_net.h"

static const char *const ip_a = "10.0.0.1", *const ip_b = "10.0.0.2";

static void assert_connected_host_to_host(net *n)
{
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_sends(&n->a, net_at(ip_a, 1000), net_at(ip_b, 2000));
    assert_sends(&n->b, net_at(ip_b, 2000), net_at(ip_a, 1000));
    assert_int_equal(n->a.selections, 1);
    assert_int_equal(n->b.selections, 1);
}

static void two_hosts_connect_in_both_roles(void **state)
{
    (void)state;
    for (int a_controls = 0; a_controls < 2; a_controls++) {
        net *n = net_pair(1, 20, a_controls, !a_controls);

        assert_state(&n->a, SO_ICE_NEW);
        net_connect(n);
        net_for(n, 10);
        assert_state(&n->a, SO_ICE_CHECKING);
        assert_sends_nothing(&n->a);
        net_for(n, 190);
        assert_connected_host_to_host(n);
        assert_int_equal(n->a.role_changes + n->b.role_changes, 0);
        assert_int_equal(n->a.ended, 1);
        assert_int_equal(n->a.selected_local.type, SO_ICE_HOST);
        assert_int_equal(n->a.selected_remote.type, SO_ICE_HOST);
        assert_string_equal(n->a.selected_remote.ufrag, so_ice_ufrag(n->b.ice));
        net_free(n);
    }
}

/* 50 ms each way: from the time at which an end knows the other one's candidates, one round trip and not a
 * millisecond more. */
static void the_first_valid_pair_takes_one_round_trip(void **state)
{
    net *n = net_pair(2, 50, true, false);
    so_msec begun;

    (void)state;
    net_until(n, 5000); /* gathered and told long ago */
    begun = n->now;
    net_connect(n);
    net_for(n, 99);
    assert_sends_nothing(&n->a);
    assert_sends_nothing(&n->b);
    net_for(n, 1);
    assert_int_equal(n->a.valid_at, begun + 100);
    assert_int_equal(n->b.valid_at, begun + 100);
    /* Nominated at once, host to host: two round trips for the one that nominates, one and a half for the other. */
    net_for(n, 50);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_state(&n->a, SO_ICE_CONNECTED);
    net_for(n, 50);
    assert_state(&n->a, SO_ICE_COMPLETED);
    net_free(n);
}

static void a_candidate_that_comes_late_is_checked_at_once(void **state)
{
    net *n = net_pair(3, 50, true, false);
    so_msec begun;

    (void)state;
    n->trickle = false;
    net_connect(n);
    net_until(n, 4321);
    assert_int_equal(n->a.sent + n->b.sent, 0);
    assert_state(&n->a, SO_ICE_CHECKING);
    begun = n->now;
    net_tell(&n->b, &n->b.candidates[0]);
    net_for(n, 300);
    assert_int_equal(n->a.valid_at, begun + 100);
    assert_connected_host_to_host(n);
    /* B was told nothing: it met A through A's check. */
    assert_int_equal(n->b.selected_remote.type, SO_ICE_PRFLX);
    net_free(n);
}

static void equal_roles_are_settled(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        bool role = seed % 2 == 0;
        net *n = net_pair(seed, 20, role, role);

        net_connect(n);
        net_for(n, 2000);
        assert_connected_host_to_host(n);
        assert_int_not_equal(so_ice_is_controlling(n->a.ice), so_ice_is_controlling(n->b.ice));
        assert_true(n->a.role_changes + n->b.role_changes >= 1);
        net_free(n);
    }
}

static void add_nat(end *e, const char *ip, bool symmetric)
{
    e->natted = true;
    e->symmetric = symmetric;
    e->nat = net_at(ip, 0);
}

static net *behind_nats(uint64_t seed, bool symmetric)
{
    net *n = net_pair(seed, 20, true, false);

    n->server = net_at("203.0.113.1", 3478);
    add_nat(&n->a, "198.51.100.1", false);
    add_nat(&n->b, "198.51.100.2", symmetric);
    assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &n->server), SO_OK);
    assert_int_equal(so_ice_add_stun_server(n->b.ice, n->now, &n->server), SO_OK);
    return n;
}

static void two_nats_are_crossed_by_their_outside_addresses(void **state)
{
    net *n = behind_nats(4, false);
    const so_ice_candidate *c = &n->a.candidates[1];

    (void)state;
    net_connect(n);
    net_for(n, 3000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_int_equal(n->a.candidate_count, 2);
    assert_int_equal(c->type, SO_ICE_SRFLX);
    assert_true(so_address_equal(&c->address, &(so_address){.family = 4, .ip = {198, 51, 100, 1}, .port = 20000}));
    assert_true(so_address_equal(&c->related, &n->a.candidates[0].address));
    assert_true(c->priority < n->a.candidates[0].priority);
    assert_string_not_equal(c->foundation, n->a.candidates[0].foundation);
    assert_int_equal(n->a.ended, 1);
    assert_int_equal(n->a.selected_local.type, SO_ICE_SRFLX);
    assert_int_equal(n->a.selected_remote.type, SO_ICE_SRFLX);
    net_free(n);
}

/* B's NAT makes a new port for each destination: A hears of it from B's check, B from A's answer. */
static void a_symmetric_nat_is_crossed_by_peer_reflexive_candidates(void **state)
{
    net *n = net_pair(5, 20, true, false);

    (void)state;
    n->server = net_at("203.0.113.1", 3478);
    add_nat(&n->b, "198.51.100.2", true);
    assert_int_equal(so_ice_add_stun_server(n->b.ice, n->now, &n->server), SO_OK);
    net_connect(n);
    net_for(n, 3000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_int_equal(n->a.selected_remote.type, SO_ICE_PRFLX);
    assert_int_equal(n->b.selected_local.type, SO_ICE_PRFLX);
    assert_true(so_address_equal(&n->a.selected_remote.address, &n->b.selected_local.address));
    assert_int_equal(n->b.candidate_count, 2); /* a peer-reflexive one is not told */
    net_free(n);
}

static void a_redundant_server_reflexive_candidate_is_not_told(void **state)
{
    net *n = net_pair(6, 20, true, false);

    (void)state;
    n->server = net_at("203.0.113.1", 3478);
    assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &n->server), SO_OK); /* no NAT: it sees the base itself */
    net_connect(n);
    net_for(n, 3000);
    assert_int_equal(n->a.candidate_count, 1);
    assert_int_equal(n->a.ended, 1);
    net_free(n);
}

/* RFC 8489 §6.2.1: seven times, at 0, 500, 1500, 3500, 7500, 15500 and 31500 ms; given up at 39500 ms. */
static void a_mute_server_is_given_up_in_time(void **state)
{
    net *n = net_pair(7, 20, true, false);
    so_address nowhere = net_at("203.0.113.9", 3478);
    const so_msec begun = n->now;
    static const unsigned sent[][2] = {{0, 1},    {499, 1},  {500, 2},   {1499, 2},  {1500, 3},
                                       {3500, 4}, {7500, 5}, {15500, 6}, {31499, 6}, {31500, 7}};

    (void)state;
    assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &nowhere), SO_OK);
    so_ice_no_more_bases(n->a.ice, n->now);
    for (unsigned i = 0; i < sizeof sent / sizeof sent[0]; i++) {
        net_until(n, begun + sent[i][0]);
        assert_int_equal(n->a.sent, sent[i][1]);
    }
    net_until(n, begun + 39499);
    assert_int_equal(n->a.ended, 0);
    net_until(n, begun + 39500);
    assert_int_equal(n->a.ended, 1);
    assert_int_equal(n->a.sent, 7);
    net_free(n);
}

static void a_peer_behind_mdns_names_is_met_by_its_own_checks(void **state)
{
    net *n = net_pair(8, 20, true, false);

    (void)state;
    n->mdns = true; /* of both: neither has anything to check, until one is told an address */
    net_connect(n);
    net_for(n, 1000);
    assert_int_equal(n->a.sent + n->b.sent, 0);
    n->mdns = false;
    net_tell(&n->a, &n->a.candidates[0]);
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_int_equal(n->a.selected_remote.type, SO_ICE_PRFLX);
    assert_int_equal(n->b.selected_remote.type, SO_ICE_HOST);
    net_free(n);
}

static bool drop_from_b(net *n, packet *p)
{
    return !so_address_same_ip(&p->from, &n->b.candidates[0].address);
}

/* RFC 8863: not sooner than 39.5 s after checks began, and then at once. */
static void when_nothing_works_it_fails_and_not_too_soon(void **state)
{
    net *n = net_pair(9, 20, true, false);
    so_msec begun;

    (void)state;
    net_settle(n);
    n->hook = drop_from_b;
    begun = n->now;
    net_connect(n);
    net_until(n, begun + 39499);
    assert_state(&n->a, SO_ICE_CHECKING);
    net_until(n, begun + 39600);
    assert_state(&n->a, SO_ICE_FAILED);
    assert_sends_nothing(&n->a);
    assert_true(n->a.sent >= 7);
    net_free(n);
}

static void without_any_candidate_it_fails_after_patience_alone(void **state)
{
    net *n = net_pair(10, 20, true, false);
    so_msec begun = n->now;

    (void)state;
    n->trickle = false;
    net_connect(n);
    so_ice_remote_end(n->a.ice, n->now);
    net_until(n, begun + 39499);
    assert_state(&n->a, SO_ICE_CHECKING);
    net_until(n, begun + 39500);
    assert_state(&n->a, SO_ICE_FAILED);
    net_free(n);
}

/* Without end-of-candidates, patience starts anew with every word about them. */
static void while_candidates_may_come_it_does_not_fail(void **state)
{
    net *n = net_pair(11, 20, true, false);
    so_msec begun = n->now;

    (void)state;
    n->trickle = false;
    net_connect(n);
    net_until(n, begun + 39000);
    n->mdns = true;
    net_tell(&n->b, &n->b.candidates[0]);
    net_until(n, begun + 39000 + 39499);
    assert_state(&n->a, SO_ICE_CHECKING);
    net_until(n, begun + 39000 + 39500);
    assert_state(&n->a, SO_ICE_FAILED);
    net_free(n);
}

static void families_and_scopes_are_not_mixed(void **state)
{
    static const char *const bases[] = {"10.0.0.1", "2001:db8::1", "fe80::1", "127.0.0.1", "169.254.0.1"};
    static const char *const remotes[] = {"10.0.0.2", "2001:db8::2", "fe80::2", "127.0.0.1", "169.254.0.2"};
    net *n = net_new(12, 20);
    unsigned seen = 0;
    packet p;

    (void)state;
    n->trickle = false;
    net_agent(&n->a, &(so_ice_config){.controlling = true});
    for (unsigned i = 0; i < 5; i++)
        net_base(&n->a, bases[i], 1000);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "abcd", "0123456789012345678901", false), SO_OK);
    for (unsigned i = 0; i < 5; i++) {
        so_address to = net_at(remotes[i], 2000);
        so_ice_candidate c = host_at(&to, 0);
        c.foundation[0] = (char)('a' + i);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    }
    net_for(n, 10);
    n->delay = 100000; /* so that what is sent stays there to be looked at */
    net_for(n, 400);
    while (net_take(n, &p))
        for (unsigned i = 0; i < 5; i++) {
            so_address from = net_at(bases[i], 1000), to = net_at(remotes[i], 2000);
            assert_int_equal(so_address_equal(&p.from, &from), so_address_equal(&p.to, &to));
            seen |= so_address_equal(&p.to, &to) ? 1U << i : 0;
        }
    assert_int_equal(seen | 1, 0x1f);
    net_free(n);
}

static void ipv6_connects(void **state)
{
    net *n = net_new(13, 20);

    (void)state;
    net_agent(&n->a, &(so_ice_config){.controlling = true});
    net_agent(&n->b, &(so_ice_config){.controlling = false});
    net_base(&n->a, "2001:db8::1", 1000);
    net_base(&n->a, "10.0.0.1", 1000);
    net_base(&n->b, "10.0.0.2", 2000);
    net_base(&n->b, "2001:db8::2", 2000);
    net_connect(n);
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_true(so_address_equal(&n->a.selected_local.address, &n->b.selected_remote.address));
    net_free(n);
}

static void what_can_not_be_used_is_ignored(void **state)
{
    static const char *const lines[] = {
        "candidate:1 1 tcp 2105458943 10.0.0.9 9 typ host tcptype active",
        "candidate:1 2 udp 2122260223 10.0.0.9 5000 typ host",
        "candidate:1 1 udp 2122260223 10.0.0.9 5000 typ satellite",
        "candidate:1 1 udp 2122260223 9f0c.local 5000 typ host",
        "candidate:1 1 udp 2122260223 224.0.0.1 5000 typ host",
        "candidate:1 1 udp 2122260223 255.255.255.255 5000 typ host",
        "candidate:1 1 udp 2122260223 0.0.0.0 5000 typ host",
        "candidate:1 1 udp 2122260223 ff02::1 5000 typ host",
        "candidate:1 1 udp 2122260223 10.0.0.9 0 typ host",
        "candidate:1 1 udp 2122260223 10.0.0.9 5000 typ host ufrag other",
        "candidate:1 1 udp 2122260223 127.0.0.1 5000 typ host",
    };
    net *n = net_pair(14, 20, true, false);
    so_ice_candidate c;

    (void)state;
    n->trickle = false;
    net_connect(n);
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_int_equal(so_ice_candidate_parse(&c, lines[i], strlen(lines[i])), SO_OK);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    }
    net_for(n, 2000);
    assert_int_equal(n->a.sent, 0);
    net_free(n);
}

static bool nothing_to_77(net *n, packet *p)
{
    (void)n;
    assert_int_not_equal(p->to.ip[3], 77);
    return true;
}

/* Candidates that come before the credentials: those of another ufrag are forgotten when the credentials come. */
static void candidates_may_come_before_credentials(void **state)
{
    net *n = net_pair(15, 20, true, false);
    so_ice_candidate stale = host_at(&(so_address){.family = 4, .ip = {10, 0, 0, 77}, .port = 7}, 0);

    (void)state;
    strcpy(stale.ufrag, "yesterday");
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &stale), SO_OK);
    n->hook = nothing_to_77;
    net_for(n, 500);
    assert_int_equal(n->a.sent, 0);
    net_connect(n);
    net_for(n, 10);
    assert_int_equal(n->a.sent, 1);
    net_for(n, 500);
    assert_connected_host_to_host(n);
    net_free(n);
}

static void thirty_percent_of_loss_are_overcome(void **state)
{
    so_msec worst = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        net *n = net_pair(seed * 7919, 30, seed % 2 == 0, seed % 2 != 0);

        n->loss = 30;
        net_connect(n);
        net_for(n, 25000);
        assert_true(n->a.valid_at != UINT64_MAX && n->b.valid_at != UINT64_MAX);
        worst = n->a.valid_at > worst ? n->a.valid_at : worst;
        assert_int_equal(n->a.selections, 1);
        assert_int_equal(n->b.selections, 1);
        assert_sends(&n->a, net_at(ip_a, 1000), net_at(ip_b, 2000));
        assert_sends(&n->b, net_at(ip_b, 2000), net_at(ip_a, 1000));
        net_free(n);
    }
    assert_in_range(worst, 1000, 1000 + 8000);
}

/* Many addresses at both ends, of which one pair alone works, and that of the lowest priority. */
static bool only_the_last(net *n, packet *p)
{
    (void)n;
    return p->from.ip[3] % 16 == 8 && p->to.ip[3] % 16 == 8;
}

static void the_one_pair_that_works_is_found_among_many(void **state)
{
    net *n = net_new(16, 20);
    char ip[20];

    (void)state;
    net_agent(&n->a, &(so_ice_config){.controlling = true});
    net_agent(&n->b, &(so_ice_config){.controlling = false});
    for (unsigned i = 1; i <= 8; i++) {
        (void)snprintf(ip, sizeof ip, "10.0.0.%u", 16 + i);
        net_base(&n->a, ip, 1000);
        (void)snprintf(ip, sizeof ip, "10.0.0.%u", 32 + i);
        net_base(&n->b, ip, 2000);
    }
    n->hook = only_the_last;
    net_connect(n);
    net_for(n, 10000); /* 64 pairs, 50 ms each, and what is sent again */
    assert_sends(&n->a, net_at("10.0.0.24", 1000), net_at("10.0.0.40", 2000));
    assert_state(&n->b, SO_ICE_COMPLETED);
    net_free(n);
}

static bool no_checks_of_the_peer(net *n, packet *p)
{
    so_stun_message m;

    return so_stun_parse(&m, p->bytes, p->len) != SO_OK || m.kind != SO_STUN_REQUEST ||
           !so_address_same_ip(&p->from, &n->b.candidates[0].address);
}

/* A lite peer sends no checks and takes what it is given; we are controlling whatever was said before. */
static void a_lite_peer_is_controlled(void **state)
{
    net *n = net_pair(17, 20, false, false);

    (void)state;
    net_settle(n);
    n->hook = no_checks_of_the_peer;
    so_ice_no_more_bases(n->a.ice, n->now);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, so_ice_ufrag(n->b.ice), so_ice_pwd(n->b.ice), true), SO_OK);
    assert_true(so_ice_is_controlling(n->a.ice));
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_int_equal(n->a.role_changes, 1);
    net_for(n, 60000); /* and its answers keep consent */
    assert_state(&n->a, SO_ICE_COMPLETED);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hosts_connect_in_both_roles),
        cmocka_unit_test(the_first_valid_pair_takes_one_round_trip),
        cmocka_unit_test(a_candidate_that_comes_late_is_checked_at_once),
        cmocka_unit_test(equal_roles_are_settled),
        cmocka_unit_test(two_nats_are_crossed_by_their_outside_addresses),
        cmocka_unit_test(a_symmetric_nat_is_crossed_by_peer_reflexive_candidates),
        cmocka_unit_test(a_redundant_server_reflexive_candidate_is_not_told),
        cmocka_unit_test(a_mute_server_is_given_up_in_time),
        cmocka_unit_test(a_peer_behind_mdns_names_is_met_by_its_own_checks),
        cmocka_unit_test(when_nothing_works_it_fails_and_not_too_soon),
        cmocka_unit_test(without_any_candidate_it_fails_after_patience_alone),
        cmocka_unit_test(while_candidates_may_come_it_does_not_fail),
        cmocka_unit_test(families_and_scopes_are_not_mixed),
        cmocka_unit_test(ipv6_connects),
        cmocka_unit_test(what_can_not_be_used_is_ignored),
        cmocka_unit_test(candidates_may_come_before_credentials),
        cmocka_unit_test(thirty_percent_of_loss_are_overcome),
        cmocka_unit_test(the_one_pair_that_works_is_found_among_many),
        cmocka_unit_test(a_lite_peer_is_controlled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
