/* Data channels between two ends that keep the rules, over a link that loses and reorders. */
#include "sctp_pair.h"

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
    /* One of several pieces is sent whole, or left out as a whole before it is. */
    assert_in_range(got, 1, len > SO_SCTP_MTU ? 200 : 199);
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

/* Long messages between short ones, much of both given up: neither end takes it for a broken rule, and both can still
 * close what they opened. */
static void test_long_ones_given_up(void **state)
{
    so_sctp_channel asked = {.label = TEXT("live"), .unordered = true, .reliability = SO_SCTP_BY_TIME, .limit = 60};
    so_sctp_channel sure = {.label = TEXT("sure")};

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint16_t live, own;

        begin(seed, 0, 10);
        connect_ends();
        live = open_one(0, &asked);
        own = open_one(1, &sure);
        wait_for(1, SO_SCTP_CHANNEL_OPENED, 1);
        wait_for(0, SO_SCTP_CHANNEL_OPENED, 1);
        p.loss = 30;
        for (uint32_t i = 0; i < 200; i++) {
            assert_int_equal(say(0, live, i, i % 3 == 0 ? 20000 : 100), SO_OK);
            pass(10);
        }
        so_sctp_close_channel(p.ends[1], sim_now(), own);
        p.loss = 0;
        wait_for(1, SO_SCTP_CHANNEL_CLOSED, 1);
        assert_int_equal(count_of(0, SO_SCTP_ENDED) + count_of(1, SO_SCTP_ENDED), 0);
        for (size_t i = 0; i < count_of(1, SO_SCTP_MESSAGE); i++)
            assert_true(nth(1, SO_SCTP_MESSAGE, i)->intact);
        end();
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
    so_sctp_channel asked = {.negotiated = true, .id = 200};
    uint16_t id;

    (void)state;
    begin(1, 0, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(open_one(i, &asked), 200);
    assert_int_equal(so_sctp_open_channel(p.ends[0], sim_now(), &asked, &id), SO_BAD_INPUT);
    asked.id = SO_SCTP_STREAMS;
    assert_int_equal(so_sctp_open_channel(p.ends[0], sim_now(), &asked, &id), SO_BAD_INPUT);
    connect_ends();
    for (int i = 0; i < 2; i++)
        assert_int_equal(say(i, 200, 1, 10), SO_OK);
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

/* A path may be mute for as long as consent lasts (RFC 7675), at the beginning too. */
static void test_late_answer(void **state)
{
    (void)state;
    begin(1, 0, 0);
    p.mute = true;
    for (int i = 0; i < 2; i++)
        so_sctp_start(p.ends[i], sim_now());
    pass(30000);
    p.mute = false;
    pass(5000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(count_of(i, SO_SCTP_CONNECTED), 1);
    end();
}

/* All that an outage held up comes soon after it: what is repeated is so every ten seconds, and frees the rest. */
static void test_after_an_outage(void **state)
{
    so_sctp_channel asked = {.label = TEXT("chat")};

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        uint16_t id;
        so_msec silence = 15000 + 1500 * seed;

        begin(seed, 0, 0);
        connect_ends();
        id = open_one(0, &asked);
        wait_for(1, SO_SCTP_CHANNEL_OPENED, 1);
        p.mute = true;
        for (uint32_t i = 0; i < 30; i++) {
            assert_int_equal(say(0, id, i, 2000), SO_OK);
            pass(silence / 30);
        }
        p.mute = false;
        pass(13000);
        assert_int_equal(count_of(1, SO_SCTP_MESSAGE), 30);
        end();
    }
}

/* Whether the other end is still there is not for SCTP to find. */
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
    pass(600000);
    assert_int_equal(count_of(0, SO_SCTP_ENDED) + count_of(1, SO_SCTP_ENDED) + count_of(1, SO_SCTP_MESSAGE), 0);
    p.mute = false;
    wait_for(1, SO_SCTP_MESSAGE, 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_and_kinds),
        cmocka_unit_test(test_reliable_in_order),
        cmocka_unit_test(test_unordered_overtakes),
        cmocka_unit_test(test_partial_reliability),
        cmocka_unit_test(test_long_ones_given_up),
        cmocka_unit_test(test_large_messages),
        cmocka_unit_test(test_many_channels),
        cmocka_unit_test(test_close_and_reopen),
        cmocka_unit_test(test_both_close),
        cmocka_unit_test(test_negotiated),
        cmocka_unit_test(test_backpressure),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_late_answer),
        cmocka_unit_test(test_after_an_outage),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_idle),
    };

    return cmocka_run_group_tests_name("sctp", tests, NULL, NULL);
}
