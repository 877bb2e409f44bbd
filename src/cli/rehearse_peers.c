#include "cli/rehearse_peers.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TURNS_MAX 5000
#define FRAME 60
#define FRAMES 10

/* ---- making ---- */

static bool make(peers *p, unsigned i)
{
    peers_end *e = &p->ends[i];
    const so_peer_config config = {.engine = &p->engine,
                                   .random = so_random_system,
                                   .now = p->now,
                                   .unix_ms = (uint64_t)time(NULL) * 1000,
                                   .polite = i == 1};

    if (so_peer_new(&e->peer, &config, NULL) != SO_OK ||
        so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &e->track) != SO_OK ||
        so_address_parse(&e->base, i == 0 ? "192.0.2.1" : "192.0.2.2", 5000) != SO_OK ||
        so_peer_add_base(e->peer, p->now, &e->base) != SO_OK)
        return false;
    so_peer_no_more_bases(e->peer, p->now);
    return true;
}

bool peers_begin(peers *p)
{
    memset(p, 0, sizeof *p);
    p->now = 1;
    return so_engine_open(&p->engine, NULL) == SO_OK && make(p, 0) && make(p, 1);
}

void peers_end_all(peers *p)
{
    so_peer_free(p->ends[0].peer);
    so_peer_free(p->ends[1].peer);
    so_engine_close(&p->engine);
}

/* ---- the wire ---- */

void peers_inject(peers *p, unsigned to, const so_address *source, const uint8_t *bytes, size_t len)
{
    uint8_t copy[2048]; /* what comes is decrypted in place */

    if (len > sizeof copy)
        return;
    memcpy(copy, bytes, len);
    so_peer_receive(p->ends[to].peer, p->now, &p->ends[to].base, source, copy, len);
}

static bool carry(peers *p, unsigned from)
{
    peers_end *e = &p->ends[from], *other = &p->ends[1 - from];
    peers_datagram d = {.from = from};
    so_datagram out;
    bool any = false;

    while (so_peer_transmit(e->peer, p->now, &out)) {
        any = true;
        if (out.len > sizeof d.bytes) {
            p->broken = true;
            break;
        }
        d.source = out.local;
        d.target = out.remote;
        d.kind = so_demux_of(out.bytes, out.len);
        d.len = out.len;
        memcpy(d.bytes, out.bytes, out.len);
        e->media += d.kind == SO_DEMUX_RTP || d.kind == SO_DEMUX_RTCP;
        if (p->tap != NULL && !p->tap(p, &d))
            continue;
        if (so_address_equal(&d.target, &other->base))
            peers_inject(p, 1 - from, &d.source, d.bytes, d.len);
    }
    return any;
}

static bool events(peers *p, unsigned from)
{
    peers_end *e = &p->ends[from], *other = &p->ends[1 - from];
    so_peer_event event;
    bool any = false;

    while (so_peer_event_next(e->peer, p->now, &event)) {
        any = true;
        e->frames += event.kind == SO_PEER_FRAME;
        if (event.kind == SO_PEER_CANDIDATE && so_peer_had_remote(other->peer) &&
            so_peer_add_candidate(other->peer, p->now, event.candidate, event.ufrag) != SO_OK)
            p->broken = true;
    }
    e->opened |= so_peer_state_of(e->peer) == SO_PEER_OPEN;
    return any;
}

static void settle(peers *p)
{
    bool any = true;

    for (int turn = 0; any && !p->broken; turn++) {
        any = false;
        for (unsigned from = 0; from < 2; from++) {
            any = carry(p, from) || any;
            any = events(p, from) || any;
        }
        p->broken = p->broken || turn > TURNS_MAX;
    }
}

void peers_run(peers *p, so_msec ms)
{
    so_msec until = p->now + ms;

    for (int turn = 0; turn < TURNS_MAX; turn++) {
        so_msec at = until;

        settle(p);
        for (unsigned i = 0; i < 2; i++) {
            so_msec due = so_peer_deadline(p->ends[i].peer, p->now);

            at = due < at ? due : at;
        }
        if (at >= until)
            break;
        p->now = at > p->now ? at : p->now + 1;
        for (unsigned i = 0; i < 2; i++)
            so_peer_tick(p->ends[i].peer, p->now);
    }
    p->now = until > p->now ? until : p->now;
    for (unsigned i = 0; i < 2; i++)
        so_peer_tick(p->ends[i].peer, p->now);
    settle(p);
}

/* ---- what is said ---- */

static bool take(peers *p, unsigned to, so_sdp_type type, const char *sdp)
{
    so_sdp_taken taken;

    return so_peer_take(p->ends[to].peer, p->now, type, sdp, strlen(sdp), &taken, NULL) == SO_OK;
}

bool peers_negotiate(peers *p, unsigned offerer)
{
    static char sdp[2 * SO_PEER_SDP_MAX];
    unsigned other = 1 - offerer;

    if (so_peer_offer(p->ends[offerer].peer, p->now, sdp, SO_PEER_SDP_MAX, NULL) != SO_OK)
        return false;
    if (p->rewrite != NULL)
        p->rewrite(p, offerer, SO_SDP_OFFER, sdp, sizeof sdp);
    if (!take(p, other, SO_SDP_OFFER, sdp) ||
        so_peer_answer(p->ends[other].peer, p->now, sdp, SO_PEER_SDP_MAX, NULL) != SO_OK)
        return false;
    if (p->rewrite != NULL)
        p->rewrite(p, other, SO_SDP_ANSWER, sdp, sizeof sdp);
    return take(p, offerer, SO_SDP_ANSWER, sdp);
}

bool peers_are_open(const peers *p)
{
    return so_peer_state_of(p->ends[0].peer) == SO_PEER_OPEN && so_peer_state_of(p->ends[1].peer) == SO_PEER_OPEN;
}

bool peers_open(peers *p)
{
    if (!peers_begin(p) || !peers_negotiate(p, 0))
        return false;
    peers_run(p, 500);
    return peers_are_open(p);
}

/* old_len bytes at at become with; false: there is no room. */
static bool swap(char *text, size_t cap, char *at, size_t old_len, const char *with)
{
    size_t new_len = strlen(with);

    if (strlen(text) + new_len >= cap)
        return false;
    memmove(at + new_len, at + old_len, strlen(at + old_len) + 1);
    memcpy(at, with, new_len);
    return true;
}

bool peers_replace(char *text, size_t cap, const char *what, const char *with)
{
    bool any = false;

    for (char *at = text; (at = strstr(at, what)) != NULL; at += strlen(with)) {
        if (!swap(text, cap, at, strlen(what), with))
            return false;
        any = true;
    }
    return any;
}

bool peers_replace_line(char *text, size_t cap, const char *begins, const char *with)
{
    bool any = false;

    for (char *at = text; (at = strstr(at, begins)) != NULL; at += strlen(with)) {
        if (!swap(text, cap, at, strcspn(at, "\r"), with))
            return false;
        any = true;
    }
    return any;
}

/* ---- media ---- */

bool peers_send(peers *p, unsigned from)
{
    const uint8_t bytes[FRAME] = {0xf8}; /* one Opus frame of 20 ms */
    const so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = p->numbers++ * 960};

    return so_peer_send(p->ends[from].peer, p->now, p->ends[from].track, &frame) == SO_OK;
}

bool peers_hear_each_other(peers *p)
{
    for (unsigned from = 0; from < 2; from++) {
        unsigned before = p->ends[1 - from].frames;

        for (int i = 0; i < FRAMES; i++) {
            if (!peers_send(p, from))
                return false;
            peers_run(p, 20);
        }
        peers_run(p, 200);
        if (p->ends[1 - from].frames != before + FRAMES)
            return false;
    }
    return true;
}

so_peer_facts peers_facts(const peers *p, unsigned i)
{
    so_peer_facts facts;

    so_peer_facts_of(p->ends[i].peer, &facts);
    return facts;
}

bool peers_honest(rehearsal *r)
{
    peers p;
    bool good = peers_open(&p) && peers_hear_each_other(&p);

    peers_end_all(&p);
    return good || rehearse_failed(r, "two honest ends did not come to a call");
}
