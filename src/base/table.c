#include "base/table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE 64

static uint64_t little(const uint8_t *b)
{
    uint64_t v = 0;

    for (int i = 7; i >= 0; i--)
        v = v << 8 | b[i];
    return v;
}

static uint64_t rotate(uint64_t v, unsigned by)
{
    return v << by | v >> (64 - by);
}

static void round_of(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void take_word(uint64_t v[4], uint64_t m)
{
    v[3] ^= m;
    round_of(v);
    round_of(v);
    v[0] ^= m;
}

uint64_t so_siphash(const uint8_t seed[16], const uint8_t *bytes, size_t len)
{
    uint64_t k0 = little(seed), k1 = little(seed + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261,
                     k1 ^ 0x7465646279746573};
    uint8_t tail[8] = {0};
    size_t i;

    for (i = 0; i + 8 <= len; i += 8)
        take_word(v, little(bytes + i));
    if (len > i)
        memcpy(tail, bytes + i, len - i);
    tail[7] = (uint8_t)len;
    take_word(v, little(tail));
    v[2] ^= 0xff;
    for (int n = 0; n < 4; n++)
        round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void so_table_init(so_table *table, const uint8_t seed[16])
{
    memset(table, 0, sizeof *table);
    memcpy(table->seed, seed, sizeof table->seed);
}

void so_table_free(so_table *table)
{
    free(table->buckets);
    table->buckets = NULL;
    table->size = table->count = 0;
}

static so_node **bucket_of(const so_table *table, const uint8_t *key)
{
    return &table->buckets[so_siphash(table->seed, key, SO_TABLE_KEY) & (table->size - 1)];
}

so_node *so_table_find(const so_table *table, const uint8_t key[SO_TABLE_KEY])
{
    so_node *node = table->size == 0 ? NULL : *bucket_of(table, key);

    while (node != NULL && memcmp(node->key, key, SO_TABLE_KEY) != 0)
        node = node->next;
    return node;
}

static so_status grow(so_table *table)
{
    so_table wide = *table;

    wide.size = table->size == 0 ? FIRST_SIZE : table->size * 2;
    wide.buckets = calloc(wide.size, sizeof *wide.buckets);
    if (wide.buckets == NULL)
        return SO_NO_MEMORY;
    for (size_t i = 0; i < table->size; i++) {
        so_node *node = table->buckets[i];
        while (node != NULL) {
            so_node *next = node->next;
            so_node **to = bucket_of(&wide, node->key);
            node->next = *to;
            *to = node;
            node = next;
        }
    }
    free(table->buckets);
    *table = wide;
    return SO_OK;
}

so_status so_table_insert(so_table *table, so_node *node)
{
    so_node **to;

    if (table->count >= table->size && grow(table) != SO_OK && table->size == 0)
        return SO_NO_MEMORY;
    to = bucket_of(table, node->key);
    node->next = *to;
    *to = node;
    table->count++;
    return SO_OK;
}

void so_table_remove(so_table *table, so_node *node)
{
    so_node **at = bucket_of(table, node->key);

    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    node->next = NULL;
    table->count--;
}

void so_table_each(so_table *table, void (*visit)(so_node *node, void *user), void *user)
{
    for (size_t i = 0; i < table->size; i++) {
        so_node *node = table->buckets[i];
        while (node != NULL) {
            so_node *next = node->next;
            visit(node, user);
            node = next;
        }
    }
}
