/* The tracks of a peer: what was asked for, what was agreed on, and the memory that this takes. */
#include "peer/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* SSRCs and first numbers of what is sent, and of its repair. */
static so_status init_sending(so_peer *p, peer_sending *out)
{
    so_status status = so_rtp_sender_init(&out->sender, 0, 0, &p->random);

    return status == SO_OK ? so_rtp_sender_init(&out->repair, 0, 0, &p->random) : status;
}

/* Up to that of this index, which are there from then on. */
static bool make_tracks(so_peer *p, size_t index)
{
    for (; p->track_count <= index; p->track_count++) {
        peer_track *t = calloc(1, sizeof *t);

        if (t == NULL)
            return false;
        t->in.type = NO_TYPE;
        p->tracks[p->track_count] = t;
    }
    return true;
}

so_status so_peer_add_track(so_peer *p, so_sdp_kind kind, so_sdp_direction direction, const char *stream,
                            const char *track, size_t *index)
{
    so_sdp_transceiver transceiver = {.kind = kind, .direction = direction, .stream = stream, .track = track};
    peer_sending out = {0};
    so_status status;

    if (kind != SO_SDP_AUDIO && kind != SO_SDP_VIDEO)
        return SO_BAD_INPUT;
    if (p->sdp.transceiver_count >= TRACKS_MAX)
        return SO_TOO_LONG;
    status = init_sending(p, &out);
    if (status == SO_OK && !make_tracks(p, p->sdp.transceiver_count))
        status = SO_NO_MEMORY;
    if (status != SO_OK)
        return status;
    transceiver.ssrc = out.sender.ssrc;
    transceiver.rtx_ssrc = kind == SO_SDP_VIDEO ? out.repair.ssrc : 0;
    status = so_sdp_session_add(&p->sdp, &transceiver, index);
    if (status != SO_OK)
        return status;
    if (*index >= TRACKS_MAX)
        return SO_TOO_LONG;
    p->tracks[*index]->kind = kind;
    p->tracks[*index]->out = out;
    p->negotiate_told = false;
    return SO_OK;
}

void so_peer_direct_track(so_peer *p, size_t index, so_sdp_direction direction)
{
    if (index < p->sdp.transceiver_count)
        p->sdp.transceivers[index].direction = direction;
    p->negotiate_told = false;
}

void so_peer_stop_track(so_peer *p, size_t index)
{
    if (index < p->sdp.transceiver_count)
        p->sdp.transceivers[index].stopped = true;
    p->negotiate_told = false;
}

const so_sdp_ability *so_peer_codec(const so_peer *p, size_t track, size_t i)
{
    const peer_track *t = track < p->track_count ? p->tracks[track] : NULL;

    return t != NULL && t->accepted && i < t->codec_count ? t->codecs[i].ability : NULL;
}

const so_sdp_ability *so_peer_codec_named(const so_peer *p, size_t track, const char *name)
{
    const so_sdp_ability *a, *found = NULL;

    for (size_t i = 0; (a = so_peer_codec(p, track, i)) != NULL; i++)
        if (strcasecmp(a->name, name) == 0 &&
            (found == NULL || (a->fmtp != NULL && strstr(a->fmtp, "packetization-mode=1") != NULL)))
            found = a;
    return found;
}

/* ---- what was agreed on ---- */

static uint8_t extension_id(const so_sdp_agreed *agreed, const char *uri, so_sdp_direction way)
{
    for (size_t i = 0; i < agreed->extension_count; i++)
        if (strcmp(agreed->extensions[i].ability->uri, uri) == 0 && (agreed->extensions[i].direction & way) != 0)
            return agreed->extensions[i].id;
    return 0;
}

static so_rtp_format format_of(const so_sdp_ability *ability)
{
    const char *mode;
    size_t len;

    if (strcasecmp(ability->name, "VP8") == 0)
        return SO_RTP_VP8;
    if (strcasecmp(ability->name, "H264") != 0)
        return SO_RTP_WHOLE;
    return so_sdp_parameter(ability->fmtp, "packetization-mode", &mode, &len) && len == 1 && *mode == '1'
               ? SO_RTP_H264
               : SO_RTP_H264_SINGLE;
}

static bool takes(const so_sdp_media *remote, uint8_t type, const char *what)
{
    for (size_t i = 0; i < remote->feedback_count; i++)
        if ((remote->feedback[i].type == type || remote->feedback[i].type < 0) &&
            strcmp(remote->feedback[i].what, what) == 0)
            return true;
    return false;
}

static peer_codec *codec_of_ability(peer_track *t, uint8_t type)
{
    for (size_t i = 0; i < t->codec_count; i++)
        if (t->codecs[i].ability->type == type)
            return &t->codecs[i];
    return NULL;
}

static void agree_repair(peer_track *t, const so_sdp_agreed_codec *agreed)
{
    peer_codec *of = codec_of_ability(t, agreed->ability->repairs);

    if (of == NULL)
        return;
    if (strcasecmp(agreed->ability->name, "red") == 0) {
        t->red_send = agreed->send_type;
        t->red_receive = agreed->receive_type;
    } else {
        of->rtx_send = agreed->send_type;
        of->rtx_receive = agreed->receive_type;
    }
}

static void agree_codecs(peer_track *t, const so_sdp_agreed *agreed)
{
    t->codec_count = 0;
    t->red_send = t->red_receive = NO_TYPE;
    for (size_t i = 0; i < agreed->codec_count && t->codec_count < CODECS_MAX; i++) {
        const so_sdp_agreed_codec *c = &agreed->codecs[i];

        if (c->ability->repairs != 0)
            continue;
        t->codecs[t->codec_count++] = (peer_codec){
            .ability = c->ability,
            .format = format_of(c->ability),
            .send_type = c->send_type,
            .receive_type = c->receive_type,
            .rtx_send = NO_TYPE,
            .rtx_receive = NO_TYPE,
            .nack = takes(agreed->remote, c->send_type, "nack"),
            .pli = takes(agreed->remote, c->send_type, "nack pli"),
            .fir = takes(agreed->remote, c->send_type, "ccm fir"),
            .remb = takes(agreed->remote, c->send_type, "goog-remb"),
        };
    }
    for (size_t i = 0; i < agreed->codec_count; i++)
        if (agreed->codecs[i].ability->repairs != 0)
            agree_repair(t, &agreed->codecs[i]);
}

/* Taken here, so that no packet makes it necessary. What there is no memory for is not taken part in. */
static void take_memory(so_peer *p, peer_track *t)
{
    bool video = t->kind == SO_SDP_VIDEO;
    peer_receiving *in = &t->in;

    if (t->receives && in->reorder == NULL &&
        so_reorder_new(&in->reorder, &p->engine->packets, video ? VIDEO_SLOTS : REORDER_SLOTS, SO_DTLS_MTU,
                       video ? VIDEO_DELAY : REORDER_DELAY) != SO_OK)
        t->receives = false;
    if (t->receives && video && in->reput == NULL && (in->reput = so_pool_take(&p->engine->packets)) == NULL)
        t->receives = false;
    if (t->receives && video && in->join == NULL && so_rtp_join_new(&in->join, SO_RTP_VP8, SO_PEER_VIDEO_MAX) != SO_OK)
        t->receives = false;
    if (t->receives && video && in->nack == NULL && (in->nack = calloc(1, sizeof *in->nack)) == NULL)
        t->receives = false;
    if (t->sends && video && t->out.outbox == NULL && so_outbox_new(&t->out.outbox, VIDEO_SLOTS, OUT_BYTES) != SO_OK)
        t->sends = false;
}

static void agree_track(so_peer *p, peer_track *t, const so_sdp_agreed *agreed)
{
    agree_codecs(t, agreed);
    t->accepted = agreed->accepted && t->codec_count > 0;
    t->sends = t->accepted && (agreed->direction & SO_SDP_SENDONLY) != 0;
    t->receives = t->accepted && (agreed->direction & SO_SDP_RECVONLY) != 0;
    (void)snprintf(t->mid, sizeof t->mid, "%s", agreed->mid == NULL ? "" : agreed->mid);
    if (!t->accepted)
        return;
    t->out.sender.clock_rate = t->codecs[0].ability->clock;
    t->mid_id = extension_id(agreed, SO_SDP_URI_MID, SO_SDP_SENDONLY);
    t->level_id = extension_id(agreed, SO_SDP_URI_LEVEL, SO_SDP_SENDONLY);
    t->time_id = extension_id(agreed, SO_SDP_URI_SEND_TIME, SO_SDP_SENDONLY);
    t->number_id = extension_id(agreed, SO_SDP_URI_TRANSPORT_CC, SO_SDP_SENDONLY);
    take_memory(p, t);
}

/* SSRCs of either direction: each track's, that of its repair, and some that nobody announced. */
so_status so_peer_reserve(so_peer *p)
{
    size_t count = SSRCS_SPARE;
    so_status status;

    for (size_t i = 0; i < p->track_count; i++)
        if (p->tracks[i]->accepted)
            count += p->tracks[i]->kind == SO_SDP_VIDEO ? 2 : 1;
    if (p->outgoing == NULL || p->incoming == NULL)
        return SO_OK;
    status = so_srtp_reserve(p->outgoing, count);
    return status == SO_OK ? so_srtp_reserve(p->incoming, count) : status;
}

void so_peer_media_agreed(so_peer *p, so_msec now)
{
    /* RFC 3264 §8.2: what was rejected is sent nothing on; below, no m-line speaks of it any more. */
    for (size_t i = 0; i < p->track_count; i++)
        p->tracks[i]->accepted = p->tracks[i]->sends = p->tracks[i]->receives = false;
    for (size_t i = 0; i < so_sdp_session_lines(&p->sdp); i++) {
        so_sdp_agreed agreed;
        peer_track *t;
        size_t index;

        if (so_sdp_session_agreed(&p->sdp, i, &agreed, &index) != SO_OK)
            continue;
        if (agreed.kind == SO_SDP_APPLICATION)
            so_peer_data_agreed(p, &agreed);
        if (index >= TRACKS_MAX)
            continue;
        if (!make_tracks(p, index))
            continue;
        t = p->tracks[index];
        t->kind = agreed.kind;
        if (t->kind == SO_SDP_APPLICATION) /* its place among the transceivers, and no track */
            continue;
        p->reduced = agreed.local->rtcp_rsize && agreed.remote->rtcp_rsize;
        /* One that the other end's offer made: reports come from an SSRC that is drawn, too (RFC 3550 §8). */
        if (t->out.sender.ssrc == 0 && init_sending(p, &t->out) != SO_OK)
            continue;
        agree_track(p, t, &agreed);
        /* Without it the other end hears less of its packets, and goes by its losses. */
        if (t->accepted && (t->number_id != 0 || t->kind == SO_SDP_VIDEO) && !so_peer_pace_begin(p, now))
            t->number_id = 0;
    }
    /* Without it there is the room of before: what finds none of it is refused, packet by packet. */
    if (so_peer_reserve(p) != SO_OK)
        return;
}

void so_peer_want_key(so_peer *p, size_t track)
{
    peer_track *t = track < p->track_count ? p->tracks[track] : NULL;

    if (t != NULL && t->kind == SO_SDP_VIDEO && t->in.source_known)
        t->in.wants_key = true;
}

void so_peer_free_tracks(so_peer *p)
{
    free(p->pace);
    for (size_t i = 0; i < p->track_count; i++) {
        so_reorder_free(p->tracks[i]->in.reorder);
        so_rtp_join_free(p->tracks[i]->in.join);
        so_pool_give(&p->engine->packets, p->tracks[i]->in.held);
        so_pool_give(&p->engine->packets, p->tracks[i]->in.reput);
        free(p->tracks[i]->in.nack);
        so_outbox_free(p->tracks[i]->out.outbox);
        free(p->tracks[i]);
    }
}

bool so_peer_track_facts(const so_peer *p, size_t index, so_track_facts *out)
{
    const peer_track *t = index < p->track_count ? p->tracks[index] : NULL;

    *out = (so_track_facts){0};
    if (t == NULL)
        return false;
    out->sending = t->sends;
    out->receiving = t->receives;
    out->codec = t->accepted ? t->codecs[0].ability->name : NULL;
    out->sent = t->out.sender.packets;
    out->bytes_sent = t->out.sender.octets;
    out->sent_again = t->out.again;
    out->mid = t->mid[0] == '\0' ? NULL : t->mid;
    out->frames = t->in.frames;
    out->frames_dropped = t->in.dropped;
    out->repaired = t->in.repaired;
    out->keys_asked = t->in.keys_asked;
    if (t->in.source_known) {
        out->received = t->in.source.received;
        out->bytes_received = t->in.source.octets;
        out->jitter = so_rtp_stats_jitter(&t->in.source);
    }
    if (t->in.reorder != NULL) {
        so_reorder_counts counts;

        so_reorder_stats(t->in.reorder, &counts);
        out->lost = counts.lost;
        out->late = counts.late;
        out->duplicate = counts.duplicate;
    }
    return true;
}
