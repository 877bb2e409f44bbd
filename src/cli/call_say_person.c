/* What is said of the person at the other end. */
#include "cli/call_say.h"

#include <stdio.h>
#include <string.h>

static void write_list(so_writer *w, const char *name, const uint8_t string[SO_SAS_LEN],
                       const char *(*of)(uint8_t byte))
{
    so_write_format(w, ",\"%s\":[", name);
    for (size_t i = 0; i < SO_SAS_LEN; i++)
        call_say_member(w, i == 0 ? "" : ",", of(string[i]));
    so_write_text(w, "]");
}

static void write_text(so_writer *w, const char *before, const char *text)
{
    if (text[0] == '\0')
        so_write_format(w, "%snull", before);
    else
        call_say_member(w, before, text);
}

static void say_json(const so_person *p)
{
    uint8_t line[2 * CALL_SAY_LINE];
    so_writer w = so_writer_of(line, sizeof line);

    so_write_text(&w, "{\"event\":\"person\",\"string\":");
    if (p->has_string) {
        so_write_format(&w, "{\"hex\":\"%02x%02x%02x%02x\"", p->string[0], p->string[1], p->string[2], p->string[3]);
        write_list(&w, "pictures", p->string, so_sas_picture);
        write_list(&w, "names", p->string, so_sas_name);
        write_list(&w, "words", p->string, so_sas_word);
        so_write_text(&w, "}");
    } else {
        so_write_text(&w, "null");
    }
    so_write_format(&w, ",\"compared\":%s", p->compared ? "true" : "false");
    write_text(&w, ",\"identity\":", p->met ? so_recognition_name(p->identity) : "");
    write_text(&w, ",\"key\":", p->key);
    write_text(&w, ",\"name\":", p->name);
    write_text(&w, ",\"expected\":", p->expected);
    so_write_format(&w, ",\"alarm\":%s,\"admitted\":%s}", p->alarm ? "true" : "false", p->admitted ? "true" : "false");
    call_say_out(&w);
}

static void say_string(const so_person *p, bool question)
{
    (void)puts("Compare with the other end, by voice or another way; both must have the same:");
    for (size_t i = 0; i < SO_SAS_LEN; i++)
        (void)printf("%s%s %s", i == 0 ? "  " : ", ", so_sas_picture(p->string[i]), so_sas_name(p->string[i]));
    (void)printf("\n ");
    for (size_t i = 0; i < SO_SAS_LEN; i++)
        (void)printf(" %s", so_sas_word(p->string[i]));
    (void)printf("\n%s", question ? "Is it the same? Nothing goes out before you say so. [y/n] " : "");
}

static void say_who(const so_person *p)
{
    char line[SO_REPORT_TEXT], detail[2 * SO_REPORT_TEXT];

    if (p->identity == SO_RECOGNISED_KNOWN) {
        so_person_verdict(p, line, detail);
        (void)printf("This is %s. %s\n", p->name, detail);
    } else if (p->key[0] != '\0') {
        (void)printf("The other end has a key without a name: %s\n  (--remember NAME gives it one)\n", p->key);
    }
}

static void say_alarm(const so_person *p, bool question)
{
    char line[SO_REPORT_TEXT], text[4 * SO_REPORT_TEXT];

    so_person_alarm(p, line, text);
    (void)printf("\n*** %s ***\n%s\n", line, text);
    if (question)
        (void)printf("Go on? y: this once%s; n: hang up [y%s/n] ",
                     p->identity == SO_RECOGNISED_CHANGED ? ", t: take the new key" : "",
                     p->identity == SO_RECOGNISED_CHANGED ? "/t" : "");
}

void call_say_person(const call_options *o, const so_person *before, const so_person *p, bool question)
{
    if (o->json) {
        say_json(p);
        return;
    }
    if (p->met && !p->alarm && (!before->met || before->alarm || strcmp(p->name, before->name) != 0))
        say_who(p);
    if (p->alarm && !before->alarm)
        say_alarm(p, question);
    if (p->has_string && !before->has_string && !p->compared)
        say_string(p, question);
    if (p->compared && !before->compared)
        (void)puts("Compared: both have the same.");
    (void)fflush(stdout);
}
