/* What `sotto bench` measures, and how its parts tell what they found. */
#ifndef SOTTO_CLI_BENCH_H
#define SOTTO_CLI_BENCH_H

#include "base/status.h"

#define BENCH_SIZES 3
#define BENCH_SRTP_SIZES                                                                                               \
    {                                                                                                                  \
        20, 160, 1200                                                                                                  \
    } /* payloads, in bytes */

typedef struct bench_result {
    const char *srtp_engine;
    double protect_ns[BENCH_SIZES], unprotect_ns[BENCH_SIZES]; /* a packet, AES-128-GCM, by sixteen */
    double handshakes;                                         /* a CPU second, both ends */
    /* calls of sound that one process echoes */
    unsigned calls;
    double setup_ms;     /* CPU of one end, for a call */
    double bytes;        /* memory of one end of a call */
    double idle_percent; /* of a core: all calls, nothing but consent and reports */
    double busy_percent; /* of a core: all calls, 50 packets a second each way */
    double packet_us;    /* CPU of a packet in or out, then */
    double system_calls; /* a packet, then */
    double calls_per_core;
    unsigned long long sent, echoed; /* frames, by the callers and back */
} bench_result;

/* Says how far it is, of 1; what: a few words. */
typedef void bench_progress(const char *what, double done);

so_status bench_ciphers(bench_result *out, bench_progress *progress, so_error *err) SO_MUST_CHECK;
/* out->calls of them for so many seconds, with the callers in a process of their own. What fails ends the program. */
void bench_calls(bench_result *out, unsigned seconds, bench_progress *progress);

#endif
