#include "server/rooms.h"

#include "base/secret.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define TOKEN_LEN 16
#define ID_LEN 8
#define SHORT_MAX 256

typedef struct room room;

struct so_seat {
    room *room;
    void *link;      /* NULL while away */
    so_msec free_at; /* while away */
    bool taken;
    char id[SO_MEMBER_ID_LEN + 1];
    uint8_t token[TOKEN_LEN];
    uint8_t before[TOKEN_LEN];      /* what took the seat back */
    bool unheard;                   /* nothing came since: the welcome may have been lost, so before still holds */
    so_seat *next_away, *prev_away; /* by free_at, since all wait equally long */
};

struct room {
    so_node node; /* first, so that a node is its room */
    so_seat seats[SO_ROOM_SEATS];
};

struct so_rooms {
    so_table table;
    so_random random;
    size_t max_rooms;
    so_msec resume_for;
    so_rooms_events events;
    so_seat *first_away, *last_away;
    uint8_t log_seed[16];
    uint8_t *line; /* grows to the longest envelope */
    size_t line_cap;
};

so_rooms *so_rooms_new(so_random random, size_t max_rooms, so_msec resume_for, const so_rooms_events *events)
{
    so_rooms *rooms = calloc(1, sizeof *rooms);
    uint8_t seed[16];

    if (rooms == NULL || so_random_fill(&random, seed, sizeof seed) != SO_OK ||
        so_random_fill(&random, rooms->log_seed, sizeof rooms->log_seed) != SO_OK) {
        free(rooms);
        return NULL;
    }
    so_table_init(&rooms->table, seed);
    rooms->random = random;
    rooms->max_rooms = max_rooms;
    rooms->resume_for = resume_for;
    rooms->events = *events;
    return rooms;
}

static void free_room(so_node *node, void *user)
{
    so_rooms *rooms = user;

    so_table_remove(&rooms->table, node);
    so_wipe(node, sizeof(room));
    free((room *)node);
}

void so_rooms_free(so_rooms *rooms)
{
    if (rooms == NULL)
        return;
    so_table_each(&rooms->table, free_room, rooms);
    so_table_free(&rooms->table);
    free(rooms->line);
    free(rooms);
}

static so_seat *other_seat(so_seat *seat)
{
    return &seat->room->seats[seat == &seat->room->seats[0]];
}

static void tell_other(so_rooms *rooms, so_seat *seat, const so_writer *w)
{
    so_seat *other = other_seat(seat);

    if (other->taken && other->link != NULL && !w->failed)
        rooms->events.send(other->link, (const char *)w->start, so_writer_len(w));
}

static void unlink_away(so_rooms *rooms, so_seat *seat)
{
    *(seat->prev_away != NULL ? &seat->prev_away->next_away : &rooms->first_away) = seat->next_away;
    *(seat->next_away != NULL ? &seat->next_away->prev_away : &rooms->last_away) = seat->prev_away;
    seat->next_away = seat->prev_away = NULL;
}

static void free_seat(so_rooms *rooms, so_seat *seat, const char *reason)
{
    uint8_t line[SHORT_MAX];
    so_writer w = so_writer_of(line, sizeof line);
    room *r = seat->room;

    so_signal_write_left(&w, seat->id, reason);
    tell_other(rooms, seat, &w);
    if (seat->link == NULL)
        unlink_away(rooms, seat);
    so_wipe(seat, sizeof *seat);
    seat->room = r;
    if (!r->seats[0].taken && !r->seats[1].taken)
        free_room(&r->node, rooms);
}

static room *find_or_make(so_rooms *rooms, const char *name, so_join *join)
{
    uint8_t key[SO_TABLE_KEY];
    size_t n = 0;
    room *r;

    if (so_base64url_decode(key, sizeof key, &n, name, strlen(name)) != SO_OK || n != sizeof key)
        return NULL;
    r = (room *)so_table_find(&rooms->table, key);
    if (r != NULL)
        return r;
    if (rooms->table.count >= rooms->max_rooms) {
        join->fault = SO_FAULT_TOO_MANY_ROOMS;
        return NULL;
    }
    r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    memcpy(r->node.key, key, sizeof key);
    r->seats[0].room = r->seats[1].room = r;
    if (so_table_insert(&rooms->table, &r->node) != SO_OK) {
        free(r);
        return NULL;
    }
    return r;
}

/* The seat that resume belongs to, or a free one. Every taken seat is compared, in constant time. */
static so_seat *choose_seat(room *r, const char *resume, bool *resumed)
{
    uint8_t token[TOKEN_LEN];
    size_t n = 0;
    bool given = resume != NULL && so_base64url_decode(token, sizeof token, &n, resume, strlen(resume)) == SO_OK &&
                 n == sizeof token;
    so_seat *seat = NULL;

    *resumed = false;
    for (unsigned i = 0; i < SO_ROOM_SEATS; i++)
        if (!r->seats[i].taken && seat == NULL)
            seat = &r->seats[i];
    for (unsigned i = 0; given && i < SO_ROOM_SEATS; i++) {
        bool newest = so_equal_secret(token, r->seats[i].token, sizeof token);
        bool before = so_equal_secret(token, r->seats[i].before, sizeof token) && r->seats[i].unheard;
        if ((newest || before) && r->seats[i].taken) {
            seat = &r->seats[i];
            memcpy(seat->before, token, sizeof token);
            seat->unheard = *resumed = true;
        }
    }
    so_wipe(token, sizeof token);
    return seat;
}

static so_status fill_seat(so_rooms *rooms, so_seat *seat, bool resumed)
{
    uint8_t id[ID_LEN];
    so_status status = so_random_fill(&rooms->random, seat->token, sizeof seat->token);

    if (status == SO_OK && !resumed) {
        status = so_random_fill(&rooms->random, id, sizeof id);
        so_base64url(seat->id, id, sizeof id);
    }
    return status;
}

so_status so_rooms_join(so_rooms *rooms, const char *name, const char *resume, void *link, so_join *join)
{
    room *r;
    so_seat *seat;

    memset(join, 0, sizeof *join);
    join->fault = SO_FAULT_RESTART; /* replaced, unless memory is short */
    r = find_or_make(rooms, name, join);
    if (r == NULL)
        return join->fault == SO_FAULT_RESTART ? SO_NO_MEMORY : SO_OK;
    seat = choose_seat(r, resume, &join->resumed);
    if (seat == NULL) {
        join->fault = SO_FAULT_ROOM_FULL;
        return SO_OK;
    }
    if (join->resumed && seat->link != NULL)
        rooms->events.displaced(seat->link);
    else if (join->resumed)
        unlink_away(rooms, seat);
    seat->taken = true;
    seat->link = link;
    if (fill_seat(rooms, seat, join->resumed) != SO_OK) {
        free_seat(rooms, seat, "timeout");
        return SO_CRYPTO;
    }
    so_base64url(join->resume, seat->token, sizeof seat->token);
    join->seat = seat;
    join->id = seat->id;
    join->other = other_seat(seat)->link == NULL ? NULL : other_seat(seat)->id;
    return SO_OK;
}

void so_rooms_announce(so_rooms *rooms, so_seat *seat, bool resumed)
{
    uint8_t line[SHORT_MAX];
    so_writer w = so_writer_of(line, sizeof line);

    so_signal_write_joined(&w, seat->id, resumed);
    tell_other(rooms, seat, &w);
}

bool so_rooms_deliver(so_rooms *rooms, so_seat *from, const so_signal_message *m, so_signal_fault *fault)
{
    so_seat *to = other_seat(from);
    size_t need = m->payload_len + SHORT_MAX;
    so_writer w;

    from->unheard = false;
    if (!to->taken || strcmp(m->to, to->id) != 0) {
        *fault = SO_FAULT_NO_SUCH_MEMBER;
        return false;
    }
    if (to->link == NULL) {
        *fault = SO_FAULT_AWAY;
        return false;
    }
    if (need > rooms->line_cap) {
        uint8_t *line = realloc(rooms->line, need);
        if (line == NULL) {
            *fault = SO_FAULT_AWAY;
            return false;
        }
        rooms->line = line;
        rooms->line_cap = need;
    }
    w = so_writer_of(rooms->line, rooms->line_cap);
    so_signal_write_envelope(&w, from->id, to->id, m->payload, m->payload_len);
    rooms->events.send(to->link, (const char *)w.start, so_writer_len(&w));
    return true;
}

void so_rooms_leave(so_rooms *rooms, so_seat *seat)
{
    free_seat(rooms, seat, "bye");
}

void so_rooms_drop(so_rooms *rooms, so_seat *seat, so_msec now)
{
    uint8_t line[SHORT_MAX];
    so_writer w = so_writer_of(line, sizeof line);

    seat->link = NULL;
    seat->free_at = now + rooms->resume_for;
    seat->prev_away = rooms->last_away;
    *(rooms->last_away != NULL ? &rooms->last_away->next_away : &rooms->first_away) = seat;
    rooms->last_away = seat;
    so_signal_write_away(&w, seat->id, (unsigned)((rooms->resume_for + 999) / 1000));
    tell_other(rooms, seat, &w);
}

so_msec so_rooms_tick(so_rooms *rooms, so_msec now)
{
    while (rooms->first_away != NULL && rooms->first_away->free_at <= now)
        free_seat(rooms, rooms->first_away, "timeout");
    return rooms->first_away == NULL ? 0 : rooms->first_away->free_at;
}

size_t so_rooms_count(const so_rooms *rooms)
{
    return rooms->table.count;
}

void so_rooms_log_name(const so_rooms *rooms, const so_seat *seat, char out[7])
{
    uint64_t hash = so_siphash(rooms->log_seed, seat->room->node.key, SO_TABLE_KEY);
    const uint8_t top[3] = {(uint8_t)(hash >> 16), (uint8_t)(hash >> 8), (uint8_t)hash};

    so_hex(out, top, sizeof top);
}
