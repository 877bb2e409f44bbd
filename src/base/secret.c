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
