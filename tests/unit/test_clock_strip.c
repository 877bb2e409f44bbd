/* media/clock_strip: what is drawn is what tests/vectors/clock_strip.json says, and is read back, or not at all. */
#include "unit.h"

#include "media/clock_strip.h"
#include "media/codec.h"

#include <jansson.h>
#include <stdlib.h>

#define WIDTH_MOST 1280
#define HEIGHT_MOST 720

static uint8_t plane[WIDTH_MOST * HEIGHT_MOST], half[WIDTH_MOST * HEIGHT_MOST];

static bool read_plane(unsigned width, uint32_t *ms)
{
    return so_clock_strip_read(plane, width, width, width * 9 / 16, ms);
}

static void each_vector_is_drawn_and_read(void **state)
{
    json_t *all = json_load_file(TEST_VECTORS "/clock_strip.json", 0, NULL), *strips = json_object_get(all, "strips");
    json_t *strip;
    size_t i;

    (void)state;
    assert_true(json_array_size(strips) > 5);
    json_array_foreach(strips, i, strip)
    {
        const char *rows[] = {json_string_value(json_object_get(strip, "upper")),
                              json_string_value(json_object_get(strip, "lower"))};
        uint32_t ms = (uint32_t)json_integer_value(json_object_get(strip, "ms")), read;
        memset(plane, 128, sizeof plane);
        so_clock_strip_draw(plane, 640, 640, ms);
        for (unsigned row = 0; row < 2; row++)
            for (unsigned y = row * 32; y < row * 32 + 32; y++)
                for (unsigned x = 0; x < 640; x++)
                    assert_int_equal(plane[y * 640 + x], rows[row][x / 32] == '1' ? 235 : 16);
        assert_int_equal(plane[64 * 640], 128);
        assert_true(read_plane(640, &read));
        assert_int_equal(read, ms);
    }
    json_decref(all);
}

static void it_is_read_in_every_size(void **state)
{
    uint64_t seed = 7;
    so_random random = UNIT_RANDOM(&seed);

    (void)state;
    for (unsigned width = 80; width <= WIDTH_MOST; width += 3) {
        uint32_t ms, read;
        assert_int_equal(random.fill(random.user, (uint8_t *)&ms, sizeof ms), SO_OK);
        so_clock_strip_draw(plane, width, width, ms);
        assert_true(read_plane(width, &read));
        assert_int_equal(read, ms);
    }
}

static void it_survives_halving_and_noise(void **state)
{
    uint64_t seed = 9;
    so_random random = UNIT_RANDOM(&seed);
    uint32_t read;

    (void)state;
    for (uint32_t ms = 0; ms < 100000; ms += 3333) {
        memset(plane, 128, sizeof plane);
        so_clock_strip_draw(plane, 640, 640, ms);
        for (unsigned y = 0; y < 180; y++)
            for (unsigned x = 0; x < 320; x++) {
                const uint8_t *at = plane + 2 * y * 640 + 2 * x;
                int8_t noise;
                assert_int_equal(random.fill(random.user, (uint8_t *)&noise, 1), SO_OK);
                half[y * 320 + x] = (uint8_t)((at[0] + at[1] + at[640] + at[641]) / 4 * 3 / 5 + 45 + noise / 4);
            }
        assert_true(so_clock_strip_read(half, 320, 320, 180, &read));
        assert_int_equal(read, ms);
    }
}

static void it_reads_what_was_coded_at_100_kbit_s(void **state)
{
    FILE *in = fopen(TEST_VECTORS "/clock_strip_lossy.pgm", "rb");
    unsigned width, height;
    uint32_t ms;

    (void)state;
    assert_non_null(in);
    assert_int_equal(fscanf(in, "P5 %u %u 255", &width, &height), 2);
    assert_int_equal(fgetc(in), '\n');
    assert_true((size_t)width * height <= sizeof plane);
    assert_int_equal(fread(plane, width, height, in), height);
    (void)fclose(in);
    assert_true(so_clock_strip_read(plane, width, width, height, &ms));
    assert_int_equal(ms, 12966);
}

static void what_is_no_strip_has_no_time(void **state)
{
    uint32_t ms;

    (void)state;
    for (unsigned grey = 0; grey < 256; grey++) {
        memset(plane, (int)grey, sizeof plane);
        assert_false(read_plane(640, &ms));
    }
    for (unsigned bit = 0; bit < 40; bit++) { /* one wrong cell */
        so_clock_strip_draw(plane, 640, 640, 123456789);
        for (unsigned y = bit / 20 * 32; y < bit / 20 * 32 + 32; y++)
            for (unsigned x = bit % 20 * 32; x < bit % 20 * 32 + 32; x++)
                plane[y * 640 + x] = (uint8_t)(251 - plane[y * 640 + x]);
        assert_false(read_plane(640, &ms));
    }
    so_clock_strip_draw(plane, 640, 640, 1);
    assert_false(so_clock_strip_read(plane, 640, 640, 63, &ms));
    assert_true(so_clock_strip_read(plane, 640, 640, 64, &ms));
    assert_false(so_clock_strip_read(plane, 640, 79, 64, &ms));
}

static void codecs_have_the_names_of_descriptions(void **state)
{
    (void)state;
    assert_int_equal(so_media_codec_of("OPUS"), SO_MEDIA_OPUS);
    assert_int_equal(so_media_codec_of("pcmu"), SO_MEDIA_PCMU);
    assert_int_equal(so_media_codec_of("h264"), SO_MEDIA_H264);
    assert_int_equal(so_media_codec_of("none"), SO_MEDIA_NONE);
    assert_int_equal(so_media_codec_of("VP9"), SO_MEDIA_NONE);
    assert_string_equal(so_media_codec_name(SO_MEDIA_PCMA), "PCMA");
    assert_int_equal(so_media_codec_clock(SO_MEDIA_PCMA), 8000);
    assert_int_equal(so_media_codec_clock(SO_MEDIA_VP8), 90000);
    assert_int_equal(so_media_codec_kind(SO_MEDIA_VP8), SO_MEDIA_VIDEO);
    assert_int_equal(so_media_codec_kind(SO_MEDIA_OPUS), SO_MEDIA_AUDIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_vector_is_drawn_and_read), cmocka_unit_test(it_is_read_in_every_size),
        cmocka_unit_test(it_survives_halving_and_noise), cmocka_unit_test(it_reads_what_was_coded_at_100_kbit_s),
        cmocka_unit_test(what_is_no_strip_has_no_time),  cmocka_unit_test(codecs_have_the_names_of_descriptions),
    };
    return cmocka_run_group_tests_name("a clock that machines read out of pictures", tests, NULL, NULL);
}
