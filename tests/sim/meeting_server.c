/* The server of a meeting: what src/server/session.c does around the rooms, without HTTP, frames and limits. */
#include "meeting.h"

#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

#define RESUME_MS 30000

static void on_send(void *link, const char *text, size_t len)
{
    sim_guest *g = link;

    sim_text_put(g->meeting, g->number, false, text, len);
}

static void on_displaced(void *link)
{
    sim_guest *g = link;

    g->line.seat = NULL;
}

bool sim_server_open(sim_meeting *m)
{
    static const so_rooms_events events = {.send = on_send, .displaced = on_displaced};

    so_rooms_free(m->rooms);
    m->rooms = so_rooms_new(sim_random(), 10, RESUME_MS, &events);
    return m->rooms != NULL || sim_blame(&m->world, "no rooms");
}

static void say(sim_meeting *m, unsigned guest, const so_writer *w)
{
    sim_text_put(m, guest, false, (const char *)w->start, so_writer_len(w));
}

static void join(sim_meeting *m, sim_guest *g, const so_signal_message *message)
{
    uint8_t bytes[2048];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_join j;

    if (so_rooms_join(m->rooms, message->room, message->resume, g, &j) != SO_OK || j.seat == NULL) {
        so_signal_write_error(&w, j.fault, NULL);
        say(m, g->number, &w);
        g->closing_at = sim_now() + m->line_delay + 1; /* a Close frame follows */
        return;
    }
    g->line.seat = j.seat;
    so_signal_write_welcome(&w, &(so_signal_welcome){.id = j.id,
                                                     .resume = j.resume,
                                                     .other = j.other,
                                                     .resumed = j.resumed,
                                                     .ice = "[]",
                                                     .policy = m->policy,
                                                     .tls_version = "TLSv1.3",
                                                     .tls_cipher = "TLS_AES_128_GCM_SHA256",
                                                     .tls_group = "x25519",
                                                     .message_limit = 65536,
                                                     .rate_limit = 50});
    say(m, g->number, &w);
    so_rooms_announce(m->rooms, j.seat, j.resumed);
}

void sim_server_text(sim_meeting *m, unsigned guest, const char *text, size_t len)
{
    sim_guest *g = &m->guests[guest];
    uint8_t bytes[512];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_signal_message message;
    so_signal_fault fault;

    if (so_signal_parse(&message, text, len, NULL) != SO_OK) {
        (void)sim_blame(&m->world, "the server can't read a message");
        return;
    }
    if (message.kind == SO_SIGNAL_JOIN) {
        join(m, g, &message);
    } else if (g->line.seat == NULL) {
        so_signal_write_error(&w, SO_FAULT_NOT_JOINED, NULL);
        say(m, guest, &w);
    } else if (message.kind == SO_SIGNAL_BYE) {
        so_rooms_leave(m->rooms, g->line.seat);
        g->line.seat = NULL;
    } else if (message.kind == SO_SIGNAL_ENVELOPE && !so_rooms_deliver(m->rooms, g->line.seat, &message, &fault)) {
        so_signal_write_error(&w, fault, NULL);
        say(m, guest, &w);
    }
    so_signal_message_free(&message);
}

void sim_server_lost(sim_meeting *m, unsigned guest)
{
    sim_guest *g = &m->guests[guest];

    if (g->line.seat != NULL)
        so_rooms_drop(m->rooms, g->line.seat, sim_now());
    g->line.seat = NULL;
}
