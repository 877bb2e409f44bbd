/*
 * The fast engine of x86-64, intel-ipsec-mb. GCM: the direct calls with keys expanded once; bursts gain nothing. AES-CM
 * and HMAC-SHA1: bursts. Measured: below SHORT_BURST packets the widest manager hashes many empty lanes, and the one
 * that has the SHA instructions (SSE) is up to four times as fast.
 */
#include "crypto/srtp_inside.h"

#include "base/secret.h"

#include <intel-ipsec-mb.h>
#include <stddef.h>
#include <stdlib.h>

#define SHORT_BURST 5

/* What GCM writes besides text and tag, one for all keys. */
typedef struct scratch {
    _Alignas(64) struct gcm_context_data gcm;
    uint8_t tag[SO_GCM_TAG_LEN];
} scratch;

typedef struct ipsec_engine {
    so_srtp_engine base;
    IMB_MGR *wide;
    IMB_MGR *narrow; /* for short bursts; may be the same as wide */
    scratch scratch;
    IMB_JOB jobs[SO_SRTP_BURST];
} ipsec_engine;

typedef struct ipsec_keys {
    so_srtp_keys base;
    ipsec_engine *engine;
    IMB_MGR *manager; /* engine->wide: one step less for each packet */
    aes_gcm_enc_dec_t seal, open;
    scratch *scratch; /* the engine's */
    size_t len;       /* of all this */
    union {
        _Alignas(64) struct gcm_key_data gcm;
        struct {
            _Alignas(16) uint8_t schedule[15 * 16];
            uint8_t inner[SO_SHA1_LEN]; /* states of SHA-1 after HMAC's first block */
            uint8_t outer[SO_SHA1_LEN];
        };
    };
} ipsec_keys;

#define CM_KEYS_LEN (offsetof(ipsec_keys, outer) + SO_SHA1_LEN)

static const so_srtp_calls ipsec_calls;

static void engine_free(so_srtp_engine *base)
{
    ipsec_engine *engine = (ipsec_engine *)base;

    /* The library is asked for with SAFE_DATA, so its managers hold no keys between two calls. */
    if (engine->narrow != NULL && engine->narrow != engine->wide)
        free_mb_mgr(engine->narrow);
    if (engine->wide != NULL)
        free_mb_mgr(engine->wide);
    so_wipe(engine, sizeof *engine);
    free(engine);
}

static bool ready(IMB_MGR *manager)
{
    return imb_get_errno(manager) == 0 &&
           (!(manager->features & IMB_FEATURE_SELF_TEST) || (manager->features & IMB_FEATURE_SELF_TEST_PASS));
}

so_status so_srtp_ipsec_new(so_srtp_engine **out)
{
    const uint64_t needed = IMB_CPUFLAGS_SSE | IMB_FEATURE_SAFE_DATA;
    uint64_t features = imb_get_feature_flags();
    ipsec_engine *engine;

    if ((features & needed) != needed)
        return SO_NOT_FOUND;
    engine = aligned_alloc(_Alignof(ipsec_engine), sizeof *engine);
    if (engine == NULL)
        return SO_NO_MEMORY;
    so_wipe(engine, sizeof *engine);
    engine->base.calls = &ipsec_calls;
    engine->wide = alloc_mb_mgr(0);
    engine->narrow = engine->wide;
    if (engine->wide != NULL)
        init_mb_mgr_auto(engine->wide, NULL);
    if (engine->wide != NULL && (features & IMB_FEATURE_SHANI)) {
        engine->narrow = alloc_mb_mgr(0);
        if (engine->narrow != NULL)
            init_mb_mgr_sse(engine->narrow);
    }
    if (engine->wide == NULL || engine->narrow == NULL) {
        engine_free(&engine->base);
        return SO_NO_MEMORY;
    }
    if (!ready(engine->wide) || !ready(engine->narrow)) {
        engine_free(&engine->base);
        return SO_CRYPTO;
    }
    *out = &engine->base;
    return SO_OK;
}

static void keys_free(so_srtp_keys *base)
{
    so_wipe(base, ((ipsec_keys *)base)->len);
    free(base);
}

static void expand_gcm(ipsec_keys *keys, so_srtp_suite suite, const void *cipher)
{
    if (suite == SO_SRTP_GCM_128) {
        IMB_AES128_GCM_PRE(keys->manager, cipher, &keys->gcm);
        keys->seal = keys->manager->gcm128_enc;
        keys->open = keys->manager->gcm128_dec;
    } else {
        IMB_AES256_GCM_PRE(keys->manager, cipher, &keys->gcm);
        keys->seal = keys->manager->gcm256_enc;
        keys->open = keys->manager->gcm256_dec;
    }
}

static void expand_cm(ipsec_keys *keys, so_slice cipher, so_slice mac)
{
    _Alignas(16) uint8_t decrypt[15 * 16];
    uint8_t block[SO_SHA1_BLOCK_LEN];

    IMB_AES_KEYEXP_128(keys->manager, cipher.bytes, keys->schedule, decrypt);
    so_hmac_pad(block, mac, 0x36);
    IMB_SHA1_ONE_BLOCK(keys->manager, block, keys->inner);
    so_hmac_pad(block, mac, 0x5c);
    IMB_SHA1_ONE_BLOCK(keys->manager, block, keys->outer);
    so_wipe(decrypt, sizeof decrypt);
    so_wipe(block, sizeof block);
}

static so_status keys_new(so_srtp_keys **out, so_srtp_engine *base, so_srtp_suite suite, so_slice cipher, so_slice mac)
{
    ipsec_engine *engine = (ipsec_engine *)base;
    size_t len = suite == SO_SRTP_CM_128_SHA1 ? (CM_KEYS_LEN + 63) / 64 * 64 : sizeof(ipsec_keys);
    ipsec_keys *keys = aligned_alloc(_Alignof(ipsec_keys), len);

    if (keys == NULL)
        return SO_NO_MEMORY;
    so_wipe(keys, len);
    keys->len = len;
    keys->base.calls = &ipsec_calls;
    keys->engine = engine;
    keys->scratch = &engine->scratch;
    keys->manager = engine->wide;
    if (suite == SO_SRTP_CM_128_SHA1)
        expand_cm(keys, cipher, mac);
    else
        expand_gcm(keys, suite, cipher.bytes);
    *out = &keys->base;
    return SO_OK;
}

static void gcm_seal(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    ipsec_keys *keys = (ipsec_keys *)base;
    scratch *s = keys->scratch;

    for (so_srtp_op *op = ops; op < ops + count; op++) {
        keys->seal(&keys->gcm, &s->gcm, op->text, op->text, op->text_len, op->iv, op->covered, op->covered_len,
                   op->text + op->text_len, SO_GCM_TAG_LEN);
        op->good = true;
    }
}

static void gcm_open(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    ipsec_keys *keys = (ipsec_keys *)base;
    scratch *s = keys->scratch;

    for (so_srtp_op *op = ops; op < ops + count; op++) {
        keys->open(&keys->gcm, &s->gcm, op->text, op->text, op->text_len, op->iv, op->covered, op->covered_len, s->tag,
                   SO_GCM_TAG_LEN);
        op->good = so_equal_secret(s->tag, op->text + op->text_len, SO_GCM_TAG_LEN);
    }
    so_wipe(s->tag, SO_GCM_TAG_LEN); /* that of a forged packet must not lie about */
}

static void cm_crypt(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    ipsec_keys *keys = (ipsec_keys *)base;
    IMB_JOB *jobs = keys->engine->jobs;
    uint32_t n = (uint32_t)(count < SO_SRTP_BURST ? count : SO_SRTP_BURST), done;

    for (uint32_t i = 0; i < n; i++) {
        jobs[i].enc_keys = keys->schedule;
        jobs[i].key_len_in_bytes = IMB_KEY_128_BYTES;
        jobs[i].src = jobs[i].dst = ops[i].text;
        jobs[i].cipher_start_src_offset_in_bytes = 0;
        jobs[i].msg_len_to_cipher_in_bytes = ops[i].text_len;
        jobs[i].iv = ops[i].iv;
        jobs[i].iv_len_in_bytes = SO_CM_IV_LEN;
        jobs[i].status = 0;
    }
    done = IMB_SUBMIT_CIPHER_BURST_NOCHECK(keys->manager, jobs, n, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
    for (uint32_t i = 0; i < n; i++)
        ops[i].good = done == n && (jobs[i].status & IMB_STATUS_COMPLETED_CIPHER);
}

static void cm_mac(so_srtp_keys *base, so_srtp_op *ops, size_t count)
{
    ipsec_keys *keys = (ipsec_keys *)base;
    IMB_JOB *jobs = keys->engine->jobs;
    IMB_MGR *manager = count < SHORT_BURST ? keys->engine->narrow : keys->manager;
    uint32_t n = (uint32_t)(count < SO_SRTP_BURST ? count : SO_SRTP_BURST), done;

    for (uint32_t i = 0; i < n; i++) {
        jobs[i].src = ops[i].covered;
        jobs[i].hash_start_src_offset_in_bytes = 0;
        jobs[i].msg_len_to_hash_in_bytes = ops[i].covered_len;
        jobs[i].auth_tag_output = ops[i].mac;
        jobs[i].auth_tag_output_len_in_bytes = SO_SHA1_LEN;
        jobs[i].u.HMAC._hashed_auth_key_xor_ipad = keys->inner;
        jobs[i].u.HMAC._hashed_auth_key_xor_opad = keys->outer;
        jobs[i].hash_alg = IMB_AUTH_HMAC_SHA_1;
        jobs[i].status = 0;
    }
    done = IMB_SUBMIT_HASH_BURST_NOCHECK(manager, jobs, n, IMB_AUTH_HMAC_SHA_1);
    for (uint32_t i = 0; i < n; i++)
        ops[i].good = done == n && (jobs[i].status & IMB_STATUS_COMPLETED_AUTH);
}

static const so_srtp_calls ipsec_calls = {
    .name = "ipsec-mb",
    .engine_free = engine_free,
    .keys_new = keys_new,
    .keys_free = keys_free,
    .gcm_seal = gcm_seal,
    .gcm_open = gcm_open,
    .cm_crypt = cm_crypt,
    .cm_mac = cm_mac,
};
