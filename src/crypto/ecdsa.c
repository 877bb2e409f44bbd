#include "crypto/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

/* SEQUENCE of two INTEGERs, each of at most 33 bytes. */
#define DER_MAX (2 + 2 * (2 + SO_P256_LEN + 1))
#define UNCOMPRESSED 0x04 /* SEC 1 §2.3.3 */
#define POINT_LEN (1 + 2 * SO_P256_LEN)

/* A TLS connection of the same thread would take what is left in OpenSSL's queue of errors for its own. */
static so_status finish(so_status status)
{
    if (status != SO_OK)
        ERR_clear_error();
    return status;
}

static bool is_p256(const so_pkey *key)
{
    char group[32];
    size_t len = 0;

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, &len) == 1 &&
           strcmp(group, SN_X9_62_prime256v1) == 0;
}

static bool coordinate(uint8_t out[SO_P256_LEN], const so_pkey *key, const char *name)
{
    BIGNUM *n = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, name, &n) == 1 && BN_bn2binpad(n, out, SO_P256_LEN) == SO_P256_LEN;

    BN_free(n);
    return ok;
}

so_status so_p256_point_of(so_p256_point *point, const so_pkey *key)
{
    if (!is_p256(key))
        return finish(SO_BAD_INPUT);
    if (!coordinate(point->x, key, OSSL_PKEY_PARAM_EC_PUB_X) || !coordinate(point->y, key, OSSL_PKEY_PARAM_EC_PUB_Y))
        return finish(SO_CRYPTO);
    return SO_OK;
}

so_status so_p256_key_of(so_pkey **key, const so_p256_point *point)
{
    char group[] = SN_X9_62_prime256v1;
    uint8_t text[POINT_LEN] = {UNCOMPRESSED};
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
                                 OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, text, sizeof text),
                                 OSSL_PARAM_construct_end()};
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *check = NULL;
    so_status status = SO_OK;

    *key = NULL;
    memcpy(text + 1, point->x, SO_P256_LEN);
    memcpy(text + 1 + SO_P256_LEN, point->y, SO_P256_LEN);
    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1)
        status = SO_CRYPTO;
    else if (EVP_PKEY_fromdata(ctx, key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *)params) != 1)
        status = SO_REFUSED; /* with all else fixed, this is the point's fault */
    else if ((check = EVP_PKEY_CTX_new_from_pkey(NULL, *key, NULL)) == NULL)
        status = SO_CRYPTO;
    else if (EVP_PKEY_public_check(check) != 1) /* fromdata looks as well, but nothing that is documented says so */
        status = SO_REFUSED;
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    if (status != SO_OK) {
        EVP_PKEY_free(*key);
        *key = NULL;
    }
    return finish(status);
}

static bool raw_of_der(uint8_t signature[SO_ES256_LEN], const uint8_t *der, size_t len)
{
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
    bool ok = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, SO_P256_LEN) == SO_P256_LEN &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + SO_P256_LEN, SO_P256_LEN) == SO_P256_LEN;

    ECDSA_SIG_free(sig);
    return ok;
}

so_status so_es256_sign(uint8_t signature[SO_ES256_LEN], so_pkey *key, so_slice message)
{
    EVP_MD_CTX *ctx;
    uint8_t der[DER_MAX];
    size_t len = sizeof der;
    bool ok;

    if (!is_p256(key))
        return finish(SO_BAD_INPUT);
    ctx = EVP_MD_CTX_new();
    ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(ctx, der, &len, message.bytes, message.len) == 1 && raw_of_der(signature, der, len);
    EVP_MD_CTX_free(ctx);
    return finish(ok ? SO_OK : SO_CRYPTO);
}

/* 0: there was no memory. */
static size_t der_of_raw(uint8_t der[DER_MAX], const uint8_t signature[SO_ES256_LEN])
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, SO_P256_LEN, NULL), *s = BN_bin2bn(signature + SO_P256_LEN, SO_P256_LEN, NULL);
    int len = 0;

    if (sig != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        len = i2d_ECDSA_SIG(sig, &der);
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(sig);
    return len > 0 ? (size_t)len : 0;
}

so_status so_es256_verify(const uint8_t signature[SO_ES256_LEN], so_pkey *key, so_slice message)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t der[DER_MAX];
    size_t len = der_of_raw(der, signature);
    so_status status = SO_OK;

    if (ctx == NULL || len == 0 || EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) != 1)
        status = SO_CRYPTO;
    else if (EVP_DigestVerify(ctx, der, len, message.bytes, message.len) != 1)
        status = SO_REFUSED;
    EVP_MD_CTX_free(ctx);
    return finish(status);
}
