/*
 * Sound on its way to be heard: packets as they come, samples at the pace of whoever plays them. What comes late or
 * never is concealed by the decoder for a moment, and silence after that. As much is kept back as the path's jitter
 * takes: when it runs dry the delay grows by what was made up, and what the last two seconds never needed is taken out
 * again, by and by, which also makes up for two clocks that run apart.
 */
#ifndef SOTTO_MEDIA_PLAYOUT_H
#define SOTTO_MEDIA_PLAYOUT_H

#include "base/status.h"
#include "media/codec.h"

#include <stdbool.h>

#define SO_PLAYOUT_RATE 48000
#define SO_PLAYOUT_CHANNELS 2
#define SO_PLAYOUT_STEP 480 /* samples of a channel that are played at a time, 10 ms */
#define SO_PLAYOUT_MOST 120 /* ms that sound is kept back at most */

typedef struct so_playout so_playout;

so_status so_playout_make(so_playout **playout, so_error *err) SO_MUST_CHECK;
void so_playout_free(so_playout *playout); /* NULL is allowed */
/* The next packet of Opus or G.711, in the order of their times; what can't be decoded is passed over. */
void so_playout_put(so_playout *playout, so_media_codec codec, const uint8_t *bytes, size_t len, uint32_t rtp_time);
/* The next SO_PLAYOUT_STEP samples of each channel, interleaved. */
void so_playout_step(so_playout *playout, float samples[SO_PLAYOUT_STEP * SO_PLAYOUT_CHANNELS]);
unsigned so_playout_ms(const so_playout *playout); /* that are kept back now */

#endif
