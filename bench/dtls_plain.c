#include "dtls_plain.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#define MTU 1200
#define LABEL "EXTRACTOR-dtls_srtp"
#define PRINT_LEN 32

static EVP_PKEY *keys[2];
static X509 *certs[2];
static unsigned char prints[2][PRINT_LEN];
static SSL_CTX *contexts[2];

/* The limit's: fetched and set up once. */
static EVP_PKEY_CTX *keygen, *signing[2], *verifying[2];

static int check_print(int ok, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    unsigned char seen[EVP_MAX_MD_SIZE];
    unsigned len;

    (void)ok;
    return X509_digest(X509_STORE_CTX_get_current_cert(store), EVP_sha256(), seen, &len) == 1 &&
           CRYPTO_memcmp(seen, SSL_get_app_data(ssl), PRINT_LEN) == 0;
}

static SSL_CTX *new_context(int i)
{
    SSL_CTX *ctx = SSL_CTX_new(DTLS_method());

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, check_print);
    SSL_CTX_set_verify_depth(ctx, 1);
    SSL_CTX_set_read_ahead(ctx, 1);
    if (SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
        SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80") == 0 &&
        SSL_CTX_use_certificate(ctx, certs[i]) == 1 && SSL_CTX_use_PrivateKey(ctx, keys[i]) == 1 &&
        SSL_CTX_check_private_key(ctx) == 1)
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

static SSL *new_end(SSL_CTX *ctx, int i)
{
    SSL *ssl = SSL_new(ctx);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());

    if (ssl == NULL || in == NULL || out == NULL) {
        BIO_free(in);
        BIO_free(out);
        SSL_free(ssl);
        return NULL;
    }
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl, in, out);
    SSL_set_app_data(ssl, prints[1 - i]);
    (void)SSL_set_mtu(ssl, MTU);
    if (i == 0)
        SSL_set_connect_state(ssl);
    else
        SSL_set_accept_state(ssl);
    return ssl;
}

/* BIO_s_mem gives a whole flight in one piece, which DTLS takes and which is quicker than datagram by datagram. */
static int carry(SSL *from, SSL *to)
{
    char flight[8192];
    int len = BIO_read(SSL_get_wbio(from), flight, sizeof flight);

    return len > 0 && BIO_write(SSL_get_rbio(to), flight, len) == len;
}

bool plain_shake(bool shared)
{
    SSL_CTX *ctxs[2];
    SSL *ends[2] = {NULL, NULL};
    unsigned char media[2][56];
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        ctxs[i] = shared ? contexts[i] : new_context(i);
        ok = ok && ctxs[i] != NULL && (ends[i] = new_end(ctxs[i], i)) != NULL;
    }
    if (ok) {
        do {
            (void)SSL_do_handshake(ends[0]);
            (void)carry(ends[0], ends[1]);
            (void)SSL_do_handshake(ends[1]);
        } while (carry(ends[1], ends[0]));
        for (int i = 0; i < 2; i++)
            ok = ok && SSL_is_init_finished(ends[i]) && SSL_get_selected_srtp_profile(ends[i]) != NULL &&
                 SSL_export_keying_material(ends[i], media[i], sizeof media[i], LABEL, strlen(LABEL), NULL, 0, 0) == 1;
        ok = ok && memcmp(media[0], media[1], sizeof media[0]) == 0;
    }
    for (int i = 0; i < 2; i++) {
        SSL_free(ends[i]);
        if (!shared)
            SSL_CTX_free(ctxs[i]);
    }
    ERR_clear_error();
    return ok;
}

/* One end's agreement with the other's key, as the handshake makes it from the bytes that came. */
static bool agree(EVP_PKEY *own, const unsigned char *theirs, size_t len, unsigned char secret[32])
{
    EVP_PKEY *peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, theirs, len);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    size_t secret_len = 32;
    bool ok = peer != NULL && ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 && EVP_PKEY_derive(ctx, secret, &secret_len) == 1;

    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(peer);
    return ok;
}

bool plain_limit(void)
{
    EVP_PKEY *own[2] = {NULL, NULL};
    unsigned char point[2][32], secret[2][32], signature[80];
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        size_t len = sizeof point[i];

        ok = ok && EVP_PKEY_generate(keygen, &own[i]) == 1 && EVP_PKEY_get_raw_public_key(own[i], point[i], &len) == 1;
    }
    for (int i = 0; i < 2; i++) {
        size_t len = sizeof signature;

        ok = ok && agree(own[i], point[1 - i], sizeof point[1 - i], secret[i]) &&
             EVP_PKEY_sign(signing[i], signature, &len, prints[i], PRINT_LEN) == 1 &&
             EVP_PKEY_verify(verifying[i], signature, len, prints[i], PRINT_LEN) == 1;
    }
    ok = ok && memcmp(secret[0], secret[1], sizeof secret[0]) == 0;
    for (int i = 0; i < 2; i++)
        EVP_PKEY_free(own[i]);
    return ok;
}

static X509 *new_certificate(EVP_PKEY *key)
{
    X509 *x509 = X509_new();
    X509_NAME *name = x509 == NULL ? NULL : X509_get_subject_name(x509);

    if (x509 != NULL && X509_set_version(x509, X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(x509), 4711) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(x509), -86400) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x509), 86400) != NULL &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"WebRTC", -1, -1, 0) == 1 &&
        X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
        X509_sign(x509, key, EVP_sha256()) > 0)
        return x509;
    X509_free(x509);
    return NULL;
}

bool plain_open(void)
{
    bool ok = (keygen = EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, NULL)) != NULL && EVP_PKEY_keygen_init(keygen) == 1;

    for (int i = 0; i < 2 && ok; i++)
        ok = (keys[i] = EVP_EC_gen("P-256")) != NULL && (certs[i] = new_certificate(keys[i])) != NULL &&
             X509_digest(certs[i], EVP_sha256(), prints[i], NULL) == 1 && (contexts[i] = new_context(i)) != NULL &&
             (signing[i] = EVP_PKEY_CTX_new(keys[i], NULL)) != NULL && EVP_PKEY_sign_init(signing[i]) == 1 &&
             (verifying[i] = EVP_PKEY_CTX_new(keys[i], NULL)) != NULL && EVP_PKEY_verify_init(verifying[i]) == 1;
    return ok;
}

void plain_close(void)
{
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_CTX_free(signing[i]);
        EVP_PKEY_CTX_free(verifying[i]);
        SSL_CTX_free(contexts[i]);
        X509_free(certs[i]);
        EVP_PKEY_free(keys[i]);
    }
    EVP_PKEY_CTX_free(keygen);
}
