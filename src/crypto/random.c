#include "crypto/random.h"

#include <limits.h>
#include <openssl/rand.h>

static so_status fill_system(void *user, uint8_t *out, size_t len)
{
    (void)user;
    if (len > INT_MAX)
        return SO_TOO_LONG;
    return RAND_bytes(out, (int)len) == 1 ? SO_OK : SO_CRYPTO;
}

const so_random so_random_system = {.fill = fill_system, .user = NULL};

so_status so_random_fill(const so_random *random, uint8_t *out, size_t len)
{
    return random->fill(random->user, out, len);
}
