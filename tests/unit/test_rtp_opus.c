/* rtp/opus: all four ways to put frames in a packet, and each rule of RFC 6716 §3.4 broken once. */
#include "unit.h"

#include "rtp/opus.h"

#include <stdlib.h>

#define TOC(config, stereo, code) ((uint8_t)((config) << 3 | (stereo) << 2 | (code)))

static uint8_t big[70000];

/* In memory of its own, so that ASan sees a read past it. */
static so_status parse(so_opus_info *info, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0));
    so_status status;

    if (len > 0)
        memcpy(copy, bytes, len);
    status = so_opus_parse(info, copy, len);
    free(copy);
    if (status != SO_OK)
        return status;
    assert_true(info->frames >= 1 && info->frames <= SO_OPUS_MAX_FRAMES);
    assert_true(info->samples <= SO_OPUS_MAX_SAMPLES && info->samples == info->frames * info->frame_samples);
    for (size_t i = 0; i < info->frames; i++)
        assert_true(info->at[i] + (size_t)info->len[i] <= len);
    return SO_OK;
}

/* Table 2 of RFC 6716. */
static void the_32_configurations_have_their_lengths(void **state)
{
    static const uint16_t samples[32] = {480,  960, 1920, 2880, 480, 960, 1920, 2880, 480, 960, 1920,
                                         2880, 480, 960,  480,  960, 120, 240,  480,  960, 120, 240,
                                         480,  960, 120,  240,  480, 960, 120,  240,  480, 960};

    (void)state;
    for (unsigned config = 0; config < 32; config++)
        for (unsigned stereo = 0; stereo < 2; stereo++) {
            uint8_t b[] = {TOC(config, stereo, 0), 1, 2, 3};
            so_opus_info info;
            assert_int_equal(parse(&info, b, sizeof b), SO_OK);
            assert_int_equal(info.mode, config < 12 ? SO_OPUS_SILK : config < 16 ? SO_OPUS_HYBRID : SO_OPUS_CELT);
            assert_int_equal(info.stereo, stereo);
            assert_int_equal(info.frames, 1);
            assert_int_equal(info.frame_samples, samples[config]);
            assert_int_equal(info.samples, samples[config]);
            assert_int_equal(info.at[0], 1);
            assert_int_equal(info.len[0], 3);
            assert_false(info.dtx);
        }
}

static void an_empty_payload_is_refused(void **state)
{
    so_opus_info info;

    (void)state;
    assert_int_equal(parse(&info, NULL, 0), SO_BAD_INPUT); /* R1 */
}

static void silence_is_told(void **state)
{
    static const uint8_t toc_alone[] = {TOC(31, 0, 0)}, one_byte[] = {TOC(31, 0, 0), 0}, two_empty[] = {TOC(31, 0, 1)};
    so_opus_info info;

    (void)state;
    assert_int_equal(parse(&info, toc_alone, 1), SO_OK);
    assert_true(info.dtx);
    assert_int_equal(info.samples, 960);
    assert_int_equal(parse(&info, one_byte, 2), SO_OK);
    assert_true(info.dtx);
    assert_int_equal(parse(&info, two_empty, 1), SO_OK);
    assert_true(info.dtx);
    assert_int_equal(info.samples, 1920);
}

static void no_frame_is_longer_than_1275_bytes(void **state)
{
    so_opus_info info;

    (void)state;
    memset(big, 0, sizeof big);
    big[0] = TOC(1, 0, 0);
    assert_int_equal(parse(&info, big, 1 + 1275), SO_OK);
    assert_int_equal(parse(&info, big, 1 + 1276), SO_BAD_INPUT); /* R2 */
    big[0] = TOC(1, 0, 1);
    assert_int_equal(parse(&info, big, 1 + 2 * 1275), SO_OK);
    assert_int_equal(info.at[1], 1 + 1275);
    assert_int_equal(parse(&info, big, 1 + 2 * 1276), SO_BAD_INPUT);
    assert_int_equal(parse(&info, big, sizeof big), SO_BAD_INPUT);
}

static void two_equal_frames_halve_the_rest(void **state)
{
    static const uint8_t b[] = {TOC(16, 0, 1), 1, 2, 3, 4};
    so_opus_info info;

    (void)state;
    assert_int_equal(parse(&info, b, 5), SO_OK);
    assert_int_equal(info.frames, 2);
    assert_int_equal(info.len[0], 2);
    assert_int_equal(info.len[1], 2);
    assert_int_equal(info.at[1], 3);
    assert_int_equal(parse(&info, b, 4), SO_BAD_INPUT); /* R3 */
}

static void two_frames_with_a_length(void **state)
{
    so_opus_info info;

    (void)state;
    memset(big, 0, sizeof big);
    big[0] = TOC(16, 0, 2);
    big[1] = 3;
    assert_int_equal(parse(&info, big, 2 + 3 + 5), SO_OK);
    assert_int_equal(info.len[0], 3);
    assert_int_equal(info.len[1], 5);
    assert_int_equal(info.at[0], 2);
    assert_int_equal(info.at[1], 5);
    assert_int_equal(parse(&info, big, 2 + 3), SO_OK);        /* the second is empty */
    assert_int_equal(parse(&info, big, 2 + 2), SO_BAD_INPUT); /* R4 */
    assert_int_equal(parse(&info, big, 1), SO_BAD_INPUT);
    big[1] = 252; /* and a second byte: 252 + 4 × 255 = 1272 */
    assert_int_equal(parse(&info, big, 2), SO_BAD_INPUT);
    big[2] = 255;
    assert_int_equal(parse(&info, big, 3 + 1272 + 1275), SO_OK);
    assert_int_equal(info.len[0], 1272);
    assert_int_equal(info.at[1], 3 + 1272);
    assert_int_equal(parse(&info, big, 3 + 1272 + 1276), SO_BAD_INPUT);
    big[1] = 255; /* 255 + 4 × 255 = 1275: the longest that can be said */
    assert_int_equal(parse(&info, big, 3 + 1275), SO_OK);
}

static void counted_frames_of_one_length(void **state)
{
    so_opus_info info;

    (void)state;
    memset(big, 0, sizeof big);
    big[0] = TOC(19, 0, 3); /* 20 ms */
    big[1] = 3;
    assert_int_equal(parse(&info, big, 2 + 9), SO_OK);
    assert_int_equal(info.frames, 3);
    assert_int_equal(info.samples, 2880);
    assert_int_equal(info.len[2], 3);
    assert_int_equal(info.at[2], 8);
    assert_int_equal(parse(&info, big, 2 + 10), SO_BAD_INPUT); /* R6 */
    assert_int_equal(parse(&info, big, 1), SO_BAD_INPUT);      /* R6: no count byte */
    big[1] = 0;
    assert_int_equal(parse(&info, big, 2), SO_BAD_INPUT); /* R5 */
    big[1] = 6;
    assert_int_equal(parse(&info, big, 2 + 12), SO_OK);
    assert_int_equal(info.samples, SO_OPUS_MAX_SAMPLES);
    big[1] = 7; /* 140 ms */
    assert_int_equal(parse(&info, big, 2 + 14), SO_BAD_INPUT);
    big[0] = TOC(16, 0, 3); /* 2.5 ms */
    big[1] = 48;
    assert_int_equal(parse(&info, big, 2 + 48 * 1275), SO_OK);
    assert_int_equal(info.at[47], 2 + 47 * 1275);
    big[1] = 49;
    assert_int_equal(parse(&info, big, 2 + 49), SO_BAD_INPUT);
}

static void padding_is_left_out(void **state)
{
    so_opus_info info;

    (void)state;
    memset(big, 0, sizeof big);
    big[0] = TOC(19, 0, 3);
    big[1] = 0x40 | 2;
    big[2] = 5;
    assert_int_equal(parse(&info, big, 3 + 4 + 5), SO_OK);
    assert_int_equal(info.len[1], 2);
    assert_int_equal(info.at[0], 3);
    assert_int_equal(parse(&info, big, 3 + 5), SO_OK); /* nothing but padding */
    assert_true(info.dtx);
    assert_int_equal(parse(&info, big, 3 + 4), SO_BAD_INPUT); /* more padding than there is */
    big[2] = 255;
    big[3] = 255;
    big[4] = 1; /* 254 + 254 + 1 */
    assert_int_equal(parse(&info, big, 5 + 4 + 509), SO_OK);
    assert_int_equal(info.len[1], 2);
    assert_int_equal(parse(&info, big, 5 + 508), SO_BAD_INPUT);
    memset(big + 2, 255, 1000); /* padding lengths without an end */
    assert_int_equal(parse(&info, big, 1002), SO_BAD_INPUT);
}

static void counted_frames_with_lengths(void **state)
{
    so_opus_info info;

    (void)state;
    memset(big, 0, sizeof big);
    big[0] = TOC(19, 1, 3);
    big[1] = 0x80 | 3;
    big[2] = 4;
    big[3] = 252;
    big[4] = 1; /* 256 */
    assert_int_equal(parse(&info, big, 5 + 4 + 256 + 7), SO_OK);
    assert_int_equal(info.len[0], 4);
    assert_int_equal(info.len[1], 256);
    assert_int_equal(info.len[2], 7);
    assert_int_equal(info.at[0], 5);
    assert_int_equal(info.at[2], 5 + 260);
    assert_int_equal(parse(&info, big, 5 + 4 + 255), SO_BAD_INPUT); /* R7 */
    assert_int_equal(parse(&info, big, 5 + 4 + 256 + 1276), SO_BAD_INPUT);
    for (size_t n = 0; n < 5; n++)
        assert_int_equal(parse(&info, big, n), SO_BAD_INPUT);
    /* with padding of 2 */
    big[1] = 0xc0 | 2;
    big[2] = 2;
    big[3] = 4;
    assert_int_equal(parse(&info, big, 4 + 4 + 1 + 2), SO_OK);
    assert_int_equal(info.len[1], 1);
    assert_int_equal(parse(&info, big, 4 + 4 + 2), SO_OK);
    assert_int_equal(info.len[1], 0);
    assert_int_equal(parse(&info, big, 4 + 4 + 1), SO_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_32_configurations_have_their_lengths),
        cmocka_unit_test(an_empty_payload_is_refused),
        cmocka_unit_test(silence_is_told),
        cmocka_unit_test(no_frame_is_longer_than_1275_bytes),
        cmocka_unit_test(two_equal_frames_halve_the_rest),
        cmocka_unit_test(two_frames_with_a_length),
        cmocka_unit_test(counted_frames_of_one_length),
        cmocka_unit_test(padding_is_left_out),
        cmocka_unit_test(counted_frames_with_lengths),
    };
    return cmocka_run_group_tests_name("what an Opus packet holds", tests, NULL, NULL);
}
