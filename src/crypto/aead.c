#include "crypto/aead.h"

#include <limits.h>
#include <openssl/evp.h>

so_status so_aead_seal(uint8_t *out, const so_key *key, const uint8_t nonce[SO_NONCE_LEN], so_slice aad, so_slice plain)
{
    EVP_CIPHER_CTX *ctx;
    int len = 0, ok;

    if (plain.len > INT_MAX - SO_TAG_LEN || aad.len > INT_MAX)
        return SO_TOO_LONG;
    ctx = EVP_CIPHER_CTX_new();
    ok = ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) &&
         EVP_EncryptUpdate(ctx, NULL, &len, aad.bytes, (int)aad.len) &&
         EVP_EncryptUpdate(ctx, out, &len, plain.bytes, (int)plain.len) &&
         EVP_EncryptFinal_ex(ctx, out + plain.len, &len) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SO_TAG_LEN, out + plain.len);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? SO_OK : SO_CRYPTO;
}

so_status so_aead_open(uint8_t *out, const so_key *key, const uint8_t nonce[SO_NONCE_LEN], so_slice aad,
                       so_slice sealed)
{
    EVP_CIPHER_CTX *ctx;
    size_t plain_len;
    int len = 0, ok, verified;

    if (sealed.len < SO_TAG_LEN)
        return SO_BAD_INPUT;
    if (sealed.len > INT_MAX || aad.len > INT_MAX)
        return SO_TOO_LONG;
    plain_len = sealed.len - SO_TAG_LEN;
    ctx = EVP_CIPHER_CTX_new();
    ok = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) &&
         EVP_DecryptUpdate(ctx, NULL, &len, aad.bytes, (int)aad.len) &&
         EVP_DecryptUpdate(ctx, out, &len, sealed.bytes, (int)plain_len) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SO_TAG_LEN, (uint8_t *)sealed.bytes + plain_len);
    verified = ok && EVP_DecryptFinal_ex(ctx, out + plain_len, &len) > 0;
    EVP_CIPHER_CTX_free(ctx);
    if (!verified)
        so_wipe(out, plain_len);
    return !ok ? SO_CRYPTO : verified ? SO_OK : SO_REFUSED;
}
