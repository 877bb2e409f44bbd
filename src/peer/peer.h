/*
 * One end of a call (JSEP, RFC 9429; RFC 8827): ICE, DTLS-SRTP and RTP joined. Sans I/O.
 *
 * The one driving rule: give it one input (a description, a candidate, a datagram, a tick, a frame); then drain
 * so_peer_transmit and so_peer_event until they answer false; then wait until so_peer_deadline. Every call takes the
 * time, which never goes back.
 *
 * It is open when, and only when, the other end's certificate is the promised one and the keys of SRTP are there;
 * nothing of media goes out or is taken before. From addresses that ICE has not validated nothing but STUN is looked
 * at.
 */
#ifndef SOTTO_PEER_PEER_H
#define SOTTO_PEER_PEER_H

#include "base/clock.h"
#include "ice/ice.h"
#include "peer/engine.h"
#include "sctp/sctp.h"
#include "sdp/state.h"
#include "srtp/srtp.h"
#include "trust/door.h"

/* Bytes of one frame of sound, which is one packet; what SRTP, extensions and headers add stays within 1,200 in all. */
#define SO_PEER_FRAME_MAX 1100
/* Bytes of one frame of video. */
#define SO_PEER_VIDEO_MAX ((size_t)512 * 1024)
#define SO_PEER_SDP_MAX 16384
/* A candidate line as it is signaled, and a final zero. */
#define SO_PEER_CANDIDATE_MAX SO_ICE_LINE

typedef struct so_peer so_peer;

typedef enum so_peer_state {
    SO_PEER_AWAITS_REMOTE,    /* the other end's description */
    SO_PEER_AWAITS_PATH,      /* a valid pair of candidates */
    SO_PEER_AWAITS_HANDSHAKE, /* the end of DTLS */
    SO_PEER_OPEN,             /* fingerprint checked, keys there: media may flow */
    SO_PEER_CLOSED,           /* by so_peer_close, or the other end's close_notify */
    SO_PEER_FAILED,
} so_peer_state;

typedef struct so_peer_config {
    so_engine *engine; /* outlives the peer */
    so_random random;
    so_msec now;
    uint64_t unix_ms; /* the wall clock at now: for certificates and sender reports */
    bool polite;      /* in a collision of offers this end gives way */
    bool relay_only;  /* no address of this end is told or used: what goes to the other end goes through a relay */
    const so_sdp_abilities *abilities; /* NULL: so_sdp_voice */
    /* What DTLS may agree on, as so_dtls_config has them, copied. */
    const char *groups, *profiles;
} so_peer_config;

so_status so_peer_new(so_peer **peer, const so_peer_config *config, so_error *err) SO_MUST_CHECK;
/* Wipes every key. Says nothing to the other end: so_peer_close does, and its last datagrams are to be drained. */
void so_peer_free(so_peer *peer);
void so_peer_close(so_peer *peer, so_msec now);
/* The same without a word to the other end: only its relays are given back, when so_peer_transmit is drained. */
void so_peer_abandon(so_peer *peer, so_msec now);

/* ---- Addresses of this end ---- */

/* A socket of this end, by its address. SO_TOO_LONG: more than ICE takes. */
so_status so_peer_add_base(so_peer *peer, so_msec now, const so_address *base) SO_MUST_CHECK;
void so_peer_remove_base(so_peer *peer, so_msec now, const so_address *base);
/* Its ufrag (RFC 8445 §5.3), by which checks of the other end name it; a restart makes a new one. */
const char *so_peer_ufrag(const so_peer *peer);
/* Has ICE validated this address of the other end, so that more than checks is taken from it? */
bool so_peer_counts(const so_peer *peer, const so_address *local, const so_address *remote);
/* Where what is sent goes from at the moment; false: there is no path. */
bool so_peer_path_from(const so_peer *peer, so_address *base) SO_MUST_CHECK;
so_status so_peer_add_stun_server(so_peer *peer, so_msec now, const so_address *server) SO_MUST_CHECK;
/* All bases and servers are there: the end of candidates can be told once the servers have answered. */
void so_peer_no_more_bases(so_peer *peer, so_msec now);

typedef enum so_relay_way { SO_RELAY_UDP, SO_RELAY_TCP, SO_RELAY_TLS } so_relay_way;

/* Bytes of a user name, and of a credential. */
#define SO_RELAY_TEXT_MAX 255

/* A TURN server (RFC 8656), and what it knows us by. Strings are copied; the credential is a secret. */
typedef struct so_relay_server {
    so_relay_way way;
    so_address address; /* of SO_RELAY_UDP: it is asked from every base of its family */
    unsigned stream;    /* of the others: a number, not 0, for the connection that the caller makes to the server */
    const char *username, *credential;
} so_relay_server;

/*
 * What goes wrong with it later is an event. SO_BAD_INPUT: no user name or credential, or too long ones. SO_TOO_LONG:
 * there are SO_ICE_MAX_SERVERS of UDP, or SO_ICE_MAX_RELAYS in all.
 */
so_status so_peer_add_relay_server(so_peer *peer, so_msec now, const so_relay_server *server) SO_MUST_CHECK;
/* The connection of that number is there, for TLS with the certificate checked; it broke, or was refused. */
void so_peer_stream_opened(so_peer *peer, so_msec now, unsigned stream);
void so_peer_stream_closed(so_peer *peer, so_msec now, unsigned stream, const char *code, const so_error *why);
/* Bytes of it. Takes one message at most and returns how many bytes that were: drain, and give the rest. */
size_t so_peer_stream_receive(so_peer *peer, so_msec now, unsigned stream, const uint8_t *bytes, size_t len);
/* Is there a relay, or one that may still come? */
bool so_peer_has_relay(const so_peer *peer);
/* Is the stream of that number still of use? */
bool so_peer_wants_stream(const so_peer *peer, unsigned stream);

/* ---- Tracks ---- */

/*
 * A way for one kind of media, audio or video. stream and track are the names that the other end sees (msid), static
 * strings. The first one of a kind is tied to the other end's first m-line of it. *index names it from now on.
 * SO_BAD_INPUT: of a kind that the abilities do not have; SO_TOO_LONG: there are too many.
 */
so_status so_peer_add_track(so_peer *peer, so_sdp_kind kind, so_sdp_direction direction, const char *stream,
                            const char *track, size_t *index) SO_MUST_CHECK;
void so_peer_direct_track(so_peer *peer, size_t index, so_sdp_direction direction);
/* Its m-line is rejected from the next description on. */
void so_peer_stop_track(so_peer *peer, size_t index);

/* The i-th codec that both ends have for a track, the other end's favourite first; NULL: there are no more. */
const so_sdp_ability *so_peer_codec(const so_peer *peer, size_t track, size_t i);

/* The one of that name, in any case; of H.264's modes the one that cuts pictures up. NULL: not both ends have it. */
const so_sdp_ability *so_peer_codec_named(const so_peer *peer, size_t track, const char *name);

/* One encoded frame: sound as its codec wants it in one packet, or a picture (rtp/payload.h says in which form). */
typedef struct so_peer_frame {
    const uint8_t *bytes;
    size_t len;
    uint32_t time;               /* media time in units of the codec's clock, from any beginning */
    const so_sdp_ability *codec; /* one of so_peer_codec; NULL, to send: the first of them */
    bool marker;                 /* sound: the first one after silence (RFC 7587 §4.2) */
    bool level_known, voice;     /* sound */
    uint8_t level;               /* RFC 6464: -dBov, 0 to 127 */
    bool key;                    /* received: needs none before it */
} so_peer_frame;

/* Asks the other end for a key frame, at the next tick. */
void so_peer_want_key(so_peer *peer, size_t track);

/*
 * Makes packets of it, which so_peer_transmit then has: of sound at once, of video at a pace that the path bears.
 * SO_STATE: not open, or the other end does not want this track, or not this codec. SO_NOT_FOUND: no path at the
 * moment, the frame is gone; SO_TOO_LONG: over SO_PEER_FRAME_MAX or SO_PEER_VIDEO_MAX, or too much waits already: the
 * frame is left out, and of video so is all that comes before the next key frame.
 */
so_status so_peer_send(so_peer *peer, so_msec now, size_t track, const so_peer_frame *frame) SO_MUST_CHECK;
/* A picture was not even given to it: what refers to it is left out too, and a key frame is wanted. */
void so_peer_left_out(so_peer *peer, size_t track);

/* ---- Data channels (RFC 8831) ---- */

/* An m-line for them, if the other end's offer does not bring one; after the tracks. SO_TOO_LONG: too many m-lines. */
so_status so_peer_add_data(so_peer *peer) SO_MUST_CHECK;
/*
 * Opens a channel; what a channel is, and its errors, as for so_sctp_open_channel. Before SO_PEER_DATA says
 * SO_SCTP_CONNECTED only negotiated ones, of which eight may be opened that early: so nothing of the other end's is
 * missed. Else SO_STATE.
 */
so_status so_peer_open_channel(so_peer *peer, so_msec now, const so_sctp_channel *channel, uint16_t *id) SO_MUST_CHECK;
/* As so_sctp_send, and SO_STATE where there is no association. */
so_status so_peer_send_message(so_peer *peer, so_msec now, uint16_t channel, bool text, so_slice message) SO_MUST_CHECK;
size_t so_peer_buffered(const so_peer *peer, uint16_t channel);
void so_peer_set_low_mark(so_peer *peer, uint16_t channel, size_t bytes);
void so_peer_close_channel(so_peer *peer, so_msec now, uint16_t channel);
/* The longest message that the other end takes; 0: it has no data channels, or that is not known yet. */
size_t so_peer_message_max(const so_peer *peer);
/* After SO_SCTP_ENDED: why. */
const so_error *so_peer_data_error(const so_peer *peer);

/* ---- Descriptions. What fails for the other end's sake ends the peer (SO_PEER_FAILED). ---- */

/* Writes our offer and a final zero. Only where none is outstanding. */
so_status so_peer_offer(so_peer *peer, so_msec now, char *sdp, size_t cap, so_error *err) SO_MUST_CHECK;
so_status so_peer_answer(so_peer *peer, so_msec now, char *sdp, size_t cap, so_error *err) SO_MUST_CHECK;
/* The other end's. After an offer with !taken->ignored, so_peer_answer is due. */
so_status so_peer_take(so_peer *peer, so_msec now, so_sdp_type type, const char *sdp, size_t len, so_sdp_taken *taken,
                       so_error *err) SO_MUST_CHECK;
so_status so_peer_rollback(so_peer *peer) SO_MUST_CHECK;
void so_peer_set_polite(so_peer *peer, bool polite);
/*
 * A candidate line of the other end ("candidate:..."; "" ends them). ufrag: which description it belongs to, or NULL.
 * What is of no use (mDNS names, TCP, another ufrag) is SO_OK and ignored; SO_BAD_INPUT: no candidate at all.
 */
so_status so_peer_add_candidate(so_peer *peer, so_msec now, const char *line, const char *ufrag) SO_MUST_CHECK;
/* The next offer looks for new paths; keys stay, and media goes on over the old path meanwhile. */
so_status so_peer_restart_ice(so_peer *peer, so_msec now) SO_MUST_CHECK;
bool so_peer_had_remote(const so_peer *peer);
so_sdp_state so_peer_signaling(const so_peer *peer);

/* ---- Driving ---- */

/* One datagram that came to base `local`. bytes are decrypted in place. */
void so_peer_receive(so_peer *peer, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                     size_t len);
void so_peer_tick(so_peer *peer, so_msec now);
/* When to tick at the latest; UINT64_MAX: never. */
so_msec so_peer_deadline(const so_peer *peer, so_msec now);

typedef struct so_datagram {
    unsigned stream; /* not 0: bytes for that connection, and no datagram */
    so_address local, remote;
    const uint8_t *bytes; /* until the next call */
    size_t len;
} so_datagram;

bool so_peer_transmit(so_peer *peer, so_msec now, so_datagram *out) SO_MUST_CHECK;

typedef enum so_peer_event_kind {
    SO_PEER_STATE_CHANGED, /* so_peer_state_of */
    SO_PEER_ICE_CHANGED,   /* so_peer_ice: the path came, went or came back */
    SO_PEER_NEGOTIATE,     /* this end has something to say in a new offer */
    SO_PEER_CANDIDATE,     /* of this end, to be signaled */
    SO_PEER_TRACK,         /* the other end sends on this track from now on, or no longer */
    SO_PEER_FRAME,         /* a frame of the other end */
    SO_PEER_WANT_KEY,      /* the other end needs a key frame on this track (RFC 4585 §6.3.1, RFC 5104 §4.3.1) */
    SO_PEER_RATE,          /* rate: what pictures may take of the path from now on */
    SO_PEER_TRACK_BYE,     /* RTCP BYE */
    SO_PEER_RELAY_FAILED,  /* a TURN server is not used */
    SO_PEER_DATA,          /* data: of a channel, or of all of them. SO_SCTP_ENDED: the rest of the call goes on */
} so_peer_event_kind;

typedef struct so_peer_event {
    so_peer_event_kind kind;
    size_t track;
    bool receiving; /* SO_PEER_TRACK */
    uint64_t rate;  /* SO_PEER_RATE: bits a second */
    /* SO_PEER_CANDIDATE: "" ends them */
    char candidate[SO_PEER_CANDIDATE_MAX];
    const char *mid, *ufrag;
    /* SO_PEER_FRAME */
    so_peer_frame frame; /* time as the other end counts; bytes until the next call */
    uint16_t seq;        /* of sound */
    unsigned lost;       /* packets given up just before this one */
    uint64_t wall; /* when it was taken, Unix milliseconds by the other end's clock (RFC 3550 §6.4.1); 0: not known */
    /* SO_PEER_RELAY_FAILED: as of so_turn_failure; until the next call */
    const char *relay_code;
    const so_error *relay_error;
    const so_sctp_event *data; /* SO_PEER_DATA: until the next call */
} so_peer_event;

bool so_peer_event_next(so_peer *peer, so_msec now, so_peer_event *out) SO_MUST_CHECK;

/* ---- What is so ---- */

so_peer_state so_peer_state_of(const so_peer *peer);
so_ice_state so_peer_ice(const so_peer *peer);

/* Why it failed. code: "fingerprint-mismatch", "sdes", ... as docs/protocol.md and the page have it. */
typedef struct so_peer_failure {
    so_door door;
    const char *code;
    so_error error;
} so_peer_failure;
/* NULL: it did not. */
const so_peer_failure *so_peer_failure_of(const so_peer *peer);

/* Everything that a report needs. Strings live as long as the peer. */
typedef struct so_peer_facts {
    so_fingerprint mine, signaled, seen; /* hash NONE: not known yet */
    so_fingerprint seen_sha256;          /* the same certificate as seen, whatever hash was signaled */
    const char *dtls_version, *dtls_cipher, *dtls_group, *srtp_profile; /* NULL: not known yet */
    bool dtls_client;
    const char *local_kind, *remote_kind; /* of the path's candidates: "host", "srflx", "prflx", "relay"; NULL: none */
    bool relayed;
    so_address local, remote; /* of the path: for a user who asked, and for no log */
    const char *relay_way;    /* this end's way to its relay: "udp", "tcp", "tls"; NULL: it uses none */
    so_srtp_counts sent, received;
    uint64_t stray; /* datagrams from addresses that do not count, or that are of no protocol here */
    bool round_trip_known;
    uint32_t round_trip_us; /* by RTCP */
    uint8_t fraction_lost;  /* of what we send, as the other end last said, in 1/256 */
} so_peer_facts;
void so_peer_facts_of(const so_peer *peer, so_peer_facts *out);

typedef struct so_track_facts {
    bool sending, receiving;
    const char *codec;                   /* "opus": the first one agreed on; NULL: none */
    uint64_t sent, received;             /* packets */
    uint64_t bytes_sent, bytes_received; /* of their payload */
    uint64_t lost, late, duplicate;
    uint64_t frames, frames_dropped;                /* received; dropped: for want of what they refer to */
    uint64_t repaired;                              /* packets that came again */
    uint64_t sent_again;                            /* packets that went again */
    uint64_t keys_asked;                            /* key frames that were asked for */
    uint32_t jitter;                                /* in units of the codec's clock */
    const char *mid, *remote_stream, *remote_track; /* NULL: not said */
} so_track_facts;
/* false: no such track. */
bool so_peer_track_facts(const so_peer *peer, size_t track, so_track_facts *out);

#endif
