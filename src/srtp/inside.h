/* What a session is made of. For src/srtp and its tests. */
#ifndef SOTTO_SRTP_INSIDE_H
#define SOTTO_SRTP_INSIDE_H

#include "srtp/kdf.h"
#include "srtp/window.h"

/* RFC 3711 §9.2: after so many packets under one master key, "whichever occurs before", it must not be used again. */
#define SO_SRTP_KEY_PACKETS ((uint64_t)1 << 48)
#define SO_SRTCP_KEY_PACKETS ((uint64_t)1 << 31)
#define SO_SRTCP_E_BIT 0x80000000u
#define SO_RTCP_HEADER_LEN 8 /* what SRTCP leaves unencrypted (RFC 3711 §3.4) */
#define SO_CM_TAG_LEN 10     /* the leftmost 80 bits (§4.2) */

typedef struct so_srtp_stream {
    so_srtp_window rtp;
    so_srtp_window rtcp;
    uint32_t rtcp_next; /* index of the next SRTCP packet to send */
} so_srtp_stream;

/* What SRTP and SRTCP have each of their own. */
typedef struct so_srtp_half {
    so_srtp_keys *keys;
    uint8_t salt[SO_CM_IV_LEN]; /* and zeros after it: the IV of SSRC 0 and index 0 */
} so_srtp_half;

struct so_srtp {
    so_srtp_profile profile;
    bool sender;
    bool gcm;
    size_t tag_len;
    so_srtp_half rtp;
    so_srtp_half rtcp;
    so_srtp_counts counts;
    uint64_t rtp_used; /* packets that a sender's master key was used for */
    uint64_t rtcp_used;
    size_t count; /* streams that are known */
    size_t last;  /* the one found last: most packets are of the same stream as the one before */
    uint32_t ssrcs[SO_SRTP_SSRCS];
    so_srtp_stream streams[SO_SRTP_SSRCS];
};

/* A session of given session keys: [0] for SRTP, [1] for SRTCP. so_srtp_new derives them, and calls this. */
so_status so_srtp_new_derived(so_srtp **session, so_srtp_engine *engine, so_srtp_profile profile, bool sender,
                              const so_srtp_session_keys keys[2]) SO_MUST_CHECK;

/* NULL: not known. */
so_srtp_stream *so_srtp_find(so_srtp *session, uint32_t ssrc);
/* Finds or adds. For a receiver: of a packet that has authenticated. NULL: the pool is full. */
so_srtp_stream *so_srtp_know(so_srtp *session, uint32_t ssrc);

/* The IV of RFC 3711 §4.1.1 or RFC 7714 §8.1, §9.1, into op. index: 48 bits of SRTP, or 31 of SRTCP. */
void so_srtp_iv(const so_srtp *session, const so_srtp_half *half, uint32_t ssrc, uint64_t index, so_srtp_op *op);

/* Sets the packet's result and counts it, where it is a refusal. */
void so_srtp_settle(so_srtp *session, so_srtp_packet *packet, so_srtp_result result);

static inline uint32_t so_srtp_get32(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline void so_srtp_put32(uint8_t *b, uint32_t v)
{
    b[0] = (uint8_t)(v >> 24);
    b[1] = (uint8_t)(v >> 16);
    b[2] = (uint8_t)(v >> 8);
    b[3] = (uint8_t)v;
}

#endif
