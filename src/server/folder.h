/*
 * A folder of files that only its owner may see. Files are replaced whole or not at all, and one process at a time
 * works in it.
 */
#ifndef SOTTO_SERVER_FOLDER_H
#define SOTTO_SERVER_FOLDER_H

#include "crypto/pkey.h"

#include <limits.h>

/* No certificate, key or passphrase file is larger; a whole trust store is about 220 kB. */
#define SO_FOLDER_FILE_MAX ((size_t)4 << 20)

typedef enum so_folder_kind {
    SO_FOLDER_PRIVATE, /* 0700, ours: refused when others can look in */
    SO_FOLDER_SHARED,  /* wherever the operator wants a copy: only others' writing is refused */
} so_folder_kind;

typedef struct so_folder {
    int fd;
    int lock_fd; /* -1: not locked */
    char path[PATH_MAX];
} so_folder;

/* create: make it, and what is missing above it, with 0700. SO_NOT_FOUND: there is none, and create is false. */
so_status so_folder_open(so_folder *folder, const char *path, so_folder_kind kind, bool create,
                         so_error *err) SO_MUST_CHECK;
/*
 * The state folder, which is private. path NULL: $XDG_STATE_HOME/sotto, else ~/.local/state/sotto. After SO_NOT_FOUND
 * folder->path says where it was looked for.
 */
so_status so_folder_open_state(so_folder *folder, const char *path, bool create, so_error *err) SO_MUST_CHECK;
void so_folder_close(so_folder *folder);

/* Waits for at most 20 seconds while another process holds the lock. The lock ends with so_folder_unlock, or with us.
 */
so_status so_folder_lock(so_folder *folder, so_error *err) SO_MUST_CHECK;
void so_folder_unlock(so_folder *folder);

/* SO_NOT_FOUND when it is not there. secret: refused when others can read it, or when it is not ours. */
so_status so_folder_read(const so_folder *folder, const char *name, bool secret, so_pem *content,
                         so_error *err) SO_MUST_CHECK;

/* Under the lock. mode: 0600 for keys, from the first byte on. After SO_OK the file outlives a loss of power. */
so_status so_folder_write(const so_folder *folder, const char *name, so_slice content, unsigned mode,
                          so_error *err) SO_MUST_CHECK;

/* SO_OK too when there is none. */
so_status so_folder_remove(const so_folder *folder, const char *name, so_error *err) SO_MUST_CHECK;

/* Any file by its path. secret as above; pipes and other descriptors pass, since only their owner has them. */
so_status so_folder_read_path(const char *path, bool secret, so_pem *content, so_error *err) SO_MUST_CHECK;

/* The first line of a passphrase file, without its end; SO_BAD_INPUT when it is empty. */
so_status so_passphrase_read(const char *path, so_pem *passphrase, so_error *err) SO_MUST_CHECK;

/* The system's bundle of trusted CAs: SSL_CERT_FILE, or where distributions keep it. SO_NOT_FOUND: nowhere. */
so_status so_system_anchors_read(so_pem *content, so_error *err) SO_MUST_CHECK;

#endif
