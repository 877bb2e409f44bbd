/*
 * SRTP and SRTCP (RFC 3711, RFC 7714), one direction of one call: packets protected and unprotected in place.
 *
 * A session keeps, per SSRC, a rollover counter and a replay window. Nothing of it changes before a packet has
 * authenticated. Its memory, less than 4 kB, is taken when it is made and when room is reserved for more SSRCs: no
 * packet makes it allocate.
 */
#ifndef SOTTO_SRTP_SRTP_H
#define SOTTO_SRTP_SRTP_H

#include "crypto/srtp_cipher.h"

/* Bytes that protecting adds at most: a tag; for SRTCP the word of E bit and index too (RFC 3711 §3.4). */
#define SO_SRTP_OVERHEAD 16
#define SO_SRTCP_OVERHEAD 20
/*
 * SSRCs that one session can ever know, and those that a new one has room for. They are never forgotten: that would
 * forget which indices were used.
 */
#define SO_SRTP_SSRCS 64
#define SO_SRTP_SSRCS_AT_FIRST 6
/* Indices behind the highest that may still come, or be sent (RFC 3711 §3.3.2 asks for 64 at least). */
#define SO_SRTP_WINDOW 1024
#define SO_SRTCP_WINDOW 64
#define SO_SRTP_MAX_LEN 65535 /* of a packet, before and after */

/* The protection profiles of use_srtp, by their ids (RFC 5764 §4.1.2, RFC 7714 §14.2). */
typedef enum so_srtp_profile {
    SO_SRTP_AES128_CM_SHA1_80 = 0x0001,
    SO_SRTP_AEAD_AES_128_GCM = 0x0007,
    SO_SRTP_AEAD_AES_256_GCM = 0x0008,
} so_srtp_profile;

/* Lengths of the master key and master salt, in bytes; 0 for an id that is none of the above. */
size_t so_srtp_key_len(so_srtp_profile profile);
size_t so_srtp_salt_len(so_srtp_profile profile);
/* "AEAD_AES_128_GCM", "AEAD_AES_256_GCM", "AES128_CM_HMAC_SHA1_80"; "unknown" */
const char *so_srtp_profile_name(so_srtp_profile profile);

/* What became of one packet. */
typedef enum so_srtp_result {
    SO_SRTP_OK = 0,
    SO_SRTP_MALFORMED,      /* no RTP or RTCP packet, or SRTCP without the E bit: unencrypted SRTCP is refused */
    SO_SRTP_NO_ROOM,        /* cap is smaller than what must be added, or the packet too long */
    SO_SRTP_AUTH_FAILED,    /* forged, altered, or of another key */
    SO_SRTP_REPLAYED,       /* this index was there before, or is older than the window */
    SO_SRTP_TOO_MANY_SSRCS, /* one more than there is room for */
    SO_SRTP_EXPIRED,        /* 2^48 SRTP or 2^31 SRTCP packets were sent: the key is used up (RFC 3711 §9.2) */
    SO_SRTP_WRONG_WAY,      /* protecting with a receiver's session, or unprotecting with a sender's */
    SO_SRTP_CRYPTO,         /* the crypto library failed */
} so_srtp_result;

typedef struct so_srtp_packet {
    uint8_t *bytes;
    size_t len; /* in and out */
    size_t cap; /* what bytes has room for; counts for protecting alone */
    so_srtp_result result;
} so_srtp_packet;

typedef struct so_srtp_counts {
    uint64_t protected_rtp, protected_rtcp;
    uint64_t unprotected_rtp, unprotected_rtcp;
    uint64_t protected_bytes, unprotected_bytes; /* of these packets, before encryption */
    /* refusals, of RTP and RTCP together, by result */
    uint64_t malformed, no_room, auth_failed, replayed, too_many_ssrcs, expired, crypto_failed;
} so_srtp_counts;

typedef struct so_srtp so_srtp;

/*
 * key and salt are the master's, of exactly the profile's lengths (else SO_BAD_INPUT). The engine outlives the session
 * and lives in the same thread.
 */
so_status so_srtp_new(so_srtp **session, so_srtp_engine *engine, so_srtp_profile profile, bool sender, so_slice key,
                      so_slice salt) SO_MUST_CHECK;
void so_srtp_free(so_srtp *session); /* wipes every key and salt; NULL is fine */

/*
 * Room for so many SSRCs besides those that are known, as far as SO_SRTP_SSRCS goes. For when streams are agreed on:
 * not for each packet, and not because of what a stranger sends. When there is no memory the session is as it was.
 */
so_status so_srtp_reserve(so_srtp *session, size_t more) SO_MUST_CHECK;

/*
 * Each packet gets its own result. On SO_SRTP_OK len is the new length; else the packet must be dropped: len is as it
 * was, and no byte of it is plaintext that was not there before. Any count; the results are those of one packet after
 * the other, however they are split into batches.
 *
 * A forged packet costs one pass over it at most, or three where its SSRC is new (see may_have_wrapped in rtp.c) or
 * where a batch has genuine ones of its stream before it that jump ahead.
 *
 * A sender's index never repeats, because a repeated GCM nonce gives the key away (RFC 7714 §10.2): packets may be sent
 * out of order within the window, and the same sequence number again is refused. A retransmission goes out as the
 * bytes that were protected once, or under its own SSRC (RFC 4588).
 */
void so_srtp_protect(so_srtp *session, so_srtp_packet *packets, size_t count);
void so_srtp_unprotect(so_srtp *session, so_srtp_packet *packets, size_t count);
void so_srtp_protect_rtcp(so_srtp *session, so_srtp_packet *packets, size_t count);
void so_srtp_unprotect_rtcp(so_srtp *session, so_srtp_packet *packets, size_t count);

void so_srtp_stats(const so_srtp *session, so_srtp_counts *out);
/* "ok", "malformed", "replayed", ...: for logs */
const char *so_srtp_result_name(so_srtp_result result);

#endif
