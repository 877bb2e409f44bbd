#include "media/ogg.h"

#include "media/ffmpeg.h"
#include "rtp/opus.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No playlists and no network: what a file holds is in the file. The formats without Opus are here to be named. */
#define FORMATS "ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,wav,w64,mp3,flac,aac,aiff,caf,avi"
#define REMEDY "convert it with: ffmpeg -i FILE -ac 2 -c:a libopus out.ogg"

struct so_media_in {
    char *path;
    AVFormatContext *format;
    AVPacket *packet;
    int stream;
    bool ended;
};

/* SO_OK, and which stream it is; or what is wrong with what the file holds. */
static so_status find_opus(so_media_in *in, so_error *err)
{
    const char *other = NULL;

    for (unsigned i = 0; i < in->format->nb_streams; i++) {
        const AVCodecParameters *codec = in->format->streams[i]->codecpar;
        if (codec->codec_type != AVMEDIA_TYPE_AUDIO)
            continue;
        if (codec->codec_id != AV_CODEC_ID_OPUS) {
            other = avcodec_get_name(codec->codec_id);
            continue;
        }
        /* RFC 7845 §5.1.1: more channels are several streams in one packet, which RTP has no form for. */
        if (codec->ch_layout.nb_channels > 2) {
            other = "Opus in more than two channels";
            continue;
        }
        in->stream = (int)i;
        return SO_OK;
    }
    if (other != NULL)
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s holds %s, and a call needs Opus; " REMEDY, in->path, other);
    return so_fail(err, SO_BAD_INPUT, "media", "%.150s holds no audio; give a file with sound in it", in->path);
}

static so_status open_format(so_media_in *in, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];
    AVDictionary *options = NULL;
    size_t len = strlen(in->path) + sizeof "file:";
    char *url = malloc(len);
    int code = AVERROR(ENOMEM);

    if (url != NULL) {
        (void)snprintf(url, len, "file:%s", in->path);
        code = av_dict_set(&options, "protocol_whitelist", "file", 0);
        if (code >= 0)
            code = av_dict_set(&options, "format_whitelist", FORMATS, 0);
        if (code >= 0)
            code = avformat_open_input(&in->format, url, NULL, &options);
    }
    av_dict_free(&options);
    free(url);
    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    if (code == AVERROR_INVALIDDATA || code == AVERROR_EOF || code == AVERROR(EINVAL))
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s is no sound file that is known here; " REMEDY, in->path);
    if (code < 0)
        return so_fail(err, SO_IO, "media", "%.150s can't be opened: %s; check its name and who may read it", in->path,
                       so_media_why(code, why));
    return find_opus(in, err);
}

so_status so_media_in_open(so_media_in **out, const char *path, so_error *err)
{
    so_media_in *in = calloc(1, sizeof *in);
    so_status status;

    *out = NULL;
    so_media_quiet();
    if (in != NULL) {
        in->path = strdup(path);
        in->packet = av_packet_alloc();
    }
    if (in == NULL || in->path == NULL || in->packet == NULL) {
        so_media_in_close(in);
        return so_media_no_memory(err);
    }
    status = open_format(in, err);
    if (status == SO_OK)
        *out = in;
    else
        so_media_in_close(in);
    return status;
}

void so_media_in_close(so_media_in *in)
{
    if (in == NULL)
        return;
    av_packet_free(&in->packet);
    avformat_close_input(&in->format);
    free(in->path);
    free(in);
}

so_status so_media_in_next(so_media_in *in, so_media_packet *packet, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];
    so_opus_info info;

    if (in->ended || in->format == NULL)
        return so_fail(err, SO_STATE, "media", "%.150s is at its end; rewind it first", in->path);
    for (;;) {
        int code;
        av_packet_unref(in->packet);
        code = av_read_frame(in->format, in->packet);
        if (code == AVERROR_EOF) {
            in->ended = true;
            return SO_NOT_FOUND;
        }
        if (code == AVERROR(ENOMEM))
            return so_media_no_memory(err);
        if (code < 0)
            return so_fail(err, SO_IO, "media", "%.150s can't be read on: %s; copy it again from where it came",
                           in->path, so_media_why(code, why));
        if (in->packet->stream_index == in->stream && in->packet->size > 0 &&
            so_opus_parse(&info, in->packet->data, (size_t)in->packet->size) == SO_OK)
            break;
    }
    *packet = (so_media_packet){in->packet->data, (size_t)in->packet->size, info.samples};
    return SO_OK;
}

/* Opened anew: a seek finds the page before a time, and the first packets have none of their own. */
so_status so_media_in_rewind(so_media_in *in, so_error *err)
{
    so_status status;

    av_packet_unref(in->packet);
    avformat_close_input(&in->format);
    status = open_format(in, err);
    in->ended = status != SO_OK;
    return status;
}
