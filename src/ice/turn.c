#include "ice/turn_inside.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

#define RTO 500           /* milliseconds, RFC 8489 §6.2.1 */
#define TRIES 7           /* Rc */
#define LAST_WAIT 16      /* Rm */
#define STREAM_WAIT 39500 /* Ti, RFC 8489 §6.2.2 */
/* A peer that nothing went to for so long needs no permission any more. */
#define IDLE_MS TURN_PERMISSION_MS

so_status so_turn_new(so_turn **turn, const so_turn_config *config)
{
    so_turn *t;
    so_status status;

    *turn = NULL;
    if (config->family != 4 && config->family != 6)
        return SO_BAD_INPUT;
    t = calloc(1, sizeof *t);
    if (t == NULL)
        return SO_NO_MEMORY;
    status = so_stun_login_open(&t->login, config->username, config->credential);
    t->random = config->random;
    t->stream = config->stream;
    t->family = config->family;
    t->deadline = TURN_NEVER;
    t->next_number = TURN_FIRST_NUMBER;
    /* Taken here, so that no bytes of the stream make it necessary. */
    if (status == SO_OK && t->stream && (t->held = malloc(TURN_HELD_MAX)) == NULL)
        status = SO_NO_MEMORY;
    if (status == SO_OK)
        *turn = t;
    else
        so_turn_free(t);
    return status;
}

void so_turn_free(so_turn *t)
{
    if (t == NULL)
        return;
    so_stun_login_close(&t->login);
    free(t->held);
    so_wipe(t, sizeof *t);
    free(t);
}

so_turn_state so_turn_state_of(const so_turn *t)
{
    return t->state;
}

const so_address *so_turn_relayed(const so_turn *t)
{
    return &t->relayed;
}

const so_turn_failure *so_turn_failure_of(const so_turn *t)
{
    return t->state == SO_TURN_FAILED ? &t->failure : NULL;
}

so_msec so_turn_deadline(const so_turn *t)
{
    return t->deadline;
}

/* The one place where the state changes; why is for a reader with a debugger. */
static void set_state(so_turn *t, so_turn_state state, const char *why)
{
    (void)why;
    t->state = state;
}

/* What belonged to the allocation goes with it. */
static void forget(so_turn *t)
{
    memset(t->requests, 0, sizeof t->requests);
    memset(t->permissions, 0, sizeof t->permissions);
    memset(t->channels, 0, sizeof t->channels);
    memset(&t->relayed, 0, sizeof t->relayed);
    t->clearing = t->releasing = false;
}

void so_turn_fail(so_turn *t, const char *code, so_status status, const char *text)
{
    forget(t);
    t->failure.code = code;
    (void)so_fail(&t->failure.error, status, "relay", "%s", text);
    set_state(t, SO_TURN_FAILED, code);
}

void so_turn_break(so_turn *t, const char *code, const so_error *why)
{
    if (t->state == SO_TURN_RELEASED || t->state == SO_TURN_FAILED)
        return;
    so_turn_fail(t, code, why->status, why->text);
    so_turn_plan(t);
}

/* ---- requests ---- */

static void set_next(const so_turn *t, turn_request *r, so_msec now)
{
    if (t->stream)
        r->next = now + STREAM_WAIT;
    else if (r->sent < TRIES)
        r->next = now + ((so_msec)RTO << (r->sent - 1));
    else
        r->next = now + (so_msec)RTO * LAST_WAIT;
}

bool so_turn_again(so_turn *t, so_msec now, unsigned request)
{
    turn_request *r = &t->requests[request];

    r->live = r->due = so_random_fill(&t->random, r->id, sizeof r->id) == SO_OK;
    r->authenticated = t->login.key != NULL;
    r->sent = 1;
    set_next(t, r, now);
    if (!r->live && request == TURN_SESSION)
        so_turn_fail(t, "relay-failed", SO_CRYPTO,
                     "there is no randomness for a request to the relay; restart this program");
    return r->live;
}

bool so_turn_begin(so_turn *t, so_msec now, unsigned request, uint16_t method)
{
    t->requests[request] = (turn_request){.method = method};
    return so_turn_again(t, now, request);
}

void so_turn_start(so_turn *t, so_msec now)
{
    if (t->state != SO_TURN_AWAITS_START && t->state != SO_TURN_FAILED)
        return;
    forget(t);
    so_stun_login_forget(&t->login);
    t->held_len = t->skip = 0;
    t->cleared = false;
    set_state(t, SO_TURN_AWAITS_ALLOCATION, "started");
    (void)so_turn_begin(t, now, TURN_SESSION, SO_STUN_ALLOCATE);
    so_turn_plan(t);
}

void so_turn_lost(so_turn *t, so_msec now)
{
    forget(t);
    so_stun_login_forget(&t->login);
    set_state(t, SO_TURN_AWAITS_ALLOCATION, "the server does not know the allocation");
    (void)so_turn_begin(t, now, TURN_SESSION, SO_STUN_ALLOCATE);
}

void so_turn_probe(so_turn *t, so_msec now)
{
    if (t->state != SO_TURN_ALLOCATED || t->requests[TURN_SESSION].live)
        return;
    (void)so_turn_begin(t, now, TURN_SESSION, SO_STUN_REFRESH);
    so_turn_plan(t);
}

void so_turn_release(so_turn *t, so_msec now)
{
    bool there = t->state == SO_TURN_ALLOCATED;

    if (t->state == SO_TURN_RELEASED)
        return;
    forget(t);
    set_state(t, SO_TURN_RELEASED, "given back");
    t->releasing = there;
    if (there)
        (void)so_turn_begin(t, now, TURN_SESSION, SO_STUN_REFRESH);
    so_turn_plan(t);
}

static void put_what(const so_turn *t, unsigned request, so_writer *w)
{
    const turn_channel *c = request < TURN_FIRST_CHANNEL ? NULL : &t->channels[request - TURN_FIRST_CHANNEL];

    switch (t->requests[request].method) {
    case SO_STUN_ALLOCATE:
        so_stun_put_u32(w, SO_STUN_REQUESTED_TRANSPORT, 17U << 24); /* UDP, RFC 8656 §18.7 */
        if (t->family == 6)
            so_stun_put_u32(w, SO_STUN_REQUESTED_ADDRESS_FAMILY, 2U << 24);
        break;
    case SO_STUN_REFRESH:
        if (t->releasing || t->clearing)
            so_stun_put_u32(w, SO_STUN_LIFETIME, 0);
        break;
    case SO_STUN_CREATE_PERMISSION:
        so_stun_put_xor_address(w, SO_STUN_XOR_PEER_ADDRESS, &t->permissions[request - TURN_FIRST_PERMISSION].ip);
        break;
    case SO_STUN_CHANNEL_BIND:
        so_stun_put_u32(w, SO_STUN_CHANNEL_NUMBER, (uint32_t)c->number << 16);
        so_stun_put_xor_address(w, SO_STUN_XOR_PEER_ADDRESS, &c->peer);
        break;
    default:
        break;
    }
}

bool so_turn_transmit(so_turn *t, uint8_t out[SO_TURN_REQUEST], size_t *len)
{
    _Static_assert(SO_STUN_HEADER + 8 + 24 + SO_STUN_LOGIN_MAX <= SO_TURN_REQUEST, "every request fits");

    for (unsigned i = 0; i < TURN_REQUESTS; i++) {
        turn_request *r = &t->requests[i];
        so_writer w = so_writer_of(out, SO_TURN_REQUEST);

        if (!r->live || !r->due)
            continue;
        r->due = false;
        so_stun_begin(&w, SO_STUN_REQUEST, r->method, r->id);
        put_what(t, i, &w);
        if (t->releasing) { /* the last word: its answer is not waited for */
            forget(t);
            so_turn_plan(t);
        }
        if (so_stun_login_sign(&t->login, &w) != SO_OK)
            continue; /* it will be given up, or tried again */
        *len = so_writer_len(&w);
        return true;
    }
    return false;
}

/* ---- permissions and channels ---- */

static bool covers(const turn_permission *p, const so_address *peer)
{
    return p->used && so_address_same_ip(&p->ip, peer);
}

turn_permission *so_turn_permission_of(so_turn *t, const so_address *peer)
{
    for (unsigned i = 0; i < TURN_PERMISSIONS; i++)
        if (covers(&t->permissions[i], peer))
            return &t->permissions[i];
    return NULL;
}

turn_channel *so_turn_channel_of(so_turn *t, const so_address *peer)
{
    for (unsigned i = 0; i < TURN_CHANNELS; i++)
        if (t->channels[i].used && so_address_equal(&t->channels[i].peer, peer))
            return &t->channels[i];
    return NULL;
}

/* ---- time ---- */

static void time_out(so_turn *t, unsigned request)
{
    static const char silent[] = "the relay does not answer; who runs the server should look after its TURN server";

    t->requests[request].live = false;
    if (request == TURN_SESSION) {
        if (t->state != SO_TURN_RELEASED)
            so_turn_fail(t, "relay-unreachable", SO_IO, silent);
    } else if (request < TURN_FIRST_CHANNEL) {
        t->permissions[request - TURN_FIRST_PERMISSION].used = false; /* asked for anew when it is needed */
    } else if (!t->channels[request - TURN_FIRST_CHANNEL].bound) {
        t->channels[request - TURN_FIRST_CHANNEL].used = false;
    }
}

static void renew_permission(so_turn *t, so_msec now, unsigned i)
{
    turn_permission *p = &t->permissions[i];

    if (!p->used || t->requests[TURN_FIRST_PERMISSION + i].live)
        return;
    if (now >= p->until)
        p->used = false;
    else if (p->granted && now >= p->renew_at && now < p->used_at + IDLE_MS)
        (void)so_turn_begin(t, now, TURN_FIRST_PERMISSION + i, SO_STUN_CREATE_PERMISSION);
    else if (p->granted && now >= p->renew_at)
        p->renew_at = p->until; /* unused: it may lapse */
}

static void renew_channel(so_turn *t, so_msec now, unsigned i)
{
    turn_channel *c = &t->channels[i];

    if (!c->used || t->requests[TURN_FIRST_CHANNEL + i].live)
        return;
    if (now >= c->until + TURN_CHANNEL_REST_MS) {
        c->used = false;
    } else if (c->bound && now >= c->until) {
        c->bound = false;
    } else if (c->bound && now >= c->renew_at) {
        c->renew_at = c->until;
        if (now < c->used_at + IDLE_MS)
            (void)so_turn_begin(t, now, TURN_FIRST_CHANNEL + i, SO_STUN_CHANNEL_BIND);
    }
}

void so_turn_tick(so_turn *t, so_msec now)
{
    for (unsigned i = 0; i < TURN_REQUESTS; i++) {
        turn_request *r = &t->requests[i];

        if (!r->live || now < r->next)
            continue;
        if (t->stream || r->sent >= TRIES) {
            time_out(t, i);
            continue;
        }
        r->sent++;
        r->due = true;
        set_next(t, r, now);
    }
    if (t->state == SO_TURN_ALLOCATED && now >= t->renew_at && !t->requests[TURN_SESSION].live)
        (void)so_turn_begin(t, now, TURN_SESSION, SO_STUN_REFRESH);
    for (unsigned i = 0; t->state == SO_TURN_ALLOCATED && i < TURN_PERMISSIONS; i++)
        renew_permission(t, now, i);
    for (unsigned i = 0; t->state == SO_TURN_ALLOCATED && i < TURN_CHANNELS; i++)
        renew_channel(t, now, i);
    so_turn_plan(t);
}

static void sooner(so_turn *t, so_msec when)
{
    if (when < t->deadline)
        t->deadline = when;
}

void so_turn_plan(so_turn *t)
{
    t->deadline = TURN_NEVER;
    for (unsigned i = 0; i < TURN_REQUESTS; i++)
        if (t->requests[i].live)
            sooner(t, t->requests[i].next);
    if (t->state != SO_TURN_ALLOCATED)
        return;
    if (!t->requests[TURN_SESSION].live)
        sooner(t, t->renew_at);
    for (unsigned i = 0; i < TURN_PERMISSIONS; i++) {
        const turn_permission *p = &t->permissions[i];

        if (p->used && !t->requests[TURN_FIRST_PERMISSION + i].live)
            sooner(t, p->granted && p->renew_at < p->until ? p->renew_at : p->until);
    }
    for (unsigned i = 0; i < TURN_CHANNELS; i++) {
        const turn_channel *c = &t->channels[i];

        if (!c->used || t->requests[TURN_FIRST_CHANNEL + i].live)
            continue;
        if (c->bound)
            sooner(t, c->renew_at < c->until ? c->renew_at : c->until);
        else
            sooner(t, c->until + TURN_CHANNEL_REST_MS);
    }
}
