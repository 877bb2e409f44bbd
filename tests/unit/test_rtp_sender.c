/* rtp/sender: numbers that go up, reports that fit them, and a timer that is neither early nor in step. */
#include "unit.h"

#include "rtp/sender.h"

static so_status failing(void *user, uint8_t *out, size_t len)
{
    (void)user;
    (void)out;
    (void)len;
    return SO_CRYPTO;
}

static void numbers_begin_at_random_below_half(void **state)
{
    uint64_t seed = 3;
    so_random random = UNIT_RANDOM(&seed);
    so_rtp_sender a, b;

    (void)state;
    for (int i = 0; i < 500; i++) {
        assert_int_equal(so_rtp_sender_init(&a, 111, 48000, &random), SO_OK);
        assert_int_equal(so_rtp_sender_init(&b, 111, 48000, &random), SO_OK);
        assert_true(a.seq < 0x8000);
        assert_int_not_equal(a.ssrc, b.ssrc);
        assert_int_not_equal(a.offset, b.offset);
    }
    random.fill = failing;
    assert_int_equal(so_rtp_sender_init(&a, 111, 48000, &random), SO_CRYPTO);
}

static void packets_are_numbered_and_counted(void **state)
{
    uint64_t seed = 4;
    so_random random = UNIT_RANDOM(&seed);
    so_rtp_sender s;
    so_rtp_packet p;
    so_rtcp_sender report;
    uint32_t octets = 0;
    uint16_t first;

    (void)state;
    assert_int_equal(so_rtp_sender_init(&s, 96, 90000, &random), SO_OK);
    first = s.seq;
    for (uint32_t i = 0; i < 70000; i++) {
        so_rtp_sender_next(&s, i * 3000, i % 2, 10 + i % 5, 1000 + i, &p);
        assert_int_equal(p.seq, (uint16_t)(first + i));
        assert_int_equal(p.timestamp, (uint32_t)(s.offset + i * 3000));
        assert_int_equal(p.ssrc, s.ssrc);
        assert_int_equal(p.type, 96);
        assert_int_equal(p.marker, i % 2);
        octets += 10 + i % 5;
    }
    /* a third of a second after the last packet, at 90 kHz */
    so_rtp_sender_report(&s, 0x123456789, 1000 + 69999 + 300, &report);
    assert_int_equal(report.ssrc, s.ssrc);
    assert_int_equal(report.packets, 70000);
    assert_int_equal(report.octets, octets);
    assert_true(report.ntp == 0x123456789);
    assert_int_equal(report.rtp, (uint32_t)(s.offset + 69999u * 3000 + 27000));
}

static void reports_come_soon_and_then_seldom(void **state)
{
    uint64_t seed = 5;
    so_random random = UNIT_RANDOM(&seed);
    so_msec least_late = UINT64_MAX, most_late = 0;

    (void)state;
    for (int round = 0; round < 300; round++) {
        so_rtcp_timer t;
        so_msec now = 77777;
        assert_int_equal(so_rtcp_timer_start(&t, &random, now), SO_OK);
        for (int i = 0; i < 12; i++) {
            so_msec interval = i == 0 ? 500 : i < 5 ? 1000 : 5000, wait = t.due - now;
            assert_true(wait >= interval / 2 && wait <= interval + interval / 2);
            assert_false(so_rtcp_timer_due(&t, t.due - 1));
            assert_true(so_rtcp_timer_due(&t, t.due));
            if (i >= 5) {
                least_late = wait < least_late ? wait : least_late;
                most_late = wait > most_late ? wait : most_late;
            }
            now = t.due;
            assert_int_equal(so_rtcp_timer_sent(&t, now), SO_OK);
        }
    }
    /* it uses the whole range */
    assert_true(least_late < 2600 && most_late > 7400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_begin_at_random_below_half),
        cmocka_unit_test(packets_are_numbered_and_counted),
        cmocka_unit_test(reports_come_soon_and_then_seldom),
    };
    return cmocka_run_group_tests_name("one outgoing stream", tests, NULL, NULL);
}
