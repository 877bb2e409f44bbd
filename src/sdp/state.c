#include "sdp/state.h"

#include "sdp/model.h"

#include <string.h>

const char *so_sdp_state_name(so_sdp_state state)
{
    static const char *const names[] = {"stable", "have-local-offer", "have-remote-offer", "closed"};
    return names[state];
}

static void set_state(so_sdp_session *s, so_sdp_state state)
{
    s->state = state;
    if (state == SO_SDP_STABLE || state == SO_SDP_CLOSED) {
        so_sdp_free(s->pending_local);
        so_sdp_free(s->pending_remote);
        s->pending_local = s->pending_remote = NULL;
    }
}

/* RFC 8839 §5.4 */
static bool fit_for_ice(const char *text, size_t least)
{
    static const char ice_chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    size_t len = strlen(text);

    return len >= least && len <= SO_ICE_TEXT_MAX && strspn(text, ice_chars) == len;
}

static so_status take_credentials(so_sdp_session *s, const char *ufrag, const char *pwd)
{
    if (!fit_for_ice(ufrag, SO_ICE_UFRAG_MIN) || !fit_for_ice(pwd, SO_ICE_PWD_MIN))
        return SO_BAD_INPUT;
    memcpy(s->ufrag, ufrag, strlen(ufrag) + 1);
    memcpy(s->pwd, pwd, strlen(pwd) + 1);
    return SO_OK;
}

so_status so_sdp_session_start(so_sdp_session *s, const so_sdp_abilities *abilities, bool polite, uint64_t session_id,
                               const so_fingerprint *own, const char *ufrag, const char *pwd, const char *cname)
{
    memset(s, 0, sizeof *s);
    s->abilities = abilities;
    s->polite = polite;
    s->own.session_id = session_id & INT64_MAX;
    s->own.fingerprint = *own;
    s->own.cname = cname;
    return own->hash == SO_HASH_NONE ? SO_BAD_INPUT : take_credentials(s, ufrag, pwd);
}

void so_sdp_session_close(so_sdp_session *s)
{
    set_state(s, SO_SDP_CLOSED);
    so_sdp_free(s->current_local);
    so_sdp_free(s->current_remote);
    s->current_local = s->current_remote = NULL;
}

so_status so_sdp_session_add(so_sdp_session *s, const so_sdp_transceiver *transceiver, size_t *index)
{
    size_t i = s->transceiver_count;

    if (!so_sdp_able(s->abilities, transceiver->kind))
        return SO_BAD_INPUT;
    if (i == SO_SDP_MEDIA_MAX)
        return SO_TOO_LONG;
    s->transceiver_count++;
    s->transceivers[i] = *transceiver;
    s->transceivers[i].line = SO_SDP_NO_LINE;
    s->ties[i].pending = s->ties[i].made = false;
    if (index != NULL)
        *index = i;
    return SO_OK;
}

static bool same_credentials(const so_sdp *a, const so_sdp *b)
{
    return a->ufrag == NULL || b->ufrag == NULL || (strcmp(a->ufrag, b->ufrag) == 0 && strcmp(a->pwd, b->pwd) == 0);
}

/* Are our credentials others than those that the other end knows of? */
static bool wants_restart(const so_sdp_session *s)
{
    return s->current_local != NULL && s->current_local->ufrag != NULL &&
           (strcmp(s->current_local->ufrag, s->ufrag) != 0 || strcmp(s->current_local->pwd, s->pwd) != 0);
}

/* RFC 8839 §4.4.2.1: "a change of both"; who answers a restart restarts too. */
static bool restarts(const so_sdp_session *s, const so_sdp *remote)
{
    return s->current_remote != NULL && !same_credentials(s->current_remote, remote);
}

so_status so_sdp_session_restart(so_sdp_session *s, const char *ufrag, const char *pwd)
{
    if (s->state == SO_SDP_AWAITS_ANSWER || s->state == SO_SDP_CLOSED)
        return SO_STATE;
    return take_credentials(s, ufrag, pwd);
}

/* The transceiver of an m-line, or NULL. */
static so_sdp_transceiver *at_line(so_sdp_session *s, size_t line)
{
    for (size_t i = 0; i < s->transceiver_count; i++)
        if (s->transceivers[i].line == line && !s->transceivers[i].stopped)
            return &s->transceivers[i];
    return NULL;
}

size_t so_sdp_session_lines(const so_sdp_session *s)
{
    return s->current_local == NULL ? 0 : s->current_local->media_count;
}

/* Does the m-line of a transceiver say what the transceiver wants? W3C WebRTC §4.7.3, "check if negotiation is needed"
 */
static bool line_is_stale(const so_sdp_session *s, const so_sdp_transceiver *t)
{
    const so_sdp_media *local, *remote;

    if (t->line >= so_sdp_session_lines(s))
        return !t->stopped;
    local = &s->current_local->media[t->line];
    remote = &s->current_remote->media[t->line];
    if (local->rejected || remote->rejected)
        return !t->stopped;
    if (t->stopped)
        return true;
    if (t->kind == SO_SDP_APPLICATION)
        return false;
    if (s->current_local->type == SO_SDP_OFFER)
        return local->direction != t->direction && so_sdp_reverse(remote->direction) != t->direction;
    return local->direction != (t->direction & so_sdp_reverse(remote->direction));
}

bool so_sdp_session_needed(const so_sdp_session *s)
{
    if (s->state != SO_SDP_STABLE)
        return false;
    for (size_t i = 0; i < s->transceiver_count; i++)
        if (line_is_stale(s, &s->transceivers[i]))
            return true;
    return wants_restart(s);
}

/* Reads back what was written from start on: what this end says must hold under the rules that it has for others. */
static so_status read_back(so_sdp **sdp, so_sdp_type type, const so_writer *w, size_t start, so_error *err)
{
    so_sdp_fault fault;

    return so_sdp_parse(sdp, type, (const char *)w->start + start, so_writer_len(w) - start, &fault, err);
}

static so_status build_failed(so_status status, so_error *err)
{
    return so_fail(err, status, "media", "our own description could not be written (%s); %s", so_status_name(status),
                   status == SO_NO_MEMORY ? "end other programs" : "use fewer tracks");
}

so_status so_sdp_session_offer(so_sdp_session *s, so_writer *w, so_error *err)
{
    const so_sdp_transceiver *lines[SO_SDP_MEDIA_MAX];
    size_t index[SO_SDP_MEDIA_MAX], count = so_sdp_session_lines(s), old = count, start = so_writer_len(w);
    so_sdp_own own = s->own;
    so_status status;

    if (s->state != SO_SDP_STABLE)
        return so_fail(err, SO_STATE, "media",
                       "an offer can't be made while another is under way; wait until it is answered");
    for (size_t i = 0; i < count; i++)
        lines[i] = at_line(s, i);
    for (size_t i = 0; i < s->transceiver_count; i++) {
        if (s->transceivers[i].stopped || s->transceivers[i].line != SO_SDP_NO_LINE)
            continue;
        if (count == SO_SDP_MEDIA_MAX)
            return build_failed(SO_TOO_LONG, err);
        index[count] = i;
        lines[count++] = &s->transceivers[i];
    }
    if (count == 0)
        return so_fail(err, SO_STATE, "media", "there is nothing to offer; add a track first");
    own.version++;
    own.ufrag = s->ufrag;
    own.pwd = s->pwd;
    status = so_sdp_write_offer(w, s->abilities, &own, lines, count, s->current_local);
    if (status != SO_OK)
        return build_failed(status, err);
    status = read_back(&s->pending_local, SO_SDP_OFFER, w, start, err);
    if (status != SO_OK)
        return status;
    s->own.version = own.version;
    for (size_t i = old; i < count; i++) {
        s->transceivers[index[i]].line = i;
        s->ties[index[i]].pending = true;
    }
    set_state(s, SO_SDP_AWAITS_ANSWER);
    return SO_OK;
}

/* The other end is told the sources of what is sent. */
static void note_named(so_sdp_session *s, const so_sdp *local)
{
    for (size_t i = 0; i < local->media_count; i++) {
        so_sdp_transceiver *t = at_line(s, i);

        if (t != NULL && !local->media[i].rejected && (local->media[i].direction & SO_SDP_SENDONLY) != 0)
            t->named = true;
    }
}

/* An offer and its answer are agreed: they take the place of those before. */
static void commit(so_sdp_session *s, so_sdp *local, so_sdp *remote)
{
    so_sdp_free(s->current_local);
    so_sdp_free(s->current_remote);
    s->current_local = local;
    s->current_remote = remote;
    note_named(s, local);
    if (s->pending_local == local)
        s->pending_local = NULL;
    if (s->pending_remote == remote)
        s->pending_remote = NULL;
    s->ignoring = false;
    for (size_t i = 0; i < s->transceiver_count; i++) {
        so_sdp_transceiver *t = &s->transceivers[i];
        s->ties[i].pending = false;
        /* RFC 9429 §5.10: what an answer rejects is stopped, and its m-line stays rejected */
        if (t->line < local->media_count && (local->media[t->line].rejected || remote->media[t->line].rejected))
            t->stopped = true;
    }
    set_state(s, SO_SDP_STABLE);
}

/* RFC 8839 §4.4.1.1.1: who answers keeps the credentials, unless the offer restarts. */
static so_status answer_credentials(const so_sdp_session *s, so_sdp_own *own, so_error *err)
{
    bool first = s->current_local == NULL || s->current_local->ufrag == NULL;

    own->ufrag = s->ufrag;
    own->pwd = s->pwd;
    if (!first && restarts(s, s->pending_remote)) {
        if (!wants_restart(s))
            return so_fail(err, SO_STATE, "media",
                           "the other end restarted ICE: give new credentials of our own before it is answered");
    } else if (!first) {
        own->ufrag = s->current_local->ufrag;
        own->pwd = s->current_local->pwd;
    }
    return SO_OK;
}

so_status so_sdp_session_answer(so_sdp_session *s, so_writer *w, so_error *err)
{
    const so_sdp_transceiver *lines[SO_SDP_MEDIA_MAX];
    so_sdp_own own = s->own;
    so_sdp *local;
    size_t start = so_writer_len(w);
    so_status status;

    if (s->state != SO_SDP_AWAITS_OWN_ANSWER)
        return so_fail(err, SO_STATE, "media", "there is no offer to answer; wait for one");
    status = answer_credentials(s, &own, err);
    if (status != SO_OK)
        return status;
    /* RFC 8842 §5.5: a running association keeps its roles, whatever a later offer says. */
    if (own.role == SO_SDP_NO_SETUP)
        own.role = so_sdp_answer_role(s->pending_remote->setup);
    own.version++;
    for (size_t i = 0; i < s->pending_remote->media_count; i++)
        lines[i] = at_line(s, i);
    status = so_sdp_write_answer(w, s->abilities, &own, lines, s->pending_remote);
    if (status != SO_OK)
        return build_failed(status, err);
    status = read_back(&local, SO_SDP_ANSWER, w, start, err);
    if (status != SO_OK)
        return status;
    s->own.version = own.version;
    if (local->tag < local->media_count)
        s->own.role = own.role;
    commit(s, local, s->pending_remote);
    return SO_OK;
}

static void untie(so_sdp_session *s)
{
    for (size_t i = 0; i < s->transceiver_count; i++) {
        if (!s->ties[i].pending)
            continue;
        s->ties[i].pending = false;
        s->transceivers[i].line = SO_SDP_NO_LINE;
        s->transceivers[i].stopped |= s->ties[i].made; /* nobody asked for it but the offer that is gone */
    }
}

so_status so_sdp_session_rollback(so_sdp_session *s)
{
    if (s->state != SO_SDP_AWAITS_ANSWER && s->state != SO_SDP_AWAITS_OWN_ANSWER)
        return SO_STATE;
    untie(s);
    set_state(s, SO_SDP_STABLE);
    return SO_OK;
}

/* A place for a transceiver that an offer makes: one that an offer made before, and that is over, first. */
static so_sdp_transceiver *make_room(so_sdp_session *s, size_t *index)
{
    for (*index = 0; *index < s->transceiver_count; (*index)++)
        if (s->ties[*index].made && s->transceivers[*index].stopped &&
            (s->transceivers[*index].line == SO_SDP_NO_LINE || s->transceivers[*index].line >= so_sdp_session_lines(s)))
            return &s->transceivers[*index];
    if (s->transceiver_count == SO_SDP_MEDIA_MAX)
        return NULL;
    return &s->transceivers[s->transceiver_count++];
}

/* RFC 9429 §5.10: each m-line gets a transceiver: its own, one that has no m-line yet, or a new one that only receives.
 */
static void tie_line(so_sdp_session *s, size_t line, const so_sdp_media *offered)
{
    size_t i;

    if (at_line(s, line) != NULL || !so_sdp_acceptable(s->abilities, offered))
        return;
    for (i = 0; i < s->transceiver_count; i++)
        if (!s->transceivers[i].stopped && s->transceivers[i].line == SO_SDP_NO_LINE &&
            s->transceivers[i].kind == offered->kind)
            break;
    if (i == s->transceiver_count) {
        so_sdp_transceiver *t = make_room(s, &i);
        if (t == NULL)
            return;
        *t = (so_sdp_transceiver){.kind = offered->kind, .direction = SO_SDP_RECVONLY};
        s->ties[i].made = true;
    }
    s->transceivers[i].line = line;
    s->ties[i].pending = true;
}

/* Is this the fingerprint that this connection began with? docs/protocol.md, section 4, point 6. */
static so_status check_peer(const so_sdp_session *s, const so_sdp *remote, so_sdp_fault *fault, so_error *err)
{
    if (s->peer.hash == SO_HASH_NONE || so_fingerprint_equal(&s->peer, &remote->fingerprint))
        return SO_OK;
    return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_CHANGED,
                       "in mid-call it names another certificate than the one that the call began with");
}

static so_status take_offer(so_sdp_session *s, so_sdp *remote, so_sdp_taken *taken, so_error *err)
{
    so_status status = SO_OK;

    if (s->current_remote != NULL)
        status = so_sdp_check_reoffer(s->current_local, s->current_remote, remote, &taken->fault, err);
    if (status != SO_OK)
        return status;
    if (s->state == SO_SDP_AWAITS_ANSWER && !s->polite) {
        s->ignoring = taken->ignored = true;
        so_sdp_free(remote);
        return SO_OK;
    }
    taken->rolled_back = s->state == SO_SDP_AWAITS_ANSWER;
    if (s->state != SO_SDP_STABLE)
        untie(s);
    set_state(s, SO_SDP_STABLE);
    for (size_t i = 0; i < remote->media_count; i++)
        tie_line(s, i, &remote->media[i]);
    taken->restarted = restarts(s, remote);
    s->peer = remote->fingerprint;
    s->ignoring = false;
    s->pending_remote = remote;
    set_state(s, SO_SDP_AWAITS_OWN_ANSWER);
    return SO_OK;
}

static so_status take_answer(so_sdp_session *s, so_sdp *remote, so_sdp_taken *taken, so_error *err)
{
    so_status status = so_sdp_check_answer(s->pending_local, remote, &taken->fault, err);

    if (status != SO_OK)
        return status;
    taken->restarted = restarts(s, remote);
    s->peer = remote->fingerprint;
    if (s->own.role == SO_SDP_NO_SETUP && remote->tag < remote->media_count)
        s->own.role = so_sdp_answer_role(remote->setup); /* active makes us passive, and passive active */
    commit(s, s->pending_local, remote);
    return SO_OK;
}

so_status so_sdp_session_take(so_sdp_session *s, so_sdp_type type, const char *text, size_t len, so_sdp_taken *taken,
                              so_error *err)
{
    so_sdp *remote;
    so_status status;

    *taken = (so_sdp_taken){.fault = SO_SDP_FINE};
    if (s->state == SO_SDP_CLOSED || (type == SO_SDP_ANSWER && s->state != SO_SDP_AWAITS_ANSWER))
        return so_sdp_fail(&taken->fault, err, SO_SDP_WRONG_STATE, "nothing of that kind was awaited (%s)",
                           so_sdp_state_name(s->state));
    status = so_sdp_parse(&remote, type, text, len, &taken->fault, err);
    if (status != SO_OK)
        return status;
    status = check_peer(s, remote, &taken->fault, err);
    if (status == SO_OK)
        status = type == SO_SDP_OFFER ? take_offer(s, remote, taken, err) : take_answer(s, remote, taken, err);
    if (status != SO_OK)
        so_sdp_free(remote);
    return status;
}

so_status so_sdp_session_agreed(const so_sdp_session *s, size_t i, so_sdp_agreed *agreed, size_t *transceiver)
{
    if (i >= so_sdp_session_lines(s))
        return SO_NOT_FOUND;
    so_sdp_agree(agreed, s->abilities, s->current_local, s->current_remote, i);
    if (transceiver == NULL)
        return SO_OK;
    *transceiver = SO_SDP_NO_LINE;
    for (size_t k = 0; k < s->transceiver_count; k++)
        if (s->transceivers[k].line == i && !s->transceivers[k].stopped && !s->ties[k].pending)
            *transceiver = k;
    return SO_OK;
}

const so_sdp *so_sdp_session_local(const so_sdp_session *s)
{
    return s->pending_local != NULL ? s->pending_local : s->current_local;
}

const so_sdp *so_sdp_session_remote(const so_sdp_session *s)
{
    return s->pending_remote != NULL ? s->pending_remote : s->current_remote;
}
