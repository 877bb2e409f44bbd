#include "ice/ice_inside.h"
#include "stun/build.h"

#include <stdio.h>
#include <string.h>

static bool finish(so_ice_datagram *out, so_writer *w, so_hmac *key)
{
    if (so_stun_end(w, key, true) != SO_OK)
        return false;
    out->len = so_writer_len(w);
    return true;
}

static bool build_reply(so_ice *ice, const so_ice_reply *r, so_ice_datagram *out)
{
    so_writer w = so_writer_of(out->bytes, sizeof out->bytes);
    so_hmac *key = so_ice_creds_of(ice, r->old)->key;

    if (r->base == SO_ICE_NONE || key == NULL)
        return false; /* its base, or its generation, is gone */
    out->local = ice->bases[r->base].address;
    out->remote = r->remote;
    so_stun_begin(&w, r->error == 0 ? SO_STUN_SUCCESS : SO_STUN_ERROR, SO_STUN_BINDING, r->id);
    if (r->error == 0)
        so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &r->remote);
    else
        so_stun_put_error(&w, r->error, r->error == SO_STUN_ROLE_CONFLICT ? "Role Conflict" : "Unknown Attribute");
    if (r->error == SO_STUN_UNKNOWN_ATTRIBUTE)
        so_stun_put_unknown(&w, r->unknown, r->unknown_count);
    return finish(out, &w, key);
}

/* RFC 8445 §7.2.2: "the USERNAME ... the agent's peer's ufrag, a colon, the agent's own". */
static void put_username(so_writer *w, const so_ice_creds *creds)
{
    char name[SO_ICE_UFRAG + sizeof creds->ufrag + 1];
    int len = snprintf(name, sizeof name, "%s:%s", creds->remote_ufrag, creds->ufrag);

    so_stun_put(w, SO_STUN_USERNAME, name, len < 0 ? 0 : (size_t)len);
}

static bool build_check(so_ice *ice, so_ice_transaction *t, so_writer *w, so_ice_datagram *out)
{
    const so_ice_pair *p = so_ice_pair_at(ice, t->pair);
    const so_ice_base *base = &ice->bases[t->base];
    bool relayed = base->type == SO_ICE_RELAY;
    so_ice_creds *creds = so_ice_creds_of(ice, p->old);

    out->remote = so_ice_remote_at(ice, p->remote)->address;
    put_username(w, creds);
    /* RFC 8445 §7.1.1: the priority of a peer-reflexive candidate that this check may bring to light. From a relay that
     * is the relayed candidate itself, which the peer has not heard of yet: it must not be taken for a better one. */
    so_stun_put_u32(w, SO_STUN_PRIORITY, so_ice_priority(relayed ? SO_ICE_RELAY : SO_ICE_PRFLX, base->preference, 1));
    so_stun_put_u64(w, ice->controlling ? SO_STUN_ICE_CONTROLLING : SO_STUN_ICE_CONTROLLED, ice->tie_breaker);
    if (t->nominating)
        so_stun_put(w, SO_STUN_USE_CANDIDATE, NULL, 0);
    t->controlling = ice->controlling;
    return finish(out, w, creds->remote_key);
}

static bool build_request(so_ice *ice, so_ice_transaction *t, so_ice_datagram *out)
{
    so_writer w = so_writer_of(out->bytes, sizeof out->bytes);

    out->local = ice->bases[t->base].address;
    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, t->id);
    if (t->purpose != SO_ICE_GATHER)
        return build_check(ice, t, &w, out);
    out->remote = ice->servers[t->server];
    return finish(out, &w, NULL);
}

bool so_ice_transmit(so_ice *ice, so_ice_datagram *out)
{
    while (ice->reply_count > 0) {
        const so_ice_reply *r = &ice->replies[ice->reply_first];
        ice->reply_first = (uint8_t)((ice->reply_first + 1) % SO_ICE_REPLIES);
        ice->reply_count--;
        if (build_reply(ice, r, out))
            return true;
    }
    for (unsigned i = 0; i < ice->transaction_count; i++) {
        so_ice_transaction *t = so_ice_transaction_at(ice, i);
        bool due = t->purpose != SO_ICE_IDLE && t->due;
        t->due = false;
        if (due && build_request(ice, t, out))
            return true;
    }
    return false;
}

static void describe_local(const so_ice *ice, uint8_t local, so_ice_candidate *c)
{
    const so_ice_local *l = so_ice_local_at(ice, local);

    memset(c, 0, sizeof *c);
    (void)snprintf(c->foundation, sizeof c->foundation, "%u", l->foundation);
    c->component = 1;
    c->priority = l->priority;
    c->address = l->address;
    c->type = l->type;
    /* RFC 8839 §5.1 would have a relayed candidate tell the address that the server sees. It is of no use to the peer,
     * and may be what the relay is to hide: "0.0.0.0" or "::" and port 9 say so. */
    if (l->type == SO_ICE_RELAY)
        c->related = (so_address){.family = l->address.family, .port = 9};
    else if (l->type != SO_ICE_HOST)
        c->related = ice->bases[l->base].address;
    memcpy(c->ufrag, ice->creds.ufrag, sizeof ice->creds.ufrag);
}

static void describe_remote(const so_ice *ice, uint8_t remote, so_ice_candidate *c)
{
    const so_ice_remote *r = so_ice_remote_at(ice, remote);

    memset(c, 0, sizeof *c);
    memcpy(c->foundation, r->foundation, sizeof c->foundation);
    c->component = 1;
    c->priority = r->priority;
    c->address = r->address;
    c->related = r->related;
    c->type = r->type;
    memcpy(c->ufrag, ice->creds.remote_ufrag, sizeof c->ufrag);
}

bool so_ice_next_event(so_ice *ice, so_ice_event *out)
{
    memset(out, 0, sizeof *out);
    out->state = ice->state;
    out->controlling = ice->controlling;
    for (uint8_t i = 0; i < ice->local_count; i++)
        if (so_ice_local_at(ice, i)->used && so_ice_local_at(ice, i)->announce) {
            so_ice_local_at(ice, i)->announce = false;
            out->kind = SO_ICE_LOCAL_CANDIDATE;
            describe_local(ice, i, &out->local);
            return true;
        }
    if (ice->tell_end) {
        ice->tell_end = false;
        out->kind = SO_ICE_LOCAL_END;
    } else if (ice->tell_role) {
        ice->tell_role = false;
        out->kind = SO_ICE_ROLE_CHANGED;
    } else if (ice->tell_selected && ice->selected != SO_ICE_NONE) {
        ice->tell_selected = false;
        out->kind = SO_ICE_SELECTED;
        describe_local(ice, so_ice_pair_at(ice, ice->selected)->local, &out->local);
        describe_remote(ice, so_ice_pair_at(ice, ice->selected)->remote, &out->remote);
    } else if (ice->told_state != ice->state) {
        ice->told_state = ice->state;
        out->kind = SO_ICE_STATE_CHANGED;
    } else {
        return false;
    }
    return true;
}

so_msec so_ice_deadline(const so_ice *ice)
{
    return ice->deadline;
}

bool so_ice_send_pair(const so_ice *ice, so_address *local, so_address *remote)
{
    uint8_t pair = so_ice_sending(ice);

    if (pair == SO_ICE_NONE)
        return false;
    *local = ice->bases[so_ice_pair_at(ice, pair)->base].address;
    *remote = so_ice_remote_at(ice, so_ice_pair_at(ice, pair)->remote)->address;
    return true;
}

bool so_ice_send_types(const so_ice *ice, so_ice_type *local, so_ice_type *remote)
{
    uint8_t pair = so_ice_sending(ice);

    if (pair == SO_ICE_NONE)
        return false;
    *local = ice->bases[so_ice_pair_at(ice, pair)->base].type == SO_ICE_RELAY
                 ? SO_ICE_RELAY
                 : so_ice_local_at(ice, so_ice_pair_at(ice, pair)->local)->type;
    *remote = so_ice_remote_at(ice, so_ice_pair_at(ice, pair)->remote)->type;
    return true;
}

so_ice_state so_ice_state_of(const so_ice *ice)
{
    return ice->state;
}

bool so_ice_is_controlling(const so_ice *ice)
{
    return ice->controlling;
}

const char *so_ice_state_name(so_ice_state state)
{
    static const char *const names[] = {"new",          "checking", "connected", "completed",
                                        "disconnected", "failed",   "closed"};
    return names[state];
}
