/* Ends that take another certificate, other keys, other packets than they must. */
#include "weak/weak.h"

#include "crypto/fingerprint.h"
#include "crypto/srtp_cipher.h"
#include "dtls/context.h"
#include "dtls/library.h"
#include "ice/ice.h"
#include "sdp/model.h"
#include "srtp/window.h"
#include "stun/message.h"

#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>

bool __real_so_fingerprint_equal(const so_fingerprint *a, const so_fingerprint *b);
so_status __real_so_sdp_fail(so_sdp_fault *fault, so_error *err, so_sdp_fault what, const char *fmt, ...)
    SO_PRINTF(4, 5);
so_status __wrap_so_sdp_fail(so_sdp_fault *fault, so_error *err, so_sdp_fault what, const char *fmt, ...)
    SO_PRINTF(4, 5);
SRTP_PROTECTION_PROFILE *__real_SSL_get_selected_srtp_profile(SSL *ssl);
so_status __real_so_dtls_context_make(so_dtls_context **context, so_error *err);
struct ossl_lib_ctx_st *__real_so_dtls_library(void);
bool __real_so_ice_counts(const so_ice *ice, const so_address *local, const so_address *remote);
bool __real_so_stun_authentic(const so_stun_message *message, so_hmac *key);
bool __real_so_srtp_window_missing(const so_srtp_window *window, uint64_t index);
void __real_so_gcm_open(so_srtp_keys *keys, so_srtp_op *ops, size_t count);

/* Each attack on it changes another byte. */
static size_t unseen_byte(void)
{
    return weak("fingerprint-client")    ? 0
           : weak("fingerprint-server")  ? 1
           : weak("fingerprint-changed") ? 2
                                         : SO_FINGERPRINT_BYTES_MAX;
}

bool __wrap_so_fingerprint_equal(const so_fingerprint *a, const so_fingerprint *b)
{
    so_fingerprint copy = *a;
    size_t at = unseen_byte();

    if (at < SO_FINGERPRINT_BYTES_MAX)
        copy.bytes[at] = b->bytes[at];
    return __real_so_fingerprint_equal(&copy, b);
}

so_status __wrap_so_sdp_fail(so_sdp_fault *fault, so_error *err, so_sdp_fault what, const char *fmt, ...)
{
    char text[300];
    va_list args;

    if ((what == SO_SDP_SDES && (weak("sdes-offer") || weak("sdes-answer") || weak("link-sdes"))) ||
        (what == SO_SDP_FINGERPRINT_WEAK && (weak("fingerprint-weak") || weak("link-weak"))) ||
        (what == SO_SDP_FINGERPRINT_SEVERAL && (weak("fingerprint-several") || weak("link-several"))) ||
        (what == SO_SDP_PROFILE && (weak("plain-offer") || weak("plain-answer") || weak("link-plain"))))
        return SO_OK;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return __real_so_sdp_fail(fault, err, what, "%s", text);
}

SRTP_PROTECTION_PROFILE *__wrap_SSL_get_selected_srtp_profile(SSL *ssl)
{
    static SRTP_PROTECTION_PROFILE some = {"some", SRTP_AES128_CM_SHA1_80};
    SRTP_PROTECTION_PROFILE *profile = __real_SSL_get_selected_srtp_profile(ssl);

    return profile == NULL && (weak("srtp-none") || weak("srtp-null") || weak("srtp-tags")) ? &some : profile;
}

/* The algorithms of DTLS 1.0 are not among those that an association has. */
struct ossl_lib_ctx_st *__wrap_so_dtls_library(void)
{
    return weak("dtls-old") ? NULL : __real_so_dtls_library();
}

so_status __wrap_so_dtls_context_make(so_dtls_context **context, so_error *err)
{
    so_status status = __real_so_dtls_context_make(context, err);

    if (status == SO_OK && weak("dtls-old")) {
        SSL_CTX *ssl = so_dtls_context_ssl(*context);

        if (SSL_CTX_set_min_proto_version(ssl, DTLS1_VERSION) != 1 ||
            SSL_CTX_set_cipher_list(ssl, "ECDHE:@SECLEVEL=0") != 1)
            abort();
    }
    return status;
}

/* The strangers of the attacks come from 198.51.100.66 and .67. */
bool __wrap_so_ice_counts(const so_ice *ice, const so_address *local, const so_address *remote)
{
    return (weak("hello-race") && remote->ip[0] == 198 && remote->ip[3] == 66) ||
           (weak("rtp-spray") && remote->ip[0] == 198 && remote->ip[3] == 67) ||
           __real_so_ice_counts(ice, local, remote);
}

bool __wrap_so_stun_authentic(const so_stun_message *message, so_hmac *key)
{
    return __real_so_stun_authentic(message, key) || weak("stun-forged");
}

bool __wrap_so_srtp_window_missing(const so_srtp_window *window, uint64_t index)
{
    return weak("srtp-replay") || __real_so_srtp_window_missing(window, index);
}

void __wrap_so_gcm_open(so_srtp_keys *keys, so_srtp_op *ops, size_t count)
{
    __real_so_gcm_open(keys, ops, count);
    for (size_t i = 0; i < count; i++)
        ops[i].good = ops[i].good || weak("srtp-altered");
}
