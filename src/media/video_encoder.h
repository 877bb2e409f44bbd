/* Pictures into VP8 or H.264 for a call: one in, one out, nothing that needs a later picture, key frames on demand. */
#ifndef SOTTO_MEDIA_VIDEO_ENCODER_H
#define SOTTO_MEDIA_VIDEO_ENCODER_H

#include "base/status.h"
#include "media/codec.h"

#include <libavcodec/avcodec.h>

typedef struct so_video_encoder so_video_encoder;

typedef struct so_video_setting {
    unsigned width, height, fps; /* the sides are even */
    unsigned bitrate;
} so_video_setting;

/* SO_NOT_FOUND: this machine has no encoder for the codec. */
so_status so_video_encoder_make(so_video_encoder **encoder, so_media_codec codec, const so_video_setting *setting,
                                so_error *err) SO_MUST_CHECK;
void so_video_encoder_free(so_video_encoder *encoder); /* NULL is allowed */

/*
 * Encodes a picture of the setting's size, in yuv420p, that is shown at pts (in 1/90000 s) until duration later, into
 * packet, which is blank. SO_STATE: the encoder left it out, to keep to its rate. SO_IO: the encoder failed.
 */
so_status so_video_encoder_encode(so_video_encoder *encoder, const AVFrame *picture, int64_t pts, int64_t duration,
                                  bool key, AVPacket *packet, so_error *err) SO_MUST_CHECK;
/* Another rate comes into effect with the next picture; another size or number of pictures begins with a key frame. */
so_status so_video_encoder_set(so_video_encoder *encoder, const so_video_setting *setting, so_error *err) SO_MUST_CHECK;

#endif
