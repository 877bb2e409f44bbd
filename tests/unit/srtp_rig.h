/* Two ends of one SRTP direction, with keys that a seed decides, and packets to send through them. */
#ifndef SOTTO_TESTS_SRTP_RIG_H
#define SOTTO_TESTS_SRTP_RIG_H

#include "unit.h"

#include "srtp/srtp.h"

#define RIG_ROOM 2048

static const so_srtp_profile rig_profiles[] = {SO_SRTP_AES128_CM_SHA1_80, SO_SRTP_AEAD_AES_128_GCM,
                                               SO_SRTP_AEAD_AES_256_GCM};
#define RIG_PROFILES 3

typedef struct rig {
    so_srtp_engine *engine;
    uint8_t key[32], salt[14];
    size_t key_len, salt_len;
    so_srtp *out, *in;
} rig;

static inline void rig_start_on(rig *r, so_srtp_profile profile, so_srtp_engine_kind kind, uint64_t seed)
{
    so_slice key, salt;

    if (so_srtp_engine_new(&r->engine, kind) != SO_OK)
        assert_int_equal(so_srtp_engine_new(&r->engine, SO_SRTP_ENGINE_OPENSSL), SO_OK);
    assert_int_equal(unit_fill(&seed, r->key, sizeof r->key), SO_OK);
    assert_int_equal(unit_fill(&seed, r->salt, sizeof r->salt), SO_OK);
    r->key_len = so_srtp_key_len(profile);
    r->salt_len = so_srtp_salt_len(profile);
    key = (so_slice){r->key, r->key_len};
    salt = (so_slice){r->salt, r->salt_len};
    assert_int_equal(so_srtp_new(&r->out, r->engine, profile, true, key, salt), SO_OK);
    assert_int_equal(so_srtp_new(&r->in, r->engine, profile, false, key, salt), SO_OK);
}

static inline void rig_start(rig *r, so_srtp_profile profile)
{
    rig_start_on(r, profile, SO_SRTP_ENGINE_BEST, 1 + (uint64_t)profile);
}

static inline void rig_end(rig *r)
{
    so_srtp_free(r->out);
    so_srtp_free(r->in);
    so_srtp_engine_free(r->engine);
}

/* The other end's session once more, as it was before anything came. */
static inline so_srtp *rig_fresh_receiver(const rig *r, so_srtp_profile profile)
{
    so_srtp *in;

    assert_int_equal(
        so_srtp_new(&in, r->engine, profile, false, (so_slice){r->key, r->key_len}, (so_slice){r->salt, r->salt_len}),
        SO_OK);
    return in;
}

/* A plain RTP packet with what CSRCs and words of extension there shall be; its payload tells seq and ssrc. */
static inline size_t rig_rtp(uint8_t *b, uint32_t ssrc, uint16_t seq, size_t csrcs, int ext_words, size_t payload)
{
    size_t n = 12 + 4 * csrcs;

    memset(b, 0, 12);
    b[0] = (uint8_t)(0x80 | (ext_words >= 0 ? 0x10 : 0) | csrcs);
    b[1] = 111;
    b[2] = (uint8_t)(seq >> 8);
    b[3] = (uint8_t)seq;
    for (size_t i = 0; i < 4; i++)
        b[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    for (size_t i = 12; i < n; i++)
        b[i] = (uint8_t)i;
    if (ext_words >= 0) {
        b[n] = 0xbe;
        b[n + 1] = 0xde;
        b[n + 2] = (uint8_t)(ext_words >> 8);
        b[n + 3] = (uint8_t)ext_words;
        memset(b + n + 4, 0x10, 4 * (size_t)ext_words);
        n += 4 + 4 * (size_t)ext_words;
    }
    for (size_t i = 0; i < payload; i++)
        b[n + i] = (uint8_t)(seq * 7 + ssrc + i);
    return n + payload;
}

/* A plain receiver report of no blocks, followed by bytes to make it longer. */
static inline size_t rig_rtcp(uint8_t *b, uint32_t ssrc, size_t more)
{
    memset(b, 0, 8 + more);
    b[0] = 0x80;
    b[1] = 201;
    b[3] = (uint8_t)(1 + more / 4);
    for (size_t i = 0; i < 4; i++)
        b[4 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
    for (size_t i = 0; i < more; i++)
        b[8 + i] = (uint8_t)(i * 3 + 1);
    return 8 + more;
}

typedef void (*rig_call)(so_srtp *session, so_srtp_packet *packets, size_t count);

/* One packet through one call; *len follows when it went well. */
static inline so_srtp_result rig_one(rig_call call, so_srtp *session, uint8_t *bytes, size_t *len)
{
    so_srtp_packet p = {.bytes = bytes, .len = *len, .cap = RIG_ROOM};

    call(session, &p, 1);
    if (p.result != SO_SRTP_OK)
        assert_int_equal(p.len, *len);
    *len = p.len;
    return p.result;
}

/* The next plain packet, protected, in b. */
static inline so_srtp_result rig_send(rig *r, uint8_t *b, size_t *len, uint32_t ssrc, uint16_t seq)
{
    *len = rig_rtp(b, ssrc, seq, 0, -1, 40);
    return rig_one(so_srtp_protect, r->out, b, len);
}

/* A copy of it taken. */
static inline so_srtp_result rig_take(so_srtp *in, const uint8_t *sealed, size_t len)
{
    uint8_t b[RIG_ROOM];

    memcpy(b, sealed, len);
    return rig_one(so_srtp_unprotect, in, b, &len);
}

#endif
