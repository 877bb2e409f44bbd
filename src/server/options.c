#include "server/options.h"

#include "net/url.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum kind { TEXT, LIST, FLAG, COUNT, SECONDS, HEADING } kind;

typedef struct option {
    const char *name, *value; /* value: what stands for it in the help */
    kind kind;
    size_t offset;
    const char *fallback; /* as text; NULL: none */
    double least, most;
    const char *help;
} option;

#define AT(member) offsetof(so_options, member)

static const option table[] = {
    {"Where", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"listen", "ADDR:PORT", LIST, AT(listen), NULL, 0, 0,
     "where HTTPS and WSS are served; may be given again; [ADDR] for IPv6; port 0: any (127.0.0.1:8443 and "
     "[::1]:8443)"},
    {"public-url", "URL", TEXT, AT(public_url), NULL, 0, 0,
     "what browsers type, https://host[:port] (https://localhost and the first port)"},
    {"origin", "URL", LIST, AT(origin), NULL, 0, 0, "another origin that may open the signaling; may be given again"},
    {"http", "ADDR:PORT", TEXT, AT(http), NULL, 0, 0, "also listen without TLS, only to redirect to the public URL"},
    {"Certificate", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"cert", "FILE", TEXT, AT(cert), NULL, 0, 0,
     "full chain, PEM, leaf first (a leaf from the local CA, made on first use)"},
    {"key", "FILE", TEXT, AT(key), NULL, 0, 0, "its private key, PEM"},
    {"name", "NAME", LIST, AT(name), NULL, 0, 0,
     "a DNS name or address for the local CA's leaf; may be given again (localhost, loopback, this host)"},
    {"state", "DIR", TEXT, AT(state), NULL, 0, 0, "where the local CA lives ($XDG_STATE_HOME/sotto)"},
    {"passphrase-file", "FILE", TEXT, AT(passphrase_file), NULL, 0, 0,
     "the passphrase of the local CA's key, to renew by itself"},
    {"STUN and TURN", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"ice-server", "URL", LIST, AT(ice_server), NULL, 0, 0, "stun:host[:port], handed to members; may be given again"},
    {"turn", "URL", LIST, AT(turn), NULL, 0, 0,
     "turns:host[:port] or turn:…, handed out with credentials; may be given again"},
    {"turn-secret-file", "FILE", TEXT, AT(turn_secret_file), NULL, 0, 0, "coturn's static-auth-secret"},
    {"turn-lifetime", "SECONDS", COUNT, AT(turn_lifetime), "3600", 60, 86400, "how long a TURN credential lasts"},
    {"Policy", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"policy", "FILE", TEXT, AT(policy), NULL, 0, 0,
     "what every call must have (sotto policy); each end takes the stricter of this and its own"},
    {"Rehearsal", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"allow-rehearsal", "TOKEN", TEXT, AT(allow_rehearsal), NULL, 0, 0,
     "let those who know TOKEN attack this server with sotto rehearse (nobody); process lists show it"},
    {"allow-rehearsal-file", "FILE", TEXT, AT(allow_rehearsal_file), NULL, 0, 0,
     "the same, with the token in a file's first line"},
    {"Limits", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"max-message", "BYTES", COUNT, AT(max_message), "65536", 16384, 1048576, "the longest signaling message"},
    {"message-rate", "N", COUNT, AT(message_rate), "50", 1, 1000000,
     "messages a second for one connection; twice that in a burst"},
    {"joins-per-minute", "N", COUNT, AT(joins_per_minute), "30", 1, 1000000, "joins from one address"},
    {"connections-per-address", "N", COUNT, AT(connections_per_address), "64", 1, 1000000,
     "connections from one address"},
    {"max-connections", "N", COUNT, AT(max_connections), "16000", 1, 1000000, "connections in all"},
    {"max-rooms", "N", COUNT, AT(max_rooms), "8000", 1, 1000000, "calls at once"},
    {"max-header", "BYTES", COUNT, AT(max_header), "8192", 512, 65536, "the longest HTTP request head"},
    {"send-queue", "BYTES", COUNT, AT(send_queue), "262144", 65536, 67108864, "what may wait for one slow receiver"},
    {"tls-timeout", "SECONDS", SECONDS, AT(tls_timeout), "10", 0.05, 3600, "time for a TLS handshake"},
    {"header-timeout", "SECONDS", SECONDS, AT(header_timeout), "10", 0.05, 3600,
     "time for a request's head, and between requests"},
    {"join-timeout", "SECONDS", SECONDS, AT(join_timeout), "10", 0.05, 3600, "time from connecting to joining"},
    {"ping-interval", "SECONDS", SECONDS, AT(ping_interval), "20", 0.05, 3600,
     "between pings; a peer silent for two is cut"},
    {"resume-timeout", "SECONDS", SECONDS, AT(resume_timeout), "30", 0, 3600,
     "how long the seat of a dropped connection is kept"},
    {"http-connections", "N", COUNT, AT(http_connections), "256", 1, 65536,
     "connections to --http at once; for one more the oldest goes"},
    {"http-timeout", "SECONDS", SECONDS, AT(http_timeout), "5", 0.05, 3600, "time for a whole visit to --http"},
    {"drain-timeout", "SECONDS", SECONDS, AT(drain_timeout), "5", 0, 3600, "time to say goodbye on SIGTERM"},
    {"Output", NULL, HEADING, 0, NULL, 0, 0, NULL},
    {"json", NULL, FLAG, AT(json), NULL, 0, 0, "one JSON object a line on standard output, for programs"},
    {"log-level", "LEVEL", TEXT, AT(log_level), "info", 0, 0, "debug, info, warn or error"},
    {"log-addresses", NULL, FLAG, AT(log_addresses), NULL, 0, 0,
     "write peers' addresses into the log (they are left out)"},
    {"config", "FILE", TEXT, AT(config), NULL, 0, 0,
     "lines of name = value, the names as here; # after a space begins a comment"},
};
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const option *find(const char *name, size_t len)
{
    for (size_t i = 0; i < COUNT_OF(table); i++)
        if (table[i].kind != HEADING && strlen(table[i].name) == len && memcmp(table[i].name, name, len) == 0)
            return &table[i];
    return NULL;
}

static so_status bad(so_error *err, const char *where, const option *o, const char *value, const char *why)
{
    return so_fail(err, SO_BAD_INPUT, "options", "%s: %s: \"%.100s\" %s", where, o->name, value, why);
}

static so_status keep_text(char **at, const char *value)
{
    free(*at);
    *at = strdup(value);
    return *at == NULL ? SO_NO_MEMORY : SO_OK;
}

static so_status keep_number(so_options *options, const option *o, const char *value, const char *where, so_error *err)
{
    char *end;
    double number;

    /* 1e9 is beyond every limit of the table, and within what can be converted. */
    errno = 0;
    number = strtod(value, &end);
    /* Digits and a point alone: strtod takes hexadecimal, exponents, "inf" and white space too. */
    if (end == value || value[strspn(value, "0123456789.")] != '\0' || *end != '\0' || errno != 0 ||
        !isdigit((unsigned char)value[0]) ||
        (o->kind == COUNT && (number > 1e9 || number != (double)(unsigned long)number)))
        return bad(err, where, o, value, o->kind == COUNT ? "must be a whole number" : "must be a number of seconds");
    if (number < o->least || number > o->most)
        return so_fail(err, SO_BAD_INPUT, "options", "%s: %s must be from %g to %g", where, o->name, o->least, o->most);
    if (o->kind == COUNT)
        *(unsigned *)((char *)options + o->offset) = (unsigned)number;
    else
        *(double *)((char *)options + o->offset) = number;
    return SO_OK;
}

static so_status keep(so_options *options, const option *o, const char *value, const char *where, so_error *err)
{
    void *at = (char *)options + o->offset;
    so_list *list = at;

    switch (o->kind) {
    case FLAG:
        if (strcmp(value, "true") != 0 && strcmp(value, "1") != 0 && strcmp(value, "false") != 0 &&
            strcmp(value, "0") != 0)
            return bad(err, where, o, value, "must be true or false");
        *(bool *)at = value[0] == 't' || value[0] == '1';
        return SO_OK;
    case LIST:
        if (list->count == SO_LIST_MAX)
            return bad(err, where, o, value, "is one too many; at most 16");
        list->items[list->count] = NULL;
        return keep_text(&list->items[list->count++], value);
    case COUNT:
    case SECONDS:
        return keep_number(options, o, value, where, err);
    case TEXT:
    case HEADING:
        break;
    }
    return value[0] == '\0' ? bad(err, where, o, value, "must not be empty") : keep_text(at, value);
}

static so_status read_arguments(so_options *options, bool *given, int argc, char **argv, so_options_ask *ask,
                                so_error *err)
{
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + 2, *equals, *value;
        const option *o;
        so_status status;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            *ask = SO_ASK_HELP;
            return SO_OK;
        }
        if (strcmp(argv[i], "--version") == 0) {
            *ask = SO_ASK_VERSION;
            return SO_OK;
        }
        if (strncmp(argv[i], "--", 2) != 0)
            return so_fail(err, SO_BAD_INPUT, "options", "\"%.100s\" is not an option; see sotto serve --help",
                           argv[i]);
        equals = strchr(name, '=');
        o = find(name, equals == NULL ? strlen(name) : (size_t)(equals - name));
        if (o == NULL)
            return so_fail(err, SO_BAD_INPUT, "options", "there is no option %.100s; see sotto serve --help", argv[i]);
        value = equals != NULL ? equals + 1 : o->kind == FLAG ? "true" : i + 1 < argc ? argv[++i] : NULL;
        if (value == NULL)
            return so_fail(err, SO_BAD_INPUT, "options", "--%s needs a value: --%s %s", o->name, o->name, o->value);
        given[o - table] = true;
        status = keep(options, o, value, "command line", err);
        if (status != SO_OK)
            return status;
    }
    return SO_OK;
}

/* SOTTO_PUBLIC_URL for public-url; a list's values are parted by commas. */
static so_status read_environment(so_options *options, bool *given, char **environ, so_error *err)
{
    for (; *environ != NULL; environ++) {
        char name[64], *text, *part, *rest = NULL;
        const char *equals = strchr(*environ, '=');
        const option *o;
        so_status status = SO_OK;
        size_t len;

        if (equals == NULL || strncmp(*environ, "SOTTO_", 6) != 0)
            continue;
        len = (size_t)(equals - *environ) - 6;
        for (size_t i = 0; i < len && i < sizeof name; i++)
            name[i] = (*environ)[6 + i] == '_' ? '-' : (char)tolower((unsigned char)(*environ)[6 + i]);
        o = len < sizeof name ? find(name, len) : NULL;
        if (o == NULL || given[o - table])
            continue;
        given[o - table] = true;
        text = strdup(equals + 1);
        if (text == NULL)
            return SO_NO_MEMORY;
        if (o->kind != LIST)
            status = keep(options, o, text, "environment", err);
        else
            for (part = strtok_r(text, ",", &rest); part != NULL && status == SO_OK; part = strtok_r(NULL, ",", &rest))
                status = keep(options, o, part, "environment", err);
        free(text);
        if (status != SO_OK)
            return status;
    }
    return SO_OK;
}

static char *trim(char *text)
{
    char *end;

    while (isspace((unsigned char)*text))
        text++;
    end = text + strlen(text);
    while (end > text && isspace((unsigned char)end[-1]))
        *--end = '\0';
    return text;
}

/* A comment begins a line or comes after white space, so that a value may hold a '#'. */
static void cut_comment(char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if (*at == '#' && (at == line || isspace((unsigned char)at[-1]))) {
            *at = '\0';
            return;
        }
    }
}

static so_status read_line(so_options *options, const bool *given, char *line, const char *where, so_error *err)
{
    char *equals, *name, *value;
    const option *o;

    cut_comment(line);
    name = trim(line);
    if (*name == '\0')
        return SO_OK;
    equals = strchr(name, '=');
    value = equals == NULL ? name + strlen(name) : trim(equals + 1);
    if (equals != NULL)
        *equals = '\0';
    name = trim(name);
    o = find(name, strlen(name));
    if (o == NULL || o->offset == AT(config))
        return so_fail(err, SO_BAD_INPUT, "options", "%s: there is no option \"%.60s\"", where, name);
    if (equals == NULL && o->kind != FLAG)
        return so_fail(err, SO_BAD_INPUT, "options", "%s: write %s = %s", where, o->name, o->value);
    return given[o - table] ? SO_OK : keep(options, o, equals == NULL ? "true" : value, where, err);
}

static so_status read_file(so_options *options, const bool *given, so_error *err)
{
    FILE *file = fopen(options->config, "re");
    char *line = NULL, where[200];
    size_t cap = 0;
    so_status status = SO_OK;

    if (file == NULL)
        return so_fail(err, SO_IO, "options", "can't read --config %s: %s", options->config, strerror(errno));
    for (unsigned n = 1; status == SO_OK && getline(&line, &cap, file) >= 0; n++) {
        (void)snprintf(where, sizeof where, "%.150s, line %u", options->config, n);
        status = read_line(options, given, line, where, err);
    }
    free(line);
    (void)fclose(file);
    return status;
}

/* What browsers send is compared with these as it is, so they are kept as browsers write an origin. */
static so_status settle_origins(so_options *options, so_error *err)
{
    so_status status = SO_OK;

    for (size_t i = 0; i < options->origin.count && status == SO_OK; i++) {
        const char *text = options->origin.items[i];
        so_url url;

        if (so_url_parse(&url, text, NULL) != SO_OK)
            return so_fail(err, SO_BAD_INPUT, "options",
                           "origin: \"%.100s\" must look like https://host or https://host:port", text);
        status = keep_text(&options->origin.items[i], url.origin);
    }
    return status;
}

so_status so_options_read(so_options *options, int argc, char **argv, char **environ, so_options_ask *ask,
                          so_error *err)
{
    bool given[COUNT_OF(table)] = {false};
    so_status status = SO_OK;

    memset(options, 0, sizeof *options);
    *ask = SO_ASK_NOTHING;
    for (size_t i = 0; i < COUNT_OF(table) && status == SO_OK; i++)
        if (table[i].fallback != NULL)
            status = keep(options, &table[i], table[i].fallback, "default", err);
    if (status == SO_OK)
        status = read_arguments(options, given, argc, argv, ask, err);
    if (status != SO_OK || *ask != SO_ASK_NOTHING)
        return status;
    if (environ != NULL)
        status = read_environment(options, given, environ, err);
    if (status == SO_OK && options->config != NULL)
        status = read_file(options, given, err);
    return status == SO_OK ? settle_origins(options, err) : status;
}

void so_options_free(so_options *options)
{
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        void *at = (char *)options + table[i].offset;
        so_list *list = at;

        if (table[i].kind == TEXT)
            free(*(char **)at);
        for (size_t k = 0; table[i].kind == LIST && k < list->count; k++)
            free(list->items[k]);
    }
    memset(options, 0, sizeof *options);
}

void so_options_help(FILE *out)
{
    (void)fprintf(out, "usage: sotto serve [OPTION]...\n\nServes the call page and its signaling, over TLS only.\n");
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        const option *o = &table[i];
        char head[64];

        if (o->kind == HEADING) {
            (void)fprintf(out, "\n%s\n", o->name);
            continue;
        }
        (void)snprintf(head, sizeof head, "--%s%s%s", o->name, o->value == NULL ? "" : " ",
                       o->value == NULL ? "" : o->value);
        (void)fprintf(out, "  %-30s %s", head, o->help);
        (void)fprintf(out, o->fallback == NULL ? "\n" : " (%s)\n", o->fallback);
    }
    (void)fprintf(
        out,
        "\n  --help, --version\n\nEvery option can also be set as SOTTO_NAME in the environment (lists with commas) "
        "and in the file of --config.\nSignals: TERM and INT drain and end; HUP reads the certificate again.\n");
}
