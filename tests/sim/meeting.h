/*
 * Whole calls by invitation in simulated time: so_call ends, the server's rooms (src/server/rooms.c, the real ones)
 * behind lines that have a delay and can be cut, and the network of world.h between the ends.
 */
#ifndef SOTTO_TESTS_SIM_MEETING_H
#define SOTTO_TESTS_SIM_MEETING_H

#include "call/call.h"
#include "server/rooms.h"
#include "watch.h"

#define SIM_GUESTS 3
#define SIM_TEXTS 512
#define SIM_SOUNDS 4096

typedef struct sim_meeting sim_meeting;

/* One connection to the server. A new one takes its place when it was cut. */
typedef struct sim_line {
    unsigned guest;
    bool up;
    uint32_t generation; /* what is under way on an earlier one is lost */
    so_seat *seat;
} sim_line;

typedef struct sim_guest {
    unsigned number, host;
    sim_meeting *meeting;
    so_call *call;          /* NULL: not here (yet, or any more) */
    so_address base, other; /* other: the one that comes, or is about to go; family 0: none */
    unsigned moves;
    sim_line line;
    so_msec connect_at; /* when it tries the server again; SIM_NEVER: not */
    so_msec closing_at; /* when the server closes the line; SIM_NEVER: not */
    so_call_state state;
    unsigned states; /* 1 << each state it has been in */
    char reason[48], notice[24];
    unsigned notices; /* 1 << SIM_NOTICE_... that it has had */
    so_msec open_at, over_at;
    /* sound */
    bool talks;
    so_msec talk_at;
    uint32_t sent, taken, next;
    unsigned speaker;       /* whom next belongs to */
    bool heard[SIM_SOUNDS]; /* by number, of what it sent */
    bool pictures;          /* it shows and sees; said before it comes */
    unsigned keys_wanted;   /* of what it shows */
    sim_watch watch;
    /* Who it is and whom it knows, as so_call_config has them; said before it comes, and not owned. */
    so_pkey *identity;
    const so_known *known;
    const char *expect;
    so_policy policy; /* its own */
    bool records, nobody_compares;
    unsigned lines;     /* of chat, that it got */
    char last_line[32]; /* the last of them */
} sim_guest;

enum { SIM_PATH_LOST = 1, SIM_SIGNALING_LOST = 2, SIM_PEER_AWAY = 4, SIM_PEER_LEFT = 8 };

typedef struct sim_text {
    so_msec at;
    uint64_t order;
    unsigned guest;
    uint32_t generation;
    bool to_server;
    size_t len;
    char *bytes;
} sim_text;

struct sim_meeting {
    sim_world world;
    so_engine engine;
    so_invite invite;
    so_rooms *rooms;
    sim_guest guests[SIM_GUESTS];
    so_msec line_delay;
    const char *policy; /* that the server hands on, or NULL */
    sim_text texts[SIM_TEXTS];
    unsigned text_count;
    uint64_t orders;
};

/* Host 0 and host 1 are set up between open and the first guest. False: blamed. */
bool sim_meeting_open(sim_meeting *m, uint64_t seed, const sim_link *link);
void sim_meeting_close(sim_meeting *m);

/* A guest comes: A (0) and C (2) at host 0 and 1 as said, each with a socket of its own. */
void sim_meeting_come(sim_meeting *m, unsigned guest, unsigned host);
/* Its program is killed: the server notices at once, the other end is told nothing. */
void sim_meeting_kill(sim_meeting *m, unsigned guest);
/* Its connection to the server is lost, and comes back after `away`. */
void sim_meeting_cut(sim_meeting *m, unsigned guest, so_msec away);
/* The server starts again, and knows no seat. */
void sim_meeting_restart_server(sim_meeting *m);
/* Its network changes: its address goes away, if it has not gone yet, and then, or before it, another one comes. */
void sim_meeting_lose_base(sim_meeting *m, unsigned guest);
void sim_meeting_gain_base(sim_meeting *m, unsigned guest);
void sim_meeting_hang_up(sim_meeting *m, unsigned guest);
/* What a person says of who is at the other end, and to it. */
void sim_meeting_compare(sim_meeting *m, unsigned guest, bool same);
void sim_meeting_decide(sim_meeting *m, unsigned guest, bool go_on);
void sim_meeting_chat(sim_meeting *m, unsigned guest, const char *line);
void sim_meeting_talk(sim_meeting *m, unsigned guest, bool talks);

void sim_meeting_run(sim_meeting *m, so_msec ms);
/* Until the guest is in that state; false: it is not within ms. */
bool sim_meeting_until(sim_meeting *m, unsigned guest, so_call_state state, so_msec ms);

/* meeting_server.c */
void sim_server_text(sim_meeting *m, unsigned guest, const char *text, size_t len);
void sim_server_lost(sim_meeting *m, unsigned guest);
bool sim_server_open(sim_meeting *m);
void sim_text_put(sim_meeting *m, unsigned guest, bool to_server, const char *bytes, size_t len);

#endif
