#include "cli/rehearse_calls.h"

#include "base/text.h"
#include "peer/demux.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 65600
#define TURNS_MAX 5000
#define FRAMES 10

bool calls_begin(calls *c, const so_invite *invite)
{
    memset(c, 0, sizeof *c);
    c->now = 1;
    if (so_engine_open(&c->engine, NULL) != SO_OK)
        return false;
    if (invite != NULL)
        c->invite = *invite;
    else if (so_invite_make(&c->invite, &so_random_system) != SO_OK)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(c->ends[i].id, sizeof c->ends[i].id, "member%uAAAA", i);
        if (so_address_parse(&c->ends[i].base, i == 0 ? "192.0.2.1" : "192.0.2.2", 5000) != SO_OK)
            return false;
    }
    return true;
}

void calls_end_all(calls *c)
{
    so_call_free(c->ends[0].call);
    so_call_free(c->ends[1].call);
    so_engine_close(&c->engine);
    so_invite_wipe(&c->invite);
}

/* ---- the server ---- */

static void say(calls *c, unsigned to, const so_writer *w)
{
    c->broken = c->broken || w->failed;
    if (!c->broken && c->ends[to].call != NULL)
        so_call_receive_text(c->ends[to].call, c->now, (const char *)w->start, so_writer_len(w));
}

void calls_tell(calls *c, unsigned to, const uint8_t *payload, size_t len)
{
    char *text = malloc(SO_BASE64URL_LEN(len) + 1);
    uint8_t *bytes = malloc(TEXT_MAX);
    so_writer w = so_writer_of(bytes, TEXT_MAX);

    if (text == NULL || bytes == NULL) {
        c->broken = true;
    } else {
        so_base64url(text, payload, len);
        so_signal_write_envelope(&w, c->ends[1 - to].id, c->ends[to].id, text, strlen(text));
        say(c, to, &w);
    }
    free(text);
    free(bytes);
}

static void take_envelope(calls *c, unsigned from, const so_signal_message *m)
{
    uint8_t payload[CALLS_PAYLOAD];
    size_t len;

    if (so_base64url_decode(payload, sizeof payload, &len, m->payload, m->payload_len) != SO_OK)
        c->broken = true;
    else if (c->ends[1 - from].joined && (c->meddle == NULL || c->meddle(c, from, payload, &len)))
        calls_tell(c, 1 - from, payload, len);
}

static void take_join(calls *c, unsigned from)
{
    uint8_t bytes[2048];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    const so_signal_welcome welcome = {.id = c->ends[from].id,
                                       .resume = "resumeAAAAAAAAAAAAAAAA",
                                       .other = c->ends[1 - from].joined ? c->ends[1 - from].id : NULL,
                                       .ice = "[]",
                                       .tls_version = "TLSv1.3",
                                       .tls_cipher = "TLS_AES_128_GCM_SHA256",
                                       .tls_group = "x25519",
                                       .message_limit = 65536,
                                       .rate_limit = 50};

    c->ends[from].joined = true;
    if (c->ends[1 - from].joined) {
        so_signal_write_joined(&w, c->ends[from].id, false);
        say(c, 1 - from, &w);
        w = so_writer_of(bytes, sizeof bytes);
    }
    so_signal_write_welcome(&w, &welcome);
    say(c, from, &w);
}

static void take_text(calls *c, unsigned from, const char *text, size_t len)
{
    uint8_t bytes[200];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_signal_message m;

    if (so_signal_parse(&m, text, len, NULL) != SO_OK) {
        c->broken = true;
        return;
    }
    if (m.kind == SO_SIGNAL_JOIN) {
        take_join(c, from);
    } else if (m.kind == SO_SIGNAL_ENVELOPE) {
        take_envelope(c, from, &m);
    } else {
        c->ends[from].joined = false;
        so_signal_write_left(&w, c->ends[from].id, "bye");
        say(c, 1 - from, &w);
    }
    so_signal_message_free(&m);
}

/* ---- driving ---- */

void calls_connect(calls *c, unsigned i)
{
    const so_call_signaling signaling = {"TLSv1.3", "TLS_AES_128_GCM_SHA256", "x25519", NULL};
    const so_call_config config = {.engine = &c->engine,
                                   .random = so_random_system,
                                   .invite = &c->invite,
                                   .now = c->now,
                                   .unix_ms = (uint64_t)time(NULL) * 1000,
                                   .sound = {true, true}};

    if (so_call_new(&c->ends[i].call, &config, NULL) != SO_OK ||
        so_call_add_base(c->ends[i].call, c->now, &c->ends[i].base) != SO_OK) {
        c->broken = true;
        return;
    }
    so_call_connected(c->ends[i].call, c->now, &signaling);
}

static bool drain_texts(calls *c, unsigned i)
{
    const char *text;
    size_t len;
    bool any = false;

    while (so_call_text(c->ends[i].call, &text, &len)) {
        char *copy = malloc(len + 1); /* what it comes to may make the call say more */

        any = true;
        if (copy == NULL) {
            c->broken = true;
            break;
        }
        memcpy(copy, text, len);
        take_text(c, i, copy, len);
        free(copy);
    }
    return any;
}

static bool drain(calls *c, unsigned i)
{
    calls_end *e = &c->ends[i], *other = &c->ends[1 - i];
    bool any = drain_texts(c, i);
    so_call_event event;
    so_datagram out;
    uint8_t bytes[2048];

    while (so_call_transmit(e->call, c->now, &out)) {
        so_demux kind = so_demux_of(out.bytes, out.len);

        any = true;
        e->datagrams++;
        e->media += kind == SO_DEMUX_RTP || kind == SO_DEMUX_RTCP;
        if (other->call == NULL || out.len > sizeof bytes || !so_address_equal(&out.remote, &other->base))
            continue;
        memcpy(bytes, out.bytes, out.len);
        so_call_receive(other->call, c->now, &other->base, &e->base, bytes, out.len);
    }
    while (so_call_event_next(e->call, c->now, &event)) {
        any = true;
        e->frames += event.kind == SO_CALL_FRAME;
    }
    e->opened |= so_call_state_of(e->call) == SO_CALL_OPEN;
    return any;
}

static void settle(calls *c)
{
    bool any = true;

    for (int turn = 0; any && !c->broken; turn++) {
        any = false;
        for (unsigned i = 0; i < 2; i++)
            any = (c->ends[i].call != NULL && drain(c, i)) || any;
        c->broken = c->broken || turn > TURNS_MAX;
    }
}

void calls_run(calls *c, so_msec ms)
{
    so_msec until = c->now + ms;

    for (int turn = 0; turn < TURNS_MAX; turn++) {
        so_msec at = until;

        settle(c);
        for (unsigned i = 0; i < 2; i++) {
            so_msec due = c->ends[i].call == NULL ? UINT64_MAX : so_call_deadline(c->ends[i].call, c->now);

            at = due < at ? due : at;
        }
        if (at >= until)
            break;
        c->now = at > c->now ? at : c->now + 1;
        for (unsigned i = 0; i < 2; i++)
            if (c->ends[i].call != NULL)
                so_call_tick(c->ends[i].call, c->now);
    }
    c->now = until > c->now ? until : c->now;
    settle(c);
}

bool calls_hear_each_other(calls *c)
{
    static const uint8_t bytes[40] = {0xf8}; /* one Opus frame of 20 ms */

    for (unsigned i = 0; i < 2; i++) {
        unsigned before = c->ends[1 - i].frames;

        for (int k = 0; k < FRAMES; k++) {
            const so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = (uint32_t)c->now * 48};

            if (so_call_send(c->ends[i].call, c->now, SO_SDP_AUDIO, &frame) != SO_OK)
                return false;
            calls_run(c, 20);
        }
        calls_run(c, 200);
        if (c->ends[1 - i].frames != before + FRAMES)
            return false;
    }
    return true;
}
