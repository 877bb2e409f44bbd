/*
 * The limit: the ciphers alone, over the same packets, with nothing of SRTP but an IV for each packet and a tag that is
 * compared. Keys are expanded beforehand, and contexts made.
 */
#include "srtp.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define CM_TAG_LEN 10
#define ROC_LEN 4 /* hashed behind the payload */
#define MAC_LEN 20

static bool is_gcm(const setting *s)
{
    return s->profile->id != SO_SRTP_AES128_CM_SHA1_80;
}

static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
    return memcmp(a, b, len) == 0;
}

#ifdef SO_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>

typedef struct ipsec_key {
    struct gcm_key_data gcm;
    _Alignas(16) uint8_t schedule[15 * 16];
    uint8_t inner[MAC_LEN], outer[MAC_LEN];
} ipsec_key;

typedef struct ipsec {
    size_t sessions, batch;
    bool gcm;
    IMB_MGR *manager; /* AES-CM: the one with the SHA instructions for single packets, the widest for bursts */
    aes_gcm_enc_dec_t seal, open;
    struct gcm_context_data context;
    ipsec_key *out, *in; /* one each, as two sessions have */
    IMB_JOB jobs[BATCH];
    uint8_t ivs[BATCH][SO_CM_IV_LEN], tags[BATCH][MAC_LEN], sent[BATCH][CM_TAG_LEN];
} ipsec;

static void ipsec_expand(const ipsec *self, ipsec_key *key, const setting *s)
{
    uint8_t block[64], decrypt[15 * 16];

    if (s->profile->id == SO_SRTP_AEAD_AES_128_GCM)
        IMB_AES128_GCM_PRE(self->manager, bench_keys, &key->gcm);
    if (s->profile->id == SO_SRTP_AEAD_AES_256_GCM)
        IMB_AES256_GCM_PRE(self->manager, bench_keys, &key->gcm);
    if (self->gcm)
        return;
    IMB_AES_KEYEXP_128(self->manager, bench_keys, key->schedule, decrypt);
    memset(block, 0x36, sizeof block);
    IMB_SHA1_ONE_BLOCK(self->manager, block, key->inner);
    memset(block, 0x5c, sizeof block);
    IMB_SHA1_ONE_BLOCK(self->manager, block, key->outer);
}

static void *ipsec_start(const setting *s)
{
    ipsec *self = bench_zeros(1, sizeof *self);

    self->sessions = s->sessions;
    self->batch = s->batch;
    self->gcm = is_gcm(s);
    self->manager = alloc_mb_mgr(0);
    bench_must(self->manager != NULL, "no memory");
    if (!self->gcm && s->batch == 1 && (self->manager->features & IMB_FEATURE_SHANI) != 0)
        init_mb_mgr_sse(self->manager);
    else
        init_mb_mgr_auto(self->manager, NULL);
    bench_must(imb_get_errno(self->manager) == 0, "ipsec-mb does not start");
    self->seal = self->manager->gcm128_enc;
    self->open = self->manager->gcm128_dec;
    if (s->profile->id == SO_SRTP_AEAD_AES_256_GCM) {
        self->seal = self->manager->gcm256_enc;
        self->open = self->manager->gcm256_dec;
    }
    self->out = aligned_alloc(64, s->sessions * sizeof(ipsec_key));
    self->in = aligned_alloc(64, s->sessions * sizeof(ipsec_key));
    bench_must(self->out != NULL && self->in != NULL, "no memory");
    for (size_t i = 0; i < s->sessions; i++) {
        ipsec_expand(self, &self->out[i], s);
        ipsec_expand(self, &self->in[i], s);
    }
    return self;
}

static void ipsec_seal(ipsec *self, const ipsec_key *key, so_srtp_packet *p)
{
    uint8_t iv[SO_CM_IV_LEN];

    bench_iv(iv, p);
    self->seal(&key->gcm, &self->context, p->bytes + HEADER_LEN, p->bytes + HEADER_LEN, p->len - HEADER_LEN, iv,
               p->bytes, HEADER_LEN, p->bytes + p->len, SO_GCM_TAG_LEN);
    p->len += SO_GCM_TAG_LEN;
}

static void ipsec_open(ipsec *self, const ipsec_key *key, so_srtp_packet *p)
{
    uint8_t iv[SO_CM_IV_LEN], tag[SO_GCM_TAG_LEN];

    bench_iv(iv, p);
    p->len -= SO_GCM_TAG_LEN;
    self->open(&key->gcm, &self->context, p->bytes + HEADER_LEN, p->bytes + HEADER_LEN, p->len - HEADER_LEN, iv,
               p->bytes, HEADER_LEN, tag, SO_GCM_TAG_LEN);
    p->result = same(tag, p->bytes + p->len, SO_GCM_TAG_LEN) ? SO_SRTP_OK : SO_SRTP_AUTH_FAILED;
}

static void ipsec_crypt(ipsec *self, const ipsec_key *key, so_srtp_packet *packets)
{
    for (size_t i = 0; i < self->batch; i++) {
        IMB_JOB *job = &self->jobs[i];

        bench_iv(self->ivs[i], &packets[i]);
        job->enc_keys = key->schedule;
        job->key_len_in_bytes = IMB_KEY_128_BYTES;
        job->src = job->dst = packets[i].bytes + HEADER_LEN;
        job->cipher_start_src_offset_in_bytes = 0;
        job->msg_len_to_cipher_in_bytes = packets[i].len - HEADER_LEN;
        job->iv = self->ivs[i];
        job->iv_len_in_bytes = SO_CM_IV_LEN;
    }
    IMB_SUBMIT_CIPHER_BURST_NOCHECK(self->manager, self->jobs, (uint32_t)self->batch, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT,
                                    IMB_KEY_128_BYTES);
}

static void ipsec_mac(ipsec *self, const ipsec_key *key, so_srtp_packet *packets)
{
    for (size_t i = 0; i < self->batch; i++) {
        IMB_JOB *job = &self->jobs[i];

        memset(packets[i].bytes + packets[i].len, 0, ROC_LEN);
        job->src = packets[i].bytes;
        job->hash_start_src_offset_in_bytes = 0;
        job->msg_len_to_hash_in_bytes = packets[i].len + ROC_LEN;
        job->auth_tag_output = self->tags[i];
        job->auth_tag_output_len_in_bytes = MAC_LEN;
        job->u.HMAC._hashed_auth_key_xor_ipad = key->inner;
        job->u.HMAC._hashed_auth_key_xor_opad = key->outer;
        job->hash_alg = IMB_AUTH_HMAC_SHA_1;
    }
    IMB_SUBMIT_HASH_BURST_NOCHECK(self->manager, self->jobs, (uint32_t)self->batch, IMB_AUTH_HMAC_SHA_1);
}

static void ipsec_protect(void *it, so_srtp_packet *packets, size_t count)
{
    ipsec *self = it;
    size_t session = 0;

    for (size_t i = 0; i < count; i += self->batch) {
        if (self->gcm) {
            for (size_t k = i; k < i + self->batch; k++)
                ipsec_seal(self, &self->out[session], &packets[k]);
        } else {
            ipsec_crypt(self, &self->out[session], packets + i);
            ipsec_mac(self, &self->out[session], packets + i);
            for (size_t k = 0; k < self->batch; k++) {
                memcpy(packets[i + k].bytes + packets[i + k].len, self->tags[k], CM_TAG_LEN);
                packets[i + k].len += CM_TAG_LEN;
            }
        }
        session = session + 1 == self->sessions ? 0 : session + 1;
    }
}

static void ipsec_unprotect(void *it, so_srtp_packet *packets, size_t count)
{
    ipsec *self = it;
    size_t session = 0;

    for (size_t i = 0; i < count; i += self->batch) {
        if (self->gcm) {
            for (size_t k = i; k < i + self->batch; k++)
                ipsec_open(self, &self->in[session], &packets[k]);
        } else {
            for (size_t k = 0; k < self->batch; k++) {
                packets[i + k].len -= CM_TAG_LEN;
                memcpy(self->sent[k], packets[i + k].bytes + packets[i + k].len, CM_TAG_LEN);
            }
            ipsec_mac(self, &self->in[session], packets + i);
            ipsec_crypt(self, &self->in[session], packets + i);
            for (size_t k = 0; k < self->batch; k++)
                packets[i + k].result =
                    same(self->tags[k], self->sent[k], CM_TAG_LEN) ? SO_SRTP_OK : SO_SRTP_AUTH_FAILED;
        }
        session = session + 1 == self->sessions ? 0 : session + 1;
    }
}

static void ipsec_stop(void *it)
{
    ipsec *self = it;

    free_mb_mgr(self->manager);
    free(self->out);
    free(self->in);
    free(self);
}

const subject ipsec_subject = {"ipsec-mb", ipsec_start, ipsec_protect, ipsec_unprotect, ipsec_stop};
#endif

/* A context for each session and direction, started over with each packet's IV. */
typedef struct evp {
    size_t sessions, batch;
    bool gcm;
    EVP_CIPHER *cipher;
    EVP_MAC *hmac;
    EVP_CIPHER_CTX **out, **in;
    EVP_MAC_CTX **out_mac, **in_mac;
} evp;

static void evp_expand(const evp *self, EVP_CIPHER_CTX **cipher, EVP_MAC_CTX **mac)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", (char[]){"SHA1"}, 0), OSSL_PARAM_construct_end()};

    *cipher = EVP_CIPHER_CTX_new();
    bench_must(EVP_EncryptInit_ex2(*cipher, self->cipher, bench_keys, NULL, NULL) == 1, "no cipher");
    if (self->gcm)
        return;
    *mac = EVP_MAC_CTX_new(self->hmac);
    bench_must(EVP_MAC_init(*mac, bench_keys, MAC_LEN, params) == 1, "no HMAC");
}

static void *evp_start(const setting *s)
{
    evp *self = bench_zeros(1, sizeof *self);

    self->sessions = s->sessions;
    self->batch = s->batch;
    self->gcm = is_gcm(s);
    self->cipher = EVP_CIPHER_fetch(NULL,
                                    !self->gcm                                   ? "AES-128-CTR"
                                    : s->profile->id == SO_SRTP_AEAD_AES_128_GCM ? "AES-128-GCM"
                                                                                 : "AES-256-GCM",
                                    NULL);
    self->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    bench_must(self->cipher != NULL && self->hmac != NULL, "no cipher");
    self->out = bench_zeros(s->sessions, sizeof(void *));
    self->in = bench_zeros(s->sessions, sizeof(void *));
    self->out_mac = bench_zeros(s->sessions, sizeof(void *));
    self->in_mac = bench_zeros(s->sessions, sizeof(void *));
    for (size_t i = 0; i < s->sessions; i++) {
        evp_expand(self, &self->out[i], &self->out_mac[i]);
        evp_expand(self, &self->in[i], &self->in_mac[i]);
    }
    return self;
}

static bool evp_mac(EVP_MAC_CTX *mac, const so_srtp_packet *p, uint8_t tag[MAC_LEN])
{
    size_t len;

    memset(p->bytes + p->len, 0, ROC_LEN);
    return EVP_MAC_init(mac, NULL, 0, NULL) && EVP_MAC_update(mac, p->bytes, p->len + ROC_LEN) &&
           EVP_MAC_final(mac, tag, &len, MAC_LEN);
}

static void evp_seal(const evp *self, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, so_srtp_packet *p)
{
    uint8_t iv[SO_CM_IV_LEN], tag[MAC_LEN], *text = p->bytes + HEADER_LEN;
    int len = 0, text_len = (int)p->len - HEADER_LEN;
    bool good;

    bench_iv(iv, p);
    good = EVP_CipherInit_ex2(cipher, NULL, NULL, iv, 1, NULL);
    if (self->gcm) {
        good = good && EVP_CipherUpdate(cipher, NULL, &len, p->bytes, HEADER_LEN) &&
               EVP_CipherUpdate(cipher, text, &len, text, text_len) &&
               EVP_CipherFinal_ex(cipher, text + text_len, &len) &&
               EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, SO_GCM_TAG_LEN, p->bytes + p->len);
        p->len += SO_GCM_TAG_LEN;
    } else {
        good = good && EVP_CipherUpdate(cipher, text, &len, text, text_len) && evp_mac(mac, p, tag);
        memcpy(p->bytes + p->len, tag, CM_TAG_LEN);
        p->len += CM_TAG_LEN;
    }
    p->result = good ? SO_SRTP_OK : SO_SRTP_CRYPTO;
}

static void evp_open(const evp *self, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, so_srtp_packet *p)
{
    uint8_t iv[SO_CM_IV_LEN], tag[MAC_LEN], sent[CM_TAG_LEN], *text = p->bytes + HEADER_LEN;
    int len = 0, text_len;
    bool good;

    bench_iv(iv, p);
    p->len -= self->gcm ? SO_GCM_TAG_LEN : CM_TAG_LEN;
    text_len = (int)p->len - HEADER_LEN;
    if (self->gcm) {
        good = EVP_CipherInit_ex2(cipher, NULL, NULL, iv, 0, NULL) &&
               EVP_CipherUpdate(cipher, NULL, &len, p->bytes, HEADER_LEN) &&
               EVP_CipherUpdate(cipher, text, &len, text, text_len) &&
               EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, SO_GCM_TAG_LEN, p->bytes + p->len) &&
               EVP_CipherFinal_ex(cipher, text + text_len, &len) > 0;
    } else {
        memcpy(sent, p->bytes + p->len, CM_TAG_LEN);
        good = evp_mac(mac, p, tag) && same(tag, sent, CM_TAG_LEN) &&
               EVP_CipherInit_ex2(cipher, NULL, NULL, iv, 1, NULL) &&
               EVP_CipherUpdate(cipher, text, &len, text, text_len);
    }
    p->result = good ? SO_SRTP_OK : SO_SRTP_AUTH_FAILED;
}

static void evp_protect(void *it, so_srtp_packet *packets, size_t count)
{
    const evp *self = it;

    for (size_t i = 0; i < count; i++) {
        size_t session = i / self->batch % self->sessions;
        evp_seal(self, self->out[session], self->out_mac[session], &packets[i]);
    }
}

static void evp_unprotect(void *it, so_srtp_packet *packets, size_t count)
{
    const evp *self = it;

    for (size_t i = 0; i < count; i++) {
        size_t session = i / self->batch % self->sessions;
        evp_open(self, self->in[session], self->in_mac[session], &packets[i]);
    }
}

static void evp_stop(void *it)
{
    evp *self = it;

    for (size_t i = 0; i < self->sessions; i++) {
        EVP_CIPHER_CTX_free(self->out[i]);
        EVP_CIPHER_CTX_free(self->in[i]);
        EVP_MAC_CTX_free(self->out_mac[i]);
        EVP_MAC_CTX_free(self->in_mac[i]);
    }
    EVP_CIPHER_free(self->cipher);
    EVP_MAC_free(self->hmac);
    free(self->out);
    free(self->in);
    free(self->out_mac);
    free(self->in_mac);
    free(self);
}

const subject evp_subject = {"EVP", evp_start, evp_protect, evp_unprotect, evp_stop};
