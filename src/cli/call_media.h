/* What a call sends and what becomes of what it gets: sources, files, devices, plain RTP, or back where it came from.
 */
#ifndef SOTTO_CLI_CALL_MEDIA_H
#define SOTTO_CLI_CALL_MEDIA_H

#include "cli/call.h"

typedef struct call_media call_media;

typedef struct call_media_asks {
    void (*send)(void *user);                       /* call call_media_next again at once */
    void (*hang_up)(void *user);                    /* somebody has closed the window */
    void (*fault)(void *user, const so_error *why); /* a device is gone, and the call goes on without it: say so */
    void *user;
} call_media_asks;

/* Opens what the options name; number: of the call, from 1. */
so_status call_media_open(call_media **media, const call_options *options, unsigned number, uv_loop_t *loop,
                          const call_media_asks *asks, so_error *err) SO_MUST_CHECK;
/* Ends what was written. */
so_status call_media_close(call_media *media, so_error *err) SO_MUST_CHECK;

/* What this end does with each kind, and the codecs that its files and devices take. */
void call_media_config(const call_media *media, so_caller_config *config);
/* Every door holds: sources begin, with what was agreed on. */
so_status call_media_begin(call_media *media, so_caller *caller, so_error *err) SO_MUST_CHECK;
/* Sends what is due; says when to ask again, on so_caller_now's clock (UINT64_MAX: never). */
so_msec call_media_next(call_media *media, so_caller *caller);
/* Frames, wishes for key frames, rates, what the other end says that it sends: all else is passed over. */
so_status call_media_event(call_media *media, so_caller *caller, const so_call_event *event,
                           so_error *err) SO_MUST_CHECK;
void call_media_totals(const call_media *media, call_totals *totals);

#endif
