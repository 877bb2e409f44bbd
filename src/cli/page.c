#include "server/page.h"
#include "base/text.h"
#include "cli/commands.h"
#include "crypto/digest.h"
#include "net/fetch.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TIMEOUT 15000

static const char help[] =
    "usage: sotto page verify [--ca FILE] [--connect ADDR] [--json] URL\n"
    "       sotto page list\n\n"
    "verify  gets every file of the call page from URL (https://host[:port]) and compares it, and the headers that\n"
    "        protect it, with those built into this command (version " SOTTO_VERSION ").\n"
    "list    prints the files and their SHA-256.\n\n"
    "  --ca FILE       trust the CA in FILE instead of the system's store\n"
    "  --connect ADDR  connect to this address; the certificate must still name the URL's host\n"
    "  --json          one JSON object for a program\n\n"
    "What this shows is what the host sent to this machine, now. It could send another page to somebody else.\n"
    "Exit code: 0 all equal, 1 something differs or the host can't be reached safely, 2 wrong usage.\n";

typedef struct verification {
    so_fetch_request request;
    so_url url;
    bool json;
    unsigned checked, differing;
} verification;

static void say(verification *v, const char *target, bool equal, const char *what)
{
    uint8_t line[1024];
    so_writer w = so_writer_of(line, sizeof line);

    v->checked++;
    v->differing += !equal;
    if (!v->json) {
        if (!equal)
            (void)printf("DIFFERS  %s: %s\n", target, what);
        else
            (void)printf("equal    %s\n", target);
        return;
    }
    so_write_text(&w, v->checked == 1 ? "" : ",");
    so_write_text(&w, "{\"target\":");
    so_write_json(&w, target, strlen(target));
    so_write_format(&w, ",\"equal\":%s,\"what\":", equal ? "true" : "false");
    so_write_json(&w, what, strlen(what));
    so_write_u8(&w, '}');
    (void)fwrite(line, 1, so_writer_len(&w), stdout);
}

/* The first header that is not as this release sends it, or NULL. */
static const char *differing_header(const verification *v, const so_http *answer)
{
    for (size_t i = 0; i < so_page_header_count; i++) {
        char want[1024];
        so_writer w = so_writer_of(want, sizeof want - 1);
        bool sent = so_page_header(&w, so_page_headers[i], v->url.origin);
        const char *got = so_http_header(answer, so_page_headers[i]);

        want[so_writer_len(&w)] = '\0';
        if (sent != (got != NULL) || (sent && strcmp(want, got) != 0))
            return so_page_headers[i];
    }
    return NULL;
}

/* What a server may say besides: a header beyond these could change what the page is or does. */
static const char *extra_header(const so_http *answer)
{
    static const char *const plain[] = {"date",           "etag",       "cache-control", "content-type",
                                        "content-length", "connection", "server",        "vary"};

    for (size_t i = 0; i < so_http_header_count(answer); i++) {
        const char *name, *value;
        bool known = false;

        so_http_header_at(answer, i, &name, &value);
        for (size_t k = 0; k < sizeof plain / sizeof plain[0]; k++)
            known |= strcasecmp(name, plain[k]) == 0;
        for (size_t k = 0; k < so_page_header_count; k++)
            known |= strcasecmp(name, so_page_headers[k]) == 0;
        if (!known)
            return name;
    }
    return NULL;
}

static so_status check_file(verification *v, const so_page_file *file, so_error *err)
{
    uint8_t digest[SO_SHA256_LEN];
    char hex[2 * SO_SHA256_LEN + 1], what[200] = "";
    const char *header, *extra, *type;
    so_http *answer;
    so_slice body;
    so_status status;

    v->request.target = file->target;
    status = so_fetch(&v->request, &answer, err);
    if (status != SO_OK)
        return status;
    body.bytes = so_http_body(answer, &body.len);
    status = so_sha256(digest, &body, 1);
    so_hex(hex, digest, sizeof digest);
    header = differing_header(v, answer);
    extra = extra_header(answer);
    type = so_http_header(answer, "content-type");
    if (so_http_status(answer) != 200)
        (void)snprintf(what, sizeof what, "the host answers %u", so_http_status(answer));
    else if (strcmp(hex, file->sha256) != 0)
        (void)snprintf(what, sizeof what, "SHA-256 is %s, not %s", hex, file->sha256);
    else if (type == NULL || strcmp(type, file->type) != 0)
        (void)snprintf(what, sizeof what, "its Content-Type is not %s", file->type);
    else if (header != NULL)
        (void)snprintf(what, sizeof what, "the header %s is not the one of this release", header);
    else if (extra != NULL)
        (void)snprintf(what, sizeof what, "the host adds the header %.100s", extra);
    say(v, file->target, what[0] == '\0', what);
    so_http_free(answer);
    return status;
}

static int verify(verification *v, const char *ca)
{
    so_error err;
    so_status status = so_tls_client(&v->request.ctx, ca, &err);

    v->request.url = &v->url;
    v->request.timeout = TIMEOUT;
    if (status == SO_OK && v->json)
        (void)printf("{\"files\":[");
    for (size_t i = 0; i < so_page_file_count && status == SO_OK; i++)
        status = check_file(v, &so_page_files[i], &err);
    SSL_CTX_free(v->request.ctx);
    if (v->json && v->request.ctx != NULL)
        (void)printf("],\"version\":\"%s\",\"equal\":%s}\n", SOTTO_VERSION,
                     status == SO_OK && v->differing == 0 ? "true" : "false");
    if (status != SO_OK) {
        (void)fprintf(stderr, "sotto page verify: %s\n", err.text);
        return SO_EXIT_FAILED;
    }
    if (!v->json && v->differing == 0)
        (void)printf("\nAll %u files and their headers are those of Sotto %s.\n", v->checked, SOTTO_VERSION);
    else if (!v->json)
        (void)printf(
            "\n%u of %u files differ from Sotto %s: another release, or another page. Don't call through it until "
            "you know which.\n",
            v->differing, v->checked, SOTTO_VERSION);
    return v->differing == 0 ? SO_EXIT_OK : SO_EXIT_FAILED;
}

static int list(void)
{
    for (size_t i = 0; i < so_page_file_count; i++)
        (void)printf("%s  %s\n", so_page_files[i].sha256, so_page_files[i].target);
    return SO_EXIT_OK;
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto page: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

int so_cli_page(int argc, char **argv)
{
    static const struct option options[] = {{"ca", required_argument, NULL, 'c'},
                                            {"connect", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    verification v = {.json = false};
    const char *ca = NULL, *name = argc < 2 ? "" : argv[1];
    so_error err;
    int c;

    if (strcmp(name, "list") == 0 && argc == 2)
        return list();
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        (void)fputs(help, stdout);
        return SO_EXIT_OK;
    }
    if (strcmp(name, "verify") != 0)
        return usage("say verify or list");
    optind = 1;
    while ((c = getopt_long(argc - 1, argv + 1, "h", options, NULL)) != -1) {
        if (c == 'c')
            ca = optarg;
        else if (c == 't')
            v.request.connect_to = optarg;
        else if (c == 'j')
            v.json = true;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return SO_EXIT_USAGE;
    }
    if (optind != argc - 2)
        return usage("verify takes one URL");
    if (so_url_parse(&v.url, argv[1 + optind], &err) != SO_OK)
        return usage(err.text);
    return verify(&v, ca);
}
