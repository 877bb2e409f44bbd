#include "cli/call_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct call_lines {
    call_lines_handler handler;
    uv_poll_t poll;   /* of terminals, pipes and sockets */
    uv_idle_t steady; /* of files, which can always be read and can't be waited for */
    bool is_file, reads, ended, typed;
    unsigned closing; /* handles that are */
    size_t len;
    char line[CALL_LINE_MAX];
};

static void finish(call_lines *l)
{
    if (l->len > 0)
        l->handler.line(l->handler.user, l->line, l->len);
    l->len = 0;
    l->ended = true;
    call_lines_read(l, false);
    if (l->handler.end != NULL)
        l->handler.end(l->handler.user);
}

static void take(call_lines *l, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool ends = bytes[i] == '\n';

        if (!ends)
            l->line[l->len++] = bytes[i];
        if (!ends && l->len < sizeof l->line)
            continue;
        if (l->len > 0 && l->line[l->len - 1] == '\r')
            l->len--;
        l->handler.line(l->handler.user, l->line, l->len);
        l->len = 0;
    }
}

static void read_some(call_lines *l)
{
    char bytes[4096];
    ssize_t len = read(STDIN_FILENO, bytes, sizeof bytes);

    if (len > 0)
        take(l, bytes, (size_t)len);
    else if (len == 0 || (errno != EINTR && errno != EAGAIN))
        finish(l);
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    call_lines *l = poll->data;

    (void)events;
    if (status < 0)
        finish(l);
    else
        read_some(l);
}

static void on_turn(uv_idle_t *steady)
{
    read_some(steady->data);
}

call_lines *call_lines_open(uv_loop_t *loop, const call_lines_handler *handler)
{
    call_lines *l = calloc(1, sizeof *l);

    if (l == NULL)
        return NULL;
    l->handler = *handler;
    l->typed = isatty(STDIN_FILENO);
    l->is_file = uv_poll_init(loop, &l->poll, STDIN_FILENO) != 0;
    if (l->is_file && uv_guess_handle(STDIN_FILENO) != UV_FILE) {
        free(l);
        return NULL;
    }
    (void)uv_idle_init(loop, &l->steady);
    l->poll.data = l->steady.data = l;
    return l;
}

static void on_closed(uv_handle_t *handle)
{
    call_lines *l = handle->data;

    if (--l->closing == 0)
        free(l);
}

void call_lines_close(call_lines *l)
{
    if (l == NULL)
        return;
    l->handler.end = NULL;
    l->closing = l->is_file ? 1 : 2;
    uv_close((uv_handle_t *)&l->steady, on_closed);
    if (!l->is_file)
        uv_close((uv_handle_t *)&l->poll, on_closed);
}

void call_lines_read(call_lines *l, bool on)
{
    if (l == NULL || (on && l->ended) || l->reads == on)
        return;
    l->reads = on;
    if (l->is_file)
        (void)(on ? uv_idle_start(&l->steady, on_turn) : uv_idle_stop(&l->steady));
    else
        (void)(on ? uv_poll_start(&l->poll, UV_READABLE, on_ready) : uv_poll_stop(&l->poll));
}

bool call_lines_are_typed(const call_lines *l)
{
    return l != NULL && l->typed;
}
