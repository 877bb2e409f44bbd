/* Lines of standard input, one by one, while a loop runs: what a person or a program says to `sotto call`. */
#ifndef SOTTO_CLI_CALL_LINES_H
#define SOTTO_CLI_CALL_LINES_H

#include "base/status.h"

#include <uv.h>

/* Of a line, without its end; longer ones come in parts. */
#define CALL_LINE_MAX 16384

typedef struct call_lines call_lines;

typedef struct call_lines_handler {
    void (*line)(void *user, const char *line, size_t len);
    void (*end)(void *user); /* there are no more; a terminal's end is Ctrl-D */
    void *user;
} call_lines_handler;

/* Nothing is read before call_lines_read. NULL: no memory, or there is no standard input. */
call_lines *call_lines_open(uv_loop_t *loop, const call_lines_handler *handler);
/* Its handles close later, in the loop. NULL is allowed, here and below. */
void call_lines_close(call_lines *lines);
void call_lines_read(call_lines *lines, bool on);
/* A person's, and no program's. */
bool call_lines_are_typed(const call_lines *lines);

#endif
