/*
 * ECDSA on P-256 with SHA-256 in the forms of JSON Web Signature and Key (ES256: RFC 7518 §3.4 and §6.2): r and s, x
 * and y, each 32 bytes, the most significant first. Keys themselves are made, read and written by crypto/pkey.h.
 */
#ifndef SOTTO_CRYPTO_ECDSA_H
#define SOTTO_CRYPTO_ECDSA_H

#include "crypto/pkey.h"

#define SO_P256_LEN 32
#define SO_ES256_LEN (2 * SO_P256_LEN)

typedef struct so_p256_point {
    uint8_t x[SO_P256_LEN], y[SO_P256_LEN];
} so_p256_point;

/* The public half. SO_BAD_INPUT: the key is no P-256 key. */
so_status so_p256_point_of(so_p256_point *point, const so_pkey *key) SO_MUST_CHECK;

/* A key that can only verify; ended with so_pkey_free. SO_REFUSED: the point is not on the curve. */
so_status so_p256_key_of(so_pkey **key, const so_p256_point *point) SO_MUST_CHECK;

/* SO_BAD_INPUT: the key is no P-256 key. */
so_status so_es256_sign(uint8_t signature[SO_ES256_LEN], so_pkey *key, so_slice message) SO_MUST_CHECK;

/* SO_REFUSED: the signature is not this key's for this message. */
so_status so_es256_verify(const uint8_t signature[SO_ES256_LEN], so_pkey *key, so_slice message) SO_MUST_CHECK;

#endif
