#include "media/picture.h"

#include "media/ffmpeg.h"
#include "media/ladder.h"

#include <libavutil/imgutils.h>
#include <libavutil/mathematics.h>
#include <libswscale/swscale.h>
#include <stdlib.h>

#define CLOCK 90000
#define SECOND_US 1000000
#define SIDE_LEAST 16 /* of what encoders take */
/* A larger picture comes back only after a while: each change of size costs a key frame. */
#define STEADY_US (3 * SECOND_US)

struct so_picture {
    so_video_setting most, now;
    so_video_encoder *encoder;
    unsigned bitrate, rung;
    struct SwsContext *scaler;
    AVFrame *scaled, *turned;
    AVPacket *packet;
    int64_t due_us;     /* of the next picture that is wanted */
    int64_t changed_us; /* when the size last changed */
    int64_t at;         /* of the last picture, in the clock's units */
    bool begun, configured;
};

so_status so_picture_make(so_picture **made, so_media_codec codec, const so_video_setting *setting, so_error *err)
{
    so_picture *p = calloc(1, sizeof *p);
    so_status status;

    *made = NULL;
    if (p == NULL)
        return so_media_no_memory(err);
    p->most = p->now = *setting;
    p->bitrate = setting->bitrate;
    p->scaled = av_frame_alloc();
    p->turned = av_frame_alloc();
    p->packet = av_packet_alloc();
    if (p->scaled == NULL || p->turned == NULL || p->packet == NULL)
        status = so_media_no_memory(err);
    else /* of some size: whether there is an encoder at all must be known before a picture is */
        status = so_video_encoder_make(&p->encoder, codec, setting, err);
    if (status == SO_OK)
        *made = p;
    else
        so_picture_free(p);
    return status;
}

void so_picture_free(so_picture *p)
{
    if (p == NULL)
        return;
    so_video_encoder_free(p->encoder);
    sws_freeContext(p->scaler);
    av_frame_free(&p->scaled);
    av_frame_free(&p->turned);
    av_packet_free(&p->packet);
    free(p);
}

void so_picture_set_bitrate(so_picture *p, unsigned bits)
{
    p->bitrate = bits;
}

static int64_t interval_us(const so_picture *p)
{
    return SECOND_US / p->now.fps;
}

bool so_picture_wants(const so_picture *p, int64_t time_us)
{
    return !p->begun || time_us >= p->due_us - interval_us(p) / 4; /* timestamps are rounded, and cameras tremble */
}

/* ---- size ---- */

static unsigned even(int64_t side)
{
    return side < SIDE_LEAST ? SIDE_LEAST : (unsigned)side & ~1u;
}

/* As large as the most allows, upright, of square pixels, never larger than it is. */
static so_ladder_rung fit(const so_picture *p, const AVFrame *frame, unsigned turns)
{
    AVRational pixel = frame->sample_aspect_ratio;
    int64_t w = frame->width, h = frame->height;

    if (pixel.num > 0 && pixel.den > 0 && pixel.num < 16 * pixel.den && pixel.den < 16 * pixel.num) {
        if (pixel.num > pixel.den)
            w = av_rescale(w, pixel.num, pixel.den);
        else
            h = av_rescale(h, pixel.den, pixel.num);
    }
    if (turns % 2 == 1) {
        int64_t side = w;
        w = h;
        h = side;
    }
    if (w > p->most.width) {
        h = av_rescale(h, p->most.width, w);
        w = p->most.width;
    }
    if (h > p->most.height) {
        w = av_rescale(w, p->most.height, h);
        h = p->most.height;
    }
    return (so_ladder_rung){even(w), even(h), p->most.fps};
}

static so_status adjust(so_picture *p, const AVFrame *frame, int64_t time_us, unsigned turns, so_error *err)
{
    so_ladder_rung full = fit(p, frame, turns), rung;
    unsigned chosen = so_ladder_choose(full, p->rung, p->bitrate);
    so_video_setting want;

    if (chosen > p->rung || !p->configured || time_us - p->changed_us >= STEADY_US)
        p->rung = chosen;
    rung = so_ladder_at(full, p->rung);
    want = (so_video_setting){even(rung.width), even(rung.height), rung.fps, p->bitrate};
    if (p->configured && want.width == p->now.width && want.height == p->now.height && want.fps == p->now.fps &&
        want.bitrate == p->now.bitrate)
        return SO_OK;
    if (want.width != p->now.width || want.height != p->now.height)
        p->changed_us = time_us;
    p->now = want;
    p->configured = true;
    return so_video_encoder_set(p->encoder, &want, err);
}

/* ---- form ---- */

static so_status failed(so_error *err, int code)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_IO, "media",
                   "the picture can't be converted: %s; convert the file with: ffmpeg -i FILE out.webm",
                   so_media_why(code, why));
}

static int blank(AVFrame *frame, unsigned width, unsigned height)
{
    if (frame->width == (int)width && frame->height == (int)height)
        return av_frame_make_writable(frame);
    av_frame_unref(frame);
    frame->width = (int)width;
    frame->height = (int)height;
    frame->format = AV_PIX_FMT_YUV420P;
    return av_frame_get_buffer(frame, 0);
}

static int scale(so_picture *p, const AVFrame *frame, unsigned width, unsigned height)
{
    int code = blank(p->scaled, width, height), *inverse, *table, in_range, out_range, brightness, contrast, saturation;

    if (code < 0)
        return code;
    p->scaler = sws_getCachedContext(p->scaler, frame->width, frame->height, (enum AVPixelFormat)frame->format,
                                     (int)width, (int)height, AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
    if (p->scaler == NULL)
        return AVERROR(EINVAL);
    if (frame->color_range == AVCOL_RANGE_JPEG &&
        sws_getColorspaceDetails(p->scaler, &inverse, &in_range, &table, &out_range, &brightness, &contrast,
                                 &saturation) >= 0 &&
        in_range == 0)
        (void)sws_setColorspaceDetails(p->scaler, inverse, 1, table, 0, brightness, contrast, saturation);
    return sws_scale(p->scaler, (const uint8_t *const *)(uintptr_t)frame->data, frame->linesize, 0, frame->height,
                     p->scaled->data, p->scaled->linesize);
}

static void turn_plane(uint8_t *out, int out_stride, const uint8_t *in, int in_stride, int width, int height,
                       unsigned turns)
{
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int to_x = turns == 1 ? height - 1 - y : turns == 2 ? width - 1 - x : y;
            int to_y = turns == 1 ? x : turns == 2 ? height - 1 - y : width - 1 - x;
            out[to_y * out_stride + to_x] = in[y * in_stride + x];
        }
}

static int turn(so_picture *p, unsigned turns)
{
    int code = blank(p->turned, p->now.width, p->now.height);

    for (int plane = 0; code >= 0 && plane < 3; plane++)
        turn_plane(p->turned->data[plane], p->turned->linesize[plane], p->scaled->data[plane],
                   p->scaled->linesize[plane], p->scaled->width >> (plane > 0), p->scaled->height >> (plane > 0),
                   turns);
    return code;
}

/* The frame as the encoder takes it. */
static const AVFrame *form(so_picture *p, const AVFrame *frame, unsigned turns, int *code)
{
    bool sideways = turns % 2 == 1;

    *code = 0;
    if (turns == 0 && frame->format == AV_PIX_FMT_YUV420P && frame->color_range != AVCOL_RANGE_JPEG &&
        frame->width == (int)p->now.width && frame->height == (int)p->now.height)
        return frame;
    *code = scale(p, frame, sideways ? p->now.height : p->now.width, sideways ? p->now.width : p->now.height);
    if (*code >= 0 && turns != 0)
        *code = turn(p, turns);
    return turns != 0 ? p->turned : p->scaled;
}

static so_status encode(so_picture *p, const AVFrame *frame, int64_t time_us, bool key, const so_emit *emit,
                        so_error *err)
{
    int64_t at = av_rescale(time_us, CLOCK, SECOND_US), duration = CLOCK / p->now.fps;
    so_status status;

    if (p->begun && at <= p->at)
        at = p->at + 1;
    status = so_video_encoder_encode(p->encoder, frame, at, duration, key, p->packet, err);
    p->at = at;
    p->begun = true;
    if (status == SO_STATE)
        return SO_OK;
    if (status == SO_OK)
        status = emit->packet(emit->user, p->packet, at, duration);
    av_packet_unref(p->packet);
    return status;
}

so_status so_picture_put(so_picture *p, const AVFrame *frame, int64_t time_us, unsigned turns, bool key,
                         const so_emit *emit, so_error *err)
{
    const AVFrame *formed;
    so_status status;
    int code;

    if (frame->width <= 0 || frame->height <= 0)
        return SO_OK;
    status = adjust(p, frame, time_us, turns, err);
    if (status != SO_OK)
        return status;
    formed = form(p, frame, turns, &code);
    if (code < 0)
        return failed(err, code);
    p->due_us =
        !p->begun || time_us > p->due_us + interval_us(p) ? time_us + interval_us(p) : p->due_us + interval_us(p);
    return encode(p, formed, time_us, key, emit, err);
}
