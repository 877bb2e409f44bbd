/*
 * What two ends say to each other inside the seal: the plaintexts of docs/protocol.md, section 4. Text to struct and
 * struct to text; pure.
 */
#ifndef SOTTO_SIGNAL_SAID_H
#define SOTTO_SIGNAL_SAID_H

#include "base/bytes.h"

#include <jansson.h>

/* Every string is NULL where the plaintext has none, and lives as long as root. What does not belong to a kind is there
 * or not; the kind, which the seal authenticated, says what counts. */
typedef struct so_said {
    const char *call, *agent; /* state; call NULL: no call is running there */
    bool audio, video, screen;
    const char *sdp; /* offer, answer */
    size_t sdp_len;
    const char *candidate, *mid, *ufrag; /* candidate; "" ends them */
    const char *reason;                  /* bye */
    json_t *root;
} so_said;

/* SO_BAD_INPUT: no JSON object. Ended with so_said_free. */
so_status so_said_parse(so_said *said, const char *text, size_t len) SO_MUST_CHECK;
void so_said_free(so_said *said);

/* Without a final zero, as all writers. call: an id or NULL. */
void so_said_write_state(so_writer *w, const char *call, bool audio, bool video, bool screen);
void so_said_write_description(so_writer *w, const char *type, const char *sdp);
/* line "": the end of candidates. */
void so_said_write_candidate(so_writer *w, const char *line, const char *mid, const char *ufrag);
void so_said_write_bye(so_writer *w, const char *reason);

#endif
