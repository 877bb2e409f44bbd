#include "trust/report.h"

#include "trust/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct field_words {
    const char *name, *label;
} field_words;

static const struct {
    const char *name, *title, *proves;
    field_words fields[SO_REPORT_FIELDS + 1];
} doors[SO_DOORS] = {
    [SO_DOOR_SIGNALING] =
        {"signaling",
         "Signaling",
         "The server's certificate chains to a CA that this machine trusts, and names the server. The "
         "server brings the two ends together; what they say to each other is sealed, and it cannot "
         "read it.",
         {{"transport", "Transport"},
          {"certificate", "Certificate"},
          {"version", "TLS version"},
          {"cipher", "Cipher"},
          {"group", "Key exchange"}}},
    [SO_DOOR_SEAL] = {"seal",
                      "Seal",
                      "The other end is someone who has the link. It does not prove which person that is.",
                      {{"cipher", "Cipher"},
                       {"epoch", "Key epoch"},
                       {"agent", "The other end says it is"},
                       {"sealed", "Messages sealed"},
                       {"opened", "Messages opened"},
                       {"stale", "Stale messages ignored"}}},
    [SO_DOOR_FINGERPRINTS] = {"fingerprints",
                              "Fingerprints",
                              "The certificate that the other end used in the media handshake is the one it named "
                              "through the seal, so nobody without the link sits between the two.",
                              {{"mine", "Mine"},
                               {"signaled", "Theirs, as it came sealed"},
                               {"seen", "Theirs, as seen in the handshake"},
                               {"equal", "Equal"}}},
    [SO_DOOR_MEDIA] = {"media",
                       "Media",
                       "Media is encrypted from this end to the other. No key ever leaves the two.",
                       {{"dtls", "DTLS version"},
                        {"cipher", "DTLS cipher"},
                        {"group", "Key exchange"},
                        {"role", "Role of this end"},
                        {"srtp", "SRTP profile"},
                        {"sent", "Packets encrypted"},
                        {"sent_bytes", "Bytes encrypted"},
                        {"received", "Packets authenticated"},
                        {"received_bytes", "Bytes authenticated"},
                        {"failed", "Packets that were not authentic"},
                        {"replayed", "Replays refused"}}},
    [SO_DOOR_PATH] =
        {"path",
         "Path",
         "How the packets travel. A relay would see only encrypted packets. Addresses are neither shown nor "
         "saved.",
         {{"kind", "Kind"}, {"protocol", "Protocol"}, {"mine", "This end"}, {"theirs", "The other end"}}},
    [SO_DOOR_PERSON] = {"person",
                        "Person",
                        "You compared, so nobody sits in between; or the other end has a key that you gave a name to. "
                        "A key tells which program or browser it is, not who uses it.",
                        {{"compared", "Compared"},
                         {"identity", "Identity"},
                         {"name", "Known as"},
                         {"since", "Known since"},
                         {"key", "Key"}}},
};

const char *so_door_name(so_door door)
{
    return door < SO_DOORS ? doors[door].name : NULL;
}

const char *so_door_title(so_door door)
{
    return doors[door].title;
}

const char *so_door_proves(so_door door)
{
    return doors[door].proves;
}

const char *so_report_field_name(so_door door, size_t field)
{
    return doors[door].fields[field].name;
}

const char *so_report_field_label(so_door door, size_t field)
{
    return doors[door].fields[field].label;
}

static void forget(so_report_door *door)
{
    memset(door, 0, sizeof *door);
    for (size_t i = 0; i < SO_REPORT_FIELDS; i++)
        (void)snprintf(door->fields[i].text, sizeof door->fields[i].text, "not known yet");
}

so_status so_report_open(so_report *report)
{
    memset(report, 0, sizeof *report);
    report->failed_door = SO_NO_DOOR;
    for (so_door door = 0; door < SO_DOORS; door++)
        forget(&report->doors[door]);
    report->events = calloc(SO_REPORT_EVENTS, sizeof *report->events);
    return report->events == NULL ? SO_NO_MEMORY : SO_OK;
}

void so_report_close(so_report *report)
{
    free(report->events);
    free(report->chain);
    report->events = NULL;
    report->chain = NULL;
}

void so_report_begin(so_report *report, bool waiting)
{
    if (!report->begun)
        report->started = report->now;
    report->begun = true;
    report->waiting = waiting;
}

static so_report_field *field_of(so_report *report, so_door door, const char *name)
{
    for (size_t i = 0; doors[door].fields[i].name != NULL; i++)
        if (strcmp(doors[door].fields[i].name, name) == 0)
            return &report->doors[door].fields[i];
    abort(); /* a name that is spelt wrong is a fault of ours, found by the first test */
}

void so_report_put(so_report *report, so_door door, const char *name, const char *text, const char *why)
{
    so_report_field *field = field_of(report, door, name);

    field->kind = text == NULL ? SO_REPORT_UNKNOWN : SO_REPORT_WORDS;
    (void)snprintf(field->text, sizeof field->text, "%s", text == NULL ? why : text);
}

void so_report_put_number(so_report *report, so_door door, const char *name, uint64_t number)
{
    so_report_field *field = field_of(report, door, name);

    field->kind = SO_REPORT_NUMBER;
    field->number = number;
}

void so_report_put_bool(so_report *report, so_door door, const char *name, bool value)
{
    so_report_field *field = field_of(report, door, name);

    field->kind = SO_REPORT_BOOL;
    field->number = value;
}

void so_report_note(so_report *report, so_door door, const char *fmt, ...)
{
    so_report_event *event;
    va_list args;

    if (report->event_count == SO_REPORT_EVENTS) {
        size_t kept = SO_REPORT_EVENTS / 2;

        memmove(report->events + kept, report->events + kept + 1,
                (SO_REPORT_EVENTS - kept - 1) * sizeof *report->events);
        report->event_count--;
        report->dropped++;
    }
    event = &report->events[report->event_count++];
    event->at = report->now;
    event->door = door;
    va_start(args, fmt);
    (void)vsnprintf(event->text, sizeof event->text, fmt, args);
    va_end(args);
}

void so_report_set(so_report *report, so_door door, so_door_state state, const char *event)
{
    so_report_door *record = &report->doors[door];

    if (record->state == SO_DOOR_FAILED || record->state == state)
        return;
    record->state = state;
    record->since = state == SO_DOOR_HELD ? report->now : 0;
    so_report_note(report, door, "%s", event);
}

void so_report_reset(so_report *report, so_door door)
{
    if (report->failed)
        return;
    forget(&report->doors[door]);
    if (door == SO_DOOR_PERSON)
        report->person = (so_person){0};
    if (door == SO_DOOR_FINGERPRINTS)
        report->call[0] = '\0';
}

/* The seal's own names, as docs/protocol.md has them. */
static const char *bare(const char *code)
{
    return strncmp(code, "seal-", 5) == 0 ? code + 5 : code;
}

void so_report_fail(so_report *report, so_door door, const char *code, const so_error *why)
{
    const so_words *words = so_words_of(code);

    if (report->failed)
        return;
    report->failed = true;
    report->ended_at = report->now;
    report->failed_door = door;
    (void)snprintf(report->failed_code, sizeof report->failed_code, "%s", code);
    if (why != NULL)
        report->why = *why;
    else
        (void)so_fail(&report->why, SO_REFUSED, "call", "%s %s", words->text, words->remedy);
    if (door != SO_NO_DOOR) {
        report->doors[door].state = SO_DOOR_FAILED;
        report->doors[door].since = 0;
        (void)snprintf(report->doors[door].reason, sizeof report->doors[door].reason, "%s", bare(code));
    }
    so_report_note(report, door, "failed: %s", bare(code));
}

void so_report_end(so_report *report, const char *reason)
{
    if (report->ended[0] != '\0' || report->failed)
        return;
    report->ended_at = report->now;
    (void)snprintf(report->ended, sizeof report->ended, "%s", reason);
    so_report_note(report, SO_NO_DOOR, "ended: %s", reason);
}

static bool all_hold(const so_report *report)
{
    return report->doors[SO_DOOR_SEAL].state == SO_DOOR_HELD && report->doors[SO_DOOR_MEDIA].state == SO_DOOR_HELD &&
           report->doors[SO_DOOR_FINGERPRINTS].state == SO_DOOR_HELD;
}

so_verdict so_report_verdict(const so_report *report)
{
    if (report->failed)
        return SO_VERDICT_FAILED;
    if (report->ended[0] != '\0')
        return SO_VERDICT_ENDED;
    if (all_hold(report))
        return SO_VERDICT_VERIFIED;
    return report->begun ? SO_VERDICT_CHECKING : SO_VERDICT_NONE;
}

const char *so_verdict_name(so_verdict verdict)
{
    static const char *const names[] = {"none", "checking", "verified", "failed", "ended"};

    return names[verdict];
}

void so_report_verdict_text(const so_report *report, char line[SO_REPORT_TEXT], char detail[2 * SO_REPORT_TEXT])
{
    const char *first = "No call yet", *second = "What is verified will be listed here, door by door.";

    switch (so_report_verdict(report)) {
    case SO_VERDICT_FAILED: {
        const char *title = report->failed_door == SO_NO_DOOR ? "" : doors[report->failed_door].title;

        (void)snprintf(line, SO_REPORT_TEXT, "%s%s%s", title, title[0] == '\0' ? "" : ": ",
                       so_words_of(report->failed_code)->title);
        (void)snprintf(detail, 2 * SO_REPORT_TEXT, "%s", report->why.text);
        return;
    }
    case SO_VERDICT_ENDED:
        first = "The call is over";
        second = all_hold(report) ? "It was encrypted end to end and verified to its end."
                                  : "It ended before every check had held.";
        break;
    case SO_VERDICT_VERIFIED:
        so_person_verdict(&report->person, line, detail);
        return;
    case SO_VERDICT_CHECKING:
        first = report->waiting ? "Not yet: nobody else is here" : "Checking…";
        second = "No media leaves before every check has held.";
        break;
    case SO_VERDICT_NONE:
        break;
    }
    (void)snprintf(line, SO_REPORT_TEXT, "%s", first);
    (void)snprintf(detail, 2 * SO_REPORT_TEXT, "%s", second);
}

void so_time_text(char out[SO_REPORT_TIME], uint64_t unix_ms)
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm tm;

    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(out, SO_REPORT_TIME, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)(tm.tm_year + 1900) % 10000,
                   (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)(unix_ms % 1000));
}

bool so_time_read(so_unix *out, const char *text)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S.", &tm);

    *out = (so_unix)timegm(&tm);
    return end != NULL && strlen(end) == 4 && end[3] == 'Z';
}

static void write_text(so_writer *w, const char *before, const char *text)
{
    so_write_text(w, before);
    if (text == NULL)
        so_write_text(w, "null");
    else
        so_write_json(w, text, strlen(text));
}

static void write_time(so_writer *w, const char *before, uint64_t at)
{
    char text[SO_REPORT_TIME];

    so_time_text(text, at);
    write_text(w, before, at == 0 ? NULL : text);
}

/* One certificate takes two names of 200 characters, which JSON may write six times as long, and the rest. */
#define CHAIN_ENTRY (2 * 6 * SO_SUBJECT_LEN + 512)

so_status so_report_put_chain(so_report *report, const so_certs *chain)
{
    size_t count = so_certs_count(chain), cap = 16 + count * CHAIN_ENTRY;
    char *text = malloc(cap);
    so_writer w;

    if (text == NULL)
        return SO_NO_MEMORY;
    w = so_writer_of(text, cap);
    for (size_t i = 0; i < count; i++) {
        const so_cert *cert = so_certs_at(chain, i);

        write_text(&w, i == 0 ? "[{\"subject\":" : ",{\"subject\":", cert->subject);
        write_text(&w, ",\"issuer\":", cert->issuer);
        write_text(&w, ",\"serial\":", cert->serial);
        write_text(&w, ",\"sha256\":", cert->sha256);
        write_time(&w, ",\"not_before\":", (uint64_t)cert->not_before * 1000);
        write_time(&w, ",\"not_after\":", (uint64_t)cert->not_after * 1000);
        so_write_text(&w, "}");
    }
    so_write_text(&w, count == 0 ? "[]" : "]");
    so_write_u8(&w, 0);
    if (w.failed) {
        free(text);
        return SO_TOO_LONG;
    }
    free(report->chain);
    report->chain = text;
    return SO_OK;
}

static void write_field(so_writer *w, const so_report_field *field)
{
    switch (field->kind) {
    case SO_REPORT_UNKNOWN:
        write_text(w, "{\"not_reported\":", field->text);
        so_write_text(w, "}");
        break;
    case SO_REPORT_WORDS:
        write_text(w, "", field->text);
        break;
    case SO_REPORT_NUMBER:
        so_write_format(w, "%llu", (unsigned long long)field->number);
        break;
    case SO_REPORT_BOOL:
        so_write_text(w, field->number != 0 ? "true" : "false");
        break;
    }
}

static void write_door(const so_report *report, so_writer *w, so_door door)
{
    static const char *const states[] = {"pending", "held", "failed"};
    const so_report_door *record = &report->doors[door];
    char meaning[2 * SO_REPORT_TEXT];

    write_text(w, "{\"door\":", doors[door].name);
    write_text(w, ",\"title\":", doors[door].title);
    write_text(w, ",\"state\":", states[record->state]);
    write_time(w, ",\"since\":", record->since);
    write_text(w, ",\"reason\":", record->reason[0] == '\0' ? NULL : record->reason);
    so_write_text(w, ",\"fields\":{");
    for (size_t i = 0; doors[door].fields[i].name != NULL; i++) {
        write_text(w, i == 0 ? "" : ",", doors[door].fields[i].name);
        so_write_text(w, ":");
        write_field(w, &record->fields[i]);
    }
    if (door == SO_DOOR_SIGNALING) {
        so_write_text(w, ",\"chain\":");
        so_write_text(w, report->chain != NULL ? report->chain : "{\"not_reported\":\"not known yet\"}");
    }
    (void)snprintf(meaning, sizeof meaning, "%s%s",
                   record->state == SO_DOOR_HELD ? "" : "Not shown now. When this door holds: ", doors[door].proves);
    write_text(w, "},\"meaning\":", meaning);
    so_write_text(w, "}");
}

static void write_known(so_writer *w, const char *before, const char *text, const char *why)
{
    if (text[0] != '\0') {
        write_text(w, before, text);
        return;
    }
    so_write_text(w, before);
    write_text(w, "{\"not_reported\":", why);
    so_write_text(w, "}");
}

static void write_verdict(const so_report *report, so_writer *w)
{
    char line[SO_REPORT_TEXT], detail[2 * SO_REPORT_TEXT];

    so_report_verdict_text(report, line, detail);
    write_text(w, ",\"verdict\":{\"state\":", so_verdict_name(so_report_verdict(report)));
    write_text(w, ",\"text\":", line);
    write_text(w, ",\"detail\":", detail);
    write_text(w, ",\"door\":", report->failed ? so_door_name(report->failed_door) : NULL);
    write_text(w, ",\"reason\":", report->failed ? bare(report->failed_code) : NULL);
    write_text(w, ",\"remedy\":", report->failed ? so_words_of(report->failed_code)->remedy : NULL);
    so_write_text(w, "}");
}

static void write_policy(const so_report *report, so_writer *w)
{
    so_policy otherwise;

    so_policy_default(&otherwise);
    so_write_text(w, ",\"policy\":");
    so_policy_write(report->policy == NULL ? &otherwise : report->policy, w);
}

void so_report_write(const so_report *report, so_writer *w)
{
    so_write_text(w, "{\"format\":\"sotto-report-2\",\"agent\":\"native\"");
    write_time(w, ",\"started\":", report->started);
    write_time(w, ",\"ended\":", report->ended_at);
    write_time(w, ",\"saved\":", report->now);
    write_verdict(report, w);
    write_known(w, ",\"call\":", report->call, "the two ends have no association yet");
    write_known(w, ",\"ends\":{\"mine\":", report->mine, "this end does not introduce itself");
    write_known(w, ",\"theirs\":", report->person.key, "the other end has not introduced itself");
    if (report->own_address[0] != '\0') {
        write_text(w, "},\"addresses\":{\"mine\":", report->own_address);
        write_text(w, ",\"theirs\":", report->their_address);
    }
    so_write_format(w, "},\"compared_by_people\":%s", report->person.compared ? "true" : "false");
    write_policy(report, w);
    for (so_door door = 0; door < SO_DOORS; door++) {
        so_write_text(w, door == 0 ? ",\"doors\":[" : ",");
        write_door(report, w, door);
    }
    so_write_text(w, "],\"events\":[");
    for (size_t i = 0; i < report->event_count; i++) {
        const so_report_event *event = &report->events[i];

        write_time(w, i == 0 ? "{\"at\":" : ",{\"at\":", event->at);
        write_text(w, ",\"door\":", so_door_name(event->door));
        write_text(w, ",\"event\":", event->text);
        so_write_text(w, "}");
    }
    so_write_format(w, "],\"events_left_out\":%zu}", report->dropped);
}

so_status so_report_write_file(const so_report *report, so_pkey *key, so_writer *w, so_error *err)
{
    uint8_t *start;
    so_slice signed_text;
    so_status status;

    so_write_text(w, "{\"report\":");
    start = w->at;
    so_report_write(report, w);
    signed_text = (so_slice){start, (size_t)(w->at - start)};
    if (w->failed)
        return so_fail(err, SO_TOO_LONG, "report", "the report does not fit; save it with more room");
    if (key == NULL) {
        so_write_text(w, ",\"not_signed\":\"this end has no identity key\"}\n");
        return w->failed ? SO_TOO_LONG : SO_OK;
    }
    so_write_text(w, ",\"jws\":\"");
    status = so_jws_write(w, SO_REPORT_TYPE, key, signed_text);
    if (status != SO_OK)
        return so_fail(err, status, "report", "the report could not be signed (%s); check that memory is free",
                       so_status_name(status));
    so_write_text(w, "\"}\n");
    return w->failed ? SO_TOO_LONG : SO_OK;
}
