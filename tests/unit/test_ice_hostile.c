/* ice: what is forged, malformed, misdirected or too much changes nothing, costs little and is answered little. */
#include "ice_net.h"

static const char *const ip_a = "10.0.0.1";

static void take_all(net *n)
{
    packet p;

    while (net_take(n, &p))
        ;
}

static built plain(built b, so_stun_class kind, uint16_t method)
{
    so_writer w = so_writer_of(b.bytes, 2);

    so_write_u16(&w, (uint16_t)(method | ((unsigned)kind & 1) << 4 | ((unsigned)kind & 2) << 7));
    return b;
}

static void assert_untouched(net *n, const so_address *from)
{
    so_address base = net_at(ip_a, 1000);
    packet p;

    assert_false(net_take(n, &p));
    assert_state(&n->a, SO_ICE_CHECKING);
    assert_sends_nothing(&n->a);
    assert_false(so_ice_counts(n->a.ice, &base, from));
    assert_int_equal(n->a.role_changes, 0);
}

/* A check of the agent's is out; every wrong answer to it leaves things as they are, and the right one still counts. */
static void forged_responses_of_every_kind_change_nothing(void **state)
{
    static const uint16_t errors[] = {0, 300, 400, 401, 403, 420, 487, 500};
    so_address peer = net_at("10.0.0.2", 2), other = net_at("10.0.0.3", 2), port = net_at("10.0.0.2", 3);
    so_ice_candidate c = host_at(&peer, 0);
    so_stun_message m;
    packet sent;
    puppet p;
    built b;
    char own_pwd[40];

    (void)state;
    for (int controls = 0; controls < 2; controls++) {
        net *n = net_with_puppet(1, &p, controls);

        net_base(&n->a, "10.0.0.5", 1000);
        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
        assert_true(net_take_request(n, &sent, &m));
        assert_true(so_address_equal(&sent.to, &peer));
        strcpy(own_pwd, so_ice_pwd(n->a.ice));
        for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
            const char *const wrong[] = {NULL, "0123456789012345678900", own_pwd};
            for (unsigned k = 0; k < 3; k++) { /* unsigned, or signed with what a stranger or a mirror has */
                b = puppet_answer(&sent, wrong[k], errors[i], &sent.from);
                net_give(n, ip_a, &peer, &b);
                assert_untouched(n, &peer);
            }
            b = puppet_answer(&sent, p.pwd, errors[i], &sent.from); /* rightly signed, but: */
            net_give(n, ip_a, &other, &b);                          /* from elsewhere */
            net_give(n, ip_a, &port, &b);
            net_give(n, "10.0.0.5", &peer, &b); /* to another base */
            b.bytes[9] ^= 1;                    /* to another request */
            net_give(n, ip_a, &peer, &b);
            assert_untouched(n, &peer);
        }
        b = plain(puppet_answer(&sent, p.pwd, 0, &sent.from), SO_STUN_INDICATION, SO_STUN_BINDING);
        net_give(n, ip_a, &peer, &b);
        b.len--;
        net_give(n, ip_a, &peer, &b);
        net_give(n, ip_a, &peer, &(built){.len = 0});
        b = (built){.len = sent.len};
        memcpy(b.bytes, sent.bytes, sent.len); /* its own request, thrown back */
        net_give(n, ip_a, &peer, &b);
        assert_untouched(n, &peer);
        b = puppet_answer(&sent, p.pwd, 0, &sent.from);
        net_give(n, ip_a, &peer, &b);
        assert_sends(&n->a, net_at(ip_a, 1000), peer);
        net_free(n);
    }
}

static void requests_of_strangers_are_not_answered(void **state)
{
    so_address from = net_at("10.0.0.2", 2), base = net_at(ip_a, 1000);
    char name[600], own[40], pwd[40];
    puppet p;
    net *n = net_with_puppet(2, &p, false);
    packet sent;
    built b;

    (void)state;
    strcpy(own, so_ice_ufrag(n->a.ice));
    strcpy(pwd, so_ice_pwd(n->a.ice));
    for (int known = 0; known < 2; known++) {
        const char *const names[] = {"",    ":",     own,         "ours:pupp", "pupp:ours",
                                     "x:y", ":pupp", "pupp:pupp", name,        name + 300};
        (void)snprintf(name, 300, "%s;pupp", own);
        (void)snprintf(name + 300, 300, "%.4s:pupp", own);
        for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
            b = puppet_request(&p, names[i], pwd, true, 0);
            net_give(n, ip_a, &from, &b);
        }
        (void)snprintf(name, sizeof name, "%s:pupp", own);
        b = puppet_request(&p, name, NULL, true, 0);
        net_give(n, ip_a, &from, &b);
        b = puppet_request(&p, name, p.pwd, true, 0);
        net_give(n, ip_a, &from, &b);
        b = puppet_request(&p, name, NULL, true, 0x7777); /* nor a 420 for those who can't sign */
        net_give(n, ip_a, &from, &b);
        b = plain(puppet_check(&p, true), SO_STUN_REQUEST, 3); /* Allocate */
        net_give(n, ip_a, &from, &b);
        b = puppet_check(&p, true);
        net_give(n, "10.0.0.200", &from, &b); /* no base of ours */
        assert_false(net_take(n, &sent));
        assert_false(so_ice_counts(n->a.ice, &base, &from));
        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    }
    /* With the peer known, its ufrag has to be right too. */
    (void)snprintf(name, sizeof name, "%s:puppy", own);
    b = puppet_request(&p, name, pwd, true, 0);
    net_give(n, ip_a, &from, &b);
    assert_false(net_take(n, &sent));
    b = puppet_check(&p, true);
    net_give(n, ip_a, &from, &b);
    assert_true(net_take(n, &sent));
    assert_true(so_ice_counts(n->a.ice, &base, &from));
    net_free(n);
}

static void what_is_unknown_and_required_is_told_to_the_peer_alone(void **state)
{
    so_address from = net_at("10.0.0.2", 2), base = net_at(ip_a, 1000);
    char name[600];
    puppet p;
    net *n = net_with_puppet(3, &p, false);
    so_stun_message m;
    so_hmac *key = puppet_key(so_ice_pwd(n->a.ice));
    packet sent;
    built b;

    (void)state;
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    (void)snprintf(name, sizeof name, "%s:pupp", so_ice_ufrag(n->a.ice));
    b = puppet_request(&p, name, so_ice_pwd(n->a.ice), true, 0x7777);
    net_give(n, ip_a, &from, &b);
    assert_true(net_take(n, &sent));
    assert_int_equal(so_stun_parse(&m, sent.bytes, sent.len), SO_OK);
    assert_int_equal(m.kind, SO_STUN_ERROR);
    assert_int_equal(m.error, 420);
    assert_int_equal(m.refused.len, 2);
    assert_memory_equal(m.refused.bytes, "\x77\x77", 2);
    assert_true(so_stun_authentic(&m, key));
    assert_true(m.fingerprint);
    assert_false(net_take(n, &sent)); /* no triggered check */
    assert_false(so_ice_counts(n->a.ice, &base, &from));
    so_hmac_free(key);
    net_free(n);
}

static void an_answer_has_all_that_it_must_have(void **state)
{
    so_address from = net_at("2001:db8::2", 2);
    puppet p;
    net *n = net_with_puppet(4, &p, false);
    so_hmac *key = puppet_key(so_ice_pwd(n->a.ice)), *peers = puppet_key(p.pwd);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    net_base(&n->a, "2001:db8::1", 1000);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    b = puppet_check(&p, false);
    net_give(n, "2001:db8::1", &from, &b);
    assert_true(net_take(n, &sent));
    assert_int_equal(so_stun_parse(&m, sent.bytes, sent.len), SO_OK);
    assert_int_equal(m.kind, SO_STUN_SUCCESS);
    assert_memory_equal(m.id, b.bytes + 8, SO_STUN_ID);
    assert_true(so_address_equal(&m.mapped, &from));
    assert_true(so_stun_authentic(&m, key));
    assert_true(m.fingerprint);
    /* and so has the triggered check */
    assert_true(net_take(n, &sent));
    assert_int_equal(so_stun_parse(&m, sent.bytes, sent.len), SO_OK);
    assert_int_equal(m.kind, SO_STUN_REQUEST);
    assert_int_equal(m.username.len, 4 + 1 + strlen(so_ice_ufrag(n->a.ice)));
    assert_memory_equal(m.username.bytes, "pupp:", 5);
    assert_memory_equal((const char *)m.username.bytes + 5, so_ice_ufrag(n->a.ice), m.username.len - 5);
    assert_int_equal(m.priority, so_ice_priority(SO_ICE_PRFLX, 65534, 1));
    assert_true(m.controlled && !m.controlling && !m.use_candidate);
    assert_true(so_stun_authentic(&m, peers));
    assert_true(m.fingerprint);
    so_hmac_free(key);
    so_hmac_free(peers);
    net_free(n);
}

/* Whoever knows our password may send from as many addresses as it likes. */
static void addresses_without_end_take_no_room_without_end(void **state)
{
    so_address from = net_at("10.0.0.2", 2), base = net_at(ip_a, 1000);
    so_address targets[64];
    unsigned counted = 0, target_count = 0;
    puppet p;
    net *n = net_with_puppet(5, &p, false);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &from, &b);
    assert_true(net_take_request(n, &sent, &m));
    b = puppet_answer(&sent, p.pwd, 0, &sent.from);
    net_give(n, ip_a, &from, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    for (uint16_t i = 0; i < 1000; i++) {
        so_address wild = net_at("10.0.0.66", (uint16_t)(1000 + i));
        b = puppet_check(&p, true);
        net_give(n, ip_a, &wild, &b);
        n->now += 5;
        so_ice_tick(n->a.ice, n->now);
        while (net_take_request(n, &sent, &m)) {
            unsigned k = 0;
            while (k < target_count && !so_address_equal(&targets[k], &sent.to))
                k++;
            if (k == target_count) {
                assert_true(target_count < 64);
                targets[target_count++] = sent.to;
            }
        }
    }
    assert_in_range(target_count, 2, 8 + 1);
    for (uint16_t i = 0; i < 1000; i++) {
        so_address wild = net_at("10.0.0.66", (uint16_t)(1000 + i));
        counted += so_ice_counts(n->a.ice, &base, &wild);
    }
    assert_int_equal(counted, 31);
    assert_true(so_ice_counts(n->a.ice, &base, &from)); /* the oldest of all, but selected */
    assert_sends(&n->a, base, from);
    net_free(n);
}

/* 500 candidates: no more than 32 are checked, and those of the highest priority are among them. */
static void candidates_without_end_are_pruned(void **state)
{
    so_address targets[100];
    unsigned target_count = 0;
    puppet p;
    net *n = net_with_puppet(6, &p, true);
    so_stun_message m;
    packet sent;
    bool best = false;

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        so_address to = net_at("10.0.0.66", (uint16_t)(1000 + i * 37 % 500));
        so_ice_candidate c = host_at(&to, 1000000 + i * 37 % 500);
        (void)snprintf(c.foundation, sizeof c.foundation, "%u", i);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    }
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    for (unsigned i = 0; i < 2000; i++) {
        while (net_take_request(n, &sent, &m)) {
            unsigned k = 0;
            while (k < target_count && !so_address_equal(&targets[k], &sent.to))
                k++;
            if (k < target_count)
                continue;
            assert_true(target_count < 100);
            targets[target_count++] = sent.to;
            assert_in_range(sent.to.port, 1000 + 500 - 32, 1000 + 499);
            best = best || sent.to.port == 1499;
        }
        n->now += 50;
        so_ice_tick(n->a.ice, n->now);
    }
    assert_int_equal(target_count, 32);
    assert_true(best);
    net_free(n);
}

static void pairs_are_limited_to_a_hundred(void **state)
{
    static packet seen[200];
    unsigned count = 0;
    puppet p;
    net *n = net_with_puppet(7, &p, true);
    so_stun_message m;
    packet sent;
    char ip[20];

    (void)state;
    for (unsigned i = 2; i <= 16; i++) {
        (void)snprintf(ip, sizeof ip, "10.0.1.%u", i);
        net_base(&n->a, ip, 1000);
    }
    assert_int_equal(so_ice_add_base(n->a.ice, n->now, &(so_address){.family = 4, .ip = {10, 9}, .port = 1}),
                     SO_TOO_LONG);
    for (unsigned i = 0; i < 32; i++) {
        so_address to = net_at("10.0.0.66", (uint16_t)(1000 + i));
        so_ice_candidate c = host_at(&to, 1000000 + i);
        (void)snprintf(c.foundation, sizeof c.foundation, "%u", i);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    }
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    for (unsigned i = 0; i < 4000; i++) {
        while (net_take_request(n, &sent, &m)) {
            unsigned k = 0;
            while (k < count &&
                   !(so_address_equal(&seen[k].to, &sent.to) && so_address_equal(&seen[k].from, &sent.from)))
                k++;
            assert_in_range(sent.to.port, 1025, 1031); /* the best: six times sixteen, and four */
            if (k == count) {
                assert_true(count < 200);
                seen[count++] = sent;
            }
        }
        n->now += 50;
        so_ice_tick(n->a.ice, n->now);
    }
    assert_int_equal(count, 100);
    net_free(n);
}

/* Checks that come before the peer's credentials are answered, remembered (eight of them) and returned at once then. */
static void early_checks_are_returned_when_the_credentials_come(void **state)
{
    puppet p;
    net *n = net_with_puppet(8, &p, false);
    so_stun_message m;
    packet sent;
    unsigned answers = 0, checks = 0;

    (void)state;
    for (uint16_t i = 0; i < 20; i++) {
        so_address from = net_at("10.0.0.2", (uint16_t)(2000 + i)), base = net_at(ip_a, 1000);
        built b = puppet_check(&p, false);
        net_give(n, ip_a, &from, &b);
        b = puppet_check(&p, i == 3);
        net_give(n, ip_a, &from, &b);
        assert_true(so_ice_counts(n->a.ice, &base, &from)); /* a ClientHello may follow at once */
    }
    assert_state(&n->a, SO_ICE_NEW);
    while (net_take(n, &sent)) {
        assert_int_equal(so_stun_parse(&m, sent.bytes, sent.len), SO_OK);
        assert_int_equal(m.kind, SO_STUN_SUCCESS);
        answers++;
    }
    assert_int_equal(answers, 40);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    for (unsigned i = 0; i <= 35; i += 5) {
        assert_true(net_take_request(n, &sent, &m));
        assert_int_equal(sent.to.port, 2000 + checks);
        if (checks == 3) { /* nominated before it was valid, and that is not forgotten */
            built b = puppet_answer(&sent, p.pwd, 0, &sent.from);
            net_give(n, ip_a, &sent.to, &b);
            assert_state(&n->a, SO_ICE_COMPLETED);
        }
        checks++;
        n->now += 4; /* never less than 5 ms apart */
        so_ice_tick(n->a.ice, n->now);
        assert_false(net_take_request(n, &sent, &m));
        n->now += 1;
        so_ice_tick(n->a.ice, n->now);
    }
    assert_int_equal(checks, 8);
    assert_false(net_take_request(n, &sent, &m));
    net_free(n);
}

static void a_signed_487_changes_the_role_and_the_tie_breaker(void **state)
{
    so_address peer = net_at("10.0.0.2", 2);
    so_ice_candidate c = host_at(&peer, 0);
    so_stun_message m;
    packet sent, again;
    uint64_t tie_breaker;
    puppet p;
    built b;

    (void)state;
    for (int controls = 0; controls < 2; controls++) {
        net *n = net_with_puppet(9, &p, controls);

        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
        assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
        assert_true(net_take_request(n, &sent, &m));
        assert_int_equal(m.controlling, controls);
        tie_breaker = m.tie_breaker;
        b = puppet_answer(&sent, p.pwd, SO_STUN_ROLE_CONFLICT, NULL);
        net_give(n, ip_a, &peer, &b);
        assert_int_equal(so_ice_is_controlling(n->a.ice), !controls);
        assert_int_equal(n->a.role_changes, 1);
        assert_true(net_take_request(n, &again, &m)); /* at once, in the new role */
        assert_int_equal(m.controlling, !controls);
        assert_int_equal(m.controlled, controls);
        assert_true(m.tie_breaker != tie_breaker);
        net_give(n, ip_a, &peer, &b); /* the same 487 again answers nothing that is still open */
        assert_int_equal(n->a.role_changes, 1);
        b = puppet_answer(&again, p.pwd, 0, &again.from);
        net_give(n, ip_a, &peer, &b);
        assert_sends(&n->a, net_at(ip_a, 1000), peer);
        net_free(n);
    }
}

/* RFC 8445 §7.3.1.1, all four cases: equal roles, and the tie-breakers decide. */
static void a_conflicting_request_is_settled_by_tie_breakers(void **state)
{
    so_address peer = net_at("10.0.0.2", 2);
    so_stun_message m;
    packet sent;
    puppet p;
    built b;

    (void)state;
    for (int i = 0; i < 4; i++) {
        bool controls = i & 1, peer_wins = i & 2;
        net *n = net_with_puppet(10, &p, controls);
        /* The larger tie-breaker ends as controlling: either the peer is told so by 487, or the agent changes. */
        bool refused = controls ? !peer_wins : peer_wins;

        assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
        p.controlling = controls;
        p.tie_breaker = peer_wins ? UINT64_MAX : 0;
        b = puppet_check(&p, false);
        net_give(n, ip_a, &peer, &b);
        assert_true(net_take(n, &sent));
        assert_int_equal(so_stun_parse(&m, sent.bytes, sent.len), SO_OK);
        assert_int_equal(m.error, refused ? 487 : 0);
        assert_int_equal(m.integrity.len, 20);
        assert_int_equal(so_ice_is_controlling(n->a.ice), refused ? controls : !controls);
        assert_int_equal(net_take_request(n, &sent, &m), !refused);
        net_free(n);
    }
}

/* A caller that does not drain gets no more than a few answers, and the agent no bigger. */
static void answers_are_queued_up_to_a_limit(void **state)
{
    so_address peer = net_at("10.0.0.2", 2), base = net_at(ip_a, 1000);
    puppet p;
    net *n = net_with_puppet(11, &p, false);
    built b = puppet_check(&p, false);
    unsigned count = 0;
    packet sent;

    (void)state;
    for (unsigned i = 0; i < 100; i++)
        so_ice_receive(n->a.ice, n->now, &base, &peer, b.bytes, b.len);
    while (net_take(n, &sent))
        count++;
    assert_int_equal(count, 16);
    so_ice_receive(n->a.ice, n->now, &base, &peer, b.bytes, b.len);
    assert_true(net_take(n, &sent));
    net_free(n);
}

static void wrong_credentials_are_refused(void **state)
{
    static char long_text[258];
    net *n = net_new(12, 10);

    (void)state;
    memset(long_text, 'a', 257);
    net_agent(&n->a, &(so_ice_config){.controlling = true});
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "abc", "0123456789012345678901", false), SO_BAD_INPUT);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "abcd", "012345678901234567890", false), SO_BAD_INPUT);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "ab:d", "0123456789012345678901", false), SO_BAD_INPUT);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "abcd", "01234567890123456789 1", false), SO_BAD_INPUT);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, long_text, "0123456789012345678901", false), SO_BAD_INPUT);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "abcd", long_text, false), SO_BAD_INPUT);
    assert_state(&n->a, SO_ICE_NEW);
    assert_int_equal(so_ice_set_controlling(n->a.ice, false), SO_OK);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, long_text + 1, long_text + 1, false), SO_OK);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, long_text + 1, long_text + 1, false), SO_OK);
    assert_int_equal(so_ice_set_controlling(n->a.ice, true), SO_STATE);
    net_free(n);
}

/* With a ufrag of the longest kind, a check still fits, and a peer is met by it. */
static void the_longest_ufrag_fits(void **state)
{
    so_address peer = net_at("10.0.0.2", 2);
    puppet p;
    net *n = net_with_puppet(13, &p, true);
    so_ice_candidate c = host_at(&peer, 0);
    so_stun_message m;
    packet sent;
    built b;

    (void)state;
    memset(p.ufrag, 'u', 256);
    memset(p.pwd, 'p', 256);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p.ufrag, p.pwd, false), SO_OK);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    assert_true(net_take_request(n, &sent, &m));
    assert_int_equal(m.username.len, 256 + 1 + 8);
    b = puppet_answer(&sent, p.pwd, 0, &sent.from);
    net_give(n, ip_a, &peer, &b);
    assert_sends(&n->a, net_at(ip_a, 1000), peer);
    take_all(n);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_responses_of_every_kind_change_nothing),
        cmocka_unit_test(requests_of_strangers_are_not_answered),
        cmocka_unit_test(what_is_unknown_and_required_is_told_to_the_peer_alone),
        cmocka_unit_test(an_answer_has_all_that_it_must_have),
        cmocka_unit_test(addresses_without_end_take_no_room_without_end),
        cmocka_unit_test(candidates_without_end_are_pruned),
        cmocka_unit_test(pairs_are_limited_to_a_hundred),
        cmocka_unit_test(early_checks_are_returned_when_the_credentials_come),
        cmocka_unit_test(a_signed_487_changes_the_role_and_the_tie_breaker),
        cmocka_unit_test(a_conflicting_request_is_settled_by_tie_breakers),
        cmocka_unit_test(answers_are_queued_up_to_a_limit),
        cmocka_unit_test(wrong_credentials_are_refused),
        cmocka_unit_test(the_longest_ufrag_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
