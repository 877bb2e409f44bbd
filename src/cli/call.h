/* `sotto call`, split by concept: what was asked for, and what is said; cli/call_media.h has what sounds and shows. */
#ifndef SOTTO_CLI_CALL_H
#define SOTTO_CLI_CALL_H

#include "call/file.h"
#include "net/caller.h"
#include "trust/report.h"

#define CALL_INS 2
#define CALL_OUTS 4

/* What the command line asked for. */
typedef struct call_options {
    so_url url;
    so_invite invite; /* a secret */
    const char *ca, *connect_to, *report;
    const char *in[CALL_INS], *out[CALL_OUTS]; /* files, devices, "test" */
    size_t in_count, out_count;
    const char *rtp_in, *rtp_out, *rtp_sdp;
    unsigned duration, wait;                        /* seconds; 0: without end */
    const char *data_in[SO_FILE_OFFERS], *data_out; /* files; "-": standard input, standard output */
    size_t data_in_count;
    int data_fd; /* of "-" for data_out: standard output as it was */
    const char *state, *passphrase_file, *expect, *remember, *policy_file;
    so_policy policy; /* that file's, and what --sas and --relay ask for */
    bool sas, private_call;
    bool echo, chat, answer, json, loopback, relay, loop, screen, report_addresses;
} call_options;

/* -1: go on; else the exit code, and everything is said. The link in argv is wiped: a process list shows it. */
int call_options_parse(call_options *options, int argc, char **argv);

/* Is this what --out calls the loudspeaker, or the window? */
bool call_options_is_device(const char *out);
/* How many of the files to be sent are standard input. */
size_t call_options_stdin_files(const call_options *options);

/* ---- what is said: lines for people, or one JSON object a line ---- */

typedef struct call_totals {
    so_track_facts sound, picture;
    bool level_known;
    double level; /* dBov, of what was heard */
} call_totals;

void call_say_state(const call_options *options, so_call_state state, const char *reason);
const char *call_notice_words(const char *notice); /* one sentence; "": there is none */
void call_say_notice(const call_options *options, const char *notice);
void call_say_relay(const call_options *options, const char *code, const so_error *why); /* it is not used */
void call_say_rate(const call_options *options, uint64_t rate); /* what the path bears, bits a second; for programs */
void call_say_other(const call_options *options, bool audio, bool video, bool screen);
void call_say_open(const call_options *options, const so_report *report);
/* For people alone: door by door what was verified. */
void call_say_doors(const so_report *report);
void call_say_end(const call_options *options, const so_report *report, const call_totals *totals, int exit_code);
void call_say_chat(const call_options *options, so_slice text);
/* state: "offered", "accepted", "refused", "progress", "done", "differs" or "cancelled". */
void call_say_file(const call_options *options, bool in, const char *state, const so_file_offer *offer, uint64_t bytes);
/* question: an answer is waited for. before: what was said last. */
void call_say_person(const call_options *options, const so_person *before, const so_person *person, bool question);
void call_say_fault(const call_options *options, const so_error *err);
/* Signed with key; NULL: not signed. A failure is said already. */
so_status call_write_report(const call_options *options, const so_report *report, so_pkey *key);
int call_exit_code(const char *code);

#endif
