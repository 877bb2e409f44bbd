/* SRTP (RFC 3711 §3.3, RFC 7714 §8). */
#include "srtp/inside.h"

#include "base/secret.h"

#include <string.h>

#define RTP_HEADER_LEN 12

/* One packet of a batch under way. */
typedef struct item {
    so_srtp_packet *packet;
    uint32_t ssrc;
    uint16_t seq;
    bool tried; /* its HMAC is computed, for index */
    size_t header_len;
    size_t len; /* header and payload */
    uint64_t index;
    uint8_t tag[SO_CM_TAG_LEN];
} item;

/*
 * Header, CSRCs and extension (RFC 3550 §5.1): what is authenticated and not encrypted. One bounded look at fixed
 * places instead of a reader: this runs once or twice a packet beside 50 ns of cipher.
 */
static bool read_header(item *it, const uint8_t *b, size_t len)
{
    size_t n = RTP_HEADER_LEN;

    if (len < RTP_HEADER_LEN || b[0] >> 6 != 2)
        return false;
    n += 4 * (size_t)(b[0] & 0x0f);
    if (b[0] & 0x10) {
        if (len < n + 4)
            return false;
        n += 4 + 4 * ((size_t)b[n + 2] << 8 | b[n + 3]);
    }
    if (len < n)
        return false;
    it->header_len = n;
    it->len = len;
    it->seq = (uint16_t)(b[2] << 8 | b[3]);
    it->ssrc = so_srtp_get32(b + 8);
    return true;
}

static void fill_op(const so_srtp *session, const item *it, so_srtp_op *op)
{
    uint8_t *b = it->packet->bytes;

    so_srtp_iv(session, &session->rtp, it->ssrc, it->index, op);
    op->text = b + it->header_len;
    op->text_len = it->len - it->header_len;
    op->covered = b;
    op->covered_len = session->gcm ? it->header_len : it->len + 4; /* M || ROC (RFC 3711 §4.2) */
}

/* The HMAC covers the rollover counter, which is not sent: it stands where the tag will be, or was, meanwhile. */
static void put_roc(const item *it)
{
    so_srtp_put32(it->packet->bytes + it->len, (uint32_t)(it->index >> 16));
}

/* What a sender does before any cipher: an index whose packet fails half-way is lost, never used again. */
static so_srtp_result claim_index(so_srtp *session, item *it)
{
    so_srtp_packet *p = it->packet;
    so_srtp_stream *stream;

    if (!session->sender)
        return SO_SRTP_WRONG_WAY;
    if (!read_header(it, p->bytes, p->len))
        return SO_SRTP_MALFORMED;
    if (p->len > SO_SRTP_MAX_LEN - session->tag_len || p->cap < p->len + session->tag_len)
        return SO_SRTP_NO_ROOM;
    if (session->rtp_used >= SO_SRTP_KEY_PACKETS || session->rtcp_used >= SO_SRTCP_KEY_PACKETS)
        return SO_SRTP_EXPIRED;
    stream = so_srtp_know(session, it->ssrc);
    if (stream == NULL)
        return SO_SRTP_TOO_MANY_SSRCS;
    it->index = so_srtp_window_index(&stream->rtp, it->seq);
    if (it->index >= SO_SRTP_INDEX_END)
        return SO_SRTP_EXPIRED;
    /* More than half the circle ahead is a number from before the first one: no receiver would guess it right. */
    if (!so_srtp_window_fresh(&stream->rtp, it->index) || (stream->rtp.any && it->index > stream->rtp.highest + 0x8000))
        return SO_SRTP_REPLAYED;
    so_srtp_window_mark(&stream->rtp, it->index);
    session->rtp_used++;
    return SO_SRTP_OK;
}

static void protect_burst(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    item items[SO_SRTP_BURST];
    so_srtp_op ops[SO_SRTP_BURST];
    bool crypted[SO_SRTP_BURST];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        so_srtp_result result;
        items[n].packet = &packets[i];
        result = claim_index(session, &items[n]);
        so_srtp_settle(session, &packets[i], result);
        if (result != SO_SRTP_OK)
            continue;
        fill_op(session, &items[n], &ops[n]);
        n++;
    }
    if (n == 0)
        return;
    if (session->gcm) {
        so_gcm_seal(session->rtp.keys, ops, n);
    } else {
        so_cm_crypt(session->rtp.keys, ops, n);
        for (size_t i = 0; i < n; i++) {
            crypted[i] = ops[i].good;
            put_roc(&items[i]);
        }
        so_cm_mac(session->rtp.keys, ops, n);
        for (size_t i = 0; i < n; i++)
            ops[i].good = ops[i].good && crypted[i];
    }
    for (size_t i = 0; i < n; i++) {
        so_srtp_packet *p = items[i].packet;
        if (!ops[i].good) {
            so_srtp_settle(session, p, SO_SRTP_CRYPTO);
            continue;
        }
        memcpy(p->bytes + p->len, ops[i].tag, session->tag_len);
        session->counts.protected_rtp++;
        session->counts.protected_bytes += p->len;
        p->len += session->tag_len;
    }
}

void so_srtp_protect(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    for (size_t at = 0; at < count; at += SO_SRTP_BURST)
        protect_burst(session, packets + at, count - at < SO_SRTP_BURST ? count - at : SO_SRTP_BURST);
}

static so_srtp_result open_item(const so_srtp *session, item *it, so_srtp_packet *packet)
{
    it->packet = packet;
    it->tried = false;
    if (session->sender)
        return SO_SRTP_WRONG_WAY;
    if (packet->len > SO_SRTP_MAX_LEN || packet->len < session->tag_len ||
        !read_header(it, packet->bytes, packet->len - session->tag_len))
        return SO_SRTP_MALFORMED;
    return SO_SRTP_OK;
}

/*
 * Where the packet belongs, as things stand now. *first: nothing of its stream has come yet, so that the rollover
 * counter is a guess.
 */
static so_srtp_result place_item(so_srtp *session, item *it, bool *first)
{
    so_srtp_stream *stream = so_srtp_find(session, it->ssrc);

    *first = stream == NULL || !stream->rtp.any;
    /* Even if it is genuine there is no place for it: no cipher is spent on it. */
    if (stream == NULL && session->count == SO_SRTP_SSRCS)
        return SO_SRTP_TOO_MANY_SSRCS;
    it->index = stream == NULL ? it->seq : so_srtp_window_index(&stream->rtp, it->seq);
    if (it->index >= SO_SRTP_INDEX_END)
        return SO_SRTP_EXPIRED;
    return stream == NULL || so_srtp_window_fresh(&stream->rtp, it->index) ? SO_SRTP_OK : SO_SRTP_REPLAYED;
}

/*
 * A sender may have begun just below 65536 and have wrapped round before anything of it came: a first packet with a low
 * number gets a second try with a rollover counter of 1. (With a higher number a whole half-circle would be lost.)
 */
static bool may_have_wrapped(const item *it, bool first)
{
    return first && it->seq < 0x8000;
}

/* Only here does a receiver's state change; the packet has authenticated, and place_item found room. */
static void accept_item(so_srtp *session, const item *it)
{
    so_srtp_stream *stream = so_srtp_know(session, it->ssrc);

    so_srtp_window_mark(&stream->rtp, it->index);
    it->packet->len = it->len;
    session->counts.unprotected_rtp++;
    session->counts.unprotected_bytes += it->len;
    so_srtp_settle(session, it->packet, SO_SRTP_OK);
}

static so_srtp_result unprotect_gcm(so_srtp *session, item *it, so_srtp_packet *packet)
{
    so_srtp_result result = open_item(session, it, packet);
    so_srtp_op op;
    bool first;

    if (result == SO_SRTP_OK)
        result = place_item(session, it, &first);
    if (result != SO_SRTP_OK)
        return result;
    fill_op(session, it, &op);
    memcpy(op.tag, packet->bytes + it->len, SO_GCM_TAG_LEN);
    so_gcm_open(session->rtp.keys, &op, 1);
    if (!op.good && may_have_wrapped(it, first)) {
        so_gcm_unopen(session->rtp.keys, &op);
        it->index += 0x10000;
        fill_op(session, it, &op);
        memcpy(op.tag, packet->bytes + it->len, SO_GCM_TAG_LEN);
        so_gcm_open(session->rtp.keys, &op, 1);
    }
    if (!op.good) {
        so_wipe(op.text, op.text_len);
        return SO_SRTP_AUTH_FAILED;
    }
    return SO_SRTP_OK;
}

/* op->good: the HMAC was computed. Puts back the tag, over which the ROC was written, and compares. */
static bool tag_is_right(const item *it, const so_srtp_op *op)
{
    memcpy(it->packet->bytes + it->len, it->tag, SO_CM_TAG_LEN);
    return op->good && so_equal_secret(op->tag, it->tag, SO_CM_TAG_LEN);
}

static bool authenticate_again(const so_srtp *session, const item *it, so_srtp_op *op)
{
    fill_op(session, it, op);
    put_roc(it);
    so_cm_mac(session->rtp.keys, op, 1);
    return tag_is_right(it, op);
}

/*
 * The packets before this one in the batch have been settled by now, so its index may be another than the one that its
 * HMAC was computed for: then once more. This keeps the results free of how packets fall into batches.
 */
static so_srtp_result authenticate_cm(so_srtp *session, item *it, so_srtp_op *op)
{
    uint64_t index = it->index;
    bool first, right = it->tried && tag_is_right(it, op);
    so_srtp_result result = place_item(session, it, &first);

    if (result != SO_SRTP_OK)
        return result;
    if (!it->tried || it->index != index)
        right = authenticate_again(session, it, op);
    if (!right && may_have_wrapped(it, first)) {
        it->index += 0x10000;
        right = authenticate_again(session, it, op);
    }
    return right ? SO_SRTP_OK : SO_SRTP_AUTH_FAILED;
}

static void unprotect_cm(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    item items[SO_SRTP_BURST], *tried[SO_SRTP_BURST];
    so_srtp_op ops[SO_SRTP_BURST], good[SO_SRTP_BURST];
    so_srtp_packet *accepted[SO_SRTP_BURST];
    bool opened[SO_SRTP_BURST], first;
    size_t n = 0, done = 0, next = 0;

    for (size_t i = 0; i < count; i++) {
        item *it = &items[i];
        packets[i].result = open_item(session, it, &packets[i]);
        opened[i] = packets[i].result == SO_SRTP_OK;
        if (!opened[i] || place_item(session, it, &first) != SO_SRTP_OK)
            continue;
        it->tried = true;
        memcpy(it->tag, packets[i].bytes + it->len, SO_CM_TAG_LEN);
        fill_op(session, it, &ops[n]);
        put_roc(it);
        tried[n++] = it;
    }
    if (n > 0)
        so_cm_mac(session->rtp.keys, ops, n);
    for (size_t i = 0; i < count; i++) {
        so_srtp_op *op = &good[done];
        if (!opened[i]) {
            so_srtp_settle(session, &packets[i], packets[i].result);
            continue;
        }
        if (next < n && tried[next] == &items[i])
            *op = ops[next++];
        else
            memcpy(items[i].tag, packets[i].bytes + items[i].len, SO_CM_TAG_LEN);
        packets[i].result = authenticate_cm(session, &items[i], op);
        if (packets[i].result != SO_SRTP_OK) {
            so_srtp_settle(session, &packets[i], packets[i].result);
            continue;
        }
        fill_op(session, &items[i], op);
        accept_item(session, &items[i]);
        accepted[done++] = &packets[i];
    }
    if (done > 0)
        so_cm_crypt(session->rtp.keys, good, done);
    for (size_t i = 0; i < done; i++)
        if (!good[i].good) {
            session->counts.unprotected_rtp--;
            session->counts.unprotected_bytes -= accepted[i]->len;
            accepted[i]->len += session->tag_len;
            so_srtp_settle(session, accepted[i], SO_SRTP_CRYPTO);
        }
}

void so_srtp_unprotect(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    item it;

    if (!session->gcm) {
        for (size_t at = 0; at < count; at += SO_SRTP_BURST)
            unprotect_cm(session, packets + at, count - at < SO_SRTP_BURST ? count - at : SO_SRTP_BURST);
        return;
    }
    /* One by one: bursts gain nothing here, and each packet finds the state that the one before it left. */
    for (size_t i = 0; i < count; i++) {
        so_srtp_result result = unprotect_gcm(session, &it, &packets[i]);
        if (result == SO_SRTP_OK)
            accept_item(session, &it);
        else
            so_srtp_settle(session, &packets[i], result);
    }
}
