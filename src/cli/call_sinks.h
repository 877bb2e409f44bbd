/* Where what a call hears and sees goes: files, the speaker, a window, plain RTP. */
#ifndef SOTTO_CLI_CALL_SINKS_H
#define SOTTO_CLI_CALL_SINKS_H

#include "cli/call.h"
#include "media/codec.h"

typedef struct call_sinks call_sinks;

so_status call_sinks_open(call_sinks **sinks, const call_options *options, uv_loop_t *loop,
                          so_error *err) SO_MUST_CHECK;
/* Ends the files. NULL is allowed. */
so_status call_sinks_close(call_sinks *sinks, so_error *err) SO_MUST_CHECK;
/* The codecs that all of them take, as SO_MEDIA_BITs. */
unsigned call_sinks_take(const call_sinks *sinks);
bool call_sinks_want_picture(const call_sinks *sinks);
/* A frame of SO_CALL_FRAME. */
so_status call_sinks_take_frame(call_sinks *sinks, const so_call_event *event, so_msec now,
                                so_error *err) SO_MUST_CHECK;

/* Once, when one of them needs a key frame. */
bool call_sinks_want_key(call_sinks *sinks);

#endif
