#include "server/folder.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LAYER "state folder"
#define OTHERS (S_IRWXG | S_IRWXO)
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)
#define LOCK_FILE ".lock"
#define LOCK_WAIT_MS 20000
#define LOCK_STEP_MS 20

static so_status io_fault(so_error *err, const char *doing, const char *path)
{
    int cause = errno;

    return so_fail(err, cause == ENOENT ? SO_NOT_FOUND : SO_IO, LAYER, "%s %.200s failed: %s; %s", doing, path,
                   strerror(cause),
                   cause == ENOSPC                      ? "free some space"
                   : cause == EACCES || cause == EPERM  ? "check who owns it and its folder, or pass --state DIR"
                   : cause == ENOENT                    ? "check the path"
                   : cause == EROFS                     ? "pass --state DIR with a folder that can be written"
                   : cause == ELOOP || cause == ENOTDIR ? "put a plain file or folder there, not a link"
                                                        : "check the disk and the path");
}

/* Every folder above path too. What is there already, and its mode, stays. */
static so_status make_folders(const char *path, so_error *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        part[i] = '\0';
        if (mkdir(part, S_IRWXU) != 0 && errno != EEXIST)
            return io_fault(err, "making the folder", part);
        part[i] = path[i];
    }
    return SO_OK;
}

static so_status check_folder(const so_folder *folder, so_folder_kind kind, so_error *err)
{
    struct stat st;

    if (fstat(folder->fd, &st) != 0)
        return io_fault(err, "looking at", folder->path);
    if (kind == SO_FOLDER_PRIVATE && st.st_uid != geteuid())
        return so_fail(err, SO_REFUSED, LAYER,
                       "the folder %.200s belongs to another user (uid %u), who could change the keys in it; pass "
                       "--state DIR, or run as that user",
                       folder->path, (unsigned)st.st_uid);
    if (kind == SO_FOLDER_PRIVATE && (st.st_mode & OTHERS) != 0)
        return so_fail(err, SO_REFUSED, LAYER,
                       "other users can look into the folder %.200s (mode %04o), where keys are kept; run: chmod 700 "
                       "'%.100s'",
                       folder->path, (unsigned)st.st_mode & 07777u, folder->path);
    if (kind == SO_FOLDER_SHARED && (st.st_mode & OTHERS_WRITE) != 0)
        return so_fail(
            err, SO_REFUSED, LAYER,
            "other users can write to the folder %.200s (mode %04o) and so could replace the key; run: chmod "
            "go-w '%.100s', or choose another",
            folder->path, (unsigned)st.st_mode & 07777u, folder->path);
    return SO_OK;
}

/* What we print is copied into other shells, that stand elsewhere. */
static void absolute(so_folder *folder)
{
    char *path = realpath(folder->path, NULL);

    if (path != NULL && strlen(path) < sizeof folder->path - 64)
        memcpy(folder->path, path, strlen(path) + 1);
    free(path);
}

so_status so_folder_open(so_folder *folder, const char *path, so_folder_kind kind, bool create, so_error *err)
{
    so_status status = SO_OK;
    size_t len = strlen(path);

    memset(folder, 0, sizeof *folder);
    folder->fd = folder->lock_fd = -1;
    if (len == 0 || len >= sizeof folder->path - 64)
        return so_fail(err, SO_BAD_INPUT, LAYER, "the folder's path is empty or too long; give another");
    memcpy(folder->path, path, len + 1);
    if (create)
        status = make_folders(path, err);
    if (status != SO_OK)
        return status;
    folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0)
        return io_fault(err, "opening the folder", path);
    absolute(folder);
    status = check_folder(folder, kind, err);
    if (status != SO_OK)
        so_folder_close(folder);
    return status;
}

static so_status default_state(char out[PATH_MAX], so_error *err)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    int len;

    /* XDG Base Directory Specification: "If an implementation encounters a relative path ... it should consider the
     * path invalid and ignore it." */
    if (state != NULL && state[0] == '/')
        len = snprintf(out, PATH_MAX, "%s/sotto", state);
    else if (home != NULL && home[0] == '/')
        len = snprintf(out, PATH_MAX, "%s/.local/state/sotto", home);
    else
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "neither XDG_STATE_HOME nor HOME says where to keep keys; pass --state DIR");
    if (len < 0 || len >= PATH_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "the state folder's path is too long; pass --state DIR");
    return SO_OK;
}

so_status so_folder_open_state(so_folder *folder, const char *path, bool create, so_error *err)
{
    char chosen[PATH_MAX];
    so_status status = SO_OK;

    memset(folder, 0, sizeof *folder);
    folder->fd = folder->lock_fd = -1;
    if (path == NULL) {
        status = default_state(chosen, err);
        path = chosen;
    }
    return status == SO_OK ? so_folder_open(folder, path, SO_FOLDER_PRIVATE, create, err) : status;
}

void so_folder_close(so_folder *folder)
{
    so_folder_unlock(folder);
    if (folder->fd >= 0)
        (void)close(folder->fd);
    folder->fd = -1;
}

so_status so_folder_lock(so_folder *folder, so_error *err)
{
    const struct timespec step = {.tv_nsec = LOCK_STEP_MS * 1000000L};
    int fd = openat(folder->fd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);

    if (fd < 0)
        return io_fault(err, "making the lock file in", folder->path);
    for (int waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; waited += LOCK_STEP_MS) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || waited >= LOCK_WAIT_MS) {
            (void)close(fd);
            return so_fail(err, SO_IO, LAYER,
                           "another process keeps the folder %.200s locked; wait until it has finished, or end it",
                           folder->path);
        }
        (void)nanosleep(&step, NULL);
    }
    folder->lock_fd = fd;
    return SO_OK;
}

void so_folder_unlock(so_folder *folder)
{
    if (folder->lock_fd >= 0)
        (void)close(folder->lock_fd); /* which ends the flock; the file stays, so that nobody locks a removed one */
    folder->lock_fd = -1;
}

static so_status check_secret(const struct stat *st, const char *path, so_error *err)
{
    if (!S_ISREG(st->st_mode))
        return SO_OK;
    if (st->st_uid != geteuid() && st->st_uid != 0)
        return so_fail(err, SO_REFUSED, LAYER,
                       "the private file %.200s belongs to another user (uid %u); make it yours, or run as that user",
                       path, (unsigned)st->st_uid);
    if ((st->st_mode & OTHERS) != 0)
        return so_fail(err, SO_REFUSED, LAYER,
                       "other users can read or change the private file %.200s (mode %04o); run: chmod 600 '%.100s', "
                       "and replace a key or passphrase that others may have seen",
                       path, (unsigned)st->st_mode & 07777u, path);
    return SO_OK;
}

/* Like realloc, but what it leaves behind is wiped. */
static bool grow(so_pem *content, size_t *cap)
{
    size_t more = *cap == 0 ? 4096 : 2 * *cap;
    char *text = malloc(more + 1);

    if (text == NULL)
        return false;
    if (content->len > 0)
        memcpy(text, content->text, content->len);
    if (content->text != NULL)
        so_wipe(content->text, content->len);
    free(content->text);
    content->text = text;
    *cap = more;
    return true;
}

static so_status read_fd(int fd, const char *path, so_pem *content, so_error *err)
{
    size_t cap = 0;
    ssize_t got = 1;

    while (got > 0) {
        if (content->len >= SO_FOLDER_FILE_MAX)
            return so_fail(err, SO_TOO_LONG, LAYER, "the file %.200s is larger than 4 MiB; give the right one", path);
        if (content->len == cap && !grow(content, &cap))
            return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left to read %.200s; free some and try again", path);
        got = read(fd, content->text + content->len, cap - content->len);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got < 0)
            return io_fault(err, "reading", path);
        else
            content->len += (size_t)got;
    }
    content->text[content->len] = '\0';
    return SO_OK;
}

/* Closes fd. */
static so_status read_open(int fd, const char *path, bool secret, so_pem *content, so_error *err)
{
    struct stat st;
    so_status status;

    if (fd < 0)
        return io_fault(err, "opening", path);
    if (fstat(fd, &st) != 0)
        status = io_fault(err, "looking at", path);
    else if (S_ISDIR(st.st_mode))
        status = so_fail(err, SO_BAD_INPUT, LAYER, "%.200s is a folder; give a file", path);
    else
        status = secret ? check_secret(&st, path, err) : SO_OK;
    if (status == SO_OK)
        status = read_fd(fd, path, content, err);
    (void)close(fd);
    if (status != SO_OK)
        so_pem_free(content);
    return status;
}

static void join(char out[PATH_MAX], const so_folder *folder, const char *name)
{
    (void)snprintf(out, PATH_MAX, "%.*s/%s", PATH_MAX - 64, folder->path, name);
}

so_status so_folder_read(const so_folder *folder, const char *name, bool secret, so_pem *content, so_error *err)
{
    char path[PATH_MAX];

    memset(content, 0, sizeof *content);
    join(path, folder, name);
    /* A link could lead to a file that another user chose; O_NONBLOCK, since a FIFO would hold us for ever. */
    return read_open(openat(folder->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), path, secret, content,
                     err);
}

so_status so_folder_read_path(const char *path, bool secret, so_pem *content, so_error *err)
{
    memset(content, 0, sizeof *content);
    return read_open(open(path, O_RDONLY | O_CLOEXEC), path, secret, content, err);
}

so_status so_passphrase_read(const char *path, so_pem *passphrase, so_error *err)
{
    so_status status = so_folder_read_path(path, true, passphrase, err);
    size_t len;

    if (status != SO_OK)
        return status;
    len = strcspn(passphrase->text, "\r\n");
    so_wipe(passphrase->text + len, passphrase->len - len);
    passphrase->len = len;
    if (len > 0)
        return SO_OK;
    so_pem_free(passphrase);
    return so_fail(err, SO_BAD_INPUT, LAYER,
                   "the passphrase file %.200s has no passphrase in its first line; write one", path);
}

so_status so_system_anchors_read(so_pem *content, so_error *err)
{
    static const char *const usual[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                        "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"};
    const char *chosen = getenv("SSL_CERT_FILE");

    memset(content, 0, sizeof *content);
    if (chosen != NULL && chosen[0] != '\0')
        return so_folder_read_path(chosen, false, content, err);
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (so_folder_read_path(usual[i], false, content, NULL) == SO_OK)
            return SO_OK;
    }
    return so_fail(err, SO_NOT_FOUND, LAYER,
                   "this system's trusted CAs were not found; install ca-certificates, or set SSL_CERT_FILE");
}

static bool write_all(int fd, so_slice content)
{
    const char *at = content.bytes;
    size_t left = content.len;

    while (left > 0) {
        ssize_t put = write(fd, at, left);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        left -= (size_t)put;
    }
    return true;
}

/* One name a file, which is safe under the lock: what a crash left of a key is overwritten, not left to lie about. */
static int open_temp(const so_folder *folder, const char *temp, unsigned mode)
{
    (void)unlinkat(folder->fd, temp, 0);
    return openat(folder->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
}

so_status so_folder_write(const so_folder *folder, const char *name, so_slice content, unsigned mode, so_error *err)
{
    char path[PATH_MAX], temp[64];
    so_status status = SO_OK;
    int fd;

    join(path, folder, name);
    (void)snprintf(temp, sizeof temp, ".%.30s.new", name);
    if (folder->lock_fd < 0)
        return so_fail(err, SO_STATE, LAYER, "%.200s can't be written while the folder is not locked", path);
    fd = open_temp(folder, temp, mode);
    if (fd < 0)
        return io_fault(err, "writing", path);
    /* fchmod, since the umask may have taken more from the mode than the file is meant to lack. */
    if (!write_all(fd, content) || fchmod(fd, (mode_t)mode) != 0 || fsync(fd) != 0)
        status = io_fault(err, "writing", path);
    if (close(fd) != 0 && status == SO_OK)
        status = io_fault(err, "writing", path);
    if (status == SO_OK && renameat(folder->fd, temp, folder->fd, name) != 0)
        status = io_fault(err, "replacing", path);
    if (status != SO_OK)
        (void)unlinkat(folder->fd, temp, 0);
    else if (fsync(folder->fd) != 0)
        status = io_fault(err, "writing the folder of", path);
    return status;
}

so_status so_folder_remove(const so_folder *folder, const char *name, so_error *err)
{
    char path[PATH_MAX];

    if (unlinkat(folder->fd, name, 0) == 0)
        return fsync(folder->fd) == 0 ? SO_OK : io_fault(err, "writing the folder of", folder->path);
    if (errno == ENOENT)
        return SO_OK;
    join(path, folder, name);
    return io_fault(err, "removing", path);
}
