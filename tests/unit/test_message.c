/* signal/message: what is a message of the protocol, and what is not. */
#include "unit.h"

#include "signal/message.h"

#include <stdlib.h>

#define ROOM "83uqfW2puxBQCnTOooBJww"
#define ID "10i_mYXbbTI"

static so_signal_kind kind_of(const char *text)
{
    so_signal_message m;
    so_error err;
    so_signal_kind kind;

    if (so_signal_parse(&m, text, strlen(text), &err) != SO_OK)
        fail_msg("%s: %s", text, err.text);
    kind = m.kind;
    so_signal_message_free(&m);
    return kind;
}

static void assert_bad(const char *text, size_t len)
{
    so_signal_message m;
    so_error err = {0};

    if (so_signal_parse(&m, text, len, &err) != SO_BAD_INPUT)
        fail_msg("taken: %s", text);
    assert_true(strlen(err.text) > 10);
}

static void good_messages_are_taken(void **state)
{
    (void)state;
    assert_int_equal(kind_of("{\"kind\":\"join\",\"room\":\"" ROOM "\"}"), SO_SIGNAL_JOIN);
    assert_int_equal(kind_of("{\"kind\":\"join\",\"room\":\"" ROOM "\",\"resume\":\"" ROOM "\"}"), SO_SIGNAL_JOIN);
    assert_int_equal(kind_of("{\"kind\":\"envelope\",\"to\":\"" ID "\",\"payload\":\"AA\"}"), SO_SIGNAL_ENVELOPE);
    assert_int_equal(kind_of("{\"kind\":\"bye\"}"), SO_SIGNAL_BYE);
    assert_int_equal(kind_of("{\"kind\":\"bye\",\"more\":[1,{\"a\":2}]}"), SO_SIGNAL_BYE);
    assert_int_equal(kind_of("{\"kind\":\"dance\"}"), SO_SIGNAL_UNKNOWN);
    assert_int_equal(kind_of("  {\"kind\" : \"bye\"}\n"), SO_SIGNAL_BYE);
}

static void bad_messages_are_refused_with_a_sentence(void **state)
{
    static const char *const bad[] = {
        "",
        "null",
        "7",
        "\"join\"",
        "[]",
        "{",
        "{}",
        "{\"kind\":7}",
        "{\"kind\":\"bye\"} x",
        "{\"kind\":\"bye\",\"kind\":\"bye\"}",
        "{\"kind\":\"join\"}",
        "{\"kind\":\"join\",\"room\":\"short\"}",
        "{\"kind\":\"join\",\"room\":\"" ROOM "A\"}",
        "{\"kind\":\"join\",\"room\":\"83uqfW2puxBQCnTOooBJw!\"}",
        "{\"kind\":\"join\",\"room\":\"" ROOM "\",\"resume\":7}",
        "{\"kind\":\"join\",\"room\":\"" ROOM "\",\"resume\":null}",
        "{\"kind\":\"envelope\",\"to\":\"" ID "\"}",
        "{\"kind\":\"envelope\",\"to\":\"" ID "\",\"payload\":\"\"}",
        "{\"kind\":\"envelope\",\"to\":\"" ID "\",\"payload\":\"a b\"}",
        "{\"kind\":\"envelope\",\"to\":\"" ID "\",\"payload\":\"a\\\"}\"}",
        "{\"kind\":\"envelope\",\"to\":\"x\",\"payload\":\"AA\"}",
        "{\"kind\":\"bye\",\"n\":1e999}",
        "{\"kind\":\"bye\",\"n\":123456789012345678901234567890}",
        "{\"kind\":\"b\\u0000ye\"}",
        "{\"kind\":\"bye\",\"s\":\"\xff\"}",
        "{\"kind\":\"bye\",\"d\":[[[[[[[[[[1]]]]]]]]]]}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_bad(bad[i], strlen(bad[i]));
    assert_bad("{\"kind\":\"bye\"}\0", 15);
}

static void deep_nesting_is_refused_without_a_fall(void **state)
{
    size_t n = 60000;
    char *text = malloc(n);

    (void)state;
    memset(text, '[', n);
    assert_bad(text, n);
    free(text);
}

static void what_is_written_can_be_read(void **state)
{
    char text[1024];
    so_writer w = so_writer_of(text, sizeof text);
    so_signal_message m;
    so_signal_welcome welcome = {.id = ID,
                                 .resume = ROOM,
                                 .other = "AAAAAAAAAAA",
                                 .resumed = true,
                                 .ice = "[]",
                                 .tls_version = "TLSv1.3",
                                 .tls_cipher = "X",
                                 .tls_group = "x25519",
                                 .message_limit = 65536,
                                 .rate_limit = 50};

    (void)state;
    so_signal_write_welcome(&w, &welcome);
    assert_int_equal(so_signal_parse(&m, text, so_writer_len(&w), NULL), SO_OK);
    assert_int_equal(m.kind, SO_SIGNAL_WELCOME);
    assert_string_equal(m.id, ID);
    assert_string_equal(m.resume, ROOM);
    assert_true(m.resumed);
    assert_string_equal(m.tls_group, "x25519");
    assert_int_equal(json_array_size(m.members), 1);
    so_signal_message_free(&m);

    w = so_writer_of(text, sizeof text);
    so_signal_write_envelope(&w, ID, "AAAAAAAAAAA", "abcd", 4);
    assert_int_equal(so_signal_parse(&m, text, so_writer_len(&w), NULL), SO_OK);
    assert_string_equal(m.from, ID);
    assert_string_equal(m.to, "AAAAAAAAAAA");
    assert_string_equal(m.payload, "abcd");
    so_signal_message_free(&m);
}

static void every_fault_says_what_to_do(void **state)
{
    (void)state;
    for (so_signal_fault fault = SO_FAULT_BAD_MESSAGE; fault <= SO_FAULT_RESTART; fault++) {
        char text[1024];
        so_writer w = so_writer_of(text, sizeof text);
        so_signal_message m;

        so_signal_write_error(&w, fault, NULL);
        assert_int_equal(so_signal_parse(&m, text, so_writer_len(&w), NULL), SO_OK);
        assert_int_equal(m.kind, SO_SIGNAL_ERROR);
        assert_string_equal(m.code, so_signal_fault_code(fault));
        assert_true(strlen(m.text) > 10 && strlen(m.remedy) > 10);
        so_signal_message_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_messages_are_taken),
        cmocka_unit_test(bad_messages_are_refused_with_a_sentence),
        cmocka_unit_test(deep_nesting_is_refused_without_a_fall),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(every_fault_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
