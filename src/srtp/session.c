#include "srtp/inside.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

typedef struct profile_row {
    so_srtp_profile id;
    so_srtp_suite suite;
    uint8_t key_len, salt_len, tag_len;
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

    memcpy(&half->salt, keys->salt, row->salt_len);
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
    session = aligned_alloc(_Alignof(so_srtp), sizeof *session);
    if (session == NULL)
        return SO_NO_MEMORY;
    memset(session, 0, sizeof *session);
    session->sender = sender;
    session->gcm = row->suite != SO_SRTP_CM_128_SHA1;
    session->tag_len = row->tag_len;
    session->streams = session->first_streams;
    session->ssrcs = session->first_ssrcs;
    session->room = SO_SRTP_SSRCS_AT_FIRST;
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
    if (session->streams != session->first_streams)
        free(session->streams);
    so_wipe(session, sizeof *session);
    free(session);
}

so_status so_srtp_reserve(so_srtp *session, size_t more)
{
    size_t room = more < (size_t)(SO_SRTP_SSRCS - session->count) ? session->count + more : SO_SRTP_SSRCS;
    so_srtp_stream *streams;
    uint32_t *ssrcs;

    if (room <= session->room)
        return SO_OK;
    /* Both in one block: streams, and their SSRCs behind them. */
    streams = calloc(room, sizeof *streams + sizeof *ssrcs);
    if (streams == NULL)
        return SO_NO_MEMORY;
    ssrcs = (uint32_t *)(streams + room);
    memcpy(streams, session->streams, session->count * sizeof *streams);
    memcpy(ssrcs, session->ssrcs, session->count * sizeof *ssrcs);
    if (session->streams != session->first_streams)
        free(session->streams);
    session->last = NULL;
    session->streams = streams;
    session->ssrcs = ssrcs;
    session->room = (uint8_t)room;
    return SO_OK;
}

so_srtp_stream *so_srtp_look_up(so_srtp *session, uint32_t ssrc)
{
    for (size_t i = 0; i < session->count; i++)
        if (session->ssrcs[i] == ssrc) {
            session->last_ssrc = ssrc;
            return session->last = &session->streams[i];
        }
    return NULL;
}

so_srtp_stream *so_srtp_add(so_srtp *session, uint32_t ssrc)
{
    if (session->count == session->room)
        return NULL;
    session->last = &session->streams[session->count];
    session->last_ssrc = session->ssrcs[session->count++] = ssrc;
    return session->last;
}

void so_srtp_refuse(so_srtp *session, so_srtp_result result)
{
    so_srtp_counts *counts = &session->counts;

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
