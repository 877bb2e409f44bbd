/* What the files that say something share: one JSON object a line, and text of others made harmless. */
#ifndef SOTTO_CLI_CALL_SAY_H
#define SOTTO_CLI_CALL_SAY_H

#include "cli/call.h"

/* Bytes of a line, but for reports and lines of chat. */
#define CALL_SAY_LINE 2048

/* {"event":..., to be gone on with. */
so_writer call_say_begin(uint8_t line[CALL_SAY_LINE], const char *event);
/* before, and text as a JSON string. */
void call_say_member(so_writer *w, const char *before, const char *text);
void call_say_out(so_writer *w);
/* What a server or another end had a hand in is only shown, and not obeyed, by a terminal. */
void call_say_tame(char *out, size_t cap, const char *text);

#endif
