/* Datagrams in and out: the demultiplexer, and the way from a path over a handshake to keys. */
#include "peer/demux.h"
#include "peer/inside.h"

#include <string.h>

static void take_early(void *user, so_slice datagram)
{
    so_peer *p = user;

    so_dtls_receive(p->dtls, datagram);
}

/* The role is settled when both descriptions are there; with it the fingerprint is. */
static void begin_handshake(so_peer *p)
{
    so_dtls_config config = {
        .context = p->engine->dtls,
        .certificate = p->certificate,
        .role = p->sdp.own.role == SO_SDP_ACTIVE ? SO_DTLS_CLIENT : SO_DTLS_SERVER,
        .expected = p->sdp.peer,
        .groups = p->groups,
        .profiles = p->profiles,
        .take = so_peer_data_take,
        .user = p,
    };
    so_error err;

    if (so_dtls_new(&p->dtls, &config, &err) != SO_OK) {
        so_peer_fail(p, SO_DOOR_MEDIA, "dtls-failed", &err);
        return;
    }
    so_peer_set_state(p, SO_PEER_AWAITS_HANDSHAKE, "a path and a fingerprint are there");
    so_dtls_start(p->dtls);
    so_early_drain(&p->early, take_early, p);
}

static so_status make_sessions(so_peer *p, const so_dtls_keys *keys)
{
    so_srtp_profile profile = (so_srtp_profile)keys->profile;
    so_status status =
        so_srtp_new(&p->outgoing, p->engine->srtp, profile, true, (so_slice){keys->local_key, keys->key_len},
                    (so_slice){keys->local_salt, keys->salt_len});

    if (status == SO_OK)
        status = so_srtp_new(&p->incoming, p->engine->srtp, profile, false, (so_slice){keys->remote_key, keys->key_len},
                             (so_slice){keys->remote_salt, keys->salt_len});
    return status == SO_OK ? so_peer_reserve(p) : status;
}

static void open_media(so_peer *p, so_msec now)
{
    so_dtls_keys keys;
    so_status status = so_dtls_export(p->dtls, &keys);
    so_error err;

    if (status == SO_OK)
        status = make_sessions(p, &keys);
    so_wipe(&keys, sizeof keys);
    if (status != SO_OK) {
        (void)so_fail(&err, status, MEDIA_LAYER, "the keys of the handshake can't be used (%s); try again",
                      so_status_name(status));
        so_peer_fail(p, SO_DOOR_MEDIA, "dtls-failed", &err);
        return;
    }
    so_peer_set_state(p, SO_PEER_OPEN, "certificate checked, keys there");
    so_peer_media_open(p, now);
}

static void look_at_handshake(so_peer *p, so_msec now)
{
    switch (so_dtls_state_of(p->dtls)) {
    case SO_DTLS_OPEN:
        if (p->state == SO_PEER_AWAITS_HANDSHAKE)
            open_media(p, now);
        break;
    case SO_DTLS_FAILED: {
        so_dtls_fault fault = so_dtls_fault_of(p->dtls);
        bool certificate = fault == SO_DTLS_MISMATCH || fault == SO_DTLS_CERTIFICATE_REFUSED;

        so_peer_fail(p, certificate ? SO_DOOR_FINGERPRINTS : SO_DOOR_MEDIA, so_dtls_fault_name(fault),
                     so_dtls_error(p->dtls));
        break;
    }
    case SO_DTLS_CLOSED:
        so_peer_set_state(p, SO_PEER_CLOSED, "the other end said close_notify");
        break;
    case SO_DTLS_AWAITS_START:
    case SO_DTLS_AWAITS_PEER:
        break;
    }
}

void so_peer_advance(so_peer *p, so_msec now)
{
    so_address local, remote;

    if (p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED)
        return;
    p->data.now = now;
    if (so_ice_state_of(p->ice) != p->last_ice) {
        p->last_ice = so_ice_state_of(p->ice);
        p->ice_told = false;
    }
    if (p->dtls == NULL && so_peer_had_remote(p) && p->sdp.own.role != SO_SDP_NO_SETUP) {
        so_peer_set_state(p, SO_PEER_AWAITS_PATH, "both descriptions are there");
        if (so_ice_send_pair(p->ice, &local, &remote))
            begin_handshake(p);
    }
    if (p->dtls != NULL)
        look_at_handshake(p, now);
    so_peer_data_advance(p, now);
}

/* Where we send to is alive if it is heard. Media from elsewhere says nothing of it: after a NAT has forgotten its
 * mapping the other end still reaches us, from a new port, and hears nothing. */
static void hear_media(so_peer *p, so_msec now, const so_address *local, const so_address *remote)
{
    so_address own, theirs;

    if (so_ice_send_pair(p->ice, &own, &theirs) && so_address_equal(&own, local) && so_address_equal(&theirs, remote))
        so_ice_heard(p->ice, now);
}

void so_peer_take_datagram(so_peer *p, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                           size_t len)
{
    so_demux kind = so_demux_of(bytes, len);

    p->data.now = now;
    if (kind == SO_DEMUX_STUN) {
        so_ice_receive(p->ice, now, local, remote, bytes, len);
    } else if (kind == SO_DEMUX_NONE || !so_ice_counts(p->ice, local, remote)) {
        p->stray++;
        return;
    } else if (kind == SO_DEMUX_DTLS) {
        if (p->dtls == NULL)
            so_early_keep(&p->early, (so_slice){bytes, len});
        else
            so_dtls_receive(p->dtls, (so_slice){bytes, len});
    } else {
        if (so_peer_media_receive(p, now, bytes, len, kind == SO_DEMUX_RTCP))
            hear_media(p, now, local, remote);
        return; /* media changes no state */
    }
    so_peer_advance(p, now);
}

void so_peer_receive(so_peer *p, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                     size_t len)
{
    if (p->state != SO_PEER_FAILED && p->state != SO_PEER_CLOSED &&
        !so_peer_relays_receive(p, now, local, remote, bytes, len))
        so_peer_take_datagram(p, now, local, remote, bytes, len);
}

void so_peer_tick(so_peer *p, so_msec now)
{
    if (p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED)
        return;
    so_ice_tick(p->ice, now);
    if (p->dtls != NULL)
        so_dtls_tick(p->dtls);
    so_peer_relays_tick(p, now);
    so_peer_media_tick(p, now);
    so_peer_data_tick(p, now);
    so_peer_advance(p, now);
}

so_msec so_peer_deadline(const so_peer *p, so_msec now)
{
    so_msec at = so_ice_deadline(p->ice), media = so_peer_media_deadline(p), relays = so_peer_relays_deadline(p),
            data = so_peer_data_deadline(p);

    if (p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED)
        return UINT64_MAX;
    if (media < at)
        at = media;
    if (relays < at)
        at = relays;
    if (data < at)
        at = data;
    if (p->dtls != NULL) {
        so_msec wait = so_dtls_wait(p->dtls);

        if (wait != UINT64_MAX && now + wait < at)
            at = now + wait;
    }
    return at;
}

peer_block *so_peer_leaving(so_peer *p)
{
    if (p->leaving == NULL)
        p->leaving = so_pool_take(&p->engine->packets);
    return p->leaving;
}

void so_peer_drop_packets(so_peer *p)
{
    so_pool *pool = &p->engine->packets;

    for (size_t i = 0; i < OUT_SLOTS; i++) {
        so_pool_give(pool, p->out[i]);
        p->out[i] = NULL;
    }
    so_pool_give(pool, p->leaving);
    so_pool_give(pool, p->wrapped_block);
    p->leaving = p->wrapped_block = NULL;
    p->out_count = p->wrapped.len = 0;
}

/* The next of those that do not wait. */
static void slot_datagram(so_peer *p, so_datagram *out)
{
    peer_slot *slot = p->out[p->out_first];

    so_pool_give(&p->engine->packets, p->leaving);
    p->leaving = (peer_block *)slot;
    p->out[p->out_first] = NULL;
    p->out_first = (p->out_first + 1) % OUT_SLOTS;
    p->out_count--;
    *out = (so_datagram){0, slot->local, slot->remote, slot->bytes, slot->len};
}

static bool dtls_datagram(so_peer *p, so_datagram *out)
{
    peer_block *block;

    /* While there is no path a flight waits: it would be sent again anyway, but later. */
    if (p->dtls == NULL || !so_ice_send_pair(p->ice, &out->local, &out->remote) ||
        (block = so_peer_leaving(p)) == NULL || !so_dtls_transmit(p->dtls, block->bytes, &out->len))
        return false;
    out->bytes = block->bytes;
    return true;
}

/* Data goes after media, which waits for nothing. */
static bool data_datagram(so_peer *p, so_datagram *out)
{
    so_address from;

    return p->state == SO_PEER_OPEN && so_peer_path_from(p, &from) && so_peer_data_transmit(p) && dtls_datagram(p, out);
}

/* What goes to the other end next. carries: it is more than a check. */
static bool next_datagram(so_peer *p, so_msec now, so_datagram *out, bool *carries)
{
    *out = (so_datagram){.len = 0};
    *carries = false;
    /* What still goes out of a peer that is over: a BYE, an alert, a close_notify. */
    if (p->state != SO_PEER_FAILED && p->state != SO_PEER_CLOSED && so_ice_transmit(p->ice, &p->ice_out)) {
        *out = (so_datagram){0, p->ice_out.local, p->ice_out.remote, p->ice_out.bytes, p->ice_out.len};
        return true;
    }
    *carries = true;
    /* Before media: the last flight of the handshake is what lets the other end open what comes behind it. But a BYE
     * goes before close_notify, after which nothing is opened. */
    if (p->state != SO_PEER_CLOSED && dtls_datagram(p, out))
        return true;
    if (p->out_count > 0) {
        slot_datagram(p, out);
        return true;
    }
    return so_peer_paced(p, now, out) || data_datagram(p, out) || (p->state == SO_PEER_CLOSED && dtls_datagram(p, out));
}

static bool transmit(so_peer *p, so_msec now, so_datagram *out)
{
    bool carries;

    do {
        if (so_peer_relays_transmit(p, out))
            return true;
        if (p->abandoned || !next_datagram(p, now, out, &carries))
            return so_peer_relays_part(p, now, out);
    } while (!so_peer_relays_route(p, now, carries, out));
    return true;
}

bool so_peer_transmit(so_peer *p, so_msec now, so_datagram *out)
{
    if (transmit(p, now, out))
        return true;
    /* What was given out last is used by now. */
    so_pool_give(&p->engine->packets, p->leaving);
    so_pool_give(&p->engine->packets, p->wrapped_block);
    p->leaving = p->wrapped_block = NULL;
    return false;
}

/* ---- addresses of this end ---- */

so_status so_peer_add_base(so_peer *p, so_msec now, const so_address *base)
{
    /* Where only a relay may be used the agent never hears of this end's own addresses: it can't tell them, nor send
     * anything from them. They lead to relays, and nowhere else. */
    so_status status = p->relay_only ? SO_OK : so_ice_add_base(p->ice, now, base);

    if (status == SO_OK)
        so_peer_relays_add_base(p, now, base);
    so_peer_advance(p, now);
    return status;
}

void so_peer_remove_base(so_peer *p, so_msec now, const so_address *base)
{
    so_peer_relays_remove_base(p, now, base);
    if (so_ice_remove_base(p->ice, now, base) == SO_OK || p->relay_only)
        so_peer_advance(p, now);
}

const char *so_peer_ufrag(const so_peer *p)
{
    return so_ice_ufrag(p->ice);
}

bool so_peer_counts(const so_peer *p, const so_address *local, const so_address *remote)
{
    return so_ice_counts(p->ice, local, remote);
}

bool so_peer_path_from(const so_peer *p, so_address *base)
{
    so_address remote;

    return so_ice_send_pair(p->ice, base, &remote);
}

so_status so_peer_add_stun_server(so_peer *p, so_msec now, const so_address *server)
{
    return so_ice_add_stun_server(p->ice, now, server);
}
