#include "crypto/fingerprint.h"

#include "base/secret.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    size_t len;
} hashes[] = {
    [SO_HASH_NONE] = {NULL, 0},
    [SO_HASH_SHA256] = {"sha-256", 32},
    [SO_HASH_SHA384] = {"sha-384", 48},
    [SO_HASH_SHA512] = {"sha-512", 64},
};

const char *so_hash_name(so_hash hash)
{
    return hashes[hash].name;
}

size_t so_hash_len(so_hash hash)
{
    return hashes[hash].len;
}

so_hash so_hash_named(const char *name, size_t len)
{
    for (so_hash hash = SO_HASH_SHA256; hash <= SO_HASH_SHA512; hash++)
        if (strlen(hashes[hash].name) == len && strncasecmp(hashes[hash].name, name, len) == 0)
            return hash;
    return SO_HASH_NONE;
}

so_status so_fingerprint_of(so_fingerprint *fingerprint, so_hash hash, so_slice der)
{
    static const EVP_MD *(*const kinds[])(void) = {
        [SO_HASH_SHA256] = EVP_sha256, [SO_HASH_SHA384] = EVP_sha384, [SO_HASH_SHA512] = EVP_sha512};

    *fingerprint = (so_fingerprint){.hash = hash};
    if (hash == SO_HASH_NONE)
        return SO_BAD_INPUT;
    return EVP_Digest(der.bytes, der.len, fingerprint->bytes, NULL, kinds[hash](), NULL) == 1 ? SO_OK : SO_CRYPTO;
}

bool so_fingerprint_equal(const so_fingerprint *a, const so_fingerprint *b)
{
    return a->hash != SO_HASH_NONE && a->hash == b->hash && so_equal_secret(a->bytes, b->bytes, so_hash_len(a->hash));
}

void so_fingerprint_text(const so_fingerprint *fingerprint, char out[SO_FINGERPRINT_TEXT_MAX])
{
    size_t len = so_hash_len(fingerprint->hash);
    int at = fingerprint->hash == SO_HASH_NONE
                 ? 0
                 : snprintf(out, SO_FINGERPRINT_TEXT_MAX, "%s ", so_hash_name(fingerprint->hash));

    for (size_t i = 0; i < len; i++)
        at +=
            snprintf(out + at, SO_FINGERPRINT_TEXT_MAX - (size_t)at, i == 0 ? "%02X" : ":%02X", fingerprint->bytes[i]);
    out[at] = '\0';
}
