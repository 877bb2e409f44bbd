/* Where SDL was not there when sotto was built: no window opens, and so nothing else is ever asked of one. */
#include "media/window.h"

so_status so_window_open(so_window **made, void (*told)(void *user), void *user, so_error *err)
{
    (void)told;
    (void)user;
    *made = NULL;
    return so_fail(
        err, SO_NOT_FOUND, "media",
        "this sotto was built without SDL, which windows need; install libsdl2-dev and build it anew, or write "
        "the picture to a file with --out call.webm");
}

void so_window_close(so_window *w)
{
    (void)w;
}

unsigned so_window_takes(void)
{
    return 0;
}

void so_window_put(so_window *w, const so_sink_frame *frame)
{
    (void)w;
    (void)frame;
}

void so_window_show(so_window *w, bool shows)
{
    (void)w;
    (void)shows;
}

bool so_window_wants_key(so_window *w)
{
    (void)w;
    return false;
}

bool so_window_closed(so_window *w)
{
    (void)w;
    return false;
}

bool so_window_fault(so_window *w, so_error *fault)
{
    (void)w;
    (void)fault;
    return false;
}
