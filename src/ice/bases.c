#include "ice/ice_inside.h"

#include <string.h>

static bool is_link_local(const so_address *a)
{
    if (a->family == 4)
        return a->ip[0] == 169 && a->ip[1] == 254;
    return a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80;
}

static bool is_loopback(const so_address *a)
{
    static const uint8_t one[16] = {[15] = 1};

    return a->family == 4 ? a->ip[0] == 127 : memcmp(a->ip, one, sizeof one) == 0;
}

bool so_ice_is_unicast(const so_address *a)
{
    static const uint8_t zeros[16];

    if (a->port == 0 || memcmp(a->ip, zeros, sizeof zeros) == 0)
        return false;
    /* 0/8 is "this network"; 224/4 is multicast, and above it is nothing but broadcast */
    return a->family == 4 ? a->ip[0] != 0 && a->ip[0] < 224 : a->family == 6 && a->ip[0] != 0xff;
}

/*
 * RFC 8445 §6.1.2.2: one family, and "IPv6 link-local addresses MUST NOT be paired with other than link-local". The
 * same for loopback: else a peer could have us knock at this machine's own services.
 */
bool so_ice_reachable(const so_address *a, const so_address *b)
{
    return a->family == b->family && is_link_local(a) == is_link_local(b) && is_loopback(a) == is_loopback(b);
}

uint8_t so_ice_find_base(const so_ice *ice, const so_address *address)
{
    for (uint8_t i = 0; i < SO_ICE_BASES; i++)
        if (ice->bases[i].used && so_address_equal(&ice->bases[i].address, address))
            return i;
    return SO_ICE_NONE;
}

/* RFC 8445 §5.1.1.3: the same for the same type, the same IP of the base and the same IP of the server. */
static uint16_t foundation_of(so_ice *ice, uint8_t base, so_ice_type type, uint8_t server)
{
    for (unsigned i = 0; i < ice->local_count; i++) {
        const so_ice_local *l = so_ice_local_at(ice, i);
        bool same_server = l->server == server || (l->used && l->server != SO_ICE_NONE && server != SO_ICE_NONE &&
                                                   so_address_same_ip(&ice->servers[l->server], &ice->servers[server]));
        if (l->used && l->type == type && same_server &&
            so_address_same_ip(&ice->bases[l->base].address, &ice->bases[base].address))
            return l->foundation;
    }
    return ++ice->next_foundation;
}

static uint8_t add_local(so_ice *ice, uint8_t base, const so_address *address, so_ice_type type, uint8_t server)
{
    uint8_t slot = SO_ICE_NONE;
    unsigned alike = 0, most = type == SO_ICE_RELAY ? SO_ICE_MAX_RELAYS : SO_ICE_MAX_BASES;

    if (type == SO_ICE_PRFLX || type == SO_ICE_SRFLX)
        most = type == SO_ICE_PRFLX ? SO_ICE_LOCAL_PRFLX : SO_ICE_LOCAL_SRFLX;
    for (uint8_t i = 0; i < ice->local_count; i++) {
        if (!so_ice_local_at(ice, i)->used && slot == SO_ICE_NONE)
            slot = i;
        alike += so_ice_local_at(ice, i)->used && so_ice_local_at(ice, i)->type == type;
    }
    if (alike < most && slot == SO_ICE_NONE)
        slot = so_ice_more_locals(ice);
    if (slot == SO_ICE_NONE || alike >= most)
        return SO_ICE_NONE;
    *so_ice_local_at(ice, slot) = (so_ice_local){
        .used = true,
        .announce = type != SO_ICE_PRFLX, /* the peer told us of it, in the answer to a check */
        .base = base,
        .server = server,
        .type = type,
        .foundation = foundation_of(ice, base, type, server),
        .priority = so_ice_priority(type, ice->bases[base].preference, 1),
        .address = *address,
    };
    return slot;
}

uint8_t so_ice_own_of(const so_ice *ice, uint8_t base)
{
    for (uint8_t i = 0; i < ice->local_count; i++)
        if (so_ice_local_at(ice, i)->used && so_ice_local_at(ice, i)->base == base &&
            so_ice_local_at(ice, i)->type == ice->bases[base].type)
            return i;
    return SO_ICE_NONE;
}

/* What the old pair kept, or a check brought to light, is a server's answer now: the peer may hear of it. */
static void publish(so_ice *ice, uint8_t local, uint8_t server)
{
    so_ice_local *l = so_ice_local_at(ice, local);

    if (l->type == ice->bases[l->base].type || (l->type == SO_ICE_SRFLX && !l->stale))
        return; /* redundant, RFC 8445 §5.1.3 */
    l->stale = false;
    l->announce = true;
    l->type = SO_ICE_SRFLX;
    l->server = server;
    l->foundation = foundation_of(ice, l->base, SO_ICE_SRFLX, server);
    l->priority = so_ice_priority(SO_ICE_SRFLX, ice->bases[l->base].preference, 1);
    so_ice_rank_pairs(ice);
}

uint8_t so_ice_local_of(so_ice *ice, uint8_t base, const so_address *mapped, so_ice_type type, uint8_t server)
{
    uint8_t found = SO_ICE_NONE;

    if (mapped->family != ice->bases[base].address.family || !so_ice_is_unicast(mapped))
        return so_ice_own_of(ice, base);
    for (uint8_t i = 0; i < ice->local_count; i++)
        if (so_ice_local_at(ice, i)->used && so_ice_local_at(ice, i)->base == base &&
            so_address_equal(&so_ice_local_at(ice, i)->address, mapped))
            found = i;
    if (found == SO_ICE_NONE)
        found = add_local(ice, base, mapped, type, server);
    else if (type == SO_ICE_SRFLX)
        publish(ice, found, server);
    return found != SO_ICE_NONE ? found : so_ice_own_of(ice, base);
}

static void ask_servers(so_ice *ice, uint8_t base)
{
    /* RFC 8445 §5.1.1.2: a relayed address has nothing between it and the world that a server could tell of. */
    for (unsigned s = 0; ice->bases[base].type == SO_ICE_HOST && s < ice->server_count; s++)
        if (ice->asked[base][s] == SO_ICE_NOT_ASKED && so_ice_reachable(&ice->bases[base].address, &ice->servers[s]))
            ice->asked[base][s] = SO_ICE_TO_ASK;
}

static so_status add_base(so_ice *ice, so_msec now, const so_ice_base *base)
{
    uint8_t slot = SO_ICE_NONE;

    for (uint8_t i = SO_ICE_BASES; i-- > 0;)
        if (!ice->bases[i].used)
            slot = i;
    if (slot == SO_ICE_NONE)
        return SO_TOO_LONG;
    ice->bases[slot] = *base;
    memset(ice->asked[slot], SO_ICE_NOT_ASKED, sizeof ice->asked[slot]);
    if (add_local(ice, slot, &base->address, base->type, SO_ICE_NONE) == SO_ICE_NONE) {
        ice->bases[slot].used = false;
        return SO_TOO_LONG;
    }
    ask_servers(ice, slot);
    for (uint8_t r = 0; r < ice->remote_count; r++)
        if (so_ice_remote_at(ice, r)->used && !so_ice_remote_at(ice, r)->old)
            (void)so_ice_add_pair(ice, slot, r);
    so_ice_run(ice, now);
    return SO_OK;
}

so_status so_ice_add_base(so_ice *ice, so_msec now, const so_address *base)
{
    so_ice_base fresh = {
        .used = true, .type = SO_ICE_HOST, .preference = (uint16_t)(65535 - ice->next_preference), .address = *base};
    so_status status;

    if (ice->closed)
        return SO_STATE;
    if (!so_ice_is_unicast(base))
        return SO_BAD_INPUT;
    if (so_ice_find_base(ice, base) != SO_ICE_NONE)
        return SO_OK;
    status = add_base(ice, now, &fresh);
    if (status == SO_OK)
        ice->next_preference++;
    return status;
}

so_status so_ice_add_relay(so_ice *ice, so_msec now, const so_address *relayed, uint16_t preference)
{
    so_ice_base fresh = {.used = true, .type = SO_ICE_RELAY, .preference = preference, .address = *relayed};

    if (ice->closed)
        return SO_STATE;
    if (!so_ice_is_unicast(relayed) || so_ice_find_base(ice, relayed) != SO_ICE_NONE)
        return SO_BAD_INPUT;
    return add_base(ice, now, &fresh);
}

static void forget_base_elsewhere(so_ice *ice, uint8_t base)
{
    uint8_t kept = 0;

    for (unsigned i = 0; i < SO_ICE_COUNTED; i++)
        if (ice->counted[i].base == base)
            ice->counted[i].used = false;
    for (unsigned i = 0; i < ice->early_count; i++)
        if (ice->early[i].base != base)
            ice->early[kept++] = ice->early[i];
    ice->early_count = kept;
    for (unsigned i = 0; i < ice->transaction_count; i++)
        if (so_ice_transaction_at(ice, i)->base == base)
            so_ice_transaction_at(ice, i)->purpose = SO_ICE_IDLE;
    for (unsigned i = 0; i < ice->local_count; i++)
        if (so_ice_local_at(ice, i)->base == base)
            so_ice_local_at(ice, i)->used = false;
    for (unsigned i = 0; i < ice->reply_count; i++)
        if (ice->replies[(ice->reply_first + i) % SO_ICE_REPLIES].base == base)
            ice->replies[(ice->reply_first + i) % SO_ICE_REPLIES].base = SO_ICE_NONE;
}

so_status so_ice_remove_base(so_ice *ice, so_msec now, const so_address *base)
{
    uint8_t slot = so_ice_find_base(ice, base);
    bool sending = so_ice_sending(ice) != SO_ICE_NONE;

    if (slot == SO_ICE_NONE)
        return SO_NOT_FOUND;
    for (uint8_t p = 0; p < ice->pair_count; p++)
        if (so_ice_pair_at(ice, p)->state != SO_ICE_PAIR_FREE && so_ice_pair_at(ice, p)->base == slot)
            so_ice_free_pair(ice, p);
    forget_base_elsewhere(ice, slot);
    memset(ice->asked[slot], SO_ICE_NOT_ASKED, sizeof ice->asked[slot]);
    ice->bases[slot].used = false;
    so_ice_choose(ice, now);
    if (sending && so_ice_sending(ice) == SO_ICE_NONE)
        ice->patient_from = now; /* another base, or a check from the peer, has its time to come */
    so_ice_run(ice, now);
    return SO_OK;
}

so_status so_ice_add_stun_server(so_ice *ice, so_msec now, const so_address *server)
{
    if (ice->closed)
        return SO_STATE;
    if (!so_ice_is_unicast(server))
        return SO_BAD_INPUT;
    for (unsigned i = 0; i < ice->server_count; i++)
        if (so_address_equal(&ice->servers[i], server))
            return SO_OK;
    if (ice->server_count == SO_ICE_MAX_SERVERS)
        return SO_TOO_LONG;
    ice->servers[ice->server_count++] = *server;
    for (uint8_t b = 0; b < SO_ICE_BASES; b++)
        if (ice->bases[b].used)
            ask_servers(ice, b);
    so_ice_run(ice, now);
    return SO_OK;
}

void so_ice_no_more_bases(so_ice *ice, so_msec now)
{
    ice->all_bases = true;
    so_ice_run(ice, now);
}

void so_ice_announce_again(so_ice *ice, uint8_t kept)
{
    for (uint8_t i = 0; i < ice->local_count; i++) {
        so_ice_local *l = so_ice_local_at(ice, i);
        if (l->type == SO_ICE_HOST || l->type == SO_ICE_RELAY) {
            l->announce = l->used;
            continue;
        }
        l->used = l->used && i == kept;
        l->stale = l->used;
        l->announce = false;
    }
    for (unsigned b = 0; b < SO_ICE_BASES; b++)
        for (unsigned s = 0; s < SO_ICE_MAX_SERVERS; s++)
            if (ice->asked[b][s] == SO_ICE_ASKED)
                ice->asked[b][s] = SO_ICE_TO_ASK;
}

void so_ice_forget_stale(so_ice *ice)
{
    for (uint8_t i = 0; i < ice->local_count; i++) {
        bool needed = !so_ice_local_at(ice, i)->stale;
        for (unsigned p = 0; !needed && p < ice->pair_count; p++)
            needed = so_ice_pair_at(ice, p)->state != SO_ICE_PAIR_FREE && so_ice_pair_at(ice, p)->local == i;
        so_ice_local_at(ice, i)->used = so_ice_local_at(ice, i)->used && needed;
        so_ice_local_at(ice, i)->stale = false;
    }
}

bool so_ice_gathered(const so_ice *ice)
{
    for (unsigned b = 0; b < SO_ICE_BASES; b++)
        for (unsigned s = 0; s < SO_ICE_MAX_SERVERS; s++)
            if (ice->asked[b][s] == SO_ICE_TO_ASK || ice->asked[b][s] == SO_ICE_ASKING)
                return false;
    return ice->all_bases;
}

/* The next base and server to ask; false: none. Every base has its first server before one has its second. */
static bool next_question(const so_ice *ice, uint8_t *base, uint8_t *server)
{
    for (*server = 0; *server < SO_ICE_MAX_SERVERS; ++*server)
        for (*base = 0; *base < SO_ICE_BASES; ++*base)
            if (ice->asked[*base][*server] == SO_ICE_TO_ASK)
                return true;
    return false;
}

void so_ice_gather(so_ice *ice, so_msec now)
{
    uint8_t base, server;

    if (next_question(ice, &base, &server) && now >= ice->gather_at && so_ice_begin_gather(ice, now, base, server))
        ice->gather_at = now + ice->config.pacing_ms;
    if (next_question(ice, &base, &server))
        so_ice_wake_at(ice, ice->gather_at > now ? ice->gather_at : now + ice->config.pacing_ms);
    if (!ice->local_end && so_ice_gathered(ice)) {
        ice->local_end = true;
        ice->tell_end = true;
    }
}
