/* Inside media/: a file or a device as packets of one of its streams. */
#ifndef SOTTO_MEDIA_INPUT_H
#define SOTTO_MEDIA_INPUT_H

#include "base/status.h"
#include "media/codec.h"

#include <libavformat/avformat.h>

typedef enum so_input_what { SO_INPUT_FILE, SO_INPUT_MIC, SO_INPUT_CAMERA, SO_INPUT_SCREEN } so_input_what;

typedef struct so_input {
    so_input_what what;
    const char *path; /* of the caller */
    unsigned fps;     /* of a camera or screen, at most */
    AVFormatContext *format;
    AVStream *stream; /* the chosen one; NULL: none yet */
    int64_t zero_us;  /* where the file's time begins */
} so_input;

/* Of a blank input with what, path and fps set. SO_NOT_FOUND: no such device here; SO_IO; SO_BAD_INPUT: unknown form.
 */
so_status so_input_open(so_input *input, so_error *err) SO_MUST_CHECK;
void so_input_close(so_input *input); /* also of one that was never opened */

/* The best stream of a kind, or NULL. A picture that is a record's cover is none. */
AVStream *so_input_find(const so_input *input, so_media_kind kind);
/* From here on only this stream is read. */
void so_input_choose(so_input *input, AVStream *stream);
so_media_codec so_input_native(const AVStream *stream); /* SO_MEDIA_NONE: no codec of calls */
/* By how many quarters, clockwise, pictures must be turned (a telephone that was held upright). */
unsigned so_input_turns(const AVStream *stream);

/* The next packet of the chosen stream. SO_NOT_FOUND: the end. SO_STATE: a device has nothing yet. SO_IO. */
so_status so_input_read(so_input *input, AVPacket *packet, so_error *err) SO_MUST_CHECK;
/* Where a time of the chosen stream lies, from the beginning of the file on. */
int64_t so_input_us(const so_input *input, int64_t time);

#endif
