/*
 * Inside of the agent: what its files share; nothing outside of src/ice includes this. Everything has an index that
 * stays as long as it lives, so that one byte refers to it, and so has its place in memory, which is taken for eight
 * things of a kind at a time: most calls need a few of each.
 *
 *   ice.c       life, credentials, restart        bases.c    bases, local candidates, gathering
 *   remotes.c   the peer's candidates             pairs.c    the checklist: priorities, freezing, limits
 *   checks.c    transactions and pacing           receive.c  datagrams that came
 *   conclude.c  nomination, selection, consent    outputs.c  datagrams that go, events, what may be asked
 *   room.c      memory for all of them
 */
#ifndef SOTTO_ICE_ICE_INSIDE_H
#define SOTTO_ICE_ICE_INSIDE_H

#include "ice/ice.h"
#include "stun/message.h"

#define SO_ICE_BASES (SO_ICE_MAX_BASES + SO_ICE_MAX_RELAYS)
#define SO_ICE_LOCALS 56
#define SO_ICE_LOCAL_PRFLX 8  /* of them at most */
#define SO_ICE_LOCAL_SRFLX 24 /* of them at most; the rest is for each base's own */
#define SO_ICE_REMOTES 32
#define SO_ICE_REMOTE_PRFLX 8 /* of them at most */
#define SO_ICE_PAIRS 100      /* RFC 8445 §6.1.2.5 */
/* A check for each pair, its earlier ones that were cancelled, and some requests for consent. */
#define SO_ICE_TRANSACTIONS 136
#define SO_ICE_GATHERING 16 /* of them at most */
#define SO_ICE_REPLIES 16
#define SO_ICE_EARLY 8
#define SO_ICE_COUNTED 32
#define SO_ICE_NONE 0xff /* no index */
#define SO_ICE_PIECE 8u
#define SO_ICE_PIECES(most) (((most) + SO_ICE_PIECE - 1) / SO_ICE_PIECE)
#define SO_ICE_NEVER UINT64_MAX

#define SO_ICE_CONSENT_MS 30000   /* RFC 7675 §5.1: consent expires so long after the last valid response */
#define SO_ICE_PATIENCE_MS 39500  /* RFC 8863 §4, and how long a transaction of RFC 8489 §6.2.1 takes to time out */
#define SO_ICE_LEAST_PACING_MS 5  /* RFC 8445 §14.2 */
#define SO_ICE_UNANSWERED_MS 1000 /* a request that is out for so long is no longer "on its way" */

typedef struct so_ice_creds {
    bool remote_known, lite;
    char ufrag[8 + 1], pwd[24 + 1];
    char remote_ufrag[SO_ICE_UFRAG + 1], remote_pwd[SO_ICE_PWD + 1];
    so_hmac *key, *remote_key; /* of pwd and remote_pwd */
} so_ice_creds;

typedef struct so_ice_base {
    bool used;
    so_ice_type type;    /* of its own candidate: host, or relay */
    uint16_t preference; /* RFC 8445's local preference */
    so_address address;
} so_ice_base;

/* How far the question to one server from one base has come. */
typedef enum so_ice_asked { SO_ICE_NOT_ASKED, SO_ICE_TO_ASK, SO_ICE_ASKING, SO_ICE_ASKED } so_ice_asked;

typedef struct so_ice_local {
    bool used;
    bool announce; /* an event is due */
    bool stale;    /* of an earlier generation, kept for the old pair */
    uint8_t base;
    uint8_t server; /* of a server-reflexive one */
    so_ice_type type;
    uint16_t foundation;
    uint32_t priority;
    so_address address;
} so_ice_local;

typedef struct so_ice_remote {
    bool used;
    bool old; /* of the generation before the restart that goes on */
    so_ice_type type;
    uint16_t foundation_id; /* the same number for the same text; peer-reflexive ones have one each */
    uint32_t priority;
    uint64_t ufrag_tag; /* hash of the ufrag that it came with; 0: none */
    so_address address, related;
    char foundation[SO_ICE_FOUNDATION + 1];
} so_ice_remote;

/* RFC 8445 §6.1.2.6 */
typedef enum so_ice_pair_state {
    SO_ICE_PAIR_FREE,
    SO_ICE_FROZEN,
    SO_ICE_WAITING,
    SO_ICE_IN_PROGRESS,
    SO_ICE_SUCCEEDED,
    SO_ICE_PAIR_FAILED,
} so_ice_pair_state;

/* One base and one remote candidate. Once valid it is the valid pair of RFC 8445 §7.2.5.3.2 too, with local as its end.
 */
typedef struct so_ice_pair {
    so_ice_pair_state state;
    uint8_t base, remote;
    uint8_t local; /* the candidate as which the peer sees the base; the base's own candidate before that is known */
    bool old;      /* the pair of before a restart */
    bool valid;    /* a check was answered, and consent lives */
    bool nominate; /* USE-CANDIDATE came before the pair was valid */
    bool nominated;
    bool asked;      /* asked_at holds: a request for consent is out, and nothing was heard since */
    uint32_t queued; /* its place in the triggered-check queue; 0: not in it */
    uint64_t priority, valid_priority;
    so_msec answered_at, heard_at, asked_at, consent_at;
} so_ice_pair;

typedef enum so_ice_purpose { SO_ICE_IDLE, SO_ICE_CHECK, SO_ICE_CONSENT, SO_ICE_GATHER } so_ice_purpose;

typedef struct so_ice_transaction {
    so_ice_purpose purpose; /* SO_ICE_IDLE: free */
    uint8_t id[SO_STUN_ID];
    uint8_t pair; /* or, of SO_ICE_GATHER, base and server */
    uint8_t base, server;
    uint8_t sent;        /* how often */
    bool due;            /* to be sent at the next drain */
    bool cancelled;      /* not sent again; an answer still counts (RFC 8445 §7.3.1.4) */
    bool nominating;     /* with USE-CANDIDATE */
    bool controlling;    /* the role that it was last sent with */
    uint32_t rto;        /* the first interval */
    so_msec began, next; /* next: to be sent again, or given up */
} so_ice_transaction;

typedef struct so_ice_reply {
    uint8_t id[SO_STUN_ID];
    uint8_t base;
    bool old;       /* signed with the old credentials */
    uint16_t error; /* 0: success */
    uint8_t unknown_count;
    uint16_t unknown[SO_STUN_UNKNOWN];
    so_address remote;
} so_ice_reply;

/* A request that came before the peer's credentials: RFC 8445 §7.3: "MUST be prepared to receive". */
typedef struct so_ice_early {
    uint8_t base;
    bool use_candidate;
    uint32_t priority;
    so_address remote;
} so_ice_early;

typedef struct so_ice_counted {
    bool used, old;
    uint8_t base;
    so_address remote;
    so_msec seen;
} so_ice_counted;

struct so_ice {
    so_ice_config config; /* defaults filled in */
    so_ice_state state, told_state;
    bool closed, failed;
    bool had_pair; /* media could go at some time in this generation */
    bool controlling;
    uint64_t tie_breaker;
    so_ice_creds creds, old_creds;

    so_ice_base bases[SO_ICE_BASES];
    so_address servers[SO_ICE_MAX_SERVERS];
    uint8_t server_count;
    uint8_t asked[SO_ICE_BASES][SO_ICE_MAX_SERVERS]; /* so_ice_asked */
    bool all_bases, local_end, remote_end;
    uint16_t next_preference, next_foundation, next_remote_foundation;
    uint32_t next_queued;

    /* Eight of a kind in a piece, and how many there is memory for; so_ice_local_at and so on. */
    so_ice_local *locals[SO_ICE_PIECES(SO_ICE_LOCALS)];
    so_ice_remote *remotes[SO_ICE_PIECES(SO_ICE_REMOTES)];
    so_ice_pair *pairs[SO_ICE_PIECES(SO_ICE_PAIRS)];
    so_ice_transaction *transactions[SO_ICE_PIECES(SO_ICE_TRANSACTIONS)];
    uint8_t local_count, remote_count, pair_count, transaction_count;
    so_ice_reply replies[SO_ICE_REPLIES];
    so_ice_early early[SO_ICE_EARLY];
    so_ice_counted counted[SO_ICE_COUNTED];
    uint8_t reply_first, reply_count, early_count;

    uint8_t selected; /* a pair of this generation, or none */
    uint8_t old_pair; /* what a restart left in use, or none */
    /* When the next of each may begin. Gathering has a pacer of its own so that it never holds a check up. */
    so_msec ordinary_at, triggered_at, gather_at;
    so_msec first_valid_at; /* SO_ICE_NEVER: there is none */
    so_msec patient_from;   /* when checks began, or the last pair was lost */
    so_msec news_at;        /* the last word about the peer's candidates */
    so_msec deadline;

    bool tell_end, tell_role, tell_selected;
};

static inline so_ice_local *so_ice_local_at(const so_ice *ice, size_t i)
{
    return &ice->locals[i / SO_ICE_PIECE][i % SO_ICE_PIECE];
}

static inline so_ice_remote *so_ice_remote_at(const so_ice *ice, size_t i)
{
    return &ice->remotes[i / SO_ICE_PIECE][i % SO_ICE_PIECE];
}

static inline so_ice_pair *so_ice_pair_at(const so_ice *ice, size_t i)
{
    return &ice->pairs[i / SO_ICE_PIECE][i % SO_ICE_PIECE];
}

static inline so_ice_transaction *so_ice_transaction_at(const so_ice *ice, size_t i)
{
    return &ice->transactions[i / SO_ICE_PIECE][i % SO_ICE_PIECE];
}

/* --- room.c --- */
/* The index of one more, all zeros; SO_ICE_NONE: there are as many as there may be, or no memory. */
uint8_t so_ice_more_locals(so_ice *ice);
uint8_t so_ice_more_remotes(so_ice *ice);
uint8_t so_ice_more_pairs(so_ice *ice);
uint8_t so_ice_more_transactions(so_ice *ice);
void so_ice_free_room(so_ice *ice);

/* --- ice.c --- */
/* Runs everything whose time has come, and sets the deadline. Every input ends with it. */
void so_ice_run(so_ice *ice, so_msec now);
void so_ice_wake_at(so_ice *ice, so_msec when); /* lowers the deadline */
void so_ice_set_role(so_ice *ice, bool controlling);
so_ice_creds *so_ice_creds_of(so_ice *ice, bool old);
/* The restart is over: the old pair, its credentials and addresses that counted through them alone are forgotten. */
void so_ice_drop_old(so_ice *ice);

/* --- bases.c --- */
uint8_t so_ice_find_base(const so_ice *ice, const so_address *address);
/* The local candidate at which the peer, or a server (SO_ICE_NONE: no server), sees a base; made where it is new. */
uint8_t so_ice_local_of(so_ice *ice, uint8_t base, const so_address *mapped, so_ice_type type, uint8_t server);
void so_ice_announce_again(so_ice *ice, uint8_t kept); /* restart; kept: a local candidate, or none */
void so_ice_forget_stale(so_ice *ice);
uint8_t so_ice_own_of(const so_ice *ice, uint8_t base); /* its host or relayed candidate: every base has one */
void so_ice_gather(so_ice *ice, so_msec now);
bool so_ice_gathered(const so_ice *ice);
bool so_ice_is_unicast(const so_address *a);

/* --- remotes.c --- */
/* The remote candidate there, peer-reflexive where it is new. SO_ICE_NONE: no room. */
uint8_t so_ice_learn_remote(so_ice *ice, const so_address *address, uint32_t priority);
void so_ice_free_remote(so_ice *ice, uint8_t remote); /* and its pairs */
void so_ice_forget_strangers(so_ice *ice);            /* candidates of a ufrag that is not the peer's */

/* --- pairs.c --- */
uint8_t so_ice_find_pair(const so_ice *ice, uint8_t base, uint8_t remote);
uint8_t so_ice_add_pair(so_ice *ice, uint8_t base, uint8_t remote); /* SO_ICE_NONE: not paired, or no room */
void so_ice_free_pair(so_ice *ice, uint8_t pair);                   /* and its transactions */
void so_ice_rank_pairs(so_ice *ice);                                /* after a change of role or of priorities */
void so_ice_rank_pair(so_ice *ice, uint8_t pair);
void so_ice_thaw(so_ice *ice, uint8_t pair); /* it succeeded: those of its foundation wait */
uint8_t so_ice_next_ordinary(const so_ice *ice);
uint8_t so_ice_next_triggered(const so_ice *ice);
bool so_ice_is_pending(const so_ice_pair *pair); /* frozen, waiting or in progress */
void so_ice_enqueue(so_ice *ice, uint8_t pair);  /* a triggered check */

/* --- checks.c --- */
/* false: no room, or no randomness: to be tried again later. */
bool so_ice_begin_check(so_ice *ice, so_msec now, uint8_t pair, bool nominating);
bool so_ice_begin_consent(so_ice *ice, so_msec now, uint8_t pair);
bool so_ice_begin_gather(so_ice *ice, so_msec now, uint8_t base, uint8_t server);
void so_ice_cancel_checks(so_ice *ice, uint8_t pair, so_msec now);
void so_ice_free_transactions(so_ice *ice, uint8_t pair, bool checks_alone);
bool so_ice_is_nominating(const so_ice *ice);
void so_ice_time_out(so_ice *ice, so_msec now);
void so_ice_check(so_ice *ice, so_msec now);
void so_ice_check_failed(so_ice *ice, so_ice_transaction *t);

/* --- conclude.c --- */
void so_ice_succeeded(so_ice *ice, so_ice_transaction *t, const so_address *mapped, so_msec now);
void so_ice_choose(so_ice *ice, so_msec now);
void so_ice_nominate(so_ice *ice, so_msec now);
void so_ice_keep_consent(so_ice *ice, so_msec now);
void so_ice_lose(so_ice *ice, uint8_t pair, so_msec now); /* consent to send there is over */
void so_ice_pair_heard(so_ice *ice, uint8_t pair, so_msec now);
void so_ice_settle(so_ice *ice, so_msec now); /* out of pairs? and the state */
uint8_t so_ice_best_valid(const so_ice *ice); /* of this generation */
uint8_t so_ice_sending(const so_ice *ice);    /* the pair of so_ice_send_pair */

/* --- receive.c --- */
void so_ice_count(so_ice *ice, uint8_t base, const so_address *remote, bool old, so_msec now);
void so_ice_take_check(so_ice *ice, const so_ice_early *from, so_msec now); /* RFC 8445 §7.3.1.3 on */

#endif
