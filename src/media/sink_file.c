#include "media/ffmpeg.h"
#include "media/sink_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define IO_BUFFER 32768

#if LIBAVFORMAT_VERSION_MAJOR >= 61
static int write_bytes(void *opaque, const uint8_t *bytes, int len)
#else
static int write_bytes(void *opaque, uint8_t *bytes, int len)
#endif
{
    so_sink_file *file = opaque;

    for (int done = 0; done < len;) {
        ssize_t n = write(file->fd, bytes + done, (size_t)(len - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            file->fault = file->fault == 0 ? errno : file->fault;
            return AVERROR(errno);
        }
        done += (int)n;
    }
    return len;
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    so_sink_file *file = opaque;
    struct stat st;
    off_t at;

    if (whence == AVSEEK_SIZE)
        return fstat(file->fd, &st) == 0 ? (int64_t)st.st_size : AVERROR(errno);
    at = lseek(file->fd, (off_t)offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : (int64_t)at;
}

static so_status failed(so_sink_file *file, int code, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];

    if (code == AVERROR(ENOMEM) && file->fault == 0)
        return so_media_no_memory(err);
    if (file->fault == 0)
        file->fault = code < 0 && code > -4096 ? AVUNERROR(code) : EIO;
    if (file->fault == ENOSPC || file->fault == EDQUOT || file->fault == EFBIG)
        return so_fail(err, SO_TOO_LONG, "media",
                       "%.150s can't be written on: %s; make room there, or record somewhere "
                       "else; what is in it plays",
                       file->path, so_media_why(AVERROR(file->fault), why));
    return so_fail(err, SO_IO, "media", "%.150s can't be written on: %s; record somewhere else; what is in it plays",
                   file->path, so_media_why(AVERROR(file->fault), why));
}

static int make_muxer(so_sink_file *file, const char *name)
{
    uint8_t *buffer;
    int code = avformat_alloc_output_context2(&file->format, NULL, name, NULL);

    if (code < 0)
        return code;
    buffer = av_malloc(IO_BUFFER);
    if (buffer == NULL)
        return AVERROR(ENOMEM);
    file->format->pb = avio_alloc_context(buffer, IO_BUFFER, 1, file, NULL, write_bytes, seek_to);
    if (file->format->pb == NULL) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    /* bitexact: no version of anything in the tags */
    file->format->avoid_negative_ts = AVFMT_AVOID_NEG_TS_MAKE_NON_NEGATIVE; /* the muxers' own way moves late tracks */
    file->format->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    return 0;
}

so_status so_sink_file_open(so_sink_file *file, const char *path, const char *format, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE];
    int code;

    *file = (so_sink_file){.path = strdup(path), .fd = -1};
    if (file->path == NULL)
        return so_media_no_memory(err);
    file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file->fd < 0)
        return so_fail(err, SO_IO, "media", "%.150s can't be made: %s; check the folder and who may write there", path,
                       so_media_why(AVERROR(errno), why));
    code = make_muxer(file, format);
    if (code == AVERROR_MUXER_NOT_FOUND || code == AVERROR(EINVAL))
        return so_fail(err, SO_NOT_FOUND, "media", "this machine's FFmpeg can't write %s files; choose another ending",
                       format);
    return code < 0 ? failed(file, code, err) : SO_OK;
}

AVStream *so_sink_file_stream(so_sink_file *file)
{
    return avformat_new_stream(file->format, NULL);
}

so_status so_sink_file_begin(so_sink_file *file, so_error *err)
{
    AVDictionary *options = NULL;
    int code = 0;

    /* MP4 in fragments, each of which plays without those behind it; so_sink_file_flush ends them. The last word: a
     * track that begins late is not moved to the beginning. */
    if (strcmp(file->format->oformat->name, "mp4") == 0)
        code = av_dict_set(&options, "movflags", "frag_custom+empty_moov+default_base_moof+frag_discont", 0);
    if (code >= 0)
        code = avformat_write_header(file->format, &options);
    av_dict_free(&options);
    file->begun = code >= 0;
    avio_flush(file->format->pb);
    return code < 0 || file->fault != 0 ? failed(file, code, err) : SO_OK;
}

so_status so_sink_file_write(so_sink_file *file, AVPacket *packet, so_error *err)
{
    int code = file->fault != 0 ? AVERROR(file->fault) : av_write_frame(file->format, packet);

    return code < 0 || file->fault != 0 ? failed(file, code, err) : SO_OK;
}

so_status so_sink_file_flush(so_sink_file *file, so_error *err)
{
    int code = file->fault != 0 ? AVERROR(file->fault) : av_write_frame(file->format, NULL);

    avio_flush(file->format->pb);
    return code < 0 || file->fault != 0 ? failed(file, code, err) : SO_OK;
}

so_status so_sink_file_close(so_sink_file *file, so_error *err)
{
    so_status status = SO_OK;
    int code = 0;

    if (file->format != NULL && file->begun) {
        code = av_write_trailer(file->format); /* after a fault too: it frees what the muxer holds */
        avio_flush(file->format->pb);
    }
    if (code < 0 || file->fault != 0)
        status = failed(file, code, err);
    if (file->format != NULL && file->format->pb != NULL) {
        av_freep(&file->format->pb->buffer);
        avio_context_free(&file->format->pb);
    }
    avformat_free_context(file->format);
    /* A full disk may be told only now. */
    if (file->fd >= 0 && close(file->fd) != 0 && status == SO_OK) {
        file->fault = errno;
        status = failed(file, AVERROR(errno), err);
    }
    free(file->path);
    *file = (so_sink_file){.fd = -1};
    return status;
}
