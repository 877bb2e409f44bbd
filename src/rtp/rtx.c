#include "rtp/rtx.h"

#include <string.h>

#define PADDED 0x20 /* the P bit */

/* What differs between a packet and its retransmission. */
static void write_identity(uint8_t *bytes, const so_rtx *as, bool marker)
{
    so_writer w = so_writer_of(bytes, SO_RTP_HEADER_LEN);

    so_write_u8(&w, (uint8_t)(bytes[0] & ~PADDED));
    so_write_u8(&w, (uint8_t)((marker ? 0x80 : 0) | (as->type & 0x7f)));
    so_write_u16(&w, as->seq);
    w.at += 4; /* the timestamp stays (§4) */
    so_write_u32(&w, as->ssrc);
}

so_status so_rtx_wrap(uint8_t *out, size_t cap, size_t *len, const uint8_t *bytes, size_t bytes_len, const so_rtx *rtx)
{
    so_writer w = so_writer_of(out, cap);
    so_rtp_packet packet;

    *len = 0;
    if (so_rtp_parse(&packet, bytes, bytes_len) != SO_OK)
        return SO_BAD_INPUT;
    so_write_bytes(&w, bytes, (size_t)(packet.payload - bytes));
    so_write_u16(&w, packet.seq);
    so_write_bytes(&w, packet.payload, packet.payload_len);
    if (w.failed)
        return SO_TOO_LONG;
    write_identity(out, rtx, packet.marker);
    *len = so_writer_len(&w);
    return SO_OK;
}

so_status so_rtx_unwrap(uint8_t *bytes, size_t *len, uint32_t ssrc, uint8_t type)
{
    so_rtx original = {.ssrc = ssrc, .type = type};
    so_rtp_packet packet;
    size_t header, left;
    so_reader r;

    if (so_rtp_parse(&packet, bytes, *len) != SO_OK)
        return SO_BAD_INPUT;
    r = so_reader_of(packet.payload, packet.payload_len);
    original.seq = so_read_u16(&r);
    if (r.failed)
        return SO_NOT_FOUND;
    header = (size_t)(packet.payload - bytes);
    left = so_reader_left(&r);
    memmove(bytes + header, r.at, left);
    write_identity(bytes, &original, packet.marker);
    *len = header + left;
    return SO_OK;
}
