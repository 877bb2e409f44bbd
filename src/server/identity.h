/*
 * The certificate that the server shows: the operator's files, or a leaf of the local CA that is made and renewed as
 * needed. Every load checks all of it, and a fault leaves what was there before in force.
 */
#ifndef SOTTO_SERVER_IDENTITY_H
#define SOTTO_SERVER_IDENTITY_H

#include "base/clock.h"
#include "crypto/names.h"
#include "net/tls.h"
#include "server/options.h"

typedef struct so_identity {
    SSL_CTX *ctx;
    so_name *names;
    size_t name_count;
    so_unix not_after;
    bool local_ca;
    char *cert_file, *key_file; /* to be watched */
    char *ca_file;              /* of the local CA; NULL with the operator's certificate */
    char sha256[96];            /* of the certificate */
    char ca_sha256[96];
    char note[400]; /* what an operator should know: made, renewed, ends soon; or empty */
    bool note_warns;
} so_identity;

so_status so_identity_load(so_identity *identity, const so_options *options, so_unix now, so_error *err) SO_MUST_CHECK;
void so_identity_free(so_identity *identity);

/* Is host (len bytes, no port, [brackets] round IPv6) a name in the certificate? */
bool so_identity_names(const so_identity *identity, const char *host, size_t len);

#endif
