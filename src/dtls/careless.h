/*
 * An end of DTLS that checks nothing of the other one, and offers no more than it is told to: what attacks are
 * rehearsed with (`sotto rehearse`). It gives no keys and carries no data, so no call can be made with it.
 */
#ifndef SOTTO_DTLS_CARELESS_H
#define SOTTO_DTLS_CARELESS_H

#include "dtls/dtls.h"

typedef struct so_dtls_careless so_dtls_careless;

typedef struct so_dtls_careless_config {
    const so_dtls_certificate *certificate; /* not kept */
    so_dtls_role role;
    const char *profiles; /* of SRTP, under OpenSSL's names with colons between; NULL: no use_srtp at all */
    bool null_profile;    /* says SRTP_NULL_HMAC_SHA1_80 in the place of the one in profiles */
    bool old;             /* DTLS 1.0 at most */
} so_dtls_careless_config;

so_status so_dtls_careless_new(so_dtls_careless **end, const so_dtls_careless_config *config) SO_MUST_CHECK;
void so_dtls_careless_free(so_dtls_careless *end); /* NULL is fine */

/* One whole datagram, or none: a client's first step. */
void so_dtls_careless_receive(so_dtls_careless *end, so_slice datagram);
bool so_dtls_careless_transmit(so_dtls_careless *end, uint8_t out[SO_DTLS_MTU], size_t *len) SO_MUST_CHECK;

#endif
