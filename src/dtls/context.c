#include "dtls/context.h"

#include "crypto/groups.h"
#include "crypto/pkey.h"
#include "dtls/bio.h"
#include "dtls/dtls.h"
#include "dtls/library.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

#define LAYER "media keys"

/* The server's preference decides: what is fastest on common processors first, what every peer has last. */
#define PROFILES "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80"
/* AES-128 first, as in TLS: what hangs on it are SHA-256 and not SHA-384, and SRTP's first choice is no stronger. */
#define CIPHERS "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE+AESGCM:ECDHE+CHACHA20"
#define SIGNATURES                                                                                                     \
    "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+"   \
    "SHA512"

struct so_dtls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio;
};

/* A hybrid with ML-KEM where the library has one (it takes part in DTLS 1.3 alone). */
static bool set_groups(void *ssl, const char *list)
{
    return SSL_CTX_set1_groups_list(ssl, list) == 1;
}

static SSL_CTX *make(void)
{
    SSL_CTX *ssl = SSL_CTX_new_ex(so_dtls_library(), NULL, DTLS_method());
    bool modern = ssl != NULL && SSL_CTX_set_min_proto_version(ssl, DTLS1_2_VERSION) == 1;

    if (ssl == NULL)
        return NULL;
    SSL_CTX_set_options(ssl, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(ssl, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ssl, 1);
    /* No datagram is larger than SO_DTLS_MTU, and a buffer for what is sent is as large as a record may get. Of all
     * these SSL_CTX_set_tlsext_use_srtp alone returns 0 for success. */
    if (modern && SSL_CTX_set_max_send_fragment(ssl, SO_DTLS_MTU) == 1 && SSL_CTX_set_cipher_list(ssl, CIPHERS) == 1 &&
        SSL_CTX_set1_sigalgs_list(ssl, SIGNATURES) == 1 &&
        so_groups_use("X25519MLKEM768:X25519:P-256:P-384", set_groups, ssl) == SO_OK &&
        SSL_CTX_set_tlsext_use_srtp(ssl, PROFILES) == 0)
        return ssl;
    SSL_CTX_free(ssl);
    return NULL;
}

so_status so_dtls_context_make(so_dtls_context **out, so_error *err)
{
    so_dtls_context *context = calloc(1, sizeof *context);

    *out = NULL;
    if (context == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for DTLS; end other programs");
    context->ssl = make();
    context->bio = so_dtls_bio_method();
    if (context->ssl == NULL || context->bio == NULL) {
        so_dtls_context_free(context);
        return so_crypto_fault(err, LAYER, "setting up DTLS");
    }
    *out = context;
    return SO_OK;
}

void so_dtls_context_free(so_dtls_context *context)
{
    if (context == NULL)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio);
    free(context);
}

SSL_CTX *so_dtls_context_ssl(const so_dtls_context *context)
{
    return context->ssl;
}

const BIO_METHOD *so_dtls_context_bio(const so_dtls_context *context)
{
    return context->bio;
}
