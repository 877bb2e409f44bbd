/* rtp/lowest: the least of the last while; what is older is forgotten. */
#include "unit.h"

#include "rtp/lowest.h"

static void the_least_is_kept_for_a_while(void **state)
{
    so_lowest l;

    (void)state;
    so_lowest_init(&l, 400);
    assert_true(so_lowest_get(&l) == SO_LOWEST_NONE);
    so_lowest_add(&l, 5, 1000);
    so_lowest_add(&l, 9, 1099);
    so_lowest_add(&l, 8, 1150);
    assert_int_equal(so_lowest_get(&l), 5);
    so_lowest_add(&l, 7, 1399);
    assert_int_equal(so_lowest_get(&l), 5);
    so_lowest_add(&l, 9, 1400); /* the part that began at 1000 goes */
    assert_int_equal(so_lowest_get(&l), 7);
    so_lowest_add(&l, -3, 1401);
    assert_int_equal(so_lowest_get(&l), -3);
    so_lowest_add(&l, 100, 5000); /* a pause longer than the while */
    assert_int_equal(so_lowest_get(&l), 100);
}

static void a_time_that_runs_back_passes_none(void **state)
{
    so_lowest l;

    (void)state;
    so_lowest_init(&l, 400);
    so_lowest_add(&l, 5, 1000);
    so_lowest_add(&l, 4, 10);
    assert_int_equal(so_lowest_get(&l), 4);
}

/* Held against a plain search over all that was added. */
static void it_is_the_least_of_what_it_reaches(void **state)
{
    static int64_t values[5000], times[5000];
    uint64_t seed = 9;
    so_lowest l;

    (void)state;
    so_lowest_init(&l, 400);
    for (int i = 0; i < 5000; i++) {
        int64_t all = SO_LOWEST_NONE, near = SO_LOWEST_NONE, got;
        uint8_t dice[2];

        assert_int_equal(unit_fill(&seed, dice, 2), SO_OK);
        times[i] = (i == 0 ? 0 : times[i - 1]) + dice[0] % 64;
        values[i] = dice[1];
        so_lowest_add(&l, values[i], times[i]);
        for (int k = 0; k <= i; k++) {
            if (times[k] > times[i] - 400 && values[k] < all)
                all = values[k];
            if (times[k] > times[i] - 300 && values[k] < near)
                near = values[k];
        }
        got = so_lowest_get(&l);
        assert_true(got >= all && got <= near);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_is_kept_for_a_while),
        cmocka_unit_test(a_time_that_runs_back_passes_none),
        cmocka_unit_test(it_is_the_least_of_what_it_reaches),
    };
    return cmocka_run_group_tests_name("the lowest of late", tests, NULL, NULL);
}
