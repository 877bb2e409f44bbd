/* `sotto identity`: the key by which others recognise this end. */
#include "cli/commands.h"
#include "cli/keyring.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "usage: sotto identity show [--json] [--passphrase-file FILE] [--state DIR]\n"
    "       sotto identity new [--force] [--json] [--passphrase-file FILE] [--state DIR]\n"
    "\n"
    "Your identity is a key that this machine keeps. Who remembered you in a call recognises it in the next one, and\n"
    "is warned when another comes in its place. The first call makes one by itself; no server ever sees it.\n"
    "\n"
    "show  prints the thumbprint by which others know you, and since when.\n"
    "new   makes a key. With --force also in place of one that is there: all who remembered you are then warned at "
    "the\n"
    "      next call, until they have compared with you and taken the new key.\n"
    "\n"
    "  --force                 replace the key that is there, for good\n"
    "  --json                  one JSON object for a program\n"
    "  --passphrase-file FILE  the key is, or shall be, encrypted with the first line of FILE (mode 0600)\n"
    "  --state DIR             where the key lives ($XDG_STATE_HOME/sotto, else ~/.local/state/sotto)\n";

typedef struct job {
    const char *state, *passphrase_file;
    bool make, force, json;
} job;

static int complain(const so_error *err)
{
    (void)fprintf(stderr, "sotto identity: %s\n", err->text);
    return SO_EXIT_FAILED;
}

static so_status say_json(const so_identity_view *view, so_error *err)
{
    json_t *all = json_pack("{s:s, s:s, s:s?, s:b}", "path", view->path, "key", view->key, "since",
                            view->since[0] == '\0' ? NULL : view->since, "encrypted", view->encrypted);
    bool ok = all != NULL && json_dumpf(all, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;

    json_decref(all);
    return ok ? SO_OK : so_fail(err, SO_IO, "output", "the identity could not be written as JSON; check where it goes");
}

static void say(const job *j, const so_identity_view *view)
{
    (void)printf("Identity %s\n  key    %s\n  since  %s\n  file   %s\n", view->path, view->key,
                 view->since[0] == '\0' ? "not known" : view->since,
                 view->encrypted ? "encrypted with a passphrase" : "not encrypted; readable by you alone");
    if (view->replaced)
        (void)printf(
            "\nWho has remembered you will be warned at the next call. Tell them before, by another way than a "
            "call\nof Sotto, and compare the pictures or words with them; then they can take the new key.\n");
    else if (j->make)
        (void)printf("\nOthers see it in the next call, and can remember you by it.\n");
}

static so_status run(const job *j, so_error *err)
{
    so_identity_view view;
    so_pem passphrase = {NULL, 0};
    so_status status = SO_OK;

    if (j->passphrase_file != NULL)
        status = so_passphrase_read(j->passphrase_file, &passphrase, err);
    if (status == SO_OK)
        status = j->make ? so_identity_make(j->state, so_pem_slice(&passphrase), j->force, &view, err)
                         : so_identity_look(j->state, so_pem_slice(&passphrase), &view, err);
    so_pem_free(&passphrase);
    if (status == SO_OK && j->json)
        status = say_json(&view, err);
    else if (status == SO_OK)
        say(j, &view);
    if (fflush(stdout) != 0 && status == SO_OK)
        status = so_fail(err, SO_IO, "output", "standard output could not be written; check where it goes to");
    return status;
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto identity: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

int so_cli_identity(int argc, char **argv)
{
    static const struct option options[] = {{"force", no_argument, NULL, 'f'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"passphrase-file", required_argument, NULL, 'p'},
                                            {"state", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *name = argc < 2 ? "" : argv[1];
    job j = {.make = strcmp(name, "new") == 0};
    so_error err;
    int c;

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
    if (!j.make && strcmp(name, "show") != 0)
        return usage("say show or new");
    optind = 0; /* so that getopt starts afresh, whoever used it before */
    while ((c = getopt_long(argc - 1, argv + 1, "h", options, NULL)) != -1) {
        if (c == 'f')
            j.force = true;
        else if (c == 'j')
            j.json = true;
        else if (c == 'p')
            j.passphrase_file = optarg;
        else if (c == 's')
            j.state = optarg;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return usage("try sotto identity --help");
    }
    if (optind != argc - 1)
        return usage("there is an argument too much");
    if (j.force && !j.make)
        return usage("--force goes with new");
    return run(&j, &err) == SO_OK ? SO_EXIT_OK : complain(&err);
}
