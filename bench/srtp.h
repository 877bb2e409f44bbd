/* What bench_srtp measures: ways to protect the same packets, each a subject of its own. */
#ifndef SOTTO_BENCH_SRTP_H
#define SOTTO_BENCH_SRTP_H

#include "srtp/srtp.h"

#include <string.h>

#define BATCH 16
#define HEADER_LEN 12
/* Master key and salt of all subjects. The raw ones use the key as it is: how a key came about costs a packet nothing.
 */
#define KEYS_LEN 46

typedef struct profile {
    so_srtp_profile id;
    const char *name;
} profile;

/* What one line of output is about. */
typedef struct setting {
    const profile *profile;
    size_t payload;
    size_t sessions; /* visited in turn, a batch each */
    size_t batch;
} setting;

/*
 * count is a multiple of batch; batch i goes through session i % sessions. The packets' bytes lie one behind the other,
 * header and payload of the same length each, with room for the tag.
 */
typedef void (*packets_call)(void *self, so_srtp_packet *packets, size_t count);

typedef struct subject {
    const char *name;
    void *(*start)(const setting *s); /* NULL: not here, or nothing to compare */
    packets_call protect, unprotect;
    void (*stop)(void *self);
} subject;

extern const subject sotto_subject, sotto_openssl_subject, srtp2_subject, evp_subject;
#ifdef SO_HAVE_IPSEC_MB
extern const subject ipsec_subject;
#endif

extern const uint8_t bench_keys[KEYS_LEN];

/* Ends the program unless it is so. */
void bench_must(bool ok, const char *what);
void *bench_zeros(size_t count, size_t size);
/* The IV of a raw subject, from the packet's number and SSRC; in one piece, as the cipher reads it. */
static inline void bench_iv(uint8_t iv[SO_CM_IV_LEN], const so_srtp_packet *packet)
{
    typedef uint64_t block __attribute__((vector_size(16)));
    uint64_t number;
    uint16_t ssrc;

    memcpy(&number, packet->bytes + 2, sizeof number);
    memcpy(&ssrc, packet->bytes + 10, sizeof ssrc);
    memcpy(iv, &(block){number, ssrc}, SO_CM_IV_LEN);
}

#endif
