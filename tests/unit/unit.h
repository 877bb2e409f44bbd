/* What every unit test includes: cmocka, and a random source that a seed decides. */
#ifndef SOTTO_TESTS_UNIT_H
#define SOTTO_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/random.h"

/* xorshift64*: the same bytes for the same seed, never zero. */
static inline so_status unit_fill(void *user, uint8_t *out, size_t len)
{
    uint64_t *state = user;

    for (size_t i = 0; i < len; i++) {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        out[i] = (uint8_t)(*state * 0x2545f4914f6cdd1d >> 56);
    }
    return SO_OK;
}

#define UNIT_RANDOM(state) ((so_random){.fill = unit_fill, .user = (state)})

#endif
