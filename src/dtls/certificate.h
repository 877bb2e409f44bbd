/* The certificate that one end makes for one call (RFC 8827 §6.5), and its fingerprint. */
#ifndef SOTTO_DTLS_CERTIFICATE_H
#define SOTTO_DTLS_CERTIFICATE_H

#include "base/clock.h"
#include "crypto/fingerprint.h"
#include "crypto/random.h"

typedef struct so_dtls_certificate so_dtls_certificate;

/*
 * A new P-256 key, self-signed with ECDSA and SHA-256, valid from a day back for 30 days. Nothing in it tells who made
 * it. Ended with so_dtls_certificate_free, which wipes the key; associations that use it keep it alive for themselves.
 */
so_status so_dtls_certificate_make(so_dtls_certificate **certificate, so_unix now, const so_random *random,
                                   so_error *err) SO_MUST_CHECK;
void so_dtls_certificate_free(so_dtls_certificate *certificate);

/* Its SHA-256; lives as long as the certificate. */
const so_fingerprint *so_dtls_certificate_fingerprint(const so_dtls_certificate *certificate);

/* For dtls.c alone: OpenSSL's objects, still owned by the certificate. */
struct x509_st *so_dtls_certificate_x509(const so_dtls_certificate *certificate);
struct evp_pkey_st *so_dtls_certificate_key(const so_dtls_certificate *certificate);

#endif
