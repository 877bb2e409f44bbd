/* rtp/pacer: packets leave at the pace, in small bursts; sound is counted, old queues hurry. */
#include "unit.h"

#include "rtp/pacer.h"

#define START 7000000 /* µs */

static so_pacer make(unsigned percent)
{
    so_pacer p;

    so_pacer_init(&p, percent, 1000000, START);
    return p;
}

/* Bytes that leave until a time, waking up at the deadlines; burst: at most so many at one of them. */
static size_t leave(so_pacer *p, so_usec *now, so_usec until, size_t packet, size_t *burst)
{
    size_t bytes = 0;

    *burst = 0;
    while (*now < until) {
        size_t at_once = 0;

        while (so_pacer_ready(p, *now)) {
            so_pacer_sent(p, packet, *now);
            at_once += packet;
        }
        bytes += at_once;
        *burst = at_once > *burst ? at_once : *burst;
        assert_true(so_pacer_deadline(p) * 1000 > *now); /* it does not call in vain */
        *now = so_pacer_deadline(p) * 1000;
        assert_true(so_pacer_ready(p, *now));
    }
    return bytes;
}

static void packets_leave_at_the_pace(void **state)
{
    static const size_t sizes[] = {60, 200, 1200};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (unsigned percent = 100; percent <= 250; percent += 50) {
            so_pacer p = make(percent);
            so_usec now = START;
            size_t burst, bytes = leave(&p, &now, START + 2000000, sizes[i], &burst);

            /* 250,000 bytes at the estimate of 1 Mbit/s */
            assert_in_range(bytes, 250000 * percent / 100 - 2000, 250000 * percent / 100 + 2000);
            assert_true(burst <= sizes[i] + 6 * 125 * percent / 100); /* 5 ms, and one that is rounded up */
        }
}

static void room_that_was_not_used_is_forgotten(void **state)
{
    so_pacer p = make(100);
    so_usec now = START;
    size_t burst, sent = 0;

    (void)state;
    leave(&p, &now, START + 100000, 1200, &burst);
    now += 10000000;
    while (so_pacer_ready(&p, now)) {
        so_pacer_sent(&p, 100, now);
        sent += 100;
    }
    assert_in_range(sent, 625, 825);
}

static void sound_counts_but_does_not_hold_the_rest_for_ever(void **state)
{
    so_pacer p = make(100);

    (void)state;
    so_pacer_sent(&p, 12500, START); /* 100 ms of the pace */
    assert_false(so_pacer_ready(&p, START + 90000));
    assert_true(so_pacer_ready(&p, START + 100000));
    p = make(100);
    for (int i = 0; i < 1000; i++)
        so_pacer_sent(&p, 12500, START);
    assert_true(so_pacer_deadline(&p) <= START / 1000 + 201);
    assert_true(so_pacer_ready(&p, START + 201000));
}

static void what_waits_too_long_hurries(void **state)
{
    so_pacer p = make(100);
    so_usec now = START;
    size_t burst, bytes;

    (void)state;
    /* 75 kB take 600 ms; so that none waits for more than 500, they leave a fifth faster */
    so_pacer_waiting(&p, 75000, START / 1000, START);
    bytes = leave(&p, &now, START + 100000, 1200, &burst);
    assert_in_range(bytes, 14000, 17000);
    /* but not more than twice as fast */
    so_pacer_waiting(&p, 1000000, START / 1000 - 2000, now);
    bytes = leave(&p, &now, now + 100000, 1200, &burst);
    assert_in_range(bytes, 24000, 27500);
    so_pacer_waiting(&p, 0, START / 1000, now);
    bytes = leave(&p, &now, now + 100000, 1200, &burst);
    assert_in_range(bytes, 11500, 14500);
}

static void another_rate_holds_at_once(void **state)
{
    so_pacer p = make(100);
    so_usec now = START;
    size_t burst, bytes;

    (void)state;
    so_pacer_rate(&p, 4000000, now);
    bytes = leave(&p, &now, now + 100000, 1200, &burst);
    assert_in_range(bytes, 48000, 54000);
    so_pacer_rate(&p, 0, now); /* even of nothing, it comes to an end */
    so_pacer_sent(&p, 1200, now);
    assert_true(so_pacer_deadline(&p) < now / 1000 + 11000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_leave_at_the_pace),
        cmocka_unit_test(room_that_was_not_used_is_forgotten),
        cmocka_unit_test(sound_counts_but_does_not_hold_the_rest_for_ever),
        cmocka_unit_test(what_waits_too_long_hurries),
        cmocka_unit_test(another_rate_holds_at_once),
    };
    return cmocka_run_group_tests_name("when the next packet may leave", tests, NULL, NULL);
}
