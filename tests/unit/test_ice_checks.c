/* ice: the checklist, nomination and candidates, step by step, against a peer that does what the test says. */
#include "ice_net.h"

static const char *const ip_a = "10.0.0.1";

/* RFC 8445 §6.1.2.6: of pairs of one foundation one is checked; the others follow when it has worked. */
static void pairs_of_one_foundation_wait_for_the_first(void **state)
{
    puppet p;
    net *n = net_with_puppet(20, &p, false);
    so_stun_message m;
    packet first, sent;
    built b;

    (void)state;
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    for (uint16_t i = 0; i < 3; i++) {
        so_address to = net_at("10.0.0.2", (uint16_t)(2 + i));
        so_ice_candidate c = host_at(&to, 1000U + i);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    }
    assert_true(net_take_request(n, &first, &m));
    assert_int_equal(first.to.port, 2); /* it came first, and the others found it under way */
    net_for(n, 499);
    assert_false(net_take_request(n, &sent, &m));
    b = puppet_answer(&first, p.pwd, 0, &first.from);
    net_give(n, ip_a, &first.to, &b);
    assert_true(net_take_request(n, &sent, &m));
    assert_int_equal(sent.to.port, 4); /* of those that wait, the best */
    net_for(n, 49);
    assert_false(net_take_request(n, &sent, &m));
    net_for(n, 1);
    assert_true(net_take_request(n, &sent, &m));
    assert_int_equal(sent.to.port, 3);
    net_free(n);
}

/* RFC 8445 §14.3: the more pairs, the slower they are sent again. */
static void many_pairs_are_retransmitted_slowly(void **state)
{
    puppet p;
    net *n = net_with_puppet(21, &p, false);
    so_stun_message m;
    packet first, sent;
    unsigned count = 1;
    so_msec begun;

    (void)state;
    for (uint16_t i = 0; i < 20; i++) {
        so_address to = net_at("10.0.0.2", (uint16_t)(2 + i));
        so_ice_candidate c = host_at(&to, 1000U + i);
        (void)snprintf(c.foundation, sizeof c.foundation, "%u", i);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    }
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    begun = n->now;
    assert_true(net_take_request(n, &first, &m));
    assert_int_equal(first.to.port, 21);
    for (;;) {
        net_for(n, 1);
        if (!net_take_request(n, &sent, &m))
            continue;
        if (memcmp(sent.bytes, first.bytes, first.len) == 0)
            break;
        assert_int_equal(n->now, begun + 50 * count); /* one ordinary check each 50 ms */
        count++;
    }
    assert_int_equal(n->now, begun + 20 * 50);
    assert_int_equal(count, 20);
    net_free(n);
}

static void once_a_pair_is_selected_the_others_rest(void **state)
{
    puppet p;
    net *n = net_with_puppet(22, &p, false);
    so_address to = net_at("10.0.0.2", 2), other = net_at("10.0.0.3", 3);
    so_ice_candidate c = host_at(&to, 0), d = host_at(&other, 0);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    strcpy(d.foundation, "2");
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &d), SO_OK);
    assert_true(net_take_request(n, &sent, &m));
    b = puppet_answer(&sent, p.pwd, 0, &sent.from);
    net_give(n, ip_a, &to, &b);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &to, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    net_for(n, 3900);
    assert_false(net_take_request(n, &sent, &m));
    b = puppet_check(&p, false); /* not even when the peer looks at another one, as long as it does not nominate it */
    net_give(n, ip_a, &other, &b);
    assert_false(net_take_request(n, &sent, &m));
    net_free(n);
}

/* Two pairs, the peer nominates both. The one with the better check priority turns out to lead through a NAT. */
static void a_valid_pair_ranks_as_what_the_peer_sees(void **state)
{
    puppet p;
    net *n = net_with_puppet(23, &p, false);
    const uint32_t host = so_ice_priority(SO_ICE_HOST, 65535, 1);
    so_address plain = net_at("10.0.0.2", 2), mapped = net_at("10.0.0.3", 3), nat = net_at("192.0.2.1", 77);
    so_ice_candidate c = host_at(&plain, host - 1), d = host_at(&mapped, host);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    strcpy(d.foundation, "2");
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &d), SO_OK);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    assert_true(net_take_request(n, &sent, &m));
    assert_true(so_address_equal(&sent.to, &mapped));
    b = puppet_answer(&sent, p.pwd, 0, &nat);
    net_give(n, ip_a, &mapped, &b);
    net_for(n, 50);
    assert_true(net_take_request(n, &sent, &m));
    b = puppet_answer(&sent, p.pwd, 0, &sent.from);
    net_give(n, ip_a, &plain, &b);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &mapped, &b);
    assert_sends(&n->a, net_at(ip_a, 1000), mapped);
    assert_int_equal(n->a.selected_local.type, SO_ICE_PRFLX);
    assert_true(so_address_equal(&n->a.selected_local.address, &nat));
    b = puppet_check(&p, true);
    net_give(n, ip_a, &plain, &b);
    assert_sends(&n->a, net_at(ip_a, 1000), plain);
    net_free(n);
}

/* RFC 8445 §5.1.1.3: the same type, base and server IP, or another foundation. */
static void foundations_tell_servers_apart(void **state)
{
    static const char *const servers[] = {"203.0.113.1", "203.0.113.1", "203.0.113.2"};
    puppet p;
    net *n = net_with_puppet(24, &p, true);
    so_stun_message m;
    packet sent;

    (void)state;
    for (uint16_t i = 0; i < 3; i++) {
        so_address server = net_at(servers[i], (uint16_t)(3478 + i)), mapped = net_at("192.0.2.1", (uint16_t)(100 + i));
        built b;
        assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &server), SO_OK);
        net_for(n, 50);
        assert_true(net_take_request(n, &sent, &m));
        assert_true(so_address_equal(&sent.to, &server));
        assert_null(m.username.bytes);
        b = puppet_answer(&sent, NULL, 0, &mapped);
        net_give(n, ip_a, &sent.from, &b); /* from elsewhere: nothing */
        assert_int_equal(n->a.candidate_count, 1 + i);
        net_give(n, ip_a, &server, &b);
        assert_int_equal(n->a.candidate_count, 2 + i);
    }
    assert_string_not_equal(n->a.candidates[0].foundation, n->a.candidates[1].foundation);
    assert_string_equal(n->a.candidates[1].foundation, n->a.candidates[2].foundation);
    assert_string_not_equal(n->a.candidates[1].foundation, n->a.candidates[3].foundation);
    net_free(n);
}

/* The nominating check is lost on the way: another valid pair gets its turn, or the same again where there is none. */
static void a_nomination_that_is_lost_is_not_the_end(void **state)
{
    so_stun_message m;
    so_address first = net_at("10.0.0.2", 2), second = net_at("10.0.0.3", 3);
    packet sent;
    puppet p;
    built b;

    (void)state;
    for (int both = 0; both < 2; both++) {
        net *n = net_with_puppet(25, &p, true);
        so_ice_candidate c = host_at(&first, 0), d = host_at(&second, 1000);
        unsigned nominations = 0;

        strcpy(d.foundation, "2");
        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &d), SO_OK);
        assert_true(net_take_request(n, &sent, &m));
        b = puppet_answer(&sent, p.pwd, 0, &sent.from);
        net_give(n, ip_a, &first, &b);
        for (unsigned i = 0; i < 20000; i++) {
            net_for(n, 1);
            if (!net_take_request(n, &sent, &m))
                continue;
            if (so_address_equal(&sent.to, &first) && m.use_candidate) {
                nominations++; /* lost */
            } else if (so_address_equal(&sent.to, &first) || both) {
                b = puppet_answer(&sent, p.pwd, 0, &sent.from);
                net_give(n, ip_a, &sent.to, &b);
            }
        }
        assert_state(&n->a, both ? SO_ICE_COMPLETED : SO_ICE_CONNECTED);
        assert_sends(&n->a, net_at(ip_a, 1000), both ? second : first);
        assert_in_range(nominations, both ? 4 : 8, both ? 4 : 12);
        net_free(n);
    }
}

/* A pair that is not host to host is nominated after the wait, or at once where nothing better can come. */
static void nomination_waits_for_better_pairs_but_not_for_ever(void **state)
{
    puppet p;
    so_address from = net_at("192.0.2.9", 9);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    for (int ends = 0; ends < 2; ends++) {
        net *n = net_with_puppet(18, &p, true);

        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
        if (ends)
            so_ice_remote_end(n->a.ice, n->now);
        b = puppet_check(&p, false);
        net_give(n, ip_a, &from, &b);
        assert_true(net_take_request(n, &sent, &m)); /* the triggered check */
        assert_false(m.use_candidate);
        b = puppet_answer(&sent, p.pwd, 0, &sent.from);
        net_give(n, ip_a, &from, &b);
        assert_state(&n->a, SO_ICE_CONNECTED);
        if (!ends) {
            net_until(n, n->now + 499);
            assert_false(net_take_request(n, &sent, &m));
            net_until(n, n->now + 1);
        }
        assert_true(net_take_request(n, &sent, &m));
        assert_true(m.use_candidate);
        b = puppet_answer(&sent, p.pwd, 0, &sent.from);
        net_give(n, ip_a, &from, &b);
        assert_state(&n->a, SO_ICE_COMPLETED);
        net_free(n);
    }
}

/* RFC 5245's aggressive nomination: USE-CANDIDATE on every check. The best of the pairs that work is selected. */
static void an_aggressive_peer_gets_the_best_of_what_it_nominates(void **state)
{
    puppet p;
    net *n = net_with_puppet(19, &p, false);
    so_address good = net_at("10.0.0.2", 2), bad = net_at("10.0.0.3", 3);
    so_ice_candidate c = host_at(&good, 0), d = host_at(&bad, 1000);
    packet first, second;
    so_stun_message m;
    built b;

    (void)state;
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    assert_true(net_take_request(n, &first, &m));
    strcpy(d.foundation, "2");
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &d), SO_OK);
    n->now += 50;
    so_ice_tick(n->a.ice, n->now);
    assert_true(net_take_request(n, &second, &m));
    assert_true(so_address_equal(&second.to, &bad));
    b = puppet_answer(&second, p.pwd, 0, &second.from);
    net_give(n, ip_a, &bad, &b);
    assert_state(&n->a, SO_ICE_CONNECTED);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &bad, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_sends(&n->a, net_at(ip_a, 1000), bad);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &good, &b); /* its check was under way: cancelled, and sent anew at once */
    assert_sends(&n->a, net_at(ip_a, 1000), bad);
    assert_true(net_take_request(n, &first, &m));
    b = puppet_answer(&first, p.pwd, 0, &first.from);
    net_give(n, ip_a, &good, &b);
    assert_sends(&n->a, net_at(ip_a, 1000), good);
    b = puppet_check(&p, true); /* the worse one again: no way back while the better one lives */
    net_give(n, ip_a, &bad, &b);
    assert_sends(&n->a, net_at(ip_a, 1000), good);
    assert_int_equal(n->a.selections, 2);
    net_free(n);
}

/* A signed error, or an answer that can't be understood, ends the check; the peer's own check starts another. */
static void a_signed_error_fails_the_pair_until_the_peer_asks(void **state)
{
    puppet p;
    so_address to = net_at("10.0.0.2", 2);
    so_ice_candidate c = host_at(&to, 0);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    for (int unknown = 0; unknown < 2; unknown++) {
        net *n = net_with_puppet(26, &p, false);
        so_writer w = so_writer_of(b.bytes, sizeof b.bytes);

        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
        assert_true(net_take_request(n, &sent, &m));
        if (unknown) {
            so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, m.id);
            so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &sent.from);
            so_stun_put(&w, 0x7777, NULL, 0);
            b = puppet_end(&w, &b, p.pwd);
        } else {
            b = puppet_answer(&sent, p.pwd, SO_STUN_BAD_REQUEST, NULL);
        }
        net_give(n, ip_a, &to, &b);
        net_for(n, 20000);
        assert_false(net_take_request(n, &sent, &m));
        assert_state(&n->a, SO_ICE_CHECKING);
        b = puppet_check(&p, false);
        net_give(n, ip_a, &to, &b);
        assert_true(net_take_request(n, &sent, &m));
        b = puppet_answer(&sent, p.pwd, 0, &sent.from);
        net_give(n, ip_a, &to, &b);
        assert_state(&n->a, SO_ICE_CONNECTED);
        net_free(n);
    }
}

/* A check came before the candidate was told: the candidate is the same one, with what the peer says about it. */
static void a_candidate_that_was_met_before_it_was_told_is_one(void **state)
{
    puppet p;
    net *n = net_with_puppet(27, &p, false);
    so_address to = net_at("10.0.0.2", 2);
    so_ice_candidate c = host_at(&to, 0);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    strcpy(c.foundation, "told");
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &to, &b);
    assert_true(net_take_request(n, &sent, &m));
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    b = puppet_answer(&sent, p.pwd, 0, &sent.from);
    net_give(n, ip_a, &to, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_int_equal(n->a.selected_remote.type, SO_ICE_HOST);
    assert_string_equal(n->a.selected_remote.foundation, "told");
    assert_int_equal(n->a.selected_remote.priority, c.priority);
    net_for(n, 3000);
    assert_false(net_take_request(n, &sent, &m)); /* no second pair to the same place */
    net_free(n);
}

/* What a removed base still had to do is not done. */
static void a_base_that_went_answers_and_checks_no_more(void **state)
{
    puppet p;
    net *n = net_with_puppet(28, &p, false);
    so_address from = net_at("10.0.0.2", 2), gone = net_at("10.0.0.5", 1000), base = net_at(ip_a, 1000);
    so_stun_message m;
    packet sent;
    built b = puppet_check(&p, false);

    (void)state;
    net_base(&n->a, "10.0.0.5", 1000);
    net_settle(n);
    so_ice_receive(n->a.ice, n->now, &gone, &from, b.bytes, b.len);
    so_ice_receive(n->a.ice, n->now, &base, &from, b.bytes, b.len);
    assert_int_equal(so_ice_remove_base(n->a.ice, n->now, &gone), SO_OK);
    assert_true(net_take(n, &sent));
    assert_true(so_address_equal(&sent.from, &base));
    assert_false(net_take(n, &sent));
    assert_false(so_ice_counts(n->a.ice, &gone, &from));
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    net_for(n, 400);
    assert_true(net_take_request(n, &sent, &m));
    assert_true(so_address_equal(&sent.from, &base));
    assert_false(net_take_request(n, &sent, &m));
    net_free(n);
}

/* Every base asks its first server before one asks its second, one question each 50 ms, sixteen under way at most. */
static void servers_are_asked_in_turn(void **state)
{
    puppet p;
    net *n = net_with_puppet(29, &p, false);
    packet sent;
    unsigned count = 0;
    char ip[20];

    (void)state;
    for (unsigned i = 2; i <= 10; i++) {
        (void)snprintf(ip, sizeof ip, "10.0.0.%u", i);
        net_base(&n->a, ip, 1000);
    }
    for (uint16_t i = 0; i < 2; i++) {
        so_address server = net_at("203.0.113.1", (uint16_t)(3478 + i));
        assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &server), SO_OK);
    }
    for (unsigned i = 0; i < 9 * 50; i++) {
        while (net_take(n, &sent)) {
            assert_int_equal(sent.to.port, 3478);
            assert_int_equal(n->now % 50, 0);
            count++;
        }
        net_for(n, 1);
    }
    assert_int_equal(count, 9);
    net_for(n, 1000000);
    assert_int_equal(n->a.ended, 1);
    assert_int_equal(n->a.sent, 20 * 7);
    net_free(n);
}

static void arguments_that_can_not_be_are_refused(void **state)
{
    static const so_address wrong[] = {
        {.family = 0},
        {.family = 4, .ip = {10, 1}, .port = 0},
        {.family = 4, .port = 1},
        {.family = 4, .ip = {239, 1}, .port = 1},
        {.family = 6, .port = 1},
        {.family = 6, .ip = {0xff, 2}, .port = 1},
    };
    puppet p;
    net *n = net_with_puppet(30, &p, false);
    so_address good = net_at(ip_a, 1000);
    so_ice_candidate c = host_at(&good, 0);

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(so_ice_add_base(n->a.ice, n->now, &wrong[i]), SO_BAD_INPUT);
        assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &wrong[i]), SO_BAD_INPUT);
        assert_int_equal(so_ice_remove_base(n->a.ice, n->now, &wrong[i]), SO_NOT_FOUND);
    }
    assert_int_equal(so_ice_add_base(n->a.ice, n->now, &good), SO_OK); /* it is there already */
    net_settle(n);
    assert_int_equal(n->a.candidate_count, 1);
    for (uint16_t i = 0; i < SO_ICE_MAX_SERVERS; i++) {
        so_address server = net_at("203.0.113.1", (uint16_t)(1 + i));
        assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &server), SO_OK);
        assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &server), SO_OK);
    }
    assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &good), SO_TOO_LONG);
    c.priority = 0;
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_BAD_INPUT);
    c.priority = 0x80000000;
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_BAD_INPUT);
    c.priority = 1;
    memset(c.ufrag, 'u', sizeof c.ufrag);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_BAD_INPUT);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_one_foundation_wait_for_the_first),
        cmocka_unit_test(many_pairs_are_retransmitted_slowly),
        cmocka_unit_test(once_a_pair_is_selected_the_others_rest),
        cmocka_unit_test(a_valid_pair_ranks_as_what_the_peer_sees),
        cmocka_unit_test(foundations_tell_servers_apart),
        cmocka_unit_test(a_nomination_that_is_lost_is_not_the_end),
        cmocka_unit_test(nomination_waits_for_better_pairs_but_not_for_ever),
        cmocka_unit_test(an_aggressive_peer_gets_the_best_of_what_it_nominates),
        cmocka_unit_test(a_signed_error_fails_the_pair_until_the_peer_asks),
        cmocka_unit_test(a_candidate_that_was_met_before_it_was_told_is_one),
        cmocka_unit_test(a_base_that_went_answers_and_checks_no_more),
        cmocka_unit_test(servers_are_asked_in_turn),
        cmocka_unit_test(arguments_that_can_not_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
