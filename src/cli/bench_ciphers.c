/* What `sotto bench` measures of SRTP and DTLS: this library's own code, in one thread. */
#include "cli/bench.h"

#include "dtls/dtls.h"
#include "srtp/srtp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAYER "bench"
#define BATCH 16
#define ROUNDS 5
#define PACKETS 32000
#define HANDSHAKES 200

static double cpu(void)
{
    struct timespec used;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return values[count / 2];
}

/* ---- SRTP ---- */

typedef struct batch {
    uint8_t bytes[BATCH][1400];
    so_srtp_packet packets[BATCH];
} batch;

static void fill(batch *b, size_t payload, uint32_t number)
{
    for (size_t i = 0; i < BATCH; i++, number++) {
        uint8_t *p = b->bytes[i];

        memset(p, 0x5a, 12 + payload);
        p[0] = 0x80;
        p[1] = 111;
        p[2] = (uint8_t)(number >> 8);
        p[3] = (uint8_t)number;
        b->packets[i] = (so_srtp_packet){.bytes = p, .len = 12 + payload, .cap = sizeof b->bytes[i]};
    }
}

static bool run_round(so_srtp *to, so_srtp *from, size_t payload, uint32_t *number, double *protect, double *unprotect)
{
    static batch b;

    *protect = *unprotect = 0;
    for (size_t n = 0; n < PACKETS; n += BATCH, *number += BATCH) {
        double began, between;

        fill(&b, payload, *number);
        began = cpu();
        so_srtp_protect(to, b.packets, BATCH);
        between = cpu();
        so_srtp_unprotect(from, b.packets, BATCH);
        *unprotect += cpu() - between;
        *protect += between - began;
        if (b.packets[BATCH - 1].result != SO_SRTP_OK)
            return false;
    }
    *protect *= 1e9 / PACKETS;
    *unprotect *= 1e9 / PACKETS;
    return true;
}

static so_status measure_srtp(bench_result *out, so_srtp_engine *engine, size_t size, size_t payload)
{
    static const uint8_t key[28];
    so_slice master = {key, 16}, salt = {key + 16, 12};
    double protect[ROUNDS], unprotect[ROUNDS];
    so_srtp *to = NULL, *from = NULL;
    uint32_t number = 1;
    so_status status = so_srtp_new(&to, engine, SO_SRTP_AEAD_AES_128_GCM, true, master, salt);

    if (status == SO_OK)
        status = so_srtp_new(&from, engine, SO_SRTP_AEAD_AES_128_GCM, false, master, salt);
    for (size_t r = 0; status == SO_OK && r < ROUNDS; r++)
        if (!run_round(to, from, payload, &number, &protect[r], &unprotect[r]))
            status = SO_CRYPTO;
    so_srtp_free(to);
    so_srtp_free(from);
    if (status != SO_OK)
        return status;
    out->protect_ns[size] = median(protect, ROUNDS);
    out->unprotect_ns[size] = median(unprotect, ROUNDS);
    return SO_OK;
}

/* ---- DTLS ---- */

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

static so_status shake_hands(so_dtls_context *context, so_dtls_certificate *const certs[2])
{
    so_dtls *ends[2] = {NULL, NULL};
    so_status status = SO_OK;

    for (int i = 0; status == SO_OK && i < 2; i++) {
        so_dtls_config config = {.context = context,
                                 .certificate = certs[i],
                                 .role = i == 0 ? SO_DTLS_CLIENT : SO_DTLS_SERVER,
                                 .expected = *so_dtls_certificate_fingerprint(certs[1 - i])};

        status = so_dtls_new(&ends[i], &config, NULL);
    }
    if (status == SO_OK) {
        bool any;

        so_dtls_start(ends[1]);
        so_dtls_start(ends[0]);
        do {
            any = carry(ends[0], ends[1]);
            any |= carry(ends[1], ends[0]);
        } while (any);
        if (so_dtls_state_of(ends[0]) != SO_DTLS_OPEN || so_dtls_state_of(ends[1]) != SO_DTLS_OPEN)
            status = SO_CRYPTO;
    }
    so_dtls_free(ends[0]);
    so_dtls_free(ends[1]);
    return status;
}

static so_status measure_dtls(bench_result *out, so_error *err)
{
    so_dtls_certificate *certs[2] = {NULL, NULL};
    so_dtls_context *context;
    double rates[ROUNDS];
    so_status status = so_dtls_context_make(&context, err);

    for (int i = 0; status == SO_OK && i < 2; i++)
        status = so_dtls_certificate_make(&certs[i], (so_unix)time(NULL), &so_random_system, err);
    /* What the first one makes the library fetch is not the others'. */
    if (status == SO_OK)
        status = shake_hands(context, certs);
    for (size_t r = 0; status == SO_OK && r < ROUNDS; r++) {
        double began = cpu();

        for (size_t i = 0; status == SO_OK && i < HANDSHAKES / ROUNDS; i++)
            status = shake_hands(context, certs);
        rates[r] = HANDSHAKES / ROUNDS / (cpu() - began);
    }
    if (status == SO_OK)
        out->handshakes = median(rates, ROUNDS);
    so_dtls_certificate_free(certs[0]);
    so_dtls_certificate_free(certs[1]);
    so_dtls_context_free(context);
    return status;
}

so_status bench_ciphers(bench_result *out, bench_progress *progress, so_error *err)
{
    static const size_t sizes[BENCH_SIZES] = BENCH_SRTP_SIZES;
    so_srtp_engine *engine;
    so_status status = so_srtp_engine_new(&engine, SO_SRTP_ENGINE_BEST);

    if (status != SO_OK)
        return so_fail(err, status, LAYER, "the ciphers of SRTP can't be set up; check that memory is free");
    out->srtp_engine = so_srtp_engine_name(engine);
    for (size_t i = 0; status == SO_OK && i < BENCH_SIZES; i++) {
        progress("packets of SRTP", 0.05 * (double)i);
        status = measure_srtp(out, engine, i, sizes[i]);
    }
    so_srtp_engine_free(engine);
    if (status != SO_OK)
        return so_fail(err, status, LAYER, "a packet did not come through SRTP; this build is broken");
    progress("handshakes of DTLS", 0.15);
    *err = (so_error){.layer = LAYER};
    status = measure_dtls(out, err);
    if (status != SO_OK && err->text[0] == '\0')
        return so_fail(err, status, LAYER, "a handshake of DTLS failed; this build is broken");
    return status;
}
