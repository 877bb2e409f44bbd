#include "crypto/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>

struct so_hmac {
    EVP_MAC_CTX *ctx; /* keyed; OpenSSL wipes the key when it is freed */
    size_t len;
};

static so_status make(so_hmac **hmac, char *digest, size_t len, so_slice key)
{
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    so_hmac *h = calloc(1, sizeof *h);
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    so_status status = SO_OK;

    *hmac = NULL;
    if (h == NULL || mac == NULL || (h->ctx = EVP_MAC_CTX_new(mac)) == NULL)
        status = SO_NO_MEMORY;
    else if (EVP_MAC_init(h->ctx, key.bytes, key.len, params) != 1)
        status = SO_CRYPTO;
    EVP_MAC_free(mac);
    if (status == SO_OK) {
        h->len = len;
        *hmac = h;
    } else {
        so_hmac_free(h);
    }
    return status;
}

so_status so_hmac_sha1_new(so_hmac **hmac, so_slice key)
{
    static char sha1[] = "SHA1";

    return make(hmac, sha1, SO_SHA1_LEN, key);
}

so_status so_hmac_sha256_new(so_hmac **hmac, so_slice key)
{
    static char sha256[] = "SHA256";

    return make(hmac, sha256, SO_SHA256_LEN, key);
}

size_t so_hmac_len(const so_hmac *hmac)
{
    return hmac->len;
}

void so_hmac_free(so_hmac *hmac)
{
    if (hmac != NULL)
        EVP_MAC_CTX_free(hmac->ctx);
    free(hmac);
}

so_status so_hmac_run(so_hmac *hmac, uint8_t *out, const so_slice *parts, size_t count)
{
    size_t len = 0;
    int ok = EVP_MAC_init(hmac->ctx, NULL, 0, NULL); /* the same key again */

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_MAC_update(hmac->ctx, parts[i].bytes, parts[i].len);
    ok = ok && EVP_MAC_final(hmac->ctx, out, &len, hmac->len) && len == hmac->len;
    return ok ? SO_OK : SO_CRYPTO;
}
