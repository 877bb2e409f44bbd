/*
 * HTTP/1.1 heads (RFC 9112), requests and responses, over http-parser. Bounded: a head is at most `limit` bytes, a
 * request has no body, a response's body at most `body_limit` bytes. Bytes in, one message at a time out.
 */
#ifndef SOTTO_NET_HTTP_H
#define SOTTO_NET_HTTP_H

#include "base/status.h"

#include <stdint.h>

#define SO_HTTP_HEADERS 64

typedef struct so_http so_http;

typedef enum so_http_result {
    SO_HTTP_MORE,    /* fed all; the message is not whole yet */
    SO_HTTP_MESSAGE, /* one message is there; bytes after it were not consumed */
    SO_HTTP_BAD,     /* not HTTP; so_http_fault says which answer fits */
} so_http_result;

typedef enum so_http_side { SO_HTTP_REQUESTS, SO_HTTP_RESPONSES } so_http_side;

/* NULL: no memory. */
so_http *so_http_new(so_http_side side, size_t limit, size_t body_limit);
void so_http_free(so_http *http);

/* After SO_HTTP_MESSAGE the next call starts the next message; what the last one held is gone then. */
so_http_result so_http_feed(so_http *http, const uint8_t *bytes, size_t len, size_t *consumed) SO_MUST_CHECK;

/* After SO_HTTP_BAD, for requests: 400, 413, 414, 431 or 505. */
unsigned so_http_fault(const so_http *http);

/* Of the message that is there. */
const char *so_http_method(const so_http *http);
const char *so_http_target(const so_http *http);
unsigned so_http_status(const so_http *http);
bool so_http_keep_alive(const so_http *http);
bool so_http_upgrade(const so_http *http);
size_t so_http_header_count(const so_http *http);
void so_http_header_at(const so_http *http, size_t i, const char **name, const char **value);
/* The value of a header; NULL when it is absent or stands there twice. */
const char *so_http_header(const so_http *http, const char *name);
const uint8_t *so_http_body(const so_http *http, size_t *len);
/* Has any byte of a message come that is not whole yet? */
bool so_http_begun(const so_http *http);

/* Is token one of the comma-separated words of list (RFC 9110 §5.6.1), ASCII case ignored? */
bool so_http_list_has(const char *list, const char *token);

#endif
