/* ICE candidates: what they are, their text (RFC 8839 §5.1) and their priorities (RFC 8445 §5.1.2, §6.1.2.3). */
#ifndef SOTTO_ICE_CANDIDATE_H
#define SOTTO_ICE_CANDIDATE_H

#include "base/address.h"

#define SO_ICE_FOUNDATION 32 /* characters at most, RFC 8839 §5.1 */
#define SO_ICE_UFRAG 256     /* characters at most, RFC 8839 §5.4; at least 4 */
#define SO_ICE_PWD 256       /* characters at most, RFC 8839 §5.4; at least 22 */
#define SO_ICE_NAME 255      /* characters at most of a host name */
/* A line that so_ice_candidate_format writes always fits, its final zero included. */
#define SO_ICE_LINE 768

typedef enum so_ice_type {
    SO_ICE_HOST,
    SO_ICE_SRFLX,
    SO_ICE_PRFLX,
    SO_ICE_RELAY,
    SO_ICE_OTHER, /* a type of the future: to be ignored (RFC 8839 §5.1) */
} so_ice_type;

typedef enum so_ice_transport { SO_ICE_UDP, SO_ICE_TCP, SO_ICE_OTHER_TRANSPORT } so_ice_transport;

typedef enum so_ice_tcptype { SO_ICE_NO_TCPTYPE, SO_ICE_ACTIVE, SO_ICE_PASSIVE, SO_ICE_SO } so_ice_tcptype;

typedef struct so_ice_candidate {
    char foundation[SO_ICE_FOUNDATION + 1];
    uint16_t component; /* 1 to 256 */
    so_ice_transport transport;
    so_ice_tcptype tcptype;
    uint32_t priority;  /* 1 to 2^31 - 1 */
    so_address address; /* family 0: a host name, which stands in name (mDNS: "….local") */
    char name[SO_ICE_NAME + 1];
    so_ice_type type;
    so_address related;           /* raddr and rport; family 0: none, or a name */
    char ufrag[SO_ICE_UFRAG + 1]; /* of the generation that it belongs to; "": not said */
} so_ice_candidate;

/*
 * text: "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx …", also after "a=", also with a line end.
 * Extensions that are not known are skipped. SO_BAD_INPUT: anything that RFC 8839's grammar does not allow.
 */
so_status so_ice_candidate_parse(so_ice_candidate *candidate, const char *text, size_t len) SO_MUST_CHECK;

/* Writes "candidate:…" and a final zero. SO_TOO_LONG: out is too small; SO_BAD_INPUT: there is nothing to write. */
so_status so_ice_candidate_format(const so_ice_candidate *candidate, char *out, size_t cap) SO_MUST_CHECK;

/* Letters, digits, "+" and "/" alone (RFC 8839's ice-char), least to most of them? */
bool so_ice_chars(const char *text, size_t len, size_t least, size_t most);

/* RFC 8445 §5.1.2.1. local_preference: 65535 is the best. */
uint32_t so_ice_priority(so_ice_type type, uint16_t local_preference, uint16_t component);

/* RFC 8445 §6.1.2.3: of the candidate of the controlling agent (G) and of the controlled one (D). */
uint64_t so_ice_pair_priority(uint32_t g, uint32_t d);

#endif
