/*
 * Reports of simulated calls (docs/report.md): what two ends write of one call checks out, alone and against each
 * other; whatever of it is changed, before or after it was signed, is found.
 */
#include "people_rig.h"

#include "trust/report_check.h"
#include "trust/schema.h"

#include <string.h>

#define FILE_MAX_BYTES SO_REPORT_FILE_MAX

static const sim_link clean = {.delay = 20};
static json_t *schema;

typedef struct call_files {
    char *text[2];
    size_t len[2];
} call_files;

static int open_schema(void **state)
{
    schema = json_load_file(TEST_DOCS "/report.schema.json", 0, NULL);
    return schema == NULL ? 1 : make_people(state);
}

static int close_schema(void **state)
{
    json_decref(schema);
    return free_people(state);
}

static void save(const sim_meeting *m, unsigned guest, call_files *files)
{
    so_writer w;
    so_error err;

    files->text[guest] = malloc(FILE_MAX_BYTES);
    assert_non_null(files->text[guest]);
    w = so_writer_of(files->text[guest], FILE_MAX_BYTES);
    assert_int_equal(
        so_report_write_file(so_call_report(m->guests[guest].call, sim_now()), m->guests[guest].identity, &w, &err),
        SO_OK);
    files->len[guest] = so_writer_len(&w);
}

/* One whole call, and what both wrote of it. */
static call_files call_and_save(uint64_t seed, bool ends)
{
    sim_meeting *m = begin(seed, &clean);
    call_files files;

    m->guests[0].known = &knows_b;
    bring_together(m, 4000);
    sim_meeting_compare(m, 0, true);
    if (ends)
        sim_meeting_hang_up(m, 1);
    sim_meeting_run(m, 1000);
    for (unsigned i = 0; i < 2; i++)
        save(m, i, &files);
    finish(m);
    return files;
}

static void drop(call_files *files)
{
    free(files->text[0]);
    free(files->text[1]);
}

static so_status check_text(so_checked_report *c, const char *text, size_t len, so_error *err)
{
    return so_report_check(c, (so_slice){text, len}, "it.json", schema, err);
}

static void check_both(const call_files *files, so_checked_report c[2])
{
    so_error err;

    for (unsigned i = 0; i < 2; i++)
        if (check_text(&c[i], files->text[i], files->len[i], &err) != SO_OK)
            fail_msg("%s", err.text);
}

static void two_reports_of_one_call_agree(void **state)
{
    (void)state;
    for (unsigned ends = 0; ends < 2; ends++) {
        call_files files = call_and_save(500 + ends, ends != 0);
        so_shared_fact facts[SO_SHARED_FACTS];
        so_checked_report c[2];
        bool agree;
        size_t count, alike = 0;

        check_both(&files, c);
        assert_string_equal(c[0].signer, prints[0]);
        assert_string_equal(c[1].signer, prints[1]);
        count = so_report_compare(&c[0], &c[1], facts, &agree);
        for (size_t i = 0; i < count; i++) {
            if (facts[i].result == SO_DIFFERS)
                fail_msg("%s: %s, %s", facts[i].name, facts[i].a, facts[i].b);
            alike += facts[i].result == SO_AGREES;
        }
        assert_true(agree);
        assert_int_equal(alike, ends ? count : count - 2); /* of a call that goes on packets are under way */
        assert_true(json_is_true(json_object_get(c[0].report, "compared_by_people")));
        assert_true(json_is_false(json_object_get(c[1].report, "compared_by_people")));
        for (unsigned i = 0; i < 2; i++)
            so_checked_report_free(&c[i]);
        drop(&files);
    }
}

static void reports_of_two_calls_do_not(void **state)
{
    call_files first = call_and_save(510, true), second = call_and_save(511, true);
    so_shared_fact facts[SO_SHARED_FACTS];
    so_checked_report a[2], b[2];
    bool agree;

    (void)state;
    check_both(&first, a);
    check_both(&second, b);
    (void)so_report_compare(&a[0], &b[1], facts, &agree);
    assert_false(agree);
    assert_int_equal(facts[0].result, SO_DIFFERS);
    (void)so_report_compare(&a[0], &a[0], facts, &agree); /* one end's, twice */
    assert_false(agree);
    for (unsigned i = 0; i < 2; i++) {
        so_checked_report_free(&a[i]);
        so_checked_report_free(&b[i]);
    }
    drop(&first);
    drop(&second);
}

/* ---- what is changed ---- */

/* Another value of the same kind. */
static json_t *another(const json_t *value)
{
    if (json_is_string(value))
        return json_sprintf("%s0", json_string_value(value));
    if (json_is_integer(value))
        return json_integer(json_integer_value(value) + 1);
    return json_is_boolean(value) ? json_boolean(!json_is_true(value)) : json_string("2026-01-01T00:00:00.000Z");
}

/* Changes the leaf of that number within value, in place; returns how many leaves were passed before it was found. */
static size_t change_leaf(json_t *value, size_t number, bool *done)
{
    size_t passed = 0;
    const char *name;
    json_t *member;

    if (json_is_object(value)) {
        json_object_foreach(value, name, member)
        {
            bool leaf = !json_is_object(member) && !json_is_array(member);

            if (*done)
                return passed;
            if (leaf && passed == number) {
                *done = true;
                (void)json_object_set_new(value, name, another(member));
                return passed;
            }
            passed += leaf ? 1 : change_leaf(member, number - passed, done);
        }
        return passed;
    }
    for (size_t i = 0; i < json_array_size(value) && !*done; i++) {
        member = json_array_get(value, i);
        if (!json_is_object(member) && !json_is_array(member)) {
            if (passed == number) {
                *done = true;
                (void)json_array_set_new(value, i, another(member));
                return passed;
            }
            passed++;
        } else {
            passed += change_leaf(member, number - passed, done);
        }
    }
    return passed;
}

static void each_field_that_is_changed_in_turn_is_found(void **state)
{
    call_files files = call_and_save(520, true);
    size_t leaves = 0;
    bool done = true;

    (void)state;
    for (size_t number = 0; done; number++) {
        json_t *root = json_loadb(files.text[0], files.len[0], 0, NULL);
        so_checked_report c;
        so_error err;
        char *text;

        done = false;
        (void)change_leaf(json_object_get(root, "report"), number, &done);
        text = json_dumps(root, 0);
        if (done) {
            leaves++;
            if (check_text(&c, text, strlen(text), &err) == SO_OK)
                fail_msg("the leaf %zu can be changed", number);
            assert_string_equal(err.layer, "report");
        } else {
            assert_int_equal(check_text(&c, text, strlen(text), &err), SO_OK);
        }
        so_checked_report_free(&c);
        free(text);
        json_decref(root);
    }
    assert_true(leaves > 120);
    drop(&files);
}

static void each_part_of_the_signature_counts(void **state)
{
    call_files files = call_and_save(521, true);
    char *jws = strstr(files.text[0], "\"jws\":\"") + 7, *end = strchr(jws, '"');
    size_t step = (size_t)(end - jws) / 400 + 1;

    (void)state;
    for (char *at = jws; at<end; at += at + 200> end ? 1 : (ptrdiff_t)step) {
        char before = *at;
        so_checked_report c;
        so_error err;

        *at = before == 'A' ? 'B' : 'A';
        if (check_text(&c, files.text[0], files.len[0], &err) == SO_OK)
            fail_msg("byte %td of the signed text can be changed", at - jws);
        so_checked_report_free(&c);
        *at = before;
    }
    drop(&files);
}

/* An end that lies: it changes what it wrote, and signs again. */
static char *sign_again(const char *text, size_t len, so_pkey *key, void (*change)(json_t *report, unsigned which),
                        unsigned which)
{
    json_t *root = json_loadb(text, len, 0, NULL), *report = json_object_get(root, "report");
    char *jws = malloc(FILE_MAX_BYTES), *payload, *out;
    so_writer w = so_writer_of(jws, FILE_MAX_BYTES);

    change(report, which);
    payload = json_dumps(report, 0);
    assert_int_equal(so_jws_write(&w, SO_REPORT_TYPE, key, (so_slice){payload, strlen(payload)}), SO_OK);
    (void)json_object_set_new(root, "jws", json_stringn(jws, so_writer_len(&w)));
    out = json_dumps(root, 0);
    free(jws);
    free(payload);
    json_decref(root);
    return out;
}

static json_t *fields_of(json_t *report, size_t door)
{
    return json_object_get(json_array_get(json_object_get(report, "doors"), door), "fields");
}

#define PRINT "sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"

static const struct {
    const char *fact; /* that is then found to differ */
    int door;         /* -1: a member of the report, -2: of its ends */
    const char *field, *value;
} lies[] = {
    {"call", -1, "call", "vZLNDOGzdylBHMVm1BkDPgJMgp9TKkWIH8aDu9sM3jo"},
    {"identity key of B", -2, "theirs", "vZLNDOGzdylBHMVm1BkDPgJMgp9TKkWIH8aDu9sM3jo"},
    {"certificate of A, as seen by B", SO_DOOR_FINGERPRINTS, "mine", PRINT},
    {"certificate of A, as named to B", SO_DOOR_FINGERPRINTS, "mine", PRINT},
    {"certificate of B, as named to A", SO_DOOR_FINGERPRINTS, "both", PRINT},
    {"certificate of B, as seen by A", SO_DOOR_FINGERPRINTS, "both", PRINT},
    {"DTLS version", SO_DOOR_MEDIA, "dtls", "1.3"},
    {"DTLS cipher", SO_DOOR_MEDIA, "cipher", "TLS_NULL_WITH_NULL_NULL"},
    {"key exchange", SO_DOOR_MEDIA, "group", "secp384r1"},
    {"SRTP profile", SO_DOOR_MEDIA, "srtp", "AES128_CM_HMAC_SHA1_80"},
    {"role in the handshake", SO_DOOR_MEDIA, "role", "other"},
    {"packets from A to B", SO_DOOR_MEDIA, "sent", NULL},
    {"packets from B to A", SO_DOOR_MEDIA, "received", NULL},
    {"seal", SO_DOOR_SEAL, "cipher", "none"},
    {"kind of A", -1, "agent", "page"},
    {"kind of B", SO_DOOR_SEAL, "agent", "a browser with the call page"},
    {"path", SO_DOOR_PATH, "kind", "relayed"},
    {"time", -1, "times", "2024-01-01T00:00:00.000Z"},
};

static void lie(json_t *report, unsigned which)
{
    json_t *object = lies[which].door == -1   ? report
                     : lies[which].door == -2 ? json_object_get(report, "ends")
                                              : fields_of(report, (size_t)lies[which].door);
    const char *field = lies[which].field, *value = lies[which].value;

    if (value == NULL) {
        (void)json_object_set_new(object, field, json_integer(strcmp(field, "sent") == 0 ? 1 : 1000000));
    } else if (strcmp(field, "role") == 0) {
        bool client = strcmp(json_string_value(json_object_get(object, "role")), "client") == 0;
        (void)json_object_set_new(object, "role", json_string(client ? "server" : "client"));
    } else if (strcmp(field, "both") == 0) {
        (void)json_object_set_new(object, "signaled", json_string(value));
        (void)json_object_set_new(object, "seen", json_string(value));
    } else if (strcmp(field, "times") == 0) {
        for (unsigned i = 0; i < 3; i++)
            (void)json_object_set_new(object, (const char *[]){"started", "ended", "saved"}[i], json_string(value));
    } else {
        (void)json_object_set_new(object, field, json_string(value));
    }
}

static void a_lie_about_what_both_know_is_found(void **state)
{
    call_files files = call_and_save(530, true);
    so_shared_fact facts[SO_SHARED_FACTS];
    so_checked_report honest, liar;
    so_error err;

    (void)state;
    assert_int_equal(check_text(&honest, files.text[1], files.len[1], &err), SO_OK);
    for (unsigned i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char *text = sign_again(files.text[0], files.len[0], keys[0], lie, i);
        size_t count, at = 0;
        bool agree;

        if (check_text(&liar, text, strlen(text), &err) != SO_OK)
            fail_msg("%s: %s", lies[i].fact, err.text);
        count = so_report_compare(&liar, &honest, facts, &agree);
        while (at < count && strcmp(facts[at].name, lies[i].fact) != 0)
            at++;
        assert_true(at < count);
        if (facts[at].result != SO_DIFFERS || agree)
            fail_msg("%s: %s, %s", facts[at].name, facts[at].a, facts[at].b);
        so_checked_report_free(&liar);
        free(text);
    }
    so_checked_report_free(&honest);
    drop(&files);
}

/* ---- what contradicts itself, or is no report ---- */

static void contradict(json_t *report, unsigned which)
{
    json_t *verdict = json_object_get(report, "verdict"), *door;

    switch (which) {
    case 0:
        (void)json_object_set_new(json_object_get(report, "ends"), "mine", json_string(prints[2]));
        break;
    case 1:
        (void)json_object_set_new(fields_of(report, SO_DOOR_FINGERPRINTS), "seen", json_string(PRINT));
        break;
    case 2:
        (void)json_object_set_new(fields_of(report, SO_DOOR_FINGERPRINTS), "equal", json_false());
        break;
    case 3:
        (void)json_object_set_new(verdict, "state", json_string("verified"));
        (void)json_object_set_new(report, "ended", json_null());
        door = json_array_get(json_object_get(report, "doors"), SO_DOOR_SEAL);
        (void)json_object_set_new(door, "state", json_string("pending"));
        break;
    case 4:
        (void)json_object_set_new(verdict, "state", json_string("failed"));
        (void)json_object_set_new(verdict, "door", json_string("media"));
        break;
    default:
        (void)json_object_set_new(report, "ended", json_null());
    }
}

static void a_report_that_contradicts_itself_is_refused(void **state)
{
    call_files files = call_and_save(540, true);

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        char *text = sign_again(files.text[0], files.len[0], keys[0], contradict, i);
        so_checked_report c;
        so_error err;

        if (check_text(&c, text, strlen(text), &err) != SO_REFUSED)
            fail_msg("contradiction %u: %s", i, err.text);
        so_checked_report_free(&c);
        free(text);
    }
    drop(&files);
}

static void what_is_not_signed_is_refused(void **state)
{
    sim_meeting *m = begin(550, &clean);
    call_files files;
    so_checked_report c;
    so_error err;

    (void)state;
    m->guests[0].identity = NULL;
    bring_together(m, 2000);
    save(m, 0, &files);
    assert_int_equal(check_text(&c, files.text[0], files.len[0], &err), SO_REFUSED);
    assert_non_null(strstr(err.text, "not signed"));
    so_checked_report_free(&c);
    free(files.text[0]);
    finish(m);
}

static void what_is_no_report_is_refused(void **state)
{
    static const char *const texts[] = {
        "", "{}", "[]", "null", "{\"report\":{},\"jws\":\"a.b.c\"}", "{\"report\":1,\"not_signed\":\"x\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        so_checked_report c;
        so_error err;

        assert_int_equal(check_text(&c, texts[i], strlen(texts[i]), &err), SO_BAD_INPUT);
        assert_non_null(strstr(err.text, "it.json"));
        so_checked_report_free(&c);
    }
}

/* Of every state that a call can be in. */
static void every_report_has_its_form(void **state)
{
    sim_meeting *m = begin(560, &clean);

    (void)state;
    sim_meeting_come(m, 0, 0);
    sim_meeting_come(m, 1, 1);
    for (unsigned step = 0; step < 60; step++) {
        so_schema_fault fault;
        call_files files;
        json_t *root;

        sim_meeting_run(m, step < 40 ? 15 : 400);
        if (step == 45)
            sim_meeting_cut(m, 0, 700);
        if (step == 50)
            sim_meeting_compare(m, 1, false);
        for (unsigned i = 0; i < 2; i++) {
            save(m, i, &files);
            root = json_loadb(files.text[i], files.len[i], JSON_REJECT_DUPLICATES, NULL);
            assert_non_null(root);
            if (!so_schema_fits(schema, root, &fault))
                fail_msg("step %u, end %u: %s %s", step, i, fault.path, fault.text);
            json_decref(root);
            free(files.text[i]);
        }
    }
    assert_int_equal(m->guests[1].state, SO_CALL_FAILED);
    finish(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_reports_of_one_call_agree),
        cmocka_unit_test(reports_of_two_calls_do_not),
        cmocka_unit_test(each_field_that_is_changed_in_turn_is_found),
        cmocka_unit_test(each_part_of_the_signature_counts),
        cmocka_unit_test(a_lie_about_what_both_know_is_found),
        cmocka_unit_test(a_report_that_contradicts_itself_is_refused),
        cmocka_unit_test(what_is_not_signed_is_refused),
        cmocka_unit_test(what_is_no_report_is_refused),
        cmocka_unit_test(every_report_has_its_form),
    };

    return cmocka_run_group_tests(tests, open_schema, close_schema);
}
