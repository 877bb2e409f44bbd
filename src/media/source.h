/*
 * What a call sends: a file, a device, or a test signal, as frames of the codecs that were agreed on, at the pace of
 * real time.
 *
 * Open it and see what it has; agree on codecs; start it; then ask so_source_next in a loop, which never blocks. Each
 * kind, sound and picture, is read, decoded and encoded on a thread of its own, a little ahead of time. What a file
 * holds in the agreed codec already, and in a form that fits a call, passes as it is.
 *
 * File names are files: "http://..." and the like are never followed, also not from inside a file.
 */
#ifndef SOTTO_MEDIA_SOURCE_H
#define SOTTO_MEDIA_SOURCE_H

#include "base/status.h"
#include "media/codec.h"

typedef struct so_source so_source;

typedef struct so_source_options {
    bool loop;              /* a file begins anew at its end, without a seam in time */
    unsigned width, height; /* at most; 0: 1280 and 720, and any size of a picture that passes as it is */
    unsigned fps;           /* at most; 0: 30 */
    unsigned bitrate;       /* of the picture at first, bits a second; 0: 1,000,000 */
    uint32_t clock_ms;      /* "test": what the clock in the picture shows at first */
} so_source_options;

typedef struct so_source_has {
    bool audio, video;
    /* What may pass as it is, if the file is fit for it: SO_MEDIA_NONE where it is none of a call's codecs. */
    so_media_codec audio_codec, video_codec;
    unsigned width, height; /* of the picture */
    bool live;              /* a device: it has no end, and waits for nobody */
} so_source_has;

/*
 * what: "test" (a tone of 440 Hz with a beep each second, and a moving picture with a clock, media/clock_strip.h),
 * "mic", "camera", "screen", or the name of a file. options may be NULL. SO_NOT_FOUND: this machine has no such device;
 * SO_IO: it can't be opened or read; SO_BAD_INPUT: the file holds nothing that can be sent.
 */
so_status so_source_open(so_source **source, const char *what, const so_source_options *options,
                         so_error *err) SO_MUST_CHECK;
const so_source_has *so_source_what(const so_source *source);
void so_source_close(so_source *source); /* NULL is allowed; waits for the threads */

/*
 * Begins to read ahead. SO_MEDIA_NONE: that kind is not wanted. A file's own codec passes as it is when its packets fit
 * RTP and, of a picture, it needs no reordering (B-frames), begins with a key frame and has one every 10 s at least;
 * H.264 also must be of baseline profile and level 3.1 at most (what calls agree on). All else is decoded and encoded.
 * SO_BAD_INPUT: the source has no such kind; SO_NOT_FOUND: a decoder or encoder is missing here. Both leave the source
 * as it was.
 */
so_status so_source_start(so_source *source, so_media_codec audio, so_media_codec video, so_error *err) SO_MUST_CHECK;
/* After the start: does this kind pass as it is? */
bool so_source_passes(const so_source *source, so_media_kind kind);

typedef struct so_source_frame {
    so_media_codec codec;
    const uint8_t *bytes; /* until the next call */
    size_t len;
    uint32_t rtp_time; /* media time in units of the codec's RTP clock, from 0 at the beginning on */
    uint64_t time_us;  /* the same in microseconds */
    uint32_t duration_us;
    bool key;
    bool fresh; /* the first of its kind, or something before it was left out: RTP's marker for sound */
} so_source_frame;

typedef enum so_source_said {
    SO_SOURCE_FRAME, /* frame is filled; ask again at once, there may be more */
    SO_SOURCE_LATER, /* nothing is due before *next_us */
    SO_SOURCE_END,   /* the file is at its end; said once, then SO_SOURCE_LATER for ever (*next_us: UINT64_MAX) */
    SO_SOURCE_FAILED /* likewise said once, and so_source_fault says why; frames may still come of the other kind */
} so_source_said;

/*
 * The frame that is due at now_us, on a clock that only moves forward. Media time runs from the first call on. After a
 * stall what is more than 200 ms late is left out, and the picture goes on with a key frame.
 */
so_source_said so_source_next(so_source *source, uint64_t now_us, so_source_frame *frame, uint64_t *next_us);
const so_error *so_source_fault(const so_source *source);
/* Waits until whatever can be read ahead is there: for tests, and for programs without a loop of their own. */
void so_source_fill(so_source *source);

/* The other end needs a key frame. An encoder makes one next; a file that passes can't, and has one within 10 s. */
void so_source_want_key(so_source *source);
/*
 * What the picture may take. An encoder follows within two frames, without a key frame as long as the size stays; at
 * low rates it makes fewer and smaller pictures. A file that passes has the rate that it has.
 */
void so_source_set_bitrate(so_source *source, unsigned bits);

#endif
