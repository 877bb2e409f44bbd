/*
 * STUN messages (RFC 8489) as they come in: a bounded parse into views of the caller's bytes, and the checks of
 * MESSAGE-INTEGRITY and FINGERPRINT. An attribute that is new to the project is read with so_stun_find; where its type
 * is comprehension-required, it gets a line in the table of known types in message.c.
 */
#ifndef SOTTO_STUN_MESSAGE_H
#define SOTTO_STUN_MESSAGE_H

#include "base/address.h"
#include "crypto/hmac.h"

#define SO_STUN_HEADER 20
#define SO_STUN_ID 12
#define SO_STUN_COOKIE 0x2112a442U /* RFC 8489 §5 */
#define SO_STUN_BINDING 0x001
/* RFC 8656 §17 */
#define SO_STUN_ALLOCATE 0x003
#define SO_STUN_REFRESH 0x004
#define SO_STUN_SEND 0x006
#define SO_STUN_DATA_OF_PEER 0x007
#define SO_STUN_CREATE_PERMISSION 0x008
#define SO_STUN_CHANNEL_BIND 0x009
/* Unknown comprehension-required types that are listed for a 420; further ones are counted as unknown too. */
#define SO_STUN_UNKNOWN 8

/* The two class bits, C1 C0 (RFC 8489 §5). */
typedef enum so_stun_class {
    SO_STUN_REQUEST = 0,
    SO_STUN_INDICATION = 1,
    SO_STUN_SUCCESS = 2,
    SO_STUN_ERROR = 3,
} so_stun_class;

/* RFC 8489 §18.3, RFC 8445 §16.1, RFC 8656 §18. Below 0x8000: comprehension-required. */
enum {
    SO_STUN_MAPPED_ADDRESS = 0x0001,
    SO_STUN_USERNAME = 0x0006,
    SO_STUN_MESSAGE_INTEGRITY = 0x0008,
    SO_STUN_ERROR_CODE = 0x0009,
    SO_STUN_UNKNOWN_ATTRIBUTES = 0x000a,
    SO_STUN_CHANNEL_NUMBER = 0x000c,
    SO_STUN_LIFETIME = 0x000d,
    SO_STUN_XOR_PEER_ADDRESS = 0x0012,
    SO_STUN_DATA = 0x0013,
    SO_STUN_REALM = 0x0014,
    SO_STUN_NONCE = 0x0015,
    SO_STUN_XOR_RELAYED_ADDRESS = 0x0016,
    SO_STUN_REQUESTED_ADDRESS_FAMILY = 0x0017,
    SO_STUN_REQUESTED_TRANSPORT = 0x0019,
    SO_STUN_MESSAGE_INTEGRITY_SHA256 = 0x001c,
    SO_STUN_PASSWORD_ALGORITHM = 0x001d,
    SO_STUN_USERHASH = 0x001e,
    SO_STUN_XOR_MAPPED_ADDRESS = 0x0020,
    SO_STUN_PRIORITY = 0x0024,
    SO_STUN_USE_CANDIDATE = 0x0025,
    SO_STUN_PASSWORD_ALGORITHMS = 0x8002,
    SO_STUN_SOFTWARE = 0x8022,
    SO_STUN_FINGERPRINT = 0x8028,
    SO_STUN_ICE_CONTROLLED = 0x8029,
    SO_STUN_ICE_CONTROLLING = 0x802a,
};

/* RFC 8489 §14.8, RFC 8445 §7.3.1.1, RFC 7675 §5.2, RFC 8656 §19 */
enum {
    SO_STUN_TRY_ALTERNATE = 300,
    SO_STUN_BAD_REQUEST = 400,
    SO_STUN_UNAUTHENTICATED = 401,
    SO_STUN_FORBIDDEN = 403,
    SO_STUN_UNKNOWN_ATTRIBUTE = 420,
    SO_STUN_ALLOCATION_MISMATCH = 437,
    SO_STUN_STALE_NONCE = 438,
    SO_STUN_ADDRESS_FAMILY = 440,
    SO_STUN_WRONG_CREDENTIALS = 441,
    SO_STUN_UNSUPPORTED_TRANSPORT = 442,
    SO_STUN_QUOTA_REACHED = 486,
    SO_STUN_ROLE_CONFLICT = 487,
    SO_STUN_NO_CAPACITY = 508,
};

/*
 * A view: it lives as long as the bytes that were parsed. An attribute that is not there has NULL bytes, family 0 or a
 * false flag. Of an attribute that comes twice the first counts (RFC 8489 §14). Nothing after MESSAGE-INTEGRITY is in
 * here but FINGERPRINT.
 */
typedef struct so_stun_message {
    so_slice whole;
    so_stun_class kind;
    uint16_t method;
    const uint8_t *id; /* SO_STUN_ID bytes */

    so_slice username, realm, nonce, software;
    so_address mapped; /* XOR-MAPPED-ADDRESS, or MAPPED-ADDRESS where that stands alone */
    uint16_t error;    /* 300 to 699, or 0 */
    so_slice reason;
    so_slice refused; /* UNKNOWN-ATTRIBUTES of a 420: types of two bytes each */
    bool has_priority, use_candidate, controlling, controlled;
    uint32_t priority;
    uint64_t tie_breaker; /* of ICE-CONTROLLING or ICE-CONTROLLED */

    size_t covered;     /* bytes before MESSAGE-INTEGRITY, or before FINGERPRINT, or all */
    so_slice integrity; /* MESSAGE-INTEGRITY's value */
    size_t covered256;  /* bytes before MESSAGE-INTEGRITY-SHA256 */
    so_slice integrity256;
    bool fingerprint;     /* there, and right: a wrong one is SO_BAD_INPUT */
    size_t unknown_count; /* comprehension-required types that this project doesn't know, all of them */
    uint16_t unknown[SO_STUN_UNKNOWN];
} so_stun_message;

/* Cheap: could these bytes be STUN? The two zero bits, the cookie and the length (RFC 8489 §5). */
bool so_stun_looks_like(const uint8_t *bytes, size_t len);

/* SO_BAD_INPUT: not STUN, cut, padded wrongly, a known attribute of a wrong length, or a wrong FINGERPRINT. */
so_status so_stun_parse(so_stun_message *message, const uint8_t *bytes, size_t len) SO_MUST_CHECK;

/* The value of the first attribute of that type before MESSAGE-INTEGRITY; NULL bytes: none. */
so_slice so_stun_find(const so_stun_message *message, uint16_t type);

/* Reads an attribute's value that is encoded as XOR-MAPPED-ADDRESS is (RFC 8489 §14.2). */
so_status so_stun_xor_address_of(const so_stun_message *message, so_slice value, so_address *address) SO_MUST_CHECK;

/*
 * Is MESSAGE-INTEGRITY there, or with a key of HMAC-SHA256 MESSAGE-INTEGRITY-SHA256, and made with this key (RFC 8489
 * §14.5, §14.6)? The key of the short-term mechanism is the password; that of the long-term one stands in login.h.
 * Compared in constant time. A fault of the crypto library is a no.
 */
bool so_stun_authentic(const so_stun_message *message, so_hmac *key);

/* RFC 8489 §14.7: CRC-32 of the bytes, XOR 0x5354554e. */
uint32_t so_stun_fingerprint_of(const uint8_t *bytes, size_t len);

#endif
