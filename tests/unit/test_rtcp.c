/* rtp/rtcp: compounds are taken whole or not at all; reports and feedback are read as they were meant. */
#include "unit.h"

#include "base/text.h"
#include "rtp/rtcp.h"

#include <stdlib.h>

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t len = strlen(hex) / 2;

    assert_int_equal(so_hex_decode(out, len, hex), SO_OK);
    return len;
}

static const so_rtcp_sender sender = {0x11223344, 0x0123456789abcdef, 90000, 10, 1600};
static const so_rtcp_block blocks[2] = {
    {0xaabbccdd, 25, 1234, 0x0001fffe, 77, 0x456789ab, 65536},
    {0x01020304, 0, -3, 5, 6, 0, 0},
};

static void a_compound_comes_back(void **state)
{
    uint8_t b[400];
    so_writer w = so_writer_of(b, sizeof b);
    const uint32_t leaving[] = {0x11223344, 5};
    so_rtcp_packet p;
    so_rtcp_iter iter;
    so_rtcp_sender s;
    so_rtcp_block block;
    so_rtcp_items items;
    so_rtcp_item item;
    const char *reason;
    uint32_t ssrc;
    size_t len;

    (void)state;
    so_rtcp_write_sr(&w, &sender, blocks, 2);
    so_rtcp_write_cname(&w, 0x11223344, "a-name");
    so_rtcp_write_bye(&w, leaving, 2, "done");
    assert_false(w.failed);
    assert_int_equal(so_rtcp_parse(&iter, b, so_writer_len(&w), false), SO_OK);

    assert_true(so_rtcp_next(&iter, &p));
    assert_int_equal(p.type, SO_RTCP_SR);
    assert_true(so_rtcp_read_sr(&p, &s));
    assert_int_equal(s.ssrc, sender.ssrc);
    assert_true(s.ntp == sender.ntp);
    assert_int_equal(s.rtp, sender.rtp);
    assert_int_equal(s.packets, sender.packets);
    assert_int_equal(s.octets, sender.octets);
    assert_true(so_rtcp_read_ssrc(&p, &ssrc));
    assert_int_equal(ssrc, sender.ssrc);
    for (size_t i = 0; i < 2; i++) {
        memset(&block, 0, sizeof block);
        assert_true(so_rtcp_read_block(&p, i, &block));
        assert_int_equal(block.ssrc, blocks[i].ssrc);
        assert_int_equal(block.fraction, blocks[i].fraction);
        assert_int_equal(block.lost, blocks[i].lost);
        assert_int_equal(block.highest, blocks[i].highest);
        assert_int_equal(block.jitter, blocks[i].jitter);
        assert_int_equal(block.lsr, blocks[i].lsr);
        assert_int_equal(block.dlsr, blocks[i].dlsr);
    }
    assert_false(so_rtcp_read_block(&p, 2, &block));

    assert_true(so_rtcp_next(&iter, &p));
    assert_int_equal(p.type, SO_RTCP_SDES);
    items = so_rtcp_items_of(&p);
    assert_true(so_rtcp_item_next(&items, &item));
    assert_int_equal(item.ssrc, 0x11223344);
    assert_int_equal(item.type, SO_RTCP_CNAME);
    assert_int_equal(item.len, 6);
    assert_memory_equal(item.text, "a-name", 6);
    assert_false(so_rtcp_item_next(&items, &item));
    assert_false(so_rtcp_read_sr(&p, &s));
    assert_false(so_rtcp_read_block(&p, 0, &block));

    assert_true(so_rtcp_next(&iter, &p));
    assert_int_equal(p.type, SO_RTCP_BYE);
    assert_true(so_rtcp_read_bye(&p, 1, &ssrc));
    assert_int_equal(ssrc, 5);
    assert_false(so_rtcp_read_bye(&p, 2, &ssrc));
    assert_true(so_rtcp_read_bye_reason(&p, &reason, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(reason, "done", 4);
    assert_false(so_rtcp_next(&iter, &p));
}

/* Byte for byte, by hand from RFC 3550 §6. */
static void packets_are_written_as_the_rfc_draws_them(void **state)
{
    uint8_t b[100], want[100];
    so_writer w = so_writer_of(b, sizeof b);
    const uint32_t leaving[] = {7};

    (void)state;
    so_rtcp_write_rr(&w, 9, blocks, 1);
    assert_int_equal(so_writer_len(&w), from_hex(want, "81c9000700000009"
                                                       "aabbccdd190004d20001fffe0000004d456789ab00010000"));
    assert_memory_equal(b, want, so_writer_len(&w));
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_cname(&w, 9, "ab"); /* its end falls on a word's: a whole word of zeros follows */
    assert_int_equal(so_writer_len(&w), from_hex(want, "81ca0003000000090102616200000000"));
    assert_memory_equal(b, want, so_writer_len(&w));
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_bye(&w, leaving, 1, NULL);
    assert_int_equal(so_writer_len(&w), from_hex(want, "81cb000100000007"));
    assert_memory_equal(b, want, so_writer_len(&w));
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_bye(&w, leaving, 1, "abc");
    assert_int_equal(so_writer_len(&w), from_hex(want, "81cb00020000000703616263"));
    assert_memory_equal(b, want, so_writer_len(&w));
}

static void names_of_every_length_come_back(void **state)
{
    (void)state;
    for (size_t n = 0; n <= 256; n++) {
        uint8_t b[600];
        char name[257];
        so_writer w = so_writer_of(b, sizeof b);
        so_rtcp_items items;
        so_rtcp_packet p;
        so_rtcp_iter iter;
        so_rtcp_item item;
        memset(name, 'x', n);
        name[n] = 0;
        so_rtcp_write_cname(&w, 1, name);
        if (n > 255) {
            assert_true(w.failed);
            break;
        }
        assert_int_equal(so_rtcp_parse(&iter, b, so_writer_len(&w), true), SO_OK);
        assert_true(so_rtcp_next(&iter, &p));
        items = so_rtcp_items_of(&p);
        assert_true(so_rtcp_item_next(&items, &item));
        assert_int_equal(item.len, n);
        assert_memory_equal(item.text, name, n);
        assert_false(so_rtcp_item_next(&items, &item));
    }
}

static void writers_stop_at_the_end(void **state)
{
    const uint32_t ssrcs[32] = {0};
    so_rtcp_block many[32];
    uint8_t b[2000];
    so_writer w;

    (void)state;
    memset(many, 0, sizeof many);
    for (size_t cap = 0; cap < 28 + 48; cap++) {
        w = so_writer_of(b, cap);
        so_rtcp_write_sr(&w, &sender, blocks, 2);
        assert_true(w.failed);
    }
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_rr(&w, 1, many, 31);
    assert_false(w.failed);
    so_rtcp_write_rr(&w, 1, many, 32);
    assert_true(w.failed);
    w = so_writer_of(b, sizeof b);
    so_rtcp_write_bye(&w, ssrcs, 32, NULL);
    assert_true(w.failed);
}

static void malformed_compounds_are_refused_whole(void **state)
{
    static const struct {
        const char *hex;
        bool reduced;
        so_status want;
    } rows[] = {
        {"", true, SO_BAD_INPUT},
        {"80c900", true, SO_BAD_INPUT},
        {"80c9000100000001", false, SO_OK},
        {"80c90001000001", false, SO_BAD_INPUT},
        {"80c9000200000001", false, SO_BAD_INPUT}, /* says more than there is */
        {"00c9000100000001", false, SO_BAD_INPUT}, /* version */
        {"c0c9000100000001", false, SO_BAD_INPUT},
        {"80ce000200000001"
         "00000002",
         false, SO_BAD_INPUT}, /* does not begin with a report */
        {"80ce000200000001"
         "00000002",
         true, SO_OK}, /* RFC 5506 */
        {"80c9000100000001"
         "81ca0003000000090102616200000000",
         false, SO_OK},
        {"80c9000100000001"
         "81ca0004000000090102616200000000",
         false, SO_BAD_INPUT},
        {"80c9000100000001"
         "00",
         false, SO_BAD_INPUT},
        {"80c9000100000001"
         "01ca0003000000090102616200000000",
         false, SO_BAD_INPUT},
        {"80c9000100000001"
         "a0cb000100000004",
         false, SO_OK}, /* padding at the end */
        {"a0c9000200000001"
         "00000004"
         "80cb0000",
         false, SO_OK}, /* and in the middle, as browsers do with several feedbacks */
        {"a0c9000200000001"
         "00000000",
         false, SO_BAD_INPUT},
        {"a0c9000200000001"
         "00000003",
         false, SO_OK}, /* by the byte, as browsers do */
        {"a0c9000200000001"
         "0000000c",
         false, SO_BAD_INPUT},
        {"a0c90000", false, SO_BAD_INPUT},
        {"80c80000", false, SO_OK}, /* too short for an SR: its readers will say so */
    };
    uint8_t b[100];
    so_rtcp_iter iter;
    so_rtcp_packet p;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(so_rtcp_parse(&iter, b, from_hex(b, rows[i].hex), rows[i].reduced), rows[i].want);
        assert_int_equal(so_rtcp_next(&iter, &p), rows[i].want == SO_OK);
    }
}

static void rtcp_is_told_from_rtp(void **state)
{
    uint8_t b[12] = {0x80};

    (void)state;
    for (int type = 0; type < 256; type++) {
        b[1] = (uint8_t)type;
        assert_int_equal(so_rtcp_is(b, 12), type >= 192 && type <= 223);
    }
    b[1] = 200;
    assert_false(so_rtcp_is(b, 3));
    b[0] = 0x40;
    assert_false(so_rtcp_is(b, 12));
}

static void too_short_reports_give_nothing(void **state)
{
    uint8_t b[100];
    so_rtcp_packet p;
    so_rtcp_iter iter;
    so_rtcp_sender s;
    so_rtcp_block block;
    const char *text;
    uint32_t ssrc;
    size_t len;

    (void)state;
    /* SR with 31 blocks announced, and 20 of 24 bytes of sender info */
    assert_int_equal(so_rtcp_parse(&iter, b,
                                   from_hex(b, "9fc80005"
                                               "0000000100000002000000030000000400000005"),
                                   false),
                     SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    assert_false(so_rtcp_read_sr(&p, &s));
    for (size_t i = 0; i < 32; i++)
        assert_false(so_rtcp_read_block(&p, i, &block));
    /* BYE of two, one of them there */
    assert_int_equal(so_rtcp_parse(&iter, b, from_hex(b, "82cb000100000007"), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    assert_true(so_rtcp_read_bye(&p, 0, &ssrc));
    assert_false(so_rtcp_read_bye(&p, 1, &ssrc));
    assert_false(so_rtcp_read_bye_reason(&p, &text, &len));
    /* a reason that says more than there is */
    assert_int_equal(so_rtcp_parse(&iter, b, from_hex(b, "81cb00020000000704616263"), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    assert_false(so_rtcp_read_bye_reason(&p, &text, &len));
}

/* hex of an SDES body; "ssrc/type/len ..." */
static void assert_items(const char *hex, const char *want)
{
    uint8_t b[200];
    char got[400] = "";
    so_rtcp_items items;
    so_rtcp_packet p;
    so_rtcp_iter iter;
    so_rtcp_item item;

    assert_int_equal(so_rtcp_parse(&iter, b, from_hex(b, hex), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    items = so_rtcp_items_of(&p);
    while (so_rtcp_item_next(&items, &item)) {
        assert_true((const uint8_t *)item.text >= p.body &&
                    (const uint8_t *)item.text + item.len <= p.body + p.body_len);
        sprintf(got + strlen(got), "%x/%u/%u ", item.ssrc, item.type, item.len);
    }
    assert_false(so_rtcp_item_next(&items, &item));
    assert_string_equal(got, want);
}

static void source_descriptions_are_walked(void **state)
{
    (void)state;
    assert_items("80ca0000", "");
    assert_items("81ca0002"
                 "00000009"
                 "00000000",
                 "");
    /* two chunks, two items in the first */
    assert_items("82ca0006"
                 "00000009"
                 "010161020162"
                 "0000"
                 "0000000a"
                 "0100"
                 "0000"
                 "00000000",
                 "9/1/1 9/2/1 a/1/0 ");
    /* the zero that ends the list may end the word, too */
    assert_items("82ca0004"
                 "00000009"
                 "01016100"
                 "0000000a"
                 "01016100",
                 "9/1/1 a/1/1 ");
    /* the list is not ended, or says more than there is */
    assert_items("81ca0002"
                 "00000009"
                 "01026162",
                 "9/1/2 ");
    assert_items("81ca0002"
                 "00000009"
                 "01ff6162",
                 "");
    assert_items("9fca0002"
                 "00000009"
                 "01000000",
                 "9/1/0 ");
}

static bool feedback_of(uint8_t *b, const char *hex, so_rtcp_feedback *out)
{
    so_rtcp_packet p;
    so_rtcp_iter iter;

    assert_int_equal(so_rtcp_parse(&iter, b, from_hex(b, hex), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p));
    return so_rtcp_read_feedback(&p, out);
}

static void feedback_is_recognised(void **state)
{
    uint8_t b[100];
    so_rtcp_feedback f;
    so_rtcp_nack nack;
    so_rtcp_fir fir;
    so_rtcp_remb remb;
    so_rtcp_transport_cc cc;

    (void)state;
    assert_true(feedback_of(b,
                            "81ce0002"
                            "00000001"
                            "00000002",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_PLI);
    assert_int_equal(f.sender, 1);
    assert_int_equal(f.media, 2);

    assert_true(feedback_of(b,
                            "81cd0004"
                            "00000001"
                            "00000002"
                            "ffff8001"
                            "00100000",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_NACK);
    assert_true(so_rtcp_read_nack(&f, 0, &nack));
    assert_int_equal(nack.pid, 0xffff);
    assert_int_equal(nack.others, 0x8001);
    assert_true(so_rtcp_read_nack(&f, 1, &nack));
    assert_int_equal(nack.pid, 0x10);
    assert_false(so_rtcp_read_nack(&f, 2, &nack));
    assert_false(so_rtcp_read_fir(&f, 0, &fir));

    assert_true(feedback_of(b,
                            "84ce0004"
                            "00000001"
                            "00000000"
                            "000000aa"
                            "05000000",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_FIR);
    assert_true(so_rtcp_read_fir(&f, 0, &fir));
    assert_int_equal(fir.ssrc, 0xaa);
    assert_int_equal(fir.seq, 5);
    assert_false(so_rtcp_read_fir(&f, 1, &fir));

    assert_true(feedback_of(b,
                            "8fce0005"
                            "00000001"
                            "00000000"
                            "52454d42"
                            "01"
                            "0f"
                            "4240"
                            "000000aa",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_REMB);
    assert_true(so_rtcp_read_remb(&f, &remb));
    assert_int_equal(remb.bitrate, (uint64_t)0x34240 << 3);
    assert_int_equal(remb.count, 1);
    assert_memory_equal(remb.ssrcs, "\0\0\0\xaa", 4);
    assert_true(feedback_of(b,
                            "8fce0004"
                            "00000001"
                            "00000000"
                            "52454d42"
                            "00"
                            "ff"
                            "ffff",
                            &f));
    assert_true(so_rtcp_read_remb(&f, &remb));
    assert_true(remb.bitrate == UINT64_MAX);

    assert_true(feedback_of(b,
                            "8fcd0005"
                            "00000001"
                            "00000002"
                            "00100002"
                            "ffffff07"
                            "20020000",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_TRANSPORT_CC);
    assert_true(so_rtcp_read_transport_cc(&f, &cc));
    assert_int_equal(cc.base, 0x10);
    assert_int_equal(cc.statuses, 2);
    assert_int_equal(cc.reference, -1);
    assert_int_equal(cc.number, 7);
    assert_int_equal(cc.chunks_len, 4);

    /* of a kind that nobody asked for */
    assert_true(feedback_of(b,
                            "8bcd0002"
                            "00000001"
                            "00000002",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_OTHER_FEEDBACK);
    assert_true(feedback_of(b,
                            "8fce0003"
                            "00000001"
                            "00000002"
                            "46464646",
                            &f));
    assert_int_equal(f.kind, SO_RTCP_OTHER_FEEDBACK);
    assert_false(so_rtcp_read_remb(&f, &remb));
    assert_false(so_rtcp_read_transport_cc(&f, &cc));
}

static void feedback_too_short_for_its_kind_is_refused(void **state)
{
    static const char *const rows[] = {
        "81ce000100000001",                                 /* no media SSRC */
        "81cd00020000000100000002",                         /* NACK of nothing */
        "84ce00020000000100000002",                         /* FIR of nothing */
        "84ce00030000000100000002000000aa",                 /* half a FIR */
        "8fcd0003000000010000000200100002",                 /* transport-cc without its second word */
        "8fce0003000000010000000052454d42",                 /* REMB without a rate */
        "8fce0005000000010000000052454d42020f4240000000aa", /* two SSRCs, one there */
        "80c9000100000001",                                 /* no feedback at all */
    };
    uint8_t b[100];
    so_rtcp_feedback f;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_false(feedback_of(b, rows[i], &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_compound_comes_back),
        cmocka_unit_test(packets_are_written_as_the_rfc_draws_them),
        cmocka_unit_test(names_of_every_length_come_back),
        cmocka_unit_test(writers_stop_at_the_end),
        cmocka_unit_test(malformed_compounds_are_refused_whole),
        cmocka_unit_test(rtcp_is_told_from_rtp),
        cmocka_unit_test(too_short_reports_give_nothing),
        cmocka_unit_test(source_descriptions_are_walked),
        cmocka_unit_test(feedback_is_recognised),
        cmocka_unit_test(feedback_too_short_for_its_kind_is_refused),
    };
    return cmocka_run_group_tests_name("RTCP reports and feedback", tests, NULL, NULL);
}
