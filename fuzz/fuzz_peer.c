/*
 * peer: a whole peer with an honest one at the other end of a wire and of a signaling that belong to the input:
 * datagrams from anywhere, made up or altered or again; descriptions and candidates, made up or altered. Never is it
 * open for another certificate than the honest one's, and never does it give out a frame that was not sent.
 */
#include "clock.h"
#include "peer/demux.h"
#include "peer/peer.h"

#include <stdlib.h>
#include <string.h>

#define KEPT 32
#define FRAME 30

typedef struct kept {
    uint8_t bytes[1400];
    size_t len;
} kept;

typedef struct rig {
    so_peer *peers[2]; /* target, and the honest one */
    so_address bases[2];
    size_t tracks[2];
    kept said[2][KEPT];
    unsigned said_count[2], heard[2];
    uint32_t sent, last; /* frames of the honest one: how many, and the number that came out last + 1 */
    bool was_open;
    so_reader input;
} rig;

static so_engine engine;

static void check(bool good)
{
    if (!good)
        abort();
}

static so_address address_of(uint8_t draw)
{
    const uint8_t ip[4] = {10, 0, (uint8_t)(draw >> 6), (uint8_t)(draw % 4)};

    return so_address_of(ip, 4, draw & 0x20 ? 5001 : 5000);
}

static void look(rig *r)
{
    so_peer_facts target, honest;

    if (so_peer_state_of(r->peers[0]) != SO_PEER_OPEN)
        return;
    r->was_open = true;
    so_peer_facts_of(r->peers[0], &target);
    so_peer_facts_of(r->peers[1], &honest);
    check(so_fingerprint_equal(&target.seen, &honest.mine) && so_fingerprint_equal(&target.seen, &target.signaled));
    check(target.srtp_profile != NULL);
}

static void take_frame(rig *r, const so_peer_event *event)
{
    so_reader frame = so_reader_of(event->frame.bytes, event->frame.len);
    uint32_t number;

    check(event->frame.len == FRAME && so_read_u8(&frame) == 0xf8);
    number = so_read_u32(&frame);
    check(number < r->sent && number >= r->last); /* sent, in order, and never twice */
    r->last = number + 1;
    for (size_t i = 5; i < FRAME; i++)
        check(so_read_u8(&frame) == (uint8_t)(number + i));
}

static void drain(rig *r)
{
    so_peer_event event;
    so_datagram out;
    unsigned turns = 0;

    for (int i = 0; i < 2; i++) {
        while (so_peer_transmit(r->peers[i], sim_now(), &out)) {
            kept *k = &r->said[i][r->said_count[i]++ % KEPT];
            so_demux kind = so_demux_of(out.bytes, out.len);

            check(++turns < 3000 && out.len <= sizeof k->bytes);
            r->was_open |= so_peer_state_of(r->peers[0]) == SO_PEER_OPEN;
            check(i == 1 || r->was_open || kind == SO_DEMUX_STUN || kind == SO_DEMUX_DTLS);
            memcpy(k->bytes, out.bytes, out.len);
            k->len = out.len;
        }
        while (so_peer_event_next(r->peers[i], sim_now(), &event)) {
            check(++turns < 3000);
            if (i == 0 && event.kind == SO_PEER_FRAME)
                take_frame(r, &event);
        }
    }
    look(r);
}

static void hear(rig *r, int to, const so_address *from, const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len + 1); /* of its own size, so that a byte too far shows */

    check(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    so_peer_receive(r->peers[to], sim_now(), &r->bases[to], from, copy, len);
    free(copy);
    drain(r);
}

/* What the other end said: the next one or an old one, whole or altered, from where it is or from elsewhere. */
static void deliver(rig *r, int to, uint8_t how)
{
    unsigned count = r->said_count[1 - to];
    unsigned which = how & 1 ? r->heard[to] : so_read_u8(&r->input);
    so_address from = how & 16 ? address_of(so_read_u8(&r->input)) : r->bases[1 - to];
    kept d;

    if (count == 0 || ((how & 1) && which >= count))
        return;
    if (how & 1)
        r->heard[to]++;
    d = r->said[1 - to][which % (count < KEPT ? count : KEPT)];
    for (int i = how >> 1 & 3; i > 0 && d.len > 0; i--)
        d.bytes[so_read_u16(&r->input) % d.len] ^= so_read_u8(&r->input);
    if ((how & 8) && d.len > 0)
        d.len = so_read_u16(&r->input) % d.len;
    hear(r, to, &from, d.bytes, d.len);
}

/* All that both have said arrives. */
static void settle(rig *r)
{
    for (int i = 0; i < 200 && (r->heard[0] < r->said_count[1] || r->heard[1] < r->said_count[0]); i++) {
        deliver(r, 0, 1);
        deliver(r, 1, 1);
    }
}

static void raw(rig *r)
{
    so_address from = address_of(so_read_u8(&r->input));
    size_t len = so_read_u8(&r->input), left = so_reader_left(&r->input);

    len = len < left ? len : left;
    hear(r, 0, &from, so_read_bytes(&r->input, len), len);
}

static void alter_text(rig *r, char *text, uint8_t how)
{
    size_t len = strlen(text);

    for (int i = how & 3; i > 0 && len > 0; i--) {
        char c = (char)so_read_u8(&r->input);

        text[so_read_u16(&r->input) % len] = c == '\0' ? '\n' : c;
    }
}

/* A whole exchange, begun by either; what reaches the target may be altered. */
static void negotiate(rig *r, uint8_t how)
{
    static char sdp[SO_PEER_SDP_MAX];
    int offerer = how & 4 ? 1 : 0;
    so_sdp_taken taken;
    so_error err;

    if (so_peer_offer(r->peers[offerer], sim_now(), sdp, sizeof sdp, &err) != SO_OK)
        return;
    if (offerer == 1)
        alter_text(r, sdp, how);
    if (so_peer_take(r->peers[1 - offerer], sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err) == SO_OK &&
        !taken.ignored && so_peer_answer(r->peers[1 - offerer], sim_now(), sdp, sizeof sdp, &err) == SO_OK) {
        if (offerer == 0)
            alter_text(r, sdp, how);
        (void)!so_peer_take(r->peers[offerer], sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err);
    } else if (so_peer_signaling(r->peers[offerer]) == SO_SDP_AWAITS_ANSWER && (how & 8)) {
        check(so_peer_rollback(r->peers[offerer]) == SO_OK);
    }
    drain(r);
}

static void say_text(rig *r, uint8_t how)
{
    size_t len = so_read_u16(&r->input) % 2000, left = so_reader_left(&r->input);
    char *text = malloc(len + 1);
    so_sdp_taken taken;
    so_error err;

    len = len < left ? len : left;
    check(text != NULL);
    if (len > 0)
        memcpy(text, so_read_bytes(&r->input, len), len);
    text[len] = '\0';
    if (how & 1)
        (void)!so_peer_add_candidate(r->peers[0], sim_now(), text, NULL);
    else
        (void)!so_peer_take(r->peers[0], sim_now(), how & 2 ? SO_SDP_OFFER : SO_SDP_ANSWER, text, len, &taken, &err);
    free(text);
    drain(r);
}

static void send_frame(rig *r, int from)
{
    uint8_t bytes[FRAME];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_peer_frame frame = {.bytes = bytes, .len = FRAME, .time = r->sent * 960, .level_known = true};

    so_write_u8(&w, 0xf8);
    so_write_u32(&w, r->sent);
    for (size_t i = 5; i < FRAME; i++)
        so_write_u8(&w, (uint8_t)(r->sent + i));
    if (so_peer_send(r->peers[from], sim_now(), r->tracks[from], &frame) == SO_OK && from == 1)
        r->sent++;
    drain(r);
}

static void pass(rig *r, so_msec ms)
{
    sim_set(sim_now() + ms);
    so_peer_tick(r->peers[0], sim_now());
    so_peer_tick(r->peers[1], sim_now());
    drain(r);
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input), how = what / 12;

    switch (what % 12) {
    case 0:
        negotiate(r, how);
        break;
    case 1:
    case 2:
        deliver(r, 0, how);
        break;
    case 3:
        deliver(r, 1, 1);
        break;
    case 4:
    case 5:
        settle(r);
        break;
    case 6:
        raw(r);
        break;
    case 7:
        say_text(r, how);
        break;
    case 8:
        pass(r, (so_msec)how * how * 10);
        break;
    case 9:
        send_frame(r, 1);
        break;
    case 10:
        send_frame(r, 0);
        break;
    default:
        if (how == 0)
            so_peer_close(r->peers[0], sim_now());
        else if (how == 1)
            so_peer_close(r->peers[1], sim_now());
        else if (how < 6)
            (void)!so_peer_restart_ice(r->peers[how & 1], sim_now());
        else
            so_peer_direct_track(r->peers[how & 1], r->tracks[how & 1], how >> 2 & 3);
        drain(r);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static rig r;

    sim_begin(1);
    if (engine.dtls == NULL)
        check(so_engine_open(&engine, NULL) == SO_OK);
    memset(&r, 0, sizeof r);
    r.input = so_reader_of(bytes, len);
    for (unsigned i = 0; i < 2; i++) {
        so_peer_config config = {.engine = &engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                                 .polite = i == 1};

        check(so_peer_new(&r.peers[i], &config, NULL) == SO_OK);
        check(so_peer_add_track(r.peers[i], SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &r.tracks[i]) == SO_OK);
        r.bases[i] = address_of((uint8_t)(1 + i));
        check(so_peer_add_base(r.peers[i], sim_now(), &r.bases[i]) == SO_OK);
        so_peer_no_more_bases(r.peers[i], sim_now());
    }
    drain(&r);
    while (so_reader_left(&r.input) > 0)
        act(&r);
    so_peer_free(r.peers[0]);
    so_peer_free(r.peers[1]);
    return 0;
}
