/* The data channels of a call (docs/protocol.md, section 5): what the peer carries of them, and for whom it is. */
#include "call/inside.h"

#include <string.h>

static so_slice text(const char *words)
{
    return (so_slice){words, strlen(words)};
}

/* Both ends open them by themselves, before anything can come. */
static so_status negotiate(so_call *c, so_msec now, uint16_t id, const char *label, const char *protocol)
{
    so_sctp_channel channel = {.label = text(label), .protocol = text(protocol), .negotiated = true, .id = id};

    return so_peer_open_channel(c->peer, now, &channel, &id);
}

so_status so_call_add_data(so_call *c, so_msec now)
{
    so_status status;

    if (!so_sdp_able(c->abilities, SO_SDP_APPLICATION))
        return SO_OK;
    status = so_peer_add_data(c->peer);
    if (status == SO_OK)
        status = negotiate(c, now, SO_CALL_TRUST, "trust", "sotto.trust.v1");
    if (status == SO_OK)
        status = negotiate(c, now, SO_CALL_CHAT, "chat", "sotto.chat.v1");
    return status;
}

static bool is_open(const so_call *c)
{
    return c->state == SO_CALL_OPEN && c->peer != NULL;
}

so_status so_call_open_channel(so_call *c, so_msec now, const so_sctp_channel *channel, uint16_t *id)
{
    so_call_at(c, now);
    return is_open(c) ? so_peer_open_channel(c->peer, now, channel, id) : SO_STATE;
}

so_status so_call_send_message(so_call *c, so_msec now, uint16_t channel, bool is_text, so_slice message)
{
    so_call_at(c, now);
    return is_open(c) ? so_peer_send_message(c->peer, now, channel, is_text, message) : SO_STATE;
}

size_t so_call_buffered(const so_call *c, uint16_t channel)
{
    return is_open(c) ? so_peer_buffered(c->peer, channel) : 0;
}

void so_call_set_low_mark(so_call *c, uint16_t channel, size_t bytes)
{
    if (is_open(c))
        so_peer_set_low_mark(c->peer, channel, bytes);
}

void so_call_close_channel(so_call *c, so_msec now, uint16_t channel)
{
    so_call_at(c, now);
    if (is_open(c))
        so_peer_close_channel(c->peer, now, channel);
}
