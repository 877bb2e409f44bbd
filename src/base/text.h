/* base64url (RFC 4648 §5, no padding), base64 and hex. */
#ifndef SOTTO_BASE_TEXT_H
#define SOTTO_BASE_TEXT_H

#include "base/status.h"

#include <stdint.h>

/* Characters that n bytes take, without a final zero. */
#define SO_BASE64URL_LEN(n) (((n)*4 + 2) / 3)

/* Writes SO_BASE64URL_LEN(len) characters and a final zero. */
void so_base64url(char *out, const uint8_t *bytes, size_t len);

/*
 * Decodes len characters into at most cap bytes; *out_len is how many. Padding, other characters and spare bits
 * that are not zero are SO_BAD_INPUT, so that each byte string has exactly one text.
 */
so_status so_base64url_decode(uint8_t *out, size_t cap, size_t *out_len, const char *text, size_t len) SO_MUST_CHECK;

/* base64 with padding (RFC 4648 §4), for those who want it so: 4 characters for each 3 bytes begun, and a final zero.
 */
void so_base64(char *out, const uint8_t *bytes, size_t len);

/* Writes 2 × len lower-case characters and a final zero. */
void so_hex(char *out, const uint8_t *bytes, size_t len);

/*
 * For what others wrote and a terminal shows: each control character, also one of those beyond ASCII (U+0080 to U+009F
 * as UTF-8), becomes "?". In place; all else stays.
 */
void so_text_tame(char *text);

/* Exactly 2 × len characters of either case. */
so_status so_hex_decode(uint8_t *out, size_t len, const char *text) SO_MUST_CHECK;

#endif
