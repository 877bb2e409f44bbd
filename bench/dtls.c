/*
 * DTLS 1.2 handshakes between two ends in one thread, datagrams passed in memory: Sotto's and the plain use of OpenSSL,
 * in turn in one process, beside the signatures and key agreements alone. One JSON object a line for each round:
 * handshakes per CPU second.
 *
 *   bench_dtls all ROUNDS COUNT     bench_dtls sotto|plain|shared|limit ROUNDS COUNT (one alone, for a profiler)
 */
#include "dtls/dtls.h"
#include "dtls_plain.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* The sides take turns after so many handshakes, since the machine's speed changes from second to second. */
#define TURN 20

static so_dtls_context *context;
static so_dtls_certificate *certs[2];

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "bench_dtls: %s\n", what);
    exit(1);
}

static double cpu(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static bool carry(so_dtls *from, so_dtls *to)
{
    uint8_t bytes[SO_DTLS_MTU];
    bool any = false;
    size_t len;

    while (so_dtls_transmit(from, bytes, &len)) {
        any = true;
        so_dtls_receive(to, (so_slice){bytes, len});
    }
    return any;
}

/* As src/peer does it: new, start, datagrams, export. */
static void shake_sotto(void)
{
    so_dtls *ends[2];
    so_dtls_keys keys[2];

    for (int i = 0; i < 2; i++) {
        so_dtls_config config = {.context = context,
                                 .certificate = certs[i],
                                 .role = i == 0 ? SO_DTLS_CLIENT : SO_DTLS_SERVER,
                                 .expected = *so_dtls_certificate_fingerprint(certs[1 - i])};

        must(so_dtls_new(&ends[i], &config, NULL) == SO_OK, "no association");
    }
    so_dtls_start(ends[1]);
    so_dtls_start(ends[0]);
    while (carry(ends[0], ends[1]) || carry(ends[1], ends[0]))
        ;
    for (int i = 0; i < 2; i++)
        must(so_dtls_export(ends[i], &keys[i]) == SO_OK, "no keys");
    must(keys[0].profile == keys[1].profile && memcmp(keys[0].local_key, keys[1].remote_key, keys[0].key_len) == 0,
         "the ends have different keys");
    for (int i = 0; i < 2; i++)
        so_dtls_free(ends[i]);
}

static void shake_plain(void)
{
    must(plain_shake(false), "the plain use failed");
}

static void shake_shared(void)
{
    must(plain_shake(true), "the plain use with shared contexts failed");
}

static void agree_alone(void)
{
    must(plain_limit(), "signatures and key agreements failed");
}

static const struct {
    const char *name;
    void (*run)(void);
} sides[] = {{"sotto", shake_sotto}, {"plain", shake_plain}, {"shared", shake_shared}, {"limit", agree_alone}};
#define SIDES (sizeof sides / sizeof *sides)

static void run(const char *only, unsigned long rounds, unsigned long count)
{
    for (unsigned long round = 0; round < rounds; round++) {
        double used[SIDES] = {0};

        for (unsigned long done = 0; done < count; done += TURN)
            for (size_t i = 0; i < SIDES; i++) {
                double began = cpu();

                if (only != NULL && strcmp(only, sides[i].name) != 0)
                    continue;
                for (int k = 0; k < TURN; k++)
                    sides[i].run();
                used[i] += cpu() - began;
            }
        for (size_t i = 0; i < SIDES; i++)
            if (used[i] > 0)
                (void)printf("%s\"%s\":%.1f", i == 0 || only != NULL ? "{" : ",", sides[i].name,
                             (double)((count + TURN - 1) / TURN * TURN) / used[i]);
        (void)printf("}\n");
    }
}

int main(int argc, char **argv)
{
    const char *only = argc > 1 && strcmp(argv[1], "all") != 0 ? argv[1] : NULL;
    unsigned long rounds = argc == 4 ? strtoul(argv[2], NULL, 10) : 0,
                  count = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

    must(rounds > 0 && count > 0, "say all|sotto|plain|shared|limit ROUNDS COUNT");
    must(so_dtls_context_make(&context, NULL) == SO_OK && plain_open(), "no context");
    for (int i = 0; i < 2; i++)
        must(so_dtls_certificate_make(&certs[i], (so_unix)time(NULL), &so_random_system, NULL) == SO_OK,
             "no certificate");
    for (size_t i = 0; i < SIDES; i++) /* what the first one makes the library fetch */
        if (only == NULL || strcmp(only, sides[i].name) == 0)
            sides[i].run();
    run(only, rounds, count);
    for (int i = 0; i < 2; i++)
        so_dtls_certificate_free(certs[i]);
    plain_close();
    so_dtls_context_free(context);
    return 0;
}
