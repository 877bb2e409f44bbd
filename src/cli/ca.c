#include "cli/ca.h"

#include "server/authority.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DONE 0
#define FAILED 1
#define USAGE 2

/* The command line of one `sotto ca` command, and what it points to. */
typedef struct job {
    const char *state, *passphrase_file, *out;
    bool force, json;
    unsigned days;
    so_permit *permits;
    size_t permit_count;
    so_name *names;
    size_t name_count;
    so_pem passphrase;
} job;

static const char help_all[] =
    "usage: sotto ca init [--permit NAME|CIDR]... [--passphrase-file FILE] [--state DIR] [--force]\n"
    "       sotto ca issue NAME... [--out DIR] [--days N] [--passphrase-file FILE] [--state DIR]\n"
    "       sotto ca show [--json] [--state DIR]\n"
    "\n"
    "Makes and uses this host's own certificate authority (CA), for servers that have no public name. `sotto serve`\n"
    "makes one by itself; these commands are for those who want other names, a passphrase or another machine.\n";

static const char help_init[] =
    "usage: sotto ca init [--permit NAME|CIDR]... [--passphrase-file FILE] [--state DIR] [--force]\n"
    "\n"
    "Makes a CA that can only issue for servers under the permitted names.\n"
    "\n"
    "  --permit NAME|CIDR      a host name (with all below it), an address or a network; may be given again. Without\n"
    "                          it: localhost, this host's name and NAME.local, loopback and private networks\n"
    "  --passphrase-file FILE  encrypt the CA's key with the first line of FILE (mode 0600)\n"
    "  --state DIR             where the CA lives ($XDG_STATE_HOME/sotto, else ~/.local/state/sotto)\n"
    "  --force                 replace a CA that is there: every machine must then trust the new one\n";

static const char help_issue[] =
    "Usage: sotto ca issue NAME... [--out DIR] [--days N] [--passphrase-file FILE] [--state DIR]\n"
    "\n"
    "Issues a server certificate for host names and addresses that the CA permits.\n"
    "\n"
    "  --out DIR               write server.pem and server.key there (the state folder, for sotto serve)\n"
    "  --days N                how long it lasts, 1 to 90 (90)\n"
    "  --passphrase-file FILE  the passphrase of the CA's key is the first line of FILE (mode 0600)\n"
    "  --state DIR             where the CA lives ($XDG_STATE_HOME/sotto, else ~/.local/state/sotto)\n";

static const char help_show[] =
    "Usage: sotto ca show [--json] [--state DIR]\n"
    "\n"
    "Shows the CA and the server's certificate, and how to make browsers and systems trust the CA.\n"
    "\n"
    "  --json       as one JSON object\n"
    "  --state DIR  where the CA lives ($XDG_STATE_HOME/sotto, else ~/.local/state/sotto)\n";

enum { HELP = 'h', PERMIT = 256, PASSPHRASE_FILE, STATE, FORCE, OUT, DAYS, JSON };

static const struct option init_options[] = {
    {"permit", required_argument, NULL, PERMIT}, {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
    {"state", required_argument, NULL, STATE},   {"force", no_argument, NULL, FORCE},
    {"help", no_argument, NULL, HELP},           {NULL, 0, NULL, 0}};
static const struct option issue_options[] = {{"out", required_argument, NULL, OUT},
                                              {"days", required_argument, NULL, DAYS},
                                              {"passphrase-file", required_argument, NULL, PASSPHRASE_FILE},
                                              {"state", required_argument, NULL, STATE},
                                              {"help", no_argument, NULL, HELP},
                                              {NULL, 0, NULL, 0}};
static const struct option show_options[] = {{"json", no_argument, NULL, JSON},
                                             {"state", required_argument, NULL, STATE},
                                             {"help", no_argument, NULL, HELP},
                                             {NULL, 0, NULL, 0}};

static void complain(const so_error *err)
{
    (void)fprintf(stderr, "sotto ca: %s\n", err->text);
}

static int usage(const so_error *err)
{
    complain(err);
    return USAGE;
}

static bool take_permit(job *j, const char *text, so_error *err)
{
    if (j->permit_count == SO_CA_PERMITS_MAX) {
        (void)so_fail(err, SO_TOO_LONG, "command line", "--permit was given more than %d times; permit a parent",
                      SO_CA_PERMITS_MAX);
        return false;
    }
    return so_permit_parse(&j->permits[j->permit_count++], text, err) == SO_OK;
}

static bool take_days(job *j, const char *text, so_error *err)
{
    char *end = NULL;
    long days = strtol(text, &end, 10);

    if (end == text || *end != '\0' || days < 1 || days > SO_LEAF_DAYS) {
        (void)so_fail(err, SO_BAD_INPUT, "command line", "--days must be a number from 1 to %d, not '%.20s'",
                      SO_LEAF_DAYS, text);
        return false;
    }
    j->days = (unsigned)days;
    return true;
}

/* -1: go on; else the exit code. */
static int take_option(job *j, int option, const char *help)
{
    so_error err = {0};
    bool ok = true;

    switch (option) {
    case HELP:
        (void)fputs(help, stdout);
        return DONE;
    case PERMIT:
        ok = take_permit(j, optarg, &err);
        break;
    case DAYS:
        ok = take_days(j, optarg, &err);
        break;
    case PASSPHRASE_FILE:
        j->passphrase_file = optarg;
        break;
    case STATE:
        j->state = optarg;
        break;
    case OUT:
        j->out = optarg;
        break;
    case FORCE:
        j->force = true;
        break;
    case JSON:
        j->json = true;
        break;
    default: /* getopt_long has said what is wrong */
        (void)fputs("Try 'sotto ca --help'.\n", stderr);
        return USAGE;
    }
    return ok ? -1 : usage(&err);
}

static int take_names(job *j, int count, char **texts)
{
    so_error err = {0};

    if (count > SO_LEAF_NAMES_MAX) {
        (void)fprintf(stderr, "sotto ca: %d names were given, and a certificate may have %d; issue several\n", count,
                      SO_LEAF_NAMES_MAX);
        return USAGE;
    }
    for (int i = 0; i < count; i++) {
        if (so_name_parse(&j->names[j->name_count++], texts[i], &err) != SO_OK)
            return usage(&err);
    }
    return -1;
}

/* -1: go on; else the exit code. names: are there to be some, or none? */
static int parse(job *j, int argc, char **argv, const struct option *options, const char *help, bool names)
{
    int option, end;

    optind = 0; /* so that getopt starts afresh, whoever used it before */
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        end = take_option(j, option, help);
        if (end >= 0)
            return end;
    }
    if (names && optind == argc) {
        (void)fputs("sotto ca: give the names that the certificate is for, as in: sotto ca issue call.lan\n", stderr);
        return USAGE;
    }
    if (!names && optind < argc) {
        (void)fprintf(stderr, "sotto ca: '%.60s' is not expected here; try 'sotto ca --help'\n", argv[optind]);
        return USAGE;
    }
    return take_names(j, argc - optind, argv + optind);
}

static so_authority_wish wish_of(const job *j)
{
    return (so_authority_wish){.names = j->names,
                               .name_count = j->name_count,
                               .permits = j->permits,
                               .permit_count = j->permit_count,
                               .days = j->days,
                               .passphrase = so_pem_slice(&j->passphrase),
                               .now = (so_unix)time(NULL),
                               .random = &so_random_system};
}

static so_status print_trust(so_authority *authority, so_error *err)
{
    so_authority_view view;
    so_status status = so_authority_look(authority, &view, err);

    if (status != SO_OK)
        return status;
    (void)putchar('\n');
    so_authority_print_trust(stdout, &view);
    so_authority_view_end(&view);
    return SO_OK;
}

static so_status run_init(const job *j, so_authority *authority, so_error *err)
{
    const so_authority_wish wish = wish_of(j);
    so_authority_outcome outcome;
    so_status status = so_authority_init(authority, &wish, j->force, &outcome, err);

    if (status != SO_OK)
        return status;
    (void)printf("%s, in %s\n", outcome.said, authority->folder.path);
    return print_trust(authority, err);
}

static so_status run_issue(const job *j, so_authority *authority, so_error *err)
{
    const so_authority_wish wish = wish_of(j);
    const char *dir = j->out != NULL ? j->out : authority->folder.path;
    so_authority_outcome outcome;
    so_status status = so_authority_issue(authority, &wish, j->out, &outcome, err);

    if (status != SO_OK)
        return status;
    (void)printf("%s\n  chain %s/server.pem\n  key   %s/server.key\n", outcome.said, dir, dir);
    if (outcome.warning[0] != '\0')
        (void)fprintf(stderr, "sotto ca: warning: %s\n", outcome.warning);
    return SO_OK;
}

static const char *key_text(so_ca_key_state key)
{
    return key == SO_CA_KEY_PLAIN ? "plain" : key == SO_CA_KEY_ENCRYPTED ? "encrypted" : "absent";
}

static json_t *names_json(const so_cert *cert)
{
    json_t *list = json_array();

    for (size_t i = 0; i < cert->name_count; i++)
        (void)json_array_append_new(list, json_string(cert->names[i].text));
    return list;
}

static json_t *permits_json(const so_cert *cert, bool excluded)
{
    json_t *list = json_array();

    for (size_t i = 0; i < cert->permit_count; i++) {
        const so_permit *permit = &cert->permits[i];
        if (permit->excluded == excluded)
            (void)json_array_append_new(
                list,
                json_pack("{s:s, s:s}", "type", permit->kind == SO_NAME_DNS ? "dns" : "ip", "subtree", permit->text));
    }
    return list;
}

static json_t *cert_json(const so_cert *cert, const char *path)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "path", path, "subject", cert->subject, "sha256", cert->sha256,
                     "serial", cert->serial, "notBefore", (json_int_t)cert->not_before, "notAfter",
                     (json_int_t)cert->not_after);
}

static so_status show_json(const so_authority_view *view, so_error *err)
{
    const so_cert *ca = so_certs_at(view->ca, 0);
    json_t *all = json_pack("{s:o, s:n}", "ca", cert_json(ca, view->ca_path), "server");
    json_t *ca_json = json_object_get(all, "ca");
    bool ok = all != NULL && json_object_set_new(ca_json, "key", json_string(key_text(view->key))) == 0 &&
              json_object_set_new(ca_json, "permitted", permits_json(ca, false)) == 0 &&
              json_object_set_new(ca_json, "excluded", permits_json(ca, true)) == 0;

    if (ok && view->server != NULL) {
        const so_cert *server = so_certs_at(view->server, 0);
        json_t *server_json = cert_json(server, view->server_path);
        ok = server_json != NULL && json_object_set_new(server_json, "names", names_json(server)) == 0;
        ok = json_object_set_new(all, "server", server_json) == 0 && ok;
    }
    ok = ok && json_dumpf(all, stdout, JSON_INDENT(2)) == 0 && putchar('\n') != EOF;
    json_decref(all);
    return ok ? SO_OK : so_fail(err, SO_IO, "output", "the CA could not be written as JSON; check where it goes to");
}

static void show_validity(const so_cert *cert)
{
    char from[SO_DATE_LEN], to[SO_DATE_LEN];

    so_date_text(from, cert->not_before);
    so_date_text(to, cert->not_after);
    (void)printf("  valid      %s to %s (UTC)\n", from, to);
}

static void show_permits(const so_cert *ca)
{
    (void)printf("  permits   ");
    for (size_t i = 0; i < ca->permit_count; i++) {
        if (!ca->permits[i].excluded)
            (void)printf(" %s", ca->permits[i].text);
    }
    (void)printf("\n  excludes  ");
    for (size_t i = 0; i < ca->permit_count; i++) {
        const so_permit *permit = &ca->permits[i];
        if (permit->excluded)
            (void)printf(" %s%s", permit->text[0] == '.' ? "*" : "",
                         permit->kind == SO_NAME_DNS && permit->text[0] == '\0' ? "all-host-names" : permit->text);
    }
    (void)putchar('\n');
}

static void show_text(const so_authority_view *view)
{
    const so_cert *ca = so_certs_at(view->ca, 0), *server;

    (void)printf("CA %s\n  subject    %s\n  SHA-256    %s\n  serial     %s\n  key        %s\n", view->ca_path,
                 ca->subject, ca->sha256, ca->serial, key_text(view->key));
    show_validity(ca);
    show_permits(ca);
    if (view->server == NULL) {
        (void)printf("\nNo server certificate yet; sotto serve makes one.\n\n");
    } else {
        server = so_certs_at(view->server, 0);
        (void)printf("\nServer %s\n  SHA-256    %s\n  names     ", view->server_path, server->sha256);
        for (size_t i = 0; i < server->name_count; i++)
            (void)printf(" %s", server->names[i].text);
        (void)putchar('\n');
        show_validity(server);
        (void)putchar('\n');
    }
    so_authority_print_trust(stdout, view);
}

static so_status run_show(const job *j, so_authority *authority, so_error *err)
{
    so_authority_view view;
    so_status status = so_authority_look(authority, &view, err);

    if (status == SO_OK && j->json)
        status = show_json(&view, err);
    else if (status == SO_OK)
        show_text(&view);
    so_authority_view_end(&view);
    return status;
}

typedef struct command {
    const char *name, *help;
    const struct option *options;
    bool names, creates;
    so_status (*run)(const job *j, so_authority *authority, so_error *err);
} command;

static const command commands[] = {{"init", help_init, init_options, false, true, run_init},
                                   {"issue", help_issue, issue_options, true, false, run_issue},
                                   {"show", help_show, show_options, false, false, run_show}};

static so_status run(const command *c, job *j, so_error *err)
{
    so_authority authority;
    so_status status = SO_OK;

    if (j->passphrase_file != NULL)
        status = so_passphrase_read(j->passphrase_file, &j->passphrase, err);
    if (status == SO_OK)
        status = so_authority_open(&authority, j->state, c->creates, err);
    if (status != SO_OK)
        return status;
    status = c->run(j, &authority, err);
    so_authority_close(&authority);
    if (fflush(stdout) != 0 && status == SO_OK)
        status = so_fail(err, SO_IO, "output", "standard output could not be written; check where it goes to");
    return status;
}

static int start(const command *c, int argc, char **argv)
{
    so_error err = {0};
    job j = {.permits = calloc(SO_CA_PERMITS_MAX, sizeof *j.permits),
             .names = calloc(SO_LEAF_NAMES_MAX, sizeof *j.names)};
    int end;

    if (j.permits == NULL || j.names == NULL) {
        (void)fputs("sotto ca: no memory left; free some and try again\n", stderr);
        end = FAILED;
    } else if ((end = parse(&j, argc, argv, c->options, c->help, c->names)) < 0) {
        end = run(c, &j, &err) == SO_OK ? DONE : FAILED;
        if (end != DONE)
            complain(&err);
    }
    so_pem_free(&j.passphrase);
    free(j.permits);
    free(j.names);
    return end;
}

int so_cli_ca(int argc, char **argv)
{
    if (argc < 2) {
        (void)fputs(help_all, stderr);
        return USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        (void)fputs(help_all, stdout);
        return DONE;
    }
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return start(&commands[i], argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "sotto ca: there is no command '%.40s'; use init, issue or show\n", argv[1]);
    return USAGE;
}
