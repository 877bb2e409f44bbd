#include "media/tone.h"

#include "media/ffmpeg.h"
#include "rtp/opus.h"

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HERTZ 440 /* a whole number of waves a second, so that one second follows itself without a seam */
#define FRAME_SAMPLES (SO_OPUS_RATE / 50)
#define FRAMES 50
/* The first second is for the encoder to come to itself; the second one is kept. */
#define WARM_UP FRAMES
#define AMPLITUDE 0.25
#define PACKET_MAX 1275 /* RFC 6716 §3.4, R2: of one frame */

struct so_media_tone {
    struct {
        uint8_t bytes[PACKET_MAX];
        size_t len;
        uint32_t samples;
    } packets[FRAMES];
    size_t count;
    size_t next;
};

typedef struct encoding {
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    size_t seen; /* packets that the encoder gave */
} encoding;

static void end_encoding(encoding *e)
{
    avcodec_free_context(&e->codec);
    av_frame_free(&e->frame);
    av_packet_free(&e->packet);
}

static so_status begin_encoding(encoding *e, const AVCodec *encoder)
{
    e->codec = avcodec_alloc_context3(encoder);
    e->frame = av_frame_alloc();
    e->packet = av_packet_alloc();
    if (e->codec == NULL || e->frame == NULL || e->packet == NULL)
        return SO_NO_MEMORY;
    e->codec->sample_rate = SO_OPUS_RATE;
    e->codec->sample_fmt = AV_SAMPLE_FMT_FLT;
    e->codec->bit_rate = 32000;
    e->codec->time_base = (AVRational){1, SO_OPUS_RATE};
    av_channel_layout_default(&e->codec->ch_layout, 1);
    (void)av_opt_set(e->codec->priv_data, "frame_duration", "20", 0);
    if (avcodec_open2(e->codec, encoder, NULL) < 0 || e->codec->frame_size != FRAME_SAMPLES)
        return SO_IO;
    e->frame->nb_samples = FRAME_SAMPLES;
    e->frame->format = AV_SAMPLE_FMT_FLT;
    e->frame->sample_rate = SO_OPUS_RATE;
    if (av_channel_layout_copy(&e->frame->ch_layout, &e->codec->ch_layout) < 0 || av_frame_get_buffer(e->frame, 0) < 0)
        return SO_NO_MEMORY;
    return SO_OK;
}

static so_status keep_packets(encoding *e, so_media_tone *tone)
{
    int code;

    while ((code = avcodec_receive_packet(e->codec, e->packet)) >= 0) {
        so_opus_info info;
        bool keep = e->seen++ >= WARM_UP && tone->count < FRAMES;
        if (keep &&
            (e->packet->size > PACKET_MAX || so_opus_parse(&info, e->packet->data, (size_t)e->packet->size) != SO_OK))
            code = AVERROR_BUG;
        if (keep && code >= 0) {
            memcpy(tone->packets[tone->count].bytes, e->packet->data, (size_t)e->packet->size);
            tone->packets[tone->count].len = (size_t)e->packet->size;
            tone->packets[tone->count++].samples = info.samples;
        }
        av_packet_unref(e->packet);
        if (code < 0)
            break;
    }
    return code == AVERROR(EAGAIN) ? SO_OK : SO_IO;
}

static so_status encode(encoding *e, so_media_tone *tone)
{
    so_status status = SO_OK;

    /* some frames more than are kept: an encoder may hold the last ones back */
    for (size_t n = 0; status == SO_OK && tone->count < FRAMES && n < WARM_UP + 2 * FRAMES; n++) {
        float *samples;
        if (av_frame_make_writable(e->frame) < 0)
            return SO_NO_MEMORY;
        samples = (float *)(void *)e->frame->data[0];
        for (size_t i = 0; i < FRAME_SAMPLES; i++) {
            size_t at = (n * FRAME_SAMPLES + i) % SO_OPUS_RATE;
            samples[i] = (float)(AMPLITUDE * sin(2 * 3.14159265358979323846 * HERTZ * (double)at / SO_OPUS_RATE));
        }
        e->frame->pts = (int64_t)(n * FRAME_SAMPLES);
        if (avcodec_send_frame(e->codec, e->frame) < 0)
            return SO_IO;
        status = keep_packets(e, tone);
    }
    return status == SO_OK && tone->count < FRAMES ? SO_IO : status;
}

so_status so_media_tone_make(so_media_tone **made, so_error *err)
{
    const AVCodec *encoder;
    encoding e = {NULL, NULL, NULL, 0};
    so_media_tone *tone;
    so_status status;

    *made = NULL;
    so_media_quiet();
    /* FFmpeg's own "opus" encoder is experimental, and worse than none. */
    encoder = avcodec_find_encoder_by_name("libopus");
    if (encoder == NULL)
        return so_fail(
            err, SO_NOT_FOUND, "media",
            "this machine's FFmpeg has no Opus encoder (libopus), so there is no tone to send; install one that "
            "has, or send a file");
    tone = calloc(1, sizeof *tone);
    if (tone == NULL)
        return so_media_no_memory(err);
    status = begin_encoding(&e, encoder);
    if (status == SO_OK)
        status = encode(&e, tone);
    end_encoding(&e);
    if (status == SO_OK) {
        *made = tone;
        return SO_OK;
    }
    so_media_tone_free(tone);
    if (status == SO_NO_MEMORY)
        return so_media_no_memory(err);
    return so_fail(err, status, "media", "the Opus encoder of this machine's FFmpeg failed; send a file instead");
}

void so_media_tone_free(so_media_tone *tone)
{
    free(tone);
}

so_media_packet so_media_tone_next(so_media_tone *tone)
{
    size_t i = tone->next;

    tone->next = (i + 1) % tone->count;
    return (so_media_packet){tone->packets[i].bytes, tone->packets[i].len, tone->packets[i].samples};
}
