/* Paths under attack: media from elsewhere, forged STUN, too many candidates, storms of datagrams, a peer gone mute. */
#include "attack/native.h"
#include "peer/inside.h"

#include "ice/ice_inside.h"
#include "stun/build.h"

#include <dlfcn.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* ---- what costs: counted, since time would measure the machine ---- */

static uint64_t macs, associations, allocations;

#define SHOWN __attribute__((visibility("default")))

SHOWN int EVP_MAC_final(EVP_MAC_CTX *ctx, unsigned char *out, size_t *len, size_t cap)
{
    static int (*real)(EVP_MAC_CTX * ctx, unsigned char *out, size_t *len, size_t cap);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "EVP_MAC_final");
    macs++;
    return real(ctx, out, len, cap);
}

SHOWN SSL *SSL_new(SSL_CTX *ctx)
{
    static SSL *(*real)(SSL_CTX * ctx);

    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "SSL_new");
    associations++;
    return real(ctx);
}

#if defined(__GLIBC__) && !defined(SANITIZED)
#define COUNTS_ALLOCATIONS 1
extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t count, size_t len);
extern void *__libc_realloc(void *old, size_t len);

SHOWN void *malloc(size_t len)
{
    allocations++;
    return __libc_malloc(len);
}

SHOWN void *calloc(size_t count, size_t len)
{
    allocations++;
    return __libc_calloc(count, len);
}

SHOWN void *realloc(void *old, size_t len)
{
    allocations++;
    return __libc_realloc(old, len);
}
#else
#define COUNTS_ALLOCATIONS 0
#endif

/* ---- Attack 13: RTP bleed ---- */

typedef struct bleed {
    native_datagram last; /* of media, by end 0 */
    bool steals;          /* and it does not arrive by itself */
    unsigned elsewhere;   /* media that end 1 sent to anybody but end 0 */
} bleed;

static bool watch_bleed(native *n, native_datagram *d)
{
    bleed *b = n->user;

    if (d->kind != SO_DEMUX_RTP && d->kind != SO_DEMUX_RTCP)
        return true;
    if (d->from == 1) {
        b->elsewhere += !so_address_equal(&d->target, &n->ends[0].base);
        return true;
    }
    b->last = *d;
    return !b->steals;
}

static void an_address_is_never_learnt_from_media(void **state)
{
    const so_address thieves[] = {native_address("192.0.2.66", 4444), native_address("10.0.0.1", 5001),
                                  native_address("10.0.0.2", 5000), native_address("2001:db8::66", 5000)};
    const size_t count = sizeof thieves / sizeof *thieves;
    so_peer_facts before, after;
    bleed b = {.steals = false};
    unsigned frames;
    native n;

    (void)state;
    native_open(&n, 1, 0);
    n.user = &b;
    n.tap = watch_bleed;
    assert_they_hear_each_other(&n);
    so_peer_facts_of(n.ends[1].peer, &before);
    frames = n.ends[1].frames;
    b.steals = true;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(native_send(&n, 0), SO_OK);
        native_run(&n, 20);
        /* the true packet, which has not been there yet, from another source; and some of its own making */
        native_inject(&n, 1, &thieves[i % count], b.last.bytes, b.last.len);
        b.last.bytes[20] ^= 1;
        native_inject(&n, 1, &thieves[i % count], b.last.bytes, b.last.len);
        b.last.bytes[20] ^= 1;
        assert_int_equal(native_send(&n, 1), SO_OK);
        native_run(&n, 1);
    }
    so_peer_facts_of(n.ends[1].peer, &after);
    assert_int_equal(after.stray - before.stray, 400);
    assert_int_equal(after.received.unprotected_rtp, before.received.unprotected_rtp);
    assert_int_equal(after.received.auth_failed, before.received.auth_failed); /* no cipher was spent on them */
    assert_int_equal(n.ends[1].frames, frames);
    assert_int_equal(b.elsewhere, 0);
    /* The last of them is what it was: from where ICE validated it, it is taken. */
    native_inject(&n, 1, &b.last.source, b.last.bytes, b.last.len);
    so_peer_facts_of(n.ends[1].peer, &after);
    assert_int_equal(after.received.unprotected_rtp + after.received.unprotected_rtcp,
                     before.received.unprotected_rtp + before.received.unprotected_rtcp + 1);
    b.steals = false;
    native_run(&n, 300);
    n.ends[1].lost = 0;
    assert_they_hear_each_other(&n);
    assert_int_equal(b.elsewhere, 0);
    native_end_all(&n);
}

/* ---- Attack 14: forged STUN ---- */

#define THIEF "192.0.2.66"
#define GUESS "0123456789012345678901"

/* A request as an end would get it, signed with pwd, or not at all. */
static size_t make_request(uint8_t out[300], const char *own_ufrag, const char *their_ufrag, const char *pwd,
                           bool controlling)
{
    so_writer w = so_writer_of(out, 300);
    so_hmac *key = NULL;
    char name[200];

    (void)snprintf(name, sizeof name, "%s:%s", own_ufrag, their_ufrag);
    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, (const uint8_t *)"forged forge");
    so_stun_put(&w, SO_STUN_USERNAME, name, strlen(name));
    so_stun_put_u32(&w, SO_STUN_PRIORITY, 0x7effffff);
    so_stun_put_u64(&w, controlling ? SO_STUN_ICE_CONTROLLING : SO_STUN_ICE_CONTROLLED, UINT64_MAX);
    if (controlling)
        so_stun_put(&w, SO_STUN_USE_CANDIDATE, NULL, 0);
    if (pwd != NULL)
        assert_int_equal(so_hmac_sha1_new(&key, (so_slice){pwd, strlen(pwd)}), SO_OK);
    assert_int_equal(so_stun_end(&w, key, true), SO_OK);
    so_hmac_free(key);
    return so_writer_len(&w);
}

/* An answer to a request that was seen on the wire; error 0: success. */
static size_t make_answer(uint8_t out[300], const uint8_t *request, uint16_t error, const so_address *mapped,
                          const char *pwd)
{
    so_writer w = so_writer_of(out, 300);
    so_hmac *key = NULL;

    so_stun_begin(&w, error == 0 ? SO_STUN_SUCCESS : SO_STUN_ERROR, SO_STUN_BINDING, request + 8);
    if (error == 0)
        so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, mapped);
    else
        so_stun_put_error(&w, error, "forged");
    if (pwd != NULL)
        assert_int_equal(so_hmac_sha1_new(&key, (so_slice){pwd, strlen(pwd)}), SO_OK);
    assert_int_equal(so_stun_end(&w, key, true), SO_OK);
    so_hmac_free(key);
    return so_writer_len(&w);
}

static void forged_requests_are_not_answered_and_make_nobody_count(void **state)
{
    const so_address thief = native_address(THIEF, 4444);
    uint8_t bytes[300];
    size_t len;
    native n;

    (void)state;
    native_open(&n, 2, 0);
    for (unsigned victim = 0; victim < 2; victim++) {
        native_end *e = &n.ends[victim];
        const so_ice *ice = e->peer->ice;
        const char *own = so_ice_ufrag(ice), *theirs = so_ice_ufrag(n.ends[1 - victim].peer->ice);
        const char *passwords[] = {NULL, GUESS, so_ice_pwd(n.ends[1 - victim].peer->ice), ""};
        bool controlling = so_ice_is_controlling(ice);
        uint64_t sent = e->sent[SO_DEMUX_STUN];

        for (size_t i = 0; i < 8; i++) { /* from elsewhere, and from the true address: not so much as a 401 */
            len = make_request(bytes, own, theirs, passwords[i % 4], i & 4);
            native_inject(&n, victim, i & 1 ? &n.ends[1 - victim].base : &thief, bytes, len);
            (void)native_carry(&n, victim);
        }
        assert_int_equal(e->sent[SO_DEMUX_STUN], sent);
        assert_false(so_ice_counts(ice, &e->base, &thief));
        assert_int_equal(so_ice_is_controlling(ice), controlling);
        /* with the victim's own password, which its description told the other end alone, it is another matter */
        len = make_request(bytes, own, theirs, so_ice_pwd(ice), !controlling);
        native_inject(&n, victim, &thief, bytes, len);
        assert_true(so_ice_counts(ice, &e->base, &thief));
        assert_true(native_carry(&n, victim));
        assert_true(e->sent[SO_DEMUX_STUN] > sent);
    }
    assert_they_hear_each_other(&n);
    native_end_all(&n);
}

/* What an attacker on the path makes of a request that it sees and holds back. */
typedef struct forger {
    uint16_t error;
    const char *pwd;
    bool from_elsewhere;
    unsigned forged;
} forger;

static bool forge_answers(native *n, native_datagram *d)
{
    const forger *f = n->user;
    const so_address thief = native_address(THIEF, 4444);
    so_stun_message m;
    uint8_t bytes[300];
    size_t len;

    if (d->kind != SO_DEMUX_STUN || so_stun_parse(&m, d->bytes, d->len) != SO_OK)
        return true;
    if (m.kind != SO_STUN_REQUEST)
        return false; /* no true answer arrives */
    len = make_answer(bytes, d->bytes, f->error, &thief, f->pwd);
    ((forger *)n->user)->forged++;
    native_inject(n, d->from, f->from_elsewhere ? &thief : &d->target, bytes, len);
    return true;
}

static void forged_answers_make_no_path_and_change_no_role(void **state)
{
    static const forger all[] = {
        {0, NULL, false, 0},    {0, GUESS, false, 0},  {0, GUESS, true, 0},   {487, NULL, false, 0},
        {487, GUESS, false, 0}, {403, NULL, false, 0}, {400, GUESS, true, 0}, {420, NULL, false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        forger f = all[i];
        native n;

        native_begin(&n, 10 + i);
        n.user = &f;
        n.tap = forge_answers;
        assert_true(native_negotiate(&n, 0));
        native_run(&n, 5000);
        assert_true(f.forged > 5);
        for (unsigned e = 0; e < 2; e++) {
            assert_int_equal(so_peer_state_of(n.ends[e].peer), SO_PEER_AWAITS_PATH);
            assert_int_equal(n.ends[e].sent[SO_DEMUX_DTLS], 0);
            assert_no_media(&n, e);
            assert_int_equal(so_ice_is_controlling(n.ends[e].peer->ice), e == 0);
            for (size_t k = 0; k < n.ends[e].peer->ice->local_count; k++) /* the address that it named is nobody's */
                assert_int_not_equal(so_ice_local_at(n.ends[e].peer->ice, k)->address.port, 4444);
        }
        /* Nothing of it is left behind: with true answers there is a path. */
        n.tap = NULL;
        native_run(&n, 20000);
        assert_true(native_is_open(&n));
        native_end_all(&n);
    }
}

/* In mid-call: the true answers are held back, and consent is forged. RFC 7675 §5.1: 30 seconds, and no longer. */
static void consent_is_not_to_be_forged_and_media_alone_is_none(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        forger f = {.pwd = i == 0 ? NULL : GUESS, .from_elsewhere = i == 2};
        so_msec began, last = 0;
        native n;

        native_open(&n, 20 + (uint64_t)i, 0);
        native_run(&n, 100);
        n.user = &f;
        n.tap = forge_answers;
        began = sim_now();
        while (sim_now() < began + 60000) {
            bool sent = native_send(&n, 0) == SO_OK;

            (void)native_send(&n, 1); /* the other end's media still comes, and is no consent */
            last = sent ? sim_now() : last;
            native_run(&n, 20);
        }
        assert_true(f.forged > 3);
        assert_true(last <= began + 30000);
        assert_true(last >= began + 24000);
        assert_int_equal(so_peer_ice(n.ends[0].peer), SO_ICE_FAILED);
        assert_int_equal(native_send(&n, 0), SO_NOT_FOUND);
        native_end_all(&n);
    }
}

static bool mute_one(native *n, native_datagram *d)
{
    (void)n;
    return d->from != 1;
}

static void a_mute_peer_is_sent_nothing_after_30_seconds(void **state)
{
    uint64_t media;
    so_msec began, last = 0;
    native n;

    (void)state;
    native_open(&n, 30, 0);
    assert_they_hear_each_other(&n);
    n.tap = mute_one;
    began = sim_now();
    while (sim_now() < began + 40000) {
        media = native_media(&n.ends[0]);
        (void)native_send(&n, 0);
        native_run(&n, 20);
        if (native_media(&n.ends[0]) > media)
            last = sim_now();
    }
    assert_true(last > began + 24000 && last <= began + 30020);
    media = native_media(&n.ends[0]);
    native_run(&n, 60000);
    assert_int_equal(native_media(&n.ends[0]), media); /* reports neither */
    native_end_all(&n);
}

static unsigned elsewhere;
static so_msec blocked_until;
static so_address targets[2000];

static bool note_targets(native *n, native_datagram *d)
{
    if (d->from != 0 || so_address_equal(&d->target, &n->ends[1].base))
        return sim_now() >= blocked_until; /* so that the others have their turn */
    assert_int_equal(d->kind, SO_DEMUX_STUN);
    elsewhere++;
    for (unsigned i = 0; i < 2000; i++) {
        if (targets[i].family == 0)
            targets[i] = d->target;
        if (so_address_equal(&targets[i], &d->target))
            break;
    }
    return true;
}

/* A peer that has others besieged: each candidate is somebody whom checks would go to. */
static void a_flood_of_candidates_is_capped(void **state)
{
    unsigned different = 0;
    native n;

    (void)state;
    elsewhere = 0;
    memset(targets, 0, sizeof targets);
    native_begin(&n, 31);
    blocked_until = sim_now() + 15000;
    n.tap = note_targets;
    assert_true(native_negotiate(&n, 0));
    for (unsigned i = 0; i < 10000; i++) {
        char line[200];

        (void)snprintf(line, sizeof line, "candidate:%u 1 udp %u 198.51.%u.%u 9 typ host", i, 2000000000 + i,
                       i / 250 % 250, i % 250 + 1);
        assert_int_equal(so_peer_add_candidate(n.ends[0].peer, sim_now(), line, NULL), SO_OK);
    }
    native_run(&n, 60000);
    while (different < 2000 && targets[different].family != 0)
        different++;
    assert_true(different > 0);
    assert_true(different <= SO_ICE_REMOTES);
    assert_true(elsewhere <= 7 * SO_ICE_PAIRS);
    assert_true(native_is_open(&n)); /* and the true one was found all the same */
    native_end_all(&n);
}

/* ---- Attack 20: storms ---- */

#define STORM 200000

static size_t make_storm(uint8_t out[300], unsigned i, const char *own_ufrag, uint64_t *right_names)
{
    so_random random = sim_random();
    size_t len = 20 + i % 200;

    assert_int_equal(so_random_fill(&random, out, 300), SO_OK);
    switch (i % 5) {
    case 0: /* noise */
        break;
    case 1: /* DTLS: a record of a handshake */
        memcpy(out, "\x16\xfe\xfd\0\0\0\0\0\0\0\0", 11);
        break;
    case 2:
        out[0] = 0x80;
        out[1] = i % 2 ? 111 : 200;
        break;
    case 3: /* STUN with another's name */
        return make_request(out, "nobody", "else", NULL, true);
    default: /* and a fiftieth of all with the right one, which is as far as a stranger who has seen one can come */
        if (i % 50 != 4)
            return make_request(out, "nobody", "else", NULL, false);
        ++*right_names;
        return make_request(out, own_ufrag, "else", NULL, false);
    }
    return len;
}

static void a_storm_costs_next_to_nothing_and_a_call_goes_on_in_it(void **state)
{
    static uint8_t storm[500][300];
    static size_t lens[500];
    uint64_t right_names = 0, macs_before, associations_before, spent_macs = 0, spent_allocations = 0, strays;
    unsigned frames;
    so_peer_facts facts;
    native n;

    (void)state;
    native_open(&n, 40, 0);
    assert_they_hear_each_other(&n);
    for (unsigned i = 0; i < 500; i++)
        lens[i] = make_storm(storm[i], i, so_ice_ufrag(n.ends[0].peer->ice), &right_names);
    so_peer_facts_of(n.ends[0].peer, &facts);
    strays = facts.stray;
    frames = n.ends[0].frames;
    associations_before = associations;
    for (unsigned i = 0; i < STORM; i++) {
        const so_address from =
            so_address_of((const uint8_t[]){192, 0, (uint8_t)(i >> 8), (uint8_t)i}, 4, (uint16_t)(1 + i % 60000));
        uint64_t before = allocations;

        macs_before = macs;
        so_peer_receive(n.ends[0].peer, sim_now(), &n.ends[0].base, &from, storm[i % 500], lens[i % 500]);
        spent_macs += macs - macs_before;
        spent_allocations += allocations - before;
        if (i % 1000 == 0) {
            assert_int_equal(native_send(&n, 1), SO_OK);
            native_run(&n, 20);
        }
    }
    native_run(&n, 200);
    so_peer_facts_of(n.ends[0].peer, &facts);
    assert_true(COUNTS_ALLOCATIONS == 0 || allocations > 1000); /* they are counted */
    assert_true(macs > 10);
    assert_int_equal(spent_allocations, 0);
    assert_int_equal(associations, associations_before);
    assert_true(spent_macs <= right_names * (STORM / 500));
    assert_true(facts.stray - strays > STORM / 5 * 2);
    assert_int_equal(facts.received.auth_failed, 0);
    assert_int_equal(n.ends[0].frames, frames + STORM / 1000);
    assert_they_hear_each_other(&n);
    native_end_all(&n);
}

/* The same before anything is agreed on: no memory is taken for what may be a first flight of nobody. */
static void a_storm_before_the_call_is_as_cheap(void **state)
{
    uint64_t before, right_names = 0;
    uint8_t bytes[300];
    native n;

    (void)state;
    native_begin(&n, 41);
    native_settle(&n);
    for (unsigned i = 0; i < STORM / 10; i++) {
        const so_address from = so_address_of((const uint8_t[]){192, 0, 2, (uint8_t)i}, 4, (uint16_t)(1 + i % 60000));
        size_t len = make_storm(bytes, i, "nobody", &right_names);

        before = allocations;
        so_peer_receive(n.ends[i % 2].peer, sim_now(), &n.ends[i % 2].base, &from, bytes, len);
        assert_int_equal(allocations, before);
    }
    assert_null(n.ends[0].peer->dtls);
    assert_null(n.ends[0].peer->early.bytes);
    assert_true(native_negotiate(&n, 0));
    native_run(&n, 500);
    assert_true(native_is_open(&n));
    assert_they_hear_each_other(&n);
    native_end_all(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_never_learnt_from_media),
        cmocka_unit_test(forged_requests_are_not_answered_and_make_nobody_count),
        cmocka_unit_test(forged_answers_make_no_path_and_change_no_role),
        cmocka_unit_test(consent_is_not_to_be_forged_and_media_alone_is_none),
        cmocka_unit_test(a_mute_peer_is_sent_nothing_after_30_seconds),
        cmocka_unit_test(a_flood_of_candidates_is_capped),
        cmocka_unit_test(a_storm_costs_next_to_nothing_and_a_call_goes_on_in_it),
        cmocka_unit_test(a_storm_before_the_call_is_as_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
