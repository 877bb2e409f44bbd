/* The STUN and TURN servers that the server names: do they answer, and take the credentials that it makes? */
#include "cli/doctor.h"

#include "ice/turn.h"
#include "net/relays.h"
#include "net/sockaddr.h"
#include "stun/build.h"

#include <stdio.h>
#include <string.h>

#define STREAM 1
/* RFC 8489 §6.2.1 goes on for 39.5 s; nobody wants to wait so long for a no. */
#define RETRY_MS 500
#define PATIENCE_MS 5000

typedef struct asking {
    doctor *d;
    const doctor_server *server;
    uv_udp_t socket;
    uv_timer_t timer;
    so_address from; /* this end's own address */
    uint8_t id[SO_STUN_ID], bytes[SO_TURN_DATA_MAX];
    so_msec began, answered;
    bool mapped_same, udp, ending;
    so_turn *turn;
    so_relays *relays;
    bool stream_there;
    char code[32]; /* why TURN failed; "": it did not */
    so_error why;
} asking;

static void finish(asking *a)
{
    if (a->ending)
        return;
    a->ending = true;
    uv_close((uv_handle_t *)&a->timer, NULL);
    if (a->udp)
        uv_close((uv_handle_t *)&a->socket, NULL);
    so_relays_close(a->relays);
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    asking *a = handle->data;

    (void)wanted;
    *buffer = uv_buf_init((char *)a->bytes, sizeof a->bytes);
}

static void send_datagram(asking *a, const uint8_t *bytes, size_t len)
{
    uv_buf_t buffer = uv_buf_init((char *)bytes, (unsigned)len);

    (void)uv_udp_try_send(&a->socket, &buffer, 1, NULL); /* what is lost is sent again */
}

/* A socket that only hears this server, so that its own address is known too. */
static bool open_socket(asking *a, const so_address *to, uv_udp_recv_cb on_datagram)
{
    struct sockaddr_storage name;
    int len = sizeof name;

    (void)so_sockaddr_of(&name, to);
    if (uv_udp_init(&a->d->loop.uv, &a->socket) != 0)
        return false;
    a->udp = true;
    a->socket.data = a;
    if (uv_udp_connect(&a->socket, (const struct sockaddr *)&name) != 0 ||
        uv_udp_getsockname(&a->socket, (struct sockaddr *)&name, &len) != 0 ||
        uv_udp_recv_start(&a->socket, on_alloc, on_datagram) != 0)
        return false;
    a->from = so_sockaddr_address((const struct sockaddr *)&name);
    return true;
}

/* ---- STUN ---- */

static void ask_binding(asking *a)
{
    uint8_t request[64];
    so_writer w = so_writer_of(request, sizeof request);

    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, a->id);
    if (so_stun_end(&w, NULL, true) == SO_OK)
        send_datagram(a, request, so_writer_len(&w));
}

static void on_binding(uv_udp_t *handle, ssize_t len, const uv_buf_t *buffer, const struct sockaddr *from,
                       unsigned flags)
{
    asking *a = handle->data;
    so_stun_message m;

    (void)from;
    (void)flags;
    if (len <= 0 || so_stun_parse(&m, (const uint8_t *)buffer->base, (size_t)len) != SO_OK ||
        memcmp(m.id, a->id, SO_STUN_ID) != 0 || m.kind != SO_STUN_SUCCESS || m.mapped.family == 0)
        return;
    a->answered = so_loop_now(&a->d->loop);
    a->mapped_same = so_address_equal(&m.mapped, &a->from);
    finish(a);
}

static void on_binding_timer(uv_timer_t *timer)
{
    asking *a = timer->data;

    if (so_loop_now(&a->d->loop) - a->began >= PATIENCE_MS)
        finish(a);
    else
        ask_binding(a);
}

static void begin(asking *a, doctor *d, const doctor_server *server)
{
    *a = (asking){.d = d, .server = server, .began = so_loop_now(&d->loop)};
    (void)uv_timer_init(&d->loop.uv, &a->timer);
    a->timer.data = a;
}

/* false: said already. */
static bool find(doctor *d, const doctor_server *server, const char *check, so_address *to)
{
    int fault;

    if (doctor_look_up(d, server->at.host, server->at.port, to, 1, &fault) > 0)
        return true;
    doctor_say(d, DOCTOR_FAILED, check,
               "%.200s can't be found (%s); who runs the server should look at its --ice-server and --turn",
               server->at.host, fault == 0 ? "no address" : uv_strerror(fault));
    return false;
}

static void stun(doctor *d, const doctor_server *server)
{
    so_address to;
    asking a;

    if (!find(d, server, "stun", &to))
        return;
    begin(&a, d, server);
    if (so_random_fill(&so_random_system, a.id, sizeof a.id) == SO_OK && open_socket(&a, &to, on_binding)) {
        ask_binding(&a);
        (void)uv_timer_start(&a.timer, on_binding_timer, RETRY_MS, RETRY_MS);
    } else {
        finish(&a);
    }
    so_loop_run(&d->loop);
    if (a.answered != 0)
        doctor_say(d, DOCTOR_WELL, "stun",
                   "%.200s port %u answers in %llu ms: UDP passes both ways, and this machine is %s", server->at.host,
                   server->at.port, (unsigned long long)(a.answered - a.began),
                   a.mapped_same ? "reached as it is" : "behind a router (NAT)");
    else
        doctor_say(
            d, DOCTOR_FAILED, "stun",
            "%.200s port %u does not answer: the network lets no UDP through to it, or it is down; calls need TURN "
            "over TCP or TLS then",
            server->at.host, server->at.port);
}

/* ---- TURN ---- */

static void drive(asking *a)
{
    uint8_t request[SO_TURN_REQUEST];
    so_msec now = so_loop_now(&a->d->loop), at;
    const so_turn_failure *failure;
    size_t len;

    if (a->ending)
        return;
    while (so_turn_transmit(a->turn, request, &len)) {
        if (a->udp)
            send_datagram(a, request, len);
        else
            so_relays_send(a->relays, STREAM, request, len);
    }
    failure = so_turn_failure_of(a->turn);
    if (so_turn_state_of(a->turn) == SO_TURN_ALLOCATED) {
        a->answered = now;
        so_turn_release(a->turn, now);
        drive(a);
        return;
    }
    if (failure != NULL) {
        (void)snprintf(a->code, sizeof a->code, "%s", failure->code);
        a->why = failure->error;
    }
    if (failure != NULL || so_turn_state_of(a->turn) == SO_TURN_RELEASED) {
        finish(a);
        return;
    }
    at = so_turn_deadline(a->turn);
    if (at > a->began + PATIENCE_MS)
        at = a->began + PATIENCE_MS;
    (void)uv_timer_start(&a->timer, a->timer.timer_cb, at > now ? at - now : 0, 0);
}

static void on_turn_timer(uv_timer_t *timer)
{
    asking *a = timer->data;
    so_msec now = so_loop_now(&a->d->loop);

    if (now >= a->began + PATIENCE_MS) {
        (void)snprintf(a->code, sizeof a->code, "relay-unreachable");
        (void)so_fail(&a->why, SO_IO, "relay", "it does not answer within %d s; does the network let it through?",
                      PATIENCE_MS / 1000);
        finish(a);
        return;
    }
    so_turn_tick(a->turn, now);
    drive(a);
}

static void on_turn_datagram(uv_udp_t *handle, ssize_t len, const uv_buf_t *buffer, const struct sockaddr *from,
                             unsigned flags)
{
    asking *a = handle->data;
    so_turn_data data;

    (void)from;
    (void)flags;
    if (len <= 0 || a->ending || !so_turn_is_for((const uint8_t *)buffer->base, (size_t)len))
        return;
    so_turn_receive(a->turn, so_loop_now(&a->d->loop), (uint8_t *)buffer->base, (size_t)len, &data);
    drive(a);
}

static void on_stream_opened(void *user, unsigned stream)
{
    asking *a = user;

    (void)stream;
    a->stream_there = true;
    so_turn_start(a->turn, so_loop_now(&a->d->loop));
    drive(a);
}

static void on_stream_data(void *user, unsigned stream, const uint8_t *bytes, size_t len)
{
    asking *a = user;
    so_turn_data data;

    (void)stream;
    while (len > 0 && !a->ending) {
        size_t taken = so_turn_read(a->turn, so_loop_now(&a->d->loop), bytes, len, &data);

        bytes += taken;
        len -= taken;
        drive(a);
    }
}

static void on_stream_closed(void *user, unsigned stream, const char *code, const so_error *why)
{
    asking *a = user;

    (void)stream;
    if (a->answered == 0) {
        (void)snprintf(a->code, sizeof a->code, "%s", code);
        a->why = *why;
    }
    finish(a);
}

static bool is_wanted(void *user, unsigned stream)
{
    const asking *a = user;

    (void)stream;
    return !a->ending;
}

/* false: this end can't even begin. */
static bool begin_turn(asking *a, const so_address *to)
{
    static const so_relays_events events = {
        .opened = on_stream_opened, .data = on_stream_data, .closed = on_stream_closed, .wanted = is_wanted};
    so_server_kind kind = a->server->at.kind;
    so_turn_config config = {.random = so_random_system,
                             .stream = kind != SO_SERVER_TURN_UDP,
                             .family = 4,
                             .username = a->server->username,
                             .credential = a->server->credential};

    if (so_turn_new(&a->turn, &config) != SO_OK)
        return false;
    (void)uv_timer_start(&a->timer, on_turn_timer, PATIENCE_MS, 0);
    if (kind == SO_SERVER_TURN_UDP) {
        if (!open_socket(a, to, on_turn_datagram))
            return false;
        so_turn_start(a->turn, a->began);
        drive(a);
        return true;
    }
    if (so_relays_open(&a->relays, &a->d->loop, a->d->ctx, &events, a) != SO_OK)
        return false;
    so_relays_connect(a->relays, STREAM, a->server->at.host, a->server->at.port, kind == SO_SERVER_TURN_TLS);
    return true;
}

static void turn(doctor *d, const doctor_server *server)
{
    static const char *const checks[] = {
        [SO_SERVER_TURN_UDP] = "turn-udp", [SO_SERVER_TURN_TCP] = "turn-tcp", [SO_SERVER_TURN_TLS] = "turn-tls"};
    const char *check = checks[server->at.kind];
    so_address to;
    asking a;

    if (!find(d, server, check, &to))
        return;
    begin(&a, d, server);
    if (!begin_turn(&a, &to))
        finish(&a);
    so_loop_run(&d->loop);
    so_turn_free(a.turn);
    if (a.answered != 0)
        doctor_say(d, DOCTOR_WELL, check,
                   "%.200s port %u relays, and takes the credentials that the server makes; %llu ms", server->at.host,
                   server->at.port, (unsigned long long)(a.answered - a.began));
    else if (a.code[0] != '\0')
        doctor_say(d, DOCTOR_FAILED, check, "%.100s port %u: %s (%s)", server->at.host, server->at.port, a.why.text,
                   a.code);
    else
        doctor_say(
            d, DOCTOR_FAILED, check,
            "%.200s port %u can't be asked from here: no socket, no memory, or no credentials came; who runs the "
            "server should look at its --turn-secret-file",
            server->at.host, server->at.port);
}

void doctor_relays(doctor *d)
{
    size_t relays = 0, stuns = 0;

    for (size_t i = 0; i < d->server_count; i++) {
        if (d->servers[i].at.kind == SO_SERVER_STUN) {
            stuns++;
            stun(d, &d->servers[i]);
        } else {
            relays++;
            turn(d, &d->servers[i]);
        }
    }
    if (stuns == 0)
        doctor_say(d, DOCTOR_NOTE, "stun",
                   "the server names no STUN server: two ends behind different routers may not "
                   "reach each other (sotto serve --ice-server)");
    if (relays == 0)
        doctor_say(d, DOCTOR_NOTE, "turn",
                   "the server names no relay: people behind strict networks can't call (sotto "
                   "serve --turn)");
    if (d->left_out > 0)
        doctor_say(d, DOCTOR_NOTE, "turn", "%zu more servers are named and were not asked", d->left_out);
}
