/* Inside media/: what "test" sends: a tone with a beep each second, and a moving picture with a clock. */
#ifndef SOTTO_MEDIA_SIGNAL_H
#define SOTTO_MEDIA_SIGNAL_H

#include "base/status.h"

#include <libavutil/frame.h>

#define SO_SIGNAL_WIDTH 640
#define SO_SIGNAL_HEIGHT 360
#define SO_SIGNAL_FPS 30
#define SO_SIGNAL_RATE 48000
#define SO_SIGNAL_SAMPLES 960 /* of a frame, 20 ms */

/* Blank frames of the form that the two below fill. */
so_status so_signal_sound_frame(AVFrame *frame) SO_MUST_CHECK;
so_status so_signal_picture_frame(AVFrame *frame) SO_MUST_CHECK;

/* The nth frame of sound: 440 Hz at a quarter of full scale, and for the first 40 ms of each second 1 kHz at half. */
so_status so_signal_sound(AVFrame *frame, uint64_t n) SO_MUST_CHECK;
/*
 * The picture of media time time_us, whose clock shows clock_ms: the strip of media/clock_strip.h at the top, the same
 * time as digits below, and a bar that crosses the picture once in two seconds.
 */
so_status so_signal_picture(AVFrame *frame, uint64_t time_us, uint32_t clock_ms) SO_MUST_CHECK;

#endif
