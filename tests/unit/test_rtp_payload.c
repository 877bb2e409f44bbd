/* rtp/payload: frames of every size through every format and back; and what a stranger, or a loss, makes of payloads.
 */
#include "unit.h"

#include "rtp/payload.h"

#include <stdlib.h>

#define CAP 300000
#define MAX 1100

static so_rtp_packet packet_of(const uint8_t *payload, size_t len, uint32_t timestamp, bool marker)
{
    return (so_rtp_packet){.payload = payload, .payload_len = len, .timestamp = timestamp, .marker = marker};
}

typedef struct pieces {
    uint8_t bytes[512][MAX];
    size_t len[512], count;
} pieces;

static pieces cut_one;

/* Cuts in memory of its own, so that ASan sees a read past the frame. */
static so_status cut(pieces *p, so_rtp_format format, const uint8_t *frame, size_t len, size_t max, uint16_t id)
{
    uint8_t *copy = calloc(len + (len == 0), 1);
    so_rtp_split split;
    so_status status;
    bool last = false;

    if (len > 0)
        memcpy(copy, frame, len);
    p->count = 0;
    status = so_rtp_split_begin(&split, format, copy, len, max, id);
    while (status == SO_OK && so_rtp_split_next(&split, p->bytes[p->count], &p->len[p->count], &last)) {
        assert_true(p->len[p->count] > 0 && p->len[p->count] <= max);
        p->count++;
        assert_true(p->count < 512);
        if (last)
            assert_false(so_rtp_split_next(&split, p->bytes[p->count], &p->len[p->count], &(bool){false}));
    }
    if (status == SO_OK)
        assert_true(last);
    free(copy);
    return status;
}

static so_rtp_joined put(so_rtp_join *join, const uint8_t *bytes, size_t len, uint32_t timestamp, bool marker, bool gap,
                         so_rtp_frame *out)
{
    uint8_t *copy = calloc(len + (len == 0), 1);
    so_rtp_packet packet;
    so_rtp_joined joined;

    if (len > 0)
        memcpy(copy, bytes, len);
    packet = packet_of(copy, len, timestamp, marker);
    joined = so_rtp_join_put(join, &packet, gap, out);
    free(copy);
    return joined;
}

/* All pieces but `without` (none: -1); true when a frame came out. */
static bool join_all(so_rtp_join *join, const pieces *p, uint32_t timestamp, int without, bool gap, so_rtp_frame *out)
{
    for (size_t i = 0; i < p->count; i++) {
        if ((int)i == without) {
            gap = true;
            continue;
        }
        if (put(join, p->bytes[i], p->len[i], timestamp, i + 1 == p->count, gap, out) == SO_RTP_JOIN_FRAME)
            return true;
        gap = false;
    }
    return false;
}

static uint8_t frame[CAP];
static uint64_t seed = 7;

static void fill(uint8_t *bytes, size_t len)
{
    assert_int_equal(unit_fill(&seed, bytes, len), SO_OK);
}

static size_t vp8_frame(size_t len, bool key)
{
    fill(frame, len);
    frame[0] = (uint8_t)((frame[0] & 0xfe) | (key ? 0 : 1));
    return len;
}

/* An access unit: parameter sets where it is a key frame, and slices of the given sizes. No start code by accident. */
static size_t h264_frame(bool key, const size_t *slices, size_t count)
{
    static const uint8_t sets[] = {0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 9, 8, 7, 0, 0, 0, 1, 0x68, 0xce, 6, 5};
    size_t len = 0;

    if (key) {
        memcpy(frame, sets, sizeof sets);
        len = sizeof sets;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(frame + len, "\0\0\0\1", 4);
        len += 4;
        fill(frame + len, slices[i]);
        for (size_t k = 0; k < slices[i]; k++)
            frame[len + k] |= 1;
        frame[len] = key ? 0x65 : 0x41;
        if (slices[i] > 1)
            frame[len + 1] = (uint8_t)((frame[len + 1] & 0x7f) | (i == 0 ? 0x80 : 0));
        len += slices[i];
    }
    return len;
}

static void vp8_of_every_size_comes_back(void **state)
{
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_VP8, CAP), SO_OK);
    for (size_t len = 1; len < 5000; len += len < 20 || (len > 1080 && len < 1120) ? 1 : 97) {
        vp8_frame(len, len % 3 == 0);
        assert_int_equal(cut(&cut_one, SO_RTP_VP8, frame, len, MAX, (uint16_t)len), SO_OK);
        assert_int_equal(cut_one.count, (len + MAX - 5) / (MAX - 4));
        /* About the same size, so that no crumb goes alone. */
        assert_true(cut_one.len[0] - cut_one.len[cut_one.count - 1] <= cut_one.count);
        assert_true(join_all(join, &cut_one, (uint32_t)len, -1, false, &out));
        assert_int_equal(out.len, len);
        assert_memory_equal(out.bytes, frame, len);
        assert_int_equal(out.timestamp, len);
        assert_int_equal(out.key, len % 3 == 0);
        assert_false(out.broken);
    }
    so_rtp_join_free(join);
}

/* RFC 7741 §4.2: the bits of the first and of a later packet. */
static void vp8_descriptors_are_as_the_rfc_has_them(void **state)
{
    (void)state;
    vp8_frame(2000, true);
    assert_int_equal(cut(&cut_one, SO_RTP_VP8, frame, 2000, MAX, 0xffff), SO_OK);
    assert_int_equal(cut_one.count, 2);
    assert_memory_equal(cut_one.bytes[0], "\x90\x80\xff\xff", 4);
    assert_memory_equal(cut_one.bytes[1], "\x80\x80\xff\xff", 4);
}

static void vp8_descriptors_of_every_form_are_read(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } forms[] = {{"\x10", 1},
                 {"\x30", 1},
                 {"\x90\x80\x05", 3},
                 {"\x90\x80\x85\x06", 4},
                 {"\x90\xc0\x05\x01", 4},
                 {"\x90\xf0\x85\x06\x01\x20", 6},
                 {"\x90\x20\x20", 3},
                 {"\x90\x10\x20", 3},
                 {"\x90\x30\x20", 3}};
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_VP8, CAP), SO_OK);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        uint8_t payload[16];

        memcpy(payload, forms[i].bytes, forms[i].len);
        memcpy(payload + forms[i].len, "\0frame", 6);
        assert_int_equal(put(join, payload, forms[i].len + 6, (uint32_t)i, true, false, &out), SO_RTP_JOIN_FRAME);
        assert_int_equal(out.len, 6);
        assert_memory_equal(out.bytes, "\0frame", 6);
        /* cut off within the descriptor, or right behind it */
        for (size_t len = 0; len <= forms[i].len; len++)
            assert_int_equal(put(join, payload, len, 100 + (uint32_t)i, true, false, &out), SO_RTP_JOIN_MORE);
        assert_int_equal(put(join, payload, forms[i].len + 6, (uint32_t)i, true, false, &out), SO_RTP_JOIN_FRAME);
        assert_true(out.broken);
    }
    so_rtp_join_free(join);
}

static void h264_of_every_size_comes_back(void **state)
{
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_H264, CAP), SO_OK);
    for (size_t len = 2; len < 5000; len += len < 20 || (len > 1090 && len < 1110) ? 1 : 97) {
        size_t slices[] = {len, 1 + len % 400, 700};
        bool key = len % 3 == 0 || len == 2;
        size_t total = h264_frame(key, slices, 1 + len % 3);

        assert_int_equal(cut(&cut_one, SO_RTP_H264, frame, total, MAX, 0), SO_OK);
        assert_true(join_all(join, &cut_one, (uint32_t)len, -1, false, &out));
        assert_int_equal(out.len, total);
        assert_memory_equal(out.bytes, frame, total);
        assert_int_equal(out.key, key);
        assert_false(out.broken);
    }
    so_rtp_join_free(join);
}

static void h264_units_share_a_packet(void **state)
{
    size_t slices[] = {100};
    size_t len = h264_frame(true, slices, 1);

    (void)state;
    assert_int_equal(cut(&cut_one, SO_RTP_H264, frame, len, MAX, 0), SO_OK);
    assert_int_equal(cut_one.count, 1);
    assert_int_equal(cut_one.bytes[0][0], 0x60 | 24);                                 /* the highest NRI of all */
    assert_memory_equal(cut_one.bytes[0] + 1, "\0\7\x67\x42\xe0\x1f\x09\x08\x07", 9); /* length, then the unit */
}

static void h264_units_are_cut_as_the_rfc_has_it(void **state)
{
    size_t slices[] = {2500};
    size_t len = h264_frame(false, slices, 1);

    (void)state;
    assert_int_equal(cut(&cut_one, SO_RTP_H264, frame, len, MAX, 0), SO_OK);
    assert_int_equal(cut_one.count, 3);
    assert_memory_equal(cut_one.bytes[0], "\x5c\x81", 2); /* NRI of the unit, FU-A; start, type 1 */
    assert_memory_equal(cut_one.bytes[1], "\x5c\x01", 2);
    assert_memory_equal(cut_one.bytes[2], "\x5c\x41", 2);
}

static void mode_0_cuts_and_shares_nothing(void **state)
{
    size_t slices[] = {1000, MAX}, over[] = {MAX + 1};
    size_t len = h264_frame(true, slices, 2);
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(cut(&cut_one, SO_RTP_H264_SINGLE, frame, len, MAX, 0), SO_OK);
    assert_int_equal(cut_one.count, 4);
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_H264_SINGLE, CAP), SO_OK);
    assert_true(join_all(join, &cut_one, 1, -1, false, &out));
    assert_int_equal(out.len, len);
    assert_memory_equal(out.bytes, frame, len);
    len = h264_frame(true, over, 1);
    assert_int_equal(cut(&cut_one, SO_RTP_H264_SINGLE, frame, len, MAX, 0), SO_TOO_LONG);
    so_rtp_join_free(join);
}

/* Of every frame one packet after the other is lost: never half a frame, and the next one says that one is missing. */
static void a_lost_packet_loses_its_frame_alone(void **state)
{
    static const so_rtp_format formats[] = {SO_RTP_VP8, SO_RTP_H264};
    size_t slices[] = {3000, 2000};

    (void)state;
    for (size_t f = 0; f < 2; f++) {
        so_rtp_join *join;
        so_rtp_frame out;
        uint32_t time = 0;

        assert_int_equal(so_rtp_join_new(&join, formats[f], CAP), SO_OK);
        for (int without = 0; without < 5; without++) {
            size_t len = formats[f] == SO_RTP_VP8 ? vp8_frame(5000, true) : h264_frame(true, slices, 2);

            assert_int_equal(cut(&cut_one, formats[f], frame, len, MAX, 1), SO_OK);
            assert_true(cut_one.count >= 5);
            assert_false(join_all(join, &cut_one, time++, without, false, &out));
            /* Where the last one is lost the gap shows in front of the next frame. */
            assert_true(join_all(join, &cut_one, time++, -1, without + 1 == (int)cut_one.count, &out));
            assert_true(out.broken);
            assert_memory_equal(out.bytes, frame, len);
            assert_true(join_all(join, &cut_one, time++, -1, false, &out));
            assert_false(out.broken);
        }
        so_rtp_join_free(join);
    }
}

static void a_frame_without_a_marker_ends_where_the_next_begins(void **state)
{
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_VP8, CAP), SO_OK);
    assert_int_equal(put(join, (const uint8_t *)"\x10\0one", 5, 1, false, false, &out), SO_RTP_JOIN_MORE);
    assert_int_equal(put(join, (const uint8_t *)"\x10\1two", 5, 2, true, false, &out), SO_RTP_JOIN_BEFORE);
    assert_int_equal(out.timestamp, 1);
    assert_memory_equal(out.bytes, "\0one", 4);
    assert_true(out.key);
    assert_int_equal(put(join, (const uint8_t *)"\x10\1two", 5, 2, true, false, &out), SO_RTP_JOIN_FRAME);
    assert_memory_equal(out.bytes, "\1two", 4);
    assert_false(out.key || out.broken);
    so_rtp_join_free(join);
}

static void what_is_over_the_cap_is_dropped(void **state)
{
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_VP8, 2000), SO_OK);
    vp8_frame(2001, true);
    assert_int_equal(cut(&cut_one, SO_RTP_VP8, frame, 2001, MAX, 1), SO_OK);
    assert_false(join_all(join, &cut_one, 1, -1, false, &out));
    assert_int_equal(cut(&cut_one, SO_RTP_VP8, frame, 2000, MAX, 1), SO_OK);
    assert_true(join_all(join, &cut_one, 2, -1, false, &out));
    assert_true(out.broken);
    so_rtp_join_reset(join, SO_RTP_VP8);
    assert_true(join_all(join, &cut_one, 3, -1, false, &out));
    assert_false(out.broken);
    so_rtp_join_free(join);
}

static void malformed_h264_is_refused(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {
        {"", 0},
        {"\x00", 1},             /* type 0 */
        {"\x18", 1},             /* STAP-A without a unit */
        {"\x18\0", 2},           /* half a length */
        {"\x18\0\0", 3},         /* a unit without its header */
        {"\x18\0\3\x67\1", 5},   /* a length past the end */
        {"\x18\0\1\x78", 4},     /* a STAP-A in a STAP-A */
        {"\x19\0\1\0\1\x67", 6}, /* STAP-B: mode 2 alone */
        {"\x1d\x85\0\1\x88", 5}, /* FU-B */
        {"\x1c", 1},             /* FU-A without its header */
        {"\x1c\x85", 2},         /* and without data */
        {"\x1c\xc5\x88", 3},     /* start and end at once */
        {"\x1c\x05\x88", 3},     /* goes on where nothing began */
        {"\x1c\x80\x88", 3},     /* of type 0 */
        {"\x1c\x9c\x88", 3},     /* of FU-A again */
        {"\x41\x08", 2},         /* not the first slice of its picture */
        {"\x1f\x88", 2},         /* reserved */
    };
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_H264, CAP), SO_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(put(join, (const uint8_t *)bad[i].bytes, bad[i].len, 1, true, false, &out), SO_RTP_JOIN_MORE);
        assert_int_equal(put(join, (const uint8_t *)"\x41\x88", 2, 2, true, false, &out), SO_RTP_JOIN_FRAME);
        assert_true(out.broken);
    }
    /* a unit that is cut and ends with the frame, without its end */
    assert_int_equal(put(join, (const uint8_t *)"\x5c\x81\x88", 3, 3, true, false, &out), SO_RTP_JOIN_MORE);
    /* another one begins, and another type goes on, in the middle of one */
    assert_int_equal(put(join, (const uint8_t *)"\x5c\x81\x88", 3, 4, false, false, &out), SO_RTP_JOIN_MORE);
    assert_int_equal(put(join, (const uint8_t *)"\x41\x88", 2, 4, true, false, &out), SO_RTP_JOIN_MORE);
    assert_int_equal(put(join, (const uint8_t *)"\x5c\x81\x88", 3, 5, false, false, &out), SO_RTP_JOIN_MORE);
    assert_int_equal(put(join, (const uint8_t *)"\x5c\x45\x88", 3, 5, true, false, &out), SO_RTP_JOIN_MORE);
    so_rtp_join_free(join);
}

static void what_is_no_frame_is_not_cut(void **state)
{
    (void)state;
    assert_int_equal(cut(&cut_one, SO_RTP_VP8, frame, 0, MAX, 0), SO_BAD_INPUT);
    assert_int_equal(cut(&cut_one, SO_RTP_WHOLE, frame, 0, MAX, 0), SO_BAD_INPUT);
    assert_int_equal(cut(&cut_one, SO_RTP_WHOLE, frame, MAX + 1, MAX, 0), SO_TOO_LONG);
    assert_int_equal(cut(&cut_one, SO_RTP_H264, (const uint8_t *)"no start code", 13, MAX, 0), SO_BAD_INPUT);
    assert_int_equal(cut(&cut_one, SO_RTP_H264, (const uint8_t *)"\0\0\1\0\0\1\0\0\1", 9, MAX, 0), SO_BAD_INPUT);
    assert_int_equal(cut(&cut_one, SO_RTP_H264, (const uint8_t *)"\0\0\1\x7c\x85", 5, MAX, 0), SO_BAD_INPUT);
    assert_int_equal(cut(&cut_one, SO_RTP_VP8, frame, 100, SO_RTP_PAYLOAD_LEAST - 1, 0), SO_BAD_INPUT);
}

static void key_frames_are_known(void **state)
{
    size_t slices[] = {100};

    (void)state;
    assert_true(so_rtp_is_key(SO_RTP_WHOLE, frame, 10));
    assert_true(so_rtp_is_key(SO_RTP_VP8, frame, vp8_frame(10, true)));
    assert_false(so_rtp_is_key(SO_RTP_VP8, frame, vp8_frame(10, false)));
    assert_true(so_rtp_is_key(SO_RTP_H264, frame, h264_frame(true, slices, 1)));
    assert_false(so_rtp_is_key(SO_RTP_H264_SINGLE, frame, h264_frame(false, slices, 1)));
}

/* What nobody has the parameter sets for is no beginning. */
static void an_idr_without_parameter_sets_is_no_key_frame(void **state)
{
    so_rtp_join *join;
    so_rtp_frame out;

    (void)state;
    assert_int_equal(so_rtp_join_new(&join, SO_RTP_H264, CAP), SO_OK);
    assert_int_equal(put(join, (const uint8_t *)"\x65\x88", 2, 1, true, false, &out), SO_RTP_JOIN_FRAME);
    assert_false(out.key);
    assert_int_equal(put(join, (const uint8_t *)"\x67\x42", 2, 2, false, false, &out), SO_RTP_JOIN_MORE);
    assert_int_equal(put(join, (const uint8_t *)"\x65\x88", 2, 2, true, false, &out), SO_RTP_JOIN_FRAME);
    assert_true(out.key);
    so_rtp_join_free(join);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vp8_of_every_size_comes_back),
        cmocka_unit_test(vp8_descriptors_are_as_the_rfc_has_them),
        cmocka_unit_test(vp8_descriptors_of_every_form_are_read),
        cmocka_unit_test(h264_of_every_size_comes_back),
        cmocka_unit_test(h264_units_share_a_packet),
        cmocka_unit_test(h264_units_are_cut_as_the_rfc_has_it),
        cmocka_unit_test(mode_0_cuts_and_shares_nothing),
        cmocka_unit_test(a_lost_packet_loses_its_frame_alone),
        cmocka_unit_test(a_frame_without_a_marker_ends_where_the_next_begins),
        cmocka_unit_test(what_is_over_the_cap_is_dropped),
        cmocka_unit_test(malformed_h264_is_refused),
        cmocka_unit_test(what_is_no_frame_is_not_cut),
        cmocka_unit_test(key_frames_are_known),
        cmocka_unit_test(an_idr_without_parameter_sets_is_no_key_frame),
    };

    return cmocka_run_group_tests_name("frames fit packets, and come back from them", tests, NULL, NULL);
}
