/*
 * Attack 23, where the server has the link as well: a man in the middle of both legs of a call, with certificates of
 * his own, who sees every message of the short string, makes or passes on what he likes, and waits on one leg until he
 * has seen the other. The two people get different strings, or the end that he lied to ends the call.
 */
#include "unit.h"

#include "trust/sas.h"

#define TRIES 10000

typedef struct message {
    uint8_t bytes[SO_SAS_MESSAGE_LEN];
    size_t len; /* 0: there is none */
} message;

/* One association between a victim and the man, or between the two victims. */
typedef struct leg {
    so_association victims, mans;
    so_sas victim, man;
    message out; /* what the victim said last */
} leg;

#define DRAWN NULL /* a nonce that the man does not choose */

/* A random source whose next bytes the man has chosen. */
static so_status give(void *user, uint8_t *out, size_t len)
{
    memcpy(out, user, len);
    return SO_OK;
}

static void fill(so_random *random, uint8_t *out, size_t len)
{
    assert_int_equal(so_random_fill(random, out, len), SO_OK);
}

static void leg_begin(leg *l, bool victim_is_client, so_random *random)
{
    fill(random, l->victims.client_fingerprint, SO_SHA256_LEN);
    fill(random, l->victims.server_fingerprint, SO_SHA256_LEN);
    fill(random, l->victims.client_sid, SO_SID_LEN);
    fill(random, l->victims.server_sid, SO_SID_LEN);
    l->mans = l->victims;
    l->victims.dtls_client = victim_is_client;
    l->mans.dtls_client = !victim_is_client;
    assert_int_equal(so_sas_begin(&l->victim, &l->victims, random, l->out.bytes, &l->out.len), SO_SAS_GOES_ON);
    assert_int_equal(l->out.len > 0, victim_is_client);
}

static so_sas_result tell(so_sas *sas, const message *in, message *out)
{
    message copy = *in;

    return so_sas_take(sas, copy.bytes, copy.len, out->bytes, &out->len);
}

/* The man begins on this leg with a nonce of his choice, or one that is drawn. He may as well do so late. */
static message man_begins(leg *l, const uint8_t *nonce, so_random *random)
{
    so_random chosen = {.fill = give, .user = (void *)nonce};
    message m;

    assert_int_equal(so_sas_begin(&l->man, &l->mans, nonce == DRAWN ? random : &chosen, m.bytes, &m.len),
                     SO_SAS_GOES_ON);
    return m;
}

/* Plays the leg to its end by the rules. saw: the victim's nonce, which was in the open. */
static void play(leg *l, const uint8_t *nonce, so_random *random, uint8_t saw[SO_SAS_NONCE_LEN])
{
    message m = man_begins(l, nonce, random);

    if (l->victims.dtls_client) {
        assert_int_equal(tell(&l->man, &l->out, &m), SO_SAS_GOES_ON);
        assert_int_equal(tell(&l->victim, &m, &l->out), SO_SAS_DONE);
        memcpy(saw, l->out.bytes + 1, SO_SAS_NONCE_LEN);
        assert_int_equal(tell(&l->man, &l->out, &m), SO_SAS_DONE);
    } else {
        assert_int_equal(tell(&l->victim, &m, &l->out), SO_SAS_GOES_ON);
        memcpy(saw, l->out.bytes + 1, SO_SAS_NONCE_LEN);
        assert_int_equal(tell(&l->man, &l->out, &m), SO_SAS_DONE);
        assert_int_equal(tell(&l->victim, &m, &l->out), SO_SAS_DONE);
    }
}

static void string_of(const so_sas *sas, uint8_t string[SO_SAS_LEN])
{
    assert_int_equal(so_sas_string(sas, string), SO_OK);
}

static void without_him_both_see_the_same(void **state)
{
    uint64_t seed = 1;
    so_random random = UNIT_RANDOM(&seed);
    uint8_t a[SO_SAS_LEN], b[SO_SAS_LEN], saw[SO_SAS_NONCE_LEN];

    (void)state;
    for (unsigned i = 0; i < TRIES; i++) {
        leg l;

        leg_begin(&l, i % 2 == 0, &random);
        play(&l, DRAWN, &random, saw);
        string_of(&l.victim, a);
        string_of(&l.man, b);
        assert_memory_equal(a, b, SO_SAS_LEN);
    }
}

/*
 * One try: the first leg to its end, and then the second, with a nonce that he draws or copies from the first. He knows
 * the first one's string before he begins on the second, and is bound there all the same.
 */
static unsigned try_once(unsigned roles, bool copy, so_random *random, bool *same)
{
    leg first, second;
    uint8_t a[SO_SAS_LEN], b[SO_SAS_LEN], saw[SO_SAS_NONCE_LEN], ignored[SO_SAS_NONCE_LEN];
    unsigned alike = 0;

    leg_begin(&first, (roles & 1) != 0, random);
    leg_begin(&second, (roles & 2) != 0, random);
    play(&first, DRAWN, random, saw);
    play(&second, copy ? saw : DRAWN, random, ignored);
    string_of(&first.victim, a);
    string_of(&second.victim, b);
    for (size_t i = 0; i < SO_SAS_LEN; i++)
        alike += a[i] == b[i];
    *same = alike == SO_SAS_LEN;
    return alike;
}

static void between_two_people_the_strings_differ(void **state)
{
    uint64_t seed = 23;
    so_random random = UNIT_RANDOM(&seed);

    (void)state;
    for (unsigned how = 0; how < 8; how++) {
        unsigned alike = 0, all = 0;

        for (unsigned i = 0; i < TRIES; i++) {
            bool same;

            alike += try_once(how & 3, (how & 4) != 0, &random, &same);
            all += same;
        }
        assert_int_equal(all, 0);
        /* One place in 256 is alike by chance: he does no better, and what is compared here are strings. */
        assert_in_range(alike, 4 * TRIES / 256 / 2, 4 * TRIES / 256 * 2);
    }
}

/* He passes everything on, so that both have the same nonces: the commitment was made for the other association. */
static void passed_on_the_commitment_breaks(void **state)
{
    uint64_t seed = 5;
    so_random random = UNIT_RANDOM(&seed);
    uint8_t string[SO_SAS_LEN];

    (void)state;
    for (unsigned i = 0; i < TRIES; i++) {
        leg ann, bob;
        message none;

        leg_begin(&ann, true, &random);
        leg_begin(&bob, false, &random);
        assert_int_equal(tell(&bob.victim, &ann.out, &bob.out), SO_SAS_GOES_ON);
        assert_int_equal(tell(&ann.victim, &bob.out, &ann.out), SO_SAS_DONE);
        assert_int_equal(tell(&bob.victim, &ann.out, &none), SO_SAS_COMMITMENT);
        assert_int_equal(so_sas_string(&bob.victim, string), SO_STATE);
    }
}

/*
 * He plays client to Bob and knows the string that Ann sees. Once he has Bob's nonce he looks for one of his own that
 * makes Bob's string begin as hers does; he finds it, and then it does not fit what he had committed to.
 */
static void a_nonce_chosen_late_does_not_fit(void **state)
{
    uint64_t seed = 77;
    so_random random = UNIT_RANDOM(&seed);
    uint8_t hers[SO_SAS_LEN], string[SO_SAS_LEN], saw[SO_SAS_NONCE_LEN];
    unsigned found = 0;

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        leg ann, bob;
        message commit, none, reveal = {.bytes = {0x03}, .len = SO_SAS_MESSAGE_LEN};

        leg_begin(&ann, true, &random);
        leg_begin(&bob, false, &random);
        play(&ann, DRAWN, &random, saw);
        string_of(&ann.victim, hers);
        commit = man_begins(&bob, DRAWN, &random);
        assert_int_equal(tell(&bob.victim, &commit, &bob.out), SO_SAS_GOES_ON);
        for (unsigned k = 0; k < 5000; k++) {
            leg guess = bob;

            fill(&random, reveal.bytes + 1, SO_SAS_NONCE_LEN);
            (void)man_begins(&guess, reveal.bytes + 1, &random);
            assert_int_equal(tell(&guess.man, &bob.out, &none), SO_SAS_DONE);
            string_of(&guess.man, string);
            if (string[0] == hers[0])
                break;
        }
        found += string[0] == hers[0];
        assert_int_equal(tell(&bob.victim, &reveal, &none), SO_SAS_COMMITMENT);
        assert_int_equal(so_sas_string(&bob.victim, string), SO_STATE);
    }
    assert_int_equal(found, 20);
}

/* What was said in an association before, between the same two ends: certificates may stay, sids never do. */
static void of_another_association_nothing_fits(void **state)
{
    uint64_t seed = 9;
    so_random random = UNIT_RANDOM(&seed);
    leg before, now;
    message commit, reveal, none;

    (void)state;
    leg_begin(&before, false, &random);
    commit = man_begins(&before, DRAWN, &random);
    assert_int_equal(tell(&before.victim, &commit, &before.out), SO_SAS_GOES_ON);
    assert_int_equal(tell(&before.man, &before.out, &reveal), SO_SAS_DONE);
    now = before; /* at the same place, and the same certificates */
    assert_int_equal(tell(&before.victim, &reveal, &none), SO_SAS_DONE);
    fill(&random, now.victims.client_sid, SO_SID_LEN);
    assert_int_equal(so_sas_begin(&now.victim, &now.victims, &random, now.out.bytes, &now.out.len), SO_SAS_GOES_ON);
    assert_int_equal(tell(&now.victim, &commit, &now.out), SO_SAS_GOES_ON);
    assert_int_equal(tell(&now.victim, &reveal, &none), SO_SAS_COMMITMENT);
}

/* No nonce of the server's before a commitment; no reveal of the client's before a nonce, and none twice. */
static void nobody_is_made_to_speak_first(void **state)
{
    uint64_t seed = 11;
    so_random random = UNIT_RANDOM(&seed);
    leg ann, bob;
    message reveal = {.bytes = {0x03}, .len = SO_SAS_MESSAGE_LEN}, nonce = {.bytes = {0x02}, .len = SO_SAS_MESSAGE_LEN};
    message out;

    (void)state;
    leg_begin(&bob, false, &random);
    assert_int_equal(tell(&bob.victim, &reveal, &out), SO_SAS_ORDER);
    assert_int_equal(out.len, 0);
    leg_begin(&ann, true, &random);
    assert_int_equal(tell(&ann.victim, &nonce, &out), SO_SAS_DONE);
    assert_int_equal(out.len, SO_SAS_MESSAGE_LEN);
    assert_int_equal(tell(&ann.victim, &nonce, &out), SO_SAS_ORDER);
    assert_int_equal(out.len, 0);
}

/* Her own words back to her, to both ends at every turn. */
static void reflected_it_is_seen(void **state)
{
    uint64_t seed = 13;
    so_random random = UNIT_RANDOM(&seed);
    leg ann, bob;
    message own, out;

    (void)state;
    leg_begin(&ann, true, &random);
    assert_int_equal(tell(&ann.victim, &ann.out, &out), SO_SAS_ORDER);
    leg_begin(&bob, false, &random);
    own = man_begins(&bob, DRAWN, &random);
    assert_int_equal(tell(&bob.victim, &own, &bob.out), SO_SAS_GOES_ON);
    assert_int_equal(tell(&bob.victim, &bob.out, &out), SO_SAS_ORDER);
    /* With the kind that fits, too. */
    leg_begin(&bob, false, &random);
    assert_int_equal(tell(&bob.victim, &own, &bob.out), SO_SAS_GOES_ON);
    bob.out.bytes[0] = 0x03;
    assert_int_equal(tell(&bob.victim, &bob.out, &out), SO_SAS_REFLECTED);
    /* And the certificate: a peer that is a mirror. */
    memcpy(bob.victims.client_fingerprint, bob.victims.server_fingerprint, SO_SHA256_LEN);
    assert_int_equal(so_sas_begin(&bob.victim, &bob.victims, &random, out.bytes, &out.len), SO_SAS_REFLECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_him_both_see_the_same),
        cmocka_unit_test(between_two_people_the_strings_differ),
        cmocka_unit_test(passed_on_the_commitment_breaks),
        cmocka_unit_test(a_nonce_chosen_late_does_not_fit),
        cmocka_unit_test(of_another_association_nothing_fits),
        cmocka_unit_test(nobody_is_made_to_speak_first),
        cmocka_unit_test(reflected_it_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
