/* rtp/rtx: a packet goes out again as another stream's, and comes back as itself. */
#include "unit.h"

#include "rtp/rtx.h"

static const uint8_t csrcs[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t payload[5] = {10, 11, 12, 13, 14};
static const uint8_t mid[1] = {'0'};

static const so_rtx rtx = {.ssrc = 0x99887766, .type = 97, .seq = 65535};

static size_t make(uint8_t *out, size_t cap, size_t csrc_count, size_t extensions, size_t payload_len, uint8_t padding)
{
    const so_rtp_extension elements[2] = {{1, 1, mid}, {3, 3, payload}};
    so_rtp_packet p = {
        .marker = true,
        .type = 96,
        .seq = 0xabcd,
        .timestamp = 0x01020304,
        .ssrc = 0x11223344,
        .csrc_count = (uint8_t)csrc_count,
        .csrcs = csrcs,
        .payload = payload,
        .payload_len = payload_len,
        .padding = padding,
    };
    size_t len;

    assert_int_equal(so_rtp_write(out, cap, &len, &p, elements, extensions), SO_OK);
    return len;
}

/* Byte for byte, by hand from RFC 4588 §4. */
static void a_retransmission_is_written_as_the_rfc_says(void **state)
{
    static const uint8_t want[] = {0x80, 0x80 | 97, 0xff, 0xff, 1,  2,  3,  4,  0x99, 0x88,
                                   0x77, 0x66,      0xab, 0xcd, 10, 11, 12, 13, 14};
    uint8_t bytes[100], out[100];
    size_t len = make(bytes, sizeof bytes, 0, 0, sizeof payload, 0), out_len;

    (void)state;
    assert_int_equal(so_rtx_wrap(out, sizeof out, &out_len, bytes, len, &rtx), SO_OK);
    assert_int_equal(out_len, sizeof want);
    assert_memory_equal(out, want, sizeof want);
}

static void every_packet_comes_back(void **state)
{
    (void)state;
    for (size_t shape = 0; shape < 3 * 3 * 6; shape++) {
        uint8_t bytes[100], out[100];
        size_t csrc_count = shape % 3, extensions = shape / 3 % 3, payload_len = shape / 9;
        size_t len = make(bytes, sizeof bytes, csrc_count, extensions, payload_len, 0), out_len;
        so_rtp_packet p;
        so_rtp_extension e;

        assert_int_equal(so_rtx_wrap(out, sizeof out, &out_len, bytes, len, &rtx), SO_OK);
        assert_int_equal(out_len, len + SO_RTX_OVERHEAD);
        assert_int_equal(so_rtp_parse(&p, out, out_len), SO_OK);
        assert_int_equal(p.ssrc, rtx.ssrc);
        assert_int_equal(p.type, rtx.type);
        assert_int_equal(p.seq, rtx.seq);
        assert_int_equal(p.timestamp, 0x01020304);
        assert_true(p.marker);
        assert_int_equal(p.csrc_count, csrc_count);
        assert_int_equal(so_rtp_extension_get(&p, 1, &e), extensions > 0);
        assert_int_equal(so_rtx_unwrap(out, &out_len, 0x11223344, 96), SO_OK);
        assert_int_equal(out_len, len);
        assert_memory_equal(out, bytes, len);
    }
}

/* Padding was for the first way alone. */
static void padding_does_not_go_again(void **state)
{
    uint8_t bytes[100], plain[100], out[100];
    size_t len = make(bytes, sizeof bytes, 1, 1, 5, 8), plain_len = make(plain, sizeof plain, 1, 1, 5, 0), out_len;

    (void)state;
    assert_int_equal(so_rtx_wrap(out, sizeof out, &out_len, bytes, len, &rtx), SO_OK);
    assert_int_equal(so_rtx_unwrap(out, &out_len, 0x11223344, 96), SO_OK);
    assert_int_equal(out_len, plain_len);
    assert_memory_equal(out, plain, plain_len);
}

/* A peer may pad its retransmissions; the padding's count byte is no payload. */
static void a_padded_retransmission_is_read(void **state)
{
    uint8_t bytes[100], plain[100], wrapped[100], out[100];
    size_t plain_len = make(plain, sizeof plain, 0, 0, 5, 0), len, out_len;
    so_rtp_packet p;

    (void)state;
    assert_int_equal(so_rtx_wrap(wrapped, sizeof wrapped, &len, plain, plain_len, &rtx), SO_OK);
    assert_int_equal(so_rtp_parse(&p, wrapped, len), SO_OK);
    p.padding = 12;
    assert_int_equal(so_rtp_write(bytes, sizeof bytes, &out_len, &p, NULL, 0), SO_OK);
    memcpy(out, bytes, out_len);
    assert_int_equal(so_rtx_unwrap(out, &out_len, 0x11223344, 96), SO_OK);
    assert_int_equal(out_len, plain_len);
    assert_memory_equal(out, plain, plain_len);
}

static void what_is_no_retransmission_is_refused(void **state)
{
    uint8_t bytes[100], out[100];
    size_t len, out_len;

    (void)state;
    /* no payload, or half a number: what fills a path */
    for (size_t payload_len = 0; payload_len < 2; payload_len++) {
        len = make(bytes, sizeof bytes, 0, 1, payload_len, 20);
        assert_int_equal(so_rtx_unwrap(bytes, &len, 1, 96), SO_NOT_FOUND);
    }
    len = make(bytes, sizeof bytes, 0, 1, 2, 0);
    assert_int_equal(so_rtx_unwrap(bytes, &len, 1, 96), SO_OK); /* of an empty packet */
    for (size_t cut = 0; cut < 12; cut++) {
        len = make(bytes, sizeof bytes, 0, 0, 5, 0);
        len = cut;
        assert_int_equal(so_rtx_unwrap(bytes, &len, 1, 96), SO_BAD_INPUT);
        assert_int_equal(so_rtx_wrap(out, sizeof out, &out_len, bytes, cut, &rtx), SO_BAD_INPUT);
    }
    len = make(bytes, sizeof bytes, 2, 2, 5, 0);
    for (size_t cap = 0; cap < len + SO_RTX_OVERHEAD; cap++) {
        assert_int_equal(so_rtx_wrap(out, cap, &out_len, bytes, len, &rtx), SO_TOO_LONG);
        assert_int_equal(out_len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_retransmission_is_written_as_the_rfc_says),
        cmocka_unit_test(every_packet_comes_back),
        cmocka_unit_test(padding_does_not_go_again),
        cmocka_unit_test(a_padded_retransmission_is_read),
        cmocka_unit_test(what_is_no_retransmission_is_refused),
    };
    return cmocka_run_group_tests_name("retransmissions", tests, NULL, NULL);
}
