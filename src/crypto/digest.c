#include "crypto/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

static so_status digest(uint8_t *out, const EVP_MD *kind, const so_slice *parts, size_t count)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int ok = ctx != NULL && EVP_DigestInit_ex(ctx, kind, NULL);

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(ctx, parts[i].bytes, parts[i].len);
    ok = ok && EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
    return ok ? SO_OK : SO_CRYPTO;
}

so_status so_sha256(uint8_t out[SO_SHA256_LEN], const so_slice *parts, size_t count)
{
    return digest(out, EVP_sha256(), parts, count);
}

/* An EVP_MD_CTX under a name that needs no header of OpenSSL's. */
so_status so_sha256_new(so_sha256_stream **stream)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    *stream = (so_sha256_stream *)ctx;
    if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL))
        return SO_OK;
    EVP_MD_CTX_free(ctx);
    *stream = NULL;
    return SO_CRYPTO;
}

so_status so_sha256_add(so_sha256_stream *stream, so_slice piece)
{
    return EVP_DigestUpdate((EVP_MD_CTX *)stream, piece.bytes, piece.len) ? SO_OK : SO_CRYPTO;
}

so_status so_sha256_end(so_sha256_stream *stream, uint8_t out[SO_SHA256_LEN])
{
    return EVP_DigestFinal_ex((EVP_MD_CTX *)stream, out, NULL) ? SO_OK : SO_CRYPTO;
}

void so_sha256_free(so_sha256_stream *stream)
{
    EVP_MD_CTX_free((EVP_MD_CTX *)stream);
}

so_status so_md5(uint8_t out[SO_MD5_LEN], const so_slice *parts, size_t count)
{
    return digest(out, EVP_md5(), parts, count);
}

so_status so_hmac_sha1(uint8_t out[SO_SHA1_LEN], so_slice key, so_slice message)
{
    unsigned len = 0;

    if (HMAC(EVP_sha1(), key.bytes, (int)key.len, message.bytes, message.len, out, &len) == NULL || len != SO_SHA1_LEN)
        return SO_CRYPTO;
    return SO_OK;
}

so_status so_hkdf_sha256(uint8_t *out, size_t out_len, so_slice ikm, so_slice salt, so_slice info)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
    size_t len = out_len;
    int ok = ctx != NULL && EVP_PKEY_derive_init(ctx) > 0 && EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) > 0 &&
             EVP_PKEY_CTX_set1_hkdf_key(ctx, ikm.bytes, (int)ikm.len) > 0 &&
             (salt.len == 0 || EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt.bytes, (int)salt.len) > 0) &&
             EVP_PKEY_CTX_add1_hkdf_info(ctx, info.bytes, (int)info.len) > 0 && EVP_PKEY_derive(ctx, out, &len) > 0 &&
             len == out_len;

    EVP_PKEY_CTX_free(ctx);
    return ok ? SO_OK : SO_CRYPTO;
}
