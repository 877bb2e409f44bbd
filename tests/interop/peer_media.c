/* What the end of peer.c sends, the test signal of src/media, and what becomes of what it gets: a file. */
#include "interop/peer.h"

#include <string.h>

#define USEC 1000

static so_sdp_kind sdp_kind(so_media_kind kind)
{
    return kind == SO_MEDIA_AUDIO ? SO_SDP_AUDIO : SO_SDP_VIDEO;
}

static bool is_chosen(const void *video, const char *name)
{
    return video == NULL || so_media_codec_kind(so_media_codec_of(name)) != SO_MEDIA_VIDEO || strcmp(name, video) == 0;
}

void media_choose(end *e, const char *video)
{
    so_sdp_choose(&e->choice, is_chosen, video);
    e->ways[SO_MEDIA_AUDIO].track = e->ways[SO_MEDIA_VIDEO].track = NO_TRACK;
}

void media_add(end *e, so_media_kind kind)
{
    bool audio = kind == SO_MEDIA_AUDIO;

    must(so_peer_add_track(e->peer, sdp_kind(kind), e->mute ? SO_SDP_RECVONLY : SO_SDP_SENDRECV, "sotto",
                           audio ? "sound" : "picture", &e->ways[kind].track),
         NULL, "a track");
}

/* ---- sending ---- */

/* The other end's favourite. */
static const so_sdp_ability *ability_of(const end *e, so_media_kind kind)
{
    const so_sdp_ability *first = so_peer_codec(e->peer, e->ways[kind].track, 0);

    return first == NULL ? NULL : so_peer_codec_named(e->peer, e->ways[kind].track, first->name);
}

static bool begin(end *e, so_media_kind kind)
{
    const so_source_options options =
        e->in != NULL ? (so_source_options){.loop = true}
                      : (so_source_options){.width = 320, .height = 240, .fps = 15, .bitrate = 400000};
    way *w = &e->ways[kind];
    const so_sdp_ability *ability;
    so_track_facts facts;
    so_error err;

    if (w->source != NULL)
        return true;
    if (w->track == NO_TRACK || so_peer_state_of(e->peer) != SO_PEER_OPEN ||
        !so_peer_track_facts(e->peer, w->track, &facts) || !facts.sending)
        return false;
    ability = ability_of(e, kind);
    if (ability == NULL)
        return false;
    w->sends = so_media_codec_of(ability->name);
    must(so_source_open(&w->source, e->in != NULL ? e->in : "test", &options, &err), &err, "what is sent");
    must(so_source_start(w->source, kind == SO_MEDIA_AUDIO ? w->sends : SO_MEDIA_NONE,
                         kind == SO_MEDIA_VIDEO ? w->sends : SO_MEDIA_NONE, &err),
         &err, "what is sent");
    return true;
}

/* For who measures: when, in microseconds of CLOCK_MONOTONIC, and of how many bytes. */
static void tell(const end *e, const char *what, size_t len)
{
    if (e->tells)
        (void)printf("{\"event\":\"%s\",\"at\":%llu,\"len\":%zu}\n", what, (unsigned long long)(uv_hrtime() / 1000),
                     len);
}

static so_msec send_way(end *e, so_media_kind kind)
{
    way *w = &e->ways[kind];
    so_source_frame frame;
    uint64_t next = UINT64_MAX;

    for (;;) {
        so_source_said said = so_source_next(w->source, so_loop_now(&e->loop) * USEC, &frame, &next);
        so_peer_frame out;
        so_status sent;

        if (said == SO_SOURCE_LATER)
            return next == UINT64_MAX ? UINT64_MAX : (next + USEC - 1) / USEC;
        if (said != SO_SOURCE_FRAME)
            must(SO_IO, so_source_fault(w->source), "what is sent");
        out = (so_peer_frame){.bytes = frame.bytes,
                              .len = frame.len,
                              .time = frame.rtp_time,
                              .marker = kind == SO_MEDIA_AUDIO && frame.fresh,
                              .codec = ability_of(e, kind)};
        if (out.codec == NULL)
            continue;
        sent = so_peer_send(e->peer, so_loop_now(&e->loop), w->track, &out);
        if (sent == SO_TOO_LONG)
            so_source_want_key(w->source);
        w->keys_sent += sent == SO_OK && frame.key;
        if (kind == SO_MEDIA_VIDEO && sent == SO_OK)
            tell(e, "shown", frame.len);
    }
}

so_msec media_next(end *e)
{
    so_msec next = UINT64_MAX;

    for (so_media_kind kind = SO_MEDIA_AUDIO; kind < SO_MEDIA_KINDS; kind++) {
        so_msec at = begin(e, kind) ? send_way(e, kind) : UINT64_MAX;

        if (at < next)
            next = at;
    }
    return next;
}

/* RFC 7983 and RFC 5761 §4: RTP, and not RTCP */
static bool is_rtp(const uint8_t *bytes, size_t len)
{
    return len >= 12 && bytes[0] >= 128 && bytes[0] <= 191 && (bytes[1] < 192 || bytes[1] > 223);
}

bool media_loses(unsigned every, unsigned *count, const uint8_t *bytes, size_t len)
{
    return every > 0 && is_rtp(bytes, len) && ++*count % every == 0;
}

bool media_is_mute(end *e, const uint8_t *bytes, size_t len)
{
    return so_loop_now(&e->loop) < e->mute_until && is_rtp(bytes, len);
}

/* ---- what comes ---- */

static way *way_of(end *e, size_t track)
{
    for (so_media_kind kind = SO_MEDIA_AUDIO; kind < SO_MEDIA_KINDS; kind++)
        if (e->ways[kind].track == track)
            return &e->ways[kind];
    return NULL;
}

void media_record(end *e)
{
    so_error err;

    if (e->file == NULL)
        return;
    for (so_media_kind kind = SO_MEDIA_AUDIO; kind < SO_MEDIA_KINDS; kind++) {
        const so_sdp_ability *first =
            e->ways[kind].track == NO_TRACK ? NULL : so_peer_codec(e->peer, e->ways[kind].track, 0);

        e->records[kind] = first == NULL ? SO_MEDIA_NONE : so_media_codec_of(first->name);
    }
    must(so_sink_open(&e->sink, e->file, &err), &err, "the recording");
    must(so_sink_expect(e->sink, e->records[SO_MEDIA_AUDIO], e->records[SO_MEDIA_VIDEO], &err), &err, "the recording");
}

static void record(end *e, const so_peer_event *event, so_media_codec codec)
{
    so_sink_frame frame = {.codec = codec,
                           .bytes = event->frame.bytes,
                           .len = event->frame.len,
                           .rtp_time = event->frame.time,
                           .arrival_us = so_loop_now(&e->loop) * USEC,
                           .key = event->frame.key};
    so_error err;

    if (e->sink == NULL || e->records[so_media_codec_kind(codec)] != codec)
        return;
    must(so_sink_write(e->sink, &frame, &err), &err, "the recording");
}

static void take_frame(end *e, const so_peer_event *event)
{
    way *w = way_of(e, event->track);
    so_media_codec codec = so_media_codec_of(event->frame.codec->name);

    if (w == NULL || codec == SO_MEDIA_NONE)
        return;
    w->frames++;
    w->keys += event->frame.key;
    if (w == &e->ways[SO_MEDIA_VIDEO])
        tell(e, "seen", event->frame.len);
    record(e, event, codec);
}

void media_event(end *e, const so_peer_event *event)
{
    way *w = way_of(e, event->track);

    switch (event->kind) {
    case SO_PEER_FRAME:
        take_frame(e, event);
        break;
    case SO_PEER_TRACK:
        if (w != NULL)
            w->receiving = event->receiving;
        break;
    case SO_PEER_TRACK_BYE:
        if (w != NULL)
            w->byes++;
        break;
    case SO_PEER_WANT_KEY:
        if (w == NULL)
            break;
        w->wanted++;
        if (w->source != NULL)
            so_source_want_key(w->source);
        break;
    case SO_PEER_RATE:
        e->rate = event->rate;
        if (e->ways[SO_MEDIA_VIDEO].source != NULL)
            so_source_set_bitrate(e->ways[SO_MEDIA_VIDEO].source, (unsigned)event->rate);
        break;
    default:
        break;
    }
}

void media_close(end *e)
{
    so_error err;

    for (so_media_kind kind = SO_MEDIA_AUDIO; kind < SO_MEDIA_KINDS; kind++)
        so_source_close(e->ways[kind].source);
    if (e->sink != NULL)
        must(so_sink_close(e->sink, &err), &err, "the recording");
}

json_t *media_facts(const end *e, so_media_kind kind)
{
    const way *w = &e->ways[kind];
    so_track_facts f;

    if (w->track == NO_TRACK || !so_peer_track_facts(e->peer, w->track, &f))
        return json_null();
    return json_pack("{s:s*, s:b, s:b, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:I}", "codec", f.codec,
                     "sending", f.sending, "receiving", w->receiving, "sent", (json_int_t)f.sent, "received",
                     (json_int_t)f.received, "lost", (json_int_t)f.lost, "frames", (int)w->frames, "keys", (int)w->keys,
                     "wanted", (int)w->wanted, "keys_sent", (int)w->keys_sent, "byes", (int)w->byes, "repaired",
                     (json_int_t)f.repaired, "sent_again", (json_int_t)f.sent_again, "keys_asked",
                     (json_int_t)f.keys_asked);
}
