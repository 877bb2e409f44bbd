/* rtp/reorder: in order, once, not later than the delay allows, and never more memory than at the beginning. */
#include "unit.h"

#include "rtp/reorder.h"

#define DELAY 60

static so_pool pool = {.size = 64};

static so_reorder *make(size_t slots)
{
    so_reorder *r;

    assert_int_equal(so_reorder_new(&r, &pool, slots, 16, DELAY), SO_OK);
    return r;
}

static so_reorder_put_result put(so_reorder *r, uint16_t seq, so_msec now)
{
    uint8_t bytes[2] = {(uint8_t)(seq >> 8), (uint8_t)seq};

    return so_reorder_put(r, seq, bytes, 2, now);
}

/* What comes out at now, as text: "5 6 lost:7+2 9". */
static const char *drain(so_reorder *r, so_msec now)
{
    static char text[4000];
    so_reorder_take_result result;
    so_reorder_out out;

    text[0] = 0;
    while ((result = so_reorder_take(r, now, &out)) != SO_REORDER_WAIT) {
        char *end = text + strlen(text);
        if (result == SO_REORDER_LOST) {
            assert_null(out.bytes);
            sprintf(end, "%slost:%u+%u", end == text ? "" : " ", out.seq, out.count);
        } else {
            assert_int_equal(out.len, 2);
            assert_int_equal(out.bytes[0] << 8 | out.bytes[1], out.seq);
            assert_int_equal(out.count, 1);
            sprintf(end, "%s%u", end == text ? "" : " ", out.seq);
        }
        assert_true(strlen(text) < sizeof text - 20);
    }
    return text;
}

static void odd_sizes_are_refused(void **state)
{
    static const struct {
        size_t slots, cap;
    } rows[] = {{0, 16}, {3, 16}, {32768, 16}, {8, 0}, {8, 65}, {8, 65536}};
    so_reorder *r;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(so_reorder_new(&r, &pool, rows[i].slots, rows[i].cap, 1), SO_BAD_INPUT);
        assert_null(r);
    }
    so_reorder_free(NULL);
}

static void what_comes_in_order_goes_out_at_once(void **state)
{
    so_reorder *r = make(8);

    (void)state;
    assert_true(so_reorder_deadline(r) == UINT64_MAX);
    assert_string_equal(drain(r, 0), "");
    for (uint32_t i = 0; i < 70000; i++) {
        char want[8];
        assert_int_equal(put(r, (uint16_t)(65000 + i), i), SO_REORDER_KEPT);
        assert_int_equal(so_reorder_deadline(r), 0);
        sprintf(want, "%u", (65000 + i) & 0xffff);
        assert_string_equal(drain(r, i), want);
        assert_true(so_reorder_deadline(r) == UINT64_MAX);
    }
    so_reorder_free(r);
}

static void a_gap_is_waited_for(void **state)
{
    so_reorder *r = make(8);
    so_reorder_counts c;

    (void)state;
    assert_int_equal(put(r, 65534, 100), SO_REORDER_KEPT);
    assert_int_equal(put(r, 0, 110), SO_REORDER_KEPT);
    assert_int_equal(put(r, 1, 130), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 130), "65534");
    assert_int_equal(so_reorder_deadline(r), 110 + DELAY);
    assert_string_equal(drain(r, 110 + DELAY - 1), "");
    assert_int_equal(put(r, 65535, 110 + DELAY - 1), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 110 + DELAY - 1), "65535 0 1");
    so_reorder_stats(r, &c);
    assert_int_equal(c.delivered, 4);
    assert_int_equal(c.lost, 0);
    so_reorder_free(r);
}

static void a_gap_is_given_up_at_its_deadline(void **state)
{
    so_reorder *r = make(8);
    so_reorder_counts c;

    (void)state;
    assert_int_equal(put(r, 10, 0), SO_REORDER_KEPT);
    assert_int_equal(put(r, 13, 20), SO_REORDER_KEPT); /* 11 and 12 are missing */
    assert_int_equal(put(r, 15, 40), SO_REORDER_KEPT); /* and 14 */
    assert_string_equal(drain(r, 40), "10");
    assert_string_equal(drain(r, 20 + DELAY), "lost:11+2 13");
    assert_int_equal(so_reorder_deadline(r), 40 + DELAY); /* the second gap has its own time */
    assert_int_equal(put(r, 12, 85), SO_REORDER_LATE);
    assert_int_equal(put(r, 10, 85), SO_REORDER_LATE);
    assert_string_equal(drain(r, 40 + DELAY), "lost:14+1 15");
    so_reorder_stats(r, &c);
    assert_int_equal(c.delivered, 3);
    assert_int_equal(c.lost, 3);
    assert_int_equal(c.late, 2);
    so_reorder_free(r);
}

static void what_comes_twice_goes_out_once(void **state)
{
    so_reorder *r = make(8);
    so_reorder_counts c;

    (void)state;
    assert_int_equal(put(r, 1, 0), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 0), "1");
    assert_int_equal(put(r, 1, 0), SO_REORDER_LATE);
    assert_int_equal(put(r, 3, 0), SO_REORDER_KEPT);
    assert_int_equal(put(r, 3, 0), SO_REORDER_DUPLICATE);
    assert_string_equal(drain(r, DELAY), "lost:2+1 3");
    so_reorder_stats(r, &c);
    assert_int_equal(c.duplicate, 1);
    assert_int_equal(c.late, 1);
    so_reorder_free(r);
}

static void a_full_buffer_gives_up_its_gap(void **state)
{
    so_reorder *r = make(4);

    (void)state;
    assert_int_equal(put(r, 10, 0), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 0), "10");
    assert_int_equal(put(r, 13, 1), SO_REORDER_KEPT);
    assert_int_equal(put(r, 14, 1), SO_REORDER_KEPT);
    assert_int_equal(put(r, 15, 1), SO_REORDER_FULL);
    assert_int_equal(so_reorder_deadline(r), 0);
    /* room for 15 is there once 11 is given up: 12 may still come */
    assert_string_equal(drain(r, 1), "lost:11+1");
    assert_int_equal(put(r, 15, 1), SO_REORDER_KEPT);
    assert_int_equal(put(r, 12, 2), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 2), "12 13 14 15");
    so_reorder_free(r);
}

static void a_jump_ahead_gives_up_all_between(void **state)
{
    so_reorder *r = make(4);
    so_reorder_counts c;

    (void)state;
    assert_int_equal(put(r, 10, 0), SO_REORDER_KEPT);
    assert_int_equal(put(r, 12, 0), SO_REORDER_KEPT);
    assert_int_equal(put(r, 20000, 1), SO_REORDER_FULL);
    assert_string_equal(drain(r, 1), "10 lost:11+1 12 lost:13+19984");
    assert_int_equal(put(r, 20000, 1), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 1), "");
    assert_string_equal(drain(r, 1 + DELAY), "lost:19997+3 20000");
    so_reorder_stats(r, &c);
    assert_int_equal(c.delivered, 3);
    assert_int_equal(c.delivered + c.lost, 20000 - 10 + 1);
    so_reorder_free(r);
}

static void a_jump_back_is_late_until_a_reset(void **state)
{
    so_reorder *r = make(4);

    (void)state;
    assert_int_equal(put(r, 30000, 0), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 0), "30000");
    assert_int_equal(put(r, 5, 0), SO_REORDER_LATE);
    assert_int_equal(put(r, 30002, 0), SO_REORDER_KEPT);
    so_reorder_reset(r);
    assert_true(so_reorder_deadline(r) == UINT64_MAX);
    assert_int_equal(put(r, 5, 0), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 0), "5");
    so_reorder_free(r);
}

static void packets_keep_to_their_room(void **state)
{
    static const uint8_t bytes[17] = "0123456789abcdef";
    so_reorder *r = make(2);
    so_reorder_counts c;
    so_reorder_out out;

    (void)state;
    assert_int_equal(so_reorder_put(r, 1, bytes, 17, 0), SO_REORDER_TOO_BIG);
    assert_int_equal(so_reorder_put(r, 1, bytes, 16, 0), SO_REORDER_KEPT);
    assert_int_equal(so_reorder_put(r, 2, bytes, 0, 7), SO_REORDER_KEPT);
    assert_int_equal(so_reorder_take(r, 9, &out), SO_REORDER_PACKET);
    assert_int_equal(out.len, 16);
    assert_memory_equal(out.bytes, bytes, 16);
    assert_int_equal(so_reorder_take(r, 9, &out), SO_REORDER_PACKET);
    assert_int_equal(out.len, 0);
    assert_int_equal(out.arrived, 7);
    so_reorder_stats(r, &c);
    assert_int_equal(c.dropped, 1);
    so_reorder_free(r);
}

static void the_delay_can_change(void **state)
{
    so_reorder *r = make(8);

    (void)state;
    assert_int_equal(put(r, 1, 0), SO_REORDER_KEPT);
    assert_int_equal(put(r, 3, 0), SO_REORDER_KEPT);
    assert_string_equal(drain(r, 0), "1");
    so_reorder_set_delay(r, 500);
    assert_int_equal(so_reorder_deadline(r), 500);
    assert_string_equal(drain(r, 499), "");
    so_reorder_set_delay(r, UINT64_MAX);
    assert_true(so_reorder_deadline(r) == UINT64_MAX);
    so_reorder_set_delay(r, 0);
    assert_string_equal(drain(r, 0), "lost:2+1 3");
    so_reorder_free(r);
}

/* Any order, with losses: the numbers that come out go up by one, and each is a packet once or a loss once. */
static void random_orders_come_out_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 60; seed++) {
        so_reorder *r = make(64);
        uint64_t dice_state = seed;
        uint32_t expected = 65000, sent = 65000, given = 0;
        so_msec now = 0;
        uint16_t held[16];
        size_t count = 0;
        while (sent < 65000 + 3000 || count > 0) {
            uint8_t dice[2];
            so_reorder_out out;
            so_reorder_take_result result;
            assert_int_equal(unit_fill(&dice_state, dice, 2), SO_OK);
            now += dice[0] % 8;
            if (sent < 65000 + 3000 && (count < 16)) {
                if (sent == 65000 || dice[0] > 20)
                    held[count++] = (uint16_t)sent;
                sent++;
            }
            if (count > 0 && (given == 0 || dice[1] % 3)) {
                size_t pick = given == 0 ? 0 : dice[1] % count;
                so_reorder_put_result p = put(r, held[pick], now);
                assert_true(p == SO_REORDER_KEPT || p == SO_REORDER_LATE);
                held[pick] = held[--count];
                given++;
            }
            while ((result = so_reorder_take(r, now, &out)) != SO_REORDER_WAIT) {
                assert_int_equal(out.seq, (uint16_t)expected);
                expected += out.count;
            }
            assert_true(so_reorder_deadline(r) > now);
        }
        assert_true(expected > 65000 + 2900);
        so_reorder_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_sizes_are_refused),
        cmocka_unit_test(what_comes_in_order_goes_out_at_once),
        cmocka_unit_test(a_gap_is_waited_for),
        cmocka_unit_test(a_gap_is_given_up_at_its_deadline),
        cmocka_unit_test(what_comes_twice_goes_out_once),
        cmocka_unit_test(a_full_buffer_gives_up_its_gap),
        cmocka_unit_test(a_jump_ahead_gives_up_all_between),
        cmocka_unit_test(a_jump_back_is_late_until_a_reset),
        cmocka_unit_test(packets_keep_to_their_room),
        cmocka_unit_test(the_delay_can_change),
        cmocka_unit_test(random_orders_come_out_in_order),
    };
    return cmocka_run_group_tests_name("packets back into order", tests, NULL, NULL);
}
