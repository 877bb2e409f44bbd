/*
 * Issuing: a certificate authority of one's own and the server certificates that it signs. PEM bytes in and out; the
 * time and the randomness of serial numbers are arguments.
 */
#ifndef SOTTO_CRYPTO_X509_H
#define SOTTO_CRYPTO_X509_H

#include "crypto/certs.h"

#define SO_CA_DAYS 3650
/* Short enough to limit a stolen key, long enough for a holiday; what public CAs give out too. */
#define SO_LEAF_DAYS 90
#define SO_LEAF_NAMES_MAX 100
#define SO_CA_PERMITS_MAX 100

/* A certificate, or a chain of them, and the private key of the first. */
typedef struct so_issued {
    so_pem cert;
    so_pem key;
} so_issued;

void so_issued_free(so_issued *issued);

typedef struct so_ca_request {
    const so_permit *permits; /* all that the CA may ever issue for; no excluded ones */
    size_t permit_count;
    so_slice passphrase; /* empty: the key is not encrypted */
    so_unix now;
    const so_random *random;
} so_ca_request;

/*
 * A P-256 CA that can only sign servers' certificates, for permitted names, with no CA below it. Host names, IPv4 and
 * IPv6 addresses of which none is permitted are all excluded.
 */
so_status so_ca_make(const so_ca_request *request, so_issued *ca, so_error *err) SO_MUST_CHECK;

typedef struct so_leaf_request {
    so_slice ca_cert; /* PEM */
    so_slice ca_key;  /* PEM */
    so_slice passphrase;
    const so_name *names;
    size_t name_count;
    unsigned days; /* 1 to SO_LEAF_DAYS */
    so_unix now;
    const so_random *random;
} so_leaf_request;

/*
 * leaf->cert is the whole chain, the new certificate and then the CA's. SO_REFUSED for a name that the CA's constraints
 * leave out; SO_STATE when the CA's key needs a passphrase. The certificate never outlives the CA.
 */
so_status so_leaf_make(const so_leaf_request *request, so_issued *leaf, so_error *err) SO_MUST_CHECK;

#endif
