#include "heap.h"

#include <stdint.h>
#include <stdlib.h>

unsigned long heap_own, heap_fail_at, heap_everybody;
long heap_live;
bool heap_counting, heap_paused;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *old);

/* Those that are out: libraries also give memory that is for us to free (usrsctp's messages). */
#define PLACES 16384
static const void *out[PLACES];

static size_t place_of(const void *made)
{
    size_t i = ((uintptr_t)made >> 4) % PLACES;

    while (out[i] != NULL && out[i] != made)
        i = (i + 1) % PLACES;
    return i;
}

static void note(const void *made)
{
    if (made == NULL)
        return;
    if (++heap_live >= PLACES)
        abort();
    out[place_of(made)] = made;
}

static void forget(const void *old)
{
    size_t i = place_of(old);

    if (old == NULL || out[i] == NULL)
        return;
    heap_live--;
    out[i] = NULL;
    /* What stands behind it may have wanted its place. */
    for (i = (i + 1) % PLACES; out[i] != NULL; i = (i + 1) % PLACES) {
        const void *moved = out[i];

        out[i] = NULL;
        out[place_of(moved)] = moved;
    }
}

static bool fails(void)
{
    return !heap_paused && ++heap_own == heap_fail_at;
}

void *__wrap_malloc(size_t size)
{
    void *made = fails() ? NULL : __real_malloc(size);

    note(made);
    return made;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *made = fails() ? NULL : __real_calloc(count, size);

    note(made);
    return made;
}

void *__wrap_realloc(void *old, size_t size)
{
    void *made = fails() ? NULL : __real_realloc(old, size);

    if (made != NULL) {
        forget(old);
        note(made);
    }
    return made;
}

char *__wrap_strdup(const char *text)
{
    char *made = fails() ? NULL : __real_strdup(text);

    note(made);
    return made;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    void *made = fails() ? NULL : __real_aligned_alloc(alignment, size);

    note(made);
    return made;
}

void __wrap_free(void *old)
{
    forget(old);
    __real_free(old);
}

/* The allocator of everybody, where no sanitizer has put its own there. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SHOWN __attribute__((visibility("default")))
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
#undef malloc
SHOWN void *malloc(size_t size)
{
    heap_everybody += heap_counting;
    return __libc_malloc(size);
}

SHOWN void *calloc(size_t count, size_t size)
{
    heap_everybody += heap_counting;
    return __libc_calloc(count, size);
}

SHOWN void *realloc(void *old, size_t size)
{
    heap_everybody += heap_counting;
    return __libc_realloc(old, size);
}
#endif
