/* Those that have sessions: Sotto on either engine, and libsrtp2. */
#include "srtp.h"

#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

typedef struct sotto {
    size_t sessions, batch;
    so_srtp_engine *engine;
    so_srtp **out, **in;
} sotto;

static void *sotto_start_on(const setting *s, so_srtp_engine_kind kind)
{
    so_slice key = {bench_keys, so_srtp_key_len(s->profile->id)};
    so_slice salt = {bench_keys + key.len, so_srtp_salt_len(s->profile->id)};
    sotto *self = bench_zeros(1, sizeof *self);

    self->sessions = s->sessions;
    self->batch = s->batch;
    self->out = bench_zeros(s->sessions, sizeof(so_srtp *));
    self->in = bench_zeros(s->sessions, sizeof(so_srtp *));
    bench_must(so_srtp_engine_new(&self->engine, kind) == SO_OK, "no engine");
    for (size_t i = 0; i < s->sessions; i++)
        bench_must(so_srtp_new(&self->out[i], self->engine, s->profile->id, true, key, salt) == SO_OK &&
                       so_srtp_new(&self->in[i], self->engine, s->profile->id, false, key, salt) == SO_OK,
                   "no session");
    return self;
}

static void *sotto_start(const setting *s)
{
    return sotto_start_on(s, SO_SRTP_ENGINE_BEST);
}

static void *sotto_openssl_start(const setting *s)
{
    return sotto_start_on(s, SO_SRTP_ENGINE_OPENSSL);
}

static void sotto_protect(void *it, so_srtp_packet *packets, size_t count)
{
    const sotto *self = it;
    size_t session = 0;

    for (size_t i = 0; i < count; i += self->batch) {
        so_srtp_protect(self->out[session], packets + i, self->batch);
        session = session + 1 == self->sessions ? 0 : session + 1;
    }
}

static void sotto_unprotect(void *it, so_srtp_packet *packets, size_t count)
{
    const sotto *self = it;
    size_t session = 0;

    for (size_t i = 0; i < count; i += self->batch) {
        so_srtp_unprotect(self->in[session], packets + i, self->batch);
        session = session + 1 == self->sessions ? 0 : session + 1;
    }
}

static void sotto_stop(void *it)
{
    sotto *self = it;

    for (size_t i = 0; i < self->sessions; i++) {
        so_srtp_free(self->out[i]);
        so_srtp_free(self->in[i]);
    }
    so_srtp_engine_free(self->engine);
    free(self->out);
    free(self->in);
    free(self);
}

const subject sotto_subject = {"sotto", sotto_start, sotto_protect, sotto_unprotect, sotto_stop};
const subject sotto_openssl_subject = {"sotto-openssl", sotto_openssl_start, sotto_protect, sotto_unprotect,
                                       sotto_stop};

typedef struct srtp2 {
    size_t sessions, batch;
    srtp_t *out, *in;
} srtp2;

static srtp_t srtp2_session(const setting *s, srtp_ssrc_type_t way)
{
    uint8_t key[SRTP_MAX_KEY_LEN] = {0};
    srtp_policy_t policy = {.ssrc = {.type = way}, .key = key, .window_size = SO_SRTP_WINDOW};
    srtp_profile_t id = s->profile->id == SO_SRTP_AEAD_AES_128_GCM   ? srtp_profile_aead_aes_128_gcm
                        : s->profile->id == SO_SRTP_AEAD_AES_256_GCM ? srtp_profile_aead_aes_256_gcm
                                                                     : srtp_profile_aes128_cm_sha1_80;
    srtp_t session;

    memcpy(key, bench_keys, KEYS_LEN);
    bench_must(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, id) == srtp_err_status_ok &&
                   srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, id) == srtp_err_status_ok &&
                   srtp_create(&session, &policy) == srtp_err_status_ok,
               "libsrtp has no such profile");
    return session;
}

static void *srtp2_start(const setting *s)
{
    srtp2 *self = bench_zeros(1, sizeof *self);

    self->sessions = s->sessions;
    self->batch = s->batch;
    self->out = bench_zeros(s->sessions, sizeof(srtp_t));
    self->in = bench_zeros(s->sessions, sizeof(srtp_t));
    for (size_t i = 0; i < s->sessions; i++) {
        self->out[i] = srtp2_session(s, ssrc_any_outbound);
        self->in[i] = srtp2_session(s, ssrc_any_inbound);
    }
    return self;
}

static void srtp2_run(const srtp2 *self, srtp_t *sessions, srtp_err_status_t (*call)(srtp_t, void *, int *),
                      so_srtp_packet *packets, size_t count)
{
    size_t session = 0;

    for (size_t i = 0; i < count; i += self->batch) {
        for (size_t k = i; k < i + self->batch; k++) {
            int len = (int)packets[k].len;

            packets[k].result =
                call(sessions[session], packets[k].bytes, &len) == srtp_err_status_ok ? SO_SRTP_OK : SO_SRTP_CRYPTO;
            packets[k].len = (size_t)len;
        }
        session = session + 1 == self->sessions ? 0 : session + 1;
    }
}

static void srtp2_protect(void *self, so_srtp_packet *packets, size_t count)
{
    srtp2_run(self, ((srtp2 *)self)->out, srtp_protect, packets, count);
}

static void srtp2_unprotect(void *self, so_srtp_packet *packets, size_t count)
{
    srtp2_run(self, ((srtp2 *)self)->in, srtp_unprotect, packets, count);
}

static void srtp2_stop(void *it)
{
    srtp2 *self = it;

    for (size_t i = 0; i < self->sessions; i++) {
        (void)srtp_dealloc(self->out[i]);
        (void)srtp_dealloc(self->in[i]);
    }
    free(self->out);
    free(self->in);
    free(self);
}

const subject srtp2_subject = {"libsrtp2", srtp2_start, srtp2_protect, srtp2_unprotect, srtp2_stop};
