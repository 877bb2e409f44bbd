/*
 * srtp: any bytes as a packet: never taken, because nobody sealed them. Then packets that were sealed, altered as the
 * input says: taken only if they are what was sent. The first byte picks profile, engine and direction of the bytes.
 */
#include "srtp/srtp.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 4096

static void check(bool good)
{
    if (!good)
        abort();
}

/* A stranger's bytes meet keys of their own: libFuzzer learns what memcmp sees, sealed packets too, and would play
 * them. */
static so_srtp *session(so_srtp_engine *engine, so_srtp_profile profile, bool sender, uint8_t first)
{
    const uint8_t key[32] = {first, 2, 3}, salt[14] = {4, 5, 6};
    so_srtp *s;

    check(so_srtp_new(&s, engine, profile, sender, (so_slice){key, so_srtp_key_len(profile)},
                      (so_slice){salt, so_srtp_salt_len(profile)}) == SO_OK);
    return s;
}

/* Bytes of a stranger, as packets after their lengths, in one batch. */
static void stranger(so_srtp *in, const uint8_t *bytes, size_t len)
{
    so_srtp_packet packets[8];
    so_srtp_counts counts;
    size_t n = 0, at = 0;

    while (n < 8 && at + 2 <= len) {
        size_t piece = (size_t)(bytes[at] << 8 | bytes[at + 1]) % ROOM;
        at += 2;
        piece = piece > len - at ? len - at : piece;
        packets[n] = (so_srtp_packet){.bytes = malloc(piece + 1), .len = piece, .cap = piece};
        memcpy(packets[n++].bytes, bytes + at, piece);
        at += piece;
    }
    so_srtp_unprotect(in, packets, n);
    for (size_t i = 0; i < n; i++)
        check(packets[i].result != SO_SRTP_OK);
    so_srtp_unprotect_rtcp(in, packets, n);
    for (size_t i = 0; i < n; i++) {
        check(packets[i].result != SO_SRTP_OK);
        free(packets[i].bytes);
    }
    so_srtp_stats(in, &counts);
    check(counts.unprotected_rtp == 0 && counts.unprotected_rtcp == 0);
}

/* The input as a plain packet; sealed, altered by its own last bytes, and opened. */
static void own(so_srtp *out, so_srtp *in, const uint8_t *bytes, size_t len, bool rtcp)
{
    uint8_t sealed[ROOM + SO_SRTCP_OVERHEAD], altered[ROOM + SO_SRTCP_OVERHEAD];
    so_srtp_packet p = {.bytes = sealed, .len = len < ROOM ? len : ROOM, .cap = sizeof sealed};
    size_t plain_len = p.len;

    memcpy(sealed, bytes, plain_len);
    (rtcp ? so_srtp_protect_rtcp : so_srtp_protect)(out, &p, 1);
    check(p.result == SO_SRTP_OK || p.result == SO_SRTP_MALFORMED);
    if (p.result != SO_SRTP_OK)
        return;
    memcpy(altered, sealed, p.len);
    for (size_t i = 0; i + 2 < plain_len && i < 12; i += 3)
        altered[(size_t)(bytes[plain_len - 1 - i] << 8 | bytes[plain_len - 2 - i]) % p.len] ^= bytes[plain_len - 3 - i];
    p.bytes = altered;
    if (memcmp(altered, sealed, p.len) != 0) {
        (rtcp ? so_srtp_unprotect_rtcp : so_srtp_unprotect)(in, &p, 1);
        check(p.result != SO_SRTP_OK);
        /* cut short is altered, too */
        memcpy(altered, sealed, p.len);
        p.len -= 1 + bytes[0] % 4;
        (rtcp ? so_srtp_unprotect_rtcp : so_srtp_unprotect)(in, &p, 1);
        check(p.result != SO_SRTP_OK);
        p.len += 1 + bytes[0] % 4;
    }
    p.bytes = sealed;
    (rtcp ? so_srtp_unprotect_rtcp : so_srtp_unprotect)(in, &p, 1);
    check(p.result == SO_SRTP_OK && p.len == plain_len && memcmp(sealed, bytes, plain_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const so_srtp_profile profiles[] = {SO_SRTP_AES128_CM_SHA1_80, SO_SRTP_AEAD_AES_128_GCM,
                                               SO_SRTP_AEAD_AES_256_GCM};
    static so_srtp_engine *engines[2];
    so_srtp_engine *engine;
    so_srtp *in, *out;

    if (engines[0] == NULL) {
        check(so_srtp_engine_new(&engines[0], SO_SRTP_ENGINE_OPENSSL) == SO_OK);
        check(so_srtp_engine_new(&engines[1], SO_SRTP_ENGINE_BEST) == SO_OK);
    }
    if (len == 0)
        return 0;
    engine = engines[bytes[0] >> 2 & 1];
    in = session(engine, profiles[bytes[0] % 4 % 3], false, bytes[0] & 0x80);
    out = session(engine, profiles[bytes[0] % 4 % 3], true, bytes[0] & 0x80);
    if (bytes[0] & 0x80)
        stranger(in, bytes + 1, len - 1);
    else
        own(out, in, bytes + 1, len - 1, bytes[0] & 0x40);
    so_srtp_free(in);
    so_srtp_free(out);
    return 0;
}
