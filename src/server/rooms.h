/*
 * Rooms of two seats: who is in, who is away and may resume, and to whom an envelope goes. Pure: time is an argument,
 * and what the members are told goes out through two callbacks.
 */
#ifndef SOTTO_SERVER_ROOMS_H
#define SOTTO_SERVER_ROOMS_H

#include "base/clock.h"
#include "base/table.h"
#include "crypto/random.h"
#include "signal/message.h"

typedef struct so_rooms so_rooms;
typedef struct so_seat so_seat;

typedef struct so_rooms_events {
    /* A message for the member whose connection is link. */
    void (*send)(void *link, const char *text, size_t len);
    /* The seat of this connection was taken back by another one: it must be closed and must not leave the seat. */
    void (*displaced)(void *link);
} so_rooms_events;

/* NULL: no memory, or no randomness. */
so_rooms *so_rooms_new(so_random random, size_t max_rooms, so_msec resume_for, const so_rooms_events *events);
void so_rooms_free(so_rooms *rooms);

/* What a join came to. fault is read where seat is NULL. */
typedef struct so_join {
    so_seat *seat;
    so_signal_fault fault;
    bool resumed;
    const char *id, *other;             /* other: NULL where nobody else is connected */
    char resume[SO_TOKEN_TEXT_LEN + 1]; /* a secret */
} so_join;

/* room and resume (or NULL) as so_signal_parse left them. Call so_rooms_announce after the welcome was sent. */
so_status so_rooms_join(so_rooms *rooms, const char *room, const char *resume, void *link, so_join *join) SO_MUST_CHECK;
void so_rooms_announce(so_rooms *rooms, so_seat *seat, bool resumed);

/* Hands an envelope on. False: *fault says why not. */
bool so_rooms_deliver(so_rooms *rooms, so_seat *from, const so_signal_message *envelope, so_signal_fault *fault);

/* The member said bye: the seat is free. */
void so_rooms_leave(so_rooms *rooms, so_seat *seat);
/* The member's connection dropped: the seat is kept until now + resume_for. */
void so_rooms_drop(so_rooms *rooms, so_seat *seat, so_msec now);
/* Frees the seats whose time has passed. Returns when to call again, or 0 where nobody is away. */
so_msec so_rooms_tick(so_rooms *rooms, so_msec now);

size_t so_rooms_count(const so_rooms *rooms);
/* Six hex digits that name a seat's room in a log of this process and say nothing about its id. */
void so_rooms_log_name(const so_rooms *rooms, const so_seat *seat, char out[7]);

#endif
