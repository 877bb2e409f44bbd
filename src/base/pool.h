/*
 * Blocks of one size that many share, for packets that wait: memory follows what waits at the same time, instead of
 * what each one could have waiting at most. What was given back is kept for the next, so that a steady load allocates
 * nothing. Of one thread.
 */
#ifndef SOTTO_BASE_POOL_H
#define SOTTO_BASE_POOL_H

#include <stddef.h>

typedef struct so_pool {
    size_t size; /* bytes of a block */
    size_t spare;
    struct so_pool_spare *first; /* spare of them */
} so_pool;

/* size: at least a pointer's. */
void so_pool_init(so_pool *pool, size_t size);
/* Every block was given back before. */
void so_pool_end(so_pool *pool);

/* size bytes of anything, aligned for anything; NULL: no memory. */
void *so_pool_take(so_pool *pool);
void so_pool_give(so_pool *pool, void *block); /* NULL is allowed */

#endif
