/* server/session and gate: one connection from its first byte to its last, in simulated time. */
#include "unit.h"

#include "rig.h"

typedef struct fixture {
    uint64_t seed;
    rig rig;
    rig_end a, b, c;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);

    f->seed = 3;
    rig_open(&f->rig, &f->seed);
    rig_connect(&f->rig, &f->a, 1);
    rig_connect(&f->rig, &f->b, 2);
    rig_connect(&f->rig, &f->c, 3);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    rig_hang_up(&f->a);
    rig_hang_up(&f->b);
    rig_hang_up(&f->c);
    rig_close(&f->rig);
    free(f);
    return 0;
}

static void assert_answer(rig_end *e, const char *start)
{
    if (e->out_len < strlen(start) || memcmp(e->out, start, strlen(start)) != 0)
        fail_msg("not %s but %.*s", start, (int)(e->out_len < 60 ? e->out_len : 60), (const char *)e->out);
}

static void assert_header(rig_end *e, const char *line)
{
    if (memmem(e->out, e->out_len, line, strlen(line)) == NULL)
        fail_msg("no %s in %.*s", line, (int)e->out_len, (const char *)e->out);
}

static void assert_text(rig_end *e, const char *part)
{
    char text[4096];
    int opcode = rig_next(e, text, sizeof text);

    if (opcode != 1 || strstr(text, part) == NULL)
        fail_msg("opcode %d: no %s in %s", opcode, part, text);
}

static void assert_close(rig_end *e, unsigned code)
{
    char text[4096] = "";
    int opcode = rig_next(e, text, sizeof text);

    assert_int_equal(opcode, 8);
    assert_int_equal((uint8_t)text[0] << 8 | (uint8_t)text[1], code);
    assert_int_equal(rig_next(e, text, sizeof text), -1); /* nothing follows a Close frame */
    assert_true(e->finished);
}

/* ---- HTTP ---- */

static const char *const headers_everywhere[] = {"Content-Security-Policy: default-src 'none'",
                                                 "Permissions-Policy: ",
                                                 "Referrer-Policy: no-referrer\r\n",
                                                 "X-Content-Type-Options: nosniff\r\n",
                                                 "Cross-Origin-Opener-Policy: same-origin\r\n",
                                                 "Strict-Transport-Security: max-age=",
                                                 "Date: "};

static void each_request_gets_its_answer(void **state)
{
    static const struct {
        const char *request, *start;
        bool closes;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 200 OK\r\n", false},
        {"HEAD / HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 200 OK\r\n", false},
        {"GET /?utm=1 HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 200 OK\r\n", false},
        {"GET https://call.example/style.css HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 200 OK\r\n", false},
        {"GET / HTTP/1.1\r\nHost: call.example\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK\r\n", true},
        {"GET /healthz HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 200 OK\r\n", false},
        {"GET /nothing HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", false},
        {"GET /../etc/passwd HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 404 Not Found\r\n", false},
        {"GET /signal HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\n", true},
        {"POST / HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", true},
        {"OPTIONS * HTTP/1.1\r\nHost: call.example\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", true},
        {"POST / HTTP/1.1\r\nHost: call.example\r\nContent-Length: 5\r\n\r\nhello",
         "HTTP/1.1 413 Content Too Large\r\n", true},
        {"GET / HTTP/1.1\r\nHost: call.example\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "HTTP/1.1 413 Content Too Large\r\n", true},
        {"GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true},
        {"GET / HTTP/1.0\r\nHost: call.example\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n", true},
        {"GET / HTTP/2.0\r\nHost: call.example\r\n\r\n", "HTTP/1.1 505 HTTP Version Not Supported\r\n", true},
        {"\x16\x03\x01\x02\x00\x01", "HTTP/1.1 400 Bad Request\r\n", true},
        {"GET / HTTP/1.1\r\nHost: call.example\r\nbad header\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", true},
    };
    fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_end e;
        rig_connect(&f->rig, &e, 9);
        rig_say(&e, cases[i].request);
        assert_answer(&e, cases[i].start);
        for (size_t k = 0; k < sizeof headers_everywhere / sizeof headers_everywhere[0]; k++)
            assert_header(&e, headers_everywhere[k]);
        if (e.finished != cases[i].closes)
            fail_msg("%s: closed %d", cases[i].request, e.finished);
        rig_hang_up(&e);
    }
}

static void hsts_spares_loopback_names(void **state)
{
    fixture *f = *state;

    f->rig.hub.public_origin = "https://localhost:8443";
    rig_say(&f->a, "GET / HTTP/1.1\r\nHost: localhost:8443\r\n\r\n");
    assert_null(memmem(f->a.out, f->a.out_len, "Strict-Transport", 16));
    assert_header(&f->a, "wss://localhost:8443");
}

/* A Host header can't write into the policy: only names of ours go there. */
static void the_policy_names_only_our_hosts(void **state)
{
    fixture *f = *state;

    rig_say(&f->a, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_header(&f->a, "wss://" RIG_HOST ";");
    rig_say(&f->b, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8443\r\n\r\n");
    assert_header(&f->b, "wss://127.0.0.1:8443;");
    rig_say(&f->c, "GET / HTTP/1.1\r\nHost: 127.0.0.1:8443;script-src *\r\n\r\n");
    assert_header(&f->c, "wss://" RIG_HOST ";");
}

static void requests_can_be_pipelined_and_cached(void **state)
{
    fixture *f = *state;
    char tag[100], request[300];
    uint8_t *at;

    rig_say(&f->a, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nHEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_answer(&f->a, "HTTP/1.1 200 OK\r\n");
    assert_header(&f->a, "HTTP/1.1 404 Not Found\r\n");
    at = memmem(f->a.out, f->a.out_len, "ETag: \"", 7);
    assert_non_null(at);
    (void)snprintf(tag, sizeof tag, "%.66s", (char *)at + 6);
    (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: x\r\nIf-None-Match: %s\r\n\r\n", tag);
    rig_say(&f->b, request);
    assert_answer(&f->b, "HTTP/1.1 304 Not Modified\r\n");
    assert_true(f->b.out_len < 1200);
}

static void a_head_is_bounded_and_timed(void **state)
{
    fixture *f = *state;
    char *big = malloc(20000);

    memset(big, 'a', 20000);
    memcpy(big, "GET / HTTP/1.1\r\nX: ", 19);
    rig_feed(&f->a, big, 20000);
    assert_answer(&f->a, "HTTP/1.1 431 ");
    memcpy(big, "GET /aaaaaaaaaaaaaaa", 20);
    rig_feed(&f->b, big, 20000);
    assert_answer(&f->b, "HTTP/1.1 414 ");
    free(big);
    /* one byte at a time does not buy more time */
    for (int i = 0; i < 9; i++) {
        rig_feed(&f->c, &"GET / HTT"[i], 1);
        rig_wait(&f->c, 1000);
    }
    assert_int_equal(f->c.out_len, 0);
    rig_wait(&f->c, 1000);
    assert_answer(&f->c, "HTTP/1.1 408 ");
    assert_true(f->c.finished);
}

static void an_idle_connection_is_closed_in_silence(void **state)
{
    fixture *f = *state;

    rig_say(&f->a, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    rig_wait(&f->a, 9999);
    assert_false(f->a.finished);
    rig_wait(&f->a, 1);
    assert_true(f->a.finished);
    assert_null(memmem(f->a.out, f->a.out_len, "408", 3));
}

static void the_upgrade_is_exact(void **state)
{
    static const char *const start = "GET /signal HTTP/1.1\r\nHost: " RIG_HOST "\r\nOrigin: " RIG_ORIGIN "\r\n";
    static const struct {
        const char *rest, *answer;
    } cases[] = {
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto.v9, sotto.v1\r\n\r\n",
         "HTTP/1.1 101 Switching Protocols\r\n"},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto.v1\r\n\r\n",
         "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto.v9\r\n\r\n",
         "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
         "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: h2c\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
         "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto.v1\r\n\r\n",
         "HTTP/1.1 426 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
         "short\r\nSec-WebSocket-Protocol: sotto.v1\r\n\r\n",
         "HTTP/1.1 400 "},
        {"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: "
         "sotto.v1\r\n\r\n",
         "HTTP/1.1 400 "},
    };
    fixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_end e;
        rig_connect(&f->rig, &e, 9);
        rig_say(&e, start);
        rig_say(&e, cases[i].rest);
        assert_answer(&e, cases[i].answer);
        assert_int_equal(e.finished, i > 0);
        rig_hang_up(&e);
    }
    rig_upgrade(&f->a); /* RFC 6455 §1.3 has this key and its answer */
    assert_header(&f->a, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    assert_header(&f->a, "Sec-WebSocket-Protocol: sotto.v1\r\n");
}

/* ---- signaling ---- */

static void two_ends_meet_and_talk(void **state)
{
    fixture *f = *state;
    char text[4096], id[12], message[256], *at;

    rig_join(&f->a);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 1);
    assert_non_null(
        strstr(text, "\"tls\":{\"version\":\"TLSv1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\",\"group\":\"x25519\"}"));
    at = strstr(text, "\"id\":\"");
    assert_non_null(at);
    (void)snprintf(id, sizeof id, "%.11s", at + 6);
    rig_join(&f->b);
    assert_text(&f->b, id); /* members */
    assert_text(&f->a, "\"joined\"");
    (void)snprintf(message, sizeof message, "{\"kind\":\"envelope\",\"to\":\"%s\",\"payload\":\"aGVsbG8\"}", id);
    rig_text(&f->b, message);
    assert_text(&f->a, "\"payload\":\"aGVsbG8\"");
    rig_text(&f->b, "{\"kind\":\"bye\"}");
    assert_close(&f->b, 1000);
    assert_text(&f->a, "\"left\"");
}

static void a_third_visitor_is_told(void **state)
{
    fixture *f = *state;

    rig_join(&f->a);
    rig_join(&f->b);
    rig_join(&f->c);
    assert_text(&f->c, "room-full");
    assert_close(&f->c, 4003);
}

static void bad_messages_end_the_sender_alone(void **state)
{
    static const char *const bad[] = {"not json",
                                      "[]",
                                      "{\"kind\":\"bye\",\"kind\":\"bye\"}",
                                      "{\"kind\":\"join\"}",
                                      "{\"kind\":1e99}",
                                      "{\"kind\":\"envelope\",\"to\":\"AAAAAAAAAAA\",\"payload\":\"AA\"}"};
    fixture *f = *state;
    char text[4096];

    rig_join(&f->a);
    rig_join(&f->b);
    while (rig_next(&f->a, text, sizeof text) >= 0)
        ;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rig_end e;
        rig_connect(&f->rig, &e, 9);
        rig_upgrade(&e);
        assert_true(rig_upgraded(&e));
        rig_text(&e, bad[i]);
        assert_text(&e, i == 5 ? "not-joined" : "bad-message");
        assert_close(&e, 4000);
        rig_hang_up(&e);
    }
    assert_int_equal(rig_next(&f->a, text, sizeof text), -1);
    assert_false(f->a.finished);
}

static void what_can_go_on_goes_on(void **state)
{
    fixture *f = *state;
    char text[4096];

    rig_join(&f->a);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 1);
    rig_text(&f->a, "{\"kind\":\"join\",\"room\":\"" RIG_ROOM "\"}");
    assert_text(&f->a, "joined-already");
    rig_text(&f->a, "{\"kind\":\"dance\"}");
    assert_text(&f->a, "unknown-kind");
    rig_text(&f->a, "{\"kind\":\"envelope\",\"to\":\"AAAAAAAAAAA\",\"payload\":\"AA\"}");
    assert_text(&f->a, "no-such-member");
    rig_frame(&f->a, 0x89, "hi", 2);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 10); /* pong */
    assert_string_equal(text, "hi");
    assert_false(f->a.finished);
}

static void broken_frames_get_the_close_code_of_the_rfc(void **state)
{
    fixture *f = *state;
    char *big = malloc(70000);
    static const struct {
        uint8_t bytes[16];
        size_t len;
        unsigned code;
    } raw[] = {
        {{0x81, 0x02, 'h', 'i'}, 4, 1002},               /* not masked */
        {{0x83, 0x80, 0, 0, 0, 0}, 6, 1002},             /* reserved opcode */
        {{0xc1, 0x80, 0, 0, 0, 0}, 6, 1002},             /* RSV1 without an extension */
        {{0x09, 0x80, 0, 0, 0, 0}, 6, 1002},             /* a control frame in fragments */
        {{0x80, 0x80, 0, 0, 0, 0}, 6, 1002},             /* a continuation of nothing */
        {{0x88, 0x81, 0, 0, 0, 0, 3}, 7, 0},             /* half a close code: wslay answers with none */
        {{0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28}, 8, 1007}, /* invalid UTF-8 */
        {{0x82, 0x81, 0, 0, 0, 0, 7}, 7, 1003},          /* binary */
        {{0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255}, 10, 1009}, /* 2^63 bytes to come */
    };

    memset(big, ' ', 70000);
    for (size_t i = 0; i <= sizeof raw / sizeof raw[0]; i++) {
        rig_end e;
        rig_connect(&f->rig, &e, 9);
        rig_upgrade(&e);
        assert_true(rig_upgraded(&e));
        if (i < sizeof raw / sizeof raw[0])
            rig_feed(&e, raw[i].bytes, raw[i].len);
        else
            rig_frame(&e, 0x81, big, 70000);
        if (!e.finished && !e.aborted && i == 8) /* wslay looks at the length with the first byte of payload */
            rig_feed(&e, "\0\0\0\0x", 5);
        if (e.aborted)
            fail_msg("case %zu was cut without a word", i);
        assert_close(&e, i < sizeof raw / sizeof raw[0] ? raw[i].code : 1009);
        rig_hang_up(&e);
    }
    free(big);
}

static void frames_in_any_pieces_are_the_same_frames(void **state)
{
    static const char room[] = "{\"kind\":\"join\",\"room\":\"" RIG_ROOM "\"}";
    fixture *f = *state;
    char text[4096];

    rig_upgrade(&f->a);
    assert_true(rig_upgraded(&f->a));
    rig_frame(&f->a, 0x01, room, 10); /* a fragmented message with a ping in its middle */
    rig_frame(&f->a, 0x89, "p", 1);
    rig_frame(&f->a, 0x80, room + 10, sizeof room - 11);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 10);
    assert_text(&f->a, "welcome");
}

static void an_unfinished_message_does_not_stay(void **state)
{
    fixture *f = *state;
    char text[4096];

    rig_join(&f->a);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 1);
    rig_frame(&f->a, 0x01, "{", 1);
    for (int i = 0; i < 2 && !f->a.finished; i++) {
        rig_wait(&f->a, 20000);
        if (!f->a.finished) {
            assert_int_equal(rig_next(&f->a, text, sizeof text), 9);
            rig_frame(&f->a, 0x8a, "", 0);
        }
    }
    assert_close(&f->a, 1008);
}

/* ---- time ---- */

static void who_does_not_join_is_sent_away(void **state)
{
    fixture *f = *state;

    rig_upgrade(&f->a);
    assert_true(rig_upgraded(&f->a));
    rig_wait(&f->a, 9999);
    assert_false(f->a.finished);
    rig_wait(&f->a, 1);
    assert_text(&f->a, "join-timeout");
    assert_close(&f->a, 4008);
}

static void a_dead_peer_is_cut_and_its_seat_kept(void **state)
{
    fixture *f = *state;
    char text[4096];

    rig_join(&f->a);
    rig_join(&f->b);
    while (rig_next(&f->a, text, sizeof text) >= 0)
        ;
    while (rig_next(&f->b, text, sizeof text) >= 0)
        ;
    rig_wait(&f->b, 20000);
    assert_int_equal(rig_next(&f->b, text, sizeof text), 9);
    rig_frame(&f->b, 0x8a, "", 0); /* alive */
    rig_wait(&f->b, 20000);
    assert_int_equal(rig_next(&f->b, text, sizeof text), 9);
    rig_wait(&f->b, 20000); /* silent now */
    assert_text(&f->b, "\"dead\"");
    assert_close(&f->b, 4004);
    assert_text(&f->a, "\"away\"");
}

static void a_draining_server_says_goodbye(void **state)
{
    fixture *f = *state;
    char text[4096];

    rig_join(&f->a);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 1);
    rig_say(&f->b, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    f->rig.hub.draining = true;
    so_session_drain(f->a.session);
    so_session_drain(f->b.session);
    assert_text(&f->a, "\"restart\"");
    assert_close(&f->a, 1012);
    assert_true(f->b.finished);
    rig_upgrade(&f->c);
    assert_answer(&f->c, "HTTP/1.1 503 ");
}

static void a_resume_takes_the_seat_from_the_old_connection(void **state)
{
    fixture *f = *state;
    char text[4096], message[256], *at;

    rig_join(&f->a);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 1);
    at = strstr(text, "\"resume\":\"");
    assert_non_null(at);
    (void)snprintf(message, sizeof message, "{\"kind\":\"join\",\"room\":\"" RIG_ROOM "\",\"resume\":\"%.22s\"}",
                   at + 10);
    rig_upgrade(&f->b);
    assert_true(rig_upgraded(&f->b));
    rig_text(&f->b, message);
    assert_text(&f->b, "\"resumed\":true");
    assert_text(&f->a, "resumed-elsewhere");
    assert_close(&f->a, 4001);
    rig_hang_up(&f->a); /* its end must not take the seat along */
    rig_join(&f->c);
    assert_text(&f->b, "\"joined\"");
}

/* No secret, no room id and no address in the log of a whole life of a server. */
static void the_log_tells_nothing(void **state)
{
    fixture *f = *state;
    char text[4096], token[23], *at;

    rig_join(&f->a);
    assert_int_equal(rig_next(&f->a, text, sizeof text), 1);
    at = strstr(text, "\"resume\":\"");
    assert_non_null(at);
    (void)snprintf(token, sizeof token, "%.22s", at + 10);
    rig_join(&f->b);
    rig_join(&f->c);
    rig_text(&f->a, "{\"kind\":\"envelope\",\"to\":\"AAAAAAAAAAA\",\"payload\":\"c2VjcmV0\"}");
    rig_text(&f->b, "{\"secret\":\"c2VjcmV0\"}");
    assert_true(f->rig.logged_len > 100);
    assert_null(strstr(f->rig.logged, RIG_ROOM));
    assert_null(strstr(f->rig.logged, token));
    assert_null(strstr(f->rig.logged, "c2VjcmV0"));
    assert_null(strstr(f->rig.logged, "10.0.0."));
    assert_null(strstr(f->rig.logged, "10i_"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(each_request_gets_its_answer),
        CASE(hsts_spares_loopback_names),
        CASE(the_policy_names_only_our_hosts),
        CASE(requests_can_be_pipelined_and_cached),
        CASE(a_head_is_bounded_and_timed),
        CASE(an_idle_connection_is_closed_in_silence),
        CASE(the_upgrade_is_exact),
        CASE(two_ends_meet_and_talk),
        CASE(a_third_visitor_is_told),
        CASE(bad_messages_end_the_sender_alone),
        CASE(what_can_go_on_goes_on),
        CASE(broken_frames_get_the_close_code_of_the_rfc),
        CASE(frames_in_any_pieces_are_the_same_frames),
        CASE(an_unfinished_message_does_not_stay),
        CASE(who_does_not_join_is_sent_away),
        CASE(a_dead_peer_is_cut_and_its_seat_kept),
        CASE(a_draining_server_says_goodbye),
        CASE(a_resume_takes_the_seat_from_the_old_connection),
        CASE(the_log_tells_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
