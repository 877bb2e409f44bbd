/*
 * Known peers: names that a person gave to keys, and what an end makes of the key that it meets. docs/protocol.md,
 * section 8. Pure: texts in and out; the time is an argument.
 */
#ifndef SOTTO_TRUST_KNOWN_H
#define SOTTO_TRUST_KNOWN_H

#include "trust/introduction.h"
#include "trust/invite.h"

#define SO_KNOWN_MAX 1000
#define SO_KNOWN_FILE_MAX ((size_t)2 << 20)
#define SO_KNOWN_LINKS 32
/* base64url of 16 bytes */
#define SO_KNOWN_LINK_LEN 22
#define SO_PEER_NAME_MAX 64                     /* characters */
#define SO_PEER_NAME_LEN (4 * SO_PEER_NAME_MAX) /* bytes */
#define SO_KNOWN_TIME_LEN 20

/* A pin. Texts end with a zero. */
typedef struct so_known_peer {
    char name[SO_PEER_NAME_LEN + 1];
    char key[SO_THUMBPRINT_LEN + 1];
    char since[SO_KNOWN_TIME_LEN + 1];
    char compared[SO_KNOWN_TIME_LEN + 1]; /* "": never */
    char links[SO_KNOWN_LINKS][SO_KNOWN_LINK_LEN + 1];
    size_t link_count;
} so_known_peer;

/* {0} is an empty list. Ended with so_known_free. Pointers into it hold until the next call that changes it. */
typedef struct so_known {
    so_known_peer *peers;
    size_t count, room;
} so_known;

void so_known_free(so_known *known);

/* SO_BAD_INPUT: the error says what is wrong with it. Control characters and the like would let a name lie. */
so_status so_peer_name_check(const char *name, so_error *err) SO_MUST_CHECK;
/* "2026-11-24T12:00:00Z": written, and looked at: exactly this form, and a time that there is. */
void so_known_time(char out[SO_KNOWN_TIME_LEN + 1], so_unix when);
bool so_known_time_is(const char *text);
/* What a list remembers of an invitation: enough to know it again, not enough to use it. */
so_status so_known_link(char out[SO_KNOWN_LINK_LEN + 1], const so_invite *invite) SO_MUST_CHECK;

/* NULL: nobody. */
const so_known_peer *so_known_by_name(const so_known *known, const char *name);
const so_known_peer *so_known_by_key(const so_known *known, const char *key);
const so_known_peer *so_known_by_link(const so_known *known, const char *link);

/*
 * All below: SO_NOT_FOUND for a peer that is not in the list; SO_REFUSED for a name or key that another peer has. After
 * any failure the list is as it was.
 */
so_status so_known_pin(so_known *known, const char *name, const char *key, so_unix now, so_error *err) SO_MUST_CHECK;
so_status so_known_rename(so_known *known, const char *name, const char *to, so_error *err) SO_MUST_CHECK;
so_status so_known_forget(so_known *known, const char *name, so_error *err) SO_MUST_CHECK;
/* The peer with this key was compared, and it was the same. */
so_status so_known_compared(so_known *known, const char *key, so_unix now, so_error *err) SO_MUST_CHECK;
/* The peer with this key was met with this link; of too many the oldest is forgotten. */
so_status so_known_met(so_known *known, const char *key, const char *link, so_error *err) SO_MUST_CHECK;
/* The person decided that this peer has a new key: known since now, and not compared. */
so_status so_known_replace(so_known *known, const char *name, const char *key, so_unix now,
                           so_error *err) SO_MUST_CHECK;

/* Takes what a file has; *added is how many peers were new. SO_REFUSED: the error names whom both lists call so. */
so_status so_known_merge(so_known *known, const so_known *file, size_t *added, so_error *err) SO_MUST_CHECK;

/* what names the text in errors: "the file peers.json". SO_TOO_LONG, SO_BAD_INPUT: known is empty. */
so_status so_known_parse(so_known *known, so_slice text, const char *what, so_error *err) SO_MUST_CHECK;
/* The file, one line a peer. */
so_status so_known_write(const so_known *known, so_pem *text, so_error *err) SO_MUST_CHECK;

typedef enum so_recognition {
    SO_RECOGNISED_KNOWN,
    SO_RECOGNISED_UNKNOWN,
    SO_RECOGNISED_SILENT,
    SO_RECOGNISED_OTHER,
    SO_RECOGNISED_CHANGED,
} so_recognition;

/*
 * What an end makes of a key. expected: whom the link or the user named, or NULL; key: the thumbprint that came, or
 * NULL when none did. *alarm: nothing goes on until the person has decided.
 */
so_recognition so_known_recognise(const so_known *known, const so_known_peer *expected, const char *key, bool *alarm);

/* "known", "changed", ... */
const char *so_recognition_name(so_recognition recognition);

#endif
