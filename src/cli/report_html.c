/* Checked reports as one page: what a person reads, hands on and prints. */
#include "cli/report.h"

#include <stdlib.h>
#include <string.h>

static const char style[] =
    "body{font:11pt/1.5 Georgia,'Times New Roman',serif;color:#1b2320;background:#fff;max-width:46rem;margin:2rem auto;"
    "padding:0 1rem}h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;border-bottom:1px "
    "solid "
    "#999}h3{font-size:1rem;margin:1.2rem 0 .2rem}table{border-collapse:collapse;width:100%;font:9pt/1.4 Arial,"
    "sans-serif}td,th{border:1px solid #bbb;padding:.25rem .4rem;text-align:left;vertical-align:top;overflow-wrap:"
    "anywhere}th{background:#f1eee6;font-weight:normal;width:30%}td.r{white-space:nowrap;overflow-wrap:normal}.differs "
    "td,.differs th{"
    "background:#fbe9e4;font-weight:bold}.verdict{border:2px solid #1b2320;padding:.6rem 1rem;margin:1rem 0}.quiet{"
    "color:#59635e;font-size:9.5pt}figure{margin:1.5rem 0}svg{width:100%;height:auto}svg text{font-family:Arial,"
    "sans-serif}section{break-before:page}h3,tr{break-after:avoid;break-inside:avoid}@media "
    "screen{section{break-before:"
    "auto}}";

/* Text as text, whatever it holds. */
static void put(FILE *out, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        case '&':
            (void)fputs("&amp;", out);
            break;
        case '"':
            (void)fputs("&quot;", out);
            break;
        default:
            (void)fputc(*at, out);
        }
    }
}

static void row(FILE *out, const char *label, const char *text)
{
    (void)fputs("<tr><th>", out);
    put(out, label);
    (void)fputs("</th><td>", out);
    put(out, text);
    (void)fputs("</td></tr>\n", out);
}

static void row_of(FILE *out, const char *label, const json_t *field)
{
    char text[2048];

    so_report_say(field, text, sizeof text);
    row(out, label, text);
}

/* ---- the picture: two ends, and the doors between them ---- */

static const char *state_of(const report_view *view, size_t which, so_door door)
{
    return report_text(so_report_door_of(view->reports[which].report, so_door_name(door)), "state");
}

/* Of two reports the one that says less counts. */
static const char *door_state(const report_view *view, so_door door)
{
    const char *first = state_of(view, 0, door), *second = view->count == 2 ? state_of(view, 1, door) : first;

    if (strcmp(first, "failed") == 0 || strcmp(second, "failed") == 0)
        return "failed";
    return strcmp(first, "held") == 0 ? second : first;
}

static void draw_door(FILE *out, unsigned x, so_door door, const char *state)
{
    const char *mark = strcmp(state, "held") == 0     ? "M-7 0l5 6l9-12"
                       : strcmp(state, "failed") == 0 ? "M-6-6l12 12m0-12l-12 12"
                                                      : "M-6 0h12";
    const char *fill = strcmp(state, "held") == 0 ? "#e4ece5" : strcmp(state, "failed") == 0 ? "#fbe9e4" : "#fff";
    const char *words = strcmp(state, "held") == 0      ? "holds"
                        : strcmp(state, "failed") == 0  ? "failed"
                        : strcmp(state, "unknown") == 0 ? "not reported"
                                                        : "not shown";

    (void)fprintf(out,
                  "<g transform=\"translate(%u 40)\"><rect x=\"-42\" width=\"84\" height=\"110\" rx=\"6\" fill=\"%s\" "
                  "stroke=\"#1b2320\"/><path transform=\"translate(0 36)\" d=\"%s\" fill=\"none\" stroke=\"#1b2320\" "
                  "stroke-width=\"3\"/><text y=\"72\" text-anchor=\"middle\" font-size=\"12\">%s</text><text y=\"92\" "
                  "text-anchor=\"middle\" font-size=\"10.5\">%s</text></g>\n",
                  x, fill, mark, so_door_title(door), words);
}

static void draw_end(FILE *out, unsigned x, const char *name, const json_t *report)
{
    const char *agent = report == NULL                                      ? "no report"
                        : strcmp(report_text(report, "agent"), "page") == 0 ? "call page"
                                                                            : "Sotto program";

    (void)fprintf(
        out,
        "<g transform=\"translate(%u 95)\"><circle r=\"40\" fill=\"#fff\" stroke=\"#1b2320\" stroke-width=\"2\"/>"
        "<text y=\"-2\" text-anchor=\"middle\" font-size=\"20\">%s</text><text y=\"16\" text-anchor=\"middle\" "
        "font-size=\"9.5\">%s</text></g>\n",
        x, name, agent);
}

static void draw(FILE *out, const report_view *view)
{
    (void)fputs("<figure><svg viewBox=\"0 0 800 190\" role=\"img\" aria-label=\"The two ends and the doors between "
                "them\"><path d=\"M90 95H710\" stroke=\"#1b2320\" stroke-width=\"4\"/>\n",
                out);
    for (so_door door = 0; door < SO_DOORS; door++)
        draw_door(out, 170 + 92 * (unsigned)door, door, door_state(view, door));
    draw_end(out, 50, "A", view->reports[0].report);
    draw_end(out, 750, "B", view->count == 2 ? view->reports[1].report : NULL);
    (void)fputs(
        "</svg><figcaption class=\"quiet\">What each door is, and what it proves, stands with each report below. "
        "Person holds where people compared, or knew the other end&#8217;s key; the others do not need it."
        "</figcaption></figure>\n",
        out);
}

/* ---- the parts ---- */

static void put_facts(FILE *out, const report_view *view)
{
    static const char *const words[] = {"agrees", "DIFFERS", "not compared"};

    (void)fputs(
        "<h2>What both reports must say alike</h2>\n<table><tr><th>Fact</th><td class=\"r\">Result</td><td>A says</td>"
        "<td>B says</td></tr>\n",
        out);
    for (size_t i = 0; i < view->fact_count; i++) {
        const so_shared_fact *fact = &view->facts[i];

        (void)fputs(fact->result == SO_DIFFERS ? "<tr class=\"differs\"><th>" : "<tr><th>", out);
        put(out, fact->name);
        (void)fprintf(out, "</th><td class=\"r\">%s</td><td>", words[fact->result]);
        put(out, fact->a);
        (void)fputs("</td><td>", out);
        put(out, fact->b);
        (void)fputs("</td></tr>\n", out);
    }
    (void)fputs("</table>\n", out);
}

static void put_chain(FILE *out, const json_t *chain)
{
    for (size_t i = 0; i < json_array_size(chain); i++) {
        const json_t *cert = json_array_get(chain, i);
        char text[1400];

        (void)snprintf(text, sizeof text, "%.400s, by %.400s; %.30s to %.30s; SHA-256 %.100s",
                       report_text(cert, "subject"), report_text(cert, "issuer"), report_text(cert, "not_before"),
                       report_text(cert, "not_after"), report_text(cert, "sha256"));
        row(out, i == 0 ? "Certificate of the server" : "Certificate above it", text);
    }
    if (!json_is_array(chain))
        row_of(out, "Certificates of the server", chain);
}

static void put_door(FILE *out, so_door door, const json_t *report)
{
    const json_t *shown = so_report_door_of(report, so_door_name(door)), *fields = json_object_get(shown, "fields");

    (void)fprintf(out, "<h3>%s: ", so_door_title(door));
    put(out, report_text(shown, "state"));
    if (json_is_string(json_object_get(shown, "reason"))) {
        (void)fputs(", ", out);
        put(out, report_text(shown, "reason"));
    }
    (void)fputs("</h3>\n<p class=\"quiet\">", out);
    put(out, report_text(shown, "meaning"));
    (void)fputs("</p>\n<table>", out);
    for (size_t i = 0; so_report_field_name(door, i) != NULL; i++)
        row_of(out, so_report_field_label(door, i), json_object_get(fields, so_report_field_name(door, i)));
    if (door == SO_DOOR_SIGNALING)
        put_chain(out, json_object_get(fields, "chain"));
    (void)fputs("</table>\n", out);
}

static void put_policy(FILE *out, const json_t *report)
{
    const json_t *policy = json_object_get(report, "policy"), *from = json_object_get(policy, "from");
    const char *name;
    json_t *value;

    (void)fputs("<h3>Policy in force</h3>\n<table>", out);
    json_object_foreach(json_object_get(policy, "rules"), name, value)
    {
        char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT), text[400];

        (void)snprintf(text, sizeof text, "%.300s (%.20s)", json == NULL ? "?" : json, report_text(from, name));
        row(out, name, text);
        free(json);
    }
    (void)fputs("</table>\n", out);
}

static void put_events(FILE *out, const json_t *report)
{
    const json_t *events = json_object_get(report, "events");

    (void)fputs("<h3>What happened</h3>\n<table>", out);
    for (size_t i = 0; i < json_array_size(events); i++)
        row(out, report_text(json_array_get(events, i), "at"), report_text(json_array_get(events, i), "event"));
    (void)fputs("</table>\n", out);
}

static void put_report(FILE *out, const report_view *view, size_t which)
{
    const json_t *report = view->reports[which].report, *verdict = json_object_get(report, "verdict");
    char text[400];

    (void)fprintf(out, "<section><h2>Report of %s</h2>\n<div class=\"verdict\"><strong>", which == 0 ? "A" : "B");
    put(out, report_text(verdict, "text"));
    (void)fputs("</strong><br>", out);
    put(out, report_text(verdict, "detail"));
    (void)fputs("</div>\n<table>", out);
    row(out, "File", view->names[which]);
    (void)snprintf(text, sizeof text, "%s%s%s", view->reports[which].signer,
                   view->known[which][0] == '\0' ? "" : ", known here as ", view->known[which]);
    row(out, "Signed by the key", text);
    row_of(out, "Call", json_object_get(report, "call"));
    report_times(text, report);
    row(out, "Time, by that end's clock", text);
    (void)fputs("</table>\n", out);
    for (so_door door = 0; door < SO_DOORS; door++)
        put_door(out, door, report);
    put_policy(out, report);
    put_events(out, report);
    (void)fputs("</section>\n", out);
}

static const char *conclusion(const report_view *view)
{
    if (view->count == 1)
        return "One report was checked: it is signed by the key below, and is as it was signed.";
    return view->agree ? "Both reports are signed, as they were signed, of one call, and agree in all that both know."
                       : "The two reports do not belong together: what differs is marked.";
}

bool report_html(const report_view *view, FILE *out)
{
    (void)fprintf(out,
                  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
                  "content=\"width=device-width\"><meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
                  "'none'; style-src 'unsafe-inline'\"><title>Report of a call</title><style>%s</style></head><body>\n"
                  "<h1>Report of a call</h1>\n<p>%s</p>\n",
                  style, conclusion(view));
    draw(out, view);
    if (view->count == 2)
        put_facts(out, view);
    for (size_t i = 0; i < view->count; i++)
        put_report(out, view, i);
    (void)fprintf(
        out,
        "<h2>How far this goes</h2>\n<p class=\"quiet\">A signature shows who wrote a report and that it was not "
        "changed; not that what it says was so: two ends that agree to lie can. Times are those of each "
        "end&#8217;s own clock. This page itself is not signed: check the files that it was made of with "
        "<code>sotto report check</code> (Sotto %s).</p>\n</body></html>\n",
        SOTTO_VERSION);
    return ferror(out) == 0;
}
