/*
 * VP8 by libvpx itself, not through libavcodec: there another bit rate takes another encoder, which begins with a key
 * frame, just when the path has no room for one.
 */
#include "media/ffmpeg.h"
#include "media/video_encoder_inside.h"

#include <stdlib.h>
#include <string.h>
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#define TIMEBASE 90000
/* libvpx: below zero the speed is fixed; the higher, the faster. 8 is for a machine that does other things too. */
#define SPEED (-8)
/* Of the bits of a picture, in percent: what a key frame may take. Else it holds the path up for half a second. */
#define KEY_PERCENT 300

struct so_vp8_encoder {
    vpx_codec_ctx_t codec;
    vpx_codec_enc_cfg_t config;
    bool open;
};

static so_status failed(so_vp8_encoder *e, vpx_codec_err_t code, so_error *err)
{
    if (code == VPX_CODEC_MEM_ERROR)
        return so_media_no_memory(err);
    return so_fail(err, SO_IO, "media", "the VP8 encoder failed: %s; agree on H264, or send sound alone",
                   e->open && vpx_codec_error_detail(&e->codec) != NULL ? vpx_codec_error_detail(&e->codec)
                                                                        : vpx_codec_err_to_string(code));
}

static void configure(vpx_codec_enc_cfg_t *c, const so_video_setting *setting)
{
    c->g_w = setting->width;
    c->g_h = setting->height;
    c->g_timebase = (vpx_rational_t){1, TIMEBASE};
    c->g_threads = setting->width * setting->height > 640 * 480 ? 2 : 1;
    c->g_lag_in_frames = 0;
    c->g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
    c->g_pass = VPX_RC_ONE_PASS;
    c->rc_end_usage = VPX_CBR;
    c->rc_target_bitrate = setting->bitrate < 1000 ? 1 : setting->bitrate / 1000;
    c->rc_undershoot_pct = 100;
    c->rc_overshoot_pct = 15;
    c->rc_min_quantizer = 2;
    c->rc_max_quantizer = 56;
    c->rc_buf_sz = 1000; /* ms of the rate */
    c->rc_buf_initial_sz = 500;
    c->rc_buf_optimal_sz = 600;
    c->rc_dropframe_thresh = 0; /* so_ladder leaves pictures out, evenly */
    c->rc_resize_allowed = 0;
    c->kf_mode = VPX_KF_AUTO;
    c->kf_min_dist = 0;
    c->kf_max_dist = SO_VIDEO_KEY_SECONDS * setting->fps;
}

static so_status begin(so_vp8_encoder *e, const so_video_setting *setting, so_error *err)
{
    vpx_codec_err_t code = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &e->config, 0);

    if (code == VPX_CODEC_OK) {
        configure(&e->config, setting);
        code = vpx_codec_enc_init(&e->codec, vpx_codec_vp8_cx(), &e->config, 0);
    }
    e->open = code == VPX_CODEC_OK;
    if (e->open)
        code = vpx_codec_control(&e->codec, VP8E_SET_CPUUSED, SPEED);
    if (code == VPX_CODEC_OK)
        code = vpx_codec_control(&e->codec, VP8E_SET_STATIC_THRESHOLD, 1);
    if (code == VPX_CODEC_OK)
        code = vpx_codec_control(&e->codec, VP8E_SET_MAX_INTRA_BITRATE_PCT, KEY_PERCENT);
    return code == VPX_CODEC_OK ? SO_OK : failed(e, code, err);
}

static void end(so_vp8_encoder *e)
{
    if (e->open)
        (void)vpx_codec_destroy(&e->codec);
    e->open = false;
}

so_status so_vp8_encoder_make(so_vp8_encoder **made, const so_video_setting *setting, so_error *err)
{
    so_vp8_encoder *e = calloc(1, sizeof *e);
    so_status status;

    *made = NULL;
    if (e == NULL)
        return so_media_no_memory(err);
    status = begin(e, setting, err);
    if (status == SO_OK)
        *made = e;
    else
        so_vp8_encoder_free(e);
    return status;
}

void so_vp8_encoder_free(so_vp8_encoder *e)
{
    if (e == NULL)
        return;
    end(e);
    free(e);
}

so_status so_vp8_encoder_set(so_vp8_encoder *e, const so_video_setting *setting, so_error *err)
{
    vpx_codec_err_t code;

    if (setting->width != e->config.g_w || setting->height != e->config.g_h) {
        end(e);
        return begin(e, setting, err);
    }
    configure(&e->config, setting);
    code = vpx_codec_enc_config_set(&e->codec, &e->config);
    return code == VPX_CODEC_OK ? SO_OK : failed(e, code, err);
}

static so_status take_packet(so_vp8_encoder *e, AVPacket *packet, so_error *err)
{
    const vpx_codec_cx_pkt_t *made;
    vpx_codec_iter_t iter = NULL;

    while ((made = vpx_codec_get_cx_data(&e->codec, &iter)) != NULL) {
        if (made->kind != VPX_CODEC_CX_FRAME_PKT || made->data.frame.sz == 0)
            continue;
        if (av_new_packet(packet, (int)made->data.frame.sz) < 0)
            return so_media_no_memory(err);
        memcpy(packet->data, made->data.frame.buf, made->data.frame.sz);
        if (made->data.frame.flags & VPX_FRAME_IS_KEY)
            packet->flags |= AV_PKT_FLAG_KEY;
        return SO_OK; /* without lag there is one at most */
    }
    return SO_STATE;
}

so_status so_vp8_encoder_encode(so_vp8_encoder *e, const AVFrame *picture, int64_t pts, int64_t duration, bool key,
                                AVPacket *packet, so_error *err)
{
    vpx_image_t image;
    vpx_codec_err_t code;

    if (vpx_img_wrap(&image, VPX_IMG_FMT_I420, e->config.g_w, e->config.g_h, 1, picture->data[0]) == NULL)
        return failed(e, VPX_CODEC_INVALID_PARAM, err);
    for (unsigned plane = 0; plane < 3; plane++) {
        image.planes[plane] = picture->data[plane];
        image.stride[plane] = picture->linesize[plane];
    }
    code = vpx_codec_encode(&e->codec, &image, pts, (unsigned long)duration, key ? VPX_EFLAG_FORCE_KF : 0,
                            VPX_DL_REALTIME);
    return code == VPX_CODEC_OK ? take_packet(e, packet, err) : failed(e, code, err);
}
