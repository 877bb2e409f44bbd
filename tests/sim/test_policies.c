/*
 * Calls under policies (docs/policy.md): what is asked for by this end or by the server holds before anything passes,
 * and what can't be met ends the call with the rule's code.
 */
#include "people_rig.h"

#include <string.h>

static const sim_link clean = {.delay = 20};

static so_policy policy_of(const char *text)
{
    so_policy policy;
    so_error err;

    if (so_policy_parse(&policy, (so_slice){text, strlen(text)}, "the test's", &err) != SO_OK)
        fail_msg("%s", err.text);
    return policy;
}

static const so_report *report_of(const sim_meeting *m, unsigned guest)
{
    return so_call_report(m->guests[guest].call, sim_now());
}

/* One end's policy, or the server's, ends the call with this code at that end, and nothing has passed. */
static void assert_refused(const char *own, const char *server, const char *code, so_door door, const char *says)
{
    for (unsigned who = 0; who < 2; who++) {
        sim_meeting *m = begin(300 + who, &clean);
        const sim_guest *g = &m->guests[who];

        m->guests[who].policy = policy_of(own);
        m->guests[who].known = &knows_b;
        m->guests[1 - who].identity = keys[2];
        m->policy = server;
        bring_together(m, 15000);
        assert_int_equal(g->state, SO_CALL_FAILED);
        if (server == NULL)
            assert_string_equal(g->reason, code);
        /* Under the server's policy both find it, and one may hear of it from the other first. */
        else if (strcmp(g->reason, "peer-refused") != 0)
            assert_string_equal(g->reason, code);
        assert_nothing_passed(g);
        assert_int_equal(m->guests[1 - who].taken, 0); /* it may have been open for a moment, but for nothing */
        if (strcmp(g->reason, code) == 0) {
            assert_int_equal(report_of(m, who)->failed_door, door);
            if (strstr(report_of(m, who)->why.text, says) == NULL)
                fail_msg("%s", report_of(m, who)->why.text);
        }
        finish(m);
    }
}

static void what_the_handshake_came_to_is_held_against_it(void **state)
{
    (void)state;
    assert_refused("{\"dtls_min\":\"1.3\"}", NULL, "policy-dtls-min", SO_DOOR_MEDIA, "asks for \"1.3\"");
    assert_refused("{}", "{\"dtls_min\":\"1.3\"}", "policy-dtls-min", SO_DOOR_MEDIA, "of the server's policy");
}

static void what_the_server_s_connection_has_is_held_against_it(void **state)
{
    (void)state;
    assert_refused("{\"tls_groups\":[\"secp384r1\"]}", NULL, "policy-tls-groups", SO_DOOR_SIGNALING, "x25519");
    assert_refused("{}", "{\"tls_groups\":[\"x448\"]}", "policy-tls-groups", SO_DOOR_SIGNALING, "x25519");
}

static void a_policy_that_is_not_understood_is_refused(void **state)
{
    (void)state;
    assert_refused("{}", "{\"tls_min\":\"1.3\",\"moon\":true}", "policy-unreadable", SO_DOOR_SIGNALING, "moon");
    assert_refused("{}", "[]", "policy-unreadable", SO_DOOR_SIGNALING, "server's policy");
    assert_refused("{}", "{\"compare\":\"yes\"}", "policy-unreadable", SO_DOOR_SIGNALING, "compare");
}

static void two_lists_with_nothing_in_common_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"srtp_profiles\":[\"SRTP_AEAD_AES_256_GCM\"]}",
                   "{\"srtp_profiles\":[\"SRTP_AES128_CM_HMAC_SHA1_80\"]}", "policy-conflict", SO_DOOR_MEDIA,
                   "srtp_profiles");
}

static void a_relay_must_be_there(void **state)
{
    (void)state;
    assert_refused("{\"relay_only\":true}", NULL, "no-relay", SO_DOOR_PATH, "");
    assert_refused("{}", "{\"relay_only\":true}", "no-relay", SO_DOOR_PATH, "");
}

static void strangers_are_refused_where_only_known_people_may_call(void **state)
{
    (void)state;
    assert_refused("{\"known_only\":true,\"compare\":true}", NULL, "policy-known-only", SO_DOOR_PERSON, "known_only");
    for (unsigned silent = 0; silent < 2; silent++) {
        sim_meeting *m = begin(320 + silent, &clean);

        m->guests[0].policy = policy_of("{\"known_only\":true}");
        m->guests[0].known = silent ? NULL : &knows_b;
        m->guests[1].identity = silent ? keys[1] : NULL;
        bring_together(m, 15000);
        assert_string_equal(m->guests[0].reason, "policy-known-only");
        assert_nothing_passed(&m->guests[0]);
        finish(m);
    }
}

static void known_people_come_in(void **state)
{
    sim_meeting *m = begin(330, &clean);

    (void)state;
    m->policy = "{\"known_only\":true}";
    m->guests[0].known = &knows_b;
    m->guests[1].known = &knows_b;
    m->guests[0].identity = keys[1]; /* two windows of one person */
    m->guests[1].identity = keys[1];
    bring_together(m, 3000);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(m->guests[i].state, SO_CALL_OPEN);
        assert_string_equal(person(m, i)->name, "Bea");
    }
    assert_they_hear(m);
    finish(m);
}

static void where_nobody_can_compare_the_call_ends(void **state)
{
    sim_meeting *m = begin(345, &clean);

    (void)state;
    m->policy = "{\"compare\":true}";
    m->guests[0].nobody_compares = true;
    bring_together(m, 5000);
    assert_int_equal(m->guests[0].state, SO_CALL_FAILED);
    assert_string_equal(m->guests[0].reason, "policy-compare");
    assert_string_equal(m->guests[1].reason, "peer-refused");
    for (unsigned i = 0; i < 2; i++)
        assert_nothing_passed(&m->guests[i]);
    finish(m);
}

static void the_server_can_have_people_compare_first(void **state)
{
    sim_meeting *m = begin(340, &clean);

    (void)state;
    m->policy = "{\"compare\":true}";
    bring_together(m, 5000);
    for (unsigned i = 0; i < 2; i++)
        assert_nothing_passed(&m->guests[i]);
    sim_meeting_compare(m, 0, true);
    sim_meeting_run(m, 500);
    assert_int_equal(m->guests[0].state, SO_CALL_OPEN);
    assert_int_not_equal(m->guests[1].state, SO_CALL_OPEN);
    sim_meeting_compare(m, 1, true);
    sim_meeting_run(m, 500);
    assert_they_hear(m);
    finish(m);
}

static void lists_shape_the_handshake(void **state)
{
    static const struct {
        const char *policy, *group, *profile;
    } lists[] = {
        {"{\"dtls_groups\":[\"x25519\"]}", "x25519", NULL},
        {"{\"dtls_groups\":[\"X25519MLKEM768\",\"secp256r1\"]}", "secp256r1", NULL}, /* of which DTLS 1.2 has one */
        {"{\"srtp_profiles\":[\"SRTP_AEAD_AES_256_GCM\"]}", NULL, "AEAD_AES_256_GCM"},
        {"{\"srtp_profiles\":[\"SRTP_AES128_CM_HMAC_SHA1_80\"]}", NULL, "AES128_CM_HMAC_SHA1_80"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        for (unsigned who = 0; who < 3; who++) { /* 2: the server */
            sim_meeting *m = begin(350 + i, &clean);
            so_peer_facts facts;

            if (who < 2)
                m->guests[who].policy = policy_of(lists[i].policy);
            else
                m->policy = lists[i].policy;
            bring_together(m, 3000);
            if (m->guests[0].state != SO_CALL_OPEN || m->guests[1].state != SO_CALL_OPEN)
                fail_msg("%u %s: %s, %s", who, lists[i].policy, report_of(m, 0)->why.text, report_of(m, 1)->why.text);
            so_peer_facts_of(so_call_peer(m->guests[0].call), &facts);
            if (lists[i].group != NULL)
                assert_string_equal(facts.dtls_group, lists[i].group);
            if (lists[i].profile != NULL)
                assert_string_equal(facts.srtp_profile, lists[i].profile);
            assert_they_hear(m);
            finish(m);
        }
}

static void no_recording(void **state)
{
    (void)state;
    for (unsigned own = 0; own < 2; own++) {
        sim_meeting *m = begin(370 + own, &clean);

        if (own)
            m->guests[0].policy = policy_of("{\"recording\":false}");
        else
            m->policy = "{\"recording\":false}";
        m->guests[0].records = true;
        bring_together(m, 3000);
        assert_string_equal(m->guests[0].reason, "policy-recording");
        assert_nothing_passed(&m->guests[0]);
        finish(m);
    }
}

/* The server is started anew with another policy, and both come back to it in mid-call. */
static void a_policy_that_becomes_stricter_is_held_against_the_running_call(void **state)
{
    static const struct {
        const char *policy, *code;
    } later[] = {{"{\"recording\":true,\"compare\":false}", NULL},
                 {"{\"tls_min\":\"1.3\",\"dtls_groups\":[\"x25519\"]}", NULL},
                 {"{\"dtls_groups\":[\"secp521r1\"]}", "policy-dtls-groups"},
                 {"{\"compare\":true}", "policy-compare"},
                 {"{\"relay_only\":true}", "policy-relay-only"},
                 {"{\"known_only\":true}", "policy-known-only"},
                 {"{\"unheard\":1}", "policy-unreadable"}};

    (void)state;
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        sim_meeting *m = begin(380 + i, &clean);

        bring_together(m, 3000);
        assert_int_equal(m->guests[0].state, SO_CALL_OPEN);
        m->policy = later[i].policy;
        sim_meeting_restart_server(m);
        sim_meeting_run(m, 10000);
        if (later[i].code == NULL) {
            assert_they_hear(m);
        } else {
            bool first = strcmp(m->guests[0].reason, later[i].code) == 0;

            assert_int_equal(m->guests[0].state, SO_CALL_FAILED);
            assert_int_equal(m->guests[1].state, SO_CALL_FAILED);
            if (!first)
                assert_string_equal(m->guests[1].reason, later[i].code);
        }
        finish(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_handshake_came_to_is_held_against_it),
        cmocka_unit_test(what_the_server_s_connection_has_is_held_against_it),
        cmocka_unit_test(a_policy_that_is_not_understood_is_refused),
        cmocka_unit_test(two_lists_with_nothing_in_common_are_refused),
        cmocka_unit_test(a_relay_must_be_there),
        cmocka_unit_test(strangers_are_refused_where_only_known_people_may_call),
        cmocka_unit_test(known_people_come_in),
        cmocka_unit_test(the_server_can_have_people_compare_first),
        cmocka_unit_test(where_nobody_can_compare_the_call_ends),
        cmocka_unit_test(lists_shape_the_handshake),
        cmocka_unit_test(no_recording),
        cmocka_unit_test(a_policy_that_becomes_stricter_is_held_against_the_running_call),
    };

    return cmocka_run_group_tests(tests, make_people, free_people);
}
