#include "ice/ice_inside.h"

#include <string.h>

uint8_t so_ice_find_pair(const so_ice *ice, uint8_t base, uint8_t remote)
{
    for (uint8_t i = 0; i < ice->pair_count; i++)
        if (so_ice_pair_at(ice, i)->state != SO_ICE_PAIR_FREE && so_ice_pair_at(ice, i)->base == base &&
            so_ice_pair_at(ice, i)->remote == remote)
            return i;
    return SO_ICE_NONE;
}

bool so_ice_is_pending(const so_ice_pair *pair)
{
    return pair->state == SO_ICE_FROZEN || pair->state == SO_ICE_WAITING || pair->state == SO_ICE_IN_PROGRESS;
}

static uint64_t rank(const so_ice *ice, uint32_t own, uint32_t theirs)
{
    return ice->controlling ? so_ice_pair_priority(own, theirs) : so_ice_pair_priority(theirs, own);
}

static uint32_t own_priority(const so_ice *ice, uint8_t base)
{
    return so_ice_priority(ice->bases[base].type, ice->bases[base].preference, 1);
}

void so_ice_rank_pair(so_ice *ice, uint8_t pair)
{
    so_ice_pair *p = so_ice_pair_at(ice, pair);
    uint32_t theirs = so_ice_remote_at(ice, p->remote)->priority;

    p->priority = rank(ice, own_priority(ice, p->base), theirs);
    /* RFC 8445 §7.2.5.3.2: a valid pair has the priority of the candidate as which the peer sees us. */
    p->valid_priority = rank(ice, so_ice_local_at(ice, p->local)->priority, theirs);
}

void so_ice_rank_pairs(so_ice *ice)
{
    for (uint8_t i = 0; i < ice->pair_count; i++)
        if (so_ice_pair_at(ice, i)->state != SO_ICE_PAIR_FREE)
            so_ice_rank_pair(ice, i);
}

/* RFC 8445 §6.1.2.6: bases of one IP have one foundation, and so have their pairs with one remote foundation. */
static bool same_foundation(const so_ice *ice, const so_ice_pair *a, const so_ice_pair *b)
{
    return so_ice_remote_at(ice, a->remote)->foundation_id == so_ice_remote_at(ice, b->remote)->foundation_id &&
           so_address_same_ip(&ice->bases[a->base].address, &ice->bases[b->base].address);
}

static bool is_current(const so_ice_pair *p)
{
    return p->state != SO_ICE_PAIR_FREE && !p->old;
}

/* Is a pair of the same foundation in one of these states? */
static bool any_alike(const so_ice *ice, const so_ice_pair *pair, unsigned states)
{
    for (unsigned i = 0; i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        if (p != pair && is_current(p) && (states & 1U << p->state) != 0 && same_foundation(ice, p, pair))
            return true;
    }
    return false;
}

/* Room for a pair of that priority; what goes first is what has failed, then what has the lowest priority. */
static uint8_t make_room(so_ice *ice, uint64_t priority)
{
    uint8_t victim = SO_ICE_NONE, more;
    uint64_t least = priority;

    for (uint8_t i = 0; i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        uint64_t worth = p->state == SO_ICE_PAIR_FAILED ? 0 : p->priority;
        if (p->state == SO_ICE_PAIR_FREE)
            return i;
        if (!p->old && !p->valid && p->queued == 0 && p->state != SO_ICE_IN_PROGRESS && worth < least) {
            least = worth;
            victim = i;
        }
    }
    more = so_ice_more_pairs(ice);
    if (more != SO_ICE_NONE)
        return more;
    if (victim != SO_ICE_NONE)
        so_ice_free_pair(ice, victim);
    return victim;
}

uint8_t so_ice_add_pair(so_ice *ice, uint8_t base, uint8_t remote)
{
    so_ice_pair fresh = {.state = SO_ICE_FROZEN, .base = base, .remote = remote, .local = so_ice_own_of(ice, base)};
    const unsigned under_way = 1U << SO_ICE_FROZEN | 1U << SO_ICE_WAITING | 1U << SO_ICE_IN_PROGRESS;
    uint8_t slot = so_ice_find_pair(ice, base, remote);
    so_ice_pair *p;

    if (slot != SO_ICE_NONE || !so_ice_reachable(&ice->bases[base].address, &so_ice_remote_at(ice, remote)->address))
        return slot;
    /* Server-reflexive local candidates have no pairs of their own: with their base in their place they would be
     * redundant to its (RFC 8445 §6.1.2.4). */
    slot = make_room(ice, rank(ice, own_priority(ice, base), so_ice_remote_at(ice, remote)->priority));
    if (slot == SO_ICE_NONE)
        return slot;
    p = so_ice_pair_at(ice, slot);
    *p = fresh;
    so_ice_rank_pair(ice, slot);
    /* RFC 8838 §12: a pair waits where it is the first of its foundation, or one of its foundation has succeeded. */
    if (any_alike(ice, p, 1U << SO_ICE_SUCCEEDED) || !any_alike(ice, p, under_way))
        p->state = SO_ICE_WAITING;
    return slot;
}

void so_ice_free_pair(so_ice *ice, uint8_t pair)
{
    so_ice_free_transactions(ice, pair, false);
    memset(so_ice_pair_at(ice, pair), 0, sizeof *so_ice_pair_at(ice, pair));
    if (ice->selected == pair)
        ice->selected = SO_ICE_NONE;
    if (ice->old_pair == pair)
        ice->old_pair = SO_ICE_NONE;
}

void so_ice_thaw(so_ice *ice, uint8_t pair)
{
    for (unsigned i = 0; i < ice->pair_count; i++) {
        so_ice_pair *p = so_ice_pair_at(ice, i);
        if (is_current(p) && p->state == SO_ICE_FROZEN && same_foundation(ice, p, so_ice_pair_at(ice, pair)))
            p->state = SO_ICE_WAITING;
    }
}

static uint8_t best_in(const so_ice *ice, so_ice_pair_state state)
{
    uint8_t best = SO_ICE_NONE;

    for (uint8_t i = 0; i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        if (is_current(p) && p->state == state && p->queued == 0 &&
            (best == SO_ICE_NONE || p->priority > so_ice_pair_at(ice, best)->priority) &&
            (state != SO_ICE_FROZEN || !any_alike(ice, p, 1U << SO_ICE_WAITING | 1U << SO_ICE_IN_PROGRESS)))
            best = i;
    }
    return best;
}

/* RFC 8445 §6.1.4.2: the best one that waits; else the best frozen one of whose foundation none is under way. */
uint8_t so_ice_next_ordinary(const so_ice *ice)
{
    uint8_t pair = best_in(ice, SO_ICE_WAITING);

    return pair != SO_ICE_NONE ? pair : best_in(ice, SO_ICE_FROZEN);
}

uint8_t so_ice_next_triggered(const so_ice *ice)
{
    uint8_t first = SO_ICE_NONE;

    for (uint8_t i = 0; i < ice->pair_count; i++)
        if (is_current(so_ice_pair_at(ice, i)) && so_ice_pair_at(ice, i)->queued != 0 &&
            (first == SO_ICE_NONE || so_ice_pair_at(ice, i)->queued < so_ice_pair_at(ice, first)->queued))
            first = i;
    return first;
}

void so_ice_enqueue(so_ice *ice, uint8_t pair)
{
    so_ice_pair *p = so_ice_pair_at(ice, pair);

    if (p->queued == 0)
        p->queued = ++ice->next_queued;
    if (p->state != SO_ICE_SUCCEEDED)
        p->state = SO_ICE_WAITING;
}
