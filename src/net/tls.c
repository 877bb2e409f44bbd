#include "net/tls.h"

#include "crypto/groups.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static const uint8_t alpn_http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

/* RFC 7301 §3.2: a client that offers protocols, none of them ours, gets no_application_protocol. */
static int choose_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *in, unsigned in_len, void *user)
{
    uint8_t *chosen;

    (void)ssl;
    (void)user;
    if (SSL_select_next_proto(&chosen, out_len, alpn_http11, sizeof alpn_http11, in, in_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *common(const SSL_METHOD *method)
{
    SSL_CTX *ctx = SSL_CTX_new(method);

    if (ctx == NULL)
        return NULL;
    SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* The chain is whole in its file; without this OpenSSL looks for an issuer in each handshake. */
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    if (!SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) || !SSL_CTX_set_num_tickets(ctx, 0) ||
        !SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") ||
        !SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") ||
        !SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384")) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    return ctx;
}

static BIO *bio_of(const char *pem, size_t len)
{
    return len > INT_MAX ? NULL : BIO_new_mem_buf(pem, (int)len);
}

static bool use_chain(SSL_CTX *ctx, const char *pem, size_t len)
{
    BIO *bio = bio_of(pem, len);
    X509 *cert = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL, NULL);
    bool ok = cert != NULL && SSL_CTX_use_certificate(ctx, cert);

    X509_free(cert);
    while (ok && (cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        ok = SSL_CTX_add0_chain_cert(ctx, cert) == 1;
        if (!ok)
            X509_free(cert);
    }
    BIO_free(bio);
    return ok;
}

static bool use_key(SSL_CTX *ctx, const char *pem, size_t len)
{
    BIO *bio = bio_of(pem, len);
    EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
    bool ok = key != NULL && SSL_CTX_use_PrivateKey(ctx, key) && SSL_CTX_check_private_key(ctx);

    EVP_PKEY_free(key);
    BIO_free(bio);
    return ok;
}

so_status so_tls_server(SSL_CTX **out, const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len,
                        so_error *err)
{
    SSL_CTX *ctx = common(TLS_server_method());

    if (ctx == NULL)
        return so_fail(err, SO_CRYPTO, "TLS", "OpenSSL can't make a TLS context; reinstall OpenSSL 3.0 or newer");
    if (!use_chain(ctx, chain_pem, chain_len) || !use_key(ctx, key_pem, key_len)) {
        SSL_CTX_free(ctx);
        ERR_clear_error();
        return so_fail(err, SO_BAD_INPUT, "TLS",
                       "the certificate or its key can't be used; both must be PEM, and the key must be the "
                       "certificate's, without a passphrase");
    }
    ERR_clear_error();
    SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, NULL);
    *out = ctx;
    return SO_OK;
}

so_status so_tls_client(SSL_CTX **out, const char *ca_file, so_error *err)
{
    SSL_CTX *ctx = common(TLS_client_method());
    bool ok;

    if (ctx == NULL)
        return so_fail(err, SO_CRYPTO, "TLS", "OpenSSL can't make a TLS context; reinstall OpenSSL 3.0 or newer");
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    ok = SSL_CTX_set_alpn_protos(ctx, alpn_http11, sizeof alpn_http11) == 0;
    ok = ok && (ca_file != NULL ? SSL_CTX_load_verify_file(ctx, ca_file) : SSL_CTX_set_default_verify_paths(ctx)) == 1;
    ERR_clear_error();
    if (!ok) {
        SSL_CTX_free(ctx);
        return so_fail(err, SO_IO, "TLS", "no CA certificates could be read from %s; give a PEM file with --ca FILE",
                       ca_file != NULL ? ca_file : "the system's store");
    }
    *out = ctx;
    return SO_OK;
}

static bool set_groups(void *ctx, const char *list)
{
    return SSL_CTX_set1_groups_list(ctx, list) == 1;
}

so_status so_tls_limit(SSL_CTX *ctx, bool tls13_only, const char *groups, so_error *err)
{
    if (tls13_only && SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)
        return so_fail(err, SO_REFUSED, "TLS", "OpenSSL on this machine has no TLS 1.3; update it, or ask for 1.2");
    if (groups != NULL && so_groups_use(groups, set_groups, ctx) != SO_OK)
        return so_fail(err, SO_REFUSED, "TLS",
                       "OpenSSL on this machine has none of the groups that may be used (%.100s); update it, or allow "
                       "another group",
                       groups);
    return SO_OK;
}

so_tls_facts so_tls_facts_of(SSL *ssl)
{
    const char *group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));

    return (so_tls_facts){.version = SSL_get_version(ssl),
                          .cipher = SSL_get_cipher_name(ssl),
                          .group = group == NULL ? "unknown" : group};
}

so_status so_tls_chain(SSL *ssl, so_certs **chain)
{
    const STACK_OF(X509) *verified = SSL_get0_verified_chain(ssl);

    *chain = NULL;
    return verified == NULL ? SO_NOT_FOUND : so_certs_of_stack(chain, verified);
}
