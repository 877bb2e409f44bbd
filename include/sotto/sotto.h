/*
 * libsotto: calls that nobody but the two people on them can hear or change.
 *
 * Two ways in. A sotto_call joins a call by its invitation link, over sockets of its own: the server's certificate
 * checked, everything said sealed end to end. A sotto_peer is the media end alone, for who has signaling of their own:
 * it makes no system call, reads no clock, and is driven by its caller. In both no media leaves before the other end's
 * certificate has been held to its fingerprint (RFC 8827 §6.5); there is no mode without encryption, and no switch that
 * makes one.
 *
 * Threads: an engine and all that was made with it belong to one thread. Two threads have two engines.
 * Errors: functions that can fail return a status that must be looked at; where a person will read it, sotto_error says
 * in one sentence what failed, why, and what to do. Pointers to errors may be NULL. Time: milliseconds on any clock
 * that never goes back. Media: encoded frames, in and out; encoding and decoding are the program's.
 */
#ifndef SOTTO_SOTTO_H
#define SOTTO_SOTTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SOTTO_API __attribute__((visibility("default")))
#define SOTTO_MUST_CHECK __attribute__((warn_unused_result))

typedef enum sotto_status {
    SOTTO_OK = 0,
    SOTTO_NO_MEMORY,
    SOTTO_BAD_INPUT, /* bytes or arguments that are not what they must be */
    SOTTO_TOO_LONG,  /* does not fit a buffer, or a limit; or drain first */
    SOTTO_NOT_FOUND,
    SOTTO_REFUSED, /* well-formed, and refused for a security reason */
    SOTTO_IO,
    SOTTO_CRYPTO,
    SOTTO_STATE, /* called in a state in which it can't be */
} sotto_status;

typedef struct sotto_error {
    sotto_status status;
    const char *layer; /* "fingerprints", "certificate", "seal", ...; static */
    char text[400];
} sotto_error;

/* "0.1.0"; static. */
SOTTO_API const char *sotto_version(void);

/* ---- What one thread shares ---- */

typedef struct sotto_engine sotto_engine;

/*
 * Ciphers, an event loop, and whom to trust: ca_file is a PEM file of certificate authorities, or NULL for the system's
 * store. There is no way to trust everybody.
 */
SOTTO_API sotto_status sotto_engine_new(sotto_engine **engine, const char *ca_file,
                                        sotto_error *error) SOTTO_MUST_CHECK;
/* After all its peers and calls are freed; waits for the farewells of such calls. NULL is allowed. */
SOTTO_API void sotto_engine_free(sotto_engine *engine);

/*
 * Runs the calls of this engine until all have ended. A connection that breaks raises no SIGPIPE in the program: while
 * the library runs, also while it calls back, that signal is blocked in the thread.
 */
SOTTO_API void sotto_engine_run(sotto_engine *engine);
/*
 * The same within an event loop of the caller's own: wait until the descriptor is readable or so many milliseconds have
 * passed (-1: only the descriptor counts), then take a turn; again, until sotto_engine_turn answers false.
 */
SOTTO_API int sotto_engine_fd(const sotto_engine *engine);
SOTTO_API int sotto_engine_timeout(const sotto_engine *engine);
SOTTO_API bool sotto_engine_turn(sotto_engine *engine);

typedef enum sotto_codec {
    SOTTO_OPUS, /* one packet of RFC 6716; RFC 7587 */
    SOTTO_PCMU, /* bytes of G.711; RFC 3551 §4.5.14 */
    SOTTO_PCMA,
    SOTTO_VP8,  /* one frame of RFC 6386; RFC 7741 */
    SOTTO_H264, /* one access unit with start codes (H.264, Annex B), Constrained Baseline; RFC 6184 */
} sotto_codec;

/* A set of codecs has the bit SOTTO_CODEC(...) of each. */
#define SOTTO_CODEC(codec) (1u << (codec))

/* One encoded frame of sound or of a picture. Begin it with all zero: codec 0 is Opus. */
typedef struct sotto_frame {
    const uint8_t *bytes;
    size_t len;    /* to send: of sound at most 1,100, of a picture 524,288 */
    uint32_t time; /* 48 kHz of Opus, 8 kHz of G.711, 90 kHz of pictures, from any beginning: of what is sent the
                      caller's, of what is received the sender's */
    unsigned lost; /* of what is received: packets that were given up just before it */
    sotto_codec codec;
    bool key; /* of a received picture: it needs none before it */
} sotto_frame;

/* ---- Data channels (RFC 8831) ---- */

/* The longest message, in bytes, that is taken, and sent where the other end takes it (RFC 8841 §6). */
#define SOTTO_MESSAGE_MAX 262144

/* What is not reliable may get lost; only a message of more than about 1,000 bytes comes whole once it is under way. */
typedef enum sotto_reliability {
    SOTTO_RELIABLE,
    SOTTO_RESENT_SO_OFTEN, /* limit: how many times a piece is sent again */
    SOTTO_RESENT_SO_LONG,  /* limit: for how many milliseconds a message is of use */
} sotto_reliability;

/* A channel to be opened. Begin it with all zero: ordered and reliable. Strings are copied. */
typedef struct sotto_channel {
    const char *label, *protocol; /* at most 1,024 bytes each; NULL: none */
    bool unordered;
    sotto_reliability reliability;
    uint32_t limit;
    bool negotiated; /* both ends open it by themselves, with this id: */
    uint16_t id;     /* below 256 */
} sotto_channel;

typedef enum sotto_data_kind {
    SOTTO_DATA_READY,        /* channels can be opened from now on */
    SOTTO_DATA_OPENED,       /* by the other end: channel, label, protocol */
    SOTTO_DATA_MESSAGE,      /* channel, text, bytes */
    SOTTO_DATA_BUFFERED_LOW, /* what waits in the channel is down to its mark */
    SOTTO_DATA_CLOSED,       /* the channel is gone, and its id free */
    SOTTO_DATA_ENDED,        /* the last one: no data channels any more, while media goes on */
} sotto_data_kind;

/* What happened in a channel. Pointers live until the next call for this peer, or until on_data returns. */
typedef struct sotto_data {
    sotto_data_kind kind;
    uint16_t channel;
    bool text; /* as the sender says; nobody looked whether it is UTF-8 */
    const uint8_t *bytes;
    size_t len;
    const char *label, *protocol; /* without a final zero */
    size_t label_len, protocol_len;
} sotto_data;

/* ---- Invitation links ---- */

/* Room for any link, with its final zero. */
#define SOTTO_LINK_MAX 328

/*
 * A fresh link to the server at url (https://host[:port]): a secret, of which the server never hears. SOTTO_TOO_LONG:
 * it does not fit, and nothing of it is left in the buffer. SOTTO_BAD_INPUT: url is not such an address.
 */
SOTTO_API sotto_status sotto_link_make(char *link, size_t cap, const char *url, sotto_error *error) SOTTO_MUST_CHECK;
/* Is it whole, as sotto_call_join wants it? SOTTO_BAD_INPUT: no, or it is none. Nobody is asked. */
SOTTO_API sotto_status sotto_link_check(const char *link, sotto_error *error) SOTTO_MUST_CHECK;

/* ---- Who is at the other end (docs/protocol.md, sections 6 to 8) ---- */

/* Room for the PEM of an identity; characters of a key's name, its JWK thumbprint (RFC 7638). */
#define SOTTO_IDENTITY_MAX 1024
#define SOTTO_KEY_LEN 43

/* A key by which others recognise this end: PEM with a final zero, a secret for the program to keep. */
SOTTO_API sotto_status sotto_identity_make(char *pem, size_t cap, sotto_error *error) SOTTO_MUST_CHECK;
/* What others know it by; no secret. SOTTO_BAD_INPUT: it is no P-256 key. */
SOTTO_API sotto_status sotto_identity_key(char key[SOTTO_KEY_LEN + 1], const char *pem,
                                          sotto_error *error) SOTTO_MUST_CHECK;

typedef struct sotto_person {
    /* What two people compare: four pictures (UTF-8) with their names, and four words to be read aloud. Static. */
    bool has_string;
    const char *pictures[4], *names[4], *words[4];
    bool compared;               /* a person of this end said that it is the same */
    bool settled;                /* the other end introduced itself, or did not for ten seconds */
    char key[SOTTO_KEY_LEN + 1]; /* its key; "": it showed none */
    bool expected;               /* it is expect_key */
} sotto_person;

/* ---- A call by invitation ---- */

typedef struct sotto_call sotto_call;

typedef enum sotto_call_state {
    SOTTO_CALL_CONNECTING,
    SOTTO_CALL_WAITING, /* nobody else is here (yet, or any more) */
    SOTTO_CALL_OPEN,    /* every check has held: media flows */
    SOTTO_CALL_ENDED,
    SOTTO_CALL_FAILED,
} sotto_call_state;

/* Room for the JSON of any report. */
#define SOTTO_REPORT_MAX 524288

typedef struct sotto_call_options {
    const char *link;       /* https://host[:port]/#secret; not kept, and a secret */
    const char *connect_to; /* a name or address in the place of the link's host, or NULL */
    bool sends, receives;   /* sound */
    bool shows, sees;       /* a picture */
    unsigned codecs;        /* those that this end may send and can take; 0: Opus, and VP8 where it shows or sees */
    bool loopback;          /* loopback addresses take part too */
    bool relay_only;        /* through the server's relay (TURN) alone: the other end learns no address of this one */
    const char *identity;   /* as sotto_identity_make makes it, not kept; NULL: this end does not introduce itself */
    const char *expect_key; /* whom to expect, not kept: with anybody else the call fails ("identity-alarm"), before
                               anything of media has gone either way. NULL: whoever has the link */
    bool compare_first;     /* the call is not open before sotto_call_compare said so */
    const char *policy;     /* what the call must have, as JSON (docs/policy.md), not kept; the stricter of this and the
                               server's is in force. What can't be met fails with "policy-...". NULL: the default */
    bool report_addresses;  /* sotto_call_report has the addresses of the path; else none */
    bool records;           /* what comes is written to a file or handed on: a policy may forbid that */
    void *user;
    /* Called from within sotto_engine_run and sotto_engine_turn; each may be NULL. reason: a word such as "hangup",
     * "certificate-refused" or "fingerprint-mismatch" (docs/protocol.md), or "". */
    void (*on_state)(void *user, sotto_call *call, sotto_call_state state, const char *reason);
    /* frame->bytes live for the call of this function, within which sotto_call_send may be called. */
    void (*on_frame)(void *user, sotto_call *call, const sotto_frame *frame);
    /* The other end needs a key frame of our picture (PLI, RFC 4585 §6.3.1; FIR, RFC 5104 §4.3.1). */
    void (*on_key_wanted)(void *user, sotto_call *call);
    /* What our picture may take of the path from now on, bits a second. */
    void (*on_rate)(void *user, sotto_call *call, uint64_t rate);
    /* Of data channels: SOTTO_DATA_READY when the call is open and the other end has them, then what they bring. */
    void (*on_data)(void *user, sotto_call *call, const sotto_data *data);
    /* More is known of who is there. */
    void (*on_person)(void *user, sotto_call *call, const sotto_person *person);
} sotto_call_options;

/* Begins to join; what comes of it is told by on_state. */
SOTTO_API sotto_status sotto_call_join(sotto_call **call, sotto_engine *engine, const sotto_call_options *options,
                                       sotto_error *error) SOTTO_MUST_CHECK;
/*
 * SOTTO_STATE: the call is not open, or the other end does not want it, or not in this codec. SOTTO_NOT_FOUND: there is
 * no path at the moment, and the frame is gone. SOTTO_TOO_LONG: it is too long, or too much waits already; of a picture
 * all is left out then before the next key frame: make one.
 */
SOTTO_API sotto_status sotto_call_send(sotto_call *call, const sotto_frame *frame) SOTTO_MUST_CHECK;
/* Have both ends that codec? Asked when the call is open; a call without a picture has no codec of one. */
SOTTO_API bool sotto_call_takes(const sotto_call *call, sotto_codec codec);
/* Asks the other end for a key frame of its picture: after frame->lost, or when a decoder begins. */
SOTTO_API void sotto_call_want_key(sotto_call *call);
/*
 * Data channels of a call, from SOTTO_DATA_READY on. *id names the channel from now on. Every call has one channel of
 * number 1 for lines of text, which pages and `sotto call --chat` show (docs/protocol.md, section 5); number 0 is the
 * library's own. SOTTO_STATE: there are none, or no more. SOTTO_TOO_LONG: there are 64. SOTTO_BAD_INPUT: a name that is
 * too long, or an id in use.
 */
SOTTO_API sotto_status sotto_call_open_channel(sotto_call *call, const sotto_channel *channel,
                                               uint16_t *id) SOTTO_MUST_CHECK;
/*
 * A message, which may be empty. SOTTO_TOO_LONG: 4 MiB wait already; nothing of it is kept, wait for
 * SOTTO_DATA_BUFFERED_LOW. SOTTO_BAD_INPUT: longer than the other end takes. SOTTO_NOT_FOUND: no such channel.
 */
SOTTO_API sotto_status sotto_call_send_message(sotto_call *call, uint16_t channel, bool text, const void *bytes,
                                               size_t len) SOTTO_MUST_CHECK;
/* Bytes that wait in a channel, and the mark below which that is told; 0 at first. */
SOTTO_API size_t sotto_call_buffered(sotto_call *call, uint16_t channel);
SOTTO_API void sotto_call_set_low_mark(sotto_call *call, uint16_t channel, size_t bytes);
/* When what waits is sent; what still comes in is dropped, and SOTTO_DATA_CLOSED follows. */
SOTTO_API void sotto_call_close_channel(sotto_call *call, uint16_t channel);

/* People compared what sotto_person has. Different: the call fails ("sas-different"). */
SOTTO_API void sotto_call_compare(sotto_call *call, bool same);

/* In mid-call: what is sent and received from now on; the other end is told. */
SOTTO_API void sotto_call_direct_audio(sotto_call *call, bool sends, bool receives);
/* The same of the picture. SOTTO_STATE: the call began without a picture and can't have one. */
SOTTO_API sotto_status sotto_call_direct_video(sotto_call *call, bool shows, bool sees) SOTTO_MUST_CHECK;
/* Says goodbye; SOTTO_CALL_ENDED follows. */
SOTTO_API void sotto_call_hang_up(sotto_call *call);
/* What was verified so far, and how, as JSON with a final zero: the file of `sotto call --report`, signed with the
 * identity (docs/report.md). No address is in it unless report_addresses
 * asked for them. SOTTO_TOO_LONG: SOTTO_REPORT_MAX is always enough. */
SOTTO_API sotto_status sotto_call_report(sotto_call *call, char *json, size_t cap) SOTTO_MUST_CHECK;
/*
 * At any time, also within a callback of this very call: nothing of it is called any more. A call that goes on says
 * goodbye first; the engine sees to that in its next turns, or when it is freed. NULL is allowed.
 */
SOTTO_API void sotto_call_free(sotto_call *call);

/* ---- The media end alone: JSEP (RFC 9429) without I/O ---- */

typedef struct sotto_peer sotto_peer;

typedef struct sotto_address {
    uint8_t family; /* 4 or 6 */
    uint8_t ip[16]; /* network order, the first 4 bytes of IPv4 */
    uint16_t port;
} sotto_address;

/* ip: "192.0.2.1" or "2001:db8::1". */
SOTTO_API sotto_status sotto_address_parse(sotto_address *address, const char *ip, uint16_t port) SOTTO_MUST_CHECK;

typedef enum sotto_peer_state {
    SOTTO_PEER_AWAITS_REMOTE, /* the other end's description */
    SOTTO_PEER_AWAITS_PATH,
    SOTTO_PEER_AWAITS_HANDSHAKE,
    SOTTO_PEER_OPEN, /* fingerprint checked, keys there */
    SOTTO_PEER_CLOSED,
    SOTTO_PEER_FAILED, /* sotto_peer_error */
} sotto_peer_state;

typedef struct sotto_peer_options {
    uint64_t now, unix_ms; /* the time, and the wall clock then (milliseconds since 1970) */
    bool polite;           /* gives way when both ends offer at once; exactly one of the two does */
    unsigned codecs;       /* those that this end may send and can take; 0: Opus */
} sotto_peer_options;

/* SOTTO_BAD_INPUT: there is none among the codecs that is known here. */
SOTTO_API sotto_status sotto_peer_new(sotto_peer **peer, sotto_engine *engine, const sotto_peer_options *options,
                                      sotto_error *error) SOTTO_MUST_CHECK;
/* Wipes every key. NULL is allowed. */
SOTTO_API void sotto_peer_free(sotto_peer *peer);
/* Drain sotto_peer_transmit once more after it. */
SOTTO_API void sotto_peer_close(sotto_peer *peer, uint64_t now);

/* A UDP socket of this end, bound to an address that others can reach; candidates of it follow as events.
 * SOTTO_BAD_INPUT: not the address of one host and port. SOTTO_TOO_LONG: more sockets than a peer has room for.
 * SOTTO_STATE: the peer is over. */
SOTTO_API sotto_status sotto_peer_add_socket(sotto_peer *peer, uint64_t now,
                                             const sotto_address *address) SOTTO_MUST_CHECK;
/* A STUN server, which tells each socket what its address looks like from outside; before or after the sockets. Errors
 * as sotto_peer_add_socket has them. */
SOTTO_API sotto_status sotto_peer_add_stun_server(sotto_peer *peer, uint64_t now,
                                                  const sotto_address *server) SOTTO_MUST_CHECK;
/*
 * A TURN server (RFC 8656) that is reached over UDP, and what it knows us by: candidates of the kind "relay" follow,
 * and what goes over them leaves wrapped, from the same sockets. Over TCP and TLS a sotto_call has relays; a peer has
 * none. Strings are copied. SOTTO_BAD_INPUT: none, or one over 255 bytes.
 */
SOTTO_API sotto_status sotto_peer_add_turn_server(sotto_peer *peer, uint64_t now, const sotto_address *server,
                                                  const char *username, const char *credential) SOTTO_MUST_CHECK;
/* All sockets were added: only with this can the other end learn that it has seen every candidate. */
SOTTO_API void sotto_peer_no_more_sockets(sotto_peer *peer, uint64_t now);
/* Before the first description: sound is sent, received, or both. SOTTO_STATE: there is sound already. */
SOTTO_API sotto_status sotto_peer_add_audio(sotto_peer *peer, bool sends, bool receives) SOTTO_MUST_CHECK;

/* In mid-call: sound is sent, received, both or neither from now on; SOTTO_EVENT_OFFER_DUE follows, where the other end
 * must hear of it. SOTTO_STATE: there is no sound. */
SOTTO_API sotto_status sotto_peer_direct_audio(sotto_peer *peer, bool sends, bool receives) SOTTO_MUST_CHECK;

/*
 * The same of a picture. It may be added in mid-call as well: SOTTO_EVENT_OFFER_DUE follows. SOTTO_BAD_INPUT: among the
 * peer's codecs is none of pictures. SOTTO_STATE: there is a picture already; to direct it: there is none.
 */
SOTTO_API sotto_status sotto_peer_add_video(sotto_peer *peer, bool shows, bool sees) SOTTO_MUST_CHECK;
SOTTO_API sotto_status sotto_peer_direct_video(sotto_peer *peer, bool shows, bool sees) SOTTO_MUST_CHECK;

/*
 * Data channels; the other end's offer brings them too. SOTTO_EVENT_DATA with SOTTO_DATA_READY follows when both ends
 * have them and the peer is open. SOTTO_TOO_LONG: too many m-lines.
 */
SOTTO_API sotto_status sotto_peer_add_data(sotto_peer *peer) SOTTO_MUST_CHECK;
/* As sotto_call_open_channel and its neighbours. Negotiated ones, at most eight, may be opened before
 * SOTTO_DATA_READY, so that nothing of the other end's is missed. */
SOTTO_API sotto_status sotto_peer_open_channel(sotto_peer *peer, uint64_t now, const sotto_channel *channel,
                                               uint16_t *id) SOTTO_MUST_CHECK;
SOTTO_API sotto_status sotto_peer_send_message(sotto_peer *peer, uint64_t now, uint16_t channel, bool text,
                                               const void *bytes, size_t len) SOTTO_MUST_CHECK;
SOTTO_API size_t sotto_peer_buffered(sotto_peer *peer, uint16_t channel);
SOTTO_API void sotto_peer_set_low_mark(sotto_peer *peer, uint16_t channel, size_t bytes);
SOTTO_API void sotto_peer_close_channel(sotto_peer *peer, uint64_t now, uint16_t channel);
/* The longest message that the other end takes; 0: that is not known yet, or it has no data channels. */
SOTTO_API size_t sotto_peer_message_max(sotto_peer *peer);

/* Room for any description that this end writes. */
#define SOTTO_SDP_MAX 16384

/* Our offer or answer, with a final zero. SOTTO_TOO_LONG: cap is too small. SOTTO_STATE: it is not our turn; an offer
 * or answer is outstanding, or none came to answer. */
SOTTO_API sotto_status sotto_peer_offer(sotto_peer *peer, uint64_t now, char *sdp, size_t cap,
                                        sotto_error *error) SOTTO_MUST_CHECK;
SOTTO_API sotto_status sotto_peer_answer(sotto_peer *peer, uint64_t now, char *sdp, size_t cap,
                                         sotto_error *error) SOTTO_MUST_CHECK;
/* The other end's, with a final zero. *answer_due: call sotto_peer_answer (not so where this end ignores an offer that
 * crossed its own). SOTTO_BAD_INPUT, SOTTO_TOO_LONG: no description, or one over a limit. SOTTO_REFUSED: against a rule
 * of security, which ends the peer. SOTTO_STATE: not their turn. */
SOTTO_API sotto_status sotto_peer_take_offer(sotto_peer *peer, uint64_t now, const char *sdp, bool *answer_due,
                                             sotto_error *error) SOTTO_MUST_CHECK;
SOTTO_API sotto_status sotto_peer_take_answer(sotto_peer *peer, uint64_t now, const char *sdp,
                                              sotto_error *error) SOTTO_MUST_CHECK;
/* "candidate:..."; "" ends them. ufrag: of the description that it belongs to, or NULL. */
SOTTO_API sotto_status sotto_peer_add_candidate(sotto_peer *peer, uint64_t now, const char *candidate,
                                                const char *ufrag) SOTTO_MUST_CHECK;
/* The next offer looks for a new path; keys and sound go on meanwhile. SOTTO_STATE: the peer is over. */
SOTTO_API sotto_status sotto_peer_restart_ice(sotto_peer *peer, uint64_t now) SOTTO_MUST_CHECK;

/*
 * The one driving rule: one input (any function above, or one of these two); then sotto_peer_transmit and
 * sotto_peer_event until both answer false; then wait until sotto_peer_deadline (UINT64_MAX: never), for a datagram or
 * a tick.
 */
/* A datagram from remote to the socket `local`; its bytes are decrypted in place. */
SOTTO_API void sotto_peer_receive(sotto_peer *peer, uint64_t now, const sotto_address *local,
                                  const sotto_address *remote, uint8_t *bytes, size_t len);
SOTTO_API void sotto_peer_tick(sotto_peer *peer, uint64_t now);

typedef struct sotto_datagram {
    sotto_address local, remote;
    const uint8_t *bytes; /* until the next call */
    size_t len;
} sotto_datagram;

/* What goes out next, from the socket `local`. False: nothing at the moment. */
SOTTO_API bool sotto_peer_transmit(sotto_peer *peer, uint64_t now, sotto_datagram *out) SOTTO_MUST_CHECK;

typedef enum sotto_event_kind {
    SOTTO_EVENT_STATE,     /* sotto_peer_state_of */
    SOTTO_EVENT_CANDIDATE, /* of this end, to be told to the other */
    SOTTO_EVENT_OFFER_DUE, /* something changed that the other end must be told in an offer */
    SOTTO_EVENT_FRAME,
    SOTTO_EVENT_KEY_WANTED, /* as on_key_wanted of a call */
    SOTTO_EVENT_RATE,       /* rate: as on_rate of a call */
    SOTTO_EVENT_OTHER,      /* nothing that this version tells */
    SOTTO_EVENT_DATA,       /* data */
} sotto_event_kind;

typedef struct sotto_event {
    sotto_event_kind kind;
    const char *candidate, *mid, *ufrag; /* until the next call */
    sotto_frame frame;
    uint64_t rate; /* bits a second */
    sotto_data data;
} sotto_event;

/* What happened; false: nothing more. And when this end must be looked at again, whatever comes. */
SOTTO_API bool sotto_peer_event(sotto_peer *peer, uint64_t now, sotto_event *out) SOTTO_MUST_CHECK;
SOTTO_API uint64_t sotto_peer_deadline(const sotto_peer *peer, uint64_t now);

/* As sotto_call_send, sotto_call_takes and sotto_call_want_key. */
SOTTO_API sotto_status sotto_peer_send(sotto_peer *peer, uint64_t now, const sotto_frame *frame) SOTTO_MUST_CHECK;
SOTTO_API bool sotto_peer_takes(const sotto_peer *peer, sotto_codec codec);
SOTTO_API void sotto_peer_want_key(sotto_peer *peer);

/* What it waits for, or how it ended; it may be other after each input. */
SOTTO_API sotto_peer_state sotto_peer_state_of(const sotto_peer *peer);
/* Why it failed: the sentence, and in *code, which may be NULL, the word for it. NULL: it did not. Strings live as long
 * as the peer. */
SOTTO_API const char *sotto_peer_error(const sotto_peer *peer, const char **code);
/*
 * The same with its layer; and in *door, which may be NULL, which check failed: "fingerprints", "media" or "path"
 * (NULL: none of them, like a description that makes no sense). False: it did not fail.
 */
SOTTO_API bool sotto_peer_failure(const sotto_peer *peer, sotto_error *error, const char **door);

/* What was agreed on. Strings live as long as the peer; NULL: not known yet. */
typedef struct sotto_facts {
    char mine[208], theirs[208]; /* fingerprints, "sha-256 AB:CD:..."; theirs as seen in the handshake */
    bool equal;                  /* theirs is the one that came with the signaling */
    const char *dtls_version, *dtls_cipher, *srtp_profile;
} sotto_facts;
/* What is known of it in any state; it may be asked at any time, also after a failure. */
SOTTO_API void sotto_peer_facts(const sotto_peer *peer, sotto_facts *out);

#ifdef __cplusplus
}
#endif

#endif
