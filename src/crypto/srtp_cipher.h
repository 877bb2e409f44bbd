/*
 * The ciphers of SRTP on batches of packets, in place: AES-GCM with a 16-byte tag (RFC 7714), and AES in counter mode
 * beside HMAC-SHA1 (RFC 3711 §4). Keys, nonces and what is authenticated are the caller's: nothing here knows a packet.
 *
 * An engine holds what one thread needs (tables, job lists, fetched algorithms). One thread makes it, all sessions of
 * that thread share it, and it outlives their keys. Neither engines nor keys may be used by two threads at once.
 */
#ifndef SOTTO_CRYPTO_SRTP_CIPHER_H
#define SOTTO_CRYPTO_SRTP_CIPHER_H

#include "crypto/digest.h"

#define SO_GCM_IV_LEN 12
#define SO_GCM_TAG_LEN 16
#define SO_CM_IV_LEN 16
/* An operation takes at most so many packets at once; who has more, calls again. */
#define SO_SRTP_BURST 32

typedef struct so_srtp_engine so_srtp_engine;

typedef enum so_srtp_engine_kind {
    SO_SRTP_ENGINE_BEST,     /* ipsec-mb where it is built in and the CPU can, else OpenSSL */
    SO_SRTP_ENGINE_OPENSSL,  /* everywhere */
    SO_SRTP_ENGINE_IPSEC_MB, /* x86-64 with AES-NI */
} so_srtp_engine_kind;

/* SO_NOT_FOUND: this build or this CPU has no such engine. */
so_status so_srtp_engine_new(so_srtp_engine **engine, so_srtp_engine_kind kind) SO_MUST_CHECK;
void so_srtp_engine_free(so_srtp_engine *engine); /* NULL is fine */
/* "ipsec-mb", "OpenSSL" */
const char *so_srtp_engine_name(const so_srtp_engine *engine);

typedef enum so_srtp_suite { SO_SRTP_GCM_128, SO_SRTP_GCM_256, SO_SRTP_CM_128_SHA1 } so_srtp_suite;

/* Expanded keys of one suite, for one direction. Wiped when freed. */
typedef struct so_srtp_keys so_srtp_keys;

/* cipher: 16 bytes, 32 for GCM_256. mac: 20 bytes for CM, else empty. SO_BAD_INPUT: other lengths. */
so_status so_srtp_keys_new(so_srtp_keys **keys, so_srtp_engine *engine, so_srtp_suite suite, so_slice cipher,
                           so_slice mac) SO_MUST_CHECK;
void so_srtp_keys_free(so_srtp_keys *keys); /* NULL is fine */

/* One packet of a batch. Which fields count stands with each operation. */
typedef struct so_srtp_op {
    _Alignas(16) uint8_t iv[SO_CM_IV_LEN]; /* GCM: the first 12 bytes; CM: the first counter block */
    uint8_t *text;                         /* what is encrypted or decrypted in place; GCM's tag stands behind it */
    size_t text_len;
    const uint8_t *covered; /* what is authenticated besides: GCM's associated data, all that the HMAC is over */
    size_t covered_len;
    uint8_t mac[SO_SHA1_LEN]; /* CM, out: of which SRTP sends 10 bytes */
    bool good;                /* out: done; for so_gcm_open: done, and the tag is right */
} so_srtp_op;

/* All below: count at most SO_SRTP_BURST. No allocation. Each op's `good` says whether the library did it. */

/* Encrypts text, writes the tag. The caller never uses an iv twice under one key. */
void so_gcm_seal(so_srtp_keys *keys, so_srtp_op *ops, size_t count);
/*
 * Decrypts text, compares with the tag (in constant time), which stays. When !good the text is bytes that nobody
 * vouches for: the caller wipes it, or gets the ciphertext back with so_gcm_unopen.
 */
void so_gcm_open(so_srtp_keys *keys, so_srtp_op *ops, size_t count);
/* Undoes a so_gcm_open, so that another iv can be tried. The tag stays. */
void so_gcm_unopen(so_srtp_keys *keys, so_srtp_op *op);

/* XORs text with the AES-CM keystream from iv (RFC 3711 §4.1.1): encrypts and decrypts. text_len at most 2^20. */
void so_cm_crypt(so_srtp_keys *keys, so_srtp_op *ops, size_t count);
/* Writes mac, HMAC-SHA1 of covered. Does not touch text. */
void so_cm_mac(so_srtp_keys *keys, so_srtp_op *ops, size_t count);

/*
 * out_len bytes of AES-CM keystream, for the key derivation of RFC 3711 §4.3.3 (AES-128) and RFC 6188 §3 (AES-256);
 * key: 16 or 32 bytes. Of no engine, and slow: not for packets.
 */
so_status so_cm_keystream(uint8_t *out, size_t out_len, so_slice key, const uint8_t iv[SO_CM_IV_LEN]) SO_MUST_CHECK;

#endif
