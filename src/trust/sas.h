/*
 * The short authentication string: two people compare four pictures or words, and know that nobody sits between their
 * ends. docs/protocol.md, section 6. Pure: a message in, a message out; randomness is an argument.
 */
#ifndef SOTTO_TRUST_SAS_H
#define SOTTO_TRUST_SAS_H

#include "crypto/random.h"
#include "trust/association.h"

#define SO_SAS_LEN 4
#define SO_SAS_NONCE_LEN 32
/* A kind, and a nonce or a digest. */
#define SO_SAS_MESSAGE_LEN (1 + SO_SAS_NONCE_LEN)
#define SO_SAS_LIST 256

typedef enum so_sas_result {
    SO_SAS_IGNORED = 0, /* no message of this section: nothing changed */
    SO_SAS_GOES_ON,     /* the other end's turn */
    SO_SAS_DONE,        /* the string is there */
    /* All below broke the run: the call ends with so_sas_code. */
    SO_SAS_ORDER,
    SO_SAS_COMMITMENT,
    SO_SAS_REFLECTED,
    SO_SAS_FAILED, /* no memory, no randomness or a crypto fault at our own end */
} so_sas_result;

typedef enum so_sas_state {
    SO_SAS_AWAITS_COMMIT,
    SO_SAS_AWAITS_NONCE,
    SO_SAS_AWAITS_REVEAL,
    SO_SAS_HAS_STRING,
    SO_SAS_BROKEN,
} so_sas_state;

/* One run; ended with so_sas_end, which wipes it. */
typedef struct so_sas {
    so_sas_state state;
    so_association association;
    uint8_t own_nonce[SO_SAS_NONCE_LEN];
    uint8_t commitment[SO_SHA256_LEN]; /* the client's, as its server took it */
    uint8_t string[SO_SAS_LEN];
} so_sas;

/*
 * Begins the run of one association, when every door holds. out_len > 0: out is to be sent. Never SO_SAS_DONE.
 */
so_sas_result so_sas_begin(so_sas *sas, const so_association *association, const so_random *random,
                           uint8_t out[SO_SAS_MESSAGE_LEN], size_t *out_len) SO_MUST_CHECK;

/* Takes a binary message of channel 0. out as above; with SO_SAS_DONE too. */
so_sas_result so_sas_take(so_sas *sas, const uint8_t *message, size_t len, uint8_t out[SO_SAS_MESSAGE_LEN],
                          size_t *out_len) SO_MUST_CHECK;

/* SO_STATE before SO_SAS_DONE, and once a message broke the run. */
so_status so_sas_string(const so_sas *sas, uint8_t string[SO_SAS_LEN]) SO_MUST_CHECK;

void so_sas_end(so_sas *sas);

/* "sas-order", ...; NULL for a result that ends nothing. */
const char *so_sas_code(so_sas_result result);

/* What one byte of the string stands for, from docs/sas.txt. */
const char *so_sas_picture(uint8_t byte); /* "🦊", one code point */
const char *so_sas_name(uint8_t byte);    /* "fox" */
const char *so_sas_word(uint8_t byte);    /* "answer" */

#endif
