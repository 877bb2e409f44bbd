/* base/wheel: every timer is taken at its time, none before, whatever was set and taken back in between. */
#include "unit.h"

#include "base/wheel.h"

#define TIMERS 200

static uint64_t drawn = 88172645463325252u;

static uint64_t draw(void)
{
    drawn ^= drawn << 13;
    drawn ^= drawn >> 7;
    drawn ^= drawn << 17;
    return drawn;
}

static void one_is_taken_at_its_time(void **state)
{
    static const so_msec waits[] = {1,     2,      63,      64,       65,       127,       128,      4095,
                                    4096,  4097,   262143,  262144,   262145,   16515071,  16515072, 16777215,
                                    99999, 999999, 9999999, 16777216, 16777217, 100000000, 5000,     20000};
    static const so_msec begins[] = {0, 1, 63, 64, 4095, 1000000007, 262143};

    (void)state;
    for (size_t b = 0; b < sizeof begins / sizeof begins[0]; b++)
        for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
            so_timer timer = {0};
            so_wheel wheel;
            so_msec at = begins[b] + waits[i], next;

            so_wheel_init(&wheel, begins[b]);
            assert_true(so_wheel_next(&wheel) == UINT64_MAX);
            so_wheel_set(&wheel, &timer, at);
            /* as a loop does it: sleep until then, look, sleep again */
            while ((next = so_wheel_next(&wheel)) < at) {
                assert_true(next > wheel.now);
                assert_null(so_wheel_take(&wheel, next));
            }
            assert_true(next == at);
            assert_null(so_wheel_take(&wheel, at - 1));
            assert_ptr_equal(so_wheel_take(&wheel, at), &timer);
            assert_null(so_wheel_take(&wheel, at + 100000));
            assert_true(so_wheel_next(&wheel) == UINT64_MAX);
        }
}

static void what_is_past_is_due_at_once(void **state)
{
    so_timer a = {0}, b = {0};
    so_wheel wheel;

    (void)state;
    so_wheel_init(&wheel, 1000);
    so_wheel_set(&wheel, &a, 1000);
    so_wheel_set(&wheel, &b, 3);
    assert_true(so_wheel_next(&wheel) <= 1000);
    assert_non_null(so_wheel_take(&wheel, 1000));
    assert_non_null(so_wheel_take(&wheel, 1000));
    assert_null(so_wheel_take(&wheel, 1000));
    so_wheel_set(&wheel, &a, 1000);
    so_wheel_set(&wheel, &a, UINT64_MAX); /* taken back */
    assert_null(so_wheel_take(&wheel, 2000));
}

/* Against a plain list, over many steps of all sizes. */
static void many_behave_like_a_list(void **state)
{
    static so_timer timers[TIMERS];
    static so_msec want[TIMERS];
    so_wheel wheel;
    so_msec now = 123456;
    size_t fired = 0;

    (void)state;
    memset(timers, 0, sizeof timers);
    so_wheel_init(&wheel, now);
    for (size_t i = 0; i < TIMERS; i++)
        want[i] = UINT64_MAX;
    for (unsigned round = 0; round < 20000; round++) {
        size_t who = draw() % TIMERS;
        so_msec at = draw() % 5 == 0 ? UINT64_MAX : now + draw() % ((uint64_t)1 << draw() % 26), first = UINT64_MAX;
        so_timer *timer;

        so_wheel_set(&wheel, &timers[who], at);
        want[who] = at;
        for (size_t i = 0; i < TIMERS; i++)
            first = want[i] < first ? want[i] : first;
        assert_true(so_wheel_next(&wheel) <= (first < now ? now : first));
        now += draw() % ((uint64_t)1 << draw() % 14);
        while ((timer = so_wheel_take(&wheel, now)) != NULL) {
            size_t i = (size_t)(timer - timers);

            assert_true(want[i] <= now);
            want[i] = UINT64_MAX;
            fired++;
        }
        for (size_t i = 0; i < TIMERS; i++)
            assert_true(want[i] == UINT64_MAX || want[i] > now);
    }
    assert_true(fired > 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_taken_at_its_time),
        cmocka_unit_test(what_is_past_is_due_at_once),
        cmocka_unit_test(many_behave_like_a_list),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
