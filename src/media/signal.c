#include "media/signal.h"

#include "media/clock_strip.h"

#include <libavutil/channel_layout.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define PI 3.14159265358979323846
#define TONE_HERTZ 440 /* both whole numbers of waves a second, so that seconds follow each other without a seam */
#define TONE_AMPLITUDE 0.25
#define BEEP_HERTZ 1000
#define BEEP_AMPLITUDE 0.5
#define BEEP_SAMPLES (SO_SIGNAL_RATE / 25)

#define DOT 10 /* pixels of a digit's dot; a digit is 3 × 5 dots */
#define DIGIT_STEP (4 * DOT)
#define DIGITS_TOP 120
#define DIGITS_LENGTH 12 /* "00:00:00.000" */
#define BAR_TOP 220
#define BAR_HEIGHT 100
#define BAR_WIDTH 48
#define CROSSING_US 2000000

static so_status made(int code)
{
    return code < 0 ? SO_NO_MEMORY : SO_OK;
}

so_status so_signal_sound_frame(AVFrame *frame)
{
    frame->format = AV_SAMPLE_FMT_FLT;
    frame->nb_samples = SO_SIGNAL_SAMPLES;
    frame->sample_rate = SO_SIGNAL_RATE;
    av_channel_layout_default(&frame->ch_layout, 1);
    return made(av_frame_get_buffer(frame, 0));
}

so_status so_signal_picture_frame(AVFrame *frame)
{
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = SO_SIGNAL_WIDTH;
    frame->height = SO_SIGNAL_HEIGHT;
    return made(av_frame_get_buffer(frame, 0));
}

so_status so_signal_sound(AVFrame *frame, uint64_t n)
{
    float *samples;

    if (av_frame_make_writable(frame) < 0)
        return SO_NO_MEMORY;
    samples = (float *)(void *)frame->data[0];
    for (unsigned i = 0; i < SO_SIGNAL_SAMPLES; i++) {
        unsigned at = (unsigned)((n * SO_SIGNAL_SAMPLES + i) % SO_SIGNAL_RATE);
        bool beep = at < BEEP_SAMPLES;
        double waves = (double)at * (beep ? BEEP_HERTZ : TONE_HERTZ) / SO_SIGNAL_RATE;
        samples[i] = (float)((beep ? BEEP_AMPLITUDE : TONE_AMPLITUDE) * sin(2 * PI * waves));
    }
    return SO_OK;
}

static void fill(AVFrame *frame, int left, int top, int width, int height, uint8_t luma)
{
    for (int y = top; y < top + height; y++)
        memset(frame->data[0] + y * frame->linesize[0] + left, luma, (size_t)width);
}

static void draw_digit(AVFrame *frame, int left, char what)
{
    /* five lines of three dots each, in octal */
    static const uint16_t digits[10] = {075557, 026227, 071747, 071717, 055711, 074717, 074757, 071111, 075757, 075717};
    uint16_t dots = what == ':' ? 002020 : what == '.' ? 000002 : digits[what - '0'];

    for (int i = 0; i < 15; i++)
        if (dots >> (14 - i) & 1)
            fill(frame, left + i % 3 * DOT, DIGITS_TOP + i / 3 * DOT, DOT, DOT, 235);
}

static void draw_digits(AVFrame *frame, uint32_t ms)
{
    char text[DIGITS_LENGTH + 8];
    int left = (SO_SIGNAL_WIDTH - DIGITS_LENGTH * DIGIT_STEP) / 2;

    (void)snprintf(text, sizeof text, "%02u:%02u:%02u.%03u", ms / 3600000 % 100, ms / 60000 % 60, ms / 1000 % 60,
                   ms % 1000);
    for (int i = 0; i < DIGITS_LENGTH; i++)
        draw_digit(frame, left + i * DIGIT_STEP, text[i]);
}

/* Slopes of brightness and colour, so that a picture that was coded too coarsely shows it. */
static void draw_ground(AVFrame *frame)
{
    for (int y = 0; y < SO_SIGNAL_HEIGHT; y++)
        memset(frame->data[0] + y * frame->linesize[0], 40 + y / 6, SO_SIGNAL_WIDTH);
    for (int plane = 1; plane < 3; plane++)
        for (int y = 0; y < SO_SIGNAL_HEIGHT / 2; y++)
            for (int x = 0; x < SO_SIGNAL_WIDTH / 2; x++)
                frame->data[plane][y * frame->linesize[plane] + x] =
                    (uint8_t)(2 * y < (int)so_clock_strip_height(SO_SIGNAL_WIDTH) ? 128
                                                                                  : 96 + (plane == 1 ? x / 5 : y / 3));
}

so_status so_signal_picture(AVFrame *frame, uint64_t time_us, uint32_t clock_ms)
{
    int left = (int)(time_us % CROSSING_US * (SO_SIGNAL_WIDTH - BAR_WIDTH) / CROSSING_US);

    if (av_frame_make_writable(frame) < 0)
        return SO_NO_MEMORY;
    draw_ground(frame);
    fill(frame, left, BAR_TOP, BAR_WIDTH, BAR_HEIGHT, 200);
    draw_digits(frame, clock_ms);
    so_clock_strip_draw(frame->data[0], (size_t)frame->linesize[0], SO_SIGNAL_WIDTH, clock_ms);
    return SO_OK;
}
