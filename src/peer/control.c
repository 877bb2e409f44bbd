/* RTCP of all tracks: reports, and feedback in both directions. */
#include "peer/inside.h"

#define NACKS_MAX 64 /* packets that one feedback asks for */

/* ---- what comes ---- */

static peer_track *track_sent_with(so_peer *p, uint32_t ssrc)
{
    for (size_t i = 0; i < p->track_count; i++)
        if (p->tracks[i]->sends && p->tracks[i]->out.sender.ssrc == ssrc)
            return p->tracks[i];
    return NULL;
}

static void take_blocks(so_peer *p, const so_rtcp_packet *packet, so_msec now)
{
    uint32_t arrival = so_ntp_middle(so_ntp_of_unix_msec(so_peer_unix(p, now)));

    for (size_t b = 0; b < packet->count; b++) {
        so_rtcp_block block;
        peer_track *t;

        if (!so_rtcp_read_block(packet, b, &block))
            return;
        t = track_sent_with(p, block.ssrc);
        if (t == NULL)
            continue;
        p->fraction_lost = block.fraction;
        if (so_rtp_round_trip(&block, arrival, &p->round_trip))
            p->round_trip_known = true;
        so_peer_pace_block(p, t, &block, now);
    }
}

static void take_bye(so_peer *p, const so_rtcp_packet *packet)
{
    for (size_t b = 0; b < packet->count; b++) {
        uint32_t ssrc;

        if (!so_rtcp_read_bye(packet, b, &ssrc))
            return;
        for (size_t i = 0; i < p->track_count; i++)
            if (p->tracks[i]->in.source_known && p->tracks[i]->in.source.ssrc == ssrc)
                p->tracks[i]->bye = true;
    }
}

static void take_sender(so_peer *p, const so_rtcp_sender *sr, so_msec now)
{
    for (size_t i = 0; i < p->track_count; i++) {
        peer_receiving *in = &p->tracks[i]->in;

        if (!in->source_known || in->source.ssrc != sr->ssrc)
            continue;
        so_rtp_stats_sr(&in->source, sr, now);
        in->sr = *sr;
        in->sr_known = true;
    }
}

so_msec so_peer_round_trip(const so_peer *p)
{
    return p->round_trip_known ? (so_msec)p->round_trip * 1000 / 65536 : 100;
}

static void take_nack(so_peer *p, const so_rtcp_feedback *feedback, so_msec now)
{
    peer_track *t = track_sent_with(p, feedback->media);
    so_rtcp_nack nack;

    if (t == NULL || t->out.outbox == NULL)
        return;
    for (size_t i = 0; so_rtcp_read_nack(feedback, i, &nack); i++)
        for (unsigned n = 0; n <= 16; n++)
            if (n == 0 || (nack.others >> (n - 1) & 1) != 0)
                (void)so_outbox_ask(t->out.outbox, (uint16_t)(nack.pid + n), now, so_peer_round_trip(p));
    so_peer_pace_waiting(p, now);
}

static void take_fir(so_peer *p, const so_rtcp_feedback *feedback)
{
    so_rtcp_fir fir;

    for (size_t i = 0; so_rtcp_read_fir(feedback, i, &fir); i++) {
        peer_track *t = track_sent_with(p, fir.ssrc);

        if (t == NULL || (t->out.fir_known && t->out.last_fir == fir.seq))
            continue;
        t->out.fir_known = t->out.key_wanted = true;
        t->out.last_fir = fir.seq;
    }
}

static void take_feedback(so_peer *p, const so_rtcp_packet *packet, so_msec now)
{
    so_rtcp_feedback feedback;
    peer_track *t;

    if (!so_rtcp_read_feedback(packet, &feedback))
        return;
    switch (feedback.kind) {
    case SO_RTCP_NACK:
        take_nack(p, &feedback, now);
        break;
    case SO_RTCP_PLI:
        t = track_sent_with(p, feedback.media);
        if (t != NULL)
            t->out.key_wanted = true;
        break;
    case SO_RTCP_FIR:
        take_fir(p, &feedback);
        break;
    case SO_RTCP_TRANSPORT_CC:
    case SO_RTCP_REMB:
        so_peer_pace_take(p, &feedback, now);
        break;
    case SO_RTCP_OTHER_FEEDBACK:
        break;
    }
}

void so_peer_take_rtcp(so_peer *p, so_msec now, const uint8_t *bytes, size_t len)
{
    so_rtcp_packet packet;
    so_rtcp_iter iter;
    so_rtcp_sender sr;

    if (so_rtcp_parse(&iter, bytes, len, true) != SO_OK)
        return;
    while (so_rtcp_next(&iter, &packet)) {
        if (so_rtcp_read_sr(&packet, &sr))
            take_sender(p, &sr, now);
        if (packet.type == SO_RTCP_SR || packet.type == SO_RTCP_RR)
            take_blocks(p, &packet, now);
        else if (packet.type == SO_RTCP_BYE)
            take_bye(p, &packet);
        else
            take_feedback(p, &packet, now);
    }
}

/* ---- reports ---- */

static size_t report_blocks(so_peer *p, so_msec now, so_rtcp_block blocks[TRACKS_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < p->track_count; i++)
        if (p->tracks[i]->in.source_known && so_rtp_stats_report(&p->tracks[i]->in.source, now, &blocks[count]))
            count++;
    return count;
}

/* A sender report of each stream that is sent, or else a receiver report. How many of the former; *own speaks for us.
 */
static size_t write_reports(so_peer *p, so_msec now, so_writer *w, uint32_t ssrcs[TRACKS_MAX], uint32_t *own)
{
    so_rtcp_block blocks[TRACKS_MAX];
    size_t count = report_blocks(p, now, blocks), senders = 0;

    *own = so_peer_own_ssrc(p);
    for (size_t i = 0; i < p->track_count; i++) {
        const so_rtp_sender *sender = &p->tracks[i]->out.sender;
        so_rtcp_sender sr;

        if (!p->tracks[i]->sends || sender->packets == 0)
            continue;
        so_rtp_sender_report(sender, so_ntp_of_unix_msec(so_peer_unix(p, now)), now, &sr);
        so_rtcp_write_sr(w, &sr, blocks, senders == 0 ? count : 0);
        if (senders == 0)
            *own = sr.ssrc;
        ssrcs[senders++] = sr.ssrc;
    }
    if (senders == 0)
        so_rtcp_write_rr(w, *own, blocks, count);
    return senders;
}

static void send_rtcp(so_peer *p, peer_slot *slot, const so_writer *w)
{
    so_status sent = SO_TOO_LONG;

    slot->len = so_writer_len(w);
    if (!w->failed)
        sent = so_peer_slot_done(p, slot, true);
    (void)sent; /* it comes again at its time */
}

/* A compound packet (RFC 3550 §6.1): a sender or receiver report, who we are, and maybe a farewell. */
void so_peer_report(so_peer *p, so_msec now, bool bye)
{
    peer_slot *slot = so_peer_slot(p);
    uint32_t ssrcs[TRACKS_MAX], own;
    size_t senders;
    so_writer w;

    if (slot == NULL)
        return;
    w = so_writer_of(slot->bytes, sizeof slot->bytes - SO_SRTCP_OVERHEAD);
    senders = write_reports(p, now, &w, ssrcs, &own);
    so_rtcp_write_cname(&w, own, p->cname);
    if (bye)
        so_rtcp_write_bye(&w, senders == 0 ? &own : ssrcs, senders == 0 ? 1 : senders, NULL);
    send_rtcp(p, slot, &w);
}

/* ---- feedback ---- */

static const peer_codec *codec_in_use(const peer_track *t)
{
    for (size_t i = 0; i < t->codec_count; i++)
        if (t->codecs[i].receive_type == t->in.type)
            return &t->codecs[i];
    return t->codec_count == 0 ? NULL : &t->codecs[0];
}

static bool asks_for_key(const peer_track *t, so_msec now)
{
    return t->receives && t->in.wants_key && (t->in.key_asked_at == 0 || now >= t->in.key_asked_at + KEY_PATIENCE);
}

static bool asks_again(const peer_track *t, so_msec now)
{
    const peer_codec *codec = codec_in_use(t);

    return t->receives && t->in.source_known && t->kind == SO_SDP_VIDEO && codec != NULL && codec->nack &&
           codec->rtx_receive != NO_TYPE && so_nack_deadline(t->in.nack) <= now;
}

static void write_key_wish(peer_track *t, so_msec now, so_writer *w, uint32_t own)
{
    const peer_codec *codec = codec_in_use(t);
    so_rtcp_fir fir = {.ssrc = t->in.source.ssrc};

    if (codec->fir && !codec->pli) {
        fir.seq = t->in.fir_seq++;
        so_rtcp_write_fir(w, own, &fir, 1);
    } else {
        so_rtcp_write_pli(w, own, t->in.source.ssrc);
    }
    t->in.key_asked_at = now;
    t->in.keys_asked++;
}

static void write_track_feedback(so_peer *p, peer_track *t, so_msec now, so_writer *w)
{
    uint32_t own = so_peer_own_ssrc(p);
    uint16_t missing[NACKS_MAX];
    size_t count = 0;

    if (asks_again(t, now)) {
        so_nack_round_trip(t->in.nack, so_peer_round_trip(p));
        count = so_nack_due(t->in.nack, now, missing, NACKS_MAX);
    }
    if (count > 0)
        so_rtcp_write_nack(w, own, t->in.source.ssrc, missing, count);
    if (asks_for_key(t, now))
        write_key_wish(t, now, w, own);
}

/* One packet of feedback: of one track, or of the path (t NULL). */
static void send_feedback(so_peer *p, peer_track *t, so_msec now)
{
    peer_slot *slot = so_peer_slot(p);
    uint32_t ssrcs[TRACKS_MAX], own;
    size_t head;
    so_writer w;

    if (slot == NULL)
        return;
    w = so_writer_of(slot->bytes, sizeof slot->bytes - SO_SRTCP_OVERHEAD);
    /* RFC 4585 §3.1: behind a report and a name, unless both ends have agreed on RFC 5506. */
    if (!p->reduced) {
        (void)write_reports(p, now, &w, ssrcs, &own);
        so_rtcp_write_cname(&w, own, p->cname);
    }
    head = so_writer_len(&w);
    if (t != NULL)
        write_track_feedback(p, t, now, &w);
    else
        so_peer_pace_write(p, now, &w, so_peer_own_ssrc(p));
    if (so_writer_len(&w) > head)
        send_rtcp(p, slot, &w);
}

void so_peer_feedback(so_peer *p, so_msec now)
{
    for (size_t i = 0; i < p->track_count; i++)
        if (asks_for_key(p->tracks[i], now) || asks_again(p->tracks[i], now))
            send_feedback(p, p->tracks[i], now);
    if (so_peer_pace_due(p, now))
        send_feedback(p, NULL, now);
}

so_msec so_peer_feedback_deadline(const so_peer *p)
{
    so_msec at = UINT64_MAX;

    for (size_t i = 0; i < p->track_count; i++) {
        const peer_track *t = p->tracks[i];
        const peer_codec *codec = codec_in_use(t);
        so_msec due = UINT64_MAX;

        if (!t->receives || t->kind != SO_SDP_VIDEO || !t->in.source_known || codec == NULL)
            continue;
        if (t->in.wants_key)
            due = t->in.key_asked_at == 0 ? 0 : t->in.key_asked_at + KEY_PATIENCE;
        if (due < at)
            at = due;
        due = codec->nack && codec->rtx_receive != NO_TYPE ? so_nack_deadline(t->in.nack) : UINT64_MAX;
        if (due < at)
            at = due;
    }
    return at;
}
