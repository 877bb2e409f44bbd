#include "server/policy.h"
#include "cli/commands.h"
#include "cli/visit.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] = "usage: sotto policy show [OPTION]...\n\n"
                           "Prints what a call must have, and who asks for it: the default, made stricter by your own "
                           "policy, and by a server's.\n"
                           "Which rules there are stands in docs/policy.md.\n\n"
                           "  --policy FILE  your own policy (sotto call --policy)\n"
                           "  --server FILE  a server's (sotto serve --policy)\n"
                           "  --json         one JSON object, as reports have it\n\n"
                           "Exit code: 0, 1 a policy can't be read, or the two can't both be met, 2 wrong usage.\n";

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto policy: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

static void print(const so_policy *policy)
{
    static const char *const whose[] = {"the default", "your policy", "the server's policy",
                                        "your policy and the server's"};
    char value[SO_POLICY_VALUE_TEXT];

    for (so_policy_rule rule = 0; rule < SO_RULES; rule++) {
        so_writer w = so_writer_of(value, sizeof value);

        so_policy_write_value(policy, rule, &w);
        (void)printf("%-14s %.*s\n%-14s %s%s\n%-14s From %s.\n", so_policy_rule_name(rule), (int)so_writer_len(&w),
                     value, "", so_policy_wants(policy, rule) || policy->rules[rule].count > 0 ? "" : "Not asked for: ",
                     so_policy_rule_meaning(rule), "", whose[policy->rules[rule].from]);
    }
}

typedef struct request {
    const char *own, *server, *url, *ca, *connect_to;
    bool json;
} request;

/* Takes a seat there for a moment, as a call would. */
static so_status ask(const request *r, so_policy *theirs, so_error *err)
{
    so_url url;
    so_loop loop;
    visit v = {.open = false};
    visit_request there = {.loop = &loop, .url = &url, .connect_to = r->connect_to};
    so_status status = so_url_parse(&url, r->url, err);

    if (status != SO_OK || (status = so_tls_client(&there.ctx, r->ca, err)) != SO_OK)
        return status;
    if (so_loop_open(&loop) != SO_OK) {
        SSL_CTX_free(there.ctx);
        return so_fail(err, SO_NO_MEMORY, "policy", "the system gives no event loop; end other programs");
    }
    visit_server(&v, &there);
    if (v.welcome == NULL)
        status = so_fail(err, SO_IO, "policy", "%s", v.why.text);
    else
        status = so_policy_read(theirs, json_object_get(v.welcome, "policy"), "the server's policy", err);
    visit_end(&v);
    so_loop_close(&loop);
    SSL_CTX_free(there.ctx);
    return status;
}

static int show(const request *r)
{
    char text[SO_POLICY_JSON_MAX];
    so_writer w = so_writer_of(text, sizeof text);
    so_policy policy, theirs;
    so_policy_rule rule;
    so_error err;
    so_status status = so_policy_load(&policy, r->own, &err);

    if (status == SO_OK)
        status = r->url != NULL ? ask(r, &theirs, &err) : so_policy_load(&theirs, r->server, &err);
    if (status == SO_OK)
        status = so_policy_tighten(&policy, &theirs, &rule, &err);
    if (status != SO_OK) {
        (void)fprintf(stderr, "sotto policy: %s\n", err.text);
        return SO_EXIT_FAILED;
    }
    if (!r->json) {
        print(&policy);
        return SO_EXIT_OK;
    }
    so_policy_write(&policy, &w);
    (void)printf("%.*s\n", (int)so_writer_len(&w), text);
    return SO_EXIT_OK;
}

int so_cli_policy(int argc, char **argv)
{
    static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
                                            {"server", required_argument, NULL, 's'},
                                            {"ca", required_argument, NULL, 'c'},
                                            {"connect", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *name = argc < 2 ? "" : argv[1];
    request r = {.own = NULL};
    int c;

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        (void)fputs(help, stdout);
        return SO_EXIT_OK;
    }
    if (strcmp(name, "show") != 0)
        return usage("say show");
    optind = 1;
    while ((c = getopt_long(argc - 1, argv + 1, "h", options, NULL)) != -1) {
        if (c == 'p')
            r.own = optarg;
        else if (c == 's')
            r.server = optarg;
        else if (c == 'c')
            r.ca = optarg;
        else if (c == 't')
            r.connect_to = optarg;
        else if (c == 'j')
            r.json = true;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return SO_EXIT_USAGE;
    }
    if (optind == argc - 2)
        r.url = argv[argc - 1];
    if (optind < argc - 2 || (r.url != NULL && r.server != NULL))
        return usage("give one URL, or --server FILE");
    return show(&r);
}
