#include "unit.h"

#include "base/address.h"

static void one_address_has_one_form(void **state)
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, [12] = 192, [14] = 2, [15] = 1};
    so_address a, b = so_address_of(mapped, 16, 3478);
    char text[SO_ADDRESS_TEXT];

    (void)state;
    assert_int_equal(so_address_parse(&a, "192.0.2.1", 3478), SO_OK);
    assert_true(so_address_equal(&a, &b));
    assert_int_equal(so_address_parse(&a, "::ffff:192.0.2.1", 3479), SO_OK);
    assert_true(so_address_same_ip(&a, &b));
    assert_false(so_address_equal(&a, &b));
    so_address_text(&a, text);
    assert_string_equal(text, "192.0.2.1:3479");
    assert_int_equal(so_address_ip_len(&a), 4);
}

static void ipv6_is_written_short_and_in_brackets(void **state)
{
    so_address a;
    char text[SO_ADDRESS_TEXT];

    (void)state;
    assert_int_equal(so_address_parse(&a, "2001:DB8:0:0:0:0:0:1", 65535), SO_OK);
    so_address_text(&a, text);
    assert_string_equal(text, "[2001:db8::1]:65535");
    so_address_ip_text(&a, text);
    assert_string_equal(text, "2001:db8::1");
    assert_int_equal(so_address_ip_len(&a), 16);
}

static void what_is_no_address_is_refused(void **state)
{
    static const char *const bad[] = {"",      "1.2.3",        "1.2.3.4.5", "01.2.3.4x", "call.example",
                                      "[::1]", "fe80::1%eth0", ":"};
    so_address a;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(so_address_parse(&a, bad[i], 1), SO_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_address_has_one_form),
        cmocka_unit_test(ipv6_is_written_short_and_in_brackets),
        cmocka_unit_test(what_is_no_address_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
