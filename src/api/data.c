/* Data channels in the public API, of calls and of peers alike. */
#include "api/inside.h"

#include <string.h>

#define SAME(mine, theirs) _Static_assert((int)(mine) == (int)(theirs), #mine)
SAME(SOTTO_RELIABLE, SO_SCTP_RELIABLE);
SAME(SOTTO_RESENT_SO_OFTEN, SO_SCTP_BY_COUNT);
SAME(SOTTO_RESENT_SO_LONG, SO_SCTP_BY_TIME);
SAME(SOTTO_DATA_READY, SO_SCTP_CONNECTED);
SAME(SOTTO_DATA_OPENED, SO_SCTP_CHANNEL_OPENED);
SAME(SOTTO_DATA_MESSAGE, SO_SCTP_MESSAGE);
SAME(SOTTO_DATA_BUFFERED_LOW, SO_SCTP_BUFFERED_LOW);
SAME(SOTTO_DATA_CLOSED, SO_SCTP_CHANNEL_CLOSED);
SAME(SOTTO_DATA_ENDED, SO_SCTP_ENDED);
SAME(SOTTO_MESSAGE_MAX, SO_SCTP_MESSAGE_MAX);

static so_slice text_of(const char *text)
{
    return (so_slice){text, text == NULL ? 0 : strlen(text)};
}

so_sctp_channel api_channel(const sotto_channel *channel)
{
    return (so_sctp_channel){.label = text_of(channel->label),
                             .protocol = text_of(channel->protocol),
                             .unordered = channel->unordered,
                             .reliability = (so_sctp_reliability)channel->reliability,
                             .limit = channel->limit,
                             .negotiated = channel->negotiated,
                             .id = channel->id};
}

sotto_data api_data(const so_sctp_event *event)
{
    sotto_data data = {.kind = (sotto_data_kind)event->kind, .channel = event->channel};

    if (event->kind == SO_SCTP_MESSAGE) {
        data.text = event->text;
        data.bytes = event->bytes.bytes;
        data.len = event->bytes.len;
    } else if (event->kind == SO_SCTP_CHANNEL_OPENED) {
        data.label = event->opened.label.bytes;
        data.label_len = event->opened.label.len;
        data.protocol = event->opened.protocol.bytes;
        data.protocol_len = event->opened.protocol.len;
    }
    return data;
}

/* ---- of a peer ---- */

sotto_status sotto_peer_add_data(sotto_peer *p)
{
    return api_status(so_peer_add_data(api_peer(p)));
}

sotto_status sotto_peer_open_channel(sotto_peer *p, uint64_t now, const sotto_channel *channel, uint16_t *id)
{
    so_sctp_channel wanted = api_channel(channel);

    return api_status(so_peer_open_channel(api_peer(p), now, &wanted, id));
}

sotto_status sotto_peer_send_message(sotto_peer *p, uint64_t now, uint16_t channel, bool text, const void *bytes,
                                     size_t len)
{
    return api_status(so_peer_send_message(api_peer(p), now, channel, text, (so_slice){bytes, len}));
}

size_t sotto_peer_buffered(sotto_peer *p, uint16_t channel)
{
    return so_peer_buffered(api_peer(p), channel);
}

void sotto_peer_set_low_mark(sotto_peer *p, uint16_t channel, size_t bytes)
{
    so_peer_set_low_mark(api_peer(p), channel, bytes);
}

void sotto_peer_close_channel(sotto_peer *p, uint64_t now, uint16_t channel)
{
    so_peer_close_channel(api_peer(p), now, channel);
}

size_t sotto_peer_message_max(sotto_peer *p)
{
    return so_peer_message_max(api_peer(p));
}

/* ---- of a call ---- */

/* A channel of the program's own may not look like one of Sotto's. */
static bool is_ours(uint16_t channel)
{
    return channel == SO_CALL_TRUST;
}

sotto_status sotto_call_open_channel(sotto_call *c, const sotto_channel *channel, uint16_t *id)
{
    so_sctp_channel wanted = api_channel(channel);
    api_quiet quiet = api_be_quiet();
    so_status status = so_caller_open_channel(api_caller(c), &wanted, id);

    api_end_quiet(&quiet);
    return api_status(status);
}

sotto_status sotto_call_send_message(sotto_call *c, uint16_t channel, bool text, const void *bytes, size_t len)
{
    api_quiet quiet = api_be_quiet();
    so_status status =
        is_ours(channel) ? SO_NOT_FOUND : so_caller_send_message(api_caller(c), channel, text, (so_slice){bytes, len});

    api_end_quiet(&quiet);
    return api_status(status);
}

size_t sotto_call_buffered(sotto_call *c, uint16_t channel)
{
    return so_call_buffered(so_caller_call(api_caller(c)), channel);
}

void sotto_call_set_low_mark(sotto_call *c, uint16_t channel, size_t bytes)
{
    so_call_set_low_mark(so_caller_call(api_caller(c)), channel, bytes);
}

void sotto_call_close_channel(sotto_call *c, uint16_t channel)
{
    api_quiet quiet = api_be_quiet();

    if (!is_ours(channel))
        so_caller_close_channel(api_caller(c), channel);
    api_end_quiet(&quiet);
}
