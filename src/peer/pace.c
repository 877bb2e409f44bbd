/* The rate of what is sent: what the other end says of our packets, what we say of its, and when the next may leave. */
#include "peer/inside.h"

#include <stdlib.h>

/* Bits a second: enough for a small picture at once, and no more than a large one needs. */
#define START 500000
#define LEAST 60000
#define MOST 8000000
#define PACE_PERCENT 200 /* of the estimate, at which packets leave */
/* What UDP, IP and a tag add to a packet of ours, in IPv4. */
#define AROUND (20 + 8 + SO_SRTP_OVERHEAD)
#define SOUND_PARTS 25 /* of so_meter: half a second */

static so_usec usec(so_msec now)
{
    return now * 1000;
}

bool so_peer_pace_begin(so_peer *p, so_msec now)
{
    static const so_estimate_limits limits = {.start = START, .least = LEAST, .most = MOST};

    if (p->pace != NULL)
        return true;
    p->pace = calloc(1, sizeof *p->pace);
    if (p->pace == NULL)
        return false;
    so_sent_init(&p->pace->sent);
    so_arrivals_init(&p->pace->arrivals);
    so_estimate_init(&p->pace->estimate, &limits);
    so_pacer_init(&p->pace->pacer, PACE_PERCENT, START, usec(now));
    so_remb_init(&p->pace->remb, START, LEAST, MOST);
    return true;
}

/* ---- what leaves ---- */

void so_peer_pace_left(so_peer *p, const peer_track *t, so_msec now, uint8_t *bytes, size_t len)
{
    uint32_t time = (uint32_t)((now << 18) / 1000); /* seconds, 6.18 bits */
    uint8_t value[3] = {(uint8_t)(time >> 16), (uint8_t)(time >> 8), (uint8_t)time}, number[2];
    so_rtp_extension there;
    so_rtp_packet packet;
    uint16_t n;

    if (p->pace == NULL || so_rtp_parse(&packet, bytes, len) != SO_OK)
        return;
    len += AROUND;
    so_pacer_sent(&p->pace->pacer, len, usec(now));
    so_estimate_sent(&p->pace->estimate, len, usec(now));
    if (t->kind == SO_SDP_AUDIO)
        so_meter_add(&p->pace->sound, len, (int64_t)usec(now));
    len -= AROUND;
    if (t->time_id != 0 && so_rtp_extension_set(bytes, len, t->time_id, value, sizeof value) != SO_OK)
        return;
    /* A number that is given must be there: one that never left would look lost. */
    if (t->number_id == 0 || !so_rtp_extension_get(&packet, t->number_id, &there) || there.len != sizeof number)
        return;
    n = so_sent_add(&p->pace->sent, len + AROUND, usec(now));
    number[0] = (uint8_t)(n >> 8);
    number[1] = (uint8_t)n;
    if (so_rtp_extension_set(bytes, len, t->number_id, number, sizeof number) != SO_OK)
        return;
}

bool so_peer_pace_ready(so_peer *p, so_msec now)
{
    return p->pace == NULL || so_pacer_ready(&p->pace->pacer, usec(now));
}

void so_peer_pace_waiting(so_peer *p, so_msec now)
{
    so_outbox_packet packet;
    so_msec oldest = now;
    size_t bytes = 0;

    if (p->pace == NULL)
        return;
    for (size_t i = 0; i < p->track_count; i++) {
        const so_outbox *box = p->tracks[i]->out.outbox;

        if (box == NULL || !so_outbox_next(box, &packet))
            continue;
        bytes += so_outbox_bytes(box);
        if (!packet.again && packet.put < oldest)
            oldest = packet.put;
    }
    so_pacer_waiting(&p->pace->pacer, bytes, oldest, usec(now));
    p->pace->waits = bytes > 0;
}

/* ---- what is said of it ---- */

static void rate_changed(so_peer *p, so_msec now)
{
    so_pacer_rate(&p->pace->pacer, so_estimate_rate(&p->pace->estimate), usec(now));
}

void so_peer_pace_take(so_peer *p, const so_rtcp_feedback *feedback, so_msec now)
{
    so_rtcp_transport_cc cc;
    so_sent_results results;
    so_sent_result result;
    so_rtcp_remb remb;

    if (p->pace == NULL)
        return;
    if (so_rtcp_read_remb(feedback, &remb)) {
        so_estimate_remb(&p->pace->estimate, remb.bitrate);
    } else if (so_rtcp_read_transport_cc(feedback, &cc) && so_sent_feedback(&p->pace->sent, &cc, &results) == SO_OK) {
        while (so_sent_next(&p->pace->sent, &results, &result))
            so_estimate_result(&p->pace->estimate, &result);
        so_estimate_feedback(&p->pace->estimate, now);
    }
    rate_changed(p, now);
}

void so_peer_pace_block(so_peer *p, peer_track *t, const so_rtcp_block *block, so_msec now)
{
    uint32_t packets = block->highest - t->out.told_highest;
    bool known = t->out.told_highest != 0;

    t->out.told_highest = block->highest;
    if (p->pace == NULL || !known || packets > INT32_MAX)
        return;
    so_estimate_report(&p->pace->estimate, block->fraction, packets,
                       p->round_trip_known ? (so_msec)p->round_trip * 1000 / 65536 : 0, now);
    rate_changed(p, now);
}

/* ---- what we say ---- */

/* When it left, where nothing better is agreed on: abs-send-time, or else the picture's own timestamps. */
static void note_time(so_peer *p, const peer_track *t, const so_rtp_packet *packet, so_msec now)
{
    size_t bytes = packet->payload_len + SO_RTP_HEADER_LEN + packet->extensions_len + AROUND;
    so_rtp_extension time;
    so_reader r;
    uint32_t high;

    if (t->time_id != 0 && so_rtp_extension_get(packet, t->time_id, &time) && time.len == 3) {
        r = so_reader_of(time.data, time.len);
        high = (uint32_t)so_read_u16(&r) << 16;
        so_remb_packet(&p->pace->remb, high | (uint32_t)so_read_u8(&r) << 8, SO_REMB_SEND_TIME_RATE, bytes, usec(now));
    } else if (t->kind == SO_SDP_VIDEO) {
        so_remb_packet(&p->pace->remb, packet->timestamp, t->codecs[0].ability->clock, bytes, usec(now));
    }
}

void so_peer_pace_came(so_peer *p, const peer_track *t, const so_rtp_packet *packet, so_msec now)
{
    so_rtp_extension number;
    so_reader r;

    if (p->pace == NULL)
        return;
    p->pace->media = packet->ssrc;
    if (t->number_id == 0 && t->codec_count > 0 && t->codecs[0].remb) {
        note_time(p, t, packet, now);
    } else if (t->number_id != 0 && so_rtp_extension_get(packet, t->number_id, &number) && number.len == 2) {
        r = so_reader_of(number.data, number.len);
        so_arrivals_packet(&p->pace->arrivals, so_read_u16(&r), usec(now));
    }
}

bool so_peer_pace_due(so_peer *p, so_msec now)
{
    if (p->pace == NULL)
        return false;
    if (!so_remb_due(&p->pace->remb, now, &p->pace->remb_due))
        p->pace->remb_due = 0;
    return so_arrivals_deadline(&p->pace->arrivals) <= now || p->pace->remb_due > 0;
}

void so_peer_pace_write(so_peer *p, so_msec now, so_writer *w, uint32_t own)
{
    if (so_arrivals_deadline(&p->pace->arrivals) <= now)
        (void)so_arrivals_write(&p->pace->arrivals, w, own, p->pace->media);
    if (p->pace->remb_due > 0)
        so_rtcp_write_remb(w, own, p->pace->remb_due, &p->pace->media, 1);
}

/* ---- time ---- */

void so_peer_pace_tick(so_peer *p, so_msec now)
{
    if (p->pace == NULL || so_estimate_deadline(&p->pace->estimate) > now)
        return;
    so_estimate_tick(&p->pace->estimate, now);
    rate_changed(p, now);
}

so_msec so_peer_pace_deadline(const so_peer *p, bool has_path)
{
    so_msec at, next;

    if (p->pace == NULL)
        return UINT64_MAX;
    at = so_estimate_deadline(&p->pace->estimate);
    if (!has_path)
        return at;
    next = so_arrivals_deadline(&p->pace->arrivals);
    if (next < at)
        at = next;
    next = p->pace->waits ? so_pacer_deadline(&p->pace->pacer) : UINT64_MAX;
    return next < at ? next : at;
}

bool so_peer_pace_event(so_peer *p, so_peer_event *out)
{
    uint64_t rate;

    if (p->pace == NULL || !so_estimate_event(&p->pace->estimate, &rate))
        return false;
    out->kind = SO_PEER_RATE;
    out->rate = so_estimate_video(&p->pace->estimate, so_meter_rate(&p->pace->sound, SOUND_PARTS));
    return true;
}
