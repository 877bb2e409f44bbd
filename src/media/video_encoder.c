#include "media/video_encoder.h"

#include "media/ffmpeg.h"
#include "media/video_encoder_inside.h"

#include <stdlib.h>

struct so_video_encoder {
    so_media_codec codec;
    so_vp8_encoder *vp8;
    so_h264_encoder *h264;
};

so_status so_video_encoder_make(so_video_encoder **made, so_media_codec codec, const so_video_setting *setting,
                                so_error *err)
{
    so_video_encoder *e = calloc(1, sizeof *e);
    so_status status;

    *made = NULL;
    if (e == NULL)
        return so_media_no_memory(err);
    e->codec = codec;
    status = codec == SO_MEDIA_VP8 ? so_vp8_encoder_make(&e->vp8, setting, err)
                                   : so_h264_encoder_make(&e->h264, setting, err);
    if (status == SO_OK)
        *made = e;
    else
        so_video_encoder_free(e);
    return status;
}

void so_video_encoder_free(so_video_encoder *e)
{
    if (e == NULL)
        return;
    so_vp8_encoder_free(e->vp8);
    so_h264_encoder_free(e->h264);
    free(e);
}

so_status so_video_encoder_encode(so_video_encoder *e, const AVFrame *picture, int64_t pts, int64_t duration, bool key,
                                  AVPacket *packet, so_error *err)
{
    return e->codec == SO_MEDIA_VP8 ? so_vp8_encoder_encode(e->vp8, picture, pts, duration, key, packet, err)
                                    : so_h264_encoder_encode(e->h264, picture, pts, key, packet, err);
}

so_status so_video_encoder_set(so_video_encoder *e, const so_video_setting *setting, so_error *err)
{
    return e->codec == SO_MEDIA_VP8 ? so_vp8_encoder_set(e->vp8, setting, err)
                                    : so_h264_encoder_set(e->h264, setting, err);
}
