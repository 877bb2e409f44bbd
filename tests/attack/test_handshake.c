/*
 * The handshake of media keys under attack: who may begin one, and how strong both ends must be. Each attack is first
 * shown to reach what defends, by the same thing being taken where it is honest.
 */
#include "attack/native_bare.h"
#include "peer/inside.h"

#define PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

/* ---- Attacks 1 and 2: hellos from where ICE has validated nobody ---- */

#define CALLS 100
#define FLIGHT 8
#define SPRAYERS 3

typedef struct sprayer {
    so_address from[SPRAYERS];
    size_t count;
    uint8_t bytes[FLIGHT][1500];
    size_t len[FLIGHT], datagrams;
    uint64_t sent;
} sprayer;

/* What a real client says first, and with what a real server answers it. */
static void make_hellos(sprayer *s)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = native_certificate(key);
    SSL_CTX *ctx = SSL_CTX_new(DTLS_method());
    BIO_METHOD *method = so_dtls_bio_method();
    so_dtls_pipe pipes[2] = {{{NULL, 0}, NULL, 0, 0, 0}, {{NULL, 0}, NULL, 0, 0, 0}};

    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
    assert_int_equal(SSL_CTX_use_certificate(ctx, cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
    assert_int_equal(SSL_CTX_set_tlsext_use_srtp(ctx, PROFILES), 0);
    for (int i = 0; i < 2; i++) {
        SSL *ssl = SSL_new(ctx);
        BIO *bio = so_dtls_bio(method, &pipes[i]);

        SSL_set_bio(ssl, bio, bio);
        SSL_set_mtu(ssl, 1200);
        if (i == 0)
            SSL_set_connect_state(ssl);
        else
            SSL_set_accept_state(ssl);
        if (i == 1)
            pipes[1].in = (so_slice){s->bytes[0], s->len[0]};
        ERR_clear_error();
        (void)SSL_do_handshake(ssl);
        while (s->datagrams < FLIGHT &&
               so_dtls_pipe_take(&pipes[i], s->bytes[s->datagrams], sizeof s->bytes[0], &s->len[s->datagrams]))
            s->datagrams++;
        SSL_free(ssl);
        so_dtls_pipe_free(&pipes[i]);
    }
    assert_true(s->datagrams >= 2);
    assert_int_equal(s->bytes[0][13], 1); /* ClientHello */
    assert_int_equal(s->bytes[1][13], 2); /* ServerHello */
    BIO_meth_free(method);
    SSL_CTX_free(ctx);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* All that it has, to both ends. */
static void spray(native *n, sprayer *s)
{
    for (size_t f = 0; f < s->count; f++)
        for (unsigned to = 0; to < 2; to++)
            for (size_t i = 0; i < s->datagrams; i++, s->sent++)
                native_inject(n, to, &s->from[f], s->bytes[i], s->len[i]);
}

/* Before each datagram of the two, the racer is there first. */
static bool race(native *n, native_datagram *d)
{
    (void)d;
    spray(n, n->user);
    return true;
}

static void open_against(sprayer *s, native *n, uint64_t seed)
{
    so_peer_facts facts[2];

    native_begin(n, seed);
    s->datagrams = 0;
    s->sent = 0;
    make_hellos(s);
    n->user = s;
    n->tap = race;
    spray(n, s);
    assert_true(native_negotiate(n, seed % 2));
    spray(n, s);
    native_run(n, 500);
    for (int i = 0; i < 2; i++)
        so_peer_facts_of(n->ends[i].peer, &facts[i]);
    assert_true(native_is_open(n));
    assert_true(s->sent > 50);
    assert_int_equal(facts[0].stray + facts[1].stray, s->sent);
    assert_null(n->ends[0].peer->early.bytes);
    n->tap = NULL;
}

/* Attack 1 */
static void racing_hellos_from_elsewhere_are_dropped_in_100_of_100_calls(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CALLS; seed++) {
        /* its own address; and forged ones: each end's own, at ports where nobody is validated */
        sprayer s = {.count = 3,
                     .from = {native_address("192.0.2.66", 4444), native_address("10.0.0.1", 5001),
                              native_address("10.0.0.2", 5001)}};
        native n;

        open_against(&s, &n, seed);
        if (seed % 20 == 0)
            assert_they_hear_each_other(&n);
        native_end_all(&n);
    }
}

/* Attack 2 */
static void a_second_socket_of_the_true_peers_host_does_not_enter_the_handshake(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        sprayer s = {.count = 2, .from = {native_address("10.0.0.2", 6000), native_address("10.0.0.1", 6000)}};
        native n;

        open_against(&s, &n, seed);
        assert_they_hear_each_other(&n);
        native_end_all(&n);
    }
}

/* What the two above are kept from: the same bytes from an address that counts are DTLS for the peer. */
static void the_same_hellos_do_reach_dtls_from_an_address_that_counts(void **state)
{
    sprayer s = {.count = 0};
    native n;
    so_peer_facts facts;

    (void)state;
    native_begin(&n, 5);
    make_hellos(&s);
    n.tap = NULL;
    assert_true(native_negotiate(&n, 0));
    while (n.ends[0].peer->dtls == NULL) { /* end 0, which offers, is the server */
        native_carry(&n, 0);
        native_carry(&n, 1);
        sim_set(sim_now() + 5);
        so_peer_tick(n.ends[0].peer, sim_now());
        so_peer_tick(n.ends[1].peer, sim_now());
    }
    native_inject(&n, 0, &n.ends[1].base, s.bytes[0], s.len[0]);
    so_peer_facts_of(n.ends[0].peer, &facts);
    assert_int_equal(facts.stray, 0);
    assert_true(native_carry(&n, 0));
    assert_true(n.ends[0].sent[SO_DEMUX_DTLS] > 0); /* it answered with its flight */
    native_end_all(&n);
}

/* ---- Attacks 7, 9 and 22: weak ends ---- */

static void alter_profile(uint8_t *bytes, size_t len)
{
    /* use_srtp with one profile and no MKI: SRTP_NULL_HMAC_SHA1_80 (RFC 5764 §4.1.2) in its place */
    static const uint8_t extension[] = {0x00, 0x0e, 0x00, 0x05, 0x00, 0x02};

    for (size_t i = 0; i + 9 <= len; i++)
        if (memcmp(bytes + i, extension, sizeof extension) == 0)
            bytes[i + 7] = 0x05;
}

typedef struct weak {
    EVP_PKEY *key;
    const char *profiles;
    int max_version;
    void (*alter)(uint8_t *bytes, size_t len);
    so_door door;
    const char *codes[2]; /* the victim being server, client; NULL: it opens */
} weak;

static void against(const weak *w)
{
    for (int client = 0; client < 2; client++) {
        const char *code = w->codes[client == 0];
        native_bare b;
        native n;

        EVP_PKEY_up_ref(w->key);
        native_bare_begin(&b, &n, 90, w->key, w->profiles, w->max_version, client == 1);
        b.alter = w->alter;
        assert_true(native_negotiate(&n, 0));
        native_run(&n, 5000);
        assert_true(client == 1 || b.hellos > 0);
        if (code == NULL) {
            assert_int_equal(so_peer_state_of(n.ends[0].peer), SO_PEER_OPEN);
        } else {
            assert_refused(&n, 0, w->door, code);
            assert_no_media(&n, 0);
        }
        native_bare_end(&b);
    }
    EVP_PKEY_free(w->key);
}

/* Attack 7 */
static void without_a_profile_that_encrypts_there_are_no_keys(void **state)
{
    const weak good = {EVP_EC_gen("P-256"), "SRTP_AES128_CM_SHA1_80", DTLS1_2_VERSION, NULL, SO_NO_DOOR, {NULL, NULL}};
    const weak none = {EVP_EC_gen("P-256"), NULL, DTLS1_2_VERSION, NULL, SO_DOOR_MEDIA, {"srtp-null", "srtp-null"}};
    /* a server that picks NULL, which was not offered, breaks RFC 5764 §4.1.1 before it comes to a certificate */
    const weak null = {EVP_EC_gen("P-256"), "SRTP_AES128_CM_SHA1_80",    DTLS1_2_VERSION, alter_profile,
                       SO_DOOR_MEDIA,       {"srtp-null", "dtls-failed"}};
    const weak tags = {EVP_EC_gen("P-256"), "SRTP_AES128_CM_SHA1_32",  DTLS1_2_VERSION, NULL,
                       SO_DOOR_MEDIA,       {"srtp-null", "srtp-null"}};

    (void)state;
    against(&good);
    against(&none);
    against(&null);
    against(&tags);
}

/* Attack 9 */
static void dtls_1_0_is_refused(void **state)
{
    const weak server = {EVP_EC_gen("P-256"), PROFILES, DTLS1_VERSION, NULL, SO_DOOR_MEDIA, {"dtls-old", NULL}};
    native_bare b;
    native n;

    (void)state;
    EVP_PKEY_up_ref(server.key);
    native_bare_begin(&b, &n, 91, server.key, server.profiles, server.max_version, true);
    assert_true(native_negotiate(&n, 0));
    native_run(&n, 5000);
    assert_refused(&n, 0, SO_DOOR_MEDIA, "dtls-old");
    assert_no_media(&n, 0);
    native_bare_end(&b);
    /* As a server it finds nothing in our hello that it knows, and says so with an alert. */
    native_bare_begin(&b, &n, 92, server.key, server.profiles, server.max_version, false);
    assert_true(native_negotiate(&n, 0));
    native_run(&n, 5000);
    assert_true(b.hellos > 0);
    assert_refused(&n, 0, SO_DOOR_MEDIA, "dtls-failed");
    assert_no_media(&n, 0);
    native_bare_end(&b);
}

/* Attack 22 */
static void weak_keys_are_refused(void **state)
{
    const weak all[] = {
        {EVP_RSA_gen(2048), PROFILES, DTLS1_2_VERSION, NULL, SO_NO_DOOR, {NULL, NULL}},
        {EVP_RSA_gen(1024), PROFILES, DTLS1_2_VERSION, NULL, SO_DOOR_MEDIA, {"key-weak", "key-weak"}},
        {EVP_RSA_gen(2040), PROFILES, DTLS1_2_VERSION, NULL, SO_DOOR_MEDIA, {"key-weak", "key-weak"}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        against(&all[i]);
}

/* Attack 22 */
static void two_calls_have_two_certificates_and_two_keys(void **state)
{
    so_fingerprint prints[8];
    EVP_PKEY *keys[8];
    native n[4];

    (void)state;
    native_begin(&n[0], 95);
    for (int i = 1; i < 4; i++) {
        n[i].engine = n[0].engine; /* of one program */
        native_make(&n[i], 0);
        native_make(&n[i], 1);
    }
    for (int i = 0; i < 8; i++) {
        so_peer_facts facts;

        so_peer_facts_of(n[i / 2].ends[i % 2].peer, &facts);
        prints[i] = facts.mine;
        keys[i] = so_dtls_certificate_key(n[i / 2].ends[i % 2].peer->certificate);
        for (int k = 0; k < i; k++) {
            assert_false(so_fingerprint_equal(&prints[i], &prints[k]));
            assert_int_not_equal(EVP_PKEY_eq(keys[i], keys[k]), 1);
        }
    }
    for (int i = 1; i < 4; i++) {
        so_peer_free(n[i].ends[0].peer);
        so_peer_free(n[i].ends[1].peer);
    }
    native_end_all(&n[0]);
}

/*
 * Records that are too short for a tag, as from an open association, with the addresses of the true peer: nobody needs
 * a key for them. OpenSSL would end the association; RFC 6347 §4.1.2.7 wants them dropped.
 */
static void forged_short_records_end_no_call(void **state)
{
    native n;

    (void)state;
    native_open(&n, 61, 0);
    for (unsigned type = 20; type < 27; type++)
        for (unsigned len = 0; len < 40; len++)
            for (unsigned epoch = 0; epoch < 3; epoch++) {
                uint8_t bytes[13 + 40] = {0};
                so_writer w = so_writer_of(bytes, sizeof bytes);

                so_write_u8(&w, (uint8_t)type);
                so_write_u16(&w, 0xfefd);
                so_write_u16(&w, (uint16_t)epoch);
                so_write_u16(&w, 0);
                so_write_u32(&w, 1000 + len);
                so_write_u16(&w, (uint16_t)len);
                for (unsigned to = 0; to < 2; to++)
                    native_inject(&n, to, &n.ends[1 - to].base, bytes, 13 + len);
            }
    native_run(&n, 1000);
    assert_true(native_is_open(&n));
    assert_they_hear_each_other(&n);
    /* and one of them behind a record that is whole, in one datagram */
    native_inject(&n, 0, &n.ends[1].base,
                  (const uint8_t *)"\x17\xfe\xfd\0\0\0\0\0\0\0\0\0\1x\x15\xfe\xfd\0\1\0\0\0\0\0\1\0\2\2\0", 29);
    assert_true(native_is_open(&n));
    native_end_all(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(racing_hellos_from_elsewhere_are_dropped_in_100_of_100_calls),
        cmocka_unit_test(a_second_socket_of_the_true_peers_host_does_not_enter_the_handshake),
        cmocka_unit_test(the_same_hellos_do_reach_dtls_from_an_address_that_counts),
        cmocka_unit_test(without_a_profile_that_encrypts_there_are_no_keys),
        cmocka_unit_test(dtls_1_0_is_refused),
        cmocka_unit_test(weak_keys_are_refused),
        cmocka_unit_test(two_calls_have_two_certificates_and_two_keys),
        cmocka_unit_test(forged_short_records_end_no_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
