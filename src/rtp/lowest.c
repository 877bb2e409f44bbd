#include "rtp/lowest.h"

static void forget(so_lowest *lowest)
{
    for (int i = 0; i < SO_LOWEST_PARTS; i++)
        lowest->parts[i] = SO_LOWEST_NONE;
}

void so_lowest_init(so_lowest *lowest, int64_t span)
{
    lowest->span = span / SO_LOWEST_PARTS;
    lowest->began = INT64_MIN;
    forget(lowest);
}

void so_lowest_add(so_lowest *lowest, int64_t value, int64_t at)
{
    if (lowest->began == INT64_MIN || at - lowest->began >= lowest->span * SO_LOWEST_PARTS) {
        forget(lowest);
        lowest->began = at;
    }
    while (at - lowest->began >= lowest->span) {
        for (int i = SO_LOWEST_PARTS - 1; i > 0; i--)
            lowest->parts[i] = lowest->parts[i - 1];
        lowest->parts[0] = SO_LOWEST_NONE;
        lowest->began += lowest->span;
    }
    if (value < lowest->parts[0])
        lowest->parts[0] = value;
}

int64_t so_lowest_get(const so_lowest *lowest)
{
    int64_t least = SO_LOWEST_NONE;

    for (int i = 0; i < SO_LOWEST_PARTS; i++)
        if (lowest->parts[i] < least)
            least = lowest->parts[i];
    return least;
}
