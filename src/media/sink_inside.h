/* Inside media/: the file of a sink, on which libavformat writes, and what H.264 takes to be in one. */
#ifndef SOTTO_MEDIA_SINK_INSIDE_H
#define SOTTO_MEDIA_SINK_INSIDE_H

#include "media/codec.h"
#include "media/sink.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

typedef struct so_sink_file {
    char *path;
    int fd;
    int fault; /* errno of the first write that failed, or 0 */
    AVFormatContext *format;
    bool begun; /* its head is written */
} so_sink_file;

/* Of a blank struct. */
so_status so_sink_file_open(so_sink_file *file, const char *path, const char *format, so_error *err) SO_MUST_CHECK;
AVStream *so_sink_file_stream(so_sink_file *file); /* NULL: no memory */
/* The streams are there: writes the head. */
so_status so_sink_file_begin(so_sink_file *file, so_error *err) SO_MUST_CHECK;
so_status so_sink_file_write(so_sink_file *file, AVPacket *packet, so_error *err) SO_MUST_CHECK;
/* All so far becomes a page, cluster or fragment of its own, and is in the file. */
so_status so_sink_file_flush(so_sink_file *file, so_error *err) SO_MUST_CHECK;
/* Writes the end. Frees all, whatever it returns; also of a blank one. */
so_status so_sink_file_close(so_sink_file *file, so_error *err) SO_MUST_CHECK;

typedef struct so_picture_size {
    unsigned width, height;
} so_picture_size;

/* What a key frame says of its size; false: nothing. */
bool so_sink_size(so_media_codec codec, const uint8_t *bytes, size_t len, so_picture_size *size);
/* An access unit of Annex B as files have it (ISO/IEC 14496-15 §5.3): each unit behind its length. */
so_status so_sink_avc(AVPacket *packet, const uint8_t *bytes, size_t len) SO_MUST_CHECK;
/* The configuration that goes before (§5.3.3.1), from a key frame, or with len 0 from what calls agree on. */
so_status so_sink_avc_config(AVCodecParameters *codec, const uint8_t *bytes, size_t len) SO_MUST_CHECK;

#endif
