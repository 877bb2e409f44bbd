/* Is what an operator gives as --cert and --key fit to serve with? Asked at start, before a browser would say no. */
#ifndef SOTTO_TRUST_CHAIN_H
#define SOTTO_TRUST_CHAIN_H

#include "crypto/certs.h"
#include "crypto/verify.h"

#define SO_CHAIN_MAX 10
#define SO_CHAIN_WARN_DAYS 14

typedef struct so_chain_request {
    so_slice cert;       /* PEM: the server's certificate first, then the intermediates; the root may follow */
    so_slice key;        /* PEM */
    so_slice passphrase; /* of the key; empty: none */
    /* PEM texts of the CAs that clients trust: the system's bundle, a --ca file. A chain that ends in its own root
     * needs none of them. */
    const so_slice *anchors;
    size_t anchor_count;
    so_unix now;
} so_chain_request;

typedef struct so_chain_report {
    so_name *names; /* of the server's certificate: the Origins of its pages are made of them */
    size_t name_count;
    size_t sent; /* certificates in the chain */
    so_unix not_before, not_after;
    int days_left; /* whole days of the certificate in the chain that ends first */
    char subject[SO_SUBJECT_LEN];
    char issuer[SO_SUBJECT_LEN];
    char sha256[SO_FINGERPRINT_LEN];
    char warning[400]; /* empty, or what will soon be a fault, in one sentence */
} so_chain_report;

/*
 * SO_OK, and a report that the caller ends with so_chain_report_free; or the first fault, in one sentence with its
 * remedy. Nothing of the key is kept.
 */
so_status so_chain_check(const so_chain_request *request, so_chain_report *report, so_error *err) SO_MUST_CHECK;
void so_chain_report_free(so_chain_report *report);

#endif
