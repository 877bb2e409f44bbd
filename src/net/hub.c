#include "net/hub.h"

#include "base/wheel.h"
#include "net/hub_route.h"
#include "net/sockaddr.h"
#include "stun/message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAYER "path"
/* Deadlines further off than this, in ms, are of reports and of consent: a few of them have their turn together, so
 * that the process wakes less often and their packets share system calls. */
#define FAR_OFF 200
#define TOGETHER 32

typedef struct hub_socket {
    uv_poll_t poll;
    so_hub *hub;
    int fd; /* -1: there is none */
    so_address base;
} hub_socket;

struct so_hub_member {
    so_route_member route; /* first: it is found by it */
    so_timer timer;
    so_hub *hub;
    so_peer *peer;
    void *user;
    bool draining, removed;
};

struct so_hub {
    so_hub_config config;
    so_batch *batch;
    so_route route;
    so_wheel wheel;
    hub_socket sockets[SO_HUB_SOCKETS];
    size_t socket_count;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_timer_t timer;
    so_msec armed; /* when the timer rings; UINT64_MAX: it does not */
    size_t handles;
    so_hub_counts counts;
};

so_msec so_hub_now(so_hub *hub)
{
    return so_loop_now(hub->config.loop);
}

so_peer *so_hub_peer(const so_hub_member *member)
{
    return member->peer;
}

void *so_hub_user(const so_hub_member *member)
{
    return member->user;
}

bool so_hub_address(const so_hub *hub, size_t i, so_address *out)
{
    if (i >= hub->socket_count)
        return false;
    *out = hub->sockets[i].base;
    return true;
}

void so_hub_stats(const so_hub *hub, so_hub_counts *out)
{
    *out = hub->counts;
    so_batch_stats(hub->batch, &out->udp);
}

/* ---- out ---- */

static const hub_socket *socket_of(const so_hub *hub, const so_address *local)
{
    for (size_t i = 0; i < hub->socket_count; i++)
        if (so_address_equal(&hub->sockets[i].base, local))
            return &hub->sockets[i];
    return NULL;
}

static bool is_request(const uint8_t *bytes, size_t len)
{
    return so_stun_looks_like(bytes, len) && (bytes[0] & 1) == 0 && (bytes[1] & 0x10) == 0;
}

static bool is_answer(const uint8_t *bytes, size_t len)
{
    return so_stun_looks_like(bytes, len) && (bytes[0] & 1) != 0;
}

static void send_out(so_hub_member *m, const so_datagram *out, so_msec now)
{
    so_hub *hub = m->hub;
    const hub_socket *s = out->stream == 0 ? socket_of(hub, &out->local) : NULL;

    if (s == NULL)
        return;
    if (is_request(out->bytes, out->len))
        so_route_ask(&hub->route, &m->route, out->bytes + SO_STUN_HEADER - SO_STUN_ID, now);
    so_batch_send(hub->batch, s->fd, &out->remote, out->bytes, out->len);
}

static void free_member(so_hub_member *m)
{
    so_wheel_set(&m->hub->wheel, &m->timer, UINT64_MAX);
    so_route_forget(&m->hub->route, &m->route);
    free(m);
}

void so_hub_drain(so_hub_member *m)
{
    so_hub *hub = m->hub;
    so_msec now = so_hub_now(hub), due;
    so_peer_event event;
    so_datagram out;
    bool any;

    if (m->draining) /* by whoever called back from here */
        return;
    m->draining = true;
    do {
        any = false;
        while (!m->removed && so_peer_event_next(m->peer, now, &event)) {
            any = true;
            hub->config.event(hub->config.user, m, &event);
        }
        while (!m->removed && so_peer_transmit(m->peer, now, &out)) {
            any = true;
            send_out(m, &out, now);
        }
    } while (any && !m->removed);
    m->draining = false;
    if (m->removed) {
        free_member(m);
        return;
    }
    (void)so_route_name_it(&hub->route, &m->route,
                           so_peer_ufrag(m->peer)); /* without memory: as checks that are lost */
    /* What is still due has its turn in the next millisecond, behind everybody else. */
    due = so_peer_deadline(m->peer, now);
    if (due <= now)
        due = now + 1;
    else if (due - now > FAR_OFF && due != UINT64_MAX)
        due = (due | (TOGETHER - 1)) + 1;
    so_wheel_set(&hub->wheel, &m->timer, due);
}

/* ---- in ---- */

/* Whose it is; NULL: nobody's, and it is dropped. */
static so_hub_member *whose(so_hub *hub, unsigned socket, const so_address *remote, const uint8_t *bytes, size_t len)
{
    so_route_member *at = so_route_of_path(&hub->route, socket, remote), *named;
    so_stun_message message;

    if (is_answer(bytes, len)) {
        at = so_route_answered(&hub->route, bytes + SO_STUN_HEADER - SO_STUN_ID);
    } else if (is_request(bytes, len)) {
        named =
            so_stun_parse(&message, bytes, len) == SO_OK ? so_route_of_username(&hub->route, message.username) : NULL;
        /* Media that came from there could not be told apart. */
        if (named != NULL && at != NULL && at != named &&
            so_peer_counts(((so_hub_member *)at)->peer, &hub->sockets[socket].base, remote)) {
            hub->counts.taken++;
            return NULL;
        }
        at = named;
    }
    hub->counts.strange += at == NULL;
    return (so_hub_member *)at;
}

static void on_datagram(void *user, const so_address *remote, uint8_t *bytes, size_t len)
{
    hub_socket *s = user;
    so_hub *hub = s->hub;
    unsigned index = (unsigned)(s - hub->sockets);
    so_hub_member *m = whose(hub, index, remote, bytes, len);
    bool stun;

    if (m == NULL || m->draining)
        return;
    stun = so_stun_looks_like(bytes, len);
    so_peer_receive(m->peer, so_hub_now(hub), &s->base, remote, bytes, len);
    if (stun && so_peer_counts(m->peer, &s->base, remote))
        (void)so_route_add_path(&hub->route, &m->route, index, remote); /* without memory: its media is strange */
    so_hub_drain(m);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    hub_socket *s = poll->data;

    (void)status;
    (void)events;
    so_batch_receive(s->hub->batch, s->fd, on_datagram, s);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer)
{
    so_hub *hub = timer->data;
    so_msec now = so_hub_now(hub);
    so_timer *due;

    hub->armed = UINT64_MAX;
    while ((due = so_wheel_take(&hub->wheel, now)) != NULL) {
        so_hub_member *m = (so_hub_member *)((char *)due - offsetof(so_hub_member, timer));

        so_peer_tick(m->peer, now);
        so_hub_drain(m);
    }
}

/* Before the loop waits, and after it has waited. */
static void end_turn(so_hub *hub)
{
    so_msec next = so_wheel_next(&hub->wheel), now = so_hub_now(hub);

    so_batch_flush(hub->batch);
    if (next == hub->armed)
        return;
    hub->armed = next;
    if (next == UINT64_MAX)
        (void)uv_timer_stop(&hub->timer);
    else
        (void)uv_timer_start(&hub->timer, on_timer, next > now ? next - now : 0, 0);
}

static void on_prepare(uv_prepare_t *handle)
{
    end_turn(handle->data);
}

static void on_check(uv_check_t *handle)
{
    end_turn(handle->data);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
    so_hub *hub = handle->data;

    if (--hub->handles > 0)
        return;
    for (size_t i = 0; i < SO_HUB_SOCKETS; i++)
        if (hub->sockets[i].fd >= 0)
            (void)close(hub->sockets[i].fd);
    so_batch_free(hub->batch);
    so_route_end(&hub->route);
    free(hub);
}

static void on_poll_closed(uv_handle_t *handle)
{
    handle->data = ((hub_socket *)handle->data)->hub;
    on_closed(handle);
}

void so_hub_close(so_hub *hub)
{
    uv_handle_t *own[3];

    if (hub == NULL)
        return;
    own[0] = (uv_handle_t *)&hub->before_poll;
    own[1] = (uv_handle_t *)&hub->after_poll;
    own[2] = (uv_handle_t *)&hub->timer;
    so_batch_flush(hub->batch);
    for (size_t i = 0; i < 3; i++)
        uv_close(own[i], on_closed);
    for (size_t i = 0; i < hub->socket_count; i++)
        uv_close((uv_handle_t *)&hub->sockets[i].poll, on_poll_closed);
}

static so_status open_socket(so_hub *hub, const so_address *address, so_error *err)
{
    hub_socket *s = &hub->sockets[hub->socket_count];
    struct sockaddr_storage name;
    socklen_t len = so_sockaddr_of(&name, address);
    char text[SO_ADDRESS_TEXT];

    s->fd = socket(name.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd >= 0 && bind(s->fd, (const struct sockaddr *)&name, len) == 0) {
        len = sizeof name;
        if (getsockname(s->fd, (struct sockaddr *)&name, &len) == 0 &&
            uv_poll_init(&hub->config.loop->uv, &s->poll, s->fd) == 0) {
            so_batch_prepare(s->fd);
            s->hub = hub;
            s->poll.data = s;
            s->base = so_sockaddr_address((const struct sockaddr *)&name);
            hub->socket_count++;
            hub->handles++;
            (void)uv_poll_start(&s->poll, UV_READABLE, on_readable);
            return SO_OK;
        }
    }
    so_address_text(address, text);
    return so_fail(err, SO_IO, LAYER,
                   "the UDP address %s can't be used here; check that it is one of this machine's and free", text);
}

static void open_handles(so_hub *hub)
{
    uv_loop_t *loop = &hub->config.loop->uv;

    (void)uv_prepare_init(loop, &hub->before_poll);
    (void)uv_check_init(loop, &hub->after_poll);
    (void)uv_timer_init(loop, &hub->timer);
    hub->before_poll.data = hub->after_poll.data = hub->timer.data = hub;
    (void)uv_prepare_start(&hub->before_poll, on_prepare);
    (void)uv_check_start(&hub->after_poll, on_check);
    /* Sockets and deadlines keep the loop alive, these do not. */
    uv_unref((uv_handle_t *)&hub->before_poll);
    uv_unref((uv_handle_t *)&hub->after_poll);
    hub->handles = 3;
}

so_status so_hub_open(so_hub **out, const so_hub_config *config, so_error *err)
{
    so_hub *hub;
    so_random random = so_random_system;
    so_status status;

    *out = NULL;
    if (config->address_count == 0 || config->address_count > SO_HUB_SOCKETS)
        return so_fail(err, SO_BAD_INPUT, LAYER, "a hub needs an address, and at most %d; say which", SO_HUB_SOCKETS);
    hub = calloc(1, sizeof *hub);
    if (hub == NULL || so_batch_new(&hub->batch) != SO_OK) {
        free(hub);
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory for a hub; end other programs");
    }
    hub->config = *config;
    hub->armed = UINT64_MAX;
    for (size_t i = 0; i < SO_HUB_SOCKETS; i++)
        hub->sockets[i].fd = -1;
    so_wheel_init(&hub->wheel, so_hub_now(hub));
    open_handles(hub);
    status = so_route_init(&hub->route, &random);
    if (status != SO_OK)
        (void)so_fail(err, status, LAYER, "the system gives no random numbers; restart it");
    for (size_t i = 0; status == SO_OK && i < config->address_count; i++)
        status = open_socket(hub, &config->addresses[i], err);
    if (status != SO_OK) {
        so_hub_close(hub);
        return status;
    }
    *out = hub;
    return SO_OK;
}

so_status so_hub_add(so_hub *hub, so_peer *peer, void *user, so_hub_member **out)
{
    so_hub_member *m = calloc(1, sizeof *m);
    so_status status = SO_OK;

    *out = NULL;
    if (m == NULL)
        return SO_NO_MEMORY;
    m->hub = hub;
    m->peer = peer;
    m->user = user;
    if (!so_route_name_it(&hub->route, &m->route, so_peer_ufrag(peer)))
        status = SO_NO_MEMORY;
    for (size_t i = 0; status == SO_OK && i < hub->socket_count; i++)
        status = so_peer_add_base(peer, so_hub_now(hub), &hub->sockets[i].base);
    if (status != SO_OK) {
        free_member(m);
        return status;
    }
    so_peer_no_more_bases(peer, so_hub_now(hub));
    *out = m;
    return SO_OK;
}

void so_hub_remove(so_hub_member *m)
{
    m->removed = true;
    if (!m->draining)
        free_member(m);
}
