#include "cli/call_files_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYER "file"
/* Bytes that may wait in a channel, and the mark at which more are given to it. */
#define WAITING ((size_t)512 * 1024)
#define LOW ((size_t)128 * 1024)

static so_status failed(so_error *err, const char *path, const char *doing)
{
    return so_fail(err, SO_IO, LAYER, "%s can't be %s (%s); give a file that you may read", path, doing,
                   strerror(errno));
}

/* The last part of a path, as the other end is to call it. */
static void name_of(char name[SO_FILE_NAME + 1], const char *path)
{
    const char *slash = strrchr(path, '/'), *last = slash == NULL ? path : slash + 1;

    if (strcmp(path, "-") == 0 || !so_file_name_is_fit(last, strlen(last)))
        last = "data";
    memcpy(name, last, strlen(last) + 1);
}

static so_status digest_file(file_out *o, const char *path, so_error *err)
{
    static uint8_t bytes[SO_FILE_PIECE];
    so_sha256_stream *digest;
    so_status status = so_sha256_new(&digest);
    ssize_t len = 0;

    while (status == SO_OK && (len = pread(o->fd, bytes, sizeof bytes, o->from + (off_t)o->offer.size)) > 0) {
        status = so_sha256_add(digest, (so_slice){bytes, (size_t)len});
        o->offer.size += (uint64_t)len;
    }
    if (status == SO_OK && len < 0)
        status = failed(err, path, "read");
    else if (status != SO_OK || (status = so_sha256_end(digest, o->offer.sha256)) != SO_OK)
        (void)so_fail(err, status, LAYER, "the digest of %s can't be taken; end other programs", path);
    so_sha256_free(digest);
    o->offer.known = status == SO_OK;
    return status;
}

so_status file_out_open(file_out *o, call_files *f, const char *path, so_error *err)
{
    struct stat is;

    *o = (file_out){.files = f};
    name_of(o->offer.name, path);
    o->fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (o->fd < 0 || fstat(o->fd, &is) != 0)
        return failed(err, path, "opened");
    if (S_ISDIR(is.st_mode))
        return so_fail(err, SO_BAD_INPUT, LAYER, "%s is a directory; give a file, or pipe an archive to --data-in -",
                       path);
    o->regular = S_ISREG(is.st_mode);
    o->from = o->regular ? lseek(o->fd, 0, SEEK_CUR) : 0; /* behind the link, where that came on standard input */
    return o->regular ? digest_file(o, path, err) : SO_OK;
}

static void stop_waiting(file_out *o)
{
    if (o->poll != NULL)
        (void)uv_poll_stop(o->poll);
    o->waits = false;
}

void file_out_close(file_out *o)
{
    so_file_sender_end(&o->sender);
    files_end_poll(o->poll);
    o->poll = NULL;
    if (o->fd >= 0)
        (void)close(o->fd);
    o->fd = -1;
}

void file_out_again(file_out *o)
{
    so_file_sender_end(&o->sender);
    o->offered = false;
    o->over = o->spent; /* what came out of a pipe once is told once */
}

static void over(file_out *o)
{
    o->over = true;
    o->spent = !o->regular;
    stop_waiting(o);
}

static void off(file_out *o, const char *state, const char *why)
{
    so_error err;

    if (o->over)
        return;
    if (o->offered)
        files_say(o->files, false, state, &o->offer, o->sender.sent);
    over(o);
    (void)so_fail(&err, SO_IO, LAYER, "%s was not delivered: %s; send it again", o->offer.name, why);
    files_fault(o->files, &err);
}

void file_out_off(file_out *o, const char *why)
{
    off(o, "cancelled", why);
}

void file_out_offer(file_out *o)
{
    so_sctp_channel channel = {.label = {SO_FILE_LABEL, strlen(SO_FILE_LABEL)},
                               .protocol = {SO_FILE_PROTOCOL, strlen(SO_FILE_PROTOCOL)}};
    uint8_t text[SO_FILE_TEXT];
    so_writer w = so_writer_of(text, sizeof text);

    if (o->over || o->offered)
        return;
    o->offered = true;
    if (so_file_sender_begin(&o->sender, &o->offer, &w) != SO_OK ||
        so_caller_open_channel(o->files->caller, &channel, &o->channel) != SO_OK) {
        file_out_off(o, "there was no channel for it");
        files_settle(o->files);
        return;
    }
    so_call_set_low_mark(so_caller_call(o->files->caller), o->channel, LOW);
    files_send(o->files, o->channel, &w);
    files_say(o->files, false, "offered", &o->offer, 0);
}

/* ---- its bytes ---- */

static void on_readable(uv_poll_t *poll, int status, int events)
{
    file_out *o = poll->data;

    (void)status;
    (void)events;
    stop_waiting(o);
    o->waits = true; /* there is something, or its end */
    file_out_pump(o);
}

/* A pipe is read when it has something; false: it can't be waited for. */
static bool wait_for_pipe(file_out *o)
{
    if (o->poll == NULL)
        o->poll = files_poll(o->files, o->fd, o);
    return o->poll != NULL && uv_poll_start(o->poll, UV_READABLE, on_readable) == 0;
}

static void finish(file_out *o)
{
    uint8_t text[SO_FILE_TEXT];
    so_writer w = so_writer_of(text, sizeof text);

    if (so_file_sender_finish(&o->sender, &w) == SO_OK) {
        files_send(o->files, o->channel, &w);
        return;
    }
    so_caller_close_channel(o->files->caller, o->channel);
    file_out_off(o, "it was changed while it was sent");
    files_settle(o->files);
}

/* One message of it. False: not now, or it is at its end. */
static bool send_piece(file_out *o)
{
    static uint8_t bytes[SO_FILE_PIECE];
    size_t room = so_file_sender_room(&o->sender);
    ssize_t len;

    if (room == 0 || so_call_buffered(so_caller_call(o->files->caller), o->channel) > WAITING)
        return false;
    if (!o->regular && !o->waits && wait_for_pipe(o))
        return false;
    o->waits = false;
    len = o->regular ? pread(o->fd, bytes, room, o->from + (off_t)o->sender.sent) : read(o->fd, bytes, room);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (len <= 0) {
        finish(o);
        return false;
    }
    if (so_caller_send_message(o->files->caller, o->channel, false, (so_slice){bytes, (size_t)len}) != SO_OK ||
        so_file_sender_sent(&o->sender, (so_slice){bytes, (size_t)len}) != SO_OK) {
        so_caller_close_channel(o->files->caller, o->channel);
        file_out_off(o, "a piece could not be sent");
        files_settle(o->files);
        return false;
    }
    return true;
}

void file_out_pump(file_out *o)
{
    while (!o->over && o->offered && o->files->caller != NULL && send_piece(o))
        ;
    if (!o->over && o->files->caller != NULL && o->sender.state == SO_FILE_SENDS)
        files_progress(o->files, false, &o->offer, o->sender.sent, &o->said_at);
}

void file_out_take(file_out *o, bool text, so_slice message)
{
    switch (so_file_sender_take(&o->sender, text, message)) {
    case SO_FILE_ACCEPTED:
        files_say(o->files, false, "accepted", &o->offer, 0);
        file_out_pump(o);
        return;
    case SO_FILE_GOES_ON:
        file_out_pump(o);
        return;
    case SO_FILE_DONE:
        files_say(o->files, false, "done", &o->sender.offer, o->sender.sent);
        over(o);
        break;
    case SO_FILE_REFUSED:
        off(o, "refused", "the other end refused it");
        break;
    case SO_FILE_DIFFERS:
        off(o, "differs", "what arrived is not what was sent");
        break;
    default:
        file_out_off(o, "the other end broke the protocol");
        break;
    }
    so_caller_close_channel(o->files->caller, o->channel);
    files_settle(o->files);
}
