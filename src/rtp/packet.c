#include "rtp/packet.h"

#include <string.h>

so_status so_rtp_parse(so_rtp_packet *packet, const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);
    uint8_t first = so_read_u8(&r), second = so_read_u8(&r);

    memset(packet, 0, sizeof *packet);
    packet->marker = second >> 7;
    packet->type = second & 0x7f;
    packet->seq = so_read_u16(&r);
    packet->timestamp = so_read_u32(&r);
    packet->ssrc = so_read_u32(&r);
    packet->csrc_count = first & 0x0f;
    packet->csrcs = so_read_bytes(&r, 4 * (size_t)packet->csrc_count);
    packet->extended = first & 0x10;
    if (packet->extended) {
        packet->profile = so_read_u16(&r);
        packet->extensions_len = 4 * (size_t)so_read_u16(&r);
        packet->extensions = so_read_bytes(&r, packet->extensions_len);
    }
    if (r.failed || first >> 6 != 2)
        return SO_BAD_INPUT;
    packet->payload_len = so_reader_left(&r);
    packet->payload = so_read_bytes(&r, packet->payload_len);
    if (first & 0x20) {
        /* "The last octet of the padding contains a count of how many padding octets should be ignored, including
         * itself" (RFC 3550 §5.1) */
        if (packet->payload_len == 0)
            return SO_BAD_INPUT;
        packet->padding = packet->payload[packet->payload_len - 1];
        if (packet->padding == 0 || packet->padding > packet->payload_len)
            return SO_BAD_INPUT;
        packet->payload_len -= packet->padding;
    }
    return SO_OK;
}

uint32_t so_rtp_csrc(const so_rtp_packet *packet, size_t i)
{
    so_reader r = so_reader_of(packet->csrcs, 4 * (size_t)packet->csrc_count);

    if (i >= packet->csrc_count || so_read_bytes(&r, 4 * i) == NULL)
        return 0;
    return so_read_u32(&r);
}

static bool fits_one_byte(const so_rtp_extension *extensions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (extensions[i].id > 14 || extensions[i].len < 1 || extensions[i].len > 16)
            return false;
    return true;
}

/* Without the 4 bytes before them, and with the padding after them. */
static size_t extensions_len(const so_rtp_extension *extensions, size_t count)
{
    size_t each = fits_one_byte(extensions, count) ? 1 : 2, len = 0;

    for (size_t i = 0; i < count; i++)
        len += each + extensions[i].len;
    return (len + 3) / 4 * 4;
}

size_t so_rtp_header_len(const so_rtp_packet *packet, const so_rtp_extension *extensions, size_t count)
{
    return SO_RTP_HEADER_LEN + 4 * (size_t)packet->csrc_count + (count > 0 ? 4 + extensions_len(extensions, count) : 0);
}

static void write_extensions(so_writer *w, const so_rtp_extension *extensions, size_t count)
{
    bool one_byte = fits_one_byte(extensions, count);
    size_t len = extensions_len(extensions, count), at;

    so_write_u16(w, one_byte ? SO_RTP_ONE_BYTE : SO_RTP_TWO_BYTE);
    so_write_u16(w, (uint16_t)(len / 4));
    at = so_writer_len(w);
    for (size_t i = 0; i < count; i++) {
        const so_rtp_extension *e = &extensions[i];
        if (one_byte) {
            so_write_u8(w, (uint8_t)(e->id << 4 | (e->len - 1)));
        } else {
            so_write_u8(w, e->id);
            so_write_u8(w, e->len);
        }
        so_write_bytes(w, e->data, e->len);
    }
    while (!w->failed && so_writer_len(w) < at + len)
        so_write_u8(w, 0);
}

static void write_payload(so_writer *w, const so_rtp_packet *packet)
{
    if (packet->payload == w->at && packet->payload_len <= (size_t)(w->end - w->at))
        w->at += packet->payload_len; /* it lies there already */
    else
        so_write_bytes(w, packet->payload, packet->payload_len);
    for (uint8_t i = 1; i <= packet->padding && i != 0; i++)
        so_write_u8(w, i == packet->padding ? packet->padding : 0);
}

so_status so_rtp_write(uint8_t *out, size_t cap, size_t *len, const so_rtp_packet *packet,
                       const so_rtp_extension *extensions, size_t count)
{
    so_writer w = so_writer_of(out, cap);

    for (size_t i = 0; i < count; i++)
        if (extensions[i].id == 0)
            return SO_BAD_INPUT;
    if (packet->type > 0x7f || packet->csrc_count > SO_RTP_CSRCS || extensions_len(extensions, count) > 4 * 0xffff)
        return SO_BAD_INPUT;
    so_write_u8(&w, (uint8_t)(0x80 | (packet->padding > 0 ? 0x20 : 0) | (count > 0 ? 0x10 : 0) | packet->csrc_count));
    so_write_u8(&w, (uint8_t)((packet->marker ? 0x80 : 0) | packet->type));
    so_write_u16(&w, packet->seq);
    so_write_u32(&w, packet->timestamp);
    so_write_u32(&w, packet->ssrc);
    so_write_bytes(&w, packet->csrcs, 4 * (size_t)packet->csrc_count);
    if (count > 0)
        write_extensions(&w, extensions, count);
    if (!w.failed)
        write_payload(&w, packet);
    *len = so_writer_len(&w);
    return w.failed ? SO_TOO_LONG : SO_OK;
}
