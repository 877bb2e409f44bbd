/* rtp/aimd: fast at first, careful near what was too much, bold again after a while, and never beyond what was tried.
 */
#include "unit.h"

#include "rtp/aimd.h"

#define RESPONSE 100

static so_aimd make(void)
{
    so_aimd a;

    so_aimd_init(&a, 300000, 50000, 5000000);
    return a;
}

/* Seconds of steadiness, in which what comes is share × the rate. */
static so_msec run(so_aimd *a, double seconds, double share, so_msec now)
{
    for (int i = 0; i < seconds * 20; i++)
        (void)so_aimd_update(a, SO_TREND_STEADY, (uint64_t)(a->rate * share), RESPONSE, now += 50);
    return now;
}

static void it_doubles_each_second_at_first(void **state)
{
    so_aimd a = make();

    (void)state;
    run(&a, 2, 1, 1000);
    assert_true(a.rate > 300000 * 3.5 && a.rate < 300000 * 8);
}

static void it_grows_no_further_than_was_tried(void **state)
{
    so_aimd a = make();

    (void)state;
    for (so_msec now = 1000; now < 60000; now += 50)
        (void)so_aimd_update(&a, SO_TREND_STEADY, 250000, RESPONSE, now);
    assert_true(a.rate >= 375000 && a.rate <= 385000);
    for (so_msec now = 60000; now < 90000; now += 50)
        (void)so_aimd_update(&a, SO_TREND_STEADY, 20000, RESPONSE, now); /* less is no reason to fall */
    assert_true(a.rate >= 375000 && a.rate <= 385000);
    a = make();
    for (so_msec now = 1000; now < 60000; now += 50)
        (void)so_aimd_update(&a, SO_TREND_STEADY, 0, RESPONSE, now);
    assert_true(a.rate == 300000);
}

static void it_falls_to_a_share_of_what_came(void **state)
{
    so_aimd a = make();
    so_msec now = run(&a, 2, 1, 1000);

    (void)state;
    assert_true(so_aimd_update(&a, SO_TREND_RISING, 600000, RESPONSE, now += 50));
    assert_true(a.rate == 510000);
    /* once for one queue */
    assert_false(so_aimd_update(&a, SO_TREND_RISING, 590000, RESPONSE, now += 50));
    assert_true(a.rate == 510000);
    /* unless still less comes */
    assert_true(so_aimd_update(&a, SO_TREND_RISING, 300000, RESPONSE, now += 50));
    assert_true(a.rate == 255000);
    assert_false(so_aimd_update(&a, SO_TREND_FALLING, 300000, RESPONSE, now += 50));
    assert_true(a.rate == 255000);
    assert_true(so_aimd_update(&a, SO_TREND_RISING, 1, RESPONSE, now + 1000));
    assert_true(a.rate == 50000); /* its least */
}

static void it_is_careful_near_what_was_too_much(void **state)
{
    so_aimd a = make();
    so_msec now = run(&a, 3, 1, 1000);
    double before;

    (void)state;
    assert_true(so_aimd_update(&a, SO_TREND_RISING, 2000000, RESPONSE, now += 50));
    before = a.rate;
    now = run(&a, 2, 1, now);
    assert_true(a.rate > before + 60000 && a.rate < before + 150000); /* a packet a response */
    /* but when all of it and more comes, it is another path */
    now = run(&a, 15, 1.02, now);
    assert_true(a.rate == 5000000); /* its most */
}

static void silence_halves_and_is_made_up_for(void **state)
{
    so_aimd a = make();
    so_msec now = run(&a, 2, 1, 1000);
    double before;

    (void)state;
    assert_true(so_aimd_update(&a, SO_TREND_RISING, 1000000, RESPONSE, now += 50));
    before = a.rate;
    so_aimd_halve(&a, now += 1000);
    so_aimd_halve(&a, now += 500);
    assert_true(a.rate == before / 4);
    now = run(&a, 2.5, 1, now);
    assert_true(a.rate > before * 0.85 && a.rate < before * 1.1);
    for (int i = 0; i < 20; i++)
        so_aimd_halve(&a, now);
    assert_true(a.rate == 50000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_doubles_each_second_at_first),   cmocka_unit_test(it_grows_no_further_than_was_tried),
        cmocka_unit_test(it_falls_to_a_share_of_what_came),  cmocka_unit_test(it_is_careful_near_what_was_too_much),
        cmocka_unit_test(silence_halves_and_is_made_up_for),
    };
    return cmocka_run_group_tests_name("a rate that follows", tests, NULL, NULL);
}
