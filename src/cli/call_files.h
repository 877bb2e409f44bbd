/* Files that `sotto call` sends (--data-in) and takes (--data-out); what is offered and not asked for is refused, and
 * said. Everything takes NULL. */
#ifndef SOTTO_CLI_CALL_FILES_H
#define SOTTO_CLI_CALL_FILES_H

#include "cli/call.h"

typedef struct call_files call_files;

typedef struct call_files_asks {
    void (*print)(void *user); /* something is printed next: take away what is in the way */
    void (*done)(void *user);  /* all of --data-in is through, one way or the other */
    void (*fault)(void *user, const so_error *err);
    void *user;
} call_files_asks;

/* Opens what is to be sent, and takes digests of what has an end: of large files that takes its time. */
so_status call_files_open(call_files **files, const call_options *options, uv_loop_t *loop, const call_files_asks *asks,
                          so_error *err) SO_MUST_CHECK;
/* A call begins; caller NULL: it is over, and what is not through is off. */
void call_files_call(call_files *files, so_caller *caller);
/* What a data channel brought; what is of no transfer is passed over. */
void call_files_event(call_files *files, const so_sctp_event *data);
/* Was something not delivered, or not taken whole? */
bool call_files_failed(const call_files *files);
void call_files_close(call_files *files);

#endif
