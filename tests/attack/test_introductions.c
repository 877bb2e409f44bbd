/*
 * Impostors with what somebody else said: an introduction passed on to another, sent back, said again in a later call,
 * or changed. Each attack first shows that the same bytes are taken where they were meant to go.
 */
#include "unit.h"

#include "trust/introduction.h"

#include <stdlib.h>

#define NOW ((so_unix)1800000000)

typedef struct end {
    so_pkey *key;
    char thumbprint[SO_THUMBPRINT_LEN + 1];
    uint8_t fingerprint[SO_SHA256_LEN]; /* of its certificate */
} end;

typedef struct message {
    uint8_t bytes[SO_INTRODUCTION_MAX];
    size_t len;
} message;

static void end_make(end *e, uint8_t mark)
{
    so_error err;

    assert_int_equal(so_pkey_make(&e->key, &err), SO_OK);
    assert_int_equal(so_thumbprint(e->thumbprint, e->key), SO_OK);
    memset(e->fingerprint, mark, sizeof e->fingerprint);
}

/* number: of the call, from which its sids follow. */
static so_association call_of(const end *client, const end *server, uint8_t number, bool as_client)
{
    so_association a = {.dtls_client = as_client};

    memcpy(a.client_fingerprint, client->fingerprint, sizeof a.client_fingerprint);
    memcpy(a.server_fingerprint, server->fingerprint, sizeof a.server_fingerprint);
    memset(a.client_sid, number, sizeof a.client_sid);
    memset(a.server_sid, number + 100, sizeof a.server_sid);
    return a;
}

static message say(const end *e, const so_association *association)
{
    message m;
    so_error err;

    assert_int_equal(so_introduction_write(m.bytes, &m.len, e->key, association, NOW, &err), SO_OK);
    return m;
}

/* What an end makes of it in this association; why: a word that the refusal has. */
static void assert_heard(const so_association *association, const message *m, so_unix now, const end *speaker,
                         const char *why)
{
    so_introduction introduction;
    so_error err = {0};
    so_status status;

    so_introduction_begin(&introduction, association);
    status = so_introduction_take(&introduction, m->bytes, m->len, now, &err);
    assert_int_equal(status, speaker != NULL ? SO_OK : SO_REFUSED);
    assert_string_equal(introduction.thumbprint, speaker != NULL ? speaker->thumbprint : "");
    if (speaker == NULL && strstr(err.text, why) == NULL)
        fail_msg("refused, but not for its \"%s\": %s", why, err.text);
}

typedef struct people {
    end ann, bob, man;
} people;

static int make_people(void **state)
{
    static people all;

    end_make(&all.ann, 1);
    end_make(&all.bob, 2);
    end_make(&all.man, 3);
    *state = &all;
    return 0;
}

static int free_people(void **state)
{
    people *all = *state;

    so_pkey_free(all->ann.key);
    so_pkey_free(all->bob.key);
    so_pkey_free(all->man.key);
    return 0;
}

/* Ann introduced herself to him, and now he is Ann to Bob; as client and as server, and with her sids if he can. */
static void passed_on_to_another(void **state)
{
    people *p = *state;

    for (unsigned roles = 0; roles < 4; roles++) {
        bool ann_is_client = roles & 1, man_is_client = roles & 2;
        const end *first = ann_is_client ? &p->ann : &p->man, *second = ann_is_client ? &p->man : &p->ann;
        const end *third = man_is_client ? &p->man : &p->bob, *fourth = man_is_client ? &p->bob : &p->man;
        so_association hers = call_of(first, second, 1, ann_is_client), his = call_of(first, second, 1, !ann_is_client);
        so_association bobs = call_of(third, fourth, 1, !man_is_client);
        message m = say(&p->ann, &hers);

        assert_heard(&his, &m, NOW, &p->ann, NULL);
        assert_heard(&bobs, &m, NOW, NULL, ann_is_client == man_is_client ? "certificates" : "role");
    }
}

/* The same two ends and certificates, a call later. */
static void said_again_in_a_later_call(void **state)
{
    people *p = *state;
    so_association hers = call_of(&p->ann, &p->bob, 1, true), bobs = call_of(&p->ann, &p->bob, 1, false);
    so_association later = call_of(&p->ann, &p->bob, 2, false);
    message m = say(&p->ann, &hers);

    assert_heard(&bobs, &m, NOW, &p->ann, NULL);
    assert_heard(&later, &m, NOW, NULL, "another call");
    /* Should all that ever come again: a day is the end of it. */
    assert_heard(&bobs, &m, NOW + SO_DAY, &p->ann, NULL);
    assert_heard(&bobs, &m, NOW + SO_DAY + 1, NULL, "clock");
}

static void sent_back(void **state)
{
    people *p = *state;
    so_association hers = call_of(&p->ann, &p->bob, 1, true), bobs = call_of(&p->ann, &p->bob, 1, false);
    message m = say(&p->ann, &hers);

    assert_heard(&bobs, &m, NOW, &p->ann, NULL);
    assert_heard(&hers, &m, NOW, NULL, "role");
}

/* He signs by himself, over the right call, and says that the key is hers. */
static void under_her_name(void **state)
{
    people *p = *state;
    so_association his = call_of(&p->man, &p->bob, 1, true), bobs = call_of(&p->man, &p->bob, 1, false);
    message mine = say(&p->man, &his), hers = say(&p->ann, &his), mixed;
    const char *dot = memchr(hers.bytes, '.', hers.len);
    size_t head = (size_t)((const uint8_t *)dot - hers.bytes);

    assert_heard(&bobs, &mine, NOW, &p->man, NULL);
    /* Her key in the header, his payload and signature behind it; both headers are of one length. */
    mixed = mine;
    memcpy(mixed.bytes, hers.bytes, head);
    assert_int_equal(mixed.bytes[head], '.');
    assert_heard(&bobs, &mixed, NOW, NULL, "signature");
}

/* Every character of it, changed for another of the alphabet, and every way to cut it. */
static void altered_anywhere(void **state)
{
    people *p = *state;
    so_association hers = call_of(&p->ann, &p->bob, 1, true), bobs = call_of(&p->ann, &p->bob, 1, false);
    message m = say(&p->ann, &hers), bent;

    assert_heard(&bobs, &m, NOW, &p->ann, NULL);
    for (size_t at = 1; at < m.len; at++) {
        bent = m;
        bent.bytes[at] = m.bytes[at] == 'A' ? 'B' : 'A';
        assert_heard(&bobs, &bent, NOW, NULL, "introduced itself");
        bent.len = at;
        assert_heard(&bobs, &bent, NOW, NULL, "no signed text");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passed_on_to_another),
        cmocka_unit_test(said_again_in_a_later_call),
        cmocka_unit_test(sent_back),
        cmocka_unit_test(under_her_name),
        cmocka_unit_test(altered_anywhere),
    };
    return cmocka_run_group_tests(tests, make_people, free_people);
}
