#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_METHOD: a provider of randomness would be ten times the code */
#include "clock.h"

#include <assert.h>
#include <limits.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Seen by the shared libraries too. */
#define SHOWN __attribute__((visibility("default")))

static so_msec now;
static uint64_t bytes_state, dice_state;
static bool runs; /* from sim_begin to sim_end */

SHOWN int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    (void)zone;
    tv->tv_sec = (time_t)(SIM_EPOCH + (so_unix)(now / 1000));
    tv->tv_usec = (suseconds_t)(now % 1000 * 1000);
    return 0;
}

SHOWN time_t time(time_t *out)
{
    time_t seconds = (time_t)(SIM_EPOCH + (so_unix)(now / 1000));

    if (out != NULL)
        *out = seconds;
    return seconds;
}

/* xorshift64* */
static uint64_t turn(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1d;
}

static int fill(unsigned char *out, int len)
{
    for (int i = 0; i < len; i++)
        out[i] = (unsigned char)(turn(&bytes_state) >> 56);
    return 1;
}

/* usrsctp draws from /dev/urandom, and takes no other source. */
SHOWN ssize_t read(int fd, void *out, size_t len)
{
    struct stat file;

    if (runs && len <= INT_MAX && fstat(fd, &file) == 0 && S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 9)) {
        fill(out, (int)len);
        return (ssize_t)len;
    }
    return syscall(SYS_read, fd, out, len);
}

static int ready(void)
{
    return 1;
}

static so_status fill_random(void *user, uint8_t *out, size_t len)
{
    (void)user;
    fill(out, (int)len);
    return SO_OK;
}

void sim_begin(uint64_t seed)
{
    static const RAND_METHOD method = {.bytes = fill, .pseudorand = fill, .status = ready};

    now = 0;
    runs = true;
    bytes_state = seed * 2 + 1;
    dice_state = (seed + 77) * 0x9e3779b97f4a7c15 | 1;
    for (int i = 0; i < 8; i++) {
        (void)turn(&bytes_state);
        (void)turn(&dice_state);
    }
    (void)RAND_set_rand_method(&method);
}

void sim_end(void)
{
    runs = false;
    (void)RAND_set_rand_method(NULL);
}

so_msec sim_now(void)
{
    return now;
}

void sim_set(so_msec then)
{
    assert(then >= now);
    now = then;
}

so_random sim_random(void)
{
    return (so_random){.fill = fill_random, .user = NULL};
}

unsigned sim_dice(unsigned below)
{
    return (unsigned)(turn(&dice_state) >> 33) % below;
}
