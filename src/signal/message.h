/*
 * The signaling messages of docs/protocol.md, section 3: text to struct and struct to text, for server and end alike.
 * Pure; no message holds on to the bytes that it was parsed from.
 */
#ifndef SOTTO_SIGNAL_MESSAGE_H
#define SOTTO_SIGNAL_MESSAGE_H

#include "base/bytes.h"

#include <jansson.h>

#define SO_SUBPROTOCOL "sotto.v1"
#define SO_ROOM_TEXT_LEN 22
#define SO_TOKEN_TEXT_LEN 22
#define SO_MEMBER_ID_LEN 11
#define SO_ROOM_SEATS 2
#define SO_MESSAGE_DEPTH 8

typedef enum so_signal_kind {
    SO_SIGNAL_UNKNOWN = 0, /* well-formed, and of a kind that this version does not know */
    SO_SIGNAL_JOIN,
    SO_SIGNAL_ENVELOPE,
    SO_SIGNAL_BYE,
    SO_SIGNAL_WELCOME,
    SO_SIGNAL_JOINED,
    SO_SIGNAL_AWAY,
    SO_SIGNAL_LEFT,
    SO_SIGNAL_ERROR,
} so_signal_kind;

/* A string of the message, with its final zero; NULL where the member is absent. Lives as long as the message. */
typedef struct so_signal_message {
    so_signal_kind kind;
    const char *room, *resume;                        /* join */
    const char *to, *from, *payload;                  /* envelope */
    size_t payload_len;                               /* envelope */
    const char *id;                                   /* welcome, joined, away, left */
    const char *code, *text, *remedy;                 /* error */
    const char *reason;                               /* left, bye */
    const char *tls_version, *tls_cipher, *tls_group; /* welcome */
    const json_t *members;                            /* welcome */
    bool resumed;                                     /* welcome, joined */
    json_t *root;                                     /* owns the strings, or ... */
    char *copy;                                       /* ... does this */
} so_signal_message;

/* SO_BAD_INPUT, with a sentence for the sender, when bytes are no message of the protocol. */
so_status so_signal_parse(so_signal_message *m, const char *bytes, size_t len, so_error *err) SO_MUST_CHECK;
void so_signal_message_free(so_signal_message *m);

/* The codes that an error carries, and what they do to the connection. */
typedef enum so_signal_fault {
    SO_FAULT_BAD_MESSAGE,
    SO_FAULT_UNKNOWN_KIND,
    SO_FAULT_NOT_JOINED,
    SO_FAULT_JOINED_ALREADY,
    SO_FAULT_ROOM_FULL,
    SO_FAULT_NO_SUCH_MEMBER,
    SO_FAULT_AWAY,
    SO_FAULT_TOO_MANY_MESSAGES,
    SO_FAULT_TOO_MANY_JOINS,
    SO_FAULT_TOO_MANY_ROOMS,
    SO_FAULT_JOIN_TIMEOUT,
    SO_FAULT_RESTART,
} so_signal_fault;

/* The WebSocket close code that follows, or 0 where the connection goes on. */
unsigned so_signal_fault_close(so_signal_fault fault);
const char *so_signal_fault_code(so_signal_fault fault);

/* text: what went wrong this time, or NULL for the fault's own sentence. */
void so_signal_write_error(so_writer *w, so_signal_fault fault, const char *text);

typedef struct so_signal_welcome {
    const char *id, *resume;
    const char *other; /* the member who is there, or NULL */
    bool resumed;
    const char *ice;    /* a JSON array */
    const char *policy; /* a JSON object (docs/policy.md), or NULL */
    const char *tls_version, *tls_cipher, *tls_group;
    unsigned message_limit, rate_limit;
} so_signal_welcome;

void so_signal_write_welcome(so_writer *w, const so_signal_welcome *welcome);
void so_signal_write_joined(so_writer *w, const char *id, bool resumed);
void so_signal_write_away(so_writer *w, const char *id, unsigned seconds);
void so_signal_write_left(so_writer *w, const char *id, const char *reason);
void so_signal_write_bye(so_writer *w, const char *reason); /* from the server; reason NULL: from an end */
void so_signal_write_join(so_writer *w, const char *room, const char *resume);
/* from: NULL when an end writes it. */
void so_signal_write_envelope(so_writer *w, const char *from, const char *to, const char *payload, size_t len);

#endif
