/* TLS without its floor, and a client that takes any certificate. */
#include "weak/weak.h"

#include "net/tls.h"
#include "server/page.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

so_status __real_so_tls_server(SSL_CTX **ctx, const char *chain_pem, size_t chain_len, const char *key_pem,
                               size_t key_len, so_error *err);
so_status __real_so_tls_client(SSL_CTX **ctx, const char *ca_file, so_error *err);
bool __real_so_page_header(so_writer *w, const char *name, const char *origin);

/* Ciphers of static RSA need a key for it; ends that can ECDSA still get the true certificate. */
static void add_rsa(SSL_CTX *ctx)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = X509_new();

    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_set_pubkey(cert, key);
    if (X509_sign(cert, key, EVP_sha256()) <= 0 || SSL_CTX_use_certificate(ctx, cert) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, key) != 1)
        abort();
    X509_free(cert);
    EVP_PKEY_free(key);
}

static void use_ciphers(SSL_CTX *ctx, const char *list)
{
    char whole[200] = "ECDHE+AESGCM:";

    strcat(strcat(whole, list), ":@SECLEVEL=0");
    if (SSL_CTX_set_cipher_list(ctx, whole) != 1)
        abort();
}

/* Of an old version that one alone: with the ciphers that it has, and nothing else would be different. */
static int take_older(SSL *ssl, int *alert, void *user)
{
    unsigned version = SSL_client_hello_get0_legacy_version(ssl);

    (void)alert;
    (void)user;
    if ((version == TLS1_VERSION && weak("tls-1.0")) || (version == TLS1_1_VERSION && weak("tls-1.1"))) {
        SSL_set_min_proto_version(ssl, (int)version);
        if (SSL_set_cipher_list(ssl, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0") != 1)
            abort();
    }
    return SSL_CLIENT_HELLO_SUCCESS;
}

so_status __wrap_so_tls_server(SSL_CTX **ctx, const char *chain_pem, size_t chain_len, const char *key_pem,
                               size_t key_len, so_error *err)
{
    so_status status = __real_so_tls_server(ctx, chain_pem, chain_len, key_pem, key_len, err);

    if (status != SO_OK)
        return status;
    SSL_CTX_set_client_hello_cb(*ctx, take_older, NULL);
    if (weak("tls-null"))
        use_ciphers(*ctx, "ECDHE-ECDSA-NULL-SHA");
    if (weak("tls-anonymous"))
        use_ciphers(*ctx, "AECDH-AES128-SHA");
    if (weak("tls-static-rsa")) {
        add_rsa(*ctx);
        use_ciphers(*ctx, "AES128-GCM-SHA256");
    }
    if (weak("tls-cbc"))
        use_ciphers(*ctx, "ECDHE-ECDSA-AES128-SHA");
    if (weak("tls-obsolete"))
        use_ciphers(*ctx, "ECDHE-ECDSA-CAMELLIA128-SHA256");
    if (weak("tls-downgrade"))
        SSL_CTX_set_max_proto_version(*ctx, TLS1_2_VERSION);
    if (weak("tls-alpn"))
        SSL_CTX_set_alpn_select_cb(*ctx, NULL, NULL);
    return status;
}

/* Passes over the one fault that is named. */
static int pass_over(int ok, X509_STORE_CTX *store)
{
    int fault = X509_STORE_CTX_get_error(store);

    if (ok == 1 || !((weak("impostor-self-signed") && fault == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) ||
                     (weak("impostor-other-ca") && fault == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN) ||
                     (weak("impostor-wrong-name") && fault == X509_V_ERR_HOSTNAME_MISMATCH) ||
                     (weak("impostor-expired") && fault == X509_V_ERR_CERT_HAS_EXPIRED) ||
                     (weak("impostor-not-yet") && fault == X509_V_ERR_CERT_NOT_YET_VALID)))
        return ok;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

/* Asks nobody about a certificate that vouches for itself. */
static int believe(X509_STORE_CTX *store, void *user)
{
    (void)user;
    if (!weak("impostor-self-signed") || X509_self_signed(X509_STORE_CTX_get0_cert(store), 0) != 1)
        return X509_verify_cert(store);
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

so_status __wrap_so_tls_client(SSL_CTX **ctx, const char *ca_file, so_error *err)
{
    so_status status = __real_so_tls_client(ctx, ca_file, err);

    if (status == SO_OK) {
        SSL_CTX_set_verify(*ctx, SSL_VERIFY_PEER, pass_over);
        SSL_CTX_set_cert_verify_callback(*ctx, believe, NULL);
    }
    return status;
}

/* The rehearsal asks for them as well, to know what it must find: that stays. */
bool __wrap_so_page_header(so_writer *w, const char *name, const char *origin)
{
    return !(weak_server("tls-headers") && strcmp(name, "Content-Security-Policy") == 0) &&
           __real_so_page_header(w, name, origin);
}
