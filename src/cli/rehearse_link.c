/*
 * The end that waits at a link, a device perhaps: called by somebody who has the link, through the server that is
 * rehearsed with, and offered what it must refuse. It is told so before there is a path, so that nothing but signaling
 * goes there.
 */
#include "cli/rehearse_peers.h"
#include "cli/rehearse_wire.h"

#include "base/secret.h"
#include "base/text.h"
#include "signal/said.h"
#include "trust/seal.h"

#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX 24000
#define RETURNS 3 /* times that the end may be away between two calls, and is waited for */

enum { HONEST, SDES, PLAIN, SHA1_ALONE, TWO_PRINTS };

#define SHA1 "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33"
#define SHA256                                                                                                         \
    "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:" \
    "EE:FF"

/* What stands in the offer in the place of what, and what the end must say of it. */
static const struct {
    const char *what, *with, *code;
    bool whole_line;
} lies[] = {
    [HONEST] = {NULL, NULL, NULL, false},
    [SDES] = {"a=rtcp-mux\r\n",
              "a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0\r\n",
              "sdes", false},
    [PLAIN] = {"UDP/TLS/RTP/SAVPF", "RTP/AVP", "profile", false},
    [SHA1_ALONE] = {"a=fingerprint:", SHA1, "fingerprint-weak", true},
    [TWO_PRINTS] = {"a=setup:", SHA256 "\r\na=setup:", "fingerprint-several", false},
};

/* One call to the end. */
typedef struct visit {
    rehearsal *r;
    wire *w;
    char other[SO_MEMBER_ID_LEN + 1];
    so_seal seal;
    int variant;
    bool offered, answered, gone, broken;
    char bye[64]; /* the reason that the end gave; "": none */
} visit;

/* ---- what is said to it ---- */

static void send_payload(visit *v, const uint8_t *bytes, size_t len)
{
    char *payload = malloc(SO_BASE64URL_LEN(len) + 1), *text = malloc(SO_BASE64URL_LEN(len) + 200);
    so_writer w = so_writer_of(text, text == NULL ? 0 : SO_BASE64URL_LEN(len) + 200);

    if (payload == NULL || text == NULL) {
        v->broken = true;
    } else {
        so_base64url(payload, bytes, len);
        so_signal_write_envelope(&w, NULL, v->other, payload, strlen(payload));
        wire_frame(v->w, WIRE_FIN | WIRE_TEXT, true, text, so_writer_len(&w));
    }
    free(payload);
    free(text);
}

static void send_sealed(visit *v, so_seal_kind kind, const so_writer *text)
{
    size_t len = so_writer_len(text), sealed;
    uint8_t *out = malloc(len + SO_SEAL_OVERHEAD);

    if (out == NULL || text->failed ||
        so_seal_make(&v->seal, kind, (so_slice){text->start, len}, (so_slice){NULL, 0}, out, &sealed) != SO_OK)
        v->broken = true;
    else
        send_payload(v, out, sealed);
    free(out);
}

static void send_state(visit *v)
{
    uint8_t text[200];
    so_writer w = so_writer_of(text, sizeof text);

    so_said_write_state(&w, NULL, true, false, false);
    send_sealed(v, SO_SEAL_STATE, &w);
}

static void send_bye(visit *v)
{
    uint8_t text[100];
    so_writer w = so_writer_of(text, sizeof text);

    so_said_write_bye(&w, "hangup");
    send_sealed(v, SO_SEAL_BYE, &w);
}

/* Of an end without an address: no path is ever looked for. */
static void send_offer(visit *v)
{
    static char sdp[2 * SO_PEER_SDP_MAX];
    static uint8_t text[PAYLOAD_MAX];
    so_writer w = so_writer_of(text, sizeof text);
    bool lied = true;
    peers p;

    if (!peers_begin(&p) || so_peer_offer(p.ends[0].peer, p.now, sdp, SO_PEER_SDP_MAX, NULL) != SO_OK) {
        v->broken = true;
    } else {
        if (v->variant != HONEST)
            lied = (lies[v->variant].whole_line ? peers_replace_line : peers_replace)(
                sdp, sizeof sdp, lies[v->variant].what, lies[v->variant].with);
        so_said_write_description(&w, "offer", sdp);
        v->broken = v->broken || !lied;
        send_sealed(v, SO_SEAL_OFFER, &w);
        v->offered = true;
    }
    peers_end_all(&p);
}

/* ---- what it says ---- */

static void take_sealed(visit *v, so_seal_kind kind, const uint8_t *text, size_t len)
{
    so_said said;

    if (so_said_parse(&said, (const char *)text, len) != SO_OK) {
        v->broken = true;
        return;
    }
    if (kind == SO_SEAL_STATE && !v->offered)
        send_offer(v);
    else if (kind == SO_SEAL_ANSWER)
        v->answered = true;
    else if (kind == SO_SEAL_BYE)
        (void)snprintf(v->bye, sizeof v->bye, "%s", said.reason == NULL ? "no reason" : said.reason);
    so_said_free(&said);
}

static void take_payload(visit *v, const char *payload)
{
    static uint8_t bytes[PAYLOAD_MAX], text[PAYLOAD_MAX];
    uint8_t hello[SO_HELLO_LEN];
    so_seal_kind kind;
    so_seal_result result;
    size_t len, text_len;
    bool reply;

    if (so_base64url_decode(bytes, sizeof bytes, &len, payload, strlen(payload)) != SO_OK)
        return;
    result = so_seal_take(&v->seal, bytes, len, &kind, text, &text_len, hello, &reply);
    if (result == SO_SEAL_HELLO)
        send_state(v);
    else if (result == SO_SEAL_OPENED)
        take_sealed(v, kind, text, text_len);
    else if (result != SO_SEAL_STALE)
        v->broken = true;
}

/* ---- a visit ---- */

/* Takes the second seat; where the end is not there, gives it a moment to come back, and comes behind it. */
static bool enter(visit *v)
{
    char room[SO_BASE64URL_LEN(SO_ROOM_LEN) + 1];
    wire_heard heard;

    so_base64url(room, v->r->invite->room, SO_ROOM_LEN);
    for (int i = 0; i < RETURNS; i++) {
        v->w = wire_seat(v->r, room, NULL, &heard);
        if (v->w == NULL)
            return false;
        if (heard.members == 1) {
            (void)snprintf(v->other, sizeof v->other, "%s", heard.other);
            return true;
        }
        (void)wire_hear_kind(v->w, "joined", &heard, REHEARSE_SILENCE);
        wire_say(v->w, "{\"kind\":\"bye\"}");
        (void)wire_wait_end(v->w, REHEARSE_PATIENCE);
        wire_free(v->w);
        v->w = NULL;
    }
    return rehearse_failed(v->r, "nobody waits at the link; an end that takes call after call is needed (sotto call "
                                 "--answer)");
}

static void leave(visit *v)
{
    if (v->w != NULL && v->bye[0] == '\0' && !v->gone && v->seal.state == SO_SEAL_IN_EPOCH)
        send_bye(v);
    if (v->w != NULL) {
        wire_say(v->w, "{\"kind\":\"bye\"}");
        (void)wire_wait_end(v->w, REHEARSE_PATIENCE);
    }
    wire_free(v->w);
    so_seal_end(&v->seal);
}

static bool visit_end(visit *v)
{
    uint8_t hello[SO_HELLO_LEN];
    wire_heard heard;

    so_seal_start(&v->seal, v->r->invite, so_random_system);
    if (!enter(v))
        return false;
    if (so_seal_open_epoch(&v->seal, hello) != SO_OK)
        return rehearse_failed(v->r, "this machine gives no random numbers");
    send_payload(v, hello, sizeof hello);
    while (!v->broken && !v->gone && !v->answered && v->bye[0] == '\0' && wire_hear(v->w, &heard, REHEARSE_PATIENCE)) {
        if (strcmp(heard.kind, "envelope") == 0)
            take_payload(v, wire_payload(v->w));
        v->gone =
            strcmp(heard.kind, "left") == 0 || strcmp(heard.kind, "away") == 0 || strcmp(heard.kind, "closed") == 0;
    }
    if (v->broken || !v->offered)
        return rehearse_failed(v->r, "the end did not come so far as an offer");
    return true;
}

static bool honest_visit(rehearsal *r)
{
    visit v = {.r = r, .variant = HONEST};
    bool good;

    if (r->invite == NULL)
        return true; /* each attack says so */
    good = visit_end(&v);
    if (good && !v.answered)
        good = rehearse_failed(r, "the end at the link did not answer an honest offer%s%s",
                               v.bye[0] == '\0' ? "" : ": ", v.bye);
    leave(&v);
    return good;
}

static rehearse_result offer_to_it(rehearsal *r, int variant)
{
    visit v = {.r = r, .variant = variant};
    const char *code = lies[variant].code;
    rehearse_result result = REHEARSE_NOT_TRIED;

    if (r->invite == NULL)
        return rehearse_not_tried(r, "give the link of an end that takes call after call (sotto call --answer) as URL");
    if (!visit_end(&v))
        result = REHEARSE_NOT_TRIED;
    else if (v.answered)
        result = rehearse_weak(r, "the end answered it");
    else if (v.bye[0] == '\0')
        result = rehearse_weak(r, "the end %s; %s is due", v.gone ? "went without a word" : "went on waiting", code);
    else if (strcmp(v.bye, code) != 0)
        result = rehearse_weak(r, "the end hung up by %s; %s is due", v.bye, code);
    else
        result = rehearse_held(r, "the end hung up by %s", code);
    leave(&v);
    return result;
}

static const rehearse_attack attacks[] = {
    {"link-sdes", "media keys in an offer to the end at the link (SDES)", offer_to_it, SDES},
    {"link-plain", "media in the clear offered to it (RTP/AVP)", offer_to_it, PLAIN},
    {"link-weak", "a certificate promised to it by its SHA-1 alone", offer_to_it, SHA1_ALONE},
    {"link-several", "two fingerprints offered to it, to choose from", offer_to_it, TWO_PRINTS},
};

const rehearse_group rehearse_link = {.name = "link",
                                      .whom = REHEARSE_LINK,
                                      .good = "the end at the link answers an honest offer",
                                      .control = honest_visit,
                                      .attacks = attacks,
                                      .count = sizeof attacks / sizeof attacks[0]};
