/*
 * STUN messages (RFC 8489) as they go out. One so_writer holds one message from its first byte on:
 *
 *     so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, id);
 *     so_stun_put(&w, SO_STUN_USERNAME, name, name_len);
 *     status = so_stun_end(&w, key, true);     MESSAGE-INTEGRITY, then FINGERPRINT
 */
#ifndef SOTTO_STUN_BUILD_H
#define SOTTO_STUN_BUILD_H

#include "base/bytes.h"
#include "stun/message.h"

/* w is empty. */
void so_stun_begin(so_writer *w, so_stun_class kind, uint16_t method, const uint8_t id[SO_STUN_ID]);

void so_stun_put(so_writer *w, uint16_t type, const void *value, size_t len); /* padded with zeros */
void so_stun_put_u32(so_writer *w, uint16_t type, uint32_t value);
void so_stun_put_u64(so_writer *w, uint16_t type, uint64_t value);
void so_stun_put_xor_address(so_writer *w, uint16_t type, const so_address *address);
void so_stun_put_error(so_writer *w, uint16_t code, const char *reason); /* 300 to 699 */
void so_stun_put_unknown(so_writer *w, const uint16_t *types, size_t count);

/*
 * Ends the message: MESSAGE-INTEGRITY, or MESSAGE-INTEGRITY-SHA256, as key says, where it is not NULL; FINGERPRINT
 * where asked, and the length. SO_TOO_LONG: it did not fit, so_writer_len is 0.
 */
so_status so_stun_end(so_writer *w, so_hmac *key, bool fingerprint) SO_MUST_CHECK;

#endif
