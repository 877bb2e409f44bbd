/*
 * How long two ends need, in round trips: over 50 ms each way, signaling as well as media, from the instant in which
 * the offerer takes the answer to the first frame that it, and that the other end, hears. To the millisecond.
 */
#include "pair.h"
#include "unit.h"

#include "peer/demux.h"

#include <string.h>

#define ONE_WAY 50
#define ROUND_TRIP (2 * ONE_WAY)
/* DTLS 1.2 has four flights, each in one datagram; what is over is said again, because this path is longer than the
 * first timeout of 50 ms. None of that is waited for. */
#define DATAGRAMS 17

typedef struct times {
    so_msec answered; /* the offerer has taken the answer */
    so_msec open[2];  /* offerer, answerer */
    so_msec heard[2]; /* the first frame came out */
} times;

static sim_pair pair; /* large */
static unsigned offerer;

/* What arrives of DTLS at either end. */
static struct {
    void (*deliver)(void *user, unsigned host, const so_address *local, sim_packet *packet);
    so_msec first; /* when the first one left */
    unsigned client, count;
} dtls;

static void note_dtls(void *user, unsigned host, const so_address *local, sim_packet *packet)
{
    if (so_demux_of(packet->bytes, packet->len) == SO_DEMUX_DTLS && dtls.count++ == 0) {
        dtls.first = sim_now() - ONE_WAY;
        dtls.client = packet->from;
    }
    dtls.deliver(user, host, local, packet);
}

static bool has_answer(const sim_pair *p)
{
    return so_peer_had_remote(p->ends[offerer].peer);
}

static bool offerer_is_open(const sim_pair *p)
{
    return p->ends[offerer].open_at != SIM_NEVER;
}

static bool both_hear(const sim_pair *p)
{
    return p->ends[0].any && p->ends[1].any;
}

static bool offerer_hears(const sim_pair *p)
{
    return p->ends[offerer].any;
}

static bool answerer_hears(const sim_pair *p)
{
    return p->ends[1 - offerer].any;
}

static void begin(uint64_t seed, sim_nat_kind nat, unsigned who)
{
    static const char *const outside[] = {"198.51.100.1", "198.51.100.2"};

    offerer = who;
    assert_true(sim_pair_open(&pair, seed));
    dtls.deliver = pair.world.deliver;
    dtls.count = 0;
    pair.world.deliver = note_dtls;
    for (unsigned i = 0; i < 2; i++) {
        so_address address = sim_address(outside[i], 0);

        pair.signaling[i] = ONE_WAY;
        pair.world.hosts[i].out.delay = ONE_WAY;
        sim_nat_open(&pair.world.nats[i], nat, &address, 60000);
        pair.world.hosts[i].nat = nat == SIM_NAT_NONE ? NULL : &pair.world.nats[i];
        sim_world_base(&pair.world, i, nat == SIM_NAT_NONE ? outside[i] : "192.168.1.2", 5000);
    }
    if (nat != SIM_NAT_NONE)
        pair.world.servers[0] = sim_address("203.0.113.1", 3478);
    assert_true(sim_pair_start(&pair, SO_SDP_SENDRECV));
}

/* The offer on its way asks for the client's part. */
static void take_the_client(void)
{
    static const char any[] = "a=setup:actpass", active[] = "a=setup:active";

    for (unsigned i = 0; i < pair.note_count; i++) {
        char *at;

        while (pair.notes[i].kind == SIM_OFFER && (at = strstr(pair.notes[i].text, any)) != NULL) {
            memmove(at + strlen(active), at + strlen(any), strlen(at + strlen(any)) + 1);
            memcpy(at, active, strlen(active));
        }
    }
}

/* Both speak in the instant in which they are open. */
static void measure(times *t)
{
    assert_true(sim_pair_until(&pair, has_answer, 1000));
    t->answered = sim_now();
    assert_true(sim_pair_until(&pair, offerer_is_open, 2000));
    t->open[0] = pair.ends[offerer].open_at - t->answered;
    sim_pair_talk(&pair, offerer, SIM_TALK_MS);
    assert_true(sim_pair_until(&pair, sim_pair_is_open, 2000));
    t->open[1] = pair.ends[1 - offerer].open_at - t->answered;
    sim_pair_talk(&pair, 1 - offerer, SIM_TALK_MS);
    assert_true(sim_pair_until(&pair, answerer_hears, 2000));
    t->heard[1] = sim_now() - t->answered;
    assert_true(sim_pair_until(&pair, offerer_hears, 2000));
    t->heard[0] = sim_now() - t->answered;
    assert_true(both_hear(&pair));
    assert_true(sim_is_fine(&pair.world));
}

/*
 * After the answer: half a round trip until the answerer's check, which was under way already, is answered; then
 * DTLS 1.2, which the answerer begins: two round trips until the offerer may speak, and half a one for what it says.
 * What the answerer says comes half a round trip later: it must have the offerer's last flight first.
 */
static void two_and_a_half_and_three_round_trips(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        times t;

        begin(1 + who, SIM_NAT_NONE, who);
        sim_pair_offer(&pair, offerer);
        measure(&t);
        assert_int_equal(dtls.client, 1 - offerer);
        assert_int_equal(dtls.first - t.answered, ONE_WAY);
        assert_int_equal(t.open[0], 2 * ROUND_TRIP);
        assert_int_equal(t.open[1], 2 * ROUND_TRIP + ONE_WAY);
        assert_int_equal(t.heard[1], 2 * ROUND_TRIP + ONE_WAY);
        assert_int_equal(t.heard[0], 3 * ROUND_TRIP);
        assert_in_range(dtls.count, 4, DATAGRAMS);
        sim_pair_close(&pair);
    }
}

/* The offerer's first check is answered a whole round trip after the answer, and there is no sooner beginning for it.
 */
static void half_a_round_trip_more_where_the_offerer_begins(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        times t;

        begin(3 + who, SIM_NAT_NONE, who);
        sim_pair_offer(&pair, offerer);
        take_the_client();
        measure(&t);
        assert_int_equal(dtls.client, offerer);
        assert_int_equal(dtls.first - t.answered, ROUND_TRIP);
        assert_int_equal(t.open[0], 3 * ROUND_TRIP);
        assert_int_equal(t.open[1], 2 * ROUND_TRIP + ONE_WAY);
        assert_int_equal(t.heard[1], 3 * ROUND_TRIP + ONE_WAY);
        assert_int_equal(t.heard[0], 3 * ROUND_TRIP + ONE_WAY);
        assert_in_range(dtls.count, 4, DATAGRAMS);
        sim_pair_close(&pair);
    }
}

/*
 * The answer takes longer than all else: the answerer's checks hold, and its ClientHello is there before the offerer
 * knows whose it is. It is kept: the handshake goes on in the instant in which the offerer's first check is answered.
 */
static void what_came_before_the_answer_is_kept(void **state)
{
    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        times t;

        begin(7 + who, SIM_NAT_NONE, who);
        pair.signaling[1 - who] = 3 * ROUND_TRIP;
        sim_pair_offer(&pair, offerer);
        measure(&t);
        assert_int_equal(dtls.client, 1 - offerer);
        assert_true(dtls.first + ONE_WAY < t.answered);
        assert_int_equal(t.open[0], 2 * ROUND_TRIP);
        assert_int_equal(t.open[1], 2 * ROUND_TRIP + ONE_WAY);
        sim_pair_close(&pair);
    }
}

/* Of the offer too: half a round trip there, and half a one back. */
static void four_round_trips_from_the_offer(void **state)
{
    so_msec offered;
    times t;

    (void)state;
    begin(5, SIM_NAT_NONE, 0);
    offered = sim_now();
    sim_pair_offer(&pair, offerer);
    measure(&t);
    assert_int_equal(t.answered - offered, ROUND_TRIP);
    sim_pair_close(&pair);
}

/* Behind two NATs that filter, where addresses are known before the call, a packet that opens the way is lost first. */
static void behind_nats_no_more_than_five(void **state)
{
    const sim_nat_kind kinds[] = {SIM_NAT_FULL_CONE, SIM_NAT_ADDRESS_RESTRICTED, SIM_NAT_PORT_RESTRICTED};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        times t;

        begin(10 + i, kinds[i], 0);
        sim_pair_run(&pair, 500);
        sim_pair_offer(&pair, offerer);
        measure(&t);
        print_message("# %s: %u and %u ms\n", sim_nat_name(kinds[i]), (unsigned)t.heard[0], (unsigned)t.heard[1]);
        assert_in_range(t.heard[0], 3 * ROUND_TRIP, 5 * ROUND_TRIP);
        assert_in_range(t.heard[1], 2 * ROUND_TRIP + ONE_WAY, 5 * ROUND_TRIP);
        sim_pair_close(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_and_a_half_and_three_round_trips),
        cmocka_unit_test(half_a_round_trip_more_where_the_offerer_begins),
        cmocka_unit_test(what_came_before_the_answer_is_kept),
        cmocka_unit_test(four_round_trips_from_the_offer),
        cmocka_unit_test(behind_nats_no_more_than_five),
    };

    return cmocka_run_group_tests_name("media flows three round trips after the answer", tests, NULL, NULL);
}
