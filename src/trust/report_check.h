/*
 * Checks reports after the call (docs/report.md): one by its form and its signature, two of one call against each
 * other. Pure; nothing of a report is believed before its signature and its form have held.
 */
#ifndef SOTTO_TRUST_REPORT_CHECK_H
#define SOTTO_TRUST_REPORT_CHECK_H

#include "trust/jws.h"
#include "trust/report.h"

#include <jansson.h>

typedef struct so_checked_report {
    json_t *file;   /* owns report */
    json_t *report; /* what was signed */
    char signer[SO_THUMBPRINT_LEN + 1];
} so_checked_report;

/*
 * what names it in errors: "a.json"; schema: docs/report.schema.json. SO_BAD_INPUT: it is no report; SO_REFUSED: it is
 * one, and it was changed, is not signed, or contradicts itself. Ended with so_checked_report_free, whatever comes.
 */
so_status so_report_check(so_checked_report *checked, so_slice text, const char *what, const json_t *schema,
                          so_error *err) SO_MUST_CHECK;
void so_checked_report_free(so_checked_report *checked);

typedef enum so_agreement { SO_AGREES, SO_DIFFERS, SO_NOT_COMPARED } so_agreement;

#define SO_SHARED_TEXT 200

/* What both reports of one call must say alike. */
typedef struct so_shared_fact {
    const char *name; /* "call", "fingerprint of A" */
    so_agreement result;
    char a[SO_SHARED_TEXT], b[SO_SHARED_TEXT]; /* what each says */
} so_shared_fact;

#define SO_SHARED_FACTS 20

/* Fills facts, all of them, and returns how many there are. *agree: none differs. */
size_t so_report_compare(const so_checked_report *a, const so_checked_report *b, so_shared_fact facts[SO_SHARED_FACTS],
                         bool *agree);

/* A field of a door, as text for a person; why it is not reported where it is not. */
void so_report_say(const json_t *field, char *out, size_t cap);
/* The door of that name; NULL: there is none. */
const json_t *so_report_door_of(const json_t *report, const char *door);

#endif
