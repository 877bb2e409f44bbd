/*
 * Calls by invitation in which people are known, expected, compared and doubted (docs/protocol.md, sections 6 to 8):
 * who is let in, and that nothing of sound and text comes or goes before.
 */
#include "people_rig.h"

static const sim_link clean = {.delay = 20};
static const sim_link poor = {.delay = 40, .jitter = 30, .loss = 5, .doubled = 3};

static void assert_same_string(const sim_meeting *m, unsigned a, unsigned b)
{
    assert_true(person(m, a)->has_string && person(m, b)->has_string);
    assert_memory_equal(person(m, a)->string, person(m, b)->string, SO_SAS_LEN);
}

static void both_see_the_same_string_and_key(void **state)
{
    const sim_link *links[] = {&clean, &poor};

    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        sim_meeting *m = begin(10 + i, links[i % 2]);

        bring_together(m, 6000);
        assert_same_string(m, 0, 1);
        for (unsigned k = 0; k < 2; k++) {
            assert_int_equal(m->guests[k].state, SO_CALL_OPEN);
            assert_string_equal(person(m, k)->key, prints[1 - k]);
            assert_int_equal(person(m, k)->identity, SO_RECOGNISED_UNKNOWN);
            assert_false(person(m, k)->alarm || person(m, k)->compared);
        }
        sim_meeting_compare(m, i / 2 % 2, true);
        assert_true(person(m, i / 2 % 2)->compared);
        assert_they_hear(m);
        assert_false(person(m, 1 - i / 2 % 2)->compared); /* what people answer stays at their own end */
        finish(m);
    }
}

/* Another epoch is the same association: what was compared stays so, and nothing is run again. */
static void a_resumed_epoch_keeps_what_was_compared(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        sim_meeting *m = begin(30 + who, &clean);
        uint8_t string[SO_SAS_LEN];

        bring_together(m, 3000);
        memcpy(string, person(m, 0)->string, sizeof string);
        for (unsigned i = 0; i < 2; i++)
            sim_meeting_compare(m, i, true);
        sim_meeting_cut(m, who, 3000);
        sim_meeting_run(m, 10000);
        assert_same_string(m, 0, 1);
        assert_memory_equal(person(m, 0)->string, string, sizeof string);
        for (unsigned i = 0; i < 2; i++)
            assert_true(person(m, i)->compared && m->guests[i].state == SO_CALL_OPEN);
        assert_they_hear(m);
        finish(m);
    }
}

static void a_new_end_is_to_be_compared_anew(void **state)
{
    sim_meeting *m = begin(40, &clean);
    uint8_t string[SO_SAS_LEN];

    (void)state;
    bring_together(m, 3000);
    memcpy(string, person(m, 0)->string, sizeof string);
    sim_meeting_compare(m, 0, true);
    assert_true(person(m, 0)->compared);
    sim_meeting_kill(m, 1);
    sim_meeting_run(m, 40000);
    assert_false(person(m, 0)->compared || person(m, 0)->has_string);
    sim_meeting_come(m, 2, 1);
    sim_meeting_run(m, 5000);
    assert_int_equal(m->guests[0].state, SO_CALL_OPEN);
    assert_same_string(m, 0, 2);
    assert_false(person(m, 0)->compared);
    assert_memory_not_equal(person(m, 0)->string, string, sizeof string);
    assert_string_equal(person(m, 0)->key, prints[2]);
    finish(m);
}

static void different_ends_the_call_of_both(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        sim_meeting *m = begin(50 + who, &clean);

        bring_together(m, 3000);
        sim_meeting_compare(m, who, false);
        sim_meeting_run(m, 1000);
        for (unsigned i = 0; i < 2; i++)
            assert_true(so_call_is_over(m->guests[i].call));
        assert_string_equal(so_call_reason(m->guests[who].call), "sas-different");
        finish(m);
    }
}

/* The call is open when the introduction has come, and not before. */
static void who_is_expected_and_comes_is_let_in(void **state)
{
    const sim_link *links[] = {&clean, &poor};

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        sim_meeting *m = begin(60 + i, links[i % 2]);
        const sim_guest *a = &m->guests[0];

        m->guests[0].known = &knows_b;
        m->guests[0].expect = "Bea";
        bring_together(m, 500);
        for (unsigned turns = 0; turns < 800 && a->state != SO_CALL_OPEN; turns++) {
            assert_nothing_passed(a);
            sim_meeting_run(m, 10);
        }
        assert_int_equal(a->state, SO_CALL_OPEN);
        assert_true(person(m, 0)->met && !person(m, 0)->alarm);
        assert_int_equal(person(m, 0)->identity, SO_RECOGNISED_KNOWN);
        assert_string_equal(person(m, 0)->name, "Bea");
        sim_meeting_run(m, 3000);
        assert_they_hear(m);
        finish(m);
    }
}

/* A knows Bea and expects her; somebody with another key, or with none, has the link. */
static sim_meeting *begin_alarm(uint64_t seed, so_pkey *key)
{
    sim_meeting *m = begin(seed, &clean);

    m->guests[0].known = &knows_b;
    m->guests[0].expect = "Bea";
    m->guests[1].identity = key;
    return m;
}

static void another_key_is_an_alarm_until_somebody_decides(void **state)
{
    (void)state;
    for (int go_on = 0; go_on < 2; go_on++) {
        sim_meeting *m = begin_alarm(70 + (uint64_t)go_on, keys[2]);

        bring_together(m, 4000);
        sim_meeting_chat(m, 1, "one");
        sim_meeting_chat(m, 1, "two");
        sim_meeting_run(m, 20000);
        assert_true(person(m, 0)->alarm);
        assert_int_equal(person(m, 0)->identity, SO_RECOGNISED_CHANGED);
        assert_string_equal(person(m, 0)->expected, "Bea");
        assert_nothing_passed(&m->guests[0]);
        assert_int_equal(m->guests[1].taken, 0);
        sim_meeting_decide(m, 0, go_on != 0);
        sim_meeting_run(m, 1000);
        if (go_on != 0) {
            assert_int_equal(m->guests[0].state, SO_CALL_OPEN);
            assert_int_equal(m->guests[0].lines, 2); /* they were kept */
            assert_string_equal(m->guests[0].last_line, "two");
            assert_they_hear(m);
        } else {
            assert_string_equal(so_call_reason(m->guests[0].call), "identity-alarm");
            assert_int_equal(m->guests[0].taken + m->guests[1].taken + m->guests[0].lines, 0);
            assert_true(so_call_is_over(m->guests[1].call));
        }
        finish(m);
    }
}

static void silence_is_an_alarm_after_ten_seconds(void **state)
{
    sim_meeting *m = begin_alarm(80, NULL);

    (void)state;
    bring_together(m, 0);
    assert_true(sim_meeting_until(m, 1, SO_CALL_OPEN, 5000));
    sim_meeting_run(m, 9500);
    assert_false(person(m, 0)->alarm);
    assert_nothing_passed(&m->guests[0]);
    sim_meeting_run(m, 1500);
    assert_true(person(m, 0)->alarm);
    assert_int_equal(person(m, 0)->identity, SO_RECOGNISED_SILENT);
    assert_nothing_passed(&m->guests[0]);
    sim_meeting_decide(m, 0, true);
    assert_int_equal(m->guests[0].state, SO_CALL_OPEN);
    assert_they_hear(m);
    finish(m);
}

static void who_compares_first_lets_nothing_through_before(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        sim_meeting *m = begin(90 + who, &clean);

        so_policy_ask(&m->guests[who].policy, SO_RULE_COMPARE);
        bring_together(m, 3000);
        sim_meeting_chat(m, 1 - who, "early");
        sim_meeting_run(m, 20000);
        assert_same_string(m, 0, 1);
        assert_nothing_passed(&m->guests[who]);
        sim_meeting_compare(m, who, true);
        assert_int_equal(m->guests[who].state, SO_CALL_OPEN);
        sim_meeting_run(m, 500);
        assert_string_equal(m->guests[who].last_line, "early");
        assert_they_hear(m);
        finish(m);
    }
}

/* Eve has the link and the server: she answers A in one room and B in another, and hands on what they say. */
static void run_both(sim_meeting *a, sim_meeting *b, so_msec ms)
{
    const char *const names[] = {"from A", "from B"};
    unsigned said = 0;

    for (so_msec passed = 0; passed < ms; passed += 10) {
        sim_meeting_run(a, 5);
        sim_meeting_run(b, 5);
        if (said == 0 && a->guests[0].state == SO_CALL_OPEN && b->guests[1].state == SO_CALL_OPEN &&
            person(a, 0)->has_string && person(b, 1)->has_string) {
            sim_meeting_chat(a, 0, names[0]);
            sim_meeting_chat(b, 1, names[1]);
            said = 1;
        }
        if (said == 1 && a->guests[1].lines == 1 && b->guests[0].lines == 1) {
            sim_meeting_chat(b, 0, a->guests[1].last_line);
            sim_meeting_chat(a, 1, b->guests[0].last_line);
            said = 2;
        }
    }
}

static void who_sits_between_two_shows_them_two_strings(void **state)
{
    static sim_meeting other; /* large */

    (void)state;
    for (uint64_t seed = 100; seed < 106; seed++) {
        sim_meeting *m = begin(seed, &clean);

        assert_true(sim_meeting_open(&other, seed, &clean)); /* of one seed, and so with one link */
        assert_memory_equal(&other.invite, &m->invite, sizeof m->invite);
        m->guests[1].identity = other.guests[0].identity = keys[2];
        other.guests[1].identity = keys[1];
        sim_meeting_come(m, 0, 0);
        sim_meeting_come(&other, 0, 0);
        run_both(m, &other, 500);
        sim_meeting_come(m, 1, 1);
        sim_meeting_come(&other, 1, 1);
        run_both(m, &other, 5000);
        /* For the two all seems well: what they write arrives, and every door holds. */
        assert_string_equal(m->guests[0].last_line, "from B");
        assert_string_equal(other.guests[1].last_line, "from A");
        assert_same_string(m, 0, 1);
        assert_same_string(&other, 0, 1);
        assert_memory_not_equal(person(m, 0)->string, person(&other, 1)->string, SO_SAS_LEN);
        assert_string_equal(person(m, 0)->key, prints[2]);
        assert_string_equal(person(&other, 1)->key, prints[2]);
        finish(&other);
        finish(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_see_the_same_string_and_key),
        cmocka_unit_test(a_resumed_epoch_keeps_what_was_compared),
        cmocka_unit_test(a_new_end_is_to_be_compared_anew),
        cmocka_unit_test(different_ends_the_call_of_both),
        cmocka_unit_test(who_is_expected_and_comes_is_let_in),
        cmocka_unit_test(another_key_is_an_alarm_until_somebody_decides),
        cmocka_unit_test(silence_is_an_alarm_after_ten_seconds),
        cmocka_unit_test(who_compares_first_lets_nothing_through_before),
        cmocka_unit_test(who_sits_between_two_shows_them_two_strings),
    };

    return cmocka_run_group_tests_name("who is at the other end is let in, or not", tests, make_people, free_people);
}
