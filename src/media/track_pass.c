/* What a file holds in the codec of the call already, as frames of the call. */
#include "media/ffmpeg.h"
#include "media/fit.h"
#include "media/source_inside.h"
#include "rtp/opus.h"

#include <libavutil/mathematics.h>
#include <string.h>

#define SECOND_US 1000000
/* Times in files are rounded, and lie: sound that is this little off just follows the last, in parts of a second. */
#define SLACK_PART 25

/* Where sound of that time belongs: right behind the last, unless something is missing. */
static int64_t place_sound(so_track *t, int64_t time_us)
{
    int64_t clock = so_media_codec_clock(t->codec), want = av_rescale(time_us, clock, SECOND_US);

    if (t->begun && want - t->next_at <= clock / SLACK_PART)
        return t->next_at;
    t->begun = true;
    t->next_at = want < 0 ? 0 : want;
    return t->next_at;
}

static so_status emit(so_track *t, AVPacket *packet, int64_t at, int64_t duration)
{
    t->next_at = at + duration;
    t->end_us = av_rescale(t->next_at, SECOND_US, so_media_codec_clock(t->codec));
    return so_track_emit(t, packet, at, duration);
}

static so_status pass_opus(so_track *t, int64_t time_us)
{
    so_opus_info info;

    /* later in the file than so_fit has looked */
    if (t->packet->size > SO_FIT_SOUND_MOST || so_opus_parse(&info, t->packet->data, (size_t)t->packet->size) != SO_OK)
        return SO_OK;
    t->packet->flags |= AV_PKT_FLAG_KEY;
    return emit(t, t->packet, place_sound(t, time_us), info.samples);
}

static so_status emit_carried(so_track *t, so_error *err)
{
    size_t len = t->carry;

    av_packet_unref(t->packet);
    if (av_new_packet(t->packet, (int)len) < 0)
        return so_media_no_memory(err);
    memcpy(t->packet->data, t->carried, len);
    t->packet->flags |= AV_PKT_FLAG_KEY;
    t->carry = 0;
    return emit(t, t->packet, t->next_at, (int64_t)len);
}

/* Files hold G.711 in pieces of any length; calls send 20 ms at a time. */
static so_status pass_g711(so_track *t, int64_t time_us, so_error *err)
{
    AVPacket *whole = av_packet_alloc();
    so_status status = SO_OK;

    if (whole == NULL)
        return so_media_no_memory(err);
    av_packet_move_ref(whole, t->packet);
    (void)place_sound(t, time_us - av_rescale((int64_t)t->carry, SECOND_US, so_media_codec_clock(t->codec)));
    for (size_t at = 0; status == SO_OK && at < (size_t)whole->size;) {
        size_t n = SO_G711_FRAME - t->carry, left = (size_t)whole->size - at;
        n = n < left ? n : left;
        memcpy(t->carried + t->carry, whole->data + at, n);
        t->carry += n;
        at += n;
        if (t->carry == SO_G711_FRAME)
            status = emit_carried(t, err);
    }
    av_packet_free(&whole);
    return status;
}

so_status so_track_pass_end(so_track *t, so_error *err)
{
    return t->carry == 0 ? SO_OK : emit_carried(t, err);
}

static so_status pass_picture(so_track *t, int64_t time_us)
{
    int64_t clock = so_media_codec_clock(t->codec), at = av_rescale(time_us < 0 ? 0 : time_us, clock, SECOND_US);
    int64_t duration = av_rescale_q(t->packet->duration, t->input.stream->time_base, (AVRational){1, (int)clock});
    AVRational rate = t->input.stream->avg_frame_rate;
    bool key = so_fit_is_key(t->codec, t->packet);

    if (t->packet->size > SO_FIT_PICTURE_MOST)
        t->needs_key = true;
    if (t->needs_key && !key)
        return SO_OK;
    t->needs_key = false;
    if (t->begun && at <= t->next_at) /* next_at is the last one's: two pictures never share a time */
        at = t->next_at + 1;
    if (duration <= 0)
        duration = rate.num > 0 && rate.den > 0 ? clock * rate.den / rate.num : clock / 30;
    t->packet->flags = key ? AV_PKT_FLAG_KEY : 0;
    t->begun = true;
    t->next_at = at;
    t->end_us = av_rescale(at + duration, SECOND_US, clock);
    return so_track_emit(t, t->packet, at, duration);
}

so_status so_track_pass(so_track *t, int64_t time_us, so_error *err)
{
    so_status status = so_fit_pass(t->filter, t->packet);

    if (status == SO_NO_MEMORY)
        return so_media_no_memory(err);
    if (status != SO_OK) {
        t->needs_key = t->needs_key || status == SO_BAD_INPUT;
        return SO_OK;
    }
    if (t->kind == SO_MEDIA_VIDEO)
        return pass_picture(t, time_us);
    return t->codec == SO_MEDIA_OPUS ? pass_opus(t, time_us) : pass_g711(t, time_us, err);
}
