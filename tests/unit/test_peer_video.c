/* Two peers with sound and picture, and a path between them that loses what a test says: what comes out is what went
 * in. */
#include "unit.h"

#include "clock.h"
#include "peer/demux.h"
#include "peer/peer.h"

#include <stdlib.h>

#define DELAY 20 /* ms, one way */
#define ON_THE_WAY 4096
#define FRAMES 64
#define FRAME_TIME 3000 /* 30 a second, at 90 kHz */

typedef struct end {
    so_peer *peer;
    so_address base;
    size_t sound, picture;
    unsigned frames, sounds, lost, keys_wanted;
    uint32_t last_time;
    uint64_t last_wall;
    const char *codec;
    bool receiving;
} end;

typedef struct parcel {
    so_msec at;
    int to;
    size_t len;
    uint8_t bytes[1400];
} parcel;

typedef struct rig rig;
struct rig {
    so_engine engine;
    end ends[2];
    parcel *way;
    size_t first, count;
    unsigned sent[2], rtp[2];
    bool (*loses)(rig *r, int from, unsigned rtp,
                  size_t len); /* rtp: of this end's RTP packets so many have gone before */
    unsigned lost;
    size_t sizes[FRAMES]; /* of the pictures that end 0 sent */
};

static size_t picture(uint32_t number, bool key, bool h264, uint8_t *out, size_t len)
{
    uint64_t seed = number + 1;

    assert_int_equal(unit_fill(&seed, out, len), SO_OK);
    if (!h264) {
        out[0] = (uint8_t)((out[0] & 0xfe) | !key);
        return len;
    }
    for (size_t i = 0; i < len; i++)
        out[i] |= 1; /* no start code by accident */
    if (key) {
        memcpy(out, "\0\0\0\1\x67\x42\xe0\x1f\0\0\0\1\x68\xce\0\0\0\1\x65\x88", 20);
    } else {
        memcpy(out, "\0\0\0\1\x41\x88", 6);
    }
    return len;
}

static void begin(rig *r, uint64_t seed, so_sdp_direction way)
{
    so_error err;

    sim_begin(seed);
    memset(r, 0, sizeof *r);
    r->way = calloc(ON_THE_WAY, sizeof *r->way);
    assert_int_equal(so_engine_open(&r->engine, &err), SO_OK);
    for (int i = 0; i < 2; i++) {
        end *e = &r->ends[i];
        so_peer_config config = {.engine = &r->engine,
                                 .random = sim_random(),
                                 .now = sim_now(),
                                 .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                                 .polite = i == 1,
                                 .abilities = &so_sdp_video};

        assert_int_equal(so_peer_new(&e->peer, &config, &err), SO_OK);
        assert_int_equal(so_peer_add_track(e->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "a", &e->sound), SO_OK);
        assert_int_equal(
            so_peer_add_track(e->peer, SO_SDP_VIDEO, i == 0 ? way : SO_SDP_SENDRECV, "s", "v", &e->picture), SO_OK);
        assert_int_equal(so_address_parse(&e->base, i == 0 ? "10.0.0.1" : "10.0.0.2", 5000), SO_OK);
        assert_int_equal(so_peer_add_base(e->peer, sim_now(), &e->base), SO_OK);
        so_peer_no_more_bases(e->peer, sim_now());
    }
}

static void finish(rig *r)
{
    for (int i = 0; i < 2; i++)
        so_peer_free(r->ends[i].peer);
    so_engine_close(&r->engine);
    free(r->way);
    sim_end();
}

static void take_picture(rig *r, end *e, const so_peer_event *event)
{
    static uint8_t want[SO_PEER_VIDEO_MAX];
    uint32_t number = event->frame.time / FRAME_TIME;
    bool h264 = strcmp(event->frame.codec->name, "H264") == 0;
    static uint32_t offset;

    /* The sender's clock has a random beginning: the first one says which. */
    if (e->frames == 0)
        offset = event->frame.time;
    number = (event->frame.time - offset) / FRAME_TIME;
    assert_true(e->frames == 0 || (int32_t)(event->frame.time - e->last_time) > 0);
    assert_true(number < FRAMES);
    assert_int_equal(event->frame.len, r->sizes[number]);
    picture(number, event->frame.key, h264, want, event->frame.len);
    assert_memory_equal(event->frame.bytes, want, event->frame.len);
    e->last_time = event->frame.time;
    e->last_wall = event->wall;
    e->codec = event->frame.codec->name;
    e->frames++;
}

static bool events(rig *r, int from)
{
    end *e = &r->ends[from], *other = &r->ends[1 - from];
    so_peer_event event;
    bool any = false;

    while (so_peer_event_next(e->peer, sim_now(), &event)) {
        any = true;
        if (event.kind == SO_PEER_CANDIDATE && so_peer_had_remote(other->peer))
            assert_int_equal(so_peer_add_candidate(other->peer, sim_now(), event.candidate, event.ufrag), SO_OK);
        if (event.kind == SO_PEER_TRACK && event.track == e->picture)
            e->receiving = event.receiving;
        if (event.kind == SO_PEER_WANT_KEY && event.track == e->picture)
            e->keys_wanted++;
        if (event.kind == SO_PEER_FRAME && event.track == e->picture)
            take_picture(r, e, &event);
        if (event.kind == SO_PEER_FRAME && event.track == e->sound) {
            e->sounds++;
            e->lost += event.lost;
        }
    }
    return any;
}

static bool carry(rig *r, int from)
{
    so_datagram out;
    bool any = false;

    while (so_peer_transmit(r->ends[from].peer, sim_now(), &out)) {
        bool rtp = so_demux_of(out.bytes, out.len) == SO_DEMUX_RTP;
        parcel *p = &r->way[(r->first + r->count) % ON_THE_WAY];

        any = true;
        assert_true(out.len <= 1200);
        if (rtp && r->loses != NULL && r->loses(r, from, r->rtp[from]++, out.len)) {
            r->lost++;
            continue;
        }
        assert_true(r->count < ON_THE_WAY);
        p->at = sim_now() + DELAY;
        p->to = 1 - from;
        p->len = out.len;
        memcpy(p->bytes, out.bytes, out.len);
        r->count++;
    }
    return any;
}

static bool arrive(rig *r)
{
    parcel *p = &r->way[r->first];
    end *e = &r->ends[p->to];

    if (r->count == 0 || p->at > sim_now())
        return false;
    r->first = (r->first + 1) % ON_THE_WAY;
    r->count--;
    so_peer_receive(e->peer, sim_now(), &e->base, &r->ends[1 - p->to].base, p->bytes, p->len);
    return true;
}

static void settle(rig *r)
{
    for (bool any = true; any;) {
        any = arrive(r);
        for (int i = 0; i < 2; i++) {
            any = carry(r, i) || any;
            any = events(r, i) || any;
        }
    }
}

static void run(rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;

    for (;;) {
        so_msec at = until;

        settle(r);
        for (int i = 0; i < 2; i++) {
            so_msec due = so_peer_deadline(r->ends[i].peer, sim_now());

            at = due < at ? due : at;
        }
        if (r->count > 0 && r->way[r->first].at < at)
            at = r->way[r->first].at;
        sim_set(at > sim_now() ? at : sim_now());
        so_peer_tick(r->ends[0].peer, sim_now());
        so_peer_tick(r->ends[1].peer, sim_now());
        if (at >= until)
            break;
    }
    settle(r);
}

static void negotiate(rig *r, int offerer)
{
    static char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err;
    so_peer *a = r->ends[offerer].peer, *b = r->ends[1 - offerer].peer;

    assert_int_equal(so_peer_offer(a, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    assert_int_equal(so_peer_take(b, sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err), SO_OK);
    assert_int_equal(so_peer_answer(b, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    assert_int_equal(so_peer_take(a, sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err), SO_OK);
}

static void open_call(rig *r, uint64_t seed)
{
    begin(r, seed, SO_SDP_SENDRECV);
    negotiate(r, 0);
    run(r, 500);
    assert_int_equal(so_peer_state_of(r->ends[0].peer), SO_PEER_OPEN);
    assert_int_equal(so_peer_state_of(r->ends[1].peer), SO_PEER_OPEN);
    assert_true(r->ends[1].receiving);
}

static const so_sdp_ability *codec_named(rig *r, size_t track, const char *name, const char *fmtp)
{
    for (size_t i = 0;; i++) {
        const so_sdp_ability *codec = so_peer_codec(r->ends[0].peer, track, i);

        assert_non_null(codec);
        if (strcmp(codec->name, name) == 0 && (fmtp == NULL || strstr(codec->fmtp, fmtp) != NULL))
            return codec;
    }
}

static so_status send_picture(rig *r, uint32_t number, bool key, size_t len, const so_sdp_ability *codec)
{
    uint8_t *bytes = malloc(len);
    so_peer_frame frame = {.bytes = bytes, .len = len, .time = number * FRAME_TIME, .codec = codec};
    so_status status;

    picture(number, key, codec != NULL && strcmp(codec->name, "H264") == 0, bytes, len);
    r->sizes[number] = len;
    status = so_peer_send(r->ends[0].peer, sim_now(), r->ends[0].picture, &frame);
    free(bytes);
    return status;
}

static void pictures_of_every_codec_arrive(void **state)
{
    static const struct {
        const char *name, *fmtp;
        size_t len;
    } ways[] = {{"VP8", NULL, 20000}, {"H264", "mode=1", 20000}, {"H264", "mode=0", 1000}};
    so_track_facts facts;
    rig r;

    (void)state;
    for (size_t w = 0; w < 3; w++) {
        open_call(&r, 1 + w);
        for (uint32_t i = 0; i < 30; i++) {
            assert_int_equal(send_picture(&r, i, i == 0, i == 0 ? ways[w].len : 300 + 97 * (i % 7),
                                          codec_named(&r, r.ends[0].picture, ways[w].name, ways[w].fmtp)),
                             SO_OK);
            run(&r, 33);
        }
        run(&r, 1000);
        assert_int_equal(r.ends[1].frames, 30);
        assert_string_equal(r.ends[1].codec, ways[w].name);
        assert_true(so_peer_track_facts(r.ends[1].peer, r.ends[1].picture, &facts));
        assert_int_equal(facts.frames, 30);
        assert_int_equal(facts.lost + facts.keys_asked + facts.repaired, 0);
        finish(&r);
    }
}

/* One packet in `every` is lost, but none that was lost before: so each can be repaired. */
static bool one_in_nine(rig *r, int from, unsigned rtp, size_t len)
{
    (void)r;
    return from == 0 && len > 700 && rtp % 9 == 4;
}

static void what_is_lost_is_asked_for_and_comes_again(void **state)
{
    so_track_facts facts, sender;
    rig r;

    (void)state;
    open_call(&r, 11);
    r.loses = one_in_nine;
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(send_picture(&r, i, i == 0, 6000, NULL), SO_OK);
        run(&r, 33);
    }
    run(&r, 1000);
    assert_true(r.lost > 20);
    assert_int_equal(r.ends[1].frames, 60);
    assert_int_equal(r.ends[0].keys_wanted, 0);
    assert_true(so_peer_track_facts(r.ends[1].peer, r.ends[1].picture, &facts));
    assert_true(so_peer_track_facts(r.ends[0].peer, r.ends[0].picture, &sender));
    assert_true(facts.repaired > 20 && facts.repaired <= sender.sent_again);
    assert_int_equal(facts.lost, 0);
    /* each packet that carries a picture has a few bytes more, and what was lost did not come */
    assert_true(sender.bytes_sent > 60 * 6000 && sender.bytes_sent < 60 * 6000 * 11 / 10);
    assert_true(facts.bytes_received > sender.bytes_sent / 2 && facts.bytes_received < sender.bytes_sent);
    finish(&r);
}

/* All of the third picture and its repairs. */
static bool third_picture(rig *r, int from, unsigned rtp, size_t len)
{
    (void)rtp;
    return from == 0 && len > 900 && r->sizes[2] > 0 && r->sizes[25] == 0;
}

static void what_can_not_be_repaired_is_cured_by_a_key_frame(void **state)
{
    so_track_facts facts;
    unsigned shown;
    rig r;

    (void)state;
    open_call(&r, 12);
    r.loses = third_picture;
    for (uint32_t i = 0; i < 40; i++) {
        bool key = i == 0 || (r.ends[0].keys_wanted > 0 && r.ends[1].frames < 3);

        assert_int_equal(send_picture(&r, i, key, i == 2 ? 6000 : 400, NULL), SO_OK);
        run(&r, 33);
    }
    run(&r, 1000);
    shown = r.ends[1].frames;
    assert_true(so_peer_track_facts(r.ends[1].peer, r.ends[1].picture, &facts));
    assert_true(r.ends[0].keys_wanted >= 1);
    assert_true(facts.keys_asked >= 1);
    assert_true(facts.lost >= 6);
    /* what came in between was kept back: it refers to what nobody has */
    assert_true(shown >= 10 && shown < 38);
    assert_true(facts.frames_dropped > 0);
    finish(&r);
}

static bool every_third(rig *r, int from, unsigned rtp, size_t len)
{
    (void)r;
    (void)len;
    return from == 0 && rtp % 3 == 1;
}

/* RFC 2198: with each frame goes the one before, and one lost packet of three loses nothing. */
static void redundant_sound_outlives_lost_packets(void **state)
{
    rig r;
    uint8_t bytes[80] = {0xf8};

    (void)state;
    open_call(&r, 13);
    r.loses = every_third;
    for (uint32_t i = 0; i < 61; i++) {
        so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = i * 960};

        assert_int_equal(so_peer_send(r.ends[0].peer, sim_now(), r.ends[0].sound, &frame), SO_OK);
        run(&r, 20);
    }
    run(&r, 500);
    assert_int_equal(r.lost, 20);
    assert_int_equal(r.ends[1].sounds, 61);
    assert_int_equal(r.ends[1].lost, 0);
    finish(&r);
}

static void g711_is_sent_where_it_is_asked_for(void **state)
{
    rig r;
    uint8_t bytes[160] = {0};
    so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes};

    (void)state;
    open_call(&r, 14);
    frame.codec = codec_named(&r, r.ends[0].sound, "PCMA", NULL);
    for (uint32_t i = 0; i < 10; i++) {
        frame.time = i * 160;
        assert_int_equal(so_peer_send(r.ends[0].peer, sim_now(), r.ends[0].sound, &frame), SO_OK);
        run(&r, 20);
    }
    run(&r, 100);
    assert_int_equal(r.ends[1].sounds, 10);
    frame.codec = codec_named(&r, r.ends[0].picture, "VP8", NULL);
    assert_int_equal(so_peer_send(r.ends[0].peer, sim_now(), r.ends[0].sound, &frame), SO_STATE);
    finish(&r);
}

/* The other end's report says when a frame was taken, so that picture and sound can be put together. */
static void frames_have_the_senders_time(void **state)
{
    rig r;

    (void)state;
    open_call(&r, 15);
    for (uint32_t i = 0; i < 60; i++) {
        assert_int_equal(send_picture(&r, i, i == 0, 500, NULL), SO_OK);
        run(&r, 33);
    }
    assert_true(r.ends[1].last_wall > (uint64_t)SIM_EPOCH * 1000);
    assert_in_range(r.ends[1].last_wall, (uint64_t)SIM_EPOCH * 1000 + sim_now() - 100,
                    (uint64_t)SIM_EPOCH * 1000 + sim_now());
    finish(&r);
}

/* A picture that finds no room is left out, and so is what refers to it. */
static void too_much_at_once_is_left_out(void **state)
{
    rig r;

    (void)state;
    open_call(&r, 16);
    assert_int_equal(send_picture(&r, 0, true, SO_PEER_VIDEO_MAX + 1, NULL), SO_TOO_LONG);
    assert_int_equal(send_picture(&r, 0, true, SO_PEER_VIDEO_MAX, NULL), SO_OK);
    assert_int_equal(send_picture(&r, 1, true, SO_PEER_VIDEO_MAX, NULL), SO_TOO_LONG);
    assert_int_equal(send_picture(&r, 1, false, 1000, NULL), SO_TOO_LONG);
    run(&r, 10000);
    assert_true(r.ends[0].keys_wanted >= 1);
    assert_int_equal(r.ends[1].frames, 1);
    assert_int_equal(send_picture(&r, 1, false, 1000, NULL), SO_TOO_LONG);
    assert_int_equal(send_picture(&r, 2, true, 1000, NULL), SO_OK);
    run(&r, 100);
    assert_int_equal(r.ends[1].frames, 2);
    finish(&r);
}

/* Held, taken up again, and a picture added in mid-call from the other side. */
static void directions_change_in_mid_call(void **state)
{
    unsigned wanted;
    rig r;

    (void)state;
    begin(&r, 17, SO_SDP_RECVONLY);
    negotiate(&r, 0);
    run(&r, 500);
    assert_false(r.ends[1].receiving);
    assert_int_equal(send_picture(&r, 0, true, 1000, NULL), SO_STATE);
    so_peer_direct_track(r.ends[0].peer, r.ends[0].picture, SO_SDP_SENDRECV);
    negotiate(&r, 0);
    run(&r, 100);
    assert_true(r.ends[1].receiving);
    assert_int_equal(send_picture(&r, 0, true, 1000, NULL), SO_OK);
    run(&r, 100);
    assert_int_equal(r.ends[1].frames, 1);
    so_peer_direct_track(r.ends[1].peer, r.ends[1].picture, SO_SDP_SENDONLY); /* on hold, from the other side */
    negotiate(&r, 1);
    run(&r, 100);
    assert_false(r.ends[1].receiving);
    assert_int_equal(send_picture(&r, 1, true, 1000, NULL), SO_STATE);
    wanted = r.ends[0].keys_wanted;
    so_peer_direct_track(r.ends[1].peer, r.ends[1].picture, SO_SDP_SENDRECV);
    negotiate(&r, 1);
    /* What refers to the one that was left out is of no use. */
    assert_int_equal(send_picture(&r, 2, false, 1000, NULL), SO_TOO_LONG);
    run(&r, 10);
    assert_int_equal(r.ends[0].keys_wanted, wanted + 1);
    assert_int_equal(send_picture(&r, 3, true, 1000, NULL), SO_OK);
    run(&r, 100);
    assert_int_equal(r.ends[1].frames, 2);
    so_peer_stop_track(r.ends[0].peer, r.ends[0].picture);
    negotiate(&r, 0);
    run(&r, 100);
    assert_false(r.ends[1].receiving);
    assert_int_equal(send_picture(&r, 4, true, 1000, NULL), SO_STATE);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_of_every_codec_arrive),
        cmocka_unit_test(what_is_lost_is_asked_for_and_comes_again),
        cmocka_unit_test(what_can_not_be_repaired_is_cured_by_a_key_frame),
        cmocka_unit_test(redundant_sound_outlives_lost_packets),
        cmocka_unit_test(g711_is_sent_where_it_is_asked_for),
        cmocka_unit_test(frames_have_the_senders_time),
        cmocka_unit_test(too_much_at_once_is_left_out),
        cmocka_unit_test(directions_change_in_mid_call),
    };

    return cmocka_run_group_tests_name("sound and picture between two peers", tests, NULL, NULL);
}
