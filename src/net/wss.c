#include "net/wss.h"

#include "base/text.h"
#include "crypto/random.h"
#include "net/http.h"
#include "signal/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX 8192
#define BODY_MAX 4096
/* What the server relays is at most 64 bytes longer than what an end may send. */
#define MESSAGE_MAX (65536 + 64)
#define KEY_BYTES 16
#define KEY_TEXT 25
#define CONNECT_TIMEOUT 10000
/* The server pings every 20 s: who hears nothing for so long has lost it. */
#define SILENCE 50000

typedef enum wss_state {
    AWAITS_TLS,
    AWAITS_UPGRADE,
    UPGRADED,
    ENDING,
} wss_state;

struct so_wss {
    so_stream *stream;
    so_ws_pool *pool;
    so_ws ws;
    so_http *http;
    const so_url *url;
    const so_wss_events *events;
    void *user;
    uv_timer_t timer;
    wss_state state;
    bool stream_gone, timer_gone;
    unsigned code, status;
    char key[KEY_TEXT];
    so_error why;
};

static void set_state(so_wss *w, wss_state state, const char *why)
{
    (void)why; /* for a reader with a debugger */
    w->state = state;
}

/* Keeps the first fault for closed. */
static void fail(so_wss *w, so_status status, const char *layer, const char *text)
{
    if (w->why.status == SO_OK)
        (void)so_fail(&w->why, status, layer, "%s", text);
}

static void release(so_wss *w)
{
    if (!w->stream_gone || !w->timer_gone)
        return;
    w->events->closed(w->user, w->code, w->status, &w->why);
    so_ws_end(&w->ws);
    so_ws_pool_free(w->pool);
    so_http_free(w->http);
    free(w);
}

static void on_timer_closed(uv_handle_t *handle)
{
    so_wss *w = handle->data;

    w->timer_gone = true;
    release(w);
}

static void on_silence(uv_timer_t *timer)
{
    so_wss *w = timer->data;

    fail(w, SO_IO, "connection", "the server did not answer in time; is it running, and the network there?");
    so_wss_abort(w);
}

/* ---- what the WebSocket says ---- */

static void on_out(void *user, const uint8_t *bytes, size_t len)
{
    so_wss *w = user;

    so_stream_write(w->stream, bytes, len);
}

static void on_message(void *user, const char *text, size_t len)
{
    so_wss *w = user;

    if (w->state == UPGRADED)
        w->events->text(w->user, text, len);
}

static void on_ws_closed(void *user, unsigned code)
{
    so_wss *w = user;

    w->code = code;
    set_state(w, ENDING, "a Close frame came");
    so_stream_finish(w->stream);
}

static void on_frame(void *user)
{
    (void)user;
}

static bool make_mask(void *user, uint8_t *out, size_t len)
{
    (void)user;
    return so_random_fill(&so_random_system, out, len) == SO_OK;
}

static const so_ws_events ws_events = {.out = on_out,
                                       .message = on_message,
                                       .frame = on_frame,
                                       .pong = on_frame,
                                       .closed = on_ws_closed,
                                       .mask = make_mask};

/* ---- the upgrade ---- */

static void on_open(so_stream *stream, void *user)
{
    so_wss *w = user;
    char head[1024];
    int len = snprintf(head, sizeof head,
                       "GET /signal HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                       "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: %s\r\n"
                       "Origin: %s\r\nUser-Agent: sotto/%s\r\n\r\n",
                       w->url->origin + strlen("https://"), w->key, SO_SUBPROTOCOL, w->url->origin, SOTTO_VERSION);

    set_state(w, AWAITS_UPGRADE, "TLS is there, the certificate checked");
    so_stream_write(stream, head, (size_t)len);
}

static bool is_header(const so_http *http, const char *name, const char *wanted)
{
    const char *value = so_http_header(http, name);

    return value != NULL && so_http_list_has(value, wanted);
}

/* RFC 6455 §4.1, what the client must fail the connection on; and the subprotocol is not optional here. */
static bool is_upgrade(const so_wss *w)
{
    const char *accept = so_http_header(w->http, "sec-websocket-accept");
    const char *protocol = so_http_header(w->http, "sec-websocket-protocol");
    char wanted[29];

    return so_http_status(w->http) == 101 && is_header(w->http, "upgrade", "websocket") &&
           is_header(w->http, "connection", "upgrade") && so_ws_accept(wanted, w->key) == SO_OK && accept != NULL &&
           strcmp(accept, wanted) == 0 && protocol != NULL && strcmp(protocol, SO_SUBPROTOCOL) == 0 &&
           so_http_header(w->http, "sec-websocket-extensions") == NULL;
}

static void refused(so_wss *w)
{
    size_t len;
    const uint8_t *body = so_http_body(w->http, &len);
    char text[300];

    w->status = so_http_status(w->http);
    if (w->status == 101) {
        fail(w, SO_BAD_INPUT, "signaling", "what answers at this address is no Sotto server; check the link");
        return;
    }
    /* A server's sentence is shown as it is, but for what a terminal would take as a command. */
    (void)snprintf(text, sizeof text, "the server answers %u: %.*s", w->status, len > 200 ? 200 : (int)len,
                   (const char *)body);
    for (char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c >= 0x7f)
            *c = ' ';
    fail(w, SO_REFUSED, "signaling", text);
}

static void on_data(so_stream *stream, void *user, const uint8_t *bytes, size_t len)
{
    so_wss *w = user;
    size_t taken = 0;

    if (w->state == AWAITS_UPGRADE) {
        so_http_result result = so_http_feed(w->http, bytes, len, &taken);

        if (result == SO_HTTP_MORE)
            return;
        if (result == SO_HTTP_BAD || !is_upgrade(w)) {
            if (result == SO_HTTP_BAD)
                fail(w, SO_BAD_INPUT, "signaling", "what answers at this address is not HTTP/1.1; check the link");
            else
                refused(w);
            set_state(w, ENDING, "no upgrade");
            so_stream_finish(stream);
            return;
        }
        set_state(w, UPGRADED, "the server upgraded");
        w->events->open(w->user);
    }
    (void)uv_timer_start(&w->timer, on_silence, SILENCE, 0);
    if (w->state != UPGRADED)
        return;
    if (so_ws_feed(&w->ws, bytes + taken, len - taken) != SO_OK) {
        fail(w, SO_BAD_INPUT, "signaling", "the server broke the rules of WebSocket; update sotto here or there");
        so_wss_abort(w);
    }
}

static void on_closed(so_stream *stream, void *user, const so_error *why)
{
    so_wss *w = user;

    (void)stream;
    if (why->status != SO_OK)
        fail(w, why->status, why->layer, why->text);
    else if (w->code == SO_WS_ABNORMAL)
        fail(w, SO_IO, "connection", "the server closed the connection; connect again");
    w->stream_gone = true;
    set_state(w, ENDING, "the connection is gone");
    if (!uv_is_closing((uv_handle_t *)&w->timer))
        uv_close((uv_handle_t *)&w->timer, on_timer_closed);
    release(w);
}

static const so_stream_events stream_events = {.open = on_open, .data = on_data, .closed = on_closed};

so_status so_wss_connect(so_wss **out, so_loop *loop, SSL_CTX *ctx, const so_url *url, const char *as,
                         const so_wss_events *events, void *user)
{
    so_wss *w = calloc(1, sizeof *w);
    uint8_t key[KEY_BYTES];
    so_status status = SO_NO_MEMORY;

    *out = NULL;
    if (w == NULL)
        return SO_NO_MEMORY;
    w->url = url;
    w->events = events;
    w->user = user;
    w->code = SO_WS_ABNORMAL;
    w->pool = so_ws_pool_new(true, MESSAGE_MAX, &ws_events);
    w->http = so_http_new(SO_HTTP_RESPONSES, HEAD_MAX, BODY_MAX);
    if (w->pool != NULL && w->http != NULL && (status = so_random_fill(&so_random_system, key, sizeof key)) == SO_OK) {
        so_base64(w->key, key, sizeof key);
        so_ws_init(&w->ws, w->pool, w);
        status = so_stream_connect(&w->stream, loop, ctx, url->host, url->port, as, &stream_events, w);
    }
    if (status != SO_OK) {
        so_ws_pool_free(w->pool);
        so_http_free(w->http);
        free(w);
        return status;
    }
    (void)uv_timer_init(&loop->uv, &w->timer);
    w->timer.data = w;
    (void)uv_timer_start(&w->timer, on_silence, CONNECT_TIMEOUT, 0);
    *out = w;
    return SO_OK;
}

void so_wss_send(so_wss *w, const char *text, size_t len)
{
    if (w->state == UPGRADED && so_ws_send(&w->ws, text, len) != SO_OK)
        so_wss_abort(w);
}

void so_wss_finish(so_wss *w)
{
    if (w->stream_gone || w->state == ENDING)
        return;
    if (w->state != UPGRADED || so_ws_close(&w->ws, SO_WS_NORMAL, "") != SO_OK) {
        so_wss_abort(w);
        return;
    }
    w->code = SO_WS_NORMAL;
    set_state(w, ENDING, "finished by its owner");
    so_stream_finish(w->stream);
}

void so_wss_abort(so_wss *w)
{
    if (w->stream_gone)
        return;
    set_state(w, ENDING, "aborted");
    so_stream_abort(w->stream);
}

bool so_wss_is_from(const so_wss *w, const so_address *address)
{
    return !w->stream_gone && so_stream_is_from(w->stream, address);
}

so_tls_facts so_wss_facts(const so_wss *w)
{
    return so_stream_facts(w->stream);
}

so_status so_wss_chain(const so_wss *w, so_certs **chain)
{
    return so_stream_chain(w->stream, chain);
}
