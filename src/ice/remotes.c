#include "ice/ice_inside.h"

#include "base/table.h"

#include <string.h>

#define PRIORITY_MAX 0x7fffffffU /* 2^31 - 1, RFC 8445 §5.1.2 */

/* Only tells candidates apart that an honest peer sent, so that its seed need not be secret. */
static uint64_t tag_of(const char *ufrag)
{
    static const uint8_t seed[16];

    return ufrag[0] == '\0' ? 0 : so_siphash(seed, (const uint8_t *)ufrag, strlen(ufrag)) | 1;
}

static uint8_t find_remote(const so_ice *ice, const so_address *address)
{
    for (uint8_t i = 0; i < ice->remote_count; i++)
        if (so_ice_remote_at(ice, i)->used && !so_ice_remote_at(ice, i)->old &&
            so_address_equal(&so_ice_remote_at(ice, i)->address, address))
            return i;
    return SO_ICE_NONE;
}

static uint16_t foundation_id(so_ice *ice, const char *text)
{
    for (unsigned i = 0; i < ice->remote_count; i++)
        if (so_ice_remote_at(ice, i)->used && strcmp(so_ice_remote_at(ice, i)->foundation, text) == 0)
            return so_ice_remote_at(ice, i)->foundation_id;
    return ++ice->next_remote_foundation;
}

void so_ice_free_remote(so_ice *ice, uint8_t remote)
{
    for (uint8_t p = 0; p < ice->pair_count; p++)
        if (so_ice_pair_at(ice, p)->state != SO_ICE_PAIR_FREE && so_ice_pair_at(ice, p)->remote == remote)
            so_ice_free_pair(ice, p);
    memset(so_ice_remote_at(ice, remote), 0, sizeof *so_ice_remote_at(ice, remote));
}

/* Is something going on with it that must not be lost? If not: have all its pairs failed? */
static bool is_busy(const so_ice *ice, uint8_t remote, bool *dead)
{
    *dead = true;
    for (unsigned i = 0; i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        if (p->state == SO_ICE_PAIR_FREE || p->remote != remote)
            continue;
        if (p->valid || p->queued != 0 || p->state == SO_ICE_IN_PROGRESS)
            return true;
        *dead = *dead && p->state == SO_ICE_PAIR_FAILED;
    }
    return false;
}

/*
 * Room for one more. priority: of a candidate that the peer told, which takes the place of a lower one; 0: of one that
 * has just been heard, which takes the place of any that is not in use.
 */
static uint8_t make_room(so_ice *ice, uint32_t priority)
{
    uint8_t victim = SO_ICE_NONE, more;
    unsigned reflexive = 0;
    uint32_t least = UINT32_MAX;
    bool dead, full;

    for (uint8_t i = 0; i < ice->remote_count; i++)
        reflexive += so_ice_remote_at(ice, i)->used && so_ice_remote_at(ice, i)->type == SO_ICE_PRFLX;
    full = priority == 0 && reflexive >= SO_ICE_REMOTE_PRFLX;
    for (uint8_t i = 0; i < ice->remote_count; i++) {
        const so_ice_remote *r = so_ice_remote_at(ice, i);

        if (!r->used && !full)
            return i;
        /* At their cap, peer-reflexive ones make room for each other alone, and only where one has failed. */
        if (!r->used || r->old || (full && r->type != SO_ICE_PRFLX) || is_busy(ice, i, &dead) || (full && !dead))
            continue;
        if ((dead || priority == 0 || r->priority < priority) && (dead ? 0 : r->priority) < least) {
            least = dead ? 0 : r->priority;
            victim = i;
        }
    }
    more = full ? SO_ICE_NONE : so_ice_more_remotes(ice);
    if (more != SO_ICE_NONE)
        return more;
    if (victim != SO_ICE_NONE)
        so_ice_free_remote(ice, victim);
    return victim;
}

static void pair_with_bases(so_ice *ice, uint8_t remote)
{
    for (uint8_t b = 0; b < SO_ICE_BASES; b++)
        if (ice->bases[b].used)
            (void)so_ice_add_pair(ice, b, remote);
}

uint8_t so_ice_learn_remote(so_ice *ice, const so_address *address, uint32_t priority)
{
    uint8_t slot = find_remote(ice, address);
    so_ice_remote *r;

    if (slot != SO_ICE_NONE || !so_ice_is_unicast(address))
        return slot;
    slot = make_room(ice, 0);
    if (slot == SO_ICE_NONE)
        return slot;
    r = so_ice_remote_at(ice, slot);
    r->used = true;
    r->type = SO_ICE_PRFLX;
    r->priority = priority == 0 ? 1 : priority < PRIORITY_MAX ? priority : PRIORITY_MAX;
    r->address = *address;
    /* RFC 8445 §7.3.1.3: "an arbitrary value, different from the foundations of all other remote candidates". Its text
     * stays empty until the peer tells the candidate. */
    r->foundation_id = ++ice->next_remote_foundation;
    return slot;
}

static bool is_usable(const so_ice *ice, const so_ice_candidate *c)
{
    /* A .local name is not looked up: the peer's own checks will show where it is. */
    return c->component == 1 && c->transport == SO_ICE_UDP && c->type != SO_ICE_OTHER && c->foundation[0] != '\0' &&
           so_ice_is_unicast(&c->address) &&
           (c->ufrag[0] == '\0' || !ice->creds.remote_known || strcmp(c->ufrag, ice->creds.remote_ufrag) == 0);
}

static void fill_remote(so_ice *ice, so_ice_remote *r, const so_ice_candidate *c)
{
    r->foundation_id = foundation_id(ice, c->foundation);
    r->used = true;
    r->type = c->type;
    r->priority = c->priority;
    r->ufrag_tag = tag_of(c->ufrag);
    r->address = c->address;
    r->related = c->related;
    memcpy(r->foundation, c->foundation, sizeof r->foundation);
}

so_status so_ice_add_remote(so_ice *ice, so_msec now, const so_ice_candidate *candidate)
{
    uint8_t slot;

    if (ice->closed)
        return SO_STATE;
    if (candidate->priority == 0 || candidate->priority > PRIORITY_MAX ||
        memchr(candidate->foundation, '\0', sizeof candidate->foundation) == NULL ||
        memchr(candidate->ufrag, '\0', sizeof candidate->ufrag) == NULL)
        return SO_BAD_INPUT;
    ice->news_at = now;
    if (!is_usable(ice, candidate)) {
        so_ice_run(ice, now);
        return SO_OK;
    }
    slot = find_remote(ice, &candidate->address);
    if (slot == SO_ICE_NONE) {
        slot = make_room(ice, candidate->priority);
        if (slot != SO_ICE_NONE) {
            fill_remote(ice, so_ice_remote_at(ice, slot), candidate);
            pair_with_bases(ice, slot);
        }
    } else if (so_ice_remote_at(ice, slot)->type == SO_ICE_PRFLX &&
               so_ice_remote_at(ice, slot)->foundation[0] == '\0') {
        /* Its check was faster than its name: RFC 8838 §11.1 lets what the peer says replace what was guessed. */
        fill_remote(ice, so_ice_remote_at(ice, slot), candidate);
        so_ice_rank_pairs(ice);
        pair_with_bases(ice, slot);
    }
    so_ice_run(ice, now);
    return SO_OK;
}

void so_ice_remote_end(so_ice *ice, so_msec now)
{
    ice->remote_end = true;
    ice->news_at = now;
    so_ice_run(ice, now);
}

void so_ice_forget_strangers(so_ice *ice)
{
    uint64_t tag = tag_of(ice->creds.remote_ufrag);

    for (uint8_t i = 0; i < ice->remote_count; i++) {
        const so_ice_remote *r = so_ice_remote_at(ice, i);
        if (r->used && !r->old && r->ufrag_tag != 0 && r->ufrag_tag != tag)
            so_ice_free_remote(ice, i);
    }
}
