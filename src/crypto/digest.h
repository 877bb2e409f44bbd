/* SHA-256, HMAC and HKDF (RFC 5869). */
#ifndef SOTTO_CRYPTO_DIGEST_H
#define SOTTO_CRYPTO_DIGEST_H

#include "base/status.h"

#include <stdint.h>

#define SO_SHA256_LEN 32
#define SO_SHA1_LEN 20
#define SO_MD5_LEN 16

/* A byte string that somebody else owns; digests take an array of them, joined. */
typedef struct so_slice {
    const void *bytes;
    size_t len;
} so_slice;

so_status so_sha256(uint8_t out[SO_SHA256_LEN], const so_slice *parts, size_t count) SO_MUST_CHECK;

/* SHA-256 of what comes piece by piece. */
typedef struct so_sha256_stream so_sha256_stream;
so_status so_sha256_new(so_sha256_stream **stream) SO_MUST_CHECK;
so_status so_sha256_add(so_sha256_stream *stream, so_slice piece) SO_MUST_CHECK;
/* Of all that was added; once. */
so_status so_sha256_end(so_sha256_stream *stream, uint8_t out[SO_SHA256_LEN]) SO_MUST_CHECK;
/* Takes NULL. */
void so_sha256_free(so_sha256_stream *stream);

/* For coturn's REST credentials alone, which are defined with SHA-1. */
so_status so_hmac_sha1(uint8_t out[SO_SHA1_LEN], so_slice key, so_slice message) SO_MUST_CHECK;

/* For the long-term credentials of STUN alone, which are defined with MD5 (RFC 8489 §9.2.2). */
so_status so_md5(uint8_t out[SO_MD5_LEN], const so_slice *parts, size_t count) SO_MUST_CHECK;

/* out_len at most 255 × 32. An empty salt is RFC 5869's "not provided". */
so_status so_hkdf_sha256(uint8_t *out, size_t out_len, so_slice ikm, so_slice salt, so_slice info) SO_MUST_CHECK;

#endif
