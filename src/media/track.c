#include "media/ffmpeg.h"
#include "media/signal.h"
#include "media/source_inside.h"

#include <libavutil/mathematics.h>
#include <time.h>

#define SECOND_US 1000000
/* A picture that is this late is not encoded any more: the machine, or the caller, was too slow. */
#define LATE_US 100000
#define VERY_LATE_US SECOND_US /* from here on the decoder leaves out what nothing refers to */
#define PAUSE_NS 2000000       /* until a device is asked again */

/* ---- the queue ---- */

static so_track_frame *frame_at(so_track *t, size_t i)
{
    return &t->queue[(t->first + i) % SO_TRACK_ROOM];
}

static bool is_full(so_track *t)
{
    const so_track_frame *last;

    if (t->count == 0)
        return false;
    last = frame_at(t, t->count - 1);
    return t->count == SO_TRACK_ROOM || last->at + last->duration - t->queue[t->first].at >= t->ahead;
}

so_status so_track_emit(void *user, AVPacket *packet, int64_t at, int64_t duration)
{
    so_track *t = user;
    so_source *s = t->source;
    so_status status = SO_STATE;
    bool live = s->has.live;

    (void)pthread_mutex_lock(&s->lock);
    if (live && is_full(t)) { /* nobody fetches it: the oldest goes */
        av_packet_unref(frame_at(t, 0)->packet);
        t->first = (t->first + 1) % SO_TRACK_ROOM;
        t->count--;
        if (t->count > 0)
            frame_at(t, 0)->fresh = true;
    }
    while (!s->stop && is_full(t) && !live) {
        t->waits = true;
        (void)pthread_cond_broadcast(&s->moved);
        (void)pthread_cond_wait(&s->moved, &s->lock);
    }
    t->waits = false;
    if (!s->stop) {
        so_track_frame *frame = frame_at(t, t->count);
        av_packet_move_ref(frame->packet, packet);
        frame->at = at;
        frame->duration = duration;
        frame->fresh = t->made++ == 0 || (t->kind == SO_MEDIA_AUDIO && at != t->expected);
        t->expected = at + duration;
        t->count++;
        (void)pthread_cond_broadcast(&s->moved);
        status = SO_OK;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return status;
}

/* ---- what is decoded ---- */

typedef struct wish {
    bool skip, hurry, key;
    unsigned bitrate;
} wish;

/* What the caller wants of the next picture, if it is encoded. */
static wish wish_for(so_track *t, int64_t time_us)
{
    so_source *s = t->source;
    wish w = {0};

    (void)pthread_mutex_lock(&s->lock);
    w.skip = s->has.live ? is_full(t) : s->played_us - time_us > LATE_US;
    w.hurry = !s->has.live && s->played_us - time_us > VERY_LATE_US;
    if (!w.skip) {
        w.key = t->key_wanted;
        w.bitrate = t->bitrate;
        t->key_wanted = false;
        t->bitrate = 0;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return w;
}

static so_status put_picture(so_track *t, int64_t time_us, so_error *err)
{
    so_emit emit = {so_track_emit, t};
    wish w;

    if (!so_picture_wants(t->picture, time_us))
        return SO_OK;
    w = wish_for(t, time_us);
    if (t->decoder != NULL)
        t->decoder->skip_frame = w.hurry ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
    if (w.skip)
        return SO_OK;
    if (w.bitrate != 0)
        so_picture_set_bitrate(t->picture, w.bitrate);
    if (t->source->test) {
        uint32_t ms = t->source->options.clock_ms + (uint32_t)(time_us / 1000);
        if (so_signal_picture(t->frame, (uint64_t)time_us, ms) != SO_OK)
            return so_media_no_memory(err);
    }
    return so_picture_put(t->picture, t->frame, time_us, t->turns, w.key, &emit, err);
}

static so_status put_frame(so_track *t, so_error *err)
{
    so_emit emit = {so_track_emit, t};
    int64_t time = t->frame->best_effort_timestamp, time_us = t->end_us, duration_us;
    AVRational rate = t->input.stream->avg_frame_rate;
    so_status status;

    if (time != AV_NOPTS_VALUE) {
        time_us = so_input_us(&t->input, time);
        if (!t->based && t->source->has.live)
            t->base_us = -time_us;
        time_us += t->base_us;
    }
    t->based = true;
    if (time_us < 0)
        time_us = 0;
    if (t->kind == SO_MEDIA_AUDIO) {
        status = so_sound_put(t->sound, t->frame, time_us, &emit, err);
        t->end_us = so_sound_end_us(t->sound);
        return status;
    }
    t->frame->sample_aspect_ratio = av_guess_sample_aspect_ratio(t->input.format, t->input.stream, t->frame);
    duration_us = rate.num > 0 && rate.den > 0 ? av_rescale(SECOND_US, rate.den, rate.num) : SECOND_US / 25;
    if (time_us + duration_us > t->end_us)
        t->end_us = time_us + duration_us;
    return put_picture(t, time_us, err);
}

/* packet NULL: nothing follows, the decoder gives what it holds back. What is broken is passed over. */
static so_status decode(so_track *t, const AVPacket *packet, so_error *err)
{
    so_status status = SO_OK;
    int code = avcodec_send_packet(t->decoder, packet);

    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    while (status == SO_OK && (code = avcodec_receive_frame(t->decoder, t->frame)) >= 0)
        status = put_frame(t, err);
    return code == AVERROR(ENOMEM) ? so_media_no_memory(err) : status;
}

/* ---- the thread ---- */

static so_status step_signal(so_track *t, so_error *err)
{
    so_emit emit = {so_track_emit, t};
    uint64_t n = t->drawn++;

    if (t->kind == SO_MEDIA_VIDEO)
        return put_picture(t, (int64_t)(n * SECOND_US / SO_SIGNAL_FPS), err);
    if (so_signal_sound(t->frame, n) != SO_OK)
        return so_media_no_memory(err);
    return so_sound_put(t->sound, t->frame, (int64_t)(n * SECOND_US * SO_SIGNAL_SAMPLES / SO_SIGNAL_RATE), &emit, err);
}

static so_status step_input(so_track *t, so_error *err)
{
    so_status status = so_input_read(&t->input, t->packet, err);
    int64_t time = t->packet->pts != AV_NOPTS_VALUE ? t->packet->pts : t->packet->dts;

    if (status == SO_STATE) {
        struct timespec pause = {0, PAUSE_NS};
        (void)nanosleep(&pause, NULL);
        return SO_OK;
    }
    if (status != SO_OK)
        return status;
    if (!t->passes)
        return decode(t, t->packet, err);
    return so_track_pass(t, time == AV_NOPTS_VALUE ? t->end_us : so_input_us(&t->input, time) + t->base_us, err);
}

/* All tracks have come to the end of this round: the next one begins where the longest ended. The lock is held. */
static void try_round(so_source *s)
{
    int64_t end = s->base_us;

    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++) {
        const so_track *t = &s->tracks[i];
        if (t->codec == SO_MEDIA_NONE || t->ended)
            continue;
        if (t->round == s->rounds)
            return;
        end = t->end_us > end ? t->end_us : end;
    }
    s->base_us = end;
    s->rounds++;
    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++)
        s->tracks[i].waits = false;
    (void)pthread_cond_broadcast(&s->moved);
}

/* SO_NOT_FOUND: it goes round without anything in it. */
static so_status next_round(so_track *t, so_error *err)
{
    so_source *s = t->source;
    so_status status = SO_STATE;
    uint64_t made = t->made;

    if (made == 0)
        return SO_NOT_FOUND;
    (void)pthread_mutex_lock(&s->lock);
    t->round++;
    try_round(s);
    while (!s->stop && s->rounds < t->round) {
        t->waits = true;
        (void)pthread_cond_broadcast(&s->moved);
        (void)pthread_cond_wait(&s->moved, &s->lock);
    }
    t->waits = false;
    if (!s->stop)
        status = s->base_us > t->base_us ? SO_OK : SO_NOT_FOUND;
    t->base_us = s->base_us;
    (void)pthread_mutex_unlock(&s->lock);
    return status == SO_OK ? so_track_rewind(t, err) : status;
}

static so_status end_of_file(so_track *t, so_error *err)
{
    so_emit emit = {so_track_emit, t};
    so_status status = t->passes ? SO_OK : decode(t, NULL, err);

    if (status == SO_OK && t->source->options.loop)
        return next_round(t, err);
    if (status == SO_OK && t->passes)
        status = so_track_pass_end(t, err);
    if (status == SO_OK && t->sound != NULL)
        status = so_sound_end(t->sound, &emit, err);
    return status == SO_OK ? SO_NOT_FOUND : status;
}

static void finish(so_track *t, so_status status, const so_error *err)
{
    so_source *s = t->source;

    (void)pthread_mutex_lock(&s->lock);
    t->ended = true;
    t->failed = status != SO_NOT_FOUND && status != SO_STATE;
    if (status == SO_NOT_FOUND && t->made == 0) {
        t->failed = true;
        (void)so_fail(&t->fault, SO_BAD_INPUT, "media",
                      "nothing of the %s in %.150s can be decoded; convert the file with: ffmpeg -i FILE out.webm",
                      t->kind == SO_MEDIA_AUDIO ? "sound" : "picture", s->path);
    } else if (t->failed) {
        t->fault = *err;
    }
    try_round(s);
    (void)pthread_cond_broadcast(&s->moved);
    (void)pthread_mutex_unlock(&s->lock);
}

static void *work(void *user)
{
    so_track *t = user;
    so_error err = {0};
    so_status status = SO_OK;

    while (status == SO_OK) {
        status = t->source->test ? step_signal(t, &err) : step_input(t, &err);
        if (status == SO_NOT_FOUND)
            status = end_of_file(t, &err);
        if (status == SO_OK && t->source->has.live) {
            (void)pthread_mutex_lock(&t->source->lock);
            status = t->source->stop ? SO_STATE : SO_OK;
            (void)pthread_mutex_unlock(&t->source->lock);
        }
    }
    finish(t, status, &err);
    return NULL;
}

so_status so_track_run(so_track *t, so_error *err)
{
    if (pthread_create(&t->thread, NULL, work, t) != 0)
        return so_fail(err, SO_NO_MEMORY, "media", "no thread can be started; end other programs");
    t->running = true;
    return SO_OK;
}
