#include "cli/report.h"

#include "base/text.h"
#include "cli/commands.h"
#include "cli/keyring.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: sotto report check [OPTION]... A.json [B.json]\n\n"
    "Checks the report of a call: that it has its form, that it is signed, and that nothing of it was changed since. "
    "With\n"
    "the reports of both ends it checks that they tell of the same call, and say the same of all that both must "
    "know.\n\n"
    "  --html FILE  write one page to hand on or to print\n"
    "  --json       one JSON object, for a program\n"
    "  --state DIR  where the people whom you know are kept, to name who signed\n\n"
    "A signature shows who wrote a report and that it was not changed; not that what it says was so.\n"
    "Exit code: 0 all holds, 1 a report is refused, or the two differ, 2 wrong usage.\n";

typedef struct request {
    report_view view;
    const char *html, *state;
    bool json;
} request;

/* ---- words ---- */

const char *report_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text == NULL ? "" : text;
}

static void write_duration(char out[32], so_unix seconds)
{
    if (seconds < 60)
        (void)snprintf(out, 32, "%lld s", (long long)seconds);
    else if (seconds < 3600)
        (void)snprintf(out, 32, "%lld min %lld s", (long long)seconds / 60, (long long)seconds % 60);
    else
        (void)snprintf(out, 32, "%lld h %lld min", (long long)seconds / 3600, (long long)seconds / 60 % 60);
}

void report_times(char out[120], const json_t *report)
{
    const char *started = report_text(report, "started"), *ended = report_text(report, "ended");
    char length[32] = "";
    so_unix from, to;

    if (so_time_read(&from, started) && so_time_read(&to, ended) && to >= from)
        write_duration(length, to - from);
    (void)snprintf(out, 120, "%.30s to %.30s%s%s", started, ended[0] == '\0' ? "(it went on)" : ended,
                   length[0] == '\0' ? "" : ", ", length);
}

/* What an end wrote is shown, and not obeyed, by a terminal. */
static void say(const char *indent, const char *label, const char *text)
{
    char line[2048];

    (void)snprintf(line, sizeof line, "%s", text);
    so_text_tame(line);
    (void)printf("%s%-32s %s\n", indent, label, line);
}

static void say_field(const char *indent, const char *label, const json_t *field)
{
    char text[2048];

    so_report_say(field, text, sizeof text);
    say(indent, label, text);
}

static void say_chain(const json_t *chain)
{
    for (size_t i = 0; i < json_array_size(chain); i++) {
        const json_t *cert = json_array_get(chain, i);
        char text[1024];

        (void)snprintf(text, sizeof text, "%.400s, by %.400s", report_text(cert, "subject"),
                       report_text(cert, "issuer"));
        say("      ", i == 0 ? "Certificate of the server" : "then", text);
    }
    if (!json_is_array(chain))
        say_field("      ", "Certificates", chain);
}

static void say_door(so_door door, const json_t *report)
{
    const json_t *shown = so_report_door_of(report, so_door_name(door));
    const json_t *fields = json_object_get(shown, "fields");
    char head[200];

    (void)snprintf(head, sizeof head, "%s: %s%s%s", so_door_title(door), report_text(shown, "state"),
                   json_is_string(json_object_get(shown, "reason")) ? ", " : "", report_text(shown, "reason"));
    (void)printf("  %s\n", head);
    say("    ", "What that means", report_text(shown, "meaning"));
    for (size_t i = 0; so_report_field_name(door, i) != NULL; i++)
        say_field("      ", so_report_field_label(door, i), json_object_get(fields, so_report_field_name(door, i)));
    if (door == SO_DOOR_SIGNALING)
        say_chain(json_object_get(fields, "chain"));
}

static void say_policy(const json_t *report)
{
    const json_t *policy = json_object_get(report, "policy"), *from = json_object_get(policy, "from");
    const char *name;
    json_t *value;
    bool any = false;

    json_object_foreach(json_object_get(policy, "rules"), name, value)
    {
        char *text;

        if (strcmp(report_text(from, name), "default") == 0)
            continue;
        text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        (void)printf("  %s %s: %s (%s)\n", any ? "       " : "Policy:", name, text == NULL ? "?" : text,
                     report_text(from, name));
        any = true;
        free(text);
    }
    if (!any)
        (void)printf("  Policy: the default\n");
}

static void say_events(const json_t *report)
{
    const json_t *events = json_object_get(report, "events");

    (void)printf("  What happened\n");
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);

        say("    ", report_text(event, "at"), report_text(event, "event"));
    }
}

static void say_report(const report_view *view, size_t which)
{
    const json_t *report = view->reports[which].report, *verdict = json_object_get(report, "verdict");
    bool page = strcmp(report_text(report, "agent"), "page") == 0;
    char text[300];

    (void)printf("%s: signed, and as it was signed\n", view->names[which]);
    (void)snprintf(text, sizeof text, "%s%s%s", view->reports[which].signer, view->known[which][0] == '\0' ? "" : ", ",
                   view->known[which]);
    say("  ", "Signed by the key", text);
    say("  ", "Written by", page ? "the call page in a browser" : "the Sotto program");
    report_times(text, report);
    say("  ", "Time, by that end's clock", text);
    say_field("  ", "Call", json_object_get(report, "call"));
    if (json_object_get(report, "addresses") != NULL) {
        (void)snprintf(text, sizeof text, "%s, %s", report_text(json_object_get(report, "addresses"), "mine"),
                       report_text(json_object_get(report, "addresses"), "theirs"));
        say("  ", "Addresses", text);
    }
    say("  ", report_text(verdict, "text"), report_text(verdict, "detail"));
    for (so_door door = 0; door < SO_DOORS; door++)
        say_door(door, report);
    say_policy(report);
    say_events(report);
    (void)printf("\n");
}

static void say_facts(const report_view *view)
{
    static const char *const marks[] = {"agrees", "DIFFERS", "not compared"};
    size_t alike = 0;

    (void)printf("A is %s, B is %s\n", view->names[0], view->names[1]);
    for (size_t i = 0; i < view->fact_count; i++) {
        const so_shared_fact *fact = &view->facts[i];

        alike += fact->result == SO_AGREES;
        say("  ", fact->name, marks[fact->result]);
        if (fact->result == SO_AGREES)
            continue;
        say("      ", "A says", fact->a);
        say("      ", "B says", fact->b);
    }
    if (view->agree)
        (void)printf("\nBoth reports are of one call, and agree in all that both know (%zu facts).\n", alike);
    else
        (void)printf("\nThese two reports do not belong together: what differs is marked.\n");
}

/* ---- for programs ---- */

static void print_json(const request *r, const so_error *err)
{
    const report_view *view = &r->view;
    json_t *files = json_array(), *facts = json_array(), *root = NULL;
    static const char *const results[] = {"agrees", "differs", "not-compared"};
    char *text;

    for (size_t i = 0; i < view->count; i++)
        (void)json_array_append_new(files, json_pack("{s:s, s:s, s:s*, s:O}", "file", view->names[i], "signer",
                                                     view->reports[i].signer, "known_as",
                                                     view->known[i][0] == '\0' ? NULL : view->known[i], "report",
                                                     view->reports[i].report));
    for (size_t i = 0; i < view->fact_count; i++)
        (void)json_array_append_new(facts, json_pack("{s:s, s:s, s:s, s:s}", "fact", view->facts[i].name, "result",
                                                     results[view->facts[i].result], "a", view->facts[i].a, "b",
                                                     view->facts[i].b));
    root = json_pack("{s:b, s:o, s:o, s:s*}", "holds", err == NULL && view->agree, "files", files, "facts", facts,
                     "error", err == NULL ? NULL : err->text);
    text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);
    (void)printf("%s\n", text == NULL ? "{\"holds\":false,\"error\":\"no memory\"}" : text);
    free(text);
    json_decref(root);
}

/* ---- the command ---- */

/* The user's own name for who signed, where there is one. */
static void name_signers(request *r)
{
    so_known known = {0};
    so_error err;

    if (so_peers_load(r->state, &known, &err) != SO_OK)
        return;
    for (size_t i = 0; i < r->view.count; i++) {
        const so_known_peer *peer = so_known_by_key(&known, r->view.reports[i].signer);

        (void)snprintf(r->view.known[i], sizeof r->view.known[i], "%s", peer == NULL ? "" : peer->name);
    }
    so_known_free(&known);
}

static so_status read_reports(request *r, char **names, size_t count, so_error *err)
{
    json_t *schema = json_loads(so_report_schema, 0, NULL);
    so_status status = schema == NULL ? so_fail(err, SO_NO_MEMORY, "report", "no memory; end other programs") : SO_OK;

    for (size_t i = 0; i < count && status == SO_OK; i++) {
        so_pem text;

        r->view.names[i] = names[i];
        status = so_folder_read_path(names[i], false, &text, err);
        if (status == SO_OK) {
            status = so_report_check(&r->view.reports[i], so_pem_slice(&text), names[i], schema, err);
            r->view.count += status == SO_OK;
        }
        so_pem_free(&text);
    }
    json_decref(schema);
    return status;
}

static so_status write_html(const request *r, so_error *err)
{
    FILE *file = fopen(r->html, "we");
    bool ok = file != NULL && report_html(&r->view, file);

    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    return ok ? SO_OK
              : so_fail(err, SO_IO, "output", "%.200s can't be written (%s); give a file that you may write", r->html,
                        strerror(errno));
}

static int check(request *r, char **names, size_t count)
{
    so_error err;
    so_status status = read_reports(r, names, count, &err);

    r->view.agree = true;
    if (status == SO_OK) {
        name_signers(r);
        if (count == 2)
            r->view.fact_count =
                so_report_compare(&r->view.reports[0], &r->view.reports[1], r->view.facts, &r->view.agree);
        if (r->html != NULL)
            status = write_html(r, &err);
    }
    if (r->json) {
        print_json(r, status == SO_OK ? NULL : &err);
    } else {
        for (size_t i = 0; i < count && status == SO_OK; i++)
            say_report(&r->view, i);
        if (status == SO_OK && count == 2)
            say_facts(&r->view);
    }
    if (status != SO_OK)
        (void)fprintf(stderr, "sotto report: %s\n", err.text);
    for (size_t i = 0; i < 2; i++)
        so_checked_report_free(&r->view.reports[i]);
    return status == SO_OK && r->view.agree ? SO_EXIT_OK : SO_EXIT_FAILED;
}

static int usage(const char *what)
{
    (void)fprintf(stderr, "sotto report: %s\n\n%s", what, help);
    return SO_EXIT_USAGE;
}

int so_cli_report(int argc, char **argv)
{
    static const struct option options[] = {{"html", required_argument, NULL, 'm'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"state", required_argument, NULL, 's'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    static request r; /* large */
    const char *name = argc < 2 ? "" : argv[1];
    int c;

    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        (void)fputs(help, stdout);
        return SO_EXIT_OK;
    }
    if (strcmp(name, "check") != 0)
        return usage("say check");
    optind = 1;
    while ((c = getopt_long(argc - 1, argv + 1, "h", options, NULL)) != -1) {
        if (c == 'm')
            r.html = optarg;
        else if (c == 'j')
            r.json = true;
        else if (c == 's')
            r.state = optarg;
        else if (c == 'h')
            return fputs(help, stdout) < 0 ? SO_EXIT_FAILED : SO_EXIT_OK;
        else
            return SO_EXIT_USAGE;
    }
    c = argc - 1 - optind;
    if (c < 1 || c > 2)
        return usage("give one report, or the two of one call");
    return check(&r, argv + 1 + optind, (size_t)c);
}
