#include "cli/doctor.h"

#include "base/secret.h"
#include "cli/commands.h"
#include "cli/panel.h"

#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX 600

static const char help[] =
    "usage: sotto doctor [--ca FILE] [--connect ADDR] [--json] [URL]\n\n"
    "Looks for what would keep a call from working, and says what to do about it: one line a check. Without URL it "
    "looks\n"
    "at this machine (codecs, devices, encryption); with URL (https://host[:port], or an invitation link, whose "
    "secret\n"
    "is neither used nor sent) also at the way to that server, at its certificate, the clocks, the signaling, and at "
    "the\n"
    "STUN and TURN servers that it names, with the credentials that it makes for a seat in a room of its own.\n\n"
    "  --ca FILE       trust the CA in FILE instead of the system's store\n"
    "  --connect ADDR  connect to this address; the certificate must still name the URL's host\n"
    "  --json          one JSON object a line, for a program\n\n"
    "Exit code: 0 all is well, 1 something failed, 2 wrong usage.\n";

void doctor_say(doctor *d, doctor_result result, const char *check, const char *fmt, ...)
{
    static const char *const marks[] = {"✓", "·", "✗"}, *const words[] = {"well", "note", "failed"};
    char text[TEXT_MAX], clean[TEXT_MAX];
    uint8_t line[6 * TEXT_MAX + 200];
    so_writer w = so_writer_of(line, sizeof line);
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* Some of it comes from servers that nobody here vouches for. */
    panel_clean(clean, sizeof clean, text);
    d->failed += result == DOCTOR_FAILED;
    if (d->json) {
        so_write_text(&w, "{\"check\":");
        so_write_json(&w, check, strlen(check));
        so_write_format(&w, ",\"result\":\"%s\",\"text\":", words[result]);
        so_write_json(&w, clean, strlen(clean));
        so_write_text(&w, "}\n");
        (void)fwrite(line, 1, so_writer_len(&w), stdout);
    } else {
        (void)printf("%s %-12s %s%s\n", marks[result], check, result == DOCTOR_FAILED ? "FAILED: " : "", clean);
    }
    (void)fflush(stdout);
}

static void sum_up(const doctor *d)
{
    if (d->json)
        (void)printf("{\"check\":\"all\",\"result\":\"%s\",\"failed\":%u}\n", d->failed == 0 ? "well" : "failed",
                     d->failed);
    else if (d->failed == 0)
        (void)printf("\nAll is well%s.\n",
                     d->url == NULL ? " on this machine; sotto doctor URL looks at a server too" : "");
    else
        (void)printf("\n%u %s failed; what to do stands in the line.\n", d->failed,
                     d->failed == 1 ? "check" : "checks");
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto doctor: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

static int examine(doctor *d, const char *ca)
{
    so_error err;

    if (so_loop_open(&d->loop) != SO_OK) {
        (void)fprintf(stderr, "sotto doctor: the system gives no event loop; end other programs\n");
        return SO_EXIT_FAILED;
    }
    doctor_machine(d);
    if (d->url != NULL) {
        if (so_tls_client(&d->ctx, ca, &err) != SO_OK)
            doctor_say(d, DOCTOR_FAILED, "trust", "%s", err.text);
        else if (doctor_server_itself(d))
            doctor_relays(d);
    }
    so_loop_close(&d->loop);
    SSL_CTX_free(d->ctx);
    sum_up(d);
    return d->failed == 0 ? SO_EXIT_OK : SO_EXIT_FAILED;
}

/* -1, or the exit code */
static int read_options(doctor *d, const char **ca, int argc, char **argv)
{
    static const struct option options[] = {{"ca", required_argument, NULL, 'c'},
                                            {"connect", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'c')
            *ca = optarg;
        else if (c == 't')
            d->connect_to = optarg;
        else if (c == 'j')
            d->json = true;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return usage("see above"); /* getopt has said what is wrong */
    }
    if (argc - optind > 1)
        return usage("give one URL, or none");
    if (optind == argc && (*ca != NULL || d->connect_to != NULL))
        return usage("--ca and --connect are about a server; give its URL too");
    return -1;
}

/* wss://host is what https://host is: both are asked for. A link's secret is of no use here, and a process list shows
 * it. */
static so_status read_url(so_url *url, char *text, so_error *err)
{
    static const char wss[] = "wss://";
    char https[512], *secret;
    bool is_wss = strncmp(text, wss, sizeof wss - 1) == 0;
    so_status status;

    secret = text + strcspn(text, "#");
    so_wipe(secret, strlen(secret));
    (void)snprintf(https, sizeof https, "https://%s", is_wss ? text + sizeof wss - 1 : "");
    status = so_url_parse(url, is_wss ? https : text, err);
    url->fragment = NULL;
    return status;
}

int so_cli_doctor(int argc, char **argv)
{
    static doctor d;
    const char *ca = NULL;
    so_url url;
    so_error err;
    int code;

    d = (doctor){.json = false};
    code = read_options(&d, &ca, argc, argv);
    if (code >= 0)
        return code;
    if (optind < argc) {
        so_status status = read_url(&url, argv[optind], &err);

        if (status != SO_OK)
            return usage(err.text);
        d.url = &url;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    code = examine(&d, ca);
    so_wipe(&d, sizeof d);
    return code;
}
