/*
 * DTLS that comes before it can be used: from an address that counts, while the pair is not valid yet or the other
 * end's fingerprint is still on its way. Kept, so that a first flight is not lost and waited for a second later;
 * bounded, so that it is no way to fill memory.
 */
#ifndef SOTTO_DTLS_EARLY_H
#define SOTTO_DTLS_EARLY_H

#include "crypto/digest.h"

#define SO_EARLY_DATAGRAMS 8
#define SO_EARLY_BYTES 12288

typedef struct so_early {
    uint8_t *bytes; /* of all datagrams, one after the other; NULL while there are none */
    size_t used;
    size_t lengths[SO_EARLY_DATAGRAMS];
    size_t count;
    size_t dropped; /* how many found no room */
} so_early;

/* Copies. A datagram that does not fit is dropped and counted: DTLS sends it again. */
void so_early_keep(so_early *early, so_slice datagram);
/* Hands out each in the order in which they came. take may not call back into early. */
void so_early_drain(so_early *early, void (*take)(void *user, so_slice datagram), void *user);
/* Forgets all of them. */
void so_early_clear(so_early *early);

#endif
