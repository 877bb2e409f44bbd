#include "nat.h"

#include <string.h>

void sim_nat_open(sim_nat *nat, sim_nat_kind kind, const so_address *outside, so_msec timeout)
{
    static const sim_scope mappings[SIM_NAT_KINDS] = {[SIM_NAT_SYMMETRIC] = SIM_PER_PORT};
    static const sim_scope filters[SIM_NAT_KINDS] = {[SIM_NAT_ADDRESS_RESTRICTED] = SIM_PER_ADDRESS,
                                                     [SIM_NAT_PORT_RESTRICTED] = SIM_PER_PORT,
                                                     [SIM_NAT_SYMMETRIC] = SIM_PER_PORT};

    memset(nat, 0, sizeof *nat);
    nat->kind = kind;
    nat->mapping = mappings[kind];
    nat->filtering = filters[kind];
    nat->timeout = timeout;
    nat->outside = *outside;
    nat->next_port = 20000;
}

const char *sim_nat_name(sim_nat_kind kind)
{
    static const char *const names[SIM_NAT_KINDS] = {"none", "full cone", "address restricted", "port restricted",
                                                     "symmetric"};

    return names[kind];
}

static bool same(sim_scope scope, const so_address *a, const so_address *b)
{
    return scope == SIM_INDEPENDENT || (scope == SIM_PER_ADDRESS ? so_address_same_ip(a, b) : so_address_equal(a, b));
}

static void forget_expired(sim_nat *nat, so_msec now)
{
    for (unsigned i = 0; i < nat->count;)
        if (now - nat->mappings[i].used_at >= nat->timeout)
            nat->mappings[i] = nat->mappings[--nat->count];
        else
            i++;
}

static sim_mapping *oldest(sim_nat *nat)
{
    sim_mapping *m = &nat->mappings[0];

    for (unsigned i = 1; i < nat->count; i++)
        if (nat->mappings[i].used_at < m->used_at)
            m = &nat->mappings[i];
    return m;
}

static sim_mapping *mapping_for(sim_nat *nat, const so_address *inside, const so_address *to)
{
    sim_mapping *m;

    for (unsigned i = 0; i < nat->count; i++) {
        m = &nat->mappings[i];
        if (so_address_equal(&m->inside, inside) && same(nat->mapping, &m->to, to))
            return m;
    }
    m = nat->count < SIM_MAPPINGS ? &nat->mappings[nat->count++] : oldest(nat);
    *m = (sim_mapping){.inside = *inside, .outside = nat->outside, .to = *to};
    m->outside.port = nat->next_port++;
    return m;
}

so_address sim_nat_out(sim_nat *nat, so_msec now, const so_address *inside, const so_address *to)
{
    sim_mapping *m;

    forget_expired(nat, now);
    m = mapping_for(nat, inside, to);
    m->used_at = now;
    for (unsigned i = 0; i < m->permit_count; i++)
        if (so_address_equal(&m->permits[i], to))
            return m->outside;
    if (m->permit_count == SIM_PERMITS) {
        memmove(&m->permits[0], &m->permits[1], (SIM_PERMITS - 1) * sizeof m->permits[0]);
        m->permit_count--;
    }
    m->permits[m->permit_count++] = *to;
    return m->outside;
}

bool sim_nat_in(sim_nat *nat, so_msec now, const so_address *from, const so_address *to, so_address *inside)
{
    forget_expired(nat, now);
    for (unsigned i = 0; i < nat->count; i++) {
        const sim_mapping *m = &nat->mappings[i];

        if (!so_address_equal(&m->outside, to))
            continue;
        *inside = m->inside;
        for (unsigned k = 0; k < m->permit_count; k++)
            if (same(nat->filtering, &m->permits[k], from))
                return true;
        return false;
    }
    return false;
}

void sim_nat_rebind(sim_nat *nat)
{
    nat->count = 0;
}
