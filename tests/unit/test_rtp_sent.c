/* rtp/sent: each packet's fate is told once, and only of packets that were sent. */
#include "unit.h"

#include "rtp/sent.h"

#include <stdlib.h>

/* What a feedback about base and those after it makes known: at[i] in µs, or SO_RTCP_NEVER. */
static const char *news(so_sent *s, uint16_t base, const so_usec *at, size_t count)
{
    static char text[4000];
    uint8_t bytes[1200];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_sent_results results;
    so_sent_result r;
    so_rtcp_transport_cc cc;
    so_rtcp_feedback f;
    so_rtcp_packet p;
    so_rtcp_iter iter;

    assert_int_equal(so_rtcp_write_transport_cc(&w, 1, 2, 0, base, at, count), count);
    assert_int_equal(so_rtcp_parse(&iter, bytes, so_writer_len(&w), true), SO_OK);
    assert_true(so_rtcp_next(&iter, &p) && so_rtcp_read_feedback(&p, &f) && so_rtcp_read_transport_cc(&f, &cc));
    assert_int_equal(so_sent_feedback(s, &cc, &results), SO_OK);
    text[0] = 0;
    while (so_sent_next(s, &results, &r)) {
        char *end = text + strlen(text);

        end += sprintf(end, "%s%u/%zu@%llu:", end == text ? "" : " ", r.number, r.bytes, (unsigned long long)r.sent);
        if (r.received)
            sprintf(end, "%lld%s", (long long)r.arrived, r.before ? "!" : "");
        else
            sprintf(end, "lost");
    }
    return text;
}

static void fates_are_told_once(void **state)
{
    static so_sent s;
    so_usec at[] = {640000, SO_RTCP_NEVER, 640500}, late[] = {650000, 640500};

    (void)state;
    so_sent_init(&s);
    for (unsigned i = 0; i < 70000; i++)
        assert_int_equal(so_sent_add(&s, 100 + i % 10, i), (uint16_t)i);
    assert_string_equal(news(&s, (uint16_t)69990, at, 3),
                        "4454/100@69990:640000 4455/101@69991:lost 4456/102@69992:640500");
    assert_string_equal(news(&s, (uint16_t)69990, at, 3), "");
    assert_string_equal(news(&s, (uint16_t)69991, late, 2), "4455/101@69991:650000!");
    assert_string_equal(news(&s, (uint16_t)69990, at, 3), "");
}

static void only_what_was_sent_counts(void **state)
{
    static so_sent s;
    so_usec at[] = {640000, 640250, 640500, 640750};

    (void)state;
    so_sent_init(&s);
    assert_string_equal(news(&s, 0, at, 4), "");
    assert_string_equal(news(&s, 65534, at, 4), "");
    assert_int_equal(so_sent_add(&s, 70000, 5), 0);
    assert_string_equal(news(&s, 65534, at, 4), "0/65535@5:640500");
    /* the last SO_SENT_KEPT, and no others */
    for (unsigned i = 1; i < 5000; i++)
        (void)so_sent_add(&s, 1, i);
    assert_string_equal(news(&s, 5000 - SO_SENT_KEPT - 2, at, 4), "3976/1@3976:640500 3977/1@3977:640750");
    assert_string_equal(news(&s, 4998, at, 4), "4998/1@4998:640000 4999/1@4999:640250");
}

/* Reference times start anew after 12 days; what we make of them does not. */
static void arrival_times_go_on_past_their_circle(void **state)
{
    static so_sent s;
    int64_t last = 0;

    (void)state;
    so_sent_init(&s);
    for (unsigned i = 0; i < 40; i++) {
        so_usec at = (so_usec)SO_RTCP_REFERENCE_CIRCLE / 16 * i + 64000 * 7;
        const char *text;
        int64_t arrived;

        (void)so_sent_add(&s, 1, 0);
        text = news(&s, (uint16_t)i, &at, 1);
        arrived = strtoll(strchr(text, ':') + 1, NULL, 10);
        if (i > 0)
            assert_true(arrived - last == SO_RTCP_REFERENCE_CIRCLE / 16);
        last = arrived;
    }
}

static void a_malformed_feedback_changes_nothing(void **state)
{
    static so_sent s, before;
    static const uint8_t chunks[] = {0x60, 0x01, 1, 1};
    so_rtcp_transport_cc cc = {.base = 0, .statuses = 1, .reference = 77, .chunks = chunks, .chunks_len = 4};
    so_sent_results results;
    so_sent_result r;

    (void)state;
    so_sent_init(&s);
    (void)so_sent_add(&s, 1, 0);
    before = s;
    assert_int_equal(so_sent_feedback(&s, &cc, &results), SO_BAD_INPUT);
    assert_false(so_sent_next(&s, &results, &r));
    assert_memory_equal(&s, &before, sizeof s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fates_are_told_once),
        cmocka_unit_test(only_what_was_sent_counts),
        cmocka_unit_test(arrival_times_go_on_past_their_circle),
        cmocka_unit_test(a_malformed_feedback_changes_nothing),
    };
    return cmocka_run_group_tests_name("what left, and what became of it", tests, NULL, NULL);
}
