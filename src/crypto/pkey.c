#include "crypto/pkey.h"

#include "base/secret.h"

#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "key"
#define SALT_LEN 16
#define IV_LEN 16

/*
 * OWASP's password storage cheat sheet: N = 2^14, r = 8, p = 5 costs a guesser as much as N = 2^17, r = 8, p = 1. The
 * memory, 16 MiB, stays under the 32 MiB above which OpenSSL refuses to read a key back.
 */
#define SCRYPT_N (1u << 14)
#define SCRYPT_R 8
#define SCRYPT_P 5

so_status so_crypto_fault(so_error *err, const char *layer, const char *doing)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    so_status status =
        so_fail(err, SO_CRYPTO, layer, "%s failed inside OpenSSL (%s); check that memory is free and OpenSSL is whole",
                doing, reason == NULL ? "no reason given" : reason);

    ERR_clear_error();
    return status;
}

so_status so_pem_copy(so_pem *pem, const void *bytes, size_t len)
{
    pem->len = 0;
    pem->text = malloc(len + 1);
    if (pem->text == NULL)
        return SO_NO_MEMORY;
    if (len > 0)
        memcpy(pem->text, bytes, len);
    pem->text[len] = '\0';
    pem->len = len;
    return SO_OK;
}

void so_pem_free(so_pem *pem)
{
    if (pem->text != NULL)
        so_wipe(pem->text, pem->len);
    free(pem->text);
    pem->text = NULL;
    pem->len = 0;
}

so_slice so_pem_slice(const so_pem *pem)
{
    return (so_slice){pem->text, pem->len};
}

so_status so_pkey_make(so_pkey **key, so_error *err)
{
    *key = EVP_EC_gen("P-256");
    return *key != NULL ? SO_OK : so_crypto_fault(err, LAYER, "making a P-256 key");
}

void so_pkey_free(so_pkey *key)
{
    EVP_PKEY_free(key);
}

static bool contains(so_slice text, const char *word)
{
    return text.len > 0 && memmem(text.bytes, text.len, word, strlen(word)) != NULL;
}

bool so_pkey_is_encrypted(so_slice pem)
{
    return contains(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----") || contains(pem, "Proc-Type: 4,ENCRYPTED");
}

typedef struct passphrase_ask {
    so_slice passphrase;
    bool asked;
} passphrase_ask;

static int give_passphrase(char *out, int cap, int writing, void *user)
{
    passphrase_ask *ask = user;

    (void)writing;
    ask->asked = true;
    if (ask->passphrase.len == 0 || cap < 0 || ask->passphrase.len > (size_t)cap)
        return -1;
    memcpy(out, ask->passphrase.bytes, ask->passphrase.len);
    return (int)ask->passphrase.len;
}

so_status so_pkey_read(so_pkey **key, so_slice pem, so_slice passphrase, const char *what, so_error *err)
{
    passphrase_ask ask = {.passphrase = passphrase, .asked = false};
    BIO *bio;

    *key = NULL;
    if (pem.len == 0 || pem.len > INT_MAX)
        return so_fail(err, SO_BAD_INPUT, LAYER, "%s is empty; give a PEM file with the private key", what);
    bio = BIO_new_mem_buf(pem.bytes, (int)pem.len);
    if (bio == NULL)
        return so_crypto_fault(err, LAYER, "reading a key");
    *key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &ask);
    BIO_free(bio);
    ERR_clear_error();
    if (*key != NULL)
        return SO_OK;
    if (ask.asked && passphrase.len == 0)
        return so_fail(err, SO_STATE, LAYER, "%s is encrypted; pass --passphrase-file FILE", what);
    if (ask.asked)
        return so_fail(err, SO_REFUSED, LAYER, "the passphrase does not open %s; check the passphrase file", what);
    return so_fail(err, SO_BAD_INPUT, LAYER,
                   "%s is not a private key in PEM (it should begin with -----BEGIN PRIVATE KEY-----); check the file",
                   what);
}

static X509_SIG *encrypt(PKCS8_PRIV_KEY_INFO *info, so_slice passphrase, const so_random *random)
{
    uint8_t salt[SALT_LEN], iv[IV_LEN];
    X509_ALGOR *pbe;
    X509_SIG *sealed;

    if (so_random_fill(random, salt, sizeof salt) != SO_OK || so_random_fill(random, iv, sizeof iv) != SO_OK)
        return NULL;
    pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, SALT_LEN, iv, SCRYPT_N, SCRYPT_R, SCRYPT_P);
    if (pbe == NULL)
        return NULL;
    sealed = PKCS8_set0_pbe(passphrase.bytes, (int)passphrase.len, info, pbe);
    if (sealed == NULL)
        X509_ALGOR_free(pbe);
    return sealed;
}

static bool write_pkcs8(BIO *bio, so_pkey *key, so_slice passphrase, const so_random *random)
{
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    X509_SIG *sealed = NULL;
    bool ok = info != NULL;

    if (ok && passphrase.len == 0) {
        ok = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
    } else if (ok) {
        sealed = encrypt(info, passphrase, random);
        ok = sealed != NULL && PEM_write_bio_PKCS8(bio, sealed) == 1;
    }
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    return ok;
}

so_status so_pkey_write(so_pem *pem, so_pkey *key, so_slice passphrase, const so_random *random, so_error *err)
{
    BIO *bio;
    char *text = NULL;
    long len;
    so_status status;

    memset(pem, 0, sizeof *pem);
    if (passphrase.len > 0 && (passphrase.len < SO_PASSPHRASE_MIN || passphrase.len > SO_PASSPHRASE_MAX))
        return so_fail(err, SO_REFUSED, LAYER,
                       "the passphrase has %zu bytes; choose one of %d to %d, best several random words",
                       passphrase.len, SO_PASSPHRASE_MIN, SO_PASSPHRASE_MAX);
    bio = BIO_new(BIO_s_mem()); /* its memory is cleansed when it grows and when it goes */
    if (bio == NULL || !write_pkcs8(bio, key, passphrase, random))
        status = so_crypto_fault(err, LAYER, "writing a key");
    else if ((len = BIO_get_mem_data(bio, &text)) <= 0)
        status = so_crypto_fault(err, LAYER, "writing a key");
    else
        status = so_pem_copy(pem, text, (size_t)len);
    BIO_free(bio);
    return status;
}
