/* Two honest ends in a room of their own, which must go on whatever else is done to the server. */
#ifndef SOTTO_CLI_REHEARSE_ROOM_H
#define SOTTO_CLI_REHEARSE_ROOM_H

#include "cli/rehearse_wire.h"

struct rehearse_room {
    wire *ends[2];
    wire_heard welcomes[2];
    char name[SO_ROOM_TEXT_LEN + 1];
};

/* A control: the room is there, made where it was not, and what either says reaches the other. */
bool rehearse_room_goes_on(rehearsal *r);
/* The same between attacks, where it is never made anew. */
bool rehearse_room_still(rehearsal *r);
void rehearse_room_end(rehearsal *r);

#endif
