#include "net/ws.h"

#include "base/bytes.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>

#define SPARE_SLOTS 32

/* wslay keeps one user pointer for life, so it points at the slot, and the slot at whoever borrows it. */
struct so_ws_slot {
    wslay_event_context_ptr ctx;
    so_ws *ws;
    const uint8_t *in;
    size_t in_len;
    struct so_ws_slot *next;
};

struct so_ws_pool {
    const so_ws_events *events;
    size_t message_limit;
    struct so_ws_slot *spare;
    unsigned spares;
    bool client;
    uint8_t *text; /* of a plain frame; message_limit bytes */
};

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *user)
{
    struct so_ws_slot *slot = user;
    size_t n = slot->in_len < len ? slot->in_len : len;

    (void)flags;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, slot->in, n);
    slot->in += n;
    slot->in_len -= n;
    slot->ws->handed += n;
    return (ssize_t)n;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *user)
{
    struct so_ws_slot *slot = user;

    (void)ctx;
    (void)flags;
    slot->ws->pool->events->out(slot->ws->user, data, len);
    return (ssize_t)len;
}

static int on_mask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, void *user)
{
    struct so_ws_slot *slot = user;

    if (slot->ws->pool->events->mask(slot->ws->user, buf, len))
        return 0;
    wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_frame(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *arg, void *user)
{
    so_ws *ws = ((struct so_ws_slot *)user)->ws;
    uint64_t n = arg->payload_length;

    (void)ctx;
    ws->framed += 2 + (n < 126 ? 0 : n < 65536 ? 2 : 8) + (ws->pool->client ? 0 : 4) + n;
    ws->in_frame = true;
    if (!wslay_is_ctrl_frame(arg->opcode))
        ws->in_message = !arg->fin;
    ws->pool->events->frame(ws->user);
}

static void on_frame_end(wslay_event_context_ptr ctx, void *user)
{
    (void)ctx;
    ((struct so_ws_slot *)user)->ws->in_frame = false;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    so_ws *ws = ((struct so_ws_slot *)user)->ws;
    const so_ws_events *events = ws->pool->events;

    ws->messages += !wslay_is_ctrl_frame(arg->opcode);
    if (ws->close_sent && arg->opcode != WSLAY_CONNECTION_CLOSE)
        return;
    if (arg->opcode == WSLAY_TEXT_FRAME) {
        events->message(ws->user, (const char *)arg->msg, arg->msg_length);
    } else if (arg->opcode == WSLAY_BINARY_FRAME) {
        /* The owner is told by note_close, once the frame is out. */
        (void)wslay_event_queue_close(ctx, SO_WS_UNSUPPORTED, (const uint8_t *)"text frames only", 16);
    } else if (arg->opcode == WSLAY_PONG) {
        events->pong(ws->user);
    }
}

static struct so_ws_slot *slot_new(so_ws_pool *pool)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .genmask_callback = on_mask,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_end_callback = on_frame_end,
        .on_msg_recv_callback = on_message,
    };
    struct so_ws_slot *slot = calloc(1, sizeof *slot);
    int fault;

    if (slot == NULL)
        return NULL;
    fault = pool->client ? wslay_event_context_client_init(&slot->ctx, &callbacks, slot)
                         : wslay_event_context_server_init(&slot->ctx, &callbacks, slot);
    if (fault != 0) {
        free(slot);
        return NULL;
    }
    wslay_event_config_set_max_recv_msg_length(slot->ctx, pool->message_limit);
    return slot;
}

static void slot_free(struct so_ws_slot *slot)
{
    wslay_event_context_free(slot->ctx);
    free(slot);
}

so_ws_pool *so_ws_pool_new(bool client, size_t message_limit, const so_ws_events *events)
{
    so_ws_pool *pool = calloc(1, sizeof *pool);

    if (pool == NULL)
        return NULL;
    pool->client = client;
    pool->message_limit = message_limit;
    pool->events = events;
    pool->text = malloc(message_limit);
    if (pool->text == NULL) {
        free(pool);
        return NULL;
    }
    return pool;
}

void so_ws_pool_free(so_ws_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->spare != NULL) {
        struct so_ws_slot *slot = pool->spare;
        pool->spare = slot->next;
        slot_free(slot);
    }
    free(pool->text);
    free(pool);
}

static bool borrow(so_ws *ws)
{
    so_ws_pool *pool = ws->pool;

    if (ws->slot != NULL)
        return true;
    ws->slot = pool->spare;
    if (ws->slot != NULL) {
        pool->spare = ws->slot->next;
        pool->spares--;
    } else {
        ws->slot = slot_new(pool);
    }
    if (ws->slot == NULL)
        return false;
    ws->slot->ws = ws;
    ws->slot->next = NULL;
    ws->handed = ws->framed = 0;
    return true;
}

/* Between two messages, with every byte of the last frame taken and none of the next, wslay's state is as new. */
static void give_back(so_ws *ws)
{
    struct so_ws_slot *slot = ws->slot;

    if (slot == NULL || ws->in_frame || ws->in_message || ws->close_sent || ws->close_seen ||
        ws->handed != ws->framed || wslay_event_want_write(slot->ctx))
        return;
    ws->slot = NULL;
    slot->ws = NULL;
    if (ws->pool->spares >= SPARE_SLOTS) {
        slot_free(slot);
        return;
    }
    slot->next = ws->pool->spare;
    ws->pool->spare = slot;
    ws->pool->spares++;
}

void so_ws_init(so_ws *ws, so_ws_pool *pool, void *user)
{
    memset(ws, 0, sizeof *ws);
    ws->pool = pool;
    ws->user = user;
}

void so_ws_end(so_ws *ws)
{
    if (ws->slot != NULL)
        slot_free(ws->slot);
    ws->slot = NULL;
}

/* wslay answers what breaks the rules with a Close frame of its own; here that is told to the owner. */
static void note_close(so_ws *ws)
{
    wslay_event_context_ptr ctx = ws->slot->ctx;

    if (ws->close_seen)
        return;
    if (wslay_event_get_close_received(ctx)) {
        ws->close_seen = true;
        if (!ws->close_sent)
            ws->pool->events->closed(ws->user, wslay_event_get_status_code_received(ctx));
        ws->close_sent = true;
    } else if (!ws->close_sent && wslay_event_get_close_sent(ctx)) {
        ws->close_sent = true;
        ws->pool->events->closed(ws->user, wslay_event_get_status_code_sent(ctx));
    }
}

/* For some broken frames wslay queues a Close without a code (RFC 6455 §7.4.1 has 1002 for them), so ours goes out. */
static so_status refuse_frame(so_ws *ws)
{
    slot_free(ws->slot);
    ws->slot = NULL;
    if (!ws->close_sent) {
        so_status status = so_ws_close(ws, SO_WS_PROTOCOL, "not a WebSocket frame");
        if (status != SO_OK)
            return status;
        ws->pool->events->closed(ws->user, SO_WS_PROTOCOL);
    }
    ws->close_seen = true; /* what comes now can't be read any more */
    return SO_OK;
}

/* ---- what ends send nearly always: whole text frames of ASCII; wslay would look at each byte three times ---- */

#define MASK_LEN 4

/* Eight bytes at a time. False: not all of it is ASCII. */
static bool unmask(uint8_t *out, const uint8_t *in, size_t len, const uint8_t mask[MASK_LEN])
{
    uint64_t wide, word, seen = 0;
    uint8_t key[2 * MASK_LEN];
    size_t i = 0;

    memcpy(key, mask, MASK_LEN);
    memcpy(key + MASK_LEN, mask, MASK_LEN);
    memcpy(&wide, key, sizeof wide);
    for (; i + sizeof word <= len; i += sizeof word) {
        memcpy(&word, in + i, sizeof word);
        word ^= wide;
        seen |= word;
        memcpy(out + i, &word, sizeof word);
    }
    for (; i < len; i++) {
        out[i] = in[i] ^ mask[i % MASK_LEN];
        seen |= out[i];
    }
    return (seen & 0x8080808080808080) == 0;
}

/*
 * Takes one such frame and says how long it was. 0: it is another kind of frame, or something is wrong with it, or its
 * end has not come, or wslay is in the middle of something. All of that is wslay's.
 */
static size_t take_plain_frame(so_ws *ws, const uint8_t *bytes, size_t len)
{
    so_ws_pool *pool = ws->pool;
    size_t head = 2, n;

    if (pool->client || ws->slot != NULL || ws->close_sent || len < 4 || bytes[0] != 0x81 || bytes[1] < 0x80 ||
        bytes[1] == 0xff)
        return 0;
    n = bytes[1] & 127;
    if (n == 126) {
        head = 4;
        n = (size_t)bytes[2] << 8 | bytes[3];
        if (n < 126)
            return 0;
    }
    if (n > pool->message_limit || len - head < MASK_LEN + n ||
        !unmask(pool->text, bytes + head + MASK_LEN, n, bytes + head))
        return 0;
    pool->events->frame(ws->user);
    ws->messages++;
    pool->events->message(ws->user, (const char *)pool->text, n);
    return head + MASK_LEN + n;
}

/* A frame of the server, without wslay's queue. */
static void write_frame(so_ws *ws, uint8_t opcode, const void *bytes, size_t len)
{
    const so_ws_events *events = ws->pool->events;
    uint8_t head[10];
    so_writer w = so_writer_of(head, sizeof head);

    so_write_u8(&w, (uint8_t)(0x80 | opcode));
    so_write_u8(&w, len < 126 ? (uint8_t)len : len < 65536 ? 126 : 127);
    if (len >= 65536)
        so_write_u64(&w, len);
    else if (len >= 126)
        so_write_u16(&w, (uint16_t)len);
    events->out(ws->user, head, so_writer_len(&w));
    if (len > 0)
        events->out(ws->user, bytes, len);
}

so_status so_ws_feed(so_ws *ws, const uint8_t *bytes, size_t len)
{
    size_t plain;
    int fault;

    while ((plain = take_plain_frame(ws, bytes, len)) > 0) {
        bytes += plain;
        len -= plain;
    }
    if (ws->close_seen || len == 0)
        return SO_OK;
    if (!borrow(ws))
        return SO_NO_MEMORY;
    ws->slot->in = bytes;
    ws->slot->in_len = len;
    fault = wslay_event_recv(ws->slot->ctx);
    ws->slot->in_len = 0;
    if (fault == WSLAY_ERR_NOMEM)
        return SO_NO_MEMORY;
    if (fault != 0)
        return refuse_frame(ws);
    if (wslay_event_send(ws->slot->ctx) != 0)
        return SO_BAD_INPUT;
    note_close(ws);
    give_back(ws);
    return SO_OK;
}

static so_status queue_and_send(so_ws *ws, uint8_t opcode, const void *bytes, size_t len)
{
    struct wslay_event_msg msg = {.opcode = opcode, .msg = bytes, .msg_length = len};
    bool owned = ws->slot != NULL;

    if (ws->close_sent || ws->close_seen)
        return SO_OK;
    if (!owned && !ws->pool->client) {
        write_frame(ws, opcode, bytes, len);
        return SO_OK;
    }
    if (!borrow(ws) || wslay_event_queue_msg(ws->slot->ctx, &msg) != 0)
        return SO_NO_MEMORY;
    if (wslay_event_send(ws->slot->ctx) != 0)
        return SO_IO;
    if (!owned)
        give_back(ws);
    return SO_OK;
}

so_status so_ws_send(so_ws *ws, const char *text, size_t len)
{
    return queue_and_send(ws, WSLAY_TEXT_FRAME, text, len);
}

so_status so_ws_ping(so_ws *ws)
{
    return queue_and_send(ws, WSLAY_PING, NULL, 0);
}

so_status so_ws_close(so_ws *ws, unsigned code, const char *reason)
{
    size_t len = strnlen(reason, 123);

    if (ws->close_sent)
        return SO_OK;
    if (ws->slot == NULL && !ws->pool->client) {
        uint8_t body[2 + 123];
        so_writer w = so_writer_of(body, sizeof body);

        so_write_u16(&w, (uint16_t)code);
        so_write_bytes(&w, reason, len);
        write_frame(ws, WSLAY_CONNECTION_CLOSE, body, so_writer_len(&w));
        ws->close_sent = ws->close_seen = true; /* what still comes has nobody who would read it */
        return SO_OK;
    }
    if (!borrow(ws) || wslay_event_queue_close(ws->slot->ctx, (uint16_t)code, (const uint8_t *)reason, len) != 0)
        return SO_NO_MEMORY;
    ws->close_sent = true;
    return wslay_event_send(ws->slot->ctx) == 0 ? SO_OK : SO_IO;
}

bool so_ws_midway(const so_ws *ws)
{
    return ws->in_frame || ws->in_message || (ws->slot != NULL && ws->handed != ws->framed);
}

so_status so_ws_accept(char out[29], const char *key)
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char text[64 + sizeof guid];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    if (strlen(key) > 64)
        return SO_BAD_INPUT;
    strcpy(text, key);
    strcat(text, guid);
    if (!EVP_Digest(text, strlen(text), digest, &len, EVP_sha1(), NULL))
        return SO_CRYPTO;
    so_base64(out, digest, len);
    return SO_OK;
}

bool so_ws_key_valid(const char *key)
{
    uint8_t bytes[32];

    return strlen(key) == 24 && key[22] == '=' && key[23] == '=' && key[21] != '=' &&
           EVP_DecodeBlock(bytes, (const uint8_t *)key, 24) == 18;
}
