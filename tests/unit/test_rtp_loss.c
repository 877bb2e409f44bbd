/* rtp/loss: what a path loses anyway is not ours; what it loses because of us is. */
#include "unit.h"

#include "rtp/loss.h"

typedef struct path {
    so_loss loss;
    uint64_t seed;
    so_msec now;
} path;

static path make(uint64_t seed)
{
    path p = {.seed = seed, .now = 5000};

    so_loss_init(&p.loss);
    return p;
}

/* Seconds with 100 packets each, of which so many of 1000 are lost; how often the rate is to be lowered. */
static int run(path *p, int seconds, unsigned lost)
{
    int lowered = 0;

    for (int i = 0; i < seconds * 20; i++) {
        for (int k = 0; k < 5; k++) {
            uint8_t dice[2];
            bool gone;

            assert_int_equal(unit_fill(&p->seed, dice, 2), SO_OK);
            gone = (unsigned)(dice[0] << 8 | dice[1]) % 1000 < lost;
            so_loss_count(&p->loss, gone, !gone);
        }
        p->now += 50;
        lowered += so_loss_judge(&p->loss, 100, p->now);
    }
    return lowered;
}

static void what_is_always_lost_is_the_paths(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        static const unsigned rows[] = {0, 10, 50, 90};

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            path p = make(seed);

            assert_true(run(&p, 120, rows[i]) <= 2); /* in two minutes, by chance */
        }
    }
}

static void a_queue_that_is_full_is_ours(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        path p = make(seed);

        run(&p, 5, 0);
        /* whenever the rate is lowered nothing is lost any more, until the next time: that is no other */
        for (int time = 0; time < 5; time++) {
            int seconds = 0;

            while (run(&p, 1, 150) == 0)
                assert_true(++seconds < 4);
            run(&p, 10, 0);
            assert_true(p.loss.usual < 0.02);
        }
    }
}

/* Losses begin that no lower rate helps against: it is lowered once or twice, not for ever. */
static void a_path_may_get_worse(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 30; seed++) {
        path p = make(seed);
        int first;

        run(&p, 5, 0);
        first = run(&p, 20, 80);
        assert_in_range(first, 1, 3);
        assert_true(run(&p, 60, 80) <= 1);
    }
}

static void a_packet_that_came_after_all_is_not_lost(void **state)
{
    path p = make(1);

    (void)state;
    for (int i = 0; i < 400; i++) {
        so_loss_count(&p.loss, 1, 0);
        so_loss_count(&p.loss, -1, 1);
        p.now += 10;
        assert_false(so_loss_judge(&p.loss, 100, p.now));
        assert_true(p.loss.share == 0);
    }
    /* more than was lost can't come back */
    so_loss_count(&p.loss, -1, 1);
    assert_true(p.loss.lost == 0);
}

static void what_is_skipped_does_not_count(void **state)
{
    path p = make(1);

    (void)state;
    run(&p, 5, 0);
    for (int i = 0; i < 100; i++) {
        so_loss_skip(&p.loss, 100, p.now);
        assert_int_equal(run(&p, 1, 0), 0);
        so_loss_count(&p.loss, 50, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_always_lost_is_the_paths),
        cmocka_unit_test(a_queue_that_is_full_is_ours),
        cmocka_unit_test(a_path_may_get_worse),
        cmocka_unit_test(a_packet_that_came_after_all_is_not_lost),
        cmocka_unit_test(what_is_skipped_does_not_count),
    };
    return cmocka_run_group_tests_name("whose losses", tests, NULL, NULL);
}
