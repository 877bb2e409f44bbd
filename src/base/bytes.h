/*
 * The one bounded reader and the one bounded writer. Both are sticky: after the first overrun every further call
 * does nothing, so that a parser reads straight through and asks once, at the end, whether all was there.
 */
#ifndef SOTTO_BASE_BYTES_H
#define SOTTO_BASE_BYTES_H

#include "base/status.h"

#include <stdint.h>

typedef struct so_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
} so_reader;

so_reader so_reader_of(const void *bytes, size_t len);
size_t so_reader_left(const so_reader *r);
uint8_t so_read_u8(so_reader *r);
uint16_t so_read_u16(so_reader *r); /* network order, as all below */
uint32_t so_read_u32(so_reader *r);
uint64_t so_read_u64(so_reader *r);
/* A view of the next len bytes, or NULL (and failed). */
const uint8_t *so_read_bytes(so_reader *r, size_t len);

typedef struct so_writer {
    uint8_t *start;
    uint8_t *at;
    uint8_t *end;
    bool failed;
} so_writer;

so_writer so_writer_of(void *bytes, size_t cap);
size_t so_writer_len(const so_writer *w);
void so_write_u8(so_writer *w, uint8_t v);
void so_write_u16(so_writer *w, uint16_t v);
void so_write_u32(so_writer *w, uint32_t v);
void so_write_u64(so_writer *w, uint64_t v);
void so_write_bytes(so_writer *w, const void *bytes, size_t len);
void so_write_text(so_writer *w, const char *text);                       /* without its final zero */
void so_write_format(so_writer *w, const char *fmt, ...) SO_PRINTF(2, 3); /* without its final zero */
void so_write_json(so_writer *w, const char *text, size_t len); /* a JSON string, quotes and escapes included */

#endif
