#include "server/console.h"

#include "base/bytes.h"
#include "base/secret.h"
#include "server/authority.h"
#include "trust/invite.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVENT_MAX 4096

/* One JSON object, put together piece by piece and written as one line. */
typedef struct event {
    uint8_t bytes[EVENT_MAX];
    so_writer w;
} event;

static void add_text(event *e, const char *name, const char *value)
{
    so_write_format(&e->w, ",\"%s\":", name);
    so_write_json(&e->w, value, strlen(value));
}

static void add_number(event *e, const char *name, uint64_t value)
{
    so_write_format(&e->w, ",\"%s\":%" PRIu64, name, value);
}

static void begin(event *e, const char *name)
{
    struct timespec now;

    e->w = so_writer_of(e->bytes, sizeof e->bytes - 2);
    (void)clock_gettime(CLOCK_REALTIME, &now);
    so_write_format(&e->w, "{\"event\":\"%s\",\"time\":%lld.%03ld", name, (long long)now.tv_sec, now.tv_nsec / 1000000);
}

static void end(event *e)
{
    so_write_text(&e->w, "}\n");
    (void)fwrite(e->bytes, 1, so_writer_len(&e->w), stdout);
    (void)fflush(stdout);
}

static void write_log(void *user, so_level level, const char *module, const char *text)
{
    const so_console *console = user;
    char clock[32];
    struct tm tm;
    time_t now;
    event e;

    if (console->json) {
        begin(&e, "log");
        add_text(&e, "level", so_level_name(level));
        add_text(&e, "module", module);
        add_text(&e, "text", text);
        end(&e);
        return;
    }
    now = time(NULL);
    if (localtime_r(&now, &tm) == NULL || strftime(clock, sizeof clock, "%H:%M:%S", &tm) == 0)
        clock[0] = '\0';
    (void)fprintf(stderr, "%s %-5s %s: %s\n", clock, so_level_name(level), module, text);
}

so_status so_console_init(so_console *console, const so_options *options, so_error *err)
{
    console->json = options->json;
    console->addresses = options->log_addresses;
    console->log = (so_log){.write = write_log, .user = console};
    for (so_level level = SO_LOG_DEBUG; level <= SO_LOG_ERROR; level++) {
        if (strcmp(options->log_level, so_level_name(level)) == 0) {
            console->log.least = level;
            return SO_OK;
        }
    }
    return so_fail(err, SO_BAD_INPUT, "options", "--log-level must be debug, info, warn or error, not \"%.40s\"",
                   options->log_level);
}

/* The server forgets it at once: nobody but who reads this output knows the link. */
static void print_link(const char *url)
{
    so_invite invite;
    char text[SO_LINK_TEXT_LEN + 1] = "";

    if (so_invite_make(&invite, &so_random_system) == SO_OK && so_invite_text(&invite, text) == SO_OK)
        (void)printf("\nOpen this link in two browsers to call from one to the other:\n\n    %s/#%s\n\n"
                     "Who has the link can join the call. sotto link %s prints another.\n",
                     url, text, url);
    so_wipe(text, sizeof text);
    so_invite_wipe(&invite);
}

static void print_trust(const so_identity *identity)
{
    char *folder = strdup(identity->ca_file), *slash = folder == NULL ? NULL : strrchr(folder, '/');
    so_authority authority;
    so_authority_view view;
    so_error err;

    if (slash != NULL)
        *slash = '\0';
    if (folder != NULL && so_authority_open(&authority, folder, false, &err) == SO_OK) {
        if (so_authority_look(&authority, &view, &err) == SO_OK) {
            (void)printf("\nThe browsers must trust this server's own certificate authority, once:\n");
            so_authority_print_trust(stdout, &view);
            so_authority_view_end(&view);
        }
        so_authority_close(&authority);
    }
    free(folder);
}

static void print_banner(const char *url, const so_identity *identity, const so_listeners *listeners,
                         unsigned http_port)
{
    (void)printf("Sotto serves calls at %s (listening on", url);
    for (size_t i = 0; i < listeners->count; i++)
        (void)printf("%s %s", i > 0 ? "," : "", listeners->names[i]);
    (void)printf(")\n");
    if (http_port != 0)
        (void)printf("Port %u redirects to it.\n", http_port);
    if (identity->note[0] != '\0')
        (void)printf("%s%s\n", identity->note_warns ? "Warning: " : "", identity->note);
    if (getenv("JOURNAL_STREAM") == NULL)
        print_link(url);
    else /* systemd set it: stdout is a journal, where a secret must not stay */
        (void)printf("sotto link %s prints an invitation.\n", url);
    if (identity->local_ca)
        print_trust(identity);
    (void)printf("\nCtrl-C stops the server.\n");
    (void)fflush(stdout);
}

void so_console_listening(so_console *console, const char *url, const so_identity *identity,
                          const so_listeners *listeners, unsigned http_port)
{
    event e;

    if (!console->json) {
        print_banner(url, identity, listeners, http_port);
        return;
    }
    begin(&e, "listening");
    add_text(&e, "url", url);
    if (identity->local_ca) {
        add_text(&e, "ca", identity->ca_file);
        add_text(&e, "ca_sha256", identity->ca_sha256);
    }
    so_write_text(&e.w, ",\"listen\":[");
    for (size_t i = 0; i < listeners->count; i++)
        so_write_format(&e.w, "%s\"%s\"", i > 0 ? "," : "", listeners->names[i]);
    so_write_u8(&e.w, ']');
    if (http_port != 0)
        add_number(&e, "http_port", http_port);
    add_number(&e, "certificate_ends", (uint64_t)identity->not_after);
    if (identity->note[0] != '\0')
        add_text(&e, identity->note_warns ? "warning" : "note", identity->note);
    end(&e);
}

void so_console_reload(so_console *console, const char *why, const so_error *err, const so_identity *identity)
{
    event e;

    if (err != NULL)
        so_log_line(&console->log, SO_LOG_ERROR, "certificate", "%s, and the old certificate stays: %s", why,
                    err->text);
    else if (identity->note_warns)
        so_log_line(&console->log, SO_LOG_WARN, "certificate", "%s", identity->note);
    else
        so_log_line(&console->log, SO_LOG_INFO, "certificate", "read again (%s); no connection was dropped", why);
    if (!console->json)
        return;
    begin(&e, "reloaded");
    add_text(&e, "why", why);
    so_write_text(&e.w, err == NULL ? ",\"ok\":true" : ",\"ok\":false");
    if (err != NULL)
        add_text(&e, "error", err->text);
    else
        add_number(&e, "certificate_ends", (uint64_t)identity->not_after);
    end(&e);
}

void so_console_connection(so_console *console, const uint8_t address[16], so_admission admission)
{
    char text[INET6_ADDRSTRLEN] = "an address";
    so_unix now = (so_unix)time(NULL);

    if (console->log.least > (admission == SO_ADMITTED ? SO_LOG_DEBUG : SO_LOG_INFO))
        return;
    if (admission != SO_ADMITTED && now == console->refused_at) {
        console->unsaid++;
        return;
    }
    if (console->addresses)
        (void)inet_ntop(AF_INET6, address, text, sizeof text);
    if (admission == SO_ADMITTED)
        so_log_line(&console->log, SO_LOG_DEBUG, "network", "a connection from %s", text);
    else if (admission == SO_ADMITTED_TO_BE_TOLD)
        so_log_line(&console->log, SO_LOG_INFO, "network",
                    "%s has more connections than --connections-per-address allows (and %u refusals before it)", text,
                    console->unsaid);
    else
        so_log_line(&console->log, SO_LOG_INFO, "network",
                    "%s was turned away: --connections-per-address, --max-connections or memory (and %u refusals "
                    "before it)",
                    text, console->unsaid);
    if (admission != SO_ADMITTED) {
        console->refused_at = now;
        console->unsaid = 0;
    }
}

void so_console_draining(so_console *console, const char *why, size_t connections)
{
    event e;

    if (!console->json) {
        so_log_line(&console->log, SO_LOG_INFO, "server", "%s: no new joins; saying goodbye to %zu connections", why,
                    connections);
        return;
    }
    begin(&e, "draining");
    add_text(&e, "why", why);
    add_number(&e, "connections", connections);
    end(&e);
}

void so_console_stopped(so_console *console, const so_counters *c)
{
    event e;

    if (!console->json) {
        so_log_line(&console->log, SO_LOG_INFO, "server",
                    "stopped after %" PRIu64 " connections, %" PRIu64 " joins, %" PRIu64 " envelopes, %" PRIu64
                    " refusals",
                    c->connections, c->joins, c->envelopes, c->refusals);
        return;
    }
    begin(&e, "stopped");
    add_number(&e, "connections", c->connections);
    add_number(&e, "requests", c->requests);
    add_number(&e, "upgrades", c->upgrades);
    add_number(&e, "joins", c->joins);
    add_number(&e, "resumes", c->resumes);
    add_number(&e, "envelopes", c->envelopes);
    add_number(&e, "refusals", c->refusals);
    end(&e);
}
