#include "cli/rehearse_wire.h"

#include "base/text.h"
#include "crypto/random.h"
#include "net/stream.h"
#include "net/tcp.h"

#include <stdlib.h>
#include <string.h>

#define KEEP_MAX ((size_t)1 << 20)

struct wire {
    rehearsal *r;
    so_tcp *tcp;
    so_stream *stream;
    bool opened, ended;
    so_error why;
    uint8_t *bytes;
    char *payload;          /* of the last envelope, or NULL */
    size_t len, cap, taken; /* taken: by the frames that were heard */
};

/* ---- events ---- */

static void take(wire *w, const uint8_t *bytes, size_t len)
{
    if (w->len + len > w->cap) {
        size_t cap = 2 * (w->len + len);
        uint8_t *grown = cap > KEEP_MAX ? NULL : realloc(w->bytes, cap);

        if (grown == NULL)
            return; /* nobody here needs so much */
        w->bytes = grown;
        w->cap = cap;
    }
    memcpy(w->bytes + w->len, bytes, len);
    w->len += len;
}

static void end(wire *w, const so_error *why)
{
    w->tcp = NULL;
    w->stream = NULL;
    w->ended = true;
    w->why = *why;
}

static void on_tcp_open(so_tcp *tcp, void *user)
{
    (void)tcp;
    ((wire *)user)->opened = true;
}

static void on_tcp_data(so_tcp *tcp, void *user, const uint8_t *bytes, size_t len)
{
    (void)tcp;
    take(user, bytes, len);
}

static void on_tcp_closed(so_tcp *tcp, void *user, const so_error *why)
{
    (void)tcp;
    end(user, why);
}

static void on_open(so_stream *stream, void *user)
{
    (void)stream;
    ((wire *)user)->opened = true;
}

static void on_data(so_stream *stream, void *user, const uint8_t *bytes, size_t len)
{
    (void)stream;
    take(user, bytes, len);
}

static void on_closed(so_stream *stream, void *user, const so_error *why)
{
    (void)stream;
    end(user, why);
}

static const so_tcp_events tcp_events = {.open = on_tcp_open, .data = on_tcp_data, .closed = on_tcp_closed};
static const so_stream_events stream_events = {.open = on_open, .data = on_data, .closed = on_closed};

/* ---- making, waiting ---- */

static wire *make(rehearsal *r)
{
    wire *w = calloc(1, sizeof *w);

    if (w != NULL)
        w->r = r;
    return w;
}

wire *wire_bare(rehearsal *r)
{
    wire *w = make(r);

    if (w != NULL && so_tcp_connect(&w->tcp, &r->loop, r->at, r->url->port, &tcp_events, w) != SO_OK) {
        free(w);
        return NULL;
    }
    return w;
}

wire *wire_tls_to(rehearsal *r, SSL_CTX *ctx, const char *host, uint16_t port, const char *at)
{
    wire *w = make(r);

    if (w != NULL && so_stream_connect(&w->stream, &r->loop, ctx, host, port, at, &stream_events, w) != SO_OK) {
        free(w);
        return NULL;
    }
    return w;
}

wire *wire_tls(rehearsal *r)
{
    return wire_tls_to(r, r->ctx, r->url->host, r->url->port, r->at);
}

static void on_late(uv_timer_t *timer)
{
    ((rehearsal *)timer->data)->late = true;
}

static void begin_wait(rehearsal *r, unsigned ms)
{
    r->late = false;
    (void)uv_update_time(&r->loop.uv);
    (void)uv_timer_start(&r->patience, on_late, ms, 0);
}

static bool wait_more(rehearsal *r)
{
    if (!r->late)
        (void)uv_run(&r->loop.uv, UV_RUN_ONCE);
    return !r->late;
}

void wire_free(wire *w)
{
    if (w == NULL)
        return;
    if (w->tcp != NULL)
        so_tcp_close(w->tcp);
    if (w->stream != NULL)
        so_stream_abort(w->stream);
    (void)uv_timer_stop(&w->r->patience);
    while (!w->ended) /* both say so in the loop's next turns */
        (void)uv_run(&w->r->loop.uv, UV_RUN_NOWAIT);
    free(w->payload);
    free(w->bytes);
    free(w);
}

bool wire_opened(wire *w)
{
    begin_wait(w->r, REHEARSE_PATIENCE);
    while (!w->opened && !w->ended && wait_more(w->r))
        continue;
    return w->opened;
}

bool wire_ended(const wire *w)
{
    return w->ended;
}

const so_error *wire_why(const wire *w)
{
    return &w->why;
}

void wire_send(wire *w, const void *bytes, size_t len)
{
    if (w->tcp != NULL)
        so_tcp_write(w->tcp, bytes, len);
    if (w->stream != NULL)
        so_stream_write(w->stream, bytes, len);
}

size_t wire_wait(wire *w, size_t count, unsigned ms)
{
    begin_wait(w->r, ms);
    while (w->len < count && !w->ended && wait_more(w->r))
        continue;
    return w->len;
}

bool wire_wait_end(wire *w, unsigned ms)
{
    begin_wait(w->r, ms);
    while (!w->ended && wait_more(w->r))
        continue;
    return w->ended;
}

const uint8_t *wire_bytes(const wire *w)
{
    return w->bytes;
}

/* ---- HTTP ---- */

static size_t head_len(const wire *w)
{
    const uint8_t *at = w->len == 0 ? NULL : memmem(w->bytes, w->len, "\r\n\r\n", 4);

    return at == NULL ? 0 : (size_t)(at - w->bytes) + 4;
}

unsigned wire_request(wire *w, const char *request, size_t len)
{
    wire_send(w, request, len);
    begin_wait(w->r, REHEARSE_PATIENCE);
    while (head_len(w) == 0 && !w->ended && wait_more(w->r))
        continue;
    w->taken = head_len(w);
    if (w->taken < 12 || memcmp(w->bytes, "HTTP/1.1 ", 9) != 0)
        return 0;
    return (unsigned)strtoul((const char *)w->bytes + 9, NULL, 10);
}

bool wire_head_has(const wire *w, const char *text)
{
    size_t len = head_len(w);

    return len > 0 && memmem(w->bytes, len, text, strlen(text)) != NULL;
}

unsigned wire_upgrade(wire *w, const char *host, const char *origin, const char *more)
{
    char request[1024];
    int len = snprintf(request, sizeof request,
                       "GET /signal HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                       "Sec-WebSocket-Protocol: %s\r\n%s%s%s%s\r\n",
                       host, SO_SUBPROTOCOL, origin == NULL ? "" : "Origin: ", origin == NULL ? "" : origin,
                       origin == NULL ? "" : "\r\n", more);

    return wire_request(w, request, (size_t)len);
}

/* ---- WebSocket ---- */

void wire_frame(wire *w, uint8_t first, bool masked, const void *bytes, size_t len)
{
    uint8_t head[14], mask[4] = {0x12, 0x34, 0x56, 0x78}, *copy = malloc(len == 0 ? 1 : len);
    so_writer h = so_writer_of(head, sizeof head);
    uint8_t bit = masked ? 0x80 : 0;

    if (copy == NULL)
        return;
    so_write_u8(&h, first);
    if (len < 126) {
        so_write_u8(&h, (uint8_t)(bit | len));
    } else if (len < 65536) {
        so_write_u8(&h, bit | 126);
        so_write_u16(&h, (uint16_t)len);
    } else {
        so_write_u8(&h, bit | 127);
        so_write_u64(&h, len);
    }
    if (masked)
        so_write_bytes(&h, mask, sizeof mask);
    for (size_t i = 0; i < len; i++)
        copy[i] = (uint8_t)(((const uint8_t *)bytes)[i] ^ (masked ? mask[i % 4] : 0));
    wire_send(w, head, so_writer_len(&h));
    wire_send(w, copy, len);
    free(copy);
}

void wire_say(wire *w, const char *text)
{
    wire_frame(w, WIRE_FIN | WIRE_TEXT, true, text, strlen(text));
}

typedef struct frame {
    unsigned opcode;
    const uint8_t *bytes;
    size_t len;
} frame;

/* A server's frames are whole and unmasked here: it sends what its own framer makes. */
static bool next_frame(wire *w, frame *f)
{
    so_reader in = so_reader_of(w->bytes + w->taken, w->len - w->taken);
    uint64_t len;

    if (w->len == w->taken)
        return false;
    f->opcode = so_read_u8(&in) & 0x0f;
    len = so_read_u8(&in) & 0x7f;
    if (len == 126)
        len = so_read_u16(&in);
    else if (len == 127)
        len = so_read_u64(&in);
    if (in.failed || len > so_reader_left(&in))
        return false;
    f->len = (size_t)len;
    f->bytes = so_read_bytes(&in, f->len);
    w->taken = w->len - so_reader_left(&in);
    return f->bytes != NULL;
}

static void copy_text(char *out, size_t cap, const json_t *value)
{
    (void)snprintf(out, cap, "%s", json_is_string(value) ? json_string_value(value) : "");
}

static void keep_payload(wire *w, const json_t *payload)
{
    if (!json_is_string(payload))
        return;
    free(w->payload);
    w->payload = strdup(json_string_value(payload));
}

const char *wire_payload(const wire *w)
{
    return w->payload == NULL ? "" : w->payload;
}

static void read_text(wire *w, const frame *f, wire_heard *heard)
{
    json_t *root = json_loadb((const char *)f->bytes, f->len, 0, NULL);
    const json_t *limits = json_object_get(root, "limits"), *code = json_object_get(root, "code");

    copy_text(heard->kind, sizeof heard->kind, json_object_get(root, "kind"));
    copy_text(heard->code, sizeof heard->code, code != NULL ? code : json_object_get(root, "reason"));
    copy_text(heard->id, sizeof heard->id, json_object_get(root, "id"));
    copy_text(heard->from, sizeof heard->from, json_object_get(root, "from"));
    copy_text(heard->resume, sizeof heard->resume, json_object_get(root, "resume"));
    copy_text(heard->payload, sizeof heard->payload, json_object_get(root, "payload"));
    heard->resumed = json_is_true(json_object_get(root, "resumed"));
    keep_payload(w, json_object_get(root, "payload"));
    copy_text(heard->other, sizeof heard->other, json_array_get(json_object_get(root, "members"), 0));
    heard->members = (unsigned)json_array_size(json_object_get(root, "members"));
    heard->message = (unsigned)json_integer_value(json_object_get(limits, "message"));
    heard->rate = (unsigned)json_integer_value(json_object_get(limits, "rate"));
    json_decref(root);
}

static void read_close(wire *w, const frame *f, wire_heard *heard)
{
    if (f->len >= 2)
        heard->close = (unsigned)(f->bytes[0] << 8 | f->bytes[1]);
    (void)snprintf(heard->kind, sizeof heard->kind, "closed");
    w->taken = w->len;
}

bool wire_hear(wire *w, wire_heard *heard, unsigned ms)
{
    frame f;

    begin_wait(w->r, ms);
    for (;;) {
        *heard = (wire_heard){.close = 0};
        if (!next_frame(w, &f)) {
            if (w->ended) {
                (void)snprintf(heard->kind, sizeof heard->kind, "closed");
                return true;
            }
            if (!wait_more(w->r))
                return false;
        } else if (f.opcode == WIRE_TEXT) {
            read_text(w, &f, heard);
            return true;
        } else if (f.opcode == WIRE_CLOSE) {
            read_close(w, &f, heard);
            return true;
        } else if (f.opcode == WIRE_PING) {
            wire_frame(w, WIRE_FIN | WIRE_PONG, true, f.bytes, f.len);
        }
    }
}

bool wire_hear_kind(wire *w, const char *kind, wire_heard *heard, unsigned ms)
{
    while (wire_hear(w, heard, ms)) {
        if (strcmp(heard->kind, kind) == 0)
            return true;
        if (strcmp(heard->kind, "closed") == 0)
            return false;
    }
    return false;
}

/* ---- an honest end ---- */

wire *wire_signal(rehearsal *r)
{
    wire *w = wire_tls(r);
    unsigned status;

    if (w == NULL || !wire_opened(w)) {
        (void)rehearse_failed(r, "no connection: %.200s", w == NULL ? "not enough memory" : wire_why(w)->text);
        wire_free(w);
        return NULL;
    }
    status = wire_upgrade(w, r->url->origin + strlen("https://"), r->url->origin, "");
    if (status == 101)
        return w;
    (void)rehearse_failed(r, "an honest request for the signaling was answered %u", status);
    wire_free(w);
    return NULL;
}

wire *wire_seat(rehearsal *r, const char *room, const char *resume, wire_heard *welcome)
{
    uint8_t text[256];
    so_writer out = so_writer_of(text, sizeof text - 1);
    wire *w = wire_signal(r);

    if (w == NULL)
        return NULL;
    so_signal_write_join(&out, room, resume);
    text[so_writer_len(&out)] = '\0';
    wire_say(w, (const char *)text);
    if (wire_hear(w, welcome, REHEARSE_PATIENCE) && strcmp(welcome->kind, "welcome") == 0)
        return w;
    (void)rehearse_failed(r, "an honest join was answered %s%s%s%s",
                          welcome->kind[0] == '\0' ? "nothing" : welcome->kind, welcome->code[0] == '\0' ? "" : ": ",
                          welcome->code,
                          strcmp(welcome->code, "too-many-joins") == 0
                              ? "; was there a rehearsal within the last minute? Wait, and try again"
                              : "");
    wire_free(w);
    return NULL;
}

void wire_room(char out[SO_ROOM_TEXT_LEN + 1])
{
    uint8_t bytes[16];

    if (so_random_fill(&so_random_system, bytes, sizeof bytes) != SO_OK)
        memset(bytes, 0, sizeof bytes); /* then every join fails, and says so */
    so_base64url(out, bytes, sizeof bytes);
}

bool wire_relays(wire *a, wire *b, const char *a_id, const char *b_id)
{
    static unsigned count;
    char text[200], payload[32];
    wire_heard heard;

    (void)snprintf(payload, sizeof payload, "honest%06u", count++ % 1000000);
    (void)snprintf(text, sizeof text, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"%s\"}", b_id, payload);
    wire_say(a, text);
    return wire_hear_kind(b, "envelope", &heard, REHEARSE_PATIENCE) && strcmp(heard.payload, payload) == 0 &&
           strcmp(heard.from, a_id) == 0;
}
