#include "ice/ice_inside.h"

/* RFC 7675 §5.1: a request every 5 seconds, "randomized" by 0.8 to 1.2, and never sooner than after 4 seconds. */
#define SHORTEST_INTERVAL 4000
#define LONGEST_INTERVAL 6000

static so_msec consent_interval(so_ice *ice)
{
    uint8_t r[4];

    if (so_random_fill(&ice->config.random, r, sizeof r) != SO_OK)
        return 5000;
    return SHORTEST_INTERVAL +
           ((uint32_t)r[0] << 16 | (uint32_t)r[1] << 8 | r[2]) % (LONGEST_INTERVAL - SHORTEST_INTERVAL + 1);
}

uint8_t so_ice_best_valid(const so_ice *ice)
{
    uint8_t best = SO_ICE_NONE;

    for (uint8_t i = 0; i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        if (p->valid && !p->old &&
            (best == SO_ICE_NONE || p->valid_priority > so_ice_pair_at(ice, best)->valid_priority))
            best = i;
    }
    return best;
}

uint8_t so_ice_sending(const so_ice *ice)
{
    if (ice->closed || ice->failed)
        return SO_ICE_NONE;
    if (ice->selected != SO_ICE_NONE)
        return ice->selected;
    return ice->old_pair != SO_ICE_NONE ? ice->old_pair : so_ice_best_valid(ice);
}

/* When the pair counts as silent, if nothing comes. While no question is open the next one is waited for; a pair that
 * is not in use, and falls back into it, may have been unheard for much longer. */
static so_msec silent_at(const so_ice *ice, const so_ice_pair *p)
{
    so_msec unheard = p->heard_at + ice->config.silence_ms, unanswered = p->asked_at + SO_ICE_UNANSWERED_MS;

    if (!p->asked)
        return unheard + LONGEST_INTERVAL + SO_ICE_UNANSWERED_MS;
    return unheard > unanswered ? unheard : unanswered;
}

void so_ice_pair_heard(so_ice *ice, uint8_t pair, so_msec now)
{
    so_ice_pair_at(ice, pair)->heard_at = now;
    so_ice_pair_at(ice, pair)->asked = false;
}

/*
 * The selected pair: of those nominated the one with the highest priority, so that a peer that nominates several
 * (aggressively, RFC 5245 §8.1.1.2) ends at the same one as we do. One that has gone silent comes after all others: a
 * peer that nominates again because of that must be followed, downwards too.
 */
void so_ice_choose(so_ice *ice, so_msec now)
{
    uint8_t best = SO_ICE_NONE;
    bool best_silent = false;

    for (uint8_t i = 0; !ice->failed && i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        bool silent = now >= silent_at(ice, p);
        if (!p->valid || p->old || !p->nominated)
            continue;
        if (best == SO_ICE_NONE || silent < best_silent ||
            (silent == best_silent && p->valid_priority > so_ice_pair_at(ice, best)->valid_priority)) {
            best = i;
            best_silent = silent;
        }
    }
    if (best == ice->selected)
        return;
    /* The one that was left in silence needs the peer's word again before it is gone back to. */
    if (ice->selected != SO_ICE_NONE && now >= silent_at(ice, so_ice_pair_at(ice, ice->selected)))
        so_ice_pair_at(ice, ice->selected)->nominated = false;
    ice->selected = best;
    ice->tell_selected = best != SO_ICE_NONE;
    if (best == SO_ICE_NONE)
        return;
    for (uint8_t i = 0; i < ice->pair_count; i++) /* RFC 8445 §8.1.2; they wait, in case this one is lost */
        if (so_ice_pair_at(ice, i)->state == SO_ICE_IN_PROGRESS &&
            so_ice_pair_at(ice, i)->priority < so_ice_pair_at(ice, best)->priority) {
            so_ice_cancel_checks(ice, i, now);
            so_ice_pair_at(ice, i)->state = SO_ICE_WAITING;
        }
    so_ice_drop_old(ice);
    so_ice_wake_at(ice, now); /* a request for consent may be due on it */
}

void so_ice_succeeded(so_ice *ice, so_ice_transaction *t, const so_address *mapped, so_msec now)
{
    bool check = t->purpose == SO_ICE_CHECK, nominating = t->nominating && ice->controlling;
    uint8_t pair = t->pair;
    so_ice_pair *p = so_ice_pair_at(ice, pair);

    t->purpose = SO_ICE_IDLE;
    p->answered_at = now;
    so_ice_pair_heard(ice, pair, now);
    so_ice_count(ice, p->base, &so_ice_remote_at(ice, p->remote)->address, p->old, now);
    if (p->old || ice->failed)
        return;
    if (check) {
        p->state = SO_ICE_SUCCEEDED;
        p->queued = 0;
        so_ice_free_transactions(ice, pair, true);
        if (!p->valid)
            p->consent_at = now + consent_interval(ice);
        p->valid = true;
        so_ice_thaw(ice, pair);
    }
    /* RFC 8445 §7.2.5.3.1: "If the transport address does not match any of the local candidates that the agent knows
     * about, the mapped address represents a new candidate: a peer-reflexive candidate." */
    p->local = so_ice_local_of(ice, p->base, mapped, SO_ICE_PRFLX, SO_ICE_NONE);
    so_ice_rank_pair(ice, pair);
    if (ice->first_valid_at == SO_ICE_NEVER)
        ice->first_valid_at = now;
    p->nominated = p->nominated || nominating || (p->nominate && !ice->controlling);
    so_ice_choose(ice, now);
}

/* Can no pair that is better still come? */
static bool is_final(const so_ice *ice, uint8_t pair)
{
    const so_ice_pair *p = so_ice_pair_at(ice, pair);

    if (so_ice_local_at(ice, p->local)->type == SO_ICE_HOST && so_ice_remote_at(ice, p->remote)->type == SO_ICE_HOST)
        return true; /* no NAT, no relay between: as good as can be */
    for (unsigned i = 0; i < ice->pair_count; i++)
        if (so_ice_is_pending(so_ice_pair_at(ice, i)) && so_ice_pair_at(ice, i)->priority > p->valid_priority)
            return false;
    return ice->remote_end && so_ice_gathered(ice);
}

/* RFC 8445 §8.1.1, regular nomination. */
void so_ice_nominate(so_ice *ice, so_msec now)
{
    uint8_t best = so_ice_best_valid(ice);
    so_msec until = ice->first_valid_at;

    if (best == SO_ICE_NONE)
        ice->first_valid_at = SO_ICE_NEVER;
    if (ice->failed || ice->closed || !ice->controlling || ice->selected != SO_ICE_NONE || best == SO_ICE_NONE ||
        so_ice_is_nominating(ice))
        return;
    until += ice->config.nomination_wait_ms;
    if (now < until && !is_final(ice, best))
        so_ice_wake_at(ice, until);
    else if (!so_ice_begin_check(ice, now, best, true))
        so_ice_wake_at(ice, now + ice->config.pacing_ms);
}

static void fail(so_ice *ice)
{
    ice->failed = true;
    for (uint8_t i = 0; i < ice->pair_count; i++) {
        so_ice_pair *p = so_ice_pair_at(ice, i);
        so_ice_free_transactions(ice, i, false);
        p->valid = false;
        p->queued = 0;
    }
    ice->selected = SO_ICE_NONE;
    ice->tell_selected = false;
}

static bool is_out_of_pairs(const so_ice *ice)
{
    for (unsigned i = 0; i < ice->pair_count; i++) {
        const so_ice_pair *p = so_ice_pair_at(ice, i);
        if (p->valid || p->queued != 0 || (!p->old && so_ice_is_pending(p)))
            return false;
    }
    return true;
}

void so_ice_lose(so_ice *ice, uint8_t pair, so_msec now)
{
    so_ice_pair *p = so_ice_pair_at(ice, pair);
    bool selected = pair == ice->selected;

    if (pair == ice->old_pair) {
        so_ice_free_pair(ice, pair);
        return;
    }
    p->valid = p->nominated = p->nominate = false;
    p->state = SO_ICE_PAIR_FAILED;
    p->queued = 0;
    so_ice_free_transactions(ice, pair, false);
    so_ice_choose(ice, now);
    if (so_ice_best_valid(ice) == SO_ICE_NONE && (selected || (is_out_of_pairs(ice) && ice->old_pair == SO_ICE_NONE)))
        fail(ice);
}

void so_ice_keep_consent(so_ice *ice, so_msec now)
{
    for (uint8_t i = 0; i < ice->pair_count; i++) {
        so_ice_pair *p = so_ice_pair_at(ice, i);
        so_msec expires = p->answered_at + SO_ICE_CONSENT_MS;
        if (!p->valid)
            continue;
        if (now >= expires) {
            so_ice_lose(ice, i, now);
            continue;
        }
        so_ice_wake_at(ice, expires);
        if (i != so_ice_sending(ice) && i != ice->old_pair &&
            (ice->selected != SO_ICE_NONE || i != so_ice_best_valid(ice)))
            continue;
        if (now >= p->consent_at && so_ice_begin_consent(ice, now, i)) {
            /* One that was silent already is not thought alive because it is asked. */
            if (!p->asked)
                p->asked_at = now >= silent_at(ice, p) ? p->heard_at : now;
            p->asked = true;
            p->consent_at = now + consent_interval(ice);
        }
        so_ice_wake_at(ice, p->consent_at > now ? p->consent_at : now + ice->config.pacing_ms);
    }
}

/* RFC 8863 §4: with nothing left to check the peer's own checks are awaited, for as long as its candidates might take.
 */
static void give_up(so_ice *ice, so_msec now)
{
    so_msec from = ice->remote_end || ice->news_at < ice->patient_from ? ice->patient_from : ice->news_at;

    if (ice->failed || ice->closed || !ice->creds.remote_known || !is_out_of_pairs(ice) || !so_ice_gathered(ice))
        return;
    if (now >= from + ice->config.patience_ms)
        fail(ice);
    else
        so_ice_wake_at(ice, from + ice->config.patience_ms);
}

static so_ice_state state_now(const so_ice *ice, so_msec now)
{
    uint8_t pair = so_ice_sending(ice);

    if (ice->closed)
        return SO_ICE_CLOSED;
    if (ice->failed)
        return SO_ICE_FAILED;
    if (pair != SO_ICE_NONE && now >= silent_at(ice, so_ice_pair_at(ice, pair)))
        return SO_ICE_DISCONNECTED;
    if (pair != SO_ICE_NONE)
        return pair == ice->selected ? SO_ICE_COMPLETED : SO_ICE_CONNECTED;
    if (ice->had_pair)
        return SO_ICE_DISCONNECTED;
    return ice->creds.remote_known ? SO_ICE_CHECKING : SO_ICE_NEW;
}

void so_ice_settle(so_ice *ice, so_msec now)
{
    uint8_t pair;

    give_up(ice, now);
    if (ice->selected != SO_ICE_NONE && now >= silent_at(ice, so_ice_pair_at(ice, ice->selected)))
        so_ice_choose(ice, now);
    pair = so_ice_sending(ice);
    ice->had_pair = ice->had_pair || pair != SO_ICE_NONE;
    ice->state = state_now(ice, now);
    if (pair != SO_ICE_NONE && now < silent_at(ice, so_ice_pair_at(ice, pair)))
        so_ice_wake_at(ice, silent_at(ice, so_ice_pair_at(ice, pair)));
}
