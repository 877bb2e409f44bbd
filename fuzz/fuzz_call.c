/*
 * call: a call whose server and whose other end say what they like. Both know everything there is to know: texts of the
 * server, and payloads that are sealed with the link's own keys. There is no handshake here, so it is never open;
 * nothing of media goes out; and no datagram before both have said their state.
 */
#include "base/text.h"
#include "call/call.h"
#include "clock.h"
#include "peer/demux.h"
#include "signal/message.h"
#include "trust/seal.h"

#include <stdlib.h>
#include <string.h>

#define OTHER "otherAAAAAA"
#define PAYLOAD 8192

typedef struct rig {
    so_call *call;
    so_seal seal; /* of the other end */
    so_address base;
    bool said;            /* a state of the other end */
    uint8_t offer[65536]; /* the last one that it heard, to be answered */
    size_t offer_len;
    so_reader input;
} rig;

static so_engine engine;
static so_invite invite;

/* A description that is taken, for a start. */
static const char description[] =
    "v=0\\r\\no=- 1 1 IN IP4 0.0.0.0\\r\\ns=-\\r\\nt=0 0\\r\\na=group:BUNDLE 0\\r\\na=ice-options:trickle\\r\\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\\r\\nc=IN IP4 0.0.0.0\\r\\na=mid:0\\r\\na=sendrecv\\r\\na=rtcp-mux\\r\\n"
    "a=ice-ufrag:abcd\\r\\na=ice-pwd:0123456789abcdefghijkl\\r\\na=setup:active\\r\\na=fingerprint:sha-256 "
    "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F\\r\\n"
    "a=rtpmap:111 opus/48000/2\\r\\na=candidate:1 1 udp 2130706431 10.0.0.2 5000 typ host\\r\\n";

static void check(bool good)
{
    if (!good)
        abort();
}

static void tell(rig *r, const so_writer *w)
{
    if (!w->failed)
        so_call_receive_text(r->call, sim_now(), (const char *)w->start, so_writer_len(w));
}

static void tell_payload(rig *r, const uint8_t *payload, size_t len)
{
    static char text[2 * PAYLOAD];
    static uint8_t bytes[2 * PAYLOAD + 200];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    so_base64url(text, payload, len);
    so_signal_write_envelope(&w, OTHER, "selfAAAAAAA", text, strlen(text));
    tell(r, &w);
}

/* What the call says to the other end is heard, and hellos are answered. */
static void hear(rig *r, const char *text, size_t len)
{
    static uint8_t payload[65536], plain[65536];
    uint8_t hello[SO_HELLO_LEN];
    so_signal_message m;
    so_seal_kind kind;
    size_t n, plain_len;
    bool reply = false;

    check(so_signal_parse(&m, text, len, NULL) == SO_OK);
    if (m.kind == SO_SIGNAL_ENVELOPE) {
        check(so_base64url_decode(payload, sizeof payload, &n, m.payload, m.payload_len) == SO_OK);
        switch (so_seal_take(&r->seal, payload, n, &kind, plain, &plain_len, hello, &reply)) {
        case SO_SEAL_HELLO:
            if (reply)
                tell_payload(r, hello, sizeof hello);
            break;
        case SO_SEAL_OPENED:
            if (kind == SO_SEAL_OFFER)
                memcpy(r->offer, plain, r->offer_len = plain_len);
            break;
        default:
            break;
        }
    }
    so_signal_message_free(&m);
}

static void drain(rig *r)
{
    static char copy[70000];
    so_call_event event;
    so_datagram out;
    const char *text;
    size_t len;

    for (int turn = 0, more = 1; more; turn++) {
        check(turn < 2000);
        more = 0;
        while (so_call_text(r->call, &text, &len)) {
            check(len < sizeof copy);
            memcpy(copy, text, len);
            hear(r, copy, len);
            more = 1;
        }
        while (so_call_transmit(r->call, sim_now(), &out)) {
            so_demux kind = so_demux_of(out.bytes, out.len);

            check(r->said && (kind == SO_DEMUX_STUN || kind == SO_DEMUX_DTLS));
            more = 1;
        }
        while (so_call_event_next(r->call, sim_now(), &event)) {
            check(event.kind != SO_CALL_FRAME);
            more = 1;
        }
    }
    check(so_call_state_of(r->call) != SO_CALL_OPEN);
    check(so_report_verdict(so_call_report(r->call, sim_now())) != SO_VERDICT_VERIFIED);
}

static size_t take_bytes(rig *r, const uint8_t **bytes, size_t most)
{
    size_t len = so_read_u16(&r->input) % most, left = so_reader_left(&r->input);

    len = len < left ? len : left;
    *bytes = so_read_bytes(&r->input, len);
    return *bytes == NULL ? 0 : len;
}

static void server_says(rig *r, uint8_t how)
{
    uint8_t bytes[2048];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_signal_welcome welcome = {.id = "selfAAAAAAA",
                                 .resume = "resumeAAAAAAAAAAAAAAAA",
                                 .other = how & 8 ? OTHER : NULL,
                                 .ice = "[{\"urls\":[\"stun:192.0.2.1:3478\",\"turn:[2001:db8::1]:1?transport=udp\"]}]",
                                 .tls_version = "",
                                 .tls_cipher = "",
                                 .tls_group = ""};

    switch (how % 8) {
    case 0:
    case 1:
        so_signal_write_welcome(&w, &welcome);
        break;
    case 2:
    case 3:
        so_signal_write_joined(&w, OTHER, how & 8);
        break;
    case 4:
        so_signal_write_away(&w, OTHER, 30);
        break;
    case 5:
        so_signal_write_left(&w, OTHER, "bye");
        break;
    case 6:
        so_signal_write_error(&w, (so_signal_fault)(how / 8 % 12), NULL);
        break;
    default:
        so_signal_write_bye(&w, how & 8 ? "restart" : "resumed-elsewhere");
    }
    tell(r, &w);
}

/* Sealed rightly; the plaintext is the input's, or one that makes sense with some bytes altered. */
static void other_says(rig *r, uint8_t how)
{
    static const char *const usual[] = {
        "{\"call\":null,\"audio\":true,\"video\":false,\"screen\":false,\"agent\":\"native\"}",
        "{\"type\":\"offer\",\"sdp\":\"",
        "{\"type\":\"answer\",\"sdp\":\"",
        "{\"candidate\":\"candidate:1 1 udp 2130706431 10.0.0.2 5000 typ host\",\"sdpMid\":\"0\"}",
        "{\"reason\":\"hangup\"}",
    };
    static uint8_t text[PAYLOAD - 200], out[PAYLOAD];
    so_seal_kind kind = (so_seal_kind)(how % 5);
    const uint8_t *given;
    size_t len, n;

    if (how & 0x20) {
        len = take_bytes(r, &given, sizeof text);
        if (len > 0)
            memcpy(text, given, len);
    } else {
        len = (size_t)snprintf((char *)text, sizeof text, "%s%s%s", usual[kind],
                               how % 5 % 3 == 0 || kind == SO_SEAL_BYE ? "" : description,
                               how % 5 % 3 == 0 || kind == SO_SEAL_BYE ? "" : "\"}");
        for (int i = how >> 6; i > 0; i--)
            text[so_read_u16(&r->input) % len] = so_read_u8(&r->input);
    }
    if (so_seal_make(&r->seal, kind, (so_slice){text, len}, (so_slice){r->offer, r->offer_len}, out, &n) != SO_OK)
        return;
    r->said |= kind == SO_SEAL_STATE;
    tell_payload(r, out, n);
}

static void connect_to_server(rig *r)
{
    const so_call_signaling signaling = {"TLSv1.3", NULL, NULL, NULL};

    so_call_connected(r->call, sim_now(), &signaling);
}

static void more_ways(rig *r, uint8_t how)
{
    uint8_t hello[SO_HELLO_LEN];
    const uint8_t *bytes;
    uint8_t copy[512];
    so_address from = r->base;
    size_t len;

    switch (how % 8) {
    case 0: /* any text */
        len = take_bytes(r, &bytes, 4000);
        so_call_receive_text(r->call, sim_now(), (const char *)bytes, len);
        break;
    case 1: /* any payload */
        len = take_bytes(r, &bytes, 4000);
        tell_payload(r, bytes, len);
        break;
    case 2:
        so_call_disconnected(r->call, sim_now(), how & 8 ? "server-unreachable" : NULL);
        connect_to_server(r);
        break;
    case 3: /* the other end opens an epoch */
        if (so_seal_open_epoch(&r->seal, hello) == SO_OK)
            tell_payload(r, hello, sizeof hello);
        break;
    case 4:
        len = take_bytes(r, &bytes, sizeof copy);
        if (len > 0)
            memcpy(copy, bytes, len);
        from.ip[3] = how >> 3;
        so_call_receive(r->call, sim_now(), &r->base, &from, copy, len);
        break;
    case 5:
        if (how & 8) {
            so_call_server_found(r->call, sim_now(), how >> 4, &from, how & 128 ? 0 : 1);
        } else if (how & 16) {
            so_call_stream_opened(r->call, sim_now(), how >> 5);
        } else {
            len = take_bytes(r, &bytes, sizeof copy);
            for (size_t at = 0; at < len;)
                at += so_call_stream_receive(r->call, sim_now(), how >> 5, bytes + at, len - at);
        }
        break;
    case 6:
        so_call_remove_base(r->call, sim_now(), &r->base);
        if (so_call_add_base(r->call, sim_now(), &r->base) != SO_OK)
            abort();
        break;
    default:
        if (how & 8)
            so_call_hang_up(r->call, sim_now());
        else
            so_seal_forget(&r->seal);
    }
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input), how = so_read_u8(&r->input);

    if (what % 8 < 2) {
        server_says(r, how);
    } else if (what % 8 < 5) {
        other_says(r, how);
    } else if (what % 8 < 7) {
        more_ways(r, how);
    } else {
        sim_set(sim_now() + (so_msec)how * how);
        so_call_tick(r->call, sim_now());
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static rig r;
    so_random random;
    so_call_config config = {
        .engine = &engine, .invite = &invite, .unix_ms = (uint64_t)SIM_EPOCH * 1000, .sound = {true, true}};
    const uint8_t ip[4] = {10, 0, 0, 1};

    sim_begin(1);
    random = sim_random();
    if (engine.dtls == NULL)
        check(so_engine_open(&engine, NULL) == SO_OK && so_invite_make(&invite, &random) == SO_OK);
    memset(&r, 0, sizeof r);
    r.input = so_reader_of(bytes, len);
    r.base = so_address_of(ip, 4, 5000);
    so_seal_start(&r.seal, &invite, random);
    config.random = random;
    config.now = sim_now();
    check(so_call_new(&r.call, &config, NULL) == SO_OK);
    check(so_call_add_base(r.call, sim_now(), &r.base) == SO_OK);
    connect_to_server(&r);
    drain(&r);
    while (so_reader_left(&r.input) > 0) {
        act(&r);
        drain(&r);
    }
    so_call_free(r.call);
    so_seal_end(&r.seal);
    return 0;
}
