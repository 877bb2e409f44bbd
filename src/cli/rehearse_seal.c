/*
 * An evil server between two ends of this program (attacks 6 and 23): what it does to their envelopes must end the
 * call, with the seal named as the door that failed, before a datagram of media has left.
 */
#include "cli/rehearse_calls.h"

#include "trust/seal.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 64
#define KEPT_BYTES 8192

typedef enum trick { ALTER, OTHER_KIND, REPLAY, DROP, REORDER, REFLECT, SPLICE, GARBAGE } trick;

/* What the server does, to which kind of message, and what the end that finds out must say. */
static const struct {
    trick trick;
    so_seal_kind kind;
    bool back; /* who said it finds out */
    const char *code;
} tricks[] = {
    [ALTER] = {ALTER, SO_SEAL_OFFER, false, "seal-altered"}, /* that is where the fingerprint stands */
    [OTHER_KIND] = {OTHER_KIND, SO_SEAL_STATE, false, "seal-altered"},
    [REPLAY] = {REPLAY, SO_SEAL_ANSWER, false, "seal-replayed"},
    [DROP] = {DROP, SO_SEAL_STATE, false, "seal-gap"},
    [REORDER] = {REORDER, SO_SEAL_STATE, false, "seal-gap"},
    [REFLECT] = {REFLECT, SO_SEAL_OFFER, true, "seal-reflected"},
    [SPLICE] = {SPLICE, SO_SEAL_ANSWER, false, "seal-spliced"},
    [GARBAGE] = {GARBAGE, SO_SEAL_OFFER, false, "seal-malformed"},
};

typedef struct evil {
    int variant;
    bool done;
    unsigned from;
    size_t kept_len;
    uint8_t kept[CALLS_PAYLOAD];
} evil;

/* Past type, kind, sid and counter, and for an answer the hash of its offer. */
static size_t body_of(so_seal_kind kind)
{
    return 1 + 1 + SO_SID_LEN + 8 + (kind == SO_SEAL_ANSWER ? SO_SHA256_LEN : 0);
}

/* Gives back what was kept, behind what came after it. */
static bool give_back(calls *c, evil *e, unsigned to, const uint8_t *payload, size_t len)
{
    size_t kept = e->kept_len;

    e->kept_len = 0;
    calls_tell(c, to, payload, len);
    calls_tell(c, to, e->kept, kept);
    return false;
}

static bool meddle(calls *c, unsigned from, uint8_t *payload, size_t *len)
{
    evil *e = c->user;
    trick what = tricks[e->variant].trick;
    so_seal_kind kind = tricks[e->variant].kind;

    if (e->kept_len > 0 && from == e->from)
        return give_back(c, e, 1 - from, payload, *len);
    if (e->done || payload[0] != 2 || payload[1] != kind)
        return true;
    /* A gap shows by what comes behind it: the end that came last says its state and then an offer. */
    if ((what == DROP || what == REORDER) && from == 0)
        return true;
    e->done = true;
    e->from = from;
    if (what == ALTER)
        payload[body_of(kind) + 3] ^= 0x10;
    else if (what == OTHER_KIND)
        payload[1] = SO_SEAL_BYE;
    else if (what == REPLAY)
        calls_tell(c, 1 - from, payload, *len);
    else if (what == REFLECT)
        calls_tell(c, from, payload, *len);
    else if (what == SPLICE)
        payload[body_of(kind) - 1] ^= 1;
    else if (what == GARBAGE)
        payload[0] = 7;
    if (what == REORDER) {
        memcpy(e->kept, payload, *len);
        e->kept_len = *len;
    }
    return what != DROP && what != REORDER;
}

static void call(calls *c)
{
    calls_connect(c, 0);
    calls_run(c, 100);
    if (!c->broken)
        calls_connect(c, 1); /* came last: opens, and offers */
    calls_run(c, 3000);
}

static bool honest_call(rehearsal *r)
{
    calls c;
    bool good = calls_begin(&c, NULL);

    if (good) {
        call(&c);
        good = !c.broken && c.ends[0].opened && c.ends[1].opened && calls_hear_each_other(&c);
    }
    calls_end_all(&c);
    return good || rehearse_failed(r, "two honest ends did not come to a call");
}

static rehearse_result judge(rehearsal *r, calls *c, const evil *e)
{
    const calls_end *victim;
    const char *code = tricks[e->variant].code;

    if (c->broken || !e->done)
        return rehearse_not_tried(r, "the two ends did not come so far");
    victim = &c->ends[tricks[e->variant].back ? e->from : 1 - e->from];
    if (so_call_state_of(victim->call) != SO_CALL_FAILED)
        return rehearse_weak(r, "the call went on (%s)", so_call_state_name(so_call_state_of(victim->call)));
    if (strcmp(so_call_reason(victim->call), code) != 0)
        return rehearse_weak(r, "the call ended, by %s; %s is due", so_call_reason(victim->call), code);
    if (so_call_report(victim->call, c->now)->failed_door != SO_DOOR_SEAL)
        return rehearse_weak(r, "the call ended by %s, and the report names another door than the seal", code);
    if (victim->opened || c->ends[0].media + c->ends[1].media > 0)
        return rehearse_weak(r, "the call ended by %s, but media had left", code);
    return rehearse_held(r, "the call ended by %s; nothing of media had left", code);
}

static rehearse_result play(rehearsal *r, int variant)
{
    evil *e = calloc(1, sizeof *e);
    rehearse_result result = REHEARSE_NOT_TRIED;
    calls c;

    if (e != NULL && calls_begin(&c, NULL)) {
        e->variant = variant;
        c.user = e;
        c.meddle = meddle;
        call(&c);
        result = judge(r, &c, e);
    }
    if (e != NULL)
        calls_end_all(&c);
    free(e);
    return result;
}

/* ---- envelopes of another call by the same link ---- */

typedef struct recorder {
    uint8_t payload[KEPT][KEPT_BYTES];
    size_t len[KEPT];
    unsigned from[KEPT], count;
    unsigned put;
} recorder;

static bool record(calls *c, unsigned from, uint8_t *payload, size_t *len)
{
    recorder *rec = c->user;

    if (rec->count < KEPT && *len <= KEPT_BYTES) {
        memcpy(rec->payload[rec->count], payload, *len);
        rec->from[rec->count] = from;
        rec->len[rec->count++] = *len;
    }
    return true;
}

/* Every sealed message is one of the other call's, of the same end and kind. */
static bool put_recorded(calls *c, unsigned from, uint8_t *payload, size_t *len)
{
    recorder *rec = c->user;

    for (unsigned i = 0; payload[0] == 2 && i < rec->count; i++)
        if (rec->from[i] == from && rec->payload[i][0] == 2 && rec->payload[i][1] == payload[1]) {
            *len = rec->len[i];
            memcpy(payload, rec->payload[i], *len);
            rec->put++;
            break;
        }
    return true;
}

static rehearse_result judge_other_call(rehearsal *r, calls *c, const recorder *rec)
{
    if (c->broken || rec->put == 0)
        return rehearse_not_tried(r, "the two ends did not come so far");
    for (unsigned i = 0; i < 2; i++)
        if (c->ends[i].opened || c->ends[i].datagrams > 0 || so_call_peer(c->ends[i].call) != NULL)
            return rehearse_weak(r, "an end acted on what was said in the other call");
    return rehearse_held(r, "%u old envelopes were passed over; neither end sent a datagram", rec->put);
}

static rehearse_result other_call(rehearsal *r, int variant)
{
    recorder *rec = calloc(1, sizeof *rec);
    rehearse_result result = REHEARSE_NOT_TRIED;
    so_invite invite;
    calls c;

    (void)variant;
    if (rec == NULL)
        return rehearse_not_tried(r, "not enough memory");
    if (calls_begin(&c, NULL)) {
        c.user = rec;
        c.meddle = record;
        call(&c);
    }
    invite = c.invite;
    calls_end_all(&c);
    if (calls_begin(&c, &invite)) {
        c.user = rec;
        c.meddle = put_recorded;
        call(&c);
        calls_run(&c, 40000);
        result = judge_other_call(r, &c, rec);
    }
    calls_end_all(&c);
    so_invite_wipe(&invite);
    free(rec);
    return result;
}

static const rehearse_attack attacks[] = {
    {"seal-altered", "an offer with one bit changed by the server", play, ALTER},
    {"seal-kind", "a message given out as one of another kind", play, OTHER_KIND},
    {"seal-replayed", "an answer that comes twice", play, REPLAY},
    {"seal-dropped", "a message left out", play, DROP},
    {"seal-reordered", "two messages that change places", play, REORDER},
    {"seal-reflected", "an end's own offer sent back to it", play, REFLECT},
    {"seal-spliced", "an answer to another offer", play, SPLICE},
    {"seal-garbage", "bytes that are no envelope", play, GARBAGE},
    {"seal-other-call", "envelopes of another call by the same link", other_call, 0},
};

const rehearse_group rehearse_seal = {.name = "seal",
                                      .whom = REHEARSE_PROGRAM,
                                      .good = "two honest ends come to a call and hear each other",
                                      .control = honest_call,
                                      .attacks = attacks,
                                      .count = sizeof attacks / sizeof attacks[0]};
