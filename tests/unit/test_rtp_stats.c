/* rtp/stats: what a report says of loss, jitter and delay, over wraps, duplicates and jumps. */
#include "unit.h"

#include "rtp/stats.h"

#define RATE 48000

static so_rtp_stats fresh(void)
{
    so_rtp_stats s;

    so_rtp_stats_init(&s, 7, RATE);
    return s;
}

static void nothing_came_nothing_is_said(void **state)
{
    so_rtp_stats s = fresh();
    so_rtcp_block block;

    (void)state;
    assert_false(so_rtp_stats_report(&s, 1000, &block));
    assert_int_equal(so_rtp_stats_expected(&s), 0);
    assert_int_equal(so_rtp_stats_lost(&s), 0);
}

static void loss_is_counted_across_the_wrap(void **state)
{
    so_rtp_stats s = fresh();
    so_rtcp_block block;

    (void)state;
    /* 65,526 to 65,535 and on to 89; each tenth is lost */
    for (uint32_t i = 0; i < 100; i++)
        if (i % 10 != 5)
            assert_true(so_rtp_stats_packet(&s, (uint16_t)(65526 + i), i * 960, 100, i * 20));
    assert_int_equal(so_rtp_stats_expected(&s), 100);
    assert_int_equal(so_rtp_stats_lost(&s), 10);
    assert_int_equal(s.octets, 9000);
    assert_true(so_rtp_stats_report(&s, 2000, &block));
    assert_int_equal(block.ssrc, 7);
    assert_int_equal(block.lost, 10);
    assert_int_equal(block.fraction, 25); /* 10/100 of 256 */
    assert_int_equal(block.highest, 0x10000 + 89);
    assert_int_equal(block.jitter, 0);
    assert_int_equal(block.lsr, 0);
    assert_int_equal(block.dlsr, 0);
    /* the fraction is of the time since; the sum stays */
    for (uint32_t i = 100; i < 110; i++)
        if (i % 2 == 0 || i == 109)
            assert_true(so_rtp_stats_packet(&s, (uint16_t)(65526 + i), i * 960, 100, i * 20));
    assert_true(so_rtp_stats_report(&s, 3000, &block));
    assert_int_equal(block.lost, 14);
    assert_int_equal(block.fraction, 4 * 256 / 10);
    assert_false(so_rtp_stats_report(&s, 4000, &block)); /* nothing since */
}

static void duplicates_make_loss_negative(void **state)
{
    so_rtp_stats s = fresh();
    so_rtcp_block block;

    (void)state;
    for (uint32_t i = 0; i < 10; i++)
        for (int twice = 0; twice < 2; twice++)
            assert_true(so_rtp_stats_packet(&s, (uint16_t)i, i * 960, 1, i * 20));
    assert_true(so_rtp_stats_report(&s, 1000, &block));
    assert_int_equal(block.lost, -10);
    assert_int_equal(block.fraction, 0);
}

static void a_late_packet_is_no_wrap(void **state)
{
    so_rtp_stats s = fresh();

    (void)state;
    assert_true(so_rtp_stats_packet(&s, 5, 0, 1, 0));
    assert_true(so_rtp_stats_packet(&s, 65534, 0, 1, 0)); /* 7 before the first */
    assert_int_equal(s.highest, 5);
    assert_int_equal(s.cycles, 0);
    assert_true(so_rtp_stats_packet(&s, 6, 0, 1, 0));
    assert_int_equal(so_rtp_stats_expected(&s), 2);
}

static void a_jump_counts_once_it_is_confirmed(void **state)
{
    so_rtp_stats s = fresh();

    (void)state;
    assert_true(so_rtp_stats_packet(&s, 100, 0, 1, 0));
    assert_false(so_rtp_stats_packet(&s, 20000, 0, 1, 0));
    assert_int_equal(s.highest, 100);
    assert_true(so_rtp_stats_packet(&s, 101, 0, 1, 0)); /* it was a stray one */
    assert_false(so_rtp_stats_packet(&s, 20001, 0, 1, 0));
    assert_true(so_rtp_stats_packet(&s, 20002, 0, 1, 0));
    assert_int_equal(s.highest, 20002);
    assert_int_equal(so_rtp_stats_expected(&s), 1);
    assert_int_equal(so_rtp_stats_lost(&s), 0);
}

/* A.8 worked out by hand: transit grows by 16 ms = 768 units once, J = 768/16 = 48, then falls by a sixteenth each. */
static void jitter_follows_the_rfc(void **state)
{
    so_rtp_stats s = fresh();
    uint32_t j = 0;

    (void)state;
    assert_true(so_rtp_stats_packet(&s, 0, 0, 1, 1000));
    assert_true(so_rtp_stats_packet(&s, 1, 960, 1, 1020));
    assert_int_equal(so_rtp_stats_jitter(&s), 0);
    assert_true(so_rtp_stats_packet(&s, 2, 1920, 1, 1056));
    assert_int_equal(so_rtp_stats_jitter(&s), 48);
    j = 768;
    for (uint32_t i = 3; i < 40; i++) {
        assert_true(so_rtp_stats_packet(&s, (uint16_t)i, i * 960, 1, 1016 + i * 20));
        j -= (j + 8) >> 4;
        assert_int_equal(so_rtp_stats_jitter(&s), j >> 4);
    }
    /* early as well as late */
    s = fresh();
    assert_true(so_rtp_stats_packet(&s, 0, 0, 1, 1000));
    assert_true(so_rtp_stats_packet(&s, 1, 960, 1, 1004));
    assert_int_equal(so_rtp_stats_jitter(&s), 48);
    /* and a timestamp that starts anew is none */
    assert_true(so_rtp_stats_packet(&s, 2, 0x70000000, 1, 1024));
    assert_int_equal(so_rtp_stats_jitter(&s), 48);
}

static void jitter_survives_the_wrap_of_timestamps(void **state)
{
    so_rtp_stats s = fresh();

    (void)state;
    for (uint32_t i = 0; i < 200; i++)
        assert_true(so_rtp_stats_packet(&s, (uint16_t)i, 0xffffff00u + i * 960, 1, 5000000 + i * 20));
    assert_int_equal(so_rtp_stats_jitter(&s), 0);
}

static void a_round_trip_is_measured(void **state)
{
    const so_rtcp_sender sr = {.ssrc = 7, .ntp = 0xb44db70520000000ull};
    so_rtp_stats s = fresh();
    so_rtcp_block block;
    uint32_t trip;

    (void)state;
    /* RFC 3550 figure 2: SR at 0xb44db705:20000000, DLSR 5.25 s, arrival 0xb710:8000, and 6.125 s out of that */
    assert_true(so_rtp_stats_packet(&s, 1, 0, 1, 100));
    so_rtp_stats_sr(&s, &sr, 10000);
    assert_true(so_rtp_stats_report(&s, 15250, &block));
    assert_int_equal(block.lsr, 0xb7052000);
    assert_int_equal(block.dlsr, 0x00054000);
    assert_true(so_rtp_round_trip(&block, 0xb7108000, &trip));
    assert_int_equal(trip, 0x00062000);
    /* within this machine, by clocks that are rounded: the block comes before it can have left, by 5 ms; not by 50 */
    assert_true(so_rtp_round_trip(&block, 0xb70a6000 - 65536 / 200, &trip));
    assert_int_equal(trip, 0);
    assert_false(so_rtp_round_trip(&block, 0xb70a6000 - 65536 / 20, &trip));
    /* a clock that was set back */
    assert_false(so_rtp_round_trip(&block, 0xb7052000, &trip));
    block.lsr = 0;
    assert_false(so_rtp_round_trip(&block, 0xb7108000, &trip));
    /* a source that went mute for days */
    assert_true(so_rtp_stats_packet(&s, 2, 0, 1, 100));
    assert_true(so_rtp_stats_report(&s, 10000 + 7 * (so_msec)86400000, &block));
    assert_int_equal(block.dlsr, 0xffffffff);
}

static void sums_stay_within_24_bits(void **state)
{
    so_rtp_stats s = fresh();

    (void)state;
    assert_true(so_rtp_stats_packet(&s, 0, 0, 1, 0));
    s.cycles = 0x1000000;
    assert_int_equal(so_rtp_stats_lost(&s), 0x7fffff);
    s.cycles = 0;
    s.received = 0x2000000;
    assert_int_equal(so_rtp_stats_lost(&s), -0x800000);
}

static void ntp_time_is_that_of_1900(void **state)
{
    (void)state;
    assert_true(so_ntp_of_unix_msec(0) == (uint64_t)2208988800u << 32);
    assert_true(so_ntp_of_unix_msec(1500) == ((uint64_t)2208988801u << 32 | 0x80000000u));
    assert_int_equal(so_ntp_middle(0x0123456789abcdef), 0x456789ab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_came_nothing_is_said),
        cmocka_unit_test(loss_is_counted_across_the_wrap),
        cmocka_unit_test(duplicates_make_loss_negative),
        cmocka_unit_test(a_late_packet_is_no_wrap),
        cmocka_unit_test(a_jump_counts_once_it_is_confirmed),
        cmocka_unit_test(jitter_follows_the_rfc),
        cmocka_unit_test(jitter_survives_the_wrap_of_timestamps),
        cmocka_unit_test(a_round_trip_is_measured),
        cmocka_unit_test(sums_stay_within_24_bits),
        cmocka_unit_test(ntp_time_is_that_of_1900),
    };
    return cmocka_run_group_tests_name("what a receiver reports of a source", tests, NULL, NULL);
}
