/* A tone to send where there is no microphone: 440 Hz, as Opus packets of 20 ms, one second that repeats without a
 * seam. */
#ifndef SOTTO_MEDIA_TONE_H
#define SOTTO_MEDIA_TONE_H

#include "base/status.h"
#include "media/packet.h"

typedef struct so_media_tone so_media_tone;

/* Encodes it, once. SO_NOT_FOUND: this machine's FFmpeg has no Opus encoder. SO_IO: the encoder failed. */
so_status so_media_tone_make(so_media_tone **tone, so_error *err) SO_MUST_CHECK;
void so_media_tone_free(so_media_tone *tone); /* NULL is allowed */
/* Packets live as long as the tone. */
so_media_packet so_media_tone_next(so_media_tone *tone);

#endif
