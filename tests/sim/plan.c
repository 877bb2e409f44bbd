#include "plan.h"

#include <string.h>

static unsigned between(unsigned least, unsigned most)
{
    return least + sim_dice(most - least + 1);
}

static bool one_in(unsigned n)
{
    return sim_dice(n) == 0;
}

static void make_link(sim_link *link)
{
    unsigned luck = sim_dice(100);

    *link = (sim_link){.delay = between(1, 120)};
    if (luck >= 90)
        link->loss = between(15, 30);
    else if (luck >= 70)
        link->loss = between(5, 15);
    else if (luck >= 45)
        link->loss = between(1, 5);
    if (one_in(2))
        link->jitter = between(1, 70);
    if (one_in(3))
        link->doubled = between(1, 20);
    if (one_in(4))
        link->spoiled = between(1, 5);
}

static void make_network(sim_plan *plan)
{
    for (unsigned i = 0; i < 2; i++) {
        make_link(&plan->links[i]);
        plan->nats[i] = sim_dice(SIM_NAT_KINDS);
        plan->ipv6[i] = one_in(4);
        plan->ipv4[i] = !plan->ipv6[i] || !one_in(3);
    }
    plan->nat_timeout = between(30, 120) * 1000;
    plan->same_site = one_in(8);
    plan->stun = !one_in(8);
    plan->two_bases = one_in(5);
}

static void make_life(sim_plan *plan)
{
    plan->action_count = sim_dice(SIM_MOST_ACTIONS + 1);
    for (unsigned i = 0; i < plan->action_count; i++) {
        plan->actions[i] = sim_dice(SIM_ACTIONS);
        plan->actors[i] = sim_dice(2);
    }
    plan->ending = sim_dice(2) == 0 ? SIM_HANG_UP : SIM_GONE;
    plan->ender = sim_dice(2);
}

void sim_plan_make(sim_plan *plan, uint64_t seed)
{
    unsigned who = sim_dice(3);

    memset(plan, 0, sizeof *plan);
    plan->seed = seed;
    make_network(plan);
    plan->offers[0] = who != 1;
    plan->offers[1] = who != 0;
    plan->offer_gap = one_in(2) ? 0 : between(0, 300);
    plan->trickle = one_in(2) ? SIM_TRICKLE : (sim_trickle)sim_dice(4);
    for (unsigned i = 0; i < 2; i++)
        plan->signaling[i] = between(1, 250);
    plan->skew = between(50, 2500);
    if (one_in(25))
        plan->fault = one_in(2) ? SIM_BLACKHOLE : SIM_IMPOSTOR;
    make_life(plan);
    plan->video = one_in(2);
    plan->data = one_in(3);
}

unsigned sim_plan_loss(const sim_plan *plan)
{
    unsigned worst = 0;

    for (unsigned i = 0; i < 2; i++)
        if (plan->links[i].loss + plan->links[i].spoiled > worst)
            worst = plan->links[i].loss + plan->links[i].spoiled;
    return worst;
}

/* Two NATs let each other in where at most one is so strict that the other's real port stays unknown to it. */
static bool nats_meet(sim_nat_kind a, sim_nat_kind b)
{
    if (a == SIM_NAT_SYMMETRIC)
        return b != SIM_NAT_SYMMETRIC && b != SIM_NAT_PORT_RESTRICTED;
    return a != SIM_NAT_PORT_RESTRICTED || b != SIM_NAT_SYMMETRIC;
}

bool sim_plan_has_path(const sim_plan *plan)
{
    if (plan->fault == SIM_BLACKHOLE)
        return false;
    if (plan->ipv6[0] && plan->ipv6[1])
        return true;
    if (!plan->ipv4[0] || !plan->ipv4[1])
        return false;
    if (plan->same_site || plan->nats[0] == SIM_NAT_NONE || plan->nats[1] == SIM_NAT_NONE)
        return true;
    return plan->stun && nats_meet(plan->nats[0], plan->nats[1]);
}

void sim_plan_tell(const sim_plan *plan, FILE *out)
{
    static const char *const actions[] = {"restart", "restart of both", "direction", "direction of both", "rebinding",
                                          "mute",    "long mute"};
    static const char *const trickles[] = {"trickle", "trickle, candidates late", "trickle, candidates early",
                                           "no trickle"};
    static const char *const faults[] = {"", ", BLACKHOLE", ", IMPOSTOR"};

    (void)fprintf(out, "seed %llu%s: %s path\n", (unsigned long long)plan->seed, faults[plan->fault],
                  sim_plan_has_path(plan) ? "there is a" : "there is no");
    for (unsigned i = 0; i < 2; i++) {
        const sim_link *l = &plan->links[i];

        (void)fprintf(out,
                      "  %c: NAT %s,%s%s %s; loses %u %%, doubles %u %%, spoils %u %%, %u + %u ms; signaling %u ms\n",
                      "AB"[i], sim_nat_name(plan->nats[i]), plan -> ipv4[i] ? " IPv4" : "",
                      plan->ipv6[i] ? " IPv6" : "", plan->offers[i] ? "offers" : "answers", l->loss, l->doubled,
                      l->spoiled, (unsigned)l->delay, (unsigned)l->jitter, (unsigned)plan->signaling[i]);
    }
    (void)fprintf(out, "  %s (%u ms), offers %u ms apart, %s%s%s, mappings live %u ms\n", trickles[plan->trickle],
                  (unsigned)plan->skew, (unsigned)plan->offer_gap, plan->stun ? "a STUN server" : "no STUN server",
                  plan->same_site ? ", one site" : "", plan->two_bases ? ", two bases" : "",
                  (unsigned)plan->nat_timeout);
    for (unsigned i = 0; i < plan->action_count; i++)
        (void)fprintf(out, "  then %s (%c)\n", actions[plan->actions[i]], "AB"[plan->actors[i]]);
    (void)fprintf(out, "  %s%s; at last %c %s\n", plan->video ? "sound and picture" : "sound",
                  plan->data ? ", and data" : "", "AB"[plan->ender],
                  plan -> ending == SIM_GONE ? "is gone" : "hangs up");
}
