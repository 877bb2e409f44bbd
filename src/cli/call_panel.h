/* The live panel of `sotto call` on a terminal: what is so, twice a second, and keys. Everything takes NULL: no panel.
 */
#ifndef SOTTO_CLI_CALL_PANEL_H
#define SOTTO_CLI_CALL_PANEL_H

#include "cli/call_people.h"

typedef struct call_panel call_panel;

/* NULL: there is no terminal, it can't be drawn on, a program reads along, or lines of chat come from it. hang_up: at a
 * key. */
call_panel *call_panel_open(const call_options *options, uv_loop_t *loop, void (*hang_up)(void *user), void *user);
/* Its handles close later, in the loop. */
void call_panel_close(call_panel *panel);

/* A call begins that sends these kinds; caller NULL: it is over. */
void call_panel_call(call_panel *panel, so_caller *caller, bool sound, bool picture);
/* Whom the answers of a person go to; outlives the panel's calls. */
void call_panel_people(call_panel *panel, call_people *people);
void call_panel_event(call_panel *panel, const so_call_event *event);
/* Before something is printed; the panel comes back below it. */
void call_panel_hide(call_panel *panel);

#endif
