/* `sotto bench`: what this machine can carry. */
#include "cli/bench.h"

#include "cli/commands.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CALLS 1000
#define CALLS_MAX 5000
#define SECONDS 5
#define SECONDS_MAX 60
#define BAR 30

static const char help[] =
    "usage: sotto bench [OPTION]...\n\n"
    "Measures on this machine, in less than a minute, what calls cost: SRTP, DTLS, and calls of sound that one "
    "process\n"
    "takes part in. Nothing leaves the machine. The figures say what one core carries while nothing else runs.\n\n"
    "  --calls N      calls at the same time (default 1000, at most 5000)\n"
    "  --seconds N    how long they talk (default 5, at most 60)\n"
    "  --json         one JSON object, with names that stay as they are\n"
    "  --help         this text\n";

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto bench: %s; see sotto bench --help\n", what);
    return SO_EXIT_USAGE;
}

static void no_progress(const char *what, double done)
{
    (void)what;
    (void)done;
}

static void draw_progress(const char *what, double done)
{
    int full = (int)(done * BAR);

    (void)fprintf(stderr, "\r[%.*s%*s] %-40s", full, "##############################", BAR - full, "", what);
    if (done >= 1)
        (void)fprintf(stderr, "\r%*s\r", BAR + 44, "");
    (void)fflush(stderr);
}

static void print_json(const bench_result *r)
{
    static const int sizes[BENCH_SIZES] = BENCH_SRTP_SIZES;

    (void)printf("{\"bench\":1,\"sotto\":\"%s\",\"srtp_engine\":\"%s\"", SOTTO_VERSION, r->srtp_engine);
    for (size_t i = 0; i < BENCH_SIZES; i++)
        (void)printf(",\"srtp_protect_%d_ns\":%.1f,\"srtp_unprotect_%d_ns\":%.1f", sizes[i], r->protect_ns[i], sizes[i],
                     r->unprotect_ns[i]);
    (void)printf(",\"dtls_handshakes_per_second\":%.0f,\"calls\":%u,\"call_setup_ms\":%.3f,\"call_bytes\":%.0f,"
                 "\"calls_idle_percent\":%.2f,\"calls_busy_percent\":%.2f,\"call_packet_us\":%.3f,"
                 "\"call_system_calls_per_packet\":%.4f,\"calls_per_core\":%.0f,\"frames_sent\":%llu,"
                 "\"frames_echoed\":%llu}\n",
                 r->handshakes, r->calls, r->setup_ms, r->bytes, r->idle_percent, r->busy_percent, r->packet_us,
                 r->system_calls, r->calls_per_core, r->sent, r->echoed);
}

static void print_table(const bench_result *r)
{
    static const int sizes[BENCH_SIZES] = BENCH_SRTP_SIZES;

    (void)printf("On one core of this machine, while nothing else runs:\n\n");
    (void)printf("  calls of sound, echoed     %10.0f\n", r->calls_per_core);
    (void)printf("  calls set up               %10.0f a second\n", 1000 / r->setup_ms);
    (void)printf("  handshakes of DTLS         %10.0f a second, both ends\n", r->handshakes);
    (void)printf("  memory of a call           %10.0f kB\n", r->bytes / 1000);
    (void)printf(
        "\nHow that came about: %u calls, 50 packets a second each way, took %.1f %% of a core, %.2f us a packet\n"
        "and %.3f system calls; silent ones %.1f %%. %llu frames were sent, and %llu came back.\n\n",
        r->calls, r->busy_percent, r->packet_us, r->system_calls, r->idle_percent, r->sent, r->echoed);
    (void)printf("  SRTP, AES-128-GCM (%s)   protect   unprotect\n", r->srtp_engine);
    for (size_t i = 0; i < BENCH_SIZES; i++)
        (void)printf("    %4d bytes                 %6.0f ns   %6.0f ns\n", sizes[i], r->protect_ns[i],
                     r->unprotect_ns[i]);
}

static bool number(unsigned *out, const char *text, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    *out = (unsigned)value;
    return *text >= '0' && *text <= '9' && *end == '\0' && value > 0 && value <= most;
}

int so_cli_bench(int argc, char **argv)
{
    static const struct option options[] = {{"calls", required_argument, NULL, 'c'},
                                            {"seconds", required_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bench_progress *progress = isatty(STDERR_FILENO) ? draw_progress : no_progress;
    bench_result result = {.calls = CALLS};
    unsigned seconds = SECONDS;
    bool json = false;
    so_status status;
    so_error err;
    int c;

    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'c' && !number(&result.calls, optarg, CALLS_MAX))
            return usage("--calls is a number from 1 to 5000");
        if (c == 's' && !number(&seconds, optarg, SECONDS_MAX))
            return usage("--seconds is a number from 1 to 60");
        json |= c == 'j';
        if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        if (c == '?')
            return SO_EXIT_USAGE;
    }
    if (optind != argc)
        return usage("it takes options alone");
    status = bench_ciphers(&result, progress, &err);
    if (status == SO_OK)
        bench_calls(&result, seconds, progress);
    progress("", 1);
    if (status != SO_OK) {
        (void)fprintf(stderr, "sotto bench: %s\n", err.text);
        return SO_EXIT_FAILED;
    }
    (json ? print_json : print_table)(&result);
    return SO_EXIT_OK;
}
