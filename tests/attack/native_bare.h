/*
 * An end with ICE and signaling like everybody's and a DTLS that is a bare OpenSSL, as weak, as old or as dishonest as
 * a test wants: it takes the place of end 1's own.
 */
#ifndef SOTTO_TESTS_ATTACK_NATIVE_BARE_H
#define SOTTO_TESTS_ATTACK_NATIVE_BARE_H

#include "attack/native.h"
#include "dtls/bio.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

typedef struct native_bare {
    native *n;
    SSL_CTX *ctx;
    SSL *ssl;
    BIO_METHOD *method;
    so_dtls_pipe pipe;
    EVP_PKEY *key;
    X509 *cert;
    bool client, began;
    unsigned hellos; /* of the victim that reached it */
    /* May alter what it says. */
    void (*alter)(uint8_t *bytes, size_t len);
} native_bare;

static inline int native_bare_trusts(X509_STORE_CTX *store, void *user)
{
    (void)store;
    (void)user;
    return 1;
}

static inline X509 *native_certificate(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);

    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    ASN1_TIME_set(X509_getm_notBefore(cert), SIM_EPOCH - 3600);
    ASN1_TIME_set(X509_getm_notAfter(cert), SIM_EPOCH + 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"bare", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    return cert;
}

/* "a=fingerprint:sha-256 AB:CD..." of any digest that OpenSSL has; a call's certificate itself knows fewer. */
static inline void native_print_line(const X509 *cert, const char *digest, const char *name, char *out, size_t cap)
{
    uint8_t bytes[EVP_MAX_MD_SIZE], *der = NULL;
    unsigned len = 0;
    int der_len = i2d_X509(cert, &der);
    so_writer w = so_writer_of(out, cap);

    assert_true(der_len > 0);
    assert_int_equal(EVP_Digest(der, (size_t)der_len, bytes, &len, EVP_get_digestbyname(digest), NULL), 1);
    OPENSSL_free(der);
    so_write_format(&w, "a=fingerprint:%s ", name);
    for (unsigned i = 0; i < len; i++)
        so_write_format(&w, "%s%02X", i == 0 ? "" : ":", bytes[i]);
    so_write_u8(&w, 0);
    assert_false(w.failed);
}

static inline void native_bare_flush(native_bare *b)
{
    uint8_t datagram[2048];
    size_t len;

    while (so_dtls_pipe_take(&b->pipe, datagram, sizeof datagram, &len)) {
        if (b->alter != NULL)
            b->alter(datagram, len);
        native_inject(b->n, 0, &b->n->ends[1].base, datagram, len);
    }
}

static inline void native_bare_step(native_bare *b)
{
    uint8_t scratch[2048];

    ERR_clear_error();
    if (SSL_do_handshake(b->ssl) == 1)
        (void)SSL_read(b->ssl, scratch, sizeof scratch);
    ERR_clear_error();
    native_bare_flush(b);
}

/* What end 1's own DTLS says is lost; what the victim says goes to the bare one. */
static inline bool native_bare_tap(native *n, native_datagram *d)
{
    native_bare *b = n->user;

    if (d->kind != SO_DEMUX_DTLS)
        return true;
    if (d->from == 0) {
        b->hellos += d->bytes[0] == 22 && d->len > 13 && d->bytes[13] == 1;
        b->pipe.in = (so_slice){d->bytes, d->len};
        native_bare_step(b);
        b->pipe.in = (so_slice){NULL, 0};
    } else if (b->client && !b->began) {
        b->began = true; /* its own hello shows that there is a path */
        native_bare_step(b);
    }
    return false;
}

static inline void native_bare_rewrite(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    native_bare *b = n->user;
    char line[256];

    if (from == 1) {
        native_print_line(b->cert, "SHA256", "sha-256", line, sizeof line);
        assert_true(native_replace_line(sdp, cap, "a=fingerprint:", line) > 0);
    }
    /* The answerer begins where it may: so the victim is the server as end 0 that offers, and the client if it must. */
    if (type == SO_SDP_OFFER && !b->client)
        assert_true(native_replace(sdp, cap, "a=setup:actpass", "a=setup:active") > 0);
}

/* End 0 offers, and is the DTLS server where the bare end is the client. Takes key. */
static inline void native_bare_begin(native_bare *b, native *n, uint64_t seed, EVP_PKEY *key, const char *profiles,
                                     int max_version, bool client)
{
    native_begin(n, seed);
    *b = (native_bare){.n = n, .key = key, .cert = native_certificate(key), .client = client};
    b->ctx = SSL_CTX_new(DTLS_method());
    b->method = so_dtls_bio_method();
    SSL_CTX_set_security_level(b->ctx, 0);
    SSL_CTX_set_options(b->ctx, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(b->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(b->ctx, native_bare_trusts, NULL);
    assert_int_equal(SSL_CTX_set_cipher_list(b->ctx, "ALL"), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(b->ctx, max_version), 1);
    assert_int_equal(SSL_CTX_use_certificate(b->ctx, b->cert), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(b->ctx, key), 1);
    if (profiles != NULL)
        assert_int_equal(SSL_CTX_set_tlsext_use_srtp(b->ctx, profiles), 0);
    b->ssl = SSL_new(b->ctx);
    {
        BIO *bio = so_dtls_bio(b->method, &b->pipe);

        SSL_set_bio(b->ssl, bio, bio);
    }
    SSL_set_mtu(b->ssl, 1200);
    if (client)
        SSL_set_connect_state(b->ssl);
    else
        SSL_set_accept_state(b->ssl);
    n->user = b;
    n->tap = native_bare_tap;
    n->rewrite = native_bare_rewrite;
}

static inline void native_bare_end(native_bare *b)
{
    native_end_all(b->n);
    SSL_free(b->ssl);
    SSL_CTX_free(b->ctx);
    so_dtls_pipe_free(&b->pipe);
    BIO_meth_free(b->method);
    X509_free(b->cert);
    EVP_PKEY_free(b->key);
    ERR_clear_error();
}

#endif
