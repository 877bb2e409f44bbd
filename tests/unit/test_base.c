/* base: reader and writer, base64url and hex, the table, secrets, log. */
#include "unit.h"

#include "base/bytes.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/table.h"
#include "base/text.h"

#include <stdlib.h>

static void reader_stops_at_the_end_and_stays_stopped(void **state)
{
    const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7};
    so_reader r = so_reader_of(bytes, sizeof bytes);

    (void)state;
    assert_int_equal(so_read_u8(&r), 1);
    assert_int_equal(so_read_u16(&r), 0x0203);
    assert_int_equal(so_read_u32(&r), 0x04050607);
    assert_false(r.failed);
    assert_int_equal(so_read_u8(&r), 0);
    assert_true(r.failed);
    assert_int_equal(so_reader_left(&r), 0);
    r = so_reader_of(bytes, sizeof bytes);
    assert_null(so_read_bytes(&r, 8));
    assert_int_equal(so_read_u8(&r), 0); /* sticky: nothing more is read after a failure */
    r = so_reader_of(NULL, 0);
    assert_int_equal(so_reader_left(&r), 0);
    assert_int_equal(so_read_u64(&r), 0);
    assert_true(r.failed);
}

static void writer_never_passes_its_end(void **state)
{
    uint8_t bytes[9];
    so_writer w = so_writer_of(bytes, 8);

    (void)state;
    bytes[8] = 0xee;
    so_write_u32(&w, 0x01020304);
    so_write_u16(&w, 0x0506);
    assert_int_equal(so_writer_len(&w), 6);
    so_write_u32(&w, 0xffffffff);
    assert_true(w.failed);
    so_write_u8(&w, 7); /* sticky */
    assert_int_equal(so_writer_len(&w), 0);
    assert_int_equal(bytes[8], 0xee);
    assert_memory_equal(bytes, "\1\2\3\4\5\6", 6);
    w = so_writer_of(bytes, 8);
    so_write_format(&w, "%s", "123456789");
    assert_true(w.failed);
    assert_int_equal(bytes[8], 0xee);
}

static void json_strings_are_escaped(void **state)
{
    uint8_t bytes[64];
    so_writer w = so_writer_of(bytes, sizeof bytes);

    (void)state;
    so_write_json(&w, "a\"b\\c\n\x01\xc3\xbc", 9);
    assert_int_equal(so_writer_len(&w), 23);
    assert_memory_equal(bytes, "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xbc\"", 23);
}

static void base64url_has_one_text_a_byte_string(void **state)
{
    static const char *const bad[] = {"A", "AB", "AAB", "AA==", "A A", "AA+A", "AA/A", "AAAAA"};
    uint8_t in[66], out[66];
    char text[SO_BASE64URL_LEN(66) + 1];
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 41 + 7);
    for (size_t len = 0; len <= sizeof in; len++) {
        so_base64url(text, in, len);
        assert_int_equal(strlen(text), SO_BASE64URL_LEN(len));
        assert_int_equal(so_base64url_decode(out, sizeof out, &n, text, strlen(text)), SO_OK);
        assert_int_equal(n, len);
        assert_memory_equal(in, out, len);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(so_base64url_decode(out, sizeof out, &n, bad[i], strlen(bad[i])), SO_BAD_INPUT);
    assert_int_equal(so_base64url_decode(out, 2, &n, "AAAA", 4), SO_TOO_LONG);
}

static void hex_goes_there_and_back(void **state)
{
    uint8_t out[3];
    char text[7];

    (void)state;
    so_hex(text, (const uint8_t *)"\x00\xab\xff", 3);
    assert_string_equal(text, "00abff");
    assert_int_equal(so_hex_decode(out, 3, "00ABff"), SO_OK);
    assert_memory_equal(out, "\x00\xab\xff", 3);
    assert_int_equal(so_hex_decode(out, 3, "00abf"), SO_BAD_INPUT);
    assert_int_equal(so_hex_decode(out, 3, "00abfg"), SO_BAD_INPUT);
}

/* The vectors of the SipHash paper: key 00…0f, input the first len bytes of 00 01 02 … */
static void siphash_meets_its_vectors(void **state)
{
    uint8_t key[16], in[16];

    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        key[i] = in[i] = i;
    assert_true(so_siphash(key, in, 0) == 0x726fdb47dd0e0e31u);
    assert_true(so_siphash(key, in, 7) == 0xab0200f58b01d137u);
    assert_true(so_siphash(key, in, 8) == 0x93f5f5799a932462u);
    assert_true(so_siphash(key, in, 15) == 0xa129ca6149be45e5u);
}

#define NODES 1000

static void count_and_drop_odd(so_node *node, void *user)
{
    so_table *table = user;

    if (node->key[0] % 2 == 1)
        so_table_remove(table, node);
}

static void table_finds_what_it_holds(void **state)
{
    static so_node nodes[NODES];
    so_table table;
    uint8_t key[SO_TABLE_KEY] = {0};

    (void)state;
    so_table_init(&table, (const uint8_t *)"0123456789abcdef");
    assert_null(so_table_find(&table, key));
    for (unsigned i = 0; i < NODES; i++) {
        memset(&nodes[i], 0, sizeof nodes[i]);
        nodes[i].key[0] = (uint8_t)i;
        nodes[i].key[15] = (uint8_t)(i >> 8);
        assert_int_equal(so_table_insert(&table, &nodes[i]), SO_OK);
    }
    for (unsigned i = 0; i < NODES; i++)
        assert_ptr_equal(so_table_find(&table, nodes[i].key), &nodes[i]);
    so_table_each(&table, count_and_drop_odd, &table);
    assert_int_equal(table.count, NODES / 2);
    for (unsigned i = 0; i < NODES; i++)
        assert_ptr_equal(so_table_find(&table, nodes[i].key), nodes[i].key[0] % 2 == 1 ? NULL : &nodes[i]);
    so_table_free(&table);
}

static void secrets_are_compared_and_wiped(void **state)
{
    so_key key = {{1, 2, 3}};

    (void)state;
    assert_true(so_equal_secret("abc", "abc", 3));
    assert_false(so_equal_secret("abc", "abd", 3));
    assert_false(so_equal_secret("\x00", "\x80", 1));
    assert_true(so_equal_secret("", "", 0));
    so_key_wipe(&key);
    for (size_t i = 0; i < sizeof key.bytes; i++)
        assert_int_equal(key.bytes[i], 0);
}

static void keep_line(void *user, so_level level, const char *module, const char *text)
{
    (void)snprintf(user, 100, "%s %s %s", so_level_name(level), module, text);
}

static void log_keeps_to_its_level(void **state)
{
    char line[100] = "";
    so_log log = {.write = keep_line, .user = line, .least = SO_LOG_WARN};

    (void)state;
    so_log_line(&log, SO_LOG_INFO, "base", "not this");
    assert_string_equal(line, "");
    so_log_line(&log, SO_LOG_ERROR, "base", "this %d", 7);
    assert_string_equal(line, "error base this 7");
    so_log_line(NULL, SO_LOG_ERROR, "base", "nowhere");
}

static void errors_carry_their_sentence(void **state)
{
    so_error err;

    (void)state;
    assert_int_equal(so_fail(&err, SO_REFUSED, "layer", "because %s", "so"), SO_REFUSED);
    assert_string_equal(err.text, "because so");
    assert_string_equal(err.layer, "layer");
    assert_int_equal(so_fail(NULL, SO_IO, "layer", "nobody asks"), SO_IO);
    for (so_status s = SO_OK; s <= SO_STATE; s++)
        assert_string_not_equal(so_status_name(s), "unknown");
}

static void what_others_wrote_commands_no_terminal(void **state)
{
    static const char *const cases[][2] = {{"as it is: é … ✓", "as it is: é … ✓"},
                                           {"a\x1b[2J\r\n\x07\x7f", "a?[2J????"},
                                           {"\xc2\x9b"
                                            "31m\xc2\xa0",
                                            "?31m\xc2\xa0"},
                                           {"cut \xc2", "cut \xc2"},
                                           {"", ""}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];

        (void)snprintf(text, sizeof text, "%s", cases[i][0]);
        so_text_tame(text);
        assert_string_equal(text, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reader_stops_at_the_end_and_stays_stopped),
        cmocka_unit_test(writer_never_passes_its_end),
        cmocka_unit_test(json_strings_are_escaped),
        cmocka_unit_test(base64url_has_one_text_a_byte_string),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(siphash_meets_its_vectors),
        cmocka_unit_test(table_finds_what_it_holds),
        cmocka_unit_test(secrets_are_compared_and_wiped),
        cmocka_unit_test(log_keeps_to_its_level),
        cmocka_unit_test(errors_carry_their_sentence),
        cmocka_unit_test(what_others_wrote_commands_no_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
