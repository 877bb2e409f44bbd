/* `sotto peers`: whom this end knows. */
#include "cli/commands.h"
#include "cli/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LAYER "known peers"

static const char help[] =
    "usage: sotto peers list [--json] [--state DIR]\n"
    "       sotto peers rename [--state DIR] OLD NEW\n"
    "       sotto peers forget [--state DIR] NAME\n"
    "       sotto peers export [--state DIR] [FILE]\n"
    "       sotto peers import [--state DIR] FILE\n"
    "\n"
    "The people whom you remembered in calls, and by which key they are recognised.\n"
    "\n"
    "list    prints them: name, key, since when, when you last compared with them.\n"
    "rename  gives somebody another name. Only you see these names.\n"
    "forget  removes somebody: in the next call they are nobody you know.\n"
    "export  writes them to FILE or standard output, for another machine or the call page.\n"
    "import  adds those of FILE whom you don't know yet. Who is known keeps the name that you gave.\n"
    "\n"
    "  --json       one JSON object for a program\n"
    "  --state DIR  where the list lives ($XDG_STATE_HOME/sotto, else ~/.local/state/sotto)\n";

typedef struct job {
    const char *state;
    bool json;
    char **args;
    size_t added, known; /* import: what came of it */
    so_known file;
} job;

/* ---- list ---- */

static so_status list_json(const so_known *known, so_error *err)
{
    json_t *peers = json_array(), *all = json_pack("{s:o}", "peers", peers);
    bool ok = all != NULL;

    for (size_t i = 0; i < known->count && ok; i++) {
        const so_known_peer *peer = &known->peers[i];

        ok = json_array_append_new(peers, json_pack("{s:s, s:s, s:s, s:s?, s:I}", "name", peer->name, "key", peer->key,
                                                    "since", peer->since, "compared",
                                                    peer->compared[0] == '\0' ? NULL : peer->compared, "links",
                                                    (json_int_t)peer->link_count)) == 0;
    }
    ok = ok && json_dumpf(all, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(all);
    return ok ? SO_OK : so_fail(err, SO_IO, "output", "the list could not be written as JSON; check where it goes to");
}

static so_status run_list(job *j, so_error *err)
{
    so_known known;
    so_status status = so_peers_load(j->state, &known, err);

    if (status == SO_OK && j->json)
        status = list_json(&known, err);
    else if (status == SO_OK && known.count == 0)
        (void)printf(
            "You have remembered nobody yet. In a call, remember who is at the other end; or import a file.\n");
    for (size_t i = 0; i < known.count && status == SO_OK && !j->json; i++) {
        const so_known_peer *peer = &known.peers[i];

        (void)printf("%s%s\n  key       %s\n  since     %s\n  compared  %s\n", i == 0 ? "" : "\n", peer->name,
                     peer->key, peer->since, peer->compared[0] == '\0' ? "never" : peer->compared);
    }
    so_known_free(&known);
    return status;
}

/* ---- rename, forget ---- */

static so_status rename_edit(so_known *known, void *user, so_error *err)
{
    const job *j = user;

    return so_known_rename(known, j->args[0], j->args[1], err);
}

static so_status run_rename(job *j, so_error *err)
{
    so_status status = so_peers_change(j->state, rename_edit, j, err);

    if (status == SO_OK)
        (void)printf("%s is now called %s.\n", j->args[0], j->args[1]);
    return status;
}

static so_status forget_edit(so_known *known, void *user, so_error *err)
{
    const job *j = user;

    return so_known_forget(known, j->args[0], err);
}

static so_status run_forget(job *j, so_error *err)
{
    so_status status = so_peers_change(j->state, forget_edit, j, err);

    if (status == SO_OK)
        (void)printf("%s is forgotten. Their key will be one that you don't know.\n", j->args[0]);
    return status;
}

/* ---- export, import ---- */

/* A new file that its owner alone may read: who is known is nobody else's business. */
static so_status write_new(const char *path, const so_pem *text, so_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok;

    if (fd < 0 && errno == EEXIST)
        return so_fail(err, SO_IO, LAYER, "%.200s is there already; remove it, or give another name", path);
    if (fd < 0)
        return so_fail(err, SO_IO, LAYER, "%.200s can't be written (%s); give another file", path, strerror(errno));
    ok = write(fd, text->text, text->len) == (ssize_t)text->len && fsync(fd) == 0;
    if (close(fd) == 0 && ok)
        return SO_OK;
    (void)unlink(path);
    return so_fail(err, SO_IO, LAYER, "%.200s can't be written (%s); free some space, or give another file", path,
                   strerror(errno));
}

static so_status run_export(job *j, so_error *err)
{
    so_known known;
    so_pem text = {NULL, 0};
    so_status status = so_peers_load(j->state, &known, err);

    if (status == SO_OK)
        status = so_known_write(&known, &text, err);
    if (status == SO_OK && j->args[0] != NULL)
        status = write_new(j->args[0], &text, err);
    else if (status == SO_OK && fwrite(text.text, 1, text.len, stdout) != text.len)
        status = so_fail(err, SO_IO, "output", "standard output could not be written; check where it goes to");
    if (status == SO_OK && j->args[0] != NULL)
        (void)printf("%zu known peer%s written to %s\n", known.count, known.count == 1 ? "" : "s", j->args[0]);
    so_pem_free(&text);
    so_known_free(&known);
    return status;
}

static so_status import_edit(so_known *known, void *user, so_error *err)
{
    job *j = user;
    so_status status = so_known_merge(known, &j->file, &j->added, err);

    j->known = known->count;
    return status;
}

static so_status run_import(job *j, so_error *err)
{
    char what[300];
    so_pem text;
    so_status status = so_folder_read_path(j->args[0], false, &text, err);

    (void)snprintf(what, sizeof what, "the file %.200s", j->args[0]);
    if (status == SO_OK)
        status = so_known_parse(&j->file, so_pem_slice(&text), what, err);
    so_pem_free(&text);
    if (status == SO_OK)
        status = so_peers_change(j->state, import_edit, j, err);
    if (status == SO_OK)
        (void)printf("%zu of %zu in the file %s new; you know %zu now.\n", j->added, j->file.count,
                     j->added == 1 ? "is" : "are", j->known);
    so_known_free(&j->file);
    return status;
}

/* ---- the command line ---- */

static const struct {
    const char *name;
    int least, most; /* arguments */
    so_status (*run)(job *j, so_error *err);
    const char *wants;
} commands[] = {
    {"list", 0, 0, run_list, "list takes no argument"},
    {"rename", 2, 2, run_rename, "rename takes the name and the new name"},
    {"forget", 1, 1, run_forget, "forget takes one name"},
    {"export", 0, 1, run_export, "export takes at most one file"},
    {"import", 1, 1, run_import, "import takes one file"},
};

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto peers: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

/* argv begins with the command's name. */
static int start(size_t command, int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"state", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    job j = {.state = NULL};
    so_error err = {0};
    so_status status;
    int c;

    optind = 0; /* so that getopt starts afresh, whoever used it before */
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'j')
            j.json = true;
        else if (c == 's')
            j.state = optarg;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return usage("try sotto peers --help");
    }
    if (argc - optind < commands[command].least || argc - optind > commands[command].most)
        return usage(commands[command].wants);
    if (j.json && commands[command].run != run_list)
        return usage("--json goes with list");
    j.args = argv + optind;
    status = commands[command].run(&j, &err);
    if (fflush(stdout) != 0 && status == SO_OK)
        status = so_fail(&err, SO_IO, "output", "standard output could not be written; check where it goes to");
    if (status != SO_OK)
        (void)fprintf(stderr, "sotto peers: %s\n", err.text);
    return status == SO_OK ? SO_EXIT_OK : SO_EXIT_FAILED;
}

int so_cli_peers(int argc, char **argv)
{
    const char *name = argc < 2 ? "" : argv[1];

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0)
            return start(i, argc - 1, argv + 1);
    return usage("say list, rename, forget, export or import");
}
