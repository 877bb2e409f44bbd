#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

so_reader so_reader_of(const void *bytes, size_t len)
{
    const uint8_t *start = bytes;
    return (so_reader){.at = start, .end = start == NULL ? NULL : start + len, .failed = start == NULL && len != 0};
}

size_t so_reader_left(const so_reader *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}

const uint8_t *so_read_bytes(so_reader *r, size_t len)
{
    const uint8_t *here = r->at;
    if (r->failed || len > (size_t)(r->end - r->at)) {
        r->failed = true;
        return NULL;
    }
    r->at += len;
    return here;
}

static uint64_t read_uint(so_reader *r, size_t len)
{
    const uint8_t *b = so_read_bytes(r, len);
    uint64_t v = 0;
    if (b == NULL)
        return 0;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | b[i];
    return v;
}

uint8_t so_read_u8(so_reader *r)
{
    return (uint8_t)read_uint(r, 1);
}

uint16_t so_read_u16(so_reader *r)
{
    return (uint16_t)read_uint(r, 2);
}

uint32_t so_read_u32(so_reader *r)
{
    return (uint32_t)read_uint(r, 4);
}

uint64_t so_read_u64(so_reader *r)
{
    return read_uint(r, 8);
}

so_writer so_writer_of(void *bytes, size_t cap)
{
    uint8_t *start = bytes;
    return (so_writer){.start = start, .at = start, .end = start == NULL ? NULL : start + cap, .failed = false};
}

size_t so_writer_len(const so_writer *w)
{
    return w->failed ? 0 : (size_t)(w->at - w->start);
}

static uint8_t *reserve(so_writer *w, size_t len)
{
    uint8_t *here = w->at;
    if (w->failed || len > (size_t)(w->end - w->at)) {
        w->failed = true;
        return NULL;
    }
    w->at += len;
    return here;
}

void so_write_bytes(so_writer *w, const void *bytes, size_t len)
{
    uint8_t *to = reserve(w, len);
    if (to != NULL && len > 0)
        memcpy(to, bytes, len);
}

static void write_uint(so_writer *w, uint64_t v, size_t len)
{
    uint8_t *to = reserve(w, len);
    if (to == NULL)
        return;
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
}

void so_write_u8(so_writer *w, uint8_t v)
{
    write_uint(w, v, 1);
}

void so_write_u16(so_writer *w, uint16_t v)
{
    write_uint(w, v, 2);
}

void so_write_u32(so_writer *w, uint32_t v)
{
    write_uint(w, v, 4);
}

void so_write_u64(so_writer *w, uint64_t v)
{
    write_uint(w, v, 8);
}

void so_write_text(so_writer *w, const char *text)
{
    so_write_bytes(w, text, strlen(text));
}

void so_write_format(so_writer *w, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    int len;

    va_start(args, fmt);
    len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text)
        w->failed = true;
    else
        so_write_bytes(w, text, (size_t)len);
}

void so_write_json(so_writer *w, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    so_write_u8(w, '"');
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c == '"' || c == '\\') {
            so_write_u8(w, '\\');
            so_write_u8(w, c);
        } else if (c < 0x20) {
            so_write_text(w, "\\u00");
            so_write_u8(w, (uint8_t)hex[c >> 4]);
            so_write_u8(w, (uint8_t)hex[c & 15]);
        } else {
            so_write_u8(w, c);
        }
    }
    so_write_u8(w, '"');
}
