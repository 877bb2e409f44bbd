#include "cli/call_say.h"
#include "base/text.h"
#include "cli/commands.h"
#include "trust/words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void call_say_out(so_writer *w)
{
    so_write_u8(w, '\n');
    if (!w->failed)
        (void)fwrite(w->start, 1, so_writer_len(w), stdout);
    (void)fflush(stdout);
}

/* What a server or another end had a hand in is only shown, and not obeyed, by a terminal. */
void call_say_tame(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text);
    so_text_tame(out);
}

void call_say_member(so_writer *w, const char *before, const char *text)
{
    so_write_text(w, before);
    so_write_json(w, text, strlen(text));
}

so_writer call_say_begin(uint8_t line[CALL_SAY_LINE], const char *event)
{
    so_writer w = so_writer_of(line, CALL_SAY_LINE);

    call_say_member(&w, "{\"event\":", event);
    return w;
}

void call_say_state(const call_options *o, so_call_state state, const char *reason)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "state");

    if (o->json) {
        call_say_member(&w, ",\"state\":", so_call_state_name(state));
        call_say_member(&w, ",\"reason\":", reason);
        so_write_text(&w, "}");
        call_say_out(&w);
        return;
    }
    if (state == SO_CALL_CONNECTING)
        (void)puts("Checking…");
    else if (state == SO_CALL_WAITING)
        (void)puts(reason[0] == '\0' ? "Waiting for the other end. Hang up with Ctrl-C."
                                     : "The other end is gone. Waiting for it.");
    (void)fflush(stdout);
}

const char *call_notice_words(const char *notice)
{
    static const char *const words[][2] = {{"path-lost", "The path is lost; looking for another one."},
                                           {"signaling-lost", "The server is lost; the call goes on without it."},
                                           {"peer-away", "The server has lost the other end."},
                                           {"peer-left", "The server says that the other end left."},
                                           {"", "All is well again."}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i][0], notice) == 0)
            return words[i][1];
    return "";
}

void call_say_notice(const call_options *o, const char *notice)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "notice");

    if (o->json) {
        call_say_member(&w, ",\"notice\":", notice);
        so_write_text(&w, "}");
        call_say_out(&w);
        return;
    }
    if (call_notice_words(notice)[0] != '\0')
        (void)puts(call_notice_words(notice));
    (void)fflush(stdout);
}

void call_say_relay(const call_options *o, const char *code, const so_error *why)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "relay");

    if (o->json) {
        call_say_member(&w, ",\"code\":", code);
        call_say_member(&w, ",\"text\":", why->text);
        so_write_text(&w, "}");
        call_say_out(&w);
    } else {
        char text[sizeof why->text];

        call_say_tame(text, sizeof text, why->text);
        (void)printf("A relay is not used: %s.\n", text);
        (void)fflush(stdout);
    }
}

void call_say_rate(const call_options *o, uint64_t rate)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "rate");

    if (!o->json)
        return;
    so_write_format(&w, ",\"bits\":%llu}", (unsigned long long)rate);
    call_say_out(&w);
}

void call_say_other(const call_options *o, bool audio, bool video, bool screen)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "other");

    if (!o->json)
        return;
    so_write_format(&w, ",\"audio\":%s,\"video\":%s,\"screen\":%s}", audio ? "true" : "false", video ? "true" : "false",
                    screen ? "true" : "false");
    call_say_out(&w);
}

static void write_report(const so_report *report, const char *event)
{
    uint8_t *bytes = malloc(SO_REPORT_MAX + 64);
    so_writer w;

    if (bytes == NULL)
        return;
    w = so_writer_of(bytes, SO_REPORT_MAX + 64);
    call_say_member(&w, "{\"event\":", event);
    so_write_text(&w, ",\"report\":");
    so_report_write(report, &w);
    so_write_text(&w, "}");
    call_say_out(&w);
    free(bytes);
}

static void say_field(const so_report_field *field, const char *label)
{
    switch (field->kind) {
    case SO_REPORT_WORDS:
        (void)printf("      %-34s %s\n", label, field->text);
        break;
    case SO_REPORT_NUMBER:
        (void)printf("      %-34s %llu\n", label, (unsigned long long)field->number);
        break;
    case SO_REPORT_BOOL:
        (void)printf("      %-34s %s\n", label, field->number != 0 ? "yes" : "no");
        break;
    case SO_REPORT_UNKNOWN:
        (void)printf("      %-34s not reported: %s\n", label, field->text);
        break;
    }
}

/* What is asked for beyond the default. */
static void say_policy(const so_policy *policy)
{
    static const char *const whose[] = {"", "asked for by this end", "asked for by the server", "what both allow"};
    char value[SO_POLICY_VALUE_TEXT];

    for (so_policy_rule rule = 0; rule < SO_RULES; rule++) {
        so_writer w = so_writer_of(value, sizeof value);

        if (so_policy_is_default(policy, rule))
            continue;
        so_policy_write_value(policy, rule, &w);
        (void)printf("  Policy: %s %.*s (%s)\n", so_policy_rule_name(rule), (int)so_writer_len(&w), value,
                     whose[policy->rules[rule].from]);
    }
}

void call_say_doors(const so_report *report)
{
    static const char *const marks[] = {"not yet", "holds", "FAILED"};

    for (so_door door = 0; door < SO_DOORS; door++) {
        const so_report_door *record = &report->doors[door];

        (void)printf("  %s: %s%s%s\n", so_door_title(door), marks[record->state], record->reason[0] == '\0' ? "" : ", ",
                     record->reason);
        for (size_t i = 0; so_report_field_name(door, i) != NULL; i++)
            if (report->ended_at != 0 || record->fields[i].kind != SO_REPORT_NUMBER) /* counts are of a whole call */
                say_field(&record->fields[i], so_report_field_label(door, i));
    }
    say_policy(report->policy);
}

static void say_verdict(const so_report *report)
{
    char line[SO_REPORT_TEXT], detail[2 * SO_REPORT_TEXT];

    so_report_verdict_text(report, line, detail);
    so_text_tame(detail);
    (void)printf("%s\n  %s\n", line, detail);
}

void call_say_open(const call_options *o, const so_report *report)
{
    if (o->json) {
        write_report(report, "open");
        return;
    }
    say_verdict(report);
    call_say_doors(report);
    (void)fflush(stdout);
}

static void say_track(so_writer *w, const so_track_facts *facts)
{
    so_write_format(w, ",\"codec\":");
    so_write_json(w, facts->codec == NULL ? "none" : facts->codec,
                  strlen(facts->codec == NULL ? "none" : facts->codec));
    so_write_format(w, ",\"sent\":%llu,\"received\":%llu,\"lost\":%llu", (unsigned long long)facts->sent,
                    (unsigned long long)facts->received, (unsigned long long)facts->lost);
}

void call_say_end(const call_options *o, const so_report *report, const call_totals *totals, int exit_code)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "totals");

    if (o->json) {
        say_track(&w, &totals->sound);
        if (totals->level_known)
            so_write_format(&w, ",\"level\":%.1f", totals->level);
        if (totals->picture.sent + totals->picture.received > 0) {
            so_write_text(&w, ",\"picture\":{\"kind\":\"video\"");
            say_track(&w, &totals->picture);
            so_write_format(
                &w, ",\"frames\":%llu,\"dropped\":%llu,\"repaired\":%llu,\"sent_again\":%llu}",
                (unsigned long long)totals->picture.frames, (unsigned long long)totals->picture.frames_dropped,
                (unsigned long long)totals->picture.repaired, (unsigned long long)totals->picture.sent_again);
        }
        so_write_format(&w, ",\"exit\":%d}", exit_code);
        call_say_out(&w);
        write_report(report, "report");
        return;
    }
    if (so_report_verdict(report) == SO_VERDICT_FAILED) {
        char text[SO_REPORT_TEXT], detail[2 * SO_REPORT_TEXT];

        so_report_verdict_text(report, text, detail);
        so_text_tame(detail);
        (void)fprintf(stderr, "sotto call: %s. %s\n", text, detail);
        return;
    }
    say_verdict(report);
    (void)printf("  Packets of sound sent %llu, heard %llu, lost %llu\n", (unsigned long long)totals->sound.sent,
                 (unsigned long long)totals->sound.received, (unsigned long long)totals->sound.lost);
    if (totals->picture.sent + totals->picture.received > 0)
        (void)printf("  Packets of the picture sent %llu, seen %llu, lost %llu; pictures seen %llu\n",
                     (unsigned long long)totals->picture.sent, (unsigned long long)totals->picture.received,
                     (unsigned long long)totals->picture.lost, (unsigned long long)totals->picture.frames);
    (void)fflush(stdout);
}

void call_say_fault(const call_options *o, const so_error *err)
{
    uint8_t line[CALL_SAY_LINE];
    so_writer w = call_say_begin(line, "fault");

    if (o->json) {
        call_say_member(&w, ",\"layer\":", err->layer);
        call_say_member(&w, ",\"text\":", err->text);
        so_write_text(&w, "}");
        call_say_out(&w);
    } else {
        char text[sizeof err->text];

        call_say_tame(text, sizeof text, err->text);
        (void)fprintf(stderr, "sotto call: %s: %s\n", err->layer, text);
    }
}

static so_status write_whole(const char *path, const so_writer *w)
{
    /* It says whom you know: for its owner alone. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool ok;

    if (file == NULL) {
        if (fd >= 0)
            (void)close(fd);
        return SO_IO;
    }
    ok = fwrite(w->start, 1, so_writer_len(w), file) == so_writer_len(w);
    return fclose(file) == 0 && ok ? SO_OK : SO_IO;
}

so_status call_write_report(const call_options *o, const so_report *report, so_pkey *key)
{
    so_status status;
    uint8_t *bytes;
    so_writer w;
    so_error err;

    if (o->report == NULL)
        return SO_OK;
    bytes = malloc(SO_REPORT_FILE_MAX);
    w = so_writer_of(bytes, bytes == NULL ? 0 : SO_REPORT_FILE_MAX);
    status = so_report_write_file(report, key, &w, &err);
    if (status == SO_OK && write_whole(o->report, &w) != SO_OK)
        status = so_fail(&err, SO_IO, "report",
                         "%.200s can't be written (%s); give a file that you may write, where there "
                         "is room",
                         o->report, strerror(errno));
    free(bytes);
    if (status != SO_OK)
        call_say_fault(o, &err);
    return status;
}

static bool begins(const char *code, const char *with)
{
    return strncmp(code, with, strlen(with)) == 0;
}

int call_exit_code(const char *code)
{
    if (strcmp(code, "hangup") == 0 || strcmp(code, "peer-hangup") == 0 || strcmp(code, "peer-left") == 0)
        return SO_EXIT_OK;
    if (strcmp(code, "server-unreachable") == 0)
        return SO_EXIT_UNREACHABLE;
    if (strcmp(code, "certificate-refused") == 0)
        return SO_EXIT_CERTIFICATE;
    if (strcmp(code, "room-full") == 0 || begins(code, "too-many") || strcmp(code, "protocol") == 0 ||
        strcmp(code, "resumed-elsewhere") == 0)
        return SO_EXIT_ROOM;
    if (strcmp(code, "nobody-came") == 0)
        return SO_EXIT_NOBODY;
    if (begins(code, "seal-"))
        return SO_EXIT_SEAL;
    if (begins(code, "fingerprint-"))
        return SO_EXIT_FINGERPRINT;
    if (begins(code, "policy-"))
        return SO_EXIT_POLICY;
    if (strcmp(code, "peer-refused") == 0)
        return SO_EXIT_PEER;
    if (begins(code, "sas-") || begins(code, "identity-"))
        return SO_EXIT_PERSON;
    return SO_EXIT_MEDIA;
}
