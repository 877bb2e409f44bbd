/*
 * OpenSSL's way to datagrams: each read gives one whole datagram and each write takes one. BIO_s_mem would join them.
 * For context.c and dtls.c alone.
 */
#ifndef SOTTO_DTLS_BIO_H
#define SOTTO_DTLS_BIO_H

#include "crypto/digest.h"

#include <openssl/bio.h>

/* One waits at most; what is sent queues up until it is fetched. */
typedef struct so_dtls_pipe {
    so_slice in;  /* empty: none waits; not owned */
    uint8_t *out; /* datagrams, each after its length in two bytes */
    size_t out_len, out_cap, out_at;
} so_dtls_pipe;

BIO_METHOD *so_dtls_bio_method(void);
/* pipe outlives the BIO. */
BIO *so_dtls_bio(const BIO_METHOD *method, so_dtls_pipe *pipe);

/* The next datagram that was written; false: there is none. out has room for cap bytes. */
bool so_dtls_pipe_take(so_dtls_pipe *pipe, uint8_t *out, size_t cap, size_t *len);
void so_dtls_pipe_free(so_dtls_pipe *pipe);

#endif
