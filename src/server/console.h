/* What the operator sees: lines for a person, or one JSON object a line for a program. */
#ifndef SOTTO_SERVER_CONSOLE_H
#define SOTTO_SERVER_CONSOLE_H

#include "base/log.h"
#include "server/identity.h"
#include "server/limits.h"
#include "server/listen.h"
#include "server/session.h"

typedef struct so_console {
    so_log log;
    bool json, addresses;
    so_unix refused_at; /* the second of the last line about a refused connection; strangers must not fill the log */
    unsigned unsaid;    /* refused since, without a line */
} so_console;

so_status so_console_init(so_console *console, const so_options *options, so_error *err) SO_MUST_CHECK;
/* http_port: of --http, or 0. */
void so_console_listening(so_console *console, const char *url, const so_identity *identity,
                          const so_listeners *listeners, unsigned http_port);
/* err: why the old certificate stays; else identity is the one now in force. */
void so_console_reload(so_console *console, const char *why, const so_error *err, const so_identity *identity);
void so_console_connection(so_console *console, const uint8_t address[16], so_admission admission);
void so_console_draining(so_console *console, const char *why, size_t connections);
void so_console_stopped(so_console *console, const so_counters *counters);

#endif
