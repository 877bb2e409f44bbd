/*
 * What descriptions promise, under attack: whose certificate counts, in which role, by which digest, of which call; and
 * what may not be promised at all. Each attack is first shown to reach what defends, by the honest thing being taken.
 */
#include "attack/native_bare.h"
#include "peer/inside.h"

#define PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

/* ---- Attacks 3 and 4: another certificate than the promised one ---- */

typedef struct liar {
    unsigned victim; /* whose view of the other end is wrong */
    bool passive;    /* the answerer is the DTLS server */
    bool lies;
    bool again; /* only from now on */
} liar;

static void lie(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    const liar *l = n->user;

    if (type == SO_SDP_OFFER && l->passive)
        assert_true(native_replace(sdp, cap, "a=setup:actpass", "a=setup:active") > 0);
    if (l->lies && from != l->victim) {
        char *print = strstr(sdp, "a=fingerprint:sha-256 ");

        assert_non_null(print);
        print += strlen("a=fingerprint:sha-256 ");
        *print = *print == 'A' ? 'B' : 'A';
    }
}

static void try_liar(liar *l, unsigned offerer, uint64_t seed)
{
    native n;
    so_dtls_keys keys;
    so_peer_facts facts;

    native_begin(&n, seed);
    n.user = l;
    n.rewrite = lie;
    assert_true(native_negotiate(&n, offerer));
    native_run(&n, 2000);
    so_peer_facts_of(n.ends[l->victim].peer, &facts);
    assert_int_equal(facts.dtls_client, l->passive == (l->victim == offerer));
    assert_int_not_equal(facts.seen.hash, SO_HASH_NONE); /* it came as far as a certificate */
    if (!l->lies) {
        assert_true(native_is_open(&n));
        assert_they_hear_each_other(&n);
    } else {
        assert_refused(&n, l->victim, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch");
        /* The other end did nothing wrong, and hears from an alert why there is no call. */
        assert_refused(&n, 1 - l->victim, SO_DOOR_FINGERPRINTS, "peer-refused");
        assert_string_equal(so_peer_failure_of(n.ends[l->victim].peer)->error.layer, "fingerprints");
        assert_false(so_fingerprint_equal(&facts.seen, &facts.signaled));
        for (unsigned i = 0; i < 2; i++) {
            assert_no_media(&n, i);
            assert_int_equal(so_dtls_export(n.ends[i].peer->dtls, &keys), SO_STATE);
            assert_null(n.ends[i].peer->outgoing);
            assert_null(n.ends[i].peer->incoming);
        }
    }
    native_end_all(&n);
}

/* Attack 3 */
static void another_certificate_is_refused_in_every_role(void **state)
{
    (void)state;
    for (unsigned all = 0; all < 16; all++) {
        liar l = {.victim = all & 1, .passive = (all & 2) != 0, .lies = (all & 8) != 0};

        try_liar(&l, all >> 2 & 1, 20 + all);
    }
}

/* Attack 3, in mid-call: as an offer and as an answer, to either end. */
static void another_fingerprint_in_mid_call_ends_it(void **state)
{
    (void)state;
    for (unsigned all = 0; all < 4; all++) {
        unsigned victim = all & 1, offerer = all >> 1;
        liar l = {.victim = victim};
        uint64_t before;
        native n;

        native_open(&n, 40 + all, 0);
        assert_they_hear_each_other(&n);
        n.user = &l;
        n.rewrite = lie;
        assert_true(native_negotiate(&n, offerer)); /* the same again is no fault */
        assert_they_hear_each_other(&n);
        l.lies = true;
        assert_false(native_negotiate(&n, offerer));
        assert_refused(&n, victim, SO_DOOR_FINGERPRINTS, "fingerprint-changed");
        before = native_media(&n.ends[victim]);
        assert_int_equal(native_send(&n, victim), SO_STATE);
        native_run(&n, 10000);
        assert_int_equal(native_media(&n.ends[victim]), before);
        assert_null(n.ends[victim].peer->outgoing);
        native_end_all(&n);
    }
}

/* Attack 4: the impostor goes on as if all were well. */
static void an_impostor_who_sends_media_in_spite_of_the_refusal_is_not_heard(void **state)
{
    native_bare b;
    native n;
    so_peer_facts facts;

    (void)state;
    for (int client = 0; client < 2; client++) {
        native_bare_begin(&b, &n, 50, EVP_EC_gen("P-256"), PROFILES, DTLS1_2_VERSION, client == 1);
        X509_free(b.cert);
        b.cert = native_certificate(b.key); /* signed anew, so another one: this is what the description names */
        assert_true(native_negotiate(&n, 0));
        native_run(&n, 2000);
        assert_refused(&n, 0, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch");
        for (uint8_t i = 0; i < 100; i++) {
            uint8_t rtp[60] = {0x80, i % 2 ? 111 : 200, 0, i};

            native_inject(&n, 0, &n.ends[1].base, rtp, sizeof rtp);
        }
        assert_no_media(&n, 0);
        so_peer_facts_of(n.ends[0].peer, &facts);
        assert_false(so_fingerprint_equal(&facts.seen, &facts.signaled));
        native_bare_end(&b);
    }
}

/* ---- Attack 5: weak and strong digests ---- */

typedef struct digests {
    const char *names[3]; /* of digests, as SDP has them; "!" before it: a wrong value */
    so_door door;
    const char *code; /* NULL: it opens */
} digests;

static void write_digests(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    const digests *d = n->user;
    const X509 *cert = so_dtls_certificate_x509(n->ends[from].peer->certificate);
    char lines[1000] = "";

    (void)type;
    if (from != 0)
        return;
    for (int i = 0; i < 3 && d->names[i] != NULL; i++) {
        bool wrong = d->names[i][0] == '!';
        const char *name = d->names[i] + wrong;
        char line[300];

        native_print_line(cert,
                          strcmp(name, "sha-1") == 0     ? "SHA1"
                          : strcmp(name, "md5") == 0     ? "MD5"
                          : strcmp(name, "sha-256") == 0 ? "SHA256"
                                                         : "SHA512",
                          name, line, sizeof line);
        if (wrong)
            line[strlen(line) - 1] = line[strlen(line) - 1] == '0' ? '1' : '0';
        (void)snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "%s%s", i == 0 ? "" : "\r\n", line);
    }
    assert_int_equal(native_replace_line(sdp, cap, "a=fingerprint:", lines) > 0, true);
}

/* native_replace_line begins again behind what it wrote, so several lines in the place of one are fine. */
static void the_strongest_digest_must_match_and_weak_ones_do_not_count(void **state)
{
    static const digests all[] = {
        {{"sha-256"}, SO_NO_DOOR, NULL},
        {{"sha-256", "!sha-1"}, SO_NO_DOOR, NULL},
        {{"sha-256", "sha-512"}, SO_NO_DOOR, NULL},
        {{"sha-1", "!sha-256"}, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch"},
        {{"!sha-512", "sha-256"}, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch"},
        {{"sha-256", "!sha-512", "sha-1"}, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch"},
        {{"sha-1"}, SO_DOOR_FINGERPRINTS, "fingerprint-weak"},
        {{"sha-1", "md5"}, SO_DOOR_FINGERPRINTS, "fingerprint-weak"},
        {{"sha-256", "!sha-256"}, SO_DOOR_FINGERPRINTS, "fingerprint-several"},
        {{"!sha-256", "sha-256"}, SO_DOOR_FINGERPRINTS, "fingerprint-several"},
        {{"sha-1", "sha-256", "!sha-256"}, SO_DOOR_FINGERPRINTS, "fingerprint-several"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (unsigned offerer = 0; offerer < 2; offerer++) {
            digests d = all[i];
            native n;

            native_begin(&n, 60 + i);
            n.user = &d;
            n.rewrite = write_digests;
            (void)native_negotiate(&n, offerer);
            native_run(&n, 2000);
            if (d.code == NULL) {
                assert_they_hear_each_other(&n);
            } else {
                assert_refused(&n, 1, d.door, d.code);
                assert_no_media(&n, 1);
                assert_no_media(&n, 0);
            }
            native_end_all(&n);
        }
}

/* ---- Attack 6: two calls spliced ---- */

typedef struct splice {
    char offer[SO_PEER_SDP_MAX]; /* of the other call */
    bool whole;
} splice;

static void take_other_offer(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    splice *s = n->user;
    char line[300];
    const char *print = strstr(s->offer, "a=fingerprint:");

    if (type != SO_SDP_OFFER || from != 0)
        return;
    if (s->whole) {
        (void)snprintf(sdp, cap, "%s", s->offer);
        return;
    }
    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(print, "\r"), print);
    assert_true(native_replace_line(sdp, cap, "a=fingerprint:", line) > 0);
}

static void the_description_of_one_call_is_of_no_use_in_another(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        splice s = {.whole = whole == 1};
        native n, other;
        so_error err;

        native_begin(&other, 80);
        assert_int_equal(so_peer_offer(other.ends[0].peer, sim_now(), s.offer, sizeof s.offer, &err), SO_OK);
        native_begin(&n, 81);
        n.user = &s;
        n.rewrite = take_other_offer;
        assert_true(native_negotiate(&n, 0));
        native_run(&n, 5000);
        if (s.whole) {
            /* The passwords of ICE are another call's too: no check is answered, and nobody begins a handshake. */
            for (unsigned i = 0; i < 2; i++) {
                assert_int_equal(so_peer_state_of(n.ends[i].peer), SO_PEER_AWAITS_PATH);
                assert_int_equal(n.ends[i].sent[SO_DEMUX_DTLS], 0);
            }
        } else {
            assert_refused(&n, 1, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch");
        }
        assert_no_media(&n, 0);
        assert_no_media(&n, 1);
        so_peer_free(other.ends[0].peer);
        so_peer_free(other.ends[1].peer);
        so_engine_close(&other.engine);
        native_end_all(&n);
    }
}

/* ---- Attack 8: keys in the open, media in the clear ---- */

typedef struct corpus_line {
    const char *what, *with; /* a line's beginning, and what stands in its place */
    const char *code;
} corpus_line;

static void rewrite_line(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    const corpus_line *c = n->user;

    (void)type;
    if (from == 0)
        assert_true(native_replace(sdp, cap, c->what, c->with) > 0);
}

static void unprotected_media_is_refused_in_offers_and_answers(void **state)
{
    static const corpus_line all[] = {
        {"a=rtcp-mux\r\n",
         "a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0\r\n",
         "sdes"},
        {"a=rtcp-mux\r\n",
         "a=rtcp-mux\r\na=crypto:1 AEAD_AES_128_GCM inline:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0\r\n", "sdes"},
        {"t=0 0\r\n", "t=0 0\r\nk=clear:secret\r\n", "sdes"},
        {"UDP/TLS/RTP/SAVPF", "RTP/AVP", "profile"},
        {"UDP/TLS/RTP/SAVPF", "RTP/AVPF", "profile"},
        {"UDP/TLS/RTP/SAVPF", "RTP/SAVP", "profile"},
        {"UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "profile"},
        {"UDP/TLS/RTP/SAVPF", "UDP/RTP/AVP", "profile"},
        {"UDP/TLS/RTP/SAVPF", "UDP/TLS/UDPTL", "profile"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        for (unsigned offerer = 0; offerer < 2; offerer++) {
            corpus_line c = all[i];
            native n;

            native_begin(&n, 100 + i);
            n.user = &c;
            n.rewrite = rewrite_line;
            assert_false(native_negotiate(&n, offerer));
            native_run(&n, 2000);
            assert_refused(&n, 1, SO_DOOR_MEDIA, c.code);
            for (unsigned e = 0; e < 2; e++) {
                assert_no_media(&n, e);
                assert_int_equal(n.ends[e].sent[SO_DEMUX_DTLS], 0);
            }
            native_end_all(&n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_certificate_is_refused_in_every_role),
        cmocka_unit_test(another_fingerprint_in_mid_call_ends_it),
        cmocka_unit_test(an_impostor_who_sends_media_in_spite_of_the_refusal_is_not_heard),
        cmocka_unit_test(the_strongest_digest_must_match_and_weak_ones_do_not_count),
        cmocka_unit_test(the_description_of_one_call_is_of_no_use_in_another),
        cmocka_unit_test(unprotected_media_is_refused_in_offers_and_answers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
