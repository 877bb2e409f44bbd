/* What a session is made of. For src/srtp and its tests. */
#ifndef SOTTO_SRTP_INSIDE_H
#define SOTTO_SRTP_INSIDE_H

#include "srtp/kdf.h"
#include "srtp/window.h"

#include <string.h>

/* RFC 3711 §9.2: after so many packets under one master key, "whichever occurs before", it must not be used again. */
#define SO_SRTP_KEY_PACKETS ((uint64_t)1 << 48)
#define SO_SRTCP_KEY_PACKETS ((uint64_t)1 << 31)
#define SO_SRTCP_E_BIT 0x80000000u
#define SO_RTCP_HEADER_LEN 8 /* what SRTCP leaves unencrypted (RFC 3711 §3.4) */
#define SO_CM_TAG_LEN 10     /* the leftmost 80 bits (§4.2) */

/* What an index changes stands first, side by side: one line of the cache for each packet. */
typedef struct so_srtp_stream {
    uint32_t rtcp_next; /* index of the next SRTCP packet to send */
    so_srtcp_window rtcp;
    so_srtp_window rtp;
} so_srtp_stream;

/* 16 bytes that are worked on at once, in memory as they are sent. */
typedef uint64_t so_srtp_block __attribute__((vector_size(16)));

/* What SRTP and SRTCP have each of their own. */
typedef struct so_srtp_half {
    so_srtp_block salt; /* and zeros after it: the IV of SSRC 0 and index 0 */
    so_srtp_keys *keys;
} so_srtp_half;

struct so_srtp {
    /* what each SRTP packet needs: one line of the cache */
    _Alignas(64) so_srtp_half rtp;
    so_srtp_stream *last; /* the one found last: most packets are of the same stream as the one before */
    uint64_t rtp_used;    /* packets that a sender's master key was used for */
    uint64_t rtcp_used;
    uint32_t last_ssrc;
    uint8_t count; /* streams that are known */
    uint8_t room;
    uint8_t tag_len;
    bool sender;
    bool gcm;
    /* and the beginning of this */
    _Alignas(64) so_srtp_counts counts;
    so_srtp_stream *streams;
    uint32_t *ssrcs;
    so_srtp_half rtcp;
    uint32_t first_ssrcs[SO_SRTP_SSRCS_AT_FIRST];
    _Alignas(64) so_srtp_stream first_streams[SO_SRTP_SSRCS_AT_FIRST];
};

/* A session of given session keys: [0] for SRTP, [1] for SRTCP. so_srtp_new derives them, and calls this. */
so_status so_srtp_new_derived(so_srtp **session, so_srtp_engine *engine, so_srtp_profile profile, bool sender,
                              const so_srtp_session_keys keys[2]) SO_MUST_CHECK;

/* so_srtp_find for another SSRC than the last. */
so_srtp_stream *so_srtp_look_up(so_srtp *session, uint32_t ssrc);
/* Adds a stream that is not known. For a receiver: of a packet that has authenticated. NULL: there is no room. */
so_srtp_stream *so_srtp_add(so_srtp *session, uint32_t ssrc);

/* NULL: not known. */
static inline so_srtp_stream *so_srtp_find(so_srtp *session, uint32_t ssrc)
{
    return SO_MOSTLY(session->last_ssrc == ssrc && session->last != NULL) ? session->last
                                                                          : so_srtp_look_up(session, ssrc);
}

/* Counts a refusal. */
void so_srtp_refuse(so_srtp *session, so_srtp_result result);

/* Sets the packet's result and counts it, where it is a refusal. */
static inline void so_srtp_settle(so_srtp *session, so_srtp_packet *packet, so_srtp_result result)
{
    packet->result = result;
    if (!SO_MOSTLY(result == SO_SRTP_OK))
        so_srtp_refuse(session, result);
}

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

/* A number as it stands in memory when it is sent. */
static inline uint64_t so_srtp_big(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return __builtin_bswap64(v);
#else
    return v;
#endif
}

/*
 * The IV of RFC 3711 §4.1.1 or RFC 7714 §8.1, §9.1, into op. index: 48 bits of SRTP, or 31 of SRTCP.
 *
 * RFC 7714 §8.1: two zero bytes, SSRC, 48 bits of ROC and SEQ; §9.1: the same with SSRC, two zero bytes and the index.
 * RFC 3711 §4.1.1: (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16). So both have SSRC and index side by side. It is
 * written in one piece because the cipher reads it in one: of several it would wait until each has left the CPU.
 */
static inline void so_srtp_iv(const so_srtp_half *half, bool gcm, uint32_t ssrc, uint64_t index, so_srtp_op *op)
{
    so_srtp_block place = {so_srtp_big(ssrc), so_srtp_big(index << 16)};

    if (gcm)
        place = (so_srtp_block){so_srtp_big((uint64_t)ssrc << 16 | index >> 32), so_srtp_big(index << 32)};
    place ^= half->salt;
    memcpy(op->iv, &place, sizeof op->iv);
}

#endif
