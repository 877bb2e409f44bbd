/* Descriptions and candidates: what the session says, what the agent is told, and what fails where. */
#include "peer/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_over(const so_peer *p)
{
    return p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED;
}

static so_status over(so_error *err)
{
    return so_fail(err, SO_STATE, MEDIA_LAYER, "the call is over; start a new one");
}

static so_status finish(so_writer *w, so_error *err)
{
    so_write_u8(w, 0);
    return w->failed ? so_fail(err, SO_TOO_LONG, MEDIA_LAYER,
                               "the description does not fit its buffer; give SO_PEER_SDP_MAX bytes")
                     : SO_OK;
}

/* Is what candidates belong to, our credentials, in the description that the other end has or gets? */
static bool is_described(const so_peer *p)
{
    const so_sdp *local = so_sdp_session_local(&p->sdp);

    return local != NULL && local->ufrag != NULL && strcmp(local->ufrag, so_ice_ufrag(p->ice)) == 0;
}

/* Descriptions to come say it again: the other end ignored this one if offers crossed, and its candidates with it. */
static void keep_candidate(so_peer *p, const char *line)
{
    char *copy;

    if (line[0] == '\0')
        p->sdp.own.end_of_candidates = true;
    else if (p->sdp.own.candidate_count < CANDIDATES_MAX && (copy = strdup(line)) != NULL)
        p->line[p->sdp.own.candidate_count++] = copy;
}

bool so_peer_candidate_event(so_peer *p, so_peer_event *out)
{
    if (!is_described(p) || !so_peer_ice_event(p, out))
        return false;
    keep_candidate(p, out->candidate);
    return true;
}

/* The candidates that are there already go with the description: one message less to wait for. */
static void gather(so_peer *p)
{
    so_peer_event event;

    p->sdp.own.candidates = (const char *const *)p->line;
    while (p->sdp.own.candidate_count < CANDIDATES_MAX && so_peer_ice_event(p, &event))
        keep_candidate(p, event.candidate);
}

/* Of a generation that is over. */
void so_peer_forget_candidates(so_peer *p)
{
    while (p->sdp.own.candidate_count > 0)
        free(p->line[--p->sdp.own.candidate_count]);
    p->sdp.own.end_of_candidates = false;
}

so_status so_peer_offer(so_peer *p, so_msec now, char *sdp, size_t cap, so_error *err)
{
    so_writer w = so_writer_of(sdp, cap);
    so_status status;

    if (is_over(p))
        return over(err);
    gather(p);
    status = so_sdp_session_offer(&p->sdp, &w, err);
    p->negotiate_told = false;
    so_peer_advance(p, now);
    return status == SO_OK ? finish(&w, err) : status;
}

/* An answer to what restarts nothing keeps the credentials in use: candidates of a restart of our own, whose offer is
 * still to come or was taken back, do not belong there. */
static so_status write_answer(so_peer *p, so_writer *w, so_error *err)
{
    const so_sdp *before = p->sdp.current_local;
    so_sdp_own *own = &p->sdp.own;
    size_t count = own->candidate_count;
    bool ended = own->end_of_candidates;
    so_status status;

    if (before != NULL && before->ufrag != NULL && !p->remote_restarts &&
        strcmp(before->ufrag, so_ice_ufrag(p->ice)) != 0) {
        own->candidate_count = 0;
        own->end_of_candidates = false;
    }
    status = so_sdp_session_answer(&p->sdp, w, err);
    own->candidate_count = count;
    own->end_of_candidates = ended;
    return status;
}

so_status so_peer_answer(so_peer *p, so_msec now, char *sdp, size_t cap, so_error *err)
{
    so_writer w = so_writer_of(sdp, cap);
    so_status status;

    if (is_over(p))
        return over(err);
    gather(p);
    status = write_answer(p, &w, err);
    if (status != SO_OK)
        return status;
    p->negotiate_told = false;
    so_peer_media_agreed(p, now);
    so_peer_advance(p, now);
    return finish(&w, err);
}

static so_door door_of(so_sdp_fault fault)
{
    switch (fault) {
    case SO_SDP_FINGERPRINT_MISSING:
    case SO_SDP_FINGERPRINT_WEAK:
    case SO_SDP_FINGERPRINT_SEVERAL:
    case SO_SDP_FINGERPRINT_MALFORMED:
    case SO_SDP_FINGERPRINT_CHANGED:
        return SO_DOOR_FINGERPRINTS;
    default:
        return SO_DOOR_MEDIA;
    }
}

/* What the other end's description says of its paths. */
static so_status tell_agent(so_peer *p, so_msec now, const so_sdp *remote, bool first, bool restarted)
{
    const so_sdp_media *media = remote->tag < remote->media_count ? &remote->media[remote->tag] : NULL;
    char before[SO_ICE_UFRAG + 1];
    so_status status = SO_OK;

    if (media == NULL || remote->ufrag == NULL)
        return SO_OK;
    (void)snprintf(before, sizeof before, "%s", so_ice_ufrag(p->ice));
    if (first || restarted)
        status = so_ice_set_remote(p->ice, now, remote->ufrag, remote->pwd, remote->ice_lite);
    /* Where we had restarted too, and took our offer back, the agent keeps that generation, and so do its candidates.
     */
    if (strcmp(before, so_ice_ufrag(p->ice)) != 0) {
        so_peer_forget_candidates(p);
        so_peer_relays_probe(p, now);
    }
    /* RFC 8839 §4.4.1.1.1: who restarts is answered with a restart; the agent has made new credentials by itself. */
    if (status == SO_OK && restarted && p->sdp.state == SO_SDP_AWAITS_OWN_ANSWER)
        status = so_sdp_session_restart(&p->sdp, so_ice_ufrag(p->ice), so_ice_pwd(p->ice));
    for (size_t i = 0; status == SO_OK && i < media->candidate_count; i++) {
        so_status used = so_peer_add_candidate(p, now, media->candidates[i], NULL);

        (void)used; /* one that can't be read is one path less, and no fault of the description */
    }
    if (status == SO_OK && media->end_of_candidates)
        so_ice_remote_end(p->ice, now);
    return status;
}

so_status so_peer_take(so_peer *p, so_msec now, so_sdp_type type, const char *sdp, size_t len, so_sdp_taken *taken,
                       so_error *err)
{
    bool first = !so_peer_had_remote(p);
    so_error why;
    so_status status;

    *taken = (so_sdp_taken){0};
    if (is_over(p))
        return over(err);
    status = so_sdp_session_take(&p->sdp, type, sdp, len, taken, &why);
    if (status != SO_OK) {
        /* A late answer is no fault of the other end's media: offers that crossed leave such behind. */
        if (taken->fault != SO_SDP_WRONG_STATE)
            so_peer_fail(p, door_of(taken->fault),
                         taken->fault == SO_SDP_FINE ? "no-memory" : so_sdp_fault_code(taken->fault), &why);
        if (err != NULL)
            *err = why;
        return status;
    }
    if (taken->ignored)
        return SO_OK;
    p->remote_restarts = taken->restarted;
    /* RFC 8445 §6.1.1: the offerer of the session controls. */
    if (first && type == SO_SDP_OFFER && so_ice_set_controlling(p->ice, false) != SO_OK)
        return so_fail(err, SO_STATE, MEDIA_LAYER, "the call's roles are mixed up; start a new one");
    status = tell_agent(p, now, so_sdp_session_remote(&p->sdp), first, taken->restarted);
    if (status != SO_OK) {
        (void)so_fail(&why, status, MEDIA_LAYER, "the other end's path can't be used (%s); try again",
                      so_status_name(status));
        so_peer_fail(p, SO_DOOR_PATH, "sdp-malformed", &why);
        if (err != NULL)
            *err = why;
        return status;
    }
    if (type == SO_SDP_ANSWER) {
        p->negotiate_told = false;
        so_peer_media_agreed(p, now);
    }
    so_peer_advance(p, now);
    return SO_OK;
}

so_status so_peer_rollback(so_peer *p)
{
    p->negotiate_told = false;
    return so_sdp_session_rollback(&p->sdp);
}

void so_peer_set_polite(so_peer *p, bool polite)
{
    p->sdp.polite = polite;
}

so_status so_peer_add_candidate(so_peer *p, so_msec now, const char *line, const char *ufrag)
{
    so_ice_candidate candidate;
    const so_sdp *remote = so_sdp_session_remote(&p->sdp);
    bool belongs = remote != NULL && (ufrag == NULL || remote->ufrag == NULL || strcmp(ufrag, remote->ufrag) == 0);
    so_status status;

    if (is_over(p))
        return SO_OK;
    if (line[0] == '\0') {
        if (belongs)
            so_ice_remote_end(p->ice, now);
        return SO_OK;
    }
    status = so_ice_candidate_parse(&candidate, line, strlen(line));
    /* One that came before its description: the agent keeps it for the ufrag that it names, or drops it. */
    if (status == SO_OK && candidate.ufrag[0] == '\0' && ufrag != NULL && strlen(ufrag) < sizeof candidate.ufrag)
        memcpy(candidate.ufrag, ufrag, strlen(ufrag) + 1);
    if (status == SO_OK && (belongs || candidate.ufrag[0] != '\0'))
        status = so_ice_add_remote(p->ice, now, &candidate);
    so_peer_advance(p, now);
    return status;
}

so_status so_peer_restart_ice(so_peer *p, so_msec now)
{
    so_status status;

    if (is_over(p) || p->sdp.state != SO_SDP_STABLE)
        return SO_STATE;
    status = so_ice_restart(p->ice, now);
    if (status == SO_OK) {
        so_peer_forget_candidates(p);
        so_peer_relays_probe(p, now);
    }
    if (status == SO_OK)
        status = so_sdp_session_restart(&p->sdp, so_ice_ufrag(p->ice), so_ice_pwd(p->ice));
    p->negotiate_told = false;
    return status;
}

bool so_peer_had_remote(const so_peer *p)
{
    return p->sdp.peer.hash != SO_HASH_NONE;
}

so_sdp_state so_peer_signaling(const so_peer *p)
{
    return p->sdp.state;
}
