#include "stun/message.h"

#include "base/bytes.h"
#include "base/secret.h"

#include <string.h>

#define USERNAME_MAX 513 /* bytes, RFC 5389 §15.3; RFC 8489 §14.3 says a few less */
#define TEXT_MAX 763     /* bytes: REALM, NONCE, SOFTWARE and reasons, RFC 8489 §14 */
#define FINGERPRINT_XOR 0x5354554eU

/* The comprehension-required types that are known here, by ICE or by TURN; any other one in a request is answered 420
 * (RFC 8489 §6.3.1), and those that do not belong in a message are not looked at. */
static const uint16_t known[] = {
    SO_STUN_MAPPED_ADDRESS,
    SO_STUN_USERNAME,
    SO_STUN_MESSAGE_INTEGRITY,
    SO_STUN_ERROR_CODE,
    SO_STUN_UNKNOWN_ATTRIBUTES,
    SO_STUN_CHANNEL_NUMBER,
    SO_STUN_LIFETIME,
    SO_STUN_XOR_PEER_ADDRESS,
    SO_STUN_DATA,
    SO_STUN_REALM,
    SO_STUN_NONCE,
    SO_STUN_XOR_RELAYED_ADDRESS,
    SO_STUN_REQUESTED_ADDRESS_FAMILY,
    SO_STUN_REQUESTED_TRANSPORT,
    SO_STUN_MESSAGE_INTEGRITY_SHA256,
    SO_STUN_PASSWORD_ALGORITHM,
    SO_STUN_USERHASH,
    SO_STUN_XOR_MAPPED_ADDRESS,
    SO_STUN_PRIORITY,
    SO_STUN_USE_CANDIDATE,
};

typedef struct attribute {
    uint16_t type;
    so_slice value;
    size_t at; /* where its header begins */
} attribute;

/* false: the end, or (and then r has failed) cut. Padding may be of any bytes (RFC 8489 §14). */
static bool next_attribute(so_reader *r, const uint8_t *start, attribute *a)
{
    if (r->failed || so_reader_left(r) == 0)
        return false;
    a->at = (size_t)(r->at - start);
    a->type = so_read_u16(r);
    a->value.len = so_read_u16(r);
    a->value.bytes = so_read_bytes(r, a->value.len);
    (void)so_read_bytes(r, (4 - a->value.len % 4) % 4);
    return !r->failed;
}

bool so_stun_looks_like(const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);
    uint16_t type = so_read_u16(&r), rest = so_read_u16(&r);
    uint32_t cookie = so_read_u32(&r);

    return !r.failed && (type & 0xc000) == 0 && cookie == SO_STUN_COOKIE && rest % 4 == 0 &&
           len == (size_t)rest + SO_STUN_HEADER;
}

/* Both encodings of RFC 8489 §14.1 and §14.2; an address of no known family is none. */
static so_status read_address(so_slice value, const uint8_t mask[16], uint16_t port_mask, so_address *address)
{
    so_reader r = so_reader_of(value.bytes, value.len);
    uint8_t family, ip[16];
    uint16_t port;
    size_t len;

    (void)so_read_u8(&r);
    family = so_read_u8(&r);
    port = so_read_u16(&r) ^ port_mask;
    len = family == 1 ? 4 : 16;
    if (r.failed || (family != 1 && family != 2) || so_reader_left(&r) != len)
        return SO_BAD_INPUT;
    for (size_t i = 0; i < len; i++)
        ip[i] = so_read_u8(&r) ^ mask[i];
    *address = so_address_of(ip, len, port);
    return SO_OK;
}

so_status so_stun_xor_address_of(const so_stun_message *message, so_slice value, so_address *address)
{
    /* The mask is the cookie and the transaction id, which stand there one after the other. */
    return read_address(value, message->id - 4, SO_STUN_COOKIE >> 16, address);
}

static so_status read_error(so_stun_message *m, so_slice value)
{
    so_reader r = so_reader_of(value.bytes, value.len);
    unsigned hundreds, number;

    (void)so_read_u16(&r);
    hundreds = so_read_u8(&r) & 7U;
    number = so_read_u8(&r);
    if (r.failed || hundreds < 3 || hundreds > 6 || number > 99 || so_reader_left(&r) > TEXT_MAX)
        return SO_BAD_INPUT;
    m->error = (uint16_t)(hundreds * 100 + number);
    m->reason = (so_slice){r.at, so_reader_left(&r)};
    return SO_OK;
}

static so_status read_role(so_stun_message *m, so_slice value, bool *role)
{
    so_reader r = so_reader_of(value.bytes, value.len);

    if (value.len != 8)
        return SO_BAD_INPUT;
    if (!m->controlling && !m->controlled) {
        *role = true;
        m->tie_breaker = so_read_u64(&r);
    }
    return SO_OK;
}

static so_status keep_text(so_slice *text, so_slice value, size_t most)
{
    if (value.len > most)
        return SO_BAD_INPUT;
    if (text->bytes == NULL)
        *text = value;
    return SO_OK;
}

static so_status read_priority(so_stun_message *m, so_slice value)
{
    so_reader r = so_reader_of(value.bytes, value.len);

    if (value.len != 4)
        return SO_BAD_INPUT;
    if (!m->has_priority)
        m->priority = so_read_u32(&r);
    m->has_priority = true;
    return SO_OK;
}

static void note_unknown(so_stun_message *m, uint16_t type)
{
    if (type >= 0x8000)
        return; /* comprehension-optional */
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i] == type)
            return;
    if (m->unknown_count < SO_STUN_UNKNOWN)
        m->unknown[m->unknown_count] = type;
    m->unknown_count++;
}

/* Attributes that a message may have before MESSAGE-INTEGRITY. */
static so_status take_attribute(so_stun_message *m, const attribute *a, bool *xored)
{
    static const uint8_t no_mask[16];
    so_status status = SO_OK;

    switch (a->type) {
    case SO_STUN_USERNAME:
        return keep_text(&m->username, a->value, USERNAME_MAX);
    case SO_STUN_REALM:
        return keep_text(&m->realm, a->value, TEXT_MAX);
    case SO_STUN_NONCE:
        return keep_text(&m->nonce, a->value, TEXT_MAX);
    case SO_STUN_SOFTWARE:
        return keep_text(&m->software, a->value, TEXT_MAX);
    case SO_STUN_UNKNOWN_ATTRIBUTES:
        return a->value.len % 2 == 0 ? keep_text(&m->refused, a->value, UINT16_MAX) : SO_BAD_INPUT;
    case SO_STUN_XOR_MAPPED_ADDRESS:
        if (!*xored)
            status = so_stun_xor_address_of(m, a->value, &m->mapped);
        *xored = true;
        return status;
    case SO_STUN_MAPPED_ADDRESS:
        return m->mapped.family == 0 ? read_address(a->value, no_mask, 0, &m->mapped) : SO_OK;
    case SO_STUN_ERROR_CODE:
        return m->error == 0 ? read_error(m, a->value) : SO_OK;
    case SO_STUN_PRIORITY:
        return read_priority(m, a->value);
    case SO_STUN_USE_CANDIDATE:
        m->use_candidate = true;
        return a->value.len == 0 ? SO_OK : SO_BAD_INPUT;
    case SO_STUN_ICE_CONTROLLING:
        return read_role(m, a->value, &m->controlling);
    case SO_STUN_ICE_CONTROLLED:
        return read_role(m, a->value, &m->controlled);
    default:
        note_unknown(m, a->type);
        return SO_OK;
    }
}

/* "When present, the FINGERPRINT attribute MUST be the last attribute in the message" (RFC 8489 §14.7). */
static so_status take_fingerprint(so_stun_message *m, const attribute *a, so_reader *r)
{
    so_reader value = so_reader_of(a->value.bytes, a->value.len);

    if (a->value.len != 4 || so_reader_left(r) != 0 ||
        so_read_u32(&value) != so_stun_fingerprint_of(m->whole.bytes, a->at))
        return SO_BAD_INPUT;
    m->fingerprint = true;
    return SO_OK;
}

static so_status take_attributes(so_stun_message *m, so_reader *r)
{
    so_status status = SO_OK;
    bool xored = false, covered = false;
    attribute a;

    m->covered = m->whole.len;
    while (status == SO_OK && next_attribute(r, m->whole.bytes, &a)) {
        bool ends = a.type == SO_STUN_MESSAGE_INTEGRITY || a.type == SO_STUN_MESSAGE_INTEGRITY_SHA256 ||
                    a.type == SO_STUN_FINGERPRINT;

        if (ends && !covered)
            m->covered = a.at;
        if (a.type == SO_STUN_FINGERPRINT) {
            status = take_fingerprint(m, &a, r);
        } else if (a.type == SO_STUN_MESSAGE_INTEGRITY && !covered) {
            status = a.value.len == SO_SHA1_LEN ? SO_OK : SO_BAD_INPUT;
            m->integrity = a.value;
        } else if (a.type == SO_STUN_MESSAGE_INTEGRITY_SHA256 && m->integrity256.bytes == NULL) {
            /* RFC 8489 §14.6: it may be cut short, where a usage says so; none here does. */
            m->integrity256 = (so_slice){a.value.len == SO_SHA256_LEN ? a.value.bytes : NULL, a.value.len};
            m->covered256 = a.at;
        } else if (!ends && !covered) {
            status = take_attribute(m, &a, &xored);
        }
        /* "agents MUST ignore all other attributes that follow MESSAGE-INTEGRITY" (RFC 8489 §14.5): what nobody signed
         * has no say, not even by being unknown. */
        covered |= ends;
    }
    return r->failed ? SO_BAD_INPUT : status;
}

so_status so_stun_parse(so_stun_message *message, const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);
    uint16_t type;

    memset(message, 0, sizeof *message);
    if (!so_stun_looks_like(bytes, len))
        return SO_BAD_INPUT;
    type = so_read_u16(&r);
    (void)so_read_bytes(&r, 6);
    message->whole = (so_slice){bytes, len};
    message->id = so_read_bytes(&r, SO_STUN_ID);
    /* RFC 8489 §5: M11..M7 C1 M6..M4 C0 M3..M0 */
    message->kind = (so_stun_class)((type >> 7 & 2) | (type >> 4 & 1));
    message->method = (uint16_t)((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
    return take_attributes(message, &r);
}

so_slice so_stun_find(const so_stun_message *message, uint16_t type)
{
    const uint8_t *start = message->whole.bytes;
    so_reader r = so_reader_of(start, message->covered);
    attribute a;

    (void)so_read_bytes(&r, SO_STUN_HEADER);
    while (next_attribute(&r, start, &a))
        if (a.type == type)
            return a.value;
    return (so_slice){NULL, 0};
}

bool so_stun_authentic(const so_stun_message *message, so_hmac *key)
{
    size_t len = so_hmac_len(key);
    so_slice value = len == SO_SHA1_LEN ? message->integrity : message->integrity256;
    size_t covered = len == SO_SHA1_LEN ? message->covered : message->covered256;
    /* The length field counts as if the message ended with the attribute (RFC 8489 §14.5). */
    size_t counted = covered - SO_STUN_HEADER + 4 + len;
    const uint8_t *bytes = message->whole.bytes, length[2] = {(uint8_t)(counted >> 8), (uint8_t)counted};
    const so_slice parts[] = {{bytes, 2}, {length, 2}, {bytes + 4, covered - 4}};
    uint8_t made[SO_SHA256_LEN];

    if (value.bytes == NULL || so_hmac_run(key, made, parts, 3) != SO_OK)
        return false;
    return so_equal_secret(made, value.bytes, len);
}

uint32_t so_stun_fingerprint_of(const uint8_t *bytes, size_t len)
{
    /* CRC-32 of ISO 3309 (polynomial 0xedb88320, reflected), four bits at a time */
    static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
                                         0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
                                         0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc = crc >> 4 ^ nibbles[(crc ^ bytes[i]) & 15];
        crc = crc >> 4 ^ nibbles[(crc ^ (unsigned)bytes[i] >> 4) & 15];
    }
    return ~crc ^ FINGERPRINT_XOR;
}
