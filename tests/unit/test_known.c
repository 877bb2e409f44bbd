/* trust/known against tests/vectors/trust.json: the file, the list, an import, and who is recognised. */
#include "trust_vectors.h"

#include "trust/known.h"

#include <stdlib.h>

#define NOON ((so_unix)1795521600) /* 2026-11-24T12:00:00Z */

static so_slice slice_of(const json_t *text)
{
    return (so_slice){json_string_value(text), json_string_length(text)};
}

static so_known parsed(const json_t *object, const char *name)
{
    so_known known;
    so_error err = {0};

    if (so_known_parse(&known, slice_of(json_object_get(object, name)), "it", &err) != SO_OK)
        fail_msg("%s: %s", vector_text(object, "about"), err.text);
    return known;
}

static void assert_peers(const so_known *known, const json_t *peers)
{
    const json_t *v;
    size_t i, k;

    assert_int_equal(known->count, json_array_size(peers));
    json_array_foreach(peers, i, v)
    {
        const so_known_peer *peer = &known->peers[i];
        const json_t *links = json_object_get(v, "links"), *link;
        const char *compared = json_string_value(json_object_get(v, "compared"));

        assert_string_equal(peer->name, vector_text(v, "name"));
        assert_string_equal(peer->key, vector_text(v, "key"));
        assert_string_equal(peer->since, vector_text(v, "since"));
        assert_string_equal(peer->compared, compared == NULL ? "" : compared);
        assert_int_equal(peer->link_count, json_array_size(links));
        json_array_foreach(links, k, link) assert_string_equal(peer->links[k], json_string_value(link));
    }
}

static void good_files_are_read_and_written(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "known");
    so_known again;
    so_error err;
    so_pem text;
    size_t i;

    (void)state;
    json_array_foreach(all, i, v)
    {
        so_known known = parsed(v, "text");

        assert_peers(&known, json_object_get(v, "peers"));
        assert_int_equal(so_known_write(&known, &text, &err), SO_OK);
        assert_int_equal(so_known_parse(&again, so_pem_slice(&text), "it", &err), SO_OK);
        assert_peers(&again, json_object_get(v, "peers"));
        so_pem_free(&text);
        so_known_free(&known);
        so_known_free(&again);
    }
    assert_true(i >= 7);
    json_decref(root);
}

static void bad_files_are_refused(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "known_refused");
    so_known known;
    so_error err;
    size_t i;

    (void)state;
    json_array_foreach(all, i, v)
    {
        const json_t *text = json_object_get(v, "text");

        /* A list that somebody had before is not half replaced. */
        if (so_known_parse(&known, slice_of(text), "the file given", &err) != SO_BAD_INPUT)
            fail_msg("%s", vector_text(v, "rule"));
        assert_null(known.peers);
        assert_int_equal(known.count, 0);
        assert_string_equal(err.layer, "known peers");
        assert_ptr_equal(strstr(err.text, "the file given"), err.text);
        assert_non_null(strstr(err.text, "; "));
    }
    assert_true(i >= 45);
    json_decref(root);
}

/* The thumbprint of nobody's key: any digest is one. */
static void key_number(char out[SO_THUMBPRINT_LEN + 1], unsigned n)
{
    uint8_t digest[SO_SHA256_LEN] = {(uint8_t)(n >> 8), (uint8_t)n};

    so_base64url(out, digest, sizeof digest);
}

static void link_number(char out[SO_KNOWN_LINK_LEN + 1], unsigned n)
{
    uint8_t bytes[16] = {(uint8_t)(n >> 8), (uint8_t)n};

    so_base64url(out, bytes, sizeof bytes);
}

static void pin_number(so_known *known, unsigned n)
{
    char name[16], key[SO_THUMBPRINT_LEN + 1];
    so_error err = {0};

    (void)snprintf(name, sizeof name, "n%u", n);
    key_number(key, n);
    if (so_known_pin(known, name, key, NOON, &err) != SO_OK)
        fail_msg("%s", err.text);
}

/* The largest list there can be, written and read; and one more is refused in every way. */
static void a_thousand_peers_and_no_more(void **state)
{
    char name[SO_PEER_NAME_LEN + 1], link[SO_KNOWN_LINK_LEN + 1], key[SO_THUMBPRINT_LEN + 1];
    so_known known = {0}, again, more = {0};
    so_error err;
    so_pem text;
    size_t added;
    char *grown;

    (void)state;
    for (unsigned i = 0; i < SO_KNOWN_MAX; i++) {
        pin_number(&known, i);
        known.peers[i].name[0] = '\0';
        for (unsigned k = 0; k < SO_PEER_NAME_MAX - 5; k++)
            memcpy(known.peers[i].name + 4 * (size_t)k, "\xf0\x9f\xa6\x8a", 5);
        (void)snprintf(name, sizeof name, "%04u", i);
        memcpy(known.peers[i].name + strlen(known.peers[i].name), name, 5);
        for (unsigned k = 0; k < SO_KNOWN_LINKS; k++) {
            link_number(link, i * SO_KNOWN_LINKS + k);
            memcpy(known.peers[i].links[k], link, sizeof link);
        }
        known.peers[i].link_count = SO_KNOWN_LINKS;
    }
    assert_int_equal(so_known_write(&known, &text, &err), SO_OK);
    assert_true(text.len < SO_KNOWN_FILE_MAX);
    assert_int_equal(so_known_parse(&again, so_pem_slice(&text), "it", &err), SO_OK);
    assert_int_equal(again.count, SO_KNOWN_MAX);
    assert_memory_equal(again.peers, known.peers, SO_KNOWN_MAX * sizeof *known.peers);
    key_number(key, 5000);
    assert_int_equal(so_known_pin(&known, "one more", key, NOON, &err), SO_TOO_LONG);
    pin_number(&more, 5001);
    assert_int_equal(so_known_merge(&known, &more, &added, &err), SO_TOO_LONG);
    assert_int_equal(known.count, SO_KNOWN_MAX);
    /* The same in a file. */
    grown = malloc(text.len + 200);
    assert_non_null(grown);
    (void)snprintf(grown, text.len + 200,
                   "%.*s,{\"name\":\"x\",\"key\":\"%s\",\"since\":\"%s\",\"compared\":null,\"links\":[]}]}",
                   (int)(text.len - strlen("\n]}\n")), text.text, key, known.peers[0].since);
    so_known_free(&again);
    assert_int_equal(so_known_parse(&again, (so_slice){grown, strlen(grown)}, "it", &err), SO_BAD_INPUT);
    assert_non_null(strstr(err.text, "at most 1000"));
    free(grown);
    so_pem_free(&text);
    so_known_free(&known);
    so_known_free(&more);
}

static void a_file_over_its_bound_is_not_read(void **state)
{
    static const char good[] = "{\"sotto\":\"known peers\",\"version\":1,\"peers\":[]}";
    char *text = malloc(SO_KNOWN_FILE_MAX + 1);
    so_known known;
    so_error err;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', SO_KNOWN_FILE_MAX + 1);
    memcpy(text, good, sizeof good - 1);
    assert_int_equal(so_known_parse(&known, (so_slice){text, SO_KNOWN_FILE_MAX}, "it", &err), SO_OK);
    assert_int_equal(so_known_parse(&known, (so_slice){text, SO_KNOWN_FILE_MAX + 1}, "it", &err), SO_TOO_LONG);
    free(text);
}

static void names_that_could_lie_are_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " a",
                                      "a ",
                                      "a\tb",
                                      "a\x7f",
                                      "\xc2\x9b",
                                      "\xe2\x80\xae",
                                      "\xe2\x81\xa9",
                                      "\xe2\x80\xa8",
                                      "\xff",
                                      "\xc0\xaf",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xe2\x82",
                                      "a\xf0\x9f\xa6"};
    static const char *const good[] = {"a", "a b", "\xc2\xa0", "\xe2\x80\x8d", "\xe2\x81\xaa", "\xf4\x8f\xbf\xbf"};
    so_error err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (so_peer_name_check(bad[i], &err) != SO_BAD_INPUT)
            fail_msg("name %zu passed", i);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (so_peer_name_check(good[i], &err) != SO_OK)
            fail_msg("good name %zu: %s", i, err.text);
}

static void pins_are_made_renamed_and_forgotten(void **state)
{
    so_known known = {0};
    char key[SO_THUMBPRINT_LEN + 1];
    so_error err;

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        pin_number(&known, i);
    key_number(key, 3);
    assert_string_equal(so_known_by_key(&known, key)->name, "n3");
    assert_string_equal(so_known_by_name(&known, "n3")->since, "2026-11-24T12:00:00Z");
    assert_int_equal(so_known_pin(&known, "somebody", key, NOON, &err), SO_REFUSED);
    assert_non_null(strstr(err.text, "as n3"));
    key_number(key, 100);
    assert_int_equal(so_known_pin(&known, "n3", key, NOON, &err), SO_REFUSED);
    assert_int_equal(so_known_pin(&known, "a\nb", key, NOON, &err), SO_BAD_INPUT);
    assert_int_equal(so_known_pin(&known, "short", "abc", NOON, &err), SO_BAD_INPUT);
    assert_int_equal(known.count, 20);
    assert_int_equal(so_known_rename(&known, "n3", "n4", &err), SO_REFUSED);
    assert_int_equal(so_known_rename(&known, "n3", "n3", &err), SO_OK);
    assert_int_equal(so_known_rename(&known, "n3", "Ann", &err), SO_OK);
    assert_null(so_known_by_name(&known, "n3"));
    assert_int_equal(so_known_rename(&known, "n3", "Bob", &err), SO_NOT_FOUND);
    assert_int_equal(so_known_forget(&known, "Ann", &err), SO_OK);
    assert_int_equal(so_known_forget(&known, "Ann", &err), SO_NOT_FOUND);
    assert_int_equal(known.count, 19);
    assert_string_equal(known.peers[3].name, "n4");
    assert_string_equal(known.peers[18].name, "n19");
    so_known_free(&known);
}

static void a_new_key_is_not_compared(void **state)
{
    so_known known = {0};
    char key[SO_THUMBPRINT_LEN + 1], other[SO_THUMBPRINT_LEN + 1];
    so_error err;

    (void)state;
    pin_number(&known, 1);
    pin_number(&known, 2);
    key_number(key, 1);
    key_number(other, 9);
    assert_int_equal(so_known_compared(&known, other, NOON, &err), SO_NOT_FOUND);
    assert_int_equal(so_known_compared(&known, key, NOON + 61, &err), SO_OK);
    assert_string_equal(known.peers[0].compared, "2026-11-24T12:01:01Z");
    assert_string_equal(known.peers[1].compared, "");
    key_number(other, 2);
    assert_int_equal(so_known_replace(&known, "n1", other, NOON, &err), SO_REFUSED);
    assert_string_equal(known.peers[0].key, key);
    key_number(other, 9);
    assert_int_equal(so_known_replace(&known, "n7", other, NOON, &err), SO_NOT_FOUND);
    assert_int_equal(so_known_replace(&known, "n1", other, NOON + 3600, &err), SO_OK);
    assert_string_equal(known.peers[0].key, other);
    assert_string_equal(known.peers[0].compared, "");
    assert_string_equal(known.peers[0].since, "2026-11-24T13:00:00Z");
    so_known_free(&known);
}

static void links_are_remembered_with_one_peer(void **state)
{
    so_known known = {0};
    char key[2][SO_THUMBPRINT_LEN + 1], link[SO_KNOWN_LINK_LEN + 1];
    so_error err;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        pin_number(&known, i);
        key_number(key[i], i);
    }
    for (unsigned i = 0; i < SO_KNOWN_LINKS + 3; i++) {
        link_number(link, i);
        assert_null(so_known_by_link(&known, link));
        assert_int_equal(so_known_met(&known, key[0], link, &err), SO_OK);
        assert_int_equal(so_known_met(&known, key[0], link, &err), SO_OK);
        assert_string_equal(so_known_by_link(&known, link)->name, "n0");
    }
    assert_int_equal(known.peers[0].link_count, SO_KNOWN_LINKS);
    link_number(link, 2);
    assert_null(so_known_by_link(&known, link));
    link_number(link, 3);
    assert_string_equal(known.peers[0].links[0], link);
    assert_int_equal(so_known_met(&known, key[0], link, &err), SO_OK);
    assert_string_equal(known.peers[0].links[SO_KNOWN_LINKS - 1], link);
    assert_int_equal(so_known_met(&known, key[1], link, &err), SO_OK);
    assert_string_equal(so_known_by_link(&known, link)->name, "n1");
    assert_int_equal(known.peers[0].link_count, SO_KNOWN_LINKS - 1);
    assert_int_equal(so_known_met(&known, key[1], "no link", &err), SO_BAD_INPUT);
    key_number(key[0], 9);
    assert_int_equal(so_known_met(&known, key[0], link, &err), SO_NOT_FOUND);
    so_known_free(&known);
}

static void a_link_is_remembered_as_the_vector_says(void **state)
{
    json_t *root, *v = trust_vectors(&root, "link");
    char link[SO_KNOWN_LINK_LEN + 1];
    so_invite invite;

    (void)state;
    vector_bytes(invite.secret, sizeof invite.secret, v, "secret");
    assert_int_equal(so_known_link(link, &invite), SO_OK);
    assert_string_equal(link, vector_text(v, "known"));
    json_decref(root);
}

static void imports_come_to_what_the_vectors_say(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "merges");
    so_error err;
    size_t i, added;

    (void)state;
    json_array_foreach(all, i, v)
    {
        so_known mine = parsed(v, "mine"), before = parsed(v, "mine"), theirs = parsed(v, "theirs");
        const char *refused = json_string_value(json_object_get(v, "refused"));
        so_status status = so_known_merge(&mine, &theirs, &added, &err);

        if (status != (refused == NULL ? SO_OK : SO_REFUSED))
            fail_msg("%s: %s", vector_text(v, "about"), so_status_name(status));
        if (refused == NULL) {
            assert_peers(&mine, json_object_get(v, "peers"));
            assert_int_equal(added, mine.count - before.count);
        } else {
            assert_non_null(strstr(err.text, refused));
            assert_int_equal(mine.count, before.count);
            assert_memory_equal(mine.peers, before.peers, mine.count * sizeof *mine.peers);
        }
        so_known_free(&mine);
        so_known_free(&before);
        so_known_free(&theirs);
    }
    assert_true(i >= 10);
    json_decref(root);
}

static void who_is_recognised_is_what_the_table_says(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "recognition");
    so_known known = {0};
    char keys[3][SO_THUMBPRINT_LEN + 1];
    size_t i;

    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        key_number(keys[n], n);
        if (n < 2)
            pin_number(&known, n);
    }
    json_array_foreach(all, i, v)
    {
        const char *introduced = vector_text(v, "introduced"), *key = NULL;
        const so_known_peer *expected = strcmp(vector_text(v, "expected"), "P") == 0 ? &known.peers[0] : NULL;
        bool alarm = false, want = json_is_true(json_object_get(v, "alarm"));

        if (strcmp(introduced, "P") == 0)
            key = keys[0];
        else if (strcmp(introduced, "another pin") == 0 || strcmp(introduced, "a pin") == 0)
            key = keys[1];
        else if (strcmp(introduced, "no pin") == 0)
            key = keys[2];
        assert_string_equal(so_recognition_name(so_known_recognise(&known, expected, key, &alarm)),
                            vector_text(v, "result"));
        assert_int_equal(alarm, want);
    }
    assert_int_equal(i, 7);
    so_known_free(&known);
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files_are_read_and_written),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(a_thousand_peers_and_no_more),
        cmocka_unit_test(a_file_over_its_bound_is_not_read),
        cmocka_unit_test(names_that_could_lie_are_refused),
        cmocka_unit_test(pins_are_made_renamed_and_forgotten),
        cmocka_unit_test(a_new_key_is_not_compared),
        cmocka_unit_test(links_are_remembered_with_one_peer),
        cmocka_unit_test(a_link_is_remembered_as_the_vector_says),
        cmocka_unit_test(imports_come_to_what_the_vectors_say),
        cmocka_unit_test(who_is_recognised_is_what_the_table_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
