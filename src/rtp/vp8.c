/* VP8 over RTP (RFC 7741 §4): a frame is cut wherever it suits, and only a short descriptor says what belongs together.
 */
#include "rtp/payload_inside.h"

/* §4.2 */
#define EXTENDED 0x80
#define START 0x10
#define PARTITION 0x07
#define HAS_PICTURE_ID 0x80
#define HAS_TL0PICIDX 0x40
#define HAS_TID 0x20
#define HAS_KEYIDX 0x10
#define LONG_PICTURE_ID 0x8000
#define DESCRIPTOR 4 /* ours: the required byte, the extension byte, a picture id of 15 bits */

void so_vp8_split_begin(so_rtp_split *s)
{
    size_t room = s->max - DESCRIPTOR, len = (size_t)(s->end - s->at);

    s->pieces = (len + room - 1) / room;
}

void so_vp8_split_next(so_rtp_split *s, so_writer *w, bool *last)
{
    size_t len = so_rtp_piece((size_t)(s->end - s->at), s->pieces);

    so_write_u8(w, (uint8_t)(EXTENDED | (s->begun ? 0 : START)));
    so_write_u8(w, HAS_PICTURE_ID);
    so_write_u16(w, (uint16_t)(LONG_PICTURE_ID | (s->picture_id & 0x7fff)));
    so_write_bytes(w, s->at, len);
    s->at += len;
    s->pieces--;
    *last = s->pieces == 0;
}

/* RFC 6386 §9.1: the first bit of a frame is 0 in a key frame. */
bool so_vp8_is_key(const uint8_t *frame, size_t len)
{
    return len > 0 && (frame[0] & 1) == 0;
}

bool so_vp8_join(so_rtp_join *j, const uint8_t *payload, size_t len)
{
    so_reader r = so_reader_of(payload, len);
    uint8_t first = so_read_u8(&r), more = 0;
    bool start = (first & START) != 0 && (first & PARTITION) == 0;
    const uint8_t *bytes;
    size_t left;

    if ((first & EXTENDED) != 0)
        more = so_read_u8(&r);
    if ((more & HAS_PICTURE_ID) != 0 && (so_read_u8(&r) & 0x80) != 0)
        (void)so_read_u8(&r);
    if ((more & HAS_TL0PICIDX) != 0)
        (void)so_read_u8(&r);
    if ((more & (HAS_TID | HAS_KEYIDX)) != 0)
        (void)so_read_u8(&r);
    left = so_reader_left(&r);
    bytes = so_read_bytes(&r, left);
    /* A frame begins where the first partition does, and nowhere else. */
    if (r.failed || left == 0 || start == (j->len > 0))
        return false;
    if (start)
        j->key = so_vp8_is_key(bytes, left);
    return so_rtp_join_add(j, bytes, left);
}
