/* Inside media/: the machine's microphone, camera, screen and loudspeaker, opened. */
#ifndef SOTTO_MEDIA_DEVICES_H
#define SOTTO_MEDIA_DEVICES_H

#include "base/status.h"

#include <libavformat/avformat.h>

/* SO_NOT_FOUND: there is none, or nobody that could ask it; err says what is missing. SO_NO_MEMORY. */
so_status so_device_mic(AVFormatContext **format, so_error *err) SO_MUST_CHECK;
so_status so_device_camera(AVFormatContext **format, unsigned fps, so_error *err) SO_MUST_CHECK;
so_status so_device_screen(AVFormatContext **format, unsigned fps, so_error *err) SO_MUST_CHECK;
/* For 32-bit floats in this machine's order of bytes; where it has no room, av_write_frame says AVERROR(EAGAIN). */
so_status so_device_speaker(AVFormatContext **format, int rate, int channels, so_error *err) SO_MUST_CHECK;
/* Of what was written up to this time of the stream's, is there so much left to play that more would only wait? */
bool so_device_holds_enough(AVFormatContext *format, int64_t time);
void so_device_close_output(AVFormatContext *format); /* NULL is allowed */

#endif
