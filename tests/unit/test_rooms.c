/* server/rooms, limits and turn: seats, resuming, floods, credentials. Time is a number here. */
#include "unit.h"

#include "base/text.h"
#include "server/limits.h"
#include "server/rooms.h"
#include "server/turn.h"

#include <stdlib.h>

#define ROOM "83uqfW2puxBQCnTOooBJww"
#define OTHER_ROOM "AAAAAAAAAAAAAAAAAAAAAA"
#define RESUME_FOR 30000

typedef struct link {
    char last[512];
    unsigned messages;
    bool displaced;
} link;

typedef struct house {
    uint64_t seed;
    so_rooms *rooms;
    link a, b, c;
} house;

static void on_send(void *user, const char *text, size_t len)
{
    link *l = user;

    (void)snprintf(l->last, sizeof l->last, "%.*s", (int)len, text);
    l->messages++;
}

static void on_displaced(void *user)
{
    ((link *)user)->displaced = true;
}

static const so_rooms_events events = {.send = on_send, .displaced = on_displaced};

static int set_up(void **state)
{
    house *h = calloc(1, sizeof *h);

    h->seed = 7;
    h->rooms = so_rooms_new(UNIT_RANDOM(&h->seed), 2, RESUME_FOR, &events);
    *state = h;
    return h->rooms == NULL;
}

static int tear_down(void **state)
{
    house *h = *state;

    so_rooms_free(h->rooms);
    free(h);
    return 0;
}

static so_join join(house *h, const char *room, const char *resume, link *l)
{
    so_join j;

    assert_int_equal(so_rooms_join(h->rooms, room, resume, l, &j), SO_OK);
    if (j.seat != NULL)
        so_rooms_announce(h->rooms, j.seat, j.resumed);
    return j;
}

static void assert_said(const link *l, const char *part)
{
    if (strstr(l->last, part) == NULL)
        fail_msg("\"%s\" is not in %s", part, l->last);
}

static void two_seats_and_no_third(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a), b = join(h, ROOM, NULL, &h->b), c = join(h, ROOM, NULL, &h->c);

    assert_non_null(a.seat);
    assert_null(a.other);
    assert_string_equal(b.other, a.id);
    assert_said(&h->a, "\"joined\"");
    assert_said(&h->a, b.id);
    assert_null(c.seat);
    assert_int_equal(c.fault, SO_FAULT_ROOM_FULL);
    assert_string_not_equal(a.id, b.id);
    assert_string_not_equal(a.resume, b.resume);
    so_rooms_leave(h->rooms, a.seat);
    assert_said(&h->b, "\"left\"");
    assert_said(&h->b, "\"bye\"");
    c = join(h, ROOM, NULL, &h->c);
    assert_non_null(c.seat);
}

static void envelopes_go_to_the_other_alone(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a), b = join(h, ROOM, NULL, &h->b), c = join(h, OTHER_ROOM, NULL, &h->c);
    so_signal_message m = {.kind = SO_SIGNAL_ENVELOPE, .to = b.id, .payload = "abcd", .payload_len = 4};
    so_signal_fault fault;

    assert_true(so_rooms_deliver(h->rooms, a.seat, &m, &fault));
    assert_said(&h->b, "\"payload\":\"abcd\"");
    assert_said(&h->b, a.id);
    m.to = a.id; /* to oneself */
    assert_false(so_rooms_deliver(h->rooms, a.seat, &m, &fault));
    assert_int_equal(fault, SO_FAULT_NO_SUCH_MEMBER);
    m.to = b.id; /* into another room */
    assert_false(so_rooms_deliver(h->rooms, c.seat, &m, &fault));
    assert_int_equal(fault, SO_FAULT_NO_SUCH_MEMBER);
    so_rooms_drop(h->rooms, b.seat, 1000);
    assert_false(so_rooms_deliver(h->rooms, a.seat, &m, &fault));
    assert_int_equal(fault, SO_FAULT_AWAY);
}

static void a_dropped_seat_waits_thirty_seconds(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a), b = join(h, ROOM, NULL, &h->b), c, back;
    char token[SO_TOKEN_TEXT_LEN + 1], id[SO_MEMBER_ID_LEN + 1];
    so_signal_message m = {.payload = "QUFB", .payload_len = 4};
    so_signal_fault fault;

    memcpy(token, b.resume, sizeof token);
    memcpy(id, b.id, sizeof id);
    so_rooms_drop(h->rooms, b.seat, 1000);
    assert_said(&h->a, "\"away\"");
    assert_said(&h->a, "\"seconds\":30");
    c = join(h, ROOM, NULL, &h->c); /* nobody else gets the seat meanwhile */
    assert_null(c.seat);
    assert_int_equal(so_rooms_tick(h->rooms, 1000 + RESUME_FOR - 1), 1000 + RESUME_FOR);
    back = join(h, ROOM, token, &h->b);
    assert_true(back.resumed);
    assert_string_equal(back.id, id);
    assert_string_not_equal(back.resume, token);
    assert_said(&h->a, "\"resumed\":true");
    back = join(h, ROOM, token, &h->b); /* its welcome was lost, and the new token with it */
    assert_true(back.resumed);
    m.to = a.id;
    assert_true(so_rooms_deliver(h->rooms, back.seat, &m, &fault));
    c = join(h, ROOM, token, &h->c); /* the old token is used up */
    assert_null(c.seat);
    so_rooms_drop(h->rooms, back.seat, 50000);
    assert_int_equal(so_rooms_tick(h->rooms, 50000 + RESUME_FOR), 0);
    assert_said(&h->a, "\"timeout\"");
    c = join(h, ROOM, back.resume, &h->c);
    assert_non_null(c.seat);
    assert_false(c.resumed);
}

static void resuming_displaces_the_old_connection(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a), back;

    back = join(h, ROOM, a.resume, &h->b);
    assert_true(back.resumed);
    assert_true(h->a.displaced);
    assert_ptr_equal(back.seat, a.seat);
}

static void an_unknown_token_is_an_ordinary_join(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, OTHER_ROOM, &h->a);

    assert_non_null(a.seat);
    assert_false(a.resumed);
}

/* A free seat's token is all zeros: that must open nothing. */
static void a_token_of_zeros_resumes_nothing(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a), b;

    (void)a;
    b = join(h, ROOM, OTHER_ROOM, &h->b);
    assert_false(b.resumed);
    assert_false(h->a.displaced);
}

static void rooms_are_counted_and_end(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a), b = join(h, OTHER_ROOM, NULL, &h->b);
    so_join c = join(h, "BAAAAAAAAAAAAAAAAAAAAA", NULL, &h->c);

    assert_null(c.seat);
    assert_int_equal(c.fault, SO_FAULT_TOO_MANY_ROOMS);
    assert_int_equal(so_rooms_count(h->rooms), 2);
    so_rooms_leave(h->rooms, a.seat);
    so_rooms_drop(h->rooms, b.seat, 0);
    assert_int_equal(so_rooms_tick(h->rooms, RESUME_FOR), 0);
    assert_int_equal(so_rooms_count(h->rooms), 0);
}

static void logs_name_a_room_without_its_id(void **state)
{
    house *h = *state;
    so_join a = join(h, ROOM, NULL, &h->a);
    char name[7];

    so_rooms_log_name(h->rooms, a.seat, name);
    assert_int_equal(strlen(name), 6);
    assert_string_not_equal(name, "f37baa"); /* the id's first bytes */
}

static void a_bucket_refills_with_time(void **state)
{
    so_bucket bucket = {0};
    unsigned taken = 0;

    (void)state;
    while (so_bucket_take(&bucket, 50, 1000, 100, 5000))
        taken++;
    assert_int_equal(taken, 100);
    assert_false(so_bucket_take(&bucket, 50, 1000, 100, 5019));
    assert_true(so_bucket_take(&bucket, 50, 1000, 100, 5020));
    assert_false(so_bucket_take(&bucket, 50, 1000, 100, 5020));
    for (taken = 0; so_bucket_take(&bucket, 50, 1000, 100, 1000000); taken++)
        ;
    assert_int_equal(taken, 100); /* never more than the burst, however long it rested */
}

static void one_address_gets_its_share(void **state)
{
    static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, 192, 168, 0, 1},
                         other[16] = {[10] = 0xff, [11] = 0xff, 192, 168, 0, 2};
    static const uint8_t v6a[16] = {0xfd, [15] = 1}, v6b[16] = {0xfd, [14] = 9, [15] = 9}, v6c[16] = {0xfd, [7] = 1};
    so_limits *limits = so_limits_new((const uint8_t *)"0123456789abcdef", 30, 2, 3);
    so_source *first, *source;

    (void)state;
    assert_int_equal(so_limits_enter(limits, v4, &first), SO_ADMITTED);
    assert_int_equal(so_limits_enter(limits, v4, &source), SO_ADMITTED);
    for (int i = 0; i < 8; i++)
        assert_int_equal(so_limits_enter(limits, v4, &source), SO_ADMITTED_TO_BE_TOLD);
    assert_int_equal(so_limits_enter(limits, v4, &source), SO_TURNED_AWAY);
    assert_null(source);
    assert_int_equal(so_limits_enter(limits, other, &source), SO_ADMITTED);
    so_limits_leave(limits, first, 0);
    assert_int_equal(so_limits_enter(limits, v4, &source), SO_ADMITTED_TO_BE_TOLD);

    assert_int_equal(so_limits_enter(limits, v6a, &first), SO_ADMITTED);
    assert_int_equal(so_limits_enter(limits, v6b, &source), SO_ADMITTED);
    assert_ptr_equal(first, source); /* one /64 is one address */
    assert_int_equal(so_limits_enter(limits, v6b, &source), SO_ADMITTED_TO_BE_TOLD);
    assert_int_equal(so_limits_enter(limits, v6c, &source), SO_ADMITTED);

    for (int i = 0; i < 3; i++)
        assert_true(so_limits_may_join(limits, source, 1000));
    assert_false(so_limits_may_join(limits, source, 1000));
    assert_false(so_limits_may_join(limits, source, 20000));
    assert_true(so_limits_may_join(limits, source, 21000));
    so_limits_leave(limits, source, 30000);
    so_limits_sweep(limits, 80000);
    assert_int_equal(so_limits_enter(limits, v6c, &source), SO_ADMITTED);
    assert_true(so_limits_may_join(limits, source, 200000));
    so_limits_free(limits);
}

static void all_connections_have_an_end(void **state)
{
    so_limits *limits = so_limits_new((const uint8_t *)"0123456789abcdef", 2, 9, 9);
    uint8_t address[16] = {0xfd};
    so_source *source;

    (void)state;
    for (uint8_t i = 0; i < 2; i++) {
        address[1] = i;
        assert_int_equal(so_limits_enter(limits, address, &source), SO_ADMITTED);
    }
    address[1] = 9;
    assert_int_equal(so_limits_enter(limits, address, &source), SO_TURNED_AWAY);
    so_limits_free(limits);
}

/* Checked against coturn's own recipe: printf '%s' "$user" | openssl dgst -sha1 -hmac "$secret" -binary | base64 */
static void turn_credentials_are_coturns(void **state)
{
    static const char *const stun[] = {"stun:stun.example"}, *const turn[] = {"turns:turn.example:5349",
                                                                              "turn:turn.example"};
    so_ice_servers servers = {
        .stun = stun, .stun_count = 1, .turn = turn, .turn_count = 2, .secret = {"north", 5}, .lifetime = 3600};
    char text[1024];
    so_writer w = so_writer_of(text, sizeof text - 1);

    (void)state;
    assert_int_equal(so_ice_write(&w, &servers, "10i_mYXbbTI", 1700000000), SO_OK);
    text[so_writer_len(&w)] = '\0';
    assert_string_equal(
        text, "[{\"urls\":[\"stun:stun.example\"]},{\"urls\":[\"turns:turn.example:5349\",\"turn:turn.example\"],"
              "\"username\":\"1700003600:10i_mYXbbTI\",\"credential\":\"APQybHM2MJWbJaY+mP3EIlwA118=\"}]");
    w = so_writer_of(text, 20);
    assert_int_equal(so_ice_write(&w, &servers, "x", 0), SO_TOO_LONG);
    servers.turn_count = servers.stun_count = 0;
    w = so_writer_of(text, 20);
    assert_int_equal(so_ice_write(&w, &servers, "x", 0), SO_OK);
    assert_int_equal(so_writer_len(&w), 2);
}

static void ice_urls_are_checked(void **state)
{
    (void)state;
    assert_true(so_ice_url_valid("stun:stun.example:3478", false));
    assert_true(so_ice_url_valid("turns:turn.example", true));
    assert_true(so_ice_url_valid("turn:[fd00::1]:3478?transport=udp", true));
    assert_false(so_ice_url_valid("turn:turn.example", false));
    assert_false(so_ice_url_valid("stun:stun.example", true));
    assert_false(so_ice_url_valid("https://x", true));
    assert_false(so_ice_url_valid("turn:", true));
    assert_false(so_ice_url_valid("turn://x", true));
    assert_false(so_ice_url_valid("turn:a\"b", true));
}

int main(void)
{
#define ROOMS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROOMS(two_seats_and_no_third),
        ROOMS(envelopes_go_to_the_other_alone),
        ROOMS(a_dropped_seat_waits_thirty_seconds),
        ROOMS(resuming_displaces_the_old_connection),
        ROOMS(an_unknown_token_is_an_ordinary_join),
        ROOMS(a_token_of_zeros_resumes_nothing),
        ROOMS(rooms_are_counted_and_end),
        ROOMS(logs_name_a_room_without_its_id),
        cmocka_unit_test(a_bucket_refills_with_time),
        cmocka_unit_test(one_address_gets_its_share),
        cmocka_unit_test(all_connections_have_an_end),
        cmocka_unit_test(turn_credentials_are_coturns),
        cmocka_unit_test(ice_urls_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
