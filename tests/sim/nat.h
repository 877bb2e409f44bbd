/* A NAT as RFC 4787 describes them: how it maps (§4.1), what it lets in (§5), and when it forgets (§4.3). UDP, IPv4. */
#ifndef SOTTO_TESTS_SIM_NAT_H
#define SOTTO_TESTS_SIM_NAT_H

#include "base/address.h"
#include "base/clock.h"

#define SIM_MAPPINGS 64
#define SIM_PERMITS 24

/* Of mapping: for which destinations one mapping holds. Of filtering: who may send to it, once it was sent from. */
typedef enum sim_scope {
    SIM_INDEPENDENT, /* endpoint-independent */
    SIM_PER_ADDRESS, /* address-dependent */
    SIM_PER_PORT,    /* address and port-dependent */
} sim_scope;

/* The names that RFC 3489 gave them, which people still use. */
typedef enum sim_nat_kind {
    SIM_NAT_NONE,
    SIM_NAT_FULL_CONE,
    SIM_NAT_ADDRESS_RESTRICTED,
    SIM_NAT_PORT_RESTRICTED,
    SIM_NAT_SYMMETRIC,
    SIM_NAT_KINDS,
} sim_nat_kind;

typedef struct sim_mapping {
    so_address inside, outside, to; /* to: of mappings that depend on it */
    so_address permits[SIM_PERMITS];
    unsigned permit_count;
    so_msec used_at; /* refreshed by what goes out alone (RFC 4787 REQ-6) */
} sim_mapping;

typedef struct sim_nat {
    sim_nat_kind kind;
    sim_scope mapping, filtering;
    so_msec timeout;
    so_address outside; /* its public address, port 0 */
    uint16_t next_port;
    sim_mapping mappings[SIM_MAPPINGS];
    unsigned count;
} sim_nat;

/* timeout: how long a mapping lives without a datagram going out. Of SIM_NAT_NONE nothing is translated. */
void sim_nat_open(sim_nat *nat, sim_nat_kind kind, const so_address *outside, so_msec timeout);
const char *sim_nat_name(sim_nat_kind kind);

/* What the world sees a datagram of inside to `to` come from. */
so_address sim_nat_out(sim_nat *nat, so_msec now, const so_address *inside, const so_address *to);
/* Whom a datagram from `from` to the outside address `to` reaches; false: nobody. */
bool sim_nat_in(sim_nat *nat, so_msec now, const so_address *from, const so_address *to, so_address *inside);
/* The box restarts: every mapping is lost, and no port is given out a second time. */
void sim_nat_rebind(sim_nat *nat);

#endif
