/* Inside media/: decoded pictures of any form into VP8 or H.264, as large and as often as was asked for. */
#ifndef SOTTO_MEDIA_PICTURE_H
#define SOTTO_MEDIA_PICTURE_H

#include "media/codec.h"
#include "media/emit.h"
#include "media/video_encoder.h"

typedef struct so_picture so_picture;

/* setting: the most that a picture may have, and the rate to begin with. */
so_status so_picture_make(so_picture **picture, so_media_codec codec, const so_video_setting *setting,
                          so_error *err) SO_MUST_CHECK;
void so_picture_free(so_picture *picture); /* NULL is allowed */
/* Is a picture of that time wanted, or is it one too many a second? */
bool so_picture_wants(const so_picture *picture, int64_t time_us);
/* turns: by how many quarters, clockwise, the picture is to be turned to stand upright. */
so_status so_picture_put(so_picture *picture, const AVFrame *frame, int64_t time_us, unsigned turns, bool key,
                         const so_emit *emit, so_error *err) SO_MUST_CHECK;
void so_picture_set_bitrate(so_picture *picture, unsigned bits);

#endif
