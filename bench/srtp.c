/*
 * SRTP packet by packet: Sotto's and libsrtp2's, in turn in one process, over the same packets. One JSON object a line
 * for each round: nanoseconds a packet.
 *
 *   bench_srtp ROUNDS PACKETS
 */
#include "srtp/srtp.h"

#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 16
#define MAX_PACKET 1400

typedef struct profile {
    so_srtp_profile id;
    srtp_profile_t peer_id;
    const char *name;
} profile;

static const profile profiles[] = {
    {SO_SRTP_AEAD_AES_128_GCM, srtp_profile_aead_aes_128_gcm, "AES-128-GCM"},
    {SO_SRTP_AEAD_AES_256_GCM, srtp_profile_aead_aes_256_gcm, "AES-256-GCM"},
    {SO_SRTP_AES128_CM_SHA1_80, srtp_profile_aes128_cm_sha1_80, "AES-CM + SHA1-80"},
};
static const size_t payloads[] = {20, 160, 1200};
static uint8_t key[SRTP_MAX_KEY_LEN];

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench_srtp: %s\n", what);
    exit(1);
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void write_packet(uint8_t *bytes, size_t payload, uint32_t number)
{
    memset(bytes, 0x5a, 12 + payload);
    bytes[0] = 0x80;
    bytes[1] = 111;
    bytes[2] = (uint8_t)(number >> 8);
    bytes[3] = (uint8_t)number;
    memcpy(bytes + 8, "\1\2\3\4", 4);
}

typedef struct times {
    double protect, unprotect;
} times;

static times run_sotto(so_srtp_engine *engine, const profile *p, size_t payload, size_t count, size_t batch)
{
    static uint8_t bytes[BATCH][MAX_PACKET];
    so_srtp_packet packets[BATCH];
    so_slice k = {key, so_srtp_key_len(p->id)}, salt = {key + k.len, so_srtp_salt_len(p->id)};
    so_srtp *out, *in;
    times t = {0, 0};

    must(so_srtp_new(&out, engine, p->id, true, k, salt) == SO_OK &&
             so_srtp_new(&in, engine, p->id, false, k, salt) == SO_OK,
         "no session");
    for (size_t n = 0; n < count; n += batch) {
        double a, b;

        for (size_t i = 0; i < batch; i++) {
            write_packet(bytes[i], payload, (uint32_t)(n + i));
            packets[i] = (so_srtp_packet){.bytes = bytes[i], .len = 12 + payload, .cap = MAX_PACKET};
        }
        a = seconds();
        so_srtp_protect(out, packets, batch);
        b = seconds();
        so_srtp_unprotect(in, packets, batch);
        t.unprotect += seconds() - b;
        t.protect += b - a;
        must(packets[batch - 1].result == SO_SRTP_OK, "a packet did not come through");
    }
    so_srtp_free(out);
    so_srtp_free(in);
    return t;
}

static srtp_t peer_session(const profile *p, srtp_ssrc_type_t way)
{
    srtp_policy_t policy = {.ssrc = {.type = way}, .key = key, .window_size = 1024};
    srtp_t session;

    must(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, p->peer_id) == srtp_err_status_ok &&
             srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, p->peer_id) == srtp_err_status_ok &&
             srtp_create(&session, &policy) == srtp_err_status_ok,
         "libsrtp has no such profile");
    return session;
}

static times run_peer(const profile *p, size_t payload, size_t count, size_t batch)
{
    static uint8_t bytes[BATCH][MAX_PACKET];
    int lengths[BATCH];
    srtp_t out = peer_session(p, ssrc_any_outbound), in = peer_session(p, ssrc_any_inbound);
    times t = {0, 0};

    for (size_t n = 0; n < count; n += batch) {
        double a, b;
        srtp_err_status_t status = srtp_err_status_ok;

        for (size_t i = 0; i < batch; i++) {
            write_packet(bytes[i], payload, (uint32_t)(n + i));
            lengths[i] = (int)(12 + payload);
        }
        a = seconds();
        for (size_t i = 0; i < batch; i++)
            (void)srtp_protect(out, bytes[i], &lengths[i]);
        b = seconds();
        for (size_t i = 0; i < batch; i++)
            status = srtp_unprotect(in, bytes[i], &lengths[i]);
        t.unprotect += seconds() - b;
        t.protect += b - a;
        must(status == srtp_err_status_ok, "a packet did not come through libsrtp");
    }
    (void)srtp_dealloc(out);
    (void)srtp_dealloc(in);
    return t;
}

int main(int argc, char **argv)
{
    size_t rounds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    so_srtp_engine *engine;

    must(rounds > 0 && count >= BATCH, "say ROUNDS PACKETS");
    must(srtp_init() == srtp_err_status_ok && so_srtp_engine_new(&engine, SO_SRTP_ENGINE_BEST) == SO_OK, "no engine");
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 7);
    count -= count % BATCH;
    for (size_t r = 0; r < rounds; r++)
        for (size_t p = 0; p < sizeof profiles / sizeof profiles[0]; p++)
            for (size_t s = 0; s < sizeof payloads / sizeof payloads[0]; s++) {
                times mine = run_sotto(engine, &profiles[p], payloads[s], count, BATCH);
                times theirs = run_peer(&profiles[p], payloads[s], count, BATCH);
                double ns = 1e9 / (double)count;

                (void)printf("{\"profile\":\"%s\",\"bytes\":%zu,\"protect\":[%.1f,%.1f],\"unprotect\":[%.1f,%.1f]}\n",
                             profiles[p].name, payloads[s], mine.protect * ns, theirs.protect * ns, mine.unprotect * ns,
                             theirs.unprotect * ns);
            }
    so_srtp_engine_free(engine);
    (void)srtp_shutdown();
    return 0;
}
