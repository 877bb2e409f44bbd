/*
 * What all peers of one thread share: OpenSSL's DTLS context and the SRTP ciphers, made once, and memory for
 * packets that wait. It outlives its peers, and no two threads use it at once.
 */
#ifndef SOTTO_PEER_ENGINE_H
#define SOTTO_PEER_ENGINE_H

#include "base/pool.h"
#include "crypto/srtp_cipher.h"
#include "dtls/context.h"

typedef struct so_engine {
    so_dtls_context *dtls;
    so_srtp_engine *srtp;
    so_pool packets; /* those that wait, of all peers */
} so_engine;

so_status so_engine_open(so_engine *engine, so_error *err) SO_MUST_CHECK;
void so_engine_close(so_engine *engine);

#endif
