/*
 * HMAC-SHA1 and HMAC-SHA256 with a key that stays: for keys that sign many short messages (STUN's MESSAGE-INTEGRITY),
 * where looking the algorithm up and padding the key anew would cost several times the digest itself.
 */
#ifndef SOTTO_CRYPTO_HMAC_H
#define SOTTO_CRYPTO_HMAC_H

#include "crypto/digest.h"

typedef struct so_hmac so_hmac;

/* Copies key. The caller ends it with so_hmac_free. SO_NO_MEMORY or SO_CRYPTO: *hmac is NULL. */
so_status so_hmac_sha1_new(so_hmac **hmac, so_slice key) SO_MUST_CHECK;
so_status so_hmac_sha256_new(so_hmac **hmac, so_slice key) SO_MUST_CHECK;

/* Takes NULL. The key is wiped. */
void so_hmac_free(so_hmac *hmac);

/* How long what it makes is: SO_SHA1_LEN or SO_SHA256_LEN. */
size_t so_hmac_len(const so_hmac *hmac);

/* Of the parts, joined, so_hmac_len bytes. Each call is a message of its own. */
so_status so_hmac_run(so_hmac *hmac, uint8_t *out, const so_slice *parts, size_t count) SO_MUST_CHECK;

#endif
