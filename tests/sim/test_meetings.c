/*
 * Two calls by invitation from join to farewell, while lines to the server are cut, servers start again, ends are
 * killed and come anew, and the network between them is mute: what goes on, what starts anew, and what is said of it.
 */
#include "meeting.h"
#include "unit.h"

#include <inttypes.h>
#include <stdlib.h>

static const sim_link clean = {.delay = 20};
static const sim_link poor = {.delay = 40, .jitter = 30, .loss = 5, .doubled = 3};

static void assert_fine(const sim_meeting *m)
{
    if (!sim_is_fine(&m->world))
        fail_msg("%s", m->world.blame);
}

static sim_meeting *begin(uint64_t seed, const sim_link *link)
{
    static sim_meeting meeting; /* large */

    assert_true(sim_meeting_open(&meeting, seed, link));
    if (getenv("SOTTO_TRACE") != NULL)
        meeting.world.trace = stderr;
    return &meeting;
}

static void finish(sim_meeting *m)
{
    assert_fine(m);
    sim_meeting_close(m);
}

/* A waits, B comes, and both are in a call. */
static void open_both(sim_meeting *m)
{
    sim_meeting_come(m, 0, 0);
    sim_meeting_run(m, 500);
    assert_int_equal(m->guests[0].state, SO_CALL_WAITING);
    sim_meeting_come(m, 1, 1);
    assert_true(sim_meeting_until(m, 0, SO_CALL_OPEN, 20000));
    assert_true(sim_meeting_until(m, 1, SO_CALL_OPEN, 5000));
    for (unsigned i = 0; i < 2; i++)
        sim_meeting_talk(m, i, true);
    sim_meeting_run(m, 1000);
    assert_fine(m);
}

/* How many frames each of two hears while both talk. */
static void hear_for(sim_meeting *m, unsigned a, unsigned b, so_msec ms, unsigned heard[2])
{
    uint32_t before[2] = {m->guests[a].taken, m->guests[b].taken};

    sim_meeting_run(m, ms);
    heard[0] = m->guests[a].taken - before[0];
    heard[1] = m->guests[b].taken - before[1];
    assert_fine(m);
}

static void assert_they_hear(sim_meeting *m, unsigned a, unsigned b, const sim_link *link)
{
    unsigned heard[2], least = link->loss == 0 ? 49 : 35;

    hear_for(m, a, b, 1000, heard);
    /* 50, and some more that were on their way already */
    assert_in_range(heard[0], least, 55);
    assert_in_range(heard[1], least, 55);
}

static void assert_over(const sim_guest *g, so_call_state state, const char *reason)
{
    assert_string_equal(so_call_state_name(g->state), so_call_state_name(state));
    assert_string_equal(so_call_reason(g->call), reason);
}

static void a_call_from_join_to_farewell(void **state)
{
    const sim_link *links[] = {&clean, &poor};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        sim_meeting *m = begin(10 + i, links[i]);

        open_both(m);
        assert_they_hear(m, 0, 1, links[i]);
        sim_meeting_hang_up(m, i);
        sim_meeting_run(m, 500);
        assert_over(&m->guests[i], SO_CALL_ENDED, "hangup");
        assert_over(&m->guests[1 - i], SO_CALL_ENDED, "peer-hangup");
        assert_int_equal(so_rooms_count(m->rooms), 0);
        assert_int_equal(so_call_deadline(m->guests[i].call, sim_now()), UINT64_MAX);
        finish(m);
    }
}

/* The peers, their certificates and their counters: the same as before, and no second handshake. */
typedef struct keys {
    const so_peer *peer;
    uint64_t dtls, rtp;
} keys;

static keys keys_of(const sim_guest *g)
{
    so_peer_facts facts;

    so_peer_facts_of(so_call_peer(g->call), &facts);
    return (keys){so_call_peer(g->call), g->watch.dtls, facts.sent.protected_rtp};
}

static void assert_same_keys(const sim_guest *g, keys before)
{
    keys now = keys_of(g);

    assert_ptr_equal(now.peer, before.peer);
    assert_int_equal(now.dtls, before.dtls);
    assert_true(now.rtp > before.rtp);
}

static void a_call_goes_on_without_the_server(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        sim_meeting *m = begin(20 + who, &clean);
        keys before[2];
        unsigned heard[2];

        open_both(m);
        for (unsigned i = 0; i < 2; i++)
            before[i] = keys_of(&m->guests[i]);
        sim_meeting_cut(m, who, 8000);
        hear_for(m, 0, 1, 4000, heard);
        assert_in_range(heard[0], 199, 201); /* not one is lost */
        assert_in_range(heard[1], 199, 201);
        assert_string_equal(m->guests[who].notice, "signaling-lost");
        assert_string_equal(m->guests[1 - who].notice, "peer-away");
        hear_for(m, 0, 1, 8000, heard); /* it is back, and a new epoch begins */
        assert_in_range(heard[0], 399, 401);
        assert_in_range(heard[1], 399, 401);
        for (unsigned i = 0; i < 2; i++) {
            assert_string_equal(m->guests[i].notice, "");
            assert_int_equal(m->guests[i].state, SO_CALL_OPEN);
            assert_same_keys(&m->guests[i], before[i]);
        }
        sim_meeting_hang_up(m, who); /* the new epoch seals farewells too */
        sim_meeting_run(m, 500);
        assert_over(&m->guests[1 - who], SO_CALL_ENDED, "peer-hangup");
        finish(m);
    }
}

/*
 * From one network to another: the new address first, both at once, or a while without any; and the line to the server
 * lives elsewhere or is lost with the old one. Sound is back at once, or as soon as the two can talk.
 */
static void a_call_goes_on_over_another_network(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        const sim_link *link = i < 12 ? &clean : &poor;
        unsigned who = i % 2, order = i / 2 % 3;
        bool cut = i / 6 % 2 != 0;
        sim_meeting *m = begin(200 + i, link);
        keys before[2];
        unsigned heard[2];

        open_both(m);
        for (unsigned k = 0; k < 2; k++)
            before[k] = keys_of(&m->guests[k]);
        if (order == 0) {
            sim_meeting_gain_base(m, who);
            sim_meeting_run(m, 700);
        }
        if (cut)
            sim_meeting_cut(m, who, order == 2 ? 1500 : 500);
        sim_meeting_lose_base(m, who);
        if (order == 2)
            sim_meeting_run(m, 1000);
        if (order != 0)
            sim_meeting_gain_base(m, who);
        sim_meeting_run(m, link == &clean ? (cut ? 1000 : 500) : 2000);
        hear_for(m, 0, 1, 1000, heard); /* some may have waited for what the move cost */
        assert_in_range(heard[0], link == &clean ? 49 : 35, 60);
        assert_in_range(heard[1], link == &clean ? 49 : 35, 60);
        for (unsigned k = 0; k < 2; k++) {
            assert_same_keys(&m->guests[k], before[k]);
            assert_int_equal(m->guests[k].state, SO_CALL_OPEN);
        }
        /* and nothing is left over that would look for another path */
        hear_for(m, 0, 1, 12000, heard);
        assert_in_range(heard[0], link == &clean ? 599 : 500, 601);
        assert_in_range(heard[1], link == &clean ? 599 : 500, 601);
        finish(m);
    }
}

static void a_call_goes_on_when_the_server_starts_again(void **state)
{
    sim_meeting *m = begin(30, &clean);
    keys before[2];
    unsigned heard[2];

    (void)state;
    open_both(m);
    for (unsigned i = 0; i < 2; i++)
        before[i] = keys_of(&m->guests[i]);
    for (unsigned times = 0; times < 3; times++) {
        sim_meeting_restart_server(m);
        hear_for(m, 0, 1, 5000, heard);
        assert_in_range(heard[0], 249, 251);
        assert_in_range(heard[1], 249, 251);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_same_keys(&m->guests[i], before[i]);
        assert_string_equal(m->guests[i].notice, "");
    }
    finish(m);
}

/* Killed, not hung up: its seat is kept for 30 s, then somebody new may take it, with another certificate. */
static void a_new_end_comes_after_one_that_vanished(void **state)
{
    const sim_link *links[] = {&clean, &poor};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        sim_meeting *m = begin(40 + i, links[i]);
        so_peer_facts first, second;

        open_both(m);
        so_peer_facts_of(so_call_peer(m->guests[0].call), &first);
        sim_meeting_kill(m, 1);
        sim_meeting_run(m, 20000);
        assert_true((m->guests[0].notices & SIM_PATH_LOST) != 0);
        assert_int_equal(m->guests[0].state, SO_CALL_OPEN); /* it may come back yet */
        sim_meeting_run(m, 15000);
        assert_int_equal(m->guests[0].state, SO_CALL_WAITING);
        assert_string_equal(m->guests[0].reason, "peer-left");
        sim_meeting_come(m, 2, 1);
        assert_true(sim_meeting_until(m, 2, SO_CALL_OPEN, 10000));
        assert_true(sim_meeting_until(m, 0, SO_CALL_OPEN, 5000));
        sim_meeting_talk(m, 2, true);
        sim_meeting_run(m, 1000);
        assert_they_hear(m, 0, 2, links[i]);
        so_peer_facts_of(so_call_peer(m->guests[0].call), &second);
        assert_false(so_fingerprint_equal(&first.mine, &second.mine));
        assert_false(so_fingerprint_equal(&first.seen, &second.seen));
        finish(m);
    }
}

static void a_third_end_finds_no_seat(void **state)
{
    sim_meeting *m = begin(50, &clean);

    (void)state;
    open_both(m);
    sim_meeting_come(m, 2, 1);
    sim_meeting_run(m, 1000);
    assert_over(&m->guests[2], SO_CALL_FAILED, "room-full");
    assert_int_equal(
        m->guests[2].watch.stun + m->guests[2].watch.dtls + m->guests[2].watch.data + m->guests[2].watch.media, 0);
    assert_they_hear(m, 0, 1, &clean);
    finish(m);
}

/* Both lose the path in the same instant, and both look for it anew. */
static void both_ends_restart_at_once(void **state)
{
    const so_msec silences[] = {12000, 45000}; /* shorter, and longer, than consent lasts */

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        sim_meeting *m = begin(60 + i, &clean);
        keys before[2];

        open_both(m);
        for (unsigned k = 0; k < 2; k++) {
            before[k] = keys_of(&m->guests[k]);
            m->world.hosts[k].mute_from = sim_now();
            m->world.hosts[k].mute_until = sim_now() + silences[i];
        }
        sim_meeting_run(m, silences[i]);
        assert_int_equal(m->guests[0].notices & m->guests[1].notices & SIM_PATH_LOST, SIM_PATH_LOST);
        sim_meeting_run(m, 15000);
        for (unsigned k = 0; k < 2; k++) {
            assert_string_equal(m->guests[k].notice, "");
            assert_same_keys(&m->guests[k], before[k]);
        }
        assert_they_hear(m, 0, 1, &clean);
        finish(m);
    }
}

/* In the same instant the path and the lines to the server are lost, as when a train enters a tunnel. */
static void a_tunnel_takes_path_and_server(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        sim_meeting *m = begin(70 + who, &clean);
        keys before[2];

        open_both(m);
        for (unsigned k = 0; k < 2; k++)
            before[k] = keys_of(&m->guests[k]);
        m->world.hosts[who].mute_from = sim_now();
        m->world.hosts[who].mute_until = sim_now() + 20000;
        sim_meeting_cut(m, who, 20500);
        sim_meeting_run(m, 20000);
        assert_int_equal(m->guests[who].state, SO_CALL_OPEN);
        sim_meeting_run(m, 15000);
        for (unsigned k = 0; k < 2; k++) {
            assert_string_equal(m->guests[k].notice, "");
            assert_same_keys(&m->guests[k], before[k]);
        }
        assert_they_hear(m, 0, 1, &clean);
        finish(m);
    }
}

static void without_a_path_both_say_so_after_30_seconds(void **state)
{
    const sim_link nothing = {.delay = 20, .loss = 100};
    sim_meeting *m = begin(80, &nothing);

    (void)state;
    sim_meeting_come(m, 0, 0);
    sim_meeting_run(m, 500);
    sim_meeting_come(m, 1, 1);
    sim_meeting_run(m, 29900);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(m->guests[i].state, SO_CALL_CONNECTING);
    sim_meeting_run(m, 1000);
    for (unsigned i = 0; i < 2; i++) {
        const sim_guest *g = &m->guests[i];

        assert_int_equal(g->state, SO_CALL_FAILED);
        assert_int_equal(g->watch.dtls + g->watch.data + g->watch.media, 0);
        assert_string_equal(g->reason, "no-path"); /* whoever says it first */
    }
    finish(m);
}

/* The farewell can't be said through the server: the other end hears it from the media's own close. */
static void a_farewell_without_the_server(void **state)
{
    sim_meeting *m = begin(90, &clean);

    (void)state;
    open_both(m);
    sim_meeting_cut(m, 0, 3600000);
    sim_meeting_run(m, 2000);
    sim_meeting_hang_up(m, 0);
    sim_meeting_run(m, 500);
    assert_over(&m->guests[0], SO_CALL_ENDED, "hangup");
    assert_int_equal(so_peer_state_of(so_call_peer(m->guests[1].call)), SO_PEER_CLOSED);
    sim_meeting_run(m, 4000);
    assert_int_equal(m->guests[1].state, SO_CALL_WAITING);
    finish(m);
}

/* A seat was taken, and the connection lost before the welcome came: the seat that is in the way is its own. */
static void a_lost_welcome_is_no_full_room(void **state)
{
    sim_meeting *m = begin(95, &clean);

    (void)state;
    sim_meeting_come(m, 0, 0);
    sim_meeting_run(m, 500);
    sim_meeting_come(m, 1, 1);
    sim_meeting_run(m, m->line_delay + m->line_delay / 2);
    sim_meeting_cut(m, 1, 1000);
    sim_meeting_run(m, 10000);
    assert_int_equal(m->guests[1].states & (1U << SO_CALL_FAILED), 0);
    assert_true(sim_meeting_until(m, 1, SO_CALL_OPEN, 30000));
    assert_true(sim_meeting_until(m, 0, SO_CALL_OPEN, 1000));
    finish(m);
}

/* ---- by seed ---- */

static void disturb(sim_meeting *m)
{
    unsigned who = sim_dice(2);
    /* Checks are repeated after 8 s and after 16 s: a longer silence in set-up can outlast the 30 s for a path. */
    bool open = m->guests[0].state == SO_CALL_OPEN && m->guests[1].state == SO_CALL_OPEN;

    switch (sim_dice(5)) {
    case 0:
        sim_meeting_cut(m, who, 200 + sim_dice(12000));
        break;
    case 1:
        sim_meeting_cut(m, 0, 200 + sim_dice(5000));
        sim_meeting_cut(m, 1, 200 + sim_dice(5000));
        break;
    case 2:
        sim_meeting_restart_server(m);
        break;
    default:
        m->world.hosts[who].mute_from = sim_now();
        m->world.hosts[who].mute_until = sim_now() + 1000 + sim_dice(open ? 20000 : 3000);
        break;
    }
    sim_meeting_run(m, sim_dice(6000));
}

static bool survives(uint64_t seed, char *blame, size_t cap)
{
    sim_link link = {0};
    sim_meeting *m = begin(1000 + seed, &link);
    uint32_t before[2];

    link = (sim_link){.delay = 1 + sim_dice(100), .jitter = sim_dice(50), .loss = sim_dice(3) == 0 ? sim_dice(8) : 0};
    m->world.hosts[0].out = m->world.hosts[1].out = link;
    m->line_delay = 1 + sim_dice(200);
    sim_meeting_come(m, 0, 0);
    sim_meeting_run(m, sim_dice(3) == 0 ? 0 : sim_dice(2000));
    sim_meeting_come(m, 1, 1);
    for (unsigned i = 0; i < 2; i++)
        sim_meeting_talk(m, i, true);
    sim_meeting_run(m, sim_dice(4000));
    for (unsigned i = 1 + sim_dice(3); i > 0 && sim_is_fine(&m->world); i--)
        disturb(m);
    for (unsigned i = 0; i < 2; i++)
        sim_meeting_talk(m, i, false);
    /* All is well again from here on: whatever was lost is found. */
    sim_meeting_run(m, 60000);
    for (unsigned i = 0; i < 2; i++) {
        before[i] = m->guests[i].taken;
        sim_meeting_talk(m, i, true);
    }
    sim_meeting_run(m, 2000);
    for (unsigned i = 0; i < 2; i++)
        if (m->guests[i].state != SO_CALL_OPEN || m->guests[i].notice[0] != '\0' || m->guests[i].taken < before[i] + 60)
            (void)sim_blame(&m->world, "%c is %s (%s), notice \"%s\", hears %u of 100", "AB"[i],
                            so_call_state_name(m->guests[i].state), m -> guests[i].reason, m->guests[i].notice,
                            m->guests[i].taken - before[i]);
    (void)memcpy(blame, m->world.blame, cap);
    sim_meeting_close(m);
    return blame[0] == '\0';
}

static void whatever_is_lost_is_found(void **state)
{
    const char *text = getenv("SOTTO_SEEDS");
    uint64_t count = text == NULL ? 400 : strtoull(text, NULL, 10) / 5 + 1;
    unsigned wrong = 0;
    char blame[400];

    (void)state;
    for (uint64_t seed = 0; seed < count; seed++) {
        if (survives(seed, blame, sizeof blame))
            continue;
        wrong++;
        print_message("# seed %" PRIu64 ": %s\n", seed, blame);
    }
    assert_int_equal(wrong, 0);
}

/* Shows one frame after another, of which only the first may need none before it; how the last fared. */
static so_status show(sim_meeting *m, bool key, unsigned frames)
{
    uint8_t vp8[200] = {0};
    so_peer_frame frame = {.bytes = vp8, .len = sizeof vp8};
    so_status status = SO_OK;

    for (unsigned i = 0; i < frames; i++, frame.time += 3000) {
        vp8[0] = key && i == 0 ? 0x10 : 0x11;
        status = so_call_send(m->guests[0].call, sim_now(), SO_SDP_VIDEO, &frame);
        sim_meeting_run(m, 33);
    }
    return status;
}

/* Shown or not, in one of the two ways that a call has. */
static void let_show(sim_guest *g, bool by_wish, bool shows)
{
    if (by_wish)
        so_call_wish_for(g->call, sim_now(), SO_SDP_VIDEO, (so_call_wish){shows, true});
    else
        so_call_mute(g->call, sim_now(), SO_SDP_VIDEO, !shows);
}

/* Nobody is asked for key frames that would only be left out; what is shown again begins with one. */
static void a_key_frame_is_wanted_when_it_is_of_use(void **state)
{
    sim_meeting *m = begin(17, &clean);
    sim_guest *g = &m->guests[0];
    unsigned before;

    (void)state;
    g->pictures = m->guests[1].pictures = true;
    open_both(m);
    for (int by_wish = 0; by_wish < 2; by_wish++) {
        assert_int_equal(show(m, true, 10), SO_OK);
        sim_meeting_run(m, 500);
        before = g->keys_wanted;
        let_show(g, by_wish, false);
        assert_int_equal(show(m, true, 20), SO_STATE);
        assert_int_equal(g->keys_wanted, before);
        let_show(g, by_wish, true);
        sim_meeting_run(m, 1000);
        assert_int_equal(g->keys_wanted, before + 1);
        assert_int_equal(show(m, false, 1), SO_TOO_LONG);
        assert_int_equal(show(m, true, 5), SO_OK);
    }
    finish(m);
}

/* test_meetings SEED: one of whatever_is_lost_is_found, with a trace */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_from_join_to_farewell),
        cmocka_unit_test(a_call_goes_on_without_the_server),
        cmocka_unit_test(a_call_goes_on_over_another_network),
        cmocka_unit_test(a_call_goes_on_when_the_server_starts_again),
        cmocka_unit_test(a_new_end_comes_after_one_that_vanished),
        cmocka_unit_test(a_third_end_finds_no_seat),
        cmocka_unit_test(both_ends_restart_at_once),
        cmocka_unit_test(a_tunnel_takes_path_and_server),
        cmocka_unit_test(without_a_path_both_say_so_after_30_seconds),
        cmocka_unit_test(a_farewell_without_the_server),
        cmocka_unit_test(a_lost_welcome_is_no_full_room),
        cmocka_unit_test(whatever_is_lost_is_found),
        cmocka_unit_test(a_key_frame_is_wanted_when_it_is_of_use),
    };
    char blame[400];

    if (argc > 1) {
        (void)setenv("SOTTO_TRACE", "1", 1);
        (void)survives(strtoull(argv[1], NULL, 10), blame, sizeof blame);
        printf("%s\n", blame[0] == '\0' ? "fine" : blame);
        return blame[0] != '\0';
    }
    return cmocka_run_group_tests_name("calls by invitation hold through whatever is lost", tests, NULL, NULL);
}
