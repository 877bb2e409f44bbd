/*
 * RTP packets (RFC 3550 §5.1) over views of the caller's bytes, and the header extensions of RFC 8285 in both forms.
 */
#ifndef SOTTO_RTP_PACKET_H
#define SOTTO_RTP_PACKET_H

#include "base/bytes.h"

#define SO_RTP_HEADER_LEN 12
#define SO_RTP_CSRCS 15
/* The "defined by profile" words of RFC 8285: §4.2, and §4.3, whose last 4 bits are the application's. */
#define SO_RTP_ONE_BYTE 0xbede
#define SO_RTP_TWO_BYTE 0x1000

/* All pointers look into the packet that was parsed. */
typedef struct so_rtp_packet {
    bool marker;
    bool extended; /* the X bit */
    uint8_t type;  /* payload type, 0 to 127 */
    uint16_t seq;  /* host order, as all below */
    uint32_t timestamp;
    uint32_t ssrc;
    uint8_t csrc_count;
    const uint8_t *csrcs; /* 4 bytes each, network order */
    uint16_t profile;     /* of the extensions; counts if extended */
    const uint8_t *extensions;
    size_t extensions_len;
    const uint8_t *payload; /* without padding */
    size_t payload_len;
    uint8_t padding; /* bytes of it, the count byte included; 0: none */
} so_rtp_packet;

/* SO_BAD_INPUT: not version 2, or any length runs past the end. Elements of the extensions are looked at when asked. */
so_status so_rtp_parse(so_rtp_packet *packet, const uint8_t *bytes, size_t len) SO_MUST_CHECK;

/* i < csrc_count, else 0. */
uint32_t so_rtp_csrc(const so_rtp_packet *packet, size_t i);

/* One element. id 1 to 14 and len 1 to 16 in the one-byte form; id 1 to 255 and len 0 to 255 in the two-byte form. */
typedef struct so_rtp_extension {
    uint8_t id;
    uint8_t len;
    const uint8_t *data;
} so_rtp_extension;

/* Goes through the elements of a packet; ends at the first that is cut short, and at id 15 of the one-byte form. */
typedef struct so_rtp_extension_iter {
    so_reader r;
    bool two_byte;
} so_rtp_extension_iter;

so_rtp_extension_iter so_rtp_extensions(const so_rtp_packet *packet);
bool so_rtp_extension_next(so_rtp_extension_iter *iter, so_rtp_extension *out);

/* The first element with this id; false: there is none. */
bool so_rtp_extension_get(const so_rtp_packet *packet, uint8_t id, so_rtp_extension *out);

/*
 * Overwrites the value of an element that the packet in bytes has already, for what is known only when it leaves
 * (transport-wide numbers, send times). SO_NOT_FOUND: no such element; SO_BAD_INPUT: no RTP, or another length.
 */
so_status so_rtp_extension_set(uint8_t *bytes, size_t bytes_len, uint8_t id, const uint8_t *data,
                               size_t len) SO_MUST_CHECK;

/* The media identification of RFC 9143 §15 as a view, no final zero; false: absent, empty. */
bool so_rtp_mid(const so_rtp_packet *packet, uint8_t id, const char **mid, size_t *len);

/* RFC 6464 §3: level is -dBov, 0 (loudest) to 127; voice is the V bit. false: absent or malformed. */
bool so_rtp_audio_level(const so_rtp_packet *packet, uint8_t id, bool *voice, uint8_t *level);
/* The byte that says so, for a so_rtp_extension of length 1. */
uint8_t so_rtp_audio_level_byte(bool voice, uint8_t level);

/*
 * Writes a whole packet: the fields of packet (csrcs, payload and padding too; its extension fields do not count), and
 * the given elements in the one-byte form where they fit it, else in the two-byte form (RFC 8285 §4.1.2 leaves that to
 * SDP's extmap-allow-mixed: who may not mix keeps to ids 1 to 14 and lengths 1 to 16). payload may lie in out where it
 * comes to lie anyway. SO_TOO_LONG: cap; SO_BAD_INPUT: a field out of its range, or an element with id 0.
 */
so_status so_rtp_write(uint8_t *out, size_t cap, size_t *len, const so_rtp_packet *packet,
                       const so_rtp_extension *extensions, size_t count) SO_MUST_CHECK;

/* How long the header comes to be, payload and padding left out: where so_rtp_write will put the payload. */
size_t so_rtp_header_len(const so_rtp_packet *packet, const so_rtp_extension *extensions, size_t count);

/*
 * a before b in the circle of sequence numbers (RFC 3550 A.1 uses the same half-circle); of two that are exactly
 * opposite neither is before the other.
 */
static inline bool so_rtp_seq_before(uint16_t a, uint16_t b)
{
    return (uint16_t)(b - a) != 0 && (uint16_t)(b - a) < 0x8000;
}

#endif
