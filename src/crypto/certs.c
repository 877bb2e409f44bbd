#include "crypto/certs.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "certificate"

struct so_certs {
    size_t count, cap;
    X509 **x509;
    so_cert *cert;
};

/* Howard Hinnant's days-to-civil: gmtime_r would look at the environment's time zone. */
void so_date_text(char out[SO_DATE_LEN], so_unix when)
{
    so_unix days = when / SO_DAY - (when % SO_DAY < 0 ? 1 : 0) + 719468;
    so_unix era = (days >= 0 ? days : days - 146096) / 146097;
    so_unix of_era = days - era * 146097;
    so_unix year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    so_unix of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    so_unix month = (5 * of_year + 2) / 153;
    so_unix day = of_year - (153 * month + 2) / 5 + 1;
    so_unix year;

    month += month < 10 ? 3 : -9;
    year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    (void)snprintf(out, SO_DATE_LEN, "%04u-%02u-%02u", (unsigned)year % 10000u, (unsigned)month % 100u,
                   (unsigned)day % 100u);
}

static bool read_time(so_unix *out, const ASN1_TIME *when)
{
    ASN1_TIME *zero = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    bool ok = zero != NULL && ASN1_TIME_diff(&days, &seconds, zero, when) == 1;

    ASN1_TIME_free(zero);
    *out = (so_unix)days * SO_DAY + seconds;
    return ok;
}

static bool read_subject(char out[SO_SUBJECT_LEN], const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long len = 0;
    bool ok = bio != NULL && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0;

    if (ok)
        len = BIO_get_mem_data(bio, &text);
    if (len < 0)
        len = 0;
    if (len > SO_SUBJECT_LEN - 1)
        len = SO_SUBJECT_LEN - 1;
    if (len > 0)
        memcpy(out, text, (size_t)len);
    out[len] = '\0';
    BIO_free(bio);
    return ok;
}

static bool read_serial(char out[SO_SERIAL_LEN], const X509 *x509)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
    int len = ASN1_STRING_length(serial);
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);

    if (len > 20)
        return false;
    for (int i = 0; i < len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

static bool read_fingerprint(char out[SO_FINGERPRINT_LEN], const X509 *x509)
{
    uint8_t digest[SO_SHA256_LEN];
    unsigned len = 0;

    if (X509_digest(x509, EVP_sha256(), digest, &len) != 1 || len != sizeof digest)
        return false;
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(out + 3 * i, 4, i + 1 < sizeof digest ? "%02X:" : "%02X", digest[i]);
    return true;
}

static void read_key(so_cert *cert, const X509 *x509)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    int bits = key == NULL ? 0 : EVP_PKEY_get_bits(key);

    cert->key_bits = bits > 0 ? (unsigned)bits : 0;
    if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
        cert->key_kind = SO_KEY_RSA;
    else if (key != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
        cert->key_kind = SO_KEY_EC;
}

/* A text of ASN.1 as a C string; false where it holds a zero or is too long, so that nothing can hide behind either. */
static bool ia5_text(char out[SO_NAME_MAX + 1], const ASN1_STRING *string)
{
    int len = ASN1_STRING_length(string);
    const unsigned char *bytes = ASN1_STRING_get0_data(string);

    if (len < 0 || len > SO_NAME_MAX || memchr(bytes, 0, (size_t)len) != NULL)
        return false;
    memcpy(out, bytes, (size_t)len);
    out[len] = '\0';
    return true;
}

static bool read_name(so_name *name, const GENERAL_NAME *general)
{
    char text[SO_NAME_MAX + 1];

    if (general->type == GEN_IPADD)
        return so_name_from_ip(name, ASN1_STRING_get0_data(general->d.iPAddress),
                               (size_t)ASN1_STRING_length(general->d.iPAddress)) == SO_OK;
    return general->type == GEN_DNS && ia5_text(text, general->d.dNSName) && so_name_parse(name, text, NULL) == SO_OK &&
           name->kind == SO_NAME_DNS;
}

static so_status read_names(so_cert *cert, const X509 *x509)
{
    int found = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, &found, NULL);
    int count = sk_GENERAL_NAME_num(names);

    /* -1 is "there is none"; all else without a value is damage, or two of them. */
    if (names == NULL)
        return found == -1 ? SO_OK : SO_BAD_INPUT;
    cert->names = calloc((size_t)count + 1, sizeof *cert->names);
    for (int i = 0; cert->names != NULL && i < count; i++) {
        if (read_name(&cert->names[cert->name_count], sk_GENERAL_NAME_value(names, i)))
            cert->name_count++;
    }
    GENERAL_NAMES_free(names);
    return cert->names == NULL ? SO_NO_MEMORY : SO_OK;
}

static bool read_permit(so_permit *permit, const GENERAL_NAME *base)
{
    if (base->type == GEN_IPADD) {
        const uint8_t *bytes = ASN1_STRING_get0_data(base->d.iPAddress);
        size_t len = (size_t)ASN1_STRING_length(base->d.iPAddress);
        return (len == 8 || len == 32) && so_permit_from_ip(permit, bytes, bytes + len / 2, len / 2) == SO_OK;
    }
    memset(permit, 0, sizeof *permit);
    permit->kind = SO_NAME_DNS;
    if (base->type != GEN_DNS || !ia5_text(permit->text, base->d.dNSName))
        return false;
    for (char *c = permit->text; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            *c = '?';
        else if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    }
    return true;
}

static void read_subtrees(so_cert *cert, const STACK_OF(GENERAL_SUBTREE) * trees, bool excluded)
{
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        so_permit *permit = &cert->permits[cert->permit_count];
        if (read_permit(permit, sk_GENERAL_SUBTREE_value(trees, i)->base)) {
            permit->excluded = excluded;
            cert->permit_count++;
        }
    }
}

static so_status read_constraints(so_cert *cert, const X509 *x509)
{
    int found = 0, permitted, excluded;
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(x509, NID_name_constraints, &found, NULL);

    if (nc == NULL)
        return found == -1 ? SO_OK : SO_BAD_INPUT;
    permitted = sk_GENERAL_SUBTREE_num(nc->permittedSubtrees); /* -1 where there is no such list */
    excluded = sk_GENERAL_SUBTREE_num(nc->excludedSubtrees);
    cert->permits = calloc((size_t)(permitted + excluded + 3), sizeof *cert->permits);
    if (cert->permits != NULL) {
        read_subtrees(cert, nc->permittedSubtrees, false);
        read_subtrees(cert, nc->excludedSubtrees, true);
    }
    NAME_CONSTRAINTS_free(nc);
    return cert->permits == NULL ? SO_NO_MEMORY : SO_OK;
}

static bool signed_by(X509 *child, X509 *parent)
{
    EVP_PKEY *key = X509_get0_pubkey(parent);

    return key != NULL && X509_NAME_cmp(X509_get_issuer_name(child), X509_get_subject_name(parent)) == 0 &&
           X509_verify(child, key) == 1;
}

static so_status read_cert(so_cert *cert, X509 *x509)
{
    uint32_t flags = X509_get_extension_flags(x509);
    so_status status;

    if ((flags & EXFLAG_INVALID) != 0 || !read_time(&cert->not_before, X509_get0_notBefore(x509)) ||
        !read_time(&cert->not_after, X509_get0_notAfter(x509)) ||
        !read_subject(cert->subject, X509_get_subject_name(x509)) ||
        !read_subject(cert->issuer, X509_get_issuer_name(x509)) || !read_serial(cert->serial, x509) ||
        !read_fingerprint(cert->sha256, x509))
        return SO_BAD_INPUT;
    cert->is_ca = (flags & EXFLAG_CA) != 0;
    cert->server_auth =
        (flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(x509) & (uint32_t)XKU_SSL_SERVER) != 0;
    cert->self_signed = signed_by(x509, x509);
    read_key(cert, x509);
    status = read_names(cert, x509);
    return status == SO_OK ? read_constraints(cert, x509) : status;
}

static bool grow(so_certs *certs)
{
    size_t cap = certs->cap == 0 ? 4 : 2 * certs->cap;
    X509 **x509 = NULL;
    so_cert *cert = NULL;

    if (certs->count < certs->cap)
        return true;
    x509 = realloc(certs->x509, cap * sizeof *x509);
    if (x509 != NULL)
        certs->x509 = x509;
    cert = realloc(certs->cert, cap * sizeof *cert);
    if (cert != NULL)
        certs->cert = cert;
    if (x509 == NULL || cert == NULL)
        return false;
    certs->cap = cap;
    return true;
}

/* Takes the certificate over, also when it fails. */
static so_status add(so_certs *certs, X509 *x509)
{
    if (!grow(certs)) {
        X509_free(x509);
        return SO_NO_MEMORY;
    }
    certs->x509[certs->count] = x509;
    memset(&certs->cert[certs->count], 0, sizeof certs->cert[0]);
    certs->count++;
    return read_cert(&certs->cert[certs->count - 1], x509);
}

static so_status read_all(so_certs *certs, BIO *bio, const char *what, so_error *err)
{
    X509 *x509;
    unsigned long reason;
    so_status status;

    while ((x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
        if (certs->count == SO_CERTS_MAX) {
            X509_free(x509);
            return so_fail(err, SO_TOO_LONG, LAYER, "%s holds more than %d certificates; give only those that belong",
                           what, SO_CERTS_MAX);
        }
        status = add(certs, x509);
        if (status == SO_NO_MEMORY)
            return so_fail(err, status, LAYER, "no memory left to read %s; free some and try again", what);
        if (status != SO_OK)
            return so_fail(err, status, LAYER,
                           "certificate %zu of %s breaks the rules of RFC 5280 (dates, serial number or extensions); "
                           "have its CA issue it again",
                           certs->count, what);
    }
    reason = ERR_peek_last_error();
    if (ERR_GET_LIB(reason) == ERR_LIB_PEM && ERR_GET_REASON(reason) == PEM_R_NO_START_LINE)
        return SO_OK;
    return so_fail(err, SO_BAD_INPUT, LAYER, "certificate %zu of %s is damaged; copy the file again, whole",
                   certs->count + 1, what);
}

so_status so_certs_of_stack(so_certs **certs, const struct stack_st_X509 *stack)
{
    so_certs *made = calloc(1, sizeof *made);
    so_status status = made == NULL ? SO_NO_MEMORY : SO_OK;

    *certs = NULL;
    for (int i = 0; status == SO_OK && i < sk_X509_num(stack); i++) {
        X509 *x509 = sk_X509_value(stack, i);

        (void)X509_up_ref(x509);
        status = add(made, x509);
    }
    if (status != SO_OK)
        so_certs_free(made);
    else
        *certs = made;
    return status;
}

so_status so_certs_read(so_certs **certs, so_slice pem, const char *what, so_error *err)
{
    so_certs *made = calloc(1, sizeof *made);
    BIO *bio = pem.len > INT_MAX ? NULL : BIO_new_mem_buf(pem.len == 0 ? "" : pem.bytes, (int)pem.len);
    so_status status;

    *certs = NULL;
    ERR_clear_error();
    if (made == NULL || bio == NULL)
        status = so_fail(err, SO_NO_MEMORY, LAYER, "no memory left to read %s; free some and try again", what);
    else
        status = read_all(made, bio, what, err);
    ERR_clear_error();
    BIO_free(bio);
    if (status == SO_OK && made->count == 0)
        status = so_fail(err, SO_BAD_INPUT, LAYER,
                         "%s holds no certificate in PEM (it should begin with -----BEGIN CERTIFICATE-----); check the "
                         "file",
                         what);
    if (status == SO_OK)
        *certs = made;
    else
        so_certs_free(made);
    return status;
}

void so_certs_free(so_certs *certs)
{
    if (certs == NULL)
        return;
    for (size_t i = 0; i < certs->count; i++) {
        X509_free(certs->x509[i]);
        free(certs->cert[i].names);
        free(certs->cert[i].permits);
    }
    free(certs->x509);
    free(certs->cert);
    free(certs);
}

size_t so_certs_count(const so_certs *certs)
{
    return certs->count;
}

const so_cert *so_certs_at(const so_certs *certs, size_t index)
{
    return index < certs->count ? &certs->cert[index] : NULL;
}

struct x509_st *so_certs_x509(const so_certs *certs, size_t index)
{
    return index < certs->count ? certs->x509[index] : NULL;
}

bool so_certs_key_matches(const so_certs *certs, size_t index, const so_pkey *key)
{
    EVP_PKEY *public = index < certs->count ? X509_get0_pubkey(certs->x509[index]) : NULL;
    bool equal = public != NULL && EVP_PKEY_eq(public, key) == 1;

    ERR_clear_error(); /* keys of two kinds leave an error */
    return equal;
}

bool so_certs_signed_by(const so_certs *children, size_t child, const so_certs *parents, size_t parent)
{
    bool is;

    if (child >= children->count || parent >= parents->count)
        return false;
    is = signed_by(children->x509[child], parents->x509[parent]);
    ERR_clear_error();
    return is;
}
