/* A plan carried out, and every check of it. */
#include "plan.h"

#include <string.h>

#define TALK 1000
/* RFC 7675 §5.1 */
#define CONSENT 30000
/* RFC 8863 §4, and what candidates that come late, and gathering without an answer, add. */
#define PATIENCE 39500
#define GATHERING 40000

typedef struct life {
    const sim_plan *plan;
    sim_pair *pair;
    sim_world *world;
    bool slow; /* after a silence the rate of pictures has to be found anew */
} life;

/* What the worse direction loses makes everything that asks and waits for an answer slower. */
static so_msec bound(const life *l, so_msec clean)
{
    unsigned loss = sim_plan_loss(l->plan);

    if (loss == 0)
        return clean;
    return loss <= 5 ? clean + 15000 : loss <= 15 ? clean + 40000 : clean + 120000;
}

static void build_network(const sim_plan *plan, sim_world *world)
{
    static const char *const nat_ips[] = {"198.51.100.1", "198.51.100.2"};
    static const char *const public_ips[] = {"198.51.100.101", "198.51.100.102"};
    static const char *const v6_ips[] = {"2001:db8:1::1", "2001:db8:2::1"};
    /* Apart, they may well have the same address at home. */
    const char *const home[] = {"192.168.1.2", plan->same_site ? "192.168.1.3" : "192.168.1.2"};

    for (unsigned i = 0; i < 2; i++) {
        sim_host *h = &world->hosts[i];
        unsigned site = plan->same_site ? 0 : i;
        bool natted = plan->same_site || plan->nats[i] != SIM_NAT_NONE;
        so_address outside = sim_address(nat_ips[site], 0);

        h->site = site;
        h->out = plan->links[i];
        if (plan->fault == SIM_BLACKHOLE)
            h->out.loss = 100;
        sim_nat_open(&world->nats[i],
                     plan->same_site && plan->nats[0] == SIM_NAT_NONE ? SIM_NAT_PORT_RESTRICTED : plan->nats[site],
                     &outside, plan->nat_timeout);
        h->nat = natted ? &world->nats[site] : NULL;
        if (plan->ipv4[i])
            sim_world_base(world, i, natted ? home[i] : public_ips[i], 5000);
        if (plan->ipv4[i] && plan->two_bases)
            sim_world_base(world, i, natted ? home[i] : public_ips[i], 5002);
        if (plan->ipv6[i])
            sim_world_base(world, i, v6_ips[i], 6000);
    }
    if (plan->stun) {
        world->servers[0] = sim_address("203.0.113.1", 3478);
        world->servers[1] = sim_address("2001:db8:ffff::1", 3478);
    }
}

static void begin(life *l)
{
    const sim_plan *plan = l->plan;

    for (unsigned i = 0; i < 2; i++)
        l->pair->signaling[i] = plan->signaling[i];
    l->pair->trickle = plan->trickle;
    l->pair->skew = plan->skew;
    l->pair->video = plan->video;
    l->pair->data = plan->data;
    l->pair->tampers = plan->fault == SIM_IMPOSTOR;
    if (!sim_pair_start(l->pair, SO_SDP_SENDRECV))
        return;
    /* Frames that are given before anything is open must go nowhere. */
    for (unsigned i = 0; i < 2; i++)
        sim_pair_talk(l->pair, i, 100);
    if (plan->offers[0])
        sim_pair_offer(l->pair, 0);
    if (plan->offers[0] && plan->offers[1])
        sim_pair_run(l->pair, plan->offer_gap);
    /* It may have had A's offer by now, and answered. */
    if (plan->offers[1] && so_peer_signaling(l->pair->ends[1].peer) == SO_SDP_STABLE &&
        !so_peer_had_remote(l->pair->ends[1].peer))
        sim_pair_offer(l->pair, 1);
}

/* ---- calls that may not come about ---- */

static bool have_failed(const sim_pair *pair)
{
    return so_peer_ice(pair->ends[0].peer) == SO_ICE_FAILED && so_peer_ice(pair->ends[1].peer) == SO_ICE_FAILED;
}

static void check_no_path(life *l)
{
    /* RFC 8445 §6.1.4.2 checks pairs of one foundation one after the other, while none has worked. */
    so_msec most = PATIENCE * (l->plan->two_bases ? 4 : 1) + GATHERING + l->plan->skew + 2000;

    if (!sim_pair_until(l->pair, have_failed, most))
        (void)sim_blame(l->world, "no path, and %u ms later A says %s and B says %s", (unsigned)most,
                        so_ice_state_name(so_peer_ice(l->pair->ends[0].peer)),
                        so_ice_state_name(so_peer_ice(l->pair->ends[1].peer)));
    for (unsigned i = 0; i < 2; i++) {
        const sim_side *e = &l->pair->ends[i];

        if (e->open_at != SIM_NEVER || e->watch.media > 0)
            (void)sim_blame(l->world, "%c is open, and there is no path", "AB"[i]);
        if (e->watch.dtls > 0)
            (void)sim_blame(l->world, "%c sends DTLS, and there is no path", "AB"[i]);
    }
}

/*
 * Nothing authenticates the first flights of DTLS (UDP's checksum stands against accidents): who alters them can keep
 * an end from finishing the handshake. That end opens nothing, and sends no media.
 */
static bool was_spoiled(const sim_pair *pair)
{
    unsigned spoiled = 0;

    for (unsigned i = 0; i < 2; i++) {
        const sim_side *e = &pair->ends[i];

        spoiled += e->spoiled_dtls;
        if (e->open_at == SIM_NEVER && e->watch.media > 0)
            return false;
    }
    return spoiled > 0;
}

static void check_impostor(life *l)
{
    const sim_side *a = &l->pair->ends[0], *b = &l->pair->ends[1];
    const so_peer_failure *failure;

    sim_pair_run(l->pair, bound(l, 45000));
    if (a->open_at != SIM_NEVER || b->open_at != SIM_NEVER || a->watch.media + b->watch.media > 0)
        (void)sim_blame(l->world, "open, and a fingerprint was swapped");
    if (!sim_plan_has_path(l->plan))
        return;
    failure = so_peer_failure_of(b->peer);
    if (was_spoiled(l->pair) && failure != NULL && strcmp(failure->code, "dtls-failed") == 0)
        return;
    if (failure == NULL || failure->door != SO_DOOR_FINGERPRINTS || strcmp(failure->code, "fingerprint-mismatch") != 0)
        (void)sim_blame(l->world, "B does not say that the fingerprint is another (%s)",
                        failure == NULL ? "nothing" : failure->code);
    failure = so_peer_failure_of(a->peer);
    if (sim_plan_loss(l->plan) == 0 && (failure == NULL || failure->door != SO_DOOR_FINGERPRINTS))
        (void)sim_blame(l->world, "A does not say that it was refused (%s)",
                        failure == NULL ? "nothing" : failure->code);
}

/* ---- a call in its life ---- */

static bool sends(const life *l, unsigned end)
{
    return (l->pair->ends[end].direction & SO_SDP_SENDONLY) != 0 &&
           (l->pair->ends[1 - end].direction & SO_SDP_RECVONLY) != 0;
}

/* Of those that were shown in the last second. */
static void check_pictures(life *l, unsigned end, unsigned seen, const char *when)
{
    if (!l->plan->video)
        return;
    if (sends(l, 1 - end) && sim_plan_loss(l->plan) == 0 && !l->slow && seen < 20)
        (void)sim_blame(l->world, "%s %c sees %u of 31 pictures", when, "AB"[end], seen);
    if (!sends(l, 1 - end) && seen > 0)
        (void)sim_blame(l->world, "%s %c sees %u pictures that it did not want", when, "AB"[end], seen);
}

/* Both talk for a second: what the network brings comes out, and without losses it brings all. */
static void check_flow(life *l, const char *when)
{
    uint32_t before[2], first_of[2], seen[2];

    for (unsigned i = 0; i < 2; i++) {
        before[i] = l->pair->ends[i].taken;
        first_of[i] = l->pair->ends[i].sent_count;
        seen[i] = l->pair->ends[i].pictures.taken;
        sim_pair_talk(l->pair, i, TALK);
    }
    sim_pair_run(l->pair, TALK + 700);
    for (unsigned i = 0; i < 2 && sim_is_fine(l->world); i++) {
        const sim_side *e = &l->pair->ends[i], *other = &l->pair->ends[1 - i];
        unsigned missing, got = e->taken - before[i];
        /* The path may be lost for a while where datagrams are. */
        unsigned least = sim_plan_loss(l->plan) == 0 ? 50 : sim_plan_loss(l->plan) < 16 ? 1 : 0;
        /* The packet that arrives first is where a stream begins. */
        unsigned before_first = before[i] == 0 && e->any ? e->first - first_of[1 - i] : 0;
        so_track_facts facts;

        if (!so_peer_track_facts(e->peer, e->track, &facts))
            continue;
        if (sends(l, 1 - i) && got + before_first < least)
            (void)sim_blame(l->world, "%s %c hears %u of 50 frames", when, "AB"[i], got);
        if (!sends(l, 1 - i) && got > 0)
            (void)sim_blame(l->world, "%s %c hears %u frames that it did not want", when, "AB"[i], got);
        if (facts.receiving != sends(l, 1 - i))
            (void)sim_blame(l->world, "%s %c %s", when, "AB"[i], facts.receiving ? "receives" : "does not receive");
        if (facts.sending != sends(l, i))
            (void)sim_blame(l->world, "%s %c %s", when, "AB"[i], facts.sending ? "sends" : "does not send");
        check_pictures(l, i, e->pictures.taken - seen[i], when);
        if (!sim_side_heard_all(e, &missing))
            (void)sim_blame(l->world, "%s %u frames arrived at %c and did not come out", when, missing, "AB"[i]);
        if (facts.late > 0 && other->any && !e->any)
            (void)sim_blame(l->world, "%s %c calls frames late", when, "AB"[i]);
    }
}

static bool is_well(const sim_pair *pair)
{
    return sim_pair_has_path(pair) && sim_pair_is_stable(pair);
}

/* Both ends have selected a pair of the new generation: until then the old one carries on. */
static bool is_complete(const sim_pair *pair)
{
    return so_peer_ice(pair->ends[0].peer) == SO_ICE_COMPLETED && so_peer_ice(pair->ends[1].peer) == SO_ICE_COMPLETED &&
           sim_pair_is_stable(pair);
}

static void expect_well(life *l, so_msec clean, const char *when)
{
    if (!sim_pair_until(l->pair, is_well, bound(l, clean)))
        (void)sim_blame(l->world, "%s there is no path after %u ms (A %s, B %s%s)", when, (unsigned)bound(l, clean),
                        so_ice_state_name(so_peer_ice(l->pair->ends[0].peer)),
                        so_ice_state_name(so_peer_ice(l->pair->ends[1].peer)),
                        sim_pair_is_stable(l->pair) ? "" : ", being negotiated");
    check_flow(l, when);
}

/* A restart changes the path, and neither keys nor counters: the watchers see each index once, and no handshake. */
static void restart(life *l, unsigned first, bool both)
{
    unsigned before = l->pair->ends[0].restarts + l->pair->ends[1].restarts;
    so_peer_facts facts[2], after;

    for (unsigned i = 0; i < 2; i++) {
        so_peer_facts_of(l->pair->ends[i].peer, &facts[i]);
        sim_pair_talk(l->pair, i, 1500);
    }
    sim_pair_restart(l->pair, first);
    if (both)
        sim_pair_restart(l->pair, 1 - first);
    if (l->pair->ends[0].restarts + l->pair->ends[1].restarts != before + (both ? 2 : 1))
        (void)sim_blame(l->world, "a restart is refused");
    sim_pair_run(l->pair, 500); /* the old pair carries on meanwhile: it does not tell */
    if (!sim_pair_until(l->pair, is_complete, bound(l, 8000 + l->plan->skew)) && sim_plan_loss(l->plan) <= 5)
        (void)sim_blame(l->world, "a restart finds no new pair (A %s, B %s)",
                        so_ice_state_name(so_peer_ice(l->pair->ends[0].peer)),
                        so_ice_state_name(so_peer_ice(l->pair->ends[1].peer)));
    expect_well(l, 15000, both ? "after a restart of both ends" : "after a restart");
    for (unsigned i = 0; i < 2; i++) {
        so_peer_facts_of(l->pair->ends[i].peer, &after);
        if (after.sent.protected_rtp < facts[i].sent.protected_rtp ||
            !so_fingerprint_equal(&after.seen, &facts[i].seen))
            (void)sim_blame(l->world, "the keys of %c are others after a restart", "AB"[i]);
    }
}

static void direct(life *l, unsigned first, bool both)
{
    so_sdp_direction other = (so_sdp_direction)sim_dice(4), own = (so_sdp_direction)sim_dice(3);

    sim_pair_direct(l->pair, first, own);
    if (both)
        sim_pair_direct(l->pair, 1 - first, other);
    sim_pair_run(l->pair, 2000 + l->plan->skew);
    expect_well(l, 10000, "after a change of direction");
    sim_pair_direct(l->pair, first, SO_SDP_SENDRECV);
    if (both)
        sim_pair_direct(l->pair, 1 - first, SO_SDP_SENDRECV);
    sim_pair_run(l->pair, 2000 + l->plan->skew);
    expect_well(l, 10000, "after a change of direction back");
}

/* Whatever was lost, and however little is sent at first: the picture comes back. */
static void expect_pictures(life *l)
{
    uint32_t seen[2];

    for (unsigned i = 0; l->plan->video && i < 2; i++) {
        seen[i] = l->pair->ends[i].pictures.taken;
        sim_pair_talk(l->pair, i, 4000);
    }
    if (!l->plan->video)
        return;
    sim_pair_run(l->pair, 4000);
    for (unsigned i = 0; i < 2; i++)
        if (sends(l, 1 - i) && sim_plan_loss(l->plan) == 0 && l->pair->ends[i].pictures.taken - seen[i] < 20)
            (void)sim_blame(l->world, "after a silence %c sees %u of 120 pictures", "AB"[i],
                            l -> pair -> ends[i].pictures.taken - seen[i]);
}

static bool all_is_read(const sim_pair *pair)
{
    return sim_side_unread(&pair->ends[0]) + sim_side_unread(&pair->ends[1]) == 0;
}

/* Whatever happened meanwhile: nothing that is reliable is lost, and it does not take for ever. */
static void expect_data(life *l)
{
    if (!l->plan->data)
        return;
    if (!sim_pair_until(l->pair, all_is_read, bound(l, 30000)))
        (void)sim_blame(l->world, "at last %u messages have not come to A, and %u not to B",
                        sim_side_unread(&l->pair->ends[0]), sim_side_unread(&l->pair->ends[1]));
    for (unsigned i = 0; i < 2; i++)
        if (l->pair->ends[i].data.taken == 0)
            (void)sim_blame(l->world, "no message has come to %c", "AB"[i]);
}

static void mute(life *l, unsigned end, bool is_long)
{
    sim_host *h = &l->world->hosts[end];
    so_msec silence = is_long ? 32000 + sim_dice(20000) : 3000 + sim_dice(20000);

    sim_trace(l->world, "%c is mute for %u ms", "AB"[end], (unsigned)silence);
    h->mute_from = sim_now();
    h->mute_until = sim_now() + silence;
    sim_pair_talk(l->pair, end, 500);
    sim_pair_run(l->pair, silence);
    l->slow = true;
    expect_well(l, 30000, is_long ? "after a long silence" : "after a silence");
    expect_pictures(l);
}

static void rebind(life *l, unsigned end)
{
    sim_host *h = &l->world->hosts[end];

    if (h->nat == NULL)
        return;
    sim_trace(l->world, "the NAT of %c forgets its mappings", "AB"[end]);
    sim_nat_rebind(h->nat);
    /* Nobody can know at once: consent is asked for every five seconds. */
    sim_pair_run(l->pair, 8000);
    l->slow = true;
    expect_well(l, 30000, "after a rebinding");
    expect_pictures(l);
}

static void act(life *l, sim_action action, unsigned actor)
{
    switch (action) {
    case SIM_RESTART:
    case SIM_RESTART_BOTH:
        restart(l, actor, action == SIM_RESTART_BOTH);
        break;
    case SIM_DIRECT:
    case SIM_DIRECT_BOTH:
        direct(l, actor, action == SIM_DIRECT_BOTH);
        break;
    case SIM_REBIND:
        rebind(l, actor);
        break;
    case SIM_MUTE:
    case SIM_MUTE_LONG:
        mute(l, actor, action == SIM_MUTE_LONG);
        break;
    case SIM_ACTIONS:
        break;
    }
}

/* ---- how it ends ---- */

static so_msec longest_round(const life *l)
{
    const sim_link *a = &l->plan->links[0], *b = &l->plan->links[1];

    return a->delay + a->jitter + b->delay + b->jitter;
}

/*
 * RFC 7675 §5.1: an end that hears no answer any more sends for as long as consent lasts, no longer; and no shorter.
 * Answers about a pair of before a restart keep that pair alone, and count for nothing once a new one is selected.
 */
static void check_consent(life *l, const sim_side *e)
{
    so_msec last = e->settled ? e->newest_answered_at : e->answered_at;

    if (e->refused_at > last + CONSENT + SIM_TALK_MS)
        (void)sim_blame(l->world,
                        "%c sends longer than consent lasts: the last answer came at %u, and it sends until %lld",
                        "AB"[e->number], (unsigned)last, (long long)e -> refused_at);
    /* A question is given up when another about its pair is answered first: its own answer, a round later at most, does
     * not count. */
    if (sim_plan_loss(l->plan) == 0 && e->refused_at + longest_round(l) < e->newest_answered_at + CONSENT)
        (void)sim_blame(l->world,
                        "%c sends no longer before consent ends: the last answer came at %u, and it sends until %lld",
                        "AB"[e->number], (unsigned)e -> newest_answered_at, (long long)e -> refused_at);
}

static void check_gone(life *l)
{
    sim_side *e = &l->pair->ends[1 - l->plan->ender];
    so_msec from = sim_now();

    l->pair->heals = false;
    sim_pair_vanish(l->pair, l->plan->ender);
    sim_pair_talk(l->pair, e->number, CONSENT + 3000);
    sim_pair_run(l->pair, CONSENT + 4000);
    if (!sim_is_fine(l->world))
        return;
    if (e->path_lost_at == SIM_NEVER || (e->path_lost_at > from + 12000 && sim_plan_loss(l->plan) == 0))
        (void)sim_blame(l->world, "%c did not notice the silence", "AB"[e->number]);
    /* A restart that was under way still looks for a path, and FAILED follows when it gives up. */
    if (so_peer_ice(e->peer) == SO_ICE_CONNECTED || so_peer_ice(e->peer) == SO_ICE_COMPLETED)
        (void)sim_blame(l->world, "%c says %s after %u ms of silence", "AB"[e->number],
                        so_ice_state_name(so_peer_ice(e->peer)), CONSENT + 4000);
    check_consent(l, e);
}

static bool is_closed(const sim_pair *pair)
{
    return so_peer_state_of(pair->ends[0].peer) == SO_PEER_CLOSED &&
           so_peer_state_of(pair->ends[1].peer) == SO_PEER_CLOSED;
}

static void check_hang_up(life *l)
{
    sim_side *e = &l->pair->ends[1 - l->plan->ender];
    uint8_t byte = 0;
    so_peer_frame frame = {.bytes = &byte, .len = 1};

    sim_pair_hang_up(l->pair, l->plan->ender);
    if (!sim_pair_until(l->pair, is_closed, 2000) && sim_plan_loss(l->plan) == 0)
        (void)sim_blame(l->world, "%c hung up, and the other end does not notice", "AB"[l->plan->ender]);
    for (unsigned i = 0; i < 2; i++)
        if (so_peer_state_of(l->pair->ends[i].peer) == SO_PEER_CLOSED &&
            so_peer_send(l->pair->ends[i].peer, sim_now(), e->track, &frame) != SO_STATE)
            (void)sim_blame(l->world, "%c takes frames after the end", "AB"[i]);
}

static void live(life *l)
{
    const sim_plan *plan = l->plan;
    so_msec least = bound(l, 6000 + 4 * (plan->signaling[0] + plan->signaling[1]) + plan->skew);

    if (!sim_pair_until(l->pair, sim_pair_is_open, least)) {
        if (was_spoiled(l->pair))
            return;
        (void)sim_blame(l->world, "not open after %u ms (A %s, B %s)", (unsigned)least,
                        so_ice_state_name(so_peer_ice(l->pair->ends[0].peer)),
                        so_ice_state_name(so_peer_ice(l->pair->ends[1].peer)));
        return;
    }
    l->pair->heals = true;
    sim_pair_run(l->pair, 1000 + plan->skew); /* what is still being negotiated comes to an end */
    expect_well(l, 5000, "at first");
    for (unsigned i = 0; i < plan->action_count && sim_is_fine(l->world); i++)
        act(l, plan->actions[i], plan->actors[i]);
    if (sim_is_fine(l->world))
        expect_data(l);
    if (!sim_is_fine(l->world))
        return;
    if (plan->ending == SIM_GONE)
        check_gone(l);
    else
        check_hang_up(l);
}

void sim_run_seed(uint64_t seed, FILE *trace, sim_result *result)
{
    static sim_pair pair; /* large */
    sim_plan plan;
    life l = {.plan = &plan, .pair = &pair, .world = &pair.world};
    so_msec start;

    memset(result, 0, sizeof *result);
    (void)sim_pair_open(&pair, seed);
    start = sim_now();
    pair.world.trace = trace;
    sim_plan_make(&plan, seed);
    if (trace != NULL)
        sim_plan_tell(&plan, trace);
    build_network(&plan, &pair.world);
    if (sim_is_fine(&pair.world))
        begin(&l);
    if (plan.fault == SIM_IMPOSTOR)
        check_impostor(&l);
    else if (!sim_plan_has_path(&plan))
        check_no_path(&l);
    else
        live(&l);
    result->hash = pair.world.hash;
    result->opened = sim_pair_is_open(&pair);
    result->opened_after = result->opened ? pair.ends[0].open_at - start : 0;
    result->lasted = sim_now() - start;
    (void)memcpy(result->blame, pair.world.blame, sizeof result->blame);
    sim_pair_close(&pair);
}
