/* `sotto call`, split by concept: what was asked for, what is said, and what sounds. */
#ifndef SOTTO_CLI_CALL_H
#define SOTTO_CLI_CALL_H

#include "net/caller.h"
#include "trust/report.h"

/* What the command line asked for. */
typedef struct call_options {
    so_url url;
    so_invite invite; /* a secret */
    const char *ca, *connect_to, *in, *out, *report;
    unsigned duration, wait; /* seconds; 0: without end */
    bool echo, answer, json, loopback, relay;
} call_options;

/* -1: go on; else the exit code, and everything is said. The link in argv is wiped: a process list shows it. */
int call_options_parse(call_options *options, int argc, char **argv);

/* ---- what is said: lines for people, or one JSON object a line ---- */

typedef struct call_totals {
    uint64_t sent, received, lost;
    bool level_known;
    double level; /* dBov, of what was heard */
} call_totals;

void call_say_state(const call_options *options, so_call_state state, const char *reason);
void call_say_notice(const call_options *options, const char *notice);
void call_say_relay(const call_options *options, const char *code, const so_error *why); /* it is not used */
void call_say_other(const call_options *options, bool audio, bool video);
void call_say_open(const call_options *options, const so_report *report);
void call_say_end(const call_options *options, const so_report *report, const call_totals *totals, int exit_code);
void call_say_fault(const call_options *options, const so_error *err);
/* SO_IO: it can't be written; said already. */
so_status call_write_report(const call_options *options, const so_report *report);
int call_exit_code(const char *code);

/* ---- what sounds ---- */

typedef struct call_sound call_sound;

/* Opens --in and --out. */
so_status call_sound_open(call_sound **sound, const call_options *options, so_error *err) SO_MUST_CHECK;
/* Ends the file of --out. */
so_status call_sound_close(call_sound *sound, so_error *err) SO_MUST_CHECK;
bool call_sound_sends(const call_sound *sound);
/*
 * The frame that is due at now, the call having begun at `began`; false: not yet, or nothing more. Its bytes live until
 * the next call. *next: when to ask again; UINT64_MAX: never.
 */
bool call_sound_next(call_sound *sound, so_msec now, so_peer_frame *frame, so_msec *next);
void call_sound_begin(call_sound *sound, so_msec now);
/* A frame of the other end. */
so_status call_sound_take(call_sound *sound, const so_peer_frame *frame, so_error *err) SO_MUST_CHECK;
void call_sound_totals(const call_sound *sound, call_totals *totals);

#endif
