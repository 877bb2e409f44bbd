/*
 * Two ICE agents in a network that a test makes: delay, seeded loss, NATs, a STUN server, and a hook that sees every
 * datagram. Time is simulated. A puppet is a peer without an agent, which says what the test has it say.
 */
#ifndef SOTTO_TESTS_ICE_NET_H
#define SOTTO_TESTS_ICE_NET_H

#include "unit.h"

#include "ice/ice.h"
#include "stun/build.h"

#include <stdlib.h>

#define NET_PACKETS 1024
#define NET_MAPPINGS 64

typedef struct packet {
    so_msec at;
    so_address from, to;
    size_t len;
    uint8_t bytes[SO_ICE_DATAGRAM];
} packet;

/* A NAT: endpoint-independent mapping, or one mapping for each destination; filters by address and port. */
typedef struct mapping {
    so_address inside, outside, to;
} mapping;

typedef struct net net;

typedef struct end {
    net *net;
    so_ice *ice;
    bool natted, symmetric;
    so_address nat; /* its address outside, port 0 */
    mapping mappings[NET_MAPPINGS];
    unsigned mapping_count;
    /* what its events said */
    so_ice_candidate candidates[64];
    unsigned candidate_count, ended, role_changes, selections, state_changes;
    so_ice_candidate selected_local, selected_remote;
    so_ice_state states[64];
    so_msec valid_at; /* when so_ice_send_pair said yes first; UINT64_MAX: never */
    unsigned sent;
} end;

struct net {
    so_msec now, delay;
    uint64_t seed;
    unsigned loss; /* percent */
    bool trickle;  /* candidates are told to the other end as they come */
    bool mdns;     /* host candidates are told as names */
    bool drop_all;
    so_address server; /* a STUN server; family 0: none */
    packet *packets;
    unsigned count;
    end a, b;
    /* false: dropped. May change it. Sees a datagram as the network does, after the sender's NAT. */
    bool (*hook)(net *n, packet *p);
    void *user;
};

static inline so_address net_at(const char *ip, uint16_t port)
{
    so_address address;

    assert_int_equal(so_address_parse(&address, ip, port), SO_OK);
    return address;
}

static inline net *net_new(uint64_t seed, so_msec delay)
{
    net *n = calloc(1, sizeof *n);

    assert_non_null(n);
    n->packets = calloc(NET_PACKETS, sizeof *n->packets);
    assert_non_null(n->packets);
    n->now = 1000;
    n->delay = delay;
    n->seed = seed;
    n->trickle = true;
    n->a.net = n->b.net = n;
    n->a.valid_at = n->b.valid_at = UINT64_MAX;
    return n;
}

static inline void net_agent(end *e, const so_ice_config *config)
{
    so_ice_config c = *config;

    c.random = UNIT_RANDOM(&e->net->seed);
    assert_int_equal(so_ice_new(&e->ice, &c), SO_OK);
}

static inline void net_free(net *n)
{
    so_ice_free(n->a.ice);
    so_ice_free(n->b.ice);
    free(n->packets);
    free(n);
}

static inline end *net_other(const end *e)
{
    return e == &e->net->a ? &e->net->b : &e->net->a;
}

static inline void net_put(net *n, so_address from, so_address to, const uint8_t *bytes, size_t len)
{
    packet *p = &n->packets[n->count];

    assert_true(n->count < NET_PACKETS);
    *p = (packet){.at = n->now + n->delay, .from = from, .to = to, .len = len};
    memcpy(p->bytes, bytes, len);
    if (n->hook == NULL || n->hook(n, p))
        n->count++;
}

static inline so_address net_out(end *e, so_address from, so_address to)
{
    mapping *found = NULL;

    if (!e->natted || from.family != e->nat.family)
        return from;
    for (unsigned i = 0; i < e->mapping_count; i++) {
        mapping *m = &e->mappings[i];
        if (!so_address_equal(&m->inside, &from))
            continue;
        if (so_address_equal(&m->to, &to))
            return m->outside;
        if (!e->symmetric)
            found = m;
    }
    assert_true(e->mapping_count < NET_MAPPINGS);
    e->mappings[e->mapping_count] = (mapping){from, e->nat, to};
    e->mappings[e->mapping_count].outside.port =
        found != NULL ? found->outside.port : (uint16_t)(20000 + e->mapping_count);
    return e->mappings[e->mapping_count++].outside;
}

static inline void net_serve(net *n, const packet *p)
{
    uint8_t bytes[100];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_stun_message m;

    if (so_stun_parse(&m, p->bytes, p->len) != SO_OK || m.kind != SO_STUN_REQUEST)
        return;
    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, m.id);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &p->from);
    assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
    net_put(n, p->to, p->from, bytes, so_writer_len(&w));
}

static inline bool net_in(end *e, const packet *p, so_address *to)
{
    *to = p->to;
    if (!e->natted || p->to.family != e->nat.family)
        return true;
    for (unsigned i = 0; i < e->mapping_count; i++)
        if (so_address_equal(&e->mappings[i].outside, &p->to) && so_address_equal(&e->mappings[i].to, &p->from)) {
            *to = e->mappings[i].inside;
            return true;
        }
    return false;
}

static inline void net_deliver(net *n, const packet *p)
{
    so_address to;
    uint8_t draw;

    (void)unit_fill(&n->seed, &draw, 1);
    if (n->drop_all || draw * 100U < n->loss * 256U)
        return;
    if (so_address_equal(&p->to, &n->server)) {
        net_serve(n, p);
        return;
    }
    /* An agent that has no such base says nothing. */
    if (n->a.ice != NULL && net_in(&n->a, p, &to))
        so_ice_receive(n->a.ice, n->now, &to, &p->from, p->bytes, p->len);
    if (n->b.ice != NULL && net_in(&n->b, p, &to))
        so_ice_receive(n->b.ice, n->now, &to, &p->from, p->bytes, p->len);
}

/* Through the text, as signaling does. */
static inline void net_tell(end *e, const so_ice_candidate *c)
{
    so_ice_candidate told = *c, parsed;
    char line[SO_ICE_LINE];

    if (e->net->mdns && c->type == SO_ICE_HOST) {
        told.address = (so_address){.port = c->address.port};
        strcpy(told.name, "6f7c0a9e-0b1d-4c58-9d2f-5a3d3b7f86e1.local");
    }
    assert_int_equal(so_ice_candidate_format(&told, line, sizeof line), SO_OK);
    assert_int_equal(so_ice_candidate_parse(&parsed, line, strlen(line)), SO_OK);
    assert_int_equal(so_ice_add_remote(net_other(e)->ice, e->net->now, &parsed), SO_OK);
}

static inline void net_event(end *e, const so_ice_event *event)
{
    switch (event->kind) {
    case SO_ICE_LOCAL_CANDIDATE:
        assert_true(e->candidate_count < 64);
        e->candidates[e->candidate_count++] = event->local;
        if (e->net->trickle && net_other(e)->ice != NULL)
            net_tell(e, &event->local);
        break;
    case SO_ICE_LOCAL_END:
        e->ended++;
        if (e->net->trickle && net_other(e)->ice != NULL)
            so_ice_remote_end(net_other(e)->ice, e->net->now);
        break;
    case SO_ICE_ROLE_CHANGED:
        e->role_changes++;
        break;
    case SO_ICE_SELECTED:
        e->selections++;
        e->selected_local = event->local;
        e->selected_remote = event->remote;
        break;
    case SO_ICE_STATE_CHANGED:
        e->states[e->state_changes++ % 64] = event->state;
        assert_int_equal(event->state, so_ice_state_of(e->ice));
        break;
    }
}

static inline unsigned net_drain(end *e)
{
    so_ice_datagram d;
    so_ice_event event;
    so_address local, remote;
    unsigned any = 0;

    if (e->ice == NULL)
        return 0;
    while (so_ice_transmit(e->ice, &d)) {
        e->sent++;
        net_put(e->net, net_out(e, d.local, d.remote), d.remote, d.bytes, d.len);
        any++;
    }
    while (so_ice_next_event(e->ice, &event)) {
        net_event(e, &event);
        any++;
    }
    if (e->valid_at == UINT64_MAX && so_ice_send_pair(e->ice, &local, &remote))
        e->valid_at = e->net->now;
    return any;
}

static inline void net_settle(net *n)
{
    for (unsigned i = 0; net_drain(&n->a) + net_drain(&n->b) > 0; i++)
        assert_true(i < 1000); /* a loop that never ends */
}

static inline so_msec net_next(const net *n)
{
    so_msec next = UINT64_MAX;

    if (n->a.ice != NULL)
        next = so_ice_deadline(n->a.ice);
    if (n->b.ice != NULL && so_ice_deadline(n->b.ice) < next)
        next = so_ice_deadline(n->b.ice);
    for (unsigned i = 0; i < n->count; i++)
        next = n->packets[i].at < next ? n->packets[i].at : next;
    return next;
}

/* Runs everything that happens up to and at that time. */
static inline void net_until(net *n, so_msec until)
{
    net_settle(n);
    for (unsigned steps = 0; net_next(n) <= until; steps++) {
        assert_true(steps < 200000); /* a deadline that stays in the past */
        n->now = net_next(n) > n->now ? net_next(n) : n->now;
        for (unsigned i = 0; i < n->count;) {
            packet p = n->packets[i];
            if (p.at > n->now) {
                i++;
                continue;
            }
            memmove(&n->packets[i], &n->packets[i + 1], (n->count - i - 1) * sizeof p);
            n->count--;
            net_deliver(n, &p);
            net_settle(n);
        }
        if (n->a.ice != NULL && so_ice_deadline(n->a.ice) <= n->now)
            so_ice_tick(n->a.ice, n->now);
        if (n->b.ice != NULL && so_ice_deadline(n->b.ice) <= n->now)
            so_ice_tick(n->b.ice, n->now);
        net_settle(n);
    }
    n->now = until;
}

static inline void net_for(net *n, so_msec time)
{
    net_until(n, n->now + time);
}

static inline void net_base(end *e, const char *ip, uint16_t port)
{
    so_address base = net_at(ip, port);

    assert_int_equal(so_ice_add_base(e->ice, e->net->now, &base), SO_OK);
}

/* Each hears the other's credentials: with that, checks begin. */
static inline void net_introduce(net *n)
{
    assert_int_equal(so_ice_set_remote(n->b.ice, n->now, so_ice_ufrag(n->a.ice), so_ice_pwd(n->a.ice), false), SO_OK);
    assert_int_equal(so_ice_set_remote(n->a.ice, n->now, so_ice_ufrag(n->b.ice), so_ice_pwd(n->b.ice), false), SO_OK);
}

/* Two agents with a base each in one network, no end of candidates said. */
static inline net *net_pair(uint64_t seed, so_msec delay, bool a_controls, bool b_controls)
{
    net *n = net_new(seed, delay);

    net_agent(&n->a, &(so_ice_config){.controlling = a_controls});
    net_agent(&n->b, &(so_ice_config){.controlling = b_controls});
    net_base(&n->a, "10.0.0.1", 1000);
    net_base(&n->b, "10.0.0.2", 2000);
    return n;
}

static inline void net_connect(net *n)
{
    so_ice_no_more_bases(n->a.ice, n->now);
    so_ice_no_more_bases(n->b.ice, n->now);
    net_introduce(n);
}

static inline void assert_state(const end *e, so_ice_state state)
{
    assert_string_equal(so_ice_state_name(so_ice_state_of(e->ice)), so_ice_state_name(state));
}

static inline void assert_sends(const end *e, so_address local, so_address remote)
{
    so_address l, r;

    assert_true(so_ice_send_pair(e->ice, &l, &r));
    assert_true(so_address_equal(&l, &local));
    assert_true(so_address_equal(&r, &remote));
}

static inline void assert_sends_nothing(const end *e)
{
    so_address l, r;

    assert_false(so_ice_send_pair(e->ice, &l, &r));
}

/* --- a puppet --- */

typedef struct puppet {
    net *net;
    char ufrag[300], pwd[300];
    const so_ice *ice; /* whom it talks to */
    bool controlling;
    uint64_t tie_breaker;
    uint8_t next_id;
} puppet;

typedef struct built {
    uint8_t bytes[SO_ICE_DATAGRAM];
    size_t len;
} built;

static inline so_hmac *puppet_key(const char *pwd)
{
    so_hmac *key;

    assert_int_equal(so_hmac_sha1_new(&key, (so_slice){pwd, strlen(pwd)}), SO_OK);
    return key;
}

static inline built puppet_end(so_writer *w, built *b, const char *pwd)
{
    so_hmac *key = pwd == NULL ? NULL : puppet_key(pwd);

    assert_int_equal(so_stun_end(w, key, true), SO_OK);
    so_hmac_free(key);
    b->len = so_writer_len(w);
    return *b;
}

/* A check as a peer sends it; pwd: what it is signed with, NULL: nothing. extra: an attribute of that type, or 0. */
static inline built puppet_request(puppet *p, const char *username, const char *pwd, bool nominates, uint16_t extra)
{
    built b = {.len = 0};
    so_writer w = so_writer_of(b.bytes, sizeof b.bytes);
    uint8_t id[SO_STUN_ID] = {7, ++p->next_id};

    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, id);
    so_stun_put(&w, SO_STUN_USERNAME, username, strlen(username));
    so_stun_put_u32(&w, SO_STUN_PRIORITY, so_ice_priority(SO_ICE_PRFLX, 65535, 1));
    so_stun_put_u64(&w, p->controlling ? SO_STUN_ICE_CONTROLLING : SO_STUN_ICE_CONTROLLED, p->tie_breaker);
    if (nominates)
        so_stun_put(&w, SO_STUN_USE_CANDIDATE, NULL, 0);
    if (extra != 0)
        so_stun_put(&w, extra, NULL, 0);
    return puppet_end(&w, &b, pwd);
}

static inline built puppet_check(puppet *p, bool nominates)
{
    char name[600];

    (void)snprintf(name, sizeof name, "%s:%s", so_ice_ufrag(p->ice), p->ufrag);
    return puppet_request(p, name, so_ice_pwd(p->ice), nominates, 0);
}

/* An answer to a request that the agent sent; error 0: success. */
static inline built puppet_answer(const packet *request, const char *pwd, uint16_t error, const so_address *mapped)
{
    built b = {.len = 0};
    so_writer w = so_writer_of(b.bytes, sizeof b.bytes);

    so_stun_begin(&w, error == 0 ? SO_STUN_SUCCESS : SO_STUN_ERROR, SO_STUN_BINDING, request->bytes + 8);
    if (error == 0)
        so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, mapped);
    else
        so_stun_put_error(&w, error, "");
    return puppet_end(&w, &b, pwd);
}

/* An agent with one base, and a puppet whose credentials it has. */
static inline net *net_with_puppet(uint64_t seed, puppet *p, bool agent_controls)
{
    net *n = net_new(seed, 1000000); /* what the agent sends stays in the network until it is looked at */

    net_agent(&n->a, &(so_ice_config){.controlling = agent_controls});
    net_base(&n->a, "10.0.0.1", 1000);
    so_ice_no_more_bases(n->a.ice, n->now);
    *p = (puppet){.net = n, .ufrag = "pupp", .pwd = "0123456789012345678901", .ice = n->a.ice};
    p->controlling = !agent_controls;
    p->tie_breaker = 1;
    return n;
}

/* The next datagram that the agent sends, taken out of the network; false: none. */
static inline bool net_take(net *n, packet *p)
{
    net_settle(n);
    if (n->count == 0)
        return false;
    *p = n->packets[0];
    memmove(&n->packets[0], &n->packets[1], (n->count - 1) * sizeof *p);
    n->count--;
    return true;
}

static inline bool net_take_request(net *n, packet *p, so_stun_message *m)
{
    while (net_take(n, p))
        if (so_stun_parse(m, p->bytes, p->len) == SO_OK && m->kind == SO_STUN_REQUEST)
            return true;
    return false;
}

static inline void net_give(net *n, const char *local, const so_address *from, const built *b)
{
    so_address to = net_at(local, 1000);

    so_ice_receive(n->a.ice, n->now, &to, from, b->bytes, b->len);
    net_settle(n);
}

static inline so_ice_candidate host_at(const so_address *address, uint32_t priority)
{
    so_ice_candidate c = {.foundation = "1", .component = 1, .priority = priority, .address = *address};

    if (priority == 0)
        c.priority = so_ice_priority(SO_ICE_HOST, 65535, 1);
    return c;
}

#endif
