/* Inside media/: the two that video_encoder.c chooses from. What they promise stands in video_encoder.h. */
#ifndef SOTTO_MEDIA_VIDEO_ENCODER_INSIDE_H
#define SOTTO_MEDIA_VIDEO_ENCODER_INSIDE_H

#include "media/video_encoder.h"

/* The receiver asks for key frames when it needs them; one now and then is for those who can't ask, files. */
#define SO_VIDEO_KEY_SECONDS 60

typedef struct so_vp8_encoder so_vp8_encoder;

so_status so_vp8_encoder_make(so_vp8_encoder **encoder, const so_video_setting *setting, so_error *err) SO_MUST_CHECK;
void so_vp8_encoder_free(so_vp8_encoder *encoder);
so_status so_vp8_encoder_encode(so_vp8_encoder *encoder, const AVFrame *picture, int64_t pts, int64_t duration,
                                bool key, AVPacket *packet, so_error *err) SO_MUST_CHECK;
so_status so_vp8_encoder_set(so_vp8_encoder *encoder, const so_video_setting *setting, so_error *err) SO_MUST_CHECK;

typedef struct so_h264_encoder so_h264_encoder;

/* libx264, or else libopenh264, or NULL. */
const struct AVCodec *so_h264_encoder_there(void);
so_status so_h264_encoder_make(so_h264_encoder **encoder, const so_video_setting *setting, so_error *err) SO_MUST_CHECK;
void so_h264_encoder_free(so_h264_encoder *encoder);
so_status so_h264_encoder_encode(so_h264_encoder *encoder, const AVFrame *picture, int64_t pts, bool key,
                                 AVPacket *packet, so_error *err) SO_MUST_CHECK;
so_status so_h264_encoder_set(so_h264_encoder *encoder, const so_video_setting *setting, so_error *err) SO_MUST_CHECK;

#endif
