/* Header extensions, RFC 8285. */
#include "rtp/packet.h"

#include <string.h>

so_rtp_extension_iter so_rtp_extensions(const so_rtp_packet *packet)
{
    bool one_byte = packet->extended && packet->profile == SO_RTP_ONE_BYTE;
    bool two_byte = packet->extended && (packet->profile & 0xfff0) == SO_RTP_TWO_BYTE;

    /* Extensions of another profile are no elements at all. */
    return (so_rtp_extension_iter){
        .r = so_reader_of(packet->extensions, one_byte || two_byte ? packet->extensions_len : 0),
        .two_byte = two_byte,
    };
}

bool so_rtp_extension_next(so_rtp_extension_iter *iter, so_rtp_extension *out)
{
    so_reader *r = &iter->r;

    while (so_reader_left(r) > 0) {
        uint8_t head = so_read_u8(r);
        if (head == 0) /* padding */
            continue;
        if (iter->two_byte) {
            out->id = head;
            out->len = so_read_u8(r);
        } else {
            /* §4.2: 15 ends the processing; so does 0 with a length. */
            if (head >> 4 == 15 || head >> 4 == 0)
                break;
            out->id = head >> 4;
            out->len = (uint8_t)((head & 0x0f) + 1);
        }
        out->data = so_read_bytes(r, out->len);
        if (!r->failed)
            return true;
    }
    r->failed = true;
    return false;
}

bool so_rtp_extension_get(const so_rtp_packet *packet, uint8_t id, so_rtp_extension *out)
{
    so_rtp_extension_iter iter = so_rtp_extensions(packet);

    while (so_rtp_extension_next(&iter, out))
        if (out->id == id)
            return true;
    return false;
}

so_status so_rtp_extension_set(uint8_t *bytes, size_t bytes_len, uint8_t id, const uint8_t *data, size_t len)
{
    so_rtp_extension found;
    so_rtp_packet packet;

    if (so_rtp_parse(&packet, bytes, bytes_len) != SO_OK)
        return SO_BAD_INPUT;
    if (!so_rtp_extension_get(&packet, id, &found))
        return SO_NOT_FOUND;
    if (found.len != len)
        return SO_BAD_INPUT;
    if (len > 0)
        memcpy(bytes + (found.data - bytes), data, len);
    return SO_OK;
}

bool so_rtp_mid(const so_rtp_packet *packet, uint8_t id, const char **mid, size_t *len)
{
    so_rtp_extension found;

    if (!so_rtp_extension_get(packet, id, &found) || found.len == 0)
        return false;
    *mid = (const char *)found.data;
    *len = found.len;
    return true;
}

bool so_rtp_audio_level(const so_rtp_packet *packet, uint8_t id, bool *voice, uint8_t *level)
{
    so_rtp_extension found;

    /* §3: one byte; in the two-byte form a second one may pad it */
    if (!so_rtp_extension_get(packet, id, &found) || found.len < 1)
        return false;
    *voice = found.data[0] & 0x80;
    *level = found.data[0] & 0x7f;
    return true;
}

uint8_t so_rtp_audio_level_byte(bool voice, uint8_t level)
{
    return (uint8_t)((voice ? 0x80 : 0) | (level > 127 ? 127 : level));
}
