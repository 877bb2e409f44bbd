#include "cli/rehearse.h"

#include "base/secret.h"
#include "cli/commands.h"
#include "cli/rehearse_room.h"
#include "server/folder.h"
#include "server/rehearsal.h"

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ONLY_MAX 32
#define TOKEN_VARIABLE "SOTTO_REHEARSAL_TOKEN"

static const char help[] =
    "usage: sotto rehearse [--ca FILE] [--connect ADDR] [--token-file FILE] [--only NAME]... [--slow] [--json] [URL]\n"
    "       sotto rehearse --list\n\n"
    "Attacks a deployment of your own and says what was tried and what held. Without URL it starts a server of\n"
    "this very program on loopback for it. With URL (https://host[:port]) it attacks that server: at once on\n"
    "loopback; anywhere else only after the server has answered a challenge, which its operator allowed by\n"
    "sotto serve --allow-rehearsal-file FILE, and which takes the same token here. With the invitation link of an\n"
    "end that takes call after call (sotto call --answer) in the place of URL it attacks that end too.\n\n"
    "  --ca FILE          trust the CA in FILE instead of the system's store\n"
    "  --connect ADDR     connect to this address; the certificate must still name the URL's host\n"
    "  --token-file FILE  the token is FILE's first line (or it is in " TOKEN_VARIABLE ")\n"
    "  --only NAME        this attack, or this group of attacks; may be given again\n"
    "  --slow             also what waits for the server's timeouts\n"
    "  --json             one JSON object a line, for a program\n"
    "  --list             print the attacks, and try none\n\n"
    "Exit code: 0 all held, 1 something is weak, or what must work did not, 2 wrong usage, 3 the server can't be\n"
    "reached, 4 its certificate was refused, 5 it does not allow a rehearsal.\n";

static const rehearse_group *const groups[] = {
    &rehearse_tls,  &rehearse_impostors, &rehearse_origins, &rehearse_requests, &rehearse_messages, &rehearse_link,
    &rehearse_slow, &rehearse_limits,    &rehearse_seal,    &rehearse_keys,     &rehearse_media};
#define GROUPS (sizeof groups / sizeof groups[0])

typedef struct choice {
    const char *ca, *connect_to, *token_file, *only[ONLY_MAX];
    size_t only_count;
    bool list;
} choice;

static bool is_wanted(const choice *c, const rehearse_group *group, const rehearse_attack *attack)
{
    for (size_t i = 0; i < c->only_count; i++)
        if (strcmp(c->only[i], group->name) == 0 || strcmp(c->only[i], attack->name) == 0)
            return true;
    return c->only_count == 0;
}

static unsigned count_wanted(const choice *c, const rehearse_group *group)
{
    unsigned count = 0;

    for (size_t i = 0; i < group->count; i++)
        count += is_wanted(c, group, &group->attacks[i]);
    return count;
}

/* Every name that was given is one. */
static const char *unknown_name(const choice *c)
{
    for (size_t i = 0; i < c->only_count; i++) {
        const choice one = {.only = {c->only[i]}, .only_count = 1};
        unsigned found = 0;

        for (size_t g = 0; g < GROUPS; g++)
            found += count_wanted(&one, groups[g]);
        if (found == 0)
            return c->only[i];
    }
    return NULL;
}

static int list(void)
{
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t i = 0; i < groups[g]->count; i++)
            (void)printf("%-10s %-21s %s\n", groups[g]->name, groups[g]->attacks[i].name, groups[g]->attacks[i].tries);
    return SO_EXIT_OK;
}

/* ---- running ---- */

static void run_group(rehearsal *r, const choice *c, const rehearse_group *group)
{
    bool good;
    char why[sizeof r->seen];

    rehearse_say_group(r, group);
    rehearse_say_now(r, group->name);
    good = group->control(r);
    (void)snprintf(why, sizeof why, "%s", r->seen);
    if (!good)
        rehearse_say_control(r, group, false);
    for (size_t i = 0; i < group->count; i++) {
        const rehearse_attack *attack = &group->attacks[i];
        rehearse_result result;

        if (!is_wanted(c, group, attack))
            continue;
        rehearse_say_now(r, attack->name);
        r->seen[0] = '\0';
        result = good ? attack->run(r, attack->variant) : rehearse_not_tried(r, "what must work did not: %.200s", why);
        r->done++;
        rehearse_say_attack(r, group, attack, result);
        (void)uv_run(&r->loop.uv, UV_RUN_NOWAIT); /* Ctrl-C is heard here too */
    }
    /* A server that an attack took down refuses everything: that is not strength. */
    if (good && !group->control(r))
        rehearse_say_control(r, group, true);
}

static void on_signal(uv_signal_t *handle, int number)
{
    rehearsal *r = handle->data;

    r->interrupted = true;
    rehearse_say_error(r, "interrupted");
    rehearse_own_end(r);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
    _exit(SO_EXIT_FAILED);
}

static void watch_signals(rehearsal *r)
{
    static const int numbers[REHEARSE_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

    for (int i = 0; i < REHEARSE_SIGNALS; i++) {
        (void)uv_signal_init(&r->loop.uv, &r->signals[i]);
        r->signals[i].data = r;
        (void)uv_signal_start(&r->signals[i], on_signal, numbers[i]);
        uv_unref((uv_handle_t *)&r->signals[i]);
    }
}

static int exit_code(const so_error *err)
{
    if (strcmp(err->layer, "certificate") == 0)
        return SO_EXIT_CERTIFICATE;
    return err->status == SO_REFUSED ? SO_EXIT_ROOM : SO_EXIT_UNREACHABLE;
}

static int attack(rehearsal *r, const choice *c)
{
    rehearse_say_begin(r, r->own != NULL ? "a server of this program, started for it" : r->url->origin);
    for (size_t g = 0; g < GROUPS; g++)
        r->total += count_wanted(c, groups[g]);
    for (size_t g = 0; g < GROUPS; g++)
        if (count_wanted(c, groups[g]) > 0)
            run_group(r, c, groups[g]);
    rehearse_room_end(r);
    rehearse_say_end(r);
    return r->weak == 0 && r->failed == 0 ? SO_EXIT_OK : SO_EXIT_FAILED;
}

static int rehearse(rehearsal *r, const choice *c, so_url *url, so_slice token)
{
    so_status status = SO_OK;
    so_error err = {.layer = ""};
    int code;

    if (so_loop_open(&r->loop) != SO_OK) {
        (void)fprintf(stderr, "sotto rehearse: the system gives no event loop; end other programs\n");
        return SO_EXIT_FAILED;
    }
    (void)uv_timer_init(&r->loop.uv, &r->patience);
    r->patience.data = r;
    watch_signals(r);
    r->ca = c->ca;
    if (r->url == NULL) {
        status = rehearse_own_start(r, url, &err);
        r->url = url;
    }
    if (status == SO_OK)
        status = so_tls_client(&r->ctx, r->ca, &err);
    if (status == SO_OK)
        status = rehearse_permit(r, c->connect_to, token, &err);
    if (status == SO_OK) {
        code = attack(r, c);
    } else {
        rehearse_say_error(r, err.text);
        code = exit_code(&err);
    }
    rehearse_own_end(r);
    for (int i = 0; i < REHEARSE_SIGNALS; i++)
        uv_close((uv_handle_t *)&r->signals[i], NULL);
    uv_close((uv_handle_t *)&r->patience, NULL);
    so_loop_close(&r->loop);
    SSL_CTX_free(r->ctx);
    return code;
}

/* ---- options ---- */

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto rehearse: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

/* -1, or the exit code */
static int read_options(rehearsal *r, choice *chosen, int argc, char **argv)
{
    static const struct option options[] = {{"ca", required_argument, NULL, 'c'},
                                            {"connect", required_argument, NULL, 't'},
                                            {"token-file", required_argument, NULL, 'k'},
                                            {"only", required_argument, NULL, 'o'},
                                            {"slow", no_argument, NULL, 's'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"list", no_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    int c;

    optind = 1;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'c')
            chosen->ca = optarg;
        else if (c == 't')
            chosen->connect_to = optarg;
        else if (c == 'k')
            chosen->token_file = optarg;
        else if (c == 'o' && chosen->only_count < ONLY_MAX)
            chosen->only[chosen->only_count++] = optarg;
        else if (c == 's')
            r->slow = true;
        else if (c == 'j')
            r->json = true;
        else if (c == 'l')
            chosen->list = true;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return usage(c == 'o' ? "--only can be given 32 times" : "see above"); /* getopt has said what is wrong */
    }
    if (chosen->list)
        return optind == argc ? list() : usage("--list stands alone");
    if (argc - optind > 1)
        return usage("give one URL, or none");
    if (optind == argc && (chosen->ca != NULL || chosen->connect_to != NULL || chosen->token_file != NULL))
        return usage("--ca, --connect and --token-file are about a server; give its URL too");
    if (unknown_name(chosen) != NULL)
        return usage("there is no attack and no group of the name given to --only; --list has them all");
    return -1;
}

/* Of an invitation link the secret is taken, and wiped where a process list shows it. */
static so_status read_url(so_url *url, so_invite *invite, bool *is_link, char *text, so_error *err)
{
    char *secret = text + strcspn(text, "#");
    so_status status = so_url_parse(url, text, err);

    *is_link = status == SO_OK && url->fragment != NULL && url->fragment[0] != '\0';
    if (*is_link)
        status = so_invite_parse(invite, url->fragment, strlen(url->fragment), err);
    so_wipe(secret, strlen(secret));
    url->fragment = NULL;
    return status;
}

static so_status read_token(const choice *c, so_pem *token, so_error *err)
{
    const char *text = getenv(TOKEN_VARIABLE);

    if (c->token_file != NULL)
        return so_passphrase_read(c->token_file, token, err);
    if (text != NULL && so_pem_copy(token, text, strlen(text)) != SO_OK)
        return so_fail(err, SO_NO_MEMORY, "rehearsal", "not enough memory");
    return SO_OK;
}

int so_cli_rehearse(int argc, char **argv)
{
    static rehearsal r;
    choice c = {.list = false};
    so_pem token = {.text = NULL};
    so_invite invite;
    bool is_link = false;
    so_url url;
    so_error err;
    int code;

    r = (rehearsal){.json = false};
    code = read_options(&r, &c, argc, argv);
    if (code >= 0)
        return code;
    if (optind < argc) {
        if (read_url(&url, &invite, &is_link, argv[optind], &err) != SO_OK || read_token(&c, &token, &err) != SO_OK)
            return usage(err.text);
        r.url = &url;
        r.invite = is_link ? &invite : NULL;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    code = rehearse(&r, &c, &url, so_pem_slice(&token));
    so_pem_free(&token);
    if (is_link)
        so_invite_wipe(&invite);
    return code;
}
