/* rtp/red: the layout of RFC 2198 §3 and §4, what is written is read back, and nothing runs past the end. */
#include "unit.h"

#include "rtp/red.h"

#include <stdlib.h>

static so_status parse(so_red *red, const void *bytes, size_t len)
{
    uint8_t *copy = calloc(len + (len == 0), 1);
    so_status status;

    if (len > 0)
        memcpy(copy, bytes, len);
    status = so_red_parse(red, copy, len);
    free(copy);
    return status;
}

static void the_layout_is_the_rfcs(void **state)
{
    uint8_t out[64];
    so_writer w = so_writer_of(out, sizeof out);
    so_red red = {.blocks = {{.type = 111, .offset = 960, .bytes = (const uint8_t *)"before", .len = 6},
                             {.type = 111, .bytes = (const uint8_t *)"now", .len = 3}},
                  .count = 2};

    (void)state;
    so_red_write(&w, &red);
    assert_false(w.failed);
    assert_int_equal(so_writer_len(&w), 4 + 1 + 6 + 3);
    /* F, type; 14 bits of offset (960 = 0x3c0), 10 of length; then the last header */
    assert_memory_equal(out,
                        "\xef\x0f\x00\x06\x6f"
                        "beforenow",
                        14);
    assert_int_equal(so_red_parse(&red, out, so_writer_len(&w)), SO_OK);
    assert_int_equal(red.count, 2);
    assert_int_equal(red.blocks[0].type, 111);
    assert_int_equal(red.blocks[0].offset, 960);
    assert_memory_equal(red.blocks[0].bytes, "before", 6);
    assert_int_equal(red.blocks[1].offset, 0);
    assert_int_equal(red.blocks[1].len, 3);
}

static void the_bounds_hold(void **state)
{
    static const uint8_t zeros[SO_RED_MAX_LEN + 1];
    uint8_t out[3000];
    so_red red = {.blocks = {{.type = 0, .offset = SO_RED_MAX_OFFSET, .bytes = zeros, .len = SO_RED_MAX_LEN},
                             {.type = 0, .bytes = zeros, .len = 1}},
                  .count = 2};
    so_writer w = so_writer_of(out, sizeof out);

    (void)state;
    so_red_write(&w, &red);
    assert_false(w.failed);
    assert_int_equal(so_red_parse(&red, out, so_writer_len(&w)), SO_OK);
    assert_int_equal(red.blocks[0].offset, SO_RED_MAX_OFFSET);
    assert_int_equal(red.blocks[0].len, SO_RED_MAX_LEN);
    red.blocks[0].bytes = red.blocks[1].bytes = zeros;
    red.blocks[0].len++;
    w = so_writer_of(out, sizeof out);
    so_red_write(&w, &red);
    assert_true(w.failed);
    red.blocks[0].len--;
    red.blocks[0].offset++;
    w = so_writer_of(out, sizeof out);
    so_red_write(&w, &red);
    assert_true(w.failed);
}

static void what_is_malformed_is_refused(void **state)
{
    so_red red;
    uint8_t nine[64] = {0};

    (void)state;
    assert_int_equal(parse(&red, "", 0), SO_BAD_INPUT);
    assert_int_equal(parse(&red, "\x6f", 1), SO_BAD_INPUT);       /* nothing of its own */
    assert_int_equal(parse(&red, "\xef", 1), SO_BAD_INPUT);       /* cut in the header */
    assert_int_equal(parse(&red, "\xef\0\0", 3), SO_BAD_INPUT);   /* likewise */
    assert_int_equal(parse(&red, "\xef\0\0\1", 4), SO_BAD_INPUT); /* no last header */
    assert_int_equal(parse(&red,
                           "\xef\0\0\2\x6f"
                           "a",
                           6),
                     SO_BAD_INPUT); /* a length past the end */
    assert_int_equal(parse(&red,
                           "\xef\0\0\1\x6f"
                           "a",
                           6),
                     SO_BAD_INPUT); /* nothing of its own behind it */
    assert_int_equal(parse(&red,
                           "\xef\0\0\0\x6f"
                           "a",
                           6),
                     SO_OK); /* an empty one is allowed */
    for (size_t i = 0; i < 8; i++)
        nine[4 * i] = 0xef;
    assert_int_equal(parse(&red, nine, sizeof nine), SO_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_layout_is_the_rfcs),
        cmocka_unit_test(the_bounds_hold),
        cmocka_unit_test(what_is_malformed_is_refused),
    };

    return cmocka_run_group_tests_name("redundant audio", tests, NULL, NULL);
}
