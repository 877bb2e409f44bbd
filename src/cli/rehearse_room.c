#include "cli/rehearse_room.h"

#include <stdlib.h>
#include <string.h>

static bool make(rehearsal *r)
{
    struct rehearse_room *room = calloc(1, sizeof *room);

    if (room == NULL)
        return rehearse_failed(r, "not enough memory");
    r->room = room;
    wire_room(room->name);
    for (int i = 0; i < 2; i++)
        if ((room->ends[i] = wire_seat(r, room->name, NULL, &room->welcomes[i])) == NULL)
            return false;
    return true;
}

bool rehearse_room_still(rehearsal *r)
{
    struct rehearse_room *room = r->room;
    const char *first = room->welcomes[0].id, *second = room->welcomes[1].id;

    return wire_relays(room->ends[0], room->ends[1], first, second) &&
           wire_relays(room->ends[1], room->ends[0], second, first);
}

bool rehearse_room_goes_on(rehearsal *r)
{
    if (r->room == NULL && !make(r)) {
        rehearse_room_end(r);
        return false;
    }
    if (rehearse_room_still(r))
        return true;
    rehearse_room_end(r);
    return rehearse_failed(r, "a message between two honest ends did not arrive");
}

void rehearse_room_end(rehearsal *r)
{
    if (r->room != NULL) {
        wire_free(r->room->ends[0]);
        wire_free(r->room->ends[1]);
        free(r->room);
    }
    r->room = NULL;
}
