/* rtp/nack: missing packets are asked for in time, again, and not for ever; overtaken ones are not asked for. */
#include "unit.h"

#include "rtp/nack.h"

#define PATIENCE 1000
#define TRIP 80
#define AGAIN (TRIP + TRIP / 4 + 10) /* from one question to the next, where nothing is overtaken */

static so_nack make(void)
{
    so_nack n;

    so_nack_init(&n, PATIENCE);
    so_nack_round_trip(&n, TRIP);
    return n;
}

/* What is asked for now, as text: "5 6". */
static const char *due(so_nack *n, so_msec now)
{
    static char text[4000];
    uint16_t out[SO_NACK_MISSING];
    size_t count = so_nack_due(n, now, out, SO_NACK_MISSING);

    text[0] = 0;
    for (size_t i = 0; i < count; i++)
        sprintf(text + strlen(text), "%s%u", i == 0 ? "" : " ", out[i]);
    return text;
}

static void nothing_is_asked_for_while_all_comes(void **state)
{
    so_nack n = make();

    (void)state;
    assert_true(so_nack_deadline(&n) == UINT64_MAX);
    for (uint32_t i = 0; i < 70000; i++) {
        so_nack_packet(&n, (uint16_t)(i + 65000), false, i);
        assert_true(so_nack_deadline(&n) == UINT64_MAX);
        if (i % 1000 == 0)
            so_nack_packet(&n, (uint16_t)(i + 65000 - i % 7), false, i); /* twice */
    }
    assert_string_equal(due(&n, 70000), "");
    assert_int_equal(so_nack_given_up(&n), 0);
}

static void a_gap_is_asked_for_at_once_and_again(void **state)
{
    so_nack n = make();

    (void)state;
    so_nack_packet(&n, 65534, false, 500);
    so_nack_packet(&n, 2, false, 510); /* 65535, 0 and 1 are missing */
    assert_int_equal(so_nack_deadline(&n), 510);
    assert_string_equal(due(&n, 510), "65535 0 1");
    assert_string_equal(due(&n, 510), "");
    so_nack_packet(&n, 0, true, 560);
    assert_int_equal(so_nack_deadline(&n), 510 + AGAIN);
    assert_string_equal(due(&n, 510 + AGAIN - 1), "");
    assert_string_equal(due(&n, 510 + AGAIN), "65535 1");
    so_nack_packet(&n, 1, true, 600);
    so_nack_packet(&n, 65535, true, 600);
    assert_true(so_nack_deadline(&n) == UINT64_MAX);
    assert_int_equal(so_nack_given_up(&n), 0);
}

static void a_packet_is_given_up_by_age(void **state)
{
    so_nack n = make();
    so_msec now = 0;
    int asked = 0;

    (void)state;
    so_nack_round_trip(&n, 300);
    so_nack_packet(&n, 1, false, 0);
    so_nack_packet(&n, 3, false, 0);
    while (so_nack_deadline(&n) != UINT64_MAX) {
        assert_true(so_nack_deadline(&n) >= now);
        now = so_nack_deadline(&n);
        asked += strcmp(due(&n, now), "2") == 0;
    }
    assert_int_equal(now, PATIENCE);
    assert_int_equal(asked, 3); /* at 0, 385 and 770 */
    assert_int_equal(so_nack_given_up(&n), 1);
    assert_int_equal(so_nack_given_up(&n), 0);
}

static void a_packet_is_given_up_by_count(void **state)
{
    so_nack n = make();
    int asked = 0;

    (void)state;
    so_nack_round_trip(&n, 0);
    so_nack_packet(&n, 1, false, 0);
    so_nack_packet(&n, 3, false, 0);
    while (so_nack_deadline(&n) != UINT64_MAX)
        asked += strcmp(due(&n, so_nack_deadline(&n)), "2") == 0;
    assert_int_equal(asked, SO_NACK_TIMES);
    assert_int_equal(so_nack_given_up(&n), 1);
}

static void a_key_frame_makes_what_is_before_moot(void **state)
{
    so_nack n = make();

    (void)state;
    so_nack_packet(&n, 65530, false, 0);
    so_nack_packet(&n, 65532, false, 0);
    so_nack_packet(&n, 5, false, 0);
    so_nack_forget(&n, 2);
    assert_string_equal(due(&n, 0), "2 3 4");
    assert_int_equal(so_nack_given_up(&n), 0);
    so_nack_forget(&n, 6);
    assert_true(so_nack_deadline(&n) == UINT64_MAX);
}

/* Pairs that change places, 30 ms late: after the first one nothing is asked for any more. */
static void overtaken_packets_teach_patience(void **state)
{
    so_nack n = make();
    so_msec now = 0;
    size_t asked = 0;

    (void)state;
    so_nack_packet(&n, 0, false, 0);
    for (uint16_t seq = 1; seq < 200; seq += 2) {
        now += 40;
        so_nack_packet(&n, (uint16_t)(seq + 1), false, now);
        asked += strlen(due(&n, now)) > 0;
        asked += strlen(due(&n, now + 29)) > 0;
        so_nack_packet(&n, seq, false, now + 30);
    }
    assert_int_equal(asked, 1);
    /* what is really lost is asked for after that time */
    so_nack_packet(&n, 210, false, now += 40);
    so_nack_packet(&n, 212, false, now);
    assert_int_equal(so_nack_deadline(&n), now + 30);
    /* and when order is back for some seconds, at once again */
    so_nack_forget(&n, 213);
    for (uint16_t seq = 213; seq < 400; seq++)
        so_nack_packet(&n, seq, false, now += 40);
    so_nack_packet(&n, 401, false, now);
    assert_true(so_nack_deadline(&n) <= now + 3);
}

/* A retransmission is late because we asked late: that is not the path's reordering. */
static void repairs_teach_nothing(void **state)
{
    so_nack n = make();

    (void)state;
    so_nack_packet(&n, 1, false, 0);
    so_nack_packet(&n, 4, false, 0);
    assert_string_equal(due(&n, 0), "2 3");
    so_nack_packet(&n, 2, true, TRIP);
    so_nack_packet(&n, 3, false, TRIP); /* nor in the stream itself, once an answer can be here */
    so_nack_packet(&n, 6, false, 90);
    assert_int_equal(so_nack_deadline(&n), 90);
}

static void memory_is_bounded(void **state)
{
    so_nack n = make();
    uint16_t seq = 0, out[4];

    (void)state;
    so_nack_packet(&n, seq, false, 0);
    /* every second one is missing: the oldest make room */
    for (int i = 0; i < 400; i++)
        so_nack_packet(&n, seq = (uint16_t)(seq + 2), false, 1);
    assert_int_equal(n.count, SO_NACK_MISSING);
    assert_int_equal(so_nack_given_up(&n), 400 - SO_NACK_MISSING);
    assert_int_equal(so_nack_due(&n, 1, out, 4), 4);
    assert_int_equal(out[0], 2 * (400 - SO_NACK_MISSING) + 1);
    assert_int_equal(so_nack_deadline(&n), 1); /* the others still wait */
    /* a gap of the whole room, and one more than that */
    so_nack_packet(&n, seq = (uint16_t)(seq + SO_NACK_MISSING + 1), false, 2);
    assert_int_equal(n.count, SO_NACK_MISSING);
    assert_int_equal(so_nack_given_up(&n), SO_NACK_MISSING);
    so_nack_packet(&n, (uint16_t)(seq + SO_NACK_MISSING + 2), false, 3);
    assert_int_equal(n.count, 0);
    assert_int_equal(so_nack_given_up(&n), 2 * SO_NACK_MISSING + 1);
}

/* Any numbers at any time: what is asked for is in order, never twice, and the deadline moves on. */
static void hostile_numbers_do_no_harm(void **state)
{
    so_nack n = make();
    uint64_t seed = 5;
    so_msec now = 0;

    (void)state;
    for (int i = 0; i < 30000; i++) {
        uint16_t out[SO_NACK_MISSING], seq;
        uint8_t dice[4];
        size_t count;

        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        seq = dice[0] < 20 ? (uint16_t)(dice[1] << 8 | dice[2]) : (uint16_t)(n.highest + dice[1] % 40 - 8);
        so_nack_packet(&n, seq, dice[3] & 1, now);
        now += dice[3] % 8;
        count = so_nack_due(&n, now, out, SO_NACK_MISSING);
        for (size_t k = 1; k < count; k++)
            assert_true(so_rtp_seq_before(out[k - 1], out[k]));
        assert_true(so_nack_deadline(&n) > now);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_asked_for_while_all_comes),
        cmocka_unit_test(a_gap_is_asked_for_at_once_and_again),
        cmocka_unit_test(a_packet_is_given_up_by_age),
        cmocka_unit_test(a_packet_is_given_up_by_count),
        cmocka_unit_test(a_key_frame_makes_what_is_before_moot),
        cmocka_unit_test(overtaken_packets_teach_patience),
        cmocka_unit_test(repairs_teach_nothing),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(hostile_numbers_do_no_harm),
    };
    return cmocka_run_group_tests_name("asking for what is missing", tests, NULL, NULL);
}
