/* Two associations in simulated time, with a link between them that loses and reorders as a seed says. */
#include "unit.h"

#include "clock.h"
#include "sctp/dcep.h"
#include "sctp/sctp.h"

#include <pthread.h>
#include <stdlib.h>

#define FLYING 2048
#define HEARD 1024
#define BIG SO_SCTP_MESSAGE_MAX
#define TEXT(s) ((so_slice){(const uint8_t *)(s), sizeof(s) - 1})

typedef struct packet {
    bool used;
    int to;
    so_msec due;
    size_t len;
    uint8_t bytes[SO_SCTP_MTU];
} packet;

/* What of an event is looked at later: messages by their length and first four bytes. */
typedef struct heard {
    so_sctp_event_kind kind;
    uint16_t channel;
    bool text, intact;
    size_t len;
    uint32_t number;
    so_sctp_channel opened;
    char label[32], protocol[32];
} heard;

typedef struct pair {
    so_sctp *ends[2]; /* client, server */
    packet flying[FLYING];
    heard heard[2][HEARD];
    size_t count[2];
    unsigned loss, delay; /* in a hundred; up to so many ms more than 10 */
    bool mute;            /* nothing arrives */
    size_t packets;
} pair;

static pair p;

static so_sctp *end_of(so_sctp_role role, size_t receive_max, size_t queue_max)
{
    so_sctp_config config = {role, 5000, 5000, receive_max, BIG, queue_max, sim_now()};
    so_sctp *end;

    assert_int_equal(so_sctp_new(&end, &config, NULL), SO_OK);
    return end;
}

static void begin(uint64_t seed, unsigned loss, unsigned delay)
{
    for (int i = 0; i < 2; i++)
        so_sctp_free(p.ends[i]); /* of a test that failed */
    sim_begin(seed);
    memset(&p, 0, sizeof p);
    p.loss = loss;
    p.delay = delay;
    for (int i = 0; i < 2; i++)
        p.ends[i] = end_of((so_sctp_role)i, BIG, 4 * BIG);
}

static void end(void)
{
    for (int i = 0; i < 2; i++) {
        so_sctp_free(p.ends[i]);
        p.ends[i] = NULL;
    }
    sim_end();
}

/* Bytes that follow from their place and the message's number, which they begin with. */
static uint8_t byte_of(uint32_t number, size_t at)
{
    return at < 4 ? (uint8_t)(number >> (24 - 8 * at)) : (uint8_t)(number * 31 + at * 7 + (at >> 8));
}

static void note(int at, const so_sctp_event *event)
{
    heard *h = &p.heard[at][p.count[at]];
    const uint8_t *bytes = event->bytes.bytes;

    assert_true(p.count[at] < HEARD);
    *h = (heard){.kind = event->kind, .channel = event->channel, .text = event->text, .len = event->bytes.len};
    h->opened = event->opened;
    if (event->kind == SO_SCTP_CHANNEL_OPENED) {
        assert_true(event->opened.label.len < sizeof h->label && event->opened.protocol.len < sizeof h->protocol);
        memcpy(h->label, event->opened.label.bytes, event->opened.label.len);
        memcpy(h->protocol, event->opened.protocol.bytes, event->opened.protocol.len);
    }
    if (h->len >= 4) {
        h->number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
        h->intact = true;
        for (size_t i = 0; i < h->len; i++)
            h->intact = h->intact && bytes[i] == byte_of(h->number, i);
    }
    p.count[at]++;
}

static void launch(int from, const uint8_t *bytes, size_t len)
{
    p.packets++;
    if (sim_dice(100) < p.loss || p.mute)
        return;
    for (size_t i = 0; i < FLYING; i++) {
        packet *f = &p.flying[i];

        if (f->used)
            continue;
        *f = (packet){.used = true, .to = 1 - from, .due = sim_now() + 10 + sim_dice(p.delay + 1), .len = len};
        memcpy(f->bytes, bytes, len);
        return;
    }
    fail_msg("%s", "too many packets under way");
}

static void drain(void)
{
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[SO_SCTP_MTU];
        so_sctp_event event;
        size_t len;

        while (p.ends[i] != NULL && so_sctp_event_next(p.ends[i], &event))
            note(i, &event);
        while (p.ends[i] != NULL && so_sctp_transmit(p.ends[i], bytes, &len))
            launch(i, bytes, len);
    }
}

static so_msec next_time(so_msec limit)
{
    for (int i = 0; i < 2; i++)
        if (p.ends[i] != NULL && so_sctp_deadline(p.ends[i]) < limit)
            limit = so_sctp_deadline(p.ends[i]);
    for (size_t i = 0; i < FLYING; i++)
        if (p.flying[i].used && p.flying[i].due < limit)
            limit = p.flying[i].due;
    return limit > sim_now() ? limit : sim_now() + 1;
}

/* The next moment in which anything happens. */
static void step(void)
{
    drain();
    sim_set(next_time(sim_now() + 1000));
    for (size_t i = 0; i < FLYING; i++) {
        packet *f = &p.flying[i];

        if (!f->used || f->due > sim_now())
            continue;
        f->used = false;
        if (p.ends[f->to] != NULL)
            so_sctp_receive(p.ends[f->to], sim_now(), (so_slice){f->bytes, f->len});
        drain();
    }
    for (int i = 0; i < 2; i++)
        if (p.ends[i] != NULL && so_sctp_deadline(p.ends[i]) <= sim_now())
            so_sctp_tick(p.ends[i], sim_now());
    drain();
}

static void pass(so_msec ms)
{
    so_msec until = sim_now() + ms;

    while (sim_now() < until)
        step();
}

static size_t count_of(int at, so_sctp_event_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < p.count[at]; i++)
        count += p.heard[at][i].kind == kind;
    return count;
}

static const heard *nth(int at, so_sctp_event_kind kind, size_t n)
{
    for (size_t i = 0; i < p.count[at]; i++)
        if (p.heard[at][i].kind == kind && n-- == 0)
            return &p.heard[at][i];
    fail_msg("%s", "no such event");
    return NULL;
}

/* Until one end has heard so many events of a kind, for at most two minutes of simulated time. */
static void wait_for(int at, so_sctp_event_kind kind, size_t count)
{
    so_msec until = sim_now() + 120000;

    while (count_of(at, kind) < count && sim_now() < until)
        step();
    assert_int_equal(count_of(at, kind), count);
}

static void connect_ends(void)
{
    for (int i = 0; i < 2; i++)
        so_sctp_start(p.ends[i], sim_now());
    wait_for(0, SO_SCTP_CONNECTED, 1);
    wait_for(1, SO_SCTP_CONNECTED, 1);
}

static uint16_t open_one(int at, const so_sctp_channel *channel)
{
    uint16_t id;

    assert_int_equal(so_sctp_open_channel(p.ends[at], sim_now(), channel, &id), SO_OK);
    return id;
}

static so_status say(int at, uint16_t channel, uint32_t number, size_t len)
{
    uint8_t *bytes = malloc(len);
    so_status status;

    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = byte_of(number, i);
    status = so_sctp_send(p.ends[at], sim_now(), channel, false, (so_slice){bytes, len});
    free(bytes);
    return status;
}

/* ---- Tests ---- */

static void test_names_and_kinds(void **state)
{
    so_sctp_channel asked = {.label = TEXT("chat"),
                             .protocol = TEXT("sotto"),
                             .unordered = true,
                             .reliability = SO_SCTP_BY_COUNT,
                             .limit = 3};
    const heard *h;
    uint16_t id;

    (void)state;
    begin(1, 0, 0);
    id = open_one(0, &asked); /* before there is an association */
    assert_int_equal(id, 0);
    assert_int_equal(so_sctp_send(p.ends[0], sim_now(), id, true, TEXT("hello")), SO_OK);
    connect_ends();
    wait_for(1, SO_SCTP_CHANNEL_OPENED, 1);
    h = nth(1, SO_SCTP_CHANNEL_OPENED, 0);
    assert_string_equal(h->label, "chat");
    assert_string_equal(h->protocol, "sotto");
    assert_true(h->opened.unordered && h->opened.reliability == SO_SCTP_BY_COUNT && h->opened.limit == 3);
    wait_for(1, SO_SCTP_MESSAGE, 1);
    assert_true(nth(1, SO_SCTP_MESSAGE, 0)->text && nth(1, SO_SCTP_MESSAGE, 0)->len == 5);
    assert_int_equal(so_sctp_send(p.ends[1], sim_now(), id, true, TEXT("")), SO_OK);
    assert_int_equal(so_sctp_send(p.ends[1], sim_now(), id, false, TEXT("")), SO_OK);
    wait_for(0, SO_SCTP_MESSAGE, 2);
    assert_true(nth(0, SO_SCTP_MESSAGE, 0)->text != nth(0, SO_SCTP_MESSAGE, 1)->text);
    assert_int_equal(nth(0, SO_SCTP_MESSAGE, 0)->len + nth(0, SO_SCTP_MESSAGE, 1)->len, 0);
    assert_int_equal(open_one(1, &asked), 1); /* the server's are odd */
    wait_for(0, SO_SCTP_CHANNEL_OPENED, 1);
    end();
}

static void test_reliable_in_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        so_sctp_channel asked = {.label = TEXT("file")};
        uint16_t id;

        begin(seed, 8, 30);
        connect_ends();
        id = open_one(0, &asked);
        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(say(0, id, i, 4 + i * 37 % 3000), SO_OK);
        wait_for(1, SO_SCTP_MESSAGE, 100);
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(nth(1, SO_SCTP_MESSAGE, i)->number, i);
            assert_int_equal(nth(1, SO_SCTP_MESSAGE, i)->len, 4 + i * 37 % 3000);
            assert_true(nth(1, SO_SCTP_MESSAGE, i)->intact);
        }
        end();
    }
}

static void test_unordered_overtakes(void **state)
{
    bool overtaken = false;

    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        so_sctp_channel asked = {.label = TEXT("game"), .unordered = true};
        bool seen[100] = {false};
        uint16_t id;

        begin(seed, 8, 30);
        connect_ends();
        id = open_one(0, &asked);
        assert_int_equal(say(0, id, 0, 4), SO_OK);
        wait_for(1, SO_SCTP_MESSAGE, 1);
        pass(3000); /* the acknowledgement of the OPEN is there */
        for (uint32_t i = 1; i < 100; i++)
            assert_int_equal(say(0, id, i, 900), SO_OK);
        wait_for(1, SO_SCTP_MESSAGE, 100);
        for (uint32_t i = 0; i < 100; i++) {
            const heard *h = nth(1, SO_SCTP_MESSAGE, i);

            assert_true(h->intact && h->number < 100 && !seen[h->number]);
            seen[h->number] = true;
            overtaken = overtaken || h->number != i;
        }
        end();
    }
    assert_true(overtaken);
}

/* What is lost stays lost, what comes is whole and in order, and the channel goes on. */
static void lose(so_sctp_reliability reliability, uint32_t limit, size_t len, uint64_t seed)
{
    so_sctp_channel asked = {.label = TEXT("live"), .reliability = reliability, .limit = limit};
    so_sctp_channel sure = {.label = TEXT("sure")};
    uint16_t id, other;
    size_t got;

    begin(seed, 0, 10);
    connect_ends();
    id = open_one(0, &asked);
    other = open_one(0, &sure);
    wait_for(1, SO_SCTP_CHANNEL_OPENED, 2);
    p.loss = 30;
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(say(0, id, i, len), SO_OK);
        pass(10);
    }
    p.loss = 0;
    pass(30000);
    got = count_of(1, SO_SCTP_MESSAGE);
    assert_in_range(got, 1, 199);
    for (size_t i = 1; i < got; i++)
        assert_true(nth(1, SO_SCTP_MESSAGE, i)->number > nth(1, SO_SCTP_MESSAGE, i - 1)->number);
    for (size_t i = 0; i < got; i++)
        assert_true(nth(1, SO_SCTP_MESSAGE, i)->intact && nth(1, SO_SCTP_MESSAGE, i)->len == len);
    assert_int_equal(say(0, id, 1000, len), SO_OK);
    assert_int_equal(say(0, other, 1001, 700), SO_OK);
    wait_for(1, SO_SCTP_MESSAGE, got + 2);
    end();
}

static void test_partial_reliability(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        lose(SO_SCTP_BY_COUNT, 0, 700, seed);
        lose(SO_SCTP_BY_TIME, 150, 700, seed);
        lose(SO_SCTP_BY_COUNT, 1, 3000, seed); /* of several pieces */
        lose(SO_SCTP_BY_TIME, 150, 3000, seed);
    }
}

static void test_large_messages(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        so_sctp_channel asked = {.label = TEXT("file"), .unordered = seed == 3};
        uint16_t id;

        begin(seed, 3, 20);
        connect_ends();
        id = open_one(0, &asked);
        assert_int_equal(say(0, id, 0, BIG + 1), SO_BAD_INPUT);
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(say(0, id, i, BIG), SO_OK);
        assert_int_equal(say(1, id, 9, 4), SO_NOT_FOUND); /* it has not got there yet */
        wait_for(1, SO_SCTP_MESSAGE, 4);
        for (size_t i = 0; i < 4; i++)
            assert_true(nth(1, SO_SCTP_MESSAGE, i)->len == BIG && nth(1, SO_SCTP_MESSAGE, i)->intact);
        end();
    }
}

static void open_many(uint64_t seed)
{
    so_sctp_channel asked = {.label = TEXT("one of many")};
    uint16_t ids[SO_SCTP_CHANNELS], id;

    begin(seed, 5, 20);
    connect_ends();
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++) {
        ids[i] = open_one(0, &asked);
        assert_int_equal(say(0, ids[i], (uint32_t)i, 500), SO_OK);
    }
    assert_int_equal(so_sctp_open_channel(p.ends[0], sim_now(), &asked, &id), SO_TOO_LONG);
    wait_for(1, SO_SCTP_MESSAGE, SO_SCTP_CHANNELS);
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
        assert_int_equal(nth(1, SO_SCTP_MESSAGE, i)->channel, 2 * nth(1, SO_SCTP_MESSAGE, i)->number);
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++) /* half of them by the other end */
        so_sctp_close_channel(p.ends[i & 1], sim_now(), ids[i]);
    for (int i = 0; i < 2; i++)
        wait_for(i, SO_SCTP_CHANNEL_CLOSED, SO_SCTP_CHANNELS);
    for (size_t i = 0; i < SO_SCTP_CHANNELS; i++)
        assert_int_equal(say(0, open_one(0, &asked), (uint32_t)i, 500), SO_OK);
    wait_for(1, SO_SCTP_MESSAGE, (size_t)2 * SO_SCTP_CHANNELS);
    end();
}

static void test_many_channels(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++)
        open_many(seed);
}

static void test_close_and_reopen(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        so_sctp_channel asked = {.label = TEXT("short")};

        begin(seed, 10, 40);
        connect_ends();
        for (uint32_t round = 1; round <= 5; round++) {
            uint16_t id = open_one(0, &asked);

            assert_int_equal(id, 0); /* free again each time */
            assert_int_equal(say(0, id, round, 5000), SO_OK);
            so_sctp_close_channel(p.ends[0], sim_now(), id); /* once the message is sent */
            assert_int_equal(say(0, id, 99, 4), SO_STATE);
            wait_for(0, SO_SCTP_CHANNEL_CLOSED, round);
            assert_int_equal(say(0, id, 99, 4), SO_NOT_FOUND);
        }
        wait_for(1, SO_SCTP_CHANNEL_CLOSED, 5);
        wait_for(1, SO_SCTP_MESSAGE, 5);
        for (uint32_t round = 1; round <= 5; round++)
            assert_true(nth(1, SO_SCTP_MESSAGE, round - 1)->number == round);
        assert_int_equal(count_of(1, SO_SCTP_CHANNEL_OPENED), 5);
        end();
    }
}

static void test_both_close(void **state)
{
    so_sctp_channel asked = {.label = TEXT("short")};
    uint16_t id;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    id = open_one(0, &asked);
    wait_for(1, SO_SCTP_CHANNEL_OPENED, 1);
    for (int i = 0; i < 2; i++)
        so_sctp_close_channel(p.ends[i], sim_now(), id);
    for (int i = 0; i < 2; i++)
        wait_for(i, SO_SCTP_CHANNEL_CLOSED, 1);
    pass(5000);
    assert_int_equal(count_of(0, SO_SCTP_CHANNEL_CLOSED), 1);
    end();
}

static void test_negotiated(void **state)
{
    so_sctp_channel asked = {.negotiated = true, .id = 700};
    uint16_t id;

    (void)state;
    begin(1, 0, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(open_one(i, &asked), 700);
    assert_int_equal(so_sctp_open_channel(p.ends[0], sim_now(), &asked, &id), SO_BAD_INPUT);
    asked.id = SO_SCTP_STREAMS;
    assert_int_equal(so_sctp_open_channel(p.ends[0], sim_now(), &asked, &id), SO_BAD_INPUT);
    connect_ends();
    for (int i = 0; i < 2; i++)
        assert_int_equal(say(i, 700, 1, 10), SO_OK);
    for (int i = 0; i < 2; i++)
        wait_for(i, SO_SCTP_MESSAGE, 1);
    assert_int_equal(count_of(0, SO_SCTP_CHANNEL_OPENED) + count_of(1, SO_SCTP_CHANNEL_OPENED), 0);
    end();
}

static void test_backpressure(void **state)
{
    so_sctp_channel asked = {.label = TEXT("file")};
    uint16_t id;
    uint32_t sent = 0;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    id = open_one(0, &asked);
    so_sctp_set_low_mark(p.ends[0], id, 100000);
    pass(1000);
    while (say(0, id, sent, 50000) == SO_OK)
        sent++;
    assert_int_equal(say(0, id, sent, 50000), SO_TOO_LONG);
    assert_in_range(so_sctp_buffered(p.ends[0], id), 3 * BIG, 4 * BIG);
    assert_int_equal(count_of(0, SO_SCTP_BUFFERED_LOW), 0);
    wait_for(0, SO_SCTP_BUFFERED_LOW, 1);
    assert_in_range(so_sctp_buffered(p.ends[0], id), 0, 100000);
    wait_for(1, SO_SCTP_MESSAGE, sent);
    assert_int_equal(so_sctp_buffered(p.ends[0], id), 0);
    while (say(0, id, sent, 50000) == SO_OK)
        sent++;
    so_sctp_close_channel(p.ends[0], sim_now(), id);
    assert_true(so_sctp_buffered(p.ends[0], id) > BIG);
    wait_for(1, SO_SCTP_CHANNEL_CLOSED, 1);
    assert_int_equal(count_of(1, SO_SCTP_MESSAGE), sent); /* closing sends what waits first */
    end();
}

static void test_no_answer(void **state)
{
    (void)state;
    begin(1, 0, 0);
    p.mute = true;
    so_sctp_start(p.ends[0], sim_now());
    wait_for(0, SO_SCTP_ENDED, 1);
    assert_int_equal(so_sctp_state_of(p.ends[0]), SO_SCTP_FAILED);
    assert_non_null(strstr(so_sctp_error(p.ends[0])->text, "did not answer"));
    assert_int_equal(so_sctp_deadline(p.ends[0]), UINT64_MAX);
    end();
}

static void test_silence(void **state)
{
    so_sctp_channel asked = {.label = TEXT("chat")};
    uint16_t id;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    id = open_one(0, &asked);
    pass(1000);
    p.mute = true;
    assert_int_equal(say(0, id, 1, 100), SO_OK);
    wait_for(0, SO_SCTP_ENDED, 1);
    end();
}

static void test_close(void **state)
{
    so_sctp_channel asked = {.label = TEXT("chat")};
    uint16_t id;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    id = open_one(0, &asked);
    so_sctp_close(p.ends[0], sim_now());
    assert_int_equal(so_sctp_send(p.ends[0], sim_now(), id, true, TEXT("late")), SO_STATE);
    wait_for(1, SO_SCTP_ENDED, 1);
    assert_int_equal(so_sctp_state_of(p.ends[0]), SO_SCTP_CLOSED);
    assert_int_equal(count_of(0, SO_SCTP_ENDED), 0);
    assert_int_equal(so_sctp_open_channel(p.ends[1], sim_now(), &asked, &id), SO_STATE);
    end();
}

/* Quiet associations ask for few ticks, and live. */
static void test_idle(void **state)
{
    so_sctp_channel asked = {.label = TEXT("chat")};
    size_t packets;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    pass(10000);
    assert_int_equal(so_sctp_deadline(p.ends[0]) - sim_now(), 1000);
    packets = p.packets;
    pass(300000);
    assert_in_range(p.packets - packets, 2, 100);
    p.mute = true; /* what is sent after the quiet gets lost, and is sent again in good time */
    (void)open_one(1, &asked);
    drain();
    p.mute = false;
    pass(700);
    assert_int_equal(count_of(0, SO_SCTP_CHANNEL_OPENED), 1);
    end();
}

static void test_longer_than_allowed(void **state)
{
    so_sctp_channel asked = {.label = TEXT("file")};

    (void)state;
    for (size_t len = 1001; len < 100000; len *= 7) {
        begin(1, 0, 0);
        so_sctp_free(p.ends[1]);
        p.ends[1] = end_of(SO_SCTP_SERVER, 1000, BIG);
        connect_ends();
        assert_int_equal(say(0, open_one(0, &asked), 1, len), SO_OK);
        wait_for(1, SO_SCTP_ENDED, 1);
        assert_int_equal(count_of(1, SO_SCTP_MESSAGE), 0);
        assert_non_null(strstr(so_sctp_error(p.ends[1])->text, "longer"));
        wait_for(0, SO_SCTP_ENDED, 1); /* it was told */
        end();
    }
}

/* Both ends take themselves for the client: what one opens is not its to give. */
static void test_wrong_parity(void **state)
{
    so_sctp_channel asked = {.label = TEXT("chat")};

    (void)state;
    begin(1, 0, 0);
    so_sctp_free(p.ends[1]);
    p.ends[1] = end_of(SO_SCTP_CLIENT, BIG, BIG);
    connect_ends();
    (void)open_one(0, &asked);
    wait_for(1, SO_SCTP_ENDED, 1);
    assert_non_null(strstr(so_sctp_error(p.ends[1])->text, "not its to give"));
    end();
}

static void test_dcep(void **state)
{
    so_sctp_channel asked = {.label = TEXT("label"), .protocol = TEXT("p"), .reliability = SO_SCTP_BY_TIME, .limit = 7};
    static const uint8_t expected[] = {3, 2, 1, 0, 0, 0, 0, 7, 0, 5, 0, 1, 'l', 'a', 'b', 'e', 'l', 'p'};
    uint8_t bytes[SO_DCEP_OPEN_MAX + 1] = {0};
    so_sctp_channel got;
    size_t len = so_dcep_write_open(bytes, &asked);

    (void)state;
    assert_int_equal(len, sizeof expected);
    assert_memory_equal(bytes, expected, len);
    assert_int_equal(so_dcep_read((so_slice){bytes, len}, &got), SO_DCEP_OPEN);
    assert_true(got.label.len == 5 && got.protocol.len == 1 && got.limit == 7);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(so_dcep_read((so_slice){bytes, cut}, &got), SO_DCEP_BROKEN);
    assert_int_equal(so_dcep_read((so_slice){bytes, len + 1}, &got), SO_DCEP_BROKEN);
    bytes[1] = 3; /* no such type of channel */
    assert_int_equal(so_dcep_read((so_slice){bytes, len}, &got), SO_DCEP_BROKEN);
    assert_int_equal(so_dcep_read((so_slice){bytes, so_dcep_write_ack(bytes)}, &got), SO_DCEP_ACK);
    assert_int_equal(so_dcep_read((so_slice){bytes, 2}, &got), SO_DCEP_BROKEN);
}

/* The checksum of SCTP made right again (RFC 9260 appendix A), so that what was changed is looked at. */
static void seal_packet(uint8_t *bytes, size_t len)
{
    uint32_t crc = 0xffffffff;

    memset(bytes + 8, 0, 4);
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    for (int i = 0; i < 4; i++)
        bytes[8 + i] = (uint8_t)(~crc >> (8 * i));
}

/* Changes, cuts or makes up packets for one end while a call is under way. */
static void harass(int at, unsigned kind)
{
    uint8_t bytes[SO_SCTP_MTU];
    size_t len = 12 + sim_dice(SO_SCTP_MTU - 12);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)sim_dice(256);
    for (size_t i = 0; kind > 0 && i < FLYING; i++)
        if (p.flying[i].used && p.flying[i].to == at) {
            len = p.flying[i].len;
            memcpy(bytes, p.flying[i].bytes, len);
            break;
        }
    if (kind == 1)
        len = sim_dice((unsigned)len);
    for (unsigned i = 0; kind == 2 && i < 4 && len > 12; i++)
        bytes[12 + sim_dice((unsigned)len - 12)] = (uint8_t)sim_dice(256);
    if (kind > 0 && len >= 12)
        seal_packet(bytes, len);
    so_sctp_receive(p.ends[at], sim_now(), (so_slice){bytes, len});
}

static void test_hostile_packets(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        so_sctp_channel asked = {.label = TEXT("chat")};

        begin(seed, 0, 20);
        for (int i = 0; i < 2; i++)
            so_sctp_start(p.ends[i], sim_now());
        for (uint32_t i = 0; i < 40; i++) {
            uint16_t id;

            if (so_sctp_open_channel(p.ends[i & 1], sim_now(), &asked, &id) == SO_OK) {
                if (say((int)i & 1, id, i, 3000) == SO_OK && i % 3 == 0)
                    so_sctp_close_channel(p.ends[i & 1], sim_now(), id);
            }
            step();
            harass((int)sim_dice(2), (unsigned)seed % 3);
            p.count[0] = p.count[1] = 0;
        }
        if (seed % 3 == 0) /* random bytes alone end nothing: no checksum of theirs is right */
            assert_true(so_sctp_state_of(p.ends[0]) == SO_SCTP_OPEN && so_sctp_state_of(p.ends[1]) == SO_SCTP_OPEN);
        end();
    }
}

static void test_freed_at_any_time(void **state)
{
    (void)state;
    for (unsigned steps = 0; steps < 60; steps++) {
        so_sctp_channel asked = {.label = TEXT("chat")};
        uint16_t id;

        begin(steps + 1, 5, 20);
        for (int i = 0; i < 2; i++)
            so_sctp_start(p.ends[i], sim_now());
        id = open_one(0, &asked);
        assert_int_equal(say(0, id, 1, 30000), SO_OK);
        for (unsigned i = 0; i < steps; i++) {
            step();
            if (i == 30)
                so_sctp_close_channel(p.ends[0], sim_now(), id);
        }
        so_sctp_free(p.ends[steps & 1]);
        p.ends[steps & 1] = NULL;
        for (unsigned i = 0; i < 20; i++)
            step();
        end();
    }
    so_sctp_free(NULL);
}

/* ---- Two threads, each with a call of its own ---- */

typedef struct talk {
    so_sctp *ends[2];
    so_msec now;
    size_t heard;
    bool failed;
} talk;

/* What both ends have to say, carried over; time goes on by 5 ms. */
static void exchange(talk *t)
{
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[SO_SCTP_MTU];
        so_sctp_event event;
        size_t len;

        while (so_sctp_event_next(t->ends[i], &event)) {
            t->heard += event.kind == SO_SCTP_MESSAGE && event.bytes.len == 900;
            t->failed = t->failed || event.kind == SO_SCTP_ENDED;
        }
        while (so_sctp_transmit(t->ends[i], bytes, &len))
            so_sctp_receive(t->ends[1 - i], t->now, (so_slice){bytes, len});
    }
    t->now += 5;
    for (int i = 0; i < 2; i++)
        if (so_sctp_deadline(t->ends[i]) <= t->now)
            so_sctp_tick(t->ends[i], t->now);
}

static void *talk_for_long(void *user)
{
    static const uint8_t bytes[900];
    so_sctp_channel asked = {.label = TEXT("chat")};
    talk *t = user;
    uint16_t id;

    for (int round = 0; round < 10 && !t->failed; round++) {
        for (int i = 0; i < 2; i++) {
            so_sctp_config config = {(so_sctp_role)i, 5000, 5000, BIG, BIG, BIG, t->now};

            t->failed = t->failed || so_sctp_new(&t->ends[i], &config, NULL) != SO_OK;
        }
        for (int i = 0; i < 2; i++)
            so_sctp_start(t->ends[i], t->now);
        t->failed = t->failed || so_sctp_open_channel(t->ends[0], t->now, &asked, &id) != SO_OK;
        for (int i = 0; i < 100; i++) {
            t->failed = t->failed || so_sctp_send(t->ends[0], t->now, id, false, (so_slice){bytes, 900}) != SO_OK;
            exchange(t);
        }
        for (int i = 0; i < 400; i++)
            exchange(t);
        for (int i = 0; i < 2; i++)
            so_sctp_free(t->ends[i]);
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    talk talks[2] = {{.now = 0}, {.now = 0}};
    pthread_t threads[2];

    (void)state;
    sim_begin(1);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, talk_for_long, &talks[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_false(talks[i].failed);
        assert_int_equal(talks[i].heard, 1000);
    }
    sim_end();
}

static void test_bad_configs(void **state)
{
    so_sctp_config good = {SO_SCTP_CLIENT, 5000, 5000, BIG, BIG, BIG, 0}, bad = good;
    so_error err = {0};
    so_sctp *s;

    (void)state;
    bad.local_port = 0;
    assert_int_equal(so_sctp_new(&s, &bad, &err), SO_BAD_INPUT);
    assert_string_equal(err.layer, "data channels");
    bad = good;
    bad.receive_max = BIG + 1;
    assert_int_equal(so_sctp_new(&s, &bad, NULL), SO_BAD_INPUT);
    bad = good;
    bad.queue_max = BIG - 1;
    assert_int_equal(so_sctp_new(&s, &bad, NULL), SO_BAD_INPUT);
    assert_null(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_kinds),
        cmocka_unit_test(test_reliable_in_order),
        cmocka_unit_test(test_unordered_overtakes),
        cmocka_unit_test(test_partial_reliability),
        cmocka_unit_test(test_large_messages),
        cmocka_unit_test(test_many_channels),
        cmocka_unit_test(test_close_and_reopen),
        cmocka_unit_test(test_both_close),
        cmocka_unit_test(test_negotiated),
        cmocka_unit_test(test_backpressure),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_longer_than_allowed),
        cmocka_unit_test(test_wrong_parity),
        cmocka_unit_test(test_dcep),
        cmocka_unit_test(test_hostile_packets),
        cmocka_unit_test(test_freed_at_any_time),
        cmocka_unit_test(test_bad_configs),
        cmocka_unit_test(test_two_threads),
    };

    return cmocka_run_group_tests_name("sctp", tests, NULL, NULL);
}
