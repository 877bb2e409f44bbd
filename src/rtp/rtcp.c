#include "rtp/rtcp.h"

#define HEADER_LEN 4
#define SENDER_LEN 24 /* SSRC and sender info */
#define BLOCK_LEN 24

bool so_rtcp_is(const uint8_t *bytes, size_t len)
{
    return len >= HEADER_LEN && bytes[0] >> 6 == 2 && bytes[1] >= 192 && bytes[1] <= 223;
}

/* One packet, its padding taken off. false: malformed. */
static bool read_packet(so_reader *r, so_rtcp_packet *out)
{
    uint8_t first = so_read_u8(r);

    out->type = so_read_u8(r);
    out->count = first & 0x1f;
    out->body_len = 4 * (size_t)so_read_u16(r);
    out->body = so_read_bytes(r, out->body_len);
    if (r->failed || first >> 6 != 2)
        return false;
    if ((first & 0x20) != 0) {
        uint8_t padding = out->body_len > 0 ? out->body[out->body_len - 1] : 0;
        /* "... it will be a multiple of four", and of the last packet alone (§6.4.1): but browsers pad each
         * transport-cc feedback by the byte, and send several at once. */
        if (padding == 0 || padding > out->body_len)
            return false;
        out->body_len -= padding;
    }
    return true;
}

so_status so_rtcp_parse(so_rtcp_iter *iter, const uint8_t *bytes, size_t len, bool reduced)
{
    so_reader r = so_reader_of(bytes, len);
    so_rtcp_packet packet;
    bool first = true;

    iter->r = so_reader_of(NULL, 0);
    do {
        if (!read_packet(&r, &packet))
            return SO_BAD_INPUT;
        if (first && !reduced && packet.type != SO_RTCP_SR && packet.type != SO_RTCP_RR)
            return SO_BAD_INPUT;
        first = false;
    } while (so_reader_left(&r) > 0);
    iter->r = so_reader_of(bytes, len);
    return SO_OK;
}

bool so_rtcp_next(so_rtcp_iter *iter, so_rtcp_packet *packet)
{
    return so_reader_left(&iter->r) > 0 && read_packet(&iter->r, packet);
}

bool so_rtcp_read_sr(const so_rtcp_packet *packet, so_rtcp_sender *out)
{
    so_reader r = so_reader_of(packet->body, packet->body_len);

    if (packet->type != SO_RTCP_SR)
        return false;
    out->ssrc = so_read_u32(&r);
    out->ntp = so_read_u64(&r);
    out->rtp = so_read_u32(&r);
    out->packets = so_read_u32(&r);
    out->octets = so_read_u32(&r);
    return !r.failed;
}

bool so_rtcp_read_ssrc(const so_rtcp_packet *packet, uint32_t *ssrc)
{
    so_reader r = so_reader_of(packet->body, packet->body_len);

    if (packet->type != SO_RTCP_SR && packet->type != SO_RTCP_RR && packet->type != SO_RTCP_RTPFB &&
        packet->type != SO_RTCP_PSFB)
        return false;
    *ssrc = so_read_u32(&r);
    return !r.failed;
}

bool so_rtcp_read_block(const so_rtcp_packet *packet, size_t i, so_rtcp_block *out)
{
    so_reader r = so_reader_of(packet->body, packet->body_len);
    uint32_t lost;

    if ((packet->type != SO_RTCP_SR && packet->type != SO_RTCP_RR) || i >= packet->count)
        return false;
    so_read_bytes(&r, (packet->type == SO_RTCP_SR ? SENDER_LEN : 4) + BLOCK_LEN * i);
    out->ssrc = so_read_u32(&r);
    lost = so_read_u32(&r);
    out->fraction = (uint8_t)(lost >> 24);
    lost &= 0xffffff;
    out->lost = lost & 0x800000 ? (int32_t)lost - 0x1000000 : (int32_t)lost;
    out->highest = so_read_u32(&r);
    out->jitter = so_read_u32(&r);
    out->lsr = so_read_u32(&r);
    out->dlsr = so_read_u32(&r);
    return !r.failed;
}

so_rtcp_items so_rtcp_items_of(const so_rtcp_packet *packet)
{
    return (so_rtcp_items){
        .r = so_reader_of(packet->body, packet->body_len),
        .chunks = packet->type == SO_RTCP_SDES ? packet->count : 0,
        .start = packet->body,
    };
}

bool so_rtcp_item_next(so_rtcp_items *items, so_rtcp_item *out)
{
    so_reader *r = &items->r;

    while (!r->failed) {
        if (!items->in_chunk) {
            if (items->chunks == 0)
                return false;
            items->chunks--;
            items->ssrc = so_read_u32(r);
            items->in_chunk = true;
        }
        out->ssrc = items->ssrc;
        out->type = so_read_u8(r);
        if (out->type == 0) {
            /* "one or more null octets, the first of which is interpreted as an item type of zero", up to the next
             * 32-bit boundary (§6.5) */
            so_read_bytes(r, (size_t)(4 - (r->at - items->start) % 4) % 4);
            items->in_chunk = false;
            continue;
        }
        out->len = so_read_u8(r);
        out->text = (const char *)so_read_bytes(r, out->len);
        return !r->failed;
    }
    return false;
}

bool so_rtcp_read_bye(const so_rtcp_packet *packet, size_t i, uint32_t *ssrc)
{
    so_reader r = so_reader_of(packet->body, packet->body_len);

    if (packet->type != SO_RTCP_BYE || i >= packet->count)
        return false;
    so_read_bytes(&r, 4 * i);
    *ssrc = so_read_u32(&r);
    return !r.failed;
}

bool so_rtcp_read_bye_reason(const so_rtcp_packet *packet, const char **text, size_t *len)
{
    so_reader r = so_reader_of(packet->body, packet->body_len);

    if (packet->type != SO_RTCP_BYE)
        return false;
    so_read_bytes(&r, 4 * (size_t)packet->count);
    *len = so_read_u8(&r);
    *text = (const char *)so_read_bytes(&r, *len);
    return !r.failed;
}
