/* rtp/trend: a queue that grows is seen soon, one that stands or empties is told from it, and jitter is no queue. */
#include "unit.h"

#include "rtp/trend.h"

typedef struct path {
    so_trend trend;
    uint64_t seed;
    int64_t sent;
    double queue; /* ms */
    int64_t offset;
} path;

static path make(uint64_t seed)
{
    path p = {.seed = seed, .sent = 5000000, .offset = 777000000};

    so_trend_init(&p.trend);
    return p;
}

/* n packets, 10 ms apart; each waits `grow` ms more than the one before, and up to `jitter` µs by chance. */
static void run(path *p, int n, double grow, uint32_t jitter)
{
    for (int i = 0; i < n; i++) {
        uint8_t dice[3];
        int64_t late;

        assert_int_equal(unit_fill(&p->seed, dice, 3), SO_OK);
        late = jitter == 0 ? 0 : (int64_t)(((uint32_t)dice[0] << 16 | (uint32_t)dice[1] << 8 | dice[2]) % jitter);
        p->sent += 10000;
        p->queue += grow;
        so_trend_packet(&p->trend, p->sent, p->sent + p->offset + (int64_t)(p->queue * 1000) + late);
    }
}

static void a_growing_queue_is_seen(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        path p = make(seed);
        int packets = 0, falling = 0;

        run(&p, 300, 0, 3000);
        assert_int_equal(so_trend_sign_of(&p.trend), SO_TREND_STEADY);
        while (so_trend_sign_of(&p.trend) != SO_TREND_RISING && packets < 1000) {
            run(&p, 1, 1, 3000); /* a tenth more than the path carries */
            packets++;
        }
        assert_in_range(packets, 5, 60); /* within 60 ms of queue */
        run(&p, 200, 0, 3000);           /* it stands */
        assert_int_equal(so_trend_sign_of(&p.trend), SO_TREND_STEADY);
        assert_true(so_trend_queue(&p.trend) > packets - 5 && so_trend_queue(&p.trend) < packets + 5);
        for (int i = 0; i < packets; i++) {
            run(&p, 1, -1, 3000);
            falling += so_trend_sign_of(&p.trend) == SO_TREND_FALLING;
        }
        assert_true(falling > 0);
    }
}

/* Four times more than the path carries: the last moment's packets alone say so, but not one of them. */
static void a_sudden_queue_is_seen_at_once(void **state)
{
    path p = make(3);
    int packets = 0;

    (void)state;
    run(&p, 300, 0, 3000);
    while (so_trend_sign_of(&p.trend) != SO_TREND_RISING && packets < 1000) {
        run(&p, 1, 30, 3000);
        packets++;
    }
    assert_in_range(packets, 3, 5);
}

static void jitter_is_no_queue(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 20; seed++) {
        path p = make(seed);
        int rising = 0;

        for (int i = 0; i < 6000; i++) {
            run(&p, 1, 0, 50000);
            rising += so_trend_sign_of(&p.trend) == SO_TREND_RISING;
        }
        assert_true(rising < 60); /* of a minute, less than a hundredth */
    }
}

/* The receiver's clock goes 200 ppm wrong. */
static void clocks_that_drift_are_no_queue(void **state)
{
    (void)state;
    for (int way = -1; way <= 1; way += 2) {
        path p = make(4);

        for (int i = 0; i < 30000; i++) {
            run(&p, 1, way * 0.002, 3000);
            assert_int_not_equal(so_trend_sign_of(&p.trend), SO_TREND_RISING);
        }
    }
}

static void a_clock_that_is_set_starts_anew(void **state)
{
    path p = make(5);

    (void)state;
    run(&p, 300, 0, 3000);
    p.offset -= 500000000;
    run(&p, 300, 0, 3000);
    assert_int_equal(so_trend_sign_of(&p.trend), SO_TREND_STEADY);
    assert_true(so_trend_queue(&p.trend) < 5);
    p.offset += 900000000;
    run(&p, 300, 0, 3000);
    assert_int_equal(so_trend_sign_of(&p.trend), SO_TREND_STEADY);
    assert_true(so_trend_queue(&p.trend) < 5);
}

/* What a path held up and let go at once: the last one was in time. */
static void one_pause_is_no_queue(void **state)
{
    path p = make(6);

    (void)state;
    run(&p, 300, 0, 1000);
    for (int pause = 0; pause < 20; pause++) {
        int64_t until = p.sent + p.offset + 80000;

        for (int i = 0; i < 8; i++) {
            p.sent += 10000;
            so_trend_packet(&p.trend, p.sent, until + i * 100);
            assert_int_not_equal(so_trend_sign_of(&p.trend), i == 7 ? SO_TREND_RISING : -1);
        }
        run(&p, 50, 0, 1000);
    }
}

static void hostile_times_do_no_harm(void **state)
{
    so_trend t;
    uint64_t seed = 8;

    (void)state;
    so_trend_init(&t);
    for (int i = 0; i < 50000; i++) {
        uint8_t dice[6];
        int64_t sent, arrived;

        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        sent = (int64_t)dice[0] << (dice[1] % 40);
        arrived = ((int64_t)dice[2] - 128) * ((int64_t)1 << (dice[3] % 40));
        so_trend_packet(&t, sent, arrived);
        assert_true(so_trend_queue(&t) >= 0);
        assert_true(t.threshold >= 6 && t.threshold <= 600);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_growing_queue_is_seen),
        cmocka_unit_test(a_sudden_queue_is_seen_at_once),
        cmocka_unit_test(jitter_is_no_queue),
        cmocka_unit_test(clocks_that_drift_are_no_queue),
        cmocka_unit_test(a_clock_that_is_set_starts_anew),
        cmocka_unit_test(one_pause_is_no_queue),
        cmocka_unit_test(hostile_times_do_no_harm),
    };
    return cmocka_run_group_tests_name("does a queue grow", tests, NULL, NULL);
}
