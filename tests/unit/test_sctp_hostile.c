/* Ends that break the rules, packets that nobody sent, ends freed at any time, and two threads. */
#include "sctp_pair.h"

#include "sctp/dcep.h"

#include <pthread.h>
#include <stdatomic.h>

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

static struct {
    unsigned resets, data;
    uint8_t tsn[4]; /* of the reset */
} seen;

/* Makes the client's reset come three TSNs early, each time it is sent, and loses the first packet of data once. */
static bool make_early(int from, uint8_t *bytes, size_t len)
{
    if (from != 0)
        return true;
    if (len >= 34 && bytes[12] == 0x82 && bytes[17] == 13) { /* RE-CONFIG, with a request to reset what goes out */
        uint32_t tsn = 3;

        for (int i = 0; i < 4; i++)
            tsn += (uint32_t)bytes[28 + i] << (24 - 8 * i);
        for (int i = 0; i < 4 && seen.resets == 0; i++)
            seen.tsn[i] = (uint8_t)(tsn >> (24 - 8 * i));
        memcpy(bytes + 28, seen.tsn, sizeof seen.tsn);
        seal_packet(bytes, len);
        seen.resets++;
    }
    return bytes[12] != 0 || seen.resets == 0 || seen.data++ > 0;
}

/* Another usrsctp than ours may send a reset before the data is there that went before it. */
static void test_early_reset(void **state)
{
    so_sctp_channel asked = {.label = TEXT("file")};
    uint16_t closing, other;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    closing = open_one(0, &asked);
    other = open_one(0, &asked);
    assert_int_equal(say(0, other, 1, 100), SO_OK);
    wait_for(1, SO_SCTP_MESSAGE, 1);
    pass(2000);
    memset(&seen, 0, sizeof seen);
    p.look = make_early;
    so_sctp_close_channel(p.ends[0], sim_now(), closing);
    drain();
    assert_int_equal(say(0, other, 2, 3000), SO_OK);
    pass(100);
    assert_int_equal(count_of(1, SO_SCTP_MESSAGE), 1);
    assert_int_equal(count_of(0, SO_SCTP_CHANNEL_CLOSED) + count_of(1, SO_SCTP_CHANNEL_CLOSED), 0);
    wait_for(1, SO_SCTP_MESSAGE, 2);
    for (int i = 0; i < 2; i++)
        wait_for(i, SO_SCTP_CHANNEL_CLOSED, 1);
    end();
}

/* Loses data as long as it is told to, and counts resets. */
static bool hold_data(int from, uint8_t *bytes, size_t len)
{
    seen.resets += from == 0 && len >= 34 && bytes[12] == 0x82 && bytes[17] == 13;
    return bytes[12] != 0 || seen.data == 0;
}

/* Nor does ours send a reset before the other end has all that went before, in other channels too. */
static void test_reset_waits(void **state)
{
    so_sctp_channel asked = {.label = TEXT("file")};
    uint16_t closing, other;

    (void)state;
    begin(1, 0, 0);
    connect_ends();
    closing = open_one(0, &asked);
    other = open_one(0, &asked);
    wait_for(1, SO_SCTP_CHANNEL_OPENED, 2);
    pass(2000);
    memset(&seen, 0, sizeof seen);
    seen.data = 1;
    p.look = hold_data;
    assert_int_equal(say(0, other, 1, 3000), SO_OK);
    so_sctp_close_channel(p.ends[0], sim_now(), closing);
    pass(3000);
    assert_int_equal(seen.resets, 0);
    seen.data = 0;
    wait_for(0, SO_SCTP_CHANNEL_CLOSED, 1);
    assert_int_equal(count_of(1, SO_SCTP_MESSAGE), 1);
    assert_true(seen.resets > 0);
    end();
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

/* One clock for both; it goes slowly, as a thread that has to wait for the machine must not be late by minutes. */
static _Atomic so_msec common;

typedef struct talk {
    so_sctp *ends[2];
    so_msec now;
    size_t heard;
    bool failed;
} talk;

/* What both ends have to say, carried over; time goes on by 1 ms. */
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
    t->now = atomic_fetch_add(&common, 1) + 1;
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
        for (int i = 0; i < 5000 && !t->failed && t->heard < (size_t)100 * (size_t)(round + 1); i++)
            exchange(t);
        for (int i = 0; i < 2; i++)
            so_sctp_free(t->ends[i]);
    }
    return NULL;
}

static void test_two_threads(void **state)
{
    talk talks[2] = {{.heard = 0}, {.heard = 0}};
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
        cmocka_unit_test(test_longer_than_allowed),
        cmocka_unit_test(test_wrong_parity),
        cmocka_unit_test(test_early_reset),
        cmocka_unit_test(test_reset_waits),
        cmocka_unit_test(test_dcep),
        cmocka_unit_test(test_hostile_packets),
        cmocka_unit_test(test_freed_at_any_time),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_bad_configs),
    };

    return cmocka_run_group_tests_name("sctp_hostile", tests, NULL, NULL);
}
