/* A whole call that follows from a seed: the network, who offers how, what happens in mid-call, and how it ends. */
#ifndef SOTTO_TESTS_SIM_PLAN_H
#define SOTTO_TESTS_SIM_PLAN_H

#include "pair.h"

typedef enum sim_fault {
    SIM_NO_FAULT,
    SIM_BLACKHOLE, /* no datagram arrives anywhere */
    SIM_IMPOSTOR,  /* A's fingerprint is swapped in signaling: B must not open, and so must not A */
} sim_fault;

typedef enum sim_action {
    SIM_RESTART,      /* one end restarts ICE */
    SIM_RESTART_BOTH, /* both at once */
    SIM_DIRECT,       /* one end changes its direction, and back */
    SIM_DIRECT_BOTH,
    SIM_REBIND,    /* a NAT forgets its mappings */
    SIM_MUTE,      /* one end is silent for less than consent lasts, and is back */
    SIM_MUTE_LONG, /* for longer: the path is lost, and found again */
    SIM_ACTIONS,
} sim_action;

typedef enum sim_ending { SIM_HANG_UP, SIM_GONE } sim_ending;

#define SIM_MOST_ACTIONS 3

typedef struct sim_plan {
    uint64_t seed;
    sim_link links[2];
    sim_nat_kind nats[2];
    so_msec nat_timeout;
    bool ipv4[2], ipv6[2], same_site, stun, two_bases;
    bool offers[2];
    so_msec offer_gap; /* where both offer: how much later B does */
    sim_trickle trickle;
    so_msec signaling[2], skew;
    sim_fault fault;
    sim_action actions[SIM_MOST_ACTIONS];
    unsigned actors[SIM_MOST_ACTIONS];
    unsigned action_count;
    sim_ending ending;
    unsigned ender;
    bool video; /* pictures too */
    bool data;  /* and data channels */
} sim_plan;

/* Draws from sim_dice: right after sim_begin(seed). */
void sim_plan_make(sim_plan *plan, uint64_t seed);
/* Is there a way for datagrams between the two that ICE must find? */
bool sim_plan_has_path(const sim_plan *plan);
/* How bad the worse direction is: percent of datagrams that do not arrive whole. */
unsigned sim_plan_loss(const sim_plan *plan);
void sim_plan_tell(const sim_plan *plan, FILE *out);

typedef struct sim_result {
    uint64_t hash; /* of the wire */
    bool opened;
    so_msec opened_after, lasted; /* simulated milliseconds */
    char blame[400];              /* "": all was as it must be */
} sim_result;

/* Runs it. trace: where to write what happens, or NULL. */
void sim_run_seed(uint64_t seed, FILE *trace, sim_result *result);

#endif
