/* A source in simulated time, decoders to look at what it sends, and files that the ffmpeg command makes. After unit.h.
 */
#ifndef SOTTO_TESTS_MEDIA_RIG_H
#define SOTTO_TESTS_MEDIA_RIG_H

#include "media/source.h"
#include "shell.h"

#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND_US 1000000u
#define STEP_US 5000u

static char folder[64];

static inline int rig_set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/sotto-media-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static inline int rig_tear_down(void **state)
{
    (void)state;
    shell("rm -rf %s", folder);
    return 0;
}

/* The path of a file in the test's folder; good until the next call but three. */
static inline const char *in_folder(const char *name)
{
    static char paths[4][128];
    static unsigned n;
    char *path = paths[n++ % 4];

    (void)snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Five seconds: stereo sound, and pictures of 320x180, both from FFmpeg's own generators. */
#define FFMPEG "ffmpeg -nostdin -v error -y "
#define MOVING "-f lavfi -i testsrc2=s=320x180:r=25:d=5 "
#define SOUND "-f lavfi -i 'sine=f=500:d=5,aformat=channel_layouts=stereo' "

typedef struct rig {
    so_source *source;
    uint64_t now;
    so_source_said last; /* what was said that was no frame */
    AVCodecContext *decoder[SO_MEDIA_KINDS];
    AVFrame *frame;
    AVPacket *packet;
} rig;

static inline so_source *source_of(const char *what, const so_source_options *options)
{
    so_source *s;
    so_error err = {0};

    if (so_source_open(&s, what, options, &err) != SO_OK)
        fail_msg("%s", err.text);
    return s;
}

static inline void rig_begin(rig *r, const char *what, const so_source_options *options, so_media_codec audio,
                             so_media_codec video)
{
    so_error err = {0};

    *r = (rig){.source = source_of(what, options), .now = 7 * SECOND_US, .last = SO_SOURCE_LATER};
    if (so_source_start(r->source, audio, video, &err) != SO_OK)
        fail_msg("%s", err.text);
    r->frame = av_frame_alloc();
    r->packet = av_packet_alloc();
}

static inline void rig_end(rig *r)
{
    so_source_close(r->source);
    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++)
        avcodec_free_context(&r->decoder[i]);
    av_frame_free(&r->frame);
    av_packet_free(&r->packet);
}

/* The next frame, at its time or at until_us, whichever is earlier. false: there was none. */
static inline bool rig_next(rig *r, uint64_t until_us, so_source_frame *frame)
{
    for (;;) {
        uint64_t next;
        so_source_said said;
        so_source_fill(r->source);
        said = so_source_next(r->source, r->now, frame, &next);
        if (said == SO_SOURCE_FRAME)
            return true;
        r->last = said != SO_SOURCE_LATER ? said : r->last;
        if (said == SO_SOURCE_LATER && next > until_us) {
            r->now = until_us;
            return false;
        }
        assert_true(said != SO_SOURCE_LATER || next > r->now);
        r->now = said == SO_SOURCE_LATER ? next : r->now;
    }
}

static inline enum AVCodecID rig_id(so_media_codec codec)
{
    static const enum AVCodecID ids[] = {AV_CODEC_ID_NONE,     AV_CODEC_ID_OPUS, AV_CODEC_ID_PCM_MULAW,
                                         AV_CODEC_ID_PCM_ALAW, AV_CODEC_ID_VP8,  AV_CODEC_ID_H264};
    return ids[codec];
}

/* Decodes a frame of the source; false: nothing came out. */
static inline bool rig_decode(rig *r, const so_source_frame *frame)
{
    AVCodecContext **decoder = &r->decoder[so_media_codec_kind(frame->codec)];

    if (*decoder == NULL) {
        *decoder = avcodec_alloc_context3(avcodec_find_decoder(rig_id(frame->codec)));
        (*decoder)->thread_count = 1;
        (*decoder)->flags |= AV_CODEC_FLAG_LOW_DELAY;
        (*decoder)->sample_rate = (int)so_media_codec_clock(frame->codec);
        av_channel_layout_default(&(*decoder)->ch_layout, frame->codec == SO_MEDIA_OPUS ? 2 : 1);
        assert_true(avcodec_open2(*decoder, NULL, NULL) >= 0);
    }
    assert_true(av_new_packet(r->packet, (int)frame->len) >= 0);
    memcpy(r->packet->data, frame->bytes, frame->len);
    assert_true(avcodec_send_packet(*decoder, r->packet) >= 0);
    av_packet_unref(r->packet);
    return avcodec_receive_frame(*decoder, r->frame) >= 0;
}

/* Root mean square of the decoded sound, 1 is full scale. */
static inline double rig_level(const rig *r)
{
    double sum = 0;

    for (int i = 0; i < r->frame->nb_samples; i++) {
        double sample = r->frame->format == AV_SAMPLE_FMT_FLTP  ? ((float *)(void *)r->frame->data[0])[i]
                        : r->frame->format == AV_SAMPLE_FMT_S16 ? ((int16_t *)(void *)r->frame->data[0])[i] / 32768.0
                                                                : NAN;
        sum += sample * sample;
    }
    return sqrt(sum / r->frame->nb_samples);
}

#endif
