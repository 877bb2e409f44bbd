/*
 * Relays: allocations at TURN servers, and the wrapping of what goes through them. To the agent a relayed address is a
 * base like any other; here it turns into datagrams between one of this end's own addresses and the server, or into
 * bytes of a stream. What comes out of the wrapping is judged as everything that comes from outside is.
 */
#include "peer/inside.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(SO_RELAY_TEXT_MAX == SO_STUN_NAME_MAX, "what is taken can be used");

static bool is_over(const so_peer *p)
{
    return p->state == SO_PEER_FAILED || p->state == SO_PEER_CLOSED;
}

static bool is_unsettled(const peer_relay *r)
{
    so_turn_state state = r->turn == NULL ? SO_TURN_FAILED : so_turn_state_of(r->turn);

    return state == SO_TURN_AWAITS_START || state == SO_TURN_AWAITS_ALLOCATION;
}

/* The agent prefers a relay that is reached by datagrams: a stream makes what is lost hold up what comes behind it. */
static uint16_t preference_of(const so_peer *p, const peer_relay *r)
{
    static const uint16_t of_way[] = {65535, 32767, 16383};

    return (uint16_t)(of_way[r->way] - (r - p->relays));
}

/* A server that gives out an address of ours, or one address twice, would have datagrams go astray. */
static bool is_taken(const so_peer *p, const so_address *relayed)
{
    for (size_t i = 0; i < p->base_count; i++)
        if (so_address_equal(&p->bases[i], relayed))
            return true;
    return false;
}

static void tell_agent(so_peer *p, so_msec now, peer_relay *r)
{
    bool there = r->turn != NULL && so_turn_state_of(r->turn) == SO_TURN_ALLOCATED;
    const so_address *relayed = there ? so_turn_relayed(r->turn) : NULL;
    so_error why;

    if (r->relayed.family != 0 && (!there || !so_address_equal(&r->relayed, relayed))) {
        if (so_ice_remove_base(p->ice, now, &r->relayed) != SO_OK)
            so_peer_advance(p, now);
        r->relayed = (so_address){0};
    }
    if (!there || r->relayed.family != 0)
        return;
    if (!is_taken(p, relayed) && so_ice_add_relay(p->ice, now, relayed, preference_of(p, r)) == SO_OK) {
        r->relayed = *relayed;
        return;
    }
    (void)so_fail(&why, SO_BAD_INPUT, "relay",
                  "the relay gave out an address that can't be used; who runs the server should look after it");
    so_turn_break(r->turn, "relay-malformed", &why);
}

/* What an input to a relay came to. */
static void settle(so_peer *p, so_msec now)
{
    bool unsettled = false;

    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        tell_agent(p, now, &p->relays[i]);
        unsettled |= is_unsettled(&p->relays[i]);
    }
    if (p->no_more_bases && !p->gathering_ends && !unsettled) {
        p->gathering_ends = true;
        so_ice_no_more_bases(p->ice, now);
    }
    so_peer_advance(p, now);
}

void so_peer_no_more_bases(so_peer *p, so_msec now)
{
    p->no_more_bases = true;
    settle(p, now);
}

/* ---- servers ---- */

static peer_relay *free_slot(so_peer *p)
{
    peer_relay *failed = NULL;

    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        peer_relay *r = &p->relays[i];

        if (r->turn == NULL)
            return r;
        /* A stream that broke is not mended: another one takes its place. */
        if (r->stream != 0 && r->told && so_turn_state_of(r->turn) == SO_TURN_FAILED)
            failed = r;
    }
    if (failed != NULL)
        so_turn_free(failed->turn);
    return failed;
}

static so_status add_relay(so_peer *p, so_relay_way way, uint8_t family, const char *username, const char *credential,
                           peer_relay **out)
{
    so_turn_config config = {.random = p->random,
                             .stream = way != SO_RELAY_UDP,
                             .family = family,
                             .username = username,
                             .credential = credential};
    peer_relay *r = free_slot(p);
    so_status status;

    if (r == NULL)
        return SO_TOO_LONG;
    *r = (peer_relay){.way = way};
    status = so_turn_new(&r->turn, &config);
    *out = r;
    return status;
}

/* From one base to one server. */
static so_status ask(so_peer *p, so_msec now, const peer_server *server, const so_address *base)
{
    peer_relay *r;
    so_status status;

    if (!so_ice_reachable(base, &server->address))
        return SO_OK;
    status = add_relay(p, SO_RELAY_UDP, server->address.family, server->username, server->credential, &r);
    if (status != SO_OK)
        return status;
    r->base = *base;
    r->server = server->address;
    so_turn_start(r->turn, now);
    return SO_OK;
}

static so_status add_udp_server(so_peer *p, so_msec now, const so_relay_server *server)
{
    peer_server *kept;
    size_t name = strlen(server->username), credential = strlen(server->credential);
    so_status status = SO_OK;

    for (size_t i = 0; i < p->server_count; i++)
        if (so_address_equal(&p->servers[i].address, &server->address))
            return SO_OK;
    if (p->server_count == SO_ICE_MAX_SERVERS)
        return SO_TOO_LONG;
    if (name == 0 || name > SO_STUN_NAME_MAX || credential == 0 || credential > SO_STUN_NAME_MAX)
        return SO_BAD_INPUT;
    if (p->servers == NULL && (p->servers = calloc(SO_ICE_MAX_SERVERS, sizeof *p->servers)) == NULL)
        return SO_NO_MEMORY;
    kept = &p->servers[p->server_count];
    kept->address = server->address;
    memcpy(kept->username, server->username, name + 1);
    memcpy(kept->credential, server->credential, credential + 1);
    p->server_count++;
    for (size_t i = 0; status == SO_OK && i < p->base_count; i++)
        status = ask(p, now, kept, &p->bases[i]);
    return status;
}

so_status so_peer_add_relay_server(so_peer *p, so_msec now, const so_relay_server *server)
{
    peer_relay *r;
    so_status status;

    if (is_over(p))
        return SO_STATE;
    if (server->way == SO_RELAY_UDP) {
        status = add_udp_server(p, now, server);
    } else if (server->stream == 0) {
        return SO_BAD_INPUT;
    } else {
        /* What is relayed has a family of its own; IPv4 is what every relay has. */
        status = add_relay(p, server->way, 4, server->username, server->credential, &r);
        if (status == SO_OK)
            r->stream = server->stream;
    }
    settle(p, now);
    return status;
}

bool so_peer_has_relay(const so_peer *p)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].turn != NULL && so_turn_state_of(p->relays[i].turn) != SO_TURN_FAILED)
            return true;
    return false;
}

void so_peer_relays_free(so_peer *p)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        so_turn_free(p->relays[i].turn);
    if (p->servers != NULL)
        so_wipe(p->servers, SO_ICE_MAX_SERVERS * sizeof *p->servers);
    free(p->servers);
    p->servers = NULL;
}

void so_peer_relays_add_base(so_peer *p, so_msec now, const so_address *base)
{
    for (size_t i = 0; i < p->base_count; i++)
        if (so_address_equal(&p->bases[i], base))
            return;
    if (p->base_count == SO_ICE_MAX_BASES)
        return;
    p->bases[p->base_count++] = *base;
    for (size_t i = 0; i < p->server_count; i++) {
        so_status status = ask(p, now, &p->servers[i], base);

        (void)status; /* one way to a relay less */
    }
    settle(p, now);
}

void so_peer_relays_remove_base(so_peer *p, so_msec now, const so_address *base)
{
    for (size_t i = 0; i < p->base_count; i++)
        if (so_address_equal(&p->bases[i], base))
            p->bases[i--] = p->bases[--p->base_count];
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        peer_relay *r = &p->relays[i];

        if (r->turn == NULL || r->stream != 0 || !so_address_equal(&r->base, base))
            continue;
        so_turn_free(r->turn);
        r->turn = NULL;
    }
    settle(p, now);
}

/* ---- time, and what is told ---- */

void so_peer_relays_tick(so_peer *p, so_msec now)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].turn != NULL && so_turn_deadline(p->relays[i].turn) <= now)
            so_turn_tick(p->relays[i].turn, now);
    settle(p, now);
}

void so_peer_relays_probe(so_peer *p, so_msec now)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        peer_relay *r = &p->relays[i];

        if (r->turn == NULL)
            continue;
        so_turn_probe(r->turn, now);
        if (r->stream == 0 && r->told && so_turn_state_of(r->turn) == SO_TURN_FAILED) {
            r->told = false;
            so_turn_start(r->turn, now);
        }
    }
    settle(p, now);
}

so_msec so_peer_relays_deadline(const so_peer *p)
{
    so_msec at = UINT64_MAX;

    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].turn != NULL && so_turn_deadline(p->relays[i].turn) < at)
            at = so_turn_deadline(p->relays[i].turn);
    return at;
}

bool so_peer_relays_event(so_peer *p, so_peer_event *out)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        peer_relay *r = &p->relays[i];
        const so_turn_failure *failure = r->turn == NULL ? NULL : so_turn_failure_of(r->turn);

        if (failure == NULL || r->told)
            continue;
        r->told = true;
        out->kind = SO_PEER_RELAY_FAILED;
        out->relay_code = failure->code;
        out->relay_error = &failure->error;
        return true;
    }
    return false;
}

static peer_relay *relay_at(so_peer *p, const so_address *local)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].relayed.family != 0 && so_address_equal(&p->relays[i].relayed, local))
            return &p->relays[i];
    return NULL;
}

const char *so_peer_relay_way_of(const so_peer *p, const so_address *local)
{
    static const char *const names[] = {"udp", "tcp", "tls"};

    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].relayed.family != 0 && so_address_equal(&p->relays[i].relayed, local))
            return names[p->relays[i].way];
    return NULL;
}

/* ---- in ---- */

/* Nothing that comes out of one relay can be the wrapping of another: its end is no base that leads to a server. */
static void unwrapped(so_peer *p, so_msec now, const peer_relay *r, const so_turn_data *data)
{
    so_address local = r->relayed;

    if (data->len > 0 && local.family != 0)
        so_peer_take_datagram(p, now, &local, &data->remote, data->bytes, data->len);
    else
        settle(p, now);
}

bool so_peer_relays_receive(so_peer *p, so_msec now, const so_address *local, const so_address *remote, uint8_t *bytes,
                            size_t len)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        peer_relay *r = &p->relays[i];
        so_turn_data data;

        if (r->turn == NULL || r->stream != 0 || !so_address_equal(&r->server, remote) ||
            !so_address_equal(&r->base, local) || !so_turn_is_for(bytes, len))
            continue;
        so_turn_receive(r->turn, now, bytes, len, &data);
        unwrapped(p, now, r, &data);
        return true;
    }
    return false;
}

static peer_relay *relay_of_stream(so_peer *p, unsigned stream)
{
    for (size_t i = 0; stream != 0 && i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].turn != NULL && p->relays[i].stream == stream)
            return &p->relays[i];
    return NULL;
}

bool so_peer_wants_stream(const so_peer *p, unsigned stream)
{
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++) {
        const peer_relay *r = &p->relays[i];

        if (r->turn != NULL && r->stream == stream)
            return so_turn_state_of(r->turn) != SO_TURN_FAILED;
    }
    return false;
}

void so_peer_stream_opened(so_peer *p, so_msec now, unsigned stream)
{
    peer_relay *r = relay_of_stream(p, stream);

    if (r == NULL || is_over(p))
        return;
    if (so_turn_state_of(r->turn) == SO_TURN_AWAITS_START)
        so_turn_start(r->turn, now);
    settle(p, now);
}

void so_peer_stream_closed(so_peer *p, so_msec now, unsigned stream, const char *code, const so_error *why)
{
    peer_relay *r = relay_of_stream(p, stream);

    if (r == NULL || is_over(p))
        return;
    so_turn_break(r->turn, code, why);
    settle(p, now);
}

size_t so_peer_stream_receive(so_peer *p, so_msec now, unsigned stream, const uint8_t *bytes, size_t len)
{
    peer_relay *r = relay_of_stream(p, stream);
    so_turn_data data;
    size_t taken;

    if (r == NULL || is_over(p))
        return len;
    taken = so_turn_read(r->turn, now, bytes, len, &data);
    unwrapped(p, now, r, &data);
    return taken;
}

/* ---- out ---- */

static void from_relay(const peer_relay *r, so_datagram *out, const uint8_t *bytes, size_t len)
{
    *out = (so_datagram){.stream = r->stream, .local = r->base, .remote = r->server, .bytes = bytes, .len = len};
}

static bool next_request(so_peer *p, so_datagram *out)
{
    peer_block *block;
    size_t len;

    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].turn != NULL && (block = so_peer_leaving(p)) != NULL &&
            so_turn_transmit(p->relays[i].turn, block->bytes, &len)) {
            from_relay(&p->relays[i], out, block->bytes, len);
            return true;
        }
    return false;
}

bool so_peer_relays_transmit(so_peer *p, so_datagram *out)
{
    if (!is_over(p) && next_request(p, out))
        return true;
    if (p->wrapped.len == 0)
        return false;
    *out = p->wrapped;
    p->wrapped.len = 0;
    return true;
}

bool so_peer_relays_route(so_peer *p, so_msec now, bool carries, so_datagram *d)
{
    peer_relay *r = relay_at(p, &d->local);
    size_t len;

    if (r == NULL)
        return !p->relay_only; /* it never is so: the agent has no other bases */
    if (p->wrapped_block == NULL)
        p->wrapped_block = so_pool_take(&p->engine->packets);
    if (p->wrapped_block == NULL ||
        so_turn_wrap(r->turn, now, &d->remote, carries, (so_slice){d->bytes, d->len}, p->wrapped_block->bytes,
                     sizeof p->wrapped_block->bytes, &len) != SO_OK)
        return false; /* as a datagram that is lost; a check of it fails */
    /* It leaves behind the request for its permission, if there is one: a server looks at them in this order. */
    from_relay(r, &p->wrapped, p->wrapped_block->bytes, len);
    return false;
}

bool so_peer_relays_part(so_peer *p, so_msec now, so_datagram *out)
{
    if (!is_over(p))
        return false;
    for (size_t i = 0; i < SO_ICE_MAX_RELAYS; i++)
        if (p->relays[i].turn != NULL && so_turn_state_of(p->relays[i].turn) != SO_TURN_RELEASED)
            so_turn_release(p->relays[i].turn, now);
    return next_request(p, out);
}
