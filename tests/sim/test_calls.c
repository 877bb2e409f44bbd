/*
 * Whole calls of two peers, each made from its seed: plan.h says what there is, run.c what must hold.
 *
 *     test_calls            2,000 seeds (SOTTO_SEEDS: another number), in 20 groups
 *     test_calls SEED       one seed, with a trace of datagrams (kinds, no contents) and states
 *
 * A seed without data channels is the same run each time, to the bit. With them the bytes of some packets differ, as
 * usrsctp writes a number into its cookies that is never used again in one process, and now and then so does a time.
 */
#include "plan.h"
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>

#define GROUPS 20

static uint64_t seeds_per_group(void)
{
    const char *text = getenv("SOTTO_SEEDS");
    uint64_t all = text == NULL ? 2000 : strtoull(text, NULL, 10);

    return all < GROUPS ? 1 : all / GROUPS;
}

static void calls_hold(void **state)
{
    uint64_t group = (uint64_t)(uintptr_t)*state, count = seeds_per_group(), opened = 0;
    unsigned wrong = 0;
    sim_result r;

    for (uint64_t i = 0; i < count; i++) {
        sim_run_seed(group * count + i, NULL, &r);
        opened += r.opened;
        if (r.blame[0] == '\0')
            continue;
        wrong++;
        print_message("# seed %" PRIu64 ": %s\n", group * count + i, r.blame);
    }
    if (wrong > 0)
        fail_msg("%u of %" PRIu64 " seeds; test_calls SEED shows what happens", wrong, count);
    assert_true(opened > count / 3 || count < 10); /* else nothing was tested */
}

static void the_same_seed_gives_the_same_run(void **state)
{
    sim_result once, again, other;

    (void)state;
    for (uint64_t seed = 1; seed < 6; seed++) {
        sim_run_seed(seed, NULL, &once);
        sim_run_seed(seed, NULL, &again);
        sim_run_seed(seed + 1, NULL, &other);
        assert_int_equal(once.hash, again.hash);
        assert_int_equal(once.lasted, again.lasted);
        assert_string_equal(once.blame, again.blame);
        assert_int_not_equal(once.hash, other.hash);
    }
}

static int replay(uint64_t seed)
{
    sim_result r;

    sim_run_seed(seed, stdout, &r);
    printf("hash %016" PRIx64 ", %s\n", r.hash, r.blame[0] == '\0' ? "fine" : r.blame);
    return r.blame[0] == '\0' ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct CMUnitTest tests[GROUPS + 1];
    static char names[GROUPS][64];

    if (argc > 1)
        return replay(strtoull(argv[1], NULL, 10));
    for (uintptr_t i = 0; i < GROUPS; i++) {
        (void)snprintf(names[i], sizeof names[i], "calls_of_seeds_%u_to_%u", (unsigned)(i * seeds_per_group()),
                       (unsigned)((i + 1) * seeds_per_group() - 1));
        tests[i] = (struct CMUnitTest){.name = names[i], .test_func = calls_hold, .initial_state = (void *)i};
    }
    tests[GROUPS] = (struct CMUnitTest)cmocka_unit_test(the_same_seed_gives_the_same_run);
    return cmocka_run_group_tests_name("two peers hold through whatever a network does", tests, NULL, NULL);
}
