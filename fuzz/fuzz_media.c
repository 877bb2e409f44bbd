/*
 * media: two ends with sound and a picture, connected; what one of them then takes as decrypted packets of the other
 * belongs to the input: RTP of every payload type that was agreed on and of others, retransmissions, redundancy,
 * reports and feedback. Whoever has the keys may send such things, and so may a browser with a fault. Nothing of it may
 * harm, make frames beyond their limits, or leave a deadline in the past.
 */
#include "clock.h"
#include "peer/demux.h"
#include "peer/inside.h"

#include <stdlib.h>
#include <string.h>

typedef struct rig {
    so_peer *peers[2]; /* the target, and the one that it talks with */
    so_address bases[2];
    size_t sound[2], picture[2];
    uint16_t seqs[4];
    uint32_t number; /* of the picture that the target sends next */
    so_reader input;
} rig;

static so_engine engine;

static void check(bool good)
{
    if (!good)
        abort();
}

static void take_event(const so_peer_event *event)
{
    volatile uint8_t sum = 0;

    if (event->kind != SO_PEER_FRAME)
        return;
    check(event->frame.codec != NULL && event->frame.len <= SO_PEER_VIDEO_MAX);
    for (size_t i = 0; i < event->frame.len; i++)
        sum = (uint8_t)(sum + event->frame.bytes[i]); /* all of it is there */
}

/* arrives: what the two say reaches the other one. */
static void drain(rig *r, bool arrives)
{
    so_peer_event event;
    so_datagram out;
    bool any = true;
    unsigned turns = 0;

    while (any) {
        any = false;
        for (int i = 0; i < 2; i++) {
            while (so_peer_transmit(r->peers[i], sim_now(), &out)) {
                uint8_t bytes[1500];

                check(++turns < 5000 && out.len <= sizeof bytes);
                memcpy(bytes, out.bytes, out.len);
                any = true;
                if (arrives || so_demux_of(bytes, out.len) == SO_DEMUX_STUN)
                    so_peer_receive(r->peers[1 - i], sim_now(), &r->bases[1 - i], &r->bases[i], bytes, out.len);
            }
            while (so_peer_event_next(r->peers[i], sim_now(), &event)) {
                check(++turns < 5000);
                take_event(&event);
            }
        }
    }
}

static void pass(rig *r, so_msec ms, bool arrives)
{
    so_msec until = sim_now() + ms;
    unsigned steps = 0;

    while (sim_now() < until) {
        so_msec at = until;

        for (int i = 0; i < 2; i++)
            if (so_peer_deadline(r->peers[i], sim_now()) < at)
                at = so_peer_deadline(r->peers[i], sim_now());
        steps = at > sim_now() ? 0 : steps + 1;
        check(steps < 50); /* else the loop would turn without end */
        if (at > sim_now())
            sim_set(at);
        for (int i = 0; i < 2; i++)
            so_peer_tick(r->peers[i], sim_now());
        drain(r, arrives);
    }
}

static void connect_both(rig *r)
{
    static char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err;

    for (unsigned i = 0; i < 2; i++) {
        so_peer_config config = {.engine = &engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                                 .polite = i == 1,
                                 .abilities = &so_sdp_video};
        const uint8_t ip[4] = {10, 0, 0, (uint8_t)(i + 1)};

        check(so_peer_new(&r->peers[i], &config, NULL) == SO_OK);
        check(so_peer_add_track(r->peers[i], SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "a", &r->sound[i]) == SO_OK);
        check(so_peer_add_track(r->peers[i], SO_SDP_VIDEO, SO_SDP_SENDRECV, "s", "v", &r->picture[i]) == SO_OK);
        r->bases[i] = so_address_of(ip, 4, 5000);
        check(so_peer_add_base(r->peers[i], sim_now(), &r->bases[i]) == SO_OK);
        so_peer_no_more_bases(r->peers[i], sim_now());
    }
    check(so_peer_offer(r->peers[1], sim_now(), sdp, sizeof sdp, &err) == SO_OK);
    check(so_peer_take(r->peers[0], sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err) == SO_OK);
    check(so_peer_answer(r->peers[0], sim_now(), sdp, sizeof sdp, &err) == SO_OK);
    check(so_peer_take(r->peers[1], sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err) == SO_OK);
    pass(r, 500, true);
    check(so_peer_state_of(r->peers[0]) == SO_PEER_OPEN);
}

static uint32_t ssrc_of(const rig *r, uint8_t draw)
{
    peer_track *const *tracks = r->peers[1]->tracks, *const *own = r->peers[0]->tracks;

    switch (draw % 8) {
    case 0:
    case 1:
        return tracks[r->sound[1]]->out.sender.ssrc;
    case 2:
    case 3:
        return tracks[r->picture[1]]->out.sender.ssrc;
    case 4:
        return tracks[r->picture[1]]->out.repair.ssrc;
    case 5:
        return own[r->sound[0]]->out.sender.ssrc;
    case 6:
        return own[r->picture[0]]->out.sender.ssrc;
    default:
        return draw;
    }
}

static const uint8_t *rest(rig *r, size_t most, size_t *len)
{
    size_t left = so_reader_left(&r->input);

    *len = so_read_u16(&r->input) % (most + 1);
    left = so_reader_left(&r->input);
    *len = *len < left ? *len : left;
    return so_read_bytes(&r->input, *len);
}

/* A packet with numbers that make sense, unless the input says otherwise. */
static void take_rtp(rig *r, uint8_t how)
{
    static const uint8_t types[] = {111, 63, 0, 8, 96, 97, 102, 103, 104, 105, 77};
    uint8_t *packet = malloc(1500);
    so_writer w = so_writer_of(packet, 1500);
    uint8_t type = types[so_read_u8(&r->input) % sizeof types], draw = so_read_u8(&r->input);
    uint16_t *seq = &r->seqs[draw % 4];
    size_t len;
    const uint8_t *payload;

    check(packet != NULL);
    *seq = (uint16_t)(*seq + 1 + (how & 1 ? so_read_u8(&r->input) - 128 : 0));
    so_write_u8(&w, (uint8_t)(0x80 | (how & 2 ? 0x20 : 0) | (how & 4 ? 0x10 : 0)));
    so_write_u8(&w, (uint8_t)(type | (how & 8 ? 0x80 : 0)));
    so_write_u16(&w, *seq);
    so_write_u32(&w, (uint32_t)sim_now() * 90 + (how & 16 ? so_read_u16(&r->input) : 0));
    so_write_u32(&w, ssrc_of(r, draw));
    payload = rest(r, 1400, &len);
    so_write_bytes(&w, payload, len);
    check(!w.failed);
    so_peer_take_rtp(r->peers[0], sim_now(), packet, so_writer_len(&w));
    free(packet);
    drain(r, true);
}

/* A whole compound: its lengths are right, and the input has the rest. */
static void take_rtcp(rig *r)
{
    uint8_t *packet = malloc(1500);
    so_writer w = so_writer_of(packet, 1500);
    unsigned parts = 1 + so_read_u8(&r->input) % 3;

    check(packet != NULL);
    for (unsigned i = 0; i < parts; i++) {
        uint8_t count = so_read_u8(&r->input) & 31, type = (uint8_t)(200 + so_read_u8(&r->input) % 8);
        uint8_t sender = so_read_u8(&r->input), media = so_read_u8(&r->input);
        size_t len;
        const uint8_t *body = rest(r, 300, &len);

        len -= len % 4;
        so_write_u8(&w, 0x80 | count);
        so_write_u8(&w, type);
        so_write_u16(&w, (uint16_t)(2 + len / 4));
        so_write_u32(&w, ssrc_of(r, sender));
        so_write_u32(&w, ssrc_of(r, media));
        so_write_bytes(&w, body, len);
    }
    check(!w.failed);
    so_peer_take_rtcp(r->peers[0], sim_now(), packet, so_writer_len(&w));
    free(packet);
    drain(r, true);
}

static void take_raw(rig *r, bool rtcp)
{
    size_t len;
    const uint8_t *bytes = rest(r, 1400, &len);
    uint8_t *copy = malloc(len + 1);

    check(copy != NULL);
    if (len > 0)
        memcpy(copy, bytes, len);
    if (rtcp)
        so_peer_take_rtcp(r->peers[0], sim_now(), copy, len);
    else
        so_peer_take_rtp(r->peers[0], sim_now(), copy, len);
    free(copy);
    drain(r, true);
}

/* So that there is something to report on, and to ask for again. */
static void send_picture(rig *r, int from)
{
    static uint8_t bytes[4000];
    so_peer_frame frame = {
        .bytes = bytes, .len = 1 + so_read_u16(&r->input) % sizeof bytes, .time = r->number++ * 3000};

    bytes[0] = so_read_u8(&r->input);
    (void)!so_peer_send(r->peers[from], sim_now(), r->picture[from], &frame);
    drain(r, true);
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input), how = what / 8;

    switch (what % 8) {
    case 0:
    case 1:
        take_rtp(r, how);
        break;
    case 2:
        take_rtcp(r);
        break;
    case 3:
        take_raw(r, (how & 1) != 0);
        break;
    case 4:
        pass(r, how, true);
        break;
    case 5:
        pass(r, (so_msec)how * 20, false); /* media is lost meanwhile, in both directions */
        break;
    case 6:
        send_picture(r, how & 1);
        break;
    default:
        so_peer_want_key(r->peers[0], r->picture[0]);
        so_peer_direct_track(r->peers[0], how & 1 ? r->sound[0] : r->picture[0], how >> 1 & 3);
        drain(r, true);
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
    connect_both(&r);
    while (so_reader_left(&r.input) > 0)
        act(&r);
    pass(&r, 3000, true);
    so_peer_free(r.peers[0]);
    so_peer_free(r.peers[1]);
    return 0;
}
