#include "crypto/x509.h"

#include "base/text.h"
#include "crypto/verify.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#define LAYER "certificate"

/* Clocks of other machines may be this far behind; it counts as part of the validity. */
#define SKEW ((so_unix)3600)
/* So that a leaf made in the CA's first second may begin SKEW earlier too. */
#define CA_SKEW SO_DAY

/* RFC 5280 §4.2.1.3, the bits of KeyUsage. */
#define DIGITAL_SIGNATURE 0
#define KEY_CERT_SIGN 5
#define CRL_SIGN 6

#define SERIAL_BYTES 16
/* RFC 7093 §2 (1): "the leftmost 160-bits of the SHA-256 hash" of the public key. */
#define KEY_ID_BYTES 20

void so_issued_free(so_issued *issued)
{
    so_pem_free(&issued->cert);
    so_pem_free(&issued->key);
}

static bool add_ext(X509 *cert, int nid, void *value, bool critical)
{
    return value != NULL && X509_add1_ext_i2d(cert, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

/* RFC 5280 §4.2.1.9: "Conforming CAs MUST include this extension in all CA certificates ... and MUST mark the
 * extension as critical". pathlen 0: this CA signs servers, never another CA. */
static bool add_basic_constraints(X509 *cert, bool ca)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    bool ok = basic != NULL;

    if (ok && ca) {
        basic->ca = 0xff;
        basic->pathlen = ASN1_INTEGER_new();
        ok = basic->pathlen != NULL && ASN1_INTEGER_set(basic->pathlen, 0) == 1;
    }
    ok = ok && add_ext(cert, NID_basic_constraints, basic, true);
    BASIC_CONSTRAINTS_free(basic);
    return ok;
}

static bool add_key_usage(X509 *cert, bool ca)
{
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    bool ok = usage != NULL && ASN1_BIT_STRING_set_bit(usage, ca ? KEY_CERT_SIGN : DIGITAL_SIGNATURE, 1) == 1 &&
              (!ca || ASN1_BIT_STRING_set_bit(usage, CRL_SIGN, 1) == 1) && add_ext(cert, NID_key_usage, usage, true);

    ASN1_BIT_STRING_free(usage);
    return ok;
}

/* On a CA too: there it bounds what is issued below, since verifiers ask for the purpose along the whole path. */
static bool add_server_auth(X509 *cert)
{
    EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();
    bool ok = usage != NULL && sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_server_auth)) > 0 &&
              add_ext(cert, NID_ext_key_usage, usage, false);

    sk_ASN1_OBJECT_pop_free(usage, ASN1_OBJECT_free);
    return ok;
}

static bool add_subject_key_id(X509 *cert)
{
    uint8_t digest[SO_SHA256_LEN];
    unsigned len = 0;
    ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
    bool ok = id != NULL && X509_pubkey_digest(cert, EVP_sha256(), digest, &len) == 1 && len == sizeof digest &&
              ASN1_OCTET_STRING_set(id, digest, KEY_ID_BYTES) == 1 &&
              add_ext(cert, NID_subject_key_identifier, id, false);

    ASN1_OCTET_STRING_free(id);
    return ok;
}

static bool add_authority_key_id(X509 *cert, X509 *ca)
{
    const ASN1_OCTET_STRING *ca_id = X509_get0_subject_key_id(ca);
    AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();
    bool ok = id != NULL && ca_id != NULL && (id->keyid = ASN1_OCTET_STRING_dup(ca_id)) != NULL &&
              add_ext(cert, NID_authority_key_identifier, id, false);

    AUTHORITY_KEYID_free(id);
    return ok;
}

static bool set_dns(GENERAL_NAME *general, const char *text)
{
    ASN1_IA5STRING *string = ASN1_IA5STRING_new();

    if (string == NULL || ASN1_STRING_set(string, text, (int)strlen(text)) != 1) {
        ASN1_IA5STRING_free(string);
        return false;
    }
    GENERAL_NAME_set0_value(general, GEN_DNS, string);
    return true;
}

static bool set_ip(GENERAL_NAME *general, const uint8_t *bytes, size_t len)
{
    ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();

    if (string == NULL || ASN1_OCTET_STRING_set(string, bytes, (int)len) != 1) {
        ASN1_OCTET_STRING_free(string);
        return false;
    }
    GENERAL_NAME_set0_value(general, GEN_IPADD, string);
    return true;
}

static bool push_name(GENERAL_NAMES *names, const so_name *name)
{
    GENERAL_NAME *general = GENERAL_NAME_new();

    if (general != NULL &&
        (name->kind == SO_NAME_DNS ? set_dns(general, name->text) : set_ip(general, name->ip, name->ip_len)) &&
        sk_GENERAL_NAME_push(names, general) > 0)
        return true;
    GENERAL_NAME_free(general);
    return false;
}

static bool is_repeated(const so_name *names, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (so_name_equal(&names[i], &names[index]))
            return true;
    }
    return false;
}

static bool add_names(X509 *cert, const so_name *names, size_t count)
{
    GENERAL_NAMES *list = sk_GENERAL_NAME_new_null();
    bool ok = list != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = is_repeated(names, i) || push_name(list, &names[i]);
    ok = ok && add_ext(cert, NID_subject_alt_name, list, false);
    GENERAL_NAMES_free(list);
    return ok;
}

/* Address and mask stand one after the other; the list is made with its first entry, since an empty one is not DER. */
static bool push_subtree(STACK_OF(GENERAL_SUBTREE) * *list, const so_permit *permit)
{
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    uint8_t both[32];
    bool ok;

    memcpy(both, permit->ip, permit->ip_len);
    memcpy(both + permit->ip_len, permit->mask, permit->ip_len);
    if (*list == NULL)
        *list = sk_GENERAL_SUBTREE_new_null();
    ok = *list != NULL && tree != NULL &&
         (permit->kind == SO_NAME_DNS ? set_dns(tree->base, permit->text)
                                      : set_ip(tree->base, both, 2 * (size_t)permit->ip_len)) &&
         sk_GENERAL_SUBTREE_push(*list, tree) > 0;
    if (!ok)
        GENERAL_SUBTREE_free(tree);
    return ok;
}

static bool any_of(const so_ca_request *request, size_t ip_len)
{
    for (size_t i = 0; i < request->permit_count; i++) {
        if (request->permits[i].ip_len == ip_len)
            return true;
    }
    return false;
}

/*
 * RFC 5280 §4.2.1.10: "Restrictions apply only when the specified name form is present", so a form of which nothing is
 * permitted would be free; it is excluded as a whole. The same goes for IPv4 next to IPv6, lest a verifier reads them
 * as two forms.
 */
static bool fill_constraints(NAME_CONSTRAINTS *nc, const so_ca_request *request)
{
    static const size_t forms[] = {0, 4, 16};
    so_permit excluded;
    bool ok = true;

    for (size_t i = 0; ok && i < request->permit_count; i++)
        ok = push_subtree(&nc->permittedSubtrees, &request->permits[i]);
    for (size_t i = 0; ok && i < sizeof forms / sizeof forms[0]; i++) {
        so_permit_exclude_all(&excluded, forms[i]);
        ok = any_of(request, forms[i]) || push_subtree(&nc->excludedSubtrees, &excluded);
    }
    for (size_t i = 0; ok && i < request->permit_count; i++) {
        const so_permit *permit = &request->permits[i];
        if (permit->kind != SO_NAME_DNS || !permit->host_only || strlen(permit->text) >= SO_NAME_MAX)
            continue;
        so_permit_exclude_all(&excluded, 0);
        excluded.text[0] = '.';
        memcpy(excluded.text + 1, permit->text, strlen(permit->text) + 1);
        ok = push_subtree(&nc->excludedSubtrees, &excluded);
    }
    return ok;
}

/* RFC 5280 §4.2.1.10: "Conforming CAs MUST mark this extension as critical". */
static bool add_constraints(X509 *cert, const so_ca_request *request)
{
    NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
    bool ok = nc != NULL && fill_constraints(nc, request) && add_ext(cert, NID_name_constraints, nc, true);

    NAME_CONSTRAINTS_free(nc);
    return ok;
}

/* RFC 5280 §4.1.2.2: the serial number "MUST be a positive integer"; one of zero means a broken random source. */
static bool set_serial(X509 *cert, const uint8_t bytes[SERIAL_BYTES])
{
    BIGNUM *number = BN_bin2bn(bytes, SERIAL_BYTES, NULL);
    bool ok = number != NULL && !BN_is_zero(number) && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;

    BN_free(number);
    return ok;
}

static bool set_time(ASN1_TIME *field, so_unix when)
{
    return ASN1_TIME_set(field, (time_t)when) != NULL; /* UTCTime until 2049, as RFC 5280 §4.1.2.5 wants it */
}

typedef struct draft {
    const char *title; /* with 8 hex digits after it, the common name: never a host name, since it holds spaces */
    so_unix not_before, not_after;
    const so_random *random;
} draft;

/* Version, serial number, subject, validity and key: what a CA's and a server's certificate have in common. */
static so_status begin(X509 *cert, const draft *d, so_pkey *key, so_error *err)
{
    uint8_t random[SERIAL_BYTES + 4];
    char cn[64], tag[9];
    so_status status = so_random_fill(d->random, random, sizeof random);

    if (status != SO_OK)
        return so_fail(err, status, LAYER,
                       "no random bytes for a serial number; check the system's random source and try again");
    so_hex(tag, random + SERIAL_BYTES, 4);
    (void)snprintf(cn, sizeof cn, "%s %s", d->title, tag);
    if (X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, random) &&
        X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8, (unsigned char *)cn, -1,
                                   -1, 0) == 1 &&
        set_time(X509_getm_notBefore(cert), d->not_before) && set_time(X509_getm_notAfter(cert), d->not_after) &&
        X509_set_pubkey(cert, key) == 1)
        return SO_OK;
    return so_crypto_fault(err, LAYER, "making a certificate");
}

static bool write_cert(so_pem *pem, X509 *cert, X509 *above)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;
    bool ok = bio != NULL && PEM_write_bio_X509(bio, cert) == 1 &&
              (above == NULL || PEM_write_bio_X509(bio, above) == 1) && (len = BIO_get_mem_data(bio, &text)) > 0 &&
              so_pem_copy(pem, text, (size_t)len) == SO_OK;

    BIO_free(bio);
    return ok;
}

static so_status check_ca_request(const so_ca_request *request, so_error *err)
{
    if (request->permit_count == 0)
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "a CA that permits no name can't issue anything; permit the server's names with --permit");
    if (request->permit_count > SO_CA_PERMITS_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "%zu names are permitted, and %d can be; permit a parent of several",
                       request->permit_count, SO_CA_PERMITS_MAX);
    for (size_t i = 0; i < request->permit_count; i++) {
        const so_permit *permit = &request->permits[i];
        if (permit->excluded || (permit->kind == SO_NAME_DNS && (permit->text[0] == '\0' || permit->text[0] == '.')))
            return so_fail(err, SO_BAD_INPUT, LAYER, "permit names alone: exclusions follow from them");
    }
    return SO_OK;
}

static so_status build_ca(X509 *cert, so_pkey *key, const so_ca_request *request, so_error *err)
{
    const draft d = {.title = "Sotto local CA",
                     .not_before = request->now - CA_SKEW,
                     .not_after = request->now + SO_CA_DAYS * SO_DAY,
                     .random = request->random};
    so_status status = begin(cert, &d, key, err);

    if (status != SO_OK)
        return status;
    if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 && add_basic_constraints(cert, true) &&
        add_key_usage(cert, true) && add_server_auth(cert) && add_subject_key_id(cert) &&
        add_constraints(cert, request) && X509_sign(cert, key, EVP_sha256()) > 0)
        return SO_OK;
    return so_crypto_fault(err, LAYER, "making the CA's certificate");
}

so_status so_ca_make(const so_ca_request *request, so_issued *ca, so_error *err)
{
    so_pkey *key = NULL;
    X509 *cert = NULL;
    so_status status = check_ca_request(request, err);

    memset(ca, 0, sizeof *ca);
    if (status != SO_OK)
        return status;
    status = so_pkey_make(&key, err);
    if (status == SO_OK && (cert = X509_new()) == NULL)
        status = so_crypto_fault(err, LAYER, "making the CA's certificate");
    if (status == SO_OK)
        status = build_ca(cert, key, request, err);
    if (status == SO_OK)
        status = so_pkey_write(&ca->key, key, request->passphrase, request->random, err);
    if (status == SO_OK && !write_cert(&ca->cert, cert, NULL))
        status = so_crypto_fault(err, LAYER, "writing the CA's certificate");
    X509_free(cert);
    so_pkey_free(key);
    if (status != SO_OK)
        so_issued_free(ca);
    return status;
}

static so_status check_names(const so_leaf_request *request, const so_cert *ca, so_error *err)
{
    if (request->name_count == 0)
        return so_fail(err, SO_BAD_INPUT, LAYER, "a server certificate needs at least one host name or address");
    if (request->name_count > SO_LEAF_NAMES_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "%zu names were given, and a certificate may have %d; issue several",
                       request->name_count, SO_LEAF_NAMES_MAX);
    for (size_t i = 0; i < request->name_count; i++) {
        if (!so_permits_allow(ca->permits, ca->permit_count, &request->names[i]))
            return so_fail(err, SO_REFUSED, LAYER,
                           "this CA may not issue for '%.64s', which is outside the names that it permits; leave the "
                           "name out, or make a new CA with sotto ca init --force --permit NAME for every name",
                           request->names[i].text);
    }
    return SO_OK;
}

/* A CA that nobody's verifier would take is told here, in words, and not by the failing call. */
static so_status check_leaf_request(const so_leaf_request *request, const so_certs *ca, const so_pkey *key,
                                    so_error *err)
{
    const so_cert *cert = so_certs_at(ca, 0);
    char until[SO_DATE_LEN];

    if (!cert->is_ca || !so_certs_key_matches(ca, 0, key))
        return so_fail(err, SO_REFUSED, LAYER,
                       "the CA's certificate and key don't belong together; restore both from one copy, or make a new "
                       "CA with sotto ca init --force");
    if (request->days < 1 || request->days > SO_LEAF_DAYS)
        return so_fail(err, SO_BAD_INPUT, LAYER, "a server certificate lasts 1 to %d days, not %u", SO_LEAF_DAYS,
                       request->days);
    so_date_text(until, cert->not_after);
    if (request->now > cert->not_after)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the CA expired on %s; make a new one with sotto ca init --force and have every machine trust "
                       "that",
                       until);
    so_date_text(until, cert->not_before);
    if (request->now < cert->not_before)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the CA is valid from %s only, so this machine's clock is behind; set it", until);
    return check_names(request, cert, err);
}

static so_status build_leaf(X509 *cert, so_pkey *key, const so_leaf_request *request, const so_certs *ca,
                            so_pkey *ca_key, so_error *err)
{
    X509 *ca_x509 = so_certs_x509(ca, 0);
    const so_cert *above = so_certs_at(ca, 0);
    draft d = {.title = "Sotto server", .not_before = request->now - SKEW, .random = request->random};
    so_status status;

    /* RFC 5280 §4.1.2.5: the period is "from notBefore through notAfter, inclusive", hence one second less. */
    if (d.not_before < above->not_before)
        d.not_before = above->not_before;
    d.not_after = d.not_before + request->days * SO_DAY - 1;
    if (d.not_after > above->not_after)
        d.not_after = above->not_after;
    status = begin(cert, &d, key, err);
    if (status != SO_OK)
        return status;
    if (X509_set_issuer_name(cert, X509_get_subject_name(ca_x509)) == 1 && add_basic_constraints(cert, false) &&
        add_key_usage(cert, false) && add_server_auth(cert) && add_names(cert, request->names, request->name_count) &&
        add_subject_key_id(cert) && add_authority_key_id(cert, ca_x509) && X509_sign(cert, ca_key, EVP_sha256()) > 0)
        return SO_OK;
    return so_crypto_fault(err, LAYER, "making a server certificate");
}

/* The last look before it goes out: what we issued verifies by every rule, or is not issued. */
static so_status verify_issued(const so_issued *leaf, so_unix now, so_error *err)
{
    so_certs *chain = NULL;
    int verify_error = 0;
    so_status status = so_certs_read(&chain, so_pem_slice(&leaf->cert), "the new certificate", err);

    if (status != SO_OK)
        return status;
    status = so_certs_verify(&(so_verify_request){.chain = chain, .trust_last = true, .strict = true, .now = now},
                             &verify_error);
    if (status == SO_REFUSED)
        status = so_chain_explain(verify_error, so_certs_count(chain), so_certs_at(chain, 0)->subject, err);
    else if (status != SO_OK)
        status = so_fail(err, status, LAYER, "the new certificate could not be checked; free memory and try again");
    so_certs_free(chain);
    return status;
}

static so_status issue(const so_leaf_request *request, const so_certs *ca, so_pkey *ca_key, so_issued *leaf,
                       so_error *err)
{
    static const so_slice plain = {NULL, 0}; /* a server must start without anybody there to type */
    so_pkey *key = NULL;
    X509 *cert = NULL;
    so_status status = so_pkey_make(&key, err);

    if (status == SO_OK && (cert = X509_new()) == NULL)
        status = so_crypto_fault(err, LAYER, "making a server certificate");
    if (status == SO_OK)
        status = build_leaf(cert, key, request, ca, ca_key, err);
    if (status == SO_OK)
        status = so_pkey_write(&leaf->key, key, plain, request->random, err);
    if (status == SO_OK && !write_cert(&leaf->cert, cert, so_certs_x509(ca, 0)))
        status = so_crypto_fault(err, LAYER, "writing a server certificate");
    if (status == SO_OK)
        status = verify_issued(leaf, request->now, err);
    X509_free(cert);
    so_pkey_free(key);
    return status;
}

so_status so_leaf_make(const so_leaf_request *request, so_issued *leaf, so_error *err)
{
    so_certs *ca = NULL;
    so_pkey *ca_key = NULL;
    so_status status;

    memset(leaf, 0, sizeof *leaf);
    status = so_certs_read(&ca, request->ca_cert, "the CA's certificate", err);
    if (status == SO_OK)
        status = so_pkey_read(&ca_key, request->ca_key, request->passphrase, "the CA's key", err);
    if (status == SO_OK)
        status = check_leaf_request(request, ca, ca_key, err);
    if (status == SO_OK)
        status = issue(request, ca, ca_key, leaf, err);
    so_certs_free(ca);
    so_pkey_free(ca_key);
    if (status != SO_OK)
        so_issued_free(leaf);
    return status;
}
