#include "server/policy.h"

#include "server/folder.h"

#include <stdio.h>

so_status so_policy_load(so_policy *policy, const char *path, so_error *err)
{
    char what[300];
    so_pem text;
    so_status status;

    so_policy_default(policy);
    if (path == NULL)
        return SO_OK;
    (void)snprintf(what, sizeof what, "the policy in %.250s", path);
    status = so_folder_read_path(path, false, &text, err);
    if (status == SO_OK)
        status = so_policy_parse(policy, so_pem_slice(&text), what, err);
    so_pem_free(&text);
    return status;
}

so_status so_policy_limit(const so_policy *policy, SSL_CTX *ctx, bool versions, so_error *err)
{
    char groups[SO_POLICY_VALUE_TEXT];
    bool some = so_policy_openssl(policy, SO_RULE_TLS_GROUPS, groups);

    return so_tls_limit(ctx, versions && !so_policy_is_default(policy, SO_RULE_TLS_MIN), some ? groups : NULL, err);
}
