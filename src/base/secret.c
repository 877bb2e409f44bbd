#include "base/secret.h"

#include <string.h>

void so_wipe(void *bytes, size_t len)
{
    memset(bytes, 0, len);
    /* The barrier makes the stores visible to code that the compiler can't see, so they can't be dropped. */
    __asm__ __volatile__("" : : "r"(bytes) : "memory");
}

void so_key_wipe(so_key *key)
{
    so_wipe(key, sizeof *key);
}

bool so_equal_secret(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t differ = 0;

    for (size_t i = 0; i < len; i++)
        differ |= x[i] ^ y[i];
    return differ == 0;
}
