#include "net/caller.h"

#include "net/relays.h"
#include "net/sockaddr.h"
#include "net/watch.h"
#include "net/wss.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_DELAY 300
#define LAST_DELAY 5000

#define ADDRESSES_MAX 4 /* of one name */

/* A server's name, being looked up. */
typedef struct lookup {
    uv_getaddrinfo_t request;
    size_t server;
    so_caller *owner; /* NULL: it is over, and the answer concerns nobody */
    struct lookup *next;
} lookup;

struct so_caller {
    so_caller_config config;
    so_call *call;
    so_wss *wss; /* NULL: not connected */
    so_udp *udp;
    so_watch *watch; /* NULL: changes of the network are not told here */
    so_relays *relays;
    uv_timer_t due, again;
    unsigned closing; /* handles that are not closed yet */
    unsigned attempts;
    bool ever_open, pumping, dirty, ending, told;
    lookup *lookups;
};

static void connect_server(so_caller *c);
static void on_again(uv_timer_t *timer);
static void pump(so_caller *c);

so_msec so_caller_now(so_caller *c)
{
    return so_loop_now(c->config.loop);
}

so_call *so_caller_call(so_caller *c)
{
    return c->call;
}

static void check_closed(so_caller *c)
{
    if (!c->ending || c->closing > 0 || c->wss != NULL || c->told)
        return;
    c->told = true;
    c->config.closed(c->config.user);
}

static void on_timer_closed(uv_handle_t *handle)
{
    so_caller *c = handle->data;

    c->closing--;
    check_closed(c);
}

static void end(so_caller *c)
{
    if (c->ending)
        return;
    c->ending = true;
    c->closing = 2;
    for (lookup *l = c->lookups; l != NULL; l = l->next)
        l->owner = NULL;
    if (c->wss != NULL)
        so_wss_finish(c->wss);
    so_watch_close(c->watch);
    so_udp_close(c->udp);
    so_relays_close(c->relays);
    c->watch = NULL;
    c->udp = NULL;
    c->relays = NULL;
    uv_close((uv_handle_t *)&c->due, on_timer_closed);
    uv_close((uv_handle_t *)&c->again, on_timer_closed);
}

/* ---- STUN and TURN servers ---- */

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    lookup *l = request->data;
    so_caller *c = l->owner;
    so_address addresses[ADDRESSES_MAX];
    size_t count = 0;

    if (c != NULL) {
        lookup **at = &c->lookups;

        while (*at != l)
            at = &(*at)->next;
        *at = l->next;
        for (const struct addrinfo *a = found; status == 0 && a != NULL && count < ADDRESSES_MAX; a = a->ai_next) {
            addresses[count] = so_sockaddr_address(a->ai_addr);
            count += addresses[count].family != 0;
        }
        so_call_server_found(c->call, so_caller_now(c), l->server, addresses, count);
        pump(c);
    }
    uv_freeaddrinfo(found);
    free(l);
}

static void look_up(so_caller *c, size_t server, const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    lookup *l = calloc(1, sizeof *l);
    char service[8];

    (void)snprintf(service, sizeof service, "%u", port);
    if (l != NULL) {
        l->owner = c;
        l->server = server;
        l->request.data = l;
        if (uv_getaddrinfo(&c->config.loop->uv, &l->request, on_looked_up, host, service, &hints) == 0) {
            l->next = c->lookups;
            c->lookups = l;
            return;
        }
        free(l);
    }
    so_call_server_found(c->call, so_caller_now(c), server, NULL, 0); /* one way to a path less */
}

static void on_relay_opened(void *user, unsigned stream)
{
    so_caller *c = user;

    so_call_stream_opened(c->call, so_caller_now(c), stream);
    pump(c);
}

static void on_relay_data(void *user, unsigned stream, const uint8_t *bytes, size_t len)
{
    so_caller *c = user;

    while (len > 0 && !c->ending) {
        size_t taken = so_call_stream_receive(c->call, so_caller_now(c), stream, bytes, len);

        bytes += taken;
        len -= taken;
        pump(c);
    }
}

static void on_relay_closed(void *user, unsigned stream, const char *code, const so_error *why)
{
    so_caller *c = user;

    so_call_stream_closed(c->call, so_caller_now(c), stream, code, why);
    pump(c);
}

static bool is_relay_wanted(void *user, unsigned stream)
{
    const so_caller *c = user;

    return so_call_wants_stream(c->call, stream);
}

static const so_relays_events relay_events = {
    .opened = on_relay_opened, .data = on_relay_data, .closed = on_relay_closed, .wanted = is_relay_wanted};

/* ---- the driving rule ---- */

static void on_due(uv_timer_t *timer)
{
    so_caller *c = timer->data;

    so_call_tick(c->call, so_caller_now(c));
    pump(c);
}

static void drain(so_caller *c)
{
    so_datagram datagram;
    const char *text;
    size_t len;

    while (so_call_text(c->call, &text, &len))
        if (c->wss != NULL)
            so_wss_send(c->wss, text, len);
    while (so_call_transmit(c->call, so_caller_now(c), &datagram))
        if (datagram.stream != 0)
            so_relays_send(c->relays, datagram.stream, datagram.bytes, datagram.len);
        else if (c->udp != NULL)
            so_udp_send(c->udp, &datagram.local, &datagram.remote, datagram.bytes, datagram.len);
}

static void arm(so_caller *c)
{
    so_msec now = so_caller_now(c), at = so_call_deadline(c->call, now);

    if (at == UINT64_MAX)
        (void)uv_timer_stop(&c->due);
    else
        (void)uv_timer_start(&c->due, on_due, at > now ? at - now : 0, 0);
}

static void pump(so_caller *c)
{
    so_call_event event;

    /* What the owner does within an event is drained by the pump that is running. */
    if (c->pumping || c->ending)
        return;
    c->pumping = true;
    drain(c);
    while (so_call_event_next(c->call, so_caller_now(c), &event)) {
        if (event.kind == SO_CALL_SERVER)
            look_up(c, event.server, event.host, event.port);
        else if (event.kind == SO_CALL_STREAM)
            so_relays_connect(c->relays, event.stream, event.host, event.port, event.tls);
        else
            c->config.event(c->config.user, &event);
        drain(c);
    }
    drain(c);
    so_relays_sweep(c->relays);
    c->pumping = false;
    if (so_call_is_over(c->call))
        end(c);
    else
        arm(c);
}

static void on_datagram(void *user, const so_address *local, const so_address *remote, uint8_t *bytes, size_t len)
{
    so_caller *c = user;

    so_call_receive(c->call, so_caller_now(c), local, remote, bytes, len);
    pump(c);
}

static void on_base_came(void *user, const so_address *base)
{
    so_caller *c = user;

    if (so_call_add_base(c->call, so_caller_now(c), base) != SO_OK)
        return; /* one too many: the others suffice */
    if (c->wss == NULL && c->attempts > 0) {
        c->attempts = 0;
        (void)uv_timer_start(&c->again, on_again, 0, 0);
    }
}

/* What goes from an address that is gone would only be missed after its timeout. */
static void on_base_gone(void *user, const so_address *base)
{
    so_caller *c = user;

    so_call_remove_base(c->call, so_caller_now(c), base);
    so_relays_leave(c->relays, base);
    if (c->wss != NULL && so_wss_is_from(c->wss, base))
        so_wss_abort(c->wss);
}

static const so_udp_events udp_events = {.receive = on_datagram, .came = on_base_came, .gone = on_base_gone};

static void on_network(void *user)
{
    so_caller *c = user;

    so_udp_look(c->udp);
    pump(c);
}

/* ---- the connection to the server ---- */

static void on_open(void *user)
{
    so_caller *c = user;
    so_tls_facts facts = so_wss_facts(c->wss);
    so_call_signaling signaling = {facts.version, facts.cipher, facts.group, NULL};
    so_certs *chain;

    c->ever_open = true;
    c->attempts = 0;
    if (so_wss_chain(c->wss, &chain) == SO_OK)
        signaling.chain = chain;
    so_call_connected(c->call, so_caller_now(c), &signaling);
    so_certs_free(chain);
    pump(c);
}

static void on_text(void *user, const char *text, size_t len)
{
    so_caller *c = user;

    so_call_receive_text(c->call, so_caller_now(c), text, len);
    pump(c);
}

static const char *code_of(unsigned http, const so_error *why)
{
    if (strcmp(why->layer, "certificate") == 0)
        return "certificate-refused";
    if (http == 429)
        return "too-many-joins";
    if (http == 503)
        return "too-many-rooms";
    return http != 0 || strcmp(why->layer, "signaling") == 0 ? "protocol" : "server-unreachable";
}

static void on_again(uv_timer_t *timer)
{
    connect_server(timer->data);
}

static void on_closed(void *user, unsigned code, unsigned http, const so_error *why)
{
    so_caller *c = user;
    so_msec delay = FIRST_DELAY << (c->attempts < 5 ? c->attempts : 5);

    (void)code;
    c->wss = NULL;
    if (!c->ending) {
        const char *word = why->status == SO_OK ? NULL : code_of(http, why);
        bool certificate = word != NULL && strcmp(word, "certificate-refused") == 0;

        /*
         * Who comes for the first time hears at once what is wrong. A call that runs needs no server: it outlives a
         * restart, and somebody who cuts the connection and answers with a certificate of his own.
         */
        if (word != NULL && (!c->ever_open || (certificate && so_call_state_of(c->call) != SO_CALL_OPEN)))
            so_call_refused(c->call, so_caller_now(c), certificate ? SO_DOOR_SIGNALING : SO_NO_DOOR, word, why);
        else
            so_call_disconnected(c->call, so_caller_now(c), word);
        c->attempts++;
        (void)uv_timer_start(&c->again, on_again, delay > LAST_DELAY ? LAST_DELAY : delay, 0);
        pump(c);
    }
    check_closed(c);
}

static const so_wss_events wss_events = {.open = on_open, .text = on_text, .closed = on_closed};

static void connect_server(so_caller *c)
{
    so_error why;
    so_status status =
        so_wss_connect(&c->wss, c->config.loop, c->config.ctx, c->config.url, c->config.connect_to, &wss_events, c);

    if (status == SO_OK)
        return;
    (void)so_fail(&why, status, "connection", "no connection can be begun (%s); end other programs",
                  so_status_name(status));
    so_call_refused(c->call, so_caller_now(c), SO_NO_DOOR, "server-unreachable", &why);
    pump(c);
}

so_status so_caller_send(so_caller *c, so_sdp_kind kind, const so_peer_frame *frame)
{
    so_status status = so_call_send(c->call, so_caller_now(c), kind, frame);

    pump(c);
    return status;
}

so_status so_caller_open_channel(so_caller *c, const so_sctp_channel *channel, uint16_t *id)
{
    so_status status = so_call_open_channel(c->call, so_caller_now(c), channel, id);

    pump(c);
    return status;
}

so_status so_caller_send_message(so_caller *c, uint16_t channel, bool text, so_slice message)
{
    so_status status = so_call_send_message(c->call, so_caller_now(c), channel, text, message);

    pump(c);
    return status;
}

void so_caller_close_channel(so_caller *c, uint16_t channel)
{
    so_call_close_channel(c->call, so_caller_now(c), channel);
    pump(c);
}

void so_caller_compare(so_caller *c, bool same)
{
    so_call_compare(c->call, so_caller_now(c), same);
    pump(c);
}

void so_caller_decide(so_caller *c, bool go_on)
{
    so_call_decide(c->call, so_caller_now(c), go_on);
    pump(c);
}

void so_caller_review(so_caller *c)
{
    so_call_review(c->call, so_caller_now(c));
    pump(c);
}

void so_caller_wish_for(so_caller *c, so_sdp_kind kind, so_call_wish wish)
{
    so_call_wish_for(c->call, so_caller_now(c), kind, wish);
    pump(c);
}

void so_caller_want_key(so_caller *c)
{
    so_call_want_key(c->call, so_caller_now(c));
    pump(c);
}

void so_caller_mute(so_caller *c, so_sdp_kind kind, bool muted)
{
    so_call_mute(c->call, so_caller_now(c), kind, muted);
    pump(c);
}

void so_caller_hang_up(so_caller *c, const char *code)
{
    if (code == NULL)
        so_call_hang_up(c->call, so_caller_now(c));
    else
        so_call_refused(c->call, so_caller_now(c), SO_NO_DOOR, code, NULL);
    pump(c);
}

static uint64_t wall_clock(void)
{
    uv_timeval64_t now = {0};

    (void)uv_gettimeofday(&now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000;
}

so_status so_caller_start(so_caller **out, const so_caller_config *config, so_error *err)
{
    so_caller *c = calloc(1, sizeof *c);
    so_call_config call = {.engine = config->engine,
                           .random = so_random_system,
                           .invite = config->invite,
                           .now = so_loop_now(config->loop),
                           .unix_ms = wall_clock(),
                           .sound = config->sound,
                           .picture = config->picture,
                           .screen = config->screen,
                           .abilities = config->abilities,
                           .nobody_compares = config->nobody_compares,
                           .records = config->records,
                           .addresses = config->addresses,
                           .policy = config->policy,
                           .identity = config->identity,
                           .known = config->known,
                           .expect = config->expect};
    so_status status;

    *out = NULL;
    if (c == NULL)
        return so_fail(err, SO_NO_MEMORY, "call", "no memory for a call; end other programs");
    c->config = *config;
    status = so_call_new(&c->call, &call, err);
    if (status == SO_OK)
        status = so_udp_open(&c->udp, config->loop, config->loopback, &udp_events, c, err);
    if (status == SO_OK && so_relays_open(&c->relays, config->loop, config->ctx, &relay_events, c) != SO_OK) {
        so_udp_close(c->udp);
        status = so_fail(err, SO_NO_MEMORY, "call", "no memory for a call; end other programs");
    }
    if (status != SO_OK) {
        so_caller_free(c);
        return status;
    }
    (void)uv_timer_init(&config->loop->uv, &c->due);
    (void)uv_timer_init(&config->loop->uv, &c->again);
    c->due.data = c->again.data = c;
    c->watch = so_watch_open(config->loop, on_network, c);
    *out = c;
    (void)uv_timer_start(&c->again, on_again, 0, 0);
    return SO_OK;
}

void so_caller_free(so_caller *c)
{
    if (c == NULL)
        return;
    so_call_free(c->call);
    free(c);
}
