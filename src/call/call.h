/*
 * One call by invitation: the seat at the server, the seal and the peer held together (docs/protocol.md, section 4).
 * Sans I/O: the texts of the signaling protocol, datagrams and the time go in; texts, datagrams and events come out.
 *
 * The one driving rule: give it one input; then drain so_call_text, so_call_transmit and so_call_event_next until they
 * answer false; then wait until so_call_deadline. Time never goes back.
 *
 * Whoever drives it connects to the server over TLS, with the certificate checked, and says so by so_call_connected;
 * when the connection is lost so_call_disconnected, and connects again, until so_call_is_over.
 */
#ifndef SOTTO_CALL_CALL_H
#define SOTTO_CALL_CALL_H

#include "peer/peer.h"
#include "trust/invite.h"
#include "trust/policy.h"
#include "trust/report.h"

typedef struct so_call so_call;

typedef enum so_call_state {
    SO_CALL_CONNECTING,
    SO_CALL_WAITING, /* nobody else is here (yet, or any more) */
    SO_CALL_OPEN,    /* every door holds: media flows */
    SO_CALL_ENDED,
    SO_CALL_FAILED,
} so_call_state;

/* What this end does with one kind of media. */
typedef struct so_call_wish {
    bool sends, receives;
} so_call_wish;

typedef struct so_call_config {
    so_engine *engine; /* outlives the call */
    so_random random;
    const so_invite *invite; /* copied */
    so_msec now;
    uint64_t unix_ms; /* the wall clock at now */
    so_call_wish sound, picture;
    bool screen;                       /* the picture is that of a screen */
    bool records;                      /* what comes is written to a file, or handed on: a policy may forbid it */
    bool addresses;                    /* the report has those of the path */
    bool nobody_compares;              /* there is nobody at this end to be asked: what asks for it ends the call */
    const so_policy *policy;           /* this end's own (docs/policy.md), copied; NULL: the default */
    const so_sdp_abilities *abilities; /* NULL: sound, and video where a picture is wished for */
    /* Who this end is, and whom it knows (docs/protocol.md, sections 7 and 8). Both outlive the call, or NULL. */
    so_pkey *identity;
    const so_known *known; /* after a change so_call_review is due */
    const char *expect;    /* the name of the one of them who is expected, copied; NULL: whom the link was used with */
} so_call_config;

so_status so_call_new(so_call **call, const so_call_config *config, so_error *err) SO_MUST_CHECK;
void so_call_free(so_call *call); /* wipes every key */

/* What the connection to the server got. Strings are copied. */
typedef struct so_call_signaling {
    const char *tls_version, *tls_cipher, *tls_group;
    const so_certs *chain; /* the verified one, up to its anchor; or NULL */
} so_call_signaling;

/* ---- Inputs ---- */

void so_call_connected(so_call *call, so_msec now, const so_call_signaling *signaling);
/* code: why, one of so_words_of's ("server-unreachable", "room-full", ...), or NULL. */
void so_call_disconnected(so_call *call, so_msec now, const char *code);
/* The server will not have us, or its certificate is refused: the end of the call. */
void so_call_refused(so_call *call, so_msec now, so_door door, const char *code, const so_error *why);
/* One message of the server's. */
void so_call_receive_text(so_call *call, so_msec now, const char *text, size_t len);
/* A socket of this end, for every peer of this call. One that comes while there is no path, and the end of the one that
 * is used, make an open call look for a new path. */
so_status so_call_add_base(so_call *call, so_msec now, const so_address *base) SO_MUST_CHECK;
void so_call_remove_base(so_call *call, so_msec now, const so_address *base);
/* The answer to SO_CALL_SERVER: all that its name stands for. 0: it can't be found. */
void so_call_server_found(so_call *call, so_msec now, size_t server, const so_address *addresses, size_t count);
/* What became of SO_CALL_STREAM: it is open (for TLS, with the certificate checked); it broke or was refused, with a
 * code as of so_turn_failure; its bytes, of which some are taken: drain, and give the rest. */
void so_call_stream_opened(so_call *call, so_msec now, unsigned stream);
void so_call_stream_closed(so_call *call, so_msec now, unsigned stream, const char *code, const so_error *why);
size_t so_call_stream_receive(so_call *call, so_msec now, unsigned stream, const uint8_t *bytes, size_t len);
/* Is it of use any more? Asked after each input and its outputs; what is not may be closed. */
bool so_call_wants_stream(const so_call *call, unsigned stream);
void so_call_receive(so_call *call, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                     size_t len);
void so_call_tick(so_call *call, so_msec now);
/* A frame of sound or picture, as so_peer_send takes it. SO_STATE: no door is open for it, or it is muted. */
so_status so_call_send(so_call *call, so_msec now, so_sdp_kind kind, const so_peer_frame *frame) SO_MUST_CHECK;
/* What this end does from now on: the other end is told, in an offer where it takes one. */
void so_call_wish_for(so_call *call, so_msec now, so_sdp_kind kind, so_call_wish wish);
/* Asks the other end for a key frame of its picture. */
void so_call_want_key(so_call *call, so_msec now);
/* Nothing of it is sent for the moment, and the other end is told so; nothing is negotiated. */
void so_call_mute(so_call *call, so_msec now, so_sdp_kind kind, bool muted);
/*
 * Data channels (docs/protocol.md, section 5), from SO_CALL_DATA with SO_SCTP_CONNECTED on: as so_peer_open_channel and
 * its neighbours. SO_STATE also where the call is not open. Of the two that every call has, chat is the caller's to
 * use.
 */
#define SO_CALL_TRUST 0
#define SO_CALL_CHAT 1
so_status so_call_open_channel(so_call *call, so_msec now, const so_sctp_channel *channel, uint16_t *id) SO_MUST_CHECK;
so_status so_call_send_message(so_call *call, so_msec now, uint16_t channel, bool text, so_slice message) SO_MUST_CHECK;
size_t so_call_buffered(const so_call *call, uint16_t channel);
void so_call_set_low_mark(so_call *call, uint16_t channel, size_t bytes);
void so_call_close_channel(so_call *call, so_msec now, uint16_t channel);
/*
 * Who is at the other end. Where somebody is expected the call is not open before the introduction has come, and has
 * shown that one; else there is an alarm, and a person decides.
 */
const so_person *so_call_person(const so_call *call);
bool so_call_compares(const so_call *call); /* the policy in force wants people to compare first */
/* A person compared the string. Different: the call ends. */
void so_call_compare(so_call *call, so_msec now, bool same);
/* In an alarm: the call goes on with whoever it is, or ends. */
void so_call_decide(so_call *call, so_msec now, bool go_on);
/* The list of known peers changed. */
void so_call_review(so_call *call, so_msec now);
/* Says goodbye, sealed and then to the server. */
void so_call_hang_up(so_call *call, so_msec now);

/* ---- Outputs ---- */

/* The next message for the server; lives until the next call. */
bool so_call_text(so_call *call, const char **text, size_t *len) SO_MUST_CHECK;
bool so_call_transmit(so_call *call, so_msec now, so_datagram *out) SO_MUST_CHECK;
so_msec so_call_deadline(const so_call *call, so_msec now);

typedef enum so_call_event_kind {
    SO_CALL_STATE,  /* so_call_state_of; reason */
    SO_CALL_NOTICE, /* something that may pass: reason is "path-lost", "signaling-lost", "peer-away", "" when it has */
    SO_CALL_SERVER, /* server: a STUN or TURN server's host and port, to be looked up */
    SO_CALL_STREAM, /* stream: a TURN server's host and port, to be connected to over TCP, or over TLS */
    SO_CALL_RELAY,  /* a TURN server is not used: reason, why */
    SO_CALL_OTHER,  /* what the other end says that it sends */
    SO_CALL_TRACK,  /* media, receiving: the other end may send it from now on, or no longer */
    SO_CALL_FRAME,  /* media, frame */
    SO_CALL_WANT_KEY, /* the other end needs a key frame */
    SO_CALL_RATE,     /* rate: what the picture may take of the path from now on */
    SO_CALL_DATA,     /* data: of a channel, or of all of them. SO_SCTP_ENDED: the rest of the call goes on */
    SO_CALL_PERSON,   /* so_call_person changed */
    SO_CALL_REPORT,   /* something in the report changed */
} so_call_event_kind;

typedef struct so_call_event {
    so_call_event_kind kind;
    const char *reason; /* until the next call */
    const char *host;
    uint16_t port;
    size_t server;
    unsigned stream;
    bool tls;
    const so_error *why;
    bool audio, video, screen;
    so_sdp_kind media; /* of SO_CALL_TRACK, SO_CALL_FRAME and SO_CALL_WANT_KEY: SO_SDP_AUDIO or SO_SDP_VIDEO */
    bool receiving;
    so_peer_frame frame;
    uint16_t seq;
    unsigned lost;             /* packets that were given up just before */
    uint64_t wall;             /* as so_peer_event has it */
    uint64_t rate;             /* bits a second */
    const so_sctp_event *data; /* until the next call */
} so_call_event;

bool so_call_event_next(so_call *call, so_msec now, so_call_event *out) SO_MUST_CHECK;

/* ---- What is so ---- */

so_call_state so_call_state_of(const so_call *call);
const char *so_call_state_name(so_call_state state);
bool so_call_is_over(const so_call *call);
/* Why it ended or failed, or "". */
const char *so_call_reason(const so_call *call);
/* Brought up to date by so_call_report. */
const so_report *so_call_report(so_call *call, so_msec now);
/* NULL: none at the moment. */
const so_peer *so_call_peer(const so_call *call);
/* The i-th codec for it that both ends have, the other end's favourite first; NULL: there are no more. */
const so_sdp_ability *so_call_codec(const so_call *call, so_sdp_kind kind, size_t i);
/* As so_peer_codec_named. */
const so_sdp_ability *so_call_codec_named(const so_call *call, so_sdp_kind kind, const char *name);
/* What went and came of it; false: nothing yet. */
bool so_call_track_facts(const so_call *call, so_sdp_kind kind, so_track_facts *out);

#endif
