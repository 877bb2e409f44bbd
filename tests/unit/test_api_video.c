/* Sound and pictures through the public API alone: two peers, and a network of function calls between them. */
#include "unit.h"

#include "sotto/sotto.h"

#define FRAME_TIME 3000 /* 30 a second, at 90 kHz */
#define MANY 30

typedef struct end {
    sotto_peer *peer;
    sotto_address address;
    unsigned sounds, pictures, keys, keys_wanted, offers_due;
    uint64_t rate;
    sotto_codec codec;
} end;

typedef struct rig {
    sotto_engine *engine;
    end ends[2];
    uint64_t now;
} rig;

static void begin(rig *r, unsigned codecs)
{
    *r = (rig){.now = 1000};
    assert_int_equal(sotto_engine_new(&r->engine, NULL, NULL), SOTTO_OK);
    for (int i = 0; i < 2; i++) {
        end *e = &r->ends[i];
        sotto_peer_options options = {.now = r->now, .unix_ms = 1700000000000, .polite = i == 1, .codecs = codecs};

        assert_int_equal(sotto_peer_new(&e->peer, r->engine, &options, NULL), SOTTO_OK);
        assert_int_equal(sotto_address_parse(&e->address, i == 0 ? "192.0.2.1" : "192.0.2.2", 4000), SOTTO_OK);
        assert_int_equal(sotto_peer_add_audio(e->peer, true, true), SOTTO_OK);
        assert_int_equal(sotto_peer_add_socket(e->peer, r->now, &e->address), SOTTO_OK);
        sotto_peer_no_more_sockets(e->peer, r->now);
    }
}

static void finish(rig *r)
{
    for (int i = 0; i < 2; i++)
        sotto_peer_free(r->ends[i].peer);
    sotto_engine_free(r->engine);
}

static void negotiate(rig *r, int from)
{
    static char sdp[SOTTO_SDP_MAX];
    sotto_peer *a = r->ends[from].peer, *b = r->ends[1 - from].peer;
    bool due;

    assert_int_equal(sotto_peer_offer(a, r->now, sdp, sizeof sdp, NULL), SOTTO_OK);
    assert_int_equal(sotto_peer_take_offer(b, r->now, sdp, &due, NULL), SOTTO_OK);
    assert_true(due);
    assert_int_equal(sotto_peer_answer(b, r->now, sdp, sizeof sdp, NULL), SOTTO_OK);
    assert_int_equal(sotto_peer_take_answer(a, r->now, sdp, NULL), SOTTO_OK);
}

static void take_event(end *e, const sotto_event *event)
{
    switch (event->kind) {
    case SOTTO_EVENT_FRAME:
        if (event->frame.codec == SOTTO_OPUS) {
            e->sounds++;
            break;
        }
        e->pictures++;
        e->keys += event->frame.key;
        e->codec = event->frame.codec;
        break;
    case SOTTO_EVENT_KEY_WANTED:
        e->keys_wanted++;
        break;
    case SOTTO_EVENT_RATE:
        e->rate = event->rate;
        break;
    case SOTTO_EVENT_OFFER_DUE:
        e->offers_due++;
        break;
    default:
        break;
    }
}

/* Everything that is due, and a millisecond later what that made due. */
static void run(rig *r, unsigned ms)
{
    for (unsigned t = 0; t < ms; t++) {
        bool any = true;

        while (any) {
            any = false;
            for (int i = 0; i < 2; i++) {
                end *e = &r->ends[i], *other = &r->ends[1 - i];
                sotto_datagram datagram;
                sotto_event event;

                while (sotto_peer_transmit(e->peer, r->now, &datagram)) {
                    uint8_t bytes[1500];

                    any = true;
                    memcpy(bytes, datagram.bytes, datagram.len);
                    sotto_peer_receive(other->peer, r->now, &datagram.remote, &datagram.local, bytes, datagram.len);
                }
                while (sotto_peer_event(e->peer, r->now, &event))
                    take_event(e, &event);
            }
        }
        r->now++;
        for (int i = 0; i < 2; i++)
            sotto_peer_tick(r->ends[i].peer, r->now);
    }
}

/* What the payload formats ask of a picture, and no more: a first byte, or start codes. */
static size_t picture(sotto_codec codec, unsigned number, uint8_t out[2000])
{
    bool key = number % 10 == 0;

    for (size_t i = 0; i < 2000; i++)
        out[i] = (uint8_t)(number + i) | 1;
    if (codec == SOTTO_VP8)
        out[0] = key ? 0x10 : 0x11;
    else if (key)
        memcpy(out, "\0\0\0\1\x67\x42\xe0\x1f\0\0\0\1\x68\xce\0\0\0\1\x65\x88", 20);
    else
        memcpy(out, "\0\0\0\1\x41\x88", 6);
    return 2000;
}

static void show(rig *r, sotto_codec codec)
{
    uint8_t bytes[2000];

    for (unsigned number = 0; number < MANY; number++) {
        sotto_frame frame = {.bytes = bytes, .time = number * FRAME_TIME, .codec = codec};

        frame.len = picture(codec, number, bytes);
        assert_int_equal(sotto_peer_send(r->ends[0].peer, r->now, &frame), SOTTO_OK);
        run(r, 33);
    }
    run(r, 200);
}

static void pictures_of_each_codec_arrive(void **state)
{
    (void)state;
    for (sotto_codec codec = SOTTO_VP8; codec <= SOTTO_H264; codec++) {
        rig r;

        begin(&r, SOTTO_CODEC(SOTTO_OPUS) | SOTTO_CODEC(codec));
        for (int i = 0; i < 2; i++) {
            assert_int_equal(sotto_peer_add_video(r.ends[i].peer, i == 0, i == 1), SOTTO_OK);
            assert_int_equal(sotto_peer_add_video(r.ends[i].peer, true, true), SOTTO_STATE);
        }
        negotiate(&r, 0);
        run(&r, 500);
        assert_int_equal(sotto_peer_state_of(r.ends[0].peer), SOTTO_PEER_OPEN);
        assert_true(sotto_peer_takes(r.ends[0].peer, codec));
        assert_true(sotto_peer_takes(r.ends[0].peer, SOTTO_OPUS));
        assert_false(sotto_peer_takes(r.ends[0].peer, codec == SOTTO_VP8 ? SOTTO_H264 : SOTTO_VP8));
        assert_false(sotto_peer_takes(r.ends[0].peer, SOTTO_PCMU));
        show(&r, codec);
        assert_int_equal(r.ends[1].pictures, MANY);
        assert_int_equal(r.ends[1].keys, MANY / 10);
        assert_int_equal(r.ends[1].codec, codec);
        assert_true(r.ends[0].rate > 100000);
        assert_int_equal(r.ends[0].pictures, 0);
        sotto_peer_want_key(r.ends[1].peer);
        run(&r, 200);
        assert_int_equal(r.ends[0].keys_wanted, 1);
        finish(&r);
    }
}

static void a_picture_comes_and_goes_in_mid_call(void **state)
{
    uint8_t bytes[2000];
    sotto_frame sound = {.bytes = (const uint8_t *)"\xf8\xff\xfe", .len = 3};
    sotto_frame frame = {.bytes = bytes, .len = picture(SOTTO_VP8, 0, bytes), .codec = SOTTO_VP8};
    rig r;

    (void)state;
    begin(&r, SOTTO_CODEC(SOTTO_OPUS) | SOTTO_CODEC(SOTTO_VP8));
    negotiate(&r, 0);
    run(&r, 500);
    assert_int_equal(sotto_peer_send(r.ends[0].peer, r.now, &frame), SOTTO_STATE);
    assert_int_equal(sotto_peer_send(r.ends[0].peer, r.now, &sound), SOTTO_OK);
    assert_int_equal(sotto_peer_add_video(r.ends[0].peer, true, false), SOTTO_OK);
    run(&r, 100);
    assert_int_equal(r.ends[0].offers_due, 1);
    /* it has not said yet that it wants to see: its answer takes no picture by itself */
    assert_int_equal(sotto_peer_add_video(r.ends[1].peer, false, true), SOTTO_OK);
    negotiate(&r, 0);
    run(&r, 100);
    show(&r, SOTTO_VP8);
    assert_int_equal(r.ends[1].pictures, MANY);
    assert_int_equal(r.ends[1].sounds, 1);
    assert_int_equal(sotto_peer_direct_video(r.ends[0].peer, false, false), SOTTO_OK);
    run(&r, 100);
    assert_int_equal(r.ends[0].offers_due, 2);
    negotiate(&r, 0);
    assert_int_equal(sotto_peer_send(r.ends[0].peer, r.now, &frame), SOTTO_STATE);
    assert_int_equal(sotto_peer_send(r.ends[0].peer, r.now, &sound), SOTTO_OK);
    frame.codec = (sotto_codec)77;
    assert_int_equal(sotto_peer_send(r.ends[0].peer, r.now, &frame), SOTTO_STATE);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_of_each_codec_arrive),
        cmocka_unit_test(a_picture_comes_and_goes_in_mid_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
