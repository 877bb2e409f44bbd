#include "ice/ice_inside.h"

#define RTO_LEAST 500      /* milliseconds, RFC 8445 §14.3 */
#define LAST_WAIT 16       /* Rm of RFC 8489 §6.2.1, in first intervals */
#define NOMINATION_TRIES 4 /* then another pair may have its turn: the whole series would take longer than consent */
#define NOMINATION_WAIT 8

static so_ice_transaction *free_slot(so_ice *ice)
{
    so_ice_transaction *oldest = NULL;
    uint8_t more;

    for (unsigned i = 0; i < ice->transaction_count; i++) {
        so_ice_transaction *t = so_ice_transaction_at(ice, i);
        if (t->purpose == SO_ICE_IDLE)
            return t;
        if (t->cancelled && (oldest == NULL || t->began < oldest->began))
            oldest = t;
    }
    more = so_ice_more_transactions(ice);
    return more == SO_ICE_NONE ? oldest : so_ice_transaction_at(ice, more);
}

static so_ice_transaction *begin(so_ice *ice, so_msec now, so_ice_purpose purpose, uint8_t base, uint8_t pair)
{
    so_ice_transaction *t = free_slot(ice);

    if (t == NULL)
        return NULL;
    *t = (so_ice_transaction){
        .purpose = SO_ICE_IDLE, .base = base, .pair = pair, .sent = 1, .due = true, .rto = RTO_LEAST, .began = now};
    if (so_random_fill(&ice->config.random, t->id, sizeof t->id) != SO_OK)
        return NULL;
    t->purpose = purpose;
    t->next = now + t->rto;
    return t;
}

/* RFC 8445 §14.3: RTO = MAX(500ms, Ta * N * (Num-Waiting + Num-In-Progress)); there is one checklist, so N is 1. */
static uint32_t check_rto(const so_ice *ice)
{
    uint32_t rto = 0;

    for (unsigned i = 0; i < ice->pair_count; i++)
        if (!so_ice_pair_at(ice, i)->old &&
            (so_ice_pair_at(ice, i)->state == SO_ICE_WAITING || so_ice_pair_at(ice, i)->state == SO_ICE_IN_PROGRESS))
            rto += ice->config.pacing_ms;
    return rto > RTO_LEAST ? rto : RTO_LEAST;
}

static unsigned tries_of(const so_ice *ice, const so_ice_transaction *t)
{
    if (t->purpose == SO_ICE_CONSENT)
        return 1;
    return t->nominating && ice->config.tries > NOMINATION_TRIES ? NOMINATION_TRIES : ice->config.tries;
}

/* When t is sent again, or given up: RFC 8489 §6.2.1, the interval doubling, and no longer than its defaults take. */
static void set_next(const so_ice *ice, so_ice_transaction *t, so_msec now)
{
    so_msec end = t->began + SO_ICE_PATIENCE_MS;

    if (t->purpose == SO_ICE_CONSENT)
        t->next = now + SO_ICE_CONSENT_MS; /* RFC 7675 §5.1: never retransmitted */
    else if (t->sent < tries_of(ice, t))
        t->next = now + ((so_msec)t->rto << (t->sent - 1));
    else
        t->next = now + (so_msec)t->rto * (t->nominating ? NOMINATION_WAIT : LAST_WAIT);
    if (t->next > end)
        t->next = end;
}

bool so_ice_begin_check(so_ice *ice, so_msec now, uint8_t pair, bool nominating)
{
    so_ice_pair *p = so_ice_pair_at(ice, pair);
    so_ice_transaction *t;

    if (!nominating)
        so_ice_cancel_checks(ice, pair, now);
    t = begin(ice, now, SO_ICE_CHECK, p->base, pair);
    if (t == NULL)
        return false;
    p->queued = 0;
    if (!nominating && !p->valid)
        p->state = SO_ICE_IN_PROGRESS;
    t->nominating = nominating;
    t->rto = check_rto(ice);
    set_next(ice, t, now);
    return true;
}

bool so_ice_begin_consent(so_ice *ice, so_msec now, uint8_t pair)
{
    so_ice_transaction *t = begin(ice, now, SO_ICE_CONSENT, so_ice_pair_at(ice, pair)->base, pair);

    if (t == NULL)
        return false;
    set_next(ice, t, now);
    return true;
}

bool so_ice_begin_gather(so_ice *ice, so_msec now, uint8_t base, uint8_t server)
{
    so_ice_transaction *t;
    unsigned running = 0;

    for (unsigned i = 0; i < ice->transaction_count; i++)
        running += so_ice_transaction_at(ice, i)->purpose == SO_ICE_GATHER;
    if (running >= SO_ICE_GATHERING)
        return false;
    t = begin(ice, now, SO_ICE_GATHER, base, SO_ICE_NONE);
    if (t == NULL)
        return false;
    t->server = server;
    set_next(ice, t, now);
    ice->asked[base][server] = SO_ICE_ASKING;
    return true;
}

/* RFC 8445 §7.3.1.4: "the agent will not retransmit the request, will not treat the lack of response to be a failure,
 * but will wait the duration of the transaction timeout for a response". */
void so_ice_cancel_checks(so_ice *ice, uint8_t pair, so_msec now)
{
    for (unsigned i = 0; i < ice->transaction_count; i++) {
        so_ice_transaction *t = so_ice_transaction_at(ice, i);
        if (t->purpose != SO_ICE_CHECK || t->pair != pair || t->nominating || t->cancelled)
            continue;
        t->cancelled = true;
        t->due = false;
        t->next = t->began + SO_ICE_PATIENCE_MS;
        if (t->next <= now)
            t->purpose = SO_ICE_IDLE;
    }
}

void so_ice_free_transactions(so_ice *ice, uint8_t pair, bool checks_alone)
{
    for (unsigned i = 0; i < ice->transaction_count; i++) {
        so_ice_transaction *t = so_ice_transaction_at(ice, i);
        if (t->pair == pair && t->purpose != SO_ICE_GATHER &&
            (!checks_alone || (t->purpose == SO_ICE_CHECK && !t->nominating)))
            t->purpose = SO_ICE_IDLE;
    }
}

bool so_ice_is_nominating(const so_ice *ice)
{
    for (unsigned i = 0; i < ice->transaction_count; i++)
        if (so_ice_transaction_at(ice, i)->purpose == SO_ICE_CHECK && so_ice_transaction_at(ice, i)->nominating)
            return true;
    return false;
}

void so_ice_check_failed(so_ice *ice, so_ice_transaction *t)
{
    so_ice_pair *p = so_ice_pair_at(ice, t->pair);
    bool nominating = t->nominating, cancelled = t->cancelled;
    uint8_t pair = t->pair, best;

    t->purpose = SO_ICE_IDLE;
    if (cancelled)
        return;
    if (nominating) {
        /* Another valid pair gets its turn; where there is none, this one is tried again while consent lives. */
        p->valid = false;
        best = so_ice_best_valid(ice);
        p->valid = best == SO_ICE_NONE;
        if (!p->valid) {
            p->state = SO_ICE_PAIR_FAILED;
            so_ice_free_transactions(ice, pair, false);
        }
        return;
    }
    p->nominate = false;
    p->state = p->valid ? SO_ICE_SUCCEEDED : SO_ICE_PAIR_FAILED;
    if (!p->valid)
        so_ice_free_transactions(ice, pair, false);
}

void so_ice_time_out(so_ice *ice, so_msec now)
{
    for (unsigned i = 0; i < ice->transaction_count; i++) {
        so_ice_transaction *t = so_ice_transaction_at(ice, i);
        if (t->purpose == SO_ICE_IDLE || now < t->next)
            continue;
        if (!t->cancelled && t->sent < tries_of(ice, t) && now < t->began + SO_ICE_PATIENCE_MS) {
            t->sent++;
            t->due = true;
            set_next(ice, t, now);
            /* RFC 8445 §6.1.4.2 keeps its like frozen until it has failed, which may take 39 s; one interval without an
             * answer says enough. */
            if (t->purpose == SO_ICE_CHECK)
                so_ice_thaw(ice, t->pair);
        } else if (t->purpose == SO_ICE_CHECK) {
            so_ice_check_failed(ice, t);
        } else {
            if (t->purpose == SO_ICE_GATHER)
                ice->asked[t->base][t->server] = SO_ICE_ASKED;
            t->purpose = SO_ICE_IDLE;
        }
    }
}

static void check_triggered(so_ice *ice, so_msec now)
{
    uint8_t pair = so_ice_next_triggered(ice);

    /* What a peer's own check asks for does not wait for Ta, but no check may follow another sooner than this. */
    if (pair != SO_ICE_NONE && now >= ice->triggered_at)
        ice->triggered_at =
            now + (so_ice_begin_check(ice, now, pair, false) ? SO_ICE_LEAST_PACING_MS : ice->config.pacing_ms);
    if (so_ice_next_triggered(ice) != SO_ICE_NONE)
        so_ice_wake_at(ice, ice->triggered_at);
}

static void check_ordinary(so_ice *ice, so_msec now)
{
    uint8_t pair = so_ice_next_ordinary(ice);

    if (pair != SO_ICE_NONE && now >= ice->ordinary_at) {
        (void)so_ice_begin_check(ice, now, pair, false); /* no room: again after as long */
        ice->ordinary_at = now + ice->config.pacing_ms;
        pair = so_ice_next_ordinary(ice);
    }
    if (pair != SO_ICE_NONE)
        so_ice_wake_at(ice, ice->ordinary_at);
}

void so_ice_check(so_ice *ice, so_msec now)
{
    if (ice->closed || ice->failed || !ice->creds.remote_known)
        return;
    check_triggered(ice, now);
    /* RFC 8445 §8.1.2: once a pair is selected, the others are checked no more unless the peer asks for one. */
    if (ice->selected == SO_ICE_NONE)
        check_ordinary(ice, now);
}
