/* ice: what becomes of a connection: consent, silence, restart, a network that goes away. */
#include "ice_net.h"

static const char *const ip_a = "10.0.0.1";

/* A controlled agent and a puppet with a selected pair; *answered is when the one answer came. */
static net *connected_to_puppet(uint64_t seed, puppet *p, so_address from, so_msec *answered)
{
    net *n = net_with_puppet(seed, p, false);
    so_stun_message m;
    packet sent;
    built b = puppet_check(p, true);

    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, p->ufrag, p->pwd, false), SO_OK);
    net_give(n, ip_a, &from, &b);
    assert_true(net_take_request(n, &sent, &m));
    n->now += 123;
    b = puppet_answer(&sent, p->pwd, 0, &sent.from);
    net_give(n, ip_a, &from, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    *answered = n->now;
    return n;
}

/* Requests for consent are noted, and not answered. */
typedef struct requests {
    so_msec at[100];
    unsigned count;
    packet last;
} requests;

static bool note_requests(net *n, packet *p)
{
    requests *r = n->user;
    so_stun_message m;

    if (so_stun_parse(&m, p->bytes, p->len) == SO_OK && m.kind == SO_STUN_REQUEST) {
        assert_true(r->count < 100);
        r->at[r->count++] = n->now;
        r->last = *p;
    }
    return false;
}

static void consent_ends_after_thirty_seconds_and_not_sooner(void **state)
{
    puppet p;
    so_msec answered;
    requests r = {.count = 0};
    net *n = connected_to_puppet(1, &p, net_at("10.0.0.2", 2), &answered);

    (void)state;
    n->hook = note_requests;
    n->user = &r;
    net_until(n, answered + 29999);
    so_ice_tick(n->a.ice, n->now);
    assert_sends(&n->a, net_at(ip_a, 1000), net_at("10.0.0.2", 2));
    assert_int_equal(n->a.states[n->a.state_changes - 1], SO_ICE_DISCONNECTED);
    assert_in_range(r.count, 5, 7);
    for (unsigned i = 0; i < r.count; i++) /* RFC 7675 §5.1: 5 s, randomised by 0.8 to 1.2 */
        assert_in_range(r.at[i] - (i == 0 ? answered : r.at[i - 1]), 4000, 6000);
    net_until(n, answered + 30000);
    assert_sends_nothing(&n->a);
    assert_int_equal(n->a.states[n->a.state_changes - 1], SO_ICE_FAILED);
    r.count = 0;
    net_for(n, 100000);
    assert_int_equal(r.count, 0);
    net_free(n);
}

/* Peer's checks, media and forged answers are signs of life at best; consent comes from answers alone. */
static void only_an_answer_renews_consent(void **state)
{
    puppet p;
    so_msec answered;
    requests r = {.count = 0};
    so_address from = net_at("10.0.0.2", 2);
    net *n = connected_to_puppet(2, &p, from, &answered);
    built b;

    (void)state;
    n->hook = note_requests;
    n->user = &r;
    net_until(n, answered + 10000);
    b = puppet_answer(&r.last, p.pwd, 0, &r.last.from);
    net_give(n, ip_a, &from, &b);
    while (n->now < answered + 39000) {
        net_for(n, 1000);
        so_ice_heard(n->a.ice, n->now);
        b = puppet_check(&p, true);
        net_give(n, ip_a, &from, &b);
        b = puppet_answer(&r.last, NULL, 0, &r.last.from);
        net_give(n, ip_a, &from, &b);
        assert_state(&n->a, SO_ICE_COMPLETED);
    }
    net_until(n, answered + 39999);
    so_ice_tick(n->a.ice, n->now);
    assert_state(&n->a, SO_ICE_COMPLETED);
    net_until(n, answered + 40000);
    assert_state(&n->a, SO_ICE_FAILED);
    /* What the peer still asks is answered, for an answer needs no consent; but nothing starts anew. */
    r.count = 0;
    n->hook = NULL;
    b = puppet_check(&p, true);
    net_give(n, ip_a, &from, &b);
    net_for(n, 60000);
    assert_int_equal(n->count, 1);
    assert_state(&n->a, SO_ICE_FAILED);
    net_free(n);
}

static void forbidden_revokes_consent_at_once(void **state)
{
    puppet p;
    so_msec answered;
    requests r = {.count = 0};
    so_address from = net_at("10.0.0.2", 2);
    net *n = connected_to_puppet(3, &p, from, &answered);
    built b;

    (void)state;
    n->hook = note_requests;
    n->user = &r;
    while (r.count == 0)
        net_for(n, 1);
    b = puppet_answer(&r.last, NULL, SO_STUN_FORBIDDEN, NULL);
    net_give(n, ip_a, &from, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    b = puppet_answer(&r.last, p.pwd, SO_STUN_FORBIDDEN, NULL);
    net_give(n, ip_a, &from, &b);
    assert_state(&n->a, SO_ICE_FAILED);
    assert_sends_nothing(&n->a);
    net_free(n);
}

/* The selected pair falls silent while another one that the peer nominated lives: that one takes over, of a lower
 * priority though it is, and there is no way back without the peer's word. */
static void when_the_selected_pair_falls_silent_another_nominated_one_takes_over(void **state)
{
    puppet p;
    so_msec answered;
    so_address from = net_at("10.0.0.2", 2), other = net_at("10.0.0.3", 3), base = net_at(ip_a, 1000);
    net *n = connected_to_puppet(16, &p, from, &answered);
    so_ice_candidate c = host_at(&other, 1000);
    so_stun_message m;
    unsigned asked = 0;
    packet sent;
    built b;

    (void)state;
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &c), SO_OK);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &other, &b);
    assert_true(net_take_request(n, &sent, &m));
    b = puppet_answer(&sent, p.pwd, 0, &sent.from);
    net_give(n, ip_a, &other, &b);
    assert_sends(&n->a, base, from); /* both work: the better one stays */
    while (n->now < answered + 20000) {
        net_for(n, 10);
        while (net_take_request(n, &sent, &m)) {
            if (!so_address_equal(&sent.to, &other))
                continue;
            asked++;
            b = puppet_answer(&sent, p.pwd, 0, &sent.from);
            net_give(n, ip_a, &other, &b);
        }
        if (n->now == answered + 4990)
            assert_sends(&n->a, base, from);
        if (n->now >= answered + 7100)
            assert_sends(&n->a, base, other);
    }
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_in_range(asked, 2, 4); /* consent is kept where media goes */
    b = puppet_check(&p, false);
    net_give(n, ip_a, &from, &b);
    assert_sends(&n->a, base, other);
    b = puppet_check(&p, true);
    net_give(n, ip_a, &from, &b);
    assert_sends(&n->a, base, from);
    net_free(n);
}

static void silence_is_told_and_taken_back(void **state)
{
    net *n = net_pair(4, 20, true, false);
    so_msec silent;

    (void)state;
    net_connect(n);
    net_for(n, 300000); /* five minutes of nothing but consent: no false alarm */
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_in_range(n->a.state_changes, 2, 3);
    n->drop_all = true;
    silent = n->now;
    while (so_ice_state_of(n->a.ice) == SO_ICE_COMPLETED)
        net_for(n, 10);
    assert_state(&n->a, SO_ICE_DISCONNECTED);
    assert_in_range(n->now - silent, 1000, 7100);
    assert_sends(&n->a, net_at(ip_a, 1000), net_at("10.0.0.2", 2000)); /* consent lives: media may go on */
    n->drop_all = false;
    net_for(n, 7000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    n->drop_all = true;
    for (unsigned i = 0; i < 25; i++) {
        net_for(n, 900);
        so_ice_heard(n->a.ice, n->now);
        assert_state(&n->a, SO_ICE_COMPLETED);
    }
    assert_state(&n->b, SO_ICE_DISCONNECTED);
    net_free(n);
}

static void swap_new_credentials(net *n)
{
    char ufrag[20], pwd[40];

    strcpy(ufrag, so_ice_ufrag(n->b.ice));
    strcpy(pwd, so_ice_pwd(n->b.ice));
    /* B did not ask for it: it restarts because A's values are new. */
    assert_int_equal(so_ice_set_remote(n->b.ice, n->now, so_ice_ufrag(n->a.ice), so_ice_pwd(n->a.ice), false), SO_OK);
    assert_string_not_equal(ufrag, so_ice_ufrag(n->b.ice));
    assert_string_not_equal(pwd, so_ice_pwd(n->b.ice));
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, so_ice_ufrag(n->b.ice), so_ice_pwd(n->b.ice), false), SO_OK);
}

static void a_restart_keeps_the_old_pair_until_the_new_one(void **state)
{
    net *n = net_pair(5, 20, true, false);
    char ufrag[20], pwd[40];
    so_address new_base = net_at("10.0.0.3", 3000);
    unsigned before;

    (void)state;
    net_connect(n);
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    strcpy(ufrag, so_ice_ufrag(n->a.ice));
    strcpy(pwd, so_ice_pwd(n->a.ice));
    n->trickle = false;
    before = n->a.candidate_count;
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK);
    net_settle(n);
    assert_string_not_equal(ufrag, so_ice_ufrag(n->a.ice));
    assert_string_not_equal(pwd, so_ice_pwd(n->a.ice));
    assert_int_equal(n->a.candidate_count, before + 1); /* told anew, with the new ufrag */
    assert_string_equal(n->a.candidates[before].ufrag, so_ice_ufrag(n->a.ice));
    assert_int_equal(n->a.ended, 2);
    assert_state(&n->a, SO_ICE_CONNECTED);
    net_for(n, 95000); /* the answer takes its time: consent goes on over the old pair, at both ends */
    assert_state(&n->a, SO_ICE_CONNECTED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_sends(&n->a, net_at(ip_a, 1000), net_at("10.0.0.2", 2000));

    assert_int_equal(so_ice_add_base(n->b.ice, n->now, &new_base), SO_OK);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, so_ice_ufrag(n->b.ice), so_ice_pwd(n->b.ice), false),
                     SO_BAD_INPUT); /* these are the ones from before */
    swap_new_credentials(n);
    net_for(n, 500);
    assert_state(&n->b, SO_ICE_CONNECTED); /* nobody knows a candidate yet */
    net_tell(&n->b, &n->b.candidates[n->b.candidate_count - 1]);
    assert_sends(&n->a, net_at(ip_a, 1000), net_at("10.0.0.2", 2000));
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_sends(&n->a, net_at(ip_a, 1000), new_base);
    assert_sends(&n->b, new_base, net_at(ip_a, 1000));
    assert_int_equal(n->a.selections, 2);
    assert_int_equal(n->b.selections, 2);
    net_for(n, 100000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    net_free(n);
}

static void old_credentials_are_answered_until_the_restart_is_over_and_count_longer(void **state)
{
    puppet p, later;
    so_msec answered;
    so_address from = net_at("10.0.0.2", 2), side = net_at("10.0.0.7", 7), meanwhile = net_at("10.0.0.8", 8);
    so_address base = net_at(ip_a, 1000);
    net *n = connected_to_puppet(6, &p, from, &answered);
    so_stun_message m;
    packet sent;
    built old = puppet_check(&p, true), b;

    (void)state;
    net_give(n, ip_a, &side, &old);
    while (net_take(n, &sent))
        ;
    assert_true(so_ice_counts(n->a.ice, &base, &side));
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK);
    while (net_take(n, &sent))
        ;
    net_give(n, ip_a, &from, &old);
    assert_true(net_take(n, &sent));
    assert_int_equal(so_stun_parse(&m, sent.bytes, sent.len), SO_OK);
    assert_int_equal(m.kind, SO_STUN_SUCCESS);
    assert_true(so_ice_counts(n->a.ice, &base, &side) && so_ice_counts(n->a.ice, &base, &from));
    net_give(n, ip_a, &meanwhile, &old);
    assert_true(so_ice_counts(n->a.ice, &base, &meanwhile));
    later = p;
    strcpy(later.ufrag, "newu");
    strcpy(later.pwd, "new4567890123456789012");
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, later.ufrag, later.pwd, false), SO_OK);
    n->now += 5; /* the last triggered check was just now */
    b = puppet_check(&later, true);
    net_give(n, ip_a, &from, &b);
    assert_true(net_take_request(n, &sent, &m));
    b = puppet_answer(&sent, p.pwd, 0, &sent.from); /* the old password signs nothing of the new generation */
    net_give(n, ip_a, &from, &b);
    assert_state(&n->a, SO_ICE_CONNECTED);
    b = puppet_answer(&sent, later.pwd, 0, &sent.from);
    net_give(n, ip_a, &from, &b);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_true(so_ice_counts(n->a.ice, &base, &from));
    /* the peer may not know of the new pair yet, and send over an old one */
    assert_true(so_ice_counts(n->a.ice, &base, &side));
    assert_true(so_ice_counts(n->a.ice, &base, &meanwhile));
    while (net_take(n, &sent))
        ;
    net_give(n, ip_a, &from, &old);
    assert_false(net_take(n, &sent));
    n->now += 30000;
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK);
    assert_false(so_ice_counts(n->a.ice, &base, &side));
    assert_false(so_ice_counts(n->a.ice, &base, &meanwhile));
    net_free(n);
}

static void a_restart_brings_a_failed_agent_back(void **state)
{
    net *n = net_pair(7, 20, true, false);

    (void)state;
    net_connect(n);
    net_for(n, 1000);
    n->drop_all = true;
    net_for(n, 31000);
    assert_state(&n->a, SO_ICE_FAILED);
    assert_state(&n->b, SO_ICE_FAILED);
    n->drop_all = false;
    net_for(n, 10000);
    assert_state(&n->a, SO_ICE_FAILED);
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK);
    assert_state(&n->a, SO_ICE_NEW);
    swap_new_credentials(n);
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    net_free(n);
}

/* The old pair dies while the restart is under way: that is no failure of the new generation. */
static void a_restart_outlives_the_old_pair(void **state)
{
    net *n = net_pair(8, 20, true, false);

    (void)state;
    net_connect(n);
    net_for(n, 1000);
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK);
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK); /* and once more, before the first was answered */
    net_for(n, 100);
    assert_state(&n->a, SO_ICE_CONNECTED);
    n->drop_all = true;
    net_for(n, 40000);
    assert_sends_nothing(&n->a);
    assert_state(&n->a, SO_ICE_DISCONNECTED);
    n->drop_all = false;
    swap_new_credentials(n);
    net_for(n, 1000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    net_free(n);
}

static void a_restart_asks_the_servers_again(void **state)
{
    net *n = net_pair(9, 20, true, false);

    (void)state;
    n->server = net_at("203.0.113.1", 3478);
    n->a.natted = n->b.natted = true;
    n->a.nat = net_at("198.51.100.1", 0);
    n->b.nat = net_at("198.51.100.2", 0);
    assert_int_equal(so_ice_add_stun_server(n->a.ice, n->now, &n->server), SO_OK);
    assert_int_equal(so_ice_add_stun_server(n->b.ice, n->now, &n->server), SO_OK);
    net_connect(n);
    net_for(n, 3000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    n->trickle = false;
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_OK);
    net_for(n, 1000);
    assert_int_equal(n->a.candidate_count, 4);
    assert_int_equal(n->a.candidates[3].type, SO_ICE_SRFLX);
    assert_string_equal(n->a.candidates[3].ufrag, so_ice_ufrag(n->a.ice));
    assert_int_equal(n->a.ended, 2);
    swap_new_credentials(n);
    net_for(n, 1000);
    for (unsigned i = 2; i < 4; i++) {
        net_tell(&n->a, &n->a.candidates[i]);
        net_tell(&n->b, &n->b.candidates[i]);
    }
    net_for(n, 3000);
    assert_state(&n->a, SO_ICE_COMPLETED);
    assert_state(&n->b, SO_ICE_COMPLETED);
    assert_int_equal(n->a.selections, 2);
    net_free(n);
}

static bool nothing_of_the_second_base(net *n, packet *p)
{
    (void)n;
    return p->from.ip[3] != 4;
}

/* At once where it works already; else when its check has been answered. */
static void another_base_takes_over_when_one_goes(void **state)
{
    (void)state;
    for (int checked = 0; checked < 2; checked++) {
        net *n = net_pair(10, 20, true, false);
        so_address gone = net_at(ip_a, 1000), peer = net_at("10.0.0.2", 2000);

        n->hook = checked ? NULL : nothing_of_the_second_base;
        net_base(&n->a, "10.0.0.4", 1000);
        net_connect(n);
        net_for(n, 1000);
        n->hook = NULL;
        assert_sends(&n->a, gone, peer);
        assert_true(so_ice_counts(n->a.ice, &gone, &peer));
        assert_int_equal(so_ice_remove_base(n->a.ice, n->now, &gone), SO_OK);
        assert_false(so_ice_counts(n->a.ice, &gone, &peer));
        assert_state(&n->a, checked ? SO_ICE_CONNECTED : SO_ICE_DISCONNECTED);
        if (!checked)
            assert_sends_nothing(&n->a);
        net_for(n, 1000);
        assert_sends(&n->a, net_at("10.0.0.4", 1000), peer);
        assert_state(&n->a, SO_ICE_COMPLETED);
        assert_state(&n->b, SO_ICE_COMPLETED);
        assert_int_equal(so_ice_remove_base(n->a.ice, n->now, &gone), SO_NOT_FOUND);
        net_free(n);
    }
}

static void without_any_base_it_fails_in_time_and_not_at_once(void **state)
{
    net *n = net_pair(11, 20, true, false);
    so_address gone = net_at(ip_a, 1000);
    so_msec lost;

    (void)state;
    net_connect(n);
    net_for(n, 100000);
    lost = n->now;
    assert_int_equal(so_ice_remove_base(n->a.ice, n->now, &gone), SO_OK);
    net_until(n, lost + 39499);
    assert_state(&n->a, SO_ICE_DISCONNECTED);
    net_until(n, lost + 39500);
    assert_state(&n->a, SO_ICE_FAILED);
    net_free(n);
}

static void a_closed_agent_is_mute(void **state)
{
    puppet p;
    so_msec answered;
    so_address from = net_at("10.0.0.2", 2), base = net_at(ip_a, 1000);
    net *n = connected_to_puppet(12, &p, from, &answered);
    built b = puppet_check(&p, true);
    packet sent;

    (void)state;
    while (net_take(n, &sent))
        ;
    so_ice_close(n->a.ice);
    net_give(n, ip_a, &from, &b);
    net_for(n, 60000);
    assert_false(net_take(n, &sent));
    assert_state(&n->a, SO_ICE_CLOSED);
    assert_int_equal(n->a.states[n->a.state_changes - 1], SO_ICE_CLOSED);
    assert_false(so_ice_counts(n->a.ice, &base, &from));
    assert_sends_nothing(&n->a);
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_STATE);
    assert_int_equal(so_ice_add_base(n->a.ice, n->now, &from), SO_STATE);
    assert_true(so_ice_deadline(n->a.ice) == UINT64_MAX);
    net_free(n);
}

static void settings_out_of_bounds_are_refused(void **state)
{
    uint64_t seed = 13;
    static const so_ice_config wrong[] = {{.pacing_ms = 4}, {.pacing_ms = 10001}, {.tries = 8}};
    so_ice *ice;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        so_ice_config c = wrong[i];
        c.random = UNIT_RANDOM(&seed);
        assert_int_equal(so_ice_new(&ice, &c), SO_BAD_INPUT);
        assert_null(ice);
    }
}

typedef struct fickle {
    uint64_t seed;
    bool broken;
} fickle;

static so_status fill_fickle(void *user, uint8_t *out, size_t len)
{
    fickle *f = user;

    return f->broken ? SO_CRYPTO : unit_fill(&f->seed, out, len);
}

/* No id is ever used that was not drawn; and when randomness is back, so are the checks. */
static void without_randomness_nothing_is_sent(void **state)
{
    fickle f = {.seed = 14, .broken = true};
    so_ice_config c = {.controlling = true, .random = {fill_fickle, &f}};
    so_address to = net_at("10.0.0.2", 2);
    so_ice_candidate candidate = host_at(&to, 0);
    net *n = net_new(15, 10);
    char ufrag[20];

    (void)state;
    assert_int_equal(so_ice_new(&n->a.ice, &c), SO_CRYPTO);
    f.broken = false;
    assert_int_equal(so_ice_new(&n->a.ice, &c), SO_OK);
    net_base(&n->a, ip_a, 1000);
    f.broken = true;
    strcpy(ufrag, so_ice_ufrag(n->a.ice));
    assert_int_equal(so_ice_restart(n->a.ice, n->now), SO_CRYPTO);
    assert_string_equal(so_ice_ufrag(n->a.ice), ufrag);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, "abcd", "0123456789012345678901", false), SO_OK);
    assert_int_equal(so_ice_add_remote(n->a.ice, n->now, &candidate), SO_OK);
    net_for(n, 1000);
    assert_int_equal(n->a.sent, 0);
    f.broken = false;
    net_for(n, 60);
    assert_int_equal(n->a.sent, 1);
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(consent_ends_after_thirty_seconds_and_not_sooner),
        cmocka_unit_test(only_an_answer_renews_consent),
        cmocka_unit_test(forbidden_revokes_consent_at_once),
        cmocka_unit_test(when_the_selected_pair_falls_silent_another_nominated_one_takes_over),
        cmocka_unit_test(silence_is_told_and_taken_back),
        cmocka_unit_test(a_restart_keeps_the_old_pair_until_the_new_one),
        cmocka_unit_test(old_credentials_are_answered_until_the_restart_is_over_and_count_longer),
        cmocka_unit_test(a_restart_brings_a_failed_agent_back),
        cmocka_unit_test(a_restart_outlives_the_old_pair),
        cmocka_unit_test(a_restart_asks_the_servers_again),
        cmocka_unit_test(another_base_takes_over_when_one_goes),
        cmocka_unit_test(without_any_base_it_fails_in_time_and_not_at_once),
        cmocka_unit_test(a_closed_agent_is_mute),
        cmocka_unit_test(settings_out_of_bounds_are_refused),
        cmocka_unit_test(without_randomness_nothing_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
