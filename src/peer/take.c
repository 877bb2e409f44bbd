/* Packets into frames: which track, repaired and in order, put together. Nothing here allocates. */
#include "peer/inside.h"

#include <string.h>

#define JITTER_KNOWN 100 /* packets, after which it counts what was measured */

/* What a payload type stands for on a track. */
typedef enum packet_role { NOT_OURS, MEDIA, AGAIN, REDUNDANT } packet_role;

static packet_role role_of(const peer_track *t, int type)
{
    if (t->red_receive == type)
        return REDUNDANT;
    for (size_t i = 0; i < t->codec_count; i++) {
        if (t->codecs[i].receive_type == type)
            return MEDIA;
        if (t->codecs[i].rtx_receive == type)
            return AGAIN;
    }
    return NOT_OURS;
}

/* RFC 9143 §9.2: by the mid in the packet, else by an SSRC that is known, else by the payload type. */
static peer_track *track_of(so_peer *p, const so_rtp_packet *packet)
{
    peer_track *by_type = NULL;

    for (size_t i = 0; i < p->track_count; i++) {
        peer_track *t = p->tracks[i];
        const char *mid;
        size_t len;

        if (!t->receives || role_of(t, packet->type) == NOT_OURS)
            continue;
        if (t->mid_id != 0 && so_rtp_mid(packet, t->mid_id, &mid, &len)) {
            if (len == strlen(t->mid) && memcmp(mid, t->mid, len) == 0)
                return t;
            continue;
        }
        if (t->in.source_known && t->in.source.ssrc == packet->ssrc)
            return t;
        if (by_type == NULL)
            by_type = t;
    }
    return by_type;
}

static const peer_codec *codec_received(const peer_track *t, int type)
{
    for (size_t i = 0; i < t->codec_count; i++)
        if (t->codecs[i].receive_type == type)
            return &t->codecs[i];
    return NULL;
}

static void begin_source(so_peer *p, peer_track *t, uint32_t ssrc)
{
    peer_receiving *in = &t->in;

    so_rtp_stats_init(&in->source, ssrc, t->codecs[0].ability->clock);
    in->source_known = true;
    in->sr_known = in->gap = false;
    in->lost_before = 0;
    so_pool_give(&p->engine->packets, in->held);
    in->held = NULL;
    in->type = NO_TYPE;
    in->awaits_key = t->kind == SO_SDP_VIDEO;
    in->wants_key = false;
    in->reput_len = 0;
    so_reorder_reset(in->reorder);
    if (in->nack != NULL)
        so_nack_init(in->nack, SO_JITTER_REPAIR);
    if (t->kind == SO_SDP_VIDEO)
        so_jitter_init(&in->jitter, t->codecs[0].ability->clock, VIDEO_LEAST, VIDEO_MOST);
    else
        so_jitter_init(&in->jitter, t->codecs[0].ability->clock, REORDER_LEAST, REORDER_MOST);
}

/* true: it was missing. */
static bool put(so_peer *p, peer_track *t, so_msec now, uint16_t seq, const uint8_t *bytes, size_t len)
{
    so_reorder_put_result result = so_reorder_put(t->in.reorder, seq, bytes, len, now);

    /* The numbers jumped: what waits for a gap is given out first, and this packet behind it. */
    if (result == SO_REORDER_FULL && len <= SO_DTLS_MTU) {
        if (t->in.held == NULL && (t->in.held = so_pool_take(&p->engine->packets)) == NULL)
            return false;
        memcpy(t->in.held->bytes, bytes, len);
        t->in.held_len = len;
    }
    return result == SO_REORDER_KEPT;
}

/* RFC 2198: the frames before, as if they had come by themselves; those that did are there already. */
static void put_redundant(so_peer *p, peer_track *t, so_msec now, const so_rtp_packet *packet)
{
    uint8_t bytes[SO_DTLS_MTU];
    so_red red;
    size_t len;

    if (so_red_parse(&red, packet->payload, packet->payload_len) != SO_OK)
        return;
    for (size_t i = 0; i < red.count; i++) {
        const so_red_block *block = &red.blocks[i];
        uint16_t back = (uint16_t)(red.count - 1 - i);
        so_rtp_packet one = {.type = block->type,
                             .seq = (uint16_t)(packet->seq - back),
                             .timestamp = packet->timestamp - block->offset,
                             .ssrc = packet->ssrc,
                             .payload = block->bytes,
                             .payload_len = block->len};

        /* The first packet decides where a stream begins. */
        if (back > 0 && (so_rtp_stats_expected(&t->in.source) <= back || block->len == 0))
            continue;
        if (codec_received(t, block->type) != NULL && so_rtp_write(bytes, sizeof bytes, &len, &one, NULL, 0) == SO_OK)
            (void)put(p, t, now, one.seq, bytes, len);
    }
}

/* RFC 4588: the packet that was asked for, in its stream of repairs. */
static void take_again(so_peer *p, peer_track *t, so_msec now, int type, uint8_t *bytes, size_t len)
{
    so_rtp_packet packet;

    for (size_t i = 0; i < t->codec_count; i++) {
        if (t->codecs[i].rtx_receive != type)
            continue;
        if (!t->in.source_known ||
            so_rtx_unwrap(bytes, &len, t->in.source.ssrc, (uint8_t)t->codecs[i].receive_type) != SO_OK ||
            so_rtp_parse(&packet, bytes, len) != SO_OK)
            return;
        if (t->in.nack != NULL)
            so_nack_packet(t->in.nack, packet.seq, true, now);
        /* Some are sent again only to fill the path, and see what it bears. */
        t->in.repaired += put(p, t, now, packet.seq, bytes, len);
        return;
    }
}

void so_peer_take_rtp(so_peer *p, so_msec now, uint8_t *bytes, size_t len)
{
    so_rtp_packet packet;
    peer_track *t;
    packet_role role;

    if (so_rtp_parse(&packet, bytes, len) != SO_OK || (t = track_of(p, &packet)) == NULL)
        return;
    so_peer_pace_came(p, t, &packet, now);
    role = role_of(t, packet.type);
    if (role == AGAIN) {
        take_again(p, t, now, packet.type, bytes, len);
        return;
    }
    if (!t->in.source_known || t->in.source.ssrc != packet.ssrc)
        begin_source(p, t, packet.ssrc);
    (void)so_rtp_stats_packet(&t->in.source, packet.seq, packet.timestamp, packet.payload_len, now);
    so_jitter_packet(&t->in.jitter, packet.timestamp, now * 1000);
    if (t->kind == SO_SDP_VIDEO) {
        so_nack_packet(t->in.nack, packet.seq, false, now);
        so_reorder_set_delay(t->in.reorder, so_jitter_repair_delay(&t->in.jitter, so_peer_round_trip(p)));
    } else if (t->in.source.received > JITTER_KNOWN) {
        so_reorder_set_delay(t->in.reorder, so_jitter_delay(&t->in.jitter));
    }
    if (role == REDUNDANT)
        put_redundant(p, t, now, &packet);
    else
        (void)put(p, t, now, packet.seq, bytes, len);
}

/* ---- frames ---- */

/* There is room for it now. */
static bool put_held(so_peer *p, peer_track *t, so_msec now)
{
    peer_block *held = t->in.held;
    so_rtp_packet packet;
    bool kept;

    t->in.held = NULL;
    kept = held != NULL && so_rtp_parse(&packet, held->bytes, t->in.held_len) == SO_OK &&
           so_reorder_put(t->in.reorder, packet.seq, held->bytes, t->in.held_len, now) == SO_REORDER_KEPT;
    so_pool_give(&p->engine->packets, held);
    return kept;
}

/* The next packet with something in it, which is also in *raw; false: none at the moment. */
static bool next_packet(so_peer *p, peer_track *t, so_msec now, so_rtp_packet *packet, so_slice *raw)
{
    peer_receiving *in = &t->in;
    so_reorder_out next;

    if (in->reput_len > 0) {
        *raw = (so_slice){in->reput->bytes, in->reput_len};
        in->reput_len = 0;
        if (so_rtp_parse(packet, raw->bytes, raw->len) == SO_OK)
            return true;
    }
    for (;;) {
        so_reorder_take_result result = so_reorder_take(in->reorder, now, &next);

        if (result == SO_REORDER_WAIT && put_held(p, t, now))
            continue;
        if (result == SO_REORDER_WAIT)
            return false;
        if (result == SO_REORDER_LOST) {
            in->lost_before += next.count;
            in->gap = true;
            continue;
        }
        *raw = (so_slice){next.bytes, next.len};
        /* padding alone: it keeps a path open, or probes it */
        if (so_rtp_parse(packet, next.bytes, next.len) == SO_OK && packet->payload_len > 0)
            return true;
    }
}

/* When it was taken, by the sender's report. */
static uint64_t wall_of(const peer_track *t, const so_sdp_ability *codec, uint32_t timestamp)
{
    const so_rtcp_sender *sr = &t->in.sr;
    int64_t since = (int32_t)(timestamp - sr->rtp);

    return t->in.sr_known ? (uint64_t)((int64_t)so_unix_msec_of_ntp(sr->ntp) + since * 1000 / codec->clock) : 0;
}

static void sound_event(peer_track *t, const peer_codec *codec, const so_rtp_packet *packet, so_peer_event *out)
{
    out->seq = packet->seq;
    out->frame = (so_peer_frame){.bytes = packet->payload,
                                 .len = packet->payload_len,
                                 .time = packet->timestamp,
                                 .codec = codec->ability,
                                 .marker = packet->marker,
                                 .key = true};
    out->frame.level_known =
        t->level_id != 0 && so_rtp_audio_level(packet, t->level_id, &out->frame.voice, &out->frame.level);
    t->in.gap = false;
}

/* Of video what refers to a frame that is missing is kept back, and a key frame asked for. */
static bool may_show(peer_receiving *in, const so_rtp_frame *frame)
{
    if (frame->key)
        in->awaits_key = in->wants_key = false;
    else if (frame->broken)
        in->awaits_key = true;
    if (!in->awaits_key)
        return true;
    in->wants_key = true;
    in->dropped++;
    return false;
}

static bool video_event(peer_track *t, const peer_codec *codec, const so_rtp_packet *packet, so_slice raw,
                        so_peer_event *out)
{
    peer_receiving *in = &t->in;
    so_rtp_joined joined;
    so_rtp_frame frame;

    if (in->type != packet->type) {
        so_rtp_join_reset(in->join, codec->format);
        in->type = packet->type;
    }
    joined = so_rtp_join_put(in->join, packet, in->gap, &frame);
    in->gap = false;
    /* A frame ended without its marker, and with this packet another one begins: at the next call. */
    if (joined == SO_RTP_JOIN_BEFORE && raw.len <= SO_DTLS_MTU) {
        memmove(in->reput->bytes, raw.bytes, raw.len);
        in->reput_len = raw.len;
    }
    if (joined == SO_RTP_JOIN_MORE || !may_show(in, &frame))
        return false;
    out->frame = (so_peer_frame){
        .bytes = frame.bytes, .len = frame.len, .time = frame.timestamp, .codec = codec->ability, .key = frame.key};
    return true;
}

bool so_peer_frame_event(so_peer *p, size_t index, so_msec now, so_peer_event *out)
{
    peer_track *t = p->tracks[index];
    so_rtp_packet packet;
    so_slice raw;

    while (next_packet(p, t, now, &packet, &raw)) {
        const peer_codec *codec = codec_received(t, packet.type);

        if (codec == NULL)
            continue;
        if (t->kind != SO_SDP_VIDEO)
            sound_event(t, codec, &packet, out);
        else if (!video_event(t, codec, &packet, raw, out))
            continue;
        out->kind = SO_PEER_FRAME;
        out->track = index;
        out->lost = t->in.lost_before;
        out->wall = wall_of(t, codec->ability, out->frame.time);
        t->in.lost_before = 0;
        t->in.frames++;
        return true;
    }
    return false;
}
