/* SRTCP (RFC 3711 §3.4, RFC 7714 §9). Few and far between, so packet by packet. */
#include "srtp/inside.h"

#include "base/secret.h"

#include <string.h>

#define WORD_LEN 4 /* E bit and index */
#define AAD_LEN (SO_RTCP_HEADER_LEN + WORD_LEN)

/* len: header and payload. aad has to live as long as op. */
static void fill_op(const so_srtp *session, const so_srtp_packet *p, size_t len, uint32_t word, so_srtp_op *op,
                    uint8_t aad[AAD_LEN])
{
    so_srtp_iv(&session->rtcp, session->gcm, so_srtp_get32(p->bytes + 4), word & ~SO_SRTCP_E_BIT, op);
    op->text = p->bytes + SO_RTCP_HEADER_LEN;
    op->text_len = len - SO_RTCP_HEADER_LEN;
    if (session->gcm) {
        /* RFC 7714 §9.2: the associated data is the first 8 bytes and the word, which stands behind the tag. */
        memcpy(aad, p->bytes, SO_RTCP_HEADER_LEN);
        so_srtp_put32(aad + SO_RTCP_HEADER_LEN, word);
        op->covered = aad;
        op->covered_len = AAD_LEN;
    } else {
        op->covered = p->bytes;
        op->covered_len = len + WORD_LEN;
    }
}

static so_srtp_result protect_one(so_srtp *session, so_srtp_packet *p)
{
    size_t added = (size_t)session->tag_len + WORD_LEN;
    uint8_t aad[AAD_LEN];
    so_srtp_stream *stream;
    so_srtp_op op;
    uint32_t word;

    if (!session->sender)
        return SO_SRTP_WRONG_WAY;
    if (p->len < SO_RTCP_HEADER_LEN || p->bytes[0] >> 6 != 2)
        return SO_SRTP_MALFORMED;
    if (p->len > SO_SRTP_MAX_LEN - added || p->cap < p->len + added)
        return SO_SRTP_NO_ROOM;
    if (session->rtp_used >= SO_SRTP_KEY_PACKETS || session->rtcp_used >= SO_SRTCP_KEY_PACKETS)
        return SO_SRTP_EXPIRED;
    stream = so_srtp_find(session, so_srtp_get32(p->bytes + 4));
    if (stream == NULL)
        stream = so_srtp_add(session, so_srtp_get32(p->bytes + 4));
    if (stream == NULL)
        return SO_SRTP_TOO_MANY_SSRCS;
    /* No stream's index can reach 2^31 before the session's count of packets does. */
    session->rtcp_used++;
    word = SO_SRTCP_E_BIT | stream->rtcp_next++;
    fill_op(session, p, p->len, word, &op, aad);
    if (session->gcm) {
        so_gcm_seal(session->rtcp.keys, &op, 1);
        so_srtp_put32(p->bytes + p->len + SO_GCM_TAG_LEN, word);
    } else {
        bool crypted;
        so_cm_crypt(session->rtcp.keys, &op, 1);
        crypted = op.good;
        so_srtp_put32(p->bytes + p->len, word);
        so_cm_mac(session->rtcp.keys, &op, 1);
        op.good = op.good && crypted;
        memcpy(p->bytes + p->len + WORD_LEN, op.mac, SO_CM_TAG_LEN);
    }
    if (!op.good)
        return SO_SRTP_CRYPTO;
    session->counts.protected_bytes += p->len;
    p->len += added;
    session->counts.protected_rtcp++;
    return SO_SRTP_OK;
}

void so_srtp_protect_rtcp(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        so_srtp_settle(session, &packets[i], protect_one(session, &packets[i]));
}

static so_srtp_result decipher(so_srtp *session, so_srtp_packet *p, size_t len, uint32_t word)
{
    uint8_t aad[AAD_LEN];
    so_srtp_op op;

    fill_op(session, p, len, word, &op, aad);
    if (session->gcm) {
        so_gcm_open(session->rtcp.keys, &op, 1);
        if (!op.good)
            so_wipe(op.text, op.text_len);
        return op.good ? SO_SRTP_OK : SO_SRTP_AUTH_FAILED;
    }
    so_cm_mac(session->rtcp.keys, &op, 1);
    if (!op.good || !so_equal_secret(op.mac, p->bytes + len + WORD_LEN, SO_CM_TAG_LEN))
        return SO_SRTP_AUTH_FAILED;
    so_cm_crypt(session->rtcp.keys, &op, 1);
    return op.good ? SO_SRTP_OK : SO_SRTP_CRYPTO;
}

static so_srtp_result unprotect_one(so_srtp *session, so_srtp_packet *p)
{
    size_t added = (size_t)session->tag_len + WORD_LEN, len;
    so_srtp_stream *stream;
    so_srtp_result result;
    uint32_t word, ssrc, index;

    if (session->sender)
        return SO_SRTP_WRONG_WAY;
    if (p->len > SO_SRTP_MAX_LEN || p->len < SO_RTCP_HEADER_LEN + added || p->bytes[0] >> 6 != 2)
        return SO_SRTP_MALFORMED;
    len = p->len - added;
    word = so_srtp_get32(p->bytes + len + (session->gcm ? SO_GCM_TAG_LEN : 0));
    if (!(word & SO_SRTCP_E_BIT))
        return SO_SRTP_MALFORMED;
    index = word & ~SO_SRTCP_E_BIT;
    ssrc = so_srtp_get32(p->bytes + 4);
    stream = so_srtp_find(session, ssrc);
    if (stream == NULL && session->count == session->room)
        return SO_SRTP_TOO_MANY_SSRCS;
    if (stream != NULL && !so_srtcp_window_fresh(&stream->rtcp, index))
        return SO_SRTP_REPLAYED;
    result = decipher(session, p, len, word);
    if (result != SO_SRTP_OK)
        return result;
    if (stream == NULL)
        stream = so_srtp_add(session, ssrc);
    so_srtcp_window_mark(&stream->rtcp, index);
    p->len = len;
    session->counts.unprotected_rtcp++;
    session->counts.unprotected_bytes += len;
    return SO_SRTP_OK;
}

void so_srtp_unprotect_rtcp(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        so_srtp_settle(session, &packets[i], unprotect_one(session, &packets[i]));
}
