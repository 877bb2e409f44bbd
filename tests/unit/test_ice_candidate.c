/* ice/candidate: browsers' lines, RFC 8839's grammar, and the priorities of RFC 8445. */
#include "unit.h"

#include "ice/candidate.h"

#include <stdlib.h>

static so_ice_candidate parsed(const char *line)
{
    so_ice_candidate c;

    if (so_ice_candidate_parse(&c, line, strlen(line)) != SO_OK)
        fail_msg("refused: %s", line);
    return c;
}

static so_address at(const char *ip, uint16_t port)
{
    so_address a;

    assert_int_equal(so_address_parse(&a, ip, port), SO_OK);
    return a;
}

static void a_reflexive_line_of_chromium_is_read(void **state)
{
    so_ice_candidate c = parsed("candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.5 rport "
                                "46155 generation 0 ufrag EEtu network-cost 999");
    so_address where = at("203.0.113.7", 46154), base = at("10.0.0.5", 46155);

    (void)state;
    assert_string_equal(c.foundation, "842163049");
    assert_int_equal(c.component, 1);
    assert_int_equal(c.transport, SO_ICE_UDP);
    assert_int_equal(c.priority, 1677729535);
    assert_true(so_address_equal(&c.address, &where));
    assert_int_equal(c.type, SO_ICE_SRFLX);
    assert_true(so_address_equal(&c.related, &base));
    assert_string_equal(c.ufrag, "EEtu");
}

static void a_name_is_kept_as_a_name(void **state)
{
    so_ice_candidate c =
        parsed("candidate:0 1 UDP 2122252543 6f7c0a9e-0b1d-4c58-9d2f-5a3d3b7f86e1.local 55555 typ host");

    (void)state;
    assert_int_equal(c.address.family, 0);
    assert_int_equal(c.address.port, 55555);
    assert_string_equal(c.name, "6f7c0a9e-0b1d-4c58-9d2f-5a3d3b7f86e1.local");
    assert_int_equal(c.type, SO_ICE_HOST);
    assert_int_equal(c.related.family, 0);
}

static void other_lines_of_browsers_are_read(void **state)
{
    so_ice_candidate c = parsed("a=candidate:2 1 TCP 2105524479 2001:db8::7 9 typ host tcptype active\r\n");
    so_address six = at("2001:db8::7", 9), hidden = at("0.0.0.0", 9);

    (void)state;
    assert_int_equal(c.transport, SO_ICE_TCP);
    assert_int_equal(c.tcptype, SO_ICE_ACTIVE);
    assert_true(so_address_equal(&c.address, &six));
    c = parsed("candidate:3 2 UDP 1685987326 203.0.113.7 41234 typ srflx raddr 0.0.0.0 rport 9");
    assert_int_equal(c.component, 2);
    assert_true(so_address_equal(&c.related, &hidden));
    c = parsed("candidate:a+/Z9 256 udp 1 203.0.113.7 0 typ relay raddr x.local rport 0 foo bar");
    assert_int_equal(c.type, SO_ICE_RELAY);
    assert_int_equal(c.related.family, 0);
    assert_int_equal(parsed("candidate:1 1 sctp 1 203.0.113.7 1 typ host").transport, SO_ICE_OTHER_TRANSPORT);
    assert_int_equal(parsed("candidate:1 1 udp 1 203.0.113.7 1 typ ufo").type, SO_ICE_OTHER);
    assert_int_equal(parsed("candidate:1 1 udp 1 203.0.113.7 1 typ prflx").type, SO_ICE_PRFLX);
    assert_int_equal(parsed("candidate:1 1 tcp 1 203.0.113.7 1 typ host tcptype so").tcptype, SO_ICE_SO);
}

static void what_the_grammar_forbids_is_refused(void **state)
{
    static const char *const lines[] = {
        "",
        "candidate:",
        "candidate: 1 udp 1 192.0.2.1 1 typ host",
        "candidate",
        "x=candidate:1 1 udp 1 192.0.2.1 1 typ host",
        "candidate:1",
        "candidate:1 1 udp 1 192.0.2.1 1 typ",
        "candidate:1 1 udp 1 192.0.2.1 1 type host",
        "candidate:1 1 udp 1 192.0.2.1 1 host",
        "candidate:1 1  udp 1 192.0.2.1 1 typ host",
        "candidate:1-1 1 udp 1 192.0.2.1 1 typ host",
        "candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 1 typ host",
        "candidate:1 0 udp 1 192.0.2.1 1 typ host",
        "candidate:1 257 udp 1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 0 192.0.2.1 1 typ host",
        "candidate:1 1 udp 2147483648 192.0.2.1 1 typ host",
        "candidate:1 1 udp 99999999999 192.0.2.1 1 typ host",
        "candidate:1 1 udp -1 192.0.2.1 1 typ host",
        "candidate:1 1 udp 1x 192.0.2.1 1 typ host",
        "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
        "candidate:1 1 udp 1 192.0.2.1 4294967296 typ host",
        "candidate:1 1 udp 1 fe80::1%eth0 1 typ host",
        "candidate:1 1 udp 1 <b> 1 typ host",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host raddr",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host raddr %% rport 1",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host raddr 192.0.2.1 rport 70000",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host ufrag abc",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host ufrag abcde ufrag abcd",
        "candidate:1 1 udp 1 192.0.2.1 1 typ host ufrag a:bcd",
        "candidate:1 1 tcp 1 192.0.2.1 1 typ host tcptype slow",
    };
    so_ice_candidate c;

    (void)state;
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (so_ice_candidate_parse(&c, lines[i], strlen(lines[i])) != SO_BAD_INPUT)
            fail_msg("taken: %s", lines[i]);
        assert_int_equal(c.component, 0); /* nothing of it is left to be used */
    }
}

static void every_cut_line_is_refused_or_complete(void **state)
{
    static const char line[] = "candidate:1 1 udp 1 192.0.2.1 10 typ host ufrag abcd";
    const size_t host = strlen("candidate:1 1 udp 1 192.0.2.1 10 typ h");

    (void)state;
    for (size_t len = 0; len < sizeof line - 1; len++) {
        char *exact = malloc(len + 1);
        so_ice_candidate c;
        so_status status;

        assert_non_null(exact);
        memcpy(exact, line, len);
        status = so_ice_candidate_parse(&c, exact, len);
        /* a cut type is one of the future; a cut extension pair is none */
        assert_int_equal(status == SO_OK, len >= host && len <= host + 4);
        free(exact);
    }
}

static void what_is_written_is_read_back(void **state)
{
    static const char *const lines[] = {
        "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host ufrag abcd",
        "candidate:4 1 udp 1694498815 2001:db8::1 5000 typ srflx raddr fe80::1 rport 6000",
        "candidate:5 1 tcp 1694498815 192.0.2.1 9 typ host tcptype passive",
        "candidate:6 1 udp 7 x-y.local 5000 typ relay raddr 0.0.0.0 rport 0",
    };
    char out[SO_ICE_LINE];

    (void)state;
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        so_ice_candidate c = parsed(lines[i]);

        assert_int_equal(so_ice_candidate_format(&c, out, sizeof out), SO_OK);
        assert_string_equal(out, lines[i]);
        assert_int_equal(so_ice_candidate_format(&c, out, strlen(lines[i])), SO_TOO_LONG);
        assert_int_equal(so_ice_candidate_format(&c, out, strlen(lines[i]) + 1), SO_OK);
    }
}

static void the_longest_line_fits(void **state)
{
    so_ice_candidate c = {.component = 256, .transport = SO_ICE_TCP, .tcptype = SO_ICE_PASSIVE, .type = SO_ICE_SRFLX};
    char out[SO_ICE_LINE];

    (void)state;
    memset(c.foundation, 'f', SO_ICE_FOUNDATION);
    memset(c.name, 'n', SO_ICE_NAME);
    memset(c.ufrag, 'u', SO_ICE_UFRAG);
    c.priority = 0x7fffffff;
    c.address.port = 65535;
    c.related = at("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 65535);
    assert_int_equal(so_ice_candidate_format(&c, out, sizeof out), SO_OK);
    assert_string_equal(parsed(out).name, c.name);
    assert_string_equal(parsed(out).ufrag, c.ufrag);
}

static void nothing_is_written_of_nothing(void **state)
{
    so_ice_candidate c = parsed("candidate:1 1 udp 1 192.0.2.1 1 typ ufo"), none = {.foundation = "1"};
    char out[SO_ICE_LINE];

    (void)state;
    assert_int_equal(so_ice_candidate_format(&c, out, sizeof out), SO_BAD_INPUT);
    assert_int_equal(so_ice_candidate_format(&none, out, sizeof out), SO_BAD_INPUT);
}

static void priorities_are_those_of_rfc_8445(void **state)
{
    (void)state;
    assert_int_equal(so_ice_priority(SO_ICE_HOST, 65535, 1), 2130706431);
    assert_int_equal(so_ice_priority(SO_ICE_SRFLX, 65535, 1), 1694498815);
    assert_int_equal(so_ice_priority(SO_ICE_PRFLX, 65535, 1), 1862270975);
    assert_int_equal(so_ice_priority(SO_ICE_RELAY, 65535, 2), 16777214);
    /* 2^32 × MIN(G, D) + 2 × MAX(G, D) + (G > D ? 1 : 0) */
    assert_true(so_ice_pair_priority(2130706431, 1694498815) == 7277816997797167103U);
    assert_true(so_ice_pair_priority(1694498815, 2130706431) == 7277816997797167102U);
    assert_true(so_ice_pair_priority(0x7fffffff, 0x7fffffff) == 0x7ffffffffffffffeU);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reflexive_line_of_chromium_is_read),
        cmocka_unit_test(a_name_is_kept_as_a_name),
        cmocka_unit_test(other_lines_of_browsers_are_read),
        cmocka_unit_test(what_the_grammar_forbids_is_refused),
        cmocka_unit_test(every_cut_line_is_refused_or_complete),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(the_longest_line_fits),
        cmocka_unit_test(nothing_is_written_of_nothing),
        cmocka_unit_test(priorities_are_those_of_rfc_8445),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
