/* Inside sdp/: how a description is held in one allocation, and how faults are told. */
#ifndef SOTTO_SDP_MODEL_H
#define SOTTO_SDP_MODEL_H

#include "sdp/sdp.h"

/* How much of everything a description will hold. */
typedef struct so_sdp_sizes {
    size_t media, codecs, feedback, extensions, sources, groups, rids, candidates, text;
} so_sdp_sizes;

/* The places that are still free. */
typedef struct so_sdp_pools {
    so_sdp_codec *codecs;
    so_sdp_feedback *feedback;
    so_sdp_extension *extensions;
    so_sdp_source *sources;
    so_sdp_group *groups;
    so_sdp_rid *rids;
    const char **candidates;
    char *text;
} so_sdp_pools;

/* NULL: no memory. Zeroed; so_sdp_free frees it. */
so_sdp *so_sdp_make(const so_sdp_sizes *n, so_sdp_pools *pools);

/* Sets *fault and fills err with one sentence: what was refused, because of what (fmt), and what to do. */
so_status so_sdp_fail(so_sdp_fault *fault, so_error *err, so_sdp_fault what, const char *fmt, ...) SO_PRINTF(4, 5);

/* The fingerprint lines of a description, taken together (docs/protocol.md, section 4, point 5). */
typedef struct so_sdp_prints {
    struct {
        bool seen, several;
        uint8_t bytes[SO_FINGERPRINT_BYTES_MAX];
    } of[SO_HASH_SHA512 + 1];
    bool weak;                            /* there was one of a kind that does not count */
    bool any[SO_SDP_MEDIA_MAX + 1];       /* of each section had lines; [0] is the session's */
    unsigned kinds[SO_SDP_MEDIA_MAX + 1]; /* 1 << so_hash of each */
} so_sdp_prints;

/* Adds the line of a section. value is what follows "a=fingerprint:". */
so_status so_sdp_prints_add(so_sdp_prints *prints, size_t section, const char *value, so_sdp_fault *fault,
                            so_error *err) SO_MUST_CHECK;
/* The checks that need the whole description; they also say whose transport holds, and which fingerprint. */
so_status so_sdp_check(so_sdp *sdp, const so_sdp_prints *prints, const char *bundle, so_sdp_fault *fault,
                       so_error *err) SO_MUST_CHECK;

/* One line under way: the attribute reader's view of a parse. */
typedef struct so_sdp_parser {
    so_sdp *sdp;
    so_sdp_pools pools;
    so_sdp_media session; /* what m-lines inherit */
    so_sdp_media *at;     /* the m-line, or session */
    unsigned said;        /* attributes that this section has had and may have once */
    bool bad_formats;     /* the m-line's payload types are none: a fault unless it is rejected */
    const char *bundle;   /* the mids of the BUNDLE group, or NULL */
    so_sdp_prints prints;
    size_t line; /* counted from 1, for sentences */
    so_sdp_fault *fault;
    so_error *err;
} so_sdp_parser;

/* text is what follows "a="; it is cut in place. */
so_status so_sdp_attribute(so_sdp_parser *p, char *text) SO_MUST_CHECK;

so_status so_sdp_bad_line(so_sdp_parser *p, const char *what);
/* Decimal digits alone, to the end of text. */
bool so_sdp_number(const char *text, uint64_t max, uint64_t *out);
/* Cuts the next word off *rest: spaces end it. NULL: there is none. */
char *so_sdp_word(char **rest);

#endif
