/*
 * Packets of one outgoing stream: those that wait to leave, and after them those that left and may be asked for again.
 * One ring of slots, all of it taken at the beginning; what left is overwritten as others come. They are plain: SRTP is
 * applied to what leaves.
 */
#ifndef SOTTO_RTP_OUTBOX_H
#define SOTTO_RTP_OUTBOX_H

#include "base/clock.h"
#include "base/status.h"

#include <stdint.h>

typedef struct so_outbox so_outbox;

/* slots: a power of two up to 16384. packet_cap: bytes that each may have. SO_BAD_INPUT: other values. */
so_status so_outbox_new(so_outbox **box, size_t slots, size_t packet_cap) SO_MUST_CHECK;
void so_outbox_free(so_outbox *box); /* NULL is allowed */

/*
 * Where to write a packet, packet_cap bytes: the first one to come where ahead is 0, the one after it where it is 1,
 * ... NULL: so many do not fit beside those that wait.
 */
uint8_t *so_outbox_place(so_outbox *box, size_t ahead);
/* The next of those is written, and waits. Numbers follow each other; where they do not, what was kept is forgotten. */
void so_outbox_put(so_outbox *box, uint16_t seq, size_t len, so_msec now);

typedef struct so_outbox_packet {
    const uint8_t *bytes; /* until so_outbox_put has gone round */
    size_t len;
    uint16_t seq;
    so_msec put; /* when it was put */
    bool again;  /* it left before, and was asked for */
} so_outbox_packet;

/* Who leaves next: first what was asked for again, then what waits. false: nobody. */
bool so_outbox_next(const so_outbox *box, so_outbox_packet *out);
/* The one that so_outbox_next says has left. */
void so_outbox_left(so_outbox *box, so_msec now);
/*
 * It is missing at the other end. false: it is not here any more, or never was; or it left within the last round_trip
 * milliseconds, and is on its way.
 */
bool so_outbox_ask(so_outbox *box, uint16_t seq, so_msec now, so_msec round_trip);

/* Bytes of all that is still to leave. */
size_t so_outbox_bytes(const so_outbox *box);

#endif
