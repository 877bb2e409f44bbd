#include "media/source.h"

#include "media/ffmpeg.h"
#include "media/signal.h"
#include "media/source_inside.h"

#include <libavutil/mathematics.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US 1000000
#define LATE_US 200000
#define READY_US SECOND_US /* how long the first call waits for all kinds, so that they begin together */
#define SOON_US 5000       /* when to ask again for what the thread has not made yet */

#define DEFAULT_FPS 30
#define DEFAULT_BITRATE 1000000
#define SIDE_MOST 8192
#define FPS_MOST 120

/* ---- opening ---- */

static void set_options(so_source *s, const so_source_options *options)
{
    static const so_source_options none;
    so_source_options *o = &s->options;

    *o = options == NULL ? none : *options;
    o->width = o->width > SIDE_MOST ? SIDE_MOST : o->width;
    o->height = o->height > SIDE_MOST ? SIDE_MOST : o->height;
    o->fps = o->fps == 0 ? DEFAULT_FPS : o->fps > FPS_MOST ? FPS_MOST : o->fps;
    o->bitrate = o->bitrate == 0 ? DEFAULT_BITRATE : o->bitrate;
}

static so_input_what what_of(const char *what)
{
    return strcmp(what, "mic") == 0      ? SO_INPUT_MIC
           : strcmp(what, "camera") == 0 ? SO_INPUT_CAMERA
           : strcmp(what, "screen") == 0 ? SO_INPUT_SCREEN
                                         : SO_INPUT_FILE;
}

static so_status look_inside(so_source *s, so_error *err)
{
    so_input input = {.what = s->input, .path = s->path, .fps = s->options.fps};
    so_status status = so_input_open(&input, err);
    const AVStream *audio, *video;

    if (status != SO_OK)
        return status;
    audio = so_input_find(&input, SO_MEDIA_AUDIO);
    video = so_input_find(&input, SO_MEDIA_VIDEO);
    s->has.audio = audio != NULL;
    s->has.video = video != NULL;
    s->has.audio_codec = audio == NULL ? SO_MEDIA_NONE : so_input_native(audio);
    s->has.video_codec = video == NULL ? SO_MEDIA_NONE : so_input_native(video);
    s->has.width = video == NULL ? 0 : (unsigned)video->codecpar->width;
    s->has.height = video == NULL ? 0 : (unsigned)video->codecpar->height;
    s->has.live = s->input != SO_INPUT_FILE;
    so_input_close(&input); /* a device is in use only while a call sends */
    if (audio == NULL && video == NULL)
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s holds neither sound nor pictures; give a file that does",
                       s->path);
    return SO_OK;
}

so_status so_source_open(so_source **made, const char *what, const so_source_options *options, so_error *err)
{
    so_source *s = calloc(1, sizeof *s);
    so_status status = SO_OK;

    *made = NULL;
    if (s == NULL)
        return so_media_no_memory(err);
    so_media_quiet();
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->moved, NULL);
    s->played_us = -1;
    set_options(s, options);
    s->path = strdup(what);
    s->held = av_packet_alloc();
    s->test = strcmp(what, "test") == 0;
    s->input = what_of(what);
    if (s->path == NULL || s->held == NULL)
        status = so_media_no_memory(err);
    else if (s->test)
        s->has = (so_source_has){.audio = true, .video = true, .width = SO_SIGNAL_WIDTH, .height = SO_SIGNAL_HEIGHT};
    else
        status = look_inside(s, err);
    if (status == SO_OK)
        *made = s;
    else
        so_source_close(s);
    return status;
}

const so_source_has *so_source_what(const so_source *s)
{
    return &s->has;
}

static void close_tracks(so_source *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->stop = true;
    (void)pthread_cond_broadcast(&s->moved);
    (void)pthread_mutex_unlock(&s->lock);
    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++)
        so_track_join(&s->tracks[i]);
    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++)
        so_track_close(&s->tracks[i]);
    s->stop = false;
}

void so_source_close(so_source *s)
{
    if (s == NULL)
        return;
    close_tracks(s);
    (void)pthread_cond_destroy(&s->moved);
    (void)pthread_mutex_destroy(&s->lock);
    av_packet_free(&s->held);
    free(s->path);
    free(s);
}

/* ---- starting ---- */

static so_status check_wanted(const so_source *s, so_media_codec audio, so_media_codec video, so_error *err)
{
    if (s->started)
        return so_fail(err, SO_STATE, "media", "%.150s was started already", s->path);
    if ((audio != SO_MEDIA_NONE && so_media_codec_kind(audio) != SO_MEDIA_AUDIO) ||
        (video != SO_MEDIA_NONE && so_media_codec_kind(video) != SO_MEDIA_VIDEO))
        return so_fail(err, SO_BAD_INPUT, "media", "a codec of sound is none of pictures, nor the other way round");
    if ((audio != SO_MEDIA_NONE && !s->has.audio) || (video != SO_MEDIA_NONE && !s->has.video))
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s holds no %s; send what it has, or something else", s->path,
                       s->has.audio ? "pictures" : "sound");
    return SO_OK;
}

so_status so_source_start(so_source *s, so_media_codec audio, so_media_codec video, so_error *err)
{
    const so_media_codec wanted[SO_MEDIA_KINDS] = {audio, video};
    so_status status = check_wanted(s, audio, video, err);

    if (status != SO_OK)
        return status;
    for (unsigned i = 0; status == SO_OK && i < SO_MEDIA_KINDS; i++) {
        so_track *t = &s->tracks[i];
        *t = (so_track){.source = s, .kind = (so_media_kind)i, .codec = wanted[i]};
        if (wanted[i] != SO_MEDIA_NONE)
            status = so_track_open(t, err);
    }
    /* Only now: a thread looks at both. */
    for (unsigned i = 0; status == SO_OK && i < SO_MEDIA_KINDS; i++)
        if (wanted[i] != SO_MEDIA_NONE)
            status = so_track_run(&s->tracks[i], err);
    if (status != SO_OK)
        close_tracks(s);
    s->started = status == SO_OK;
    return status;
}

bool so_source_passes(const so_source *s, so_media_kind kind)
{
    return s->tracks[kind].passes;
}

/* ---- what is due; the lock is held ---- */

static int64_t front_us(const so_track *t)
{
    return av_rescale(t->queue[t->first].at, SECOND_US, so_media_codec_clock(t->codec));
}

static bool is_on(const so_track *t)
{
    return t->codec != SO_MEDIA_NONE;
}

static void drop_front(so_source *s, so_track *t)
{
    t->first = (t->first + 1) % SO_TRACK_ROOM;
    t->count--;
    t->waits = false;
    (void)pthread_cond_broadcast(&s->moved);
}

static void leave_out(so_source *s, so_track *t)
{
    av_packet_unref(t->queue[t->first].packet);
    t->skipped = true;
    drop_front(s, t);
}

/* Media time begins when all kinds have something to begin with, or after a second. */
static bool run_clock(so_source *s, uint64_t now_us)
{
    bool ready = true;

    if (s->clocked)
        return true;
    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++)
        ready = ready && (!is_on(&s->tracks[i]) || s->tracks[i].count > 0 || s->tracks[i].ended);
    if (!s->asked)
        s->asked_us = now_us;
    s->asked = true;
    s->clocked = ready || now_us - s->asked_us >= READY_US;
    s->origin_us = now_us;
    return s->clocked;
}

/* What is late after a stall is no use to anybody. Pictures go on with a key frame. */
static void leave_out_late(so_source *s, so_track *t)
{
    while (t->count > 0 && !s->has.live && s->played_us - front_us(t) > LATE_US) {
        leave_out(s, t);
        if (t->kind == SO_MEDIA_VIDEO && !t->skipping) {
            t->skipping = true;
            t->key_wanted = true;
        }
    }
    while (t->count > 0 && t->skipping) {
        if (t->queue[t->first].packet->flags & AV_PKT_FLAG_KEY)
            t->skipping = false;
        else
            leave_out(s, t);
    }
}

static so_track *earliest(so_source *s)
{
    so_track *first = NULL;

    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++) {
        so_track *t = &s->tracks[i];
        if (is_on(t) && t->count > 0 && (first == NULL || front_us(t) < front_us(first)))
            first = t;
    }
    return first;
}

static void take(so_source *s, so_track *t, so_source_frame *frame)
{
    so_track_frame *front = &t->queue[t->first];
    int64_t clock = so_media_codec_clock(t->codec);

    av_packet_move_ref(s->held, front->packet);
    *frame = (so_source_frame){
        .codec = t->codec,
        .bytes = s->held->data,
        .len = (size_t)s->held->size,
        .rtp_time = (uint32_t)front->at,
        .time_us = (uint64_t)front_us(t),
        .duration_us = (uint32_t)av_rescale(front->duration, SECOND_US, clock),
        .key = (s->held->flags & AV_PKT_FLAG_KEY) != 0,
        .fresh = front->fresh || t->skipped,
    };
    t->skipped = false;
    drop_front(s, t);
}

static so_source_said say_end(so_source *s)
{
    bool all = true;

    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++) {
        so_track *t = &s->tracks[i];
        all = all && (!is_on(t) || (t->ended && t->count == 0));
        if (is_on(t) && t->failed && t->count == 0 && !t->fault_said) {
            t->fault_said = true;
            s->fault = t->fault;
            return SO_SOURCE_FAILED;
        }
    }
    if (!all || s->end_said)
        return SO_SOURCE_LATER;
    s->end_said = true;
    return SO_SOURCE_END;
}

/* When to ask again: for the earliest that is there, and soon for what is still being made. */
static uint64_t next_time(so_source *s, const so_track *first, uint64_t now_us)
{
    uint64_t next = first == NULL ? UINT64_MAX : s->origin_us + (uint64_t)front_us(first);

    for (unsigned i = 0; i < SO_MEDIA_KINDS; i++) {
        const so_track *t = &s->tracks[i];
        if (is_on(t) && !t->ended && t->count == 0 && now_us + SOON_US < next)
            next = now_us + SOON_US;
    }
    return next;
}

so_source_said so_source_next(so_source *s, uint64_t now_us, so_source_frame *frame, uint64_t *next_us)
{
    so_source_said said = SO_SOURCE_LATER;
    so_track *t = NULL;

    *next_us = UINT64_MAX;
    av_packet_unref(s->held);
    if (!s->started)
        return SO_SOURCE_LATER;
    (void)pthread_mutex_lock(&s->lock);
    if (!run_clock(s, now_us)) {
        *next_us = now_us + SOON_US;
    } else {
        s->played_us = (int64_t)(now_us - s->origin_us);
        for (unsigned i = 0; i < SO_MEDIA_KINDS; i++)
            leave_out_late(s, &s->tracks[i]);
        t = earliest(s);
        if (t != NULL && (s->has.live || front_us(t) <= s->played_us)) {
            take(s, t, frame);
            said = SO_SOURCE_FRAME;
            *next_us = now_us;
        } else {
            said = say_end(s);
            *next_us = said == SO_SOURCE_LATER ? next_time(s, t, now_us) : now_us;
        }
    }
    (void)pthread_mutex_unlock(&s->lock);
    return said;
}

const so_error *so_source_fault(const so_source *s)
{
    return &s->fault;
}

void so_source_fill(so_source *s)
{
    bool busy = s->started;

    (void)pthread_mutex_lock(&s->lock);
    while (busy) {
        busy = false;
        for (unsigned i = 0; i < SO_MEDIA_KINDS; i++) {
            const so_track *t = &s->tracks[i];
            busy = busy || (is_on(t) && !t->ended && (s->has.live ? t->count == 0 : !t->waits));
        }
        if (busy)
            (void)pthread_cond_wait(&s->moved, &s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

void so_source_want_key(so_source *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->tracks[SO_MEDIA_VIDEO].key_wanted = true;
    (void)pthread_mutex_unlock(&s->lock);
}

void so_source_set_bitrate(so_source *s, unsigned bits)
{
    (void)pthread_mutex_lock(&s->lock);
    s->tracks[SO_MEDIA_VIDEO].bitrate = bits == 0 ? 1 : bits;
    (void)pthread_mutex_unlock(&s->lock);
}
