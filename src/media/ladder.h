/* How large and how often pictures can be at a bit rate, without becoming a mosaic. */
#ifndef SOTTO_MEDIA_LADDER_H
#define SOTTO_MEDIA_LADDER_H

typedef struct so_ladder_rung {
    unsigned width, height, fps;
} so_ladder_rung;

#define SO_LADDER_RUNGS 8

/* Rung 0 is full: width × height at fps. The sizes are even. */
so_ladder_rung so_ladder_at(so_ladder_rung full, unsigned rung);
/* The rung for a rate, coming from another: going up takes half as much again as staying there, so that it is steady.
 */
unsigned so_ladder_choose(so_ladder_rung full, unsigned rung, unsigned bits);

#endif
