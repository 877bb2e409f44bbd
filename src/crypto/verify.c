#include "crypto/verify.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#define LAYER "certificate"
/* SSL_CTX_set_security_level(3), level 2: 112 bits, so RSA from 2048, no SHA-1, no MD5. */
#define AUTH_LEVEL 2

static bool add_anchors(X509_STORE *store, const so_verify_request *request)
{
    bool ok = true;
    size_t last = so_certs_count(request->chain) - 1;

    for (size_t i = 0; i < request->anchor_count; i++) {
        for (size_t j = 0; ok && j < so_certs_count(request->anchors[i]); j++)
            ok = X509_STORE_add_cert(store, so_certs_x509(request->anchors[i], j)) == 1;
    }
    return ok && (!request->trust_last || X509_STORE_add_cert(store, so_certs_x509(request->chain, last)) == 1);
}

bool so_verify_host(X509_VERIFY_PARAM *param, const char *host)
{
    if (host == NULL || X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return true;
    ERR_clear_error();
    /* As browsers do: a name counts in the SAN alone, and a wildcard is a whole label. */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
}

static bool set_rules(X509_STORE_CTX *ctx, const so_verify_request *request)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN; /* who is given as an anchor is trusted, root or not */

    if (request->strict)
        flags |= X509_V_FLAG_X509_STRICT;
    X509_VERIFY_PARAM_set_time(param, (time_t)request->now);
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    return X509_VERIFY_PARAM_set_flags(param, flags) == 1 &&
           X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1 && so_verify_host(param, request->host);
}

static bool push_rest(STACK_OF(X509) * rest, const so_certs *chain)
{
    bool ok = rest != NULL;

    for (size_t i = 1; ok && i < so_certs_count(chain); i++)
        ok = sk_X509_push(rest, so_certs_x509(chain, i)) > 0;
    return ok;
}

so_status so_certs_verify(const so_verify_request *request, int *verify_error)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *rest = sk_X509_new_null();
    so_status status = SO_CRYPTO;

    *verify_error = X509_V_ERR_UNSPECIFIED;
    if (store != NULL && ctx != NULL && push_rest(rest, request->chain) && add_anchors(store, request) &&
        X509_STORE_CTX_init(ctx, store, so_certs_x509(request->chain, 0), rest) == 1 && set_rules(ctx, request)) {
        status = X509_verify_cert(ctx) == 1 ? SO_OK : SO_REFUSED;
        *verify_error = status == SO_OK ? X509_V_OK : X509_STORE_CTX_get_error(ctx);
    }
    X509_STORE_CTX_free(ctx);
    X509_STORE_free(store);
    sk_X509_free(rest); /* the certificates themselves are the chain's */
    ERR_clear_error();
    return status;
}

static const char *untrusted(size_t sent)
{
    if (sent == 1)
        return "is signed by a CA that this machine does not know, and came without the rest of its chain; have the "
               "server send the whole chain (its intermediates too), or, if the CA is private, pass --ca FILE or "
               "install it";
    return "is signed by a CA that this machine does not trust; pass --ca FILE or install it";
}

/* What follows "server certificate for HOST". */
static const char *explain(int verify_error, size_t sent)
{
    switch (verify_error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "is self-signed, so that nobody vouches for it; give the server one from a CA (sotto ca issue), or, if "
               "you know it to be the server's, pass it with --ca FILE";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return untrusted(0);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_CERT_UNTRUSTED:
        return untrusted(sent);
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return untrusted(1);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "is for other names than this; call the server by a name in its certificate, or have it issued for this "
               "one too; if neither fits, somebody may stand in between";
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "has expired, or a CA certificate above it has; have the server renew it, and check this machine's "
               "clock";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "is not yet valid, or a CA certificate above it is not; check this machine's clock and the server's";
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_NON_CA:
    case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
    case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
        return "was signed with a certificate that is no CA's; whoever made it had no right to: refuse the server, and "
               "tell its operator";
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA:
    case X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN:
        return "has more CAs above it than the CA on top allows; have the CA issue it directly";
    case X509_V_ERR_PERMITTED_VIOLATION:
    case X509_V_ERR_EXCLUDED_VIOLATION:
    case X509_V_ERR_SUBTREE_MINMAX:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
    case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
    case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
        return "names a host that its CA may not issue for (the CA's name constraints leave it out); make a CA that "
               "permits it (sotto ca init --permit NAME), or call the server by a permitted name";
    case X509_V_ERR_INVALID_PURPOSE:
    case X509_V_ERR_CERT_REJECTED:
        return "was issued for another purpose than a server's; have its CA issue one with the extended key usage "
               "serverAuth";
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return "has, or is signed with, a key that is too weak; have it issued again with P-256 or with RSA of 2048 "
               "bits or more";
    case X509_V_ERR_CA_MD_TOO_WEAK:
        return "is signed with a digest that is broken (SHA-1 or MD5); have it issued again with SHA-256";
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE:
        return "carries a signature that is not its CA's, so it was altered or forged; refuse the server, and tell its "
               "operator";
    case X509_V_ERR_CERT_REVOKED:
        return "was revoked by its CA; have the server get a new one";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return "comes with a chain that is too long; have the server send its certificate and intermediates alone";
    default:
        return NULL;
    }
}

so_status so_chain_explain(int verify_error, size_t sent, const char *host, so_error *err)
{
    const char *rest = explain(verify_error, sent);

    if (host == NULL)
        host = "this server";
    if (rest != NULL)
        return so_fail(err, SO_REFUSED, LAYER, "server certificate for %.80s %s", host, rest);
    return so_fail(err, SO_REFUSED, LAYER,
                   "server certificate for %.80s was refused (%.120s); have its operator look at it with sotto ca show "
                   "or openssl x509 -text",
                   host, X509_verify_cert_error_string(verify_error));
}
