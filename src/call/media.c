/* The peer of a call: made anew for each call, told what came sealed, and watched. */
#include "call/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const so_door fresh[] = {SO_DOOR_FINGERPRINTS, SO_DOOR_MEDIA, SO_DOOR_PATH};

static void reset_doors(so_call *c)
{
    for (size_t i = 0; i < sizeof fresh / sizeof fresh[0]; i++)
        so_report_reset(&c->report, fresh[i]);
}

static bool is_media(so_sdp_kind kind)
{
    return kind == SO_SDP_AUDIO || kind == SO_SDP_VIDEO;
}

static so_sdp_direction direction_of(so_call_wish wish)
{
    return (wish.sends ? SO_SDP_SENDONLY : 0) | (wish.receives ? SO_SDP_RECVONLY : 0);
}

/* Both kinds, where there are abilities for them: so that either may begin in mid-call without another m-line. */
static so_status add_tracks(so_call *c)
{
    static const char *const names[MEDIA_KINDS] = {"sound", "picture"};
    so_status status = SO_OK;

    for (so_sdp_kind kind = SO_SDP_AUDIO; status == SO_OK && kind < MEDIA_KINDS; kind++) {
        c->tracks[kind] = NO_TRACK;
        if (so_sdp_able(c->abilities, kind))
            status =
                so_peer_add_track(c->peer, kind, direction_of(c->wishes[kind]), "sotto", names[kind], &c->tracks[kind]);
    }
    return status;
}

static so_status prepare(so_call *c, so_msec now)
{
    so_status status = add_tracks(c);

    if (status == SO_OK)
        status = so_call_add_data(c, now);
    for (size_t i = 0; status == SO_OK && i < c->base_count; i++)
        status = so_peer_add_base(c->peer, now, &c->bases[i]);
    if (status == SO_OK)
        so_call_use_servers(c, now);
    return status;
}

so_status so_call_send(so_call *c, so_msec now, so_sdp_kind kind, const so_peer_frame *frame)
{
    so_call_at(c, now);
    if (c->state != SO_CALL_OPEN || c->peer == NULL || !is_media(kind) || c->tracks[kind] == NO_TRACK)
        return SO_STATE;
    if (!so_call_shares(c, kind))
        return SO_STATE;
    return so_peer_send(c->peer, now, c->tracks[kind], frame);
}

/* What was not sent meanwhile is missing in all that refers to it. */
static void share_again(so_call *c, so_sdp_kind kind, bool before)
{
    if (!before && so_call_shares(c, kind) && c->peer != NULL)
        so_peer_left_out(c->peer, c->tracks[kind]);
}

void so_call_wish_for(so_call *c, so_msec now, so_sdp_kind kind, so_call_wish wish)
{
    bool before;

    so_call_at(c, now);
    if (!is_media(kind))
        return;
    before = so_call_shares(c, kind);
    c->wishes[kind] = wish;
    share_again(c, kind, before);
    if (so_call_is_over(c))
        return;
    if (c->peer != NULL && c->tracks[kind] != NO_TRACK)
        so_peer_direct_track(c->peer, c->tracks[kind], direction_of(wish));
    if (c->epoch.live)
        so_call_say_state(c, now);
}

void so_call_mute(so_call *c, so_msec now, so_sdp_kind kind, bool muted)
{
    bool before;

    so_call_at(c, now);
    if (!is_media(kind) || c->muted[kind] == muted)
        return;
    before = so_call_shares(c, kind);
    c->muted[kind] = muted;
    share_again(c, kind, before);
    if (c->epoch.live && !so_call_is_over(c))
        so_call_say_state(c, now);
}

void so_call_want_key(so_call *c, so_msec now)
{
    so_call_at(c, now);
    if (c->peer != NULL)
        so_peer_want_key(c->peer, c->tracks[SO_SDP_VIDEO]);
}

const so_sdp_ability *so_call_codec(const so_call *c, so_sdp_kind kind, size_t i)
{
    return c->peer != NULL && is_media(kind) ? so_peer_codec(c->peer, c->tracks[kind], i) : NULL;
}

const so_sdp_ability *so_call_codec_named(const so_call *c, so_sdp_kind kind, const char *name)
{
    return c->peer != NULL && is_media(kind) ? so_peer_codec_named(c->peer, c->tracks[kind], name) : NULL;
}

bool so_call_track_facts(const so_call *c, so_sdp_kind kind, so_track_facts *out)
{
    *out = (so_track_facts){0};
    return c->peer != NULL && is_media(kind) && so_peer_track_facts(c->peer, c->tracks[kind], out);
}

bool so_call_new_peer(so_call *c, so_msec now)
{
    char groups[SO_POLICY_VALUE_TEXT], profiles[SO_POLICY_VALUE_TEXT];
    so_peer_config config = {.engine = c->engine,
                             .random = c->random,
                             .now = now,
                             .unix_ms = c->report.now,
                             .polite = !c->epoch.opener,
                             .relay_only = so_policy_wants(&c->policy, SO_RULE_RELAY_ONLY),
                             .abilities = c->abilities,
                             .groups = groups,
                             .profiles = profiles};
    so_error err;
    so_status status;

    (void)so_policy_openssl(&c->policy, SO_RULE_DTLS_GROUPS, groups);
    (void)so_policy_openssl(&c->policy, SO_RULE_SRTP_PROFILES, profiles);
    reset_doors(c);
    so_call_trust_reset(c);
    memcpy(c->trust.own_sid, c->seal.own_sid, SO_SID_LEN);
    memcpy(c->trust.peer_sid, c->seal.peer_sid, SO_SID_LEN);
    so_report_begin(&c->report, false);
    so_call_enter(c, SO_CALL_CONNECTING, "");
    status = so_peer_new(&c->peer, &config, &err);
    if (status == SO_OK && (status = prepare(c, now)) != SO_OK)
        (void)so_fail(&err, status, "call", "a call can't be set up (%s); end other programs or calls",
                      so_status_name(status));
    if (status != SO_OK) {
        so_call_fail(c, now, SO_DOOR_MEDIA, "dtls-failed", &err);
        return false;
    }
    if (so_call_is_over(c)) /* there must be a relay, and there is none */
        return false;
    (void)snprintf(c->peer_id, sizeof c->peer_id, "%s", c->epoch.id);
    c->described = c->peer_open = c->path_works = c->moved = false;
    c->no_path_at = now + NO_PATH;
    return true;
}

void so_call_drop_peer(so_call *c, so_msec now)
{
    c->no_path_at = c->restart_at = c->linger_at = NEVER;
    if (c->peer == NULL)
        return;
    so_peer_free(c->parting);
    c->parting = c->peer; /* without a word to the other end, which may be in the next call already */
    so_peer_abandon(c->parting, now);
    c->peer = NULL;
    c->described = c->peer_open = c->path_works = false;
    reset_doors(c);
    so_call_trust_reset(c);
}

static void offer(so_call *c, so_msec now)
{
    char *sdp = malloc(SO_PEER_SDP_MAX);
    uint8_t *text = malloc(2 * SO_PEER_SDP_MAX);
    so_error err;
    so_status status = SO_NO_MEMORY;

    if (sdp != NULL && text != NULL)
        status = so_peer_offer(c->peer, now, sdp, SO_PEER_SDP_MAX, &err);
    else
        (void)so_fail(&err, status, "call", "no memory for an offer; end other programs or calls");
    if (status == SO_OK) {
        so_writer w = so_writer_of(text, 2 * SO_PEER_SDP_MAX);

        so_said_write_description(&w, "offer", sdp);
        c->described = true;
        if (!w.failed)
            (void)so_call_seal(c, now, SO_SEAL_OFFER, (so_slice){text, so_writer_len(&w)}, (so_slice){NULL, 0});
    } else {
        so_call_fail(c, now, SO_DOOR_MEDIA, "sdp-malformed", &err);
    }
    free(text);
    free(sdp);
}

/* A new epoch: what was being said in the one before is void. */
void so_call_begin_epoch(so_call *c, so_msec now)
{
    so_peer_set_polite(c->peer, !c->epoch.opener);
    if (so_peer_signaling(c->peer) == SO_SDP_AWAITS_ANSWER && so_peer_rollback(c->peer) != SO_OK)
        return;
    if (!c->epoch.opener)
        return;
    if (so_peer_had_remote(c->peer) && (!c->path_works || c->moved)) {
        if (so_peer_restart_ice(c->peer, now) == SO_OK)
            c->moved = false;
        else
            so_report_note(&c->report, SO_DOOR_PATH, "looking for a new path is not possible now");
        so_call_mend_streams(c, now);
    }
    offer(c, now);
}

/* What the other end's description came to, where it was refused. */
static bool refused(so_call *c, so_msec now)
{
    const so_peer_failure *failure = so_peer_failure_of(c->peer);

    if (failure == NULL)
        return false;
    so_call_fail(c, now, failure->door, failure->code, &failure->error);
    return true;
}

/* This end's network changed: a new path, if not now then when the epoch is so far. */
static void restart_if_moved(so_call *c, so_msec now)
{
    if (!c->moved || !c->epoch.live || !c->epoch.offered || so_peer_restart_ice(c->peer, now) != SO_OK)
        return;
    c->moved = false;
    c->restart_at = now + RESTART_AGAIN;
    so_report_note(&c->report, SO_DOOR_PATH, "the network of this end changed; looking for a new path");
    so_call_mend_streams(c, now);
}

static void answer(so_call *c, so_msec now, so_slice to)
{
    char *sdp = malloc(SO_PEER_SDP_MAX);
    uint8_t *text = malloc(2 * SO_PEER_SDP_MAX);
    so_error err;
    so_status status = SO_NO_MEMORY;

    if (sdp != NULL && text != NULL)
        status = so_peer_answer(c->peer, now, sdp, SO_PEER_SDP_MAX, &err);
    else
        (void)so_fail(&err, status, "call", "no memory for an answer; end other programs or calls");
    if (status == SO_OK) {
        so_writer w = so_writer_of(text, 2 * SO_PEER_SDP_MAX);

        so_said_write_description(&w, "answer", sdp);
        c->described = true;
        c->epoch.offered = true;
        if (!w.failed)
            (void)so_call_seal(c, now, SO_SEAL_ANSWER, (so_slice){text, so_writer_len(&w)}, to);
        restart_if_moved(c, now);
    } else if (!refused(c, now)) {
        so_call_fail(c, now, SO_DOOR_MEDIA, "sdp-malformed", &err);
    }
    free(text);
    free(sdp);
}

void so_call_take_offer(so_call *c, so_msec now, const so_said *said, so_slice text)
{
    so_sdp_taken taken;
    so_error err;
    so_status status;

    if (c->peer == NULL)
        return;
    if (said->sdp == NULL) {
        so_call_fail(c, now, SO_DOOR_FINGERPRINTS, "sdp-malformed", NULL);
        return;
    }
    status = so_peer_take(c->peer, now, SO_SDP_OFFER, said->sdp, said->sdp_len, &taken, &err);
    if (refused(c, now))
        return;
    /* The other end looks for a path already: a restart of ours right after would take its result away. */
    if (status == SO_OK && taken.restarted && c->restart_at != NEVER)
        c->restart_at = now + RESTART_AGAIN + (c->epoch.opener ? 0 : PATIENCE / 2);
    if (status == SO_OK && taken.restarted) {
        c->moved = false;
        so_call_mend_streams(c, now);
    }
    if (status != SO_OK)
        so_report_note(&c->report, SO_DOOR_MEDIA, "an offer came out of turn");
    else if (!taken.ignored)
        answer(c, now, text);
}

void so_call_take_answer(so_call *c, so_msec now, const so_said *said)
{
    so_sdp_taken taken;
    so_error err;

    if (c->peer == NULL || so_peer_signaling(c->peer) != SO_SDP_AWAITS_ANSWER)
        return;
    if (said->sdp == NULL) {
        so_call_fail(c, now, SO_DOOR_FINGERPRINTS, "sdp-malformed", NULL);
        return;
    }
    if (so_peer_take(c->peer, now, SO_SDP_ANSWER, said->sdp, said->sdp_len, &taken, &err) == SO_OK)
        c->epoch.offered = true;
    else if (refused(c, now))
        return;
    restart_if_moved(c, now);
}

void so_call_take_candidate(so_call *c, so_msec now, const so_said *said)
{
    if (c->peer == NULL || said->candidate == NULL)
        return;
    if (so_peer_add_candidate(c->peer, now, said->candidate, said->ufrag) != SO_OK)
        so_report_note(&c->report, SO_DOOR_PATH, "a candidate was of no use to this end");
}

so_status so_call_add_base(so_call *c, so_msec now, const so_address *base)
{
    so_address from;
    so_status status;

    if (c->base_count == BASES_MAX)
        return SO_TOO_LONG;
    c->bases[c->base_count++] = *base;
    if (c->peer == NULL)
        return SO_OK;
    status = so_peer_add_base(c->peer, now, base);
    c->moved |= c->peer_open && (!c->path_works || !so_peer_path_from(c->peer, &from));
    restart_if_moved(c, now);
    return status;
}

void so_call_remove_base(so_call *c, so_msec now, const so_address *base)
{
    so_address before, after;
    bool had;

    for (size_t i = 0; i < c->base_count; i++)
        if (so_address_equal(&c->bases[i], base))
            c->bases[i--] = c->bases[--c->base_count];
    if (c->peer == NULL)
        return;
    had = so_peer_path_from(c->peer, &before);
    so_peer_remove_base(c->peer, now, base);
    /* Also where another pair takes over: the other end goes on with the old one until it has heard nothing for long.
     */
    c->moved |= c->peer_open && had && (!so_peer_path_from(c->peer, &after) || !so_address_equal(&before, &after));
    restart_if_moved(c, now);
}

/* ---- watching ---- */

static const char *kind_words(const char *kind)
{
    static const char *const words[][2] = {{"host", "on its own network"},
                                           {"srflx", "behind a router"},
                                           {"prflx", "learnt from its packets"},
                                           {"relay", "through a relay"}};

    for (size_t i = 0; kind != NULL && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], kind) == 0)
            return words[i][1];
    return NULL;
}

static void put_counts(so_report *r, const so_peer_facts *facts)
{
    const so_srtp_counts *sent = &facts->sent, *received = &facts->received;

    so_report_put_number(r, SO_DOOR_MEDIA, "sent", sent->protected_rtp + sent->protected_rtcp);
    so_report_put_number(r, SO_DOOR_MEDIA, "sent_bytes", sent->protected_bytes);
    so_report_put_number(r, SO_DOOR_MEDIA, "received", received->unprotected_rtp + received->unprotected_rtcp);
    so_report_put_number(r, SO_DOOR_MEDIA, "received_bytes", received->unprotected_bytes);
    so_report_put_number(r, SO_DOOR_MEDIA, "failed", received->auth_failed);
    so_report_put_number(r, SO_DOOR_MEDIA, "replayed", received->replayed);
}

void so_call_put_facts(so_call *c)
{
    static const char later[] = "not known yet";
    char text[SO_FINGERPRINT_TEXT_MAX];
    so_peer_facts facts;
    so_report *r = &c->report;

    if (c->peer == NULL)
        return;
    so_peer_facts_of(c->peer, &facts);
    so_fingerprint_text(&facts.mine, text);
    so_report_put(r, SO_DOOR_FINGERPRINTS, "mine", text, NULL);
    so_fingerprint_text(&facts.signaled, text);
    so_report_put(r, SO_DOOR_FINGERPRINTS, "signaled", facts.signaled.hash == SO_HASH_NONE ? NULL : text, later);
    so_fingerprint_text(&facts.seen, text);
    so_report_put(r, SO_DOOR_FINGERPRINTS, "seen", facts.seen.hash == SO_HASH_NONE ? NULL : text, later);
    if (facts.seen.hash != SO_HASH_NONE)
        so_report_put_bool(r, SO_DOOR_FINGERPRINTS, "equal", so_fingerprint_equal(&facts.seen, &facts.signaled));
    so_report_put(r, SO_DOOR_MEDIA, "dtls", facts.dtls_version, later);
    so_report_put(r, SO_DOOR_MEDIA, "cipher", facts.dtls_cipher, later);
    so_report_put(r, SO_DOOR_MEDIA, "group", facts.dtls_group, later);
    so_report_put(r, SO_DOOR_MEDIA, "role",
                  facts.dtls_version == NULL ? NULL
                  : facts.dtls_client        ? "client"
                                             : "server",
                  later);
    so_report_put(r, SO_DOOR_MEDIA, "srtp", facts.srtp_profile, later);
    if (facts.srtp_profile != NULL)
        put_counts(r, &facts);
    if (facts.local_kind == NULL)
        return;
    if (c->addresses) {
        so_address_text(&facts.local, r->own_address);
        so_address_text(&facts.remote, r->their_address);
    }
    so_report_put(r, SO_DOOR_PATH, "kind", facts.relayed ? "relayed" : "direct", NULL);
    so_report_put(r, SO_DOOR_PATH, "protocol", facts.relay_way == NULL ? "udp" : facts.relay_way, NULL);
    so_report_put(r, SO_DOOR_PATH, "mine", kind_words(facts.local_kind), later);
    so_report_put(r, SO_DOOR_PATH, "theirs", kind_words(facts.remote_kind), later);
}

static void opened(so_call *c, so_msec now)
{
    c->peer_open = true;
    c->no_path_at = NEVER;
    so_call_put_facts(c);
    if (!so_call_policy_opened(c, now))
        return;
    so_report_set(&c->report, SO_DOOR_FINGERPRINTS, SO_DOOR_HELD,
                  "the certificate in the handshake is the one that came sealed");
    so_report_set(&c->report, SO_DOOR_MEDIA, SO_DOOR_HELD, "media is encrypted with DTLS-SRTP");
    so_report_set(&c->report, SO_DOOR_PATH, SO_DOOR_HELD, "packets get through");
    so_call_trust_begin(c, now);
}

static void peer_state(so_call *c, so_msec now)
{
    switch (so_peer_state_of(c->peer)) {
    case SO_PEER_OPEN:
        if (!c->peer_open)
            opened(c, now);
        break;
    case SO_PEER_FAILED:
        (void)refused(c, now);
        break;
    case SO_PEER_CLOSED:
        /* Who starts anew is back in a moment; a farewell may be right behind. */
        c->path_works = false;
        c->linger_at = now + LINGER;
        break;
    default:
        break;
    }
}

static void path_changed(so_call *c, so_msec now)
{
    so_ice_state state = so_peer_ice(c->peer);

    if (state == SO_ICE_CONNECTED || state == SO_ICE_COMPLETED) {
        c->path_works = true;
        c->restart_at = NEVER;
        so_call_trouble(c, TROUBLE_PATH, false);
    } else if (state == SO_ICE_DISCONNECTED || state == SO_ICE_FAILED) {
        if (!c->peer_open) {
            if (state == SO_ICE_FAILED)
                so_call_fail(c, now, SO_DOOR_PATH, "no-path", NULL);
            return;
        }
        c->path_works = false;
        so_call_trouble(c, TROUBLE_PATH, true);
        /* The polite end waits a little longer, so that both do not restart in the same instant. */
        c->restart_at = now + (state == SO_ICE_FAILED ? 0 : PATIENCE) + (c->epoch.opener ? 0 : PATIENCE / 2);
        if (c->welcomed && c->other[0] == '\0')
            so_call_wait(c, now);
    }
}

void so_call_peer_tick(so_call *c, so_msec now)
{
    so_peer_tick(c->peer, now);
    if (c->restart_at > now)
        return;
    c->restart_at = now + RESTART_AGAIN;
    if (!c->epoch.live || !c->epoch.offered || so_peer_restart_ice(c->peer, now) != SO_OK)
        return;
    so_report_note(&c->report, SO_DOOR_PATH, "looking for a new path");
    so_call_mend_streams(c, now);
}

static void say_candidate(so_call *c, so_msec now, const so_peer_event *event)
{
    uint8_t bytes[2 * SO_PEER_CANDIDATE_MAX];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    so_said_write_candidate(&w, event->candidate, event->mid, event->ufrag);
    if (!w.failed)
        (void)so_call_seal(c, now, SO_SEAL_CANDIDATE, (so_slice){bytes, so_writer_len(&w)}, (so_slice){NULL, 0});
}

/* Of what kind a track is that the caller knows of; false: it is of no kind here. */
static bool media_of(const so_call *c, size_t track, so_sdp_kind *kind)
{
    for (*kind = SO_SDP_AUDIO; *kind < MEDIA_KINDS; ++*kind)
        if (c->tracks[*kind] == track)
            return true;
    return false;
}

/* True: out is an event for the caller. */
static bool take_event(so_call *c, so_msec now, const so_peer_event *event, so_call_event *out)
{
    switch (event->kind) {
    case SO_PEER_STATE_CHANGED:
        peer_state(c, now);
        return false;
    case SO_PEER_ICE_CHANGED:
        path_changed(c, now);
        return false;
    case SO_PEER_NEGOTIATE:
        if (c->epoch.live && c->epoch.offered && so_peer_signaling(c->peer) == SO_SDP_STABLE)
            offer(c, now);
        return false;
    case SO_PEER_CANDIDATE:
        say_candidate(c, now, event);
        return false;
    case SO_PEER_FRAME:
        out->kind = SO_CALL_FRAME;
        out->frame = event->frame;
        out->seq = event->seq;
        out->lost = event->lost;
        out->wall = event->wall;
        return c->state == SO_CALL_OPEN && media_of(c, event->track, &out->media);
    case SO_PEER_WANT_KEY:
        out->kind = SO_CALL_WANT_KEY;
        /* One that would be left out is wanted by nobody: that is said when it is shown again. */
        return media_of(c, event->track, &out->media) && so_call_shares(c, out->media);
    case SO_PEER_RATE:
        out->kind = SO_CALL_RATE;
        out->rate = event->rate;
        return true;
    case SO_PEER_RELAY_FAILED:
        so_call_relay_failed(c, now, event->relay_code, event->relay_error);
        return false;
    case SO_PEER_TRACK:
        out->kind = SO_CALL_TRACK;
        out->receiving = event->receiving;
        return media_of(c, event->track, &out->media);
    case SO_PEER_DATA:
        return so_call_take_data(c, now, event->data, out);
    case SO_PEER_TRACK_BYE:
        return false;
    }
    return false;
}

bool so_call_peer_event(so_call *c, so_msec now, so_call_event *out)
{
    so_peer_event event;

    /* Candidates go out behind the description that they belong to. */
    while (!so_call_is_over(c) && c->peer != NULL && c->described && so_peer_event_next(c->peer, now, &event))
        if (take_event(c, now, &event, out))
            return true;
    return false;
}
