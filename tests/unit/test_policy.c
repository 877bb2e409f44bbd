/* trust/policy against tests/vectors/policy.json. */
#include "trust_vectors.h"

#include "trust/policy.h"

#include <string.h>

static json_t *policy_vectors(json_t **root, const char *name)
{
    return vectors_of(root, TEST_VECTORS "/policy.json", name);
}

static so_slice slice_of(const char *text)
{
    return (so_slice){text, strlen(text)};
}

/* A policy that is given as an object of the vectors. */
static so_policy policy_of(const json_t *object)
{
    so_policy policy;
    so_error err;

    if (so_policy_read(&policy, object, "the vector", &err) != SO_OK)
        fail_msg("%s", err.text);
    return policy;
}

static json_t *written(const so_policy *policy)
{
    char text[SO_POLICY_JSON_MAX];
    so_writer w = so_writer_of(text, sizeof text);
    json_t *root;

    so_policy_write(policy, &w);
    assert_false(w.failed);
    root = json_loadb(text, so_writer_len(&w), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    return root;
}

static void assert_rules(const so_policy *policy, const json_t *rules, const json_t *from)
{
    json_t *root = written(policy);
    const char *name;
    json_t *value;

    assert_int_equal(json_object_size(json_object_get(root, "rules")), json_object_size(rules));
    json_object_foreach((json_t *)rules, name, value)
    {
        if (!json_equal(json_object_get(json_object_get(root, "rules"), name), value))
            fail_msg("%s", name);
    }
    if (from != NULL)
        assert_true(json_equal(json_object_get(root, "from"), from));
    json_decref(root);
}

static void policies_are_read(void **state)
{
    json_t *root, *v, *all = policy_vectors(&root, "parse");
    size_t i;

    (void)state;
    assert_true(json_array_size(all) > 15);
    json_array_foreach(all, i, v)
    {
        so_policy policy, again;
        so_error err;
        char text[SO_POLICY_JSON_MAX];
        so_writer w = so_writer_of(text, sizeof text);

        assert_int_equal(so_policy_parse(&policy, slice_of(vector_text(v, "text")), "it", &err), SO_OK);
        assert_rules(&policy, json_object_get(v, "rules"), NULL);
        so_policy_write_given(&policy, &w);
        assert_int_equal(so_policy_parse(&again, (so_slice){text, so_writer_len(&w)}, "it", &err), SO_OK);
        assert_memory_equal(&policy, &again, sizeof policy);
    }
    json_decref(root);
}

static void what_is_no_policy_is_refused(void **state)
{
    json_t *root, *v, *all = policy_vectors(&root, "refuse");
    so_policy nothing;
    size_t i;

    (void)state;
    so_policy_default(&nothing);
    assert_true(json_array_size(all) > 35);
    json_array_foreach(all, i, v)
    {
        const char *rule = json_string_value(json_object_get(v, "rule"));
        so_policy policy;
        so_error err = {.text = ""};

        if (so_policy_parse(&policy, slice_of(vector_text(v, "text")), "the file it", &err) != SO_BAD_INPUT)
            fail_msg("taken: %s", vector_text(v, "text"));
        assert_string_equal(err.layer, "policy");
        assert_non_null(strstr(err.text, "the file it"));
        assert_non_null(strstr(err.text, rule == NULL ? "" : rule));
        assert_memory_equal(&policy, &nothing, sizeof policy);
    }
    json_decref(root);
}

static void a_policy_is_small(void **state)
{
    static char text[SO_POLICY_TEXT_MAX + 1];
    so_policy policy;
    so_error err;

    (void)state;
    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    assert_int_equal(so_policy_parse(&policy, (so_slice){text, sizeof text}, "it", &err), SO_TOO_LONG);
    assert_int_equal(so_policy_parse(&policy, (so_slice){text, sizeof text - 1}, "it", &err), SO_OK);
}

static void the_stricter_of_two(void **state)
{
    json_t *root, *v, *all = policy_vectors(&root, "stricter");
    size_t i;

    (void)state;
    assert_true(json_array_size(all) > 35);
    json_array_foreach(all, i, v)
    {
        so_policy policy = policy_of(json_object_get(v, "own")), before = policy;
        so_policy server = policy_of(json_object_get(v, "server"));
        const char *conflict = json_string_value(json_object_get(v, "conflict"));
        so_policy_rule rule;
        so_error err;
        so_status status = so_policy_tighten(&policy, &server, &rule, &err);

        if (conflict != NULL) {
            assert_int_equal(status, SO_REFUSED);
            assert_string_equal(so_policy_rule_name(rule), conflict);
            assert_non_null(strstr(err.text, conflict));
            assert_memory_equal(&policy, &before, sizeof policy);
            continue;
        }
        assert_int_equal(status, SO_OK);
        assert_rules(&policy, json_object_get(v, "rules"), json_object_get(v, "from"));
        before = policy;
        assert_int_equal(so_policy_tighten(&policy, &server, &rule, &err), SO_OK);
        assert_rules(&policy, json_object_get(v, "rules"), json_object_get(v, "from"));
    }
    json_decref(root);
}

static const char *text_fact(const json_t *facts, const char *name)
{
    return json_string_value(json_object_get(facts, name));
}

static so_seen seen_fact(const json_t *facts, const char *name)
{
    const json_t *fact = json_object_get(facts, name);

    if (!json_is_boolean(fact))
        return SO_UNSEEN;
    return json_is_true(fact) ? SO_SEEN_YES : SO_SEEN_NO;
}

static so_policy_stage stage_of(const char *name)
{
    static const char *const names[SO_STAGES] = {"signaling", "seal", "media", "path", "person", "this-end"};
    so_policy_stage stage = 0;

    while (strcmp(names[stage], name) != 0)
        stage++;
    return stage;
}

static const char *fault_name(so_policy_fault fault)
{
    static const char *const names[] = {"", "below", "not-allowed", "not-observed"};

    return names[fault];
}

static void calls_are_checked(void **state)
{
    json_t *root, *v, *all = policy_vectors(&root, "check");
    size_t i;

    (void)state;
    assert_true(json_array_size(all) > 50);
    json_array_foreach(all, i, v)
    {
        so_policy policy = policy_of(json_object_get(v, "policy"));
        const json_t *f = json_object_get(v, "facts"), *fails = json_object_get(v, "fails");
        so_policy_facts facts = {text_fact(f, "tls_version"),  text_fact(f, "tls_group"),
                                 text_fact(f, "dtls_version"), text_fact(f, "dtls_group"),
                                 text_fact(f, "srtp_profile"), seen_fact(f, "sealed"),
                                 seen_fact(f, "relayed"),      seen_fact(f, "known"),
                                 seen_fact(f, "compared"),     seen_fact(f, "recording")};
        so_policy_rule rule;
        so_error err;
        so_policy_fault fault = so_policy_check(&policy, stage_of(vector_text(v, "stage")), &facts, &rule, &err);

        if (json_is_null(fails)) {
            if (fault != SO_POLICY_HOLDS)
                fail_msg("%s", err.text);
            continue;
        }
        assert_string_equal(fault_name(fault), vector_text(fails, "fault"));
        assert_string_equal(so_policy_rule_name(rule), vector_text(fails, "rule"));
        assert_string_equal(err.layer, "policy");
        assert_non_null(strstr(err.text, vector_text(fails, "rule")));
        assert_true(strlen(err.text) < sizeof err.text - 1);
    }
    json_decref(root);
}

static void a_call_can_ask_for_more(void **state)
{
    so_policy policy;

    (void)state;
    so_policy_default(&policy);
    assert_false(so_policy_wants(&policy, SO_RULE_COMPARE));
    so_policy_ask(&policy, SO_RULE_COMPARE);
    assert_true(so_policy_wants(&policy, SO_RULE_COMPARE));
    assert_string_equal(so_policy_source_name(policy.rules[SO_RULE_COMPARE].from), "own");
    assert_false(so_policy_is_default(&policy, SO_RULE_COMPARE));
    so_policy_ask(&policy, SO_RULE_RECORDING);
    assert_false(so_policy_wants(&policy, SO_RULE_RECORDING));
}

static void lists_have_openssl_s_names(void **state)
{
    so_policy policy;
    so_error err;
    char text[SO_POLICY_VALUE_TEXT];

    (void)state;
    so_policy_default(&policy);
    assert_false(so_policy_openssl(&policy, SO_RULE_TLS_GROUPS, text));
    assert_int_equal(so_policy_parse(&policy,
                                     slice_of("{\"tls_groups\":[\"secp384r1\",\"x25519\",\"secp256r1\",\"secp521r1\","
                                              "\"x448\",\"X25519MLKEM768\"],\"srtp_profiles\":["
                                              "\"SRTP_AEAD_AES_256_GCM\",\"SRTP_AES128_CM_HMAC_SHA1_80\"]}"),
                                     "it", &err),
                     SO_OK);
    assert_true(so_policy_openssl(&policy, SO_RULE_TLS_GROUPS, text));
    assert_string_equal(text, "P-384:X25519:P-256:P-521:X448:X25519MLKEM768");
    assert_true(so_policy_openssl(&policy, SO_RULE_SRTP_PROFILES, text));
    assert_string_equal(text, "SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_read),          cmocka_unit_test(what_is_no_policy_is_refused),
        cmocka_unit_test(a_policy_is_small),          cmocka_unit_test(the_stricter_of_two),
        cmocka_unit_test(calls_are_checked),          cmocka_unit_test(a_call_can_ask_for_more),
        cmocka_unit_test(lists_have_openssl_s_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
