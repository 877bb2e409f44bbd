/*
 * DTLS-SRTP as a textbook uses OpenSSL, for bench/dtls.c to be held against: no code of src/. Both ends verify by a
 * callback that takes the fingerprint, and export keys, as libdatachannel and aiortc do.
 */
#ifndef BENCH_DTLS_PLAIN_H
#define BENCH_DTLS_PLAIN_H

#include <stdbool.h>

bool plain_open(void);
void plain_close(void);
/* One whole handshake. shared: one SSL_CTX for each role, made once; otherwise one for each end and call. */
bool plain_shake(bool shared);
/* What no end of DTLS can do without: two key pairs, two agreements, two signatures, two verifications. */
bool plain_limit(void);

#endif
