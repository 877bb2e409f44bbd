/* What a packet of SRTP costs: protected and unprotected, alone and in bursts, by each engine; what a session holds. */
#include "count.h"

#include "srtp/srtp.h"

#include <stdio.h>
#include <string.h>

#define PACKETS 960
#define ROOM 1280

typedef struct work {
    so_srtp_engine *engine;
    so_srtp_profile profile;
    const char *name;
    size_t payload, batch;
} work;

static uint8_t bytes[PACKETS][ROOM];
static so_srtp_packet packets[PACKETS];
static const uint8_t key[46] = {1, 2, 3};

static so_srtp *session(const work *w, bool sender)
{
    so_srtp *made;
    so_slice k = {key, so_srtp_key_len(w->profile)}, salt = {key + k.len, so_srtp_salt_len(w->profile)};

    count_must(so_srtp_new(&made, w->engine, w->profile, sender, k, salt) == SO_OK, "no session");
    return made;
}

static void fill(const work *w, size_t first)
{
    for (size_t i = 0; i < PACKETS; i++) {
        uint8_t *b = bytes[i];

        memset(b, 0x5a, 12 + w->payload);
        b[0] = 0x80;
        b[2] = (uint8_t)((first + i) >> 8);
        b[3] = (uint8_t)(first + i);
        memcpy(b + 8, "\1\2\3\4", 4);
        packets[i] = (so_srtp_packet){.bytes = b, .len = 12 + w->payload, .cap = ROOM};
    }
}

static void run(void (*call)(so_srtp *, so_srtp_packet *, size_t), so_srtp *s, size_t batch)
{
    for (size_t i = 0; i < PACKETS; i += batch)
        call(s, packets + i, batch);
}

static void count_packets(const work *w)
{
    so_srtp *out = session(w, true), *in = session(w, false);
    char what[100];

    for (int round = 0; round < 2;
         round++) { /* the first one warms up: lazy binding, and the first packet of a stream */
        fill(w, (size_t)round * PACKETS);
        count_start();
        run(so_srtp_protect, out, w->batch);
        (void)snprintf(what, sizeof what, "%s, %zu bytes, by %zu, protect", w->name, w->payload, w->batch);
        if (round == 1)
            count_stop(what, PACKETS);
        count_start();
        run(so_srtp_unprotect, in, w->batch);
        (void)snprintf(what, sizeof what, "%s, %zu bytes, by %zu, unprotect", w->name, w->payload, w->batch);
        if (round == 1)
            count_stop(what, PACKETS);
        for (size_t i = 0; i < PACKETS; i++)
            count_must(packets[i].result == SO_SRTP_OK && packets[i].len == 12 + w->payload, what);
    }
    so_srtp_free(out);
    so_srtp_free(in);
}

static void count_session(const work *w)
{
    size_t before = count_held(), after;
    so_srtp *s = session(w, true);
    char what[100];

    after = count_held();
    (void)snprintf(what, sizeof what, "%s, a session", w->name);
    count_say(what, "bytes", (double)(after - before));
    so_srtp_free(s);
    count_must(count_held() == before, "a session leaves memory behind");
}

int main(void)
{
    so_srtp_engine *best, *openssl;

    count_must(so_srtp_engine_new(&best, SO_SRTP_ENGINE_BEST) == SO_OK, "no engine");
    count_must(so_srtp_engine_new(&openssl, SO_SRTP_ENGINE_OPENSSL) == SO_OK, "no engine");
    {
        const work works[] = {
            {best, SO_SRTP_AEAD_AES_128_GCM, "GCM", 160, 1},
            {best, SO_SRTP_AEAD_AES_128_GCM, "GCM", 160, 16},
            {best, SO_SRTP_AEAD_AES_128_GCM, "GCM", 1200, 1},
            {best, SO_SRTP_AES128_CM_SHA1_80, "CM", 160, 1},
            {best, SO_SRTP_AES128_CM_SHA1_80, "CM", 160, 16},
            {openssl, SO_SRTP_AEAD_AES_128_GCM, "OpenSSL, GCM", 160, 1},
            {openssl, SO_SRTP_AES128_CM_SHA1_80, "OpenSSL, CM", 160, 1},
        };
        const size_t count = sizeof works / sizeof *works;

        for (size_t i = 0; i < count; i++)
            count_packets(&works[i]);
        count_session(&works[0]);
        count_session(&works[3]);
    }
    so_srtp_engine_free(best);
    so_srtp_engine_free(openssl);
    return 0;
}
