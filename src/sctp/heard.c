/* What usrsctp says: messages and notifications. It may not be called back from here, so this only takes notes. */
#include "sctp/inside.h"

#include <stdlib.h>

#define BROKE_RULES "; that was no program like this one: start a new call, and update the program at the other end"

static void break_off(so_sctp *s, const char *text)
{
    so_sctp_fail(s, SO_BAD_INPUT, text);
}

/* The other end opens a channel. */
static void take_open(so_sctp *s, uint16_t id, so_sctp_channel *opened, void **memory)
{
    so_channel *c = so_channel_find(s, id);
    bool held = false;
    uint8_t ack[SO_DCEP_OPEN_MAX];
    bool ours = (id & 1) == (s->config.role == SO_SCTP_CLIENT ? 0 : 1);

    /* The id's last use is over for the other end, and the packet that says so to us is still to come. */
    if (c != NULL && c->state == SO_CHANNEL_AWAITS_RESET && c->reset_in && c->reset_asked) {
        c->reset_out = true;
        so_channel_settle(s, c);
        c = NULL;
        held = true;
    }
    if (ours || c != NULL || id >= s->streams_out) {
        break_off(s, "the other end opened a data channel with a number that is not its to give" BROKE_RULES);
        return;
    }
    c = so_channel_make(s, id, opened);
    if (c == NULL) {
        break_off(s, "the other end opened more data channels than are allowed; open fewer at a time");
        return;
    }
    c->known = true;
    c->held = held;
    if (!so_channel_queue(s, c, SO_PPID_DCEP, (so_slice){ack, so_dcep_write_ack(ack)}, 0))
        return;
    opened->id = id;
    so_sctp_tell(s, &(so_sctp_event){.kind = SO_SCTP_CHANNEL_OPENED, .channel = id, .opened = *opened}, *memory);
    *memory = NULL;
}

static void take_dcep(so_sctp *s, uint16_t id, so_slice message, void **memory)
{
    so_sctp_channel opened;
    so_channel *c;

    switch (so_dcep_read(message, &opened)) {
    case SO_DCEP_OPEN:
        take_open(s, id, &opened, memory);
        return;
    case SO_DCEP_ACK:
        c = so_channel_find(s, id);
        if (c != NULL)
            c->known = true;
        return;
    case SO_DCEP_BROKEN:
        break_off(s, "the other end sent something that opens no data channel, where one is opened" BROKE_RULES);
        return;
    }
}

static void take_message(so_sctp *s, const struct sctp_rcvinfo *info, so_slice message, void **memory)
{
    so_sctp_event event = {.kind = SO_SCTP_MESSAGE, .channel = info->rcv_sid, .bytes = message};
    so_channel *c = so_channel_find(s, info->rcv_sid);

    switch (ntohl(info->rcv_ppid)) {
    case SO_PPID_DCEP:
        take_dcep(s, info->rcv_sid, message, memory);
        return;
    case SO_PPID_TEXT:
        event.text = true;
        break;
    case SO_PPID_BINARY:
        break;
    case SO_PPID_TEXT_EMPTY:
        event.text = true;
        event.bytes.len = 0;
        break;
    case SO_PPID_BINARY_EMPTY:
        event.bytes.len = 0;
        break;
    default:
        break_off(s, "the other end sent a message of a kind that data channels do not have" BROKE_RULES);
        return;
    }
    /* None: it may be negotiated, and not opened here yet. Being closed: what was under way then is of no use. */
    if (c == NULL || c->state == SO_CHANNEL_AWAITS_RESET)
        return;
    c->known = true;
    so_sctp_tell(s, &event, *memory);
    *memory = NULL;
}

static void take_change(so_sctp *s, const struct sctp_assoc_change *change)
{
    switch (change->sac_state) {
    case SCTP_COMM_UP:
        if (s->state != SO_SCTP_AWAITS_PEER)
            return;
        s->state = SO_SCTP_OPEN;
        if (change->sac_outbound_streams < s->streams_out)
            s->streams_out = change->sac_outbound_streams;
        so_sctp_tell(s, &(so_sctp_event){.kind = SO_SCTP_CONNECTED}, NULL);
        return;
    case SCTP_RESTART:
        break_off(s, "the other end began its data channels anew in the middle of a call" BROKE_RULES);
        return;
    case SCTP_CANT_STR_ASSOC:
        so_sctp_fail(s, SO_IO,
                     "the other end did not answer where data channels begin, or refused them; start a new call");
        return;
    default:
        so_sctp_fail(s, SO_IO,
                     "the data channels ended: the other end ended them, or nothing came through for too long; start "
                     "a new call");
    }
}

static void reset_one(so_sctp *s, uint16_t id, unsigned flags)
{
    so_channel *c = so_channel_find(s, id);

    if (c == NULL)
        return;
    if ((flags & SCTP_STREAM_RESET_OUTGOING_SSN) != 0) {
        if (c->held) {
            c->held = false;
            return;
        }
        c->reset_out = c->reset_asked;
    }
    if ((flags & SCTP_STREAM_RESET_INCOMING_SSN) != 0) {
        c->reset_in = true;
        c->state = SO_CHANNEL_AWAITS_RESET;
        so_channel_drop_waiting(s, c);
    }
    so_channel_settle(s, c);
}

static void take_reset(so_sctp *s, const struct sctp_stream_reset_event *reset)
{
    size_t count = (reset->strreset_length - sizeof *reset) / sizeof(uint16_t);

    if ((reset->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) != 0) {
        break_off(s, "the other end refused to let a data channel be closed" BROKE_RULES);
        return;
    }
    for (size_t i = 0; i < count; i++)
        reset_one(s, reset->strreset_stream_list[i], reset->strreset_flags);
    for (size_t i = 0; count == 0 && i < SO_SCTP_CHANNELS; i++) /* an empty list is all of them (RFC 6525 §4.1) */
        if (s->channels[i].state != SO_CHANNEL_FREE)
            reset_one(s, s->channels[i].id, reset->strreset_flags);
}

static void take_notice(so_sctp *s, const union sctp_notification *notice, size_t len)
{
    if (len < sizeof notice->sn_header || len != notice->sn_header.sn_length)
        return;
    if (notice->sn_header.sn_type == SCTP_ASSOC_CHANGE && len >= sizeof notice->sn_assoc_change)
        take_change(s, &notice->sn_assoc_change);
    else if (notice->sn_header.sn_type == SCTP_STREAM_RESET_EVENT && len >= sizeof notice->sn_strreset_event)
        take_reset(s, &notice->sn_strreset_event);
    else if (notice->sn_header.sn_type == SCTP_SHUTDOWN_EVENT)
        so_sctp_fail(s, SO_IO, "the other end ended the data channels; start a new call");
}

int so_sctp_heard(struct socket *socket, union sctp_sockstore from, void *data, size_t len, struct sctp_rcvinfo info,
                  int flags, void *user)
{
    so_sctp *s = so_sctp_of(user);

    (void)socket;
    (void)from;
    if (data == NULL)
        return 1;
    if (s != NULL && !so_sctp_over(s)) {
        if ((flags & MSG_NOTIFICATION) != 0)
            take_notice(s, data, len);
        else if ((flags & MSG_EOR) == 0 || len > s->config.receive_max)
            break_off(s, "the other end sent a message that is longer than it was told it may be" BROKE_RULES);
        else
            take_message(s, &info, (so_slice){data, len}, &data);
    }
    free(data);
    return 1;
}
