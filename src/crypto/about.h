/* Which libraries do the encrypting here, and what this CPU does for them: for a person who looks why it is slow. */
#ifndef SOTTO_CRYPTO_ABOUT_H
#define SOTTO_CRYPTO_ABOUT_H

#include <stdbool.h>

typedef struct so_crypto_about {
    const char *openssl;  /* "OpenSSL 3.0.17 1 Jul 2025" */
    const char *ipsec_mb; /* its version; NULL: this build does without */
    const char *arch;     /* which of its ways it takes here, "AVX2" say; NULL: none, or it is not there */
    const char *srtp;     /* what encrypts packets: "ipsec-mb", "OpenSSL" */
    bool cpu_known;       /* the next three are looked at: x86-64 */
    bool aes, vaes, pclmul;
} so_crypto_about;

/* SO_NO_MEMORY and the like leave the fields NULL. */
void so_crypto_about_this(so_crypto_about *about);

#endif
