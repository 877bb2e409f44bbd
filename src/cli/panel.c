#include "cli/panel.h"

#include "cli/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define INDENT 4 /* columns before what a door proves */

/* ---- lines ---- */

/* Bytes of the character at text if it is a Latin letter beyond ASCII, else 0. */
static size_t latin(const char *text)
{
    unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
    bool letter = (first == 0xc3 || (first >= 0xc4 && first <= 0xc8) || (first == 0xc9 && second <= 0x8f)) &&
                  (second & 0xc0) == 0x80;

    return letter ? 2 : 0;
}

void panel_clean(char *out, size_t cap, const char *text)
{
    size_t n = 0;

    while (*text != '\0' && n + 2 < cap) {
        size_t len = latin(text);

        if (len > 0) {
            memcpy(out + n, text, len);
            n += len;
            text += len;
            continue;
        }
        out[n++] = *text >= 0x20 && *text <= 0x7e ? *text : '?';
        /* The bytes behind the first of a character beyond ASCII go with it. */
        for (text++; ((unsigned char)*text & 0xc0) == 0x80; text++)
            ;
    }
    if (n + 1 < cap && *text >= 0x20 && *text <= 0x7e)
        out[n++] = *text;
    out[n] = '\0';
}

/* Room for one more line, or NULL. */
static panel_line *more(panel_screen *s, unsigned rank)
{
    panel_line *line = s->count < PANEL_LINES ? &s->lines[s->count++] : NULL;

    if (line != NULL)
        *line = (panel_line){.rank = rank};
    return line;
}

static void append(panel_line *line, const char *fmt, ...) SO_PRINTF(2, 3);

static void append(panel_line *line, const char *fmt, ...)
{
    size_t len;
    va_list args;

    if (line == NULL)
        return;
    len = strlen(line->text);
    va_start(args, fmt);
    (void)vsnprintf(line->text + len, sizeof line->text - len, fmt, args);
    va_end(args);
}

/* What the line has so far gets a colour. */
static void tone(panel_line *line, panel_tone of)
{
    if (line == NULL)
        return;
    line->tone = of;
    line->toned = strlen(line->text);
}

/* Words of text as they fit into columns, each line after this many blanks, and all of one tone. */
static void wrapped(panel_screen *s, const char *text, unsigned columns, int indent, unsigned rank, panel_tone of)
{
    while (*text != '\0') {
        panel_line *line = more(s, rank);
        size_t used = (size_t)indent;

        append(line, "%*s", indent, "");
        do {
            size_t word = strcspn(text, " ");

            append(line, "%.*s ", (int)word, text);
            used += word + 1;
            text += word + strspn(text + word, " ");
        } while (*text != '\0' && used + strcspn(text, " ") <= columns);
        if (line != NULL)
            line->text[strlen(line->text) - 1] = '\0';
        tone(line, of);
    }
}

static void blank(panel_screen *s)
{
    (void)more(s, 9);
}

/* Cuts to this many columns; the last one says that something is missing. */
static void cut(panel_line *line, unsigned columns)
{
    static const char missing[] = "…";
    size_t i = 0, last = 0;
    unsigned column = 0;

    columns = columns > line->wide ? columns - line->wide : 0;
    while (line->text[i] != '\0' && column < columns) {
        last = i++;
        while (((unsigned char)line->text[i] & 0xc0) == 0x80)
            i++;
        column++;
    }
    if (line->text[i] == '\0')
        return;
    if (columns > 0 && last + sizeof missing <= sizeof line->text)
        memcpy(line->text + last, missing, sizeof missing);
    else
        line->text[last] = '\0';
    if (line->toned > strlen(line->text))
        line->toned = strlen(line->text);
}

/* ---- what they say ---- */

static void header(panel_screen *s, const panel_facts *f)
{
    panel_line *line = more(s, 0);
    unsigned seconds = (unsigned)(f->duration / 1000);
    const char *state = "Checking…";

    if (f->person != NULL && f->person->alarm)
        state = "STOPPED: who is this?";
    else if (f->state == SO_CALL_FAILED)
        state = "Failed";
    else if (f->ending || f->state == SO_CALL_ENDED)
        state = "Hanging up…";
    else if (f->state == SO_CALL_OPEN)
        state = "In call";
    else if (f->state == SO_CALL_WAITING)
        state = f->reason[0] == '\0' ? "Waiting for the other end" : "The other end is gone. Waiting for it";
    append(line, "sotto call");
    tone(line, PANEL_STRONG);
    append(line, "   %s", state);
    if (f->open)
        append(line, "   %02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void verdict(panel_screen *s, const panel_facts *f, unsigned columns)
{
    static const panel_tone tones[] = {[SO_VERDICT_NONE] = PANEL_CARE,
                                       [SO_VERDICT_CHECKING] = PANEL_CARE,
                                       [SO_VERDICT_VERIFIED] = PANEL_GOOD,
                                       [SO_VERDICT_FAILED] = PANEL_BAD,
                                       [SO_VERDICT_ENDED] = PANEL_PLAIN};
    char text[SO_REPORT_TEXT], detail[2 * SO_REPORT_TEXT], clean[2 * SO_REPORT_TEXT];
    panel_line *line;

    so_report_verdict_text(f->report, text, detail);
    line = more(s, 0);
    panel_clean(clean, sizeof clean, text);
    append(line, "%s", clean);
    tone(line, tones[so_report_verdict(f->report)]);
    panel_clean(clean, sizeof clean, detail);
    wrapped(s, clean, columns, 0, 7, PANEL_FAINT);
}

static const so_report_field *field(const so_report *report, so_door door, const char *name)
{
    for (size_t i = 0; so_report_field_name(door, i) != NULL; i++)
        if (strcmp(so_report_field_name(door, i), name) == 0)
            return &report->doors[door].fields[i];
    return NULL;
}

static const char *words(const so_report *report, so_door door, const char *name)
{
    const so_report_field *found = field(report, door, name);

    return found != NULL && found->kind == SO_REPORT_WORDS ? found->text : NULL;
}

/* What was verified there, in short. */
static void proof(panel_line *line, const panel_facts *f, so_door door)
{
    static const char *const names[SO_DOORS][2] = {[SO_DOOR_SIGNALING] = {"certificate", "version"},
                                                   [SO_DOOR_SEAL] = {"cipher", NULL},
                                                   [SO_DOOR_MEDIA] = {"dtls", "srtp"},
                                                   [SO_DOOR_PATH] = {"kind", "protocol"},
                                                   [SO_DOOR_PERSON] = {"identity", NULL}};
    const so_report_field *equal;
    const char *before = "";
    char clean[SO_REPORT_TEXT];

    for (size_t i = 0; i < 2 && names[door][i] != NULL; i++) {
        const char *text = words(f->report, door, names[door][i]);

        if (text == NULL)
            continue;
        panel_clean(clean, sizeof clean, text);
        append(line, "%s%s%s", before, door == SO_DOOR_MEDIA && i == 0 ? "DTLS " : "", clean);
        before = ", ";
    }
    if (door == SO_DOOR_FINGERPRINTS && (equal = field(f->report, door, "equal"))->kind == SO_REPORT_BOOL)
        append(line, "theirs, as it came sealed and as seen: %s", equal->number != 0 ? "equal" : "NOT EQUAL");
    if (door == SO_DOOR_PERSON && f->person != NULL)
        append(line, "%s%s", before, f->person->compared ? "compared by you" : "not compared");
    if (door == SO_DOOR_PATH && f->path_known && f->peer.local_kind != NULL)
        append(line, ", from %s to %s", f->peer.local_kind, f->peer.remote_kind == NULL ? "?" : f->peer.remote_kind);
}

static void doors(panel_screen *s, const panel_facts *f)
{
    static const char *const marks[] = {"· ", "✓ ", "✗ "}, *const states[] = {"not yet", "holds", "FAILED"};
    static const panel_tone tones[] = {PANEL_FAINT, PANEL_GOOD, PANEL_BAD};

    for (so_door door = 0; door < SO_DOORS; door++) {
        const so_report_door *record = &f->report->doors[door];
        panel_line *line = more(s, 2);

        append(line, "  %s%-13s %-8s", marks[record->state], so_door_title(door), states[record->state]);
        tone(line, tones[record->state]);
        append(line, " ");
        if (record->state == SO_DOOR_FAILED) {
            char clean[sizeof record->reason];

            panel_clean(clean, sizeof clean, record->reason);
            append(line, "%s", clean);
        } else if (record->state == SO_DOOR_HELD || (door == SO_DOOR_PERSON && f->person != NULL && f->person->met)) {
            proof(line, f, door);
        }
    }
}

static void rate_text(char out[16], uint64_t bits)
{
    if (bits < 1000000)
        (void)snprintf(out, 16, "%u kbit/s", (unsigned)((bits + 500) / 1000));
    else
        (void)snprintf(out, 16, "%u.%u Mbit/s", (unsigned)(bits / 1000000 % 10000), (unsigned)(bits / 100000 % 10));
}

static void media(panel_screen *s, const panel_media *m, const char *title, const char *got, unsigned rank)
{
    panel_line *line = more(s, rank);
    char sent[16] = "nothing", received[16] = "nothing";

    if (m->sends && m->muted)
        (void)snprintf(sent, sizeof sent, "MUTED");
    else if (m->sends && m->track.sending)
        rate_text(sent, m->sent_rate);
    if (m->receives && m->track.receiving)
        rate_text(received, m->received_rate);
    append(line, "  %-8s %-4s sent %-11s %s %-11s lost %llu", title, m->track.codec == NULL ? "" : m->track.codec, sent,
           got, received, (unsigned long long)m->track.lost);
}

/* 1/256 to per cent with one place. */
static unsigned per_mille(uint8_t fraction)
{
    return (fraction * 1000u + 128) / 256;
}

static void path(panel_screen *s, const panel_facts *f)
{
    panel_line *line = more(s, 4);
    char rate[16];

    append(line, "  %-8s ", "Network");
    if (!f->path_known || !f->peer.round_trip_known) {
        append(line, "round trip not measured yet");
    } else {
        unsigned lost = per_mille(f->peer.fraction_lost);

        append(line, "round trip %u ms, lost on the way there %u.%u %%", (f->peer.round_trip_us + 500) / 1000,
               lost / 10, lost % 10);
    }
    if (f->path_rate > 0) {
        rate_text(rate, f->path_rate);
        append(line, ", bears %s", rate);
    }
}

static const char *other_words(const panel_facts *f)
{
    if (f->other_audio && f->other_video)
        return "sends sound and a picture";
    if (f->other_audio)
        return "sends sound";
    return f->other_video ? "sends a picture" : "sends nothing";
}

static void ends(panel_screen *s, const panel_facts *f)
{
    char clean[SO_REPORT_TEXT];
    panel_line *line;

    if (f->from[0] != '\0' || f->into[0] != '\0') {
        line = more(s, 6);
        panel_clean(clean, sizeof clean, f->from);
        append(line, "  %-8s sends %s", "Here", clean[0] == '\0' ? "nothing" : clean);
        panel_clean(clean, sizeof clean, f->into);
        append(line, "%s%s", clean[0] == '\0' ? "" : ", what comes goes to ", clean);
    }
    if (f->other_known)
        append(more(s, 5), "  %-8s %s", "There", other_words(f));
}

/* ---- who is there ---- */

static bool is_to_be_compared(const panel_facts *f)
{
    return f->person != NULL && f->person->has_string && !f->person->compared;
}

static void compare(panel_screen *s, const panel_facts *f)
{
    panel_line *line = more(s, 1), *words = more(s, 1);
    const uint8_t *string = f->person->string;

    append(line, "  %-8s", "Compare");
    append(words, "  %-8s", "");
    for (size_t i = 0; i < SO_SAS_LEN; i++) {
        append(line, " %s %s%s", so_sas_picture(string[i]), so_sas_name(string[i]), i + 1 < SO_SAS_LEN ? "," : "");
        append(words, " %s", so_sas_word(string[i]));
    }
    append(words, "%s", f->keys ? "   s same   d different" : "");
    if (line != NULL)
        line->wide = SO_SAS_LEN;
}

static void say_alarm(panel_screen *s, const panel_facts *f, unsigned columns)
{
    char title[SO_REPORT_TEXT], text[4 * SO_REPORT_TEXT], clean[4 * SO_REPORT_TEXT];
    panel_line *line = more(s, 0);

    so_person_alarm(f->person, title, text);
    panel_clean(clean, sizeof clean, title);
    append(line, "  ! %s", clean);
    tone(line, PANEL_BAD);
    panel_clean(clean, sizeof clean, text);
    wrapped(s, clean, columns, INDENT, 1, PANEL_PLAIN);
}

static void notice(panel_screen *s, const panel_facts *f)
{
    panel_line *line;

    if (f->notice[0] == '\0')
        return;
    line = more(s, 1);
    append(line, "  ! %s", call_notice_words(f->notice));
    tone(line, PANEL_CARE);
}

/* ---- what the doors prove, at "?" ---- */

static void proofs(panel_screen *s, unsigned columns)
{
    for (so_door door = 0; door < SO_DOORS; door++) {
        panel_line *line = more(s, 2);

        append(line, "  %s", so_door_title(door));
        tone(line, PANEL_STRONG);
        wrapped(s, so_door_proves(door), columns, INDENT, 3, PANEL_PLAIN);
    }
}

static void keys(panel_screen *s, const panel_facts *f)
{
    panel_line *line = more(s, 1);

    if (!f->keys) {
        append(line, "Ctrl-C hangs up");
    } else if (f->person != NULL && f->person->alarm) {
        append(line, "g go on this once   %sh hang up",
               f->person->identity == SO_RECOGNISED_CHANGED ? "t take the new key   " : "");
    } else {
        if (f->sound.sends)
            append(line, "m %s   ", f->sound.muted ? "unmute sound" : "mute sound");
        if (f->picture.sends)
            append(line, "v %s   ", f->picture.muted ? "unmute picture" : "mute picture");
        append(line, "h hang up   ? %s", f->help ? "back" : "what this proves");
    }
    tone(line, PANEL_FAINT);
}

/* Takes lines out until the rest fits: of the highest rank, the lowest on the screen first. */
static void fit(panel_screen *s, unsigned rows)
{
    while (s->count > rows) {
        size_t out = 0;

        for (size_t i = 0; i < s->count; i++)
            if (s->lines[i].rank >= s->lines[out].rank)
                out = i;
        memmove(&s->lines[out], &s->lines[out + 1], (s->count - out - 1) * sizeof s->lines[0]);
        s->count--;
    }
}

void panel_draw(panel_screen *s, const panel_facts *f, unsigned columns, unsigned rows)
{
    columns -= columns > 1;
    rows -= rows > 1;
    s->count = 0;
    header(s, f);
    verdict(s, f, columns);
    blank(s);
    if (f->help) {
        proofs(s, columns);
    } else {
        doors(s, f);
        blank(s);
        if (f->person != NULL && f->person->alarm)
            say_alarm(s, f, columns);
        if (is_to_be_compared(f))
            compare(s, f);
        if (f->open) {
            media(s, &f->sound, "Sound", "heard", 3);
            if (f->picture.sends || f->picture.receives)
                media(s, &f->picture, "Picture", "seen ", 3);
            path(s, f);
        }
        ends(s, f);
        notice(s, f);
    }
    blank(s);
    keys(s, f);
    fit(s, rows);
    for (size_t i = 0; i < s->count; i++)
        cut(&s->lines[i], columns);
}
