#include "server/limits.h"

#include <stdlib.h>
#include <string.h>

#define TOLD_SLACK 8
#define MINUTE 60000

struct so_source {
    so_node node; /* first, so that a node is its source */
    unsigned connections;
    so_bucket joins;
    so_msec idle_since;
};

struct so_limits {
    so_table table;
    unsigned connections, max_connections, per_address, joins_a_minute;
    so_msec now; /* of the sweep under way */
};

bool so_bucket_take(so_bucket *bucket, unsigned rate, unsigned per, unsigned burst, so_msec now)
{
    uint64_t back = (now - bucket->at) * rate;

    bucket->at = now;
    bucket->spent = bucket->spent > back ? bucket->spent - back : 0;
    if (bucket->spent + per > (uint64_t)burst * per)
        return false;
    bucket->spent += per;
    return true;
}

so_limits *so_limits_new(const uint8_t seed[16], unsigned max_connections, unsigned per_address,
                         unsigned joins_a_minute)
{
    so_limits *limits = calloc(1, sizeof *limits);

    if (limits == NULL)
        return NULL;
    so_table_init(&limits->table, seed);
    limits->max_connections = max_connections;
    limits->per_address = per_address;
    limits->joins_a_minute = joins_a_minute;
    return limits;
}

static void free_source(so_node *node, void *user)
{
    so_limits *limits = user;

    so_table_remove(&limits->table, node);
    free((so_source *)node);
}

void so_limits_free(so_limits *limits)
{
    if (limits == NULL)
        return;
    so_table_each(&limits->table, free_source, limits);
    so_table_free(&limits->table);
    free(limits);
}

static void key_of(uint8_t key[SO_TABLE_KEY], const uint8_t address[16])
{
    static const uint8_t v4_mapped[12] = {[10] = 0xff, [11] = 0xff};

    memcpy(key, address, 16);
    if (memcmp(address, v4_mapped, sizeof v4_mapped) != 0)
        memset(key + 8, 0, 8);
}

so_admission so_limits_enter(so_limits *limits, const uint8_t address[16], so_source **out)
{
    uint8_t key[SO_TABLE_KEY];
    so_source *source;

    key_of(key, address);
    source = (so_source *)so_table_find(&limits->table, key);
    *out = NULL;
    if (limits->connections >= limits->max_connections ||
        (source != NULL && source->connections >= limits->per_address + TOLD_SLACK))
        return SO_TURNED_AWAY;
    if (source == NULL) {
        source = calloc(1, sizeof *source);
        if (source == NULL)
            return SO_TURNED_AWAY;
        memcpy(source->node.key, key, sizeof key);
        if (so_table_insert(&limits->table, &source->node) != SO_OK) {
            free(source);
            return SO_TURNED_AWAY;
        }
    }
    limits->connections++;
    source->connections++;
    *out = source;
    return source->connections > limits->per_address ? SO_ADMITTED_TO_BE_TOLD : SO_ADMITTED;
}

void so_limits_leave(so_limits *limits, so_source *source, so_msec now)
{
    limits->connections--;
    source->connections--;
    source->idle_since = now;
}

bool so_limits_may_join(so_limits *limits, so_source *source, so_msec now)
{
    return so_bucket_take(&source->joins, limits->joins_a_minute, MINUTE, limits->joins_a_minute, now);
}

static void sweep_one(so_node *node, void *user)
{
    so_limits *limits = user;
    so_source *source = (so_source *)node;

    if (source->connections == 0 && limits->now - source->idle_since >= MINUTE)
        free_source(node, limits);
}

void so_limits_sweep(so_limits *limits, so_msec now)
{
    limits->now = now;
    so_table_each(&limits->table, sweep_one, limits);
}
