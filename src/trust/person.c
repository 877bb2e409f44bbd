/* What a report says of the person at the other end: the same words as web/report.js. */
#include "trust/person.h"

#include "trust/report.h"

#include <stdio.h>
#include <string.h>

#define DAY 10 /* of a time's text: what people need of it */

static void put(so_report *r, const char *field, const char *text, const char *why)
{
    so_report_put(r, SO_DOOR_PERSON, field, text, why);
}

static void put_compared(so_report *r, const so_person *p)
{
    char text[SO_REPORT_TEXT];

    if (p->compared)
        (void)snprintf(text, sizeof text, "by you, in this call");
    else if (p->compared_before[0] != '\0')
        (void)snprintf(text, sizeof text, "not in this call; by you on %.*s", DAY, p->compared_before);
    else
        (void)snprintf(text, sizeof text, "no");
    put(r, "compared", text, NULL);
}

static void put_identity(so_report *r, const so_person *p)
{
    char text[2 * SO_REPORT_TEXT] = "";

    if (!p->met) {
        put(r, "identity", NULL, "it has not introduced itself yet");
        return;
    }
    switch (p->identity) {
    case SO_RECOGNISED_KNOWN:
        (void)snprintf(text, sizeof text, "known");
        break;
    case SO_RECOGNISED_UNKNOWN:
        (void)snprintf(text, sizeof text, "unknown: a key without a name");
        break;
    case SO_RECOGNISED_CHANGED:
        (void)snprintf(text, sizeof text, "changed: not the key of %s", p->expected);
        break;
    case SO_RECOGNISED_OTHER:
        (void)snprintf(text, sizeof text, "other: the key of %s, not of %s", p->name, p->expected);
        break;
    case SO_RECOGNISED_SILENT:
        (void)snprintf(text, sizeof text, "silent: it did not introduce itself");
        break;
    }
    put(r, "identity", text, NULL);
}

static void put_fields(so_report *r, const so_person *p)
{
    static const char nobody[] = "you gave this key no name";
    char day[DAY + 1];

    (void)snprintf(day, sizeof day, "%.*s", DAY, p->since);
    put_compared(r, p);
    put_identity(r, p);
    put(r, "name", p->name[0] == '\0' ? NULL : p->name, nobody);
    put(r, "since", p->name[0] == '\0' ? NULL : day, nobody);
    put(r, "key", p->key[0] == '\0' ? NULL : p->key, "the other end has not introduced itself");
}

static void note_changes(so_report *r, const so_person *before, const so_person *p)
{
    if (p->has_string && !before->has_string)
        so_report_note(r, SO_DOOR_PERSON, "there is something to compare");
    if (p->met && (!before->met || before->identity != p->identity))
        so_report_note(r, SO_DOOR_PERSON, "the other end's key: %s", so_recognition_name(p->identity));
    if (p->alarm && !before->alarm)
        so_report_note(r, SO_DOOR_PERSON, "alarm: not the one who was expected");
    if (before->alarm && p->admitted)
        so_report_note(r, SO_DOOR_PERSON, "the user let the other end in");
}

void so_report_meet(so_report *r, const so_person *p)
{
    so_person before = r->person;

    r->person = *p;
    put_fields(r, p);
    note_changes(r, &before, p);
    if (p->compared)
        so_report_set(r, SO_DOOR_PERSON, SO_DOOR_HELD, "people compared, and both see the same");
    else if (p->met && p->identity == SO_RECOGNISED_KNOWN)
        so_report_set(r, SO_DOOR_PERSON, SO_DOOR_HELD, "the other end has a known key");
    else
        so_report_set(r, SO_DOOR_PERSON, SO_DOOR_PENDING, "the other end has no known key");
}

static void say_known(const so_person *p, char *line, char *detail)
{
    (void)snprintf(line, SO_REPORT_TEXT, "Encrypted, with %s", p->name);
    if (p->compared_before[0] != '\0')
        (void)snprintf(detail, 2 * SO_REPORT_TEXT,
                       "The other end has the key that you know as %s since %.*s, compared by you on %.*s.", p->name,
                       DAY, p->since, DAY, p->compared_before);
    else
        (void)snprintf(detail, 2 * SO_REPORT_TEXT,
                       "The other end has the key that you named %s on %.*s. You have never compared, so it is whoever "
                       "had it then.",
                       p->name, DAY, p->since);
}

void so_person_verdict(const so_person *p, char *line, char *detail)
{
    if (p->compared) {
        if (p->name[0] == '\0')
            (void)snprintf(line, SO_REPORT_TEXT, "Encrypted, compared by you");
        else
            (void)snprintf(line, SO_REPORT_TEXT, "Encrypted, with %s", p->name);
        (void)snprintf(detail, 2 * SO_REPORT_TEXT,
                       "You compared in this call and saw the same, so nobody sits between you and the one whom you "
                       "compared with.");
    } else if (p->met && p->identity == SO_RECOGNISED_KNOWN) {
        say_known(p, line, detail);
    } else if (p->met && p->expected[0] != '\0') {
        (void)snprintf(line, SO_REPORT_TEXT, "Encrypted, and not shown to be %s", p->expected);
        (void)snprintf(detail, 2 * SO_REPORT_TEXT,
                       "The other end has not shown the key of %s. Compare over another way before you say what only "
                       "%s may hear.",
                       p->expected, p->expected);
    } else {
        (void)snprintf(line, SO_REPORT_TEXT, "Encrypted, not compared");
        (void)snprintf(
            detail, 2 * SO_REPORT_TEXT,
            "This end checked every door below. The other end is someone who has the link; who that is, only "
            "you can tell.");
    }
}

void so_person_alarm(const so_person *p, char *line, char *text)
{
    const char *who = p->expected;

    if (p->identity == SO_RECOGNISED_OTHER)
        (void)snprintf(line, SO_REPORT_TEXT, "This is %s, and not %s", p->name, who);
    else if (p->identity == SO_RECOGNISED_SILENT)
        (void)snprintf(line, SO_REPORT_TEXT, "The other end does not say who it is, and %s was expected", who);
    else
        (void)snprintf(line, SO_REPORT_TEXT, "The key of the other end is not the key of %s", who);
    (void)snprintf(text, 4 * SO_REPORT_TEXT,
                   "%s may have a new device, a browser whose data was cleared, or may have chosen a private call. Or "
                   "somebody else has the link, and sits there or in between. Nothing goes out and nothing is shown "
                   "until you decide. Ask %s over another way before you go on, and compare when you do.",
                   who, who);
}
