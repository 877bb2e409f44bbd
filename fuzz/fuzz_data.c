/*
 * data: two ends with data channels, connected; what one of them then takes as decrypted packets of SCTP belongs to the
 * input: data with messages of any kind and DCEP in it, acknowledgements, resets, forward TSNs, and every other chunk,
 * with the tag and the numbers that make the target look at them. Whoever has the keys may send such things. Nothing of
 * it may harm, bring a message beyond its limits, end more than the data channels, or leave a deadline in the past.
 *
 * usrsctp draws tags and first numbers from the system: an input names all that is said relative to those.
 */
#include "clock.h"
#include "peer/inside.h"

#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

#define HEADER 12
#define STREAMS 64
#define PACKET 1500
#define DATA_CHUNK 0
#define INIT_CHUNK 1
#define INIT_ACK_CHUNK 2
#define SACK_CHUNK 3
#define RECONFIG_CHUNK 0x82
#define FORWARD_TSN_CHUNK 0xc0

/* What a listener knows of one end, from the packets that it sent. */
typedef struct told {
    uint8_t header[HEADER]; /* ports, and the tag */
    uint32_t tsn, request;  /* the last ones */
    uint16_t ssns[STREAMS]; /* the next ones */
} told;

typedef struct rig {
    so_peer *peers[2]; /* the target, and the one that it talks with */
    so_address bases[2];
    size_t sound;
    told told[2];
    uint8_t alter_at, alter_by; /* of the next packet for the target, from the end; 0: nothing */
    unsigned heard;             /* frames of sound, by the target */
    so_reader input;
} rig;

static so_engine engine;

static void check(bool good)
{
    if (!good)
        abort();
}

static void seal(uint8_t *packet, size_t len)
{
    uint32_t sum;

    memset(packet + HEADER - sizeof sum, 0, sizeof sum);
    sum = usrsctp_crc32c(packet, len);
    memcpy(packet + HEADER - sizeof sum, &sum, sizeof sum);
}

/* ---- what the two say ---- */

static void look_at(uint8_t type, uint8_t flags, so_reader chunk, told *t)
{
    uint32_t first = so_read_u32(&chunk);
    uint16_t stream, ssn;

    if (type == DATA_CHUNK) {
        t->tsn = first;
        stream = so_read_u16(&chunk);
        ssn = so_read_u16(&chunk);
        if (stream < STREAMS && (flags & 4) == 0)
            t->ssns[stream] = (uint16_t)(ssn + 1);
    } else if (type == RECONFIG_CHUNK && first >> 16 == 13) {
        t->request = so_read_u32(&chunk);
    } else if (type == INIT_CHUNK || type == INIT_ACK_CHUNK) {
        (void)so_read_bytes(&chunk, 8);
        t->tsn = so_read_u32(&chunk) - 1;
        t->request = t->tsn;
    }
}

static void listen_to(rig *r, int from, const uint8_t *packet, size_t len)
{
    so_reader in = so_reader_of(packet, len);
    told *t = &r->told[from];

    check(len >= HEADER);
    memcpy(t->header, so_read_bytes(&in, HEADER), HEADER);
    while (so_reader_left(&in) >= 4) {
        uint8_t type = so_read_u8(&in), flags = so_read_u8(&in);
        size_t body = so_read_u16(&in), left = so_reader_left(&in);

        check(body >= 4);
        body -= 4;
        look_at(type, flags, so_reader_of(in.at, body < left ? body : left), t);
        body = (body + 3) & ~(size_t)3;
        (void)so_read_bytes(&in, body < left ? body : left);
    }
}

static void give(so_peer *to, uint8_t *packet, size_t len)
{
    uint8_t *copy = malloc(len + 1); /* so that what is beyond its end is seen */

    check(copy != NULL);
    memcpy(copy, packet, len);
    to->data.now = sim_now();
    so_peer_data_take(to, (so_slice){copy, len});
    free(copy);
}

/* Packets, past DTLS. */
static bool carry_packets(rig *r, int from, bool arrives)
{
    uint8_t packet[SO_SCTP_MTU];
    so_sctp *sctp = r->peers[from]->data.sctp;
    size_t len;

    if (sctp == NULL || !so_sctp_transmit(sctp, packet, &len))
        return false;
    listen_to(r, from, packet, len);
    if (from == 1 && r->alter_at != 0 && len > HEADER) {
        packet[len - 1 - r->alter_at % (len - HEADER)] ^= r->alter_by;
        seal(packet, len);
        r->alter_at = 0;
    }
    if (arrives)
        give(r->peers[1 - from], packet, len);
    return true;
}

static bool carry_datagrams(rig *r, int from)
{
    so_datagram out;
    uint8_t bytes[PACKET];

    if (!so_peer_transmit(r->peers[from], sim_now(), &out))
        return false;
    check(out.len <= sizeof bytes);
    memcpy(bytes, out.bytes, out.len);
    so_peer_receive(r->peers[1 - from], sim_now(), &r->bases[1 - from], &r->bases[from], bytes, out.len);
    return true;
}

static void look_through(so_slice bytes, size_t most)
{
    volatile uint8_t sum = 0;

    check(bytes.len <= most);
    for (size_t i = 0; i < bytes.len; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes.bytes)[i]); /* all of it is there */
}

static void take_event(rig *r, int at, const so_peer_event *event)
{
    if (event->kind == SO_PEER_FRAME)
        r->heard += at == 0;
    if (event->kind != SO_PEER_DATA)
        return;
    if (event->data->kind == SO_SCTP_MESSAGE)
        look_through(event->data->bytes, SO_SCTP_MESSAGE_MAX);
    if (event->data->kind == SO_SCTP_CHANNEL_OPENED) {
        check(event->data->channel < SO_SCTP_STREAMS);
        look_through(event->data->opened.label, SO_SCTP_NAME_MAX);
        look_through(event->data->opened.protocol, SO_SCTP_NAME_MAX);
    }
    if (event->data->kind == SO_SCTP_ENDED)
        check(so_peer_data_error(r->peers[at])->text[0] != '\0');
}

/* arrives: the packets of data channels do; all else does anyway. */
static void drain(rig *r, bool arrives)
{
    so_peer_event event;
    bool any = true;
    unsigned turns = 0;

    while (any) {
        any = false;
        for (int i = 0; i < 2; i++) {
            while (carry_packets(r, i, arrives) || carry_datagrams(r, i)) {
                check(++turns < 20000);
                any = true;
            }
            while (so_peer_event_next(r->peers[i], sim_now(), &event)) {
                check(++turns < 20000);
                take_event(r, i, &event);
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

static void make_end(rig *r, unsigned i)
{
    so_peer_config config = {.engine = &engine,
                             .random = sim_random(),
                             .now = sim_now(),
                             .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                             .polite = i == 1,
                             .abilities = &so_sdp_sound};
    so_sctp_channel channel = {.negotiated = true};
    const uint8_t ip[4] = {10, 0, 0, (uint8_t)(i + 1)};
    uint16_t id;

    check(so_peer_new(&r->peers[i], &config, NULL) == SO_OK);
    check(so_peer_add_track(r->peers[i], SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "a", &r->sound) == SO_OK);
    check(so_peer_add_data(r->peers[i]) == SO_OK);
    check(so_peer_open_channel(r->peers[i], sim_now(), &channel, &id) == SO_OK);
    r->bases[i] = so_address_of(ip, 4, 5000);
    check(so_peer_add_base(r->peers[i], sim_now(), &r->bases[i]) == SO_OK);
    so_peer_no_more_bases(r->peers[i], sim_now());
}

static void connect_both(rig *r)
{
    static char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err;

    for (unsigned i = 0; i < 2; i++)
        make_end(r, i);
    check(so_peer_offer(r->peers[1], sim_now(), sdp, sizeof sdp, &err) == SO_OK);
    check(so_peer_take(r->peers[0], sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err) == SO_OK);
    check(so_peer_answer(r->peers[0], sim_now(), sdp, sizeof sdp, &err) == SO_OK);
    check(so_peer_take(r->peers[1], sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err) == SO_OK);
    pass(r, 500, true);
    check(so_peer_state_of(r->peers[0]) == SO_PEER_OPEN && r->peers[0]->data.sctp != NULL);
    check(so_sctp_state_of(r->peers[0]->data.sctp) == SO_SCTP_OPEN);
}

/* ---- what the input says ---- */

static const uint8_t *rest(rig *r, size_t most, size_t *len)
{
    size_t asked = so_read_u8(&r->input), left;

    if (asked >= 0xf0)
        asked = (asked & 7) << 8 | so_read_u8(&r->input);
    left = so_reader_left(&r->input);
    *len = asked < most ? asked : most;
    *len = *len < left ? *len : left;
    return so_read_bytes(&r->input, *len);
}

/* Mostly just what is due. */
static uint32_t shift(rig *r, bool any)
{
    return any ? (uint32_t)(int32_t)(int8_t)so_read_u8(&r->input) : 0;
}

static void write_data(rig *r, so_writer *w, uint8_t flags, bool odd)
{
    static const uint8_t ppids[] = {50, 51, 53, 56, 57, 52, 54, 0};
    told *t = &r->told[1];
    uint8_t stream = so_read_u8(&r->input), ppid = ppids[so_read_u8(&r->input) % sizeof ppids];

    t->tsn += 1 + shift(r, odd);
    so_write_u32(w, t->tsn);
    so_write_u16(w, stream < STREAMS ? stream : (uint16_t)(stream << 4));
    so_write_u16(w, (uint16_t)(t->ssns[stream % STREAMS] + shift(r, odd)));
    so_write_u32(w, ppid);
    if (stream < STREAMS && (flags & 5) == 1)
        t->ssns[stream]++;
}

static void write_reset(rig *r, so_writer *w, bool odd)
{
    uint8_t kind = (uint8_t)(13 + so_read_u8(&r->input) % 6), more = so_read_u8(&r->input) % 9;
    size_t fixed = kind == 13 ? 16 : kind == 14 || kind == 15 ? 8 : 12;

    so_write_u16(w, kind);
    so_write_u16(w, (uint16_t)(fixed + 2U * more + shift(r, odd)));
    so_write_u32(w, kind == 16 ? r->told[0].request + shift(r, odd) : ++r->told[1].request + shift(r, odd));
    if (kind == 13) {
        so_write_u32(w, r->told[0].request);
        so_write_u32(w, r->told[1].tsn + shift(r, odd));
    } else if (fixed == 12) {
        so_write_u32(w, so_read_u8(&r->input));
    }
    for (; more > 0; more--)
        so_write_u16(w, so_read_u8(&r->input));
}

static void write_chunk(rig *r, so_writer *w)
{
    static const uint8_t types[] = {DATA_CHUNK,
                                    SACK_CHUNK,
                                    RECONFIG_CHUNK,
                                    FORWARD_TSN_CHUNK,
                                    DATA_CHUNK,
                                    INIT_CHUNK,
                                    INIT_ACK_CHUNK,
                                    4,
                                    5,
                                    6,
                                    7,
                                    8,
                                    9,
                                    10,
                                    11,
                                    12,
                                    13,
                                    14,
                                    15,
                                    16,
                                    64,
                                    0x80,
                                    0x81,
                                    0x84,
                                    0xc1,
                                    0xc2};
    uint8_t what = so_read_u8(&r->input), flags = so_read_u8(&r->input), type = types[what % sizeof types];
    bool odd = (flags & 0x80) != 0;
    uint8_t *start = w->at;
    const uint8_t *body;
    size_t len;

    so_write_u8(w, type);
    so_write_u8(w, flags & 0x7f);
    so_write_u16(w, 0);
    if (type == DATA_CHUNK)
        write_data(r, w, flags, odd);
    else if (type == RECONFIG_CHUNK)
        write_reset(r, w, odd);
    else if (type == SACK_CHUNK)
        so_write_u32(w, r->told[0].tsn + shift(r, odd));
    else if (type == FORWARD_TSN_CHUNK)
        so_write_u32(w, r->told[1].tsn += shift(r, true));
    body = rest(r, 1100, &len);
    if (len > 0)
        so_write_bytes(w, body, len);
    if (w->failed)
        return;
    len = (size_t)(w->at - start) + ((flags & 0x40) != 0 ? shift(r, true) : 0);
    start[2] = (uint8_t)(len >> 8);
    start[3] = (uint8_t)len;
    while ((w->at - start) % 4 != 0 && !w->failed)
        so_write_u8(w, 0);
}

static void take_packet(rig *r, unsigned chunks)
{
    uint8_t packet[PACKET];
    so_writer w = so_writer_of(packet, sizeof packet);

    so_write_bytes(&w, r->told[1].header, HEADER);
    for (unsigned i = 0; i < chunks && !w.failed; i++)
        write_chunk(r, &w);
    seal(packet, so_writer_len(&w));
    give(r->peers[0], packet, so_writer_len(&w));
    drain(r, true);
}

static void take_raw(rig *r)
{
    uint8_t packet[PACKET];
    size_t len;
    const uint8_t *bytes = rest(r, sizeof packet, &len);

    if (len > 0)
        memcpy(packet, bytes, len);
    if (len >= HEADER)
        seal(packet, len);
    give(r->peers[0], packet, len);
    drain(r, true);
}

static void open_one(rig *r, int at, uint8_t how)
{
    so_sctp_channel channel = {.unordered = (how & 1) != 0,
                               .reliability = (so_sctp_reliability)(how / 2 % 3),
                               .limit = how,
                               .negotiated = (how & 8) != 0,
                               .id = so_read_u8(&r->input)};
    uint16_t id;

    channel.label.bytes = rest(r, SO_SCTP_NAME_MAX, &channel.label.len);
    (void)!so_peer_open_channel(r->peers[at], sim_now(), &channel, &id);
}

static void act_of(rig *r, int at, uint8_t how)
{
    static const uint8_t bytes[SO_SCTP_MESSAGE_MAX];
    uint16_t id = so_read_u8(&r->input);

    switch (how % 4) {
    case 0:
        open_one(r, at, how / 4);
        break;
    case 1:
        so_peer_close_channel(r->peers[at], sim_now(), id);
        break;
    default:
        (void)!so_peer_send_message(r->peers[at], sim_now(), id, (how & 8) != 0,
                                    (so_slice){bytes, (size_t)1 << how % 19 & (SO_SCTP_MESSAGE_MAX - 1)});
    }
    drain(r, true);
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input), how = what / 8;

    switch (what % 8) {
    case 0:
    case 1:
        take_packet(r, 1 + how % 4);
        break;
    case 2:
        r->alter_at = so_read_u8(&r->input);
        r->alter_by = so_read_u8(&r->input);
        act_of(r, 1, how);
        break;
    case 3:
        if (how == 0)
            take_raw(r);
        else
            take_packet(r, 1);
        break;
    case 4:
        pass(r, how, true);
        break;
    case 5:
        pass(r, (so_msec)how * 40, (how & 1) != 0);
        break;
    default:
        act_of(r, what % 8 == 6, how);
    }
}

/* Whatever became of the data channels, the rest of the call goes on. */
static void talk(rig *r)
{
    static const uint8_t sound[40] = {0xf8};
    so_peer_frame frame = {.bytes = sound, .len = sizeof sound, .time = 960};

    check(so_peer_state_of(r->peers[0]) == SO_PEER_OPEN && so_peer_state_of(r->peers[1]) == SO_PEER_OPEN);
    check(so_peer_send(r->peers[1], sim_now(), r->sound, &frame) == SO_OK);
    pass(r, 1000, true);
    check(r->heard == 1);
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
    talk(&r);
    so_peer_free(r.peers[0]);
    so_peer_free(r.peers[1]);
    return 0;
}
