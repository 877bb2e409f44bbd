/*
 * Resets that come early. usrsctp 0.9.5 puts a reset off that comes ahead of data sent before it, and may then forget
 * it until more data comes: it looks whether the time has come before it moves its cumulative TSN over what it had
 * already. So such a reset is kept back here until our acknowledgements have passed its TSN (RFC 6525 §5.2.2: it may be
 * answered later, and the other end repeats it until it is).
 */
#include "sctp/inside.h"

#include "base/bytes.h"

#define HEADER sizeof(struct sctp_common_header)
#define CHUNK_HEADER 4
/* Longer packets, which no path of the Internet carries, are not looked into. */
#define PACKET_MAX 2048
#define PARAMETER_OUT 13 /* Outgoing SSN Reset Request (RFC 6525 §4.1) */

/* The next chunk of a packet, padding included; false: there is none, or it is cut off. */
static bool next_chunk(so_reader *r, const uint8_t **chunk, size_t *len)
{
    size_t left = so_reader_left(r), whole;

    if (left < CHUNK_HEADER)
        return false;
    *len = (size_t)r->at[2] << 8 | r->at[3];
    whole = (*len + 3) & ~(size_t)3;
    if (*len < CHUNK_HEADER || *len > left)
        return false;
    *chunk = so_read_bytes(r, whole < left ? whole : left);
    return true;
}

/* Does a chunk reset streams after a TSN that we have not acknowledged? */
static bool is_early(const so_sctp *s, const uint8_t *chunk, size_t len, uint32_t *tsn)
{
    so_reader r = so_reader_of(chunk, len);
    uint16_t type;

    if (so_read_u8(&r) != SCTP_STREAM_RESET)
        return false;
    (void)so_read_bytes(&r, CHUNK_HEADER - 1);
    type = so_read_u16(&r);
    (void)so_read_u16(&r); /* the parameter's length; */
    (void)so_read_u32(&r); /* the request's number; */
    (void)so_read_u32(&r); /* that of an answer */
    *tsn = so_read_u32(&r);
    return !r.failed && type == PARAMETER_OUT && (int32_t)(*tsn - s->acked) > 0;
}

static void seal(uint8_t *packet, size_t len)
{
    uint32_t sum;

    memset(packet + HEADER - sizeof sum, 0, sizeof sum);
    sum = usrsctp_crc32c(packet, len);
    memcpy(packet + HEADER - sizeof sum, &sum, sizeof sum);
}

/* A broken checksum is not for us to mend. */
static bool is_whole(so_slice packet)
{
    uint8_t again[PACKET_MAX];

    memcpy(again, packet.bytes, packet.len);
    seal(again, packet.len);
    return memcmp(again, packet.bytes, HEADER) == 0;
}

/* Takes the first early reset out of a packet; the others stay, as there is never more than one under way. */
static bool part(so_sctp *s, so_slice packet, so_writer *rest)
{
    so_reader r = so_reader_of(packet.bytes, packet.len);
    const uint8_t *header = so_read_bytes(&r, HEADER), *chunk;
    size_t len;
    uint32_t tsn;
    bool any = false;

    so_write_bytes(rest, header, HEADER);
    while (next_chunk(&r, &chunk, &len)) {
        if (any || len > SO_SCTP_MTU - HEADER || !is_early(s, chunk, len, &tsn)) {
            so_write_bytes(rest, chunk, (size_t)(r.at - chunk));
            continue;
        }
        any = true;
        s->early_tsn = tsn;
        s->early.len = HEADER + len;
        memcpy(s->early.bytes, header, HEADER);
        memcpy(s->early.bytes + HEADER, chunk, len);
        seal(s->early.bytes, s->early.len);
    }
    return any;
}

void so_early_take(so_sctp *s, so_slice packet)
{
    uint8_t rest[PACKET_MAX];
    so_writer w = so_writer_of(rest, sizeof rest);

    if (packet.len > PACKET_MAX || !s->acked_any || !is_whole(packet) || !part(s, packet, &w)) {
        usrsctp_conninput((void *)s->number, packet.bytes, packet.len, 0);
        return;
    }
    seal(rest, so_writer_len(&w));
    if (so_writer_len(&w) > HEADER)
        usrsctp_conninput((void *)s->number, rest, so_writer_len(&w), 0);
}

void so_early_note(so_sctp *s, so_slice packet)
{
    so_reader r = so_reader_of(packet.bytes, packet.len);
    const uint8_t *chunk;
    size_t len;

    (void)so_read_bytes(&r, HEADER);
    while (next_chunk(&r, &chunk, &len)) {
        so_reader sack = so_reader_of(chunk + CHUNK_HEADER, len - CHUNK_HEADER);

        if (chunk[0] != SCTP_SELECTIVE_ACK || so_reader_left(&sack) < sizeof s->acked)
            continue;
        s->acked = so_read_u32(&sack);
        s->acked_any = true;
    }
}

void so_early_release(so_sctp *s)
{
    size_t len = s->early.len;

    if (len == 0 || s->socket == NULL || (int32_t)(s->early_tsn - s->acked) > 0)
        return;
    s->early.len = 0;
    usrsctp_conninput((void *)s->number, s->early.bytes, len, 0);
}
