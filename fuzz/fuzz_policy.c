/*
 * trust/policy: any bytes as two policies, one behind the other after a zero. What is read is written and read again as
 * it was; the stricter of the two refuses all that either of them does.
 */
#include "trust/policy.h"

#include <stdlib.h>
#include <string.h>

static void check(bool good)
{
    if (!good)
        abort();
}

static bool read_one(so_policy *policy, so_slice text)
{
    so_policy again, nothing;
    char written[SO_POLICY_JSON_MAX];
    so_writer w = so_writer_of(written, sizeof written);
    so_error err;

    so_policy_default(&nothing);
    if (so_policy_parse(policy, text, "it", &err) != SO_OK) {
        check(memcmp(policy, &nothing, sizeof nothing) == 0);
        return false;
    }
    so_policy_write_given(policy, &w);
    check(so_policy_parse(&again, (so_slice){written, so_writer_len(&w)}, "it", &err) == SO_OK);
    check(memcmp(policy, &again, sizeof again) == 0);
    return true;
}

/* Does it refuse a call that has nothing but this? */
static bool refuses(const so_policy *policy, const so_policy_facts *facts)
{
    so_policy_rule rule;
    so_error err;

    for (so_policy_stage stage = 0; stage < SO_STAGES; stage++)
        if (so_policy_check(policy, stage, facts, &rule, &err) != SO_POLICY_HOLDS)
            return true;
    return false;
}

static void compare(const so_policy *own, const so_policy *server)
{
    static const so_policy_facts calls[] = {
        {"1.3", "x25519", "1.3", "x25519", "AEAD_AES_128_GCM", SO_SEEN_YES, SO_SEEN_YES, SO_SEEN_YES, SO_SEEN_YES,
         SO_SEEN_NO},
        {"1.2", "P-256", "1.2", "x448", "AEAD_AES_256_GCM", SO_SEEN_YES, SO_SEEN_NO, SO_SEEN_NO, SO_SEEN_NO,
         SO_SEEN_YES},
        {"1.3", "P-384", "1.2", "P-521", "AES128_CM_HMAC_SHA1_80", SO_SEEN_YES, SO_SEEN_YES, SO_SEEN_NO, SO_SEEN_YES,
         SO_SEEN_YES},
        {NULL, NULL, NULL, NULL, NULL, SO_SEEN_YES, SO_UNSEEN, SO_UNSEEN, SO_UNSEEN, SO_UNSEEN},
    };
    so_policy both = *own;
    so_policy_rule rule;
    so_error err;

    if (so_policy_tighten(&both, server, &rule, &err) != SO_OK)
        return;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        check(refuses(&both, &calls[i]) == (refuses(own, &calls[i]) || refuses(server, &calls[i])));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t *zero = len == 0 ? NULL : memchr(bytes, 0, len);
    so_policy own, server;

    if (!read_one(&own, (so_slice){bytes, zero == NULL ? len : (size_t)(zero - bytes)}) || zero == NULL)
        return 0;
    if (read_one(&server, (so_slice){zero + 1, len - 1 - (size_t)(zero - bytes)}))
        compare(&own, &server);
    return 0;
}
