#include "media/ogg.h"

#include "media/ffmpeg.h"
#include "rtp/opus.h"

#include <errno.h>
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_LEN 19
/* RFC 7845 §4.2: samples that players leave out. 6.5 ms is what libopus, and so browsers, need to come to themselves.
 */
#define PRE_SKIP 312
#define IO_BUFFER 4096
/* A page ends after half a second, so that no more is lost than that. */
#define PAGE_SAMPLES (SO_OPUS_RATE / 2)
#define OTHER_STREAM ((int32_t)(60 * SO_OPUS_RATE))

struct so_media_out {
    char *path;
    int fd;
    int fault; /* errno of the first write that failed, or 0 */
    AVFormatContext *format;
    AVPacket *packet;
    bool begun;
    uint32_t timestamp; /* of the last packet */
    int64_t at, end;    /* where the last packet began and ended, in samples since the first */
    int64_t flushed;    /* everything before is in the file */
    bool after_gap;
};

#if LIBAVFORMAT_VERSION_MAJOR >= 61
static int write_bytes(void *opaque, const uint8_t *bytes, int len)
#else
static int write_bytes(void *opaque, uint8_t *bytes, int len)
#endif
{
    so_media_out *out = opaque;

    for (int done = 0; done < len;) {
        ssize_t n = write(out->fd, bytes + done, (size_t)(len - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            out->fault = out->fault == 0 ? errno : out->fault;
            return AVERROR(errno);
        }
        done += (int)n;
    }
    return len;
}

static so_status write_failed(so_media_out *out, int code, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    if (out->fault == 0)
        out->fault = EIO;
    return so_fail(err, SO_IO, "media", "%.150s can't be written: %s; make room there, or record somewhere else",
                   out->path, so_media_why(AVERROR(out->fault), why));
}

/* RFC 7845 §5.1 */
static so_status set_head(AVCodecParameters *codec, unsigned channels)
{
    uint8_t *head = av_mallocz(HEAD_LEN + AV_INPUT_BUFFER_PADDING_SIZE);

    if (head == NULL)
        return SO_NO_MEMORY;
    memcpy(head, "OpusHead\1", 9);
    head[9] = (uint8_t)channels;
    head[10] = PRE_SKIP & 0xff;
    head[11] = PRE_SKIP >> 8;
    head[12] = SO_OPUS_RATE & 0xff; /* little-endian, as all numbers here */
    head[13] = SO_OPUS_RATE >> 8 & 0xff;
    codec->extradata = head;
    codec->extradata_size = HEAD_LEN;
    codec->codec_type = AVMEDIA_TYPE_AUDIO;
    codec->codec_id = AV_CODEC_ID_OPUS;
    codec->sample_rate = SO_OPUS_RATE;
    /* initial_padding stays 0: our first sample is sample 0 of the granule positions, and so counts the pre-skip. */
    av_channel_layout_default(&codec->ch_layout, (int)channels);
    return SO_OK;
}

static int begin_file(so_media_out *out, unsigned channels)
{
    AVStream *stream;
    uint8_t *buffer;
    int code = avformat_alloc_output_context2(&out->format, NULL, "ogg", NULL);

    if (code < 0)
        return code;
    stream = avformat_new_stream(out->format, NULL);
    buffer = av_malloc(IO_BUFFER);
    if (stream == NULL || buffer == NULL || set_head(stream->codecpar, channels) != SO_OK) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    out->format->pb = avio_alloc_context(buffer, IO_BUFFER, 1, out, NULL, write_bytes, NULL);
    if (out->format->pb == NULL) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    stream->time_base = (AVRational){1, SO_OPUS_RATE};
    /* bitexact: no version of anything in the tags */
    out->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS | AVFMT_FLAG_BITEXACT;
    return avformat_write_header(out->format, NULL);
}

static void dispose(so_media_out *out)
{
    if (out == NULL)
        return;
    if (out->format != NULL && out->format->pb != NULL) {
        av_freep(&out->format->pb->buffer);
        avio_context_free(&out->format->pb);
    }
    avformat_free_context(out->format);
    av_packet_free(&out->packet);
    if (out->fd >= 0)
        (void)close(out->fd);
    free(out->path);
    free(out);
}

so_status so_media_out_open(so_media_out **made, const char *path, unsigned channels, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];
    so_media_out *out = calloc(1, sizeof *out);
    so_status status = SO_OK;
    int code;

    *made = NULL;
    so_media_quiet();
    if (out != NULL) {
        out->fd = -1;
        out->path = strdup(path);
        out->packet = av_packet_alloc();
    }
    if (out == NULL || out->path == NULL || out->packet == NULL) {
        dispose(out);
        return so_media_no_memory(err);
    }
    out->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (out->fd < 0) {
        status = so_fail(err, SO_IO, "media", "%.150s can't be made: %s; check the folder and who may write there",
                         path, so_media_why(AVERROR(errno), why));
    } else {
        code = begin_file(out, channels);
        if (code < 0)
            status = write_failed(out, code, err);
    }
    if (status == SO_OK)
        *made = out;
    else
        dispose(out);
    return status;
}

/* Everything so far becomes a page, and is in the file. */
static int flush(so_media_out *out)
{
    int code = out->flushed == out->end ? 0 : av_write_frame(out->format, NULL);

    avio_flush(out->format->pb);
    out->flushed = out->end;
    return out->fault != 0 ? AVERROR(out->fault) : code;
}

/* Where the packet belongs, in samples since the first; false: nowhere. */
static bool place(so_media_out *out, uint32_t timestamp, int64_t *at)
{
    int32_t step = (int32_t)(timestamp - out->timestamp);

    if (!out->begun || step > OTHER_STREAM || step < -OTHER_STREAM)
        *at = out->end;
    else
        *at = out->at + step;
    /* A packet that begins within the last one would move the end of a page back. */
    return !out->begun || *at >= out->end;
}

so_status so_media_out_write(so_media_out *out, const uint8_t *bytes, size_t len, uint32_t timestamp, so_error *err)
{
    so_opus_info info;
    int64_t at;
    int code = 0;

    if (so_opus_parse(&info, bytes, len) != SO_OK)
        return so_fail(err, SO_BAD_INPUT, "media", "a packet is not Opus; it is left out");
    if (out->fault != 0)
        return write_failed(out, AVERROR(out->fault), err);
    if (!place(out, timestamp, &at))
        return SO_OK;
    /*
     * RFC 7845 §4: a page's granule position is that of its last sample, and says when all in it was. So a page ends
     * before a gap, and another one right after its first packet, from which players know the time again.
     */
    if (at > out->end)
        code = flush(out);
    out->after_gap = at > out->end;
    av_packet_unref(out->packet);
    if (code >= 0)
        code = av_new_packet(out->packet, (int)len);
    if (code < 0)
        return write_failed(out, code, err);
    memcpy(out->packet->data, bytes, len);
    out->packet->pts = out->packet->dts = at;
    out->packet->duration = info.samples;
    out->packet->flags |= AV_PKT_FLAG_KEY;
    code = av_write_frame(out->format, out->packet);
    if (code < 0)
        return write_failed(out, code, err);
    out->begun = true;
    out->timestamp = timestamp;
    out->at = at;
    out->end = at + info.samples;
    if (out->after_gap || out->end - out->flushed >= PAGE_SAMPLES)
        code = flush(out);
    return code < 0 ? write_failed(out, code, err) : SO_OK;
}

so_status so_media_out_close(so_media_out *out, so_error *err)
{
    so_status status = SO_OK;
    int code;

    if (out == NULL)
        return SO_OK;
    code = av_write_trailer(out->format);
    avio_flush(out->format->pb);
    if (code < 0 || out->fault != 0)
        status = write_failed(out, code, err);
    /* A full disk may be told only now. */
    if (close(out->fd) != 0 && status == SO_OK) {
        out->fault = errno;
        status = write_failed(out, AVERROR(errno), err);
    }
    out->fd = -1;
    dispose(out);
    return status;
}
