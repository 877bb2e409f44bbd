/* The RTCP packets that an end sends by itself. */
#include "rtp/rtcp_inside.h"

#include <string.h>

#define MAX_COUNT 31 /* 5 bits */
#define MAX_TEXT 255
#define BLOCK_LEN 24

void so_rtcp_write_header(so_writer *w, so_rtcp_type type, size_t count, size_t body)
{
    if (count > MAX_COUNT)
        w->failed = true;
    so_write_u8(w, (uint8_t)(0x80 | (count & MAX_COUNT)));
    so_write_u8(w, (uint8_t)type);
    so_write_u16(w, (uint16_t)(body / 4));
}

static void write_blocks(so_writer *w, const so_rtcp_block *blocks, size_t count)
{
    for (size_t i = 0; i < count && !w->failed; i++) {
        so_write_u32(w, blocks[i].ssrc);
        so_write_u32(w, (uint32_t)blocks[i].fraction << 24 | ((uint32_t)blocks[i].lost & 0xffffff));
        so_write_u32(w, blocks[i].highest);
        so_write_u32(w, blocks[i].jitter);
        so_write_u32(w, blocks[i].lsr);
        so_write_u32(w, blocks[i].dlsr);
    }
}

void so_rtcp_write_sr(so_writer *w, const so_rtcp_sender *sender, const so_rtcp_block *blocks, size_t count)
{
    so_rtcp_write_header(w, SO_RTCP_SR, count, 24 + BLOCK_LEN * count);
    so_write_u32(w, sender->ssrc);
    so_write_u64(w, sender->ntp);
    so_write_u32(w, sender->rtp);
    so_write_u32(w, sender->packets);
    so_write_u32(w, sender->octets);
    write_blocks(w, blocks, count);
}

void so_rtcp_write_rr(so_writer *w, uint32_t ssrc, const so_rtcp_block *blocks, size_t count)
{
    so_rtcp_write_header(w, SO_RTCP_RR, count, 4 + BLOCK_LEN * count);
    so_write_u32(w, ssrc);
    write_blocks(w, blocks, count);
}

void so_rtcp_write_cname(so_writer *w, uint32_t ssrc, const char *cname)
{
    size_t len = strlen(cname), zeros = 4 - (2 + len) % 4; /* at least one ends the list of items (§6.5) */

    if (len > MAX_TEXT) {
        w->failed = true;
        return;
    }
    so_rtcp_write_header(w, SO_RTCP_SDES, 1, 4 + 2 + len + zeros);
    so_write_u32(w, ssrc);
    so_write_u8(w, SO_RTCP_CNAME);
    so_write_u8(w, (uint8_t)len);
    so_write_bytes(w, cname, len);
    while (zeros-- > 0)
        so_write_u8(w, 0);
}

void so_rtcp_write_bye(so_writer *w, const uint32_t *ssrcs, size_t count, const char *reason)
{
    size_t len = reason == NULL ? 0 : strlen(reason);
    size_t text = reason == NULL ? 0 : (1 + len + 3) / 4 * 4;

    if (len > MAX_TEXT) {
        w->failed = true;
        return;
    }
    so_rtcp_write_header(w, SO_RTCP_BYE, count, 4 * count + text);
    for (size_t i = 0; i < count && !w->failed; i++)
        so_write_u32(w, ssrcs[i]);
    if (reason == NULL)
        return;
    so_write_u8(w, (uint8_t)len);
    so_write_bytes(w, reason, len);
    for (size_t i = 1 + len; i < text; i++)
        so_write_u8(w, 0);
}
