/* What a call must have (docs/policy.md), asked where each thing becomes known. Fails closed. */
#include "call/inside.h"

#include <string.h>

static so_seen seen(bool yes)
{
    return yes ? SO_SEEN_YES : SO_SEEN_NO;
}

static const char *told(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

static so_policy_facts facts_of(const so_call *c)
{
    const so_person *p = &c->trust.person;
    so_policy_facts facts = {.tls_version = told(c->tls_version),
                             .tls_group = told(c->tls_group),
                             .sealed = SO_SEEN_YES, /* there is no other way to say anything to the other end */
                             .known = c->trust.known == NULL ? SO_UNSEEN : seen(p->met && p->name[0] != '\0'),
                             .compared = c->nobody_compares ? SO_UNSEEN : seen(p->compared),
                             .recording = seen(c->records)};
    so_peer_facts peer;

    if (c->peer == NULL)
        return facts;
    so_peer_facts_of(c->peer, &peer);
    facts.dtls_version = peer.dtls_version;
    facts.dtls_group = peer.dtls_group;
    facts.srtp_profile = peer.srtp_profile;
    if (peer.local_kind != NULL)
        facts.relayed = seen(strcmp(peer.local_kind, "relay") == 0);
    return facts;
}

static so_policy_fault look(const so_call *c, so_policy_stage stage, so_policy_rule *rule, so_error *err)
{
    so_policy_facts facts = facts_of(c);

    return so_policy_check(&c->policy, stage, &facts, rule, err);
}

static void break_off(so_call *c, so_msec now, so_policy_rule rule, const char *code, const so_error *err)
{
    so_call_fail(c, now, so_policy_rule_door(rule), code, err);
}

/* True: nothing of this stage stands in the way. Else the call has failed. */
static bool holds(so_call *c, so_msec now, so_policy_stage stage)
{
    so_policy_rule rule;
    so_error err;

    if (look(c, stage, &rule, &err) == SO_POLICY_HOLDS)
        return true;
    break_off(c, now, rule, so_policy_rule_code(rule), &err);
    return false;
}

bool so_call_policy_connected(so_call *c, so_msec now)
{
    return holds(c, now, SO_STAGE_SIGNALING) && holds(c, now, SO_STAGE_SEAL) && holds(c, now, SO_STAGE_THIS_END);
}

bool so_call_policy_opened(so_call *c, so_msec now)
{
    return holds(c, now, SO_STAGE_MEDIA) && holds(c, now, SO_STAGE_PATH);
}

bool so_call_policy_admits(so_call *c, so_msec now)
{
    so_policy_rule rule;
    so_error err;

    if (look(c, SO_STAGE_PERSON, &rule, &err) == SO_POLICY_HOLDS)
        return true;
    /* A person may still compare; a key does not become another one. */
    if (rule != SO_RULE_COMPARE || c->nobody_compares)
        break_off(c, now, rule, so_policy_rule_code(rule), &err);
    return false;
}

bool so_call_compares(const so_call *c)
{
    return so_policy_wants(&c->policy, SO_RULE_COMPARE);
}

/* A running call under a policy that became stricter. */
static bool still_holds(so_call *c, so_msec now)
{
    if (!c->peer_open)
        return true;
    return so_call_policy_opened(c, now) && (c->state != SO_CALL_OPEN || holds(c, now, SO_STAGE_PERSON));
}

bool so_call_policy_welcome(so_call *c, so_msec now, const json_t *theirs)
{
    so_policy_rule rule;
    so_policy server;
    so_error err;

    if (so_policy_read(&server, theirs, "the server's policy", &err) != SO_OK) {
        so_call_fail(c, now, SO_DOOR_SIGNALING, "policy-unreadable", &err);
        return false;
    }
    if (so_policy_tighten(&c->policy, &server, &rule, &err) != SO_OK) {
        break_off(c, now, rule, "policy-conflict", &err);
        return false;
    }
    return so_call_policy_connected(c, now) && still_holds(c, now);
}
