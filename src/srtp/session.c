#include "srtp/inside.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

typedef struct profile_row {
    so_srtp_profile id;
    so_srtp_suite suite;
    size_t key_len, salt_len, tag_len;
    const char *name;
} profile_row;

static const profile_row profiles[] = {
    {SO_SRTP_AEAD_AES_256_GCM, SO_SRTP_GCM_256, 32, 12, SO_GCM_TAG_LEN, "AEAD_AES_256_GCM"},
    {SO_SRTP_AEAD_AES_128_GCM, SO_SRTP_GCM_128, 16, 12, SO_GCM_TAG_LEN, "AEAD_AES_128_GCM"},
    {SO_SRTP_AES128_CM_SHA1_80, SO_SRTP_CM_128_SHA1, 16, 14, SO_CM_TAG_LEN, "AES128_CM_HMAC_SHA1_80"},
};

static const profile_row *row_of(so_srtp_profile profile)
{
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        if (profiles[i].id == profile)
            return &profiles[i];
    return NULL;
}

size_t so_srtp_key_len(so_srtp_profile profile)
{
    const profile_row *row = row_of(profile);
    return row == NULL ? 0 : row->key_len;
}

size_t so_srtp_salt_len(so_srtp_profile profile)
{
    const profile_row *row = row_of(profile);
    return row == NULL ? 0 : row->salt_len;
}

const char *so_srtp_profile_name(so_srtp_profile profile)
{
    const profile_row *row = row_of(profile);
    return row == NULL ? "unknown" : row->name;
}

static so_status make_half(so_srtp_half *half, so_srtp_engine *engine, const profile_row *row,
                           const so_srtp_session_keys *keys)
{
    size_t mac_len = row->suite == SO_SRTP_CM_128_SHA1 ? sizeof keys->mac : 0;

    memcpy(half->salt, keys->salt, row->salt_len);
    return so_srtp_keys_new(&half->keys, engine, row->suite, (so_slice){keys->cipher, row->key_len},
                            (so_slice){keys->mac, mac_len});
}

so_status so_srtp_new_derived(so_srtp **out, so_srtp_engine *engine, so_srtp_profile profile, bool sender,
                              const so_srtp_session_keys keys[2])
{
    const profile_row *row = row_of(profile);
    so_srtp *session;
    so_status status;

    *out = NULL;
    if (row == NULL)
        return SO_BAD_INPUT;
    session = calloc(1, sizeof *session);
    if (session == NULL)
        return SO_NO_MEMORY;
    session->profile = profile;
    session->sender = sender;
    session->gcm = row->suite != SO_SRTP_CM_128_SHA1;
    session->tag_len = row->tag_len;
    status = make_half(&session->rtp, engine, row, &keys[0]);
    if (status == SO_OK)
        status = make_half(&session->rtcp, engine, row, &keys[1]);
    if (status != SO_OK) {
        so_srtp_free(session);
        return status;
    }
    *out = session;
    return SO_OK;
}

so_status so_srtp_new(so_srtp **session, so_srtp_engine *engine, so_srtp_profile profile, bool sender, so_slice key,
                      so_slice salt)
{
    so_srtp_session_keys keys[2];
    so_status status;

    *session = NULL;
    if (row_of(profile) == NULL || key.len != so_srtp_key_len(profile) || salt.len != so_srtp_salt_len(profile))
        return SO_BAD_INPUT;
    status = so_srtp_derive_all(&keys[0], profile, false, key, salt);
    if (status == SO_OK)
        status = so_srtp_derive_all(&keys[1], profile, true, key, salt);
    if (status == SO_OK)
        status = so_srtp_new_derived(session, engine, profile, sender, keys);
    so_wipe(keys, sizeof keys);
    return status;
}

void so_srtp_free(so_srtp *session)
{
    if (session == NULL)
        return;
    so_srtp_keys_free(session->rtp.keys);
    so_srtp_keys_free(session->rtcp.keys);
    so_wipe(session, sizeof *session);
    free(session);
}

so_srtp_stream *so_srtp_find(so_srtp *session, uint32_t ssrc)
{
    if (session->last < session->count && session->ssrcs[session->last] == ssrc)
        return &session->streams[session->last];
    for (size_t i = 0; i < session->count; i++)
        if (session->ssrcs[i] == ssrc) {
            session->last = i;
            return &session->streams[i];
        }
    return NULL;
}

so_srtp_stream *so_srtp_know(so_srtp *session, uint32_t ssrc)
{
    so_srtp_stream *stream = so_srtp_find(session, ssrc);

    if (stream != NULL || session->count == SO_SRTP_SSRCS)
        return stream;
    session->last = session->count++;
    session->ssrcs[session->last] = ssrc;
    return &session->streams[session->last];
}

void so_srtp_iv(const so_srtp *session, const so_srtp_half *half, uint32_t ssrc, uint64_t index, so_srtp_op *op)
{
    /*
     * RFC 7714 §8.1: two zero bytes, SSRC, 48 bits of ROC and SEQ; §9.1: the same with SSRC, two zero bytes and the
     * index. RFC 3711 §4.1.1: (k_s * 2^16) XOR (SSRC * 2^64) XOR (i * 2^16). So both have SSRC and index side by side.
     */
    uint8_t *at = op->iv + (session->gcm ? 2 : 4);
    uint8_t place[10];

    memcpy(op->iv, half->salt, sizeof op->iv);
    so_srtp_put32(place, ssrc);
    so_srtp_put32(place + 4, (uint32_t)(index >> 16));
    place[8] = (uint8_t)(index >> 8);
    place[9] = (uint8_t)index;
    for (size_t i = 0; i < sizeof place; i++)
        at[i] ^= place[i];
}

void so_srtp_settle(so_srtp *session, so_srtp_packet *packet, so_srtp_result result)
{
    so_srtp_counts *counts = &session->counts;

    packet->result = result;
    switch (result) {
    case SO_SRTP_OK:
    case SO_SRTP_WRONG_WAY:
        break;
    case SO_SRTP_MALFORMED:
        counts->malformed++;
        break;
    case SO_SRTP_NO_ROOM:
        counts->no_room++;
        break;
    case SO_SRTP_AUTH_FAILED:
        counts->auth_failed++;
        break;
    case SO_SRTP_REPLAYED:
        counts->replayed++;
        break;
    case SO_SRTP_TOO_MANY_SSRCS:
        counts->too_many_ssrcs++;
        break;
    case SO_SRTP_EXPIRED:
        counts->expired++;
        break;
    case SO_SRTP_CRYPTO:
        counts->crypto_failed++;
        break;
    }
}

void so_srtp_stats(const so_srtp *session, so_srtp_counts *out)
{
    *out = session->counts;
}

const char *so_srtp_result_name(so_srtp_result result)
{
    static const char *const names[] = {
        "ok",      "malformed", "no room", "authentication failed", "replayed", "too many SSRCs",
        "expired", "wrong way", "crypto",
    };
    return names[result];
}
