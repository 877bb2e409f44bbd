/* rtp/meter: a steady stream is measured as what it is, and nothing is made of what is too little or too old. */
#include "unit.h"

#include "rtp/meter.h"

static void a_steady_stream_is_measured(void **state)
{
    so_meter m = {0};

    (void)state;
    assert_int_equal(so_meter_rate(&m, 8), 0);
    for (int64_t at = -300000; at < 2000000; at += 5000) { /* 1000 bytes each 5 ms: 1.6 Mbit/s; before zero, too */
        so_meter_add(&m, 1000, at);
        assert_int_equal(so_meter_rate(&m, 8), at < -140000 ? 0 : 1600000);
        assert_int_equal(so_meter_rate(&m, 25), at < 200000 ? 0 : 1600000);
    }
    assert_int_equal(so_meter_rate(&m, 0), 0);
    assert_int_equal(so_meter_rate(&m, SO_METER_PARTS), 0);
}

static void silence_counts(void **state)
{
    so_meter m = {0};

    (void)state;
    for (int64_t at = 0; at < 1000000; at += 5000)
        so_meter_add(&m, 1000, at);
    so_meter_add(&m, 0, 1100000);
    assert_int_equal(so_meter_rate(&m, 10), 800000);
    so_meter_add(&m, 0, 1300000);
    assert_int_equal(so_meter_rate(&m, 10), 0);
}

static void late_and_far_times_do_no_harm(void **state)
{
    so_meter m = {0};

    (void)state;
    for (int64_t at = 0; at < 1000000; at += 5000)
        so_meter_add(&m, 1000, at);
    so_meter_add(&m, 1000, 990000 - 100000); /* late: it counts where it belongs */
    assert_int_equal(so_meter_rate(&m, 8), 1600000 + 8 * 1000 * 1000 / 160);
    so_meter_add(&m, 1000, 100000); /* too late to count */
    assert_int_equal(so_meter_rate(&m, 8), 1600000 + 8 * 1000 * 1000 / 160);
    so_meter_add(&m, 1000, (int64_t)1 << 60); /* another clock */
    assert_int_equal(so_meter_rate(&m, 8), 0);
    so_meter_add(&m, 1000, -((int64_t)1 << 60));
    assert_int_equal(so_meter_rate(&m, 8), 0);
    assert_int_equal(m.first, m.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_stream_is_measured),
        cmocka_unit_test(silence_counts),
        cmocka_unit_test(late_and_far_times_do_no_harm),
    };
    return cmocka_run_group_tests_name("bits per second", tests, NULL, NULL);
}
