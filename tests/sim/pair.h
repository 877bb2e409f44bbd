/*
 * Two peers in a simulated network (world.h), with signaling between them that has a delay of its own: perfect
 * negotiation, candidates that trickle or not, and whoever finds the path in doubt restarts ICE, as src/call does it.
 * Every frame that is sent is known, and so is what became of it.
 */
#ifndef SOTTO_TESTS_SIM_PAIR_H
#define SOTTO_TESTS_SIM_PAIR_H

#include "pair_data.h"
#include "watch.h"

#define SIM_FRAMES 4096
#define SIM_NOTES 256
#define SIM_TALK_MS 20
#define SIM_RESTART_AGAIN 8000
#define SIM_QUESTIONS 64
#define SIM_GENERATIONS 8

typedef enum sim_trickle {
    SIM_TRICKLE,
    SIM_TRICKLE_LATE,  /* candidates take longer than descriptions */
    SIM_TRICKLE_EARLY, /* descriptions take longer than candidates */
    SIM_WHOLE,         /* descriptions wait for all candidates, and have them in them */
} sim_trickle;

typedef struct sim_sent {
    bool arrived; /* whole, and from an address that counts, at an end that was open and took this track */
    bool taken;   /* came out at the other end */
    so_msec sent_at, arrived_at;
} sim_sent;

/* A request of ours to the other end, however often it is sent. */
typedef struct sim_question {
    uint64_t id;         /* part of it */
    unsigned generation; /* 1 is the first; 0: no question */
    bool answered;
} sim_question;

#define SIM_PICTURES 8192

typedef struct sim_picture {
    bool key;
    size_t len;
} sim_picture;

/* What an end shows, and what it sees of the other. */
typedef struct sim_pictures {
    size_t track;
    sim_picture *sent;
    uint32_t sent_count;
    bool key_wanted;
    uint64_t rate; /* what the path bears */
    so_msec show_until, show_at;
    uint32_t taken, next, first_time;
    bool any;
} sim_pictures;

typedef struct sim_pair sim_pair;

typedef struct sim_side {
    unsigned number; /* 0: A, 1: B */
    sim_pair *pair;
    so_peer *peer;
    size_t track;
    so_sdp_direction direction;
    bool begun; /* has offered or taken an offer: it may offer again by itself */
    bool must_offer, gone, bye;
    /* SIM_WHOLE: a description waits for the end of candidates */
    bool withholds;
    so_sdp_type withheld;
    char *draft;                       /* that description, and the candidates that followed it */
    char said_ufrag[SO_ICE_UFRAG + 1]; /* of the last description */
    so_msec draft_at;                  /* it waits no longer than this */
    so_msec began_at, open_at, failed_at, path_lost_at, restart_at; /* SIM_NEVER: not */
    unsigned restarts, states;
    so_ice_state ice;
    /* frames out */
    sim_sent *sent;
    uint32_t sent_count;
    uint32_t tag;                            /* of the frame that goes out now */
    so_msec talk_until, talk_at, refused_at; /* refused_at: when SO_NOT_FOUND began; SIM_NEVER: it is not so */
    /* frames in */
    uint32_t taken, first, next, first_time;
    bool any, receiving;
    unsigned spoiled_dtls; /* datagrams of DTLS that arrived altered */
    sim_pictures pictures; /* where the pair has them */
    sim_data data;         /* where the pair has data channels */
    /* consent: what we asked, and what was answered */
    sim_question questions[SIM_QUESTIONS];
    uint64_t generations[SIM_GENERATIONS]; /* hashes of user names: each restart has another */
    unsigned question_count, generation_count;
    so_msec answered_at;      /* the last answer to a question of ours arrived */
    unsigned newest_answered; /* the newest generation that had one */
    so_msec newest_answered_at;
    bool settled; /* when ICE was last well it was completed: no older generation is in use */
    sim_watch watch;
} sim_side;

typedef enum sim_note_kind { SIM_OFFER, SIM_ANSWER, SIM_CANDIDATE } sim_note_kind;

typedef struct sim_note {
    so_msec at;
    uint64_t order;
    unsigned from;
    sim_note_kind kind;
    char *text, *ufrag;
} sim_note;

struct sim_pair {
    sim_world world;
    so_engine engine;
    sim_side ends[2];
    sim_trickle trickle;
    so_msec signaling[2]; /* one way, from that end */
    so_msec skew;         /* of SIM_TRICKLE_LATE and SIM_TRICKLE_EARLY */
    so_msec last_note[2]; /* what comes after does not overtake */
    sim_note notes[SIM_NOTES];
    unsigned note_count;
    uint64_t note_orders;
    bool heals;   /* a path in doubt is looked for anew */
    bool video;   /* pictures too: set before sim_pair_start */
    bool data;    /* and data channels */
    bool tampers; /* somebody swaps A's fingerprint on its way */
};

/* The world's hosts are set up between open and start. False: blamed. */
bool sim_pair_open(sim_pair *pair, uint64_t seed);
bool sim_pair_start(sim_pair *pair, so_sdp_direction direction);
void sim_pair_close(sim_pair *pair);

void sim_pair_offer(sim_pair *pair, unsigned end);
void sim_pair_restart(sim_pair *pair, unsigned end);
void sim_pair_direct(sim_pair *pair, unsigned end, so_sdp_direction direction);
/* It shows itself too, where the pair has pictures, and writes, where it has data channels. */
void sim_pair_talk(sim_pair *pair, unsigned end, so_msec ms);
/* The end's program is gone without a word. */
void sim_pair_vanish(sim_pair *pair, unsigned end);
void sim_pair_hang_up(sim_pair *pair, unsigned end);

/* Everything that happens for so long. */
void sim_pair_run(sim_pair *pair, so_msec ms);
/* Until the condition holds; false: it does not within ms. */
bool sim_pair_until(sim_pair *pair, bool (*holds)(const sim_pair *pair), so_msec ms);

/* Has everything that arrived at this end come out of it? *missing: how many have not. */
bool sim_side_heard_all(const sim_side *e, unsigned *missing);

/* How much reliable of the other end's has not come, and how many channels are not closed yet that are to be. */
unsigned sim_side_unread(const sim_side *e);

bool sim_pair_is_open(const sim_pair *pair);
bool sim_pair_has_path(const sim_pair *pair);  /* both ends say so */
bool sim_pair_is_stable(const sim_pair *pair); /* nothing is being negotiated, nor on its way */

/* ---- what the files of a pair share ---- */

void sim_side_drain(sim_side *e);

/* pair_say.c */
void sim_side_say(sim_side *e, sim_note_kind kind, const char *text, const char *ufrag);
void sim_side_offer(sim_side *e);
void sim_side_say_draft(sim_side *e);
void sim_side_candidate(sim_side *e, const so_peer_event *event);
so_msec sim_notes_next(const sim_pair *pair);
void sim_notes_step(sim_pair *pair);
void sim_notes_free(sim_pair *pair);

/* pair_picture.c */
void sim_side_show(sim_side *e);
void sim_side_take_picture(sim_side *e, const so_peer_event *event);

/* pair_data.c */
bool sim_side_begin_data(sim_side *e); /* before the first offer */
void sim_side_write(sim_side *e);
void sim_side_take_data(sim_side *e, const so_sctp_event *event);

/* pair_media.c */
void sim_side_talk(sim_side *e);
void sim_side_take_frame(sim_side *e, const so_peer_event *event);
void sim_side_arrived(sim_side *e, const sim_packet *packet, uint64_t stray_before);

#endif
