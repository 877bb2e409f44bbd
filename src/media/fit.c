#include "media/fit.h"

#include "media/ffmpeg.h"
#include "rtp/opus.h"
#include "rtp/payload.h"

#include <string.h>

#define MINUTE_US 60000000
#define BYTES_MOST 50000000
#define KEY_GAP_US 10000000
/* Of what calls agree on, profile-level-id 42e01f. */
#define BASELINE 66
#define CONSTRAINED_BASELINE (BASELINE | 1 << 9)
#define LEVEL_MOST 31

typedef struct looked {
    int64_t first_us, last_us, key_us;
    int64_t bytes;
    unsigned packets;
} looked;

static so_rtp_format format_of(so_media_codec codec)
{
    return codec == SO_MEDIA_VP8 ? SO_RTP_VP8 : codec == SO_MEDIA_H264 ? SO_RTP_H264 : SO_RTP_WHOLE;
}

bool so_fit_is_key(so_media_codec codec, const AVPacket *packet)
{
    return so_rtp_is_key(format_of(codec), packet->data, (size_t)packet->size);
}

/* A frame that is not shown (RFC 6386 §9.1) has no time of its own to be sent at. */
static bool is_hidden(so_media_codec codec, const AVPacket *packet)
{
    return codec == SO_MEDIA_VP8 && !(packet->data[0] & 0x10);
}

/* In front of each IDR picture, since who begins to look there knows nothing yet: a stream of Annex B has them where
 * its maker put them. */
static bool has_parameter_sets(const AVPacket *packet)
{
    const uint8_t *at = packet->data, *end = at + packet->size;
    bool sps = false, pps = false;

    while (end - at > 3 && (at = memmem(at, (size_t)(end - at), "\0\0\1", 3)) != NULL && end - at > 3) {
        sps = sps || (at[3] & 0x1f) == 7;
        pps = pps || (at[3] & 0x1f) == 8;
        at += 3;
    }
    return sps && pps;
}

static bool fits_as_such(const AVCodecParameters *par, so_media_codec codec)
{
    switch (codec) {
    case SO_MEDIA_OPUS:
        return par->ch_layout.nb_channels <= 2;
    case SO_MEDIA_PCMU:
    case SO_MEDIA_PCMA:
        return par->ch_layout.nb_channels == 1 && par->sample_rate == (int)so_media_codec_clock(codec);
    case SO_MEDIA_H264:
        return (par->profile == BASELINE || par->profile == CONSTRAINED_BASELINE) && par->level <= LEVEL_MOST &&
               par->video_delay == 0;
    default:
        return true;
    }
}

static bool fits_sound(so_media_codec codec, const AVPacket *packet)
{
    so_opus_info info;

    if (codec != SO_MEDIA_OPUS)
        return true; /* G.711 is cut into frames anew */
    return packet->size <= SO_FIT_SOUND_MOST && so_opus_parse(&info, packet->data, (size_t)packet->size) == SO_OK;
}

static bool fits_picture(looked *l, so_media_codec codec, const AVPacket *packet, int64_t time_us)
{
    bool key = so_fit_is_key(codec, packet);

    if (key && codec == SO_MEDIA_H264 && !has_parameter_sets(packet))
        return false;
    if (packet->size > SO_FIT_PICTURE_MOST || is_hidden(codec, packet) || (l->packets == 0 && !key) ||
        (l->packets > 0 && time_us <= l->last_us) || (l->packets > 0 && time_us - l->key_us > KEY_GAP_US))
        return false;
    if (key)
        l->key_us = time_us;
    return true;
}

so_status so_fit_filter(const so_input *input, so_media_codec codec, AVBSFContext **filter, so_error *err)
{
    const AVBitStreamFilter *to_annex_b = av_bsf_get_by_name("h264_mp4toannexb");
    int code = AVERROR_BSF_NOT_FOUND;

    *filter = NULL;
    if (codec != SO_MEDIA_H264)
        return SO_OK;
    if (to_annex_b != NULL)
        code = av_bsf_alloc(to_annex_b, filter);
    if (code >= 0)
        code = avcodec_parameters_copy((*filter)->par_in, input->stream->codecpar);
    if (code >= 0) {
        (*filter)->time_base_in = input->stream->time_base;
        code = av_bsf_init(*filter);
    }
    if (code >= 0)
        return SO_OK;
    av_bsf_free(filter);
    return code == AVERROR(ENOMEM) ? so_media_no_memory(err)
                                   : so_fail(err, SO_BAD_INPUT, "media",
                                             "the H.264 in %.150s has no valid parameter sets; convert it with: "
                                             "ffmpeg -i FILE out.webm",
                                             input->path);
}

so_status so_fit_pass(AVBSFContext *filter, AVPacket *packet)
{
    int code;

    if (filter == NULL)
        return SO_OK;
    code = av_bsf_send_packet(filter, packet);
    if (code >= 0)
        code = av_bsf_receive_packet(filter, packet);
    if (code >= 0)
        return packet->size > 0 ? SO_OK : SO_STATE;
    av_packet_unref(packet);
    return code == AVERROR(EAGAIN) ? SO_STATE : code == AVERROR(ENOMEM) ? SO_NO_MEMORY : SO_BAD_INPUT;
}

static bool look(looked *l, const so_input *input, so_media_codec codec, const AVPacket *packet)
{
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts, time_us;

    if (time == AV_NOPTS_VALUE && so_media_codec_kind(codec) == SO_MEDIA_VIDEO)
        return false;
    time_us = time == AV_NOPTS_VALUE ? 0 : so_input_us(input, time);
    if (so_media_codec_kind(codec) == SO_MEDIA_AUDIO ? !fits_sound(codec, packet)
                                                     : !fits_picture(l, codec, packet, time_us))
        return false;
    if (l->packets++ == 0)
        l->first_us = time_us;
    l->last_us = time_us;
    l->bytes += packet->size;
    return true;
}

so_status so_fit(so_input *input, so_media_codec codec, bool *fit, so_error *err)
{
    AVBSFContext *filter = NULL;
    AVPacket *packet = av_packet_alloc();
    looked l = {0};
    so_status status = SO_OK;

    *fit = false;
    if (packet == NULL)
        return so_media_no_memory(err);
    if (so_input_native(input->stream) == codec && fits_as_such(input->stream->codecpar, codec) &&
        so_fit_filter(input, codec, &filter, NULL) == SO_OK)
        *fit = true;
    while (*fit && l.last_us - l.first_us < MINUTE_US && l.bytes < BYTES_MOST) {
        status = so_input_read(input, packet, err);
        if (status == SO_OK)
            status = so_fit_pass(filter, packet);
        if (status == SO_STATE)
            continue;
        if (status != SO_OK)
            break;
        *fit = look(&l, input, codec, packet);
    }
    if (status == SO_BAD_INPUT)
        *fit = false;
    if (status == SO_NOT_FOUND || status == SO_BAD_INPUT)
        status = SO_OK;
    if (l.packets == 0)
        *fit = false;
    av_bsf_free(&filter);
    av_packet_free(&packet);
    return status;
}
