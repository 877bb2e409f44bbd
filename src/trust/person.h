/* Who is at the other end, as far as it is known: what people compared, and what its key says. */
#ifndef SOTTO_TRUST_PERSON_H
#define SOTTO_TRUST_PERSON_H

#include "trust/known.h"
#include "trust/sas.h"

typedef struct so_person {
    bool has_string; /* there is something to compare: */
    uint8_t string[SO_SAS_LEN];
    bool compared;                   /* a person of this end said that both see the same, in this association */
    bool met;                        /* the introduction came, or its time is over: */
    so_recognition identity;         /* what this end makes of it */
    char key[SO_THUMBPRINT_LEN + 1]; /* "": none came */
    /* The pin of this key; name "": there is none. */
    char name[SO_PEER_NAME_LEN + 1], since[SO_KNOWN_TIME_LEN + 1], compared_before[SO_KNOWN_TIME_LEN + 1];
    char expected[SO_PEER_NAME_LEN + 1]; /* whom this end expects; "": nobody */
    bool alarm;                          /* stands in the way until a person decides */
    bool admitted;                       /* media may go */
} so_person;

/* One line, and what it means, when every other door holds. SO_REPORT_TEXT bytes, and twice as many. */
void so_person_verdict(const so_person *person, char *line, char *detail);
/* Of an alarm: one line, and what may have happened and what to do. SO_REPORT_TEXT bytes, and four times as many. */
void so_person_alarm(const so_person *person, char *line, char *text);

#endif
