#include "media/playout.h"

#include "media/ffmpeg.h"
#include "media/g711.h"

#include <libavutil/channel_layout.h>
#include <libswresample/swresample.h>
#include <opus/opus.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS SO_PLAYOUT_CHANNELS
#define STEP SO_PLAYOUT_STEP
#define PER_MS (SO_PLAYOUT_RATE / 1000)
#define BEGIN (40 * PER_MS) /* what must be there before it plays, at first and after silence */
#define MOST (SO_PLAYOUT_MOST * PER_MS)
#define PACKET_MOST (120 * PER_MS) /* RFC 6716 §3.2.5 */
#define ROOM (MOST + PACKET_MOST)
#define CONCEAL_MOST (60 * PER_MS) /* after that a decoder's guess is no better than silence */
#define GAP_MOST (500 * PER_MS)    /* a longer one is a pause, or another stream */
#define WINDOW (2 * SO_PLAYOUT_RATE / STEP)
#define SPARE (STEP + 5 * PER_MS) /* more than that was never needed */

struct so_playout {
    OpusDecoder *opus;
    SwrContext *resampler; /* of G.711 */
    float samples[ROOM * CHANNELS];
    int count; /* of each channel */
    bool playing;
    so_media_codec codec;
    uint32_t expected; /* the RTP time of the next packet, if nothing is missing */
    bool begun;
    int made_up;    /* samples that were heard since the last packet, and are none of the call's */
    int lowest;     /* of count after a step, */
    unsigned steps; /* in this window so far */
};

static so_status make_resampler(so_playout *p)
{
    AVChannelLayout mono;
    int code;

    av_channel_layout_default(&mono, 1);
    code = swr_alloc_set_opts2(&p->resampler, &mono, AV_SAMPLE_FMT_FLT, SO_PLAYOUT_RATE, &mono, AV_SAMPLE_FMT_S16,
                               SO_G711_RATE, 0, NULL);
    return code < 0 || swr_init(p->resampler) < 0 ? SO_NO_MEMORY : SO_OK;
}

so_status so_playout_make(so_playout **made, so_error *err)
{
    so_playout *p = calloc(1, sizeof *p);
    int code = OPUS_ALLOC_FAIL;

    *made = NULL;
    if (p != NULL)
        p->opus = opus_decoder_create(SO_PLAYOUT_RATE, CHANNELS, &code);
    if (p == NULL || p->opus == NULL || make_resampler(p) != SO_OK) {
        so_playout_free(p);
        return so_media_no_memory(err);
    }
    p->lowest = ROOM;
    *made = p;
    return SO_OK;
}

void so_playout_free(so_playout *p)
{
    if (p == NULL)
        return;
    if (p->opus != NULL)
        opus_decoder_destroy(p->opus);
    swr_free(&p->resampler);
    free(p);
}

/* ---- packets into samples ---- */

static float *end_of(so_playout *p)
{
    return p->samples + (size_t)p->count * CHANNELS;
}

/* The oldest goes: sound that is late is worth less than sound that is there. */
static void leave_out(so_playout *p, int count)
{
    p->count -= count;
    memmove(p->samples, p->samples + (size_t)count * CHANNELS, (size_t)p->count * CHANNELS * sizeof *p->samples);
}

static void put_opus(so_playout *p, const uint8_t *bytes, size_t len)
{
    int got = opus_decode_float(p->opus, bytes, (opus_int32)len, end_of(p), PACKET_MOST, 0);

    p->count += got > 0 ? got : 0;
}

static void put_g711(so_playout *p, const uint8_t *bytes, size_t len)
{
    int16_t linear[PACKET_MOST * SO_G711_RATE / SO_PLAYOUT_RATE];
    float *to = end_of(p);
    uint8_t *out = (uint8_t *)to;
    const uint8_t *in = (const uint8_t *)linear;
    int got;

    for (size_t i = 0; i < len; i++)
        linear[i] = p->codec == SO_MEDIA_PCMU ? so_g711_of_ulaw(bytes[i]) : so_g711_of_alaw(bytes[i]);
    got = swr_convert(p->resampler, &out, ROOM - p->count, &in, (int)len);
    for (int i = got - 1; i >= 0; i--) /* one channel becomes two where it stands, from its end on */
        for (int c = CHANNELS - 1; c >= 0; c--)
            to[i * CHANNELS + c] = to[i];
    p->count += got > 0 ? got : 0;
}

/* Opus goes on with what it was about to say, fading; G.711 knows nothing of that. */
static void conceal(so_playout *p, int count)
{
    count -= count % (PER_MS * 5 / 2); /* Opus counts in 2.5 ms */
    if (count <= 0)
        return;
    if (p->codec != SO_MEDIA_OPUS || opus_decode_float(p->opus, NULL, 0, end_of(p), count, 0) != count)
        memset(end_of(p), 0, (size_t)count * CHANNELS * sizeof *p->samples);
    p->count += count;
}

/*
 * What is missing before a packet. Opus may say the last of it again, within that packet (in-band FEC, RFC 6716
 * §2.1.7); where it does not, its decoder conceals that as well.
 */
static void mend(so_playout *p, const uint8_t *bytes, size_t len, int count, int missing)
{
    int again = p->codec == SO_MEDIA_OPUS && missing >= count ? count : 0;

    conceal(p, missing - again);
    if (again > 0 && opus_decode_float(p->opus, bytes, (opus_int32)len, end_of(p), again, 1) == again)
        p->count += again;
}

/* Samples in a packet; 0: it is none that can be played. */
static int samples_of(so_media_codec codec, const uint8_t *bytes, size_t len)
{
    int count = 0;

    if (codec == SO_MEDIA_OPUS && len > 0 && len <= INT16_MAX)
        count = opus_packet_get_nb_samples(bytes, (opus_int32)len, SO_PLAYOUT_RATE);
    else if ((codec == SO_MEDIA_PCMU || codec == SO_MEDIA_PCMA) && len <= PACKET_MOST)
        count = (int)len * (SO_PLAYOUT_RATE / SO_G711_RATE);
    return count < 0 || count > PACKET_MOST ? 0 : count;
}

/* What is missing before this packet, less what was made up for it already; negative: it has been played past. */
static int missing_before(const so_playout *p, so_media_codec codec, uint32_t rtp_time)
{
    int units = SO_PLAYOUT_RATE / (int)so_media_codec_clock(codec);
    int64_t gap = (int64_t)(int32_t)(rtp_time - p->expected) * units;

    if (!p->begun || codec != p->codec || gap > GAP_MOST || gap < 0)
        return 0;
    return (int)gap - p->made_up > 0 ? (int)gap - p->made_up : 0;
}

void so_playout_put(so_playout *p, so_media_codec codec, const uint8_t *bytes, size_t len, uint32_t rtp_time)
{
    int count = samples_of(codec, bytes, len), missing;

    if (count == 0)
        return;
    missing = missing_before(p, codec, rtp_time);
    p->codec = codec;
    p->begun = true;
    p->made_up = 0;
    p->expected = rtp_time + (uint32_t)(count / (SO_PLAYOUT_RATE / (int)so_media_codec_clock(codec)));
    mend(p, bytes, len, count, missing < CONCEAL_MOST ? missing : CONCEAL_MOST);
    if (p->count > MOST)
        leave_out(p, p->count - MOST);
    if (codec == SO_MEDIA_OPUS)
        put_opus(p, bytes, len);
    else
        put_g711(p, bytes, len);
    if (p->count > MOST)
        leave_out(p, p->count - MOST);
}

/* ---- samples out ---- */

/* Two steps become one, the first fading into the second: no click, and hardly a difference. */
static void fold(so_playout *p)
{
    for (int i = 0; i < STEP * CHANNELS; i++) {
        float second = (float)(i / CHANNELS) / STEP;

        p->samples[i + STEP * CHANNELS] = p->samples[i] * (1 - second) + p->samples[i + STEP * CHANNELS] * second;
    }
    leave_out(p, STEP);
}

static void watch_level(so_playout *p)
{
    p->lowest = p->count < p->lowest ? p->count : p->lowest;
    if (++p->steps < WINDOW)
        return;
    if (p->lowest > SPARE && p->count >= 2 * STEP)
        fold(p);
    p->lowest = ROOM;
    p->steps = 0;
}

static void make_up(so_playout *p)
{
    if (p->begun && p->made_up < CONCEAL_MOST)
        conceal(p, STEP);
    else
        p->playing = false;
    p->made_up += p->made_up < GAP_MOST ? STEP : 0;
}

void so_playout_step(so_playout *p, float samples[STEP * CHANNELS])
{
    if (!p->playing && p->count >= BEGIN) {
        p->playing = true;
        p->lowest = ROOM;
        p->steps = 0;
    }
    if (p->playing && p->count < STEP)
        make_up(p);
    else if (!p->playing && p->begun)
        p->made_up += p->made_up < GAP_MOST ? STEP : 0;
    if (!p->playing || p->count < STEP) {
        memset(samples, 0, (size_t)STEP * CHANNELS * sizeof *samples);
        return;
    }
    memcpy(samples, p->samples, (size_t)STEP * CHANNELS * sizeof *samples);
    leave_out(p, STEP);
    watch_level(p);
}

unsigned so_playout_ms(const so_playout *p)
{
    return (unsigned)(p->count / PER_MS);
}
