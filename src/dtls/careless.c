#include "dtls/careless.h"

#include "dtls/bio.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct so_dtls_careless {
    SSL_CTX *ctx;
    SSL *ssl;
    BIO_METHOD *method;
    so_dtls_pipe pipe;
    bool null_profile;
};

static int trust_all(X509_STORE_CTX *store, void *user)
{
    (void)store;
    (void)user;
    return 1;
}

static bool set_up(so_dtls_careless *d, const so_dtls_careless_config *config)
{
    BIO *bio;

    d->ctx = SSL_CTX_new(DTLS_method());
    d->method = so_dtls_bio_method();
    if (d->ctx == NULL || d->method == NULL)
        return false;
    SSL_CTX_set_security_level(d->ctx, 0);
    SSL_CTX_set_options(d->ctx, SSL_OP_NO_QUERY_MTU);
    SSL_CTX_set_verify(d->ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(d->ctx, trust_all, NULL);
    /* SSL_CTX_set_tlsext_use_srtp alone returns 0 for success. */
    if (SSL_CTX_set_cipher_list(d->ctx, "ALL") != 1 ||
        SSL_CTX_set_max_proto_version(d->ctx, config->old ? DTLS1_VERSION : DTLS1_2_VERSION) != 1 ||
        SSL_CTX_use_certificate(d->ctx, so_dtls_certificate_x509(config->certificate)) != 1 ||
        SSL_CTX_use_PrivateKey(d->ctx, so_dtls_certificate_key(config->certificate)) != 1 ||
        (config->profiles != NULL && SSL_CTX_set_tlsext_use_srtp(d->ctx, config->profiles) != 0))
        return false;
    d->ssl = SSL_new(d->ctx);
    bio = so_dtls_bio(d->method, &d->pipe);
    if (d->ssl == NULL || bio == NULL) {
        BIO_free(bio);
        return false;
    }
    SSL_set_bio(d->ssl, bio, bio);
    if (config->role == SO_DTLS_CLIENT)
        SSL_set_connect_state(d->ssl);
    else
        SSL_set_accept_state(d->ssl);
    return SSL_set_mtu(d->ssl, SO_DTLS_MTU) > 0;
}

so_status so_dtls_careless_new(so_dtls_careless **out, const so_dtls_careless_config *config)
{
    so_dtls_careless *d = calloc(1, sizeof *d);
    bool made = d != NULL && set_up(d, config);

    ERR_clear_error();
    if (!made) {
        so_dtls_careless_free(d);
        return SO_CRYPTO;
    }
    d->null_profile = config->null_profile;
    *out = d;
    return SO_OK;
}

void so_dtls_careless_free(so_dtls_careless *d)
{
    if (d == NULL)
        return;
    SSL_free(d->ssl);
    SSL_CTX_free(d->ctx);
    BIO_meth_free(d->method);
    so_dtls_pipe_free(&d->pipe);
    free(d);
}

void so_dtls_careless_receive(so_dtls_careless *d, so_slice datagram)
{
    uint8_t scratch[2048];

    d->pipe.in = datagram;
    ERR_clear_error();
    if (SSL_do_handshake(d->ssl) == 1)
        (void)SSL_read(d->ssl, scratch, sizeof scratch);
    ERR_clear_error();
    d->pipe.in = (so_slice){NULL, 0};
}

/* use_srtp with one profile and no MKI: SRTP_NULL_HMAC_SHA1_80 (RFC 5764 §4.1.2) in its place */
static void say_null(uint8_t *bytes, size_t len)
{
    static const uint8_t extension[] = {0x00, 0x0e, 0x00, 0x05, 0x00, 0x02};

    for (size_t i = 0; i + 9 <= len; i++)
        if (memcmp(bytes + i, extension, sizeof extension) == 0)
            bytes[i + 7] = 0x05;
}

bool so_dtls_careless_transmit(so_dtls_careless *d, uint8_t out[SO_DTLS_MTU], size_t *len)
{
    if (!so_dtls_pipe_take(&d->pipe, out, SO_DTLS_MTU, len))
        return false;
    if (d->null_profile)
        say_null(out, *len);
    return true;
}
