/* libsotto as a program links it: links, calls in an event loop of the program's own, and what is refused. */
#include "unit.h"

#include "sotto/sotto.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

/* A port of loopback's, at which connections are refused, or taken by nobody who answers. */
typedef struct deaf_server {
    int fd;
    char link[SOTTO_LINK_MAX];
} deaf_server;

typedef struct heard {
    sotto_call_state last;
    char reason[48];
    unsigned states;
    bool raise_sigpipe, free_at_once;
} heard;

static void set_up_server(deaf_server *s, bool listening)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    char url[64];

    s->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(s->fd >= 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&name, &len), 0);
    if (listening)
        assert_int_equal(listen(s->fd, 4), 0);
    (void)snprintf(url, sizeof url, "https://localhost:%u", ntohs(name.sin_port));
    assert_int_equal(sotto_link_make(s->link, sizeof s->link, url, NULL), SOTTO_OK);
}

static void on_state(void *user, sotto_call *call, sotto_call_state state, const char *reason)
{
    heard *h = user;

    h->last = state;
    h->states++;
    (void)snprintf(h->reason, sizeof h->reason, "%s", reason);
    if (h->raise_sigpipe)
        (void)raise(SIGPIPE);
    if (h->free_at_once)
        sotto_call_free(call);
}

static sotto_call *join(sotto_engine *engine, const deaf_server *server, heard *h)
{
    sotto_call_options options = {.link = server->link,
                                  .connect_to = "127.0.0.1",
                                  .sends = true,
                                  .receives = true,
                                  .loopback = true,
                                  .user = h,
                                  .on_state = on_state};
    sotto_call *call;

    assert_int_equal(sotto_call_join(&call, engine, &options, NULL), SOTTO_OK);
    return call;
}

/* As docs/library.md says that it is done. */
static void run_by_poll(sotto_engine *engine)
{
    while (sotto_engine_turn(engine)) {
        struct pollfd fd = {.fd = sotto_engine_fd(engine), .events = POLLIN};

        (void)poll(&fd, 1, sotto_engine_timeout(engine));
    }
}

static void a_link_is_made_and_checked(void **state)
{
    char link[SOTTO_LINK_MAX], other[SOTTO_LINK_MAX];
    sotto_error error;

    (void)state;
    assert_int_equal(sotto_link_make(link, sizeof link, "https://CALL.example:443/", &error), SOTTO_OK);
    assert_memory_equal(link, "https://call.example/#", 22);
    assert_int_equal(strlen(link), 22 + 24);
    assert_int_equal(sotto_link_check(link, &error), SOTTO_OK);
    assert_int_equal(sotto_link_make(other, sizeof other, "https://call.example", &error), SOTTO_OK);
    assert_string_not_equal(link, other);

    link[25] = link[25] == 'A' ? 'B' : 'A';
    assert_int_equal(sotto_link_check(link, &error), SOTTO_BAD_INPUT);
    assert_int_equal(error.status, SOTTO_BAD_INPUT);
    assert_true(strlen(error.text) > 10);
    assert_int_equal(sotto_link_check("https://call.example/", NULL), SOTTO_BAD_INPUT);
    assert_int_equal(sotto_link_check("http://call.example/#AAAAAAAAAAAAAAAAAAAAAAAA", NULL), SOTTO_BAD_INPUT);
    assert_int_equal(sotto_link_make(link, sizeof link, "call.example", NULL), SOTTO_BAD_INPUT);
}

static void a_link_that_does_not_fit_leaves_nothing(void **state)
{
    char link[40];

    (void)state;
    memset(link, 'x', sizeof link);
    assert_int_equal(sotto_link_make(link, sizeof link, "https://call.example", NULL), SOTTO_TOO_LONG);
    for (size_t i = 0; i < sizeof link; i++)
        assert_int_equal(link[i], 0);
}

static void a_call_to_nobody_fails_in_a_loop_of_ones_own(void **state)
{
    static char report[SOTTO_REPORT_MAX];
    deaf_server server;
    heard h = {0};
    sotto_engine *engine;
    sotto_call *call;

    (void)state;
    set_up_server(&server, false);
    assert_int_equal(sotto_engine_new(&engine, NULL, NULL), SOTTO_OK);
    call = join(engine, &server, &h);
    run_by_poll(engine);
    assert_int_equal(h.last, SOTTO_CALL_FAILED);
    assert_string_equal(h.reason, "server-unreachable");
    assert_int_equal(sotto_call_send(call, &(sotto_frame){.bytes = (const uint8_t *)"x", .len = 1}), SOTTO_STATE);
    assert_int_equal(sotto_call_report(call, report, sizeof report), SOTTO_OK);
    assert_non_null(strstr(report, "server-unreachable"));
    assert_int_equal(sotto_call_report(call, report, 100), SOTTO_TOO_LONG);
    sotto_call_hang_up(call); /* too late, and harmless */
    sotto_call_free(call);
    sotto_engine_free(engine);
    (void)close(server.fd);
}

static void a_policy_is_read_before_anything_is_said(void **state)
{
    static const char *const bad[] = {"", "[]", "{\"tls\":\"1.3\"}", "{\"compare\":1}"};
    char link[SOTTO_LINK_MAX];
    sotto_engine *engine;
    sotto_error error;

    (void)state;
    assert_int_equal(sotto_engine_new(&engine, NULL, &error), SOTTO_OK);
    assert_int_equal(sotto_link_make(link, sizeof link, "https://localhost:1", &error), SOTTO_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        sotto_call_options options = {.link = link, .policy = bad[i]};
        sotto_call *call;

        assert_int_equal(sotto_call_join(&call, engine, &options, &error), SOTTO_BAD_INPUT);
        assert_string_equal(error.layer, "policy");
        assert_null(call);
    }
    sotto_engine_free(engine);
}

static void a_call_is_freed_at_any_time(void **state)
{
    deaf_server server;
    heard none = {0}, within = {.free_at_once = true};
    sotto_engine *engine;
    sotto_call *begun;

    (void)state;
    set_up_server(&server, true);
    assert_int_equal(sotto_engine_new(&engine, NULL, NULL), SOTTO_OK);
    sotto_call_free(join(engine, &server, &none)); /* before its first turn */
    begun = join(engine, &server, &none);
    assert_true(sotto_engine_turn(engine));
    none = (heard){0};
    sotto_call_free(begun); /* connecting */
    run_by_poll(engine);
    assert_int_equal(none.states, 0);

    (void)join(engine, &server, &within); /* from its own callback */
    sotto_call_hang_up(join(engine, &server, &within));
    assert_true(within.states > 0);
    run_by_poll(engine);
    sotto_call_free(join(engine, &server, &none)); /* its end is left to the engine's */
    sotto_engine_free(engine);
    assert_int_equal(none.states, 0);
    (void)close(server.fd);
}

static void no_sigpipe_reaches_the_program(void **state)
{
    deaf_server server;
    heard h = {.raise_sigpipe = true};
    sotto_engine *engine;
    sotto_call *call;
    sigset_t set;

    (void)state;
    set_up_server(&server, false);
    assert_int_equal(sotto_engine_new(&engine, NULL, NULL), SOTTO_OK);
    call = join(engine, &server, &h);
    sotto_engine_run(engine);
    assert_true(h.states > 0);
    assert_int_equal(sigpending(&set), 0);
    assert_int_equal(sigismember(&set, SIGPIPE), 0);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, NULL, &set), 0);
    assert_int_equal(sigismember(&set, SIGPIPE), 0);
    sotto_call_free(call);
    sotto_engine_free(engine);
    (void)close(server.fd);
}

static const sotto_peer_options peer_options = {.now = 1000, .unix_ms = 1700000000000};

static void what_is_wrong_is_refused(void **state)
{
    sotto_call_options options = {.link = "https://localhost/#damaged"};
    sotto_address address;
    sotto_engine *engine;
    sotto_call *call;
    sotto_peer *peer;
    sotto_error error = {0};
    const char *code = "none", *door = "none";
    char sdp[100];

    (void)state;
    assert_int_not_equal(sotto_engine_new(&engine, "/nowhere/ca.pem", &error), SOTTO_OK);
    assert_int_not_equal(error.status, SOTTO_OK);
    assert_null(engine);
    assert_non_null(strstr(error.text, "/nowhere/ca.pem"));
    assert_int_equal(sotto_engine_new(&engine, NULL, &error), SOTTO_OK);
    assert_int_equal(sotto_call_join(&call, engine, &options, &error), SOTTO_BAD_INPUT);
    assert_null(call);
    assert_false(sotto_engine_turn(engine));

    assert_int_equal(sotto_address_parse(&address, "localhost", 1), SOTTO_BAD_INPUT);
    assert_int_equal(sotto_address_parse(&address, "::1", 1), SOTTO_OK);
    assert_int_equal(sotto_peer_new(&peer, engine, &(sotto_peer_options){.codecs = 1u << 20}, &error), SOTTO_BAD_INPUT);
    assert_null(peer);
    assert_int_equal(sotto_peer_new(&peer, engine, &peer_options, &error), SOTTO_OK);
    assert_int_equal(sotto_peer_direct_video(peer, true, true), SOTTO_STATE);
    assert_int_equal(sotto_peer_add_video(peer, true, true), SOTTO_BAD_INPUT); /* no such codec was chosen */
    assert_int_equal(sotto_peer_send(peer, 1000, &(sotto_frame){.bytes = (const uint8_t *)"x", .len = 1}), SOTTO_STATE);
    assert_int_equal(sotto_peer_direct_audio(peer, true, true), SOTTO_STATE);
    assert_int_equal(sotto_peer_add_audio(peer, true, true), SOTTO_OK);
    assert_int_equal(sotto_peer_add_audio(peer, true, true), SOTTO_STATE);
    assert_int_equal(sotto_peer_direct_audio(peer, false, true), SOTTO_OK);
    assert_int_equal(sotto_peer_add_socket(peer, 1000, &address), SOTTO_OK);
    address.family = 0;
    assert_int_equal(sotto_peer_add_socket(peer, 1000, &address), SOTTO_BAD_INPUT);
    assert_int_equal(sotto_peer_add_stun_server(peer, 1000, &address), SOTTO_BAD_INPUT);
    assert_int_not_equal(sotto_peer_offer(peer, 1000, sdp, sizeof sdp, &error), SOTTO_OK);
    assert_true(strlen(error.text) > 10);
    assert_false(sotto_peer_failure(peer, &error, &door));
    assert_null(door);
    assert_null(sotto_peer_error(peer, &code));
    assert_null(code);
    sotto_peer_free(peer);
    sotto_engine_free(engine);
}

static void a_failed_peer_says_which_door_and_layer(void **state)
{
    static char offer[SOTTO_SDP_MAX];
    sotto_engine *engine;
    sotto_peer *peers[2];
    sotto_address address;
    sotto_error error = {0};
    const char *code, *door;
    bool due;
    char *print;

    (void)state;
    assert_int_equal(sotto_engine_new(&engine, NULL, NULL), SOTTO_OK);
    assert_int_equal(sotto_address_parse(&address, "192.0.2.1", 4000), SOTTO_OK);
    for (int i = 0; i < 2; i++) {
        sotto_peer_options options = peer_options;

        options.polite = i == 1;
        assert_int_equal(sotto_peer_new(&peers[i], engine, &options, NULL), SOTTO_OK);
        assert_int_equal(sotto_peer_add_audio(peers[i], true, true), SOTTO_OK);
        assert_int_equal(sotto_peer_add_socket(peers[i], 1000, &address), SOTTO_OK);
    }
    assert_int_equal(sotto_peer_offer(peers[0], 1000, offer, sizeof offer, NULL), SOTTO_OK);
    /* an offer that names no certificate; the attribute gets another name of the same length */
    while ((print = strstr(offer, "a=fingerprint:")) != NULL)
        memcpy(print, "a=fingerpaint:", 14);
    assert_int_equal(sotto_peer_take_offer(peers[1], 1000, offer, &due, NULL), SOTTO_REFUSED);
    assert_int_equal(sotto_peer_state_of(peers[1]), SOTTO_PEER_FAILED);
    assert_true(sotto_peer_failure(peers[1], &error, &door));
    assert_string_equal(door, "fingerprints");
    assert_string_equal(error.layer, "media");
    assert_string_equal(error.text, sotto_peer_error(peers[1], &code));
    assert_string_equal(code, "fingerprint-missing");
    for (int i = 0; i < 2; i++)
        sotto_peer_free(peers[i]);
    sotto_engine_free(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_is_made_and_checked),
        cmocka_unit_test(a_link_that_does_not_fit_leaves_nothing),
        cmocka_unit_test(a_call_to_nobody_fails_in_a_loop_of_ones_own),
        cmocka_unit_test(a_policy_is_read_before_anything_is_said),
        cmocka_unit_test(a_call_is_freed_at_any_time),
        cmocka_unit_test(no_sigpipe_reaches_the_program),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(a_failed_peer_says_which_door_and_layer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
