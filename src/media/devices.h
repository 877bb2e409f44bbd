/* Inside media/: the machine's microphone, camera and screen, opened. */
#ifndef SOTTO_MEDIA_DEVICES_H
#define SOTTO_MEDIA_DEVICES_H

#include "base/status.h"

#include <libavformat/avformat.h>

/* SO_NOT_FOUND: there is none, or nobody that could ask it; err says what is missing. SO_NO_MEMORY. */
so_status so_device_mic(AVFormatContext **format, so_error *err) SO_MUST_CHECK;
so_status so_device_camera(AVFormatContext **format, unsigned fps, so_error *err) SO_MUST_CHECK;
so_status so_device_screen(AVFormatContext **format, unsigned fps, so_error *err) SO_MUST_CHECK;

#endif
