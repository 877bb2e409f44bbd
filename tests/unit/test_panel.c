/* cli/panel: whole screens, at the sizes that terminals have, and what may never reach one. */
#include "unit.h"

#include "cli/panel.h"

typedef struct rig {
    so_report report;
    panel_facts facts;
    panel_screen screen;
} rig;

static void hold(so_report *r, so_door door)
{
    so_report_set(r, door, SO_DOOR_HELD, "holds");
}

static void open_call(rig *r)
{
    so_report_put(&r->report, SO_DOOR_SEAL, "cipher", "AES-256-GCM, keys from the link (HKDF-SHA256)", NULL);
    so_report_put_bool(&r->report, SO_DOOR_FINGERPRINTS, "equal", true);
    so_report_put(&r->report, SO_DOOR_MEDIA, "dtls", "1.2", NULL);
    so_report_put(&r->report, SO_DOOR_MEDIA, "srtp", "AEAD_AES_128_GCM", NULL);
    so_report_put(&r->report, SO_DOOR_PATH, "kind", "direct", NULL);
    so_report_put(&r->report, SO_DOOR_PATH, "protocol", "udp", NULL);
    for (so_door door = 0; door < SO_DOOR_PERSON; door++)
        hold(&r->report, door);
    r->facts.state = SO_CALL_OPEN;
    r->facts.open = true;
    r->facts.duration = (3600 + 2 * 60 + 3) * 1000 + 999;
    r->facts.path_known = true;
    r->facts.peer = (so_peer_facts){.local_kind = "host",
                                    .remote_kind = "srflx",
                                    .round_trip_known = true,
                                    .round_trip_us = 23499,
                                    .fraction_lost = 3};
    r->facts.sound.track = (so_track_facts){.sending = true, .receiving = true, .codec = "opus", .lost = 12};
    r->facts.sound.sent_rate = 32499;
    r->facts.sound.received_rate = 999499;
    r->facts.picture.track = (so_track_facts){.sending = true, .receiving = true, .codec = "VP8", .lost = 3};
    r->facts.picture.sent_rate = 1250000;
    r->facts.picture.received_rate = 12345678;
    r->facts.path_rate = 1100000;
    r->facts.other_known = r->facts.other_audio = true;
}

static int set_up(void **state)
{
    static rig r;

    r = (rig){.facts = {.report = &r.report, .state = SO_CALL_WAITING, .reason = "", .notice = "", .keys = true}};
    r.facts.from = "film.mkv";
    r.facts.into = "camera.webm";
    r.facts.sound = (panel_media){.sends = true, .receives = true};
    r.facts.picture = (panel_media){.sends = true, .receives = true};
    if (so_report_open(&r.report) != SO_OK)
        return 1;
    r.report.now = 1795515211067;
    so_report_begin(&r.report, true);
    so_report_put(&r.report, SO_DOOR_SIGNALING, "certificate", "chains to a trusted CA and names the server", NULL);
    so_report_put(&r.report, SO_DOOR_SIGNALING, "version", "TLSv1.3", NULL);
    hold(&r.report, SO_DOOR_SIGNALING);
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    so_report_close(&((rig *)*state)->report);
    return 0;
}

/* The screen as a person sees it. */
static const char *drawn(rig *r, unsigned columns, unsigned rows)
{
    static char text[PANEL_LINES * PANEL_LINE_BYTES];
    size_t len = 0;

    panel_draw(&r->screen, &r->facts, columns, rows);
    text[0] = '\0';
    for (size_t i = 0; i < r->screen.count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, "%s\n", r->screen.lines[i].text);
    return text;
}

static void who_waits_sees_what_holds_already(void **state)
{
    assert_string_equal(drawn(*state, 80, 24),
                        "sotto call   Waiting for the other end\n"
                        "Not yet: nobody else is here\n"
                        "No media leaves before every check has held.\n"
                        "\n"
                        "  ✓ Signaling     holds    chains to a trusted CA and names the server, TLSv1.3\n"
                        "  · Seal          not yet  \n"
                        "  · Fingerprints  not yet  \n"
                        "  · Media         not yet  \n"
                        "  · Path          not yet  \n"
                        "  · Person        not yet  \n"
                        "\n"
                        "  Here     sends film.mkv, what comes goes to camera.webm\n"
                        "\n"
                        "m mute sound   v mute picture   h hang up   ? what this proves\n");
}

static void an_open_call_fits_80_x_24(void **state)
{
    open_call(*state);
    assert_string_equal(drawn(*state, 80, 24),
                        "sotto call   In call   01:02:03\n"
                        "Encrypted, not compared\n"
                        "This end checked every door below. The other end is someone who has the link;\n"
                        "who that is, only you can tell.\n"
                        "\n"
                        "  ✓ Signaling     holds    chains to a trusted CA and names the server, TLSv1.3\n"
                        "  ✓ Seal          holds    AES-256-GCM, keys from the link (HKDF-SHA256)\n"
                        "  ✓ Fingerprints  holds    theirs, as it came sealed and as seen: equal\n"
                        "  ✓ Media         holds    DTLS 1.2, AEAD_AES_128_GCM\n"
                        "  ✓ Path          holds    direct, udp, from host to srflx\n"
                        "  · Person        not yet  \n"
                        "\n"
                        "  Sound    opus sent 32 kbit/s   heard 999 kbit/s  lost 12\n"
                        "  Picture  VP8  sent 1.2 Mbit/s  seen  12.3 Mbit/s lost 3\n"
                        "  Network  round trip 23 ms, lost on the way there 1.2 %, bears 1.1 Mbit/s\n"
                        "  Here     sends film.mkv, what comes goes to camera.webm\n"
                        "  There    sends sound\n"
                        "\n"
                        "m mute sound   v mute picture   h hang up   ? what this proves\n");
}

static void a_small_terminal_cuts_and_drops_what_matters_least(void **state)
{
    open_call(*state);
    assert_string_equal(drawn(*state, 60, 20), "sotto call   In call   01:02:03\n"
                                               "Encrypted, not compared\n"
                                               "This end checked every door below. The other end is someone\n"
                                               "who has the link; who that is, only you can tell.\n"
                                               "\n"
                                               "  ✓ Signaling     holds    chains to a trusted CA and name…\n"
                                               "  ✓ Seal          holds    AES-256-GCM, keys from the link…\n"
                                               "  ✓ Fingerprints  holds    theirs, as it came sealed and a…\n"
                                               "  ✓ Media         holds    DTLS 1.2, AEAD_AES_128_GCM\n"
                                               "  ✓ Path          holds    direct, udp, from host to srflx\n"
                                               "  · Person        not yet  \n"
                                               "\n"
                                               "  Sound    opus sent 32 kbit/s   heard 999 kbit/s  lost 12\n"
                                               "  Picture  VP8  sent 1.2 Mbit/s  seen  12.3 Mbit/s lost 3\n"
                                               "  Network  round trip 23 ms, lost on the way there 1.2 %, …\n"
                                               "  Here     sends film.mkv, what comes goes to camera.webm\n"
                                               "  There    sends sound\n"
                                               "\n"
                                               "m mute sound   v mute picture   h hang up   ? what this pr…\n");
    assert_string_equal(drawn(*state, 40, 8), "sotto call   In call   01:02:03\n"
                                              "Encrypted, not compared\n"
                                              "  ✓ Signaling     holds    chains to a…\n"
                                              "  ✓ Seal          holds    AES-256-GCM…\n"
                                              "  ✓ Fingerprints  holds    theirs, as …\n"
                                              "  ✓ Media         holds    DTLS 1.2, A…\n"
                                              "m mute sound   v mute picture   h hang…\n");
}

static void what_is_muted_failed_or_lost_is_said_in_words(void **state)
{
    rig *r = *state;

    open_call(r);
    r->facts.sound.muted = true;
    r->facts.notice = "path-lost";
    assert_string_equal(drawn(r, 80, 24),
                        "sotto call   In call   01:02:03\n"
                        "Encrypted, not compared\n"
                        "This end checked every door below. The other end is someone who has the link;\n"
                        "who that is, only you can tell.\n"
                        "\n"
                        "  ✓ Signaling     holds    chains to a trusted CA and names the server, TLSv1.3\n"
                        "  ✓ Seal          holds    AES-256-GCM, keys from the link (HKDF-SHA256)\n"
                        "  ✓ Fingerprints  holds    theirs, as it came sealed and as seen: equal\n"
                        "  ✓ Media         holds    DTLS 1.2, AEAD_AES_128_GCM\n"
                        "  ✓ Path          holds    direct, udp, from host to srflx\n"
                        "  · Person        not yet  \n"
                        "\n"
                        "  Sound    opus sent MUTED       heard 999 kbit/s  lost 12\n"
                        "  Picture  VP8  sent 1.2 Mbit/s  seen  12.3 Mbit/s lost 3\n"
                        "  Network  round trip 23 ms, lost on the way there 1.2 %, bears 1.1 Mbit/s\n"
                        "  Here     sends film.mkv, what comes goes to camera.webm\n"
                        "  There    sends sound\n"
                        "  ! The path is lost; looking for another one.\n"
                        "\n"
                        "m unmute sound   v mute picture   h hang up   ? what this proves\n");
    so_report_fail(&r->report, SO_DOOR_FINGERPRINTS, "fingerprint-mismatch", NULL);
    r->facts.notice = "";
    r->facts.state = SO_CALL_FAILED;
    assert_string_equal(drawn(r, 80, 24),
                        "sotto call   Failed   01:02:03\n"
                        "Fingerprints: The fingerprint does not match\n"
                        "The certificate seen in the handshake is not the one that came sealed: somebody\n"
                        "sits between the two ends. Treat this as an attempt to listen in until you know\n"
                        "better. Start a new call and send its link over a channel you trust.\n"
                        "\n"
                        "  ✓ Signaling     holds    chains to a trusted CA and names the server, TLSv1.3\n"
                        "  ✓ Seal          holds    AES-256-GCM, keys from the link (HKDF-SHA256)\n"
                        "  ✗ Fingerprints  FAILED   fingerprint-mismatch\n"
                        "  ✓ Media         holds    DTLS 1.2, AEAD_AES_128_GCM\n"
                        "  ✓ Path          holds    direct, udp, from host to srflx\n"
                        "  · Person        not yet  \n"
                        "\n"
                        "  Sound    opus sent MUTED       heard 999 kbit/s  lost 12\n"
                        "  Picture  VP8  sent 1.2 Mbit/s  seen  12.3 Mbit/s lost 3\n"
                        "  Network  round trip 23 ms, lost on the way there 1.2 %, bears 1.1 Mbit/s\n"
                        "  Here     sends film.mkv, what comes goes to camera.webm\n"
                        "  There    sends sound\n"
                        "\n"
                        "m unmute sound   v mute picture   h hang up   ? what this proves\n");
}

static void the_question_mark_tells_what_each_door_proves(void **state)
{
    rig *r = *state;

    open_call(r);
    r->facts.help = true;
    assert_string_equal(drawn(r, 80, 24),
                        "sotto call   In call   01:02:03\n"
                        "Encrypted, not compared\n"
                        "This end checked every door below. The other end is someone who has the link;\n"
                        "  Signaling\n"
                        "    The server's certificate chains to a CA that this machine trusts, and names\n"
                        "    the server. The server brings the two ends together; what they say to each\n"
                        "    other is sealed, and it cannot read it.\n"
                        "  Seal\n"
                        "    The other end is someone who has the link. It does not prove which person\n"
                        "    that is.\n"
                        "  Fingerprints\n"
                        "    The certificate that the other end used in the media handshake is the one\n"
                        "    it named through the seal, so nobody without the link sits between the two.\n"
                        "  Media\n"
                        "    Media is encrypted from this end to the other. No key ever leaves the two.\n"
                        "  Path\n"
                        "    How the packets travel. A relay would see only encrypted packets. Addresses\n"
                        "    are neither shown nor saved.\n"
                        "  Person\n"
                        "    You compared, so nobody sits in between; or the other end has a key that\n"
                        "    you gave a name to. A key tells which program or browser it is, not who\n"
                        "    uses it.\n"
                        "m mute sound   v mute picture   h hang up   ? back\n");
}

static void who_is_there_is_compared_known_or_an_alarm(void **state)
{
    rig *r = *state;
    static so_person person = {
        .has_string = true, .string = {0, 1, 2, 255}, .met = true, .identity = SO_RECOGNISED_UNKNOWN};
    char expected[512];

    open_call(r);
    r->facts.person = &person;
    so_report_meet(&r->report, &person);
    assert_non_null(
        strstr(drawn(r, 80, 30), "  · Person        not yet  unknown: a key without a name, not compared\n"));
    (void)snprintf(expected, sizeof expected,
                   "  Compare  %s %s, %s %s, %s %s, %s %s\n           %s %s %s %s   s same   d different\n",
                   so_sas_picture(0), so_sas_name(0), so_sas_picture(1), so_sas_name(1), so_sas_picture(2),
                   so_sas_name(2), so_sas_picture(255), so_sas_name(255), so_sas_word(0), so_sas_word(1),
                   so_sas_word(2), so_sas_word(255));
    assert_non_null(strstr(drawn(r, 80, 30), expected));
    person.compared = true;
    person.identity = SO_RECOGNISED_KNOWN;
    (void)snprintf(person.name, sizeof person.name, "J\xc3\xbcrgen");
    so_report_meet(&r->report, &person);
    assert_non_null(strstr(drawn(r, 80, 30), "\nEncrypted, with J\xc3\xbcrgen\n"));
    assert_non_null(strstr(drawn(r, 80, 30), "  ✓ Person        holds    known, compared by you\n"));
    assert_null(strstr(drawn(r, 80, 30), "Compare "));
    person = (so_person){.met = true, .identity = SO_RECOGNISED_CHANGED, .alarm = true};
    (void)snprintf(person.expected, sizeof person.expected, "Ann");
    so_report_meet(&r->report, &person);
    assert_non_null(strstr(drawn(r, 80, 40), "sotto call   STOPPED: who is this?"));
    assert_non_null(strstr(drawn(r, 80, 40), "  ! The key of the other end is not the key of Ann\n"));
    assert_non_null(strstr(drawn(r, 80, 40), "\ng go on this once   t take the new key   h hang up\n"));
    person.identity = SO_RECOGNISED_SILENT;
    assert_non_null(strstr(drawn(r, 80, 40), "\ng go on this once   h hang up\n"));
}

/* Columns, where each character takes one, and the pictures of the short string two. */
static unsigned width(const char *text)
{
    unsigned columns = 0;

    for (; *text != '\0'; text++)
        columns += (((unsigned char)*text & 0xc0) != 0x80) + ((unsigned char)*text >= 0xf0);
    return columns;
}

static void no_size_makes_a_line_wrap_or_the_screen_scroll(void **state)
{
    static so_person person = {.has_string = true, .string = {9, 99, 199, 250}};
    rig *r = *state;

    open_call(r);
    r->facts.person = &person;
    for (int help = 0; help < 2; help++) {
        r->facts.help = help;
        for (unsigned columns = 1; columns < 200; columns += columns < 90 ? 1 : 37)
            for (unsigned rows = 1; rows < 40; rows++) {
                panel_draw(&r->screen, &r->facts, columns, rows);
                assert_true(r->screen.count <= (rows > 1 ? rows - 1 : 1));
                for (size_t i = 0; i < r->screen.count; i++) {
                    const panel_line *line = &r->screen.lines[i];

                    assert_true(width(line->text) <= (columns > 1 ? columns - 1 : 1));
                    assert_true(line->toned <= strlen(line->text));
                }
            }
    }
}

static void nothing_from_elsewhere_moves_the_cursor(void **state)
{
    static const char hostile[] = "a\x1b]0;owned\x07\x1b[2J\x7f\xc2\x9b"
                                  "31mb\r\n\xe2\x80\xae"
                                  "c";
    rig *r = *state;
    char clean[64];

    panel_clean(clean, sizeof clean, hostile);
    assert_string_equal(clean, "a?]0;owned??[2J??31mb???c");
    panel_clean(clean, 4, hostile);
    assert_string_equal(clean, "a?]");
    open_call(r);
    for (so_door door = 0; door < SO_DOORS; door++)
        for (size_t i = 0; so_report_field_name(door, i) != NULL; i++)
            if (r->report.doors[door].fields[i].kind == SO_REPORT_WORDS)
                so_report_put(&r->report, door, so_report_field_name(door, i), hostile, NULL);
    r->facts.from = r->facts.into = hostile;
    for (const char *at = drawn(r, 200, 40); *at != '\0'; at++)
        assert_true((unsigned char)*at >= 0x20 ? *at != 0x7f : *at == '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_waits_sees_what_holds_already, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_open_call_fits_80_x_24, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_small_terminal_cuts_and_drops_what_matters_least, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_muted_failed_or_lost_is_said_in_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_question_mark_tells_what_each_door_proves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_there_is_compared_known_or_an_alarm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_size_makes_a_line_wrap_or_the_screen_scroll, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_from_elsewhere_moves_the_cursor, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("the panel of a call", tests, NULL, NULL);
}
