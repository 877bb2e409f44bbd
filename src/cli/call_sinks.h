/* Where what a call hears and sees goes: files, the speaker, a window, plain RTP. */
#ifndef SOTTO_CLI_CALL_SINKS_H
#define SOTTO_CLI_CALL_SINKS_H

#include "cli/call.h"
#include "media/codec.h"

typedef struct call_sinks call_sinks;

/* What devices have to tell: called with user on a thread of theirs; ask the two at the end then. */
typedef struct call_sinks_notice {
    void (*told)(void *user);
    void *user;
} call_sinks_notice;

/* number: of the call, from 1; where several callers come one after another, each has files of its own ("a-2.webm"). */
so_status call_sinks_open(call_sinks **sinks, const call_options *options, unsigned number, call_sinks_notice notice,
                          so_error *err) SO_MUST_CHECK;
/* Ends the files, and takes away those of a call that never was. NULL is allowed. */
so_status call_sinks_close(call_sinks *sinks, so_error *err) SO_MUST_CHECK;
/* The codecs that all of them take, as SO_MEDIA_BITs. */
unsigned call_sinks_take(const call_sinks *sinks);
bool call_sinks_want_picture(const call_sinks *sinks);
/* What the call has agreed on, before the first frame; SO_MEDIA_NONE: there is no such kind. */
so_status call_sinks_expect(call_sinks *sinks, so_media_codec audio, so_media_codec video, so_error *err) SO_MUST_CHECK;
/* A frame of SO_CALL_FRAME. */
so_status call_sinks_take_frame(call_sinks *sinks, const so_call_event *event, so_msec now,
                                so_error *err) SO_MUST_CHECK;

/* What the other end says: does it show anything now? */
void call_sinks_show(call_sinks *sinks, bool shows);
/* Once, when one of them needs a key frame. */
bool call_sinks_want_key(call_sinks *sinks);
/* A device is gone, and why: once for each. */
bool call_sinks_fault(call_sinks *sinks, so_error *fault);
bool call_sinks_closed(call_sinks *sinks); /* a window, by the person in front of it */

#endif
