/* The path check of RFC 5280 §6, and what its failures mean to a person. */
#ifndef SOTTO_CRYPTO_VERIFY_H
#define SOTTO_CRYPTO_VERIFY_H

#include "crypto/certs.h"

typedef struct so_verify_request {
    const so_certs *chain; /* what the server sends, its own certificate first */
    const so_certs *const *anchors;
    size_t anchor_count;
    bool trust_last;  /* the chain's last certificate is an anchor: is the chain sound in itself? */
    bool strict;      /* every rule of RFC 5280 on every certificate: for those that we issue */
    const char *host; /* name or address that the certificate must be for; NULL: any */
    so_unix now;
} so_verify_request;

/* SO_REFUSED: it does not verify, and *verify_error is OpenSSL's X509_V_ERR_ number for so_chain_explain. */
so_status so_certs_verify(const so_verify_request *request, int *verify_error) SO_MUST_CHECK;

/* Demands that the certificate names host; NULL: any name does. For TLS too, whose check OpenSSL runs by itself. */
struct X509_VERIFY_PARAM_st;
bool so_verify_host(struct X509_VERIFY_PARAM_st *param, const char *host) SO_MUST_CHECK;

/*
 * Turns such a number into one sentence with cause and remedy, and returns SO_REFUSED. host is whom we called, or NULL;
 * sent is how many certificates the server sent, 0 when nobody knows.
 */
so_status so_chain_explain(int verify_error, size_t sent, const char *host, so_error *err);

#endif
