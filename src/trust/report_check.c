#include "trust/report_check.h"

#include "trust/policy.h"
#include "trust/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LAYER "report"

/* ---- one report ---- */

static so_status refuse(so_error *err, const char *what, const char *why)
{
    return so_fail(err, SO_REFUSED, LAYER,
                   "%.100s is not to be relied on: %s; ask for the report again, as it was saved", what, why);
}

/* What is signed, in place of what is written beside it, which is only for reading. */
static so_status take_signed(so_checked_report *c, const char *what, so_error *err)
{
    const json_t *jws = json_object_get(c->file, "jws"), *shown = json_object_get(c->file, "report");
    char path[SO_SCHEMA_PATH] = "", text[300];
    const char *wrong;
    uint8_t *payload;
    size_t len;
    so_status status;

    if (jws == NULL) {
        (void)snprintf(text, sizeof text, "it is not signed (%s), so anybody could have written it",
                       json_string_value(json_object_get(c->file, "not_signed")));
        return refuse(err, what, text);
    }
    payload = malloc(json_string_length(jws));
    if (payload == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory to check %.100s; end other programs", what);
    status = so_jws_read((so_slice){json_string_value(jws), json_string_length(jws)}, SO_REPORT_TYPE, payload,
                         json_string_length(jws), &len, c->signer, &wrong);
    if (status == SO_OK)
        c->report = json_loadb((const char *)payload, len, JSON_REJECT_DUPLICATES, NULL);
    free(payload);
    if (status == SO_REFUSED) {
        (void)snprintf(text, sizeof text, "of its signature, %s", wrong);
        return refuse(err, what, text);
    }
    if (status != SO_OK)
        return so_fail(err, status, LAYER, "the signature of %.100s could not be checked; see that memory is free",
                       what);
    if (c->report == NULL)
        return refuse(err, what, "what was signed is no report");
    if (so_json_differs(shown, c->report, path)) {
        (void)snprintf(text, sizeof text, "it was changed after it was signed, in %s", path);
        return refuse(err, what, text);
    }
    return SO_OK;
}

const json_t *so_report_door_of(const json_t *report, const char *name)
{
    const json_t *doors = json_object_get(report, "doors");

    for (size_t i = 0; i < json_array_size(doors); i++) {
        const json_t *door = json_array_get(doors, i);

        if (strcmp(json_string_value(json_object_get(door, "door")), name) == 0)
            return door;
    }
    return NULL;
}

static const json_t *field_of(const json_t *report, const char *door, const char *field)
{
    return json_object_get(json_object_get(so_report_door_of(report, door), "fields"), field);
}

static bool holds(const json_t *report, const char *door)
{
    return strcmp(json_string_value(json_object_get(so_report_door_of(report, door), "state")), "held") == 0;
}

/* Within itself: what a verdict rests on stands in the doors. */
static const char *contradiction(const so_checked_report *c)
{
    const json_t *r = c->report, *verdict = json_object_get(r, "verdict"), *ended = json_object_get(r, "ended");
    const char *mine = json_string_value(json_object_get(json_object_get(r, "ends"), "mine"));
    const char *state = json_string_value(json_object_get(verdict, "state"));
    const char *door = json_string_value(json_object_get(verdict, "door"));
    bool fingerprints = holds(r, "fingerprints"), failed = strcmp(state, "failed") == 0;

    if (mine == NULL || strcmp(mine, c->signer) != 0)
        return "the key that signed it is not the one that it names as its own";
    if (fingerprints && (!json_is_true(field_of(r, "fingerprints", "equal")) ||
                         !json_equal(field_of(r, "fingerprints", "signaled"), field_of(r, "fingerprints", "seen"))))
        return "it says that the fingerprints hold, and names two that differ";
    if (strcmp(state, "verified") == 0 && !(fingerprints && holds(r, "seal") && holds(r, "media")))
        return "it says that the call was verified, and not that each door held";
    if (door != NULL &&
        (!failed || strcmp(json_string_value(json_object_get(so_report_door_of(r, door), "state")), "failed") != 0))
        return "it names a door that failed, and says of that door that it did not";
    if ((failed || strcmp(state, "ended") == 0) == json_is_null(ended))
        return "it does not say when the call ended, or says so of one that goes on";
    return NULL;
}

so_status so_report_check(so_checked_report *c, so_slice text, const char *what, const json_t *schema, so_error *err)
{
    so_schema_fault fault;
    json_error_t where;
    const char *wrong;
    so_status status;

    *c = (so_checked_report){.file = NULL};
    if (text.len > 2 * SO_REPORT_FILE_MAX) /* one that was written with white space */
        return so_fail(err, SO_BAD_INPUT, LAYER, "%.100s is too long for a report; give the file that was saved", what);
    c->file = json_loadb(text.bytes, text.len, JSON_REJECT_DUPLICATES, &where);
    if (c->file == NULL)
        return so_fail(err, SO_BAD_INPUT, LAYER, "%.100s is no JSON: line %d: %.100s; give the file that was saved",
                       what, where.line, where.text);
    if (!so_schema_fits(schema, c->file, &fault))
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "%.100s has not the form of a report: %s%s%s; give the file that was saved, or update this "
                       "program",
                       what, fault.path, fault.path[0] == '\0' ? "it " : " ", fault.text);
    status = take_signed(c, what, err);
    if (status != SO_OK)
        return status;
    wrong = contradiction(c);
    return wrong == NULL ? SO_OK : refuse(err, what, wrong);
}

void so_checked_report_free(so_checked_report *c)
{
    json_decref(c->file);
    json_decref(c->report);
    *c = (so_checked_report){.file = NULL};
}

/* ---- two of one call ---- */

void so_report_say(const json_t *field, char *out, size_t cap)
{
    if (json_is_string(field))
        (void)snprintf(out, cap, "%s", json_string_value(field));
    else if (json_is_integer(field))
        (void)snprintf(out, cap, "%lld", (long long)json_integer_value(field));
    else if (json_is_boolean(field))
        (void)snprintf(out, cap, "%s", json_is_true(field) ? "yes" : "no");
    else if (json_is_object(field))
        (void)snprintf(out, cap, "not reported: %s", json_string_value(json_object_get(field, "not_reported")));
    else
        (void)snprintf(out, cap, "%s", "-");
}

static bool is_known(const json_t *field)
{
    return field != NULL && !json_is_object(field) && !json_is_null(field);
}

typedef struct comparison {
    const json_t *a, *b; /* reports */
    so_shared_fact *facts;
    size_t count;
} comparison;

static so_shared_fact *add(comparison *c, const char *name, const json_t *a, const json_t *b)
{
    so_shared_fact *fact = &c->facts[c->count++];

    fact->name = name;
    so_report_say(a, fact->a, sizeof fact->a);
    so_report_say(b, fact->b, sizeof fact->b);
    fact->result = is_known(a) && is_known(b) ? SO_DIFFERS : SO_NOT_COMPARED;
    return fact;
}

static so_shared_fact *add_equal(comparison *c, const char *name, const json_t *a, const json_t *b)
{
    so_shared_fact *fact = add(c, name, a, b);

    if (fact->result == SO_DIFFERS && strcasecmp(fact->a, fact->b) == 0)
        fact->result = SO_AGREES;
    return fact;
}

/* What browsers and the program call by different names, all of which the rule knows. */
static void add_named(comparison *c, const char *name, const char *field, so_policy_rule rule)
{
    so_shared_fact *fact = add(c, name, field_of(c->a, "media", field), field_of(c->b, "media", field));

    if (fact->result == SO_DIFFERS && so_policy_same_name(rule, fact->a, fact->b))
        fact->result = SO_AGREES;
}

static const json_t *end_of(const json_t *report, const char *which)
{
    return json_object_get(json_object_get(report, "ends"), which);
}

/* What one end says of itself, and the other two things of it. */
static void add_ends(comparison *c)
{
    add_equal(c, "identity key of A", end_of(c->a, "mine"), end_of(c->b, "theirs"));
    add_equal(c, "identity key of B", end_of(c->a, "theirs"), end_of(c->b, "mine"));
    add_equal(c, "certificate of A, as named to B", field_of(c->a, "fingerprints", "mine"),
              field_of(c->b, "fingerprints", "signaled"));
    add_equal(c, "certificate of A, as seen by B", field_of(c->a, "fingerprints", "mine"),
              field_of(c->b, "fingerprints", "seen"));
    add_equal(c, "certificate of B, as named to A", field_of(c->a, "fingerprints", "signaled"),
              field_of(c->b, "fingerprints", "mine"));
    add_equal(c, "certificate of B, as seen by A", field_of(c->a, "fingerprints", "seen"),
              field_of(c->b, "fingerprints", "mine"));
}

static void add_roles(comparison *c)
{
    so_shared_fact *fact =
        add(c, "role in the handshake", field_of(c->a, "media", "role"), field_of(c->b, "media", "role"));

    if (fact->result == SO_DIFFERS)
        fact->result = strcmp(fact->a, fact->b) != 0 ? SO_AGREES : SO_DIFFERS;
}

/* said: what the one was told in the seal that the other is. */
static void add_agent(comparison *c, const char *name, const json_t *of, const json_t *said, bool of_is_a)
{
    const char *agent = json_string_value(json_object_get(of, "agent"));
    const json_t *heard = field_of(said, "seal", "agent");
    json_t *words = json_string(strcmp(agent, "native") == 0 ? "the Sotto program" : "a browser with the call page");

    add_equal(c, name, of_is_a ? words : heard, of_is_a ? heard : words);
    json_decref(words);
}

/* An address that is learnt from its packets alone may be a relay's. */
static bool was_named(const json_t *report)
{
    const char *theirs = json_string_value(field_of(report, "path", "theirs"));

    return theirs != NULL && strcmp(theirs, "learnt from its packets") != 0;
}

static void add_path(comparison *c)
{
    so_shared_fact *fact = add_equal(c, "path", field_of(c->a, "path", "kind"), field_of(c->b, "path", "kind"));

    if (!was_named(c->a) || !was_named(c->b))
        fact->result = SO_NOT_COMPARED;
}

static bool counts_are_exact(const json_t *report)
{
    return strcmp(json_string_value(json_object_get(report, "agent")), "native") == 0 &&
           !json_is_null(json_object_get(report, "ended"));
}

static void add_packets(comparison *c, const char *name, const char *at_a, const char *at_b)
{
    const json_t *a = field_of(c->a, "media", at_a), *b = field_of(c->b, "media", at_b);
    so_shared_fact *fact = add(c, name, a, b);
    bool a_sent = strcmp(at_a, "sent") == 0;

    if (!counts_are_exact(c->a) || !counts_are_exact(c->b))
        fact->result = SO_NOT_COMPARED;
    else if (fact->result == SO_DIFFERS && json_integer_value(a_sent ? b : a) <= json_integer_value(a_sent ? a : b))
        fact->result = SO_AGREES;
}

/* Clocks may differ by so much, as they may for introductions. */
static bool a_day_at_most(const char *first, const char *last)
{
    so_unix from, to;

    return so_time_read(&from, first) && so_time_read(&to, last) && from - to <= SO_DAY;
}

static void add_times(comparison *c)
{
    const json_t *a = json_object_get(c->a, "started"), *b = json_object_get(c->b, "started");
    so_shared_fact *fact = add(c, "time", a, b);

    if (fact->result == SO_DIFFERS && a_day_at_most(fact->a, json_string_value(json_object_get(c->b, "saved"))) &&
        a_day_at_most(fact->b, json_string_value(json_object_get(c->a, "saved"))))
        fact->result = SO_AGREES;
}

size_t so_report_compare(const so_checked_report *a, const so_checked_report *b, so_shared_fact facts[SO_SHARED_FACTS],
                         bool *agree)
{
    comparison c = {.a = a->report, .b = b->report, .facts = facts};

    add_equal(&c, "call", json_object_get(c.a, "call"), json_object_get(c.b, "call"));
    add_ends(&c);
    add_equal(&c, "DTLS version", field_of(c.a, "media", "dtls"), field_of(c.b, "media", "dtls"));
    add_equal(&c, "DTLS cipher", field_of(c.a, "media", "cipher"), field_of(c.b, "media", "cipher"));
    add_named(&c, "key exchange", "group", SO_RULE_DTLS_GROUPS);
    add_named(&c, "SRTP profile", "srtp", SO_RULE_SRTP_PROFILES);
    add_roles(&c);
    add_equal(&c, "seal", field_of(c.a, "seal", "cipher"), field_of(c.b, "seal", "cipher"));
    add_agent(&c, "kind of A", c.a, c.b, true);
    add_agent(&c, "kind of B", c.b, c.a, false);
    add_path(&c);
    add_packets(&c, "packets from A to B", "sent", "received");
    add_packets(&c, "packets from B to A", "received", "sent");
    add_times(&c);
    *agree = true;
    for (size_t i = 0; i < c.count; i++)
        *agree = *agree && facts[i].result != SO_DIFFERS;
    /* Two that say nothing of the call are not of one. */
    *agree = *agree && facts[0].result == SO_AGREES;
    return c.count;
}
