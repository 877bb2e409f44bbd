/* What the engines of crypto/srtp_cipher.h implement. For srtp_*.c alone. */
#ifndef SOTTO_CRYPTO_SRTP_INSIDE_H
#define SOTTO_CRYPTO_SRTP_INSIDE_H

#include "crypto/srtp_cipher.h"

#define SO_GCM_128_KEY_LEN 16
#define SO_GCM_256_KEY_LEN 32
#define SO_CM_KEY_LEN 16
#define SO_CM_MAC_KEY_LEN 20 /* n_a is 160 bits (RFC 3711 §5.2) */
#define SO_SHA1_BLOCK_LEN 64

typedef void (*so_srtp_call)(so_srtp_keys *keys, so_srtp_op *ops, size_t count);

typedef struct so_srtp_calls {
    const char *name;
    void (*engine_free)(so_srtp_engine *engine);
    /* the lengths have been checked */
    so_status (*keys_new)(so_srtp_keys **keys, so_srtp_engine *engine, so_srtp_suite suite, so_slice cipher,
                          so_slice mac);
    void (*keys_free)(so_srtp_keys *keys);
    so_srtp_call gcm_seal, gcm_open, cm_crypt, cm_mac;
} so_srtp_calls;

/* The first member of each engine's own structs. */
struct so_srtp_engine {
    const so_srtp_calls *calls;
};
struct so_srtp_keys {
    const so_srtp_calls *calls;
};

/*
 * Why a call to OpenSSL has just failed: SO_NO_MEMORY where it says so, else SO_CRYPTO. Empties the thread's queue of
 * errors: a TLS connection of the same thread would take what is left in it for its own.
 */
so_status so_srtp_openssl_failure(void);

so_status so_srtp_openssl_new(so_srtp_engine **engine) SO_MUST_CHECK;
#ifdef SO_HAVE_IPSEC_MB
so_status so_srtp_ipsec_new(so_srtp_engine **engine) SO_MUST_CHECK;
#endif

/* The first block of HMAC's inner (0x36) or outer (0x5c) hash: RFC 2104 §2. */
void so_hmac_pad(uint8_t block[SO_SHA1_BLOCK_LEN], so_slice key, uint8_t pad);

#endif
