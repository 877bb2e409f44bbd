/* RTP and RTCP of all tracks: frames to packets and back, and the reports. Nothing here allocates for a packet. */
#include "peer/inside.h"

#include "rtp/packet.h"

#include <stdio.h>
#include <string.h>

uint64_t so_peer_unix(const so_peer *p, so_msec now)
{
    return p->unix_ms + (now - p->began);
}

so_status so_peer_add_track(so_peer *p, so_sdp_kind kind, so_sdp_direction direction, const char *stream,
                            const char *track, size_t *index)
{
    so_sdp_transceiver transceiver = {.kind = kind, .direction = direction, .stream = stream, .track = track};
    so_rtp_sender sender;
    so_status status;

    if (kind != SO_SDP_AUDIO)
        return SO_BAD_INPUT;
    if (p->sdp.transceiver_count >= TRACKS_MAX)
        return SO_TOO_LONG;
    status = so_rtp_sender_init(&sender, 0, 0, &p->random);
    if (status != SO_OK)
        return status;
    transceiver.ssrc = sender.ssrc;
    status = so_sdp_session_add(&p->sdp, &transceiver, index);
    if (status != SO_OK)
        return status;
    if (*index >= TRACKS_MAX)
        return SO_TOO_LONG;
    p->tracks[*index] = (peer_track){.kind = kind, .sender = sender};
    if (*index >= p->track_count)
        p->track_count = *index + 1;
    p->negotiate_told = false;
    return SO_OK;
}

void so_peer_direct_track(so_peer *p, size_t index, so_sdp_direction direction)
{
    if (index < p->sdp.transceiver_count)
        p->sdp.transceivers[index].direction = direction;
    p->negotiate_told = false;
}

static uint8_t extension_id(const so_sdp_agreed *agreed, const char *uri, so_sdp_direction way)
{
    for (size_t i = 0; i < agreed->extension_count; i++)
        if (strcmp(agreed->extensions[i].ability->uri, uri) == 0 && (agreed->extensions[i].direction & way) != 0)
            return agreed->extensions[i].id;
    return 0;
}

static void agree_track(peer_track *t, const so_sdp_agreed *agreed)
{
    const so_sdp_agreed_codec *codec = agreed->codec_count == 0 ? NULL : &agreed->codecs[0];

    t->accepted = agreed->accepted && codec != NULL;
    t->sends = t->accepted && (agreed->direction & SO_SDP_SENDONLY) != 0;
    t->receives = t->accepted && (agreed->direction & SO_SDP_RECVONLY) != 0;
    (void)snprintf(t->mid, sizeof t->mid, "%s", agreed->mid == NULL ? "" : agreed->mid);
    if (!t->accepted)
        return;
    t->codec = codec->ability;
    t->send_type = codec->send_type;
    t->receive_type = codec->receive_type;
    t->sender.type = codec->send_type;
    t->sender.clock_rate = codec->ability->clock;
    t->mid_id = extension_id(agreed, SO_SDP_URI_MID, SO_SDP_SENDONLY);
    t->level_id = extension_id(agreed, SO_SDP_URI_LEVEL, SO_SDP_SENDONLY);
    /* Taken here, so that no packet makes it necessary. */
    if (t->receives && t->reorder == NULL &&
        so_reorder_new(&t->reorder, REORDER_SLOTS, SO_DTLS_MTU, REORDER_DELAY) != SO_OK)
        t->receives = false;
}

void so_peer_media_agreed(so_peer *p)
{
    /* RFC 3264 §8.2: what was rejected is sent nothing on; below, no m-line speaks of it any more. */
    for (size_t i = 0; i < p->track_count; i++)
        p->tracks[i].accepted = p->tracks[i].sends = p->tracks[i].receives = false;
    for (size_t i = 0; i < so_sdp_session_lines(&p->sdp); i++) {
        so_sdp_agreed agreed;
        size_t index;

        if (so_sdp_session_agreed(&p->sdp, i, &agreed, &index) != SO_OK || index >= TRACKS_MAX)
            continue;
        if (index >= p->track_count)
            p->track_count = index + 1;
        p->tracks[index].kind = agreed.kind;
        /* One that the other end's offer made: reports come from an SSRC that is drawn, too (RFC 3550 §8). */
        if (p->tracks[index].sender.ssrc == 0 &&
            so_rtp_sender_init(&p->tracks[index].sender, 0, 0, &p->random) != SO_OK)
            continue;
        agree_track(&p->tracks[index], &agreed);
    }
}

void so_peer_media_open(so_peer *p, so_msec now)
{
    if (so_rtcp_timer_start(&p->reports, &p->random, now) != SO_OK)
        p->reports.due = UINT64_MAX;
}

/* The slot for one more packet, or NULL: the caller has not drained. */
static peer_slot *next_slot(so_peer *p)
{
    peer_slot *slot = &p->out[(p->out_first + p->out_count) % OUT_SLOTS];

    return p->out_count < OUT_SLOTS && so_ice_send_pair(p->ice, &slot->local, &slot->remote) ? slot : NULL;
}

static so_status protect(so_peer *p, peer_slot *slot, bool rtcp)
{
    so_srtp_packet packet = {.bytes = slot->bytes, .len = slot->len, .cap = sizeof slot->bytes};

    if (rtcp)
        so_srtp_protect_rtcp(p->outgoing, &packet, 1);
    else
        so_srtp_protect(p->outgoing, &packet, 1);
    if (packet.result != SO_SRTP_OK)
        return SO_CRYPTO;
    slot->len = packet.len;
    p->out_count++;
    return SO_OK;
}

so_status so_peer_send(so_peer *p, so_msec now, size_t index, const so_peer_frame *frame)
{
    peer_track *t = index < p->track_count ? &p->tracks[index] : NULL;
    so_rtp_extension extensions[EXTENSIONS_MAX];
    so_rtp_packet packet = {0};
    size_t count = 0;
    uint8_t level;
    peer_slot *slot;

    if (p->state != SO_PEER_OPEN || t == NULL || !t->sends)
        return SO_STATE;
    if (frame->len > SO_PEER_FRAME_MAX || p->out_count == OUT_SLOTS)
        return SO_TOO_LONG;
    slot = next_slot(p);
    if (slot == NULL)
        return SO_NOT_FOUND;
    if (t->mid_id != 0)
        extensions[count++] = (so_rtp_extension){t->mid_id, (uint8_t)strlen(t->mid), (const uint8_t *)t->mid};
    if (t->level_id != 0 && frame->level_known) {
        level = so_rtp_audio_level_byte(frame->voice, frame->level);
        extensions[count++] = (so_rtp_extension){t->level_id, 1, &level};
    }
    so_rtp_sender_next(&t->sender, frame->time, frame->marker, frame->len, now, &packet);
    packet.payload = frame->bytes;
    packet.payload_len = frame->len;
    if (so_rtp_write(slot->bytes, sizeof slot->bytes - SO_SRTP_OVERHEAD, &slot->len, &packet, extensions, count) !=
        SO_OK)
        return SO_TOO_LONG;
    return protect(p, slot, false);
}

/* ---- receiving ---- */

/* RFC 9143 §9.2: by the mid in the packet, else by an SSRC that is known, else by the payload type. */
static peer_track *track_of(so_peer *p, const so_rtp_packet *packet)
{
    peer_track *by_type = NULL;

    for (size_t i = 0; i < p->track_count; i++) {
        peer_track *t = &p->tracks[i];
        const char *mid;
        size_t len;

        if (!t->receives || t->receive_type != packet->type)
            continue;
        if (t->mid_id != 0 && so_rtp_mid(packet, t->mid_id, &mid, &len)) {
            if (len == strlen(t->mid) && memcmp(mid, t->mid, len) == 0)
                return t;
            continue;
        }
        if (t->source_known && t->source.ssrc == packet->ssrc)
            return t;
        if (by_type == NULL)
            by_type = t;
    }
    return by_type;
}

static void receive_rtp(so_peer *p, so_msec now, const uint8_t *bytes, size_t len)
{
    so_rtp_packet packet;
    peer_track *t;

    if (so_rtp_parse(&packet, bytes, len) != SO_OK || (t = track_of(p, &packet)) == NULL)
        return;
    if (!t->source_known || t->source.ssrc != packet.ssrc) {
        so_rtp_stats_init(&t->source, packet.ssrc, t->codec->clock);
        t->source_known = true;
        so_reorder_reset(t->reorder);
        t->lost_before = 0;
    }
    (void)so_rtp_stats_packet(&t->source, packet.seq, packet.timestamp, packet.payload_len, now);
    /* The numbers jumped: what waits for a gap is given out first, and this packet behind it. */
    if (so_reorder_put(t->reorder, packet.seq, bytes, len, now) == SO_REORDER_FULL && len <= sizeof p->held) {
        memcpy(p->held, bytes, len);
        p->held_len = len;
        p->held_seq = packet.seq;
        p->held_track = t;
    }
}

/* There is room for it now. */
static bool put_held(so_peer *p, peer_track *t, so_msec now)
{
    size_t len = p->held_len;

    if (len == 0 || p->held_track != t)
        return false;
    p->held_len = 0;
    return so_reorder_put(t->reorder, p->held_seq, p->held, len, now) == SO_REORDER_KEPT;
}

static void take_blocks(so_peer *p, const so_rtcp_packet *packet, so_msec now)
{
    uint32_t arrival = so_ntp_middle(so_ntp_of_unix_msec(so_peer_unix(p, now)));

    for (size_t b = 0; b < packet->count; b++) {
        so_rtcp_block block;

        if (!so_rtcp_read_block(packet, b, &block))
            return;
        for (size_t i = 0; i < p->track_count; i++) {
            if (!p->tracks[i].sends || p->tracks[i].sender.ssrc != block.ssrc)
                continue;
            p->fraction_lost = block.fraction;
            if (so_rtp_round_trip(&block, arrival, &p->round_trip))
                p->round_trip_known = true;
        }
    }
}

static void take_bye(so_peer *p, const so_rtcp_packet *packet)
{
    for (size_t b = 0; b < packet->count; b++) {
        uint32_t ssrc;

        if (!so_rtcp_read_bye(packet, b, &ssrc))
            return;
        for (size_t i = 0; i < p->track_count; i++)
            if (p->tracks[i].source_known && p->tracks[i].source.ssrc == ssrc)
                p->tracks[i].bye = true;
    }
}

static void receive_rtcp(so_peer *p, so_msec now, const uint8_t *bytes, size_t len)
{
    so_rtcp_packet packet;
    so_rtcp_iter iter;

    if (so_rtcp_parse(&iter, bytes, len, true) != SO_OK)
        return;
    while (so_rtcp_next(&iter, &packet)) {
        so_rtcp_sender sr;

        if (so_rtcp_read_sr(&packet, &sr))
            for (size_t i = 0; i < p->track_count; i++)
                if (p->tracks[i].source_known && p->tracks[i].source.ssrc == sr.ssrc)
                    so_rtp_stats_sr(&p->tracks[i].source, &sr, now);
        if (packet.type == SO_RTCP_SR || packet.type == SO_RTCP_RR)
            take_blocks(p, &packet, now);
        else if (packet.type == SO_RTCP_BYE)
            take_bye(p, &packet);
    }
}

bool so_peer_media_receive(so_peer *p, so_msec now, uint8_t *bytes, size_t len, bool rtcp)
{
    so_srtp_packet packet = {.bytes = bytes, .len = len, .cap = len};

    /* Before the keys are there nothing is taken; after, only what they authenticate. */
    if (p->state != SO_PEER_OPEN || p->incoming == NULL)
        return false;
    if (rtcp)
        so_srtp_unprotect_rtcp(p->incoming, &packet, 1);
    else
        so_srtp_unprotect(p->incoming, &packet, 1);
    if (packet.result != SO_SRTP_OK)
        return false;
    if (rtcp)
        receive_rtcp(p, now, packet.bytes, packet.len);
    else
        receive_rtp(p, now, packet.bytes, packet.len);
    return true;
}

static bool frame_event(so_peer *p, size_t index, so_msec now, so_peer_event *out)
{
    peer_track *t = &p->tracks[index];
    so_reorder_out next;
    so_rtp_packet packet;

    for (;;) {
        so_reorder_take_result result = so_reorder_take(t->reorder, now, &next);

        if (result == SO_REORDER_WAIT && put_held(p, t, now))
            continue;
        if (result == SO_REORDER_WAIT)
            return false;
        if (result == SO_REORDER_LOST) {
            t->lost_before += next.count;
            continue;
        }
        if (so_rtp_parse(&packet, next.bytes, next.len) != SO_OK || packet.payload_len == 0)
            continue; /* padding alone: it keeps a path open, or probes it */
        break;
    }
    out->kind = SO_PEER_FRAME;
    out->track = index;
    out->seq = packet.seq;
    out->lost = t->lost_before;
    t->lost_before = 0;
    out->frame = (so_peer_frame){
        .bytes = packet.payload, .len = packet.payload_len, .time = packet.timestamp, .marker = packet.marker};
    out->frame.level_known =
        t->level_id != 0 && so_rtp_audio_level(&packet, t->level_id, &out->frame.voice, &out->frame.level);
    return true;
}

bool so_peer_media_event(so_peer *p, so_msec now, so_peer_event *out)
{
    if (p->state != SO_PEER_OPEN)
        return false;
    for (size_t i = 0; i < p->track_count; i++) {
        peer_track *t = &p->tracks[i];

        if (t->told != t->receives) {
            t->told = t->receives;
            out->kind = SO_PEER_TRACK;
            out->track = i;
            out->receiving = t->receives;
            return true;
        }
        if (t->reorder != NULL && frame_event(p, i, now, out))
            return true;
        if (t->bye && !t->bye_told) {
            t->bye_told = true;
            out->kind = SO_PEER_TRACK_BYE;
            out->track = i;
            return true;
        }
    }
    return false;
}

/* ---- reports ---- */

static size_t report_blocks(so_peer *p, so_msec now, so_rtcp_block blocks[TRACKS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < p->track_count; i++)
        if (p->tracks[i].source_known && so_rtp_stats_report(&p->tracks[i].source, now, &blocks[count]))
            count++;
    return count;
}

/* A compound packet (RFC 3550 §6.1): a sender or receiver report, who we are, and maybe a farewell. */
static void write_report(so_peer *p, so_msec now, bool bye)
{
    so_rtcp_block blocks[TRACKS_MAX];
    size_t count = report_blocks(p, now, blocks);
    peer_slot *slot = next_slot(p);
    uint32_t ssrcs[TRACKS_MAX], own = p->tracks[0].sender.ssrc;
    size_t senders = 0;
    so_writer w;

    if (slot == NULL)
        return;
    w = so_writer_of(slot->bytes, sizeof slot->bytes - SO_SRTCP_OVERHEAD);
    for (size_t i = 0; i < p->track_count; i++) {
        so_rtcp_sender sr;

        if (!p->tracks[i].sends || p->tracks[i].sender.packets == 0)
            continue;
        so_rtp_sender_report(&p->tracks[i].sender, so_ntp_of_unix_msec(so_peer_unix(p, now)), now, &sr);
        so_rtcp_write_sr(&w, &sr, blocks, senders == 0 ? count : 0);
        if (senders == 0)
            own = sr.ssrc;
        ssrcs[senders++] = sr.ssrc;
    }
    if (senders == 0)
        so_rtcp_write_rr(&w, own, blocks, count);
    so_rtcp_write_cname(&w, own, p->cname);
    if (bye)
        so_rtcp_write_bye(&w, senders == 0 ? &own : ssrcs, senders == 0 ? 1 : senders, NULL);
    if (w.failed)
        return;
    slot->len = so_writer_len(&w);
    if (protect(p, slot, true) != SO_OK)
        return;
}

void so_peer_media_tick(so_peer *p, so_msec now)
{
    if (p->state != SO_PEER_OPEN || p->track_count == 0 || !so_rtcp_timer_due(&p->reports, now))
        return;
    write_report(p, now, false);
    if (so_rtcp_timer_sent(&p->reports, now) != SO_OK)
        p->reports.due = now + 5000;
}

void so_peer_media_bye(so_peer *p, so_msec now)
{
    if (p->track_count > 0)
        write_report(p, now, true);
}

so_msec so_peer_media_deadline(const so_peer *p)
{
    so_msec at;

    if (p->state != SO_PEER_OPEN)
        return UINT64_MAX;
    at = p->track_count > 0 ? p->reports.due : UINT64_MAX;
    for (size_t i = 0; i < p->track_count; i++) {
        so_msec gap = p->tracks[i].reorder == NULL ? UINT64_MAX : so_reorder_deadline(p->tracks[i].reorder);

        if (gap < at)
            at = gap;
    }
    return at;
}

bool so_peer_track_facts(const so_peer *p, size_t index, so_track_facts *out)
{
    const peer_track *t = index < p->track_count ? &p->tracks[index] : NULL;

    *out = (so_track_facts){0};
    if (t == NULL)
        return false;
    out->sending = t->sends;
    out->receiving = t->receives;
    out->codec = t->accepted ? t->codec->name : NULL;
    out->sent = t->sender.packets;
    out->mid = t->mid[0] == '\0' ? NULL : t->mid;
    if (t->source_known) {
        out->received = t->source.received;
        out->jitter = so_rtp_stats_jitter(&t->source);
    }
    if (t->reorder != NULL) {
        so_reorder_counts counts;

        so_reorder_stats(t->reorder, &counts);
        out->lost = counts.lost;
        out->late = counts.late;
        out->duplicate = counts.duplicate;
    }
    return true;
}
