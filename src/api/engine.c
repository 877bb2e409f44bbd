#include "api/inside.h"

#include <stdlib.h>

#define SAME(mine, theirs) _Static_assert((int)(mine) == (int)(theirs), #mine)
SAME(SOTTO_NO_MEMORY, SO_NO_MEMORY);
SAME(SOTTO_BAD_INPUT, SO_BAD_INPUT);
SAME(SOTTO_TOO_LONG, SO_TOO_LONG);
SAME(SOTTO_NOT_FOUND, SO_NOT_FOUND);
SAME(SOTTO_REFUSED, SO_REFUSED);
SAME(SOTTO_IO, SO_IO);
SAME(SOTTO_CRYPTO, SO_CRYPTO);
SAME(SOTTO_STATE, SO_STATE);

static bool has_sigpipe(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

api_quiet api_be_quiet(void)
{
    api_quiet quiet = {.pending = has_sigpipe()};
    sigset_t pipe;

    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &quiet.before);
    return quiet;
}

void api_end_quiet(const api_quiet *quiet)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe;

    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    /* One that waited before is the program's own. */
    if (!quiet->pending && sigismember(&quiet->before, SIGPIPE) == 0 && has_sigpipe())
        (void)sigtimedwait(&pipe, NULL, &at_once);
    (void)pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}

const char *sotto_version(void)
{
    return SOTTO_VERSION;
}

sotto_status sotto_engine_new(sotto_engine **out, const char *ca_file, sotto_error *error)
{
    sotto_engine *e = calloc(1, sizeof *e);
    so_error err = {.layer = "engine"};
    so_status status;

    *out = NULL;
    if (e == NULL)
        return api_fail(error, so_fail(&err, SO_NO_MEMORY, "engine", "no memory for an engine; end other programs"),
                        &err);
    status = so_loop_open(&e->loop);
    e->has_loop = status == SO_OK;
    if (status != SO_OK)
        (void)so_fail(&err, status, "engine", "the system gives no event loop; end other programs");
    else if ((status = so_tls_client(&e->ctx, ca_file, &err)) == SO_OK)
        status = so_engine_open(&e->media, &err);
    if (status != SO_OK) {
        sotto_engine_free(e);
        return api_fail(error, status, &err);
    }
    *out = e;
    return SOTTO_OK;
}

void sotto_engine_free(sotto_engine *e)
{
    api_quiet quiet;

    if (e == NULL)
        return;
    quiet = api_be_quiet();
    if (e->has_loop)
        so_loop_close(&e->loop);
    api_end_quiet(&quiet);
    so_engine_close(&e->media);
    SSL_CTX_free(e->ctx);
    free(e);
}

void sotto_engine_run(sotto_engine *e)
{
    api_quiet quiet = api_be_quiet();

    so_loop_run(&e->loop);
    api_end_quiet(&quiet);
}

int sotto_engine_fd(const sotto_engine *e)
{
    return uv_backend_fd(&e->loop.uv);
}

int sotto_engine_timeout(const sotto_engine *e)
{
    return uv_backend_timeout(&e->loop.uv);
}

bool sotto_engine_turn(sotto_engine *e)
{
    api_quiet quiet = api_be_quiet();
    bool more = uv_run(&e->loop.uv, UV_RUN_NOWAIT) != 0;

    api_end_quiet(&quiet);
    return more;
}
