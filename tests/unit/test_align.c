/* media/align: where packets of two clocks belong in one file. */
#include "unit.h"

#include "media/align.h"

#define MS 1000
#define AUDIO SO_MEDIA_AUDIO
#define VIDEO SO_MEDIA_VIDEO
#define SECOND_NTP ((uint64_t)1 << 32)

static int64_t place(so_align *a, so_media_kind kind, uint32_t rtp, uint64_t arrival_ms)
{
    int64_t at;

    if (!so_align_place(a, kind, kind == AUDIO ? 48000 : 90000, rtp, arrival_ms * MS, &at))
        return -1;
    return (at + MS / 2) / MS;
}

static void rtp_time_decides_and_wraps(void **state)
{
    so_align a = {0};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) /* 400 s; arrivals tremble */
        assert_int_equal(place(&a, AUDIO, 4294900000u + i * 960, 1000 + i * 20 + (i == 0 ? 0 : i * 7919 % 90)), i * 20);
}

static void what_arrives_together_belongs_together(void **state)
{
    so_align a = {0};

    (void)state;
    assert_int_equal(place(&a, AUDIO, 77, 5000), 0);
    assert_int_equal(place(&a, VIDEO, 4000000000u, 5300), 300);
    assert_int_equal(place(&a, VIDEO, 4000000000u + 3000, 5310), 333);
    assert_int_equal(place(&a, AUDIO, 77 + 960, 5020), 20);
}

static void what_is_not_later_belongs_nowhere(void **state)
{
    so_align a = {0};

    (void)state;
    assert_int_equal(place(&a, AUDIO, 960, 0), 0);
    assert_int_equal(place(&a, AUDIO, 960, 1), -1);
    assert_int_equal(place(&a, AUDIO, 0, 2), -1);
    assert_int_equal(place(&a, AUDIO, 1920, 3), 20);
}

static void another_stream_goes_on_where_it_arrives(void **state)
{
    so_align a = {0};

    (void)state;
    assert_int_equal(place(&a, AUDIO, 1000, 0), 0);
    assert_int_equal(place(&a, AUDIO, 2000000000u, 100), 100);
    assert_int_equal(place(&a, AUDIO, 2000000000u + 960, 125), 120);
    assert_int_equal(place(&a, AUDIO, 5, 90), 120); /* never back, though it seems to have come before */
    /* silence of ten minutes is no other stream */
    assert_int_equal(place(&a, AUDIO, 5 + 600 * 48000, 90 + 600000), 120 + 600000);
}

/* Of a sender whose pictures were made 200 ms before the sound that they arrived with. */
static void reports_decide(bool early, int expect_audio, int expect_video, uint64_t audio_ntp, uint64_t video_ntp)
{
    so_align a = {0};

    if (early) {
        so_align_report(&a, AUDIO, audio_ntp, 1000);
        so_align_report(&a, VIDEO, video_ntp, 9000);
    }
    assert_int_equal(place(&a, AUDIO, 1000, 0), 0);
    if (!early) {
        assert_int_equal(place(&a, VIDEO, 9000, 0), 0);
        so_align_report(&a, AUDIO, audio_ntp, 1000);
        so_align_report(&a, VIDEO, video_ntp, 9000);
    }
    assert_int_equal(place(&a, AUDIO, 1000 + 48000, 1000), 1000 + (early ? 0 : expect_audio));
    assert_int_equal(place(&a, VIDEO, 9000 + 90000, 1000), 1000 + expect_video);
    assert_int_equal(place(&a, AUDIO, 1000 + 96000, 2000), 2000 + expect_audio);
    assert_int_equal(place(&a, VIDEO, 9000 + 180000, 2000), 2000 + expect_video);
}

static void sender_reports_decide_and_nothing_goes_back(void **state)
{
    uint64_t t = 3900000000u * SECOND_NTP;

    (void)state;
    reports_decide(false, 200, 0, t + SECOND_NTP / 5, t); /* the sound is the later one: it waits */
    reports_decide(false, 0, 200, t, t + SECOND_NTP / 5);
    reports_decide(false, 0, 0, t, t + SECOND_NTP / 200); /* 5 ms are not worth a gap */
    reports_decide(true, 0, 200, t, t + SECOND_NTP / 5);  /* known before the first packet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rtp_time_decides_and_wraps),
        cmocka_unit_test(what_arrives_together_belongs_together),
        cmocka_unit_test(what_is_not_later_belongs_nowhere),
        cmocka_unit_test(another_stream_goes_on_where_it_arrives),
        cmocka_unit_test(sender_reports_decide_and_nothing_goes_back),
    };
    return cmocka_run_group_tests_name("packets of two clocks in one file", tests, NULL, NULL);
}
