/*
 * A whole connection, HTTP, upgrade and WebSocket, fed with arbitrary bytes; a good member sits in the room meanwhile
 * and must lose nothing. Each input is a row of steps: feed raw bytes, send a well-formed frame, let time pass.
 */
#include "crypto/random.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static so_status unit_fill(void *user, uint8_t *out, size_t len)
{
    uint64_t *state = user;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)((*state += 0x9e3779b97f4a7c15) >> 56);
    return SO_OK;
}

#include "rig.h"

static void step(rig_end *e, uint8_t what, const uint8_t *bytes, size_t len)
{
    if (e->session == NULL || e->finished || e->aborted)
        return;
    switch (what & 7) {
    case 0:
        rig_upgrade(e);
        break;
    case 1:
        rig_frame(e, 0x81, bytes, len);
        break;
    case 2:
        rig_frame(e, what, bytes, len);
        break;
    case 3:
        rig_wait(e, (so_msec)len * 500);
        break;
    case 4:
        rig_text(e, "{\"kind\":\"join\",\"room\":\"" RIG_ROOM "\"}");
        break;
    default:
        rig_feed(e, bytes, len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint64_t seed = 1;
    rig r;
    rig_end good, e;
    size_t at = 0;

    rig_open(&r, &seed);
    rig_connect(&r, &good, 1);
    rig_join(&good);
    rig_connect(&r, &e, 2);
    while (at + 2 < len) {
        uint8_t what = bytes[at];
        size_t n = bytes[at + 1];
        at += 2;
        if (n > len - at)
            n = len - at;
        step(&e, what, bytes + at, n);
        at += n;
    }
    if (e.session != NULL && so_session_deadline(e.session) == UINT64_MAX && !e.finished && !e.aborted)
        abort(); /* nothing waits for ever */
    if (good.finished || good.aborted)
        abort();
    rig_hang_up(&e);
    rig_hang_up(&good);
    rig_close(&r);
    return 0;
}
