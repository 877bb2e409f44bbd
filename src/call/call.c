#include "call/inside.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void so_call_at(so_call *c, so_msec now)
{
    c->report.now = c->unix_ms + (now - c->began);
}

static so_status take_people(so_call *c, const so_call_config *config, so_error *err)
{
    so_status status = so_known_link(c->trust.link, config->invite);

    c->trust.identity = config->identity;
    if (status == SO_OK && config->identity != NULL)
        status = so_thumbprint(c->report.mine, config->identity);
    c->trust.known = config->known;
    c->trust.person_told = true;
    if (status != SO_OK)
        return so_fail(
            err, status, "identity",
            "this end and its link can't be named (%s); see that the identity is a P-256 key (sotto identity)",
            so_status_name(status));
    if (config->expect == NULL)
        return SO_OK;
    if (config->known == NULL || so_known_by_name(config->known, config->expect) == NULL)
        return so_fail(err, SO_NOT_FOUND, "identity", "nobody is known as %s; look at the list (sotto peers)",
                       config->expect);
    (void)snprintf(c->trust.expect, sizeof c->trust.expect, "%s", config->expect);
    return SO_OK;
}

so_status so_call_new(so_call **out, const so_call_config *config, so_error *err)
{
    so_call *c = calloc(1, sizeof *c);
    so_status status;

    *out = NULL;
    if (c == NULL || so_report_open(&c->report) != SO_OK) {
        free(c);
        return so_fail(err, SO_NO_MEMORY, "call", "no memory for a call; end other programs or calls");
    }
    c->engine = config->engine;
    c->random = config->random;
    c->began = config->now;
    c->unix_ms = config->unix_ms;
    c->wishes[SO_SDP_AUDIO] = config->sound;
    c->wishes[SO_SDP_VIDEO] = config->picture;
    c->screen = config->screen;
    c->abilities = config->abilities;
    if (c->abilities == NULL)
        c->abilities = config->picture.sends || config->picture.receives ? &so_sdp_video : &so_sdp_sound;
    c->records = config->records;
    c->addresses = config->addresses;
    c->nobody_compares = config->nobody_compares;
    if (config->policy != NULL)
        c->policy = *config->policy;
    else
        so_policy_default(&c->policy);
    c->report.policy = &c->policy;
    c->trust.held_last = &c->trust.held;
    c->trust.silent_at = NEVER;
    c->state_told = c->notice_told = c->other_told = c->report_told = c->relay_told = true;
    c->no_path_at = c->linger_at = c->excuse_at = c->restart_at = NEVER;
    so_seal_start(&c->seal, config->invite, config->random);
    status = take_people(c, config, err);
    if (status != SO_OK) {
        so_call_free(c);
        return status;
    }
    so_base64url(c->room, config->invite->room, SO_ROOM_LEN);
    so_call_at(c, config->now);
    so_report_begin(&c->report, false);
    so_report_note(&c->report, SO_NO_DOOR, "joining");
    *out = c;
    return SO_OK;
}

void so_call_free(so_call *c)
{
    if (c == NULL)
        return;
    so_call_trust_reset(c);
    so_peer_free(c->peer);
    so_peer_free(c->parting);
    so_seal_end(&c->seal);
    so_report_close(&c->report);
    if (c->texts != NULL)
        so_wipe(c->texts, c->texts_cap); /* the token of the seat is in it */
    free(c->texts);
    so_wipe(c->token, sizeof c->token);
    so_wipe(c->servers, sizeof c->servers);
    free(c);
}

so_call_state so_call_state_of(const so_call *c)
{
    return c->state;
}

bool so_call_is_over(const so_call *c)
{
    return c->state == SO_CALL_ENDED || c->state == SO_CALL_FAILED;
}

const char *so_call_reason(const so_call *c)
{
    return c->reason;
}

const char *so_call_state_name(so_call_state state)
{
    static const char *const names[] = {"connecting", "waiting", "in-call", "ended", "failed"};

    return names[state];
}

const so_peer *so_call_peer(const so_call *c)
{
    return c->peer;
}

const so_report *so_call_report(so_call *c, so_msec now)
{
    so_call_at(c, now);
    so_call_put_facts(c);
    return &c->report;
}

/* The one place where the state changes. */
void so_call_enter(so_call *c, so_call_state state, const char *reason)
{
    if (so_call_is_over(c) || (state == c->state && strcmp(reason, c->reason) == 0))
        return;
    c->state = state;
    (void)snprintf(c->reason, sizeof c->reason, "%s", reason);
    c->state_told = false;
}

void so_call_trouble(so_call *c, call_trouble trouble, bool on)
{
    static const char *const names[TROUBLES] = {"path-lost", "signaling-lost", "peer-away", "peer-left"};
    const char *first = "";

    c->troubles[trouble] = on;
    for (call_trouble t = TROUBLES; t-- > 0;)
        if (c->troubles[t])
            first = names[t];
    if (strcmp(first, c->notice) == 0)
        return;
    (void)snprintf(c->notice, sizeof c->notice, "%s", first);
    c->notice_told = false;
}

void so_call_finish(so_call *c, so_msec now, so_call_state state, const char *reason)
{
    if (so_call_is_over(c))
        return;
    so_call_put_facts(c);
    so_call_leave(c);
    if (c->peer != NULL)
        so_peer_close(c->peer, now);
    if (state == SO_CALL_ENDED)
        so_report_end(&c->report, reason);
    c->no_path_at = c->linger_at = c->excuse_at = c->restart_at = c->trust.silent_at = NEVER;
    so_call_enter(c, state, reason);
}

/* A door failed: the other end is told, and nothing goes on. */
void so_call_fail(so_call *c, so_msec now, so_door door, const char *code, const so_error *why)
{
    if (so_call_is_over(c))
        return;
    so_call_put_facts(c);
    so_report_fail(&c->report, door, code, why);
    so_call_say_bye(c, now, code);
    so_call_finish(c, now, SO_CALL_FAILED, code);
}

void so_call_wait(so_call *c, so_msec now)
{
    so_call_drop_peer(c, now);
    for (call_trouble t = 0; t < TROUBLES; t++)
        so_call_trouble(c, t, false);
    so_report_begin(&c->report, true);
    so_report_reset(&c->report, SO_DOOR_SEAL);
    so_call_enter(c, SO_CALL_WAITING, c->epochs > 0 ? "peer-left" : "");
}

void so_call_refused(so_call *c, so_msec now, so_door door, const char *code, const so_error *why)
{
    so_call_at(c, now);
    if (so_call_is_over(c))
        return;
    so_report_fail(&c->report, door, code, why);
    so_call_finish(c, now, SO_CALL_FAILED, code);
}

void so_call_hang_up(so_call *c, so_msec now)
{
    so_call_at(c, now);
    if (so_call_is_over(c))
        return;
    so_call_say_bye(c, now, "hangup");
    so_call_finish(c, now, SO_CALL_ENDED, "hangup");
}

void so_call_receive(so_call *c, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                     size_t len)
{
    so_call_at(c, now);
    if (c->peer != NULL && !so_call_is_over(c))
        so_peer_receive(c->peer, now, local, remote, bytes, len);
}

static bool is_due(so_msec *when, so_msec now)
{
    if (*when > now)
        return false;
    *when = NEVER;
    return true;
}

void so_call_tick(so_call *c, so_msec now)
{
    so_call_at(c, now);
    if (so_call_is_over(c))
        return;
    if (is_due(&c->no_path_at, now) && !c->peer_open && c->other[0] != '\0') {
        so_call_fail(c, now, SO_DOOR_PATH, "no-path", NULL);
        return;
    }
    /* The other end said close_notify and has not come back. */
    if (is_due(&c->linger_at, now) && c->peer != NULL && so_peer_state_of(c->peer) == SO_PEER_CLOSED)
        so_call_wait(c, now);
    /* We came back to the room, and it did not. */
    if (is_due(&c->excuse_at, now) && c->other[0] == '\0' && !c->path_works)
        so_call_wait(c, now);
    so_call_trust_tick(c, now);
    if (c->peer != NULL)
        so_call_peer_tick(c, now);
}

static void sooner(so_msec *deadline, so_msec when)
{
    if (when < *deadline)
        *deadline = when;
}

so_msec so_call_deadline(const so_call *c, so_msec now)
{
    so_msec deadline = NEVER;

    if (so_call_is_over(c))
        return NEVER;
    sooner(&deadline, c->no_path_at);
    sooner(&deadline, c->linger_at);
    sooner(&deadline, c->excuse_at);
    sooner(&deadline, c->restart_at);
    sooner(&deadline, c->trust.silent_at);
    if (c->peer != NULL)
        sooner(&deadline, so_peer_deadline(c->peer, now));
    return deadline;
}

bool so_call_transmit(so_call *c, so_msec now, so_datagram *out)
{
    if (c->parting != NULL) {
        if (so_peer_transmit(c->parting, now, out))
            return true;
        so_peer_free(c->parting);
        c->parting = NULL;
    }
    return c->peer != NULL && so_peer_transmit(c->peer, now, out);
}

bool so_call_event_next(so_call *c, so_msec now, so_call_event *out)
{
    memset(out, 0, sizeof *out);
    so_call_at(c, now);
    if (c->starved) /* what comes behind the gap would be refused at the other end */
        so_call_fail(c, now, SO_NO_DOOR, "no-memory", NULL);
    /* The peer's news first: they may be what changes the state. */
    if (!so_call_is_over(c) && c->peer != NULL && so_call_peer_event(c, now, out))
        return true;
    if (!c->state_told) {
        c->state_told = true;
        out->kind = SO_CALL_STATE;
        out->reason = c->reason;
        return true;
    }
    if (!c->trust.person_told) {
        c->trust.person_told = true;
        out->kind = SO_CALL_PERSON;
        return true;
    }
    if (so_call_held_event(c, out))
        return true;
    if (!c->notice_told) {
        c->notice_told = true;
        out->kind = SO_CALL_NOTICE;
        out->reason = c->notice;
        return true;
    }
    if (!c->other_told) {
        c->other_told = true;
        out->kind = SO_CALL_OTHER;
        out->audio = c->says_audio;
        out->video = c->says_video;
        out->screen = c->says_screen;
        return true;
    }
    if (!c->relay_told) {
        c->relay_told = true;
        out->kind = SO_CALL_RELAY;
        out->reason = c->relay_code;
        out->why = &c->relay_why;
        return true;
    }
    return !so_call_is_over(c) && so_call_server_event(c, out);
}
