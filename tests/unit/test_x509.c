/* Keys, and the certificates that the CA issues: by our own reader and by the openssl command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/secret.h"
#include "crypto/verify.h"
#include "crypto/x509.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW ((so_unix)1795000000) /* 2026-11-18 */

static const so_slice none = {NULL, 0};

/* The same bytes for the same start, so that serial numbers can be foretold. */
static so_status count_up(void *user, uint8_t *out, size_t len)
{
    uint8_t *next = user;

    for (size_t i = 0; i < len; i++)
        out[i] = (*next)++;
    return SO_OK;
}

static so_status give_zeros(void *user, uint8_t *out, size_t len)
{
    (void)user;
    memset(out, 0, len);
    return SO_OK;
}

static so_status give_nothing(void *user, uint8_t *out, size_t len)
{
    (void)user;
    (void)out;
    (void)len;
    return SO_IO;
}

static so_slice text(const char *s)
{
    return (so_slice){s, strlen(s)};
}

static so_issued make_ca(const char *const *permits, size_t count, so_slice passphrase)
{
    so_permit list[SO_CA_PERMITS_MAX];
    so_issued ca;
    so_error err;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(so_permit_parse(&list[i], permits[i], &err), SO_OK);
    assert_int_equal(so_ca_make(&(so_ca_request){.permits = list,
                                                 .permit_count = count,
                                                 .passphrase = passphrase,
                                                 .now = NOW,
                                                 .random = &so_random_system},
                                &ca, &err),
                     SO_OK);
    return ca;
}

static so_status make_leaf(const so_issued *ca, const char *const *names, size_t count, unsigned days, so_unix now,
                           so_slice passphrase, so_issued *leaf, so_error *err)
{
    so_name list[SO_LEAF_NAMES_MAX + 1];

    for (size_t i = 0; i < count; i++)
        assert_int_equal(so_name_parse(&list[i], names[i], err), SO_OK);
    return so_leaf_make(&(so_leaf_request){.ca_cert = so_pem_slice(&ca->cert),
                                           .ca_key = so_pem_slice(&ca->key),
                                           .passphrase = passphrase,
                                           .names = list,
                                           .name_count = count,
                                           .days = days,
                                           .now = now,
                                           .random = &so_random_system},
                        leaf, err);
}

static so_certs *read_certs(const so_pem *pem)
{
    so_certs *certs = NULL;
    so_error err;

    assert_int_equal(so_certs_read(&certs, so_pem_slice(pem), "the test's file", &err), SO_OK);
    return certs;
}

static const char *const usual[] = {"localhost", "call.lan", "127.0.0.0/8", "192.168.0.0/16", "fd00::/8"};
#define USUAL usual, sizeof usual / sizeof usual[0]

static void ca_is_as_rfc_5280_wants_it(void **state)
{
    so_issued ca = make_ca(USUAL, none);
    so_certs *certs = read_certs(&ca.cert);
    const so_cert *cert = so_certs_at(certs, 0);
    X509 *x509 = so_certs_x509(certs, 0);
    static const int critical[] = {NID_basic_constraints, NID_key_usage, NID_name_constraints};
    static const int plain[] = {NID_ext_key_usage, NID_subject_key_identifier};

    (void)state;
    assert_int_equal(so_certs_count(certs), 1);
    assert_true(cert->is_ca && cert->self_signed && cert->server_auth);
    assert_int_equal(X509_get_version(x509), X509_VERSION_3);
    assert_int_equal(X509_get_pathlen(x509), 0);
    assert_int_equal(X509_get_key_usage(x509), KU_KEY_CERT_SIGN | KU_CRL_SIGN);
    assert_int_equal(X509_get_extended_key_usage(x509), XKU_SSL_SERVER);
    assert_int_equal(X509_get_ext_count(x509), 5);
    for (size_t i = 0; i < 3; i++)
        assert_true(X509_EXTENSION_get_critical(X509_get_ext(x509, X509_get_ext_by_NID(x509, critical[i], -1))));
    for (size_t i = 0; i < 2; i++)
        assert_false(X509_EXTENSION_get_critical(X509_get_ext(x509, X509_get_ext_by_NID(x509, plain[i], -1))));
    assert_int_equal(cert->key_kind, SO_KEY_EC);
    assert_int_equal(cert->key_bits, 256);
    assert_int_equal(strncmp(cert->subject, "CN=Sotto local CA ", 18), 0);
    assert_int_equal(strlen(cert->subject), 26);
    assert_int_equal(cert->permit_count, 5);
    assert_true(cert->not_before < NOW && cert->not_after == NOW + 3650 * SO_DAY);
    assert_int_equal(strlen(cert->sha256), 95);
    so_certs_free(certs);
    so_issued_free(&ca);
}

/* Which excluded subtrees a CA has that permits just these. */
static void expect_excluded(const char *const *permits, size_t count, bool host_only, const char *expected)
{
    so_permit list[4];
    char found[200] = {0};
    so_issued ca;
    so_certs *certs;
    so_error err;

    for (size_t i = 0; i < count; i++)
        assert_int_equal(so_permit_parse(&list[i], permits[i], &err), SO_OK);
    list[0].host_only = host_only;
    assert_int_equal(
        so_ca_make(&(so_ca_request){.permits = list, .permit_count = count, .now = NOW, .random = &so_random_system},
                   &ca, &err),
        SO_OK);
    certs = read_certs(&ca.cert);
    for (size_t i = 0; i < so_certs_at(certs, 0)->permit_count; i++) {
        const so_permit *permit = &so_certs_at(certs, 0)->permits[i];
        if (permit->excluded) {
            strcat(found, permit->text[0] == '\0' ? "all-dns" : permit->text);
            strcat(found, " ");
        }
    }
    assert_string_equal(found, expected);
    so_certs_free(certs);
    so_issued_free(&ca);
}

static void what_is_not_permitted_is_excluded(void **state)
{
    static const char *const dns[] = {"call.lan"}, *const four[] = {"10.0.0.0/8"}, *const six[] = {"fd00::/8"};
    static const char *const both[] = {"dev", "10.0.0.0/8", "fd00::/8"};

    (void)state;
    expect_excluded(dns, 1, false, "0.0.0.0/0 ::/0 ");
    expect_excluded(four, 1, false, "all-dns ::/0 ");
    expect_excluded(six, 1, false, "all-dns 0.0.0.0/0 ");
    expect_excluded(both, 3, false, "");
    expect_excluded(both, 3, true, ".dev ");
}

static void leaf_is_as_rfc_5280_wants_it(void **state)
{
    static const char *const names[] = {"localhost", "CALL.lan", "*.call.lan", "127.0.0.1", "fd00::5", "call.lan"};
    so_issued ca = make_ca(USUAL, none), leaf;
    so_error err;
    so_certs *certs;
    const so_cert *cert;
    X509 *x509;
    so_pkey *key = NULL;

    (void)state;
    assert_int_equal(make_leaf(&ca, names, 6, 90, NOW, none, &leaf, &err), SO_OK);
    certs = read_certs(&leaf.cert);
    cert = so_certs_at(certs, 0);
    x509 = so_certs_x509(certs, 0);
    assert_int_equal(so_certs_count(certs), 2);
    assert_true(!cert->is_ca && cert->server_auth && !cert->self_signed);
    assert_int_equal(X509_get_key_usage(x509), KU_DIGITAL_SIGNATURE);
    assert_int_equal(X509_get_extended_key_usage(x509), XKU_SSL_SERVER);
    assert_non_null(X509_get0_authority_key_id(x509));
    assert_non_null(X509_get0_subject_key_id(x509));
    assert_int_equal(cert->name_count, 5);
    assert_string_equal(cert->names[1].text, "call.lan");
    assert_int_equal(strncmp(cert->subject, "CN=Sotto server ", 16), 0);
    assert_int_equal(cert->not_before, NOW - 3600);
    /* Both ends count, so 90 days are one second short of it. */
    assert_int_equal(cert->not_after - cert->not_before + 1, 90 * SO_DAY);
    assert_true(so_certs_signed_by(certs, 0, certs, 1));
    assert_int_equal(so_pkey_read(&key, so_pem_slice(&leaf.key), none, "key", &err), SO_OK);
    assert_true(so_certs_key_matches(certs, 0, key));
    assert_false(so_certs_key_matches(certs, 1, key));
    so_pkey_free(key);
    so_certs_free(certs);
    so_issued_free(&leaf);
    so_issued_free(&ca);
}

static void expect_refused(const so_issued *ca, const char *const *names, size_t count, unsigned days, so_unix now,
                           so_status status, const char *words)
{
    so_issued leaf;
    so_error err = {0};

    assert_int_equal(make_leaf(ca, names, count, days, now, none, &leaf, &err), status);
    assert_non_null(strstr(err.text, words));
    assert_null(leaf.cert.text);
    assert_null(leaf.key.text);
}

static void names_outside_are_refused(void **state)
{
    static const char *const outside[] = {"call.example", "xcall.lan", "8.8.8.8", "fe80::1", "::1"};
    static const char *const mixed[] = {"localhost", "evil.example"};
    const char *many[SO_LEAF_NAMES_MAX + 1];
    so_issued ca = make_ca(USUAL, none);

    (void)state;
    for (size_t i = 0; i < 5; i++)
        expect_refused(&ca, outside + i, 1, 90, NOW, SO_REFUSED, "--permit");
    expect_refused(&ca, mixed, 2, 90, NOW, SO_REFUSED, "evil.example");
    expect_refused(&ca, mixed, 0, 90, NOW, SO_BAD_INPUT, "at least one");
    for (size_t i = 0; i <= SO_LEAF_NAMES_MAX; i++)
        many[i] = "localhost";
    expect_refused(&ca, many, SO_LEAF_NAMES_MAX + 1, 90, NOW, SO_TOO_LONG, "101");
    expect_refused(&ca, mixed, 1, 91, NOW, SO_BAD_INPUT, "1 to 90");
    expect_refused(&ca, mixed, 1, 0, NOW, SO_BAD_INPUT, "1 to 90");
    expect_refused(&ca, mixed, 1, 90, NOW + 3651 * SO_DAY, SO_REFUSED, "expired");
    expect_refused(&ca, mixed, 1, 90, NOW - 2 * SO_DAY, SO_REFUSED, "clock");
    so_issued_free(&ca);
}

static void leaf_never_outlives_the_ca(void **state)
{
    static const char *const names[] = {"localhost"};
    so_issued ca = make_ca(USUAL, none), leaf;
    so_certs *certs;
    so_error err;

    (void)state;
    assert_int_equal(make_leaf(&ca, names, 1, 90, NOW + 3640 * SO_DAY, none, &leaf, &err), SO_OK);
    certs = read_certs(&leaf.cert);
    assert_int_equal(so_certs_at(certs, 0)->not_after, so_certs_at(certs, 1)->not_after);
    so_certs_free(certs);
    so_issued_free(&leaf);
    so_issued_free(&ca);
}

static void another_cas_key_is_refused(void **state)
{
    static const char *const names[] = {"localhost"};
    so_issued ca = make_ca(USUAL, none), other = make_ca(USUAL, none), mixed = {.cert = ca.cert, .key = other.key},
              leaf;
    so_error err;

    (void)state;
    assert_int_equal(make_leaf(&mixed, names, 1, 90, NOW, none, &leaf, &err), SO_REFUSED);
    assert_non_null(strstr(err.text, "don't belong together"));
    /* A leaf is no CA, whatever key it has. */
    assert_int_equal(make_leaf(&ca, names, 1, 90, NOW, none, &leaf, &err), SO_OK);
    expect_refused(&leaf, names, 1, 90, NOW, SO_REFUSED, "don't belong together");
    so_issued_free(&leaf);
    so_issued_free(&ca);
    so_issued_free(&other);
}

static void serial_numbers_are_the_callers(void **state)
{
    uint8_t next = 0xf0;
    const so_random counting = {count_up, &next}, zeros = {give_zeros, NULL}, broken = {give_nothing, NULL};
    so_permit permit;
    so_ca_request request = {.permits = &permit, .permit_count = 1, .now = NOW, .random = &counting};
    so_issued ca;
    so_certs *certs;
    so_error err;

    (void)state;
    assert_int_equal(so_permit_parse(&permit, "call.lan", &err), SO_OK);
    assert_int_equal(so_ca_make(&request, &ca, &err), SO_OK);
    certs = read_certs(&ca.cert);
    assert_string_equal(so_certs_at(certs, 0)->serial, "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
    assert_string_equal(so_certs_at(certs, 0)->subject, "CN=Sotto local CA 00010203");
    assert_false(ASN1_STRING_type(X509_get0_serialNumber(so_certs_x509(certs, 0))) == V_ASN1_NEG_INTEGER);
    so_certs_free(certs);
    so_issued_free(&ca);
    request.random = &zeros;
    assert_int_equal(so_ca_make(&request, &ca, &err), SO_CRYPTO);
    request.random = &broken;
    assert_int_equal(so_ca_make(&request, &ca, &err), SO_IO);
    request.permit_count = 0;
    assert_int_equal(so_ca_make(&request, &ca, &err), SO_BAD_INPUT);
}

static void passphrases_lock_keys(void **state)
{
    static const char *const names[] = {"localhost"};
    const so_slice right = text("seven random words"), wrong = text("seven random wordz");
    so_issued ca = make_ca(USUAL, right), leaf;
    so_pkey *key = NULL;
    so_pem pem;
    so_error err = {0};

    (void)state;
    assert_true(so_pkey_is_encrypted(so_pem_slice(&ca.key)));
    assert_int_equal(make_leaf(&ca, names, 1, 90, NOW, none, &leaf, &err), SO_STATE);
    assert_non_null(strstr(err.text, "--passphrase-file"));
    assert_int_equal(make_leaf(&ca, names, 1, 90, NOW, wrong, &leaf, &err), SO_REFUSED);
    assert_int_equal(make_leaf(&ca, names, 1, 90, NOW, right, &leaf, &err), SO_OK);
    assert_false(so_pkey_is_encrypted(so_pem_slice(&leaf.key)));
    assert_int_equal(strncmp(leaf.key.text, "-----BEGIN PRIVATE KEY-----", 27), 0);
    assert_int_equal(so_pkey_read(&key, so_pem_slice(&leaf.key), none, "key", &err), SO_OK);
    assert_int_equal(so_pkey_write(&pem, key, text("short"), &so_random_system, &err), SO_REFUSED);
    so_pkey_free(key);
    so_issued_free(&leaf);
    so_issued_free(&ca);
}

static void damage_is_named(void **state)
{
    so_issued ca = make_ca(USUAL, none);
    so_certs *certs = NULL;
    so_pkey *key = NULL;
    char sha256[SO_FINGERPRINT_LEN];
    so_error err;

    (void)state;
    assert_int_equal(so_certs_read(&certs, none, "--cert", &err), SO_BAD_INPUT);
    assert_int_equal(so_certs_read(&certs, so_pem_slice(&ca.key), "--cert", &err), SO_BAD_INPUT);
    assert_int_equal(so_certs_read(&certs, (so_slice){ca.cert.text, ca.cert.len - 40}, "--cert", &err), SO_BAD_INPUT);
    assert_int_equal(so_pkey_read(&key, none, none, "--key", &err), SO_BAD_INPUT);
    assert_int_equal(so_pkey_read(&key, so_pem_slice(&ca.cert), none, "--key", &err), SO_BAD_INPUT);
    assert_int_equal(so_certs_read(&certs, so_pem_slice(&ca.cert), "--cert", &err), SO_OK);
    memcpy(sha256, so_certs_at(certs, 0)->sha256, sizeof sha256);
    so_certs_free(certs);
    /* Whatever one character becomes: it is refused, or is seen to be no longer what its key signed. */
    for (size_t i = 28; i < ca.cert.len - 28; i++) {
        char was = ca.cert.text[i];
        ca.cert.text[i] = was == 'A' ? 'B' : 'A';
        if (was != '\n' && so_certs_read(&certs, so_pem_slice(&ca.cert), "--cert", &err) == SO_OK)
            assert_true(!so_certs_at(certs, 0)->self_signed || strcmp(so_certs_at(certs, 0)->sha256, sha256) == 0);
        so_certs_free(certs);
        certs = NULL;
        ca.cert.text[i] = was;
    }
    so_issued_free(&ca);
}

static void dates_are_written(void **state)
{
    static const struct {
        so_unix when;
        const char *day;
    } days[] = {{0, "1970-01-01"},          {NOW, "2026-11-18"},        {951782399, "2000-02-28"},
                {951782400, "2000-02-29"},  {2556143999, "2050-12-31"}, {4107542400, "2100-03-01"},
                {4107542399, "2100-02-28"}, {-1, "1969-12-31"}};
    char out[SO_DATE_LEN];

    (void)state;
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        so_date_text(out, days[i].when);
        assert_string_equal(out, days[i].day);
    }
}

static void save(const char *dir, const char *name, const so_pem *pem)
{
    char path[200];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(pem->text, 1, pem->len, file), pem->len);
    assert_int_equal(fclose(file), 0);
}

static int run_verify(const char *dir, const char *arguments)
{
    char line[600];

    (void)snprintf(line, sizeof line,
                   "cd %s && openssl verify -x509_strict -purpose sslserver -attime %lld %s >/dev/null 2>&1", dir,
                   (long long)NOW, arguments);
    return system(line);
}

static void openssl_command_agrees(void **state)
{
    static const char *const names[] = {"localhost", "a.call.lan", "192.168.1.5"};
    char dir[] = "/tmp/sotto-test-x509-XXXXXX", line[200];
    so_issued ca = make_ca(USUAL, none), other = make_ca(USUAL, none), leaf;
    so_error err;

    (void)state;
    if (system("openssl version >/dev/null 2>&1") != 0)
        skip();
    assert_non_null(mkdtemp(dir));
    assert_int_equal(make_leaf(&ca, names, 3, 90, NOW, none, &leaf, &err), SO_OK);
    save(dir, "ca.pem", &ca.cert);
    save(dir, "other.pem", &other.cert);
    save(dir, "leaf.pem", &leaf.cert);
    assert_int_equal(run_verify(dir, "-CAfile ca.pem leaf.pem"), 0);
    assert_int_equal(run_verify(dir, "-CAfile ca.pem -verify_hostname a.call.lan leaf.pem"), 0);
    assert_int_equal(run_verify(dir, "-CAfile ca.pem -verify_ip 192.168.1.5 leaf.pem"), 0);
    assert_int_not_equal(run_verify(dir, "-CAfile ca.pem -verify_hostname b.call.lan leaf.pem"), 0);
    assert_int_not_equal(run_verify(dir, "-CAfile other.pem leaf.pem"), 0);
    (void)snprintf(line, sizeof line, "rm -rf %s", dir);
    assert_int_equal(system(line), 0);
    so_issued_free(&leaf);
    so_issued_free(&ca);
    so_issued_free(&other);
}

/*
 * A thief of the CA's key is not bound by our checks, only by the constraints: signed by hand, names outside must not
 * verify.
 */
static int verify_stolen(const so_issued *ca, const char *san)
{
    so_certs *anchors = read_certs(&ca->cert), *chain = NULL;
    X509 *cert = X509_new(), *issuer = so_certs_x509(anchors, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);
    so_pkey *key = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem = NULL;
    long len;
    so_error err;
    int verify_error = 0;
    so_status status;

    assert_int_equal(so_pkey_read(&key, so_pem_slice(&ca->key), none, "key", &err), SO_OK);
    assert_non_null(ext);
    assert_true(X509_set_version(cert, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(cert), 7) &&
                X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                           (const unsigned char *)"stolen", -1, -1, 0) &&
                X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
                ASN1_TIME_set(X509_getm_notBefore(cert), NOW - 60) &&
                ASN1_TIME_set(X509_getm_notAfter(cert), NOW + 600) && X509_set_pubkey(cert, key) &&
                X509_add_ext(cert, ext, -1) && X509_sign(cert, key, EVP_sha256()) > 0);
    assert_true(PEM_write_bio_X509(bio, cert));
    len = BIO_get_mem_data(bio, &pem);
    assert_int_equal(so_certs_read(&chain, (so_slice){pem, (size_t)len}, "chain", &err), SO_OK);
    status = so_certs_verify(
        &(so_verify_request){
            .chain = chain, .anchors = (const so_certs *const *)&anchors, .anchor_count = 1, .now = NOW},
        &verify_error);
    assert_int_equal(status, verify_error == X509_V_OK ? SO_OK : SO_REFUSED);
    X509_EXTENSION_free(ext);
    X509_free(cert);
    BIO_free(bio);
    so_pkey_free(key);
    so_certs_free(anchors);
    so_certs_free(chain);
    return verify_error;
}

static void stolen_ca_is_bounded(void **state)
{
    static const char *const dns[] = {"call.lan"}, *const ip[] = {"10.0.0.0/8"};
    so_permit dev;
    so_issued names_only = make_ca(dns, 1, none), addresses_only = make_ca(ip, 1, none), host_only;
    so_error err;

    (void)state;
    assert_int_equal(verify_stolen(&names_only, "DNS:call.lan"), X509_V_OK);
    assert_int_equal(verify_stolen(&names_only, "DNS:bank.example"), X509_V_ERR_PERMITTED_VIOLATION);
    assert_int_equal(verify_stolen(&names_only, "DNS:call.lan,DNS:bank.example"), X509_V_ERR_PERMITTED_VIOLATION);
    assert_int_equal(verify_stolen(&names_only, "IP:8.8.8.8"), X509_V_ERR_EXCLUDED_VIOLATION);
    assert_int_equal(verify_stolen(&names_only, "IP:2001:db8::1"), X509_V_ERR_EXCLUDED_VIOLATION);
    assert_int_equal(verify_stolen(&addresses_only, "IP:10.1.2.3"), X509_V_OK);
    assert_int_equal(verify_stolen(&addresses_only, "IP:11.1.2.3"), X509_V_ERR_PERMITTED_VIOLATION);
    assert_int_not_equal(verify_stolen(&addresses_only, "IP:2001:db8::1"), X509_V_OK);
    assert_int_equal(verify_stolen(&addresses_only, "DNS:bank.example"), X509_V_ERR_EXCLUDED_VIOLATION);
    assert_int_equal(so_permit_parse(&dev, "dev", &err), SO_OK);
    dev.host_only = true;
    assert_int_equal(
        so_ca_make(&(so_ca_request){.permits = &dev, .permit_count = 1, .now = NOW, .random = &so_random_system},
                   &host_only, &err),
        SO_OK);
    assert_int_equal(verify_stolen(&host_only, "DNS:dev"), X509_V_OK);
    assert_int_equal(verify_stolen(&host_only, "DNS:web.dev"), X509_V_ERR_EXCLUDED_VIOLATION);
    so_issued_free(&host_only);
    so_issued_free(&names_only);
    so_issued_free(&addresses_only);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ca_is_as_rfc_5280_wants_it),
        cmocka_unit_test(what_is_not_permitted_is_excluded),
        cmocka_unit_test(leaf_is_as_rfc_5280_wants_it),
        cmocka_unit_test(names_outside_are_refused),
        cmocka_unit_test(leaf_never_outlives_the_ca),
        cmocka_unit_test(another_cas_key_is_refused),
        cmocka_unit_test(serial_numbers_are_the_callers),
        cmocka_unit_test(passphrases_lock_keys),
        cmocka_unit_test(damage_is_named),
        cmocka_unit_test(dates_are_written),
        cmocka_unit_test(openssl_command_agrees),
        cmocka_unit_test(stolen_ca_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
