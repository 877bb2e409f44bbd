/* Randomness is an argument: modules take an so_random, simulation gives a seeded one, programs this one. */
#ifndef SOTTO_CRYPTO_RANDOM_H
#define SOTTO_CRYPTO_RANDOM_H

#include "base/status.h"

#include <stdint.h>

typedef struct so_random {
    so_status (*fill)(void *user, uint8_t *out, size_t len);
    void *user;
} so_random;

so_status so_random_fill(const so_random *random, uint8_t *out, size_t len) SO_MUST_CHECK;

/* The operating system's, through the crypto library. */
extern const so_random so_random_system;

#endif
