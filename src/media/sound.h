/* Inside media/: decoded sound of any form into packets of 20 ms, Opus or G.711. */
#ifndef SOTTO_MEDIA_SOUND_H
#define SOTTO_MEDIA_SOUND_H

#include "media/codec.h"
#include "media/emit.h"

#include <libavutil/frame.h>

typedef struct so_sound so_sound;

/* channels: 1 or 2, of Opus; G.711 has one. voice: tuned for speech. */
so_status so_sound_make(so_sound **sound, so_media_codec codec, unsigned channels, bool voice,
                        so_error *err) SO_MUST_CHECK;
void so_sound_free(so_sound *sound); /* NULL is allowed */
/*
 * Adds what sounds from time_us on, and emits what is whole. What is missing in between is silence up to a second; of
 * more nothing is made. What comes again is taken to follow the last.
 */
so_status so_sound_put(so_sound *sound, const AVFrame *frame, int64_t time_us, const so_emit *emit,
                       so_error *err) SO_MUST_CHECK;
/* Nothing follows: emits the rest, with silence behind. */
so_status so_sound_end(so_sound *sound, const so_emit *emit, so_error *err) SO_MUST_CHECK;
int64_t so_sound_end_us(const so_sound *sound); /* where what was put ends */

#endif
