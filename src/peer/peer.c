#include "peer/inside.h"

#include "base/text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CNAME_BYTES 12

void so_peer_set_state(so_peer *p, so_peer_state state, const char *why)
{
    (void)why; /* for a reader with a debugger */
    if (p->state == state || p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED)
        return;
    p->state = state;
    p->state_told = false;
}

/* The first failure is the one that counts; from then on nothing comes in or goes out but the last alert. */
void so_peer_fail(so_peer *p, so_door door, const char *code, const so_error *error)
{
    if (p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED)
        return;
    p->failure = (so_peer_failure){.door = door, .code = code, .error = *error};
    so_peer_set_state(p, SO_PEER_FAILED, code);
    so_srtp_free(p->outgoing);
    so_srtp_free(p->incoming);
    p->outgoing = p->incoming = NULL;
    so_peer_drop_packets(p);
    so_peer_data_end(p);
}

static so_status begin_session(so_peer *p, const so_peer_config *config)
{
    uint8_t bytes[8 + CNAME_BYTES] = {0};
    so_reader r = so_reader_of(bytes, sizeof bytes);
    so_status status = so_random_fill(&p->random, bytes, sizeof bytes);
    uint64_t id = so_read_u64(&r) >> 1;

    if (status != SO_OK)
        return status;
    /* RFC 7022 §4.2: random, and of this call alone. */
    so_base64url(p->cname, bytes + 8, CNAME_BYTES);
    return so_sdp_session_start(&p->sdp, config->abilities == NULL ? &so_sdp_voice : config->abilities, config->polite,
                                id, so_dtls_certificate_fingerprint(p->certificate), so_ice_ufrag(p->ice),
                                so_ice_pwd(p->ice), p->cname);
}

so_status so_peer_new(so_peer **out, const so_peer_config *config, so_error *err)
{
    so_peer *p = calloc(1, sizeof *p);
    so_ice_config ice = {.controlling = true, .random = config->random};
    so_status status;

    *out = NULL;
    if (p == NULL)
        return so_fail(err, SO_NO_MEMORY, MEDIA_LAYER, "no memory for a call; end other programs or calls");
    p->engine = config->engine;
    p->random = config->random;
    p->began = config->now;
    p->unix_ms = config->unix_ms;
    p->relay_only = config->relay_only;
    (void)snprintf(p->groups, sizeof p->groups, "%s", config->groups == NULL ? "" : config->groups);
    (void)snprintf(p->profiles, sizeof p->profiles, "%s", config->profiles == NULL ? "" : config->profiles);
    p->state_told = p->ice_told = p->negotiate_told = true;
    status = so_dtls_certificate_make(&p->certificate, (so_unix)(config->unix_ms / 1000), &p->random, err);
    if (status == SO_OK &&
        ((status = so_ice_new(&p->ice, &ice)) != SO_OK || (status = begin_session(p, config)) != SO_OK))
        (void)so_fail(err, status, MEDIA_LAYER, "a call can't be set up (%s); end other programs or calls",
                      so_status_name(status));
    if (status != SO_OK) {
        so_peer_free(p);
        return status;
    }
    *out = p;
    return SO_OK;
}

void so_peer_free(so_peer *p)
{
    if (p == NULL)
        return;
    so_peer_free_tracks(p);
    so_peer_drop_packets(p);
    so_peer_forget_candidates(p);
    so_peer_data_end(p);
    so_sdp_session_close(&p->sdp);
    so_srtp_free(p->outgoing);
    so_srtp_free(p->incoming);
    so_early_clear(&p->early);
    so_peer_relays_free(p);
    so_dtls_free(p->dtls);
    so_ice_free(p->ice);
    so_dtls_certificate_free(p->certificate);
    free(p);
}

void so_peer_close(so_peer *p, so_msec now)
{
    if (p->state == SO_PEER_OPEN && p->track_count > 0)
        so_peer_report(p, now, true);
    if (p->dtls != NULL)
        so_dtls_close(p->dtls);
    so_peer_set_state(p, SO_PEER_CLOSED, "closed by this end");
}

void so_peer_abandon(so_peer *p, so_msec now)
{
    (void)now;
    p->abandoned = true;
    so_peer_drop_packets(p);
    so_peer_set_state(p, SO_PEER_CLOSED, "abandoned by this end");
}

so_peer_state so_peer_state_of(const so_peer *p)
{
    return p->state;
}

so_ice_state so_peer_ice(const so_peer *p)
{
    return so_ice_state_of(p->ice);
}

const so_peer_failure *so_peer_failure_of(const so_peer *p)
{
    return p->state == SO_PEER_FAILED ? &p->failure : NULL;
}

static bool candidate_event(so_peer *p, const so_ice_candidate *c, so_peer_event *out)
{
    const so_sdp *local = so_sdp_session_local(&p->sdp);
    const char *mid = local != NULL && local->tag < local->media_count ? local->media[local->tag].mid : NULL;

    out->kind = SO_PEER_CANDIDATE;
    out->candidate[0] = '\0';
    if (c != NULL && so_ice_candidate_format(c, out->candidate, sizeof out->candidate) != SO_OK)
        return false;
    (void)snprintf(p->said_mid, sizeof p->said_mid, "%s", mid == NULL ? "0" : mid);
    (void)snprintf(p->said_ufrag, sizeof p->said_ufrag, "%s", c == NULL ? so_ice_ufrag(p->ice) : c->ufrag);
    out->mid = p->said_mid;
    out->ufrag = p->said_ufrag;
    return true;
}

bool so_peer_ice_event(so_peer *p, so_peer_event *out)
{
    so_ice_event event;

    while (so_ice_next_event(p->ice, &event)) {
        switch (event.kind) {
        case SO_ICE_LOCAL_CANDIDATE:
            if (candidate_event(p, &event.local, out))
                return true;
            break;
        case SO_ICE_LOCAL_END:
            if (candidate_event(p, NULL, out))
                return true;
            break;
        case SO_ICE_SELECTED:
        case SO_ICE_STATE_CHANGED:
            p->ice_told = false;
            break;
        case SO_ICE_ROLE_CHANGED:
            break;
        }
    }
    return false;
}

bool so_peer_event_next(so_peer *p, so_msec now, so_peer_event *out)
{
    memset(out, 0, offsetof(so_peer_event, candidate));
    out->lost = 0;
    out->wall = 0;
    if (!p->state_told) {
        p->state_told = true;
        out->kind = SO_PEER_STATE_CHANGED;
        return true;
    }
    if (p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED)
        return false;
    if (so_peer_relays_event(p, out) || so_peer_candidate_event(p, out))
        return true;
    if (!p->ice_told) {
        p->ice_told = true;
        out->kind = SO_PEER_ICE_CHANGED;
        return true;
    }
    if (!p->negotiate_told && so_sdp_session_needed(&p->sdp)) {
        p->negotiate_told = true;
        out->kind = SO_PEER_NEGOTIATE;
        return true;
    }
    return so_peer_data_event(p, out) || so_peer_media_event(p, now, out);
}

static const char *type_name(so_ice_type type)
{
    static const char *const names[] = {"host", "srflx", "prflx", "relay", "other"};

    return names[type];
}

void so_peer_facts_of(const so_peer *p, so_peer_facts *out)
{
    so_ice_type local, remote;
    so_address own, theirs;

    *out = (so_peer_facts){.mine = *so_dtls_certificate_fingerprint(p->certificate), .stray = p->stray};
    if (so_peer_had_remote(p))
        out->signaled = p->sdp.peer;
    if (p->dtls != NULL) {
        so_dtls_facts facts = so_dtls_facts_of(p->dtls);

        out->seen = facts.seen;
        out->seen_sha256 = facts.seen_sha256;
        out->dtls_client = facts.role == SO_DTLS_CLIENT;
        if (so_dtls_state_of(p->dtls) == SO_DTLS_OPEN || facts.cipher != NULL) {
            out->dtls_version = facts.version;
            out->dtls_cipher = facts.cipher;
            out->dtls_group = facts.group;
        }
        if (facts.profile != 0)
            out->srtp_profile = so_srtp_profile_name((so_srtp_profile)facts.profile);
    }
    if (so_ice_send_types(p->ice, &local, &remote)) {
        out->local_kind = type_name(local);
        out->remote_kind = type_name(remote);
        out->relayed = local == SO_ICE_RELAY || remote == SO_ICE_RELAY;
        if (so_ice_send_pair(p->ice, &own, &theirs)) {
            out->relay_way = so_peer_relay_way_of(p, &own);
            out->local = own;
            out->remote = theirs;
        }
    }
    if (p->outgoing != NULL)
        so_srtp_stats(p->outgoing, &out->sent);
    if (p->incoming != NULL)
        so_srtp_stats(p->incoming, &out->received);
    out->round_trip_known = p->round_trip_known;
    out->round_trip_us = (uint32_t)((uint64_t)p->round_trip * 1000000 / 65536);
    out->fraction_lost = p->fraction_lost;
}
