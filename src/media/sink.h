/*
 * A call into a file, as it was sent: nothing is decoded or encoded again. What is older than a second or so is in the
 * file, and plays, also when this process dies; only its owner may read it, since it holds a call.
 */
#ifndef SOTTO_MEDIA_SINK_H
#define SOTTO_MEDIA_SINK_H

#include "base/status.h"
#include "media/codec.h"

typedef struct so_sink so_sink;

/*
 * Makes the file, or empties one that is there. The end of its name says what it is: .webm (Opus, VP8), .mkv (all),
 * .mp4 (Opus, H.264) or .ogg (Opus). SO_BAD_INPUT: another end; SO_IO: it can't be made.
 */
so_status so_sink_open(so_sink **sink, const char *path, so_error *err) SO_MUST_CHECK;
unsigned so_sink_takes(const so_sink *sink); /* SO_MEDIA_BIT of each codec, so that a call agrees on no other */
/*
 * What the call has agreed on; SO_MEDIA_NONE: there is no such kind. Before the first frame, since most files say first
 * what is in them; the same again is SO_OK. SO_STATE: the file has begun with something else. SO_BAD_INPUT: it can't
 * hold that codec.
 */
so_status so_sink_expect(so_sink *sink, so_media_codec audio, so_media_codec video, so_error *err) SO_MUST_CHECK;

typedef struct so_sink_frame {
    so_media_codec codec;
    const uint8_t *bytes; /* a frame as media/codec.h has it */
    size_t len;
    uint32_t rtp_time;
    uint64_t arrival_us; /* on any clock that only moves forward, the same for all */
    bool key;            /* of a picture */
} so_sink_frame;

/*
 * Adds a frame at its time; what is missing in between stays missing. Pictures begin with their first key frame, and
 * may change their size with any; until the first has come, 3 s at most, sound is held back. A frame that is not later
 * than the last of its kind is passed over (SO_OK). SO_BAD_INPUT: it is no frame of that codec, or the codec is not the
 * expected one; nothing was written, go on. SO_TOO_LONG: the disk is full; SO_IO: the file can't be written on. After
 * these two nothing more is written; what is in the file plays.
 */
so_status so_sink_write(so_sink *sink, const so_sink_frame *frame, so_error *err) SO_MUST_CHECK;
/* A sender report (RFC 3550 §6.4.1): with those of both kinds, sound and pictures are as the sender had them. */
void so_sink_align(so_sink *sink, so_media_kind kind, uint64_t ntp, uint32_t rtp_time);
/* Ends the file and frees sink, whatever it returns. Errors as of so_sink_write. */
so_status so_sink_close(so_sink *sink, so_error *err) SO_MUST_CHECK;

#endif
