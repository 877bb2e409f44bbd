#include "media/input.h"

#include "media/devices.h"
#include "media/ffmpeg.h"

#include <errno.h>
#include <libavutil/display.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* No playlists, no patterns of names and no network: what a file holds is in the file. */
#define FORMATS                                                                                                        \
    "ogg,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,avi,flv,asf,mpegts,mpeg,mpegvideo,ivf,nut,h264,hevc,m4v,mjpeg,gif,"     \
    "yuv4mpegpipe,wav,w64,aiff,caf,au,mp3,aac,flac,ac3,eac3,amr,ape,wv,tta,voc"
#define REMEDY "convert it with: ffmpeg -i FILE out.webm"

static so_status opened_badly(const so_input *input, int code, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    if (code == AVERROR_INVALIDDATA || code == AVERROR_EOF || code == AVERROR(EINVAL))
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s is no file of sound or pictures that is known here; " REMEDY,
                       input->path);
    return so_fail(err, SO_IO, "media", "%.150s can't be opened: %s; check its name and who may read it", input->path,
                   so_media_why(code, why));
}

/* It is opened more than once, which a pipe can't be. */
static so_status check_regular(const so_input *input, so_error *err)
{
    struct stat st;

    if (stat(input->path, &st) != 0)
        return opened_badly(input, AVERROR(errno), err);
    if (S_ISREG(st.st_mode))
        return SO_OK;
    return so_fail(err, SO_IO, "media", "%.150s can't be opened: it is no regular file; give the name of a file",
                   input->path);
}

static so_status open_file(so_input *input, so_error *err)
{
    AVDictionary *options = NULL;
    size_t len = strlen(input->path) + sizeof "file:";
    so_status status = check_regular(input, err);
    char *url;
    int code = AVERROR(ENOMEM);

    if (status != SO_OK)
        return status;
    url = malloc(len);
    if (url != NULL) {
        (void)snprintf(url, len, "file:%s", input->path);
        code = av_dict_set(&options, "protocol_whitelist", "file", 0);
        if (code >= 0)
            code = av_dict_set(&options, "format_whitelist", FORMATS, 0);
        if (code >= 0)
            code = avformat_open_input(&input->format, url, NULL, &options);
    }
    av_dict_free(&options);
    free(url);
    if (code >= 0)
        code = avformat_find_stream_info(input->format, NULL);
    return code < 0 ? opened_badly(input, code, err) : SO_OK;
}

so_status so_input_open(so_input *input, so_error *err)
{
    so_status status;

    so_media_quiet();
    input->format = NULL;
    input->stream = NULL;
    input->zero_us = 0;
    switch (input->what) {
    case SO_INPUT_MIC:
        status = so_device_mic(&input->format, err);
        break;
    case SO_INPUT_CAMERA:
        status = so_device_camera(&input->format, input->fps, err);
        break;
    case SO_INPUT_SCREEN:
        status = so_device_screen(&input->format, input->fps, err);
        break;
    default:
        status = open_file(input, err);
        if (status == SO_OK && input->format->start_time != AV_NOPTS_VALUE)
            input->zero_us = input->format->start_time;
        break;
    }
    if (status != SO_OK)
        so_input_close(input);
    return status;
}

void so_input_close(so_input *input)
{
    avformat_close_input(&input->format);
    input->stream = NULL;
}

AVStream *so_input_find(const so_input *input, so_media_kind kind)
{
    enum AVMediaType type = kind == SO_MEDIA_AUDIO ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    int best = av_find_best_stream(input->format, type, -1, -1, NULL, 0);

    if (best < 0 || (input->format->streams[best]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return NULL;
    return input->format->streams[best];
}

void so_input_choose(so_input *input, AVStream *stream)
{
    for (unsigned i = 0; i < input->format->nb_streams; i++)
        input->format->streams[i]->discard = input->format->streams[i] == stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    input->stream = stream;
}

so_media_codec so_input_native(const AVStream *stream)
{
    switch (stream->codecpar->codec_id) {
    case AV_CODEC_ID_OPUS:
        return SO_MEDIA_OPUS;
    case AV_CODEC_ID_PCM_MULAW:
        return SO_MEDIA_PCMU;
    case AV_CODEC_ID_PCM_ALAW:
        return SO_MEDIA_PCMA;
    case AV_CODEC_ID_VP8:
        return SO_MEDIA_VP8;
    case AV_CODEC_ID_H264:
        return SO_MEDIA_H264;
    default:
        return SO_MEDIA_NONE;
    }
}

static const uint8_t *display_matrix(const AVStream *stream)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *data = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data == NULL || data->size < 9 * sizeof(int32_t) ? NULL : data->data;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return size < 9 * sizeof(int32_t) ? NULL : data;
#endif
}

unsigned so_input_turns(const AVStream *stream)
{
    const uint8_t *data = display_matrix(stream);
    int32_t matrix[9];
    double degrees; /* counter-clockwise */

    if (data == NULL)
        return 0;
    memcpy(matrix, data, sizeof matrix);
    degrees = av_display_rotation_get(matrix);
    return isnan(degrees) ? 0 : (unsigned)(lrint(-degrees / 90) + 8) % 4;
}

so_status so_input_read(so_input *input, AVPacket *packet, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    for (;;) {
        int code;
        av_packet_unref(packet);
        code = av_read_frame(input->format, packet);
        if (code >= 0 && packet->stream_index == input->stream->index && packet->size > 0)
            return SO_OK;
        if (code >= 0)
            continue;
        if (code == AVERROR(EAGAIN))
            return SO_STATE;
        /* A file that breaks in the middle ends there, as a cut one does: what was sent was sent. */
        if (input->what == SO_INPUT_FILE && (code == AVERROR_EOF || code == AVERROR_INVALIDDATA))
            return SO_NOT_FOUND;
        if (code == AVERROR(ENOMEM))
            return so_media_no_memory(err);
        if (input->what != SO_INPUT_FILE)
            return so_fail(err, SO_IO, "media", "the device gives no more: %s; plug it in again, or end what took it",
                           so_media_why(code, why));
        return so_fail(err, SO_IO, "media", "%.150s can't be read on: %s; copy it again from where it came",
                       input->path, so_media_why(code, why));
    }
}

int64_t so_input_us(const so_input *input, int64_t time)
{
    return av_rescale_q(time, input->stream->time_base, AV_TIME_BASE_Q) - input->zero_us;
}
