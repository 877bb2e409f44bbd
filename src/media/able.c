#include "media/able.h"

#include "media/ffmpeg.h"
#include "media/video_encoder_inside.h"

#include <opus/opus.h>
#include <stddef.h>
#include <stdio.h>
#include <vpx/vpx_encoder.h>

static const char *decoder(enum AVCodecID id)
{
    const AVCodec *found = avcodec_find_decoder(id);

    return found == NULL ? NULL : found->name;
}

so_media_able so_media_able_of(so_media_codec codec)
{
    const AVCodec *h264 = so_h264_encoder_there();

    switch (codec) {
    case SO_MEDIA_OPUS:
        return (so_media_able){"libopus", decoder(AV_CODEC_ID_OPUS)};
    case SO_MEDIA_PCMU: /* a table of 256 values, and none of FFmpeg's */
        return (so_media_able){"built in", decoder(AV_CODEC_ID_PCM_MULAW)};
    case SO_MEDIA_PCMA:
        return (so_media_able){"built in", decoder(AV_CODEC_ID_PCM_ALAW)};
    case SO_MEDIA_VP8:
        return (so_media_able){"libvpx", decoder(AV_CODEC_ID_VP8)};
    case SO_MEDIA_H264:
        return (so_media_able){h264 == NULL ? NULL : h264->name, decoder(AV_CODEC_ID_H264)};
    case SO_MEDIA_NONE:
        break;
    }
    return (so_media_able){NULL, NULL};
}

void so_media_libraries_of(so_media_libraries *out)
{
    unsigned version = avcodec_version();

    (void)snprintf(out->avcodec, sizeof out->avcodec, "libavcodec %u.%u.%u", version >> 16, version >> 8 & 0xff,
                   version & 0xff);
    (void)snprintf(out->opus, sizeof out->opus, "%s", opus_get_version_string());
    (void)snprintf(out->vpx, sizeof out->vpx, "libvpx %s", vpx_codec_version_str());
}
