/* H.264 by what libavcodec has: constrained baseline, level 3.1 (what calls agree on), Annex B, parameter sets in front
 * of each IDR picture (RFC 6184 §8.4 asks for no less). */
#include "media/ffmpeg.h"
#include "media/video_encoder_inside.h"

#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#define TIMEBASE 90000
#define RATE_LEAST 1000                    /* x264 counts kilobits, and fails at none of them */
#define CONSTRAINED_BASELINE (66 | 1 << 9) /* as FFmpeg counts profiles, by names that change */

struct so_h264_encoder {
    const AVCodec *encoder;
    AVCodecContext *codec;
    AVFrame *view; /* the picture with what an encoder wants to know of it */
    bool follows;  /* another rate takes no new encoder */
};

static so_status failed(int code, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_IO, "media", "the H.264 encoder failed: %s; agree on VP8, or send sound alone",
                   so_media_why(code, why));
}

static void set_rate(AVCodecContext *c, unsigned bitrate)
{
    if (bitrate < RATE_LEAST)
        bitrate = RATE_LEAST;
    c->bit_rate = bitrate;
    c->rc_max_rate = bitrate;
    c->rc_buffer_size = (int)bitrate; /* a second's worth */
}

static so_status begin(so_h264_encoder *e, const so_video_setting *setting, so_error *err)
{
    AVCodecContext *c = avcodec_alloc_context3(e->encoder);
    int code;

    e->codec = c;
    if (c == NULL)
        return so_media_no_memory(err);
    c->width = (int)setting->width;
    c->height = (int)setting->height;
    c->pix_fmt = AV_PIX_FMT_YUV420P;
    c->time_base = (AVRational){1, TIMEBASE};
    c->framerate = (AVRational){(int)setting->fps, 1};
    c->gop_size = SO_VIDEO_KEY_SECONDS * (int)setting->fps;
    c->max_b_frames = 0;
    c->thread_count = 1; /* more would each cost a picture of delay, or slices */
    c->level = 31;
    c->profile = CONSTRAINED_BASELINE;
    set_rate(c, setting->bitrate);
    /* What one encoder does not know, another has no need of. */
    (void)av_opt_set(c->priv_data, "preset", "superfast", 0);
    (void)av_opt_set(c->priv_data, "tune", "zerolatency", 0);
    if (e->follows) {
        (void)av_opt_set(c->priv_data, "profile", "baseline", 0);
        (void)av_opt_set(c->priv_data, "forced-idr", "1", 0);
        (void)av_opt_set(c->priv_data, "x264-params", "scenecut=0:repeat-headers=1:annexb=1:sliced-threads=0", 0);
    } else {
        (void)av_opt_set(c->priv_data, "rc_mode", "bitrate", 0);
    }
    code = avcodec_open2(c, e->encoder, NULL);
    return code < 0 ? failed(code, err) : SO_OK;
}

const AVCodec *so_h264_encoder_there(void)
{
    const AVCodec *x264 = avcodec_find_encoder_by_name("libx264");

    return x264 != NULL ? x264 : avcodec_find_encoder_by_name("libopenh264");
}

so_status so_h264_encoder_make(so_h264_encoder **made, const so_video_setting *setting, so_error *err)
{
    const AVCodec *encoder = so_h264_encoder_there();
    so_h264_encoder *e;
    so_status status;

    *made = NULL;
    if (encoder == NULL)
        return so_fail(err, SO_NOT_FOUND, "media",
                       "this machine's FFmpeg has no encoder for H.264 (libx264 or libopenh264); install one that has, "
                       "or agree on VP8");
    e = calloc(1, sizeof *e);
    if (e == NULL || (e->view = av_frame_alloc()) == NULL) {
        so_h264_encoder_free(e);
        return so_media_no_memory(err);
    }
    e->encoder = encoder;
    e->follows = strcmp(encoder->name, "libx264") == 0;
    status = begin(e, setting, err);
    if (status == SO_OK)
        *made = e;
    else
        so_h264_encoder_free(e);
    return status;
}

void so_h264_encoder_free(so_h264_encoder *e)
{
    if (e == NULL)
        return;
    avcodec_free_context(&e->codec);
    av_frame_free(&e->view);
    free(e);
}

so_status so_h264_encoder_set(so_h264_encoder *e, const so_video_setting *setting, so_error *err)
{
    if (e->follows && setting->width == (unsigned)e->codec->width && setting->height == (unsigned)e->codec->height) {
        set_rate(e->codec, setting->bitrate);
        return SO_OK;
    }
    avcodec_free_context(&e->codec);
    return begin(e, setting, err);
}

so_status so_h264_encoder_encode(so_h264_encoder *e, const AVFrame *picture, int64_t pts, bool key, AVPacket *packet,
                                 so_error *err)
{
    int code;

    av_frame_unref(e->view);
    code = av_frame_ref(e->view, picture);
    if (code >= 0) {
        e->view->pts = pts;
        e->view->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
        code = avcodec_send_frame(e->codec, e->view);
    }
    if (code >= 0)
        code = avcodec_receive_packet(e->codec, packet);
    av_frame_unref(e->view);
    if (code == AVERROR(EAGAIN))
        return SO_STATE;
    return code < 0 ? failed(code, err) : SO_OK;
}
