/*
 * Session descriptions (RFC 8866) as browsers write and expect them (JSEP, RFC 9429). A description that was parsed has
 * passed every check below: there is no way to hold one that has not.
 *
 * Parsing takes one allocation, whose size the text alone decides; all strings are views of it, end with a zero, and
 * live until so_sdp_free. Nothing here knows what a candidate means: those stay text.
 */
#ifndef SOTTO_SDP_SDP_H
#define SOTTO_SDP_SDP_H

#include "base/bytes.h"
#include "crypto/fingerprint.h"

/* Limits; what goes over one is refused with a reason. Bytes of a description, and entries of one m-line. */
#define SO_SDP_MAX ((size_t)64 * 1024)
#define SO_SDP_MEDIA_MAX 32
#define SO_SDP_MID_MAX 64 /* characters; browsers write "0", "1", ... */
#define SO_SDP_CODECS_MAX 128
#define SO_SDP_FEEDBACK_MAX 256
#define SO_SDP_EXTENSIONS_MAX 64
#define SO_SDP_SOURCES_MAX 64
#define SO_SDP_GROUPS_MAX 32
#define SO_SDP_RIDS_MAX 32
#define SO_SDP_CANDIDATES_MAX 128
#define SO_SDP_GROUP_SOURCES_MAX 8
/* RFC 8839 §5.4: at least 4 and 22 characters, at most 256 */
#define SO_ICE_UFRAG_MIN 4
#define SO_ICE_PWD_MIN 22
#define SO_ICE_TEXT_MAX 256

/* Why a description was refused. The code of each is the word that ends, pages and reports use. */
typedef enum so_sdp_fault {
    SO_SDP_FINE = 0,
    SO_SDP_MALFORMED,           /* sdp-malformed */
    SO_SDP_TOO_LARGE,           /* sdp-too-large: a limit above */
    SO_SDP_SDES,                /* sdes: a=crypto or k=, keys in the open */
    SO_SDP_PROFILE,             /* profile: media without DTLS */
    SO_SDP_FINGERPRINT_MISSING, /* fingerprint-missing */
    SO_SDP_FINGERPRINT_WEAK,    /* fingerprint-weak: sha-1 or older alone */
    SO_SDP_FINGERPRINT_SEVERAL, /* fingerprint-several: two values of the strongest kind, or not the same everywhere */
    SO_SDP_FINGERPRINT_MALFORMED, /* fingerprint-malformed */
    SO_SDP_FINGERPRINT_CHANGED,   /* fingerprint-changed: another one than this connection began with */
    SO_SDP_NO_RTCP_MUX,           /* rtcp-mux-missing */
    SO_SDP_NO_BUNDLE,             /* bundle-missing: several m-lines that are not all in one group */
    SO_SDP_SETUP,                 /* setup: missing, or not what this type of description may say */
    SO_SDP_ICE,                   /* ice-credentials: missing, too short, too long, or with other characters */
    SO_SDP_MISMATCH,              /* answer-mismatch: an answer, or a later offer, that does not fit what it follows */
    SO_SDP_WRONG_STATE,           /* wrong-state: no such description was expected now */
} so_sdp_fault;

typedef enum so_sdp_type { SO_SDP_OFFER, SO_SDP_ANSWER } so_sdp_type;

typedef enum so_sdp_kind { SO_SDP_AUDIO, SO_SDP_VIDEO, SO_SDP_APPLICATION, SO_SDP_OTHER } so_sdp_kind;

/* One bit a way, so that directions intersect with &. */
typedef enum so_sdp_direction {
    SO_SDP_INACTIVE = 0,
    SO_SDP_SENDONLY = 1,
    SO_SDP_RECVONLY = 2,
    SO_SDP_SENDRECV = 3,
} so_sdp_direction;

/* RFC 4145 §4, RFC 8842 */
typedef enum so_sdp_setup { SO_SDP_NO_SETUP, SO_SDP_ACTPASS, SO_SDP_ACTIVE, SO_SDP_PASSIVE } so_sdp_setup;

typedef enum so_sdp_profile {
    SO_SDP_UNPROTECTED, /* whatever is not below: no description that was parsed has it */
    SO_SDP_SAVPF,       /* UDP/TLS/RTP/SAVPF */
    SO_SDP_SCTP,        /* UDP/DTLS/SCTP */
} so_sdp_profile;

typedef struct so_sdp_codec {
    uint8_t type;     /* payload type, 0 to 127 */
    uint8_t channels; /* 1 where none are said */
    uint32_t clock;   /* Hz; 0: no rtpmap, and no static type that is known here */
    const char *name; /* "opus"; "" as above. Names compare without case (RFC 8866 §6.6). */
    const char *fmtp; /* or NULL */
} so_sdp_codec;

typedef struct so_sdp_feedback {
    int type;         /* payload type; -1: all of the m-line ("*") */
    const char *what; /* "nack pli" */
} so_sdp_feedback;

typedef struct so_sdp_extension {
    uint8_t id; /* 1 to 255 */
    so_sdp_direction direction;
    const char *uri;
} so_sdp_extension;

typedef struct so_sdp_source {
    uint32_t ssrc;
    const char *cname;          /* or NULL, as the next two */
    const char *stream, *track; /* of the msid */
} so_sdp_source;

typedef struct so_sdp_group {
    const char *semantics; /* "FID" */
    uint32_t ssrcs[SO_SDP_GROUP_SOURCES_MAX];
    size_t count;
} so_sdp_group;

typedef struct so_sdp_rid {
    const char *id;
    bool send;
    const char *restrictions; /* or NULL */
} so_sdp_rid;

typedef struct so_sdp_media {
    so_sdp_kind kind;
    so_sdp_profile profile;
    const char *kind_name; /* "audio"; of an OTHER whatever was said */
    const char *protocol;  /* as it was said */
    const char *formats;   /* the rest of the m-line */
    uint16_t port;
    bool rejected;    /* port 0, and not bundle-only in an offer */
    bool bundle_only; /* offers alone */
    bool bundled;     /* in the BUNDLE group */
    const char *mid;  /* NULL: none */
    so_sdp_direction direction;
    bool rtcp_mux, rtcp_rsize;
    bool mixed;   /* extmap-allow-mixed, here or for the session (RFC 8285 §6) */
    bool cryptex; /* here or for the session (RFC 9335) */
    bool end_of_candidates;
    const char *ufrag, *pwd;    /* this m-line's, else the session's, else NULL: those of so_sdp hold */
    so_sdp_setup setup;         /* likewise */
    const char *stream, *track; /* the first msid ("-": in no stream); NULL: none */
    const char *simulcast;      /* or NULL */
    uint16_t sctp_port;         /* 0: not said */
    uint64_t max_message_size;  /* bytes; 0: any (RFC 8841 §6.1); 65536 where it is not said */
    so_sdp_codec *codecs;       /* in order of preference; none of a rejected m-line */
    so_sdp_feedback *feedback;
    so_sdp_extension *extensions;
    so_sdp_source *sources;
    so_sdp_group *groups;
    so_sdp_rid *rids;
    const char **candidates; /* "candidate:..." */
    size_t codec_count, feedback_count, extension_count, source_count, group_count, rid_count, candidate_count;
} so_sdp_media;

typedef struct so_sdp {
    so_sdp_type type;
    const char *session_id;
    uint64_t version;
    bool ice_lite, trickle;
    so_sdp_media *media;
    size_t media_count;
    size_t tag; /* the m-line whose transport all use (RFC 9143 §7.3); media_count: every m-line is rejected */
    /* Of that transport; NULL and SO_SDP_NO_SETUP when there is none. */
    const char *ufrag, *pwd;
    so_sdp_setup setup;
    so_fingerprint fingerprint; /* the one that the certificate in the handshake must have; always there */
} so_sdp;

/*
 * Reads and checks a description. On failure *sdp is NULL, *fault says why and err (may be NULL) holds the sentence.
 * SO_REFUSED, SO_BAD_INPUT, SO_TOO_LONG, SO_NO_MEMORY (*fault is SO_SDP_FINE then).
 */
so_status so_sdp_parse(so_sdp **sdp, so_sdp_type type, const char *text, size_t len, so_sdp_fault *fault,
                       so_error *err) SO_MUST_CHECK;
void so_sdp_free(so_sdp *sdp); /* NULL is allowed */

/*
 * Writes a description in the form that browsers take: the fingerprint once in each m-line (or for the session, when
 * all are rejected), SO_TOO_LONG when it does not fit.
 */
so_status so_sdp_write(const so_sdp *sdp, so_writer *w) SO_MUST_CHECK;

/* "fingerprint-several", ...; "fine" for none. */
const char *so_sdp_fault_code(so_sdp_fault fault);

/* NULL: no m-line of that mid. */
const so_sdp_media *so_sdp_media_of(const so_sdp *sdp, const char *mid);
/* NULL: none. type is a payload type. */
const so_sdp_codec *so_sdp_codec_of(const so_sdp_media *media, unsigned type);
const so_sdp_extension *so_sdp_extension_of(const so_sdp_media *media, const char *uri);
/*
 * The value of one parameter of an fmtp ("apt" in "apt=96;x=1"): its length, and *value is a view. NULL fmtp has none.
 * Names compare without case.
 */
bool so_sdp_parameter(const char *fmtp, const char *name, const char **value, size_t *len);

const char *so_sdp_direction_name(so_sdp_direction direction);
/* What the other end calls the same thing: sendonly and recvonly change places. */
so_sdp_direction so_sdp_reverse(so_sdp_direction direction);

#endif
