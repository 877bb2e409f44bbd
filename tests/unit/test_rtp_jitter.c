/* rtp/jitter: the delay follows what the path does, soon up and slowly down, and loses less than a hundredth. */
#include "unit.h"

#include "rtp/jitter.h"
#include "rtp/reorder.h"

#include <stdlib.h>

#define RATE 48000
#define FRAME 960 /* 20 ms */

typedef struct path {
    so_jitter jitter;
    uint64_t seed;
    uint32_t timestamp;
    so_usec sent;
} path;

static path make(uint64_t seed)
{
    path p = {.seed = seed, .timestamp = UINT32_MAX - 50 * FRAME, .sent = 90000000}; /* it goes round after a second */

    so_jitter_init(&p.jitter, RATE, 20, 500);
    return p;
}

static uint32_t draw(path *p, uint32_t below)
{
    uint8_t b[3];

    assert_int_equal(unit_fill(&p->seed, b, sizeof b), SO_OK);
    return below == 0 ? 0 : ((uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2]) % below;
}

/* Seconds of sound, each packet up to so many µs late by chance. */
static void run(path *p, int seconds, uint32_t late)
{
    for (int i = 0; i < seconds * 50; i++) {
        so_jitter_packet(&p->jitter, p->timestamp += FRAME, p->sent + 30000 + draw(p, late));
        p->sent += 20000;
    }
}

static void without_jitter_it_is_the_least(void **state)
{
    path p = make(1);

    (void)state;
    assert_int_equal(so_jitter_delay(&p.jitter), 20);
    run(&p, 60, 1000);
    assert_int_equal(so_jitter_delay(&p.jitter), 20);
}

static void it_goes_up_soon_and_down_slowly(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 10; seed++) {
        path p = make(seed);

        run(&p, 30, 5000);
        run(&p, 1, 100000);
        assert_in_range(so_jitter_delay(&p.jitter), 70, 105);
        run(&p, 5, 5000); /* it may come again */
        assert_in_range(so_jitter_delay(&p.jitter), 50, 105);
        run(&p, 90, 5000);
        assert_int_equal(so_jitter_delay(&p.jitter), 20);
    }
}

static void one_straggler_changes_nothing(void **state)
{
    path p = make(3);

    (void)state;
    run(&p, 60, 5000);
    so_jitter_packet(&p.jitter, p.timestamp += FRAME, p.sent + 430000);
    p.sent += 20000;
    run(&p, 2, 5000);
    assert_int_equal(so_jitter_delay(&p.jitter), 20);
}

static void it_keeps_to_its_bounds(void **state)
{
    path p = make(4);

    (void)state;
    run(&p, 20, 2000000);
    assert_int_equal(so_jitter_delay(&p.jitter), 500);
    so_jitter_init(&p.jitter, 0, 300, 100); /* nonsense: the least holds */
    run(&p, 20, 2000000);
    assert_int_equal(so_jitter_delay(&p.jitter), 300);
}

/* A sender that starts over, or a path that gets longer for good. */
static void jumps_are_forgotten(void **state)
{
    path p = make(5);

    (void)state;
    run(&p, 30, 5000);
    p.timestamp += 0x70000000;
    run(&p, 5, 5000);
    assert_int_equal(so_jitter_delay(&p.jitter), 20);
    p.sent += 100000;
    run(&p, 2, 5000);
    assert_true(so_jitter_delay(&p.jitter) >= 100);
    run(&p, 120, 5000);
    assert_int_equal(so_jitter_delay(&p.jitter), 20);
}

static void a_pause_is_no_jitter(void **state)
{
    path p = make(6);

    (void)state;
    for (int i = 0; i < 20; i++) {
        run(&p, 1, 5000);
        p.timestamp += 100 * FRAME; /* two seconds of silence that were not sent */
        p.sent += 2000000;
    }
    assert_int_equal(so_jitter_delay(&p.jitter), 20);
}

static void a_repair_takes_round_trips(void **state)
{
    path p = make(7);

    (void)state;
    run(&p, 10, 5000);
    assert_int_equal(so_jitter_repair_delay(&p.jitter, 80), 20 + 2 * (80 + 20 + 20));
    assert_int_equal(so_jitter_repair_delay(&p.jitter, 0), 60);
    assert_int_equal(so_jitter_repair_delay(&p.jitter, 400), SO_JITTER_REPAIR);
    assert_int_equal(so_jitter_repair_delay(&p.jitter, UINT64_MAX), SO_JITTER_REPAIR);
}

typedef struct arrival {
    uint16_t seq;
    so_usec at;
} arrival;

static int earlier(const void *a, const void *b)
{
    const arrival *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * A minute of sound with 50 ms of jitter, which overtakes, and 5 % losses. Played a delay after it was due at the
 * quickest: of what came, less than a hundredth comes too late for that, and so_reorder gives none of it up.
 */
static void a_hundredth_at_most_is_late(void **state)
{
    so_pool pool = {.size = 64};
    (void)state;
    for (uint64_t seed = 1; seed < 10; seed++) {
        static arrival all[3000];
        path p = make(seed);
        so_reorder *reorder;
        so_reorder_counts counts;
        size_t count = 0, late = 0;

        assert_int_equal(so_reorder_new(&reorder, &pool, 64, 4, 20), SO_OK);
        for (uint32_t i = 0; i < 3000; i++)
            if (draw(&p, 100) >= 5)
                all[count++] = (arrival){(uint16_t)(65000 + i), p.sent + i * 20000 + 30000 + draw(&p, 50000)};
        qsort(all, count, sizeof *all, earlier);
        for (size_t i = 0; i < count; i++) {
            uint32_t index = (uint16_t)(all[i].seq - 65000);
            so_reorder_out out;

            late += all[i].at > p.sent + index * 20000 + 30000 + so_jitter_delay(&p.jitter) * 1000;
            so_jitter_packet(&p.jitter, p.timestamp + index * FRAME, all[i].at);
            so_reorder_set_delay(reorder, so_jitter_delay(&p.jitter));
            while (so_reorder_take(reorder, all[i].at / 1000, &out) != SO_REORDER_WAIT)
                ;
            assert_int_not_equal(so_reorder_put(reorder, all[i].seq, (const uint8_t *)"x", 1, all[i].at / 1000),
                                 SO_REORDER_FULL);
        }
        assert_in_range(so_jitter_delay(&p.jitter), 40, 60);
        assert_true(late * 100 < count);
        so_reorder_stats(reorder, &counts);
        assert_true(counts.late * 1000 < count);
        so_reorder_free(reorder);
        so_pool_end(&pool);
    }
}

static void hostile_times_do_no_harm(void **state)
{
    path p = make(8);

    (void)state;
    for (int i = 0; i < 50000; i++) {
        uint32_t timestamp = draw(&p, 1 << 24) << draw(&p, 9);
        so_usec now = (so_usec)draw(&p, 1 << 24) << draw(&p, 36);

        so_jitter_packet(&p.jitter, timestamp, now);
        assert_in_range(so_jitter_delay(&p.jitter), 20, 500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_jitter_it_is_the_least),
        cmocka_unit_test(it_goes_up_soon_and_down_slowly),
        cmocka_unit_test(one_straggler_changes_nothing),
        cmocka_unit_test(it_keeps_to_its_bounds),
        cmocka_unit_test(jumps_are_forgotten),
        cmocka_unit_test(a_pause_is_no_jitter),
        cmocka_unit_test(a_repair_takes_round_trips),
        cmocka_unit_test(a_hundredth_at_most_is_late),
        cmocka_unit_test(hostile_times_do_no_harm),
    };
    return cmocka_run_group_tests_name("how long to wait", tests, NULL, NULL);
}
