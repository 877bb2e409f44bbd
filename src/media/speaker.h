/*
 * What is heard, from this machine's loudspeaker: PulseAudio or PipeWire, else ALSA. A thread of its own plays at the
 * pace of the device; nothing here waits for it but so_speaker_close.
 */
#ifndef SOTTO_MEDIA_SPEAKER_H
#define SOTTO_MEDIA_SPEAKER_H

#include "base/status.h"
#include "media/codec.h"

#include <stdbool.h>

typedef struct so_speaker so_speaker;

/*
 * told is called, on another thread, when the device is gone: ask so_speaker_fault then. SO_NOT_FOUND: this machine has
 * no loudspeaker; SO_NO_MEMORY.
 */
so_status so_speaker_open(so_speaker **speaker, void (*told)(void *user), void *user, so_error *err) SO_MUST_CHECK;
void so_speaker_close(so_speaker *speaker); /* NULL is allowed */
/* A packet of Opus or G.711, in the order of their times. */
void so_speaker_put(so_speaker *speaker, so_media_codec codec, const uint8_t *bytes, size_t len, uint32_t rtp_time);
/* The device is gone, and why: once. */
bool so_speaker_fault(so_speaker *speaker, so_error *fault);

#endif
