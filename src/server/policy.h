/* Policies (docs/policy.md) from files, and what of them a TLS context keeps. */
#ifndef SOTTO_SERVER_POLICY_H
#define SOTTO_SERVER_POLICY_H

#include "net/tls.h"
#include "trust/policy.h"

/* path NULL: the default. After any failure policy is not to be used. */
so_status so_policy_load(so_policy *policy, const char *path, so_error *err) SO_MUST_CHECK;

/*
 * The groups that it allows for the connection to the server; with versions, the lowest one too. A client leaves that
 * out: a rule that is checked afterwards says what was there, and an alert does not.
 */
so_status so_policy_limit(const so_policy *policy, SSL_CTX *ctx, bool versions, so_error *err) SO_MUST_CHECK;

#endif
