#include "world.h"

#include "peer/demux.h"
#include "stun/build.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void sim_world_open(sim_world *world)
{
    memset(world, 0, sizeof *world);
    world->hash = 0xcbf29ce484222325;
    for (unsigned i = 0; i < 2; i++)
        world->hosts[i] = (sim_host){.site = i, .mute_from = SIM_NEVER};
}

void sim_world_close(sim_world *world)
{
    for (unsigned i = 0; i < world->count; i++)
        free(world->flight[i]);
    world->count = 0;
}

so_address sim_address(const char *ip, uint16_t port)
{
    so_address address = {0};

    if (so_address_parse(&address, ip, port) != SO_OK)
        abort(); /* a mistake in a test */
    return address;
}

void sim_world_base(sim_world *world, unsigned host, const char *ip, uint16_t port)
{
    sim_host *h = &world->hosts[host];

    if (h->base_count == SIM_BASES)
        abort();
    h->bases[h->base_count++] = sim_address(ip, port);
}

bool sim_blame(sim_world *world, const char *fmt, ...)
{
    va_list args;

    if (world->blame[0] != '\0')
        return false;
    va_start(args, fmt);
    (void)vsnprintf(world->blame, sizeof world->blame, fmt, args);
    va_end(args);
    sim_trace(world, "WRONG: %s", world->blame);
    return false;
}

bool sim_is_fine(const sim_world *world)
{
    return world->blame[0] == '\0';
}

void sim_trace(const sim_world *world, const char *fmt, ...)
{
    va_list args;

    if (world->trace == NULL)
        return;
    (void)fprintf(world->trace, "%9.3f  ", (double)sim_now() / 1000);
    va_start(args, fmt);
    (void)vfprintf(world->trace, fmt, args);
    va_end(args);
    (void)fputc('\n', world->trace);
}

/* FNV-1a */
void sim_hash(sim_world *world, const void *bytes, size_t len)
{
    const uint8_t *b = bytes;

    for (size_t i = 0; i < len; i++)
        world->hash = (world->hash ^ b[i]) * 0x100000001b3;
}

static const char *dtls_kind(const uint8_t *bytes, size_t len)
{
    static const char *const messages[] = {
        [1] = "DTLS ClientHello", [2] = "DTLS ServerHello", [11] = "DTLS Certificate", [16] = "DTLS ClientKeyExchange"};

    if (bytes[0] == 21)
        return "DTLS alert";
    if (bytes[0] == 20)
        return "DTLS ChangeCipherSpec";
    if (bytes[0] != 22 || len < 14 || bytes[4] != 0)
        return bytes[0] == 22 ? "DTLS Finished" : "DTLS data";
    return bytes[13] < sizeof messages / sizeof messages[0] && messages[bytes[13]] != NULL ? messages[bytes[13]]
                                                                                           : "DTLS handshake";
}

const char *sim_kind(const uint8_t *bytes, size_t len)
{
    switch (so_demux_of(bytes, len)) {
    case SO_DEMUX_STUN:
        if ((bytes[0] & 1) == 0)
            return (bytes[1] & 0x10) == 0 ? "STUN request" : "STUN indication";
        return (bytes[1] & 0x10) == 0 ? "STUN success" : "STUN error";
    case SO_DEMUX_DTLS:
        return dtls_kind(bytes, len);
    case SO_DEMUX_RTP:
        return "SRTP";
    case SO_DEMUX_RTCP:
        return "SRTCP";
    case SO_DEMUX_NONE:
        break;
    }
    return "nothing known";
}

static void tell(const sim_world *world, const sim_packet *p, const char *what)
{
    char from[SO_ADDRESS_TEXT], to[SO_ADDRESS_TEXT];

    if (world->trace == NULL)
        return;
    so_address_text(&p->src, from);
    so_address_text(&p->dst, to);
    sim_trace(world, "%c %-8s %-22s %4zu  %s > %s", "ABS"[p->from], what, sim_kind(p->bytes, p->len), p -> len, from,
              to);
}

static bool is_private(const so_address *a)
{
    return a->family == 4 && (a->ip[0] == 10 || (a->ip[0] == 192 && a->ip[1] == 168));
}

/* One flipped bit, or an end that is missing. */
static void spoil(sim_packet *p)
{
    p->spoiled = true;
    if (p->len > 1 && sim_dice(4) == 0)
        p->len = 1 + sim_dice((unsigned)p->len - 1);
    else
        p->bytes[p->spoiled_at = sim_dice((unsigned)p->len)] ^= (uint8_t)(1 << sim_dice(8));
}

static void launch(sim_world *world, const sim_packet *p, const sim_link *link)
{
    sim_packet *copy;

    if (world->count == SIM_FLIGHT || (copy = malloc(sizeof *copy)) == NULL) {
        (void)sim_blame(world, "more than %d datagrams are under way", SIM_FLIGHT);
        return;
    }
    *copy = *p;
    copy->order = world->orders++;
    copy->at = sim_now() + link->delay + (link->jitter > 0 ? sim_dice((unsigned)link->jitter + 1) : 0);
    if (link->spoiled > 0 && sim_dice(100) < link->spoiled)
        spoil(copy);
    world->flight[world->count++] = copy;
}

static void travel(sim_world *world, const sim_packet *p, const sim_link *link)
{
    if (link->loss > 0 && sim_dice(100) < link->loss) {
        tell(world, p, "lost");
        return;
    }
    tell(world, p, "sends");
    launch(world, p, link);
    if (link->doubled > 0 && sim_dice(100) < link->doubled)
        launch(world, p, link);
}

void sim_world_send(sim_world *world, unsigned host, const so_address *local, const so_address *remote,
                    const uint8_t *bytes, size_t len, uint32_t tag)
{
    sim_host *h = &world->hosts[host];
    sim_packet p = {.from = host, .site = h->site, .src = *local, .dst = *remote, .tag = tag, .len = len};
    so_msec now = sim_now();

    if (len == 0 || len > SIM_PACKET) {
        (void)sim_blame(world, "a datagram of %zu bytes", len);
        return;
    }
    memcpy(p.bytes, bytes, len);
    sim_hash(world, &now, sizeof now);
    sim_hash(world, &host, sizeof host);
    sim_hash(world, bytes, len);
    if (h->gone || (now >= h->mute_from && now < h->mute_until)) {
        tell(world, &p, "mute");
        return;
    }
    if (h->nat != NULL && is_private(local) && !is_private(remote))
        p.src = sim_nat_out(h->nat, now, local, remote);
    travel(world, &p, &h->out);
}

static void serve(sim_world *world, const sim_packet *request)
{
    sim_packet p = {.from = SIM_SERVER, .src = request->dst, .dst = request->src};
    so_writer w = so_writer_of(p.bytes, sizeof p.bytes);
    so_stun_message m;

    if (request->from == SIM_SERVER || so_stun_parse(&m, request->bytes, request->len) != SO_OK ||
        m.kind != SO_STUN_REQUEST || m.method != SO_STUN_BINDING)
        return;
    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, m.id);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &request->src);
    if (so_stun_end(&w, NULL, true) != SO_OK)
        return;
    p.len = so_writer_len(&w);
    travel(world, &p, &world->hosts[request->from].out);
}

/* Whom does it reach? */
static bool find_host(sim_world *world, const sim_packet *p, unsigned *host, so_address *local)
{
    bool inside = is_private(&p->dst);

    for (*host = 0; *host < 2; ++*host) {
        sim_host *h = &world->hosts[*host];

        *local = p->dst;
        if (inside && (p->from == SIM_SERVER || p->site != h->site))
            continue;
        if (!inside && h->nat != NULL && so_address_same_ip(&p->dst, &h->nat->outside) &&
            !sim_nat_in(h->nat, sim_now(), &p->src, &p->dst, local))
            continue;
        for (unsigned i = 0; i < h->base_count; i++)
            if (so_address_equal(&h->bases[i], local))
                return true;
    }
    return false;
}

static void arrive(sim_world *world, sim_packet *p)
{
    so_address local;
    unsigned host;

    if (so_address_equal(&p->dst, &world->servers[0]) || so_address_equal(&p->dst, &world->servers[1])) {
        serve(world, p);
        return;
    }
    if (!find_host(world, p, &host, &local)) {
        tell(world, p, "nobody");
        return;
    }
    if (world->hosts[host].gone)
        return;
    tell(world, p, p->spoiled ? "spoiled" : "arrives");
    world->deliver(world->user, host, &local, p);
}

static unsigned first_of(const sim_world *world)
{
    unsigned first = 0;

    for (unsigned i = 1; i < world->count; i++)
        if (world->flight[i]->at < world->flight[first]->at ||
            (world->flight[i]->at == world->flight[first]->at && world->flight[i]->order < world->flight[first]->order))
            first = i;
    return first;
}

so_msec sim_world_next(const sim_world *world)
{
    return world->count == 0 ? SIM_NEVER : world->flight[first_of(world)]->at;
}

void sim_world_step(sim_world *world)
{
    while (sim_world_next(world) <= sim_now()) {
        unsigned first = first_of(world);
        sim_packet *p = world->flight[first];

        world->flight[first] = world->flight[--world->count];
        arrive(world, p);
        free(p);
    }
}
