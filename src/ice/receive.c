#include "ice/ice_inside.h"

#include <string.h>

static bool is_counted(const so_ice *ice, uint8_t base, const so_address *remote, unsigned *at)
{
    for (*at = 0; *at < SO_ICE_COUNTED; ++*at) {
        const so_ice_counted *c = &ice->counted[*at];
        if (c->used && c->base == base && so_address_equal(&c->remote, remote))
            return true;
    }
    return false;
}

static bool is_pair_of(const so_ice *ice, uint8_t pair, const so_ice_counted *c)
{
    return pair != SO_ICE_NONE && so_ice_pair_at(ice, pair)->base == c->base &&
           so_address_equal(&so_ice_remote_at(ice, so_ice_pair_at(ice, pair)->remote)->address, &c->remote);
}

void so_ice_count(so_ice *ice, uint8_t base, const so_address *remote, bool old, so_msec now)
{
    unsigned at, slot = SO_ICE_COUNTED;
    bool again = is_counted(ice, base, remote, &at);

    for (unsigned i = 0; !again && i < SO_ICE_COUNTED; i++) {
        const so_ice_counted *c = &ice->counted[i];
        if (!c->used) {
            slot = i;
            break;
        }
        if (!is_pair_of(ice, so_ice_sending(ice), c) && !is_pair_of(ice, ice->old_pair, c) &&
            (slot == SO_ICE_COUNTED || c->seen < ice->counted[slot].seen))
            slot = i;
    }
    if (again)
        slot = at;
    old = old && (!again || ice->counted[slot].old);
    ice->counted[slot] = (so_ice_counted){.used = true, .old = old, .base = base, .remote = *remote, .seen = now};
}

bool so_ice_counts(const so_ice *ice, const so_address *local, const so_address *remote)
{
    uint8_t base = so_ice_find_base(ice, local);
    unsigned at;

    return !ice->closed && base != SO_ICE_NONE && is_counted(ice, base, remote, &at);
}

/* Is it ours, then theirs, with a colon between (RFC 8445 §7.2.2)? Before theirs is known, anything may follow ours. */
static bool is_addressed(const so_ice_creds *creds, so_slice username)
{
    size_t own = strlen(creds->ufrag), theirs = strlen(creds->remote_ufrag);
    const char *name = username.bytes;

    if (creds->key == NULL || username.len <= own || memcmp(name, creds->ufrag, own) != 0 || name[own] != ':')
        return false;
    return !creds->remote_known ||
           (username.len == own + 1 + theirs && memcmp(name + own + 1, creds->remote_ufrag, theirs) == 0);
}

/* A full queue drops it: the peer will ask again. */
static void reply(so_ice *ice, const so_stun_message *m, uint8_t base, const so_address *remote, bool old,
                  uint16_t error)
{
    so_ice_reply *r = &ice->replies[(ice->reply_first + ice->reply_count) % SO_ICE_REPLIES];

    if (ice->reply_count == SO_ICE_REPLIES)
        return;
    ice->reply_count++;
    *r = (so_ice_reply){.base = base, .old = old, .error = error, .remote = *remote};
    memcpy(r->id, m->id, sizeof r->id);
    if (error == SO_STUN_UNKNOWN_ATTRIBUTE) {
        r->unknown_count = (uint8_t)(m->unknown_count < SO_STUN_UNKNOWN ? m->unknown_count : SO_STUN_UNKNOWN);
        memcpy(r->unknown, m->unknown, sizeof r->unknown);
    }
}

/* RFC 8445 §7.3.1.1. true: the peer is the one who has to change its role. */
static bool is_conflict(so_ice *ice, const so_stun_message *m)
{
    bool stronger = ice->tie_breaker >= m->tie_breaker;

    if (m->controlling && ice->controlling) {
        if (stronger)
            return true;
        so_ice_set_role(ice, false);
    } else if (m->controlled && !ice->controlling) {
        if (!stronger)
            return true;
        so_ice_set_role(ice, true);
    }
    return false;
}

void so_ice_take_check(so_ice *ice, const so_ice_early *from, so_msec now)
{
    bool nominates = from->use_candidate && !ice->controlling;
    uint8_t remote, pair;
    so_ice_pair *p;

    if (ice->failed || !so_ice_reachable(&ice->bases[from->base].address, &from->remote))
        return;
    remote = so_ice_learn_remote(ice, &from->remote, from->priority);
    pair = remote == SO_ICE_NONE ? SO_ICE_NONE : so_ice_add_pair(ice, from->base, remote);
    if (pair == SO_ICE_NONE)
        return;
    p = so_ice_pair_at(ice, pair);
    so_ice_pair_heard(ice, pair, now);
    ice->news_at = now;
    if (p->valid) {
        p->nominated = p->nominated || nominates;
        so_ice_choose(ice, now);
        return;
    }
    p->nominate = p->nominate || nominates;
    /* With a pair selected, only the peer's word starts checks of others. */
    if (ice->selected != SO_ICE_NONE && !nominates)
        return;
    so_ice_enqueue(ice,
                   pair); /* RFC 8445 §7.3.1.4, whatever its state; a check under way is cancelled when this begins */
}

static void hear_old_pair(so_ice *ice, uint8_t base, const so_address *remote, so_msec now)
{
    so_ice_counted from = {.base = base, .remote = *remote};

    if (is_pair_of(ice, ice->old_pair, &from))
        so_ice_pair_heard(ice, ice->old_pair, now);
}

static void remember(so_ice *ice, const so_ice_early *check)
{
    for (unsigned i = 0; i < ice->early_count; i++) {
        so_ice_early *e = &ice->early[i];
        if (e->base == check->base && so_address_equal(&e->remote, &check->remote)) {
            e->use_candidate |= check->use_candidate;
            return;
        }
    }
    if (ice->early_count < SO_ICE_EARLY)
        ice->early[ice->early_count++] = *check;
}

/* What is not addressed to us and signed with our password is nobody's: no answer, not even 401, and no trace.
 * false: it was that. */
static bool take_request(so_ice *ice, const so_stun_message *m, uint8_t base, const so_address *remote, so_msec now)
{
    so_ice_early check = {.base = base, .use_candidate = m->use_candidate, .priority = m->priority, .remote = *remote};
    bool old = !is_addressed(&ice->creds, m->username);

    if ((old && !is_addressed(&ice->old_creds, m->username)) || !so_stun_authentic(m, so_ice_creds_of(ice, old)->key))
        return false;
    if (m->unknown_count > 0) { /* RFC 8489 §6.3.1 */
        reply(ice, m, base, remote, old, SO_STUN_UNKNOWN_ATTRIBUTE);
        return true;
    }
    so_ice_count(ice, base, remote, old, now);
    if (!old && is_conflict(ice, m)) {
        reply(ice, m, base, remote, old, SO_STUN_ROLE_CONFLICT);
        return true;
    }
    reply(ice, m, base, remote, old, 0);
    if (old)
        hear_old_pair(ice, base, remote, now);
    else if (ice->creds.remote_known)
        so_ice_take_check(ice, &check, now);
    else
        remember(ice, &check);
    return true;
}

static so_ice_transaction *find_transaction(so_ice *ice, const uint8_t *id)
{
    for (unsigned i = 0; i < ice->transaction_count; i++)
        if (so_ice_transaction_at(ice, i)->purpose != SO_ICE_IDLE &&
            memcmp(so_ice_transaction_at(ice, i)->id, id, SO_STUN_ID) == 0)
            return so_ice_transaction_at(ice, i);
    return NULL;
}

static void take_gathered(so_ice *ice, so_ice_transaction *t, const so_stun_message *m)
{
    if (m->kind == SO_STUN_SUCCESS && m->unknown_count == 0 && m->mapped.family != 0)
        (void)so_ice_local_of(ice, t->base, &m->mapped, SO_ICE_SRFLX, t->server);
    ice->asked[t->base][t->server] = SO_ICE_ASKED;
    t->purpose = SO_ICE_IDLE;
}

/* RFC 8445 §7.2.5.1: 487. A request that crossed with a change of role that was made already changes none. */
static void take_conflict(so_ice *ice, so_ice_transaction *t)
{
    uint8_t pair = t->pair;
    bool consent = t->purpose == SO_ICE_CONSENT;

    t->purpose = SO_ICE_IDLE;
    if (so_ice_pair_at(ice, pair)->old)
        return;
    if (t->controlling == ice->controlling) {
        uint8_t fresh[sizeof ice->tie_breaker];
        so_ice_set_role(ice, !ice->controlling);
        /* "The agent MUST change the tiebreaker value." */
        if (so_random_fill(&ice->config.random, fresh, sizeof fresh) == SO_OK)
            memcpy(&ice->tie_breaker, fresh, sizeof fresh);
    }
    if (!consent)
        so_ice_enqueue(ice, pair);
}

static void take_error(so_ice *ice, so_ice_transaction *t, const so_stun_message *m, so_msec now)
{
    so_ice_pair_heard(ice, t->pair, now);
    if (m->error == SO_STUN_ROLE_CONFLICT && !ice->creds.lite) /* a lite peer has no role to choose */
        take_conflict(ice, t);
    else if (m->error == SO_STUN_FORBIDDEN && so_ice_pair_at(ice, t->pair)->valid)
        so_ice_lose(ice, t->pair, now); /* RFC 7675 §5.2: consent is revoked */
    else if (t->purpose == SO_ICE_CHECK)
        so_ice_check_failed(ice, t); /* RFC 8445 §7.2.5.2.4 */
    else
        t->purpose = SO_ICE_IDLE;
}

static bool take_response(so_ice *ice, const so_stun_message *m, uint8_t base, const so_address *remote, so_msec now)
{
    so_ice_transaction *t = find_transaction(ice, m->id);
    const so_ice_pair *p;

    if (t == NULL || t->base != base)
        return false;
    if (t->purpose == SO_ICE_GATHER) {
        if (!so_address_equal(&ice->servers[t->server], remote))
            return false;
        take_gathered(ice, t, m);
        return true;
    }
    p = so_ice_pair_at(ice, t->pair);
    /* RFC 8445 §7.2.5.2.1 would have the pair fail when the answer comes from elsewhere. Whoever catches an answer and
     * sends it on from elsewhere could do that to us: so it is no answer at all. */
    if (!so_address_equal(&so_ice_remote_at(ice, p->remote)->address, remote) ||
        !so_stun_authentic(m, so_ice_creds_of(ice, p->old)->remote_key))
        return false;
    if (m->kind == SO_STUN_ERROR && m->error != 0)
        take_error(ice, t, m, now);
    else if (m->kind == SO_STUN_SUCCESS && m->unknown_count > 0) /* RFC 8489 §6.3.3 */
        take_error(ice, t, m, now);
    else if (m->kind == SO_STUN_SUCCESS && m->mapped.family != 0)
        so_ice_succeeded(ice, t, &m->mapped, now);
    return true;
}

void so_ice_receive(so_ice *ice, so_msec now, const so_address *local, const so_address *remote, const uint8_t *bytes,
                    size_t len)
{
    uint8_t base = so_ice_find_base(ice, local);
    so_stun_message m;

    if (ice->closed || base == SO_ICE_NONE || so_stun_parse(&m, bytes, len) != SO_OK || m.method != SO_STUN_BINDING ||
        m.kind == SO_STUN_INDICATION) /* a keepalive needs no answer */
        return;
    /* A stranger's message costs no more than its digest. */
    if (m.kind == SO_STUN_REQUEST ? take_request(ice, &m, base, remote, now)
                                  : take_response(ice, &m, base, remote, now))
        so_ice_run(ice, now);
}

void so_ice_heard(so_ice *ice, so_msec now)
{
    uint8_t pair = so_ice_sending(ice);

    if (pair == SO_ICE_NONE)
        return;
    so_ice_pair_heard(ice, pair, now);
    if (ice->state == SO_ICE_DISCONNECTED)
        so_ice_run(ice, now);
}
