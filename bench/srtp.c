/*
 * SRTP packet by packet, in turn in one process and over the same packets: Sotto, libsrtp2, and what is the limit, the
 * ciphers of ipsec-mb called directly; Sotto's engine on OpenSSL, and OpenSSL called directly. One JSON object a line
 * for each round: nanoseconds a packet, protected and unprotected. Filling packets is not in them, nor reading the
 * clock for each: it is read once for GROUP packets, or for one packet of each session.
 *
 *   bench_srtp ROUNDS PACKETS
 */
#include "srtp.h"

#include <srtp2/srtp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUP 64
#define SESSIONS 2000
#define MAX_SUBJECTS 5

static const profile profiles[] = {
    {SO_SRTP_AEAD_AES_128_GCM, "AES-128-GCM"},
    {SO_SRTP_AEAD_AES_256_GCM, "AES-256-GCM"},
    {SO_SRTP_AES128_CM_SHA1_80, "AES-CM + SHA1-80"},
};
static const size_t payloads[] = {20, 160, 1200};
static const struct {
    size_t sessions, batch;
} ways[] = {{1, BATCH}, {1, 1}, {SESSIONS, 1}};
static const subject *const subjects[] = {
    &sotto_subject,
#ifdef SO_HAVE_IPSEC_MB
    &ipsec_subject,
#endif
    &srtp2_subject, &sotto_openssl_subject, &evp_subject,
};
#define SUBJECTS (sizeof subjects / sizeof *subjects)

const uint8_t bench_keys[KEYS_LEN] = {7,  14, 21, 28, 35, 42, 49, 56, 63, 70, 77, 84, 91, 98, 105, 112,
                                      11, 22, 33, 44, 55, 66, 77, 88, 99, 13, 26, 39, 52, 65, 78,  91};

void bench_must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench_srtp: %s\n", what);
    exit(1);
}

void *bench_zeros(size_t count, size_t size)
{
    void *zeros = calloc(count, size);

    bench_must(zeros != NULL, "no memory");
    return zeros;
}

static double seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One subject in one setting, from the first round to the last. */
typedef struct lane {
    const subject *subject;
    void *self;
    uint8_t *bytes;
    so_srtp_packet *packets;
    size_t group;
    uint32_t number; /* of the next packets */
    double protect, unprotect;
} lane;

static bool lane_start(lane *l, const subject *who, const setting *s)
{
    memset(l, 0, sizeof *l);
    l->subject = who;
    l->self = who->start(s);
    if (l->self == NULL)
        return false;
    l->group = s->sessions == 1 ? GROUP : s->sessions;
    l->packets = bench_zeros(l->group, sizeof *l->packets);
    l->bytes = aligned_alloc(64, l->group * ((HEADER_LEN + s->payload + SO_SRTP_OVERHEAD + 63) / 64 * 64));
    bench_must(l->bytes != NULL, "no memory");
    return true;
}

static void lane_stop(lane *l)
{
    l->subject->stop(l->self);
    free(l->packets);
    free(l->bytes);
}

static void fill(lane *l, const setting *s)
{
    size_t room = (HEADER_LEN + s->payload + SO_SRTP_OVERHEAD + 63) / 64 * 64;

    for (size_t i = 0; i < l->group; i++) {
        uint8_t *b = l->bytes + i * room;
        uint32_t number = s->sessions == 1 ? l->number + (uint32_t)i : l->number;

        memset(b, 0x5a, HEADER_LEN + s->payload);
        b[0] = 0x80;
        b[1] = 111;
        b[2] = (uint8_t)(number >> 8);
        b[3] = (uint8_t)number;
        memcpy(b + 8, "\1\2\3\4", 4);
        l->packets[i] = (so_srtp_packet){.bytes = b, .len = HEADER_LEN + s->payload, .cap = room};
    }
    l->number += s->sessions == 1 ? (uint32_t)l->group : 1;
}

static void check(const lane *l, const setting *s)
{
    for (size_t i = 0; i < l->group; i++)
        bench_must(l->packets[i].result == SO_SRTP_OK && l->packets[i].len == HEADER_LEN + s->payload &&
                       l->packets[i].bytes[HEADER_LEN + s->payload - 1] == 0x5a,
                   l->subject->name);
}

/* At least count packets. The first group only brings code and keys back into the caches. */
static void lane_round(lane *l, const setting *s, size_t count)
{
    size_t done = 0;

    l->protect = l->unprotect = 0;
    for (bool first = true; first || done < count; first = false) {
        double a, b, c;

        fill(l, s);
        a = seconds();
        l->subject->protect(l->self, l->packets, l->group);
        b = seconds();
        l->subject->unprotect(l->self, l->packets, l->group);
        c = seconds();
        check(l, s);
        if (first)
            continue;
        l->protect += b - a;
        l->unprotect += c - b;
        done += l->group;
    }
    l->protect *= 1e9 / (double)done;
    l->unprotect *= 1e9 / (double)done;
}

static void say(const setting *s, const lane *lanes, size_t n)
{
    (void)printf("{\"profile\":\"%s\",\"bytes\":%zu,\"sessions\":%zu,\"batch\":%zu", s->profile->name, s->payload,
                 s->sessions, s->batch);
    for (size_t i = 0; i < n; i++)
        (void)printf(",\"%s\":{\"protect\":%.2f,\"unprotect\":%.2f}", lanes[i].subject->name, lanes[i].protect,
                     lanes[i].unprotect);
    (void)printf("}\n");
}

/* The subjects take turns, each round the other way round. */
static void measure(const setting *s, size_t rounds, size_t count)
{
    lane lanes[MAX_SUBJECTS];
    size_t n = 0;

    for (size_t i = 0; i < SUBJECTS; i++)
        if (lane_start(&lanes[n], subjects[i], s))
            n++;
    for (size_t r = 0; r < rounds; r++) {
        for (size_t i = 0; i < n; i++)
            lane_round(&lanes[r % 2 == 0 ? i : n - 1 - i], s, count);
        say(s, lanes, n);
    }
    for (size_t i = 0; i < n; i++)
        lane_stop(&lanes[i]);
}

int main(int argc, char **argv)
{
    size_t rounds = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

    bench_must(rounds > 0 && count > 0, "say ROUNDS PACKETS");
    bench_must(srtp_init() == srtp_err_status_ok, "libsrtp does not start");
    for (size_t p = 0; p < sizeof profiles / sizeof *profiles; p++)
        for (size_t b = 0; b < sizeof payloads / sizeof *payloads; b++)
            for (size_t w = 0; w < sizeof ways / sizeof *ways; w++)
                measure(&(setting){&profiles[p], payloads[b], ways[w].sessions, ways[w].batch}, rounds, count);
    (void)srtp_shutdown();
    return 0;
}
