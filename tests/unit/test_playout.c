/* media/playout: packets that come as they like, samples at the pace of a device. */
#include "unit.h"

#include "media/g711.h"
#include "media/playout.h"

#include <math.h>
#include <opus/opus.h>
#include <stdlib.h>

#define PACKET 960 /* 20 ms */
#define STEP SO_PLAYOUT_STEP
#define TONE_HZ 500.0
#define LOUD 0.25

typedef struct rig {
    so_playout *playout;
    OpusEncoder *encoder;
    unsigned sent; /* packets */
    float heard[STEP * SO_PLAYOUT_CHANNELS];
} rig;

static int make(void **state)
{
    rig *r = calloc(1, sizeof *r);
    int code;

    assert_non_null(r);
    assert_int_equal(so_playout_make(&r->playout, NULL), SO_OK);
    r->encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_AUDIO, &code);
    assert_non_null(r->encoder);
    *state = r;
    return 0;
}

static int done(void **state)
{
    rig *r = *state;

    so_playout_free(r->playout);
    opus_encoder_destroy(r->encoder);
    free(r);
    return 0;
}

/* The next packet of a tone; lost: it is made, and never comes. */
static void packet(rig *r, bool lost)
{
    float tone[PACKET];
    uint8_t bytes[1500];
    int len;

    for (unsigned i = 0; i < PACKET; i++)
        tone[i] = (float)(LOUD * sin(2 * M_PI * TONE_HZ * (r->sent * PACKET + i) / 48000));
    len = opus_encode_float(r->encoder, tone, PACKET, bytes, sizeof bytes);
    assert_true(len > 0);
    if (!lost)
        so_playout_put(r->playout, SO_MEDIA_OPUS, bytes, (size_t)len, 4294960000u + r->sent * PACKET);
    r->sent++;
}

/* One step, and how loud it was. */
static double step(rig *r)
{
    double sum = 0;

    so_playout_step(r->playout, r->heard);
    for (unsigned i = 0; i < STEP * SO_PLAYOUT_CHANNELS; i++) {
        assert_true(fabsf(r->heard[i]) <= 1);
        sum += (double)r->heard[i] * r->heard[i];
    }
    return sqrt(sum / (STEP * SO_PLAYOUT_CHANNELS));
}

/* A packet comes each 20 ms for that long; the quietest step of that time. */
static double in_time(rig *r, unsigned packets)
{
    double quietest = 1;

    for (unsigned i = 0; i < packets; i++) {
        packet(r, false);
        for (unsigned n = 0; n < 2; n++)
            quietest = fmin(quietest, step(r));
        assert_true(so_playout_ms(r->playout) <= SO_PLAYOUT_MOST);
    }
    return quietest;
}

static void begins_when_some_is_there_and_is_heard_whole(void **state)
{
    rig *r = *state;

    assert_true(step(r) == 0);
    packet(r, false);
    assert_true(step(r) == 0);
    (void)in_time(r, 20);
    assert_true(in_time(r, 500) > LOUD / sqrt(2) * 0.95);
    assert_true(so_playout_ms(r->playout) <= 40);
}

static void a_lost_packet_is_concealed(void **state)
{
    rig *r = *state;
    unsigned before;

    (void)in_time(r, 50);
    before = so_playout_ms(r->playout);
    for (unsigned i = 0; i < 50; i++) {
        packet(r, true);
        assert_true(step(r) > LOUD / 4);
        assert_true(step(r) > LOUD / 4);
        assert_true(in_time(r, 9) > LOUD / 4);
    }
    assert_true(so_playout_ms(r->playout) <= before + 10);
}

static void what_comes_late_is_waited_for_and_the_delay_goes_down_again(void **state)
{
    rig *r = *state;
    unsigned late;

    (void)in_time(r, 50);
    for (unsigned i = 0; i < 10; i++) /* 100 ms, and nothing comes */
        (void)step(r);
    assert_true(step(r) == 0);
    for (unsigned i = 0; i < 5; i++)
        packet(r, false);
    assert_true(in_time(r, 2) > LOUD / 4);
    late = so_playout_ms(r->playout);
    assert_true(late >= 60);
    assert_true(in_time(r, 1000) > LOUD / 2);
    assert_true(so_playout_ms(r->playout) <= 40);
}

static void a_burst_keeps_back_no_more_than_allowed(void **state)
{
    rig *r = *state;

    (void)in_time(r, 50);
    for (unsigned i = 0; i < 100; i++) {
        packet(r, false);
        assert_true(so_playout_ms(r->playout) <= SO_PLAYOUT_MOST);
    }
    assert_true(in_time(r, 100) > LOUD / 2);
}

/* The device's clock is one part in 200 slower, then faster: ten times as far as any real one. */
static void clocks_that_run_apart_are_made_up_for(void **state)
{
    rig *r = *state;
    unsigned quiet = 0;

    (void)in_time(r, 50);
    for (unsigned i = 0; i < 3000; i++) {
        packet(r, false);
        for (unsigned n = 0; n < (i % 100 == 0 ? 1u : 2u); n++)
            assert_true(step(r) > LOUD / 4);
        assert_true(so_playout_ms(r->playout) <= 60);
    }
    for (unsigned i = 0; i < 3000; i++) {
        packet(r, false);
        for (unsigned n = 0; n < (i % 100 == 0 ? 3u : 2u); n++)
            quiet += step(r) < LOUD / 4;
        assert_true(so_playout_ms(r->playout) <= 60);
    }
    assert_true(quiet < 10);
}

static void a_pause_is_silence_and_no_delay(void **state)
{
    rig *r = *state;

    (void)in_time(r, 50);
    for (unsigned pause = 0; pause < 10; pause++) {
        for (unsigned i = 0; i < 50; i++) {
            packet(r, true);
            (void)step(r);
            (void)step(r);
        }
        assert_true(step(r) == 0);
        (void)in_time(r, 50);
    }
    assert_true(so_playout_ms(r->playout) <= 60);
}

static void g711_is_heard(void **state)
{
    rig *r = *state;
    double quietest = 1;
    uint8_t bytes[160];

    for (unsigned i = 0; i < 400; i++) {
        for (unsigned n = 0; n < 160; n++) {
            int16_t sample = (int16_t)(LOUD * 32767 * sin(2 * M_PI * TONE_HZ * (i * 160 + n) / 8000));
            bytes[n] = i < 200 ? so_g711_to_ulaw(sample) : so_g711_to_alaw(sample);
        }
        so_playout_put(r->playout, i < 200 ? SO_MEDIA_PCMU : SO_MEDIA_PCMA, bytes, sizeof bytes, i * 160);
        for (unsigned n = 0; n < 2; n++) {
            double loud = step(r);
            quietest = i > 10 ? fmin(quietest, loud) : quietest;
        }
    }
    assert_true(quietest > LOUD / sqrt(2) * 0.95);
    assert_true(so_playout_ms(r->playout) <= 50);
}

static void what_is_no_packet_is_passed_over(void **state)
{
    static const uint8_t nonsense[4000] = {0xff, 0xff, 0xff, 0x3f};
    rig *r = *state;

    for (size_t len = 0; len < 200; len++) {
        so_playout_put(r->playout, SO_MEDIA_OPUS, nonsense, len, 0);
        so_playout_put(r->playout, SO_MEDIA_VP8, nonsense, len, 0);
    }
    so_playout_put(r->playout, SO_MEDIA_OPUS, nonsense, sizeof nonsense, 0);
    so_playout_put(r->playout, SO_MEDIA_PCMU, nonsense, sizeof nonsense, 0);
    assert_true(so_playout_ms(r->playout) <= SO_PLAYOUT_MOST);
    (void)step(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, done)

/* A voice, more or less: harmonics that begin with packet `from`. */
static void voice(rig *r, unsigned from, float out[PACKET])
{
    for (unsigned i = 0; i < PACKET; i++) {
        double at = 2 * M_PI * 140 * (r->sent * PACKET + i) / 48000, sum = 0;

        for (unsigned n = 1; n <= 12; n++)
            sum += sin(n * at + n * n) / n;
        out[i] = r->sent < from ? 0 : (float)(0.15 * sum);
    }
}

/* What is heard of the packet that was lost: it is where the voice begins, so that nobody could guess it. */
static double heard_of_lost(rig *r, bool repeats)
{
    const unsigned from = 20, lost = 21;
    double loudest = 0;

    assert_int_equal(opus_encoder_ctl(r->encoder, OPUS_RESET_STATE), OPUS_OK);
    assert_int_equal(opus_encoder_ctl(r->encoder, OPUS_SET_INBAND_FEC(repeats)), OPUS_OK);
    assert_int_equal(opus_encoder_ctl(r->encoder, OPUS_SET_PACKET_LOSS_PERC(repeats ? 30 : 0)), OPUS_OK);
    assert_int_equal(opus_encoder_ctl(r->encoder, OPUS_SET_BITRATE(24000)), OPUS_OK);
    for (r->sent = 0; r->sent < lost + 6;) {
        uint8_t bytes[1500];
        float sound[PACKET];
        int len;

        voice(r, from, sound);
        len = opus_encode_float(r->encoder, sound, PACKET, bytes, sizeof bytes);
        assert_true(len > 0);
        if (r->sent != lost && r->sent != lost - 1)
            so_playout_put(r->playout, SO_MEDIA_OPUS, bytes, (size_t)len, r->sent * PACKET);
        r->sent++;
        for (unsigned n = 0; n < 2; n++) {
            double level = step(r);

            /* 40 ms are kept back: the lost one is due two packets after the next has come. */
            if (r->sent == lost + 3)
                loudest = fmax(loudest, level);
        }
    }
    return loudest;
}

static void what_opus_says_again_is_heard(void **state)
{
    rig *r = *state;
    double without, with;
    int code;

    opus_encoder_destroy(r->encoder);
    r->encoder = opus_encoder_create(48000, 1, OPUS_APPLICATION_VOIP, &code);
    assert_non_null(r->encoder);
    without = heard_of_lost(r, false);
    so_playout_free(r->playout);
    assert_int_equal(so_playout_make(&r->playout, NULL), SO_OK);
    with = heard_of_lost(r, true);
    print_message("heard of a lost packet: %.3f, with FEC %.3f\n", without, with);
    assert_true(with > 0.05);
    assert_true(without < with / 3);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(begins_when_some_is_there_and_is_heard_whole),
        TEST(a_lost_packet_is_concealed),
        TEST(what_comes_late_is_waited_for_and_the_delay_goes_down_again),
        TEST(a_burst_keeps_back_no_more_than_allowed),
        TEST(clocks_that_run_apart_are_made_up_for),
        TEST(a_pause_is_silence_and_no_delay),
        TEST(what_opus_says_again_is_heard),
        TEST(g711_is_heard),
        TEST(what_is_no_packet_is_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
