/*
 * Somebody between two ends who has the link, so that no seal is in his way (attacks 3, 4, 7, 8 and 9): the
 * fingerprints swapped in both roles, keys in the open, handshakes without protection.
 */
#include "cli/rehearse_peers.h"

#include "dtls/careless.h"

#include <string.h>
#include <time.h>

/* Did the victim refuse, for this reason, and is all silent? */
static rehearse_result judge(rehearsal *r, peers *p, unsigned victim, so_door door, const char *code)
{
    const so_peer_failure *failure = so_peer_failure_of(p->ends[victim].peer);
    uint64_t media = 0, taken = 0;

    for (unsigned i = 0; i < 2; i++) {
        media += p->ends[i].media;
        taken += peers_facts(p, i).received.unprotected_rtp;
    }
    if (failure == NULL)
        return so_peer_state_of(p->ends[victim].peer) == SO_PEER_OPEN
                   ? rehearse_weak(r, "the end opened the call")
                   : rehearse_weak(r, "the end went on waiting; %s is due", code);
    if (strcmp(failure->code, code) != 0 || failure->door != door)
        return rehearse_weak(r, "the end gave up by %s; %s is due", failure->code, code);
    if (p->ends[victim].opened || media > 0 || taken > 0 || peers_send(p, victim))
        return rehearse_weak(r, "the end gave up by %s, but media had passed", code);
    return rehearse_held(r, "refused by %s; nothing of media had left", code);
}

/* ---- another certificate than the promised one ---- */

enum { TO_CLIENT, TO_SERVER, IN_MID_CALL };

typedef struct liar {
    int variant;
    bool lies, lied;
} liar;

/* End 0, which offers, is deceived by the answer; what the offer says of setup decides which role it gets. */
static void lie(peers *p, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    liar *l = p->user;
    char *print = strstr(sdp, "a=fingerprint:sha-256 ");

    if (type == SO_SDP_OFFER && l->variant == TO_CLIENT)
        p->broken = p->broken || !peers_replace(sdp, cap, "a=setup:actpass", "a=setup:active");
    if (!l->lies || from == 0 || print == NULL)
        return;
    /* one digit, and another one in each attack */
    print += strlen("a=fingerprint:sha-256 ") + 3 * (size_t)l->variant;
    *print = *print == 'A' ? 'B' : 'A';
    l->lied = true;
}

static rehearse_result swap_fingerprint(rehearsal *r, int variant)
{
    liar l = {.variant = variant, .lies = true};
    rehearse_result result = REHEARSE_NOT_TRIED;
    peers p;

    if (peers_begin(&p)) {
        p.user = &l;
        p.rewrite = lie;
        if (peers_negotiate(&p, 0))
            peers_run(&p, 2000);
        if (!l.lied || p.broken || peers_facts(&p, 0).seen.hash == SO_HASH_NONE)
            result = rehearse_not_tried(r, "the handshake did not come as far as a certificate");
        else if (peers_facts(&p, 0).dtls_client != (variant == TO_CLIENT))
            result = rehearse_not_tried(r, "the end got the other role");
        else
            result = judge(r, &p, 0, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch");
    }
    peers_end_all(&p);
    return result;
}

static rehearse_result swap_in_mid_call(rehearsal *r, int variant)
{
    liar l = {.variant = variant, .lies = true};
    const so_peer_failure *failure;
    rehearse_result result = REHEARSE_NOT_TRIED;
    uint64_t before;
    peers p;

    if (peers_open(&p) && peers_hear_each_other(&p)) {
        p.user = &l;
        p.rewrite = lie;
        before = p.ends[0].media;
        (void)peers_negotiate(&p, 0);
        failure = so_peer_failure_of(p.ends[0].peer);
        if (failure == NULL || strcmp(failure->code, "fingerprint-changed") != 0)
            result = rehearse_weak(r, "the call went on with another fingerprint than it began with");
        else if (peers_send(&p, 0) || (peers_run(&p, 1000), p.ends[0].media != before))
            result = rehearse_weak(r, "refused, but media left after that");
        else
            result = rehearse_held(r, "the call ended by fingerprint-changed, and nothing more of media left");
    }
    peers_end_all(&p);
    return result;
}

/* ---- keys in the open, media in the clear ---- */

typedef struct rewriting {
    const char *what, *with, *code;
    unsigned offerer; /* end 0 is deceived by an offer, or by an answer */
    so_door door;
    bool whole_line;
} rewriting;

#define SHA1 "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33"
#define SHA256                                                                                                         \
    "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:" \
    "EE:FF"

#define KEY "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0\r\n"

enum { SDES_OFFER, SDES_ANSWER, PLAIN_OFFER, PLAIN_ANSWER, SHA1_ALONE, TWO_PRINTS };

static const rewriting rewritings[] = {
    [SDES_OFFER] = {"a=rtcp-mux\r\n", "a=rtcp-mux\r\n" KEY, "sdes", 1, SO_DOOR_MEDIA, false},
    [SDES_ANSWER] = {"a=rtcp-mux\r\n", "a=rtcp-mux\r\n" KEY, "sdes", 0, SO_DOOR_MEDIA, false},
    [PLAIN_OFFER] = {"UDP/TLS/RTP/SAVPF", "RTP/AVP", "profile", 1, SO_DOOR_MEDIA, false},
    [PLAIN_ANSWER] = {"UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "profile", 0, SO_DOOR_MEDIA, false},
    [SHA1_ALONE] = {"a=fingerprint:", SHA1, "fingerprint-weak", 1, SO_DOOR_FINGERPRINTS, true},
    [TWO_PRINTS] = {"a=setup:", SHA256 "\r\na=setup:", "fingerprint-several", 0, SO_DOOR_FINGERPRINTS, false},
};

static void rewrite_line(peers *p, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    const rewriting *w = p->user;

    (void)type;
    if (from == 1)
        p->broken = p->broken || !(w->whole_line ? peers_replace_line : peers_replace)(sdp, cap, w->what, w->with);
}

static rehearse_result describe(rehearsal *r, int variant)
{
    rewriting w = rewritings[variant];
    rehearse_result result = REHEARSE_NOT_TRIED;
    peers p;

    if (peers_begin(&p)) {
        p.user = &w;
        p.rewrite = rewrite_line;
        if (peers_negotiate(&p, w.offerer))
            peers_run(&p, 2000);
        result = p.broken ? rehearse_not_tried(r, "the description has no such line") : judge(r, &p, 0, w.door, w.code);
    }
    peers_end_all(&p);
    return result;
}

/* ---- a handshake by somebody who takes anything ---- */

enum { WITHOUT_SRTP, NULL_SRTP, SHORT_TAGS, OLD_DTLS };

typedef struct impostor {
    so_dtls_careless *end;
    so_dtls_certificate *certificate;
    bool began;
} impostor;

static void flush(peers *p)
{
    impostor *im = p->user;
    uint8_t datagram[SO_DTLS_MTU];
    size_t len;

    while (so_dtls_careless_transmit(im->end, datagram, &len))
        peers_inject(p, 0, &p->ends[1].base, datagram, len);
}

/* What end 1's own DTLS says is lost; what the victim says goes to the impostor, who is the client. */
static bool take_over(peers *p, peers_datagram *d)
{
    impostor *im = p->user;

    if (d->kind != SO_DEMUX_DTLS)
        return true;
    if (d->from == 0)
        so_dtls_careless_receive(im->end, (so_slice){d->bytes, d->len});
    else if (!im->began)
        so_dtls_careless_receive(im->end, (so_slice){NULL, 0}); /* that one's own hello shows that there is a path */
    im->began = true;
    flush(p);
    return false;
}

static void promise(peers *p, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    impostor *im = p->user;
    char line[SO_FINGERPRINT_TEXT_MAX + 16] = "a=fingerprint:";

    (void)type;
    if (from == 0)
        return;
    so_fingerprint_text(so_dtls_certificate_fingerprint(im->certificate), line + strlen(line));
    p->broken = p->broken || !peers_replace_line(sdp, cap, "a=fingerprint:", line);
}

static rehearse_result shake_hands(rehearsal *r, int variant)
{
    static const char *const codes[] = {
        [WITHOUT_SRTP] = "srtp-null", [NULL_SRTP] = "srtp-null", [SHORT_TAGS] = "srtp-null", [OLD_DTLS] = "dtls-old"};
    so_dtls_careless_config config = {.role = SO_DTLS_CLIENT,
                                      .profiles = variant == WITHOUT_SRTP ? NULL
                                                  : variant == SHORT_TAGS ? "SRTP_AES128_CM_SHA1_32"
                                                                          : "SRTP_AES128_CM_SHA1_80",
                                      .null_profile = variant == NULL_SRTP,
                                      .old = variant == OLD_DTLS};
    rehearse_result result = rehearse_not_tried(r, "no end could be made for it");
    impostor im = {.end = NULL};
    peers p;

    if (peers_begin(&p) &&
        so_dtls_certificate_make(&im.certificate, (so_unix)time(NULL), &so_random_system, NULL) == SO_OK) {
        config.certificate = im.certificate;
        if (so_dtls_careless_new(&im.end, &config) == SO_OK) {
            p.user = &im;
            p.tap = take_over;
            p.rewrite = promise;
            if (peers_negotiate(&p, 0))
                peers_run(&p, 5000);
            result = p.broken || !im.began ? rehearse_not_tried(r, "no handshake began")
                                           : judge(r, &p, 0, SO_DOOR_MEDIA, codes[variant]);
        }
    }
    so_dtls_careless_free(im.end);
    so_dtls_certificate_free(im.certificate);
    peers_end_all(&p);
    return result;
}

static const rehearse_attack attacks[] = {
    {"fingerprint-client", "the fingerprint swapped, the end being DTLS client", swap_fingerprint, TO_CLIENT},
    {"fingerprint-server", "the fingerprint swapped, the end being DTLS server", swap_fingerprint, TO_SERVER},
    {"fingerprint-changed", "another fingerprint in mid-call", swap_in_mid_call, IN_MID_CALL},
    {"fingerprint-weak", "a certificate promised by its SHA-1 alone", describe, SHA1_ALONE},
    {"fingerprint-several", "two fingerprints, to choose from", describe, TWO_PRINTS},
    {"sdes-offer", "media keys in an offer (SDES)", describe, SDES_OFFER},
    {"sdes-answer", "media keys in an answer (SDES)", describe, SDES_ANSWER},
    {"plain-offer", "media in the clear offered (RTP/AVP)", describe, PLAIN_OFFER},
    {"plain-answer", "media without DTLS answered (RTP/SAVPF)", describe, PLAIN_ANSWER},
    {"srtp-none", "a handshake without use_srtp", shake_hands, WITHOUT_SRTP},
    {"srtp-null", "SRTP that does not encrypt", shake_hands, NULL_SRTP},
    {"srtp-tags", "SRTP with short tags", shake_hands, SHORT_TAGS},
    {"dtls-old", "DTLS 1.0", shake_hands, OLD_DTLS},
};

const rehearse_group rehearse_keys = {.name = "keys",
                                      .whom = REHEARSE_PROGRAM,
                                      .good = "two honest ends open a call and hear each other",
                                      .control = peers_honest,
                                      .attacks = attacks,
                                      .count = sizeof attacks / sizeof attacks[0]};
