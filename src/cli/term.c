#include "cli/term.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS 80
#define ROWS 24
/* A line, its colours, and what moves the cursor there. */
#define OUT_MAX ((size_t)PANEL_LINES * (PANEL_LINE_BYTES + 64) + 64)

#define HIDE_CURSOR "\x1b[?25l"
#define SHOW_CURSOR "\x1b[?25h"
#define CLEAR_LINE "\x1b[2K"
#define PLAIN "\x1b[0m"

enum { WINDOW_CHANGED, STOP, GO_ON, HANG_UP, QUIT, SIGNALS };

/* What is awaited of the keyboard: a key, or the rest of a sequence. */
typedef enum term_keys { KEYS_PLAIN, KEYS_AFTER_ESC, KEYS_IN_SEQUENCE, KEYS_LAST } term_keys;

struct term {
    term_handler handler;
    uv_tty_t tty;
    uv_signal_t signals[SIGNALS];
    bool has_keys, raw, colours;
    term_keys keys;
    int own; /* a descriptor opened for keys, or -1 */
    unsigned closing;
    panel_screen shown;
    unsigned width; /* columns when it was shown */
    bool visible;
    uint8_t out[OUT_MAX];
};

static const int numbers[SIGNALS] = {SIGWINCH, SIGTSTP, SIGCONT, SIGHUP, SIGQUIT};

/* At exit, wherever that is: uv knows how the terminal was. */
static bool cursor_hidden;

static void write_all(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;

    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, at, len);

        if (n <= 0)
            return; /* a terminal that is gone needs no panel */
        at += n;
        len -= (size_t)n;
    }
}

static void restore(void)
{
    (void)uv_tty_reset_mode();
    if (cursor_hidden)
        write_all(SHOW_CURSOR, sizeof SHOW_CURSOR - 1);
    cursor_hidden = false;
}

/* A process in the background must not change the terminal: it is another's. */
static bool in_foreground(void)
{
    return tcgetpgrp(STDOUT_FILENO) == getpgrp();
}

bool term_is_there(void)
{
    const char *type = getenv("TERM");

    return isatty(STDOUT_FILENO) && type != NULL && type[0] != '\0' && strcmp(type, "dumb") != 0;
}

bool term_has_keys(const term *t)
{
    return t->has_keys;
}

void term_size(const term *t, unsigned *columns, unsigned *rows)
{
    struct winsize size = {0};

    (void)t;
    (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    *columns = size.ws_col == 0 ? COLUMNS : size.ws_col;
    *rows = size.ws_row == 0 ? ROWS : size.ws_row;
}

/* ---- drawing ---- */

static const char *colour(panel_tone tone)
{
    static const char *const codes[] = {
        [PANEL_PLAIN] = "",        [PANEL_STRONG] = "\x1b[1m", [PANEL_GOOD] = "\x1b[32m",
        [PANEL_CARE] = "\x1b[33m", [PANEL_BAD] = "\x1b[1;31m", [PANEL_FAINT] = "\x1b[2m"};

    return codes[tone];
}

static void write_line(const term *t, so_writer *w, const panel_line *line)
{
    so_write_text(w, CLEAR_LINE);
    if (t->colours && line->toned > 0 && line->tone != PANEL_PLAIN) {
        so_write_text(w, colour(line->tone));
        so_write_bytes(w, line->text, line->toned);
        so_write_text(w, PLAIN);
        so_write_text(w, line->text + line->toned);
    } else {
        so_write_text(w, line->text);
    }
}

static bool same(const panel_line *a, const panel_line *b)
{
    return a->tone == b->tone && a->toned == b->toned && strcmp(a->text, b->text) == 0;
}

static unsigned width_of(const char *text)
{
    unsigned columns = 0;

    for (; *text != '\0'; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    return columns;
}

/* Rows that what is shown takes now: a terminal that became narrower has wrapped it. */
static unsigned rows_shown(const term *t)
{
    unsigned columns, rows, sum = 0;

    term_size(t, &columns, &rows);
    for (size_t i = 0; i < t->shown.count; i++) {
        unsigned width = width_of(t->shown.lines[i].text);

        sum += columns >= t->width || width == 0 ? 1 : (width + columns - 1) / columns;
    }
    return sum < rows ? sum : rows - (rows > 0);
}

static void up(so_writer *w, unsigned rows)
{
    if (rows > 0)
        so_write_format(w, "\x1b[%uA", rows);
}

/* Row by row: some terminals keep in their history what is cleared as a whole screen. */
static void clear_rows(so_writer *w, unsigned rows)
{
    for (unsigned i = 0; i < rows; i++)
        so_write_text(w, CLEAR_LINE "\r\n");
    up(w, rows);
}

/* The cursor waits at the beginning of the row below the panel. */
void term_hide(term *t)
{
    so_writer w = so_writer_of(t->out, sizeof t->out);
    unsigned rows = rows_shown(t);

    if (!t->visible)
        return;
    so_write_text(&w, "\r");
    up(&w, rows);
    clear_rows(&w, rows);
    so_write_text(&w, SHOW_CURSOR);
    write_all(w.start, so_writer_len(&w));
    t->visible = cursor_hidden = false;
    t->shown.count = 0;
}

static bool writable(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

static void take_keys(term *t);

void term_show(term *t, const panel_screen *screen)
{
    so_writer w = so_writer_of(t->out, sizeof t->out);
    unsigned columns, rows, before = t->visible ? rows_shown(t) : 0;
    bool anew;

    term_size(t, &columns, &rows);
    /* A call does not wait for a terminal that takes nothing at the moment. */
    if (!in_foreground() || !writable() || screen->count >= rows)
        return;
    take_keys(t); /* a shell brings a job that runs to the foreground without a word */
    anew = !t->visible || columns != t->width || screen->count != t->shown.count;
    so_write_text(&w, HIDE_CURSOR "\r");
    up(&w, before);
    if (anew)
        clear_rows(&w, before);
    for (size_t i = 0; i < screen->count; i++) {
        if (anew || !same(&screen->lines[i], &t->shown.lines[i]))
            write_line(t, &w, &screen->lines[i]);
        so_write_text(&w, "\r\n");
    }
    write_all(w.start, so_writer_len(&w));
    t->shown = *screen;
    t->width = columns;
    t->visible = cursor_hidden = true;
}

/* ---- keys and signals ---- */

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    static char bytes[64];

    (void)handle;
    (void)wanted;
    *buf = uv_buf_init(bytes, sizeof bytes);
}

/* Arrows and the like come as several bytes (ECMA-48 §5.4): true for those, which are no keys of ours. */
static bool is_of_sequence(term *t, char byte)
{
    if ((unsigned char)byte < 0x20) {
        t->keys = byte == '\x1b' ? KEYS_AFTER_ESC : KEYS_PLAIN;
        return byte == '\x1b';
    }
    switch (t->keys) {
    case KEYS_PLAIN:
        return false;
    case KEYS_AFTER_ESC:
        t->keys = byte == '[' ? KEYS_IN_SEQUENCE : byte == 'O' ? KEYS_LAST : KEYS_PLAIN;
        return true;
    case KEYS_IN_SEQUENCE:
        if (byte >= 0x40)
            t->keys = KEYS_PLAIN;
        return true;
    case KEYS_LAST:
        break;
    }
    t->keys = KEYS_PLAIN;
    return true;
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    term *t = stream->data;

    if (n < 0) {
        (void)uv_read_stop(stream);
        return;
    }
    for (ssize_t i = 0; i < n && t->closing == 0; i++)
        if (!is_of_sequence(t, buf->base[i]))
            t->handler.key(t->handler.user, buf->base[i]);
    /* The Esc key itself comes alone. */
    if (t->keys == KEYS_AFTER_ESC)
        t->keys = KEYS_PLAIN;
}

/* Who reads in the background is stopped for it (SIGTTIN), and who changes the terminal there changes another's. */
static void take_keys(term *t)
{
    if (!t->has_keys || t->raw || !in_foreground())
        return;
    t->raw = true;
    /* Also where uv believes that it is so still: a shell may have set it otherwise meanwhile. */
    (void)uv_tty_set_mode(&t->tty, UV_TTY_MODE_NORMAL);
    (void)uv_tty_set_mode(&t->tty, UV_TTY_MODE_RAW);
    (void)uv_read_start((uv_stream_t *)&t->tty, on_alloc, on_read);
}

static void leave_keys(term *t)
{
    if (!t->raw)
        return;
    t->raw = false;
    (void)uv_read_stop((uv_stream_t *)&t->tty);
    if (in_foreground())
        (void)uv_tty_set_mode(&t->tty, UV_TTY_MODE_NORMAL);
}

void term_suspend(term *t)
{
    (void)t;
    (void)kill(0, SIGTSTP); /* the whole job, as the terminal itself does it */
}

static void on_signal(uv_signal_t *handle, int number);

/* As if it had never been caught: where no shell could continue the process (an orphaned job), it is not stopped. */
static void stop_here(term *t)
{
    term_hide(t);
    leave_keys(t);
    (void)uv_signal_stop(&t->signals[STOP]);
    (void)raise(SIGTSTP);
    (void)uv_signal_start(&t->signals[STOP], on_signal, SIGTSTP);
}

static void on_signal(uv_signal_t *handle, int number)
{
    term *t = handle->data;

    if (number == SIGHUP || number == SIGQUIT) {
        t->handler.ended(t->handler.user);
        return;
    }
    if (number == SIGTSTP)
        stop_here(t);
    if (number == SIGCONT) {
        /* Whoever stopped it, others had the terminal: what they wrote is not drawn over. */
        leave_keys(t);
        t->visible = false;
        t->shown.count = 0;
    }
    take_keys(t);
    t->handler.changed(t->handler.user);
}

/* From standard input, or where that is something else (a link came that way) from the terminal by its name. */
static void open_keys(term *t, uv_loop_t *loop)
{
    int fd = STDIN_FILENO;

    if (!isatty(fd)) {
        t->own = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        fd = t->own;
    }
    if (fd < 0 || uv_tty_init(loop, &t->tty, fd, 0) != 0)
        return;
    t->has_keys = true;
    t->tty.data = t;
    take_keys(t);
}

term *term_open(uv_loop_t *loop, const term_handler *handler)
{
    static bool at_exit;
    const char *no_color = getenv("NO_COLOR");
    term *t = term_is_there() ? calloc(1, sizeof *t) : NULL;

    if (t == NULL)
        return NULL;
    t->handler = *handler;
    t->own = -1;
    t->colours = no_color == NULL || no_color[0] == '\0';
    if (!at_exit)
        at_exit = atexit(restore) == 0;
    for (size_t i = 0; i < SIGNALS; i++) {
        (void)uv_signal_init(loop, &t->signals[i]);
        t->signals[i].data = t;
        (void)uv_signal_start(&t->signals[i], on_signal, numbers[i]);
    }
    open_keys(t, loop);
    return t;
}

static void on_closed(uv_handle_t *handle)
{
    term *t = handle->data;

    if (--t->closing > 0)
        return;
    if (t->own >= 0)
        (void)close(t->own);
    free(t);
}

void term_close(term *t)
{
    if (t == NULL)
        return;
    term_hide(t);
    leave_keys(t);
    t->closing = SIGNALS + t->has_keys;
    for (size_t i = 0; i < SIGNALS; i++)
        uv_close((uv_handle_t *)&t->signals[i], on_closed);
    if (t->has_keys)
        uv_close((uv_handle_t *)&t->tty, on_closed);
}
