/* Somebody on the wire of a call (attacks 1, 11, 12 and 13): who races, sprays, repeats and alters. */
#include "cli/rehearse_peers.h"

#include "stun/build.h"

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
    peers_datagram check; /* of ICE, by end 0 to end 1 */
    unsigned elsewhere;   /* what end 1 sent to anybody but end 0 */
} holder;

static bool hold(peers *p, peers_datagram *d)
{
    holder *h = p->user;

    if (d->from == 1)
        h->elsewhere += !so_address_equal(&d->target, &p->ends[0].base);
    if (d->from == 0 && d->kind == SO_DEMUX_STUN && h->check.len == 0 && (d->bytes[0] & 1) == 0)
        h->check = *d; /* a request: RFC 8489 §5 */
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

/* A check by somebody who has seen the names on the wire, and has to guess the password. */
static size_t forge(uint8_t *out, size_t cap, const peers_datagram *check)
{
    static const char guess[] = "0123456789012345678901";
    so_writer w = so_writer_of(out, cap);
    so_hmac *key = NULL;
    so_stun_message seen;
    so_slice name;

    if (so_stun_parse(&seen, check->bytes, check->len) != SO_OK ||
        so_hmac_sha1_new(&key, (so_slice){guess, sizeof guess - 1}) != SO_OK)
        return 0;
    name = so_stun_find(&seen, SO_STUN_USERNAME);
    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, (const uint8_t *)"forged forge");
    so_stun_put(&w, SO_STUN_USERNAME, name.bytes, name.len);
    so_stun_put_u32(&w, SO_STUN_PRIORITY, 0x7effffff);
    so_stun_put_u64(&w, SO_STUN_ICE_CONTROLLING, UINT64_MAX);
    so_stun_put(&w, SO_STUN_USE_CANDIDATE, NULL, 0);
    if (so_stun_end(&w, key, true) != SO_OK)
        w.failed = true;
    so_hmac_free(key);
    return w.failed ? 0 : so_writer_len(&w);
}

static rehearse_result forge_checks(rehearsal *r, peers *p, holder *h)
{
    const so_address thief = stranger("198.51.100.68");
    uint8_t bytes[400];
    size_t len = forge(bytes, sizeof bytes, &h->check);

    if (len == 0)
        return rehearse_not_tried(r, "no check came by");
    for (int i = 0; i < 20; i++) {
        peers_inject(p, 1, &thief, bytes, len);
        peers_run(p, 100);
    }
    if (h->elsewhere > 0)
        return rehearse_weak(r, "the end answered, or went to where the forged checks came from");
    return rehearse_held(r, "20 forged checks were not answered, and nothing went to where they came from");
}

enum { SPRAY, REPLAY, ALTER, FORGE };

static rehearse_result on_the_wire(rehearsal *r, int variant)
{
    rehearse_result result = rehearse_not_tried(r, "no call came about");
    holder h = {.arrives = variant == REPLAY};
    peers p;

    if (peers_open(&p) && peers_hear_each_other(&p)) {
        p.user = &h;
        p.tap = hold;
        peers_run(&p, 8000); /* consent is asked for every five seconds or so (RFC 7675) */
        h.holds = true;
        (void)peers_send(&p, 0);
        peers_run(&p, 20);
        if (variant != SPRAY)
            h.holds = false;
        if (h.packet.len == 0)
            result = rehearse_not_tried(r, "no packet came by");
        else if (variant == SPRAY)
            result = spray(r, &p, &h);
        else if (variant == FORGE)
            result = forge_checks(r, &p, &h);
        else
            result = variant == REPLAY ? replay(r, &p, &h) : alter(r, &p, &h);
        p.tap = NULL;
        if (result == REHEARSE_HELD && !peers_are_open(&p))
            result = rehearse_weak(r, "all of it was dropped, but the call ended");
    }
    peers_end_all(&p);
    return result;
}

static const rehearse_attack attacks[] = {
    {"hello-race", "ClientHellos from an address that nobody validated", race_hellos, 0},
    {"rtp-spray", "the call's own packets from another address", on_the_wire, SPRAY},
    {"stun-forged", "checks of ICE whose password is guessed", on_the_wire, FORGE},
    {"srtp-replay", "a packet that comes again", on_the_wire, REPLAY},
    {"srtp-altered", "a packet with one bit changed", on_the_wire, ALTER},
};

const rehearse_group rehearse_media = {.name = "media",
                                       .whom = REHEARSE_PROGRAM,
                                       .good = "two honest ends open a call and hear each other",
                                       .control = peers_honest,
                                       .attacks = attacks,
                                       .count = sizeof attacks / sizeof attacks[0]};
