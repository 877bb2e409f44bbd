/*
 * Attack 19: floods and slow sockets. In each test a good call is set up while the attacker is at it, and loses
 * nothing; the attacker is told why and cut off. Time is simulated.
 */
#include "unit.h"

#include "rig.h"

typedef struct fixture {
    uint64_t seed;
    rig rig;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    f->seed = 11;
    rig_open(&f->rig, &f->seed);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    rig_close(&f->rig);
    free(f);
    return 0;
}

/* What the end has been sent since it was asked last, joined. */
static bool was_told(rig_end *e, const char *part, unsigned close_code)
{
    char text[70000];
    bool told = false;
    int opcode;

    while ((opcode = rig_next(e, text, sizeof text)) >= 0) {
        told |= opcode == 1 && strstr(text, part) != NULL;
        if (opcode == 8)
            return told && (unsigned)((uint8_t)text[0] << 8 | (uint8_t)text[1]) == close_code;
    }
    return false;
}

/* Two good people meet and exchange a message. */
static void assert_a_good_call_works(rig *r)
{
    char text[4096], id[12], message[200], *at;
    rig_end a, b;

    rig_connect(r, &a, 201);
    rig_connect(r, &b, 202);
    assert_non_null(a.session);
    assert_non_null(b.session);
    rig_join(&a);
    assert_int_equal(rig_next(&a, text, sizeof text), 1);
    at = strstr(text, "\"id\":\"");
    assert_non_null(at);
    (void)snprintf(id, sizeof id, "%.11s", at + 6);
    rig_join(&b);
    (void)snprintf(message, sizeof message, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"Z29vZA\"}", id);
    rig_text(&b, message);
    assert_int_equal(rig_next(&a, text, sizeof text), 1);
    assert_int_equal(rig_next(&a, text, sizeof text), 1);
    assert_non_null(strstr(text, "Z29vZA"));
    rig_text(&a, "{\"kind\":\"bye\"}");
    rig_text(&b, "{\"kind\":\"bye\"}");
    rig_hang_up(&a);
    rig_hang_up(&b);
}

static void upgrade(rig_end *e)
{
    rig_upgrade(e);
    assert_true(rig_upgraded(e));
}

static void message_flood(void **state)
{
    fixture *f = *state;
    rig_end e;
    unsigned sent = 0;

    rig_connect(&f->rig, &e, 66);
    upgrade(&e);
    rig_text(&e, "{\"kind\":\"join\",\"room\":\"AAAAAAAAAAAAAAAAAAAAAA\"}");
    while (!e.finished && sent < 10000) {
        rig_text(&e, "{\"kind\":\"dance\"}");
        sent++;
    }
    assert_in_range(sent, 2 * f->rig.options.message_rate - 1, 2 * f->rig.options.message_rate + 1);
    assert_true(was_told(&e, "too-many-messages", 4008));
    assert_a_good_call_works(&f->rig);
    rig_hang_up(&e);
}

/* Pings and empty fragments are no messages, and count all the same. */
static void frame_floods(void **state)
{
    static const uint8_t firsts[] = {0x89, 0x8a, 0x00};
    fixture *f = *state;

    for (unsigned i = 0; i < sizeof firsts; i++) {
        rig_end e;
        unsigned sent = 0;

        rig_connect(&f->rig, &e, 66);
        upgrade(&e);
        if (firsts[i] == 0x00)
            rig_frame(&e, 0x01, "", 0);
        while (!e.finished && sent < 10000) {
            rig_frame(&e, firsts[i], "", 0);
            sent++;
        }
        assert_in_range(sent, 2 * f->rig.options.message_rate - 1, 2 * f->rig.options.message_rate + 1);
        assert_true(was_told(&e, "too-many-messages", 4008));
        assert_a_good_call_works(&f->rig);
        rig_hang_up(&e);
    }
}

static void good_rates_are_no_flood(void **state)
{
    fixture *f = *state;
    rig_end e;

    rig_connect(&f->rig, &e, 1);
    rig_join(&e);
    for (int i = 0; i < 5000; i++) {
        rig_text(&e, "{\"kind\":\"dance\"}");
        f->rig.hub.now += 1000 / f->rig.options.message_rate;
    }
    assert_false(e.finished);
    rig_hang_up(&e);
}

static void join_flood(void **state)
{
    fixture *f = *state;
    unsigned joined = 0;
    rig_end e;

    for (unsigned i = 0; i < 200; i++) {
        char text[4096], join[128];
        bool in;

        rig_connect(&f->rig, &e, 66);
        upgrade(&e);
        (void)snprintf(join, sizeof join, "{\"kind\":\"join\",\"room\":\"%020uAA\"}", i);
        rig_text(&e, join);
        in = !e.finished;
        joined += in;
        if (!in) {
            assert_true(was_told(&e, "too-many-joins", 4008));
        } else {
            assert_int_equal(rig_next(&e, text, sizeof text), 1);
            assert_non_null(strstr(text, "welcome"));
        }
        rig_hang_up(&e);
    }
    assert_int_equal(joined, f->rig.options.joins_per_minute);
    assert_a_good_call_works(&f->rig);
}

static void room_flood(void **state)
{
    fixture *f = *state;
    rig_end *ends;
    unsigned full = 0;

    /* From many addresses, since one may not join often enough. */
    f->rig.options.joins_per_minute = 1000;
    rig_close(&f->rig);
    rig_open(&f->rig, &f->seed);
    so_rooms_free(f->rig.hub.rooms);
    f->rig.hub.rooms = so_rooms_new(UNIT_RANDOM(&f->seed), 50, 30000,
                                    &(so_rooms_events){.send = so_session_send, .displaced = so_session_displaced});
    ends = calloc(60, sizeof *ends);
    for (unsigned i = 0; i < 60; i++) {
        char join[128];

        rig_connect(&f->rig, &ends[i], (uint8_t)i);
        upgrade(&ends[i]);
        (void)snprintf(join, sizeof join, "{\"kind\":\"join\",\"room\":\"%020uAA\"}", i);
        rig_text(&ends[i], join);
        full += ends[i].finished && was_told(&ends[i], "too-many-rooms", 4008);
    }
    assert_int_equal(full, 10);
    for (unsigned i = 0; i < 60; i++)
        rig_hang_up(&ends[i]);
    (void)so_rooms_tick(f->rig.hub.rooms, f->rig.hub.now + 30000);
    assert_a_good_call_works(&f->rig);
    free(ends);
}

static void connection_flood(void **state)
{
    fixture *f = *state;
    unsigned limit = f->rig.options.connections_per_address, in = 0, told = 0, away = 0;
    rig_end *ends = calloc(limit + 40, sizeof *ends);

    for (unsigned i = 0; i < limit + 40; i++) {
        rig_connect(&f->rig, &ends[i], 66);
        if (ends[i].session == NULL) {
            away++;
            continue;
        }
        rig_upgrade(&ends[i]);
        if (rig_upgraded(&ends[i]))
            in++;
        else
            told += memcmp(ends[i].out, "HTTP/1.1 429 ", 13) == 0 && ends[i].finished;
    }
    assert_int_equal(in, limit);
    assert_int_equal(told, 8);
    assert_int_equal(away, 32);
    assert_a_good_call_works(&f->rig);
    for (unsigned i = 0; i < limit + 40; i++)
        rig_hang_up(&ends[i]);
    free(ends);
}

/* Bytes so slow that no limit on size is ever met: each wait has an end. */
static void slow_sockets(void **state)
{
    fixture *f = *state;
    so_source *source;
    const uint8_t address[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 66};
    rig_end e = {.rig = &f->rig};

    /* never shakes hands */
    assert_int_equal(so_limits_enter(f->rig.hub.limits, address, &source), SO_ADMITTED);
    e.session = so_session_new(&f->rig.hub, &rig_io, &e, source, false);
    assert_int_equal(so_session_deadline(e.session), f->rig.hub.now + 10000);
    rig_wait(&e, 10000);
    assert_true(e.aborted);
    rig_hang_up(&e);
    /* one header byte a second */
    rig_connect(&f->rig, &e, 66);
    for (int i = 0; i < 30 && !e.finished; i++) {
        rig_feed(&e, "G", i == 0);
        rig_feed(&e, "E", i == 1);
        rig_wait(&e, 1000);
    }
    assert_true(e.finished);
    assert_memory_equal(e.out, "HTTP/1.1 408 ", 13);
    rig_hang_up(&e);
    /* one frame byte a second, before joining */
    rig_connect(&f->rig, &e, 66);
    upgrade(&e);
    for (int i = 0; i < 30 && !e.finished; i++) {
        rig_feed(&e, i == 0 ? "\x81" : i == 1 ? "\xfe" : i == 2 ? "\x01" : "\0", 1);
        rig_wait(&e, 1000);
    }
    assert_true(was_told(&e, "join-timeout", 4008));
    assert_a_good_call_works(&f->rig);
    rig_hang_up(&e);
}

/* A member who does not read can't make the server keep what the other one sends. */
static void slow_reader(void **state)
{
    fixture *f = *state;
    char text[70000], id[12], message[200], *at;
    rig_end slow, good;

    rig_connect(&f->rig, &slow, 66);
    rig_join(&slow);
    assert_int_equal(rig_next(&slow, text, sizeof text), 1);
    at = strstr(text, "\"id\":\"");
    assert_non_null(at);
    (void)snprintf(id, sizeof id, "%.11s", at + 6);
    rig_connect(&f->rig, &good, 1);
    rig_join(&good);
    slow.stalled = f->rig.options.send_queue + 1;
    (void)snprintf(message, sizeof message, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"AAAA\"}", id);
    rig_text(&good, message);
    assert_true(slow.finished);
    assert_true(was_told(&slow, "\"slow\"", 4005));
    rig_text(&good, message);
    assert_false(good.finished);
    assert_int_equal(rig_next(&good, text, sizeof text), 1); /* welcome */
    assert_int_equal(rig_next(&good, text, sizeof text), 1);
    assert_non_null(strstr(text, "\"away\""));
    assert_int_equal(rig_next(&good, text, sizeof text), 1);
    assert_non_null(strstr(text, "\"code\":\"away\""));
    rig_hang_up(&slow);
    rig_hang_up(&good);
}

/* Requests, or messages that are answered, without end from one who reads none of the answers. */
static void answers_without_a_reader(void **state)
{
    fixture *f = *state;
    rig_end e;

    rig_connect(&f->rig, &e, 66);
    rig_say(&e, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_false(e.aborted);
    e.stalled = f->rig.options.send_queue + 1;
    rig_say(&e, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(e.aborted);
    rig_hang_up(&e);
    rig_connect(&f->rig, &e, 66);
    upgrade(&e);
    e.stalled = f->rig.options.send_queue + 1;
    rig_frame(&e, 0x89, "ping", 4);
    assert_true(was_told(&e, "\"slow\"", 4005));
    assert_a_good_call_works(&f->rig);
    rig_hang_up(&e);
}

/* A stranger in an endless message holds at most what a message may hold. */
static void endless_message(void **state)
{
    fixture *f = *state;
    char *piece = malloc(4000);
    rig_end e;
    size_t sent = 0;

    memset(piece, ' ', 4000);
    rig_connect(&f->rig, &e, 66);
    upgrade(&e);
    rig_frame(&e, 0x01, piece, 4000);
    for (sent = 4000; !e.finished && sent < 1000000; sent += 4000)
        rig_frame(&e, 0x00, piece, 4000);
    assert_true(sent <= f->rig.options.max_message + 4000);
    assert_true(e.finished);
    free(piece);
    assert_a_good_call_works(&f->rig);
    rig_hang_up(&e);
}

int main(void)
{
#define FLOOD(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        FLOOD(message_flood),   FLOOD(frame_floods), FLOOD(good_rates_are_no_flood),
        FLOOD(join_flood),      FLOOD(room_flood),   FLOOD(connection_flood),
        FLOOD(slow_sockets),    FLOOD(slow_reader),  FLOOD(answers_without_a_reader),
        FLOOD(endless_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
