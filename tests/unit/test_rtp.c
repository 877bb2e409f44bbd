/* rtp/packet and rtp/extension: what is written is read again, and nothing past a packet's end is ever looked at. */
#include "unit.h"

#include "base/text.h"
#include "rtp/packet.h"

#include <stdlib.h>

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t len = strlen(hex) / 2;

    assert_int_equal(so_hex_decode(out, len, hex), SO_OK);
    return len;
}

static void a_packet_is_read_to_its_last_bit(void **state)
{
    uint8_t b[200];
    /* V=2 P X CC=2, M PT=96; CSRCs; one-byte extensions id 3 of 3 bytes and a byte of padding; payload; 2 of padding */
    size_t len = from_hex(b, "b2e01234deadbeefcafebabe"
                             "0000000100000002"
                             "bede0001"
                             "32aabbcc"
                             "010203"
                             "0002");
    so_rtp_packet p;

    (void)state;
    assert_int_equal(so_rtp_parse(&p, b, len), SO_OK);
    assert_true(p.marker);
    assert_int_equal(p.type, 96);
    assert_int_equal(p.seq, 0x1234);
    assert_int_equal(p.timestamp, 0xdeadbeef);
    assert_int_equal(p.ssrc, 0xcafebabe);
    assert_int_equal(p.csrc_count, 2);
    assert_int_equal(so_rtp_csrc(&p, 0), 1);
    assert_int_equal(so_rtp_csrc(&p, 1), 2);
    assert_int_equal(so_rtp_csrc(&p, 2), 0);
    assert_true(p.extended);
    assert_int_equal(p.profile, SO_RTP_ONE_BYTE);
    assert_int_equal(p.extensions_len, 4);
    assert_int_equal(p.payload_len, 3);
    assert_memory_equal(p.payload, "\x01\x02\x03", 3);
    assert_int_equal(p.padding, 2);
}

/* Each prefix in memory of its own, so that ASan sees a read past it. */
static void every_packet_cut_short_is_refused(void **state)
{
    uint8_t b[200];
    size_t len = from_hex(b, "92e01234deadbeefcafebabe0000000100000002bede000232aabbcc00000000");

    (void)state;
    for (size_t n = 0; n <= len; n++) {
        uint8_t *copy = malloc(n + (n == 0));
        so_rtp_packet p;
        memcpy(copy, b, n);
        assert_int_equal(so_rtp_parse(&p, copy, n), n == len ? SO_OK : SO_BAD_INPUT);
        free(copy);
    }
}

static void other_versions_and_bad_padding_are_refused(void **state)
{
    static const struct {
        const char *hex;
        so_status want;
    } rows[] = {
        {"800000010000000000000001", SO_OK},          {"000000010000000000000001", SO_BAD_INPUT},
        {"400000010000000000000001", SO_BAD_INPUT},   {"c00000010000000000000001", SO_BAD_INPUT},
        {"a00000010000000000000001", SO_BAD_INPUT},   /* padding, and no byte to say how much */
        {"a0000001000000000000000101", SO_OK},        /* padding alone */
        {"a0000001000000000000000100", SO_BAD_INPUT}, /* of nothing */
        {"a0000001000000000000000102", SO_BAD_INPUT}, /* of more than there is */
        {"a000000100000000000000010002", SO_OK},      {"a0000001000000000000000100ff", SO_BAD_INPUT},
    };
    uint8_t b[64];
    so_rtp_packet p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(so_rtp_parse(&p, b, from_hex(b, rows[i].hex)), rows[i].want);
}

/* header hex, then 4-byte words of extensions; reads ids and lengths as "id:len " */
static void assert_elements(const char *extension, const char *want)
{
    uint8_t b[400];
    char got[400] = "";
    size_t len = from_hex(b, "900000010000000000000001");
    so_rtp_extension_iter iter;
    so_rtp_extension e;
    so_rtp_packet p;

    len += from_hex(b + len, extension);
    assert_int_equal(so_rtp_parse(&p, b, len), SO_OK);
    iter = so_rtp_extensions(&p);
    while (so_rtp_extension_next(&iter, &e)) {
        assert_true(e.data >= p.extensions && e.data + e.len <= p.extensions + p.extensions_len);
        sprintf(got + strlen(got), "%u:%u ", e.id, e.len);
    }
    assert_string_equal(got, want);
    assert_false(so_rtp_extension_next(&iter, &e));
}

static void elements_are_found_in_both_forms(void **state)
{
    (void)state;
    assert_elements("bede0000", "");
    assert_elements("bede00011001200f", "1:1 2:1 ");
    assert_elements("bede0002"
                    "0000100122aabbcc",
                    "1:1 2:3 ");
    assert_elements("bede0002f0011001"
                    "10011001",
                    ""); /* 15 ends it */
    assert_elements("bede0002100103aa"
                    "10011001",
                    "1:1 ");                     /* so does 0 with a length */
    assert_elements("bede000110012fbb", "1:1 "); /* cut short */
    assert_elements("bede00011001"
                    "f000",
                    "1:1 ");
    assert_elements("10000001"
                    "01000200",
                    "1:0 2:0 ");
    assert_elements("10000002"
                    "0101aa0f02bbcc00",
                    "1:1 15:2 ");
    assert_elements("100f0001"
                    "ff01aa00",
                    "255:1 "); /* the application's four bits do not count */
    assert_elements("10000001"
                    "0103aabb",
                    ""); /* cut short */
    assert_elements("10000001"
                    "00000001",
                    ""); /* cut off before its length */
    assert_elements("20000001"
                    "0101aa00",
                    ""); /* of another profile */
    assert_elements("be000001"
                    "1001aa00",
                    "");
}

static so_rtp_packet plain(void)
{
    static const uint8_t payload[] = "sound";

    return (so_rtp_packet){
        .type = 111, .seq = 65535, .timestamp = 7, .ssrc = 0x01020304, .payload = payload, .payload_len = 5};
}

static void what_is_written_is_read_again(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        uint8_t out[2048], data[8][256], csrcs[60], payload[300], dice[24];
        so_rtp_extension es[8], e;
        so_rtp_packet in = plain(), p;
        bool two_byte = round % 2;
        size_t count, len;
        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        assert_int_equal(unit_fill(&seed, csrcs, sizeof csrcs), SO_OK);
        assert_int_equal(unit_fill(&seed, payload, sizeof payload), SO_OK);
        count = dice[0] % 9u;
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(unit_fill(&seed, data[i], sizeof data[i]), SO_OK);
            es[i].id = (uint8_t)(two_byte ? 20 * i + 1 + dice[8] % 20 : i + 1);
            es[i].len = (uint8_t)(two_byte ? dice[9 + i] : 1 + dice[9 + i] % 16);
            es[i].data = data[i];
        }
        in.csrc_count = dice[1] % 16;
        in.csrcs = csrcs;
        in.payload = payload;
        in.payload_len = dice[2];
        in.padding = dice[3] % 3 ? 0 : dice[4];
        in.marker = dice[5] & 1;
        if (so_rtp_write(out, sizeof out, &len, &in, es, count) != SO_OK) {
            assert_true(two_byte);
            continue;
        }
        assert_int_equal(len, so_rtp_header_len(&in, es, count) + in.payload_len + in.padding);
        assert_int_equal(so_rtp_parse(&p, out, len), SO_OK);
        assert_int_equal(p.marker, in.marker);
        assert_int_equal(p.type, in.type);
        assert_int_equal(p.seq, in.seq);
        assert_int_equal(p.timestamp, in.timestamp);
        assert_int_equal(p.ssrc, in.ssrc);
        assert_int_equal(p.csrc_count, in.csrc_count);
        assert_memory_equal(p.csrcs, csrcs, 4 * in.csrc_count);
        assert_int_equal(p.payload_len, in.payload_len);
        assert_memory_equal(p.payload, payload, in.payload_len);
        assert_int_equal(p.padding, in.padding);
        assert_int_equal(p.extended, count > 0);
        for (size_t i = 0; i < count; i++) {
            assert_true(so_rtp_extension_get(&p, es[i].id, &e));
            assert_int_equal(e.len, es[i].len);
            assert_memory_equal(e.data, data[i], e.len);
        }
        assert_false(so_rtp_extension_get(&p, 250, &e));
    }
}

static void the_one_byte_form_is_taken_where_it_fits(void **state)
{
    static const uint8_t zeros[255];
    static const struct {
        so_rtp_extension e;
        uint16_t want;
    } rows[] = {
        {{1, 1, zeros}, SO_RTP_ONE_BYTE},  {{14, 16, zeros}, SO_RTP_ONE_BYTE}, {{15, 1, zeros}, SO_RTP_TWO_BYTE},
        {{1, 17, zeros}, SO_RTP_TWO_BYTE}, {{1, 0, zeros}, SO_RTP_TWO_BYTE},   {{255, 255, zeros}, SO_RTP_TWO_BYTE},
    };
    uint8_t out[400];
    so_rtp_packet in = plain(), p;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(so_rtp_write(out, sizeof out, &len, &in, &rows[i].e, 1), SO_OK);
        assert_int_equal(so_rtp_parse(&p, out, len), SO_OK);
        assert_int_equal(p.profile, rows[i].want);
    }
}

static void a_payload_may_lie_where_it_goes(void **state)
{
    uint8_t out[100], want[100];
    const so_rtp_extension e = {4, 2, (const uint8_t *)"hi"};
    so_rtp_packet in = plain();
    size_t len, want_len, at = so_rtp_header_len(&in, &e, 1);

    (void)state;
    assert_int_equal(so_rtp_write(want, sizeof want, &want_len, &in, &e, 1), SO_OK);
    memcpy(out + at, in.payload, in.payload_len);
    in.payload = out + at;
    assert_int_equal(so_rtp_write(out, sizeof out, &len, &in, &e, 1), SO_OK);
    assert_int_equal(len, want_len);
    assert_memory_equal(out, want, len);
}

static void what_can_not_be_written_is_refused(void **state)
{
    so_rtp_extension e = {4, 2, (const uint8_t *)"hi"};
    so_rtp_packet in = plain(), bad;
    size_t len, whole = so_rtp_header_len(&in, &e, 1) + in.payload_len;

    (void)state;
    for (size_t cap = 0; cap <= whole; cap++) {
        uint8_t *out = malloc(cap + (cap == 0));
        assert_int_equal(so_rtp_write(out, cap, &len, &in, &e, 1), cap == whole ? SO_OK : SO_TOO_LONG);
        assert_int_equal(len, cap == whole ? whole : 0);
        free(out);
    }
    {
        uint8_t out[100];
        bad = in;
        bad.type = 128;
        assert_int_equal(so_rtp_write(out, sizeof out, &len, &bad, &e, 1), SO_BAD_INPUT);
        bad = in;
        bad.csrc_count = 16;
        bad.csrcs = out;
        assert_int_equal(so_rtp_write(out, sizeof out, &len, &bad, &e, 1), SO_BAD_INPUT);
        e.id = 0;
        assert_int_equal(so_rtp_write(out, sizeof out, &len, &in, &e, 1), SO_BAD_INPUT);
    }
}

static void an_element_is_set_in_place(void **state)
{
    uint8_t out[100], before[100];
    const so_rtp_extension es[] = {{4, 2, (const uint8_t *)"hi"}, {5, 3, (const uint8_t *)"abc"}};
    so_rtp_packet in = plain(), p;
    so_rtp_extension e;
    size_t len;

    (void)state;
    assert_int_equal(so_rtp_write(out, sizeof out, &len, &in, es, 2), SO_OK);
    memcpy(before, out, len);
    assert_int_equal(so_rtp_extension_set(out, len, 5, (const uint8_t *)"xyz", 3), SO_OK);
    assert_int_equal(so_rtp_parse(&p, out, len), SO_OK);
    assert_true(so_rtp_extension_get(&p, 5, &e));
    assert_memory_equal(e.data, "xyz", 3);
    assert_true(so_rtp_extension_get(&p, 4, &e));
    assert_memory_equal(e.data, "hi", 2);
    assert_int_equal(so_rtp_extension_set(out, len, 5, (const uint8_t *)"abc", 3), SO_OK);
    assert_memory_equal(out, before, len);
    assert_int_equal(so_rtp_extension_set(out, len, 5, (const uint8_t *)"ab", 2), SO_BAD_INPUT);
    assert_int_equal(so_rtp_extension_set(out, len, 6, (const uint8_t *)"ab", 2), SO_NOT_FOUND);
    assert_int_equal(so_rtp_extension_set(out, 11, 5, (const uint8_t *)"abc", 3), SO_BAD_INPUT);
    assert_memory_equal(out, before, len);
}

static void mid_and_audio_level_are_read(void **state)
{
    uint8_t out[100], level_byte = so_rtp_audio_level_byte(true, 42), level;
    const so_rtp_extension es[] = {{4, 5, (const uint8_t *)"audio"}, {1, 1, &level_byte}};
    so_rtp_packet in = plain(), p;
    const char *mid;
    size_t len;
    bool voice;

    (void)state;
    assert_int_equal(so_rtp_write(out, sizeof out, &len, &in, es, 2), SO_OK);
    assert_int_equal(so_rtp_parse(&p, out, len), SO_OK);
    assert_true(so_rtp_mid(&p, 4, &mid, &len));
    assert_int_equal(len, 5);
    assert_memory_equal(mid, "audio", 5);
    assert_false(so_rtp_mid(&p, 3, &mid, &len));
    assert_true(so_rtp_audio_level(&p, 1, &voice, &level));
    assert_true(voice);
    assert_int_equal(level, 42);
    assert_false(so_rtp_audio_level(&p, 2, &voice, &level));
    assert_int_equal(so_rtp_audio_level_byte(false, 200), 127);
}

static void numbers_go_round_in_a_circle(void **state)
{
    (void)state;
    assert_true(so_rtp_seq_before(1, 2));
    assert_true(so_rtp_seq_before(65535, 0));
    assert_true(so_rtp_seq_before(65000, 3000));
    assert_false(so_rtp_seq_before(2, 1));
    assert_false(so_rtp_seq_before(0, 65535));
    assert_false(so_rtp_seq_before(5, 5));
    assert_false(so_rtp_seq_before(0, 0x8000));
    assert_false(so_rtp_seq_before(0x8000, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_is_read_to_its_last_bit),
        cmocka_unit_test(every_packet_cut_short_is_refused),
        cmocka_unit_test(other_versions_and_bad_padding_are_refused),
        cmocka_unit_test(elements_are_found_in_both_forms),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(the_one_byte_form_is_taken_where_it_fits),
        cmocka_unit_test(a_payload_may_lie_where_it_goes),
        cmocka_unit_test(what_can_not_be_written_is_refused),
        cmocka_unit_test(an_element_is_set_in_place),
        cmocka_unit_test(mid_and_audio_level_are_read),
        cmocka_unit_test(numbers_go_round_in_a_circle),
    };
    return cmocka_run_group_tests_name("RTP packets and their header extensions", tests, NULL, NULL);
}
