/*
 * WebSocket (RFC 6455) over wslay, either end. Bytes in, messages and bytes out, no I/O. wslay's own state is 8 kB, so
 * a connection borrows it from a pool only while a frame or a fragmented message is under way.
 */
#ifndef SOTTO_NET_WS_H
#define SOTTO_NET_WS_H

#include "base/status.h"

#include <stdint.h>

typedef struct so_ws_pool so_ws_pool;
typedef struct so_ws so_ws;

/* Close codes of RFC 6455 §7.4.1 that Sotto sends by itself; 4000 and up are in docs/protocol.md. */
enum {
    SO_WS_NORMAL = 1000,
    SO_WS_GOING_AWAY = 1001,
    SO_WS_PROTOCOL = 1002,
    SO_WS_UNSUPPORTED = 1003,
    SO_WS_ABSENT = 1005,
    SO_WS_ABNORMAL = 1006,
    SO_WS_POLICY = 1008,
};

/* Called from within so_ws_feed and so_ws_send; none may free the so_ws. */
typedef struct so_ws_events {
    void (*out)(void *user, const uint8_t *bytes, size_t len);
    /* A whole text message, valid UTF-8; text ends at len and lives for the call. */
    void (*message)(void *user, const char *text, size_t len);
    /* A frame of any kind began: what floods are counted by. */
    void (*frame)(void *user);
    void (*pong)(void *user);
    /* The peer's Close frame came (it is answered already), or ours was forced by what it sent. Once. */
    void (*closed)(void *user, unsigned code);
    /* Client only: four random bytes. */
    bool (*mask)(void *user, uint8_t *out, size_t len);
} so_ws_events;

so_ws_pool *so_ws_pool_new(bool client, size_t message_limit, const so_ws_events *events);
void so_ws_pool_free(so_ws_pool *pool);

struct so_ws {
    so_ws_pool *pool;
    void *user;
    struct so_ws_slot *slot; /* wslay's state, while it is borrowed */
    uint64_t handed;         /* bytes that wslay has taken since it was borrowed */
    uint64_t framed;         /* bytes of all frames begun since then */
    uint32_t messages;       /* whole ones, so far */
    bool in_frame, in_message, close_sent, close_seen;
};

void so_ws_init(so_ws *ws, so_ws_pool *pool, void *user);
void so_ws_end(so_ws *ws);

/* SO_BAD_INPUT once the connection can only be cut; SO_NO_MEMORY. Bytes after a Close frame are ignored. */
so_status so_ws_feed(so_ws *ws, const uint8_t *bytes, size_t len) SO_MUST_CHECK;
so_status so_ws_send(so_ws *ws, const char *text, size_t len) SO_MUST_CHECK;
so_status so_ws_ping(so_ws *ws) SO_MUST_CHECK;
/* A Close frame with a reason of at most 123 bytes; nothing is sent after it. */
so_status so_ws_close(so_ws *ws, unsigned code, const char *reason) SO_MUST_CHECK;

/* Has a message begun that is not whole yet? */
bool so_ws_midway(const so_ws *ws);

/* The value of Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2); 28 characters and a final zero. */
so_status so_ws_accept(char out[29], const char *key) SO_MUST_CHECK;
/* Is key 24 characters of base64 that stand for 16 bytes? */
bool so_ws_key_valid(const char *key);

#endif
