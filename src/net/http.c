#include "net/http.h"

#include <http_parser.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct so_http {
    http_parser parser;
    so_http_side side;
    size_t limit, body_limit;
    char *head; /* target, names and values, each with a final zero */
    size_t head_len, head_cap;
    size_t target; /* offsets into head; 0 is "none", so head starts with a zero byte */
    size_t names[SO_HTTP_HEADERS], values[SO_HTTP_HEADERS];
    size_t count;
    size_t seen; /* raw bytes of the head so far */
    uint8_t *body;
    size_t body_len;
    unsigned fault;
    bool in_value, whole, begun, head_done;
};

static so_http *of(http_parser *p)
{
    return p->data;
}

static int fail(so_http *h, unsigned fault)
{
    if (h->fault == 0)
        h->fault = fault;
    return 1;
}

/* http-parser hands out pieces: the text at the end of head grows in place. */
static int append(so_http *h, const char *at, size_t len, unsigned fault)
{
    if (h->head_len + len + 2 > h->limit + SO_HTTP_HEADERS * 2)
        return fail(h, fault);
    if (h->head_len + len + 2 > h->head_cap) {
        size_t cap = (h->head_len + len + 2) * 2;
        char *head = realloc(h->head, cap);
        if (head == NULL)
            return fail(h, 503);
        h->head = head;
        h->head_cap = cap;
    }
    memcpy(h->head + h->head_len, at, len);
    h->head_len += len;
    h->head[h->head_len] = '\0';
    return 0;
}

static size_t begin_text(so_http *h)
{
    return ++h->head_len;
}

static int on_begin(http_parser *p)
{
    so_http *h = of(p);

    h->begun = true;
    h->target = 0;
    h->count = 0;
    h->head_len = 0;
    h->in_value = true;
    h->head_done = false;
    h->body_len = 0;
    return append(h, "", 0, 503);
}

static int on_url(http_parser *p, const char *at, size_t len)
{
    so_http *h = of(p);

    if (h->target == 0)
        h->target = begin_text(h);
    return append(h, at, len, 414);
}

static int on_field(http_parser *p, const char *at, size_t len)
{
    so_http *h = of(p);

    if (h->in_value) {
        if (h->count == SO_HTTP_HEADERS)
            return fail(h, 431);
        h->names[h->count] = begin_text(h);
        h->values[h->count] = 0;
        h->count++;
        h->in_value = false;
    }
    return append(h, at, len, 431);
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    so_http *h = of(p);

    if (!h->in_value) {
        h->values[h->count - 1] = begin_text(h);
        h->in_value = true;
    }
    return append(h, at, len, 431);
}

static int on_headers(http_parser *p)
{
    so_http *h = of(p);

    h->head_done = true;
    if (h->side == SO_HTTP_REQUESTS &&
        ((p->flags & F_CHUNKED) || (p->content_length != 0 && p->content_length != ULLONG_MAX)))
        return fail(h, 413) + 2; /* an error to http-parser, which gives 1 and 2 meanings of their own */
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    so_http *h = of(p);
    uint8_t *body;

    if (len > h->body_limit - h->body_len)
        return fail(h, 413);
    body = realloc(h->body, h->body_len + len);
    if (body == NULL)
        return fail(h, 503);
    memcpy(body + h->body_len, at, len);
    h->body = body;
    h->body_len += len;
    return 0;
}

static int on_complete(http_parser *p)
{
    of(p)->whole = true;
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_message_begin = on_begin,
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

so_http *so_http_new(so_http_side side, size_t limit, size_t body_limit)
{
    so_http *h = calloc(1, sizeof *h);

    if (h == NULL)
        return NULL;
    http_parser_init(&h->parser, side == SO_HTTP_REQUESTS ? HTTP_REQUEST : HTTP_RESPONSE);
    h->parser.data = h;
    h->side = side;
    h->limit = limit;
    h->body_limit = body_limit;
    return h;
}

void so_http_free(so_http *h)
{
    if (h == NULL)
        return;
    free(h->head);
    free(h->body);
    free(h);
}

so_http_result so_http_feed(so_http *h, const uint8_t *bytes, size_t len, size_t *consumed)
{
    enum http_errno error;

    if (h->whole) {
        h->whole = false;
        h->begun = false;
        h->seen = 0;
        http_parser_pause(&h->parser, 0);
    }
    *consumed = http_parser_execute(&h->parser, &settings, (const char *)bytes, len);
    h->seen += h->head_done ? 0 : *consumed;
    error = HTTP_PARSER_ERRNO(&h->parser);
    if (h->whole && h->fault == 0 && (error == HPE_PAUSED || error == HPE_OK)) {
        if (h->parser.http_major != 1 || h->parser.http_minor != 1) {
            h->fault = h->side == SO_HTTP_REQUESTS ? 505 : 502;
            return SO_HTTP_BAD;
        }
        return SO_HTTP_MESSAGE;
    }
    if (error != HPE_OK || h->fault != 0) {
        (void)fail(h, error == HPE_HEADER_OVERFLOW ? 431 : 400);
        return SO_HTTP_BAD;
    }
    /* Bytes that no callback has seen (white space, a method without end) count too. */
    if (h->seen > h->limit) {
        (void)fail(h, 431);
        return SO_HTTP_BAD;
    }
    return SO_HTTP_MORE;
}

unsigned so_http_fault(const so_http *h)
{
    return h->fault;
}

const char *so_http_method(const so_http *h)
{
    return http_method_str((enum http_method)h->parser.method);
}

const char *so_http_target(const so_http *h)
{
    return h->target == 0 ? "" : h->head + h->target;
}

unsigned so_http_status(const so_http *h)
{
    return h->parser.status_code;
}

bool so_http_keep_alive(const so_http *h)
{
    return http_should_keep_alive(&h->parser) != 0;
}

bool so_http_upgrade(const so_http *h)
{
    return h->parser.upgrade != 0;
}

size_t so_http_header_count(const so_http *h)
{
    return h->count;
}

void so_http_header_at(const so_http *h, size_t i, const char **name, const char **value)
{
    *name = h->head + h->names[i];
    *value = h->values[i] == 0 ? "" : h->head + h->values[i];
}

const char *so_http_header(const so_http *h, const char *name)
{
    const char *found = NULL;

    for (size_t i = 0; i < h->count; i++) {
        const char *n, *v;
        so_http_header_at(h, i, &n, &v);
        if (strcasecmp(n, name) != 0)
            continue;
        if (found != NULL)
            return NULL;
        found = v;
    }
    return found;
}

const uint8_t *so_http_body(const so_http *h, size_t *len)
{
    *len = h->body_len;
    return h->body;
}

bool so_http_begun(const so_http *h)
{
    return h->begun && !h->whole;
}

bool so_http_list_has(const char *list, const char *token)
{
    size_t want = strlen(token);

    while (list != NULL && *list != '\0') {
        size_t len;
        list += strspn(list, ", \t");
        len = strcspn(list, ",");
        while (len > 0 && (list[len - 1] == ' ' || list[len - 1] == '\t'))
            len--;
        if (len == want && strncasecmp(list, token, want) == 0)
            return true;
        list += strcspn(list, ",");
    }
    return false;
}
