/* Certificates read and looked into: PEM bytes in, facts out. */
#ifndef SOTTO_CRYPTO_CERTS_H
#define SOTTO_CRYPTO_CERTS_H

#include "base/clock.h"
#include "crypto/names.h"
#include "crypto/pkey.h"

/* A system's whole trust store has some hundred and fifty. */
#define SO_CERTS_MAX 1000
#define SO_SUBJECT_LEN 200
/* RFC 5280 §4.1.2.2: "Conforming CAs MUST NOT use serialNumber values longer than 20 octets." */
#define SO_SERIAL_LEN (2 * 20 + 1)
#define SO_FINGERPRINT_LEN (3 * SO_SHA256_LEN)
#define SO_DATE_LEN 11

typedef enum so_key_kind { SO_KEY_OTHER, SO_KEY_RSA, SO_KEY_EC } so_key_kind;

/* What stands in one certificate. Texts hold no control characters, whoever wrote the certificate. */
typedef struct so_cert {
    char subject[SO_SUBJECT_LEN]; /* "CN=call.example,O=..."; cut where it is longer */
    char issuer[SO_SUBJECT_LEN];
    char serial[SO_SERIAL_LEN];      /* hex */
    char sha256[SO_FINGERPRINT_LEN]; /* "AB:CD:...", as browsers show it */
    so_unix not_before;              /* both seconds are still inside */
    so_unix not_after;
    bool is_ca;
    bool self_signed;
    bool server_auth; /* the extended key usage names serverAuth */
    so_key_kind key_kind;
    unsigned key_bits;
    so_name *names; /* host names and addresses of the SAN; what is neither is left out */
    size_t name_count;
    so_permit *permits; /* name constraints on host names and addresses */
    size_t permit_count;
} so_cert;

typedef struct so_certs so_certs;

/* Every certificate of a PEM text, in its order; other PEM blocks are skipped. what: "the file given to --cert". */
so_status so_certs_read(so_certs **certs, so_slice pem, const char *what, so_error *err) SO_MUST_CHECK;
/* The certificates of a chain as OpenSSL has it, copied: for the modules that may name OpenSSL. */
struct stack_st_X509;
so_status so_certs_of_stack(so_certs **certs, const struct stack_st_X509 *stack) SO_MUST_CHECK;
void so_certs_free(so_certs *certs);
size_t so_certs_count(const so_certs *certs);
const so_cert *so_certs_at(const so_certs *certs, size_t index);

/* OpenSSL's X509, still owned by certs: for the modules that may name OpenSSL. */
struct x509_st *so_certs_x509(const so_certs *certs, size_t index);

/* Is the certificate's public key the other half of key? */
bool so_certs_key_matches(const so_certs *certs, size_t index, const so_pkey *key);

/* Is child's issuer the subject of parent, and does parent's key verify child's signature? */
bool so_certs_signed_by(const so_certs *children, size_t child, const so_certs *parents, size_t parent);

/* "2027-02-28", in UTC. */
void so_date_text(char out[SO_DATE_LEN], so_unix when);

#endif
