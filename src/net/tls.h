/*
 * TLS contexts for both ends: 1.3, floor 1.2 with ECDHE and AEAD; ALPN http/1.1; no tickets, no renegotiation, no
 * compression.
 */
#ifndef SOTTO_NET_TLS_H
#define SOTTO_NET_TLS_H

#include "base/status.h"
#include "crypto/certs.h"

#include <openssl/ssl.h>

/* A server's context from a full chain (leaf first) and its key, both PEM. Ended with SSL_CTX_free. */
so_status so_tls_server(SSL_CTX **ctx, const char *chain_pem, size_t chain_len, const char *key_pem, size_t key_len,
                        so_error *err) SO_MUST_CHECK;

/*
 * A client's context. ca_file: trust these anchors instead of the system's, or NULL. There is no way to make one that
 * does not verify.
 */
so_status so_tls_client(SSL_CTX **ctx, const char *ca_file, so_error *err) SO_MUST_CHECK;

/*
 * Makes a context stricter. groups: what keys may be agreed on in, under OpenSSL's names with colons between, of which
 * those count that this OpenSSL has; NULL: as before. SO_REFUSED: it has none of them.
 */
so_status so_tls_limit(SSL_CTX *ctx, bool tls13_only, const char *groups, so_error *err) SO_MUST_CHECK;

/* What a connection got. The strings live as long as the connection, or forever. */
typedef struct so_tls_facts {
    const char *version, *cipher, *group;
} so_tls_facts;

so_tls_facts so_tls_facts_of(SSL *ssl);

/* The chain that a client verified, up to its anchor. Ended with so_certs_free. */
so_status so_tls_chain(SSL *ssl, so_certs **chain) SO_MUST_CHECK;

#endif
