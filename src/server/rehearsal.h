/*
 * The proof that who attacks a server may do so (docs/protocol.md, section 3): both sides know a token that the
 * server's operator chose, and neither ever sends it. Pure.
 */
#ifndef SOTTO_SERVER_REHEARSAL_H
#define SOTTO_SERVER_REHEARSAL_H

#include "crypto/digest.h"

/* A token that is shorter could be guessed by anybody who asked the server for one proof. */
#define SO_REHEARSAL_TOKEN_MIN 16
#define SO_REHEARSAL_NONCE_BYTES 16
#define SO_REHEARSAL_NONCE_LEN 22 /* base64url */
#define SO_REHEARSAL_PROOF_LEN (2 * SO_SHA256_LEN)
#define SO_REHEARSAL_PATH "/rehearsal"

/* Hex, and a final zero. nonce: its text; host: as the Host header has it. */
so_status so_rehearsal_proof(char out[SO_REHEARSAL_PROOF_LEN + 1], so_slice token, so_slice nonce,
                             so_slice host) SO_MUST_CHECK;

/* The nonce in "/rehearsal?nonce=...", SO_REHEARSAL_NONCE_LEN characters of base64url; NULL: there is none. */
const char *so_rehearsal_nonce(const char *target);

#endif
