#include "media/level.h"

#include "media/ffmpeg.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct so_media_level {
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
};

so_status so_media_level_make(so_media_level **made, so_error *err)
{
    const AVCodec *decoder = avcodec_find_decoder(AV_CODEC_ID_OPUS);
    so_media_level *level = calloc(1, sizeof *level);
    so_status status = SO_OK;

    *made = NULL;
    so_media_quiet();
    if (level != NULL && decoder != NULL) {
        level->codec = avcodec_alloc_context3(decoder);
        level->frame = av_frame_alloc();
        level->packet = av_packet_alloc();
    }
    if (decoder == NULL) {
        status = so_fail(err, SO_NOT_FOUND, "media",
                         "this machine's FFmpeg has no Opus decoder, so nobody can say how loud a call is; install one "
                         "that has");
    } else if (level == NULL || level->codec == NULL || level->frame == NULL || level->packet == NULL) {
        status = so_media_no_memory(err);
    } else {
        level->codec->sample_rate = 48000;
        level->codec->request_sample_fmt = AV_SAMPLE_FMT_FLTP;
        av_channel_layout_default(&level->codec->ch_layout, 2);
        if (avcodec_open2(level->codec, decoder, NULL) < 0)
            status = so_fail(err, SO_NOT_FOUND, "media",
                             "the Opus decoder of this machine's FFmpeg does not start; install another one");
    }
    if (status == SO_OK)
        *made = level;
    else
        so_media_level_free(level);
    return status;
}

void so_media_level_free(so_media_level *level)
{
    if (level == NULL)
        return;
    avcodec_free_context(&level->codec);
    av_frame_free(&level->frame);
    av_packet_free(&level->packet);
    free(level);
}

/* Adds the squares of a frame's samples; false: they are of a form that is not known here. */
static bool add_squares(const AVFrame *frame, double *sum, size_t *count)
{
    int channels = frame->ch_layout.nb_channels;
    bool planar = av_sample_fmt_is_planar((enum AVSampleFormat)frame->format) != 0;
    enum AVSampleFormat form = av_get_packed_sample_fmt((enum AVSampleFormat)frame->format);
    size_t each = (size_t)frame->nb_samples * (planar ? 1 : (size_t)channels);

    if (form != AV_SAMPLE_FMT_FLT && form != AV_SAMPLE_FMT_S16)
        return false;
    for (int c = 0; c < (planar ? channels : 1); c++)
        for (size_t i = 0; i < each; i++) {
            const void *plane = frame->extended_data[c];
            double v =
                form == AV_SAMPLE_FMT_FLT ? (double)((const float *)plane)[i] : ((const int16_t *)plane)[i] / 32768.0;
            *sum += v * v;
        }
    *count += (size_t)frame->nb_samples * (size_t)channels;
    return true;
}

so_status so_media_level_take(so_media_level *level, const uint8_t *bytes, size_t len, double *rms)
{
    double sum = 0;
    size_t count = 0;
    int code;

    *rms = 0;
    av_packet_unref(level->packet);
    if (len == 0 || len > INT_MAX / 2 || av_new_packet(level->packet, (int)len) < 0)
        return SO_BAD_INPUT;
    memcpy(level->packet->data, bytes, len);
    code = avcodec_send_packet(level->codec, level->packet);
    while (code >= 0) {
        code = avcodec_receive_frame(level->codec, level->frame);
        if (code >= 0 && !add_squares(level->frame, &sum, &count))
            code = AVERROR_INVALIDDATA;
        av_frame_unref(level->frame);
    }
    if (code != AVERROR(EAGAIN))
        return SO_BAD_INPUT;
    *rms = count == 0 ? 0 : sqrt(sum / (double)count);
    return SO_OK;
}
