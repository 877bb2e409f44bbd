/* Status codes and errors that a person can act on. */
#ifndef SOTTO_BASE_STATUS_H
#define SOTTO_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define SO_MUST_CHECK __attribute__((warn_unused_result))
#define SO_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Every function that can fail returns one of these; the compiler warns where it is ignored. */
typedef enum so_status {
    SO_OK = 0,
    SO_NO_MEMORY,
    SO_BAD_INPUT, /* the bytes or the arguments are not what they must be */
    SO_TOO_LONG,  /* does not fit the buffer, or a limit */
    SO_NOT_FOUND,
    SO_REFUSED, /* well-formed, and refused for a security reason */
    SO_IO,      /* a file or socket call failed */
    SO_CRYPTO,  /* the crypto library failed; never a verdict about input */
    SO_STATE,   /* called in a state in which it can't be */
} so_status;

/*
 * Where a person will read it, a failure carries one sentence: what failed, why, and what to do about it.
 * layer is a static string ("certificate", "seal", "signaling", ...).
 */
typedef struct so_error {
    so_status status;
    const char *layer;
    char text[400];
} so_error;

/* Fills err, which may be NULL, and returns status, so that callers can write: return so_fail(err, ...). */
so_status so_fail(so_error *err, so_status status, const char *layer, const char *fmt, ...) SO_PRINTF(4, 5);

/* A word for logs: "ok", "no memory", ... */
const char *so_status_name(so_status status);

#endif
