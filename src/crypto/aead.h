/* AES-256-GCM with a 12-byte nonce and a 16-byte tag. */
#ifndef SOTTO_CRYPTO_AEAD_H
#define SOTTO_CRYPTO_AEAD_H

#include "base/secret.h"
#include "crypto/digest.h"

#define SO_NONCE_LEN 12
#define SO_TAG_LEN 16

/* Writes plain.len + SO_TAG_LEN bytes. The caller never uses a nonce twice under one key. */
so_status so_aead_seal(uint8_t *out, const so_key *key, const uint8_t nonce[SO_NONCE_LEN], so_slice aad,
                       so_slice plain) SO_MUST_CHECK;

/* Writes sealed.len - SO_TAG_LEN bytes; SO_REFUSED, and out wiped, when the tag does not verify. */
so_status so_aead_open(uint8_t *out, const so_key *key, const uint8_t nonce[SO_NONCE_LEN], so_slice aad,
                       so_slice sealed) SO_MUST_CHECK;

#endif
