/* rtp/outbox: in order out, again when asked, and never more than there are slots. */
#include "unit.h"

#include "rtp/outbox.h"

#define CAP 64

static size_t put(so_outbox *box, uint16_t first, size_t count, so_msec now)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *place = so_outbox_place(box, 0);

        if (place == NULL)
            return i;
        memset(place, (uint8_t)(first + i), CAP);
        so_outbox_put(box, (uint16_t)(first + i), 10 + i % 50, now);
    }
    return count;
}

/* The next one is this, and leaves. */
static void expect(so_outbox *box, uint16_t seq, bool again, so_msec now)
{
    so_outbox_packet next;

    assert_true(so_outbox_next(box, &next));
    assert_int_equal(next.seq, seq);
    assert_int_equal(next.again, again);
    for (size_t i = 0; i < next.len; i++)
        assert_int_equal(next.bytes[i], (uint8_t)seq);
    so_outbox_left(box, now);
}

static void expect_none(so_outbox *box)
{
    so_outbox_packet next;

    assert_false(so_outbox_next(box, &next));
    assert_int_equal(so_outbox_bytes(box), 0);
    so_outbox_left(box, 0); /* and nothing happens */
    assert_int_equal(so_outbox_bytes(box), 0);
}

static void packets_leave_in_order_round_the_numbers(void **state)
{
    so_outbox *box;

    (void)state;
    assert_int_equal(so_outbox_new(&box, 16, CAP), SO_OK);
    expect_none(box);
    for (uint32_t first = 65000; first < 67000; first += 7) {
        assert_int_equal(put(box, (uint16_t)first, 7, first), 7);
        for (uint32_t i = 0; i < 7; i++)
            expect(box, (uint16_t)(first + i), false, first);
        expect_none(box);
    }
    so_outbox_free(box);
}

static void what_is_full_takes_no_more(void **state)
{
    so_outbox *box;

    (void)state;
    assert_int_equal(so_outbox_new(&box, 8, CAP), SO_OK);
    assert_non_null(so_outbox_place(box, 7));
    assert_null(so_outbox_place(box, 8));
    assert_int_equal(put(box, 65533, 20, 0), 8);
    assert_null(so_outbox_place(box, 0));
    expect(box, 65533, false, 1);
    assert_int_equal(put(box, 5, 2, 0), 1);
    for (uint32_t seq = 65534; seq < 65542; seq++)
        expect(box, (uint16_t)seq, false, 1);
    expect_none(box);
    so_outbox_free(box);
}

static void what_is_asked_for_leaves_again_and_first(void **state)
{
    so_outbox *box;

    (void)state;
    assert_int_equal(so_outbox_new(&box, 16, CAP), SO_OK);
    assert_int_equal(put(box, 100, 6, 0), 6);
    for (uint16_t seq = 100; seq < 104; seq++)
        expect(box, seq, false, 1000);
    assert_false(so_outbox_ask(box, 104, 2000, 50)); /* it has not left */
    assert_false(so_outbox_ask(box, 106, 2000, 50)); /* nor is it here */
    assert_false(so_outbox_ask(box, 99, 2000, 50));  /* nor this one */
    assert_false(so_outbox_ask(box, 102, 1049, 50)); /* on its way */
    assert_true(so_outbox_ask(box, 102, 1050, 50));
    assert_false(so_outbox_ask(box, 102, 1050, 50)); /* asked for already */
    assert_true(so_outbox_ask(box, 101, 1050, 50));
    expect(box, 101, true, 1050);
    expect(box, 102, true, 1051);
    assert_false(so_outbox_ask(box, 102, 1100, 50));
    assert_true(so_outbox_ask(box, 102, 1101, 50));
    expect(box, 102, true, 1101);
    expect(box, 104, false, 1101);
    expect(box, 105, false, 1101);
    expect_none(box);
    so_outbox_free(box);
}

static void what_is_overwritten_is_gone(void **state)
{
    so_outbox *box;

    (void)state;
    assert_int_equal(so_outbox_new(&box, 8, CAP), SO_OK);
    assert_int_equal(put(box, 0, 8, 0), 8);
    for (uint16_t seq = 0; seq < 8; seq++)
        expect(box, seq, false, 0);
    assert_true(so_outbox_ask(box, 1, 100, 10));
    assert_true(so_outbox_ask(box, 5, 100, 10));
    assert_int_equal(put(box, 8, 3, 100), 3);
    assert_false(so_outbox_ask(box, 2, 100, 10));
    expect(box, 5, true, 100);
    for (uint16_t seq = 8; seq < 11; seq++)
        expect(box, seq, false, 100);
    expect_none(box);
    so_outbox_free(box);
}

static void a_jump_of_the_numbers_begins_anew(void **state)
{
    so_outbox *box;

    (void)state;
    assert_int_equal(so_outbox_new(&box, 8, CAP), SO_OK);
    assert_int_equal(put(box, 10, 3, 0), 3);
    assert_int_equal(put(box, 500, 2, 0), 2);
    expect(box, 500, false, 0);
    assert_false(so_outbox_ask(box, 10, 100, 10));
    expect(box, 501, false, 0);
    expect_none(box);
    so_outbox_free(box);
}

static void other_sizes_are_refused(void **state)
{
    so_outbox *box;

    (void)state;
    assert_int_equal(so_outbox_new(&box, 0, CAP), SO_BAD_INPUT);
    assert_int_equal(so_outbox_new(&box, 12, CAP), SO_BAD_INPUT);
    assert_int_equal(so_outbox_new(&box, 32768, CAP), SO_BAD_INPUT);
    assert_int_equal(so_outbox_new(&box, 8, 0), SO_BAD_INPUT);
    assert_null(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_leave_in_order_round_the_numbers), cmocka_unit_test(what_is_full_takes_no_more),
        cmocka_unit_test(what_is_asked_for_leaves_again_and_first), cmocka_unit_test(what_is_overwritten_is_gone),
        cmocka_unit_test(a_jump_of_the_numbers_begins_anew),        cmocka_unit_test(other_sizes_are_refused),
    };

    return cmocka_run_group_tests_name("packets wait, leave, and are asked for again", tests, NULL, NULL);
}
