/*
 * Private keys as PEM (PKCS#8), encrypted or not. What makes and reads them is OpenSSL; its own random generator makes
 * the key itself, the caller's so_random everything that is public.
 */
#ifndef SOTTO_CRYPTO_PKEY_H
#define SOTTO_CRYPTO_PKEY_H

#include "crypto/digest.h"
#include "crypto/random.h"

#define SO_PASSPHRASE_MIN 8
#define SO_PASSPHRASE_MAX 1024

/* Text that the caller owns and ends with so_pem_free, which wipes it: it may be a key. A zero follows the text. */
typedef struct so_pem {
    char *text;
    size_t len;
} so_pem;

so_status so_pem_copy(so_pem *pem, const void *bytes, size_t len) SO_MUST_CHECK;
void so_pem_free(so_pem *pem);
so_slice so_pem_slice(const so_pem *pem);

/* OpenSSL's EVP_PKEY under a name that needs no header of OpenSSL's. Ended with so_pkey_free, which wipes it. */
typedef struct evp_pkey_st so_pkey;

/* A new P-256 key. */
so_status so_pkey_make(so_pkey **key, so_error *err) SO_MUST_CHECK;
void so_pkey_free(so_pkey *key);

/*
 * Any kind of key, from any PEM that OpenSSL reads. SO_STATE: it is encrypted and passphrase is empty; SO_REFUSED: the
 * passphrase does not open it; SO_BAD_INPUT: it is no key. what names it in the error: "the CA's key".
 */
so_status so_pkey_read(so_pkey **key, so_slice pem, so_slice passphrase, const char *what, so_error *err) SO_MUST_CHECK;

/* Does the PEM say that a passphrase is needed? */
bool so_pkey_is_encrypted(so_slice pem);

/*
 * PKCS#8. With a passphrase: PBES2 (RFC 8018) of scrypt (RFC 7914) and AES-256-CBC; SO_REFUSED when the passphrase is
 * shorter than SO_PASSPHRASE_MIN.
 */
so_status so_pkey_write(so_pem *pem, so_pkey *key, so_slice passphrase, const so_random *random,
                        so_error *err) SO_MUST_CHECK;

/* SO_CRYPTO, with OpenSSL's own reason in the sentence, and its error queue emptied. */
so_status so_crypto_fault(so_error *err, const char *layer, const char *doing);

#endif
