#include "dtls/early.h"

#include <stdlib.h>
#include <string.h>

void so_early_keep(so_early *early, so_slice datagram)
{
    /* Eight datagrams of 1,200 bytes and a little more fit, whatever their sizes are. */
    if (early->bytes == NULL)
        early->bytes = malloc(SO_EARLY_BYTES);
    if (early->bytes == NULL || early->count == SO_EARLY_DATAGRAMS || datagram.len > SO_EARLY_BYTES - early->used) {
        early->dropped++;
        return;
    }
    memcpy(early->bytes + early->used, datagram.bytes, datagram.len);
    early->used += datagram.len;
    early->lengths[early->count++] = datagram.len;
}

void so_early_drain(so_early *early, void (*take)(void *user, so_slice datagram), void *user)
{
    size_t at = 0;

    for (size_t i = 0; i < early->count; i++) {
        take(user, (so_slice){early->bytes + at, early->lengths[i]});
        at += early->lengths[i];
    }
    so_early_clear(early);
}

void so_early_clear(so_early *early)
{
    free(early->bytes);
    early->bytes = NULL;
    early->used = early->count = 0;
}
