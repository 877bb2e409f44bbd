/*
 * Inside media/: a source and its tracks, one of sound and one of pictures at most. Each has a thread of its own that
 * reads, decodes, encodes, and waits when it is far enough ahead; each reads the file for itself, so that a file whose
 * sound and pictures lie far apart is as good as any.
 */
#ifndef SOTTO_MEDIA_SOURCE_INSIDE_H
#define SOTTO_MEDIA_SOURCE_INSIDE_H

#include "media/input.h"
#include "media/picture.h"
#include "media/sound.h"
#include "media/source.h"

#include <libavcodec/bsf.h>
#include <pthread.h>

#define SO_TRACK_ROOM 64
#define SO_G711_FRAME 160 /* 20 ms */

typedef struct so_track_frame {
    AVPacket *packet;
    int64_t at, duration; /* in units of the codec's RTP clock */
    bool fresh;
} so_track_frame;

typedef struct so_track {
    so_source *source;
    so_media_kind kind;
    so_media_codec codec; /* SO_MEDIA_NONE: there is no such track */
    bool passes;

    /* What the thread alone uses, once it runs. */
    so_input input;
    int stream; /* its number, the same each time that the file is opened */
    AVBSFContext *filter;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *frame;
    so_sound *sound;
    so_picture *picture;
    unsigned turns;
    uint64_t drawn;  /* "test": how many frames */
    int64_t base_us; /* where this round of a loop begins; a device's first time, negative */
    int64_t end_us;  /* where what was read so far ends */
    bool based;
    int64_t next_at; /* what passes: where the next packet is expected */
    bool begun;
    bool needs_key; /* what passes: something was left out that later pictures refer to */
    uint8_t carried[SO_G711_FRAME];
    size_t carry;
    uint64_t made; /* packets */

    /* What source->lock guards. */
    so_track_frame queue[SO_TRACK_ROOM];
    size_t first, count;
    int64_t ahead;    /* how far it reads ahead, in units of the clock */
    int64_t expected; /* where the next packet belongs if nothing is missing */
    bool waits;       /* for room, or for the other track */
    bool ended, failed, fault_said;
    so_error fault;
    bool key_wanted;
    unsigned bitrate; /* 0: as it is */
    unsigned round;   /* how often the file came to its end */

    /* What the caller's side alone uses. */
    bool running;
    bool skipping; /* until a key frame */
    bool skipped;  /* something before the next frame was left out */
    pthread_t thread;
} so_track;

struct so_source {
    char *path; /* of a file, or the device's word */
    bool test;
    so_input_what input;
    so_source_options options;
    so_source_has has;
    so_track tracks[SO_MEDIA_KINDS];
    AVPacket *held; /* what the caller looks at */
    bool started, asked, clocked, end_said;
    uint64_t asked_us, origin_us;
    so_error fault;

    pthread_mutex_t lock;
    pthread_cond_t moved;
    bool stop;
    int64_t played_us; /* media time of the last call; -1: not begun */
    unsigned rounds;   /* of the loop that all tracks have ended, */
    int64_t base_us;   /* and where the next one begins */
};

/* The track of a blank struct whose source, kind and codec are set. */
so_status so_track_open(so_track *track, so_error *err) SO_MUST_CHECK;
so_status so_track_run(so_track *track, so_error *err) SO_MUST_CHECK;
void so_track_join(so_track *track);  /* the source says stop already */
void so_track_close(so_track *track); /* all tracks are joined: their threads look at each other's */

/* For the thread: */
so_status so_track_rewind(so_track *track, so_error *err) SO_MUST_CHECK;
/* so_emit's: waits for room. */
so_status so_track_emit(void *track, AVPacket *packet, int64_t at, int64_t duration) SO_MUST_CHECK;
/* A packet of the file as it is. */
so_status so_track_pass(so_track *track, int64_t time_us, so_error *err) SO_MUST_CHECK;
/* The end of what passes. */
so_status so_track_pass_end(so_track *track, so_error *err) SO_MUST_CHECK;

#endif
