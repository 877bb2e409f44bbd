/* rtp/transport_cc: every packet's status and time come back; what is not whole is refused before any is believed. */
#include "unit.h"

#include "base/text.h"
#include "rtp/transport_cc.h"

static so_rtcp_transport_cc feedback_of(const uint8_t *bytes, size_t len)
{
    so_rtcp_transport_cc cc;
    so_rtcp_feedback f;
    so_rtcp_packet p;
    so_rtcp_iter iter;

    assert_int_equal(so_rtcp_parse(&iter, bytes, len, true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    assert_true(so_rtcp_read_feedback(&p, &f));
    assert_true(so_rtcp_read_transport_cc(&f, &cc));
    return cc;
}

/* As the draft draws them (§3.1): "7:- 8:1000 …", times in µs; or why not. */
static const char *text_of(uint16_t base, uint16_t statuses, int32_t reference, const char *hex)
{
    static char text[1000];
    uint8_t bytes[100];
    so_rtcp_transport_cc cc = {.base = base, .statuses = statuses, .reference = reference, .chunks = bytes};
    so_rtcp_arrivals arrivals;
    so_rtcp_arrival a;

    cc.chunks_len = strlen(hex) / 2;
    assert_int_equal(so_hex_decode(bytes, cc.chunks_len, hex), SO_OK);
    text[0] = 0;
    if (so_rtcp_arrivals_of(&arrivals, &cc) != SO_OK) {
        assert_false(so_rtcp_arrival_next(&arrivals, &a));
        return "refused";
    }
    while (so_rtcp_arrival_next(&arrivals, &a)) {
        char *end = text + strlen(text);

        if (a.received)
            sprintf(end, "%s%u:%lld", end == text ? "" : " ", a.number, (long long)a.at);
        else
            sprintf(end, "%s%u:-", end == text ? "" : " ", a.number);
    }
    return text;
}

static void chunks_of_each_kind_are_read(void **state)
{
    static const struct {
        uint16_t base, statuses;
        int32_t reference;
        const char *hex, *want;
    } rows[] = {
        /* runs: missing, small, large */
        {7, 2, 0, "0002", "7:- 8:-"},
        {7, 2, 1, "200204ff", "7:65000 8:128750"},
        {65535, 2, -1, "400200010000", "65535:-63750 0:-63750"},
        {7, 2, 0, "4002ffff8000", "7:-250 8:-8192250"},
        /* one bit each: 1 and 3 of 14 came */
        {7, 4, 0, "a80001020304", "7:250 8:- 9:750 10:-"},
        /* two bits each: small, large, missing */
        {7, 3, 0, "d80004010000", "7:1000 8:65000 9:-"},
        /* a vector after a run, and padding behind */
        {7, 4, 0, "0002a00001020000", "7:- 8:- 9:250 10:-"},
        /* a run that says more than there is: the rest does not count */
        {7, 1, 0, "3fff01", "7:250"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(text_of(rows[i].base, rows[i].statuses, rows[i].reference, rows[i].hex), rows[i].want);
}

static void what_is_not_whole_is_refused(void **state)
{
    (void)state;
    assert_string_equal(text_of(7, 1, 0, ""), "refused");
    assert_string_equal(text_of(7, 1, 0, "20"), "refused");
    assert_string_equal(text_of(7, 0, 0, "2001"), "refused");
    assert_string_equal(text_of(7, 2, 0, "2001"), "refused");             /* one status is missing */
    assert_string_equal(text_of(7, 2, 0, "200201"), "refused");           /* a delta */
    assert_string_equal(text_of(7, 2, 0, "4002000100"), "refused");       /* half a delta */
    assert_string_equal(text_of(7, 1, 0, "600100000000"), "refused");     /* a run of the reserved status */
    assert_string_equal(text_of(7, 7, 0, "f00000000000"), "refused");     /* one in a vector */
    assert_string_equal(text_of(7, 1, 0, "0000000000000001"), "refused"); /* runs of none, then one */
    assert_string_equal(text_of(7, 0xffff, 0, "1fff1fff1fff1fff1fff1fff1fff1fff1fff"), "refused");
}

/* Any pattern of arrivals comes back, to a tick of 250 µs, however many feedbacks it takes. */
static void arrivals_come_back(void **state)
{
    uint64_t seed = 11;

    (void)state;
    for (int round = 0; round < 400; round++) {
        static so_usec at[1500];
        uint8_t dice[3 * 1500], b[1200];
        size_t count = 1 + (size_t)round * 7 % 1500, told = 0;
        so_usec now = (so_usec)round * 3000000000;
        size_t cap = 60 + (size_t)(round * 37 % 1100);

        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        for (size_t i = 0; i < count; i++) {
            now += (so_usec)dice[3 * i] * (dice[3 * i + 2] > 250 ? 100000u : round % 3 == 0 ? 100u : 1000u);
            at[i] = dice[3 * i + 1] % 16 < round % 16 ? SO_RTCP_NEVER : now;
            if (i > 0 && dice[3 * i + 1] == 255 && at[i] != SO_RTCP_NEVER)
                at[i] -= 200000 < at[i] ? 200000 : 0; /* overtaken */
        }
        while (told < count) {
            so_writer w = so_writer_of(b, cap);
            uint16_t base = (uint16_t)(65000 + told);
            size_t n = so_rtcp_write_transport_cc(&w, 1, 2, (uint8_t)round, base, at + told, count - told);
            so_rtcp_transport_cc cc;
            so_rtcp_arrivals arrivals;
            so_rtcp_arrival a;

            if (n == 0) { /* none of those that fit came */
                assert_int_equal(so_writer_len(&w), 0);
                assert_true(at[told] == SO_RTCP_NEVER);
                told++;
                continue;
            }
            assert_false(w.failed);
            cc = feedback_of(b, so_writer_len(&w));
            assert_int_equal(cc.statuses, n);
            assert_int_equal(cc.number, (uint8_t)round);
            assert_int_equal(so_rtcp_arrivals_of(&arrivals, &cc), SO_OK);
            for (size_t i = 0; i < n; i++) {
                assert_true(so_rtcp_arrival_next(&arrivals, &a));
                assert_int_equal(a.number, (uint16_t)(base + i));
                assert_int_equal(a.received, at[told + i] != SO_RTCP_NEVER);
                if (a.received)
                    assert_true((so_usec)((a.at - (int64_t)(at[told + i] / 250 * 250)) % SO_RTCP_REFERENCE_CIRCLE) ==
                                0);
            }
            assert_false(so_rtcp_arrival_next(&arrivals, &a));
            told += n;
        }
    }
}

static void feedback_is_short(void **state)
{
    so_usec at[100];
    uint8_t b[300];
    so_writer w = so_writer_of(b, sizeof b);

    (void)state;
    for (size_t i = 0; i < 100; i++)
        at[i] = 64000 * 5 + i * 5000;
    assert_int_equal(so_rtcp_write_transport_cc(&w, 1, 2, 3, 10, at, 100), 100);
    assert_int_equal(so_writer_len(&w), 20 + 2 + 100 + 2); /* one run, a byte each, padding */
    at[50] = SO_RTCP_NEVER;
    w = so_writer_of(b, sizeof b);
    assert_int_equal(so_rtcp_write_transport_cc(&w, 1, 2, 3, 10, at, 100), 100);
    assert_int_equal(so_writer_len(&w), 20 + 3 * 2 + 99 + 3); /* run, vector, run */
}

static void nothing_is_written_without_room_or_news(void **state)
{
    so_usec at[2] = {SO_RTCP_NEVER, SO_RTCP_NEVER};
    uint8_t b[40];
    so_writer w;

    (void)state;
    w = so_writer_of(b, sizeof b);
    assert_int_equal(so_rtcp_write_transport_cc(&w, 1, 2, 3, 10, at, 2), 0);
    assert_int_equal(so_rtcp_write_transport_cc(&w, 1, 2, 3, 10, at, 0), 0);
    at[1] = 5;
    for (size_t cap = 0; cap < sizeof b; cap++) {
        size_t n;

        w = so_writer_of(b, cap);
        n = so_rtcp_write_transport_cc(&w, 1, 2, 3, 10, at, 2);
        assert_int_equal(n, so_writer_len(&w) == 0 ? 0 : 2);
        assert_int_equal(n, cap >= 30 ? 2 : 0);
        assert_false(w.failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_of_each_kind_are_read),
        cmocka_unit_test(what_is_not_whole_is_refused),
        cmocka_unit_test(arrivals_come_back),
        cmocka_unit_test(feedback_is_short),
        cmocka_unit_test(nothing_is_written_without_room_or_news),
    };
    return cmocka_run_group_tests_name("what came and when, told to its sender", tests, NULL, NULL);
}
