/* Three people with keys, the second of whom is known as Bea, and what passed between those who met. */
#ifndef SOTTO_TESTS_PEOPLE_RIG_H
#define SOTTO_TESTS_PEOPLE_RIG_H

#include "meeting.h"
#include "unit.h"

#include <stdlib.h>

static so_pkey *keys[3];
static char prints[3][SO_THUMBPRINT_LEN + 1];
static so_known knows_b; /* "Bea" is the second key */

static inline int make_people(void **state)
{
    so_error err;

    (void)state;
    for (int i = 0; i < 3; i++)
        if (so_pkey_make(&keys[i], &err) != SO_OK || so_thumbprint(prints[i], keys[i]) != SO_OK)
            return 1;
    return so_known_pin(&knows_b, "Bea", prints[1], SIM_EPOCH, &err) == SO_OK ? 0 : 1;
}

static inline int free_people(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        so_pkey_free(keys[i]);
    so_known_free(&knows_b);
    return 0;
}

static inline sim_meeting *begin(uint64_t seed, const sim_link *link)
{
    static sim_meeting meeting; /* large */

    assert_true(sim_meeting_open(&meeting, seed, link));
    if (getenv("SOTTO_TRACE") != NULL)
        meeting.world.trace = stderr;
    for (int i = 0; i < 3; i++)
        meeting.guests[i].identity = keys[i];
    return &meeting;
}

static inline void finish(sim_meeting *m)
{
    if (!sim_is_fine(&m->world))
        fail_msg("%s", m->world.blame);
    sim_meeting_close(m);
}

static inline const so_person *person(const sim_meeting *m, unsigned guest)
{
    return so_call_person(m->guests[guest].call);
}

/* Both come, both talk as soon as they may, and so much time passes after B has come. */
static inline void bring_together(sim_meeting *m, so_msec ms)
{
    sim_meeting_come(m, 0, 0);
    sim_meeting_run(m, 500);
    sim_meeting_come(m, 1, 1);
    for (unsigned i = 0; i < 2; i++)
        sim_meeting_talk(m, i, true);
    sim_meeting_run(m, ms);
}

static inline void assert_nothing_passed(const sim_guest *g)
{
    assert_int_not_equal(g->state, SO_CALL_OPEN);
    assert_false(so_call_person(g->call)->admitted);
    assert_int_equal(g->sent, 0);
    assert_int_equal(g->taken, 0);
    assert_int_equal(g->lines, 0);
    for (unsigned i = 0; i < g->watch.stream_count; i++)
        assert_int_equal(g->watch.streams[i].rtp, 0);
}

static inline void assert_they_hear(sim_meeting *m)
{
    uint32_t before[2] = {m->guests[0].taken, m->guests[1].taken};

    sim_meeting_run(m, 1000);
    for (unsigned i = 0; i < 2; i++)
        assert_in_range(m->guests[i].taken - before[i], 35, 60);
}

#endif
