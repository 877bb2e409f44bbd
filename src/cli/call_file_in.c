#include "cli/call_files_inside.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYER "file"
/* A pipe that can be written to takes so many at once without blocking (POSIX). */
#define AT_ONCE 4096
/* Names that are tried before giving up: "a.txt", "a (2).txt", ... */
#define NAMES 1000

static bool is_folder(const char *path)
{
    struct stat is;

    return stat(path, &is) == 0 && S_ISDIR(is.st_mode);
}

/* Where bytes only pass: what went there can't be taken back. */
static bool is_stream(const char *path)
{
    struct stat is;

    return strcmp(path, "-") == 0 || (stat(path, &is) == 0 && !S_ISREG(is.st_mode) && !S_ISDIR(is.st_mode));
}

so_status file_in_check(const char *path, so_error *err)
{
    char folder[4096];
    char *slash;

    if (is_stream(path))
        return SO_OK;
    if (strlen(path) >= sizeof folder - SO_FILE_NAME - 16)
        return so_fail(err, SO_TOO_LONG, LAYER, "the path of --data-out is too long; give a shorter one");
    (void)snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (!is_folder(path) && slash == NULL)
        (void)snprintf(folder, sizeof folder, ".");
    else if (!is_folder(path))
        slash[slash == folder] = '\0';
    if (access(folder, W_OK | X_OK) != 0)
        return so_fail(err, SO_IO, LAYER, "no file can be made for --data-out (%s); give a folder that you may write",
                       strerror(errno));
    return SO_OK;
}

bool file_in_begin(file_in *in, call_files *f, uint16_t channel)
{
    *in = (file_in){.files = f, .used = true, .channel = channel, .fd = -1};
    if (so_file_receiver_begin(&in->receiver) == SO_OK)
        return true;
    in->used = false;
    return false;
}

/* ---- where it goes ---- */

static bool open_part(file_in *in)
{
    (void)snprintf(in->part, sizeof in->part, "%s.part", in->path);
    in->fd = open(in->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (in->fd < 0)
        in->part[0] = '\0';
    return in->fd >= 0;
}

/* A place in the folder that nothing has: the name, or the name with a number before its ending. */
static bool open_in_folder(file_in *in, const char *folder)
{
    const char *name = in->receiver.offer.name, *dot = strrchr(name, '.');
    int stem = (int)(dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name));

    for (unsigned n = 1; n <= NAMES; n++) {
        char number[16] = "";

        if (n > 1)
            (void)snprintf(number, sizeof number, " (%u)", n);
        if (snprintf(in->path, sizeof in->path, "%s/%.*s%s%s", folder, stem, name, number, name + stem) >=
            (int)sizeof in->path)
            return false;
        if (access(in->path, F_OK) == 0)
            continue;
        if (open_part(in))
            return true;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

/* SO_REFUSED: there is no place for it. */
static so_status open_place(file_in *in, so_error *err)
{
    const char *out = in->files->options->data_out;

    errno = 0;
    if (is_folder(out))
        return open_in_folder(in, out)
                   ? SO_OK
                   : so_fail(err, SO_IO, LAYER, "no file can be made in --data-out (%s); free space", strerror(errno));
    if (in->files->out_taken)
        return SO_REFUSED;
    in->stream = is_stream(out);
    if (in->stream) {
        in->fd = strcmp(out, "-") == 0 ? dup(in->files->options->data_fd) : open(out, O_WRONLY | O_CLOEXEC);
    } else {
        (void)snprintf(in->path, sizeof in->path, "%s", out);
        (void)open_part(in);
    }
    if (in->fd < 0)
        return so_fail(err, SO_IO, LAYER, "--data-out can't be written (%s); give a place that you may write",
                       strerror(errno));
    in->files->out_taken = true;
    return SO_OK;
}

static void drop(file_in *in)
{
    if (in->fd >= 0)
        (void)close(in->fd);
    if (in->part[0] != '\0')
        (void)unlink(in->part);
    files_end_poll(in->poll);
    free(in->waiting);
    so_file_receiver_end(&in->receiver);
    in->used = false;
}

void file_in_off(file_in *in, const char *why)
{
    so_error err;

    if (in->fd >= 0) { /* it was begun */
        files_say(in->files, true, "cancelled", &in->receiver.offer, in->receiver.put);
        (void)so_fail(&err, SO_IO, LAYER, "%s was not taken: %s; ask for it again", in->receiver.offer.name, why);
        files_fault(in->files, &err);
    }
    drop(in);
}

/* ---- its bytes ---- */

static void put_away(file_in *in, size_t len)
{
    uint8_t text[SO_FILE_TEXT];
    so_writer w = so_writer_of(text, sizeof text);

    so_file_receiver_put(&in->receiver, len, &w);
    files_send(in->files, in->channel, &w);
    files_progress(in->files, true, &in->receiver.offer, in->receiver.put, &in->said_at);
}

static bool write_whole(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);

        if (put < 0 && (errno == EINTR || errno == EAGAIN)) {
            /* What is waited for by the loop does not block. */
            struct pollfd ready = {.fd = fd, .events = POLLOUT};

            (void)poll(&ready, 1, -1);
            continue;
        }
        if (put <= 0)
            return false;
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

static void lost(file_in *in)
{
    so_caller_close_channel(in->files->caller, in->channel);
    file_in_off(in, errno == ENOSPC ? "there is no space left" : "it can't be written");
}

static void on_writable(uv_poll_t *poll, int status, int events);

/* As much of what waits as the stream takes without making the call wait. False: it takes nothing any more. */
static bool pour(file_in *in)
{
    size_t before = in->waiting_at;

    while (in->waiting_at < in->waiting_len) {
        size_t left = in->waiting_len - in->waiting_at, len = left < AT_ONCE ? left : AT_ONCE;
        struct pollfd ready = {.fd = in->fd, .events = POLLOUT};
        ssize_t put;

        if (poll(&ready, 1, 0) == 0)
            break;
        put = write(in->fd, in->waiting + in->waiting_at, len);
        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return false;
        in->waiting_at += put > 0 ? (size_t)put : 0;
    }
    put_away(in, in->waiting_at - before);
    if (in->waiting_at == in->waiting_len) {
        in->waiting_at = in->waiting_len = 0;
        if (in->poll != NULL)
            (void)uv_poll_stop(in->poll);
    } else if (in->poll != NULL) {
        (void)uv_poll_start(in->poll, UV_WRITABLE, on_writable);
    }
    return true;
}

static void on_writable(uv_poll_t *poll, int status, int events)
{
    file_in *in = poll->data;

    (void)events;
    if (in->used && in->files->caller != NULL && (status < 0 || !pour(in)))
        lost(in);
}

/* Room for all that the sender may be ahead, and the poll that says when there is some in the stream. */
static bool begin_stream(file_in *in)
{
    in->waiting = malloc(SO_FILE_AHEAD + SO_FILE_PIECE);
    in->poll = files_poll(in->files, in->fd, in); /* NULL, as of /dev/null: everything is taken at once */
    return in->waiting != NULL;
}

static bool pour_in(file_in *in, so_slice bytes)
{
    if (in->poll == NULL) {
        if (!write_whole(in->fd, bytes.bytes, bytes.len))
            return false;
        put_away(in, bytes.len);
        return true;
    }
    memmove(in->waiting, in->waiting + in->waiting_at, in->waiting_len - in->waiting_at);
    in->waiting_len -= in->waiting_at;
    in->waiting_at = 0;
    memcpy(in->waiting + in->waiting_len, bytes.bytes, bytes.len);
    in->waiting_len += bytes.len;
    return pour(in);
}

static void take_bytes(file_in *in, so_slice bytes)
{
    errno = 0;
    if (in->stream ? pour_in(in, bytes) : write_whole(in->fd, bytes.bytes, bytes.len)) {
        if (!in->stream)
            put_away(in, bytes.len);
        return;
    }
    lost(in);
}

/* ---- its beginning and its end ---- */

static void decide(file_in *in)
{
    uint8_t text[SO_FILE_TEXT];
    so_writer w = so_writer_of(text, sizeof text);
    so_status status = SO_REFUSED;
    so_error err;

    files_say(in->files, true, "offered", &in->receiver.offer, 0);
    if (in->files->options->data_out != NULL) {
        status = open_place(in, &err);
        if (status == SO_OK && in->stream && !begin_stream(in))
            status = so_fail(&err, SO_NO_MEMORY, LAYER, "no memory for a file; end other programs");
        if (status != SO_OK && status != SO_REFUSED)
            files_fault(in->files, &err);
    }
    so_file_receiver_decide(&in->receiver, status == SO_OK, &w);
    files_send(in->files, in->channel, &w);
    files_say(in->files, true, status == SO_OK ? "accepted" : "refused", &in->receiver.offer, 0);
    if (status == SO_OK)
        return;
    so_caller_close_channel(in->files->caller, in->channel);
    drop(in);
}

/* All of it is there: it gets its name, and what had that name in --data-out FILE gives way. */
static bool keep(file_in *in)
{
    bool ok;

    if (in->stream)
        return in->waiting_len == in->waiting_at ||
               write_whole(in->fd, in->waiting + in->waiting_at, in->waiting_len - in->waiting_at);
    ok = fsync(in->fd) == 0 && rename(in->part, in->path) == 0;
    if (ok)
        in->part[0] = '\0';
    return ok;
}

static void finish(file_in *in, bool fits)
{
    uint8_t text[SO_FILE_TEXT];
    so_writer verdict = so_writer_of(text, sizeof text);
    so_error err;
    bool kept;

    errno = 0;
    kept = fits && keep(in);
    so_file_receiver_kept(&in->receiver, kept, &verdict);
    files_send(in->files, in->channel, &verdict);
    files_say(in->files, true, !fits ? "differs" : kept ? "done" : "cancelled", &in->receiver.offer, in->receiver.came);
    if (!fits)
        (void)so_fail(&err, SO_REFUSED, LAYER,
                      "%s is not what was offered, and nothing of it is kept; ask for it again",
                      in->receiver.offer.name);
    else if (!kept)
        (void)so_fail(&err, SO_IO, LAYER, "%s can't be kept (%s); free space and ask for it again",
                      in->receiver.offer.name, strerror(errno));
    if (!kept)
        files_fault(in->files, &err);
    drop(in);
}

void file_in_take(file_in *in, bool text, so_slice message)
{
    so_file_result result = so_file_receiver_take(&in->receiver, text, message);

    switch (result) {
    case SO_FILE_OFFERED:
        decide(in);
        break;
    case SO_FILE_BYTES:
        take_bytes(in, message);
        break;
    case SO_FILE_DONE:
    case SO_FILE_DIFFERS:
        finish(in, result == SO_FILE_DONE);
        break;
    default:
        so_caller_close_channel(in->files->caller, in->channel);
        file_in_off(in, "the other end broke the protocol");
        break;
    }
}
