/*
 * What `sotto serve` can be told. One table names every option; the command line, the environment (SOTTO_NAME) and a
 * configuration file (name = value) are read through it, the first of them winning.
 */
#ifndef SOTTO_SERVER_OPTIONS_H
#define SOTTO_SERVER_OPTIONS_H

#include "base/log.h"
#include "base/status.h"

#include <stdint.h>
#include <stdio.h>

#define SO_LIST_MAX 16

typedef struct so_list {
    char *items[SO_LIST_MAX];
    size_t count;
} so_list;

typedef struct so_options {
    so_list listen, origin, name, ice_server, turn;
    char *public_url, *http, *cert, *key, *state, *passphrase_file, *turn_secret_file, *config, *log_level, *policy;
    char *allow_rehearsal, *allow_rehearsal_file;
    bool json, log_addresses;
    /* Limits; times in seconds. */
    unsigned max_message, message_rate, joins_per_minute, connections_per_address, max_connections, max_rooms;
    double join_timeout, ping_interval, resume_timeout, tls_timeout, header_timeout, drain_timeout, http_timeout;
    unsigned http_connections, send_queue, max_header, turn_lifetime;
} so_options;

/* help and version are asked for by name and not kept. */
typedef enum so_options_ask { SO_ASK_NOTHING, SO_ASK_HELP, SO_ASK_VERSION } so_options_ask;

/*
 * argv[1…] from the command line, then environ (NULL: none), then the file named by --config, then the defaults.
 * SO_BAD_INPUT with a sentence that names the option. Ended with so_options_free, also after a failure.
 */
so_status so_options_read(so_options *options, int argc, char **argv, char **environ, so_options_ask *ask,
                          so_error *err) SO_MUST_CHECK;
void so_options_free(so_options *options);
void so_options_help(FILE *out);

#endif
