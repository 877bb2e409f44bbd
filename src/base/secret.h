/* Secrets that wipe themselves, and comparison that takes the same time whatever differs. */
#ifndef SOTTO_BASE_SECRET_H
#define SOTTO_BASE_SECRET_H

#include "base/status.h"

#include <stdint.h>
#include <string.h>

/* Zeroes bytes in a way that the compiler may not take out. */
void so_wipe(void *bytes, size_t len);

/* Equal? Time depends on len alone. */
static inline bool so_equal_secret(const void *a, const void *b, size_t len)
{
    const uint8_t *x = a, *y = b;
    uint64_t differ = 0;

    /* Eight bytes at a time. The barriers hide from the compiler what differs, so that it can't stop early. */
    for (; len >= sizeof differ; len -= sizeof differ, x += sizeof differ, y += sizeof differ) {
        uint64_t left, right;

        memcpy(&left, x, sizeof left);
        memcpy(&right, y, sizeof right);
        differ |= left ^ right;
        __asm__ __volatile__("" : "+r"(differ));
    }
    for (; len > 0; len--) {
        differ |= *x++ ^ *y++;
        __asm__ __volatile__("" : "+r"(differ));
    }
    return differ == 0;
}

/* A key that is gone when its scope ends: SO_WIPED so_key key; */
typedef struct so_key {
    uint8_t bytes[32];
} so_key;
void so_key_wipe(so_key *key);
#define SO_WIPED __attribute__((cleanup(so_key_wipe)))

#endif
