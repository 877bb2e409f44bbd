/* Host names, addresses and subtrees of them as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/names.h"

#include <string.h>

static void names_are_parsed(void **state)
{
    static const struct {
        const char *in, *out;
        so_name_kind kind;
    } good[] = {
        {"Call.LAN", "call.lan", SO_NAME_DNS},         {"localhost", "localhost", SO_NAME_DNS},
        {"3com.example", "3com.example", SO_NAME_DNS}, {"xn--bcher-kva.example", "xn--bcher-kva.example", SO_NAME_DNS},
        {"*.call.lan", "*.call.lan", SO_NAME_DNS},     {"192.168.1.5", "192.168.1.5", SO_NAME_IP},
        {"FD00:0:0::5", "fd00::5", SO_NAME_IP}};
    static const char *const bad[] = {
        "",      ".",         "a..b",         ".a",    "a.",           "-a.b",  "a-.b",
        "a_b",   "a b",       "b\xc3\xbc.de", "*",     "*.lan",        "a.*.b", "*a.b.c",
        "1.2.3", "1.2.3.256", "01.2.3.4",     "[::1]", "fe80::1%eth0", "::1:",  "1.2.3.4/8",
        "a:443", "*.*.b.c",   "a\nb",         "12345"};
    char label[80], longest[260];
    so_name name;
    so_error err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(so_name_parse(&name, good[i].in, &err), SO_OK);
        assert_string_equal(name.text, good[i].out);
        assert_int_equal(name.kind, good[i].kind);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(so_name_parse(&name, bad[i], &err), SO_OK);
    memset(label, 'a', 64);
    label[64] = '\0';
    assert_int_equal(so_name_parse(&name, label, &err), SO_BAD_INPUT);
    label[63] = '\0';
    assert_int_equal(so_name_parse(&name, label, &err), SO_OK);
    memset(longest, 'a', sizeof longest);
    for (size_t i = 50; i < 254; i += 51)
        longest[i] = '.';
    longest[253] = '\0';
    assert_int_equal(so_name_parse(&name, longest, &err), SO_OK);
    longest[253] = 'a';
    longest[254] = '\0';
    assert_int_equal(so_name_parse(&name, longest, &err), SO_TOO_LONG);
}

static void permits_are_parsed(void **state)
{
    static const struct {
        const char *in, *out;
    } good[] = {{"Call.lan", "call.lan"},
                {"10.0.0.0/8", "10.0.0.0/8"},
                {"192.168.1.5", "192.168.1.5"},
                {"192.168.1.5/32", "192.168.1.5"},
                {"fd00::/8", "fd00::/8"},
                {"::1", "::1"},
                {"128.0.0.0/1", "128.0.0.0/1"},
                {"fd12:3456::/32", "fd12:3456::/32"},
                {"2001:db8::/127", "2001:db8::/127"}};
    static const char *const bad[] = {"",      "*.a.b",       ".a",           "10.0.0.1/8",  "0.0.0.0/0",
                                      "::/0",  "10.0.0.0/33", "10.0.0.0/",    "10.0.0.0/-1", "10.0.0.0/ 8",
                                      "a.b/8", "fd00::/129",  "10.0.0.0/8/8", "/8",          "10.0.0.0/0008"};
    so_permit permit;
    so_error err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(so_permit_parse(&permit, good[i].in, &err), SO_OK);
        assert_string_equal(permit.text, good[i].out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_not_equal(so_permit_parse(&permit, bad[i], &err), SO_OK);
}

static bool allows(const so_permit *permits, size_t count, const char *text_of_name)
{
    so_name name;
    so_error err;

    assert_int_equal(so_name_parse(&name, text_of_name, &err), SO_OK);
    return so_permits_allow(permits, count, &name);
}

static void permits_hold_their_names(void **state)
{
    so_permit p[4];
    so_error err;

    (void)state;
    assert_int_equal(so_permit_parse(&p[0], "call.lan", &err), SO_OK);
    assert_true(allows(p, 1, "call.lan") && allows(p, 1, "a.b.call.lan") && allows(p, 1, "*.call.lan"));
    assert_false(allows(p, 1, "xcall.lan") || allows(p, 1, "lan") || allows(p, 1, "call.lan.evil"));
    assert_true(allows(p, 1, "8.8.8.8")); /* no address is constrained: why a CA of ours excludes them all */
    assert_int_equal(so_permit_parse(&p[1], "172.16.0.0/12", &err), SO_OK);
    assert_true(allows(p, 2, "172.31.255.255"));
    assert_false(allows(p, 2, "172.32.0.0") || allows(p, 2, "::1"));
    so_permit_exclude_all(&p[2], 0);
    assert_false(allows(p, 3, "call.lan"));
    so_permit_exclude_all(&p[2], 4);
    assert_false(allows(p, 3, "172.16.0.1"));
    assert_true(allows(p, 3, "call.lan"));
}

static void names_cover_hosts(void **state)
{
    so_name names[3];
    so_error err;

    (void)state;
    assert_int_equal(so_name_parse(&names[0], "call.lan", &err), SO_OK);
    assert_int_equal(so_name_parse(&names[1], "*.box.lan", &err), SO_OK);
    assert_int_equal(so_name_parse(&names[2], "::1", &err), SO_OK);
    assert_true(so_names_cover(names, 3, "CALL.lan") && so_names_cover(names, 3, "a.box.lan"));
    assert_true(so_names_cover(names, 3, "0:0::1"));
    assert_false(so_names_cover(names, 3, "box.lan") || so_names_cover(names, 3, "a.b.box.lan"));
    assert_false(so_names_cover(names, 3, "*.box.lan") || so_names_cover(names, 3, "a.call.lan"));
    assert_false(so_names_cover(names, 3, "::2") || so_names_cover(names, 3, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_parsed),
        cmocka_unit_test(permits_are_parsed),
        cmocka_unit_test(permits_hold_their_names),
        cmocka_unit_test(names_cover_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
