/* rtp/remb: a sender that obeys what it is told uses the path and leaves no queue, with either kind of send times. */
#include "unit.h"

#include "rtp/remb.h"

typedef struct path {
    so_remb remb;
    uint64_t seed;
    so_usec now;
    uint64_t rate, obeys; /* of the path; of the sender */
    double queue;         /* bits */
    bool timestamps;      /* frames with one time each, instead of packets with their own */
    int told;
} path;

static path make(uint64_t seed, bool timestamps)
{
    path p = {.seed = seed, .now = 3000000, .rate = 2000000, .obeys = 300000, .timestamps = timestamps};

    so_remb_init(&p.remb, 300000, 50000, 20000000);
    return p;
}

static double waits(const path *p)
{
    return p->queue * 1000 / (double)p->rate;
}

/* Frames, 30 a second, in packets that leave within 15 ms. */
static void run(path *p, int ms)
{
    for (so_usec end = p->now + (so_usec)ms * 1000; p->now < end;) {
        size_t packets = (size_t)(p->obeys / 30 / 8 / 1000) + 1, bytes = (size_t)(p->obeys / 30 / 8 / packets);
        so_usec frame = p->now;

        for (size_t i = 0; i < packets; i++, p->now += 15000 / packets) {
            uint32_t time = p->timestamps ? (uint32_t)(frame * 9 / 100) : (uint32_t)((p->now << 18) / 1000000 << 8);
            uint64_t told;

            p->queue += (double)bytes * 8;
            so_remb_packet(&p->remb, time, p->timestamps ? 90000 : SO_REMB_SEND_TIME_RATE, bytes,
                           p->now + 25000 + (so_usec)(waits(p) * 1000));
            if (so_remb_due(&p->remb, p->now / 1000, &told)) {
                p->obeys = told;
                p->told++;
            }
            p->queue -= (double)p->rate * 15e-3 / (double)packets;
            p->queue = p->queue < 0 ? 0 : p->queue;
        }
        p->now = frame + 33333;
        p->queue -= (double)p->rate * 18.333e-3;
        p->queue = p->queue < 0 ? 0 : p->queue;
    }
}

static void the_path_is_used(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        path p = make(1, kind);

        run(&p, 15000);
        assert_true(p.obeys > 1500000 && p.obeys < 2500000);
        for (int i = 0; i < 300; i++) {
            run(&p, 100);
            assert_true(waits(&p) < 200);
            assert_true(p.obeys > 1200000);
        }
    }
}

static void a_path_that_narrows_is_told_at_once(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        path p = make(1, kind);

        run(&p, 15000);
        p.rate = 500000;
        run(&p, 600);
        assert_true(p.obeys < 700000);
        run(&p, 10000);
        assert_true(waits(&p) < 200);
        assert_true(p.obeys < 600000);
        p.rate = 2000000;
        run(&p, 20000);
        assert_true(p.obeys > 1500000);
    }
}

static void it_is_told_once_a_second(void **state)
{
    path p = make(2, false);
    uint64_t rate;

    (void)state;
    run(&p, 20000);
    assert_in_range(p.told, 18, 40);
    /* and not when nothing comes */
    p.now += 10000000;
    (void)so_remb_due(&p.remb, p.now / 1000, &rate);
    assert_false(so_remb_due(&p.remb, p.now / 1000 + 5000, &rate));
}

/* A sender that began above our start is not slowed down to it. */
static void what_comes_is_not_cut(void **state)
{
    path p = make(3, false);

    (void)state;
    p.obeys = 1500000;
    run(&p, 2000);
    assert_true(p.obeys >= 1400000);
}

static void hostile_times_do_no_harm(void **state)
{
    so_remb r;
    uint64_t seed = 4, rate, now = 0;

    (void)state;
    so_remb_init(&r, 300000, 50000, 20000000);
    so_remb_packet(&r, 5, 0, 100, 100); /* no kind of time at all */
    assert_false(so_remb_due(&r, 1, &rate));
    for (int i = 0; i < 50000; i++) {
        uint8_t dice[8];

        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        now += dice[0] < 250 ? (uint64_t)dice[1] * 100 : (uint64_t)dice[1] << 24;
        so_remb_packet(&r, (uint32_t)dice[2] << dice[3] % 25, dice[4] < 250 ? 90000 : dice[5], dice[6], now);
        if (so_remb_due(&r, now / 1000, &rate))
            assert_true(rate >= 50000 && rate <= 20000000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_path_is_used),         cmocka_unit_test(a_path_that_narrows_is_told_at_once),
        cmocka_unit_test(it_is_told_once_a_second), cmocka_unit_test(what_comes_is_not_cut),
        cmocka_unit_test(hostile_times_do_no_harm),
    };
    return cmocka_run_group_tests_name("the receiver's estimate", tests, NULL, NULL);
}
