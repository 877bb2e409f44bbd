/* trust/sas against tests/vectors/trust.json, and its table against docs/sas.txt. */
#include "trust_vectors.h"

#include "trust/sas.h"

#include <ctype.h>
#include <stdlib.h>

static so_status give(void *user, uint8_t *out, size_t len)
{
    memcpy(out, user, len);
    return SO_OK;
}

static so_status give_nothing(void *user, uint8_t *out, size_t len)
{
    (void)user;
    (void)out;
    (void)len;
    return SO_CRYPTO;
}

static void assert_message(const uint8_t *message, size_t len, const json_t *v, const char *name)
{
    char hex[2 * SO_SAS_MESSAGE_LEN + 1];

    assert_int_equal(len, SO_SAS_MESSAGE_LEN);
    so_hex(hex, message, len);
    assert_string_equal(hex, vector_text(v, name));
}

static void assert_string(const so_sas *sas, const json_t *v)
{
    uint8_t string[SO_SAS_LEN], want[SO_SAS_LEN];

    assert_int_equal(so_sas_string(sas, string), SO_OK);
    vector_bytes(want, sizeof want, v, "string");
    assert_memory_equal(string, want, sizeof want);
    for (size_t i = 0; i < SO_SAS_LEN; i++) {
        const char *picture = json_string_value(json_array_get(json_object_get(v, "pictures"), i));
        const char *name = json_string_value(json_array_get(json_object_get(v, "names"), i));
        const char *word = json_string_value(json_array_get(json_object_get(v, "words"), i));
        assert_string_equal(so_sas_picture(string[i]), picture);
        assert_string_equal(so_sas_name(string[i]), name);
        assert_string_equal(so_sas_word(string[i]), word);
    }
}

static void runs_meet_the_vectors(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "sas");
    size_t i;

    (void)state;
    json_array_foreach(all, i, v)
    {
        uint8_t client_nonce[SO_SAS_NONCE_LEN], server_nonce[SO_SAS_NONCE_LEN];
        uint8_t to_server[SO_SAS_MESSAGE_LEN], to_client[SO_SAS_MESSAGE_LEN], string[SO_SAS_LEN];
        so_association at_client = vector_association(v, true), at_server = vector_association(v, false);
        so_random of_client = {.fill = give, .user = client_nonce}, of_server = {.fill = give, .user = server_nonce};
        so_sas client, server;
        size_t len;

        vector_bytes(client_nonce, sizeof client_nonce, v, "client_nonce");
        vector_bytes(server_nonce, sizeof server_nonce, v, "server_nonce");
        assert_int_equal(so_sas_begin(&server, &at_server, &of_server, to_client, &len), SO_SAS_GOES_ON);
        assert_int_equal(len, 0);
        assert_int_equal(so_sas_begin(&client, &at_client, &of_client, to_server, &len), SO_SAS_GOES_ON);
        assert_message(to_server, len, v, "commit");
        assert_int_equal(so_sas_take(&server, to_server, len, to_client, &len), SO_SAS_GOES_ON);
        assert_message(to_client, len, v, "nonce");
        assert_int_equal(so_sas_string(&client, string), SO_STATE);
        assert_int_equal(so_sas_string(&server, string), SO_STATE);
        assert_int_equal(so_sas_take(&client, to_client, len, to_server, &len), SO_SAS_DONE);
        assert_message(to_server, len, v, "reveal");
        assert_int_equal(so_sas_take(&server, to_server, len, to_client, &len), SO_SAS_DONE);
        assert_int_equal(len, 0);
        assert_string(&client, v);
        assert_string(&server, v);
        so_sas_end(&client);
        so_sas_end(&server);
    }
    assert_true(i >= 5);
    json_decref(root);
}

static const char *result_name(so_sas_result result)
{
    const char *code = so_sas_code(result);

    return code != NULL ? code : result == SO_SAS_DONE ? "done" : result == SO_SAS_IGNORED ? "ignored" : "goes on";
}

/* Takes them one by one; what the last one that was not ignored came to. Nothing is taken once the run is broken. */
static so_sas_result take_all(so_sas *sas, so_sas_result result, const json_t *messages)
{
    const json_t *message;
    size_t i;

    json_array_foreach(messages, i, message)
    {
        uint8_t bytes[64], out[SO_SAS_MESSAGE_LEN];
        size_t len = json_string_length(message) / 2, out_len;
        so_sas_result taken;

        assert_true(len <= sizeof bytes && so_sas_code(result) == NULL);
        assert_int_equal(so_hex_decode(bytes, len, json_string_value(message)), SO_OK);
        taken = so_sas_take(sas, bytes, len, out, &out_len);
        if (taken != SO_SAS_IGNORED)
            result = taken;
        if (so_sas_code(taken) != NULL)
            assert_int_equal(out_len, 0);
    }
    return result;
}

static void messages_come_to_what_the_vectors_say(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "sas_taken");
    size_t i;

    (void)state;
    json_array_foreach(all, i, v)
    {
        static const uint8_t zero[SO_SAS_NONCE_LEN];
        uint8_t nonce[SO_SAS_NONCE_LEN], out[SO_SAS_MESSAGE_LEN], string[SO_SAS_LEN];
        so_association association = vector_association(v, strcmp(vector_text(v, "role"), "client") == 0);
        so_random random = {.fill = give, .user = nonce};
        so_sas sas;
        so_sas_result result;
        size_t len;

        vector_bytes(nonce, sizeof nonce, v, "own_nonce");
        result = take_all(&sas, so_sas_begin(&sas, &association, &random, out, &len), json_object_get(v, "take"));
        if (strcmp(result_name(result), vector_text(v, "result")) != 0)
            fail_msg("%s (%s): %s", vector_text(v, "about"), vector_text(v, "role"), result_name(result));
        assert_int_equal(so_sas_string(&sas, string), result == SO_SAS_DONE ? SO_OK : SO_STATE);
        /* No nonce outlives the run. */
        assert_memory_equal(sas.own_nonce, zero, sizeof zero);
        so_sas_end(&sas);
    }
    assert_true(i >= 25);
    json_decref(root);
}

static void what_broke_stays_broken(void **state)
{
    uint8_t nonce[SO_SAS_NONCE_LEN] = {7}, out[SO_SAS_MESSAGE_LEN], message[SO_SAS_MESSAGE_LEN] = {0x03};
    so_association association = {.client_sid = {1}, .client_fingerprint = {2}};
    so_random random = {.fill = give, .user = nonce};
    so_sas sas;
    size_t len;

    (void)state;
    assert_int_equal(so_sas_begin(&sas, &association, &random, out, &len), SO_SAS_GOES_ON);
    assert_int_equal(so_sas_take(&sas, message, sizeof message, out, &len), SO_SAS_ORDER);
    message[0] = 0x01; /* what it would have taken before */
    assert_int_equal(so_sas_take(&sas, message, sizeof message, out, &len), SO_SAS_ORDER);
    assert_int_equal(len, 0);
    so_sas_end(&sas);
    assert_int_equal(so_sas_take(&sas, message, sizeof message, out, &len), SO_SAS_ORDER);
    assert_string_equal(so_sas_code(SO_SAS_ORDER), "sas-order");
    assert_null(so_sas_code(SO_SAS_GOES_ON));
}

static void without_randomness_nothing_begins(void **state)
{
    uint8_t out[SO_SAS_MESSAGE_LEN], message[SO_SAS_MESSAGE_LEN] = {0x01};
    so_association association = {.client_fingerprint = {2}};
    so_random random = {.fill = give_nothing};
    so_sas sas;
    size_t len;

    (void)state;
    for (unsigned client = 0; client < 2; client++) {
        association.dtls_client = client;
        assert_int_equal(so_sas_begin(&sas, &association, &random, out, &len), SO_SAS_FAILED);
        assert_int_equal(len, 0);
        assert_int_equal(so_sas_take(&sas, message, sizeof message, out, &len), SO_SAS_ORDER);
    }
}

/* ---- the list ---- */

/* One code point of UTF-8 and nothing else; 0: it is not. */
static uint32_t only_code_point(const char *text)
{
    const uint8_t *b = (const uint8_t *)text;
    size_t len = strlen(text);

    if (len == 3 && (b[0] & 0xf0) == 0xe0)
        return (b[0] & 15u) << 12 | (b[1] & 63u) << 6 | (b[2] & 63u);
    if (len == 4 && (b[0] & 0xf8) == 0xf0)
        return (b[0] & 7u) << 18 | (b[1] & 63u) << 12 | (b[2] & 63u) << 6 | (b[3] & 63u);
    return 0;
}

/* Emoji that came after Unicode 11: older systems show a box. */
static bool is_later(uint32_t code)
{
    static const uint32_t later[][2] = {{0x1f6d5, 0x1f6df}, {0x1f6f3, 0x1f6f3}, {0x1f6fa, 0x1f6ff}, {0x1f7e0, 0x1f7ff},
                                        {0x1f90c, 0x1f90f}, {0x1f93f, 0x1f93f}, {0x1f971, 0x1f972}, {0x1f977, 0x1f979},
                                        {0x1f97b, 0x1f97b}, {0x1f9a3, 0x1f9af}, {0x1f9ba, 0x1f9bf}, {0x1f9c3, 0x1f9cf},
                                        {0x1fa00, 0x1faff}};

    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (code >= later[i][0] && code <= later[i][1])
            return true;
    return false;
}

static void the_table_is_the_list(void **state)
{
    FILE *in = fopen(TEST_VECTORS "/../../docs/sas.txt", "r");
    char line[128], want[128];
    unsigned n = 0;

    (void)state;
    assert_non_null(in);
    for (; fgets(line, sizeof line, in) != NULL; n++) {
        assert_true(n < SO_SAS_LIST);
        (void)snprintf(want, sizeof want, "%u\t%s\t%s\t%s\n", n, so_sas_picture((uint8_t)n), so_sas_name((uint8_t)n),
                       so_sas_word((uint8_t)n));
        assert_string_equal(line, want);
    }
    assert_int_equal(n, SO_SAS_LIST);
    assert_int_equal(fclose(in), 0);
}

static void pictures_are_one_code_point_and_named(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SO_SAS_LIST; i++) {
        const char *name = so_sas_name((uint8_t)i);
        uint32_t code = only_code_point(so_sas_picture((uint8_t)i));
        unsigned spaces = 0;

        if (code < 0x2000 || is_later(code))
            fail_msg("%s is no picture of Unicode 11", name);
        for (const char *c = name; *c != '\0'; c++) {
            spaces += *c == ' ';
            assert_true(isalpha((unsigned char)*c) || *c == ' ');
        }
        assert_true(spaces <= 1 && strlen(name) >= 3 && strlen(name) <= 16);
        for (unsigned k = 0; k < i; k++) {
            assert_string_not_equal(so_sas_picture((uint8_t)k), so_sas_picture((uint8_t)i));
            assert_string_not_equal(so_sas_name((uint8_t)k), name);
        }
    }
}

/* Levenshtein's: how many letters must be put in, taken out or changed. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32], n = strlen(b), before, above;

    assert_true(n < 32);
    for (size_t k = 0; k <= n; k++)
        row[k] = k;
    for (size_t i = 1; a[i - 1] != '\0'; i++) {
        before = row[0];
        row[0] = i;
        for (size_t k = 1; k <= n; k++) {
            size_t least = before + (a[i - 1] != b[k - 1]);
            above = row[k];
            least = above + 1 < least ? above + 1 : least;
            row[k] = row[k - 1] + 1 < least ? row[k - 1] + 1 : least;
            before = above;
        }
    }
    return row[n];
}

static void words_are_told_apart(void **state)
{
    (void)state;
    assert_int_equal(distance("kitten", "sitting"), 3);
    for (unsigned i = 0; i < SO_SAS_LIST; i++) {
        const char *word = so_sas_word((uint8_t)i);

        assert_in_range(strlen(word), 5, 10);
        for (const char *c = word; *c != '\0'; c++)
            assert_true(islower((unsigned char)*c));
        for (unsigned k = 0; k < SO_SAS_LIST; k++) {
            const char *other = so_sas_word((uint8_t)k);
            /* Somebody may read out the names below the pictures: no word is one, or a part of one. */
            assert_null(strstr(so_sas_name((uint8_t)k), word));
            if (k != i && (strncmp(word, other, 3) == 0 || distance(word, other) < 3))
                fail_msg("%s and %s are too near to each other", word, other);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_meet_the_vectors),   cmocka_unit_test(messages_come_to_what_the_vectors_say),
        cmocka_unit_test(what_broke_stays_broken), cmocka_unit_test(without_randomness_nothing_begins),
        cmocka_unit_test(the_table_is_the_list),   cmocka_unit_test(pictures_are_one_code_point_and_named),
        cmocka_unit_test(words_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
