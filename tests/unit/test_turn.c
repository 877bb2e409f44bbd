/* ice/turn: one allocation's whole life at a simulated server, over datagrams and over a stream, and what goes wrong.
 */
#include "unit.h"

#include "ice/turn.h"
#include "turn_server.h"

#include <stdlib.h>

#define WIRE 32

typedef struct wire {
    uint8_t bytes[WIRE][2200];
    size_t len[WIRE];
    unsigned count;
} wire;

typedef struct rig {
    so_turn *turn;
    sim_turn server;
    so_address client, peer;
    so_msec now;
    uint64_t seed;
    bool stream;
    unsigned lose; /* so many of the next requests, in every direction */
    unsigned sent;
    wire to_client, to_peer; /* of the last exchange */
    so_address peer_said_to; /* where the last datagram to a peer went */
} rig;

static so_address address(const char *ip, uint16_t port)
{
    so_address a;

    assert_int_equal(so_address_parse(&a, ip, port), SO_OK);
    return a;
}

static void keep(wire *w, const uint8_t *bytes, size_t len)
{
    assert_true(w->count < WIRE && len <= sizeof w->bytes[0]);
    memcpy(w->bytes[w->count], bytes, len);
    w->len[w->count++] = len;
}

static void to_client(void *user, const so_address *client, const uint8_t *bytes, size_t len)
{
    rig *r = user;

    assert_true(so_address_equal(client, &r->client));
    keep(&r->to_client, bytes, len);
}

static void to_peer(void *user, const so_address *relayed, const so_address *peer, const uint8_t *bytes, size_t len)
{
    rig *r = user;

    assert_true(so_address_equal(relayed, so_turn_relayed(r->turn)));
    r->peer_said_to = *peer;
    keep(&r->to_peer, bytes, len);
}

static rig *make(bool stream)
{
    rig *r = calloc(1, sizeof *r);
    so_address relay = address("203.0.113.9", 49152);
    so_turn_config config = {.stream = stream, .family = 4};

    assert_non_null(r);
    r->seed = 7;
    r->now = 1000;
    r->stream = stream;
    r->client = address("198.51.100.1", 5000);
    r->peer = address("192.0.2.7", 6000);
    sim_turn_open(&r->server, &relay);
    r->server.to_client = to_client;
    r->server.to_peer = to_peer;
    r->server.user_data = r;
    config.random = UNIT_RANDOM(&r->seed);
    config.username = r->server.user;
    config.credential = r->server.password;
    assert_int_equal(so_turn_new(&r->turn, &config), SO_OK);
    assert_int_equal(so_turn_state_of(r->turn), SO_TURN_AWAITS_START);
    return r;
}

static void end(rig *r)
{
    so_turn_free(r->turn);
    free(r);
}

static void give(rig *r, uint8_t *bytes, size_t len, so_turn_data *data)
{
    if (r->stream) {
        assert_int_equal(so_turn_read(r->turn, r->now, bytes, len, data), len);
        return;
    }
    so_turn_receive(r->turn, r->now, bytes, len, data);
}

/* All that is due goes to the server, and its answers come back, until nothing more is said. */
static void settle(rig *r)
{
    uint8_t out[SO_TURN_REQUEST];
    size_t len;
    so_turn_data data;

    for (unsigned turns = 0; so_turn_transmit(r->turn, out, &len); turns++) {
        assert_true(turns < 100);
        r->sent++;
        if (r->lose > 0) {
            r->lose--;
            continue;
        }
        r->to_client.count = 0;
        sim_turn_from_client(&r->server, r->now, &r->client, out, len);
        for (unsigned i = 0; i < r->to_client.count; i++)
            give(r, r->to_client.bytes[i], r->to_client.len[i], &data);
        r->to_client.count = 0;
    }
}

static void run(rig *r, so_msec ms)
{
    so_msec until = r->now + ms;

    settle(r);
    for (unsigned ticks = 0; so_turn_deadline(r->turn) <= until; ticks++) {
        assert_true(ticks < 10000);
        assert_true(so_turn_deadline(r->turn) >= r->now);
        r->now = so_turn_deadline(r->turn);
        so_turn_tick(r->turn, r->now);
        settle(r);
    }
    r->now = until;
}

static void allocate(rig *r)
{
    so_turn_start(r->turn, r->now);
    settle(r);
    assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
}

/* Sends through the relay; requests that this makes due go before it. Returns how long it was on the wire. */
static size_t say(rig *r, const so_address *peer, bool carries, const char *text)
{
    uint8_t out[300];
    size_t len = 0;
    so_slice datagram = {text, strlen(text)};

    assert_int_equal(so_turn_wrap(r->turn, r->now, peer, carries, datagram, out, sizeof out, &len), SO_OK);
    assert_true(len <= datagram.len + SO_TURN_OVERHEAD);
    assert_true(!r->stream || len % 4 == 0);
    settle(r);
    r->to_peer.count = 0;
    sim_turn_from_client(&r->server, r->now, &r->client, out, len);
    return len;
}

static void assert_said(const rig *r, const so_address *peer, const char *text)
{
    assert_int_equal(r->to_peer.count, 1);
    assert_true(so_address_equal(&r->peer_said_to, peer));
    assert_int_equal(r->to_peer.len[0], strlen(text));
    assert_memory_equal(r->to_peer.bytes[0], text, strlen(text));
}

/* The peer says something to the relayed address. true: it came out. */
static bool hear(rig *r, const so_address *peer, const char *text)
{
    so_turn_data data;

    r->to_client.count = 0;
    sim_turn_from_peer(&r->server, r->now, so_turn_relayed(r->turn), peer, (const uint8_t *)text, strlen(text));
    if (r->to_client.count == 0)
        return false;
    if (r->stream)
        r->to_client.len[0] = (r->to_client.len[0] + 3) / 4 * 4;
    give(r, r->to_client.bytes[0], r->to_client.len[0], &data);
    if (data.len == 0)
        return false;
    assert_int_equal(data.len, strlen(text));
    assert_memory_equal(data.bytes, text, data.len);
    assert_true(so_address_equal(&data.remote, peer));
    return true;
}

static void assert_failed(const rig *r, const char *code)
{
    const so_turn_failure *failure = so_turn_failure_of(r->turn);

    assert_non_null(failure);
    assert_string_equal(failure->code, code);
    assert_string_equal(failure->error.layer, "relay");
    assert_true(strlen(failure->error.text) > 40 && strchr(failure->error.text, ';') != NULL); /* what to do, too */
    assert_true(so_turn_deadline(r->turn) == UINT64_MAX);
}

/* ---- tests ---- */

static void life(bool stream, bool sha256)
{
    rig *r = make(stream);

    r->server.sha256 = sha256;
    sim_turn_new_nonce(&r->server);
    allocate(r);
    assert_int_equal(r->server.challenges, 1);
    assert_int_equal(r->server.allocates, 1);
    assert_int_equal(so_turn_relayed(r->turn)->port, 49152);
    /* before anything carries: a Send indication behind one permission */
    (void)say(r, &r->peer, false, "check");
    assert_said(r, &r->peer, "check");
    assert_true(hear(r, &r->peer, "answer"));
    assert_int_equal(r->server.permissions, 1);
    assert_int_equal(r->server.indications, 1);
    /* then a channel, which the server has granted when the second datagram goes */
    (void)say(r, &r->peer, true, "hello");
    assert_said(r, &r->peer, "hello");
    assert_int_equal(say(r, &r->peer, true, "media"), stream ? 12 : 9);
    assert_said(r, &r->peer, "media");
    assert_true(hear(r, &r->peer, "media back"));
    assert_int_equal(r->server.channels, 1);
    assert_int_equal(r->server.channel_data, 1);
    /* an hour of it: everything is renewed in time, and nothing more often than it must */
    for (unsigned minute = 0; minute < 60; minute++) {
        run(r, 60000);
        assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
        (void)say(r, &r->peer, true, "still here");
        assert_said(r, &r->peer, "still here");
        assert_true(hear(r, &r->peer, "and here"));
    }
    assert_in_range(r->server.refreshes, 5, 8);
    assert_in_range(r->server.channels, 12, 17);
    assert_in_range(r->server.permissions, 1, 3); /* the channel keeps it */
    assert_int_equal(r->server.dropped, 0);
    so_turn_release(r->turn, r->now);
    settle(r);
    assert_int_equal(r->server.releases, 1);
    assert_null(sim_turn_client_of(&r->server, r->now, &r->client));
    assert_true(so_turn_deadline(r->turn) == UINT64_MAX);
    end(r);
}

static void over_datagrams(void **state)
{
    (void)state;
    life(false, false);
}

static void over_a_stream(void **state)
{
    (void)state;
    life(true, false);
}

static void with_sha256_and_a_hashed_name(void **state)
{
    (void)state;
    life(false, true);
    life(true, true);
}

static void what_is_lost_is_said_again(void **state)
{
    (void)state;
    for (unsigned lost = 1; lost < 7; lost++) {
        rig *r = make(false);

        so_turn_start(r->turn, r->now);
        r->lose = lost;
        run(r, 500U << lost);
        assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
        r->lose = lost;
        (void)say(r, &r->peer, false, "check");
        run(r, 500U << lost);
        assert_int_equal(r->server.permissions, 1);
        end(r);
    }
}

static void silence_is_given_up(void **state)
{
    (void)state;
    for (unsigned stream = 0; stream < 2; stream++) {
        rig *r = make(stream);

        so_turn_start(r->turn, r->now);
        r->lose = 1000;
        run(r, 39499);
        assert_int_equal(so_turn_state_of(r->turn), SO_TURN_AWAITS_ALLOCATION);
        run(r, 1);
        assert_failed(r, "relay-unreachable");
        assert_int_equal(r->sent, stream ? 1 : 7);
        /* and may be tried again */
        r->lose = 0;
        allocate(r);
        end(r);
    }
}

static void a_nonce_goes_stale(void **state)
{
    rig *r = make(false);

    (void)state;
    allocate(r);
    for (unsigned i = 0; i < 20; i++) {
        sim_turn_new_nonce(&r->server);
        r->peer.ip[3]++;
        (void)say(r, &r->peer, i % 2 == 0, "check");
        assert_said(r, &r->peer, "check");
    }
    assert_int_equal(r->server.stale, 20);
    run(r, 3600000);
    assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
    end(r);
}

static void an_allocation_that_the_server_forgot_is_made_anew(void **state)
{
    rig *r = make(false);

    (void)state;
    allocate(r);
    (void)say(r, &r->peer, true, "hello");
    memset(r->server.clients, 0, sizeof r->server.clients);
    sim_turn_new_nonce(&r->server);
    so_turn_probe(r->turn, r->now);
    settle(r);
    assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
    assert_int_equal(so_turn_relayed(r->turn)->port, 49153);
    assert_int_equal(r->server.allocates, 2);
    assert_false(hear(r, &r->peer, "to nobody"));
    (void)say(r, &r->peer, false, "check");
    assert_said(r, &r->peer, "check");
    end(r);
}

static void what_a_call_before_left_behind_is_given_back_first(void **state)
{
    rig *r = make(false);
    so_turn *second;
    so_turn_config config = {.random = UNIT_RANDOM(&r->seed), .family = 4};

    (void)state;
    config.username = r->server.user;
    config.credential = r->server.password;
    allocate(r);
    assert_int_equal(so_turn_new(&second, &config), SO_OK);
    so_turn_free(r->turn); /* without a word */
    r->turn = second;
    allocate(r);
    assert_int_equal(r->server.releases, 1);
    assert_int_equal(r->server.allocates, 2);
    end(r);
}

static void refusals_are_told_apart(void **state)
{
    static const struct {
        uint16_t error;
        const char *code;
    } cases[] = {
        {300, "relay-elsewhere"}, {403, "relay-refused"},     {437, "relay-refused"},
        {440, "relay-refused"},   {441, "relay-credentials"}, {442, "relay-refused"},
        {486, "relay-quota"},     {508, "relay-quota"},       {500, "relay-refused"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig *r = make(false);

        r->server.refuses = cases[i].error;
        so_turn_start(r->turn, r->now);
        settle(r);
        assert_failed(r, cases[i].code);
        assert_int_equal(so_turn_wrap(r->turn, r->now, &r->peer, true, (so_slice){"x", 1}, NULL, 0, &(size_t){0}),
                         SO_STATE);
        end(r);
    }
}

static void wrong_credentials_are_not_tried_twice(void **state)
{
    rig *r = make(false);

    (void)state;
    r->server.password = "another";
    so_turn_start(r->turn, r->now);
    settle(r);
    assert_failed(r, "relay-credentials");
    assert_int_equal(r->sent, 2);
    end(r);
}

static void a_relay_for_everybody_is_not_used(void **state)
{
    rig *r = make(false);

    (void)state;
    r->server.open = true;
    so_turn_start(r->turn, r->now);
    settle(r);
    assert_failed(r, "relay-refused");
    end(r);
}

/* RFC 8489 §9.2.5: the nonce promises better algorithms, and somebody took them out of the answer. */
static void nobody_strips_the_better_algorithms(void **state)
{
    rig *r = make(false);

    (void)state;
    r->server.sha256 = r->server.strips = true;
    sim_turn_new_nonce(&r->server);
    so_turn_start(r->turn, r->now);
    settle(r);
    assert_failed(r, "relay-credentials");
    assert_int_equal(r->server.allocates, 0);
    assert_int_equal(r->sent, 1);
    end(r);
}

static void a_peer_that_the_server_forbids(void **state)
{
    rig *r = make(false);
    uint8_t out[200];
    size_t len;
    so_slice x = {"x", 1};

    (void)state;
    r->server.forbids = 403;
    allocate(r);
    assert_int_equal(so_turn_wrap(r->turn, r->now, &r->peer, false, x, out, sizeof out, &len), SO_OK);
    settle(r);
    r->sent = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(so_turn_wrap(r->turn, r->now, &r->peer, false, x, out, sizeof out, &len), SO_REFUSED);
        run(r, 20000);
    }
    assert_int_equal(r->sent, 0);
    assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
    /* Its rules may have changed meanwhile. */
    r->server.forbids = 0;
    run(r, 200000);
    (void)say(r, &r->peer, false, "check");
    assert_said(r, &r->peer, "check");
    end(r);
}

static void only_whom_we_spoke_to_is_heard(void **state)
{
    rig *r = make(false);
    so_address stranger = address("192.0.2.66", 6000), same_ip = address("192.0.2.7", 7000);
    uint8_t bytes[100], copy[100];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_turn_data data;

    (void)state;
    allocate(r);
    (void)say(r, &r->peer, true, "hello");
    assert_true(hear(r, &r->peer, "one"));
    assert_true(hear(r, &same_ip, "two")); /* RFC 8656 §9: permissions have no ports */
    assert_false(hear(r, &stranger, "three"));
    /* even where the server hands it over */
    so_stun_begin(&w, SO_STUN_INDICATION, SO_STUN_DATA_OF_PEER, (const uint8_t *)"indication.");
    so_stun_put_xor_address(&w, SO_STUN_XOR_PEER_ADDRESS, &stranger);
    so_stun_put(&w, SO_STUN_DATA, "three", 5);
    assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
    so_turn_receive(r->turn, r->now, bytes, so_writer_len(&w), &data);
    assert_int_equal(data.len, 0);
    /* a channel that nobody asked for, one that says it is longer than it is, and one of no channel number */
    static const uint8_t wrong[][8] = {
        {0x40, 0x01, 0, 4, 1, 2, 3, 4}, {0x40, 0, 0, 5, 1, 2, 3, 4}, {0x50, 0, 0, 4, 1, 2, 3, 4}};
    for (unsigned i = 0; i < 3; i++) {
        memcpy(copy, wrong[i], 8);
        so_turn_receive(r->turn, r->now, copy, 8, &data);
        assert_int_equal(data.len, 0);
    }
    end(r);
}

static void an_answer_that_nobody_signed_changes_nothing(void **state)
{
    static const uint16_t methods[] = {SO_STUN_REFRESH, SO_STUN_CREATE_PERMISSION};
    rig *r = make(false);
    uint8_t out[SO_TURN_REQUEST], bytes[200];
    size_t len;
    so_turn_data data;

    (void)state;
    allocate(r);
    so_turn_probe(r->turn, r->now);
    assert_int_equal(so_turn_wrap(r->turn, r->now, &r->peer, false, (so_slice){"x", 1}, bytes, sizeof bytes, &len),
                     SO_OK);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(so_turn_transmit(r->turn, out, &len));
        for (unsigned error = 0; error < 2; error++) {
            so_writer w = so_writer_of(bytes, sizeof bytes);

            so_stun_begin(&w, error ? SO_STUN_ERROR : SO_STUN_SUCCESS, methods[i], out + 8);
            if (error)
                so_stun_put_error(&w, 437, "");
            else
                so_stun_put_u32(&w, SO_STUN_LIFETIME, 0);
            assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
            so_turn_receive(r->turn, r->now, bytes, so_writer_len(&w), &data);
            assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
        }
        /* what is still waited for is asked again */
        r->to_client.count = 0;
    }
    run(r, 500);
    assert_int_equal(r->server.refreshes, 1);
    assert_int_equal(r->server.permissions, 1);
    end(r);
}

/* Messages of every kind, cut at every byte, and bytes by ones. */
static void a_stream_may_be_cut_anywhere(void **state)
{
    static uint8_t all[4000];
    rig *r = make(true);
    static const char *const texts[] = {"1", "22", "333", "4444", "a longer one than these"};
    size_t len = 0;

    (void)state;
    allocate(r);
    (void)say(r, &r->peer, false, "check");
    for (unsigned i = 0; i < 10; i++) {
        if (i == 5) {
            (void)say(r, &r->peer, true, "bind");
            (void)say(r, &r->peer, true, "bound");
        }
        r->to_client.count = 0;
        sim_turn_from_peer(&r->server, r->now, so_turn_relayed(r->turn), &r->peer, (const uint8_t *)texts[i % 5],
                           strlen(texts[i % 5]));
        assert_int_equal(r->to_client.count, 1);
        memcpy(all + len, r->to_client.bytes[0], r->to_client.len[0]);
        len += (r->to_client.len[0] + 3) / 4 * 4;
    }
    for (size_t step = 1; step <= len; step++) {
        unsigned count = 0;

        for (size_t at = 0; at < len;) {
            size_t end_of_step = (at / step + 1) * step < len ? (at / step + 1) * step : len;
            so_turn_data data;
            size_t taken = so_turn_read(r->turn, r->now, all + at, end_of_step - at, &data);

            assert_in_range(taken, 1, end_of_step - at);
            at += taken;
            if (data.len > 0) {
                assert_int_equal(data.len, strlen(texts[count % 5]));
                assert_memory_equal(data.bytes, texts[count % 5], data.len);
                count++;
            }
        }
        assert_int_equal(count, 10);
    }
    end(r);
}

static void a_message_that_is_too_long_is_let_pass(void **state)
{
    static uint8_t big[4 + 60000];
    rig *r = make(true);
    so_turn_data data;
    size_t at = 0;

    (void)state;
    allocate(r);
    (void)say(r, &r->peer, true, "bind");
    big[0] = 0x40;
    big[2] = 60000 >> 8;
    big[3] = 60000 & 0xff;
    while (at < sizeof big) {
        size_t taken = so_turn_read(r->turn, r->now, big + at, sizeof big - at, &data);

        assert_true(taken > 0);
        assert_int_equal(data.len, 0);
        at += taken;
    }
    assert_true(hear(r, &r->peer, "after it"));
    end(r);
}

static void bytes_that_are_no_turn_end_a_stream(void **state)
{
    static const char *const wrong[] = {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x01\x03\0\x07....",
                                        "\0\0\0\0....................", "\x80\0\0\0...."};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        rig *r = make(true);
        so_turn_data data;

        allocate(r);
        assert_int_equal(so_turn_read(r->turn, r->now, (const uint8_t *)wrong[i], 24, &data), i < 4 ? 24 : 0);
        assert_failed(r, "relay-malformed");
        /* nothing more is taken, not even what is right */
        assert_int_equal(so_turn_read(r->turn, r->now, (const uint8_t *)"\x40\0\0\0", 4, &data), 4);
        assert_int_equal(data.len, 0);
        end(r);
    }
}

static void permissions_and_channels_are_bounded(void **state)
{
    rig *r = make(false);

    (void)state;
    allocate(r);
    for (unsigned i = 0; i < 100; i++) {
        so_address peer = address("192.0.2.1", (uint16_t)(1000 + i));

        peer.ip[3] = (uint8_t)i;
        r->now++;
        (void)say(r, &peer, true, "hello");
        if (i < SIM_TURN_PEERS / 2)
            assert_said(r, &peer, "hello");
    }
    assert_int_equal(r->server.permissions, 100);
    assert_int_equal(r->server.channels, 8);
    assert_int_equal(so_turn_state_of(r->turn), SO_TURN_ALLOCATED);
    end(r);
}

static void an_unused_permission_lapses(void **state)
{
    rig *r = make(false);

    (void)state;
    allocate(r);
    (void)say(r, &r->peer, false, "check");
    run(r, 540001);
    assert_int_equal(r->server.permissions, 2); /* it was used when the first one was renewed */
    run(r, 3600000);
    assert_int_equal(r->server.permissions, 2);
    assert_false(hear(r, &r->peer, "late"));
    end(r);
}

static void names_and_credentials_have_a_length(void **state)
{
    static char long_one[SO_STUN_NAME_MAX + 2];
    so_turn_config config = {.random = so_random_system, .family = 4, .username = "", .credential = "x"};
    so_turn *turn;

    (void)state;
    memset(long_one, 'a', sizeof long_one - 1);
    assert_int_equal(so_turn_new(&turn, &config), SO_BAD_INPUT);
    config.username = "x";
    config.credential = long_one;
    assert_int_equal(so_turn_new(&turn, &config), SO_BAD_INPUT);
    assert_null(turn);
    long_one[SO_STUN_NAME_MAX] = '\0';
    assert_int_equal(so_turn_new(&turn, &config), SO_OK);
    so_turn_free(turn);
    config.family = 5;
    assert_int_equal(so_turn_new(&turn, &config), SO_BAD_INPUT);
}

/* A server whose realm and nonce are as long as may be, or longer. */
static void a_challenge_has_a_length(void **state)
{
    static char long_one[SO_STUN_CHALLENGE_MAX + 2];

    (void)state;
    memset(long_one, 'r', sizeof long_one - 1);
    for (unsigned more = 0; more < 2; more++) {
        rig *r = make(false);
        uint8_t out[SO_TURN_REQUEST], bytes[1000];
        size_t len;
        so_writer w = so_writer_of(bytes, sizeof bytes);
        so_turn_data data;

        so_turn_start(r->turn, r->now);
        assert_true(so_turn_transmit(r->turn, out, &len));
        so_stun_begin(&w, SO_STUN_ERROR, SO_STUN_ALLOCATE, out + 8);
        so_stun_put_error(&w, 401, "");
        so_stun_put(&w, SO_STUN_REALM, long_one, SO_STUN_CHALLENGE_MAX);
        so_stun_put(&w, SO_STUN_NONCE, long_one, SO_STUN_CHALLENGE_MAX + more);
        assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
        so_turn_receive(r->turn, r->now, bytes, so_writer_len(&w), &data);
        if (more == 0) {
            so_stun_message m;

            assert_true(so_turn_transmit(r->turn, out, &len));
            assert_int_equal(so_stun_parse(&m, out, len), SO_OK);
            assert_int_equal(m.nonce.len, SO_STUN_CHALLENGE_MAX);
            assert_non_null(m.integrity.bytes);
        } else {
            assert_failed(r, "relay-malformed");
        }
        end(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(over_datagrams),
        cmocka_unit_test(over_a_stream),
        cmocka_unit_test(with_sha256_and_a_hashed_name),
        cmocka_unit_test(what_is_lost_is_said_again),
        cmocka_unit_test(silence_is_given_up),
        cmocka_unit_test(a_nonce_goes_stale),
        cmocka_unit_test(an_allocation_that_the_server_forgot_is_made_anew),
        cmocka_unit_test(what_a_call_before_left_behind_is_given_back_first),
        cmocka_unit_test(refusals_are_told_apart),
        cmocka_unit_test(wrong_credentials_are_not_tried_twice),
        cmocka_unit_test(a_relay_for_everybody_is_not_used),
        cmocka_unit_test(nobody_strips_the_better_algorithms),
        cmocka_unit_test(a_peer_that_the_server_forbids),
        cmocka_unit_test(only_whom_we_spoke_to_is_heard),
        cmocka_unit_test(an_answer_that_nobody_signed_changes_nothing),
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_message_that_is_too_long_is_let_pass),
        cmocka_unit_test(bytes_that_are_no_turn_end_a_stream),
        cmocka_unit_test(permissions_and_channels_are_bounded),
        cmocka_unit_test(an_unused_permission_lapses),
        cmocka_unit_test(names_and_credentials_have_a_length),
        cmocka_unit_test(a_challenge_has_a_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
