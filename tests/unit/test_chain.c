/* The operator's certificate before it is served, and the server's before it is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "attack/impostors.h"
#include "crypto/x509.h"
#include "trust/chain.h"

#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <string.h>

#define NOW ((so_unix)1795000000)
#define HOST "call.example"

static impostors all;
static so_slice ca_pem;

static int make_all(void **state)
{
    (void)state;
    if (!impostors_make(&all, HOST, NOW))
        return -1;
    ca_pem = so_pem_slice(&all.ca);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    impostors_free(&all);
    return 0;
}

static so_slice chain_of(const char *kind)
{
    return so_pem_slice(&impostors_find(&all, kind)->chain);
}

static so_slice key_of(const char *kind)
{
    return so_pem_slice(&impostors_find(&all, kind)->key);
}

/* Several PEM texts after each other. */
static so_pem join(const so_slice *parts, size_t count)
{
    so_pem out = {.text = calloc(1, 65536), .len = 0};

    assert_non_null(out.text);
    for (size_t i = 0; i < count; i++) {
        assert_true(out.len + parts[i].len < 65536);
        memcpy(out.text + out.len, parts[i].bytes, parts[i].len);
        out.len += parts[i].len;
    }
    return out;
}

/* The certificate number `index` of a PEM text. */
static so_slice nth(so_slice pem, size_t index)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----\n";
    const char *at = strstr(pem.bytes, begin), *after;

    for (size_t i = 0; at != NULL && i < index; i++)
        at = strstr(at + 1, begin);
    assert_non_null(at);
    after = strstr(at, end);
    assert_non_null(after);
    return (so_slice){at, (size_t)(after - at) + sizeof end - 1};
}

static so_status check(so_slice cert, so_slice key, bool with_ca, so_unix now, so_chain_report *report, so_error *err)
{
    return so_chain_check(
        &(so_chain_request){.cert = cert, .key = key, .anchors = &ca_pem, .anchor_count = with_ca ? 1 : 0, .now = now},
        report, err);
}

static void expect_fault(so_slice cert, so_slice key, so_unix now, const char *words)
{
    so_chain_report report;
    so_error err = {0};

    assert_int_not_equal(check(cert, key, true, now, &report, &err), SO_OK);
    if (strstr(err.text, words) == NULL)
        fail_msg("expected '%s' in: %s", words, err.text);
    assert_string_equal(err.layer, strstr(err.text, "private key") != NULL || strstr(err.text, "passphrase") != NULL
                                       ? "key"
                                       : "certificate");
    assert_null(report.names);
}

static void whole_chains_pass(void **state)
{
    so_slice parts[2] = {chain_of("honest"), ca_pem};
    so_pem with_root = join(parts, 2);
    so_chain_report report;
    so_error err;

    (void)state;
    assert_int_equal(check(chain_of("honest"), key_of("honest"), true, NOW, &report, &err), SO_OK);
    assert_int_equal(report.name_count, 1);
    assert_string_equal(report.names[0].text, HOST);
    assert_int_equal(report.sent, 1);
    assert_int_equal(report.days_left, 60);
    assert_string_equal(report.warning, "");
    assert_string_equal(report.issuer, "CN=Trusted test root");
    assert_int_equal(strlen(report.sha256), 95);
    so_chain_report_free(&report);
    assert_int_equal(check(chain_of("honest-chain"), key_of("honest-chain"), true, NOW, &report, &err), SO_OK);
    assert_int_equal(report.sent, 2);
    so_chain_report_free(&report);
    /* A private root in the file vouches for the file's being whole. */
    assert_int_equal(check(so_pem_slice(&with_root), key_of("honest"), false, NOW, &report, &err), SO_OK);
    so_chain_report_free(&report);
    so_pem_free(&with_root);
}

static void what_our_ca_issues_passes(void **state)
{
    so_permit permit;
    so_name name;
    so_issued ca, leaf;
    so_chain_report report;
    so_error err;

    (void)state;
    assert_int_equal(so_permit_parse(&permit, "call.lan", &err), SO_OK);
    assert_int_equal(so_name_parse(&name, "*.call.lan", &err), SO_OK);
    assert_int_equal(
        so_ca_make(&(so_ca_request){.permits = &permit, .permit_count = 1, .now = NOW, .random = &so_random_system},
                   &ca, &err),
        SO_OK);
    assert_int_equal(so_leaf_make(&(so_leaf_request){.ca_cert = so_pem_slice(&ca.cert),
                                                     .ca_key = so_pem_slice(&ca.key),
                                                     .names = &name,
                                                     .name_count = 1,
                                                     .days = 90,
                                                     .now = NOW,
                                                     .random = &so_random_system},
                                  &leaf, &err),
                     SO_OK);
    assert_int_equal(check(so_pem_slice(&leaf.cert), so_pem_slice(&leaf.key), false, NOW, &report, &err), SO_OK);
    assert_true(so_names_cover(report.names, report.name_count, "a.call.lan"));
    so_chain_report_free(&report);
    so_issued_free(&leaf);
    so_issued_free(&ca);
}

static void faults_are_named(void **state)
{
    static const so_slice nothing = {NULL, 0};

    (void)state;
    expect_fault(chain_of("honest"), key_of("expired"), NOW, "don't belong together");
    expect_fault(nothing, key_of("honest"), NOW, "holds no certificate");
    expect_fault(chain_of("honest"), nothing, NOW, "private key");
    expect_fault(key_of("honest"), key_of("honest"), NOW, "holds no certificate");
    expect_fault(chain_of("honest"), chain_of("honest"), NOW, "not a private key");
    expect_fault(chain_of("expired"), key_of("expired"), NOW, "expired on 2026-11-17; renew");
    expect_fault(chain_of("not-yet-valid"), key_of("not-yet-valid"), NOW, "valid from 2026-11-19");
    expect_fault(chain_of("missing-intermediate"), key_of("missing-intermediate"), NOW, "send the whole chain");
    expect_fault(chain_of("weak-key"), key_of("weak-key"), NOW, "too weak (RSA, 1024 bits)");
    expect_fault(chain_of("for-clients"), key_of("for-clients"), NOW, "serverAuth");
    expect_fault(chain_of("name-in-cn-only"), key_of("name-in-cn-only"), NOW, "subjectAltName");
    expect_fault(chain_of("outside-constraints"), key_of("outside-constraints"), NOW, "name constraints");
    expect_fault(chain_of("leaf-as-ca"), key_of("leaf-as-ca"), NOW, "no CA's");
}

static void order_is_named(void **state)
{
    so_slice two = chain_of("honest-chain"), key = key_of("honest-chain");
    so_slice reversed[] = {nth(two, 1), nth(two, 0)}, foreign[] = {chain_of("honest"), nth(two, 1)};
    so_slice shuffled[] = {nth(two, 0), ca_pem, nth(two, 1)};
    so_pem one;

    (void)state;
    one = join(reversed, 2);
    expect_fault(so_pem_slice(&one), key, NOW, "belongs to certificate 2");
    so_pem_free(&one);
    one = join(shuffled, 3);
    expect_fault(so_pem_slice(&one), key, NOW, "out of order");
    so_pem_free(&one);
    one = join(foreign, 2);
    expect_fault(so_pem_slice(&one), key_of("honest"), NOW, "has a gap");
    so_pem_free(&one);
}

static void a_ca_is_no_server(void **state)
{
    so_permit permit;
    so_issued ca;
    so_error err;

    (void)state;
    assert_int_equal(so_permit_parse(&permit, "call.lan", &err), SO_OK);
    assert_int_equal(
        so_ca_make(&(so_ca_request){.permits = &permit, .permit_count = 1, .now = NOW, .random = &so_random_system},
                   &ca, &err),
        SO_OK);
    expect_fault(so_pem_slice(&ca.cert), so_pem_slice(&ca.key), NOW, "is a CA's");
    so_issued_free(&ca);
}

static void unknown_ends_are_faults(void **state)
{
    so_chain_report report;
    so_error err;

    (void)state;
    /* Alone and without an anchor nobody can tell a whole chain from half of one. */
    assert_int_equal(check(chain_of("honest"), key_of("honest"), false, NOW, &report, &err), SO_REFUSED);
    assert_non_null(strstr(err.text, "'CN=Trusted test root', which is not in the file"));
    assert_non_null(strstr(err.text, "--ca FILE"));
    /* A chain that ends in a root of its own is whole, whoever knows that root. */
    assert_int_equal(check(chain_of("other-ca"), key_of("other-ca"), true, NOW, &report, &err), SO_OK);
    so_chain_report_free(&report);
}

static void the_end_is_announced(void **state)
{
    so_chain_report report;
    so_error err;

    (void)state;
    assert_int_equal(check(chain_of("honest"), key_of("honest"), true, NOW + 46 * SO_DAY, &report, &err), SO_OK);
    assert_string_equal(report.warning, "");
    so_chain_report_free(&report);
    assert_int_equal(check(chain_of("honest"), key_of("honest"), true, NOW + 46 * SO_DAY + 1, &report, &err), SO_OK);
    assert_non_null(strstr(report.warning, "in 13 days; renew"));
    so_chain_report_free(&report);
    assert_int_equal(check(chain_of("honest"), key_of("honest"), true, NOW + 60 * SO_DAY - 1, &report, &err), SO_OK);
    so_chain_report_free(&report);
    assert_int_equal(check(chain_of("honest"), key_of("honest"), true, NOW + 60 * SO_DAY + 1, &report, &err),
                     SO_REFUSED);
    assert_int_equal(check(chain_of("self-signed"), key_of("self-signed"), true, NOW, &report, &err), SO_OK);
    assert_non_null(strstr(report.warning, "self-signed"));
    so_chain_report_free(&report);
}

/* The client's side: every impostor is refused, for the reason that fits. */
static void impostors_are_refused(const char *host)
{
    impostors set;
    so_certs *anchor = NULL, *chain = NULL;
    so_error err;

    assert_true(impostors_make(&set, host, NOW));
    assert_true(set.count >= 10);
    assert_int_equal(so_certs_read(&anchor, so_pem_slice(&set.ca), "ca", &err), SO_OK);
    for (size_t i = 0; i < set.count; i++) {
        const impostor *one = &set.list[i];
        int verify_error = -1;
        so_status status;
        assert_int_equal(so_certs_read(&chain, so_pem_slice(&one->chain), "chain", &err), SO_OK);
        status = so_certs_verify(&(so_verify_request){.chain = chain,
                                                      .anchors = (const so_certs *const *)&anchor,
                                                      .anchor_count = 1,
                                                      .host = host,
                                                      .now = NOW},
                                 &verify_error);
        if (verify_error != one->verify_error)
            fail_msg("%s: error %d, expected %d", one->kind, verify_error, one->verify_error);
        assert_int_equal(status, one->because == NULL ? SO_OK : SO_REFUSED);
        if (one->because != NULL) {
            assert_int_equal(so_chain_explain(verify_error, so_certs_count(chain), host, &err), SO_REFUSED);
            if (strstr(err.text, one->because) == NULL || strstr(err.text, host) == NULL)
                fail_msg("%s: expected '%s' in: %s", one->kind, one->because, err.text);
        }
        so_certs_free(chain);
    }
    so_certs_free(anchor);
    impostors_free(&set);
}

static void impostors_by_name_are_refused(void **state)
{
    (void)state;
    impostors_are_refused("call.example");
}

static void impostors_by_address_are_refused(void **state)
{
    (void)state;
    impostors_are_refused("127.0.0.1");
    impostors_are_refused("::1");
}

static void every_error_has_a_whole_sentence(void **state)
{
    (void)state;
    for (int code = 1; code < 120; code++) {
        so_error err = {0};
        assert_int_equal(so_chain_explain(code, 1, HOST, &err), SO_REFUSED);
        assert_non_null(strstr(err.text, HOST));
        assert_non_null(strchr(err.text, ';'));
        assert_true(strlen(err.text) < sizeof err.text - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_chains_pass),
        cmocka_unit_test(what_our_ca_issues_passes),
        cmocka_unit_test(faults_are_named),
        cmocka_unit_test(order_is_named),
        cmocka_unit_test(a_ca_is_no_server),
        cmocka_unit_test(unknown_ends_are_faults),
        cmocka_unit_test(the_end_is_announced),
        cmocka_unit_test(impostors_by_name_are_refused),
        cmocka_unit_test(impostors_by_address_are_refused),
        cmocka_unit_test(every_error_has_a_whole_sentence),
    };
    return cmocka_run_group_tests(tests, make_all, free_all);
}
