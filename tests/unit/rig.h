/*
 * A whole server without sockets or clock: sessions over rooms, limits and frames, fed by hand. Time is rig.hub.now.
 * Used by unit tests, attack tests and the fuzzer of a whole connection.
 */
#ifndef SOTTO_TESTS_RIG_H
#define SOTTO_TESTS_RIG_H

#include "base/bytes.h"
#include "server/session.h"
#include "trust/invite.h"

#include <stdlib.h>

#define RIG_HOST "call.example:8443"
#define RIG_ORIGIN "https://" RIG_HOST
#define RIG_ROOM "83uqfW2puxBQCnTOooBJww"

typedef struct rig {
    so_options options;
    so_hub hub;
    so_log log;
    so_rooms_events rooms_events;
    char *logged; /* every log line, joined */
    size_t logged_len;
} rig;

/* One client's side of a connection. */
typedef struct rig_end {
    rig *rig;
    so_session *session; /* NULL once it is closed */
    uint8_t *out;        /* all that the server has sent */
    size_t out_len, out_cap;
    size_t read;    /* how much of out the test has looked at */
    size_t stalled; /* what counts as the backlog of a slow reader */
    bool finished, aborted;
} rig_end;

static inline void rig_log(void *user, so_level level, const char *module, const char *text)
{
    rig *r = user;
    size_t len = strlen(module) + strlen(text) + 3;

    (void)level;
    r->logged = realloc(r->logged, r->logged_len + len + 1);
    r->logged_len += (size_t)snprintf(r->logged + r->logged_len, len + 1, "%s: %s\n", module, text);
}

static inline bool rig_host_is_ours(void *user, const char *host, size_t len)
{
    (void)user;
    return (len == 12 && memcmp(host, "call.example", 12) == 0) || (len == 9 && memcmp(host, "127.0.0.1", 9) == 0);
}

static inline void rig_open(rig *r, uint64_t *seed)
{
    so_options_ask ask;
    char *argv[] = {(char *)"serve", NULL};
    static const so_rooms_events rooms_events = {.send = so_session_send, .displaced = so_session_displaced};

    memset(r, 0, sizeof *r);
    if (so_options_read(&r->options, 1, argv, NULL, &ask, NULL) != SO_OK)
        abort();
    r->log = (so_log){.write = rig_log, .user = r, .least = SO_LOG_DEBUG};
    r->hub.options = &r->options;
    r->hub.log = &r->log;
    r->hub.public_origin = RIG_ORIGIN;
    r->hub.host_is_ours = rig_host_is_ours;
    r->hub.now = 1000000;
    r->hub.unix_now = 1700000000;
    r->hub.rooms =
        so_rooms_new((so_random){.fill = unit_fill, .user = seed}, r->options.max_rooms, 30000, &rooms_events);
    r->hub.limits = so_limits_new((const uint8_t *)"0123456789abcdef", r->options.max_connections,
                                  r->options.connections_per_address, r->options.joins_per_minute);
    r->hub.ws_pool = so_ws_pool_new(false, r->options.max_message, &so_session_ws_events);
    if (r->hub.rooms == NULL || r->hub.limits == NULL || r->hub.ws_pool == NULL)
        abort();
}

static inline void rig_close(rig *r)
{
    so_rooms_free(r->hub.rooms);
    so_limits_free(r->hub.limits);
    so_ws_pool_free(r->hub.ws_pool);
    so_options_free(&r->options);
    free(r->logged);
}

static inline void rig_write(void *user, const void *bytes, size_t len)
{
    rig_end *e = user;

    if (e->out_len + len > e->out_cap) {
        e->out_cap = (e->out_len + len) * 2;
        e->out = realloc(e->out, e->out_cap);
        if (e->out == NULL)
            abort();
    }
    memcpy(e->out + e->out_len, bytes, len);
    e->out_len += len;
}

static inline void rig_finish(void *user)
{
    ((rig_end *)user)->finished = true;
}

static inline void rig_abort(void *user)
{
    ((rig_end *)user)->aborted = true;
}

static inline size_t rig_backlog(void *user)
{
    return ((rig_end *)user)->stalled;
}

static inline so_tls_facts rig_facts(void *user)
{
    (void)user;
    return (so_tls_facts){"TLSv1.3", "TLS_AES_256_GCM_SHA384", "x25519"};
}

static const so_session_io rig_io = {
    .write = rig_write, .finish = rig_finish, .abort = rig_abort, .backlog = rig_backlog, .facts = rig_facts};

/* A connection from 10.0.0.last whose TLS handshake is done. session is NULL where the server turned it away. */
static inline void rig_connect(rig *r, rig_end *e, uint8_t last)
{
    const uint8_t address[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, last};
    so_source *source;
    so_admission admission = so_limits_enter(r->hub.limits, address, &source);

    memset(e, 0, sizeof *e);
    e->rig = r;
    if (source == NULL)
        return;
    e->session = so_session_new(&r->hub, &rig_io, e, source, admission == SO_ADMITTED_TO_BE_TOLD);
    if (e->session == NULL)
        abort();
    so_session_opened(e->session);
}

/* What the loop does once a connection is over, whoever ended it. */
static inline void rig_hang_up(rig_end *e)
{
    if (e->session != NULL)
        so_session_closed(e->session);
    e->session = NULL;
    free(e->out);
    e->out = NULL;
    e->out_len = e->out_cap = 0;
}

static inline void rig_feed(rig_end *e, const void *bytes, size_t len)
{
    if (!e->finished && !e->aborted)
        so_session_data(e->session, bytes, len);
}

static inline void rig_say(rig_end *e, const char *text)
{
    rig_feed(e, text, strlen(text));
}

/* Lets ms pass for one connection. */
static inline void rig_wait(rig_end *e, so_msec ms)
{
    e->rig->hub.now += ms;
    so_session_tick(e->session);
}

static inline void rig_upgrade(rig_end *e)
{
    rig_say(e, "GET /signal HTTP/1.1\r\nHost: " RIG_HOST "\r\nOrigin: " RIG_ORIGIN "\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "Sec-WebSocket-Protocol: sotto.v1\r\n\r\n");
}

/* One masked frame of a client. first: FIN and opcode. */
static inline void rig_frame(rig_end *e, uint8_t first, const void *bytes, size_t len)
{
    static const uint8_t mask[4] = {1, 2, 3, 4};
    uint8_t *frame = malloc(len + 14);
    so_writer w = so_writer_of(frame, len + 14);

    so_write_u8(&w, first);
    if (len < 126) {
        so_write_u8(&w, (uint8_t)(0x80 | len));
    } else if (len < 65536) {
        so_write_u8(&w, 0x80 | 126);
        so_write_u16(&w, (uint16_t)len);
    } else {
        so_write_u8(&w, 0x80 | 127);
        so_write_u64(&w, len);
    }
    so_write_bytes(&w, mask, 4);
    for (size_t i = 0; i < len; i++)
        so_write_u8(&w, ((const uint8_t *)bytes)[i] ^ mask[i % 4]);
    rig_feed(e, frame, so_writer_len(&w));
    free(frame);
}

static inline void rig_text(rig_end *e, const char *text)
{
    rig_frame(e, 0x81, text, strlen(text));
}

/* The server's next frame: its opcode, or -1 where there is none. text gets its payload and a final zero. */
static inline int rig_next(rig_end *e, char *text, size_t cap)
{
    so_reader r = so_reader_of(e->out + e->read, e->out_len - e->read);
    uint8_t first, short_len;
    uint64_t len;
    const uint8_t *body;

    if (so_reader_left(&r) == 0)
        return -1;
    first = so_read_u8(&r);
    short_len = so_read_u8(&r);
    len = short_len == 127 ? so_read_u64(&r) : short_len == 126 ? so_read_u16(&r) : short_len;
    body = so_read_bytes(&r, (size_t)len);
    if (body == NULL || len >= cap || (short_len & 0x80) != 0)
        abort();
    memcpy(text, body, (size_t)len);
    text[len] = '\0';
    e->read = e->out_len - so_reader_left(&r);
    return first & 15;
}

/* Skips the answer to the upgrade. False: it was not 101. */
static inline bool rig_upgraded(rig_end *e)
{
    uint8_t *end = e->out_len == 0 ? NULL : memmem(e->out, e->out_len, "\r\n\r\n", 4);

    if (end == NULL || memcmp(e->out, "HTTP/1.1 101 ", 13) != 0)
        return false;
    e->read = (size_t)(end - e->out) + 4;
    return true;
}

static inline void rig_join(rig_end *e)
{
    rig_upgrade(e);
    if (!rig_upgraded(e))
        abort();
    rig_text(e, "{\"kind\":\"join\",\"room\":\"" RIG_ROOM "\"}");
}

#endif
