/*
 * Two peers behind NATs of their own, and a TURN server (turn_server.h), in simulated time: datagrams that are lost,
 * streams that are cut anywhere. Every datagram that an end sends is looked at: where relays alone may be used it goes
 * to the server and nowhere else, and none of the end's own addresses is in it.
 */
#ifndef SOTTO_TESTS_SIM_RELAY_RIG_H
#define SOTTO_TESTS_SIM_RELAY_RIG_H

#include "unit.h"

#include "clock.h"
#include "ice/turn.h"
#include "nat.h"
#include "peer/demux.h"
#include "peer/peer.h"
#include "turn_server.h"

#include <stdlib.h>

#define RELAY_FLIGHT 512
#define RELAY_DELAY 20
#define RELAY_FRAME 60
#define RELAY_MARK "SOTTO-PLAINTEXT!"

typedef struct relay_packet {
    so_msec at;
    uint64_t order;
    bool stream; /* of a stream: in order, never lost */
    so_address src, dst;
    size_t len;
    uint8_t bytes[2300];
} relay_packet;

typedef struct relay_rig relay_rig;

typedef struct relay_end {
    so_peer *peer;
    so_address base, stream; /* stream: how the server sees the connection */
    sim_nat nat;
    size_t track;
    bool relay_only, opened, lone; /* lone: it has no relay of its own */
    so_relay_way way;
    unsigned stream_number;
    unsigned frames, candidates, failures;
    uint64_t to_server, elsewhere; /* datagrams, by where they went */
    char relay_code[32], last_candidate[SO_PEER_CANDIDATE_MAX];
} relay_end;

struct relay_rig {
    so_engine engine;
    relay_end ends[2];
    sim_turn turn;
    so_address server;
    unsigned loss;   /* percent, of every hop of a datagram */
    unsigned jitter; /* milliseconds */
    relay_packet *flight[RELAY_FLIGHT];
    unsigned count;
    uint64_t orders;
    so_msec last_of_stream;
    uint32_t numbers;
    /* Sees what the server hands to an end, and may alter it; NULL: nobody does. false: it does not arrive. */
    bool (*tap)(relay_rig *r, unsigned to, uint8_t *bytes, size_t *len);
};

static inline so_address relay_address(const char *ip, uint16_t port)
{
    so_address address;

    assert_int_equal(so_address_parse(&address, ip, port), SO_OK);
    return address;
}

static inline void relay_launch(relay_rig *r, const so_address *src, const so_address *dst, bool stream,
                                const uint8_t *bytes, size_t len)
{
    relay_packet *p;

    if (!stream && r->loss > 0 && sim_dice(100) < r->loss)
        return;
    assert_true(r->count < RELAY_FLIGHT);
    assert_true(len <= sizeof p->bytes);
    p = malloc(sizeof *p);
    assert_non_null(p);
    *p = (relay_packet){.order = r->orders++, .stream = stream, .src = *src, .dst = *dst, .len = len};
    p->at = sim_now() + RELAY_DELAY + (stream || r->jitter == 0 ? 0 : sim_dice(r->jitter + 1));
    memcpy(p->bytes, bytes, len);
    r->flight[r->count++] = p;
}

static inline void relay_to_client(void *user, const so_address *client, const uint8_t *bytes, size_t len)
{
    relay_rig *r = user;
    bool stream = so_address_equal(client, &r->ends[0].stream) || so_address_equal(client, &r->ends[1].stream);
    uint8_t padded[2300] = {0};

    memcpy(padded, bytes, len);
    relay_launch(r, &r->server, client, stream, padded, stream ? (len + 3) / 4 * 4 : len);
}

static inline void relay_to_peer(void *user, const so_address *relayed, const so_address *peer, const uint8_t *bytes,
                                 size_t len)
{
    relay_launch(user, relayed, peer, false, bytes, len);
}

/* ways: of each end; relay_only: both of them */
static inline void relay_begin(relay_rig *r, uint64_t seed, so_relay_way a, so_relay_way b, bool relay_only)
{
    so_address relay = relay_address("203.0.113.9", 49152);
    so_error err;

    sim_begin(seed);
    memset(r, 0, sizeof *r);
    assert_int_equal(so_engine_open(&r->engine, &err), SO_OK);
    sim_turn_open(&r->turn, &relay);
    r->turn.to_client = relay_to_client;
    r->turn.to_peer = relay_to_peer;
    r->turn.user_data = r;
    r->server = relay_address("203.0.113.1", 3478);
    for (unsigned i = 0; i < 2; i++) {
        relay_end *e = &r->ends[i];
        so_address outside = relay_address(i == 0 ? "198.51.100.1" : "198.51.100.2", 0);

        e->base = relay_address(i == 0 ? "192.168.1.2" : "192.168.7.9", 5000);
        e->stream = relay_address(i == 0 ? "198.51.100.1" : "198.51.100.2", 40000);
        e->way = i == 0 ? a : b;
        e->relay_only = relay_only;
        sim_nat_open(&e->nat, SIM_NAT_SYMMETRIC, &outside, 60000);
    }
}

static inline so_status relay_add_server(relay_rig *r, relay_end *e)
{
    so_relay_server server = {.way = e->way,
                              .address = r->server,
                              .stream = e->way == SO_RELAY_UDP ? 0 : ++e->stream_number,
                              .username = r->turn.user,
                              .credential = r->turn.password};
    so_status status = so_peer_add_relay_server(e->peer, sim_now(), &server);

    if (status == SO_OK && e->way != SO_RELAY_UDP)
        so_peer_stream_opened(e->peer, sim_now(), e->stream_number);
    return status;
}

static inline void relay_start(relay_rig *r)
{
    for (unsigned i = 0; i < 2; i++) {
        relay_end *e = &r->ends[i];
        so_peer_config config = {.engine = &r->engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000 + sim_now(),
                                 .polite = i == 1,
                                 .relay_only = e->relay_only};
        so_error err;

        assert_int_equal(so_peer_new(&e->peer, &config, &err), SO_OK);
        assert_int_equal(so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track), SO_OK);
        assert_int_equal(so_peer_add_base(e->peer, sim_now(), &e->base), SO_OK);
        if (e->lone) /* else nobody knows what to let in from it */
            assert_int_equal(so_peer_add_stun_server(e->peer, sim_now(), &r->server), SO_OK);
        else
            assert_int_equal(relay_add_server(r, e), SO_OK);
        so_peer_no_more_bases(e->peer, sim_now());
    }
}

static inline void relay_end_all(relay_rig *r)
{
    for (unsigned i = 0; i < r->count; i++)
        free(r->flight[i]);
    so_peer_free(r->ends[0].peer);
    so_peer_free(r->ends[1].peer);
    so_engine_close(&r->engine);
    sim_end();
}

/* ---- what leaves an end ---- */

static inline bool relay_contains(const uint8_t *bytes, size_t len, const void *what, size_t what_len)
{
    return memmem(bytes, len, what, what_len) != NULL;
}

/* None of its own addresses, and no plaintext, is in what it sends. */
static inline void relay_look(const relay_end *e, const so_datagram *d)
{
    so_address outside = e->nat.outside;

    assert_false(relay_contains(d->bytes, d->len, RELAY_MARK, strlen(RELAY_MARK)));
    if (!e->relay_only)
        return;
    assert_false(relay_contains(d->bytes, d->len, e->base.ip, 4));
    assert_false(relay_contains(d->bytes, d->len, outside.ip, 4));
}

static inline bool relay_carry(relay_rig *r, relay_end *e)
{
    so_datagram d;
    bool any = false;

    while (so_peer_transmit(e->peer, sim_now(), &d)) {
        so_address src;

        any = true;
        relay_look(e, &d);
        if (d.stream != 0) {
            assert_int_equal(d.stream, e->stream_number);
            relay_launch(r, &e->stream, &r->server, true, d.bytes, d.len);
            continue;
        }
        assert_true(so_address_equal(&d.local, &e->base)); /* a socket of this end, never a relayed address */
        assert_true(d.len <= 1200 + SO_TURN_OVERHEAD);
        if (so_address_equal(&d.remote, &r->server))
            e->to_server++;
        else
            e->elsewhere++;
        assert_true(!e->relay_only || e->elsewhere == 0);
        if (d.remote.ip[0] == 192)
            continue; /* another home's address leads nowhere */
        src = sim_nat_out(&e->nat, sim_now(), &d.local, &d.remote);
        relay_launch(r, &src, &d.remote, false, d.bytes, d.len);
    }
    return any;
}

static inline void relay_candidate(relay_rig *r, unsigned from, const so_peer_event *event)
{
    relay_end *e = &r->ends[from], *other = &r->ends[1 - from];

    if (event->candidate[0] != '\0') {
        e->candidates++;
        (void)snprintf(e->last_candidate, sizeof e->last_candidate, "%s", event->candidate);
    }
    if (e->relay_only && event->candidate[0] != '\0') {
        assert_non_null(strstr(event->candidate, " 203.0.113.9 "));
        assert_non_null(strstr(event->candidate, " typ relay raddr 0.0.0.0 rport 9"));
    }
    assert_int_equal(so_peer_add_candidate(other->peer, sim_now(), event->candidate, event->ufrag), SO_OK);
}

static inline bool relay_events(relay_rig *r, unsigned from)
{
    relay_end *e = &r->ends[from];
    so_peer_event event;
    bool any = false;

    while (so_peer_event_next(e->peer, sim_now(), &event)) {
        any = true;
        e->opened |= so_peer_state_of(e->peer) == SO_PEER_OPEN;
        if (event.kind == SO_PEER_CANDIDATE)
            relay_candidate(r, from, &event);
        if (event.kind == SO_PEER_FRAME) {
            assert_true(e->opened && event.frame.len == RELAY_FRAME);
            assert_true(relay_contains(event.frame.bytes, event.frame.len, RELAY_MARK, strlen(RELAY_MARK)));
            e->frames++;
        }
        if (event.kind == SO_PEER_RELAY_FAILED) {
            e->failures++;
            (void)snprintf(e->relay_code, sizeof e->relay_code, "%s", event.relay_code);
        }
    }
    return any;
}

static inline void relay_settle(relay_rig *r)
{
    for (unsigned turns = 0, any = 1; any != 0; turns++) {
        assert_true(turns < 2000);
        any = 0;
        for (unsigned i = 0; i < 2; i++) {
            any |= relay_carry(r, &r->ends[i]);
            any |= relay_events(r, i);
        }
    }
}

/* ---- what arrives ---- */

static inline void relay_answer_binding(relay_rig *r, const relay_packet *p, const so_stun_message *m)
{
    uint8_t bytes[200];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, m->id);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &p->src);
    assert_int_equal(so_stun_end(&w, NULL, true), SO_OK);
    relay_launch(r, &r->server, &p->src, false, bytes, so_writer_len(&w));
}

static inline void relay_to_end(relay_rig *r, unsigned to, relay_packet *p, const so_address *local)
{
    relay_end *e = &r->ends[to];

    if (r->tap != NULL && !r->tap(r, to, p->bytes, &p->len))
        return;
    if (!p->stream) {
        so_peer_receive(e->peer, sim_now(), local, &p->src, p->bytes, p->len);
        relay_settle(r);
        return;
    }
    for (size_t at = 0; at < p->len;) {
        size_t piece = 1 + sim_dice((unsigned)(p->len - at));
        size_t until = at + piece;

        while (at < until) {
            size_t taken = so_peer_stream_receive(e->peer, sim_now(), e->stream_number, p->bytes + at, until - at);

            assert_true(taken > 0);
            at += taken;
            relay_settle(r);
        }
    }
}

static inline void relay_arrive(relay_rig *r, relay_packet *p)
{
    so_stun_message m;
    so_address local;

    if (so_address_equal(&p->dst, &r->server)) {
        if (so_stun_parse(&m, p->bytes, p->len) == SO_OK && m.method == SO_STUN_BINDING)
            relay_answer_binding(r, p, &m);
        else
            sim_turn_from_client(&r->turn, sim_now(), &p->src, p->bytes, p->len);
        return;
    }
    if (so_address_same_ip(&p->dst, &r->turn.relay)) {
        sim_turn_from_peer(&r->turn, sim_now(), &p->dst, &p->src, p->bytes, p->len);
        return;
    }
    for (unsigned i = 0; i < 2; i++) {
        relay_end *e = &r->ends[i];

        if (p->stream && so_address_equal(&p->dst, &e->stream))
            relay_to_end(r, i, p, &e->base);
        else if (!p->stream && so_address_same_ip(&p->dst, &e->nat.outside) &&
                 sim_nat_in(&e->nat, sim_now(), &p->src, &p->dst, &local))
            relay_to_end(r, i, p, &local);
    }
}

static inline unsigned relay_first(const relay_rig *r)
{
    unsigned first = 0;

    for (unsigned i = 1; i < r->count; i++)
        if (r->flight[i]->at < r->flight[first]->at ||
            (r->flight[i]->at == r->flight[first]->at && r->flight[i]->order < r->flight[first]->order))
            first = i;
    return first;
}

static inline void relay_run(relay_rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    for (unsigned steps = 0;; steps++) {
        so_msec at = until;

        relay_settle(r);
        assert_true(steps < 200000);
        for (unsigned i = 0; i < 2; i++) {
            so_msec due = so_peer_deadline(r->ends[i].peer, sim_now());

            at = due < at ? due : at;
        }
        if (r->count > 0 && r->flight[relay_first(r)]->at < at)
            at = r->flight[relay_first(r)]->at;
        if (at > sim_now())
            sim_set(at);
        if (at >= until)
            break;
        while (r->count > 0 && r->flight[relay_first(r)]->at <= sim_now()) {
            unsigned first = relay_first(r);
            relay_packet *p = r->flight[first];

            r->flight[first] = r->flight[--r->count];
            relay_arrive(r, p);
            free(p);
        }
        so_peer_tick(r->ends[0].peer, sim_now());
        so_peer_tick(r->ends[1].peer, sim_now());
    }
}

/* ---- calls ---- */

static inline void relay_negotiate(relay_rig *r, unsigned offerer)
{
    static char sdp[SO_PEER_SDP_MAX];
    so_peer *from = r->ends[offerer].peer, *to = r->ends[1 - offerer].peer;
    so_sdp_taken taken;
    so_error err;

    assert_int_equal(so_peer_offer(from, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    assert_true(!r->ends[offerer].relay_only || strstr(sdp, "192.168.") == NULL);
    assert_int_equal(so_peer_take(to, sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err), SO_OK);
    assert_int_equal(so_peer_answer(to, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    assert_true(!r->ends[1 - offerer].relay_only || strstr(sdp, "192.168.") == NULL);
    assert_int_equal(so_peer_take(from, sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err), SO_OK);
}

static inline bool relay_is_open(const relay_rig *r)
{
    return so_peer_state_of(r->ends[0].peer) == SO_PEER_OPEN && so_peer_state_of(r->ends[1].peer) == SO_PEER_OPEN;
}

static inline bool relay_opens(relay_rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    while (!relay_is_open(r) && sim_now() < until)
        relay_run(r, 100);
    return relay_is_open(r);
}

static inline so_status relay_send(relay_rig *r, unsigned from)
{
    uint8_t bytes[RELAY_FRAME] = {0xf8};
    so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = r->numbers++ * 960};

    memcpy(bytes + 1, RELAY_MARK, strlen(RELAY_MARK));
    return so_peer_send(r->ends[from].peer, sim_now(), r->ends[from].track, &frame);
}

/* Both talk; how many of each hundred frames have arrived at least. */
static inline void relay_talk(relay_rig *r, unsigned least)
{
    unsigned before[2] = {r->ends[0].frames, r->ends[1].frames};

    for (unsigned i = 0; i < 100; i++) {
        for (unsigned from = 0; from < 2; from++)
            assert_int_equal(relay_send(r, from), SO_OK);
        relay_run(r, 20);
    }
    relay_run(r, 300);
    for (unsigned i = 0; i < 2; i++)
        assert_in_range(r->ends[i].frames - before[i], least, 100);
}

#endif
