#include "base/wheel.h"

#include <string.h>

#define BITS 6
#define MASK 63u

void so_wheel_init(so_wheel *wheel, so_msec now)
{
    memset(wheel, 0, sizeof *wheel);
    wheel->now = now;
}

static void unlink_timer(so_wheel *wheel, so_timer *timer)
{
    *timer->before = timer->next;
    if (timer->next != NULL)
        timer->next->before = timer->before;
    timer->before = NULL;
    if (timer->level < SO_WHEEL_LEVELS && wheel->slots[timer->level][timer->slot] == NULL)
        wheel->used[timer->level] &= ~((uint64_t)1 << timer->slot);
}

static void link_timer(so_timer **list, so_timer *timer)
{
    timer->next = *list;
    timer->before = list;
    if (timer->next != NULL)
        timer->next->before = &timer->next;
    *list = timer;
}

static void place(so_wheel *wheel, so_timer *timer)
{
    const so_msec span = (so_msec)1 << BITS * SO_WHEEL_LEVELS;
    so_msec at = timer->at, left;
    unsigned level = 0;

    if (at <= wheel->now) {
        timer->level = SO_WHEEL_LEVELS;
        link_timer(&wheel->due, timer);
        return;
    }
    left = at - wheel->now;
    if (left >= span) /* in the last slot but one of the highest level, to be placed again */
        at = wheel->now + (span - (span >> BITS)), left = at - wheel->now;
    while (left >> BITS * (level + 1) != 0)
        level++;
    timer->level = (uint8_t)level;
    timer->slot = (uint8_t)(at >> BITS * level & MASK);
    link_timer(&wheel->slots[level][timer->slot], timer);
    wheel->used[level] |= (uint64_t)1 << timer->slot;
}

void so_wheel_set(so_wheel *wheel, so_timer *timer, so_msec at)
{
    if (timer->before != NULL) {
        if (timer->at == at)
            return;
        unlink_timer(wheel, timer);
    }
    timer->at = at;
    if (at != UINT64_MAX)
        place(wheel, timer);
}

/* Its timers are placed anew, by what is left of their time. */
static void empty_slot(so_wheel *wheel, unsigned level, unsigned slot)
{
    so_timer *timer = wheel->slots[level][slot];

    wheel->slots[level][slot] = NULL;
    wheel->used[level] &= ~((uint64_t)1 << slot);
    while (timer != NULL) {
        so_timer *next = timer->next;

        place(wheel, timer);
        timer = next;
    }
}

/* How many slots on from `from` the first used one is, 1 to 64; 0: none is. */
static unsigned distance(uint64_t used, unsigned from)
{
    unsigned turn = (from + 1) & MASK;
    uint64_t turned = turn == 0 ? used : used >> turn | used << (64 - turn);

    return used == 0 ? 0 : (unsigned)__builtin_ctzll(turned) + 1;
}

so_msec so_wheel_next(const so_wheel *wheel)
{
    so_msec first = UINT64_MAX;

    if (wheel->due != NULL)
        return wheel->now;
    for (unsigned level = 0; level < SO_WHEEL_LEVELS; level++) {
        so_msec step = wheel->now >> BITS * level;
        unsigned far = distance(wheel->used[level], step & MASK);
        so_msec at = far == 0 ? UINT64_MAX : (step + far) << BITS * level;

        if (at < first)
            first = at;
    }
    return first;
}

so_timer *so_wheel_take(so_wheel *wheel, so_msec now)
{
    so_timer *timer;

    while (wheel->due == NULL && wheel->now < now) {
        so_msec next = so_wheel_next(wheel);

        if (next > now) {
            wheel->now = now;
            break;
        }
        wheel->now = next;
        /* What begins here, from the highest level down, so that all of it arrives where it belongs. */
        for (unsigned level = SO_WHEEL_LEVELS; level-- > 0;)
            if ((next & (((so_msec)1 << BITS * level) - 1)) == 0)
                empty_slot(wheel, level, next >> BITS * level & MASK);
    }
    timer = wheel->due;
    if (timer != NULL)
        unlink_timer(wheel, timer);
    return timer;
}
