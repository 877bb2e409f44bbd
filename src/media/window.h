/*
 * The other end's picture, in a window on this machine's screen (SDL). A thread of its own decodes and draws; nothing
 * here waits for it but so_window_open and so_window_close. The window is there from the first picture on.
 */
#ifndef SOTTO_MEDIA_WINDOW_H
#define SOTTO_MEDIA_WINDOW_H

#include "base/status.h"
#include "media/sink.h"

typedef struct so_window so_window;

/*
 * told is called, on another thread, when the window is no more: ask so_window_closed and so_window_fault then.
 * SO_NOT_FOUND: this machine has no screen, or this sotto was built without SDL; SO_NO_MEMORY.
 */
so_status so_window_open(so_window **window, void (*told)(void *user), void *user, so_error *err) SO_MUST_CHECK;
void so_window_close(so_window *window); /* NULL is allowed */
unsigned so_window_takes(void);          /* SO_MEDIA_BIT of each codec that this machine can decode */
void so_window_put(so_window *window, const so_sink_frame *frame);
/* false: the other end says that it shows nothing. The window is black then, instead of keeping its last picture. */
void so_window_show(so_window *window, bool shows);
/* Nothing can be shown before a key frame comes: once, and again each second in which none came. */
bool so_window_wants_key(so_window *window);
bool so_window_closed(so_window *window); /* by the person in front of it */
/* It is no more, and why: once. */
bool so_window_fault(so_window *window, so_error *fault);

#endif
