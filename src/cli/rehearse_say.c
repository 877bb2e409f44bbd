/* What `sotto rehearse` says: a table for people, with a bar while it runs; or one JSON object a line. */
#include "cli/rehearse.h"

#include "base/bytes.h"
#include "cli/panel.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR 30

static const char *const words[] = {"held", "weak", "not tried"};
static const char *const whoms[] = {"server", "this program", "the end at the link"};

static void SO_PRINTF(2, 0) keep(rehearsal *r, const char *fmt, va_list args)
{
    char text[sizeof r->seen];

    (void)vsnprintf(text, sizeof text, fmt, args);
    /* Some of it comes from servers that nobody here vouches for. */
    panel_clean(r->seen, sizeof r->seen, text);
}

rehearse_result rehearse_saw(rehearsal *r, rehearse_result result, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    keep(r, fmt, args);
    va_end(args);
    return result;
}

bool rehearse_failed(rehearsal *r, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    keep(r, fmt, args);
    va_end(args);
    return false;
}

/* ---- the bar: on standard error, so that the table can go into a file ---- */

static void hide_bar(const rehearsal *r)
{
    if (r->bar)
        (void)fputs("\r\033[K", stderr);
}

void rehearse_say_now(rehearsal *r, const char *what)
{
    unsigned full = r->total == 0 ? 0 : r->done * BAR / r->total;

    if (!r->bar)
        return;
    hide_bar(r);
    (void)fprintf(stderr, "[%.*s%.*s] %u of %u  %s", (int)full, "##############################", (int)(BAR - full),
                  "..............................", r->done, r->total, what);
    (void)fflush(stderr);
}

void rehearse_say_error(rehearsal *r, const char *text)
{
    hide_bar(r);
    (void)fprintf(stderr, "sotto rehearse: %s\n", text);
}

/* ---- lines ---- */

typedef struct line {
    uint8_t bytes[4096];
    so_writer w;
} line;

static void begin(line *l, const char *event)
{
    l->w = so_writer_of(l->bytes, sizeof l->bytes);
    so_write_format(&l->w, "{\"event\":\"%s\"", event);
}

static void add(line *l, const char *name, const char *text)
{
    so_write_format(&l->w, ",\"%s\":", name);
    so_write_json(&l->w, text, strlen(text));
}

static void end(const rehearsal *r, line *l)
{
    so_write_text(&l->w, "}\n");
    hide_bar(r);
    (void)fwrite(l->bytes, 1, so_writer_len(&l->w), stdout);
    (void)fflush(stdout);
}

void rehearse_say_begin(rehearsal *r, const char *whom)
{
    line l;

    r->bar = isatty(STDERR_FILENO) && !(r->json && isatty(STDOUT_FILENO));
    if (r->json) {
        begin(&l, "begin");
        add(&l, "server", whom);
        end(r, &l);
    } else {
        hide_bar(r);
        (void)printf("Rehearsing attacks against %s\n", whom);
    }
}

void rehearse_say_group(rehearsal *r, const rehearse_group *group)
{
    if (r->json)
        return;
    hide_bar(r);
    (void)printf("\n%s, tried on %s\n", group->name,
                 group->whom == REHEARSE_SERVER    ? "the server"
                 : group->whom == REHEARSE_PROGRAM ? "an end of this program"
                                                   : "the end that waits at the link");
    (void)fflush(stdout);
}

void rehearse_say_control(rehearsal *r, const rehearse_group *group, bool after)
{
    line l;

    r->failed++;
    if (r->json) {
        begin(&l, "control");
        add(&l, "group", group->name);
        add(&l, "when", after ? "after" : "before");
        add(&l, "must", group->good);
        add(&l, "seen", r->seen);
        end(r, &l);
        return;
    }
    hide_bar(r);
    (void)printf("  ✗ FAILED     %s the attacks: %s. It did not: %s\n", after ? "after" : "before", group->good,
                 r->seen);
    (void)fflush(stdout);
}

void rehearse_say_attack(rehearsal *r, const rehearse_group *group, const rehearse_attack *attack,
                         rehearse_result result)
{
    static const char *const marks[] = {"✓", "✗", "·"}, *const shouts[] = {"held", "WEAK", "not tried"};
    line l;

    r->held += result == REHEARSE_HELD;
    r->weak += result == REHEARSE_WEAK;
    r->not_tried += result == REHEARSE_NOT_TRIED;
    if (r->json) {
        begin(&l, "attack");
        add(&l, "name", attack->name);
        add(&l, "group", group->name);
        add(&l, "on", whoms[group->whom]);
        add(&l, "tries", attack->tries);
        add(&l, "result", words[result]);
        add(&l, "seen", r->seen);
        end(r, &l);
        return;
    }
    hide_bar(r);
    (void)printf("  %s %-10s %-21s %s\n%37s%s\n", marks[result], shouts[result], attack->name, attack->tries, "",
                 r->seen);
    (void)fflush(stdout);
}

void rehearse_say_end(rehearsal *r)
{
    line l;

    if (r->json) {
        begin(&l, "rehearsal");
        so_write_format(&l.w, ",\"held\":%u,\"weak\":%u,\"not_tried\":%u,\"controls_failed\":%u", r->held, r->weak,
                        r->not_tried, r->failed);
        end(r, &l);
        return;
    }
    hide_bar(r);
    (void)printf("\n%u held, %u weak, %u not tried.\n", r->held, r->weak, r->not_tried);
    if (r->weak > 0)
        (void)printf(
            "What is weak lets somebody in or down: look at the line, then at the server's options and version.\n");
    if (r->failed > 0)
        (void)printf(
            "What must work did not, %u %s: the results beside it prove little. Is the server well? sotto doctor "
            "tells.\n",
            r->failed, r->failed == 1 ? "time" : "times");
}
