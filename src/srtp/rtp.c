/* SRTP (RFC 3711 §3.3, RFC 7714 §8). */
#include "srtp/inside.h"

#include "base/secret.h"

#include <string.h>

#define RTP_HEADER_LEN 12
/*
 * From so many packets on GCM reads all headers first. The cipher's code is long and straight, and each time it has run
 * the CPU has to decode ours anew: 3 to 5 ns a packet. For fewer the detour costs more than that.
 */
#define GCM_BURST 4
/* For what GCM's two loops are made of, which should keep an item in registers. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* One packet of a batch under way. */
typedef struct item {
    so_srtp_packet *packet;
    so_srtp_stream *stream; /* NULL: not known yet */
    size_t header_len;
    size_t len; /* header and payload */
    uint64_t index;
    uint32_t ssrc;
    uint16_t seq;
    bool opened;
    bool tried; /* its HMAC is computed, for index */
    uint8_t tag[SO_CM_TAG_LEN];
} item;

/*
 * Header, CSRCs and extension (RFC 3550 §5.1): what is authenticated and not encrypted. One bounded look at fixed
 * places instead of a reader: this runs once or twice a packet beside 50 ns of cipher.
 */
ALWAYS_INLINE bool read_header(item *it, const uint8_t *b, size_t len)
{
    size_t n = RTP_HEADER_LEN;

    if (!SO_MOSTLY(len >= RTP_HEADER_LEN && b[0] >> 6 == 2))
        return false;
    n += 4 * (size_t)(b[0] & 0x0f);
    if (b[0] & 0x10) {
        if (len < n + 4)
            return false;
        n += 4 + 4 * ((size_t)b[n + 2] << 8 | b[n + 3]);
    }
    if (!SO_MOSTLY(len >= n))
        return false;
    it->header_len = n;
    it->len = len;
    it->seq = (uint16_t)(b[2] << 8 | b[3]);
    it->ssrc = so_srtp_get32(b + 8);
    return true;
}

ALWAYS_INLINE void fill_op(const so_srtp *session, const item *it, so_srtp_op *op, bool gcm)
{
    uint8_t *b = it->packet->bytes;

    so_srtp_iv(&session->rtp, gcm, it->ssrc, it->index, op);
    op->text = b + it->header_len;
    op->text_len = it->len - it->header_len;
    op->covered = b;
    op->covered_len = gcm ? it->header_len : it->len + 4; /* M || ROC (RFC 3711 §4.2) */
}

/* The HMAC covers the rollover counter, which is not sent: it stands where the tag will be, or was, meanwhile. */
static void put_roc(const item *it)
{
    so_srtp_put32(it->packet->bytes + it->len, (uint32_t)(it->index >> 16));
}

/* What a sender does before any cipher: an index whose packet fails half-way is lost, never used again. */
ALWAYS_INLINE so_srtp_result claim_index(so_srtp *session, item *it, size_t tag_len)
{
    so_srtp_packet *p = it->packet;
    so_srtp_stream *stream;

    if (!session->sender)
        return SO_SRTP_WRONG_WAY;
    if (!read_header(it, p->bytes, p->len))
        return SO_SRTP_MALFORMED;
    if (p->len > SO_SRTP_MAX_LEN - tag_len || p->cap < p->len + tag_len)
        return SO_SRTP_NO_ROOM;
    if (session->rtp_used >= SO_SRTP_KEY_PACKETS || session->rtcp_used >= SO_SRTCP_KEY_PACKETS)
        return SO_SRTP_EXPIRED;
    stream = so_srtp_find(session, it->ssrc);
    if (!SO_MOSTLY(stream != NULL)) {
        stream = so_srtp_add(session, it->ssrc);
        if (stream == NULL)
            return SO_SRTP_TOO_MANY_SSRCS;
    }
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

/* The packets are as they were, but for their text and the tag behind it. */
ALWAYS_INLINE void finish_gcm(so_srtp *session, so_srtp_packet *const *packets, const so_srtp_op *ops, size_t count)
{
    uint64_t sent = 0, bytes = 0;

    for (size_t i = 0; i < count; i++) {
        so_srtp_packet *p = packets[i];
        so_srtp_settle(session, p, ops[i].good ? SO_SRTP_OK : SO_SRTP_CRYPTO);
        if (!SO_MOSTLY(ops[i].good))
            continue;
        sent++;
        bytes += p->len;
        p->len += SO_GCM_TAG_LEN;
    }
    session->counts.protected_rtp += sent;
    session->counts.protected_bytes += bytes;
}

static void protect_gcm(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    so_srtp_op op;

    for (so_srtp_packet *p = packets; p < packets + count; p++) {
        item it = {.packet = p};
        so_srtp_result result = claim_index(session, &it, SO_GCM_TAG_LEN);
        if (!SO_MOSTLY(result == SO_SRTP_OK)) {
            so_srtp_settle(session, p, result);
            continue;
        }
        fill_op(session, &it, &op, true);
        so_gcm_seal(session->rtp.keys, &op, 1);
        finish_gcm(session, &p, &op, 1);
    }
}

static void protect_gcm_burst(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    so_srtp_op ops[SO_SRTP_BURST];
    so_srtp_packet *sealed[SO_SRTP_BURST];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        item it = {.packet = &packets[i]};
        so_srtp_result result = claim_index(session, &it, SO_GCM_TAG_LEN);
        if (!SO_MOSTLY(result == SO_SRTP_OK)) {
            so_srtp_settle(session, &packets[i], result);
            continue;
        }
        fill_op(session, &it, &ops[n], true);
        sealed[n++] = &packets[i];
    }
    if (n > 0)
        so_gcm_seal(session->rtp.keys, ops, n);
    finish_gcm(session, sealed, ops, n);
}

static void protect_cm(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    item items[SO_SRTP_BURST];
    so_srtp_op ops[SO_SRTP_BURST];
    bool crypted[SO_SRTP_BURST];
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        items[n].packet = &packets[i];
        so_srtp_settle(session, &packets[i], claim_index(session, &items[n], SO_CM_TAG_LEN));
        if (packets[i].result != SO_SRTP_OK)
            continue;
        fill_op(session, &items[n], &ops[n], false);
        n++;
    }
    if (n == 0)
        return;
    so_cm_crypt(session->rtp.keys, ops, n);
    for (size_t i = 0; i < n; i++) {
        crypted[i] = ops[i].good;
        put_roc(&items[i]);
    }
    so_cm_mac(session->rtp.keys, ops, n);
    for (size_t i = 0; i < n; i++) {
        so_srtp_packet *p = items[i].packet;
        if (!ops[i].good || !crypted[i]) {
            so_srtp_settle(session, p, SO_SRTP_CRYPTO);
            continue;
        }
        memcpy(p->bytes + p->len, ops[i].mac, SO_CM_TAG_LEN);
        session->counts.protected_rtp++;
        session->counts.protected_bytes += p->len;
        p->len += SO_CM_TAG_LEN;
    }
}

typedef void (*batch_call)(so_srtp *session, so_srtp_packet *packets, size_t count);

static void in_batches(so_srtp *session, so_srtp_packet *packets, size_t count, batch_call call)
{
    for (size_t at = 0; at < count; at += SO_SRTP_BURST)
        call(session, packets + at, count - at < SO_SRTP_BURST ? count - at : SO_SRTP_BURST);
}

void so_srtp_protect(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    if (!session->gcm)
        in_batches(session, packets, count, protect_cm);
    else if (count < GCM_BURST)
        protect_gcm(session, packets, count);
    else
        in_batches(session, packets, count, protect_gcm_burst);
}

ALWAYS_INLINE so_srtp_result open_item(const so_srtp *session, item *it, so_srtp_packet *packet, size_t tag_len)
{
    it->packet = packet;
    if (session->sender)
        return SO_SRTP_WRONG_WAY;
    if (packet->len > SO_SRTP_MAX_LEN || packet->len < tag_len ||
        !read_header(it, packet->bytes, packet->len - tag_len))
        return SO_SRTP_MALFORMED;
    return SO_SRTP_OK;
}

/*
 * Where the packet belongs, as things stand now. *first: nothing of its stream has come yet, so that the rollover
 * counter is a guess.
 */
ALWAYS_INLINE so_srtp_result place_item(so_srtp *session, item *it, bool *first)
{
    so_srtp_stream *stream = it->stream = so_srtp_find(session, it->ssrc);

    *first = stream == NULL || !stream->rtp.any;
    /* Even if it is genuine there is no place for it: no cipher is spent on it. */
    if (stream == NULL && session->count == session->room)
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

/* Only here does a receiver's state change; the packet has authenticated, and was found to be fresh just before. */
ALWAYS_INLINE void accept_packet(so_srtp *session, so_srtp_packet *packet, size_t len, so_srtp_stream *stream,
                                 uint64_t index)
{
    so_srtp_window_mark(&stream->rtp, index);
    packet->len = len;
    session->counts.unprotected_rtp++;
    session->counts.unprotected_bytes += len;
    so_srtp_settle(session, packet, SO_SRTP_OK);
}

/* place_item found that there is room. */
ALWAYS_INLINE void accept_item(so_srtp *session, const item *it)
{
    so_srtp_stream *stream = SO_MOSTLY(it->stream != NULL) ? it->stream : so_srtp_add(session, it->ssrc);

    accept_packet(session, it->packet, it->len, stream, it->index);
}

/* The second try; op is that of the first. A function of its own, so that the first keeps its item in registers. */
static __attribute__((noinline)) void open_wrapped(const so_srtp *session, item it, so_srtp_op *op)
{
    so_gcm_unopen(session->rtp.keys, op);
    if (!op->good)
        return;
    it.index += 0x10000;
    fill_op(session, &it, op, true);
    so_gcm_open(session->rtp.keys, op, 1);
}

ALWAYS_INLINE so_srtp_result unprotect_one(so_srtp *session, item *it, so_srtp_packet *packet)
{
    so_srtp_result result = open_item(session, it, packet, SO_GCM_TAG_LEN);
    so_srtp_op op;
    bool first;

    if (SO_MOSTLY(result == SO_SRTP_OK))
        result = place_item(session, it, &first);
    if (!SO_MOSTLY(result == SO_SRTP_OK))
        return result;
    fill_op(session, it, &op, true);
    so_gcm_open(session->rtp.keys, &op, 1);
    if (!SO_MOSTLY(op.good) && may_have_wrapped(it, first)) {
        open_wrapped(session, *it, &op);
        it->index += 0x10000;
    }
    if (!SO_MOSTLY(op.good)) {
        so_wipe(op.text, op.text_len);
        return SO_SRTP_AUTH_FAILED;
    }
    return SO_SRTP_OK;
}

static void unprotect_gcm(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        item it = {0};
        so_srtp_result result = unprotect_one(session, &it, &packets[i]);
        if (SO_MOSTLY(result == SO_SRTP_OK))
            accept_item(session, &it);
        else
            so_srtp_settle(session, &packets[i], result);
    }
}

/* Where a packet of a burst belongs, as things stood before the burst. */
typedef struct place {
    so_srtp_stream *stream;
    uint64_t index;
    uint16_t seq;
    bool tried;
} place;

/* Headers and places. What has no place, or is the first of its stream, waits. The number of ops. */
static size_t look_at_burst(so_srtp *session, so_srtp_packet *packets, size_t count, place *places, so_srtp_op *ops)
{
    size_t n = 0;
    bool first;

    for (size_t i = 0; i < count; i++) {
        item it;
        places[i].tried = open_item(session, &it, &packets[i], SO_GCM_TAG_LEN) == SO_SRTP_OK &&
                          place_item(session, &it, &first) == SO_SRTP_OK && !first;
        if (!SO_MOSTLY(places[i].tried))
            continue;
        fill_op(session, &it, &ops[n++], true);
        places[i].stream = it.stream;
        places[i].index = it.index;
        places[i].seq = it.seq;
    }
    return n;
}

/*
 * op was opened for this place. The packets before this one in the burst have been settled by now: where they changed
 * its place, or took it, the ciphertext is put back and the packet is looked at anew. This keeps the results free of
 * how packets fall into batches.
 */
static void settle_place(so_srtp *session, so_srtp_packet *p, const place *at, so_srtp_op *op)
{
    bool same = so_srtp_window_index(&at->stream->rtp, at->seq) == at->index &&
                so_srtp_window_fresh(&at->stream->rtp, at->index);

    if (SO_MOSTLY(same && op->good)) {
        accept_packet(session, p, p->len - SO_GCM_TAG_LEN, at->stream, at->index);
        return;
    }
    if (!same) {
        so_gcm_unopen(session->rtp.keys, op);
        if (op->good) {
            unprotect_gcm(session, p, 1);
            return;
        }
    }
    so_wipe(op->text, op->text_len);
    so_srtp_settle(session, p, same ? SO_SRTP_AUTH_FAILED : SO_SRTP_CRYPTO);
}

static void unprotect_gcm_burst(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    place places[SO_SRTP_BURST];
    so_srtp_op ops[SO_SRTP_BURST], *op = ops;
    size_t n = look_at_burst(session, packets, count, places, ops);

    if (n > 0)
        so_gcm_open(session->rtp.keys, ops, n);
    for (size_t i = 0; i < count; i++)
        if (SO_MOSTLY(places[i].tried))
            settle_place(session, &packets[i], &places[i], op++);
        else
            unprotect_gcm(session, &packets[i], 1);
}

/* op->good: the HMAC was computed. Puts back the tag, over which the ROC was written, and compares. */
static bool tag_is_right(const item *it, const so_srtp_op *op)
{
    memcpy(it->packet->bytes + it->len, it->tag, SO_CM_TAG_LEN);
    return op->good && so_equal_secret(op->mac, it->tag, SO_CM_TAG_LEN);
}

static bool authenticate_again(const so_srtp *session, const item *it, so_srtp_op *op)
{
    fill_op(session, it, op, false);
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

/* The packets of a batch, as far as they are packets: the HMACs of those that have a place as things stand now. */
static void try_macs(so_srtp *session, so_srtp_packet *packets, size_t count, item *items, so_srtp_op *ops)
{
    size_t n = 0;
    bool first;

    for (size_t i = 0; i < count; i++) {
        item *it = &items[i];
        so_srtp_settle(session, &packets[i], open_item(session, it, &packets[i], SO_CM_TAG_LEN));
        it->opened = packets[i].result == SO_SRTP_OK;
        it->tried = it->opened && place_item(session, it, &first) == SO_SRTP_OK;
        if (it->opened)
            memcpy(it->tag, packets[i].bytes + it->len, SO_CM_TAG_LEN);
        if (!it->tried)
            continue;
        fill_op(session, it, &ops[n++], false);
        put_roc(it);
    }
    if (n > 0)
        so_cm_mac(session->rtp.keys, ops, n);
}

/* it was accepted. */
static void take_back(so_srtp *session, const item *it)
{
    session->counts.unprotected_rtp--;
    session->counts.unprotected_bytes -= it->len;
    it->packet->len += SO_CM_TAG_LEN;
    so_srtp_settle(session, it->packet, SO_SRTP_CRYPTO);
}

static void unprotect_cm(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    item items[SO_SRTP_BURST], *accepted[SO_SRTP_BURST];
    so_srtp_op ops[SO_SRTP_BURST], late;
    size_t done = 0, next = 0;

    try_macs(session, packets, count, items, ops);
    for (size_t i = 0; i < count; i++) {
        item *it = &items[i];
        so_srtp_op *op = it->tried ? &ops[next++] : &late;
        so_srtp_result result;
        if (!it->opened)
            continue;
        result = authenticate_cm(session, it, op);
        if (result != SO_SRTP_OK) {
            so_srtp_settle(session, &packets[i], result);
            continue;
        }
        accept_item(session, it);
        if (!it->tried) {
            so_cm_crypt(session->rtp.keys, op, 1);
            if (!op->good)
                take_back(session, it);
            continue;
        }
        if (op != &ops[done])
            ops[done] = *op;
        accepted[done++] = it;
    }
    if (done > 0)
        so_cm_crypt(session->rtp.keys, ops, done);
    for (size_t i = 0; i < done; i++)
        if (!ops[i].good)
            take_back(session, accepted[i]);
}

void so_srtp_unprotect(so_srtp *session, so_srtp_packet *packets, size_t count)
{
    if (!session->gcm)
        in_batches(session, packets, count, unprotect_cm);
    else if (count < GCM_BURST)
        unprotect_gcm(session, packets, count);
    else
        in_batches(session, packets, count, unprotect_gcm_burst);
}
