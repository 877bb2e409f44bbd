/*
 * Who is at the other end (docs/protocol.md, sections 6 to 8): what goes over channel 0 once every door holds, and
 * whether anybody is let in. One run for each association; fails closed.
 */
#include "call/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long an introduction is waited for. */
#define SILENCE 10000
/* What comes of other channels before anybody is let in: more than this, and its channel is closed. */
#define HELD_MAX 64
#define HELD_BYTES ((size_t)1024 * 1024)

static so_unix seconds(const so_call *c)
{
    return (so_unix)(c->report.now / 1000);
}

static void changed(so_call *c)
{
    so_report_meet(&c->report, &c->trust.person);
    c->trust.person_told = false;
}

void so_call_trust_reset(so_call *c)
{
    call_trust *t = &c->trust;

    so_sas_end(&t->sas);
    t->begun = t->waits = t->cleared = false;
    t->silent_at = NEVER;
    t->person = (so_person){0};
    while (t->held != NULL) {
        call_held *held = t->held;

        t->held = held->next;
        free(held);
    }
    t->held_last = &t->held;
    t->held_count = t->held_bytes = 0;
    free(t->taken);
    t->taken = NULL;
    so_report_reset(&c->report, SO_DOOR_PERSON);
}

/* ---- whom this end expects ---- */

static const so_known_peer *expected(const so_call *c)
{
    if (c->trust.known == NULL)
        return NULL;
    return c->trust.expect[0] != '\0' ? so_known_by_name(c->trust.known, c->trust.expect)
                                      : so_known_by_link(c->trust.known, c->trust.link);
}

static void copy(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text);
}

static void admit(so_call *c, so_msec now)
{
    so_person *p = &c->trust.person;

    p->alarm = false;
    c->trust.cleared = true;
    if (p->admitted || !so_call_policy_admits(c, now))
        return;
    p->admitted = true;
    if (c->trust.waits)
        so_peer_want_key(c->peer, c->tracks[SO_SDP_VIDEO]); /* what came meanwhile was dropped */
    so_report_note(&c->report, SO_NO_DOOR, "every door holds; media may go out");
    so_call_enter(c, SO_CALL_OPEN, "");
}

static bool key_is_of_nobody(const so_call *c, const so_known_peer *pin)
{
    return pin == NULL && !c->trust.person.admitted && so_policy_wants(&c->policy, SO_RULE_KNOWN_ONLY);
}

/* What is made of a key, or of there being none. */
static void judge(so_call *c, so_msec now, const char *key)
{
    static const so_known nobody;
    const so_known *known = c->trust.known == NULL ? &nobody : c->trust.known;
    const so_known_peer *awaited = expected(c), *pin = key == NULL ? NULL : so_known_by_key(known, key);
    so_person *p = &c->trust.person;
    bool alarm;

    p->identity = so_known_recognise(known, awaited, key, &alarm);
    p->met = true;
    copy(p->key, sizeof p->key, key == NULL ? "" : key);
    copy(p->name, sizeof p->name, pin == NULL ? "" : pin->name);
    copy(p->since, sizeof p->since, pin == NULL ? "" : pin->since);
    copy(p->compared_before, sizeof p->compared_before, pin == NULL ? "" : pin->compared);
    copy(p->expected, sizeof p->expected, awaited == NULL ? "" : awaited->name);
    if (p->has_string || !so_policy_wants(&c->policy, SO_RULE_COMPARE))
        c->trust.silent_at = NEVER;
    /* Nothing that is forgotten or learnt in a call raises an alarm over whoever was let in already. */
    p->alarm = alarm && !c->trust.cleared && (key == NULL || strcmp(key, c->trust.let_in) != 0);
    changed(c);
    if (key_is_of_nobody(c, pin))
        (void)so_call_policy_admits(c, now); /* nothing that a person decides makes it known */
    else if (!p->alarm)
        admit(c, now);
}

/* ---- the run ---- */

static void say(so_call *c, so_msec now, const uint8_t *message, size_t len)
{
    if (len > 0 && so_peer_send_message(c->peer, now, SO_CALL_TRUST, false, (so_slice){message, len}) != SO_OK)
        so_report_note(&c->report, SO_DOOR_PERSON, "a message about persons could not be sent");
}

static bool describe(const so_call *c, so_association *a)
{
    so_peer_facts facts;
    uint8_t *mine, *theirs;

    so_peer_facts_of(c->peer, &facts);
    if (facts.mine.hash != SO_HASH_SHA256 || facts.seen_sha256.hash != SO_HASH_SHA256)
        return false;
    *a = (so_association){.dtls_client = facts.dtls_client};
    mine = facts.dtls_client ? a->client_fingerprint : a->server_fingerprint;
    theirs = facts.dtls_client ? a->server_fingerprint : a->client_fingerprint;
    memcpy(mine, facts.mine.bytes, SO_SHA256_LEN);
    memcpy(theirs, facts.seen_sha256.bytes, SO_SHA256_LEN);
    memcpy(facts.dtls_client ? a->client_sid : a->server_sid, c->trust.own_sid, SO_SID_LEN);
    memcpy(facts.dtls_client ? a->server_sid : a->client_sid, c->trust.peer_sid, SO_SID_LEN);
    return true;
}

/* Every door but the person's holds. */
void so_call_trust_begin(so_call *c, so_msec now)
{
    call_trust *t = &c->trust;
    const so_known_peer *awaited = expected(c);
    so_association association;

    t->waits = awaited != NULL || so_policy_wants(&c->policy, SO_RULE_COMPARE) ||
               so_policy_wants(&c->policy, SO_RULE_KNOWN_ONLY);
    copy(t->person.expected, sizeof t->person.expected, awaited == NULL ? "" : awaited->name);
    if (!describe(c, &association)) {
        so_call_fail(c, now, SO_DOOR_PERSON, "identity-refused", NULL);
        return;
    }
    t->association = association;
    if (so_association_call(c->report.call, &association) != SO_OK)
        so_report_note(&c->report, SO_NO_DOOR, "the call could not be named, so its report can't be compared");
    so_introduction_begin(&t->introduction, &association);
    t->silent_at = now + SILENCE;
    changed(c);
    if (awaited == NULL && !so_policy_wants(&c->policy, SO_RULE_KNOWN_ONLY))
        admit(c, now);
}

static void broken(so_call *c, so_msec now, so_sas_result result)
{
    so_call_fail(c, now, SO_DOOR_PERSON, so_sas_code(result), NULL);
}

/* The channel is there: both ends speak. */
static void connected(so_call *c, so_msec now)
{
    call_trust *t = &c->trust;
    uint8_t message[SO_INTRODUCTION_MAX];
    so_sas_result result;
    so_error err;
    size_t len;

    if (t->begun)
        return;
    t->begun = true;
    result = so_sas_begin(&t->sas, &t->association, &c->random, message, &len);
    if (result != SO_SAS_GOES_ON) {
        broken(c, now, result);
        return;
    }
    say(c, now, message, len);
    if (t->identity == NULL)
        return;
    if (so_introduction_write(message, &len, t->identity, &t->association, seconds(c), &err) == SO_OK)
        say(c, now, message, len);
    else
        so_call_fail(c, now, SO_DOOR_PERSON, "identity-refused", &err);
}

static void take_sas(so_call *c, so_msec now, so_slice message)
{
    uint8_t out[SO_SAS_MESSAGE_LEN];
    so_person *p = &c->trust.person;
    size_t len;
    so_sas_result result = so_sas_take(&c->trust.sas, message.bytes, message.len, out, &len);

    switch (result) {
    case SO_SAS_IGNORED:
        return;
    case SO_SAS_GOES_ON:
        say(c, now, out, len);
        return;
    case SO_SAS_DONE:
        say(c, now, out, len);
        p->has_string = so_sas_string(&c->trust.sas, p->string) == SO_OK;
        changed(c);
        return;
    default:
        broken(c, now, result);
    }
}

static void take(so_call *c, so_msec now, so_slice message)
{
    call_trust *t = &c->trust;
    so_error err;
    so_status status = so_introduction_take(&t->introduction, message.bytes, message.len, seconds(c), &err);

    if (status == SO_NOT_FOUND)
        take_sas(c, now, message);
    else if (status == SO_OK)
        judge(c, now, t->introduction.thumbprint);
    else
        so_call_fail(c, now, SO_DOOR_PERSON, "identity-refused", &err);
}

void so_call_trust_tick(so_call *c, so_msec now)
{
    if (c->trust.silent_at > now)
        return;
    c->trust.silent_at = NEVER;
    if (c->peer == NULL)
        return;
    if (so_policy_wants(&c->policy, SO_RULE_COMPARE) && !c->trust.person.has_string)
        so_call_fail(c, now, SO_DOOR_PERSON, "sas-missing", NULL);
    else if (!c->trust.person.met)
        judge(c, now, NULL);
}

/* ---- what waits until somebody is let in ---- */

static bool hold(so_call *c, so_msec now, const so_sctp_event *event)
{
    call_trust *t = &c->trust;
    size_t label = event->opened.label.len, protocol = event->opened.protocol.len, len = event->bytes.len;
    call_held *held = NULL;
    uint8_t *at;

    if (event->kind != SO_SCTP_CHANNEL_OPENED)
        label = protocol = 0;
    if (event->kind != SO_SCTP_MESSAGE)
        len = 0;
    if (t->held_count < HELD_MAX && t->held_bytes + len <= HELD_BYTES)
        held = malloc(sizeof *held + len + label + protocol);
    if (held == NULL) {
        so_peer_close_channel(c->peer, now, event->channel);
        return false;
    }
    *held = (call_held){.event = *event};
    at = held->bytes;
    if (len > 0)
        memcpy(at, event->bytes.bytes, len);
    held->event.bytes = (so_slice){at, len};
    if (label > 0)
        memcpy(at + len, event->opened.label.bytes, label);
    held->event.opened.label = (so_slice){at + len, label};
    if (protocol > 0)
        memcpy(at + len + label, event->opened.protocol.bytes, protocol);
    held->event.opened.protocol = (so_slice){at + len + label, protocol};
    *t->held_last = held;
    t->held_last = &held->next;
    t->held_count++;
    t->held_bytes += len;
    return true;
}

bool so_call_held_event(so_call *c, so_call_event *out)
{
    call_trust *t = &c->trust;

    if (c->state != SO_CALL_OPEN || t->held == NULL)
        return false;
    free(t->taken);
    t->taken = t->held;
    t->held = t->taken->next;
    if (t->held == NULL)
        t->held_last = &t->held;
    t->held_count--;
    t->held_bytes -= t->taken->event.bytes.len;
    out->kind = SO_CALL_DATA;
    out->data = &t->taken->event;
    return true;
}

/* True: out is an event for the caller. */
bool so_call_take_data(so_call *c, so_msec now, const so_sctp_event *event, so_call_event *out)
{
    if (event->kind == SO_SCTP_CONNECTED)
        connected(c, now);
    if (event->kind == SO_SCTP_ENDED)
        so_report_note(&c->report, SO_NO_DOOR, "the data channels ended; sound and picture go on");
    if (event->kind != SO_SCTP_CONNECTED && event->kind != SO_SCTP_ENDED && event->channel == SO_CALL_TRUST) {
        if (event->kind == SO_SCTP_MESSAGE && !event->text)
            take(c, now, event->bytes);
        return false;
    }
    if (so_call_is_over(c))
        return false;
    if (c->state != SO_CALL_OPEN || c->trust.held != NULL) {
        (void)hold(c, now, event);
        return false;
    }
    out->kind = SO_CALL_DATA;
    out->data = event;
    return true;
}

/* ---- what people say ---- */

const so_person *so_call_person(const so_call *c)
{
    return &c->trust.person;
}

void so_call_compare(so_call *c, so_msec now, bool same)
{
    so_call_at(c, now);
    if (so_call_is_over(c) || !c->trust.person.has_string)
        return;
    if (!same) {
        so_call_fail(c, now, SO_DOOR_PERSON, "sas-different", NULL);
        return;
    }
    c->trust.person.compared = true;
    if (c->trust.cleared)
        admit(c, now);
    changed(c);
}

void so_call_decide(so_call *c, so_msec now, bool go_on)
{
    so_person *p = &c->trust.person;

    so_call_at(c, now);
    if (so_call_is_over(c) || !p->alarm)
        return;
    if (!go_on) {
        so_call_fail(c, now, SO_DOOR_PERSON, "identity-alarm", NULL);
        return;
    }
    copy(c->trust.let_in, sizeof c->trust.let_in, p->key);
    so_report_note(&c->report, SO_DOOR_PERSON, "the user let the other end in");
    admit(c, now);
    changed(c);
}

void so_call_review(so_call *c, so_msec now)
{
    so_call_at(c, now);
    if (!so_call_is_over(c) && c->trust.person.met && c->trust.person.key[0] != '\0')
        judge(c, now, c->trust.introduction.thumbprint);
}
