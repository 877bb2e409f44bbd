#include "peer/inside.h"

so_status so_engine_open(so_engine *engine, so_error *err)
{
    so_status status = so_dtls_context_make(&engine->dtls, err);

    engine->srtp = NULL;
    so_pool_init(&engine->packets, sizeof(peer_block));
    if (status != SO_OK)
        return status;
    status = so_srtp_engine_new(&engine->srtp, SO_SRTP_ENGINE_BEST);
    if (status != SO_OK) {
        so_engine_close(engine);
        return so_fail(err, status, "media",
                       "the ciphers of SRTP can't be set up; check that memory is free and OpenSSL is whole");
    }
    return SO_OK;
}

void so_engine_close(so_engine *engine)
{
    so_dtls_context_free(engine->dtls);
    so_srtp_engine_free(engine->srtp);
    so_pool_end(&engine->packets);
    engine->dtls = NULL;
    engine->srtp = NULL;
}
