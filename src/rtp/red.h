/*
 * Redundant audio (RFC 2198): a payload that carries the frames before once more, so that one lost packet loses
 * nothing.
 */
#ifndef SOTTO_RTP_RED_H
#define SOTTO_RTP_RED_H

#include "base/bytes.h"

#define SO_RED_BLOCKS 8
#define SO_RED_MAX_OFFSET 0x3fff
#define SO_RED_MAX_LEN 0x3ff
#define SO_RED_HEADER 4 /* of each block but the last, which has one byte */

typedef struct so_red_block {
    uint8_t type;    /* payload type */
    uint16_t offset; /* how much earlier than the packet's timestamp it begins; 0 of the last one */
    const uint8_t *bytes;
    size_t len;
} so_red_block;

typedef struct so_red {
    so_red_block blocks[SO_RED_BLOCKS]; /* the oldest first; the last one is the packet's own */
    size_t count;
} so_red;

/* SO_BAD_INPUT: a length runs past the end, there are more than SO_RED_BLOCKS, or the packet's own is empty. */
so_status so_red_parse(so_red *red, const uint8_t *payload, size_t len) SO_MUST_CHECK;
/* Adds a payload; the writer has failed where it does not fit, or where a block is out of its bounds. */
void so_red_write(so_writer *w, const so_red *red);

#endif
