#include "srtp/window.h"

static uint64_t bit_of(uint64_t index)
{
    return (uint64_t)1 << (index % 64);
}

static size_t place_of(uint64_t word)
{
    return (size_t)(word % SO_SRTP_WINDOW_WORDS);
}

bool so_srtp_window_missing(const so_srtp_window *window, uint64_t index)
{
    uint64_t word = index / 64;

    if (window->highest - index >= SO_SRTP_WINDOW)
        return false;
    return !((word == window->highest / 64 ? window->now : window->ring[place_of(word)]) & bit_of(index));
}

void so_srtp_window_mark_far(so_srtp_window *window, uint64_t index)
{
    uint64_t word = index / 64, was = window->highest / 64;

    if (window->any && index < window->highest) {
        window->ring[place_of(word)] |= bit_of(index);
        return;
    }
    if (window->any) {
        window->ring[place_of(was)] = window->now;
        /* Nothing was there in between. What the ring has beyond is of a window ago. */
        for (uint64_t n = 1; n < word - was && n <= SO_SRTP_WINDOW_WORDS; n++)
            window->ring[place_of(word - n)] = 0;
    }
    window->any = true;
    window->highest = index;
    window->now = bit_of(index);
}

bool so_srtcp_window_fresh(const so_srtcp_window *window, uint32_t index)
{
    uint32_t back = window->highest - index;

    if (window->seen == 0 || index > window->highest)
        return true;
    return back < SO_SRTCP_WINDOW && !(window->seen >> back & 1);
}

void so_srtcp_window_mark(so_srtcp_window *window, uint32_t index)
{
    if (window->seen != 0 && index < window->highest) {
        window->seen |= (uint64_t)1 << (window->highest - index);
        return;
    }
    window->seen = index - window->highest < SO_SRTCP_WINDOW ? window->seen << (index - window->highest) : 0;
    window->seen |= 1;
    window->highest = index;
}
