#include "dtls/certificate.h"

#include "crypto/pkey.h"
#include "dtls/library.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define LAYER "media keys"

/* The other end's clock may be behind by this much; and no call lasts longer than these days. */
#define BEGINS_BACK SO_DAY
#define LASTS (30 * SO_DAY)
#define SERIAL_BYTES 16

struct so_dtls_certificate {
    EVP_PKEY *key;
    X509 *x509;
    so_fingerprint fingerprint;
};

void so_dtls_certificate_free(so_dtls_certificate *c)
{
    if (c == NULL)
        return;
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
    free(c);
}

const so_fingerprint *so_dtls_certificate_fingerprint(const so_dtls_certificate *c)
{
    return &c->fingerprint;
}

X509 *so_dtls_certificate_x509(const so_dtls_certificate *c)
{
    return c->x509;
}

EVP_PKEY *so_dtls_certificate_key(const so_dtls_certificate *c)
{
    return c->key;
}

static bool set_serial(X509 *x509, const so_random *random)
{
    uint8_t bytes[SERIAL_BYTES];
    BIGNUM *number = NULL;
    bool ok = so_random_fill(random, bytes, sizeof bytes) == SO_OK;

    bytes[0] = (uint8_t)((bytes[0] & 0x7f) | 0x40); /* RFC 5280 §4.1.2.2: a positive integer */
    ok = ok && (number = BN_bin2bn(bytes, sizeof bytes, NULL)) != NULL &&
         BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL;
    BN_free(number);
    return ok;
}

/* X509_set_pubkey would read back what it wrote, and go through all of OpenSSL's decoders for that. */
static bool set_key(X509 *x509, EVP_PKEY *key)
{
    uint8_t *point = NULL;
    size_t len = EVP_PKEY_get1_encoded_public_key(key, &point);

    if (len > 0 && X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(x509), OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
                                          V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)len) == 1)
        return true;
    OPENSSL_free(point);
    return false;
}

static bool fill(X509 *x509, EVP_PKEY *key, so_unix now, const so_random *random)
{
    X509_NAME *name = X509_get_subject_name(x509);

    /* The name that browsers write too: a certificate goes over the wire in the clear in DTLS 1.2. */
    return X509_set_version(x509, X509_VERSION_3) == 1 && set_serial(x509, random) &&
           ASN1_TIME_set(X509_getm_notBefore(x509), now - BEGINS_BACK) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(x509), now - BEGINS_BACK + LASTS) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"WebRTC", -1, -1, 0) == 1 &&
           X509_set_issuer_name(x509, name) == 1 && set_key(x509, key) && X509_sign(x509, key, EVP_sha256()) > 0;
}

/* As it will go over the wire: its fingerprint, and read as the other end will read it. */
static bool take(so_dtls_certificate *c, const X509 *made)
{
    uint8_t *der = NULL;
    const uint8_t *at;
    int len = i2d_X509(made, &der);
    bool ok = len > 0 && so_fingerprint_of(&c->fingerprint, SO_HASH_SHA256, (so_slice){der, (size_t)len}) == SO_OK &&
              (c->x509 = X509_new_ex(so_dtls_library(), NULL)) != NULL;

    at = der;
    ok = ok && d2i_X509(&c->x509, &at, len) != NULL;
    OPENSSL_free(der);
    return ok;
}

static bool make(so_dtls_certificate *c, so_unix now, const so_random *random)
{
    X509 *x509 = X509_new_ex(so_dtls_library(), NULL);
    bool ok = x509 != NULL && (c->key = EVP_PKEY_Q_keygen(so_dtls_library(), NULL, "EC", "P-256")) != NULL &&
              fill(x509, c->key, now, random) && take(c, x509);

    X509_free(x509);
    return ok;
}

so_status so_dtls_certificate_make(so_dtls_certificate **out, so_unix now, const so_random *random, so_error *err)
{
    so_dtls_certificate *c = calloc(1, sizeof *c);

    *out = NULL;
    if (c == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for a call's certificate; end other programs or calls");
    if (!make(c, now, random)) {
        so_dtls_certificate_free(c);
        return so_crypto_fault(err, LAYER, "making a call's certificate");
    }
    *out = c;
    return SO_OK;
}
