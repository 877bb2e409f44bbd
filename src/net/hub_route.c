#include "net/hub_route.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define ID_BYTES 12
/* A transaction of RFC 8489 §6.2.1 is over then. */
#define ASKED_MS 40000

struct so_route_path {
    so_node node;
    so_route_path *next; /* of the same member */
    so_route_member *member;
    so_address remote;
};

struct so_route_asked {
    so_node node;
    so_route_asked *older, *newer;  /* of all */
    so_route_asked *next, **before; /* of the same member */
    so_route_member *member;
    so_msec at;
};

#define OF(type, found) ((type *)((char *)(found)-offsetof(type, node)))

so_status so_route_init(so_route *route, const so_random *random)
{
    uint8_t seeds[3][16];
    so_status status = so_random_fill(random, seeds[0], sizeof seeds);

    memset(route, 0, sizeof *route);
    so_table_init(&route->names, seeds[0]);
    so_table_init(&route->paths, seeds[1]);
    so_table_init(&route->asked, seeds[2]);
    return status;
}

void so_route_end(so_route *route)
{
    so_table_free(&route->names);
    so_table_free(&route->paths);
    so_table_free(&route->asked);
}

/* ---- names ---- */

/* false: longer than any of ours. */
static bool name_key(uint8_t key[SO_TABLE_KEY], const uint8_t *ufrag, size_t len)
{
    memset(key, 0, SO_TABLE_KEY);
    if (len == 0 || len > SO_TABLE_KEY)
        return false;
    memcpy(key, ufrag, len);
    return true;
}

bool so_route_name_it(so_route *route, so_route_member *member, const char *ufrag)
{
    uint8_t key[SO_TABLE_KEY];
    so_route_name *names = member->names;

    if (!name_key(key, (const uint8_t *)ufrag, strlen(ufrag)))
        return false;
    if (member->name_count > 0 && memcmp(names[0].node.key, key, sizeof key) == 0)
        return true;
    for (unsigned i = 0; i < member->name_count; i++)
        so_table_remove(&route->names, &names[i].node);
    names[1] = names[0];
    memcpy(names[0].node.key, key, sizeof key);
    if (member->name_count < SO_ROUTE_NAMES)
        member->name_count++;
    for (unsigned i = 0; i < member->name_count; i++) {
        names[i].member = member;
        if (so_table_insert(&route->names, &names[i].node) != SO_OK) {
            member->name_count = i;
            return false;
        }
    }
    return true;
}

so_route_member *so_route_of_username(const so_route *route, so_slice username)
{
    const uint8_t *colon = username.bytes == NULL ? NULL : memchr(username.bytes, ':', username.len);
    uint8_t key[SO_TABLE_KEY];
    so_node *found;

    if (colon == NULL || !name_key(key, username.bytes, (size_t)(colon - (const uint8_t *)username.bytes)))
        return NULL;
    found = so_table_find(&route->names, key);
    return found == NULL ? NULL : OF(so_route_name, found)->member;
}

/* ---- paths ---- */

static void path_key(uint8_t key[SO_TABLE_KEY], const so_table *table, unsigned socket, const so_address *remote)
{
    memset(key, 0, SO_TABLE_KEY);
    key[0] = remote->family;
    key[1] = (uint8_t)socket;
    key[2] = (uint8_t)(remote->port >> 8);
    key[3] = (uint8_t)remote->port;
    if (remote->family == 4) {
        memcpy(key + 4, remote->ip, 4);
    } else { /* 16 bytes of address in 12: the node has the whole */
        uint64_t hash = so_siphash(table->seed, remote->ip, 16);

        memcpy(key + 4, &hash, sizeof hash);
        memcpy(key + 12, remote->ip + 12, 4);
    }
}

static so_route_path *find_path(const so_route *route, unsigned socket, const so_address *remote)
{
    uint8_t key[SO_TABLE_KEY];
    so_node *found;

    path_key(key, &route->paths, socket, remote);
    found = so_table_find(&route->paths, key);
    return found != NULL && so_address_equal(&OF(so_route_path, found)->remote, remote) ? OF(so_route_path, found)
                                                                                        : NULL;
}

so_route_member *so_route_of_path(const so_route *route, unsigned socket, const so_address *remote)
{
    const so_route_path *path = find_path(route, socket, remote);

    return path == NULL ? NULL : path->member;
}

static void free_path(so_route *route, so_route_path *path)
{
    so_route_path **at = &path->member->paths;

    while (*at != path)
        at = &(*at)->next;
    *at = path->next;
    so_table_remove(&route->paths, &path->node);
    free(path);
}

bool so_route_add_path(so_route *route, so_route_member *member, unsigned socket, const so_address *remote)
{
    so_route_path *path = find_path(route, socket, remote);

    if (path != NULL && path->member == member)
        return true;
    if (path != NULL)
        free_path(route, path);
    path = calloc(1, sizeof *path);
    if (path == NULL)
        return false;
    path->member = member;
    path->remote = *remote;
    path_key(path->node.key, &route->paths, socket, remote);
    if (so_table_insert(&route->paths, &path->node) != SO_OK) {
        free(path);
        return false;
    }
    path->next = member->paths;
    member->paths = path;
    return true;
}

/* ---- requests that are out ---- */

static void free_asked(so_route *route, so_route_asked *asked)
{
    so_route_asked *older = asked->older, *newer = asked->newer;

    *(older == NULL ? &route->oldest : &older->newer) = newer;
    *(newer == NULL ? &route->newest : &newer->older) = older;
    *asked->before = asked->next;
    if (asked->next != NULL)
        asked->next->before = asked->before;
    so_table_remove(&route->asked, &asked->node);
    free(asked);
}

static so_route_asked *find_asked(const so_route *route, const uint8_t *id)
{
    uint8_t key[SO_TABLE_KEY] = {0};
    so_node *found;

    memcpy(key, id, ID_BYTES);
    found = so_table_find(&route->asked, key);
    return found == NULL ? NULL : OF(so_route_asked, found);
}

void so_route_ask(so_route *route, so_route_member *member, const uint8_t *id, so_msec now)
{
    so_route_asked *asked;

    while (route->oldest != NULL && now >= route->oldest->at + ASKED_MS)
        free_asked(route, route->oldest);
    if (find_asked(route, id) != NULL || (asked = calloc(1, sizeof *asked)) == NULL)
        return;
    memcpy(asked->node.key, id, ID_BYTES);
    asked->member = member;
    asked->at = now;
    if (so_table_insert(&route->asked, &asked->node) != SO_OK) {
        free(asked);
        return;
    }
    asked->older = route->newest;
    *(route->newest == NULL ? &route->oldest : &route->newest->newer) = asked;
    route->newest = asked;
    asked->next = member->asked;
    asked->before = &member->asked;
    if (asked->next != NULL)
        asked->next->before = &asked->next;
    member->asked = asked;
}

so_route_member *so_route_answered(so_route *route, const uint8_t *id)
{
    so_route_asked *asked = find_asked(route, id);
    so_route_member *member = asked == NULL ? NULL : asked->member;

    if (asked != NULL)
        free_asked(route, asked);
    return member;
}

void so_route_forget(so_route *route, so_route_member *member)
{
    for (unsigned i = 0; i < member->name_count; i++)
        so_table_remove(&route->names, &member->names[i].node);
    member->name_count = 0;
    while (member->paths != NULL)
        free_path(route, member->paths);
    while (member->asked != NULL)
        free_asked(route, member->asked);
}
