/*
 * Two calls by invitation, from join to farewell, in which the nth of Sotto's own allocations fails, for each n: a call
 * that goes on, or one that says that it failed; none that is open without its checks, and nothing that leaks.
 */
#include "unit.h"

#include "call/call.h"
#include "clock.h"
#include "heap.h"
#include "peer/demux.h"
#include "signal/message.h"

#include <stdlib.h>

#define TEXT_MAX 65600

typedef struct end {
    so_call *call;
    so_address base;
    const char *id;
    bool joined;
    unsigned frames;
    bool alarm;
} end;

typedef struct rig {
    so_engine engine;
    bool has_engine;
    so_invite invite;
    end ends[2];
} rig;

/* Both ends introduce themselves, and each knows the other and expects it. */
static so_pkey *identities[2];
static so_known known[2];

static int make_people(void **state)
{
    so_error err;
    char key[SO_THUMBPRINT_LEN + 1];

    (void)state;
    heap_paused = true;
    for (unsigned i = 0; i < 2; i++)
        if (so_pkey_make(&identities[i], &err) != SO_OK || so_thumbprint(key, identities[i]) != SO_OK ||
            so_known_pin(&known[1 - i], "Other", key, SIM_EPOCH, &err) != SO_OK)
            return 1;
    heap_paused = false;
    return 0;
}

static int free_people(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        so_pkey_free(identities[i]);
        so_known_free(&known[i]);
    }
    return 0;
}

/* ---- the server: its own memory never fails ---- */

static void say(rig *r, unsigned to, const so_writer *w)
{
    static char copy[TEXT_MAX];
    size_t len = so_writer_len(w);

    memcpy(copy, w->start, len);
    heap_paused = false;
    so_call_receive_text(r->ends[to].call, sim_now(), copy, len);
    heap_paused = true;
}

static void join(rig *r, unsigned from)
{
    uint8_t bytes[2048];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    end *e = &r->ends[from], *other = &r->ends[1 - from];

    e->joined = true;
    so_signal_write_welcome(&w, &(so_signal_welcome){.id = e->id,
                                                     .resume = "resumeAAAAAAAAAAAAAAAA",
                                                     .other = other->joined ? other->id : NULL,
                                                     .ice = "[{\"urls\":[\"stun:stun.example:3478\"]}]",
                                                     .tls_version = "TLSv1.3",
                                                     .tls_cipher = "TLS_AES_128_GCM_SHA256",
                                                     .tls_group = "x25519",
                                                     .message_limit = 65536,
                                                     .rate_limit = 50});
    say(r, from, &w);
    if (!other->joined)
        return;
    w = so_writer_of(bytes, sizeof bytes);
    so_signal_write_joined(&w, e->id, false);
    say(r, 1 - from, &w);
}

static void serve(rig *r, unsigned from, const char *text, size_t len)
{
    static uint8_t bytes[TEXT_MAX];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    end *e = &r->ends[from], *other = &r->ends[1 - from];
    so_signal_message m;

    heap_paused = true;
    assert_int_equal(so_signal_parse(&m, text, len, NULL), SO_OK);
    if (m.kind == SO_SIGNAL_JOIN) {
        join(r, from);
    } else if (m.kind == SO_SIGNAL_ENVELOPE && other->joined) {
        so_signal_write_envelope(&w, e->id, other->id, m.payload, m.payload_len);
        say(r, 1 - from, &w);
    } else if (m.kind == SO_SIGNAL_BYE) {
        e->joined = false;
        so_signal_write_left(&w, e->id, "bye");
        if (other->joined)
            say(r, 1 - from, &w);
    }
    so_signal_message_free(&m);
    heap_paused = false;
}

/* ---- the ends ---- */

/* Nothing of media leaves before the certificate is the promised one, whatever has failed. */
static bool has_checked(const end *e)
{
    const so_peer *peer = so_call_peer(e->call);
    so_peer_facts facts;

    if (peer == NULL)
        return false;
    so_peer_facts_of(peer, &facts);
    return facts.seen.hash != SO_HASH_NONE && so_fingerprint_equal(&facts.seen, &facts.signaled);
}

static bool drain(rig *r, unsigned from)
{
    static char copy[TEXT_MAX];
    end *e = &r->ends[from], *other = &r->ends[1 - from];
    so_call_event event;
    so_datagram out;
    uint8_t bytes[2048];
    const char *text;
    size_t len;
    bool any = false;

    while (so_call_text(e->call, &text, &len)) {
        any = true;
        memcpy(copy, text, len);
        serve(r, from, copy, len);
    }
    while (so_call_transmit(e->call, sim_now(), &out)) {
        so_demux kind = so_demux_of(out.bytes, out.len);

        any = true;
        if (kind == SO_DEMUX_RTP || kind == SO_DEMUX_RTCP)
            assert_true(has_checked(e));
        memcpy(bytes, out.bytes, out.len);
        if (so_address_equal(&out.remote, &other->base) && other->call != NULL)
            so_call_receive(other->call, sim_now(), &other->base, &e->base, bytes, out.len);
    }
    while (so_call_event_next(e->call, sim_now(), &event)) {
        any = true;
        e->frames += event.kind == SO_CALL_FRAME;
        if (event.kind == SO_CALL_STATE && so_call_state_of(e->call) == SO_CALL_OPEN)
            assert_true(has_checked(e) && so_call_person(e->call)->admitted);
        /* Whoever does not get to hear who it is may not be let in; a person then hangs up. */
        if (event.kind == SO_CALL_PERSON && so_call_person(e->call)->alarm)
            e->alarm = true;
    }
    return any;
}

static void run_for(rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    for (;;) {
        so_msec at = until;
        bool any = true;

        for (unsigned turns = 0; any; turns++) {
            assert_true(turns < 2000);
            any = drain(r, 0);
            any = drain(r, 1) || any;
        }
        for (unsigned i = 0; i < 2; i++) {
            so_msec due = so_call_deadline(r->ends[i].call, sim_now());

            at = due < at ? due : at;
        }
        if (at >= until)
            break;
        sim_set(at > sim_now() ? at : sim_now() + 1);
        so_call_tick(r->ends[0].call, sim_now());
        so_call_tick(r->ends[1].call, sim_now());
    }
    sim_set(until);
}

static bool begin(rig *r)
{
    static const so_call_signaling signaling = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", NULL};
    so_random random = sim_random();
    so_error err;

    memset(r, 0, sizeof *r);
    assert_int_equal(so_invite_make(&r->invite, &random), SO_OK);
    r->has_engine = so_engine_open(&r->engine, &err) == SO_OK;
    for (unsigned i = 0; r->has_engine && i < 2; i++) {
        so_call_config config = {.engine = &r->engine,
                                 .random = random,
                                 .invite = &r->invite,
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000 + sim_now(),
                                 .sound = {true, true},
                                 .identity = identities[i],
                                 .known = &known[i],
                                 .expect = "Other"};
        end *e = &r->ends[i];

        e->id = i == 0 ? "member0AAAA" : "member1AAAA";
        assert_int_equal(so_address_parse(&e->base, i == 0 ? "10.0.0.1" : "10.0.0.2", 5000), SO_OK);
        if (so_call_new(&e->call, &config, &err) != SO_OK || so_call_add_base(e->call, sim_now(), &e->base) != SO_OK)
            return false;
    }
    for (unsigned i = 0; r->has_engine && i < 2; i++)
        so_call_connected(r->ends[i].call, sim_now(), &signaling);
    return r->has_engine;
}

static void finish(rig *r)
{
    for (unsigned i = 0; i < 2; i++)
        so_call_free(r->ends[i].call);
    if (r->has_engine)
        so_engine_close(&r->engine);
    so_invite_wipe(&r->invite);
}

static so_status talk(rig *r, unsigned from, uint32_t number)
{
    static const uint8_t sound[80] = {0xf8};
    so_peer_frame frame = {.bytes = sound, .len = sizeof sound, .time = number * 960};

    return so_call_send(r->ends[from].call, sim_now(), SO_SDP_AUDIO, &frame);
}

typedef struct outcome {
    bool open;    /* both heard each other */
    bool settled; /* every end is in a call, or over, or alone */
    bool told;    /* where it did not come to that: a function or an end said that something failed */
} outcome;

/* A call with a resume in the middle, since that makes a new epoch; reports are asked for all the while. */
static outcome call(void)
{
    static const so_call_signaling signaling = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", NULL};
    static rig r;
    outcome o = {false, true, true};

    if (!begin(&r)) {
        finish(&r);
        return o;
    }
    run_for(&r, 2000);
    so_call_disconnected(r.ends[0].call, sim_now(), "server-unreachable");
    r.ends[0].joined = false;
    so_call_connected(r.ends[0].call, sim_now(), &signaling);
    run_for(&r, 2000);
    for (uint32_t n = 0; n < 10; n++) {
        (void)talk(&r, 0, n);
        (void)talk(&r, 1, n);
        run_for(&r, 20);
    }
    (void)so_call_report(r.ends[0].call, sim_now());
    o.open = r.ends[0].frames >= 9 && r.ends[1].frames >= 9;
    if (!o.open)
        run_for(&r, 60000);
    for (unsigned i = 0; i < 2; i++)
        if (r.ends[i].alarm)
            so_call_decide(r.ends[i].call, sim_now(), false);
    o.told = o.open || so_call_state_of(r.ends[0].call) == SO_CALL_FAILED ||
             so_call_state_of(r.ends[1].call) == SO_CALL_FAILED;
    for (unsigned i = 0; i < 2; i++)
        o.settled = o.settled && so_call_state_of(r.ends[i].call) != SO_CALL_CONNECTING;
    so_call_hang_up(r.ends[0].call, sim_now());
    run_for(&r, 100);
    finish(&r);
    return o;
}

static void each_allocation_may_fail(void **state)
{
    unsigned long whole;
    unsigned opened = 0;
    outcome o;

    (void)state;
    sim_begin(1);
    heap_own = heap_fail_at = 0;
    o = call();
    whole = heap_own;
    assert_true(o.open && whole > 60);
    for (unsigned long n = 1; n <= whole; n++) {
        long before = heap_live;

        sim_begin(1);
        heap_own = 0;
        heap_fail_at = n;
        o = call();
        if (heap_live != before)
            fail_msg("allocation %lu of %lu: %ld leaked", n, whole, heap_live - before);
        if (!o.settled)
            fail_msg("allocation %lu of %lu: an end waits for good", n, whole);
        if (!o.told)
            fail_msg("allocation %lu of %lu: no call, and nobody says why", n, whole);
        opened += o.open;
    }
    heap_fail_at = 0;
    print_message("# %lu allocations, %u of them may fail unnoticed\n", whole, opened);
    sim_end();
}

static void a_packet_in_mid_call_allocates_nothing(void **state)
{
    static rig r;
    unsigned heard[2];

    (void)state;
    sim_begin(2);
    heap_fail_at = 0;
    assert_true(begin(&r));
    run_for(&r, 3000);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(so_call_state_of(r.ends[i].call), SO_CALL_OPEN);
    for (uint32_t n = 0; n < 100; n++) {
        assert_int_equal(talk(&r, 0, n), SO_OK);
        assert_int_equal(talk(&r, 1, n), SO_OK);
        run_for(&r, 20);
    }
    for (unsigned i = 0; i < 2; i++)
        heard[i] = r.ends[i].frames;
    heap_own = heap_everybody = 0;
    for (uint32_t n = 100; n < 1100; n++) {
        heap_counting = true;
        assert_int_equal(talk(&r, 0, n), SO_OK);
        assert_int_equal(talk(&r, 1, n), SO_OK);
        while (drain(&r, 0) || drain(&r, 1))
            ;
        heap_counting = false;
        run_for(&r, 20);
    }
    /* Of Sotto's own there are none in all these twenty seconds, with their reports and checks of consent. */
    assert_int_equal(heap_own, 0);
    assert_int_equal(heap_everybody, 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(r.ends[i].frames - heard[i], 1000);
    finish(&r);
    sim_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(a_packet_in_mid_call_allocates_nothing),
    };

    return cmocka_run_group_tests_name("calls hold where memory does not", tests, make_people, free_people);
}
