#include "media/sound.h"

#include "media/ffmpeg.h"
#include "media/g711.h"

#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

#define PER_SECOND 50 /* packets */
#define FRAME_MOST (48000 / PER_SECOND)
#define PACKET_MOST 1000 /* a packet of sound is never cut: it must fit a datagram with all that stands around it */
#define MONO_BITRATE 40000
#define STEREO_BITRATE 96000
#define LOSS_PERCENT 5 /* what libopus is to be ready for with its in-band FEC */
/* Clocks of devices and rounded timestamps in files are this far off, in parts of a second. */
#define SLACK_PART 20

struct so_sound {
    so_media_codec codec;
    int rate;
    unsigned channels;
    OpusEncoder *opus;
    SwrContext *resampler;
    AVChannelLayout layout; /* of what it takes, as are the two below */
    int format, in_rate;
    AVAudioFifo *fifo;
    float *samples; /* resampled, on their way to the fifo */
    int room;
    int64_t at; /* of the first sample in the fifo */
    bool begun;
    AVPacket *packet;
};

static so_status failed(so_error *err, int code)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_IO, "media", "the sound can't be converted: %s; convert the file to WAV first",
                   so_media_why(code, why));
}

static so_status make_opus(so_sound *s, bool voice, so_error *err)
{
    int code;

    s->opus =
        opus_encoder_create(s->rate, (int)s->channels, voice ? OPUS_APPLICATION_VOIP : OPUS_APPLICATION_AUDIO, &code);
    if (code == OPUS_OK)
        code = opus_encoder_ctl(s->opus, OPUS_SET_BITRATE(s->channels == 1 ? MONO_BITRATE : STEREO_BITRATE));
    if (code == OPUS_OK)
        code = opus_encoder_ctl(s->opus, OPUS_SET_INBAND_FEC(1));
    if (code == OPUS_OK)
        code = opus_encoder_ctl(s->opus, OPUS_SET_PACKET_LOSS_PERC(LOSS_PERCENT));
    if (code == OPUS_OK)
        return SO_OK;
    return code == OPUS_ALLOC_FAIL
               ? so_media_no_memory(err)
               : so_fail(err, SO_IO, "media", "the Opus encoder failed: %s; agree on PCMU", opus_strerror(code));
}

so_status so_sound_make(so_sound **made, so_media_codec codec, unsigned channels, bool voice, so_error *err)
{
    so_sound *s = calloc(1, sizeof *s);
    so_status status = SO_OK;

    *made = NULL;
    if (s == NULL)
        return so_media_no_memory(err);
    s->codec = codec;
    s->rate = (int)so_media_codec_clock(codec);
    s->channels = codec == SO_MEDIA_OPUS ? channels : 1;
    s->fifo = av_audio_fifo_alloc(AV_SAMPLE_FMT_FLT, (int)s->channels, s->rate);
    s->packet = av_packet_alloc();
    if (s->fifo == NULL || s->packet == NULL)
        status = so_media_no_memory(err);
    else if (codec == SO_MEDIA_OPUS)
        status = make_opus(s, voice, err);
    if (status == SO_OK)
        *made = s;
    else
        so_sound_free(s);
    return status;
}

void so_sound_free(so_sound *s)
{
    if (s == NULL)
        return;
    if (s->opus != NULL)
        opus_encoder_destroy(s->opus);
    swr_free(&s->resampler);
    av_channel_layout_uninit(&s->layout);
    if (s->fifo != NULL)
        av_audio_fifo_free(s->fifo);
    av_packet_free(&s->packet);
    free(s->samples);
    free(s);
}

/* ---- whole frames into packets ---- */

static int16_t to_16_bit(float sample)
{
    float scaled = sample * 32768;

    if (!(scaled > -32768)) /* and what is no number */
        return INT16_MIN;
    return scaled >= 32767 ? INT16_MAX : (int16_t)lrintf(scaled);
}

static so_status encode(so_sound *s, const float *samples, int count, so_error *err)
{
    if (av_new_packet(s->packet, s->codec == SO_MEDIA_OPUS ? PACKET_MOST : count) < 0)
        return so_media_no_memory(err);
    if (s->codec == SO_MEDIA_OPUS) {
        int len = opus_encode_float(s->opus, samples, count, s->packet->data, PACKET_MOST);
        if (len < 0)
            return so_fail(err, SO_IO, "media", "the Opus encoder failed: %s; agree on PCMU", opus_strerror(len));
        av_shrink_packet(s->packet, len);
    }
    for (int i = 0; i < count && s->codec != SO_MEDIA_OPUS; i++)
        s->packet->data[i] =
            s->codec == SO_MEDIA_PCMU ? so_g711_to_ulaw(to_16_bit(samples[i])) : so_g711_to_alaw(to_16_bit(samples[i]));
    s->packet->flags |= AV_PKT_FLAG_KEY;
    return SO_OK;
}

static so_status emit_whole(so_sound *s, const so_emit *emit, so_error *err)
{
    float samples[FRAME_MOST * 2];
    int count = s->rate / PER_SECOND;

    while (av_audio_fifo_size(s->fifo) >= count) {
        void *planes[] = {samples};
        so_status status;
        if (av_audio_fifo_read(s->fifo, planes, count) != count)
            return failed(err, AVERROR_BUG);
        status = encode(s, samples, count, err);
        if (status == SO_OK)
            status = emit->packet(emit->user, s->packet, s->at, count);
        av_packet_unref(s->packet);
        s->at += count;
        if (status != SO_OK)
            return status;
    }
    return SO_OK;
}

static so_status put_silence(so_sound *s, int64_t count, so_error *err)
{
    static const float silence[FRAME_MOST * 2];

    for (int64_t left = count; left > 0;) {
        int n = left > FRAME_MOST ? FRAME_MOST : (int)left;
        void *planes[] = {(void *)(uintptr_t)silence};
        int code = av_audio_fifo_write(s->fifo, planes, n);
        if (code < n)
            return failed(err, code < 0 ? code : AVERROR(ENOMEM));
        left -= n;
    }
    return SO_OK;
}

so_status so_sound_end(so_sound *s, const so_emit *emit, so_error *err)
{
    int frame = s->rate / PER_SECOND, over = av_audio_fifo_size(s->fifo) % frame;
    so_status status = over == 0 ? SO_OK : put_silence(s, frame - over, err);

    return status == SO_OK ? emit_whole(s, emit, err) : status;
}

/* ---- whatever comes into whole frames ---- */

static so_status set_resampler(so_sound *s, const AVFrame *frame, so_error *err)
{
    AVChannelLayout out;
    int code;

    if (s->resampler != NULL && frame->format == s->format && frame->sample_rate == s->in_rate &&
        av_channel_layout_compare(&frame->ch_layout, &s->layout) == 0)
        return SO_OK;
    av_channel_layout_uninit(&s->layout);
    if (frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&s->layout, frame->ch_layout.nb_channels);
    else if ((code = av_channel_layout_copy(&s->layout, &frame->ch_layout)) < 0)
        return failed(err, code);
    s->format = frame->format;
    s->in_rate = frame->sample_rate;
    av_channel_layout_default(&out, (int)s->channels);
    swr_free(&s->resampler);
    code = swr_alloc_set_opts2(&s->resampler, &out, AV_SAMPLE_FMT_FLT, s->rate, &s->layout,
                               (enum AVSampleFormat)s->format, s->in_rate, 0, NULL);
    if (code >= 0)
        code = swr_init(s->resampler);
    return code < 0 ? failed(err, code) : SO_OK;
}

/* Where the frame belongs, and what to do about a gap before it. */
static so_status settle(so_sound *s, int64_t time_us, const so_emit *emit, so_error *err)
{
    int64_t held = swr_get_delay(s->resampler, s->rate);
    int64_t want = av_rescale(time_us, s->rate, 1000000) - held, have = s->at + av_audio_fifo_size(s->fifo);
    so_status status = SO_OK;

    if (s->begun && want - have <= s->rate / SLACK_PART)
        return SO_OK;
    if (s->begun && want - have <= s->rate)
        return put_silence(s, want - have, err);
    if (s->begun)
        status = so_sound_end(s, emit, err);
    s->at = want < 0 ? 0 : want;
    s->begun = true;
    return status;
}

so_status so_sound_put(so_sound *s, const AVFrame *frame, int64_t time_us, const so_emit *emit, so_error *err)
{
    so_status status = set_resampler(s, frame, err);
    int most, got;

    if (status == SO_OK)
        status = settle(s, time_us, emit, err);
    if (status != SO_OK)
        return status;
    most = swr_get_out_samples(s->resampler, frame->nb_samples);
    if (most < 0)
        return failed(err, most);
    if (most > s->room) {
        float *more = realloc(s->samples, (size_t)most * s->channels * sizeof *more);
        if (more == NULL)
            return so_media_no_memory(err);
        s->samples = more;
        s->room = most;
    }
    got = swr_convert(s->resampler, (uint8_t *[]){(uint8_t *)s->samples}, s->room,
                      (const uint8_t **)(uintptr_t)frame->extended_data, frame->nb_samples);
    if (got < 0)
        return failed(err, got);
    if (got > 0 && av_audio_fifo_write(s->fifo, (void *[]){s->samples}, got) < got)
        return so_media_no_memory(err);
    return emit_whole(s, emit, err);
}

int64_t so_sound_end_us(const so_sound *s)
{
    int64_t held = s->resampler == NULL ? 0 : swr_get_delay(s->resampler, s->rate);

    return av_rescale(s->at + av_audio_fifo_size(s->fifo) + held, 1000000, s->rate);
}
