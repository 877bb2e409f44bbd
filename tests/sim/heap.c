#include "heap.h"

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

static bool fails(void)
{
    return !heap_paused && ++heap_own == heap_fail_at;
}

void *__wrap_malloc(size_t size)
{
    void *made = fails() ? NULL : __real_malloc(size);

    heap_live += made != NULL;
    return made;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *made = fails() ? NULL : __real_calloc(count, size);

    heap_live += made != NULL;
    return made;
}

void *__wrap_realloc(void *old, size_t size)
{
    void *made = fails() ? NULL : __real_realloc(old, size);

    heap_live += made != NULL && old == NULL;
    return made;
}

char *__wrap_strdup(const char *text)
{
    char *made = fails() ? NULL : __real_strdup(text);

    heap_live += made != NULL;
    return made;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    void *made = fails() ? NULL : __real_aligned_alloc(alignment, size);

    heap_live += made != NULL;
    return made;
}

void __wrap_free(void *old)
{
    heap_live -= old != NULL;
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
