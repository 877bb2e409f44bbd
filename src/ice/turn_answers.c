/* What the server answers: challenges, grants, refusals. */
#include "ice/turn_inside.h"

#include <string.h>

#define CHALLENGES 4
/* An allocation that lasts no longer than this is of no use. */
#define SHORTEST_LIFETIME 30
/* It is renewed so many seconds before its end, or at half of a short life. */
#define RENEW_BEFORE 60

typedef struct reason {
    uint16_t error;
    const char *code, *text;
} reason;

static const char malformed[] = "what the relay answers makes no sense; who runs the server should look after it";

/* What each refusal means to a person (RFC 8656 §19). */
static const reason reasons[] = {
    {SO_STUN_TRY_ALTERNATE, "relay-elsewhere",
     "the relay sends us to another server, which is not followed: the certificate and the credential are for this "
     "one; "
     "have the other one named by the signaling server"},
    {SO_STUN_FORBIDDEN, "relay-refused", "the relay's rules forbid what was asked; who runs it can change them"},
    {SO_STUN_ALLOCATION_MISMATCH, "relay-refused",
     "the relay has an older allocation for this socket; it is free again in ten minutes, or from another port at "
     "once"},
    {SO_STUN_ADDRESS_FAMILY, "relay-refused",
     "the relay has no address of this family (IPv4 or IPv6); who runs it can give it one"},
    {SO_STUN_WRONG_CREDENTIALS, "relay-credentials",
     "the relay keeps an allocation for this socket that other credentials made; it is free again in ten minutes"},
    {SO_STUN_UNSUPPORTED_TRANSPORT, "relay-refused", "the relay does not relay UDP; who runs it can change that"},
    {SO_STUN_QUOTA_REACHED, "relay-quota",
     "the relay has given this user as many allocations as it may have; end other calls, or wait ten minutes"},
    {SO_STUN_NO_CAPACITY, "relay-quota", "the relay is full; try again later, or have another one named"},
};

static void refuse(so_turn *t, uint16_t error)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
        if (reasons[i].error == error) {
            so_turn_fail(t, reasons[i].code, SO_REFUSED, reasons[i].text);
            return;
        }
    so_turn_fail(t, "relay-refused", SO_REFUSED,
                 "the relay refused for a reason that this version does not know; who runs it finds it in its log");
}

static uint32_t number_of(const so_stun_message *m, uint16_t type)
{
    so_slice value = so_stun_find(m, type);
    so_reader r = so_reader_of(value.bytes, value.len);
    uint32_t number = so_read_u32(&r);

    return r.failed ? 0 : number;
}

/* false: it is too short to live with. */
static bool set_lifetime(so_turn *t, so_msec now, const so_stun_message *m)
{
    uint32_t seconds = number_of(m, SO_STUN_LIFETIME);

    if (seconds < SHORTEST_LIFETIME)
        return false;
    t->renew_at = now + (so_msec)1000 * (seconds > 2 * RENEW_BEFORE ? seconds - RENEW_BEFORE : seconds / 2);
    return true;
}

static void take_allocation(so_turn *t, so_msec now, const so_stun_message *m)
{
    so_address relayed = {0};

    if (so_stun_xor_address_of(m, so_stun_find(m, SO_STUN_XOR_RELAYED_ADDRESS), &relayed) != SO_OK ||
        relayed.family != t->family || relayed.port == 0 || !set_lifetime(t, now, m)) {
        so_turn_fail(t, "relay-malformed", SO_BAD_INPUT, malformed);
        return;
    }
    t->relayed = relayed;
    t->cleared = false;
    t->state = SO_TURN_ALLOCATED;
}

static void take_success(so_turn *t, so_msec now, const so_stun_message *m, unsigned request)
{
    turn_permission *p;
    turn_channel *c;

    switch (t->requests[request].method) {
    case SO_STUN_ALLOCATE:
        take_allocation(t, now, m);
        break;
    case SO_STUN_REFRESH:
        if (t->clearing)
            so_turn_lost(t, now);
        else if (!set_lifetime(t, now, m))
            so_turn_fail(t, "relay-malformed", SO_BAD_INPUT, malformed);
        break;
    case SO_STUN_CREATE_PERMISSION:
        p = &t->permissions[request - TURN_FIRST_PERMISSION];
        p->granted = true;
        p->renew_at = now + TURN_RENEW_MS;
        p->until = now + TURN_PERMISSION_MS;
        break;
    case SO_STUN_CHANNEL_BIND:
        c = &t->channels[request - TURN_FIRST_CHANNEL];
        c->bound = true;
        c->renew_at = now + TURN_RENEW_MS;
        c->until = now + TURN_CHANNEL_MS;
        break;
    default:
        break;
    }
}

/* Of the allocation itself. */
static void take_session_error(so_turn *t, so_msec now, uint16_t method, uint16_t error)
{
    if (t->clearing) {
        so_turn_lost(t, now); /* nothing is there to give back, or not to us: the next answer says so */
    } else if (method == SO_STUN_REFRESH && error == SO_STUN_ALLOCATION_MISMATCH) {
        so_turn_lost(t, now);
    } else if (error == SO_STUN_ALLOCATION_MISMATCH && !t->cleared && !t->stream) {
        /* RFC 8656 §7.4: another socket would do. Ours is one that the call before this one had, which is gone. */
        t->clearing = t->cleared = true;
        (void)so_turn_begin(t, now, TURN_SESSION, SO_STUN_REFRESH);
    } else {
        refuse(t, error);
    }
}

static void take_error(so_turn *t, so_msec now, const so_stun_message *m, unsigned request)
{
    if (request == TURN_SESSION) {
        take_session_error(t, now, t->requests[request].method, m->error);
    } else if (m->error == SO_STUN_ALLOCATION_MISMATCH) {
        so_turn_lost(t, now);
    } else if (request < TURN_FIRST_CHANNEL) {
        /* That peer's address is denied: not to be asked for again at every check. */
        turn_permission *p = &t->permissions[request - TURN_FIRST_PERMISSION];

        p->granted = false;
        p->refused = true;
        p->until = now + TURN_PERMISSION_MS;
    } else {
        /* Datagrams go as Send indications, which is all that is lost. */
        turn_channel *c = &t->channels[request - TURN_FIRST_CHANNEL];

        c->bound = false;
        c->refused = true;
        c->until = now;
    }
}

static void take_challenge(so_turn *t, so_msec now, const so_stun_message *m, unsigned request)
{
    turn_request *r = &t->requests[request];
    so_status status = r->challenges++ < CHALLENGES ? so_stun_login_challenge(&t->login, m) : SO_REFUSED;

    if (status == SO_OK)
        (void)so_turn_again(t, now, request);
    else if (status == SO_REFUSED && t->state == SO_TURN_ALLOCATED)
        so_turn_lost(t, now); /* it knew us before, and no longer does */
    else if (status == SO_REFUSED)
        so_turn_fail(t, "relay-credentials", SO_REFUSED,
                     "the relay does not take the credentials that the server made for it; join again, or have the "
                     "server's --turn-secret-file and the relay's static-auth-secret compared");
    else if (status == SO_BAD_INPUT)
        so_turn_fail(t, "relay-malformed", status, malformed);
    else
        so_turn_fail(t, "relay-failed", status,
                     "the relay's question for credentials can't be answered: there is no memory, or this OpenSSL does "
                     "without MD5; end other programs, or use an OpenSSL with its default provider");
}

/*
 * Only 401 and 438 come unsigned, and so does what answers a request that was (RFC 8489 §9.2.5). All other bytes are
 * thrown away, as if they had never come.
 */
void so_turn_take_answer(so_turn *t, so_msec now, const so_stun_message *m)
{
    unsigned request = 0;
    turn_request *r;

    while (request < TURN_REQUESTS && (!t->requests[request].live || t->requests[request].method != m->method ||
                                       memcmp(t->requests[request].id, m->id, SO_STUN_ID) != 0))
        request++;
    if (request == TURN_REQUESTS)
        return;
    r = &t->requests[request];
    if (m->kind == SO_STUN_ERROR && (m->error == SO_STUN_UNAUTHENTICATED || m->error == SO_STUN_STALE_NONCE)) {
        take_challenge(t, now, m, request);
    } else if (m->kind == SO_STUN_SUCCESS && !r->authenticated) {
        /* Who lets everybody in is no relay that was set up for us. */
        so_turn_fail(
            t, "relay-refused", SO_REFUSED,
            "the relay asks nobody for credentials, and is not used; set use-auth-secret in its configuration");
    } else if (r->authenticated && !so_stun_login_authentic(&t->login, m)) {
        return;
    } else if (m->kind == SO_STUN_SUCCESS && m->unknown_count == 0) {
        r->live = false;
        take_success(t, now, m, request);
    } else if (m->error != 0) {
        r->live = false;
        take_error(t, now, m, request);
    } else {
        return;
    }
    so_turn_plan(t);
}
