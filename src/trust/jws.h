/*
 * Signed JSON in compact serialization (JWS, RFC 7515) as introductions and reports have it: ES256, with the public key
 * in the header, and nothing else there that could mean something.
 */
#ifndef SOTTO_TRUST_JWS_H
#define SOTTO_TRUST_JWS_H

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/ecdsa.h"

/* base64url of a SHA-256 */
#define SO_THUMBPRINT_LEN 43

/* The JWK thumbprint of a key (RFC 7638) and a final zero. SO_BAD_INPUT: it is no P-256 key. */
so_status so_thumbprint(char out[SO_THUMBPRINT_LEN + 1], const so_pkey *key) SO_MUST_CHECK;

/* Is this a thumbprint's text? Each digest has exactly one. */
bool so_thumbprint_is(const char *text);

/* Bytes that a payload of len becomes, at most. */
#define SO_JWS_LEN(len) (512 + SO_BASE64URL_LEN(len))

/* Writes payload, signed. SO_BAD_INPUT: the key is no P-256 key; SO_TOO_LONG: w has no room. */
so_status so_jws_write(so_writer *w, const char *typ, so_pkey *key, so_slice payload) SO_MUST_CHECK;

/*
 * Checks one: *payload_len bytes are its payload, in at most cap, and thumbprint is that of the key that signed.
 * SO_REFUSED: *wrong says what is wrong with it ("the signature is not of its key"). Any other status: this end could
 * not check it. It is not to be believed then either.
 */
so_status so_jws_read(so_slice text, const char *typ, uint8_t *payload, size_t cap, size_t *payload_len,
                      char thumbprint[SO_THUMBPRINT_LEN + 1], const char **wrong) SO_MUST_CHECK;

#endif
