/*
 * How long two ends need, in round trips: over 50 ms each way, signaling as well as media, from the instant in which
 * the offerer takes the answer to the first frame that it, and that the other end, hears. To the millisecond.
 */
#include "pair.h"
#include "unit.h"

#define ONE_WAY 50
#define ROUND_TRIP (2 * ONE_WAY)

typedef struct times {
    so_msec answered;     /* the offerer has taken the answer */
    so_msec open[2];      /* offerer, answerer */
    so_msec heard[2];     /* the first frame came out */
    unsigned retransmits; /* datagrams of DTLS over the six flights that there are */
} times;

static sim_pair pair; /* large */
static unsigned offerer;

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

/* Both speak in the instant in which they are open. */
static void measure(times *t)
{
    sim_pair_offer(&pair, offerer);
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
        measure(&t);
        assert_int_equal(t.open[0], 2 * ROUND_TRIP);
        assert_int_equal(t.open[1], 2 * ROUND_TRIP + ONE_WAY);
        assert_int_equal(t.heard[1], 2 * ROUND_TRIP + ONE_WAY);
        assert_int_equal(t.heard[0], 3 * ROUND_TRIP);
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
        cmocka_unit_test(four_round_trips_from_the_offer),
        cmocka_unit_test(behind_nats_no_more_than_five),
    };

    return cmocka_run_group_tests_name("media flows three round trips after the answer", tests, NULL, NULL);
}
