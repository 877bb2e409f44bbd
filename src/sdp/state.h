/*
 * The signaling state of one peer connection (RFC 9429 §3.2) with perfect negotiation: who may say what when, what
 * happens when both offer at once, and what was agreed. Sans I/O; descriptions come and go as text.
 *
 * A call that fails leaves the session as it was.
 */
#ifndef SOTTO_SDP_STATE_H
#define SOTTO_SDP_STATE_H

#include "sdp/negotiate.h"

/* Named by what is awaited; the names of RFC 9429 beside. */
typedef enum so_sdp_state {
    SO_SDP_STABLE,            /* stable: either end may offer */
    SO_SDP_AWAITS_ANSWER,     /* have-local-offer: the other end's answer */
    SO_SDP_AWAITS_OWN_ANSWER, /* have-remote-offer: ours */
    SO_SDP_CLOSED,            /* closed */
} so_sdp_state;

typedef struct so_sdp_session {
    const so_sdp_abilities *abilities;
    /* cname, candidates and end_of_candidates are the caller's to set; role says the DTLS role once it is fixed, else
     * SO_SDP_NO_SETUP. */
    so_sdp_own own;
    so_sdp_state state;
    bool polite;         /* when both offer at once: takes its own offer back, and answers */
    bool ignoring;       /* a colliding offer was ignored: candidates that fit nothing are its own, and no fault */
    so_fingerprint peer; /* of the first description taken; it may not change. SO_HASH_NONE: none was taken */
    so_sdp *current_local, *current_remote, *pending_local, *pending_remote;
    so_sdp_transceiver transceivers[SO_SDP_MEDIA_MAX];
    struct {
        bool pending; /* its line is the pending description's: a rollback unties it */
        bool made;    /* a remote offer made it */
    } ties[SO_SDP_MEDIA_MAX];
    size_t transceiver_count;
    char ufrag[SO_ICE_TEXT_MAX + 1], pwd[SO_ICE_TEXT_MAX + 1]; /* of the next description that may have new ones */
} so_sdp_session;

/* What taking a description came to. */
typedef struct so_sdp_taken {
    so_sdp_fault fault;
    bool ignored; /* a colliding offer, and this end is the impolite one: nothing changed, nothing is to be answered */
    bool rolled_back; /* our own pending offer was taken back; so_sdp_session_needed says so when all is stable again */
    bool restarted;   /* the other end restarted ICE; before an offer of that sort is answered,
                         so_sdp_session_restart must have given new credentials of our own */
} so_sdp_taken;

/*
 * session_id: random. ufrag and pwd are copied; cname and abilities are not. SO_BAD_INPUT: credentials not fit for ICE,
 * or no fingerprint. The caller ends it with so_sdp_session_close.
 */
so_status so_sdp_session_start(so_sdp_session *s, const so_sdp_abilities *abilities, bool polite, uint64_t session_id,
                               const so_fingerprint *own, const char *ufrag, const char *pwd,
                               const char *cname) SO_MUST_CHECK;
void so_sdp_session_close(so_sdp_session *s);

/* Adds one; line is ignored. *index, which may be NULL, names it from now on. SO_TOO_LONG: there is no room.
 * SO_BAD_INPUT: of a kind that the abilities do not have. */
so_status so_sdp_session_add(so_sdp_session *s, const so_sdp_transceiver *transceiver, size_t *index) SO_MUST_CHECK;
/* Changes of transceivers[index].direction, .stopped, .ssrc, .stream and .track count from the next description on. */

/* New ICE credentials for a restart, ours or in answer to the other end's. SO_STATE while an answer is awaited. */
so_status so_sdp_session_restart(so_sdp_session *s, const char *ufrag, const char *pwd) SO_MUST_CHECK;

/* Is there something that the other end has not been told? Only ever in SO_SDP_STABLE (W3C WebRTC §4.7.3). */
bool so_sdp_session_needed(const so_sdp_session *s);

/* Our offer, which is thereby the pending local description. Only in SO_SDP_STABLE. err may be NULL, here and below. */
so_status so_sdp_session_offer(so_sdp_session *s, so_writer *w, so_error *err) SO_MUST_CHECK;
/* Our answer to the pending remote offer; both are thereby the current descriptions. */
so_status so_sdp_session_answer(so_sdp_session *s, so_writer *w, so_error *err) SO_MUST_CHECK;
/* The other end's. SO_OK with taken->ignored is not a failure. */
so_status so_sdp_session_take(so_sdp_session *s, so_sdp_type type, const char *text, size_t len, so_sdp_taken *taken,
                              so_error *err) SO_MUST_CHECK;
/* Takes the pending offer back, ours or theirs. SO_STATE: there is none. */
so_status so_sdp_session_rollback(so_sdp_session *s) SO_MUST_CHECK;

/*
 * What m-line i of the current descriptions came to. Views live until a later description is agreed on.
 * *transceiver, which may be NULL: its index, or SO_SDP_NO_LINE. SO_NOT_FOUND: no such m-line, or nothing was agreed
 * yet.
 */
so_status so_sdp_session_agreed(const so_sdp_session *s, size_t i, so_sdp_agreed *agreed,
                                size_t *transceiver) SO_MUST_CHECK;
size_t so_sdp_session_lines(const so_sdp_session *s);

/* The descriptions that candidates belong to now: the pending one, else the current one; NULL: none. */
const so_sdp *so_sdp_session_local(const so_sdp_session *s);
const so_sdp *so_sdp_session_remote(const so_sdp_session *s);

/* "stable", "have-local-offer", ... */
const char *so_sdp_state_name(so_sdp_state state);

#endif
