/*
 * Who is at the other end of `sotto call`: the key with which this end introduces itself, whom it knows, and what is
 * said and asked about that.
 */
#ifndef SOTTO_CLI_CALL_PEOPLE_H
#define SOTTO_CLI_CALL_PEOPLE_H

#include "cli/call.h"

typedef struct call_people call_people;

/* Who sits at this end. */
typedef struct call_people_seat {
    bool asked; /* somebody sees what is asked, and may answer */
    bool shown; /* a panel shows what is so, and it is not printed */
    void (*fault)(void *user, const so_error *err);
    void *user;
} call_people_seat;

so_status call_people_open(call_people **people, const call_options *options, const call_people_seat *seat,
                           so_error *err) SO_MUST_CHECK;
void call_people_close(call_people *people);

/* The key with which this end introduces itself, and signs its report. */
so_pkey *call_people_identity(const call_people *people);
/* What a call needs to know of it. */
void call_people_config(const call_people *people, so_caller_config *config);
/* A call begins; caller NULL: it is over. */
void call_people_call(call_people *people, so_caller *caller);
void call_people_event(call_people *people, const so_call_event *event);
/* Is a question open to which a line is the answer? */
bool call_people_wait(const call_people *people);
/* A line, as an answer. */
void call_people_answer(call_people *people, const char *line, size_t len);

/* What a person chose by a key: the string is the same, or not; an alarm is set aside, or its key taken. */
void call_people_compare(call_people *people, bool same);
void call_people_decide(call_people *people, bool go_on);
void call_people_take_key(call_people *people);

#endif
