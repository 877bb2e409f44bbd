/*
 * The event loop: libuv, the scratch buffers that all its streams share, and the rule that what was written during one
 * turn leaves at its end, so that frames for one receiver share a TLS record and a system call.
 */
#ifndef SOTTO_NET_LOOP_H
#define SOTTO_NET_LOOP_H

#include "base/clock.h"
#include "base/status.h"

#include <uv.h>

struct so_stream;

typedef struct so_loop {
    uv_loop_t uv;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_timer_t lingerer;
    /* Set by the first stream; the loop itself knows no streams. */
    void (*flush)(struct so_loop *loop);
    void (*end_lingering)(struct so_loop *loop);
    struct so_stream *dirty;     /* have something to flush */
    struct so_stream *lingering; /* are saying goodbye */
    char *net_in;                /* what the kernel hands over: SO_NET_IN bytes */
    uint8_t *plain;              /* what TLS hands over: SO_PLAIN bytes */
    uint8_t *cipher;             /* what TLS wants sent, of one stream at a time */
    size_t cipher_len, cipher_cap;
} so_loop;

#define SO_NET_IN 65536
#define SO_PLAIN 16384

so_status so_loop_open(so_loop *loop) SO_MUST_CHECK;
/* Runs until so_loop_stop, or until nothing is left. */
void so_loop_run(so_loop *loop);
void so_loop_stop(so_loop *loop);
/* All streams and timers must be closed before; runs their close callbacks. */
void so_loop_close(so_loop *loop);

so_msec so_loop_now(so_loop *loop);

/* For stream.c alone: a stream has begun to linger. */
void so_loop_watch_lingering(so_loop *loop);

#endif
