/* The fingerprint of a certificate (RFC 8122 §5): a hash of its DER bytes, by which a call's ends name themselves. */
#ifndef SOTTO_CRYPTO_FINGERPRINT_H
#define SOTTO_CRYPTO_FINGERPRINT_H

#include "crypto/digest.h"

#define SO_FINGERPRINT_BYTES_MAX 64
/* "sha-512 " and 64 pairs with colons between, and a final zero */
#define SO_FINGERPRINT_TEXT_MAX (8 + 3 * SO_FINGERPRINT_BYTES_MAX)

/* Those that count, the weakest first. RFC 8122 has more: md2, md5 and sha-1 are broken, sha-224 nobody sends. */
typedef enum so_hash { SO_HASH_NONE = 0, SO_HASH_SHA256, SO_HASH_SHA384, SO_HASH_SHA512 } so_hash;

typedef struct so_fingerprint {
    so_hash hash;
    uint8_t bytes[SO_FINGERPRINT_BYTES_MAX];
} so_fingerprint;

/* "sha-256"; NULL for none. */
const char *so_hash_name(so_hash hash);
/* SO_HASH_NONE: not one that counts. Names are case-insensitive. */
so_hash so_hash_named(const char *name, size_t len);
/* 32, 48 or 64; 0 for none. */
size_t so_hash_len(so_hash hash);

so_status so_fingerprint_of(so_fingerprint *fingerprint, so_hash hash, so_slice der) SO_MUST_CHECK;

/* In constant time. False when either is none, or the hashes are of two kinds. */
bool so_fingerprint_equal(const so_fingerprint *a, const so_fingerprint *b);

/* "sha-256 AB:CD:...": as it stands in SDP, in reports and on the page. */
void so_fingerprint_text(const so_fingerprint *fingerprint, char out[SO_FINGERPRINT_TEXT_MAX]);

#endif
