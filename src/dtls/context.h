/*
 * What all associations of one thread share: OpenSSL's context, made once, since fetching algorithms is dear. Not for
 * two threads at a time.
 */
#ifndef SOTTO_DTLS_CONTEXT_H
#define SOTTO_DTLS_CONTEXT_H

#include "base/status.h"

typedef struct so_dtls_context so_dtls_context;

/*
 * DTLS 1.2 at least, and what newer the library has; ECDHE and AEAD only; no tickets, no resumption, no renegotiation,
 * no compression. Ended with so_dtls_context_free, after all its associations.
 */
so_status so_dtls_context_make(so_dtls_context **context, so_error *err) SO_MUST_CHECK;
void so_dtls_context_free(so_dtls_context *context);

/* For dtls.c alone. */
struct ssl_ctx_st *so_dtls_context_ssl(const so_dtls_context *context);
const struct bio_method_st *so_dtls_context_bio(const so_dtls_context *context);

#endif
