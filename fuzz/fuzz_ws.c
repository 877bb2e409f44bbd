/*
 * net/ws: the same bytes in one piece, where whole text frames take the quick way, and after a first byte that came
 * alone, so that wslay reads all of them: the same messages, the same answers, the same end.
 */
#include "net/ws.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 4096

typedef struct record {
    uint8_t *bytes;
    size_t len, cap;
} record;

/* What comes in and what goes out are each in order; wslay answers once it has read all that it was given. */
typedef struct seen {
    record in, out;
    unsigned frames, closed;
} seen;

static void keep(record *s, char what, const void *bytes, size_t len)
{
    if (s->len + len + 1 > s->cap) {
        s->cap = (s->len + len + 1) * 2;
        s->bytes = realloc(s->bytes, s->cap);
        if (s->bytes == NULL)
            abort();
    }
    s->bytes[s->len++] = (uint8_t)what;
    if (len > 0)
        memcpy(s->bytes + s->len, bytes, len);
    s->len += len;
}

static void on_out(void *user, const uint8_t *bytes, size_t len)
{
    /* Without a mark: in how many pieces it leaves is nobody's concern. */
    for (size_t i = 0; i < len; i++)
        keep(&((seen *)user)->out, 'o', bytes + i, 1);
}

static void on_message(void *user, const char *text, size_t len)
{
    keep(&((seen *)user)->in, 'm', text, len);
}

static void on_frame(void *user)
{
    ((seen *)user)->frames++;
}

static void on_pong(void *user)
{
    keep(&((seen *)user)->in, 'p', NULL, 0);
}

static void on_closed(void *user, unsigned code)
{
    ((seen *)user)->closed = code + 1;
}

static const so_ws_events events = {
    .out = on_out, .message = on_message, .frame = on_frame, .pong = on_pong, .closed = on_closed};

static seen run(const uint8_t *bytes, size_t len, size_t first)
{
    so_ws_pool *pool = so_ws_pool_new(false, LIMIT, &events);
    seen s = {0};
    so_ws ws;

    if (pool == NULL)
        abort();
    so_ws_init(&ws, pool, &s);
    if (so_ws_feed(&ws, bytes, first) == SO_OK && s.closed == 0)
        (void)(so_ws_feed(&ws, bytes + first, len - first) == SO_OK);
    so_ws_end(&ws);
    so_ws_pool_free(pool);
    return s;
}

static bool same(const record *a, const record *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->bytes, b->bytes, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    seen whole = run(bytes, len, 0), cut = run(bytes, len, len > 0);

    /* After a fault, what else lay in the same piece may be looked at too, and have the last word on the close code. */
    if ((whole.closed == 0) != (cut.closed == 0))
        abort();
    if (whole.closed == 0 && (whole.frames != cut.frames || !same(&whole.in, &cut.in) || !same(&whole.out, &cut.out)))
        abort();
    free(whole.in.bytes);
    free(whole.out.bytes);
    free(cut.in.bytes);
    free(cut.out.bytes);
    return 0;
}
