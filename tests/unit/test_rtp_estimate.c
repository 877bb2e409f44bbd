/*
 * rtp/estimate: whole feedback loops through a simulated bottleneck (link.h), by seed: the rate comes to what the path
 * carries, falls when that falls, and losses by chance, jitter and a second flow do not starve it.
 */
#include "link.h"

#define SEEDS 5
#define SECOND 1000

/* kbit/s that came to flow i in so many ms. */
static double carried(link *l, size_t i, so_msec ms)
{
    l->flows[i].came = 0;
    link_run(l, ms);
    return (double)l->flows[i].came * 8 / (double)ms;
}

static double rate_of(const link *l)
{
    return (double)so_estimate_rate(&l->flows[0].estimate) / 1000;
}

static void a_free_path_is_used_within_ten_seconds(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        link *l = link_new(seed, 2000000, 10000 * seed, 150000, 1);

        link_run(l, 5 * SECOND);
        assert_true(carried(l, 0, 5 * SECOND) >= 1500);
        assert_true(rate_of(l) >= 1500);
        /* and stays so, with hardly a queue */
        for (int i = 0; i < 30; i++) {
            assert_true(carried(l, 0, SECOND) >= 1400);
            assert_true(so_trend_queue(&l->flows[0].estimate.trend) < 100);
        }
        free(l);
    }
}

static void a_path_that_narrows_is_followed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3 * SEEDS; seed++) {
        link *l = link_new(seed, 2000000, 25000, 500000, 1);
        int over = 0, below = 0;
        so_msec up;

        link_run(l, 10 * SECOND + (so_msec)seed * 77);
        l->rate = 500000;
        for (int i = 0; i < 5 * SECOND; i++) {
            link_step(l);
            over += link_waits(l) > 500;
            below += rate_of(l) < 500;
            assert_true(link_waits(l) < 800);
        }
        assert_true(over < 700);
        assert_true(below > 3 * SECOND); /* it tries a little more than that now and then */
        assert_true(rate_of(l) < 575);
        assert_true(carried(l, 0, 10 * SECOND) > 375);
        /* recovered to three quarters within 20 s */
        l->rate = 2000000;
        for (up = 0; rate_of(l) < 1500; up += 100) {
            assert_true(up < 20 * SECOND);
            link_run(l, 100);
        }
        free(l);
    }
}

static void losses_by_chance_do_not_starve_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        link *l = link_new(seed, 2000000, 25000, 150000, 1);

        l->loss = 50;
        link_run(l, 10 * SECOND);
        assert_true(carried(l, 0, 50 * SECOND) >= 1200);
        free(l);
    }
}

/* 50 ms of jitter, which overtakes, and 5 % losses, also of feedback. */
static void jitter_does_not_starve_it(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        link *l = link_new(seed, 2000000, 25000, 150000, 1);

        l->loss = 50;
        l->jitter = 50000;
        link_run(l, 10 * SECOND);
        assert_true(carried(l, 0, 50 * SECOND) >= 1200);
        free(l);
    }
}

/* A queue of two packets at most: what it drops is ours, and shows as losses alone. */
static void a_path_without_a_queue_is_not_flooded(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        link *l = link_new(seed, 2000000, 25000, 5500, 1);
        double came;

        link_run(l, 10 * SECOND);
        l->flows[0].rates = l->flows[0].samples = 0;
        came = carried(l, 0, 50 * SECOND);
        assert_true(came >= 1400);
        assert_true((double)l->flows[0].rates / (double)l->flows[0].samples / 1000 < came * 1.15);
        free(l);
    }
}

static void two_flows_share(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        link *l = link_new(seed, 2000000, 25000, 150000, 2);
        double first, second;

        l->flows[1].starts = l->now / 1000 + seed % 3 * 5 * SECOND; /* together, or one much later */
        link_run(l, 40 * SECOND);
        l->flows[1].came = 0;
        first = carried(l, 0, 60 * SECOND);
        second = (double)l->flows[1].came * 8 / (60 * SECOND);
        assert_true(first < 3 * second && second < 3 * first);
        assert_true(first + second > 1400);
        free(l);
    }
}

/* The encoder makes 400 kbit/s: what was never tried is not known. */
static void what_is_not_used_is_not_believed(void **state)
{
    link *l = link_new(1, 5000000, 25000, 150000, 1);

    (void)state;
    l->flows[0].wants = 400000;
    link_run(l, 30 * SECOND);
    assert_true(rate_of(l) < (400 + 72) * 1.75);
    l->flows[0].wants = UINT64_MAX;
    link_run(l, 10 * SECOND);
    assert_true(rate_of(l) > 3000);
    free(l);
}

static void slow_and_fast_paths_work_alike(void **state)
{
    static const uint64_t rates[] = {150000, 400000, 8000000};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        link *l = link_new(2, rates[i], 60000, 300000, 1);

        link_run(l, 20 * SECOND);
        for (int s = 0; s < 30 * SECOND; s++) {
            link_step(l);
            assert_true(link_waits(l) < 400);
        }
        assert_true(rate_of(l) > (double)rates[i] * 0.55 / 1000 && rate_of(l) < (double)rates[i] * 1.3 / 1000);
        free(l);
    }
}

static void silence_lowers_the_rate_and_ends(void **state)
{
    link *l = link_new(3, 2000000, 25000, 150000, 1);
    double before;

    (void)state;
    link_run(l, 10 * SECOND);
    before = rate_of(l);
    l->deaf = true;
    link_run(l, 500);
    assert_true(rate_of(l) > before * 0.9); /* a moment is nothing */
    link_run(l, 1500);
    assert_true(rate_of(l) < before / 3);
    link_run(l, 10 * SECOND);
    assert_true(rate_of(l) == 50);
    l->deaf = false;
    link_run(l, 8 * SECOND);
    assert_true(rate_of(l) > before * 0.7);
    free(l);
}

static void a_remb_is_an_upper_bound(void **state)
{
    link *l = link_new(4, 2000000, 25000, 150000, 1);

    (void)state;
    link_run(l, 10 * SECOND);
    so_estimate_remb(&l->flows[0].estimate, 700000);
    assert_true(rate_of(l) == 700);
    link_run(l, 5 * SECOND);
    assert_true(rate_of(l) == 700);
    so_estimate_remb(&l->flows[0].estimate, 1);
    assert_true(rate_of(l) == 50); /* its least is never undercut */
    so_estimate_remb(&l->flows[0].estimate, UINT64_MAX);
    assert_true(rate_of(l) > 700);
    free(l);
}

/* ---- A peer that sends reports and nothing else ---- */

typedef struct reports {
    so_estimate e;
    so_usec now;
} reports;

/* Seconds in which all that the estimate allows is sent, and each of which ends in a report. */
static void report(reports *r, int seconds, uint8_t fraction, so_msec round_trip)
{
    while (seconds-- > 0) {
        for (int i = 0; i < 100; i++)
            so_estimate_sent(&r->e, (size_t)(so_estimate_rate(&r->e) / 800), r->now += 10000);
        so_estimate_report(&r->e, fraction, 150, round_trip, r->now / 1000);
    }
}

static void reports_alone_are_followed(void **state)
{
    so_estimate_limits limits = {.start = 300000, .least = 50000, .most = 20000000};
    reports r = {.now = 5000000};
    uint64_t before;

    (void)state;
    so_estimate_init(&r.e, &limits);
    report(&r, 10, 0, 80);
    before = so_estimate_rate(&r.e);
    assert_true(before > 450000 && before < 2000000); /* carefully: nobody sees a queue in time */
    report(&r, 4, 64, 80);                            /* a quarter is lost */
    assert_true(so_estimate_rate(&r.e) < before * 9 / 10);
    report(&r, 10, 0, 80);
    before = so_estimate_rate(&r.e);
    report(&r, 2, 0, 400); /* a queue of 320 ms */
    assert_true(so_estimate_rate(&r.e) < before * 9 / 10);
    /* with a REMB the other end sees to the queue, and it may grow fast up to it */
    so_estimate_init(&r.e, &limits);
    so_estimate_remb(&r.e, 2000000);
    report(&r, 6, 0, 80);
    assert_true(so_estimate_rate(&r.e) == 2000000);
    /* once better feedback came, reports are of no account */
    r.e.heard = true;
    report(&r, 5, 128, 80);
    assert_true(so_estimate_rate(&r.e) == 2000000);
}

static void silence_is_none_before_anything_was_heard(void **state)
{
    so_estimate_limits limits = {.start = 300000, .least = 50000, .most = 20000000};
    so_estimate e;

    (void)state;
    so_estimate_init(&e, &limits);
    so_estimate_sent(&e, 100, 1000000);
    assert_true(so_estimate_deadline(&e) == UINT64_MAX);
    so_estimate_tick(&e, 100000000);
    assert_int_equal(so_estimate_rate(&e), 300000);
    so_estimate_report(&e, 0, 10, 50, 2000);
    assert_true(so_estimate_deadline(&e) == UINT64_MAX); /* nothing was sent since */
    so_estimate_sent(&e, 100, 3000000);
    assert_int_equal(so_estimate_deadline(&e), 13000);
}

/* ---- What is told ---- */

static void changes_are_events(void **state)
{
    link *l = link_new(5, 2000000, 25000, 150000, 1);
    uint64_t rate, told = 0;
    int events = 0;

    (void)state;
    for (int i = 0; i < 20 * SECOND; i++) {
        link_step(l);
        if (!so_estimate_event(&l->flows[0].estimate, &rate)) {
            assert_true(rate >= told * 97 / 100 && rate <= told * 106 / 100);
            continue;
        }
        assert_int_equal(rate, so_estimate_rate(&l->flows[0].estimate));
        assert_false(so_estimate_event(&l->flows[0].estimate, &rate));
        told = rate;
        events++;
    }
    assert_in_range(events, 20, 200);
    free(l);
}

static void video_has_what_sound_and_repair_leave(void **state)
{
    so_estimate_limits limits = {.start = 300000, .least = 50000, .most = 20000000};
    so_estimate e;

    (void)state;
    so_estimate_init(&e, &limits);
    assert_int_equal(so_estimate_video(&e, 60000), 240000);
    assert_int_equal(so_estimate_video(&e, 300000), 0);
    assert_int_equal(so_estimate_video(&e, 400000), 0);
    e.loss.share = 0.1;
    assert_int_equal(so_estimate_video(&e, 60000), 216000);
    e.loss.share = 1;
    assert_int_equal(so_estimate_video(&e, 60000), 120000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_free_path_is_used_within_ten_seconds),
        cmocka_unit_test(a_path_that_narrows_is_followed),
        cmocka_unit_test(losses_by_chance_do_not_starve_it),
        cmocka_unit_test(jitter_does_not_starve_it),
        cmocka_unit_test(a_path_without_a_queue_is_not_flooded),
        cmocka_unit_test(two_flows_share),
        cmocka_unit_test(what_is_not_used_is_not_believed),
        cmocka_unit_test(slow_and_fast_paths_work_alike),
        cmocka_unit_test(silence_lowers_the_rate_and_ends),
        cmocka_unit_test(a_remb_is_an_upper_bound),
        cmocka_unit_test(reports_alone_are_followed),
        cmocka_unit_test(silence_is_none_before_anything_was_heard),
        cmocka_unit_test(changes_are_events),
        cmocka_unit_test(video_has_what_sound_and_repair_leave),
    };
    return cmocka_run_group_tests_name("what the path carries", tests, NULL, NULL);
}
