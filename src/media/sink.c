#include "media/sink.h"

#include "media/align.h"
#include "media/ffmpeg.h"
#include "media/sink_inside.h"
#include "rtp/opus.h"

#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECOND_US 1000000
#define PATIENCE_US (3 * SECOND_US)
#define HELD_MOST 512
#define HELD_BYTES 4000000
/* Before its first key frame has come, the file's head must say some size. Players look at the key frame. */
#define SOME_WIDTH 640
#define SOME_HEIGHT 360
#define GAP_US 1000         /* less is rounding */
#define FRAME_MOST 16000000 /* bytes; what FFmpeg counts in ints stays far from their end */

#define TAKES(codec) SO_MEDIA_BIT(SO_MEDIA_##codec)
static const struct container {
    const char *ending, *format;
    unsigned takes;
    int64_t flush_us;  /* no more is lost than that */
    bool after_gaps;   /* Ogg has the time at the end of pages: see put() */
    unsigned pre_skip; /* RFC 7845 §4.2: 6.5 ms is what libopus, and so browsers, need to come to themselves */
} containers[] = {
    {".webm", "webm", TAKES(OPUS) | TAKES(VP8), SECOND_US, false, 0},
    {".mkv", "matroska", TAKES(OPUS) | TAKES(PCMU) | TAKES(PCMA) | TAKES(VP8) | TAKES(H264), SECOND_US, false, 0},
    {".mp4", "mp4", TAKES(OPUS) | TAKES(H264), SECOND_US, false, 0},
    {".ogg", "ogg", TAKES(OPUS), SECOND_US / 2, true, 312},
};

typedef struct held {
    AVPacket *packet;
    so_sink_frame frame; /* whose bytes are the packet's */
} held;

typedef struct track {
    so_media_codec codec;
    AVStream *stream;
    int64_t end_us;  /* of the last frame */
    int64_t last_us; /* where that begins */
    bool begun;
} track;

struct so_sink {
    const struct container *container;
    so_sink_file file;
    track tracks[SO_MEDIA_KINDS];
    so_align align;
    AVPacket *packet;
    bool expected;
    held held[HELD_MOST];
    size_t held_count, held_bytes;
    int64_t flushed_us; /* of the file */
};

/* ---- opening ---- */

static const struct container *container_of(const char *path)
{
    size_t len = strlen(path);

    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++) {
        size_t n = strlen(containers[i].ending);
        if (len > n && strcasecmp(path + len - n, containers[i].ending) == 0)
            return &containers[i];
    }
    return NULL;
}

so_status so_sink_open(so_sink **made, const char *path, so_error *err)
{
    const struct container *container = container_of(path);
    so_status status;
    so_sink *s;

    *made = NULL;
    if (container == NULL)
        return so_fail(
            err, SO_BAD_INPUT, "media",
            "%.150s does not say what file it is to be; let its name end in .webm, .mkv, .mp4 or .ogg (sound "
            "alone)",
            path);
    s = calloc(1, sizeof *s);
    if (s == NULL)
        return so_media_no_memory(err);
    so_media_quiet();
    s->file.fd = -1;
    s->container = container;
    s->packet = av_packet_alloc();
    status = s->packet == NULL ? so_media_no_memory(err) : so_sink_file_open(&s->file, path, container->format, err);
    if (status == SO_OK) {
        *made = s;
        return SO_OK;
    }
    if (so_sink_close(s, NULL) != SO_OK) /* of a fault that err has already */
        return status;
    return status;
}

unsigned so_sink_takes(const so_sink *s)
{
    return s->container->takes;
}

static bool takes(const so_sink *s, so_media_codec codec, so_media_kind kind)
{
    return codec == SO_MEDIA_NONE ||
           ((s->container->takes & SO_MEDIA_BIT(codec)) && so_media_codec_kind(codec) == kind);
}

so_status so_sink_expect(so_sink *s, so_media_codec audio, so_media_codec video, so_error *err)
{
    if (!takes(s, audio, SO_MEDIA_AUDIO) || !takes(s, video, SO_MEDIA_VIDEO))
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s can't hold %s with %s; record to a file that ends in .mkv",
                       s->file.path, so_media_codec_name(audio), so_media_codec_name(video));
    if (s->expected && s->file.begun &&
        (s->tracks[SO_MEDIA_AUDIO].codec != audio || s->tracks[SO_MEDIA_VIDEO].codec != video))
        return so_fail(err, SO_STATE, "media", "%.150s has begun with other sound or pictures; record to another file",
                       s->file.path);
    s->tracks[SO_MEDIA_AUDIO].codec = audio;
    s->tracks[SO_MEDIA_VIDEO].codec = video;
    s->expected = audio != SO_MEDIA_NONE || video != SO_MEDIA_NONE;
    return SO_OK;
}

void so_sink_align(so_sink *s, so_media_kind kind, uint64_t ntp, uint32_t rtp_time)
{
    so_align_report(&s->align, kind, ntp, rtp_time);
}

/* ---- the head of the file ---- */

/* RFC 7845 §5.1, which Matroska and MP4 have too */
static so_status describe_opus(const so_sink *s, AVCodecParameters *par)
{
    uint8_t *head = av_mallocz(19 + AV_INPUT_BUFFER_PADDING_SIZE);

    if (head == NULL)
        return SO_NO_MEMORY;
    memcpy(head, "OpusHead\1\2", 10);
    head[10] = s->container->pre_skip & 0xff;
    head[11] = (uint8_t)(s->container->pre_skip >> 8);
    head[12] = SO_OPUS_RATE & 0xff; /* little-endian, as all numbers here */
    head[13] = SO_OPUS_RATE >> 8 & 0xff;
    par->extradata = head;
    par->extradata_size = 19;
    par->codec_id = AV_CODEC_ID_OPUS;
    /* initial_padding stays 0: our first sample is sample 0 of Ogg's positions, and so counts the pre-skip. */
    av_channel_layout_default(&par->ch_layout, 2); /* packets of one channel fit too (RFC 6716 §2.1.2) */
    return SO_OK;
}

static so_status describe_sound(const so_sink *s, so_media_codec codec, AVCodecParameters *par)
{
    par->codec_type = AVMEDIA_TYPE_AUDIO;
    par->sample_rate = (int)so_media_codec_clock(codec);
    if (codec == SO_MEDIA_OPUS)
        return describe_opus(s, par);
    par->codec_id = codec == SO_MEDIA_PCMU ? AV_CODEC_ID_PCM_MULAW : AV_CODEC_ID_PCM_ALAW;
    par->bits_per_coded_sample = 8;
    par->block_align = 1;
    av_channel_layout_default(&par->ch_layout, 1);
    return SO_OK;
}

static so_status describe_picture(const so_sink *s, so_media_codec codec, AVCodecParameters *par)
{
    so_picture_size size = {SOME_WIDTH, SOME_HEIGHT};
    const so_sink_frame *key = NULL;

    for (size_t i = 0; key == NULL && i < s->held_count; i++)
        if (s->held[i].frame.codec == codec && s->held[i].frame.key)
            key = &s->held[i].frame;
    if (key != NULL && !so_sink_size(codec, key->bytes, key->len, &size))
        size = (so_picture_size){SOME_WIDTH, SOME_HEIGHT};
    par->codec_type = AVMEDIA_TYPE_VIDEO;
    par->codec_id = codec == SO_MEDIA_VP8 ? AV_CODEC_ID_VP8 : AV_CODEC_ID_H264;
    par->width = (int)size.width;
    par->height = (int)size.height;
    if (codec == SO_MEDIA_VP8)
        return SO_OK;
    if (s->container->format[1] == 'p') /* MP4: parameter sets may also stand between the pictures, and change there */
        par->codec_tag = MKTAG('a', 'v', 'c', '3');
    return so_sink_avc_config(par, key == NULL ? NULL : key->bytes, key == NULL ? 0 : key->len);
}

static so_status begin_file(so_sink *s, so_error *err)
{
    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++) {
        track *t = &s->tracks[i];
        so_status status;
        if (t->codec == SO_MEDIA_NONE)
            continue;
        t->stream = so_sink_file_stream(&s->file);
        if (t->stream == NULL)
            return so_media_no_memory(err);
        t->stream->time_base = (AVRational){1, (int)so_media_codec_clock(t->codec)};
        status = i == SO_MEDIA_AUDIO ? describe_sound(s, t->codec, t->stream->codecpar)
                                     : describe_picture(s, t->codec, t->stream->codecpar);
        if (status != SO_OK)
            return so_media_no_memory(err);
    }
    return so_sink_file_begin(&s->file, err);
}

/* ---- frames ---- */

/* How long it lasts, in µs. Of a picture nobody knows; as long as the last one did. */
static int64_t duration_of(const track *t, const so_sink_frame *f, int64_t at_us)
{
    so_opus_info info;

    if (f->codec == SO_MEDIA_OPUS)
        return so_opus_parse(&info, f->bytes, f->len) != SO_OK ? 0 : (int64_t)info.samples * SECOND_US / SO_OPUS_RATE;
    if (so_media_codec_kind(f->codec) == SO_MEDIA_AUDIO)
        return (int64_t)f->len * SECOND_US / so_media_codec_clock(f->codec);
    return t->begun && at_us - t->last_us < SECOND_US ? at_us - t->last_us : SECOND_US / 30;
}

static so_status flush(so_sink *s, int64_t at_us, so_error *err)
{
    s->flushed_us = at_us;
    return so_sink_file_flush(&s->file, err);
}

static so_status not_a(so_media_codec codec, so_error *err)
{
    return so_fail(err, SO_BAD_INPUT, "media", "a frame is not %s; it is left out", so_media_codec_name(codec));
}

static so_status fill_packet(so_sink *s, const so_sink_frame *f, so_error *err)
{
    so_status status = SO_OK;

    if (f->codec == SO_MEDIA_H264)
        status = so_sink_avc(s->packet, f->bytes, f->len);
    else if (av_new_packet(s->packet, (int)f->len) < 0)
        status = SO_NO_MEMORY;
    else
        memcpy(s->packet->data, f->bytes, f->len);
    if (status == SO_BAD_INPUT)
        return not_a(f->codec, err);
    return status == SO_OK ? SO_OK : so_media_no_memory(err);
}

static so_status put(so_sink *s, track *t, const so_sink_frame *f, int64_t at_us, so_error *err)
{
    int64_t duration_us = duration_of(t, f, at_us);
    bool sound = so_media_codec_kind(f->codec) == SO_MEDIA_AUDIO;
    bool gap = t->begun && at_us > t->end_us + GAP_US;
    so_status status = SO_OK;

    if (sound && t->begun && at_us < t->end_us) /* rounded, or shifted: it follows the last */
        at_us = t->end_us;
    /*
     * RFC 7845 §4: a page's granule position is that of its last sample, and says when all in it was. So a page ends
     * before a gap, and another one right after its first packet, from which players know the time again.
     */
    if ((gap && s->container->after_gaps) || at_us - s->flushed_us >= s->container->flush_us)
        status = flush(s, at_us, err);
    av_packet_unref(s->packet);
    if (status == SO_OK)
        status = fill_packet(s, f, err);
    if (status != SO_OK)
        return status;
    s->packet->stream_index = t->stream->index;
    s->packet->pts = s->packet->dts = av_rescale_q(at_us, AV_TIME_BASE_Q, t->stream->time_base);
    s->packet->duration = av_rescale_q(duration_us, AV_TIME_BASE_Q, t->stream->time_base);
    s->packet->flags = sound || f->key ? AV_PKT_FLAG_KEY : 0;
    status = so_sink_file_write(&s->file, s->packet, err);
    av_packet_unref(s->packet);
    t->begun = true;
    t->last_us = at_us;
    t->end_us = at_us + duration_us;
    if (status == SO_OK && gap && s->container->after_gaps)
        status = flush(s, at_us, err);
    return status;
}

static so_status place_and_put(so_sink *s, const so_sink_frame *f, so_error *err)
{
    so_media_kind kind = so_media_codec_kind(f->codec);
    track *t = &s->tracks[kind];
    int64_t at_us;

    if (!so_align_place(&s->align, kind, so_media_codec_clock(f->codec), f->rtp_time, f->arrival_us, &at_us))
        return SO_OK;
    /* Files count in milliseconds at the coarsest: two pictures in one have no order. */
    if (kind == SO_MEDIA_VIDEO && t->begun && at_us < t->last_us + 1000)
        return SO_OK;
    return put(s, t, f, at_us, err);
}

/* ---- what is held back until the head can be written ---- */

static so_status release(so_sink *s, so_error *err)
{
    so_status status = begin_file(s, err);

    for (size_t i = 0; i < s->held_count; i++) {
        if (status == SO_OK || status == SO_BAD_INPUT)
            status = place_and_put(s, &s->held[i].frame, err);
        av_packet_free(&s->held[i].packet);
    }
    s->held_count = s->held_bytes = 0;
    return status;
}

static so_status hold(so_sink *s, const so_sink_frame *f, so_error *err)
{
    held *h = &s->held[s->held_count];

    h->packet = av_packet_alloc();
    if (h->packet == NULL || av_new_packet(h->packet, (int)f->len) < 0) {
        av_packet_free(&h->packet);
        return so_media_no_memory(err);
    }
    memcpy(h->packet->data, f->bytes, f->len);
    h->frame = *f;
    h->frame.bytes = h->packet->data;
    s->held_count++;
    s->held_bytes += f->len;
    return SO_OK;
}

/* The head may be written: all is known that it says, or nobody can wait any longer. */
static bool may_begin(const so_sink *s, const so_sink_frame *f)
{
    return s->tracks[SO_MEDIA_VIDEO].codec == SO_MEDIA_NONE || so_media_codec_kind(f->codec) == SO_MEDIA_VIDEO ||
           s->held_count == HELD_MOST || s->held_bytes > HELD_BYTES ||
           f->arrival_us - s->held[0].frame.arrival_us >= PATIENCE_US;
}

static so_status check(const so_sink *s, const so_sink_frame *f, so_error *err)
{
    so_opus_info info;

    if (!s->expected)
        return so_fail(err, SO_STATE, "media", "%.150s does not know yet what the call has agreed on", s->file.path);
    if (f->codec == SO_MEDIA_NONE || f->codec != s->tracks[so_media_codec_kind(f->codec)].codec)
        return so_fail(err, SO_BAD_INPUT, "media", "a frame is %s, which was not agreed on; it is left out",
                       so_media_codec_name(f->codec));
    if (f->len == 0 || f->len > FRAME_MOST ||
        (f->codec == SO_MEDIA_OPUS && so_opus_parse(&info, f->bytes, f->len) != SO_OK) ||
        (f->codec == SO_MEDIA_H264 && memmem(f->bytes, f->len, "\0\0\1", 3) == NULL))
        return not_a(f->codec, err);
    return SO_OK;
}

so_status so_sink_write(so_sink *s, const so_sink_frame *f, so_error *err)
{
    const track *video = &s->tracks[SO_MEDIA_VIDEO];
    so_status status = check(s, f, err);

    if (status != SO_OK)
        return status;
    if (so_media_codec_kind(f->codec) == SO_MEDIA_VIDEO && !video->begun && !f->key)
        return SO_OK;
    if (s->file.begun || s->file.fault != 0)
        return s->file.fault != 0 ? so_sink_file_flush(&s->file, err) : place_and_put(s, f, err);
    status = hold(s, f, err);
    return status == SO_OK && may_begin(s, f) ? release(s, err) : status;
}

so_status so_sink_close(so_sink *s, so_error *err)
{
    so_status status = SO_OK, closed;

    if (s == NULL)
        return SO_OK;
    if (s->expected && !s->file.begun && s->file.fault == 0 && s->file.format != NULL)
        status = release(s, err);
    for (size_t i = 0; i < s->held_count; i++)
        av_packet_free(&s->held[i].packet);
    closed = so_sink_file_close(&s->file, status == SO_OK ? err : NULL);
    av_packet_free(&s->packet);
    free(s);
    return status == SO_OK ? closed : status;
}
