/* What the first bytes of an Opus payload (RFC 7587 §4.2) say: RFC 6716 §3. No decoding. */
#ifndef SOTTO_RTP_OPUS_H
#define SOTTO_RTP_OPUS_H

#include "base/status.h"

#include <stdint.h>

/* Opus over RTP counts at 48 kHz whatever it codes (RFC 7587 §4.1), and no packet is longer than 120 ms. */
#define SO_OPUS_RATE 48000
#define SO_OPUS_MAX_SAMPLES 5760
#define SO_OPUS_MAX_FRAMES 48

typedef enum so_opus_mode { SO_OPUS_SILK, SO_OPUS_HYBRID, SO_OPUS_CELT } so_opus_mode;

typedef struct so_opus_info {
    so_opus_mode mode;
    bool stereo;
    uint8_t frames;         /* 1 to 48 */
    uint16_t frame_samples; /* per channel, at 48 kHz */
    uint16_t samples;       /* of the whole packet: frames × frame_samples, at most 5760 */
    bool dtx;               /* every frame is empty or one byte: silence that was not sent (RFC 6716 §3.2.1, 3.1) */
    /* offset and length of each frame in the payload */
    uint16_t at[SO_OPUS_MAX_FRAMES];
    uint16_t len[SO_OPUS_MAX_FRAMES];
} so_opus_info;

/* SO_BAD_INPUT: breaks one of the rules R1 to R7 of RFC 6716 §3.4. */
so_status so_opus_parse(so_opus_info *info, const uint8_t *payload, size_t len) SO_MUST_CHECK;

#endif
