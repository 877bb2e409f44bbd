/*
 * The engine that is everywhere. Algorithms are fetched once an engine and contexts made once a key: OpenSSL 3 spends
 * more on either than on a packet. HMAC starts from the two states that its key leads to; they are plain structs of the
 * old interface, because EVP_MAC and EVP_MD_CTX allocate whenever they start over, and no packet may make us allocate.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/srtp_inside.h"

#include "base/secret.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>

typedef struct openssl_engine {
    so_srtp_engine base;
    EVP_CIPHER *gcm_128, *gcm_256, *ctr_128;
} openssl_engine;

typedef struct openssl_keys {
    so_srtp_keys base;
    EVP_CIPHER_CTX *cipher;
    SHA_CTX inner; /* after HMAC's first block */
    SHA_CTX outer;
} openssl_keys;

static const so_srtp_calls openssl_calls;

so_status so_srtp_openssl_failure(void)
{
    so_status status = SO_CRYPTO;
    unsigned long code;

    while ((code = ERR_get_error()) != 0)
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            status = SO_NO_MEMORY;
    return status;
}

static void engine_free(so_srtp_engine *base)
{
    openssl_engine *engine = (openssl_engine *)base;

    EVP_CIPHER_free(engine->gcm_128);
    EVP_CIPHER_free(engine->gcm_256);
    EVP_CIPHER_free(engine->ctr_128);
    free(engine);
}

so_status so_srtp_openssl_new(so_srtp_engine **out)
{
    openssl_engine *engine = calloc(1, sizeof *engine);

    if (engine == NULL)
        return SO_NO_MEMORY;
    engine->base.calls = &openssl_calls;
    engine->gcm_128 = EVP_CIPHER_fetch(NULL, "AES-128-GCM", NULL);
    engine->gcm_256 = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    engine->ctr_128 = EVP_CIPHER_fetch(NULL, "AES-128-CTR", NULL);
    if (engine->gcm_128 == NULL || engine->gcm_256 == NULL || engine->ctr_128 == NULL) {
        engine_free(&engine->base);
        return so_srtp_openssl_failure();
    }
    *out = &engine->base;
    return SO_OK;
}

static void keys_free(so_srtp_keys *base)
{
    openssl_keys *keys = (openssl_keys *)base;

    EVP_CIPHER_CTX_free(keys->cipher); /* wipes what it holds */
    so_wipe(keys, sizeof *keys);
    free(keys);
}

static int hash_pad(SHA_CTX *state, so_slice key, uint8_t pad)
{
    uint8_t block[SO_SHA1_BLOCK_LEN];
    int ok;

    so_hmac_pad(block, key, pad);
    ok = SHA1_Init(state) && SHA1_Update(state, block, sizeof block);
    so_wipe(block, sizeof block);
    return ok;
}

static so_status keys_new(so_srtp_keys **out, so_srtp_engine *base, so_srtp_suite suite, so_slice cipher, so_slice mac)
{
    openssl_engine *engine = (openssl_engine *)base;
    const EVP_CIPHER *const ciphers[] = {
        [SO_SRTP_GCM_128] = engine->gcm_128,
        [SO_SRTP_GCM_256] = engine->gcm_256,
        [SO_SRTP_CM_128_SHA1] = engine->ctr_128,
    };
    openssl_keys *keys = calloc(1, sizeof *keys);

    if (keys == NULL)
        return SO_NO_MEMORY;
    keys->base.calls = &openssl_calls;
    keys->cipher = EVP_CIPHER_CTX_new();
    if (keys->cipher == NULL) {
        keys_free(&keys->base);
        return SO_NO_MEMORY;
    }
    if (!EVP_EncryptInit_ex2(keys->cipher, ciphers[suite], cipher.bytes, NULL, NULL) ||
        !hash_pad(&keys->inner, mac, 0x36) || !hash_pad(&keys->outer, mac, 0x5c)) {
        keys_free(&keys->base);
        return so_srtp_openssl_failure();
    }
    *out = &keys->base;
    return SO_OK;
}

/* Up to, and without, what makes or checks the tag. */
static int gcm_run(EVP_CIPHER_CTX *ctx, const so_srtp_op *op, int encrypt)
{
    int len = 0;

    return EVP_CipherInit_ex2(ctx, NULL, NULL, op->iv, encrypt, NULL) &&
           EVP_CipherUpdate(ctx, NULL, &len, op->covered, (int)op->covered_len) &&
           EVP_CipherUpdate(ctx, op->text, &len, op->text, (int)op->text_len);
}

static void gcm_seal(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    EVP_CIPHER_CTX *ctx = ((openssl_keys *)base)->cipher;

    for (size_t i = 0; i < count; i++) {
        uint8_t *tag = ops[i].text + ops[i].text_len;
        int len = 0;
        ops[i].good = gcm_run(ctx, &ops[i], 1) && EVP_CipherFinal_ex(ctx, tag, &len) &&
                      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SO_GCM_TAG_LEN, tag);
    }
}

static void gcm_open(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    EVP_CIPHER_CTX *ctx = ((openssl_keys *)base)->cipher;

    for (size_t i = 0; i < count; i++) {
        uint8_t *tag = ops[i].text + ops[i].text_len;
        int len = 0;
        ops[i].good = gcm_run(ctx, &ops[i], 0) &&
                      EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SO_GCM_TAG_LEN, tag) &&
                      EVP_CipherFinal_ex(ctx, tag, &len) > 0;
    }
}

static void cm_crypt(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    EVP_CIPHER_CTX *ctx = ((openssl_keys *)base)->cipher;

    for (size_t i = 0; i < count; i++) {
        int len = 0;
        ops[i].good = EVP_CipherInit_ex2(ctx, NULL, NULL, ops[i].iv, 1, NULL) &&
                      EVP_CipherUpdate(ctx, ops[i].text, &len, ops[i].text, (int)ops[i].text_len);
    }
}

static void cm_mac(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    const openssl_keys *keys = (openssl_keys *)base;
    SHA_CTX hash;

    for (size_t i = 0; i < count; i++) {
        so_srtp_op *op = &ops[i];
        hash = keys->inner;
        op->good = SHA1_Update(&hash, op->covered, op->covered_len) && SHA1_Final(op->mac, &hash);
        hash = keys->outer;
        op->good = op->good && SHA1_Update(&hash, op->mac, SO_SHA1_LEN) && SHA1_Final(op->mac, &hash);
    }
    so_wipe(&hash, sizeof hash);
}

static const so_srtp_calls openssl_calls = {
    .name = "OpenSSL",
    .engine_free = engine_free,
    .keys_new = keys_new,
    .keys_free = keys_free,
    .gcm_seal = gcm_seal,
    .gcm_open = gcm_open,
    .cm_crypt = cm_crypt,
    .cm_mac = cm_mac,
};
