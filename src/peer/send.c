/* Frames into packets: sound goes at once, video waits in an outbox for its turn. Nothing here allocates. */
#include "peer/inside.h"

#include "rtp/opus.h"

#include <string.h>

static const peer_codec *codec_to_send(const peer_track *t, const so_sdp_ability *wanted)
{
    if (wanted == NULL)
        return t->codec_count == 0 ? NULL : &t->codecs[0];
    for (size_t i = 0; i < t->codec_count; i++)
        if (t->codecs[i].ability == wanted)
            return &t->codecs[i];
    return NULL;
}

/* The values of what is known only when a packet leaves are zeros at first. */
static size_t list_extensions(const peer_track *t, const so_peer_frame *frame, uint8_t *level,
                              so_rtp_extension list[EXTENSIONS_MAX])
{
    static const uint8_t zeros[3];
    size_t count = 0;

    if (t->mid_id != 0)
        list[count++] = (so_rtp_extension){t->mid_id, (uint8_t)strlen(t->mid), (const uint8_t *)t->mid};
    if (t->level_id != 0 && frame->level_known) {
        *level = so_rtp_audio_level_byte(frame->voice, frame->level);
        list[count++] = (so_rtp_extension){t->level_id, 1, level};
    }
    if (t->time_id != 0)
        list[count++] = (so_rtp_extension){t->time_id, 3, zeros};
    if (t->number_id != 0)
        list[count++] = (so_rtp_extension){t->number_id, 2, zeros};
    return count;
}

/* ---- sound ---- */

static void remember(peer_sending *out, const so_peer_frame *frame)
{
    memmove(&out->before[1], &out->before[0], sizeof out->before - sizeof out->before[0]);
    out->before[0].len = frame->len <= sizeof out->before[0].bytes ? frame->len : 0;
    out->before[0].time = frame->time;
    memcpy(out->before[0].bytes, frame->bytes, out->before[0].len);
}

/* RFC 2198: with the frames before, where they fit and the other end wants them. 0: it goes alone. */
static size_t repeat_last(const so_peer *p, peer_track *t, const peer_codec *codec, const so_peer_frame *frame,
                          uint8_t *payload)
{
    peer_sending *out = &t->out;
    size_t depth = p->fraction_lost >= REPEATS_ALL_FROM ? REPEATS : 1;
    so_writer w = so_writer_of(payload, SO_PEER_FRAME_MAX);
    so_red red = {.count = 0};

    if (t->red_send == NO_TYPE || codec->ability->clock != SO_OPUS_RATE)
        return 0;
    for (size_t i = depth; i-- > 0;) {
        const peer_sound *b = &out->before[i];
        uint32_t offset = frame->time - b->time;

        /* Numbers go back by one a block: where one is missing, what is before it has no number. */
        if (b->len == 0 || offset == 0 || offset > SO_RED_MAX_OFFSET)
            red.count = 0;
        else
            red.blocks[red.count++] = (so_red_block){
                .type = (uint8_t)codec->send_type, .offset = (uint16_t)offset, .bytes = b->bytes, .len = b->len};
    }
    if (red.count > 0) {
        red.blocks[red.count++] =
            (so_red_block){.type = (uint8_t)codec->send_type, .bytes = frame->bytes, .len = frame->len};
        so_red_write(&w, &red);
    }
    return w.failed ? 0 : so_writer_len(&w);
}

static so_status send_sound(so_peer *p, so_msec now, peer_track *t, const peer_codec *codec, const so_peer_frame *frame)
{
    so_rtp_extension extensions[EXTENSIONS_MAX];
    uint8_t payload[SO_PEER_FRAME_MAX], level;
    so_rtp_packet packet;
    peer_slot *slot;
    size_t len, count;

    if (frame->len > SO_PEER_FRAME_MAX || p->out_count == OUT_SLOTS)
        return SO_TOO_LONG;
    slot = so_peer_slot(p);
    if (slot == NULL)
        return SO_NOT_FOUND;
    len = repeat_last(p, t, codec, frame, payload);
    t->out.sender.type = (uint8_t)(len > 0 ? t->red_send : codec->send_type);
    if (len == 0)
        len = frame->len;
    t->out.sender.clock_rate = codec->ability->clock;
    count = list_extensions(t, frame, &level, extensions);
    so_rtp_sender_next(&t->out.sender, frame->time, frame->marker, len, now, &packet);
    packet.payload = t->out.sender.type == t->red_send ? payload : frame->bytes;
    packet.payload_len = len;
    remember(&t->out, frame);
    if (so_rtp_write(slot->bytes, sizeof slot->bytes - SO_SRTP_OVERHEAD, &slot->len, &packet, extensions, count) !=
        SO_OK)
        return SO_TOO_LONG;
    so_peer_pace_left(p, t, now, slot->bytes, slot->len);
    return so_peer_slot_done(p, slot, false);
}

/* ---- video ---- */

/* All packets of a frame, or none: half a frame is of no use. */
static so_status queue_packets(peer_track *t, so_msec now, const peer_codec *codec, const so_peer_frame *frame)
{
    so_rtp_extension extensions[EXTENSIONS_MAX];
    uint16_t lens[VIDEO_SLOTS], first = t->out.sender.seq;
    so_rtp_sender sender = t->out.sender;
    so_rtp_split split;
    so_rtp_packet packet;
    size_t count = 0, extension_count = list_extensions(t, frame, NULL, extensions), header, len;
    so_status status =
        so_rtp_split_begin(&split, codec->format, frame->bytes, frame->len, SO_PEER_FRAME_MAX, t->out.picture_id);
    uint8_t *place;
    bool last = false;

    sender.type = (uint8_t)codec->send_type;
    header = so_rtp_header_len(&(so_rtp_packet){0}, extensions, extension_count);
    while (status == SO_OK && !last) {
        place = count == VIDEO_SLOTS ? NULL : so_outbox_place(t->out.outbox, count);
        if (place == NULL || !so_rtp_split_next(&split, place + header, &len, &last))
            return SO_TOO_LONG;
        so_rtp_sender_next(&sender, frame->time, last, len, now, &packet);
        packet.payload = place + header;
        packet.payload_len = len;
        status = so_rtp_write(place, OUT_BYTES - SO_SRTP_OVERHEAD, &len, &packet, extensions, extension_count);
        lens[count++] = (uint16_t)len;
    }
    if (status != SO_OK)
        return status;
    t->out.sender = sender;
    t->out.picture_id++;
    for (size_t i = 0; i < count; i++)
        so_outbox_put(t->out.outbox, (uint16_t)(first + i), lens[i], now);
    return SO_OK;
}

static so_status send_video(so_peer *p, so_msec now, peer_track *t, const peer_codec *codec, const so_peer_frame *frame)
{
    bool key = so_rtp_is_key(codec->format, frame->bytes, frame->len);
    so_address local, remote;
    so_status status;

    if (frame->len > SO_PEER_VIDEO_MAX || (t->out.awaits_key && !key))
        return SO_TOO_LONG;
    if (!so_ice_send_pair(p->ice, &local, &remote))
        status = SO_NOT_FOUND;
    else
        status = queue_packets(t, now, codec, frame);
    if (status != SO_OK && !t->out.awaits_key)
        t->out.key_wanted = true;
    t->out.awaits_key = status != SO_OK;
    so_peer_pace_waiting(p, now);
    return status;
}

void so_peer_left_out(so_peer *p, size_t index)
{
    peer_track *t = index < p->track_count ? p->tracks[index] : NULL;

    if (t != NULL && t->kind == SO_SDP_VIDEO)
        t->out.awaits_key = t->out.key_wanted = true;
}

so_status so_peer_send(so_peer *p, so_msec now, size_t index, const so_peer_frame *frame)
{
    peer_track *t = index < p->track_count ? p->tracks[index] : NULL;
    const peer_codec *codec = t == NULL ? NULL : codec_to_send(t, frame->codec);

    if (p->state != SO_PEER_OPEN || codec == NULL || !t->sends) {
        so_peer_left_out(p, index);
        return SO_STATE;
    }
    return t->kind == SO_SDP_VIDEO ? send_video(p, now, t, codec, frame) : send_sound(p, now, t, codec, frame);
}

/* ---- what has waited ---- */

/* What is asked for again goes first, then who has waited longest. */
static peer_track *next_to_leave(so_peer *p, so_outbox_packet *out)
{
    peer_track *best = NULL;

    for (size_t i = 0; i < p->track_count; i++) {
        peer_track *t = p->tracks[i];
        so_outbox_packet packet;

        if (t->out.outbox == NULL || !so_outbox_next(t->out.outbox, &packet))
            continue;
        if (best == NULL || (packet.again && !out->again) || (packet.again == out->again && packet.put < out->put)) {
            *out = packet;
            best = t;
        }
    }
    return best;
}

static const peer_codec *codec_of_packet(const peer_track *t, const uint8_t *bytes)
{
    for (size_t i = 0; i < t->codec_count; i++)
        if (t->codecs[i].send_type == (bytes[1] & 0x7f))
            return &t->codecs[i];
    return NULL;
}

/* RFC 4588 §4: the same packet with its number in front of the payload, in a stream of its own. */
static bool wrap_again(peer_track *t, const so_outbox_packet *packet, uint8_t *out, size_t *len)
{
    const peer_codec *codec = codec_of_packet(t, packet->bytes);
    so_rtx rtx;

    if (codec == NULL || codec->rtx_send == NO_TYPE)
        return false;
    rtx = (so_rtx){.ssrc = t->out.repair.ssrc, .type = (uint8_t)codec->rtx_send, .seq = t->out.repair.seq++};
    t->out.again++;
    return so_rtx_wrap(out, OUT_BYTES - SO_SRTP_OVERHEAD, len, packet->bytes, packet->len, &rtx) == SO_OK;
}

bool so_peer_paced(so_peer *p, so_msec now, so_datagram *out)
{
    so_outbox_packet packet = {0};
    peer_block *block;
    peer_track *t;

    if (p->pace == NULL || p->state != SO_PEER_OPEN || !so_ice_send_pair(p->ice, &out->local, &out->remote) ||
        (block = so_peer_leaving(p)) == NULL)
        return false;
    while (so_peer_pace_ready(p, now) && (t = next_to_leave(p, &packet)) != NULL) {
        so_srtp_packet srtp = {.bytes = block->bytes, .len = packet.len, .cap = OUT_BYTES};
        bool whole = t->sends;

        if (packet.again)
            whole = whole && wrap_again(t, &packet, block->bytes, &srtp.len);
        else
            memcpy(block->bytes, packet.bytes, packet.len);
        so_outbox_left(t->out.outbox, now);
        so_peer_pace_waiting(p, now);
        if (!whole)
            continue;
        so_peer_pace_left(p, t, now, block->bytes, srtp.len);
        so_srtp_protect(p->outgoing, &srtp, 1);
        if (srtp.result != SO_SRTP_OK)
            continue;
        out->bytes = block->bytes;
        out->len = srtp.len;
        return true;
    }
    return false;
}
