#include "cli/visit.h"

#include "base/text.h"
#include "crypto/random.h"
#include "net/wss.h"
#include "signal/message.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 10000
#define ROOM_BYTES 16

typedef struct seat {
    visit *v;
    so_wss *wss;
    uv_timer_t patience;
} seat;

/* Pings alone keep a connection, and nobody waits for ever for a seat. */
static void on_no_seat(uv_timer_t *timer)
{
    seat *s = timer->data;

    if (s->v->open)
        (void)so_fail(&s->v->why, SO_IO, "signaling",
                      "the server gives no answer for %d s; who runs it should look at its log", PATIENCE_MS / 1000);
    so_wss_abort(s->wss);
}

static void on_open(void *user)
{
    seat *s = user;
    uint8_t bytes[ROOM_BYTES], text[256];
    char room[SO_ROOM_TEXT_LEN + 1];
    so_writer w = so_writer_of(text, sizeof text);
    so_tls_facts facts = so_wss_facts(s->wss);

    s->v->open = true;
    (void)snprintf(s->v->version, sizeof s->v->version, "%s", facts.version);
    (void)snprintf(s->v->group, sizeof s->v->group, "%s", facts.group == NULL ? "" : facts.group);
    if (so_wss_chain(s->wss, &s->v->chain) != SO_OK)
        s->v->chain = NULL;
    if (so_random_fill(&so_random_system, bytes, sizeof bytes) != SO_OK) {
        so_wss_abort(s->wss);
        return;
    }
    /* Nobody else can be in it: its name is as good as a key, and used once. */
    so_base64url(room, bytes, sizeof bytes);
    so_signal_write_join(&w, room, NULL);
    so_wss_send(s->wss, (const char *)text, so_writer_len(&w));
}

static void leave(seat *s)
{
    uint8_t bye[64];
    so_writer w = so_writer_of(bye, sizeof bye);

    so_signal_write_bye(&w, NULL);
    so_wss_send(s->wss, (const char *)bye, so_writer_len(&w));
    so_wss_finish(s->wss);
}

static void on_text(void *user, const char *text, size_t len)
{
    seat *s = user;
    so_signal_message m;
    so_error err;

    if (so_signal_parse(&m, text, len, &err) != SO_OK) {
        (void)so_fail(&s->v->why, SO_BAD_INPUT, "signaling",
                      "the server said what is no message of " SO_SUBPROTOCOL "; update sotto here or there");
        so_wss_abort(s->wss);
        return;
    }
    if (m.kind == SO_SIGNAL_WELCOME && s->v->welcome == NULL) {
        s->v->welcome = json_incref(m.root);
        leave(s);
    } else if (m.kind == SO_SIGNAL_ERROR) {
        s->v->refused = true;
        (void)so_fail(&s->v->why, SO_REFUSED, "signaling", "%.150s %.150s", m.text == NULL ? "" : m.text,
                      m.remedy == NULL ? "" : m.remedy);
        so_wss_finish(s->wss);
    }
    so_signal_message_free(&m);
}

static void on_closed(void *user, unsigned code, unsigned http, const so_error *why)
{
    seat *s = user;

    (void)code;
    (void)http;
    if (s->v->why.status == SO_OK)
        s->v->why = *why;
    uv_close((uv_handle_t *)&s->patience, NULL);
}

void visit_server(visit *v, const visit_request *request)
{
    static const so_wss_events events = {.open = on_open, .text = on_text, .closed = on_closed};
    seat s = {.v = v};

    *v = (visit){.open = false};
    if (so_wss_connect(&s.wss, request->loop, request->ctx, request->url, request->connect_to, &events, &s) != SO_OK) {
        (void)so_fail(&v->why, SO_NO_MEMORY, "connection", "no connection can be begun; end other programs");
        return;
    }
    (void)uv_timer_init(&request->loop->uv, &s.patience);
    s.patience.data = &s;
    (void)uv_timer_start(&s.patience, on_no_seat, PATIENCE_MS, 0);
    so_loop_run(request->loop);
}

void visit_end(visit *v)
{
    json_decref(v->welcome);
    so_certs_free(v->chain);
}
