/* One Opus packet on its way between a file, an encoder and a call. */
#ifndef SOTTO_MEDIA_PACKET_H
#define SOTTO_MEDIA_PACKET_H

#include <stddef.h>
#include <stdint.h>

typedef struct so_media_packet {
    const uint8_t *bytes;
    size_t len;
    uint32_t samples; /* how long it sounds, at 48 kHz */
} so_media_packet;

#endif
