#include "server/policy.h"
#include "cli/commands.h"
#include "net/tls.h"

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

static int show(const char *own, const char *server, bool json)
{
    char text[SO_POLICY_JSON_MAX];
    so_writer w = so_writer_of(text, sizeof text);
    so_policy policy, theirs;
    so_policy_rule rule;
    so_error err;
    so_status status = so_policy_load(&policy, own, &err);

    if (status == SO_OK)
        status = so_policy_load(&theirs, server, &err);
    if (status == SO_OK)
        status = so_policy_tighten(&policy, &theirs, &rule, &err);
    if (status != SO_OK) {
        (void)fprintf(stderr, "sotto policy: %s\n", err.text);
        return SO_EXIT_FAILED;
    }
    if (!json) {
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
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *own = NULL, *server = NULL, *name = argc < 2 ? "" : argv[1];
    bool json = false;
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
            own = optarg;
        else if (c == 's')
            server = optarg;
        else if (c == 'j')
            json = true;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return SO_EXIT_USAGE;
    }
    return optind == argc - 1 ? show(own, server, json) : usage("show takes options alone");
}
