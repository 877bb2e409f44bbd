/* rtp/arrivals: every number that came is told of once, soon, and within bounds. */
#include "unit.h"

#include "rtp/arrivals.h"

/* Feedbacks as text: "#0 65535:1250 0:- 1:65000", times in µs. Nothing: "". */
static const char *told(so_arrivals *a, size_t cap)
{
    static char text[40000];
    uint8_t bytes[1200];
    so_writer w = so_writer_of(bytes, cap);
    so_rtcp_arrivals arrivals;
    so_rtcp_transport_cc cc;
    so_rtcp_feedback f;
    so_rtcp_arrival one;
    so_rtcp_packet p;
    so_rtcp_iter iter;
    char *end = text;

    text[0] = 0;
    if (!so_arrivals_write(a, &w, 1, 2))
        return text;
    assert_true(so_writer_len(&w) <= SO_ARRIVALS_ROOM || cap > SO_ARRIVALS_ROOM);
    assert_int_equal(so_rtcp_parse(&iter, bytes, so_writer_len(&w), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p) && so_rtcp_read_feedback(&p, &f) && so_rtcp_read_transport_cc(&f, &cc));
    assert_int_equal(so_rtcp_arrivals_of(&arrivals, &cc), SO_OK);
    end += sprintf(end, "#%u", cc.number);
    while (so_rtcp_arrival_next(&arrivals, &one)) {
        if (one.received)
            end += sprintf(end, " %u:%lld", one.number, (long long)one.at);
        else
            end += sprintf(end, " %u:-", one.number);
    }
    return text;
}

static void what_came_is_told_once(void **state)
{
    static so_arrivals a;

    (void)state;
    so_arrivals_init(&a);
    assert_true(so_arrivals_deadline(&a) == UINT64_MAX);
    assert_string_equal(told(&a, 1200), "");
    so_arrivals_packet(&a, 65535, 1000000);
    so_arrivals_packet(&a, 1, 1002300);
    so_arrivals_packet(&a, 1, 1009999); /* twice */
    assert_int_equal(so_arrivals_deadline(&a), 1100);
    assert_string_equal(told(&a, 1200), "#0 65535:1000000 0:- 1:1002250");
    assert_true(so_arrivals_deadline(&a) == UINT64_MAX);
    assert_string_equal(told(&a, 1200), "");
    so_arrivals_packet(&a, 3, 1200000);
    assert_string_equal(told(&a, 1200), "#1 2:- 3:1200000");
}

static void many_are_told_sooner(void **state)
{
    static so_arrivals a;

    (void)state;
    so_arrivals_init(&a);
    for (uint16_t i = 0; i < 128; i++) {
        so_arrivals_packet(&a, i, 5000000 + i * 100);
        assert_int_equal(so_arrivals_deadline(&a), i < 2 ? 5100 : i < 127 ? 5050 : 0);
    }
}

/* Told as missing, it is told again when it comes after all, with what came since. */
static void an_overtaken_packet_is_told_too(void **state)
{
    static so_arrivals a;

    (void)state;
    so_arrivals_init(&a);
    so_arrivals_packet(&a, 10, 64000);
    so_arrivals_packet(&a, 12, 65000);
    assert_string_equal(told(&a, 1200), "#0 10:64000 11:- 12:65000");
    so_arrivals_packet(&a, 11, 80000);
    assert_int_equal(so_arrivals_deadline(&a), 180);
    assert_string_equal(told(&a, 1200), "#1 11:80000 12:65000");
    assert_true(so_arrivals_deadline(&a) == UINT64_MAX);
    /* before the first of all */
    so_arrivals_packet(&a, 9, 90000);
    assert_string_equal(told(&a, 1200), "#2 9:90000 10:64000 11:80000 12:65000");
    /* but not from long ago */
    so_arrivals_packet(&a, 400, 91000);
    assert_true(strlen(told(&a, 1200)) > 0);
    so_arrivals_packet(&a, 400 - 256, 92000);
    assert_true(so_arrivals_deadline(&a) == UINT64_MAX);
    so_arrivals_packet(&a, 400 - 255, 92000);
    assert_true(so_arrivals_deadline(&a) != UINT64_MAX);
}

static void jumps_are_bounded(void **state)
{
    static so_arrivals a;
    const char *text;

    (void)state;
    so_arrivals_init(&a);
    so_arrivals_packet(&a, 10, 64000);
    so_arrivals_packet(&a, 10 + SO_ARRIVALS_KEPT, 65000); /* just in reach: 10 makes room, untold */
    assert_int_equal(a.waiting, 1);
    text = told(&a, SO_ARRIVALS_ROOM);
    assert_int_equal(strncmp(text, "#0 778:- ", 9), 0); /* of all that is missing, 256 */
    assert_string_equal(text + strlen(text) - 11, " 1034:65000");
    so_arrivals_packet(&a, 30000, 66000); /* further: it begins anew */
    assert_string_equal(told(&a, 1200), "#1 30000:66000");
    so_arrivals_packet(&a, 30000 - 20000, 67000); /* back: nothing */
    assert_string_equal(told(&a, 1200), "");
    so_arrivals_packet(&a, 62768, 68000); /* the other end of the circle is ahead */
    assert_string_equal(told(&a, 1200), "#2 62768:68000");
}

static void without_room_it_is_forgotten(void **state)
{
    static so_arrivals a;

    (void)state;
    so_arrivals_init(&a);
    so_arrivals_packet(&a, 10, 64000);
    assert_string_equal(told(&a, 20), "");
    assert_true(so_arrivals_deadline(&a) == UINT64_MAX);
    so_arrivals_packet(&a, 11, 64000);
    assert_string_equal(told(&a, 1200), "#0 11:64000");
}

/* More than 8 s between two packets does not fit a delta: the second has a feedback of its own. */
static void a_pause_starts_another_feedback(void **state)
{
    static so_arrivals a;

    (void)state;
    so_arrivals_init(&a);
    so_arrivals_packet(&a, 1, 64000);
    so_arrivals_packet(&a, 2, 64000 + 9000000);
    assert_string_equal(told(&a, 1200), "#0 1:64000");
    assert_int_equal(so_arrivals_deadline(&a), 164);
    assert_string_equal(told(&a, 1200), "#1 2:9064000");
}

/* Any numbers: feedback is whole, in bounds, ends, and leaves nothing. */
static void hostile_numbers_do_no_harm(void **state)
{
    static so_arrivals a;
    uint64_t seed = 3;
    so_usec now = 1000000;
    uint16_t number = 0;

    (void)state;
    so_arrivals_init(&a);
    for (int i = 0; i < 20000; i++) {
        uint8_t dice[4];

        assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
        number = dice[0] < 10 ? (uint16_t)(dice[1] << 8 | dice[2]) : (uint16_t)(number + dice[1] % 300 - 100);
        now += dice[3] * (dice[3] > 250 ? 50000u : 10u);
        so_arrivals_packet(&a, number, now);
        if (so_arrivals_deadline(&a) <= now / 1000 || dice[3] < 4) {
            int count = 0;

            while (a.waiting > 0 && count++ < 100)
                assert_true(a.waiting > 0 && strlen(told(&a, SO_ARRIVALS_ROOM)) > 0);
            assert_int_equal(a.waiting, 0);
            assert_int_equal(a.begin, a.end);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_is_told_once),          cmocka_unit_test(many_are_told_sooner),
        cmocka_unit_test(an_overtaken_packet_is_told_too), cmocka_unit_test(jumps_are_bounded),
        cmocka_unit_test(without_room_it_is_forgotten),    cmocka_unit_test(a_pause_starts_another_feedback),
        cmocka_unit_test(hostile_numbers_do_no_harm),
    };
    return cmocka_run_group_tests_name("what came, kept until it is told", tests, NULL, NULL);
}
