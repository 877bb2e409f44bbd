/* Inside media/: how FFmpeg's faults become ours. */
#ifndef SOTTO_MEDIA_FFMPEG_H
#define SOTTO_MEDIA_FFMPEG_H

#include "base/status.h"

#include <libavutil/error.h>
#include <libavutil/log.h>

/* What FFmpeg has to say reaches people through so_error alone. */
static inline void so_media_quiet(void)
{
    av_log_set_level(AV_LOG_QUIET);
}

static inline const char *so_media_why(int code, char text[AV_ERROR_MAX_STRING_SIZE])
{
    (void)av_strerror(code, text, AV_ERROR_MAX_STRING_SIZE);
    return text;
}

static inline so_status so_media_no_memory(so_error *err)
{
    return so_fail(err, SO_NO_MEMORY, "media", "no memory is left for sound; end other programs");
}

#endif
