/* Secrets that wipe themselves, and comparison that takes the same time whatever differs. */
#ifndef SOTTO_BASE_SECRET_H
#define SOTTO_BASE_SECRET_H

#include "base/status.h"

#include <stdint.h>

/* Zeroes bytes in a way that the compiler may not take out. */
void so_wipe(void *bytes, size_t len);

/* Equal? Time depends on len alone. */
bool so_equal_secret(const void *a, const void *b, size_t len);

/* A key that is gone when its scope ends: SO_WIPED so_key key; */
typedef struct so_key {
    uint8_t bytes[32];
} so_key;
void so_key_wipe(so_key *key);
#define SO_WIPED __attribute__((cleanup(so_key_wipe)))

#endif
