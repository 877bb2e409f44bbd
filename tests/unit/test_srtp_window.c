/* srtp/window: every index once, none from before the window; and the guess at the index from 16 bits of it. */
#include "unit.h"

#include "srtp/window.h"

static void the_first_index_may_be_any(void **state)
{
    static const uint64_t firsts[] = {0, 1, 1023, 1024, 65535, 65536, SO_SRTP_INDEX_END - 1};

    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        so_srtp_window w = {0};
        assert_true(so_srtp_window_fresh(&w, firsts[i]));
        so_srtp_window_mark(&w, firsts[i]);
        assert_false(so_srtp_window_fresh(&w, firsts[i]));
        assert_true(so_srtp_window_fresh(&w, firsts[i] + 1));
        if (firsts[i] > 0) /* one that was overtaken by the first */
            assert_true(so_srtp_window_fresh(&w, firsts[i] - 1));
    }
}

static void a_replay_is_seen_at_each_distance(void **state)
{
    so_srtp_window w = {0};
    uint64_t top = 5 * SO_SRTP_WINDOW + 77;

    (void)state;
    for (uint64_t i = 0; i <= top; i++)
        so_srtp_window_mark(&w, i);
    for (uint64_t distance = 0; distance <= 3 * SO_SRTP_WINDOW; distance++)
        assert_false(so_srtp_window_fresh(&w, top - distance));
    assert_true(so_srtp_window_fresh(&w, top + 1));
}

static void a_gap_is_fresh_up_to_the_windows_end(void **state)
{
    (void)state;
    for (uint64_t gap = 1; gap <= SO_SRTP_WINDOW + 2; gap++) {
        so_srtp_window w = {0};
        uint64_t missing = 3000, top = missing + gap;
        for (uint64_t i = 0; i <= top; i++)
            if (i != missing)
                so_srtp_window_mark(&w, i);
        assert_int_equal(so_srtp_window_fresh(&w, missing), gap < SO_SRTP_WINDOW);
    }
}

/* Against a set that forgets nothing. */
static void random_orders_agree_with_a_set(void **state)
{
    static uint8_t seen[70000];
    uint64_t seed = 42, top = 30000;
    so_srtp_window w = {0};

    (void)state;
    memset(seen, 0, sizeof seen);
    for (int round = 0; round < 60000; round++) {
        uint8_t r[3];
        uint64_t index;
        bool want;
        assert_int_equal(unit_fill(&seed, r, sizeof r), SO_OK);
        if (r[0] < 100)
            index = top + 1;
        else if (r[0] < 104)
            index = top + r[1] * 8u;
        else
            index = top - (((uint64_t)r[1] << 8 | r[2]) % 1200);
        if (index >= sizeof seen)
            break;
        want = !seen[index] && (!w.any || index > w.highest || w.highest - index < SO_SRTP_WINDOW);
        assert_int_equal(so_srtp_window_fresh(&w, index), want);
        if (!want)
            continue;
        so_srtp_window_mark(&w, index);
        seen[index] = 1;
        top = index > top ? index : top;
    }
    assert_true(top > 60000); /* it went far enough to mean something */
}

/* SRTCP's, of fewer: each distance once, and in random orders against a set. */
static void the_window_of_srtcp_agrees_with_a_set(void **state)
{
    static uint8_t seen[9000];
    uint64_t seed = 43;
    uint32_t top = 0;
    so_srtcp_window w = {0};

    (void)state;
    assert_true(so_srtcp_window_fresh(&w, 0) && so_srtcp_window_fresh(&w, 0x7fffffff));
    so_srtcp_window_mark(&w, 0);
    seen[0] = 1;
    for (int round = 0; round < 20000 && top < sizeof seen - 300; round++) {
        uint8_t r[2];
        uint32_t index;
        bool want;
        assert_int_equal(unit_fill(&seed, r, sizeof r), SO_OK);
        index = r[0] < 60 ? top + 1 : r[0] < 62 ? top + r[1] : top - (r[1] % 70u < top ? r[1] % 70u : top);
        want = !seen[index] && (index > top || top - index < SO_SRTCP_WINDOW);
        assert_int_equal(so_srtcp_window_fresh(&w, index), want);
        if (!want)
            continue;
        so_srtcp_window_mark(&w, index);
        seen[index] = 1;
        top = index > top ? index : top;
    }
    assert_true(top > 3000);
    so_srtcp_window_mark(&w, 0x7fffffff); /* the last that there is */
    assert_false(so_srtcp_window_fresh(&w, 0x7fffffff) || so_srtcp_window_fresh(&w, top));
    assert_true(so_srtcp_window_fresh(&w, 0x7fffffff - SO_SRTCP_WINDOW + 1));
    assert_false(so_srtcp_window_fresh(&w, 0x7fffffff - SO_SRTCP_WINDOW));
}

static so_srtp_window at(uint64_t highest)
{
    so_srtp_window w = {0};

    so_srtp_window_mark(&w, highest);
    return w;
}

/* RFC 3711 §3.3.1, all of its branches and edges. */
static void an_index_is_the_nearest_one(void **state)
{
    static const struct {
        uint64_t highest;
        uint16_t seq;
        uint64_t want;
    } rows[] = {
        {0x50000, 0x0001, 0x50001},
        {0x50000, 0x8000, 0x58000},
        {0x50000, 0x8001, 0x48001},
        {0x50000, 0xffff, 0x4ffff},
        {0x57fff, 0xffff, 0x5ffff},
        {0x57fff, 0x0000, 0x50000},
        {0x58000, 0x0000, 0x50000},
        {0x58001, 0x0000, 0x60000},
        {0x58001, 0x0001, 0x50001},
        {0x5ffff, 0x0000, 0x60000},
        {0x5ffff, 0x7ffe, 0x67ffe},
        {0x5ffff, 0x7fff, 0x57fff},
        {0x5ffff, 0xffff, 0x5ffff},
        {0x00000, 0xffff, 0x0ffff},
        {0x07fff, 0xffff, 0x0ffff},
        {0x0ffff, 0x0000, 0x10000},
        {0xffffffffffff, 0x0000, SO_SRTP_INDEX_END},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        so_srtp_window w = at(rows[i].highest);
        assert_int_equal(so_srtp_window_index(&w, rows[i].seq), rows[i].want);
    }
}

static void a_window_that_saw_nothing_takes_the_number_as_it_is(void **state)
{
    so_srtp_window w = {0};

    (void)state;
    assert_int_equal(so_srtp_window_index(&w, 0), 0);
    assert_int_equal(so_srtp_window_index(&w, 0xffff), 0xffff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_index_may_be_any),
        cmocka_unit_test(a_replay_is_seen_at_each_distance),
        cmocka_unit_test(a_gap_is_fresh_up_to_the_windows_end),
        cmocka_unit_test(random_orders_agree_with_a_set),
        cmocka_unit_test(the_window_of_srtcp_agrees_with_a_set),
        cmocka_unit_test(an_index_is_the_nearest_one),
        cmocka_unit_test(a_window_that_saw_nothing_takes_the_number_as_it_is),
    };
    return cmocka_run_group_tests_name("each packet index is taken once", tests, NULL, NULL);
}
