/* rtp/feedback_write: what asks for packets, pictures and rates is written as the RFCs draw it, and read back. */
#include "unit.h"

#include "base/text.h"
#include "rtp/rtcp.h"

static void assert_bytes(const so_writer *w, const char *hex)
{
    uint8_t want[200];
    size_t len = strlen(hex) / 2;

    assert_false(w->failed);
    assert_int_equal(so_hex_decode(want, len, hex), SO_OK);
    assert_int_equal(so_writer_len(w), len);
    assert_memory_equal(w->start, want, len);
}

static void feedback_is_written_as_the_rfcs_draw_it(void **state)
{
    static const uint16_t missing[] = {0xfffe, 0xffff, 14, 15, 100};
    static const so_rtcp_fir firs[] = {{0xaa, 5}, {0xbb, 255}};
    static const uint32_t ssrcs[] = {0xaa};
    uint8_t b[100];
    so_writer w = so_writer_of(b, sizeof b);

    (void)state;
    so_rtcp_write_pli(&w, 1, 2);
    assert_bytes(&w, "81ce00020000000100000002");
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_nack(&w, 1, 2, missing, 5); /* 14 is the last number that the first pair reaches */
    assert_bytes(&w, "81cd00050000000100000002"
                     "fffe8001"
                     "000f0000"
                     "00640000");
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_fir(&w, 1, firs, 2);
    assert_bytes(&w, "84ce00060000000100000000"
                     "000000aa05000000"
                     "000000bbff000000");
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_remb(&w, 1, (uint64_t)0x34240 << 3, ssrcs, 1);
    assert_bytes(&w, "8fce00050000000100000000"
                     "52454d42010f4240000000aa");
}

/* Several in one compound, behind a report: each header says its own length. */
static void feedback_follows_in_a_compound(void **state)
{
    static const uint16_t missing[] = {7};
    uint8_t b[100];
    so_writer w = so_writer_of(b, sizeof b);
    so_rtcp_feedback_kind kinds[3];
    so_rtcp_packet p;
    so_rtcp_iter iter;
    so_rtcp_feedback f;
    size_t count = 0;

    (void)state;
    so_rtcp_write_rr(&w, 1, NULL, 0);
    so_rtcp_write_nack(&w, 1, 2, missing, 1);
    so_rtcp_write_pli(&w, 1, 2);
    so_rtcp_write_remb(&w, 1, 1000, NULL, 0);
    assert_false(w.failed);
    assert_int_equal(so_rtcp_parse(&iter, b, so_writer_len(&w), false), SO_OK);
    while (so_rtcp_next(&iter, &p))
        if (so_rtcp_read_feedback(&p, &f))
            kinds[count++] = f.kind;
    assert_int_equal(count, 3);
    assert_int_equal(kinds[0], SO_RTCP_NACK);
    assert_int_equal(kinds[1], SO_RTCP_PLI);
    assert_int_equal(kinds[2], SO_RTCP_REMB);
}

static bool read_back(const so_writer *w, so_rtcp_feedback *f)
{
    so_rtcp_packet p;
    so_rtcp_iter iter;

    assert_int_equal(so_rtcp_parse(&iter, w->start, so_writer_len(w), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    return so_rtcp_read_feedback(&p, f);
}

/* Any sorted numbers: the pairs name them all, in order, and no others. */
static void missing_numbers_come_back(void **state)
{
    uint64_t seed = 7;

    (void)state;
    for (int round = 0; round < 500; round++) {
        uint16_t missing[60], number = 0;
        uint8_t dice[60], b[4 * 60 + 12];
        so_writer w = so_writer_of(b, sizeof b);
        size_t count = 0;
        so_rtcp_feedback f;
        so_rtcp_nack nack;

        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        number = (uint16_t)(dice[0] << 8 | dice[1]);
        for (size_t i = 0; i < sizeof dice; i++)
            missing[i] = number = (uint16_t)(number + 1 + dice[i] % (round % 40 + 1));
        so_rtcp_write_nack(&w, 1, 2, missing, 60);
        assert_true(read_back(&w, &f));
        for (size_t i = 0; so_rtcp_read_nack(&f, i, &nack); i++) {
            assert_int_equal(nack.pid, missing[count++]);
            for (uint16_t bit = 0; bit < 16; bit++)
                if (nack.others >> bit & 1)
                    assert_int_equal((uint16_t)(nack.pid + 1 + bit), missing[count++]);
        }
        assert_int_equal(count, 60);
    }
}

static void rates_come_back_rounded_down(void **state)
{
    static const uint64_t rates[] = {0, 1, 262143, 262144, 300001, 2000000, (uint64_t)1 << 40, UINT64_MAX};
    uint8_t b[100];
    so_rtcp_feedback f;
    so_rtcp_remb remb;

    (void)state;
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        so_writer w = so_writer_of(b, sizeof b);

        so_rtcp_write_remb(&w, 1, rates[i], NULL, 0);
        assert_true(read_back(&w, &f));
        assert_true(so_rtcp_read_remb(&f, &remb));
        assert_true(remb.bitrate <= rates[i] && rates[i] - remb.bitrate <= rates[i] >> 17);
    }
}

static void what_says_nothing_or_has_no_room_fails(void **state)
{
    static const uint16_t missing[] = {1, 100, 200};
    static const so_rtcp_fir firs[] = {{1, 1}};
    static const uint32_t ssrcs[256] = {0};
    uint8_t b[1100];
    so_writer w;

    (void)state;
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_nack(&w, 1, 2, missing, 0);
    assert_true(w.failed);
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_fir(&w, 1, firs, 0);
    assert_true(w.failed);
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_remb(&w, 1, 1, ssrcs, 256);
    assert_true(w.failed);
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_remb(&w, 1, 1, ssrcs, 255);
    assert_false(w.failed);
    for (size_t cap = 0; cap < 24; cap++) {
        w = so_writer_of(b, cap);
        so_rtcp_write_nack(&w, 1, 2, missing, 3);
        assert_true(w.failed);
        w = so_writer_of(b, cap);
        so_rtcp_write_fir(&w, 1, firs, 1);
        assert_int_equal(w.failed, cap < 20);
        w = so_writer_of(b, cap);
        so_rtcp_write_pli(&w, 1, 2);
        assert_int_equal(w.failed, cap < 12);
        w = so_writer_of(b, cap);
        so_rtcp_write_remb(&w, 1, 1, ssrcs, 1);
        assert_true(w.failed == (cap < 24));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(feedback_is_written_as_the_rfcs_draw_it),
        cmocka_unit_test(feedback_follows_in_a_compound),
        cmocka_unit_test(missing_numbers_come_back),
        cmocka_unit_test(rates_come_back_rounded_down),
        cmocka_unit_test(what_says_nothing_or_has_no_room_fails),
    };
    return cmocka_run_group_tests_name("RTCP feedback that is sent", tests, NULL, NULL);
}
