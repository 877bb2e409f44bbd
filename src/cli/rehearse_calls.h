/*
 * Two calls by one link, and the server between them, which may do what it likes to what they say. All in this process
 * and in a time of its own, so that nothing need be waited for.
 */
#ifndef SOTTO_CLI_REHEARSE_CALLS_H
#define SOTTO_CLI_REHEARSE_CALLS_H

#include "cli/rehearse.h"

#include "call/call.h"
#include "signal/message.h"

#define CALLS_PAYLOAD 20000

typedef struct calls calls;

typedef struct calls_end {
    so_call *call;
    char id[SO_MEMBER_ID_LEN + 1];
    so_address base;
    bool joined, opened;
    unsigned frames;
    uint64_t datagrams, media; /* that it sent */
} calls_end;

struct calls {
    so_engine engine;
    so_invite invite;
    so_msec now;
    calls_end ends[2];
    /* What the server does to a payload; false: it does not arrive as such. May change it, never beyond
     * CALLS_PAYLOAD. */
    bool (*meddle)(calls *c, unsigned from, uint8_t *payload, size_t *len);
    void *user;
    bool broken; /* no memory, or an end said what no end says */
};

/* invite NULL: a new link. false: no memory. */
bool calls_begin(calls *c, const so_invite *invite);
void calls_end_all(calls *c);
/* An end comes, and takes its seat. */
void calls_connect(calls *c, unsigned i);
void calls_run(calls *c, so_msec ms);
/* A payload arrives at an end, as if the other one had sent it. */
void calls_tell(calls *c, unsigned to, const uint8_t *payload, size_t len);
/* Frames of sound both ways; did all arrive? */
bool calls_hear_each_other(calls *c);

#endif
