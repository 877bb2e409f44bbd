#include "net/loop.h"

#include <stdlib.h>
#include <string.h>

#define LINGER_TICK 250

static void end_turn(so_loop *loop)
{
    if (loop->flush != NULL)
        loop->flush(loop);
}

static void on_prepare(uv_prepare_t *handle)
{
    end_turn(handle->data);
}

static void on_check(uv_check_t *handle)
{
    end_turn(handle->data);
}

static void on_linger_tick(uv_timer_t *handle)
{
    so_loop *loop = handle->data;

    loop->end_lingering(loop);
    if (loop->lingering == NULL)
        (void)uv_timer_stop(handle);
}

void so_loop_watch_lingering(so_loop *loop)
{
    if (!uv_is_active((uv_handle_t *)&loop->lingerer))
        (void)uv_timer_start(&loop->lingerer, on_linger_tick, LINGER_TICK, LINGER_TICK);
}

so_status so_loop_open(so_loop *loop)
{
    memset(loop, 0, sizeof *loop);
    if (uv_loop_init(&loop->uv) != 0)
        return SO_IO;
    loop->net_in = malloc(SO_NET_IN);
    loop->plain = malloc(SO_PLAIN);
    if (loop->net_in == NULL || loop->plain == NULL) {
        free(loop->net_in);
        free(loop->plain);
        (void)uv_loop_close(&loop->uv);
        return SO_NO_MEMORY;
    }
    (void)uv_prepare_init(&loop->uv, &loop->before_poll);
    (void)uv_check_init(&loop->uv, &loop->after_poll);
    (void)uv_timer_init(&loop->uv, &loop->lingerer);
    loop->before_poll.data = loop->after_poll.data = loop->lingerer.data = loop;
    (void)uv_prepare_start(&loop->before_poll, on_prepare);
    (void)uv_check_start(&loop->after_poll, on_check);
    /* None of the three keeps the loop alive. */
    uv_unref((uv_handle_t *)&loop->before_poll);
    uv_unref((uv_handle_t *)&loop->after_poll);
    uv_unref((uv_handle_t *)&loop->lingerer);
    return SO_OK;
}

void so_loop_run(so_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void so_loop_stop(so_loop *loop)
{
    uv_stop(&loop->uv);
}

void so_loop_close(so_loop *loop)
{
    uv_handle_t *own[] = {(uv_handle_t *)&loop->before_poll, (uv_handle_t *)&loop->after_poll,
                          (uv_handle_t *)&loop->lingerer};

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (!uv_is_closing(own[i]))
            uv_close(own[i], NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop->uv);
    free(loop->net_in);
    free(loop->plain);
    free(loop->cipher);
    memset(loop, 0, sizeof *loop);
}

so_msec so_loop_now(so_loop *loop)
{
    return uv_now(&loop->uv);
}
