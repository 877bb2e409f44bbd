/* Data channels: an SCTP association over DTLS (RFC 8261), there from when both descriptions have it (RFC 8841). */
#include "peer/inside.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of all channels that may wait to be sent. */
#define QUEUE_MAX ((size_t)4 * 1024 * 1024)

/* A negotiated channel that waits for an association. */
struct peer_declared {
    so_sctp_channel channel;
    char names[]; /* label and protocol */
};

so_status so_peer_add_data(so_peer *p)
{
    so_sdp_transceiver transceiver = {.kind = SO_SDP_APPLICATION, .direction = SO_SDP_SENDRECV};
    so_status status;

    if (p->sdp.transceiver_count >= TRACKS_MAX)
        return SO_TOO_LONG;
    status = so_sdp_session_add(&p->sdp, &transceiver, NULL);
    p->negotiate_told = false;
    return status;
}

void so_peer_data_agreed(so_peer *p, const so_sdp_agreed *agreed)
{
    if (!agreed->accepted)
        return;
    p->data.agreed = true;
    p->data.port = agreed->local->sctp_port;
    p->data.remote_port = agreed->remote->sctp_port;
    p->data.remote_max = agreed->remote->max_message_size;
}

/* 0 is "no limit" (RFC 8841 §6.1). */
static size_t send_max(const so_peer *p)
{
    bool limited = p->data.remote_max != 0 && p->data.remote_max < SO_SCTP_MESSAGE_MAX;

    return limited ? (size_t)p->data.remote_max : SO_SCTP_MESSAGE_MAX;
}

static so_status open_declared(so_peer *p, so_msec now)
{
    so_status status = SO_OK;

    for (size_t i = 0; i < p->data.declared_count && status == SO_OK; i++) {
        uint16_t id;

        status = so_sctp_open_channel(p->data.sctp, now, &p->data.declared[i]->channel, &id);
        free(p->data.declared[i]);
        p->data.declared[i] = NULL;
    }
    p->data.declared_count = 0;
    return status;
}

void so_peer_data_advance(so_peer *p, so_msec now)
{
    so_sctp_config config = {.role = p->sdp.own.role == SO_SDP_ACTIVE ? SO_SCTP_CLIENT : SO_SCTP_SERVER,
                             .local_port = p->data.port,
                             .remote_port = p->data.remote_port,
                             .receive_max = SO_SCTP_MESSAGE_MAX,
                             .send_max = send_max(p),
                             .queue_max = QUEUE_MAX,
                             .now = now};

    if (p->state != SO_PEER_OPEN || !p->data.agreed || p->data.sctp != NULL || p->data.failed)
        return;
    /* A call without it goes on. */
    if (so_sctp_new(&p->data.sctp, &config, &p->data.error) != SO_OK || open_declared(p, now) != SO_OK) {
        so_peer_data_end(p);
        p->data.failed = true;
        return;
    }
    so_sctp_start(p->data.sctp, now);
}

void so_peer_data_end(so_peer *p)
{
    for (size_t i = 0; i < p->data.declared_count; i++)
        free(p->data.declared[i]);
    p->data.declared_count = 0;
    so_sctp_free(p->data.sctp);
    p->data.sctp = NULL;
}

void so_peer_data_take(void *user, so_slice packet)
{
    so_peer *p = user;

    if (p->data.sctp != NULL)
        so_sctp_receive(p->data.sctp, p->data.now, packet);
}

void so_peer_data_tick(so_peer *p, so_msec now)
{
    so_address from;

    /* Without a path its clock stands still: what is under way then is sent again when there is one. */
    if (p->data.sctp != NULL && so_peer_path_from(p, &from))
        so_sctp_tick(p->data.sctp, now);
}

so_msec so_peer_data_deadline(const so_peer *p)
{
    so_address from;

    if (p->data.failed && !p->data.told)
        return p->data.now;
    return p->data.sctp != NULL && so_peer_path_from(p, &from) ? so_sctp_deadline(p->data.sctp) : UINT64_MAX;
}

bool so_peer_data_transmit(so_peer *p)
{
    uint8_t packet[SO_SCTP_MTU];
    size_t len;

    _Static_assert(SO_SCTP_MTU <= SO_DTLS_DATA_MAX, "each packet is a record");
    return p->data.sctp != NULL && so_sctp_transmit(p->data.sctp, packet, &len) &&
           so_dtls_send(p->dtls, (so_slice){packet, len}) == SO_OK;
}

bool so_peer_data_event(so_peer *p, so_peer_event *out)
{
    out->kind = SO_PEER_DATA;
    out->data = &p->data.event;
    if (p->data.failed && !p->data.told) {
        p->data.told = true;
        p->data.event = (so_sctp_event){.kind = SO_SCTP_ENDED};
        return true;
    }
    return p->data.sctp != NULL && so_sctp_event_next(p->data.sctp, &p->data.event);
}

const so_error *so_peer_data_error(const so_peer *p)
{
    return p->data.sctp != NULL ? so_sctp_error(p->data.sctp) : &p->data.error;
}

/* ---- channels ---- */

static so_status declare(so_peer *p, const so_sctp_channel *channel, uint16_t *id)
{
    struct peer_declared *d;
    size_t label = channel->label.len, protocol = channel->protocol.len;

    if (label > SO_SCTP_NAME_MAX || protocol > SO_SCTP_NAME_MAX || channel->id >= SO_SCTP_STREAMS)
        return SO_BAD_INPUT;
    for (size_t i = 0; i < p->data.declared_count; i++)
        if (p->data.declared[i]->channel.id == channel->id)
            return SO_BAD_INPUT;
    if (p->data.declared_count == DECLARED_MAX)
        return SO_TOO_LONG;
    d = malloc(sizeof *d + label + protocol);
    if (d == NULL)
        return SO_NO_MEMORY;
    d->channel = *channel;
    if (label > 0)
        memcpy(d->names, channel->label.bytes, label);
    if (protocol > 0)
        memcpy(d->names + label, channel->protocol.bytes, protocol);
    d->channel.label.bytes = d->names;
    d->channel.protocol.bytes = d->names + label;
    p->data.declared[p->data.declared_count++] = d;
    *id = channel->id;
    return SO_OK;
}

so_status so_peer_open_channel(so_peer *p, so_msec now, const so_sctp_channel *channel, uint16_t *id)
{
    if (p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED || p->data.failed)
        return SO_STATE;
    if (p->data.sctp != NULL)
        return so_sctp_open_channel(p->data.sctp, now, channel, id);
    return channel->negotiated ? declare(p, channel, id) : SO_STATE;
}

so_status so_peer_send_message(so_peer *p, so_msec now, uint16_t channel, bool text, so_slice message)
{
    return p->data.sctp == NULL || p->state != SO_PEER_OPEN ? SO_STATE
                                                            : so_sctp_send(p->data.sctp, now, channel, text, message);
}

size_t so_peer_buffered(const so_peer *p, uint16_t channel)
{
    return p->data.sctp == NULL ? 0 : so_sctp_buffered(p->data.sctp, channel);
}

void so_peer_set_low_mark(so_peer *p, uint16_t channel, size_t bytes)
{
    if (p->data.sctp != NULL)
        so_sctp_set_low_mark(p->data.sctp, channel, bytes);
}

void so_peer_close_channel(so_peer *p, so_msec now, uint16_t channel)
{
    if (p->data.sctp != NULL)
        so_sctp_close_channel(p->data.sctp, now, channel);
}

size_t so_peer_message_max(const so_peer *p)
{
    return p->data.agreed ? send_max(p) : 0;
}
