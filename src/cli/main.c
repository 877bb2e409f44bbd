#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"call", so_cli_call, "join a call by its link, from a terminal or a program"},
    {"serve", so_cli_serve, "serve the call page and its signaling"},
    {"doctor", so_cli_doctor, "look for what would keep a call from working, here and at a server"},
    {"rehearse", so_cli_rehearse, "attack a server of your own, and see what holds"},
    {"link", so_cli_link, "print a fresh invitation link"},
    {"identity", so_cli_identity, "show or renew the key by which others recognise you"},
    {"peers", so_cli_peers, "list, rename, export and import the people whom you know"},
    {"report", so_cli_report, "check the signed reports of a call, alone or one against the other"},
    {"policy", so_cli_policy, "show what a call must have, and who asks for it"},
    {"bench", so_cli_bench, "measure what this machine can carry"},
    {"ca", so_cli_ca, "manage this machine's own certificate authority"},
    {"page", so_cli_page, "check the files and headers of a call page that a host serves"},
};

static void help(FILE *out)
{
    (void)fprintf(out,
                  "usage: sotto COMMAND [OPTION]...\n\nCalls that nobody but the two people on them can hear, see or "
                  "change.\n\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        (void)fprintf(out, "  sotto %-9s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(out, "\nsotto COMMAND --help tells more; sotto --version prints the version.\n");
}

int main(int argc, char **argv)
{
    const char *name = argc < 2 ? "--help" : argv[1];

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        help(argc < 2 ? stderr : stdout);
        return argc < 2 ? SO_EXIT_USAGE : SO_EXIT_OK;
    }
    if (strcmp(name, "--version") == 0) {
        (void)printf("sotto %s\n", SOTTO_VERSION);
        return SO_EXIT_OK;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(name, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "sotto: there is no command \"%s\"; sotto --help lists them\n", name);
    return SO_EXIT_USAGE;
}
