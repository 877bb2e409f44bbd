#include "cli/call_media.h"

#include "media/level.h"
#include "media/rtp_port.h"
#include "media/source.h"

#include "cli/call_sinks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define USEC 1000

struct call_media {
    const call_options *options;
    so_source *sources[CALL_INS];
    size_t source_count;
    so_source *of[SO_MEDIA_KINDS]; /* which of them has it; NULL: none */
    so_rtp_in *rtp;
    uv_poll_t polls[SO_MEDIA_KINDS];
    bool polling;
    uv_async_t notice; /* from a device's thread */
    unsigned handles;  /* that the loop still has */
    call_sinks *sinks;
    so_media_level *level; /* NULL: nobody asked, or no decoder is there */
    uint64_t measured;
    double energy;
    so_sdp_choice choice;
    bool begun;
    call_media_asks asks;
};

/* ---- opening ---- */

static so_status open_sources(call_media *m, so_error *err)
{
    so_source_options options = {.loop = m->options->loop};

    for (size_t i = 0; i < m->options->in_count; i++) {
        const so_source_has *has;
        so_status status = so_source_open(&m->sources[i], m->options->in[i], &options, err);

        if (status != SO_OK)
            return status;
        m->source_count++;
        has = so_source_what(m->sources[i]);
        if (has->audio && m->of[SO_MEDIA_AUDIO] == NULL)
            m->of[SO_MEDIA_AUDIO] = m->sources[i];
        if (has->video && m->of[SO_MEDIA_VIDEO] == NULL)
            m->of[SO_MEDIA_VIDEO] = m->sources[i];
    }
    return SO_OK;
}

static so_status open_rtp(call_media *m, so_error *err)
{
    so_address address;
    so_status status;

    if (m->options->rtp_in == NULL)
        return SO_OK;
    status = so_rtp_port_parse(&address, m->options->rtp_in, err);
    return status == SO_OK ? so_rtp_in_open(&m->rtp, &address, err) : status;
}

static bool every_sink_takes(const void *user, const char *name)
{
    const call_media *m = user;

    return (call_sinks_take(m->sinks) & SO_MEDIA_BIT(so_media_codec_of(name))) != 0;
}

/* On a device's thread. */
static void on_device(void *user)
{
    call_media *m = user;

    (void)uv_async_send(&m->notice);
}

/* A call goes on without a device that is gone. */
static void on_notice(uv_async_t *notice)
{
    call_media *m = notice->data;
    so_error fault;

    while (m->sinks != NULL && call_sinks_fault(m->sinks, &fault))
        m->asks.fault(m->asks.user, &fault);
    if (m->sinks != NULL && call_sinks_closed(m->sinks))
        m->asks.hang_up(m->asks.user);
}

static so_status open_all(call_media *m, unsigned number, so_error *err)
{
    so_status status = open_sources(m, err);

    if (status == SO_OK)
        status = open_rtp(m, err);
    if (status == SO_OK)
        status = call_sinks_open(&m->sinks, m->options, number, (call_sinks_notice){on_device, m}, err);
    if (status != SO_OK)
        return status;
    so_sdp_choose(&m->choice, every_sink_takes, m);
    /* A number in the report is worth having, and no reason to make no call. */
    if (m->options->json && so_media_level_make(&m->level, NULL) != SO_OK)
        m->level = NULL;
    return SO_OK;
}

static void on_rtp(uv_poll_t *poll, int status, int events)
{
    call_media *m = poll->data;

    (void)status;
    (void)events;
    m->asks.send(m->asks.user);
}

/* Before the call is open too: what comes then is old, and dropped. */
static void watch_rtp(call_media *m, uv_loop_t *loop)
{
    if (m->rtp == NULL)
        return;
    m->polling = true;
    for (so_media_kind kind = SO_MEDIA_AUDIO; kind < SO_MEDIA_KINDS; kind++) {
        (void)uv_poll_init(loop, &m->polls[kind], so_rtp_in_fd(m->rtp, kind));
        m->polls[kind].data = m;
        m->handles++;
        (void)uv_poll_start(&m->polls[kind], UV_READABLE, on_rtp);
    }
}

so_status call_media_open(call_media **out, const call_options *o, unsigned number, uv_loop_t *loop,
                          const call_media_asks *asks, so_error *err)
{
    call_media *m = calloc(1, sizeof *m);
    so_status status;

    *out = NULL;
    if (m == NULL)
        return so_fail(err, SO_NO_MEMORY, "media", "no memory for a call's media; end other programs");
    m->options = o;
    m->asks = *asks;
    if (uv_async_init(loop, &m->notice, on_notice) != 0) {
        free(m);
        return so_fail(err, SO_NO_MEMORY, "media", "no descriptor for what devices tell; end other programs");
    }
    m->notice.data = m;
    m->handles = 1;
    status = open_all(m, number, err);
    if (status != SO_OK) {
        so_error later;

        if (call_media_close(m, &later) != SO_OK)
            status = later.status;
        return status;
    }
    watch_rtp(m, loop);
    *out = m;
    return SO_OK;
}

/* uv has the handles until they are closed. */
static void on_handle_closed(uv_handle_t *handle)
{
    call_media *m = handle->data;

    if (--m->handles > 0)
        return;
    so_rtp_in_close(m->rtp);
    free(m);
}

so_status call_media_close(call_media *m, so_error *err)
{
    so_status status = call_sinks_close(m->sinks, err);

    m->sinks = NULL; /* and no thread tells anything from here on */
    for (size_t i = 0; i < m->source_count; i++)
        so_source_close(m->sources[i]);
    so_media_level_free(m->level);
    for (so_media_kind kind = SO_MEDIA_AUDIO; m->polling && kind < SO_MEDIA_KINDS; kind++)
        uv_close((uv_handle_t *)&m->polls[kind], on_handle_closed);
    uv_close((uv_handle_t *)&m->notice, on_handle_closed);
    return status;
}

/* ---- what is agreed on ---- */

void call_media_config(const call_media *m, so_caller_config *config)
{
    bool all = m->options->echo || m->rtp != NULL;

    config->sound = (so_call_wish){.sends = all || m->of[SO_MEDIA_AUDIO] != NULL, .receives = true};
    config->picture = (so_call_wish){.sends = all || m->of[SO_MEDIA_VIDEO] != NULL,
                                     .receives = m->options->echo || call_sinks_want_picture(m->sinks)};
    config->screen = m->options->screen;
    /* Who only speaks and listens has no m-line for a picture. */
    config->abilities = config->picture.sends || config->picture.receives ? &m->choice.abilities : NULL;
}

static so_sdp_kind sdp_kind(so_media_kind kind)
{
    return kind == SO_MEDIA_AUDIO ? SO_SDP_AUDIO : SO_SDP_VIDEO;
}

/* How a codec is called in this call; NULL: the other end does not have it. */
static const so_sdp_ability *ability_of(const so_call *call, so_media_codec codec)
{
    return so_call_codec_named(call, sdp_kind(so_media_codec_kind(codec)), so_media_codec_name(codec));
}

/* What the source has already, where the other end takes it; else the other end's favourite. */
static so_media_codec choose_codec(const so_call *call, so_media_kind kind, so_media_codec own)
{
    const so_sdp_ability *first = so_call_codec(call, sdp_kind(kind), 0);

    if (own != SO_MEDIA_NONE && ability_of(call, own) != NULL)
        return own;
    return first == NULL ? SO_MEDIA_NONE : so_media_codec_of(first->name);
}

/* What the other end sends with, most likely: its favourite. */
static so_media_codec codec_received(const so_call *call, so_sdp_kind kind)
{
    const so_sdp_ability *first = so_call_codec(call, kind, 0);
    so_track_facts facts;

    if (first == NULL || !so_call_track_facts(call, kind, &facts) || !facts.receiving)
        return SO_MEDIA_NONE;
    return so_media_codec_of(first->name);
}

so_status call_media_begin(call_media *m, so_caller *caller, so_error *err)
{
    const so_call *call = so_caller_call(caller);

    so_status status;

    if (m->begun)
        return SO_OK;
    m->begun = true;
    status = call_sinks_expect(m->sinks, codec_received(call, SO_SDP_AUDIO), codec_received(call, SO_SDP_VIDEO), err);
    if (status != SO_OK)
        return status;
    for (size_t i = 0; i < m->source_count; i++) {
        const so_source_has *has = so_source_what(m->sources[i]);
        so_media_codec audio = SO_MEDIA_NONE, video = SO_MEDIA_NONE;

        if (m->of[SO_MEDIA_AUDIO] == m->sources[i])
            audio = choose_codec(call, SO_MEDIA_AUDIO, has->audio_codec);
        if (m->of[SO_MEDIA_VIDEO] == m->sources[i])
            video = choose_codec(call, SO_MEDIA_VIDEO, has->video_codec);
        status = so_source_start(m->sources[i], audio, video, err);
        if (status != SO_OK)
            return status;
    }
    return SO_OK;
}

/* ---- sending ---- */

static void send_frame(call_media *m, so_caller *caller, so_media_codec codec, so_peer_frame *frame)
{
    so_media_kind kind = so_media_codec_kind(codec);
    so_status sent;

    frame->codec = ability_of(so_caller_call(caller), codec);
    if (frame->codec == NULL)
        return;
    /* What the other end does not want at the moment (a hold) is left out, and the source's time goes on. */
    sent = so_caller_send(caller, sdp_kind(kind), frame);
    if (sent == SO_TOO_LONG && m->of[kind] != NULL)
        so_source_want_key(m->of[kind]);
}

static uint64_t send_source(call_media *m, so_caller *caller, so_source *source, uint64_t now)
{
    so_source_frame frame;
    uint64_t next = UINT64_MAX;

    for (;;) {
        so_source_said said = so_source_next(source, now, &frame, &next);
        so_peer_frame out;

        if (said == SO_SOURCE_LATER)
            return next;
        /* A file that breaks in the middle ends there: what was sent was sent. Nobody expects that of a device. */
        if (said == SO_SOURCE_FAILED && so_source_what(source)->live)
            m->asks.fault(m->asks.user, so_source_fault(source));
        if (said != SO_SOURCE_FRAME)
            continue;
        out = (so_peer_frame){.bytes = frame.bytes, .len = frame.len, .time = frame.rtp_time, .marker = frame.fresh};
        send_frame(m, caller, frame.codec, &out);
    }
}

static void send_rtp(call_media *m, so_caller *caller)
{
    for (so_media_kind kind = SO_MEDIA_AUDIO; m->rtp != NULL && kind < SO_MEDIA_KINDS; kind++) {
        so_rtp_frame_in frame;

        while (so_rtp_in_next(m->rtp, kind, &frame)) {
            so_peer_frame out = {
                .bytes = frame.bytes, .len = frame.len, .time = frame.rtp_time, .marker = frame.marker};

            if (m->begun)
                send_frame(m, caller, frame.codec, &out);
        }
    }
}

so_msec call_media_next(call_media *m, so_caller *caller)
{
    uint64_t now = so_caller_now(caller) * USEC, next = UINT64_MAX;

    send_rtp(m, caller);
    for (size_t i = 0; m->begun && i < m->source_count; i++) {
        uint64_t at = send_source(m, caller, m->sources[i], now);

        if (at < next)
            next = at;
    }
    return next == UINT64_MAX ? UINT64_MAX : (next + USEC - 1) / USEC;
}

/* ---- what comes ---- */

static void measure(call_media *m, const so_call_event *event)
{
    double rms;

    if (m->level == NULL || event->media != SO_SDP_AUDIO || strcasecmp(event->frame.codec->name, "opus") != 0 ||
        so_media_level_take(m->level, event->frame.bytes, event->frame.len, &rms) != SO_OK)
        return;
    m->energy += rms * rms;
    m->measured++;
}

static so_status take_frame(call_media *m, so_caller *caller, const so_call_event *event, so_error *err)
{
    so_status status;

    measure(m, event);
    if (m->options->echo) {
        status = so_caller_send(caller, event->media, &event->frame);
        if (status == SO_TOO_LONG)
            so_caller_want_key(caller);
    }
    status = call_sinks_take_frame(m->sinks, event, so_caller_now(caller), err);
    if (call_sinks_want_key(m->sinks))
        so_caller_want_key(caller);
    return status;
}

so_status call_media_event(call_media *m, so_caller *caller, const so_call_event *event, so_error *err)
{
    switch (event->kind) {
    case SO_CALL_FRAME:
        return take_frame(m, caller, event, err);
    case SO_CALL_WANT_KEY:
        if (m->of[SO_MEDIA_VIDEO] != NULL)
            so_source_want_key(m->of[SO_MEDIA_VIDEO]);
        else if (m->options->echo)
            so_caller_want_key(caller);
        break;
    case SO_CALL_OTHER:
        call_sinks_show(m->sinks, event->video || event->screen);
        break;
    case SO_CALL_RATE:
        if (m->of[SO_MEDIA_VIDEO] != NULL)
            so_source_set_bitrate(m->of[SO_MEDIA_VIDEO], (unsigned)event->rate);
        break;
    default:
        break;
    }
    return SO_OK;
}

void call_media_totals(const call_media *m, call_totals *totals)
{
    totals->level_known = m->measured > 0;
    if (totals->level_known)
        totals->level = m->energy <= 0 ? -127 : 10 * log10(m->energy / (double)m->measured);
}
