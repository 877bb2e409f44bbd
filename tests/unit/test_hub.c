/* net/hub and net/batch: many peers behind one socket of loopback, and others with a socket each. */
#include "unit.h"

#include "net/hub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAIRS 20

typedef struct side {
    so_hub *hub; /* of all callees, or of one caller */
    so_hub_member *member;
    so_peer *peer;
    struct side *other;
    size_t track, heard;
    bool sent;
} side;

typedef struct rig {
    so_loop loop;
    so_engine engine;
    side callers[PAIRS], callees[PAIRS];
    bool echo;
} rig;

static void on_event(void *user, so_hub_member *member, const so_peer_event *event)
{
    static const uint8_t sound[80] = {0xf8};
    rig *r = user;
    side *s = so_hub_user(member);
    so_peer_frame frame = {.bytes = sound, .len = sizeof sound};
    so_msec now = so_hub_now(s->hub);

    if (event->kind == SO_PEER_CANDIDATE && so_peer_had_remote(s->other->peer)) {
        assert_int_equal(so_peer_add_candidate(s->other->peer, now, event->candidate, event->ufrag), SO_OK);
        so_hub_drain(s->other->member);
    }
    s->heard += event->kind == SO_PEER_FRAME;
    if (event->kind == SO_PEER_FRAME && r->echo) {
        assert_int_equal(event->frame.len, sizeof sound);
        assert_int_equal(so_peer_send(s->peer, now, s->track, &event->frame), SO_OK);
    }
    if (so_peer_state_of(s->peer) == SO_PEER_OPEN && !s->sent &&
        !(r->echo && s >= r->callees && s < r->callees + PAIRS)) {
        s->sent = true;
        assert_int_equal(so_peer_send(s->peer, now, s->track, &frame), SO_OK);
    }
}

static so_hub *open_hub(rig *r)
{
    so_address here;
    so_hub_config config = {.loop = &r->loop, .addresses = &here, .address_count = 1, .event = on_event, .user = r};
    so_hub *hub;
    so_error err;

    assert_int_equal(so_address_parse(&here, "127.0.0.1", 0), SO_OK);
    assert_int_equal(so_hub_open(&hub, &config, &err), SO_OK);
    assert_true(so_hub_address(hub, 0, &here));
    assert_int_not_equal(here.port, 0);
    assert_false(so_hub_address(hub, 1, &here));
    return hub;
}

static void add_peer(rig *r, side *s, so_hub *hub, side *other)
{
    so_peer_config config = {.engine = &r->engine,
                             .random = so_random_system,
                             .now = so_hub_now(hub),
                             .unix_ms = 1700000000000,
                             .polite = s >= r->callees && s < r->callees + PAIRS};

    *s = (side){.hub = hub, .other = other};
    assert_int_equal(so_peer_new(&s->peer, &config, NULL), SO_OK);
    assert_int_equal(so_peer_add_track(s->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &s->track), SO_OK);
    assert_int_equal(so_hub_add(hub, s->peer, s, &s->member), SO_OK);
}

static void negotiate(side *caller, side *callee)
{
    char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_msec now = so_hub_now(caller->hub);

    assert_int_equal(so_peer_offer(caller->peer, now, sdp, sizeof sdp, NULL), SO_OK);
    assert_int_equal(so_peer_take(callee->peer, now, SO_SDP_OFFER, sdp, strlen(sdp), &taken, NULL), SO_OK);
    assert_int_equal(so_peer_answer(callee->peer, now, sdp, sizeof sdp, NULL), SO_OK);
    assert_int_equal(so_peer_take(caller->peer, now, SO_SDP_ANSWER, sdp, strlen(sdp), &taken, NULL), SO_OK);
    so_hub_drain(caller->member);
    so_hub_drain(callee->member);
}

static void leave(side *s)
{
    so_peer_close(s->peer, so_hub_now(s->hub));
    so_hub_drain(s->member);
    so_hub_remove(s->member);
    so_peer_free(s->peer);
}

static rig *begin(void)
{
    rig *r = calloc(1, sizeof *r);

    assert_non_null(r);
    assert_int_equal(so_loop_open(&r->loop), SO_OK);
    assert_int_equal(so_engine_open(&r->engine, NULL), SO_OK);
    return r;
}

static void end(rig *r)
{
    so_loop_close(&r->loop);
    so_engine_close(&r->engine);
    free(r);
}

/* Every caller has a socket of its own, and all callees share one; each hears its own echo, and nothing else. */
static void many_calls_share_a_socket(void **state)
{
    rig *r = begin();
    so_hub *shared;
    so_hub_counts counts;
    size_t open = 0;

    (void)state;
    r->echo = true;
    shared = open_hub(r);
    for (size_t i = 0; i < PAIRS; i++) {
        add_peer(r, &r->callees[i], shared, &r->callers[i]);
        add_peer(r, &r->callers[i], open_hub(r), &r->callees[i]);
    }
    for (size_t i = 0; i < PAIRS; i++)
        negotiate(&r->callers[i], &r->callees[i]);
    /* An echo of an echo: until each has heard thirty. The limit is the test's own. */
    while (open < PAIRS && uv_run(&r->loop.uv, UV_RUN_ONCE) != 0) {
        open = 0;
        for (size_t i = 0; i < PAIRS; i++)
            open += r->callers[i].heard >= 30 && r->callees[i].heard >= 30;
    }
    assert_int_equal(open, PAIRS);
    so_hub_stats(shared, &counts);
    assert_int_equal(counts.taken, 0);
    assert_int_equal(counts.udp.dropped, 0);
    assert_true(counts.udp.received > PAIRS * 30);
    assert_true(counts.udp.receive_calls + counts.udp.send_calls < counts.udp.received + counts.udp.sent);
    for (size_t i = 0; i < PAIRS; i++) {
        so_hub *own = r->callers[i].hub;

        leave(&r->callers[i]);
        leave(&r->callees[i]);
        so_hub_close(own);
    }
    so_hub_close(shared);
    end(r);
}

/* Both hubs have one socket: there is one path between them, and one pair has it. */
static void a_path_is_one_pairs(void **state)
{
    rig *r = begin();
    so_hub *near_end, *far_end;
    so_hub_counts counts;

    (void)state;
    near_end = open_hub(r);
    far_end = open_hub(r);
    for (size_t i = 0; i < 2; i++) {
        add_peer(r, &r->callers[i], near_end, &r->callees[i]);
        add_peer(r, &r->callees[i], far_end, &r->callers[i]);
    }
    negotiate(&r->callers[0], &r->callees[0]);
    while (r->callers[0].heard == 0 || r->callees[0].heard == 0)
        assert_int_not_equal(uv_run(&r->loop.uv, UV_RUN_ONCE), 0);
    negotiate(&r->callers[1], &r->callees[1]);
    do {
        assert_int_not_equal(uv_run(&r->loop.uv, UV_RUN_ONCE), 0);
        so_hub_stats(far_end, &counts);
    } while (counts.taken < 3);
    assert_int_not_equal(so_peer_state_of(r->callers[1].peer), SO_PEER_OPEN);
    assert_int_not_equal(so_peer_state_of(r->callees[1].peer), SO_PEER_OPEN);
    assert_int_equal(so_peer_state_of(r->callers[0].peer), SO_PEER_OPEN);
    /* When the first pair has left, the path is free. */
    leave(&r->callers[0]);
    leave(&r->callees[0]);
    while (r->callers[1].heard == 0 || r->callees[1].heard == 0)
        assert_int_not_equal(uv_run(&r->loop.uv, UV_RUN_ONCE), 0);
    leave(&r->callers[1]);
    leave(&r->callees[1]);
    so_hub_close(near_end);
    so_hub_close(far_end);
    end(r);
}

/* ---- batches ---- */

static int open_socket(so_address *base)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
    *base = so_address_of((const uint8_t *)&name.sin_addr, 4, ntohs(name.sin_port));
    so_batch_prepare(fd);
    return fd;
}

typedef struct heard {
    size_t count, bytes;
    uint8_t next;
} heard;

static void on_batch(void *user, const so_address *remote, uint8_t *bytes, size_t len)
{
    heard *h = user;

    (void)remote;
    assert_int_equal(bytes[0], h->next);
    assert_int_equal(bytes[len - 1], h->next);
    h->next++;
    h->count++;
    h->bytes += len;
}

/* Of one size, of different ones, with shorter ones in between: each comes whole, and in order. */
static void datagrams_stay_whole(void **state)
{
    static const size_t lens[] = {1200, 1200, 1200, 700, 1200, 1200, 20, 20, 20, 1, 1400, 90, 90, 1200, 1200};
    so_address here, there;
    so_batch_counts counts;
    so_batch *batch;
    heard h = {0};
    size_t bytes = 0, count = sizeof lens / sizeof lens[0];
    int from = open_socket(&here), to = open_socket(&there);

    (void)state;
    assert_int_equal(so_batch_new(&batch), SO_OK);
    for (size_t i = 0; i < 10 * count; i++) {
        uint8_t packet[1500];

        memset(packet, (int)i, sizeof packet);
        so_batch_send(batch, from, &there, packet, lens[i % count]);
        bytes += lens[i % count];
        if (i % count == count - 1) {
            so_batch_flush(batch);
            so_batch_receive(batch, to, on_batch, &h);
        }
    }
    assert_int_equal(h.count, 10 * count);
    assert_int_equal(h.bytes, bytes);
    so_batch_stats(batch, &counts);
    assert_int_equal(counts.sent, 10 * count);
    assert_int_equal(counts.received, 10 * count);
    assert_int_equal(counts.dropped, 0);
    assert_int_equal(counts.send_calls, 10);
    so_batch_free(batch);
    (void)close(from);
    (void)close(to);
}

static void what_fills_the_batch_leaves(void **state)
{
    static uint8_t packet[1000];
    so_address here, there;
    so_batch_counts counts;
    so_batch *batch;
    int from = open_socket(&here), to = open_socket(&there);

    (void)state;
    assert_int_equal(so_batch_new(&batch), SO_OK);
    for (size_t i = 0; i < 3000; i++)
        so_batch_send(batch, from, &there, packet, sizeof packet);
    so_batch_stats(batch, &counts);
    assert_true(counts.sent + counts.dropped > 1000);
    so_batch_flush(batch);
    so_batch_stats(batch, &counts);
    assert_int_equal(counts.sent + counts.dropped, 3000);
    so_batch_free(batch);
    (void)close(from);
    (void)close(to);
}

static void a_hub_needs_an_address_of_this_machine(void **state)
{
    rig *r = begin();
    so_address elsewhere;
    so_hub_config config = {.loop = &r->loop, .addresses = &elsewhere, .address_count = 1, .event = on_event};
    so_hub *hub;
    so_error err;

    (void)state;
    assert_int_equal(so_address_parse(&elsewhere, "192.0.2.77", 5000), SO_OK);
    assert_int_equal(so_hub_open(&hub, &config, &err), SO_IO);
    assert_non_null(strstr(err.text, "192.0.2.77:5000"));
    assert_null(hub);
    config.address_count = 0;
    assert_int_equal(so_hub_open(&hub, &config, &err), SO_BAD_INPUT);
    config.address_count = SO_HUB_SOCKETS + 1;
    assert_int_equal(so_hub_open(&hub, &config, &err), SO_BAD_INPUT);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_stay_whole),
        cmocka_unit_test(what_fills_the_batch_leaves),
        cmocka_unit_test(a_hub_needs_an_address_of_this_machine),
        cmocka_unit_test(many_calls_share_a_socket),
        cmocka_unit_test(a_path_is_one_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
