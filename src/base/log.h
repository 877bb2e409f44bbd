/*
 * One line an event, to a sink that the caller owns. What may stand in a line: words, numbers, and ids made for logs.
 * What may not: secrets, room ids, tokens, and addresses unless the operator asked for them.
 */
#ifndef SOTTO_BASE_LOG_H
#define SOTTO_BASE_LOG_H

#include "base/status.h"

typedef enum so_level { SO_LOG_DEBUG, SO_LOG_INFO, SO_LOG_WARN, SO_LOG_ERROR } so_level;

/* The sink gets the finished text of one line, without a newline. */
typedef void (*so_log_fn)(void *user, so_level level, const char *module, const char *text);

typedef struct so_log {
    so_log_fn write; /* NULL: nothing is logged */
    void *user;
    so_level least;
} so_log;

void so_log_line(const so_log *log, so_level level, const char *module, const char *fmt, ...) SO_PRINTF(4, 5);
const char *so_level_name(so_level level);

#endif
