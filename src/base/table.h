/*
 * A hash table of 16-byte keys that strangers choose: the hash (SipHash-2-4) is keyed, so that they can't make chains
 * long. Nodes live inside the caller's own structs; the table allocates only its buckets.
 */
#ifndef SOTTO_BASE_TABLE_H
#define SOTTO_BASE_TABLE_H

#include "base/status.h"

#include <stdint.h>

#define SO_TABLE_KEY 16

typedef struct so_node {
    struct so_node *next;
    uint8_t key[SO_TABLE_KEY];
} so_node;

typedef struct so_table {
    so_node **buckets;
    size_t size; /* a power of two, or 0 before the first insert */
    size_t count;
    uint8_t seed[16];
} so_table;

void so_table_init(so_table *table, const uint8_t seed[16]);
void so_table_free(so_table *table); /* not the nodes */
so_node *so_table_find(const so_table *table, const uint8_t key[SO_TABLE_KEY]);
/* node->key is set, and not in the table yet. */
so_status so_table_insert(so_table *table, so_node *node) SO_MUST_CHECK;
void so_table_remove(so_table *table, so_node *node);
/* Calls visit for every node; visit may remove the node that it is given, and no other. */
void so_table_each(so_table *table, void (*visit)(so_node *node, void *user), void *user);

uint64_t so_siphash(const uint8_t seed[16], const uint8_t *bytes, size_t len);

#endif
