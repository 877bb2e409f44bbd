/*
 * Two calls by invitation and the server between them, which may do what it likes to what they say. In the place of
 * either may sit somebody else: without the link (attack 21), or with it and without manners (attack 18).
 */
#ifndef SOTTO_TESTS_ATTACK_NATIVE_CALL_H
#define SOTTO_TESTS_ATTACK_NATIVE_CALL_H

#include "unit.h"

#include "base/text.h"
#include "call/call.h"
#include "clock.h"
#include "peer/demux.h"
#include "signal/message.h"
#include "trust/seal.h"

#include <stdlib.h>

#define ROOM_PAYLOAD 20000
#define ROOM_TEXT 65600

typedef struct room room;

typedef struct room_end {
    so_call *call; /* NULL: somebody else sits there, who hears by room.hear */
    char id[SO_MEMBER_ID_LEN + 1];
    so_address base;
    bool joined, opened;
    unsigned frames;
    uint64_t sent[5]; /* datagrams, by so_demux */
    char texts[8192]; /* the beginning of all that it said to the server */
    size_t texts_len;
    unsigned envelopes;
} room_end;

struct room {
    so_engine engine;
    so_invite invite;
    room_end ends[2];
    /* What the server does to a payload; false: it does not arrive as such. May change it. */
    bool (*meddle)(room *r, unsigned from, uint8_t *payload, size_t *len);
    void (*hear)(room *r, unsigned to, const uint8_t *payload, size_t len);
    /* The datagram of an end to an address where no call listens. */
    void (*catch)(room *r, unsigned from, const so_datagram *datagram);
    void *user;
};

static inline void room_begin(room *r, uint64_t seed)
{
    so_random random;
    so_error err;

    sim_begin(seed);
    random = sim_random();
    memset(r, 0, sizeof *r);
    assert_int_equal(so_engine_open(&r->engine, &err), SO_OK);
    assert_int_equal(so_invite_make(&r->invite, &random), SO_OK);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(r->ends[i].id, sizeof r->ends[i].id, "member%uAAAA", i);
        assert_int_equal(so_address_parse(&r->ends[i].base, i == 0 ? "10.9.8.1" : "10.9.8.2", 5000), SO_OK);
    }
}

static inline void room_end_all(room *r)
{
    so_call_free(r->ends[0].call);
    so_call_free(r->ends[1].call);
    so_engine_close(&r->engine);
    so_invite_wipe(&r->invite);
    sim_end();
}

static inline uint64_t room_media(const room_end *e)
{
    return e->sent[SO_DEMUX_RTP] + e->sent[SO_DEMUX_RTCP];
}

static inline uint64_t room_sent(const room_end *e)
{
    return e->sent[SO_DEMUX_NONE] + e->sent[SO_DEMUX_STUN] + e->sent[SO_DEMUX_DTLS] + room_media(e);
}

/* ---- the server ---- */

static inline void room_say(room *r, unsigned to, const so_writer *w)
{
    assert_false(w->failed);
    if (r->ends[to].call != NULL)
        so_call_receive_text(r->ends[to].call, sim_now(), (const char *)w->start, so_writer_len(w));
}

/* A payload arrives at an end, as if the other one had sent it. */
static inline void room_tell(room *r, unsigned to, const uint8_t *payload, size_t len)
{
    static char text[ROOM_PAYLOAD * 2];
    static uint8_t bytes[ROOM_TEXT];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    if (r->ends[to].call == NULL) {
        if (r->hear != NULL)
            r->hear(r, to, payload, len);
        return;
    }
    so_base64url(text, payload, len);
    so_signal_write_envelope(&w, r->ends[1 - to].id, r->ends[to].id, text, strlen(text));
    room_say(r, to, &w);
}

static inline void room_take_envelope(room *r, unsigned from, const so_signal_message *m)
{
    static uint8_t payload[ROOM_PAYLOAD];
    uint8_t copy[ROOM_PAYLOAD];
    size_t len;

    r->ends[from].envelopes++;
    assert_int_equal(so_base64url_decode(payload, sizeof payload, &len, m->payload, m->payload_len), SO_OK);
    memcpy(copy, payload, len);
    if (r->ends[1 - from].joined && (r->meddle == NULL || r->meddle(r, from, copy, &len)))
        room_tell(r, 1 - from, copy, len);
}

/* A seat is taken: by a call that said so, or by somebody else. */
static inline void room_join(room *r, unsigned from)
{
    uint8_t bytes[2048];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_signal_welcome welcome = {.id = r->ends[from].id,
                                 .resume = "resumeAAAAAAAAAAAAAAAA",
                                 .other = r->ends[1 - from].joined ? r->ends[1 - from].id : NULL,
                                 .ice = "[]",
                                 .tls_version = "TLSv1.3",
                                 .tls_cipher = "TLS_AES_128_GCM_SHA256",
                                 .tls_group = "x25519",
                                 .message_limit = 65536,
                                 .rate_limit = 50};

    r->ends[from].joined = true;
    if (r->ends[1 - from].joined) {
        so_signal_write_joined(&w, r->ends[from].id, false);
        room_say(r, 1 - from, &w);
        w = so_writer_of(bytes, sizeof bytes);
    }
    so_signal_write_welcome(&w, &welcome);
    room_say(r, from, &w);
}

static inline void room_take(room *r, unsigned from, const char *text, size_t len)
{
    uint8_t bytes[200];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    room_end *e = &r->ends[from];
    so_signal_message m;

    if (e->texts_len + len < sizeof e->texts) {
        memcpy(e->texts + e->texts_len, text, len);
        e->texts_len += len;
    }
    assert_int_equal(so_signal_parse(&m, text, len, NULL), SO_OK);
    if (m.kind == SO_SIGNAL_JOIN) {
        room_join(r, from);
    } else if (m.kind == SO_SIGNAL_ENVELOPE) {
        room_take_envelope(r, from, &m);
    } else {
        assert_int_equal(m.kind, SO_SIGNAL_BYE);
        e->joined = false;
        so_signal_write_left(&w, e->id, "bye");
        room_say(r, 1 - from, &w);
    }
    so_signal_message_free(&m);
}

/* ---- driving ---- */

static inline void room_connect(room *r, unsigned i)
{
    const so_call_signaling signaling = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", NULL};
    const so_call_config config = {.engine = &r->engine,
                                   .random = sim_random(),
                                   .invite = &r->invite,
                                   .now = sim_now(),
                                   .unix_ms = (uint64_t)SIM_EPOCH * 1000 + sim_now(),
                                   .sound = {true, true}};
    so_error err;

    assert_int_equal(so_call_new(&r->ends[i].call, &config, &err), SO_OK);
    assert_int_equal(so_call_add_base(r->ends[i].call, sim_now(), &r->ends[i].base), SO_OK);
    so_call_connected(r->ends[i].call, sim_now(), &signaling);
}

/* A frame, where the call takes one. */
static inline so_status room_send(room *r, unsigned i)
{
    static const uint8_t bytes[40] = {0xf8};
    const so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = (uint32_t)sim_now() * 48};

    return so_call_send(r->ends[i].call, sim_now(), SO_SDP_AUDIO, &frame);
}

static inline bool room_drain(room *r, unsigned i)
{
    static char copy[ROOM_TEXT];
    room_end *e = &r->ends[i], *other = &r->ends[1 - i];
    so_call_event event;
    so_datagram out;
    const char *text;
    uint8_t bytes[2048];
    size_t len;
    bool any = false;

    while (so_call_text(e->call, &text, &len)) {
        any = true;
        assert_true(len < sizeof copy);
        memcpy(copy, text, len);
        room_take(r, i, copy, len);
    }
    while (so_call_transmit(e->call, sim_now(), &out)) {
        so_demux kind = so_demux_of(out.bytes, out.len);

        any = true;
        e->sent[kind]++;
        assert_int_not_equal(kind, SO_DEMUX_NONE);
        assert_true(e->opened || room_media(e) == 0);
        memcpy(bytes, out.bytes, out.len);
        if (other->call != NULL && so_address_equal(&out.remote, &other->base))
            so_call_receive(other->call, sim_now(), &other->base, &e->base, bytes, out.len);
        else if (r->catch != NULL)
            r->catch (r, i, &out);
    }
    while (so_call_event_next(e->call, sim_now(), &event)) {
        any = true;
        e->opened |= so_call_state_of(e->call) == SO_CALL_OPEN;
        e->frames += event.kind == SO_CALL_FRAME;
    }
    e->opened |= so_call_state_of(e->call) == SO_CALL_OPEN;
    return any;
}

static inline void room_settle(room *r)
{
    bool any = true;

    for (int i = 0; any; i++) {
        any = false;
        assert_true(i < 2000);
        for (unsigned e = 0; e < 2; e++)
            any = (r->ends[e].call != NULL && room_drain(r, e)) || any;
    }
}

static inline void room_run(room *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    for (;;) {
        so_msec at = until;

        room_settle(r);
        for (int i = 0; i < 2; i++) {
            so_msec due = r->ends[i].call == NULL ? UINT64_MAX : so_call_deadline(r->ends[i].call, sim_now());

            at = due < at ? due : at;
        }
        if (at >= until)
            break;
        sim_set(at > sim_now() ? at : sim_now());
        for (int i = 0; i < 2; i++)
            if (r->ends[i].call != NULL)
                so_call_tick(r->ends[i].call, sim_now());
    }
    sim_set(until);
    room_settle(r);
}

/* ---- what must be so ---- */

static inline void assert_call_failed(room *r, unsigned i, so_door door, const char *code)
{
    const so_report *report = so_call_report(r->ends[i].call, sim_now());

    assert_int_equal(so_call_state_of(r->ends[i].call), SO_CALL_FAILED);
    assert_string_equal(so_call_reason(r->ends[i].call), code);
    assert_int_equal(so_report_verdict(report), SO_VERDICT_FAILED);
    assert_int_equal(report->failed_door, door);
    assert_true(strlen(report->why.text) > 20);
    assert_int_equal(room_send(r, i), SO_STATE);
}

static inline void assert_call_is_silent(room *r, unsigned i)
{
    assert_false(r->ends[i].opened);
    assert_int_equal(room_media(&r->ends[i]), 0);
    assert_int_equal(r->ends[i].frames, 0);
}

#endif
