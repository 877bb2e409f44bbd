/*
 * Offers and answers built (RFC 3264, RFC 9429 §5), and what an offer and its answer came to. Pure functions over
 * parsed descriptions; sdp/state.h is the machine that calls them in the right order.
 */
#ifndef SOTTO_SDP_NEGOTIATE_H
#define SOTTO_SDP_NEGOTIATE_H

#include "sdp/sdp.h"

/* The most codecs, and the most extensions, of a table of abilities. */
#define SO_SDP_ABILITIES_MAX 32

/* A codec that this end can send and receive. Static data of the caller's. */
typedef struct so_sdp_ability {
    so_sdp_kind kind; /* audio or video */
    uint8_t type;     /* the payload type of our own offers, 0 to 127, unique in the table; answers keep the offer's */
    uint8_t channels;
    uint32_t clock; /* Hz */
    const char *name;
    const char *fmtp; /* what we say of our own receiving, with what must names; NULL: nothing */
    const char *must; /* parameters whose values both ends must say alike, or NULL: "packetization-mode;profile-id".
                         One that is not said counts as 0, which is the default of all that matter. */
    uint8_t repairs;  /* of rtx and red: the type of the ability that it repairs (RFC 4588 §8.6) or repeats (RFC 2198
                         §5), which its fmtp is written to say; 0: none */
    const char *const *feedback; /* "nack", "nack pli", ..., NULL; or NULL: none */
} so_sdp_ability;

typedef struct so_sdp_extension_ability {
    unsigned kinds; /* 1 << SO_SDP_AUDIO | 1 << SO_SDP_VIDEO */
    uint8_t id;     /* of our own offers, 1 to 14, unique in the table; answers keep the offer's */
    so_sdp_direction direction;
    const char *uri;
} so_sdp_extension_ability;

typedef struct so_sdp_abilities {
    const so_sdp_ability *codecs; /* best first */
    size_t codec_count;
    const so_sdp_extension_ability *extensions;
    size_t extension_count;
    uint16_t sctp_port;        /* 0: no data channels, and every application m-line is rejected */
    uint64_t max_message_size; /* that we take, in bytes */
} so_sdp_abilities;

#define SO_SDP_CHOICE_MAX 16

/* A part of so_sdp_video; abilities points into it, so it stays where it is. */
typedef struct so_sdp_choice {
    so_sdp_ability codecs[SO_SDP_CHOICE_MAX];
    so_sdp_abilities abilities;
} so_sdp_choice;

/* The codecs whose names are wanted, and what repairs or repeats those. */
void so_sdp_choose(so_sdp_choice *choice, bool (*wanted)(const void *user, const char *name), const void *user);

#define SO_SDP_URI_LEVEL "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
#define SO_SDP_URI_MID "urn:ietf:params:rtp-hdrext:sdes:mid"

#define SO_SDP_URI_SEND_TIME "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
#define SO_SDP_URI_TRANSPORT_CC "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"

/* Opus, audio level (RFC 6464) and mid (RFC 9143 §14): what a call by voice needs. */
extern const so_sdp_abilities so_sdp_voice;
/* The same, with G.711 and redundancy. */
extern const so_sdp_abilities so_sdp_sound;
/* And video: VP8, then H.264, with retransmission, and feedback about the path. */
extern const so_sdp_abilities so_sdp_video;

#define SO_SDP_NO_LINE ((size_t)SO_SDP_MEDIA_MAX)

/* One of our ends of an m-line. The strings are the caller's and outlive their use. */
typedef struct so_sdp_transceiver {
    so_sdp_kind kind;           /* audio, video or application */
    so_sdp_direction direction; /* that we want */
    bool stopped;               /* its m-line is rejected from the next description on */
    const char *stream, *track; /* msid; stream NULL: in none, track NULL: no msid */
    uint32_t ssrc;              /* that we send with; 0: none is announced */
    uint32_t rtx_ssrc;          /* of its retransmissions; 0: none */
    bool named;                 /* a description has named its sources */
    size_t line;                /* its m-line, counted from 0; SO_SDP_NO_LINE: none yet */
} so_sdp_transceiver;

/* What our own descriptions say of this end. */
typedef struct so_sdp_own {
    uint64_t session_id; /* random, below 2^63 (RFC 9429 §5.2.1) */
    uint64_t version;
    const char *ufrag, *pwd;
    const char *cname; /* RFC 7022; NULL: ssrcs are not announced */
    so_fingerprint fingerprint;
    so_sdp_setup role;             /* of answers: SO_SDP_ACTIVE or SO_SDP_PASSIVE */
    const char *const *candidates; /* "candidate:...", those gathered so far; trickled ones need not be here */
    size_t candidate_count;
    bool end_of_candidates;
} so_sdp_own;

typedef struct so_sdp_agreed_codec {
    const so_sdp_ability *ability;
    uint8_t send_type;    /* the payload type that the other end asked for */
    uint8_t receive_type; /* the one that we asked for */
    const char *fmtp;     /* the other end's: what it wants to receive; or NULL */
} so_sdp_agreed_codec;

typedef struct so_sdp_agreed_extension {
    const so_sdp_extension_ability *ability;
    uint8_t id;
    so_sdp_direction direction; /* ours */
} so_sdp_agreed_extension;

/* What offer and answer came to for one m-line. Views of the two descriptions. */
typedef struct so_sdp_agreed {
    so_sdp_kind kind;
    bool accepted;
    so_sdp_direction direction;                       /* ours: what we may send, and must be ready to receive */
    const char *mid;                                  /* NULL: none */
    so_sdp_agreed_codec codecs[SO_SDP_ABILITIES_MAX]; /* the other end's preference first */
    size_t codec_count;
    so_sdp_agreed_extension extensions[SO_SDP_ABILITIES_MAX];
    size_t extension_count;
    const so_sdp_media *local, *remote; /* remote->sources, ->stream, ->track, ->sctp_port, ... */
} so_sdp_agreed;

/*
 * An offer of count m-lines; lines[i] is the transceiver of m-line i, NULL: rejected. previous is the local description
 * that was agreed on last, or NULL: its m-lines keep their places, mids, payload types and extension ids.
 * SO_TOO_LONG, SO_NO_MEMORY; SO_BAD_INPUT: fewer lines than before.
 */
so_status so_sdp_write_offer(so_writer *w, const so_sdp_abilities *abilities, const so_sdp_own *own,
                             const so_sdp_transceiver *const *lines, size_t count,
                             const so_sdp *previous) SO_MUST_CHECK;

/* lines[i] is the transceiver of the offer's m-line i; NULL: rejected. */
so_status so_sdp_write_answer(so_writer *w, const so_sdp_abilities *abilities, const so_sdp_own *own,
                              const so_sdp_transceiver *const *lines, const so_sdp *offer) SO_MUST_CHECK;

/* Have we anything of this kind to offer? */
bool so_sdp_able(const so_sdp_abilities *abilities, so_sdp_kind kind);

/* Can this m-line of an offer be accepted: a kind that we have, and a codec in common? */
bool so_sdp_acceptable(const so_sdp_abilities *abilities, const so_sdp_media *offered);

/* The role that answers an offer (RFC 8842 §5.3): actpass and passive are answered active. */
so_sdp_setup so_sdp_answer_role(so_sdp_setup offered);

/* Does the answer fit the offer? The same m-lines, and no more than was offered. */
so_status so_sdp_check_answer(const so_sdp *offer, const so_sdp *answer, so_sdp_fault *fault,
                              so_error *err) SO_MUST_CHECK;
/* Does a later offer fit what was agreed? No m-line goes away; one that both ends have keeps its kind and its mid. */
so_status so_sdp_check_reoffer(const so_sdp *local, const so_sdp *remote, const so_sdp *offer, so_sdp_fault *fault,
                               so_error *err) SO_MUST_CHECK;

/* What m-line i came to; local and remote are an offer and its answer, whichever is which. */
void so_sdp_agree(so_sdp_agreed *agreed, const so_sdp_abilities *abilities, const so_sdp *local, const so_sdp *remote,
                  size_t i);

#endif
