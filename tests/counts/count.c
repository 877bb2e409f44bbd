#include "count.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

static size_t allocations, held, at_start;

/* ---- the C library's allocator, for this program and all libraries in it, with a count before it ---- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *old);

#define PUBLIC __attribute__((visibility("default")))

static void *note(void *made)
{
    allocations++;
    if (made != NULL)
        held += malloc_usable_size(made);
    return made;
}

PUBLIC void *malloc(size_t size)
{
    return note(__libc_malloc(size));
}

PUBLIC void *calloc(size_t count, size_t size)
{
    return note(__libc_calloc(count, size));
}

PUBLIC void *realloc(void *old, size_t size)
{
    size_t was = old != NULL ? malloc_usable_size(old) : 0;
    void *made = __libc_realloc(old, size);

    if (made != NULL || size == 0)
        held -= was;
    return note(made);
}

PUBLIC void *aligned_alloc(size_t alignment, size_t size)
{
    return note(__libc_memalign(alignment, size));
}

PUBLIC void *memalign(size_t alignment, size_t size)
{
    return note(__libc_memalign(alignment, size));
}

PUBLIC int posix_memalign(void **out, size_t alignment, size_t size)
{
    *out = note(__libc_memalign(alignment, size));
    return *out != NULL ? 0 : ENOMEM;
}

PUBLIC void free(void *old)
{
    if (old != NULL)
        held -= malloc_usable_size(old);
    __libc_free(old);
}

size_t count_allocations(void)
{
    return allocations;
}

size_t count_held(void)
{
    return held;
}

/* ---- counting ---- */

void count_start(void)
{
    at_start = allocations;
    CALLGRIND_ZERO_STATS;
}

void count_stop(const char *what, size_t times)
{
    size_t made = allocations - at_start;
    char text[200];

    /* The name of the dump is what the runner finds the instructions by. */
    (void)snprintf(text, sizeof text, "%s / %zu", what, times);
    CALLGRIND_DUMP_STATS_AT(text);
    count_say(what, "allocations", (double)made / (double)times);
}

void count_say(const char *what, const char *metric, double value)
{
    (void)printf("%s | %s | %.3f\n", what, metric, value);
}

void count_must(bool ok, const char *what)
{
    if (ok)
        return;
    (void)fprintf(stderr, "%s\n", what);
    exit(1);
}
