/* trust/report: no verdict before its doors have held, and no door that failed comes back. */
#include "unit.h"

#include "trust/report.h"

#include <string.h>

static so_report opened(void)
{
    so_report report;

    assert_int_equal(so_report_open(&report), SO_OK);
    report.now = 1767225600000;
    so_report_begin(&report, false);
    return report;
}

static void no_verdict_before_every_door_has_held(void **state)
{
    static const so_door needed[] = {SO_DOOR_SEAL, SO_DOOR_FINGERPRINTS, SO_DOOR_MEDIA};

    (void)state;
    for (size_t missing = 0; missing <= 3; missing++) {
        so_report report = opened();

        for (size_t i = 0; i < 3; i++)
            if (i != missing)
                so_report_set(&report, needed[i], SO_DOOR_HELD, "held");
        assert_int_equal(so_report_verdict(&report), missing == 3 ? SO_VERDICT_VERIFIED : SO_VERDICT_CHECKING);
        so_report_end(&report, "hangup");
        assert_int_equal(so_report_verdict(&report), SO_VERDICT_ENDED);
        so_report_close(&report);
    }
}

static void what_ended_says_whether_it_was_verified(void **state)
{
    char line[SO_REPORT_TEXT], detail[2 * SO_REPORT_TEXT];
    so_report report = opened();

    (void)state;
    so_report_set(&report, SO_DOOR_SEAL, SO_DOOR_HELD, "held");
    so_report_set(&report, SO_DOOR_MEDIA, SO_DOOR_HELD, "held");
    so_report_end(&report, "hangup");
    so_report_verdict_text(&report, line, detail);
    assert_string_equal(detail, "It ended before every check had held.");
    so_report_set(&report, SO_DOOR_FINGERPRINTS, SO_DOOR_HELD, "held");
    so_report_verdict_text(&report, line, detail);
    assert_string_equal(detail, "It was encrypted end to end and verified to its end.");
    so_report_close(&report);
}

static void a_door_that_failed_stays_so(void **state)
{
    so_report report = opened();

    (void)state;
    so_report_fail(&report, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch", NULL);
    so_report_set(&report, SO_DOOR_FINGERPRINTS, SO_DOOR_HELD, "never");
    so_report_fail(&report, SO_DOOR_SEAL, "seal-altered", NULL);
    so_report_reset(&report, SO_DOOR_FINGERPRINTS);
    so_report_end(&report, "hangup");
    assert_int_equal(so_report_verdict(&report), SO_VERDICT_FAILED);
    assert_int_equal(report.doors[SO_DOOR_FINGERPRINTS].state, SO_DOOR_FAILED);
    assert_string_equal(report.failed_code, "fingerprint-mismatch");
    assert_int_equal(report.ended_at, report.now);
    so_report_close(&report);
}

static void the_middle_of_a_long_call_gives_way(void **state)
{
    so_report report = opened();

    (void)state;
    for (int i = 0; i < 300; i++)
        so_report_note(&report, SO_NO_DOOR, "event %d", i);
    assert_int_equal(report.event_count + report.dropped, 300);
    assert_string_equal(report.events[0].text, "event 0");
    assert_string_equal(report.events[report.event_count - 1].text, "event 299");
    so_report_close(&report);
}

static void times_are_read_as_they_are_written(void **state)
{
    char text[SO_REPORT_TIME];
    so_unix read;

    (void)state;
    so_time_text(text, 1767225600123);
    assert_string_equal(text, "2026-01-01T00:00:00.123Z");
    assert_true(so_time_read(&read, text));
    assert_int_equal(read, 1767225600);
    assert_false(so_time_read(&read, ""));
    assert_false(so_time_read(&read, "2026-01-01T00:00:00Z"));
    assert_false(so_time_read(&read, "2026-01-01T00:00:00.123Zx"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_verdict_before_every_door_has_held),
        cmocka_unit_test(what_ended_says_whether_it_was_verified),
        cmocka_unit_test(a_door_that_failed_stays_so),
        cmocka_unit_test(the_middle_of_a_long_call_gives_way),
        cmocka_unit_test(times_are_read_as_they_are_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
