#include "stun/build.h"

#include <string.h>

/* The header's length field: what there is so far, and more bytes that are still to come. */
static void set_length(so_writer *w, size_t more)
{
    size_t len = so_writer_len(w) + more - SO_STUN_HEADER;

    if (w->failed)
        return;
    w->failed = len > UINT16_MAX;
    w->start[2] = (uint8_t)(len >> 8);
    w->start[3] = (uint8_t)len;
}

void so_stun_begin(so_writer *w, so_stun_class kind, uint16_t method, const uint8_t id[SO_STUN_ID])
{
    /* RFC 8489 §5: M11..M7 C1 M6..M4 C0 M3..M0 */
    unsigned type = (method & 0x0fU) | (method & 0x70U) << 1 | (method & 0xf80U) << 2;

    so_write_u16(w, (uint16_t)(type | ((unsigned)kind & 1) << 4 | ((unsigned)kind & 2) << 7));
    so_write_u16(w, 0);
    so_write_u32(w, SO_STUN_COOKIE);
    so_write_bytes(w, id, SO_STUN_ID);
}

static void begin_attribute(so_writer *w, uint16_t type, size_t len)
{
    if (len > UINT16_MAX)
        w->failed = true;
    so_write_u16(w, type);
    so_write_u16(w, (uint16_t)len);
}

void so_stun_put(so_writer *w, uint16_t type, const void *value, size_t len)
{
    static const uint8_t zeros[3];

    begin_attribute(w, type, len);
    so_write_bytes(w, value, len);
    so_write_bytes(w, zeros, (4 - len % 4) % 4);
}

void so_stun_put_u32(so_writer *w, uint16_t type, uint32_t value)
{
    begin_attribute(w, type, 4);
    so_write_u32(w, value);
}

void so_stun_put_u64(so_writer *w, uint16_t type, uint64_t value)
{
    begin_attribute(w, type, 8);
    so_write_u64(w, value);
}

void so_stun_put_xor_address(so_writer *w, uint16_t type, const so_address *address)
{
    size_t len = so_address_ip_len(address);

    if (len == 0 || so_writer_len(w) < SO_STUN_HEADER) {
        w->failed = true;
        return;
    }
    begin_attribute(w, type, 4 + len);
    so_write_u8(w, 0);
    so_write_u8(w, len == 4 ? 1 : 2);
    so_write_u16(w, address->port ^ SO_STUN_COOKIE >> 16);
    /* RFC 8489 §14.2: masked with the cookie and the transaction id, which stand one after the other */
    for (size_t i = 0; i < len; i++)
        so_write_u8(w, address->ip[i] ^ w->start[4 + i]);
}

void so_stun_put_error(so_writer *w, uint16_t code, const char *reason)
{
    static const uint8_t zeros[3];
    size_t len = strlen(reason);

    begin_attribute(w, SO_STUN_ERROR_CODE, 4 + len);
    so_write_u16(w, 0);
    so_write_u8(w, (uint8_t)(code / 100));
    so_write_u8(w, (uint8_t)(code % 100));
    so_write_bytes(w, reason, len);
    so_write_bytes(w, zeros, (4 - len % 4) % 4);
}

void so_stun_put_unknown(so_writer *w, const uint16_t *types, size_t count)
{
    begin_attribute(w, SO_STUN_UNKNOWN_ATTRIBUTES, 2 * count);
    for (size_t i = 0; i < count; i++)
        so_write_u16(w, types[i]);
    if (count % 2 == 1)
        so_write_u16(w, 0);
}

static so_status put_integrity(so_writer *w, so_hmac *key)
{
    so_slice signed_part = {w->start, so_writer_len(w)};
    uint8_t made[SO_SHA256_LEN];
    size_t len = so_hmac_len(key);
    so_status status = so_hmac_run(key, made, &signed_part, 1);

    if (status == SO_OK)
        so_stun_put(w, len == SO_SHA1_LEN ? SO_STUN_MESSAGE_INTEGRITY : SO_STUN_MESSAGE_INTEGRITY_SHA256, made, len);
    return status;
}

so_status so_stun_end(so_writer *w, so_hmac *key, bool fingerprint)
{
    so_status status = SO_OK;

    /* Each of the two counts the length up to its own end (RFC 8489 §14.5, §14.7). */
    if (key != NULL) {
        set_length(w, 4 + so_hmac_len(key));
        if (!w->failed)
            status = put_integrity(w, key);
    }
    if (fingerprint) {
        set_length(w, 8);
        if (!w->failed)
            so_stun_put_u32(w, SO_STUN_FINGERPRINT, so_stun_fingerprint_of(w->start, so_writer_len(w)));
    }
    set_length(w, 0);
    if (status != SO_OK)
        w->failed = true;
    return status != SO_OK ? status : w->failed ? SO_TOO_LONG : SO_OK;
}
