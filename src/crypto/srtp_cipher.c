#include "crypto/srtp_cipher.h"

#include "base/secret.h"
#include "crypto/srtp_inside.h"

#include <openssl/evp.h>
#include <string.h>

so_status so_srtp_engine_new(so_srtp_engine **engine, so_srtp_engine_kind kind)
{
    so_status status = SO_NOT_FOUND;

    *engine = NULL;
#ifdef SO_HAVE_IPSEC_MB
    if (kind != SO_SRTP_ENGINE_OPENSSL)
        status = so_srtp_ipsec_new(engine);
#endif
    if (kind == SO_SRTP_ENGINE_OPENSSL || (kind == SO_SRTP_ENGINE_BEST && status == SO_NOT_FOUND))
        status = so_srtp_openssl_new(engine);
    return status;
}

void so_srtp_engine_free(so_srtp_engine *engine)
{
    if (engine != NULL)
        engine->calls->engine_free(engine);
}

const char *so_srtp_engine_name(const so_srtp_engine *engine)
{
    return engine->calls->name;
}

so_status so_srtp_keys_new(so_srtp_keys **keys, so_srtp_engine *engine, so_srtp_suite suite, so_slice cipher,
                           so_slice mac)
{
    static const size_t cipher_len[] = {
        [SO_SRTP_GCM_128] = SO_GCM_128_KEY_LEN,
        [SO_SRTP_GCM_256] = SO_GCM_256_KEY_LEN,
        [SO_SRTP_CM_128_SHA1] = SO_CM_KEY_LEN,
    };

    *keys = NULL;
    if (cipher.len != cipher_len[suite] || mac.len != (suite == SO_SRTP_CM_128_SHA1 ? SO_CM_MAC_KEY_LEN : 0))
        return SO_BAD_INPUT;
    return engine->calls->keys_new(keys, engine, suite, cipher, mac);
}

void so_srtp_keys_free(so_srtp_keys *keys)
{
    if (keys != NULL)
        keys->calls->keys_free(keys);
}

void so_gcm_seal(so_srtp_keys *keys, so_srtp_op *ops, size_t count)
{
    keys->calls->gcm_seal(keys, ops, count);
}

void so_gcm_open(so_srtp_keys *keys, so_srtp_op *ops, size_t count)
{
    keys->calls->gcm_open(keys, ops, count);
}

void so_gcm_unopen(so_srtp_keys *keys, so_srtp_op *op)
{
    uint8_t tag[SO_GCM_TAG_LEN];

    memcpy(tag, op->text + op->text_len, sizeof tag);
    keys->calls->gcm_seal(keys, op, 1); /* the keystream is the same both ways */
    memcpy(op->text + op->text_len, tag, sizeof tag);
}

void so_cm_crypt(so_srtp_keys *keys, so_srtp_op *ops, size_t count)
{
    keys->calls->cm_crypt(keys, ops, count);
}

void so_cm_mac(so_srtp_keys *keys, so_srtp_op *ops, size_t count)
{
    keys->calls->cm_mac(keys, ops, count);
}

void so_hmac_pad(uint8_t block[SO_SHA1_BLOCK_LEN], so_slice key, uint8_t pad)
{
    const uint8_t *bytes = key.bytes;

    memset(block, pad, SO_SHA1_BLOCK_LEN);
    for (size_t i = 0; i < key.len && i < SO_SHA1_BLOCK_LEN; i++)
        block[i] ^= bytes[i];
}

so_status so_cm_keystream(uint8_t *out, size_t out_len, so_slice key, const uint8_t iv[SO_CM_IV_LEN])
{
    EVP_CIPHER_CTX *ctx;
    int len = 0, ok;

    if ((key.len != 16 && key.len != 32) || out_len > (size_t)1 << 20)
        return SO_BAD_INPUT;
    ctx = EVP_CIPHER_CTX_new();
    if (ctx == NULL)
        return SO_NO_MEMORY;
    memset(out, 0, out_len);
    ok = EVP_EncryptInit_ex(ctx, key.len == 16 ? EVP_aes_128_ctr() : EVP_aes_256_ctr(), NULL, key.bytes, iv) &&
         EVP_EncryptUpdate(ctx, out, &len, out, (int)out_len);
    EVP_CIPHER_CTX_free(ctx);
    return ok ? SO_OK : so_srtp_openssl_failure();
}
