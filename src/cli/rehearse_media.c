/* Somebody on the wire of a call (attacks 1, 11, 12 and 13): who races, sprays, repeats and alters. */
#include "cli/rehearse_peers.h"

#include <stdlib.h>
#include <string.h>

#define HELLOS 8

static so_address stranger(const char *ip)
{
    so_address address = {.family = 0};

    return so_address_parse(&address, ip, 4444) == SO_OK ? address : (so_address){.family = 0};
}

/* ---- a handshake raced from elsewhere ---- */

typedef struct racer {
    peers_datagram hellos[HELLOS]; /* of another call, as they were on the wire */
    size_t count;
    so_address from;
    uint64_t sent;
} racer;

static bool record(peers *p, peers_datagram *d)
{
    racer *rc = p->user;

    if (d->kind == SO_DEMUX_DTLS && rc->count < HELLOS)
        rc->hellos[rc->count++] = *d;
    return true;
}

/* Before each datagram of the two, the racer is there first. */
static bool race(peers *p, peers_datagram *d)
{
    racer *rc = p->user;

    (void)d;
    for (size_t i = 0; i < rc->count; i++)
        for (unsigned to = 0; to < 2; to++, rc->sent++)
            peers_inject(p, to, &rc->from, rc->hellos[i].bytes, rc->hellos[i].len);
    return true;
}

static rehearse_result judge_race(rehearsal *r, peers *p, const racer *rc)
{
    uint64_t stray = peers_facts(p, 0).stray + peers_facts(p, 1).stray;

    p->tap = NULL;
    if (stray < rc->sent)
        return rehearse_weak(r, "%llu of %llu hellos from elsewhere were looked at",
                             (unsigned long long)(rc->sent - stray), (unsigned long long)rc->sent);
    if (!peers_are_open(p) || !peers_hear_each_other(p))
        return rehearse_weak(r, "the call did not come about");
    return rehearse_held(r, "%llu datagrams of handshakes from elsewhere were dropped, and the call came about",
                         (unsigned long long)stray);
}

static rehearse_result race_hellos(rehearsal *r, int variant)
{
    racer *rc = calloc(1, sizeof *rc);
    rehearse_result result = rehearse_not_tried(r, "no hello could be made");
    peers other, p;

    (void)variant;
    if (rc == NULL)
        return result;
    rc->from = stranger("198.51.100.66");
    if (peers_begin(&other)) {
        other.user = rc;
        other.tap = record;
        if (peers_negotiate(&other, 0))
            peers_run(&other, 500);
    }
    peers_end_all(&other);
    if (peers_begin(&p) && rc->count > 0) {
        p.user = rc;
        p.tap = race;
        if (peers_negotiate(&p, 0))
            peers_run(&p, 1000);
        result = judge_race(r, &p, rc);
    }
    peers_end_all(&p);
    free(rc);
    return result;
}

/* ---- packets of an open call ---- */

typedef struct holder {
    peers_datagram packet; /* of media, by end 0 */
    bool holds;
    bool arrives;
    unsigned elsewhere; /* media of end 1 to anybody but end 0 */
} holder;

static bool hold(peers *p, peers_datagram *d)
{
    holder *h = p->user;

    if (d->from == 1 && (d->kind == SO_DEMUX_RTP || d->kind == SO_DEMUX_RTCP))
        h->elsewhere += !so_address_equal(&d->target, &p->ends[0].base);
    if (d->from != 0 || d->kind != SO_DEMUX_RTP || !h->holds)
        return true;
    h->packet = *d;
    return h->arrives;
}

static uint64_t taken_by(const peers *p, unsigned i)
{
    return peers_facts(p, i).received.unprotected_rtp;
}

/* The true packet from another address, before it was there: nothing may be learnt from it. */
static rehearse_result spray(rehearsal *r, peers *p, holder *h)
{
    const so_address thief = stranger("198.51.100.67");
    uint64_t before = taken_by(p, 1), stray = peers_facts(p, 1).stray;

    for (int i = 0; i < 50; i++) {
        (void)peers_send(p, 0);
        peers_run(p, 20);
        peers_inject(p, 1, &thief, h->packet.bytes, h->packet.len);
        (void)peers_send(p, 1);
        peers_run(p, 1);
    }
    if (taken_by(p, 1) != before || peers_facts(p, 1).stray != stray + 50)
        return rehearse_weak(r, "packets from an address that ICE had not validated were taken");
    if (h->elsewhere > 0)
        return rehearse_weak(r, "the end sent its media to whoever had sent it some");
    return rehearse_held(r, "50 packets from elsewhere were dropped, and no media followed them");
}

static rehearse_result replay(rehearsal *r, peers *p, holder *h)
{
    uint64_t before = taken_by(p, 1), replayed = peers_facts(p, 1).received.replayed;

    for (int i = 0; i < 20; i++)
        peers_inject(p, 1, &h->packet.source, h->packet.bytes, h->packet.len);
    if (taken_by(p, 1) != before)
        return rehearse_weak(r, "a packet was taken %llu times more", (unsigned long long)(taken_by(p, 1) - before));
    return peers_facts(p, 1).received.replayed == replayed + 20
               ? rehearse_held(r, "20 replays were counted as such and dropped")
               : rehearse_weak(r, "the replays were dropped, but not as replays");
}

static rehearse_result alter(rehearsal *r, peers *p, holder *h)
{
    uint64_t before = taken_by(p, 1), failed = peers_facts(p, 1).received.auth_failed;
    const unsigned body = 24; /* behind header and extension, up to the tag's end */
    unsigned count = 0;

    for (size_t at = body; at < h->packet.len; at++, count++) {
        h->packet.bytes[at] ^= 1;
        peers_inject(p, 1, &h->packet.source, h->packet.bytes, h->packet.len);
        h->packet.bytes[at] ^= 1;
    }
    if (taken_by(p, 1) != before)
        return rehearse_weak(r, "an altered packet was taken");
    if (peers_facts(p, 1).received.auth_failed != failed + count)
        return rehearse_weak(r, "altered packets were dropped, but not for their tags");
    peers_inject(p, 1, &h->packet.source, h->packet.bytes, h->packet.len);
    return taken_by(p, 1) == before + 1
               ? rehearse_held(r, "%u altered packets failed by their tags; the true one was taken after them", count)
               : rehearse_weak(r, "altered packets were dropped, but the true one was lost by them");
}

enum { SPRAY, REPLAY, ALTER };

static rehearse_result on_the_wire(rehearsal *r, int variant)
{
    rehearse_result result = rehearse_not_tried(r, "no call came about");
    holder h = {.arrives = variant == REPLAY};
    peers p;

    if (peers_open(&p) && peers_hear_each_other(&p)) {
        p.user = &h;
        p.tap = hold;
        h.holds = true;
        (void)peers_send(&p, 0);
        peers_run(&p, 20);
        if (variant != SPRAY)
            h.holds = false;
        if (h.packet.len == 0)
            result = rehearse_not_tried(r, "no packet came by");
        else if (variant == SPRAY)
            result = spray(r, &p, &h);
        else
            result = variant == REPLAY ? replay(r, &p, &h) : alter(r, &p, &h);
        p.tap = NULL;
        if (result == REHEARSE_HELD && !peers_are_open(&p))
            result = rehearse_weak(r, "the packets were dropped, but the call ended");
    }
    peers_end_all(&p);
    return result;
}

static const rehearse_attack attacks[] = {
    {"hello-race", "ClientHellos from an address that nobody validated", race_hellos, 0},
    {"rtp-spray", "the call's own packets from another address", on_the_wire, SPRAY},
    {"srtp-replay", "a packet that comes again", on_the_wire, REPLAY},
    {"srtp-altered", "a packet with one bit changed", on_the_wire, ALTER},
};

const rehearse_group rehearse_media = {.name = "media",
                                       .whom = REHEARSE_PROGRAM,
                                       .good = "two honest ends open a call and hear each other",
                                       .control = peers_honest,
                                       .attacks = attacks,
                                       .count = sizeof attacks / sizeof attacks[0]};
