/* What makes one DTLS association of one call different from every other: docs/protocol.md, section 6. */
#ifndef SOTTO_TRUST_ASSOCIATION_H
#define SOTTO_TRUST_ASSOCIATION_H

#include "crypto/digest.h"
#include "trust/seal.h"

/* Both ends have the same, but for dtls_client. */
typedef struct so_association {
    bool dtls_client; /* this end is */
    /* SHA-256 of the certificates that were used in the handshake, not of those that were promised. */
    uint8_t client_fingerprint[SO_SHA256_LEN], server_fingerprint[SO_SHA256_LEN];
    /* Of the epoch in which the peer connection began. */
    uint8_t client_sid[SO_SID_LEN], server_sid[SO_SID_LEN];
} so_association;

/* base64url of a SHA-256 */
#define SO_CALL_NAME_LEN 43

/* What both ends call it in their reports (docs/report.md, section 3), and a final zero. */
so_status so_association_call(char out[SO_CALL_NAME_LEN + 1], const so_association *association) SO_MUST_CHECK;

#endif
