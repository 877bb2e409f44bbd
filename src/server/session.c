#include "server/session.h"

#include "base/secret.h"
#include "net/http.h"
#include "server/gate.h"
#include "server/page.h"
#include "trust/policy.h"

#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX
#define WELCOME_MAX (SO_ICE_MAX + SO_POLICY_JSON_MAX + 1024)

typedef enum session_state {
    AWAITS_HANDSHAKE,
    AWAITS_REQUEST,
    AWAITS_JOIN,
    JOINED,
    AWAITS_END, /* our last word is said */
} session_state;

struct so_session {
    so_hub *hub;
    const so_session_io *io;
    void *io_user;
    so_source *source;
    so_http *http; /* until the upgrade */
    so_ws ws;
    so_seat *seat;
    session_state state;
    bool told, heard, flooded, midway_at_ping;
    uint32_t messages_at_ping;
    so_msec deadline;
    so_bucket frames;
};

static void set_state(so_session *s, session_state state, double seconds)
{
    s->state = state;
    s->deadline = seconds < 0 ? NEVER : s->hub->now + (so_msec)(seconds * 1000);
}

so_session *so_session_new(so_hub *hub, const so_session_io *io, void *io_user, so_source *source, bool told)
{
    so_session *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->hub = hub;
    s->io = io;
    s->io_user = io_user;
    s->source = source;
    s->told = told;
    hub->counters.connections++;
    set_state(s, AWAITS_HANDSHAKE, hub->options->tls_timeout);
    return s;
}

void so_session_opened(so_session *s)
{
    set_state(s, AWAITS_REQUEST, s->hub->options->header_timeout);
}

so_msec so_session_deadline(const so_session *s)
{
    return s->deadline;
}

/* What waits for the peer counts whatever it is: pages, errors, pongs, and what the other member says. */
static bool reads_too_slowly(const so_session *s)
{
    return s->io->backlog(s->io_user) > s->hub->options->send_queue;
}

/* ---- ends ---- */

static void free_http(so_session *s)
{
    so_http_free(s->http);
    s->http = NULL;
}

static void give_up_seat(so_session *s)
{
    so_seat *seat = s->seat;

    s->seat = NULL;
    if (seat != NULL)
        so_rooms_drop(s->hub->rooms, seat, s->hub->now);
}

static void finish(so_session *s)
{
    if (s->state == AWAITS_END)
        return;
    set_state(s, AWAITS_END, -1);
    give_up_seat(s);
    s->io->finish(s->io_user);
}

static void cut(so_session *s)
{
    set_state(s, AWAITS_END, -1);
    give_up_seat(s);
    s->io->abort(s->io_user);
}

static void close_with(so_session *s, unsigned code, const char *reason)
{
    if (s->state == AWAITS_END)
        return;
    if (so_ws_close(&s->ws, code, reason) == SO_OK)
        finish(s);
    else
        cut(s);
}

static void send_line(so_session *s, const so_writer *w)
{
    if (w->failed || so_ws_send(&s->ws, (const char *)w->start, so_writer_len(w)) != SO_OK)
        cut(s);
}

static void send_bye(so_session *s, const char *reason, unsigned code, const char *why)
{
    uint8_t line[128];
    so_writer w = so_writer_of(line, sizeof line);

    so_signal_write_bye(&w, reason);
    send_line(s, &w);
    close_with(s, code, why);
}

static void send_fault(so_session *s, so_signal_fault fault, const char *text)
{
    uint8_t line[1024];
    so_writer w = so_writer_of(line, sizeof line);
    unsigned code = so_signal_fault_close(fault);

    s->hub->counters.refusals++;
    so_log_line(s->hub->log, SO_LOG_DEBUG, "signal", "refused: %s", so_signal_fault_code(fault));
    so_signal_write_error(&w, fault, text);
    send_line(s, &w);
    if (code != 0)
        close_with(s, code, so_signal_fault_code(fault));
}

/* ---- HTTP ---- */

static void send_answer(so_session *s, const so_answer *a)
{
    s->io->write(s->io_user, a->head, a->head_len);
    if (a->body != NULL)
        s->io->write(s->io_user, a->body, a->body_len);
    if (a->status != 101 && !a->keep_alive)
        finish(s);
    else if (a->status != 101)
        set_state(s, AWAITS_REQUEST, s->hub->options->header_timeout);
}

static void refuse_request(so_session *s, unsigned status)
{
    so_answer a;

    so_gate_refuse(s->hub, status, &a);
    send_answer(s, &a);
}

static void upgrade(so_session *s)
{
    s->hub->counters.upgrades++;
    so_ws_init(&s->ws, s->hub->ws_pool, s);
    set_state(s, AWAITS_JOIN, s->hub->options->join_timeout);
}

/* Answers what is whole; returns how many bytes it took. */
static size_t take_request(so_session *s, const uint8_t *bytes, size_t len)
{
    so_http_result result;
    so_answer a;
    size_t taken = 0;

    if (s->http == NULL)
        s->http = so_http_new(SO_HTTP_REQUESTS, s->hub->options->max_header, 0);
    if (s->http == NULL) {
        cut(s);
        return len;
    }
    result = so_http_feed(s->http, bytes, len, &taken);
    if (result == SO_HTTP_MORE)
        return len;
    if (s->told || result == SO_HTTP_BAD) {
        refuse_request(s, s->told ? 429 : so_http_fault(s->http));
        return len;
    }
    so_gate_answer(s->hub, s->http, &a);
    send_answer(s, &a);
    if (a.status == 101) {
        free_http(s);
        upgrade(s);
    }
    return taken;
}

/* ---- signaling ---- */

static void welcome(so_session *s, const so_join *join)
{
    uint8_t ice[SO_ICE_MAX + 1], line[WELCOME_MAX];
    so_writer wi = so_writer_of(ice, SO_ICE_MAX), w = so_writer_of(line, sizeof line);
    so_tls_facts facts = s->io->facts(s->io_user);
    so_signal_welcome text = {.id = join->id,
                              .resume = join->resume,
                              .other = join->other,
                              .resumed = join->resumed,
                              .ice = (const char *)ice,
                              .policy = s->hub->policy,
                              .tls_version = facts.version,
                              .tls_cipher = facts.cipher,
                              .tls_group = facts.group,
                              .message_limit = s->hub->options->max_message,
                              .rate_limit = s->hub->options->message_rate};

    if (so_ice_write(&wi, &s->hub->ice, join->id, s->hub->unix_now) != SO_OK) {
        cut(s);
        return;
    }
    ice[so_writer_len(&wi)] = '\0';
    so_signal_write_welcome(&w, &text);
    send_line(s, &w);
}

static void take_join(so_session *s, const so_signal_message *m)
{
    so_hub *hub = s->hub;
    char name[7];
    so_join join;

    if (s->state == JOINED) {
        send_fault(s, SO_FAULT_JOINED_ALREADY, NULL);
        return;
    }
    if (!so_limits_may_join(hub->limits, s->source, hub->now)) {
        send_fault(s, SO_FAULT_TOO_MANY_JOINS, NULL);
        return;
    }
    if (so_rooms_join(hub->rooms, m->room, m->resume, s, &join) != SO_OK) {
        cut(s);
        return;
    }
    if (join.seat == NULL) {
        send_fault(s, join.fault, NULL);
        return;
    }
    s->seat = join.seat;
    hub->counters.joins++;
    hub->counters.resumes += join.resumed;
    so_rooms_log_name(hub->rooms, join.seat, name);
    so_log_line(hub->log, SO_LOG_INFO, "signal", "room %s: a member %s, %d connected", name,
                join.resumed ? "came back" : "joined", join.other == NULL ? 1 : 2);
    s->heard = true;
    set_state(s, JOINED, hub->options->ping_interval);
    welcome(s, &join);
    so_wipe(join.resume, sizeof join.resume);
    if (s->seat != NULL)
        so_rooms_announce(hub->rooms, s->seat, join.resumed);
}

static void take_message(so_session *s, const so_signal_message *m)
{
    so_signal_fault fault;

    if (m->kind == SO_SIGNAL_JOIN) {
        take_join(s, m);
    } else if (m->kind != SO_SIGNAL_ENVELOPE && m->kind != SO_SIGNAL_BYE) {
        send_fault(s, SO_FAULT_UNKNOWN_KIND, NULL);
    } else if (s->seat == NULL) {
        send_fault(s, SO_FAULT_NOT_JOINED, NULL);
    } else if (m->kind == SO_SIGNAL_BYE) {
        so_seat *seat = s->seat;
        s->seat = NULL;
        so_rooms_leave(s->hub->rooms, seat);
        close_with(s, SO_WS_NORMAL, "bye");
    } else if (so_rooms_deliver(s->hub->rooms, s->seat, m, &fault)) {
        s->hub->counters.envelopes++;
    } else {
        send_fault(s, fault, NULL);
    }
}

static void on_message(void *user, const char *text, size_t len)
{
    so_session *s = user;
    so_signal_message m;
    so_error err;

    if (s->state == AWAITS_END || s->flooded)
        return;
    if (so_signal_parse(&m, text, len, &err) != SO_OK) {
        send_fault(s, SO_FAULT_BAD_MESSAGE, err.text);
        return;
    }
    take_message(s, &m);
    so_signal_message_free(&m);
}

static void on_out(void *user, const uint8_t *bytes, size_t len)
{
    so_session *s = user;

    s->io->write(s->io_user, bytes, len);
}

static void on_frame(void *user)
{
    so_session *s = user;
    unsigned rate = s->hub->options->message_rate;

    s->heard = true;
    if (!so_bucket_take(&s->frames, rate, 1000, 2 * rate, s->hub->now))
        s->flooded = true;
}

static void on_pong(void *user)
{
    ((so_session *)user)->heard = true;
}

/* The peer said goodbye, or broke a rule of RFC 6455 and was told by wslay. */
static void on_closed(void *user, unsigned code)
{
    so_session *s = user;

    if (code != SO_WS_NORMAL && code != SO_WS_GOING_AWAY && code != SO_WS_ABSENT)
        s->hub->counters.refusals++;
    finish(s);
}

const so_ws_events so_session_ws_events = {
    .out = on_out, .message = on_message, .frame = on_frame, .pong = on_pong, .closed = on_closed};

void so_session_data(so_session *s, const uint8_t *bytes, size_t len)
{
    while (len > 0 && s->state == AWAITS_REQUEST) {
        size_t taken;
        if (reads_too_slowly(s)) {
            cut(s); /* requests without end, and nobody who reads the answers */
            return;
        }
        taken = take_request(s, bytes, len);
        bytes += taken;
        len -= taken;
    }
    if (len == 0 || (s->state != AWAITS_JOIN && s->state != JOINED))
        return;
    if (so_ws_feed(&s->ws, bytes, len) != SO_OK)
        cut(s);
    else if (s->flooded && s->state != AWAITS_END)
        send_fault(s, SO_FAULT_TOO_MANY_MESSAGES, NULL);
    else if (s->state != AWAITS_END && reads_too_slowly(s))
        send_bye(s, "slow", 4005, "you read too slowly");
}

/* ---- time ---- */

static void ping(so_session *s)
{
    bool midway = so_ws_midway(&s->ws);

    if (!s->heard) {
        send_bye(s, "dead", 4004, "no answer to a ping");
        return;
    }
    if (midway && s->midway_at_ping && s->ws.messages == s->messages_at_ping) {
        close_with(s, SO_WS_POLICY, "a message must end within a ping interval");
        return;
    }
    s->midway_at_ping = midway;
    s->messages_at_ping = s->ws.messages;
    s->heard = false;
    if (so_ws_ping(&s->ws) != SO_OK)
        cut(s);
    else
        set_state(s, JOINED, s->hub->options->ping_interval);
}

void so_session_tick(so_session *s)
{
    if (s->hub->now < s->deadline)
        return;
    switch (s->state) {
    case AWAITS_HANDSHAKE:
        cut(s);
        break;
    case AWAITS_REQUEST:
        if (s->http != NULL && so_http_begun(s->http))
            refuse_request(s, 408);
        else
            finish(s);
        break;
    case AWAITS_JOIN:
        send_fault(s, SO_FAULT_JOIN_TIMEOUT, NULL);
        break;
    case JOINED:
        ping(s);
        break;
    case AWAITS_END:
        s->deadline = NEVER;
        break;
    }
}

void so_session_drain(so_session *s)
{
    if (s->state == AWAITS_JOIN || s->state == JOINED)
        send_bye(s, "restart", so_signal_fault_close(SO_FAULT_RESTART),
                 "the server is stopping; come back in some seconds");
    else if (s->state == AWAITS_HANDSHAKE)
        cut(s);
    else
        finish(s);
}

void so_session_closed(so_session *s)
{
    s->state = AWAITS_END;
    give_up_seat(s);
    free_http(s);
    if (s->ws.pool != NULL)
        so_ws_end(&s->ws);
    so_limits_leave(s->hub->limits, s->source, s->hub->now);
    free(s);
}

void so_session_send(void *link, const char *text, size_t len)
{
    so_session *s = link;

    if (s->state == AWAITS_END)
        return;
    if (so_ws_send(&s->ws, text, len) != SO_OK)
        cut(s);
    else if (reads_too_slowly(s))
        send_bye(s, "slow", 4005, "you read too slowly");
}

void so_session_displaced(void *link)
{
    so_session *s = link;

    s->seat = NULL; /* it belongs to the one who came back */
    send_bye(s, "resumed-elsewhere", 4001, "this seat was taken back by another connection");
}
