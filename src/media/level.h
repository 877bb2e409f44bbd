/* How loud Opus packets are: for reports, and for tests that must know whether sound came through. */
#ifndef SOTTO_MEDIA_LEVEL_H
#define SOTTO_MEDIA_LEVEL_H

#include "base/status.h"

#include <stdint.h>

typedef struct so_media_level so_media_level;

/* SO_NOT_FOUND: this machine's FFmpeg has no Opus decoder. */
so_status so_media_level_make(so_media_level **level, so_error *err) SO_MUST_CHECK;
void so_media_level_free(so_media_level *level); /* NULL is allowed */
/*
 * Decodes the next packet of a stream. *rms: 0 is silence, 1 full scale; 0 where the decoder gives nothing yet.
 * SO_BAD_INPUT: it can't be decoded; go on with the next.
 */
so_status so_media_level_take(so_media_level *level, const uint8_t *bytes, size_t len, double *rms) SO_MUST_CHECK;

#endif
