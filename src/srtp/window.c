#include "srtp/window.h"

#include <string.h>

static uint64_t bit_of(uint64_t index)
{
    return (uint64_t)1 << (index % 64);
}

static size_t word_of(uint64_t index)
{
    return (size_t)(index % SO_SRTP_WINDOW / 64);
}

bool so_srtp_window_fresh(const so_srtp_window *window, uint64_t index)
{
    if (!window->any || index > window->highest)
        return true;
    if (window->highest - index >= SO_SRTP_WINDOW)
        return false;
    return !(window->bits[word_of(index)] & bit_of(index));
}

void so_srtp_window_mark(so_srtp_window *window, uint64_t index)
{
    if (!window->any) {
        window->any = true;
        window->highest = index;
    } else if (index > window->highest) {
        /* What the ring held at the places of the indices in between is of a window ago. */
        if (index - window->highest >= SO_SRTP_WINDOW)
            memset(window->bits, 0, sizeof window->bits);
        else
            for (uint64_t i = window->highest + 1; i < index; i++)
                window->bits[word_of(i)] &= ~bit_of(i);
        window->highest = index;
    }
    window->bits[word_of(index)] |= bit_of(index);
}

uint64_t so_srtp_window_index(const so_srtp_window *window, uint16_t seq)
{
    uint64_t roc = window->highest >> 16;
    uint16_t last = (uint16_t)window->highest; /* s_l of §3.3.1 */

    if (!window->any)
        return seq;
    if (last < 0x8000) {
        /* Before the very first rollover there is no ROC - 1: the number can only be one far ahead. */
        if (seq > last && seq - last > 0x8000 && roc > 0)
            roc--;
    } else if (last - 0x8000 > seq) {
        roc++;
    }
    return roc << 16 | seq;
}
