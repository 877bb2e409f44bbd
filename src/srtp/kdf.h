/* Session keys from master keys: RFC 3711 §4.3 with a key derivation rate of zero, so once and for all. */
#ifndef SOTTO_SRTP_KDF_H
#define SOTTO_SRTP_KDF_H

#include "srtp/srtp.h"

#define SO_SRTP_MAX_KEY 32
#define SO_SRTP_MAC_KEY 20
#define SO_SRTP_MAX_SALT 14

/* The labels of §4.3.1 for SRTP, and with 3 more of §4.3.2 for SRTCP. */
typedef enum so_srtp_label {
    SO_SRTP_LABEL_CIPHER = 0,
    SO_SRTP_LABEL_MAC = 1,
    SO_SRTP_LABEL_SALT = 2,
    SO_SRTP_LABEL_RTCP = 3,
} so_srtp_label;

/* Session keys of SRTP or of SRTCP. */
typedef struct so_srtp_session_keys {
    uint8_t cipher[SO_SRTP_MAX_KEY];
    uint8_t mac[SO_SRTP_MAC_KEY]; /* AES-CM alone */
    uint8_t salt[SO_SRTP_MAX_SALT];
} so_srtp_session_keys;

/*
 * len bytes for a label. The master key's length picks the PRF: AES-CM with 128 bits (RFC 3711 §4.3.3) or 256 bits
 * (RFC 6188 §3). A salt of 12 bytes is followed by two of zero (RFC 7714 §11). SO_BAD_INPUT: other lengths.
 */
so_status so_srtp_derive(uint8_t *out, size_t len, so_slice key, so_slice salt, uint8_t label) SO_MUST_CHECK;

/* All of a profile's, for SRTP or SRTCP. On failure nothing of them is left in out. */
so_status so_srtp_derive_all(so_srtp_session_keys *out, so_srtp_profile profile, bool rtcp, so_slice key,
                             so_slice salt) SO_MUST_CHECK;

#endif
