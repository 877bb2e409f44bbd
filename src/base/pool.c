#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>

/* More than so many are not kept: a rush is over at some time. */
#define SPARE_MAX 4096

struct so_pool_spare {
    struct so_pool_spare *next;
};

void so_pool_init(so_pool *pool, size_t size)
{
    assert(size >= sizeof(struct so_pool_spare));
    *pool = (so_pool){.size = size};
}

void so_pool_end(so_pool *pool)
{
    while (pool->first != NULL) {
        struct so_pool_spare *block = pool->first;

        pool->first = block->next;
        free(block);
    }
    pool->spare = 0;
}

void *so_pool_take(so_pool *pool)
{
    struct so_pool_spare *block = pool->first;

    if (block == NULL)
        return malloc(pool->size);
    pool->first = block->next;
    pool->spare--;
    return block;
}

void so_pool_give(so_pool *pool, void *given)
{
    struct so_pool_spare *block = given;

    if (block == NULL)
        return;
    if (pool->spare >= SPARE_MAX) {
        free(block);
        return;
    }
    block->next = pool->first;
    pool->first = block;
    pool->spare++;
}
