/* Channels: what waits in them, and how they are closed (RFC 8831 §6.7, RFC 6525). */
#include "sctp/inside.h"

#include <errno.h>
#include <stdlib.h>

so_channel *so_channel_find(so_sctp *s, uint16_t id)
{
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
        if (s->channels[i].state != SO_CHANNEL_FREE && s->channels[i].id == id)
            return &s->channels[i];
    return NULL;
}

so_channel *so_channel_make(so_sctp *s, uint16_t id, const so_sctp_channel *channel)
{
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++) {
        so_channel *c = &s->channels[i];

        if (c->state != SO_CHANNEL_FREE)
            continue;
        *c = (so_channel){.state = SO_CHANNEL_OPEN,
                          .id = id,
                          .unordered = channel->unordered,
                          .known = channel->negotiated,
                          .reliability = channel->reliability,
                          .limit = channel->limit};
        c->last = &c->first;
        return c;
    }
    return NULL;
}

bool so_channel_queue(so_sctp *s, so_channel *c, uint32_t ppid, so_slice bytes, size_t counts)
{
    so_waiting *m = malloc(sizeof *m + bytes.len);

    if (m == NULL) {
        so_sctp_fail(s, SO_NO_MEMORY, "no memory for what data channels send; end other programs or calls");
        return false;
    }
    *m = (so_waiting){.since = s->now, .ppid = ppid, .len = bytes.len, .counts = counts};
    memcpy(m->bytes, bytes.bytes, bytes.len);
    *c->last = m;
    c->last = &m->next;
    c->buffered += counts;
    s->buffered += counts;
    return true;
}

static void drop_first(so_sctp *s, so_channel *c)
{
    so_waiting *m = c->first;

    c->first = m->next;
    if (c->first == NULL)
        c->last = &c->first;
    c->buffered -= m->counts;
    s->buffered -= m->counts;
    free(m);
}

void so_channel_drop_waiting(so_sctp *s, so_channel *c)
{
    while (c->first != NULL)
        drop_first(s, c);
}

void so_channel_settle(so_sctp *s, so_channel *c)
{
    if (c->state != SO_CHANNEL_AWAITS_RESET || !c->reset_in || !c->reset_out)
        return;
    c->state = SO_CHANNEL_FREE;
    so_sctp_tell(s, &(so_sctp_event){.kind = SO_SCTP_CHANNEL_CLOSED, .channel = c->id}, NULL);
}

/* What fits into one packet: headers of packet and chunk off, and in steps of four bytes. */
#define PIECE_MAX (SO_SCTP_MTU - 12 - 16)

/*
 * How a message is to be sent. usrsctp 0.9.5 may give up a message between two of its pieces and send the next message
 * as if the rest had never been; where both are unordered, the other end's takes that for a broken rule and ends the
 * association. So one of several pieces is left out as a whole, before it is handed over, or sent whole.
 */
static struct sctp_sendv_spa terms_of(const so_sctp *s, const so_channel *c, const so_waiting *m)
{
    struct sctp_sendv_spa terms = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};
    so_msec waited = s->now - m->since;

    terms.sendv_sndinfo.snd_sid = c->id;
    terms.sendv_sndinfo.snd_ppid = htonl(m->ppid);
    terms.sendv_sndinfo.snd_flags = SCTP_EOR;
    if (m->ppid == SO_PPID_DCEP)
        return terms;
    if (c->unordered && c->known)
        terms.sendv_sndinfo.snd_flags |= SCTP_UNORDERED;
    if (c->reliability == SO_SCTP_RELIABLE || m->len > PIECE_MAX)
        return terms;
    terms.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    terms.sendv_prinfo.pr_policy = c->reliability == SO_SCTP_BY_TIME ? SCTP_PR_SCTP_TTL : SCTP_PR_SCTP_RTX;
    terms.sendv_prinfo.pr_value = c->limit;
    if (c->reliability == SO_SCTP_BY_TIME && waited > 0) /* the wait in our queue is a part of its life */
        terms.sendv_prinfo.pr_value = waited < c->limit ? c->limit - (uint32_t)waited : 1;
    return terms;
}

static bool is_stale(const so_sctp *s, const so_channel *c, const so_waiting *m)
{
    return c->reliability == SO_SCTP_BY_TIME && m->ppid != SO_PPID_DCEP && s->now - m->since > c->limit;
}

/* Hands the first message of a channel over. False: there is no room, or the association failed. */
static bool hand_over(so_sctp *s, so_channel *c)
{
    so_waiting *m = c->first;
    bool was_high = c->buffered > c->low_mark;

    if (!is_stale(s, c, m)) {
        struct sctp_sendv_spa terms = terms_of(s, c, m);
        ssize_t sent = usrsctp_sendv(s->socket, m->bytes, m->len, NULL, 0, &terms, sizeof terms, SCTP_SENDV_SPA, 0);

        if (sent < 0 && (errno == EWOULDBLOCK || errno == EAGAIN))
            return false;
        /* sent < 0 may also be the end of the association, in the middle of this call */
        if (sent < 0 || (size_t)sent != m->len) {
            so_sctp_fail(s, SO_IO,
                         "a message could not be sent over its data channel: the other end takes no channel of that "
                         "number, or memory ran out; start a new call");
            return false;
        }
    }
    drop_first(s, c);
    if (was_high && c->buffered <= c->low_mark)
        so_sctp_tell(s, &(so_sctp_event){.kind = SO_SCTP_BUFFERED_LOW, .channel = c->id}, NULL);
    return !so_sctp_over(s);
}

static void ask_reset(so_sctp *s, so_channel *c)
{
    union {
        struct sctp_reset_streams head;
        uint8_t room[sizeof(struct sctp_reset_streams) + sizeof(uint16_t)]; /* for a list of one */
    } ask = {.room = {0}};

    ask.head.srs_flags = SCTP_STREAM_RESET_OUTGOING;
    ask.head.srs_number_streams = 1;
    ask.head.srs_stream_list[0] = c->id;
    c->reset_asked = true;
    if (usrsctp_setsockopt(s->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, &ask, sizeof ask) != 0)
        so_sctp_fail(s, SO_IO,
                     "a data channel can't be closed: the other end does not know how (RFC 6525); update the program "
                     "at the other end");
}

/* sstat_penddata is of what comes in: a message of which a piece is missing may stay there for good. */
bool so_sctp_under_way(so_sctp *s)
{
    struct sctp_status status = {0};
    socklen_t len = sizeof status;

    return usrsctp_getsockopt(s->socket, IPPROTO_SCTP, SCTP_STATUS, &status, &len) == 0 && status.sstat_unackdata > 0;
}

static bool wants_reset(const so_channel *c)
{
    return c->state == SO_CHANNEL_AWAITS_RESET && !c->held && !c->reset_asked && c->first == NULL;
}

/*
 * Asks for the resets that are due; false: they must wait, and what is to be sent with them. A usrsctp that gets a
 * reset ahead of data that went before it puts the reset off, and may then forget it until more data comes (0.9.5: it
 * looks before it has moved its cumulative TSN over what it had already). So all that went out is acknowledged first.
 */
static bool do_resets(so_sctp *s)
{
    bool any = false;

    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
        any = any || wants_reset(&s->channels[i]);
    if (any && so_sctp_under_way(s))
        return false;
    for (size_t i = 0; any && s->state == SO_SCTP_OPEN && i < SO_SCTP_CHANNELS; i++)
        if (wants_reset(&s->channels[i]))
            ask_reset(s, &s->channels[i]);
    return s->state == SO_SCTP_OPEN;
}

void so_sctp_pump(so_sctp *s)
{
    if (s->state != SO_SCTP_OPEN || s->socket == NULL || !do_resets(s))
        return;
    for (size_t passed = 0; s->state == SO_SCTP_OPEN && passed < SO_SCTP_CHANNELS; passed++) {
        so_channel *c = &s->channels[s->turn];

        if (c->state != SO_CHANNEL_FREE && !c->held && c->first != NULL) {
            if (!hand_over(s, c))
                break;
            passed = 0;
        }
        s->turn = (s->turn + 1) % SO_SCTP_CHANNELS;
    }
}
