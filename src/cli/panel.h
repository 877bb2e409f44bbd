/*
 * What the live panel of `sotto call` looks like: facts in, lines out. Sans I/O, so that whole screens can be tested;
 * what puts them on a terminal is cli/term.h, what gathers the facts cli/call_panel.h.
 */
#ifndef SOTTO_CLI_PANEL_H
#define SOTTO_CLI_PANEL_H

#include "call/call.h"

/* What a line begins with may have a colour; the words alone say the same. */
typedef enum panel_tone { PANEL_PLAIN, PANEL_STRONG, PANEL_GOOD, PANEL_CARE, PANEL_BAD, PANEL_FAINT } panel_tone;

#define PANEL_LINES 32
/* Four bytes for each column of a terminal that is as wide as anybody's. */
#define PANEL_LINE_BYTES 1024

typedef struct panel_line {
    char text[PANEL_LINE_BYTES]; /* UTF-8, one column a character but for those of wide; nothing in it moves the cursor
                                  */
    panel_tone tone;
    size_t toned;  /* bytes from the start that have the tone */
    unsigned wide; /* characters that take two columns */
    unsigned rank; /* where rows are few the highest go first; 0 stays */
} panel_line;

typedef struct panel_screen {
    panel_line lines[PANEL_LINES];
    size_t count;
} panel_screen;

typedef struct panel_media {
    bool sends, receives, muted;
    so_track_facts track;
    uint64_t sent_rate, received_rate; /* bits a second */
} panel_media;

typedef struct panel_facts {
    const so_report *report;
    so_call_state state;
    const char *reason; /* of the state */
    const char *notice; /* as SO_CALL_NOTICE has it, or "" */
    bool open, ending;  /* every door held once; this end has hung up */
    so_msec duration;   /* since then */
    bool path_known;    /* peer is filled in */
    so_peer_facts peer;
    panel_media sound, picture;
    uint64_t path_rate; /* what the path bears, bits a second; 0: not known */
    bool other_known, other_audio, other_video;
    const char *from, *into; /* what is sent, and where what comes goes, in short; "": nothing */
    bool keys, help;
    const so_person *person; /* who is at the other end; NULL: nobody knows yet */
} panel_facts;

/* As many lines as fit a terminal of this size. Its last column and its last row stay free: no line wraps, none
 * scrolls. */
void panel_draw(panel_screen *screen, const panel_facts *facts, unsigned columns, unsigned rows);

/* A copy without anything that a terminal would obey, or that takes more than a column: each character that is neither
 * ASCII nor a Latin letter (U+00C0 to U+024F) becomes "?". */
void panel_clean(char *out, size_t cap, const char *text);

#endif
