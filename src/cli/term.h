/*
 * A terminal that a panel is shown on, at its end: below what was printed, and drawn over in place. What was printed
 * stays, and so does what the terminal remembers of it. However the process ends, the terminal is as it was before.
 */
#ifndef SOTTO_CLI_TERM_H
#define SOTTO_CLI_TERM_H

#include "cli/panel.h"

#include <uv.h>

typedef struct term term;

typedef struct term_handler {
    void (*key)(void *user, char key);
    void (*changed)(void *user); /* its size, or it may be drawn on again: draw */
    void (*ended)(void *user);   /* nobody sees it any more (SIGHUP), or SIGQUIT */
    void *user;
} term_handler;

/* Is there one that can be drawn on? */
bool term_is_there(void);
/* NULL: this one can't be drawn on. Keys come one by one from then on, where the process may read them. */
term *term_open(uv_loop_t *loop, const term_handler *handler);
/* Takes the panel away and gives the terminal back. Its handles close later, in the loop. NULL is allowed. */
void term_close(term *term);

bool term_has_keys(const term *term);
void term_size(const term *term, unsigned *columns, unsigned *rows);
/* Only what differs from what is there is written. */
void term_show(term *term, const panel_screen *screen);
/* Takes the panel away, so that lines can be printed where it was. */
void term_hide(term *term);
/* As Ctrl-Z does where keys are not taken one by one: stops, and comes back when it is told to. */
void term_suspend(term *term);

#endif
