/* Two associations in simulated time; and, where Sotto itself could not behave so badly, a bare OpenSSL as the other
 * end. */
#include "unit.h"

#include "clock.h"
#include "dtls/bio.h"
#include "dtls/dtls.h"
#include "dtls/early.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define MAX_FLIGHT 64

typedef struct packet {
    uint8_t bytes[2048];
    size_t len;
} packet;

typedef struct pair {
    so_dtls_context *context;
    so_dtls_certificate *certs[2];
    so_dtls *ends[2]; /* client, server */
    unsigned loss, reorder;
    size_t datagrams, bytes;
} pair;

static so_random seeded(void)
{
    return sim_random();
}

static so_dtls *end_of(pair *p, so_dtls_role role, const so_fingerprint *expected)
{
    so_dtls_config config = {.context = p->context, .certificate = p->certs[role], .role = role, .expected = *expected};
    so_dtls *end;

    assert_int_equal(so_dtls_new(&end, &config, NULL), SO_OK);
    return end;
}

static void begin(pair *p, uint64_t seed)
{
    so_random random;

    sim_begin(seed);
    random = seeded();
    *p = (pair){0};
    assert_int_equal(so_dtls_context_make(&p->context, NULL), SO_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(so_dtls_certificate_make(&p->certs[i], SIM_EPOCH, &random, NULL), SO_OK);
}

static void begin_honest(pair *p, uint64_t seed)
{
    begin(p, seed);
    for (int i = 0; i < 2; i++)
        p->ends[i] = end_of(p, i, so_dtls_certificate_fingerprint(p->certs[1 - i]));
}

static void end(pair *p)
{
    for (int i = 0; i < 2; i++) {
        so_dtls_free(p->ends[i]);
        so_dtls_certificate_free(p->certs[i]);
    }
    so_dtls_context_free(p->context);
    sim_end();
}

static bool over(const so_dtls *d)
{
    return so_dtls_state_of(d) == SO_DTLS_FAILED || so_dtls_state_of(d) == SO_DTLS_CLOSED;
}

/* Carries what one end sends to the other; whether there was anything. */
static bool carry(pair *p, int from)
{
    static packet flight[MAX_FLIGHT];
    size_t count = 0;

    while (count < MAX_FLIGHT && so_dtls_transmit(p->ends[from], flight[count].bytes, &flight[count].len)) {
        assert_true(flight[count].len <= SO_DTLS_MTU);
        p->datagrams++;
        p->bytes += flight[count].len;
        if (sim_dice(100) >= p->loss)
            count++;
    }
    for (size_t i = 0; i + 1 < count; i++)
        if (sim_dice(100) < p->reorder) {
            packet first = flight[i];
            flight[i] = flight[i + 1];
            flight[i + 1] = first;
        }
    for (size_t i = 0; i < count; i++)
        so_dtls_receive(p->ends[1 - from], (so_slice){flight[i].bytes, flight[i].len});
    return count > 0;
}

static void run(pair *p)
{
    so_dtls_start(p->ends[1]);
    so_dtls_start(p->ends[0]);
    for (;;) {
        so_msec wait;

        while (carry(p, 0) || carry(p, 1))
            ;
        wait = so_dtls_wait(p->ends[0]);
        if (so_dtls_wait(p->ends[1]) < wait)
            wait = so_dtls_wait(p->ends[1]);
        if (wait == UINT64_MAX)
            return;
        sim_set(sim_now() + wait);
        so_dtls_tick(p->ends[0]);
        so_dtls_tick(p->ends[1]);
    }
}

static void assert_agree(pair *p)
{
    so_dtls_keys a, b;

    assert_int_equal(so_dtls_state_of(p->ends[0]), SO_DTLS_OPEN);
    assert_int_equal(so_dtls_state_of(p->ends[1]), SO_DTLS_OPEN);
    assert_int_equal(so_dtls_export(p->ends[0], &a), SO_OK);
    assert_int_equal(so_dtls_export(p->ends[1], &b), SO_OK);
    assert_int_equal(a.profile, b.profile);
    assert_true(a.key_len >= 16 && a.salt_len >= 12);
    assert_memory_equal(a.local_key, b.remote_key, a.key_len);
    assert_memory_equal(a.remote_key, b.local_key, a.key_len);
    assert_memory_equal(a.local_salt, b.remote_salt, a.salt_len);
    assert_memory_equal(a.remote_salt, b.local_salt, a.salt_len);
    assert_memory_not_equal(a.local_key, a.remote_key, a.key_len);
}

static void two_ends_agree_on_keys(void **state)
{
    pair p;
    so_dtls_facts facts;

    (void)state;
    begin_honest(&p, 1);
    run(&p);
    assert_agree(&p);
    facts = so_dtls_facts_of(p.ends[0]);
    assert_int_equal(facts.profile, 7); /* AEAD_AES_128_GCM */
    assert_non_null(facts.cipher);
    assert_non_null(strstr(facts.cipher, "GCM"));
    assert_true(strcmp(facts.version, "1.2") == 0 || strcmp(facts.version, "1.3") == 0);
    assert_non_null(facts.group);
    assert_true(so_fingerprint_equal(&facts.seen, so_dtls_certificate_fingerprint(p.certs[1])));
    assert_int_equal(facts.retransmits, 0);
    end(&p);
}

static void a_path_that_loses_and_reorders_only_delays(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 150; seed++) {
        pair p;

        begin_honest(&p, seed);
        p.loss = (unsigned)(seed % 4) * 10;
        p.reorder = 30;
        run(&p);
        assert_agree(&p);
        end(&p);
    }
}

static void the_same_seed_is_the_same_wire(void **state)
{
    size_t bytes[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        pair p;

        begin_honest(&p, 5);
        p.loss = 20;
        run(&p);
        bytes[i] = p.bytes * 1000 + p.datagrams;
        end(&p);
    }
    assert_int_equal(bytes[0], bytes[1]);
}

static void every_hash_that_counts_will_do(void **state)
{
    (void)state;
    for (so_hash hash = SO_HASH_SHA256; hash <= SO_HASH_SHA512; hash++) {
        pair p;

        begin(&p, hash);
        for (int i = 0; i < 2; i++) {
            so_fingerprint print;
            uint8_t *der = NULL;
            int len = i2d_X509(so_dtls_certificate_x509(p.certs[1 - i]), &der);

            assert_int_equal(so_fingerprint_of(&print, hash, (so_slice){der, (size_t)len}), SO_OK);
            OPENSSL_free(der);
            p.ends[i] = end_of(&p, i, &print);
        }
        run(&p);
        assert_agree(&p);
        end(&p);
    }
}

/* Attack 3: in both roles, each hash; and keys are asked for after the refusal, where OpenSSL would still give them. */
static void another_certificate_is_refused_in_both_roles(void **state)
{
    (void)state;
    for (int victim = 0; victim < 2; victim++) {
        pair p;
        so_fingerprint wrong;
        so_dtls_keys keys;
        uint8_t zero[sizeof keys.local_key] = {0};

        begin(&p, 10);
        wrong = *so_dtls_certificate_fingerprint(p.certs[1 - victim]);
        wrong.bytes[31] ^= 1;
        p.ends[victim] = end_of(&p, victim, &wrong);
        p.ends[1 - victim] = end_of(&p, 1 - victim, so_dtls_certificate_fingerprint(p.certs[victim]));
        run(&p);
        assert_int_equal(so_dtls_state_of(p.ends[victim]), SO_DTLS_FAILED);
        assert_int_equal(so_dtls_fault_of(p.ends[victim]), SO_DTLS_MISMATCH);
        assert_string_equal(so_dtls_fault_name(SO_DTLS_MISMATCH), "fingerprint-mismatch");
        assert_string_equal(so_dtls_error(p.ends[victim])->layer, "fingerprints");
        /* the liar hears it from the alert */
        assert_int_equal(so_dtls_state_of(p.ends[1 - victim]), SO_DTLS_FAILED);
        assert_int_equal(so_dtls_fault_of(p.ends[1 - victim]), SO_DTLS_CERTIFICATE_REFUSED);
        assert_string_equal(so_dtls_fault_name(SO_DTLS_CERTIFICATE_REFUSED), "peer-refused");
        assert_string_equal(so_dtls_error(p.ends[1 - victim])->layer, "fingerprints");
        assert_non_null(strstr(so_dtls_error(p.ends[1 - victim])->text, "bad certificate"));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(so_dtls_export(p.ends[i], &keys), SO_STATE);
            assert_memory_equal(keys.local_key, zero, sizeof zero);
        }
        assert_int_not_equal(so_dtls_facts_of(p.ends[victim]).seen.hash, SO_HASH_NONE);
        end(&p);
    }
}

static void no_fingerprint_is_no_association(void **state)
{
    pair p;
    so_dtls_config config = {.role = SO_DTLS_CLIENT};
    so_dtls *none;
    so_error err;

    (void)state;
    begin(&p, 11);
    config.context = p.context;
    config.certificate = p.certs[0];
    assert_int_equal(so_dtls_new(&none, &config, &err), SO_BAD_INPUT);
    assert_null(none);
    assert_string_equal(err.layer, "fingerprints");
    end(&p);
}

static void keys_wait_for_the_whole_handshake(void **state)
{
    pair p;
    so_dtls_keys keys;

    (void)state;
    begin_honest(&p, 12);
    for (int i = 0; i < 2; i++)
        assert_int_equal(so_dtls_export(p.ends[i], &keys), SO_STATE);
    so_dtls_start(p.ends[1]);
    so_dtls_start(p.ends[0]);
    while (so_dtls_state_of(p.ends[0]) != SO_DTLS_OPEN) {
        for (int i = 0; i < 2; i++)
            if (so_dtls_state_of(p.ends[i]) != SO_DTLS_OPEN)
                assert_int_equal(so_dtls_export(p.ends[i], &keys), SO_STATE);
        carry(&p, 0);
        carry(&p, 1);
    }
    assert_agree(&p);
    end(&p);
}

static void silence_ends_after_twelve_retransmissions(void **state)
{
    pair p;
    so_msec gaps[16];
    unsigned sent = 0;
    uint8_t datagram[SO_DTLS_MTU];
    size_t len;

    (void)state;
    begin_honest(&p, 13);
    so_dtls_start(p.ends[0]);
    for (; !over(p.ends[0]); sent++) {
        while (so_dtls_transmit(p.ends[0], datagram, &len))
            ;
        gaps[sent] = so_dtls_wait(p.ends[0]);
        assert_true(gaps[sent] > 0 && gaps[sent] <= 4000);
        sim_set(sim_now() + gaps[sent]);
        so_dtls_tick(p.ends[0]);
        assert_true(sent < 15);
    }
    assert_int_equal(gaps[0], 50);
    assert_int_equal(gaps[1], 100);
    assert_int_equal(gaps[5], 1600);
    assert_int_equal(gaps[7], 4000);
    assert_int_equal(gaps[11], 4000);
    assert_int_equal(so_dtls_facts_of(p.ends[0]).retransmits, 12);
    assert_int_equal(so_dtls_fault_of(p.ends[0]), SO_DTLS_TIMEOUT);
    assert_int_equal(so_dtls_wait(p.ends[0]), UINT64_MAX);
    end(&p);
}

static void a_farewell_closes_the_other_end(void **state)
{
    pair p;
    so_dtls_keys keys;

    (void)state;
    begin_honest(&p, 14);
    run(&p);
    assert_agree(&p);
    so_dtls_close(p.ends[0]);
    assert_true(carry(&p, 0));
    assert_int_equal(so_dtls_state_of(p.ends[1]), SO_DTLS_CLOSED);
    assert_int_equal(so_dtls_export(p.ends[1], &keys), SO_STATE);
    end(&p);
}

static void what_is_no_dtls_changes_nothing(void **state)
{
    pair p;

    (void)state;
    begin_honest(&p, 15);
    so_dtls_start(p.ends[1]);
    for (int i = 0; i < 500; i++) {
        uint8_t noise[100];
        so_random random = seeded();

        assert_int_equal(so_random_fill(&random, noise, sizeof noise), SO_OK);
        so_dtls_receive(p.ends[1], (so_slice){noise, 1 + sim_dice(sizeof noise)});
    }
    run(&p);
    assert_agree(&p);
    end(&p);
}

/* A bare OpenSSL end, as weak or as odd as a test wants it. */
typedef struct bare {
    SSL_CTX *ctx;
    SSL *ssl;
    so_dtls_pipe pipe;
    EVP_PKEY *key;
    X509 *cert;
} bare;

static int accept_all(X509_STORE_CTX *store, void *user)
{
    (void)store;
    (void)user;
    return 1;
}

static void bare_begin(bare *b, pair *p, EVP_PKEY *key, const char *profiles, int max_version)
{
    X509_NAME *name;

    *b = (bare){.key = key, .cert = X509_new(), .ctx = SSL_CTX_new(DTLS_method())};
    assert_non_null(key);
    X509_set_version(b->cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(b->cert), 1);
    ASN1_TIME_set(X509_getm_notBefore(b->cert), SIM_EPOCH - 3600);
    ASN1_TIME_set(X509_getm_notAfter(b->cert), SIM_EPOCH + 3600);
    name = X509_get_subject_name(b->cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"bare", -1, -1, 0);
    X509_set_issuer_name(b->cert, name);
    X509_set_pubkey(b->cert, key);
    assert_true(X509_sign(b->cert, key, EVP_sha256()) > 0);
    SSL_CTX_set_security_level(b->ctx, 0);
    SSL_CTX_set_options(b->ctx, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(b->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(b->ctx, accept_all, NULL);
    assert_int_equal(SSL_CTX_set_cipher_list(b->ctx, "ALL"), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(b->ctx, max_version), 1);
    assert_int_equal(SSL_CTX_use_certificate(b->ctx, b->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(b->ctx, key), 1);
    if (profiles != NULL)
        assert_int_equal(SSL_CTX_set_tlsext_use_srtp(b->ctx, profiles), 0);
    b->ssl = SSL_new(b->ctx);
    {
        BIO *bio = so_dtls_bio(so_dtls_context_bio(p->context), &b->pipe);
        SSL_set_bio(b->ssl, bio, bio);
    }
    SSL_set_mtu(b->ssl, 400); /* so that hellos and certificates come in pieces */
}

static so_fingerprint bare_print(const bare *b)
{
    so_fingerprint print;
    uint8_t *der = NULL;
    int len = i2d_X509(b->cert, &der);

    assert_int_equal(so_fingerprint_of(&print, SO_HASH_SHA256, (so_slice){der, (size_t)len}), SO_OK);
    OPENSSL_free(der);
    return print;
}

static void bare_end(bare *b)
{
    SSL_free(b->ssl);
    SSL_CTX_free(b->ctx);
    so_dtls_pipe_free(&b->pipe);
    X509_free(b->cert);
    EVP_PKEY_free(b->key);
    ERR_clear_error();
}

/* The bare end takes the other role; its first datagrams arrive last first, and every second flight. */
static void bare_run(bare *b, so_dtls *d, bool is_client)
{
    static packet flight[MAX_FLIGHT];

    so_dtls_start(d);
    if (is_client)
        SSL_set_connect_state(b->ssl);
    else
        SSL_set_accept_state(b->ssl);
    for (int turns = 0; turns < 20; turns++) {
        uint8_t datagram[SO_DTLS_MTU];
        size_t len, count = 0;

        ERR_clear_error();
        SSL_do_handshake(b->ssl);
        while (count < MAX_FLIGHT &&
               so_dtls_pipe_take(&b->pipe, flight[count].bytes, sizeof flight[count].bytes, &flight[count].len))
            count++;
        for (size_t i = 0; i < count; i++) {
            const packet *next = &flight[turns % 2 == 0 ? count - 1 - i : i];
            so_dtls_receive(d, (so_slice){next->bytes, next->len});
        }
        while (so_dtls_transmit(d, datagram, &len)) {
            b->pipe.in = (so_slice){datagram, len};
            ERR_clear_error();
            SSL_do_handshake(b->ssl);
        }
        sim_set(sim_now() + 1000);
        so_dtls_tick(d);
        (void)DTLSv1_handle_timeout(b->ssl);
    }
}

static void against_bare(EVP_PKEY *key, const char *profiles, int max_version, so_dtls_fault as_client,
                         so_dtls_fault as_server, uint16_t profile)
{
    for (int role = 0; role < 2; role++) {
        so_dtls_fault fault = role == SO_DTLS_CLIENT ? as_client : as_server;
        pair p;
        bare b;
        so_fingerprint print;
        so_dtls_keys keys;

        begin(&p, 20);
        EVP_PKEY_up_ref(key);
        bare_begin(&b, &p, key, profiles, max_version);
        print = bare_print(&b);
        p.ends[role] = end_of(&p, role, &print);
        bare_run(&b, p.ends[role], role == SO_DTLS_SERVER);
        assert_int_equal(so_dtls_fault_of(p.ends[role]), fault);
        if (fault == SO_DTLS_NO_FAULT) {
            assert_int_equal(so_dtls_state_of(p.ends[role]), SO_DTLS_OPEN);
            assert_int_equal(so_dtls_export(p.ends[role], &keys), SO_OK);
            assert_int_equal(keys.profile, profile);
        } else {
            assert_int_equal(so_dtls_state_of(p.ends[role]), SO_DTLS_FAILED);
            assert_int_equal(so_dtls_export(p.ends[role], &keys), SO_STATE);
            assert_true(strlen(so_dtls_error(p.ends[role])->text) > 20);
        }
        bare_end(&b);
        end(&p);
    }
    EVP_PKEY_free(key);
}

#define ALL_PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80"

static void hellos_in_many_datagrams_in_any_order_are_put_together(void **state)
{
    (void)state;
    against_bare(EVP_EC_gen("P-256"), "SRTP_AES128_CM_SHA1_80", DTLS1_2_VERSION, SO_DTLS_NO_FAULT, SO_DTLS_NO_FAULT, 1);
    against_bare(EVP_RSA_gen(2048), "SRTP_AEAD_AES_256_GCM", DTLS1_2_VERSION, SO_DTLS_NO_FAULT, SO_DTLS_NO_FAULT, 8);
    against_bare(EVP_EC_gen("P-384"), ALL_PROFILES, DTLS1_2_VERSION, SO_DTLS_NO_FAULT, SO_DTLS_NO_FAULT, 7);
}

/* Attack 22 */
static void a_weak_key_is_refused(void **state)
{
    (void)state;
    against_bare(EVP_RSA_gen(1024), ALL_PROFILES, DTLS1_2_VERSION, SO_DTLS_WEAK_KEY, SO_DTLS_WEAK_KEY, 0);
}

/* Attack 7 */
static void without_srtp_there_is_no_association(void **state)
{
    (void)state;
    against_bare(EVP_EC_gen("P-256"), NULL, DTLS1_2_VERSION, SO_DTLS_NO_SRTP, SO_DTLS_NO_SRTP, 0);
    /* 32-bit tags are not ours either */
    against_bare(EVP_EC_gen("P-256"), "SRTP_AES128_CM_SHA1_32", DTLS1_2_VERSION, SO_DTLS_NO_SRTP, SO_DTLS_NO_SRTP, 0);
}

/* Attack 9 */
static void dtls_1_0_is_refused(void **state)
{
    (void)state;
    /* such a server finds no suite in our hello, and says so first */
    against_bare(EVP_EC_gen("P-256"), ALL_PROFILES, DTLS1_VERSION, SO_DTLS_REFUSED, SO_DTLS_TOO_OLD, 0);
}

/* Nobody is in the middle where two ends only have nothing in common. */
static void only_alerts_about_certificates_put_the_certificate_in_doubt(void **state)
{
    static const struct {
        uint8_t alert;
        so_dtls_fault fault;
    } cases[] = {
        {SSL_AD_HANDSHAKE_FAILURE, SO_DTLS_REFUSED},
        {41 /* no_certificate, of SSL 3.0 alone */, SO_DTLS_REFUSED},
        {SSL_AD_BAD_CERTIFICATE, SO_DTLS_CERTIFICATE_REFUSED},
        {SSL_AD_UNSUPPORTED_CERTIFICATE, SO_DTLS_CERTIFICATE_REFUSED},
        {SSL_AD_CERTIFICATE_REVOKED, SO_DTLS_CERTIFICATE_REFUSED},
        {SSL_AD_CERTIFICATE_EXPIRED, SO_DTLS_CERTIFICATE_REFUSED},
        {SSL_AD_CERTIFICATE_UNKNOWN, SO_DTLS_CERTIFICATE_REFUSED},
        {SSL_AD_ILLEGAL_PARAMETER, SO_DTLS_REFUSED},
        {SSL_AD_UNKNOWN_CA, SO_DTLS_CERTIFICATE_REFUSED},
        {SSL_AD_DECRYPT_ERROR, SO_DTLS_REFUSED},
        {SSL_AD_INTERNAL_ERROR, SO_DTLS_REFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        /* RFC 6347 §4.1: a record of one alert, in the clear as before the keys */
        uint8_t record[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, SSL3_AL_FATAL, cases[i].alert};
        bool certificate = cases[i].fault == SO_DTLS_CERTIFICATE_REFUSED;
        const so_error *error;
        pair p;

        begin(&p, 30 + i);
        p.ends[0] = end_of(&p, 0, so_dtls_certificate_fingerprint(p.certs[1]));
        so_dtls_start(p.ends[0]);
        so_dtls_receive(p.ends[0], (so_slice){record, sizeof record});
        error = so_dtls_error(p.ends[0]);
        assert_int_equal(so_dtls_fault_of(p.ends[0]), cases[i].fault);
        assert_string_equal(so_dtls_fault_name(cases[i].fault), certificate ? "peer-refused" : "dtls-failed");
        assert_string_equal(error->layer, certificate ? "fingerprints" : "media keys");
        assert_int_equal(strstr(error->text, "between the two ends") != NULL, certificate);
        end(&p);
    }
}

static void count_bytes(void *user, so_slice datagram)
{
    size_t *sum = user;

    *sum = *sum * 7 + datagram.len;
}

static void early_datagrams_are_kept_in_order_and_bounded(void **state)
{
    static const uint8_t bytes[SO_EARLY_BYTES + 1];
    so_early early = {0};
    size_t sum = 0;

    (void)state;
    so_early_keep(&early, (so_slice){bytes, SO_EARLY_BYTES + 1});
    assert_int_equal(early.dropped, 1);
    for (size_t i = 1; i <= SO_EARLY_DATAGRAMS + 2; i++)
        so_early_keep(&early, (so_slice){bytes, i});
    assert_int_equal(early.count, SO_EARLY_DATAGRAMS);
    assert_int_equal(early.dropped, 3);
    so_early_drain(&early, count_bytes, &sum);
    assert_int_equal(sum, ((((((1 * 7 + 2) * 7 + 3) * 7 + 4) * 7 + 5) * 7 + 6) * 7 + 7) * 7 + 8);
    assert_null(early.bytes);
    so_early_keep(&early, (so_slice){bytes, SO_EARLY_BYTES - 10});
    so_early_keep(&early, (so_slice){bytes, 11});
    assert_int_equal(early.dropped, 4);
    so_early_clear(&early);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_ends_agree_on_keys),
        cmocka_unit_test(a_path_that_loses_and_reorders_only_delays),
        cmocka_unit_test(the_same_seed_is_the_same_wire),
        cmocka_unit_test(every_hash_that_counts_will_do),
        cmocka_unit_test(another_certificate_is_refused_in_both_roles),
        cmocka_unit_test(only_alerts_about_certificates_put_the_certificate_in_doubt),
        cmocka_unit_test(no_fingerprint_is_no_association),
        cmocka_unit_test(keys_wait_for_the_whole_handshake),
        cmocka_unit_test(silence_ends_after_twelve_retransmissions),
        cmocka_unit_test(a_farewell_closes_the_other_end),
        cmocka_unit_test(what_is_no_dtls_changes_nothing),
        cmocka_unit_test(hellos_in_many_datagrams_in_any_order_are_put_together),
        cmocka_unit_test(a_weak_key_is_refused),
        cmocka_unit_test(without_srtp_there_is_no_association),
        cmocka_unit_test(dtls_1_0_is_refused),
        cmocka_unit_test(early_datagrams_are_kept_in_order_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
