/*
 * What was verified in one call, and how (docs/report.md): the native side's web/report.js, with the same fields.
 * Nothing here is guessed: what an end does not know is "not reported", with the reason. No secret gets in, and no
 * address that its user did not ask for.
 */
#ifndef SOTTO_TRUST_REPORT_H
#define SOTTO_TRUST_REPORT_H

#include "base/address.h"
#include "base/bytes.h"
#include "crypto/certs.h"
#include "trust/association.h"
#include "trust/door.h"
#include "trust/jws.h"
#include "trust/person.h"
#include "trust/policy.h"

/* Room for two names among other words. */
#define SO_REPORT_TEXT 640
#define SO_REPORT_FIELDS 12
/* Bytes of the JSON of any report, and of a whole file. */
#define SO_REPORT_MAX ((size_t)192 * 1024)
#define SO_REPORT_FILE_MAX (SO_REPORT_MAX + SO_JWS_LEN(SO_REPORT_MAX) + 256)
/* The typ of its signature. */
#define SO_REPORT_TYPE "sotto-report"
/* "2026-11-23T08:34:10.123Z" and a final zero */
#define SO_REPORT_TIME 25
/* Older ones give way: a call may last for weeks. The first ones stay, they tell how it began. */
#define SO_REPORT_EVENTS 128
#define SO_REPORT_EVENT_TEXT 120

typedef enum so_door_state { SO_DOOR_PENDING, SO_DOOR_HELD, SO_DOOR_FAILED } so_door_state;

typedef enum so_verdict {
    SO_VERDICT_NONE,
    SO_VERDICT_CHECKING,
    SO_VERDICT_VERIFIED,
    SO_VERDICT_FAILED,
    SO_VERDICT_ENDED
} so_verdict;

typedef enum so_report_kind { SO_REPORT_UNKNOWN, SO_REPORT_WORDS, SO_REPORT_NUMBER, SO_REPORT_BOOL } so_report_kind;

/* One field of a door. text: the words, or why it is unknown. */
typedef struct so_report_field {
    so_report_kind kind;
    uint64_t number;
    char text[SO_REPORT_TEXT];
} so_report_field;

typedef struct so_report_door {
    so_door_state state;
    uint64_t since;  /* Unix ms; 0: it does not hold */
    char reason[48]; /* "" or why it failed */
    so_report_field fields[SO_REPORT_FIELDS];
} so_report_door;

typedef struct so_report_event {
    uint64_t at; /* Unix ms */
    so_door door;
    char text[SO_REPORT_EVENT_TEXT];
} so_report_event;

typedef struct so_report {
    so_report_door doors[SO_DOORS];
    so_report_event *events; /* SO_REPORT_EVENTS of them */
    size_t event_count, dropped;
    uint64_t now; /* Unix ms: whoever drives the call sets it before each input */
    uint64_t started, ended_at;
    char mine[SO_THUMBPRINT_LEN + 1], call[SO_CALL_NAME_LEN + 1]; /* "": not known, or there is none */
    bool begun, waiting, failed;
    so_door failed_door;
    char failed_code[48];
    so_error why;
    char ended[48];                                                    /* "": it has not */
    so_person person;                                                  /* as so_report_meet was last told */
    char own_address[SO_ADDRESS_TEXT], their_address[SO_ADDRESS_TEXT]; /* "": not asked for, or no path yet */
    const so_policy *policy; /* in force, of whoever has the report; it outlives the report */
    char *chain;             /* JSON array of the server's certificates, or NULL */
} so_report;

so_status so_report_open(so_report *report) SO_MUST_CHECK;
void so_report_close(so_report *report);

/* The names of a door's fields, as JSON has them, and what people read. NULL behind the last. */
const char *so_report_field_name(so_door door, size_t field);
const char *so_report_field_label(so_door door, size_t field);
const char *so_door_name(so_door door);  /* "fingerprints" */
const char *so_door_title(so_door door); /* "Fingerprints" */
/* What the door proves, for people. */
const char *so_door_proves(so_door door);

/* A call begins, or waits: the first sets the time. */
void so_report_begin(so_report *report, bool waiting);
/* text NULL: unknown, because of why. */
void so_report_put(so_report *report, so_door door, const char *field, const char *text, const char *why);
void so_report_put_number(so_report *report, so_door door, const char *field, uint64_t number);
void so_report_put_bool(so_report *report, so_door door, const char *field, bool value);
/* The verified chain of the signaling server, its own certificate first and the anchor last. */
so_status so_report_put_chain(so_report *report, const so_certs *chain) SO_MUST_CHECK;
/* A door that failed stays so. event: what is written down. */
void so_report_set(so_report *report, so_door door, so_door_state state, const char *event);
/* The verdict starts anew for this door. */
void so_report_reset(so_report *report, so_door door);
/* What is known of the person at the other end changed. */
void so_report_meet(so_report *report, const so_person *person);
void so_report_note(so_report *report, so_door door, const char *fmt, ...) SO_PRINTF(3, 4);
/* The first failure counts. door may be SO_NO_DOOR; why: the sentence, or NULL for the code's own. */
void so_report_fail(so_report *report, so_door door, const char *code, const so_error *why);
void so_report_end(so_report *report, const char *reason);

so_verdict so_report_verdict(const so_report *report);
const char *so_verdict_name(so_verdict verdict);
/* One line, and what it means. */
void so_report_verdict_text(const so_report *report, char line[SO_REPORT_TEXT], char detail[2 * SO_REPORT_TEXT]);

/* The report as a JSON object, and as the file that it is kept in: signed with key, or with why it is not. */
void so_report_write(const so_report *report, so_writer *w);
so_status so_report_write_file(const so_report *report, so_pkey *key, so_writer *w, so_error *err) SO_MUST_CHECK;

void so_time_text(char out[SO_REPORT_TIME], uint64_t unix_ms);
/* The whole seconds of such a text; false: it is none. */
bool so_time_read(so_unix *out, const char *text) SO_MUST_CHECK;

#endif
