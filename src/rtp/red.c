#include "rtp/red.h"

#define FOLLOWED 0x80 /* §3: the F bit */

so_status so_red_parse(so_red *red, const uint8_t *payload, size_t len)
{
    so_reader r = so_reader_of(payload, len);
    uint8_t first;

    red->count = 0;
    while (((first = so_read_u8(&r)) & FOLLOWED) != 0) {
        so_red_block *b = &red->blocks[red->count++];
        uint32_t word = (uint32_t)so_read_u8(&r) << 16;

        word |= so_read_u16(&r);
        if (r.failed || red->count == SO_RED_BLOCKS)
            return SO_BAD_INPUT;
        *b = (so_red_block){.type = first & 0x7f, .offset = (uint16_t)(word >> 10), .len = word & SO_RED_MAX_LEN};
    }
    for (size_t i = 0; i < red->count; i++)
        red->blocks[i].bytes = so_read_bytes(&r, red->blocks[i].len);
    len = so_reader_left(&r);
    red->blocks[red->count++] = (so_red_block){.type = first, .len = len, .bytes = so_read_bytes(&r, len)};
    return r.failed || len == 0 ? SO_BAD_INPUT : SO_OK;
}

void so_red_write(so_writer *w, const so_red *red)
{
    for (size_t i = 0; i + 1 < red->count; i++) {
        const so_red_block *b = &red->blocks[i];

        if (b->offset > SO_RED_MAX_OFFSET || b->len > SO_RED_MAX_LEN) {
            w->failed = true;
            return;
        }
        so_write_u8(w, (uint8_t)(FOLLOWED | b->type));
        so_write_u8(w, (uint8_t)(b->offset >> 6));
        so_write_u16(w, (uint16_t)(b->offset << 10 | b->len));
    }
    if (red->count > 0)
        so_write_u8(w, red->blocks[red->count - 1].type & 0x7f);
    for (size_t i = 0; i < red->count; i++)
        so_write_bytes(w, red->blocks[i].bytes, red->blocks[i].len);
}
