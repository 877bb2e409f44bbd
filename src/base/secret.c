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
