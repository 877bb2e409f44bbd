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
    if (e == NULL)
        return;
    if (e->has_loop)
        so_loop_close(&e->loop);
    so_engine_close(&e->media);
    SSL_CTX_free(e->ctx);
    free(e);
}

void sotto_engine_run(sotto_engine *e)
{
    so_loop_run(&e->loop);
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
    return uv_run(&e->loop.uv, UV_RUN_NOWAIT) != 0;
}
