#include "media/ladder.h"

#include <stdint.h>

/* Bits that a pixel needs: below 1/25 realtime encoders of VP8 and H.264 visibly fall apart. */
#define PIXELS_PER_BIT 25
#define SIDE_LEAST 64

/* First fewer pictures, as few as a face can bear; then smaller ones; last a slide show. */
static const struct {
    unsigned fps_most, eighths; /* of each side */
} rungs[SO_LADDER_RUNGS] = {{0, 8}, {20, 8}, {15, 8}, {15, 6}, {15, 4}, {15, 3}, {10, 3}, {7, 2}};

static unsigned part(unsigned side, unsigned eighths)
{
    unsigned less = side * eighths / 8 & ~1u;

    return eighths == 8 || less >= SIDE_LEAST ? less : side < SIDE_LEAST ? side : SIDE_LEAST;
}

so_ladder_rung so_ladder_at(so_ladder_rung full, unsigned rung)
{
    unsigned most = rungs[rung].fps_most;

    return (so_ladder_rung){part(full.width, rungs[rung].eighths), part(full.height, rungs[rung].eighths),
                            most != 0 && full.fps > most ? most : full.fps};
}

static uint64_t needs(so_ladder_rung r)
{
    return (uint64_t)r.width * r.height * r.fps / PIXELS_PER_BIT;
}

unsigned so_ladder_choose(so_ladder_rung full, unsigned rung, unsigned bits)
{
    while (rung + 1 < SO_LADDER_RUNGS && needs(so_ladder_at(full, rung)) > bits)
        rung++;
    while (rung > 0 && needs(so_ladder_at(full, rung - 1)) * 3 / 2 <= bits)
        rung--;
    return rung;
}
