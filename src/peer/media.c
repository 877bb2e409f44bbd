/* Media of a peer, as it goes for all tracks: when it opens, what comes and goes protected, and when something is due.
 */
#include "peer/inside.h"

uint64_t so_peer_unix(const so_peer *p, so_msec now)
{
    return p->unix_ms + (now - p->began);
}

void so_peer_media_open(so_peer *p, so_msec now)
{
    if (so_rtcp_timer_start(&p->reports, &p->random, now) != SO_OK)
        p->reports.due = UINT64_MAX;
}

peer_slot *so_peer_slot(so_peer *p)
{
    peer_slot **slot = &p->out[(p->out_first + p->out_count) % OUT_SLOTS];
    so_address local, remote;

    if (p->out_count == OUT_SLOTS || !so_ice_send_pair(p->ice, &local, &remote))
        return NULL;
    if (*slot == NULL && (*slot = so_pool_take(&p->engine->packets)) == NULL)
        return NULL;
    (*slot)->local = local;
    (*slot)->remote = remote;
    return *slot;
}

so_status so_peer_slot_done(so_peer *p, peer_slot *slot, bool rtcp)
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
        so_peer_take_rtcp(p, now, packet.bytes, packet.len);
    else
        so_peer_take_rtp(p, now, packet.bytes, packet.len);
    return true;
}

static bool track_event(so_peer *p, size_t i, so_msec now, so_peer_event *out)
{
    peer_track *t = p->tracks[i];

    out->track = i;
    if (t->told != t->receives) {
        t->told = t->receives;
        out->kind = SO_PEER_TRACK;
        out->receiving = t->receives;
        return true;
    }
    if (t->out.key_wanted && t->sends) {
        t->out.key_wanted = false;
        out->kind = SO_PEER_WANT_KEY;
        return true;
    }
    if (t->in.reorder != NULL && so_peer_frame_event(p, i, now, out))
        return true;
    if (t->bye && !t->bye_told) {
        t->bye_told = true;
        out->kind = SO_PEER_TRACK_BYE;
        return true;
    }
    return false;
}

bool so_peer_media_event(so_peer *p, so_msec now, so_peer_event *out)
{
    for (size_t i = 0; p->state == SO_PEER_OPEN && i < p->track_count; i++)
        if (track_event(p, i, now, out))
            return true;
    return p->state == SO_PEER_OPEN && so_peer_pace_event(p, out);
}

void so_peer_media_tick(so_peer *p, so_msec now)
{
    if (p->state != SO_PEER_OPEN || p->track_count == 0)
        return;
    so_peer_feedback(p, now);
    so_peer_pace_tick(p, now);
    if (!so_rtcp_timer_due(&p->reports, now))
        return;
    so_peer_report(p, now, false);
    if (so_rtcp_timer_sent(&p->reports, now) != SO_OK)
        p->reports.due = now + 5000;
}

so_msec so_peer_media_deadline(const so_peer *p)
{
    so_address from;
    so_msec at, next;
    bool has_path;

    if (p->state != SO_PEER_OPEN || p->track_count == 0)
        return UINT64_MAX;
    at = p->reports.due;
    /* What can't be sent is due to nobody: it is looked at again when a path is there. */
    has_path = so_peer_path_from(p, &from);
    next = has_path ? so_peer_feedback_deadline(p) : UINT64_MAX;
    if (next < at)
        at = next;
    next = so_peer_pace_deadline(p, has_path);
    if (next < at)
        at = next;
    for (size_t i = 0; i < p->track_count; i++) {
        const so_reorder *reorder = p->tracks[i]->in.reorder;
        so_msec gap = reorder == NULL ? UINT64_MAX : so_reorder_deadline(reorder);

        if (gap < at)
            at = gap;
    }
    return at;
}
