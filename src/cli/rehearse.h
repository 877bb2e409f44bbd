/*
 * `sotto rehearse`: attacks that are made against a deployment of one's own, split by what they attack. Each one ends
 * in what was seen; "held" only where a refusal was seen, and where the good thing that is like the attack works.
 */
#ifndef SOTTO_CLI_REHEARSE_H
#define SOTTO_CLI_REHEARSE_H

#include "net/loop.h"
#include "net/tls.h"
#include "net/url.h"
#include "trust/invite.h"

/* So long an answer may take, in ms; what has not come by then does not come. */
#define REHEARSE_PATIENCE 5000
/* So long nothing must be heard for it to count as silence. */
#define REHEARSE_SILENCE 1500

#define REHEARSE_SIGNALS 3

typedef enum rehearse_result { REHEARSE_HELD, REHEARSE_WEAK, REHEARSE_NOT_TRIED } rehearse_result;

/* Who was attacked: the server, the end of a call that this program is itself, or the one that waits at a link. */
typedef enum rehearse_whom { REHEARSE_SERVER, REHEARSE_PROGRAM, REHEARSE_LINK } rehearse_whom;

typedef struct rehearsal rehearsal;

typedef struct rehearse_attack {
    const char *name;  /* a word of man/sotto-rehearse.1 */
    const char *tries; /* one line for people */
    rehearse_result (*run)(rehearsal *r, int variant);
    int variant; /* which of those that run knows */
} rehearse_attack;

typedef struct rehearse_group {
    const char *name;
    rehearse_whom whom;
    const char *good; /* what must work, before the attacks and after them */
    bool (*control)(rehearsal *r);
    const rehearse_attack *attacks;
    size_t count;
} rehearse_group;

struct rehearsal {
    const so_url *url;
    const so_invite *invite; /* of the link that was given as URL, or NULL */
    char at[64];             /* the address that all of it goes to */
    const char *ca;
    SSL_CTX *ctx;
    bool json, slow, bar;
    so_loop loop;
    uv_timer_t patience;
    bool late;
    uv_signal_t signals[REHEARSE_SIGNALS];
    bool interrupted;
    struct rehearse_slow_seen {
        bool there;
        rehearse_result results[3];
        char seen[3][300];
    } slow_seen;                /* of the attacks that wait for the server together */
    struct rehearse_room *room; /* two honest ends, or NULL */
    struct rehearse_own *own;   /* the server that was started for this, or NULL */
    unsigned held, weak, not_tried, failed, done, total;
    char seen[300]; /* by the attack that is under way */
};

extern const rehearse_group rehearse_tls, rehearse_impostors, rehearse_origins, rehearse_requests, rehearse_messages,
    rehearse_limits, rehearse_slow, rehearse_link, rehearse_seal, rehearse_keys, rehearse_media;

/* What an attack returns; the text is what was seen, without a full stop. */
rehearse_result rehearse_saw(rehearsal *r, rehearse_result result, const char *fmt, ...) SO_PRINTF(3, 4);
#define rehearse_held(r, ...) rehearse_saw((r), REHEARSE_HELD, __VA_ARGS__)
#define rehearse_weak(r, ...) rehearse_saw((r), REHEARSE_WEAK, __VA_ARGS__)
#define rehearse_not_tried(r, ...) rehearse_saw((r), REHEARSE_NOT_TRIED, __VA_ARGS__)
/* The same for a control: false, and what was seen. */
bool rehearse_failed(rehearsal *r, const char *fmt, ...) SO_PRINTF(2, 3);

/* ---- rehearse_say.c ---- */

void rehearse_say_begin(rehearsal *r, const char *whom);
void rehearse_say_group(rehearsal *r, const rehearse_group *group);
void rehearse_say_control(rehearsal *r, const rehearse_group *group, bool after);
void rehearse_say_attack(rehearsal *r, const rehearse_group *group, const rehearse_attack *attack,
                         rehearse_result result);
void rehearse_say_now(rehearsal *r, const char *what); /* the bar, where there is one */
void rehearse_say_end(rehearsal *r);
/* Something for a person, on standard error; the bar is taken away first. */
void rehearse_say_error(rehearsal *r, const char *text);

/* ---- rehearse_server.c ---- */

/* Starts a server of this program in a folder of its own. url and ca are filled. */
so_status rehearse_own_start(rehearsal *r, so_url *url, so_error *err) SO_MUST_CHECK;
/* Ends it and takes its folder away. May be called at any time, and twice. */
void rehearse_own_end(rehearsal *r);
/* Finds the server, and makes sure that it may be attacked: at is filled. token: empty where there is none. */
so_status rehearse_permit(rehearsal *r, const char *connect_to, so_slice token, so_error *err) SO_MUST_CHECK;

#endif
