#include "trust/seal.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/aead.h"

#include <string.h>

#define TYPE_HELLO 1
#define TYPE_SEALED 2
#define VERSION 1
#define COUNTER_END ((uint64_t)1 << 32)
#define AAD_MAX (12 + 1 + SO_ROOM_LEN + 2 * SO_SID_LEN + 1 + SO_SHA256_LEN)
#define SALT_LEN (2 * SO_SID_LEN)

static const uint8_t no_sid[SO_SID_LEN];

void so_seal_start(so_seal *seal, const so_invite *invite, so_random random)
{
    memset(seal, 0, sizeof *seal);
    seal->invite = *invite;
    seal->random = random;
}

void so_seal_end(so_seal *seal)
{
    so_wipe(seal, sizeof *seal);
}

static void set_state(so_seal *seal, so_seal_state state)
{
    seal->state = state;
    if (state != SO_SEAL_IN_EPOCH) {
        so_wipe(&seal->out, sizeof seal->out);
        so_wipe(&seal->in, sizeof seal->in);
        seal->offer_sent = false;
    }
}

void so_seal_forget(so_seal *seal)
{
    set_state(seal, SO_SEAL_AWAITS_HELLO);
    memset(seal->own_sid, 0, sizeof seal->own_sid);
    memset(seal->peer_sid, 0, sizeof seal->peer_sid);
}

/* salt = min(sidA, sidB) || max(sidA, sidB): both ends write the same, whichever opened. */
static void write_salt(const so_seal *seal, uint8_t salt[SALT_LEN])
{
    bool own_first = memcmp(seal->own_sid, seal->peer_sid, SO_SID_LEN) < 0;

    memcpy(salt, own_first ? seal->own_sid : seal->peer_sid, SO_SID_LEN);
    memcpy(salt + SO_SID_LEN, own_first ? seal->peer_sid : seal->own_sid, SO_SID_LEN);
}

static so_status derive_way(const so_seal *seal, so_seal_way *way, const uint8_t *from, const uint8_t *to)
{
    uint8_t salt[SALT_LEN], info[14 + 2 * SO_SID_LEN];
    so_writer w = so_writer_of(info, sizeof info);

    write_salt(seal, salt);
    so_write_text(&w, "sotto v1 epoch");
    so_write_bytes(&w, from, SO_SID_LEN);
    so_write_bytes(&w, to, SO_SID_LEN);
    way->next = 0;
    return so_hkdf_sha256(way->key.bytes, sizeof way->key.bytes,
                          (so_slice){seal->invite.secret, sizeof seal->invite.secret}, (so_slice){salt, sizeof salt},
                          (so_slice){info, so_writer_len(&w)});
}

static so_status begin_epoch(so_seal *seal)
{
    so_status status = derive_way(seal, &seal->out, seal->own_sid, seal->peer_sid);

    if (status == SO_OK)
        status = derive_way(seal, &seal->in, seal->peer_sid, seal->own_sid);
    set_state(seal, status == SO_OK ? SO_SEAL_IN_EPOCH : SO_SEAL_BROKEN);
    seal->offer_sent = false;
    if (status == SO_OK)
        seal->epoch++;
    return status;
}

static void write_hello(uint8_t hello[SO_HELLO_LEN], const uint8_t *sid, const uint8_t *re)
{
    so_writer w = so_writer_of(hello, SO_HELLO_LEN);

    so_write_u8(&w, TYPE_HELLO);
    so_write_u8(&w, VERSION);
    so_write_bytes(&w, sid, SO_SID_LEN);
    so_write_bytes(&w, re, SO_SID_LEN);
}

so_status so_seal_open_epoch(so_seal *seal, uint8_t hello[SO_HELLO_LEN])
{
    so_status status;

    so_seal_forget(seal);
    status = so_random_fill(&seal->random, seal->own_sid, SO_SID_LEN);
    if (status != SO_OK)
        return status;
    seal->opener = true;
    set_state(seal, SO_SEAL_AWAITS_ANSWER);
    write_hello(hello, seal->own_sid, no_sid);
    return SO_OK;
}

/* An end's sid takes part in at most one epoch: so an answerer makes a fresh one for every hello that opens. */
static so_seal_result answer_hello(so_seal *seal, const uint8_t *sid, uint8_t hello[SO_HELLO_LEN])
{
    so_seal_forget(seal);
    if (so_random_fill(&seal->random, seal->own_sid, SO_SID_LEN) != SO_OK)
        return SO_SEAL_FAILED;
    memcpy(seal->peer_sid, sid, SO_SID_LEN);
    seal->opener = false;
    write_hello(hello, seal->own_sid, sid);
    return begin_epoch(seal) == SO_OK ? SO_SEAL_HELLO : SO_SEAL_FAILED;
}

static so_seal_result take_hello(so_seal *seal, so_reader *r, uint8_t hello[SO_HELLO_LEN], bool *reply)
{
    uint8_t version = so_read_u8(r);
    const uint8_t *sid = so_read_bytes(r, SO_SID_LEN);
    const uint8_t *re = so_read_bytes(r, SO_SID_LEN);

    if (sid == NULL || re == NULL || version != VERSION || so_reader_left(r) != 0 ||
        memcmp(sid, no_sid, SO_SID_LEN) == 0)
        return SO_SEAL_MALFORMED;
    if (memcmp(sid, seal->own_sid, SO_SID_LEN) == 0)
        return SO_SEAL_REFLECTED;
    if (memcmp(re, no_sid, SO_SID_LEN) == 0) {
        /* Both came again at once. Who awaits an answer came last, and the other forgets its own hello. */
        if (seal->state == SO_SEAL_AWAITS_ANSWER) {
            seal->stale++;
            return SO_SEAL_STALE;
        }
        *reply = true;
        return answer_hello(seal, sid, hello);
    }
    if (seal->state != SO_SEAL_AWAITS_ANSWER || memcmp(re, seal->own_sid, SO_SID_LEN) != 0) {
        seal->stale++;
        return SO_SEAL_STALE;
    }
    memcpy(seal->peer_sid, sid, SO_SID_LEN);
    return begin_epoch(seal) == SO_OK ? SO_SEAL_HELLO : SO_SEAL_FAILED;
}

static void write_nonce(uint8_t nonce[SO_NONCE_LEN], uint64_t counter)
{
    so_writer w = so_writer_of(nonce, SO_NONCE_LEN);

    so_write_u32(&w, 0);
    so_write_u64(&w, counter);
}

static size_t write_aad(const so_seal *seal, uint8_t aad[AAD_MAX], const uint8_t *from, const uint8_t *to, uint8_t kind,
                        const uint8_t *offer_hash)
{
    so_writer w = so_writer_of(aad, AAD_MAX);

    so_write_text(&w, "sotto v1 aad");
    so_write_u8(&w, VERSION);
    so_write_bytes(&w, seal->invite.room, SO_ROOM_LEN);
    so_write_bytes(&w, from, SO_SID_LEN);
    so_write_bytes(&w, to, SO_SID_LEN);
    so_write_u8(&w, kind);
    if (kind == SO_SEAL_ANSWER)
        so_write_bytes(&w, offer_hash, SO_SHA256_LEN);
    return so_writer_len(&w);
}

static so_seal_result take_sealed(so_seal *seal, so_reader *r, so_seal_kind *kind, uint8_t *text, size_t *text_len)
{
    uint8_t aad[AAD_MAX], nonce[SO_NONCE_LEN];
    uint8_t k = so_read_u8(r);
    const uint8_t *sid = so_read_bytes(r, SO_SID_LEN);
    uint64_t counter = so_read_u64(r);
    const uint8_t *hash = k == SO_SEAL_ANSWER ? so_read_bytes(r, SO_SHA256_LEN) : NULL;
    size_t left = so_reader_left(r), aad_len;
    so_status status;

    if (r->failed || k > SO_SEAL_BYE || left < SO_TAG_LEN)
        return SO_SEAL_MALFORMED;
    if (seal->state != SO_SEAL_IN_EPOCH) {
        /* What the other end sent before it heard that this end came again; or a server's invention. Unreadable. */
        if (seal->state == SO_SEAL_BROKEN || seal->epoch == 0)
            return SO_SEAL_NO_EPOCH;
        seal->stale++;
        return SO_SEAL_STALE;
    }
    if (memcmp(sid, seal->own_sid, SO_SID_LEN) == 0)
        return SO_SEAL_REFLECTED;
    if (memcmp(sid, seal->peer_sid, SO_SID_LEN) != 0) {
        seal->stale++;
        return SO_SEAL_STALE;
    }
    if (counter != seal->in.next)
        return counter < seal->in.next ? SO_SEAL_REPLAYED : SO_SEAL_GAP;
    if (hash != NULL && (!seal->offer_sent || !so_equal_secret(hash, seal->offer_hash, SO_SHA256_LEN)))
        return SO_SEAL_SPLICED;
    aad_len = write_aad(seal, aad, seal->peer_sid, seal->own_sid, k, hash);
    write_nonce(nonce, counter);
    status =
        so_aead_open(text, &seal->in.key, nonce, (so_slice){aad, aad_len}, (so_slice){so_read_bytes(r, left), left});
    if (status != SO_OK)
        return status == SO_REFUSED ? SO_SEAL_ALTERED : SO_SEAL_FAILED;
    if (seal->in.next == 0 && k != SO_SEAL_STATE) {
        so_wipe(text, left - SO_TAG_LEN);
        return SO_SEAL_MALFORMED; /* an end says its state before anything else */
    }
    seal->in.next++;
    *kind = (so_seal_kind)k;
    *text_len = left - SO_TAG_LEN;
    return SO_SEAL_OPENED;
}

so_seal_result so_seal_take(so_seal *seal, const uint8_t *payload, size_t payload_len, so_seal_kind *kind,
                            uint8_t *text, size_t *text_len, uint8_t hello[SO_HELLO_LEN], bool *reply)
{
    so_reader r = so_reader_of(payload, payload_len);
    so_seal_result result = SO_SEAL_MALFORMED;
    uint8_t type = so_read_u8(&r);

    *reply = false;
    if (type == TYPE_HELLO && seal->state != SO_SEAL_BROKEN)
        result = take_hello(seal, &r, hello, reply);
    else if (type == TYPE_HELLO)
        result = SO_SEAL_NO_EPOCH;
    else if (type == TYPE_SEALED)
        result = take_sealed(seal, &r, kind, text, text_len);
    if (result > SO_SEAL_STALE)
        set_state(seal, SO_SEAL_BROKEN);
    return result;
}

so_status so_seal_make(so_seal *seal, so_seal_kind kind, so_slice text, so_slice offer, uint8_t *out, size_t *out_len)
{
    uint8_t aad[AAD_MAX], nonce[SO_NONCE_LEN], hash[SO_SHA256_LEN];
    so_writer w = so_writer_of(out, text.len + SO_SEAL_OVERHEAD);
    so_status status = SO_OK;
    size_t aad_len;

    if (seal->state != SO_SEAL_IN_EPOCH || seal->out.next >= COUNTER_END)
        return SO_STATE;
    if (kind == SO_SEAL_ANSWER)
        status = so_sha256(hash, &offer, 1);
    else if (kind == SO_SEAL_OFFER)
        status = so_sha256(seal->offer_hash, &text, 1);
    if (status != SO_OK)
        return status;
    seal->offer_sent |= kind == SO_SEAL_OFFER;
    so_write_u8(&w, TYPE_SEALED);
    so_write_u8(&w, (uint8_t)kind);
    so_write_bytes(&w, seal->own_sid, SO_SID_LEN);
    so_write_u64(&w, seal->out.next);
    if (kind == SO_SEAL_ANSWER)
        so_write_bytes(&w, hash, SO_SHA256_LEN);
    aad_len = write_aad(seal, aad, seal->own_sid, seal->peer_sid, (uint8_t)kind, hash);
    write_nonce(nonce, seal->out.next);
    /* Counted before it is used: a counter whose sealing failed half-way is lost, never used again. */
    seal->out.next++;
    status = so_aead_seal(w.at, &seal->out.key, nonce, (so_slice){aad, aad_len}, text);
    *out_len = so_writer_len(&w) + text.len + SO_TAG_LEN;
    return status;
}

so_status so_seal_call_id(const so_seal *seal, char out[12])
{
    uint8_t salt[SALT_LEN], digest[SO_SHA256_LEN];
    const so_slice parts[] = {{"sotto v1 call", 13}, {salt, sizeof salt}};
    so_status status;

    if (seal->state != SO_SEAL_IN_EPOCH)
        return SO_STATE;
    write_salt(seal, salt);
    status = so_sha256(digest, parts, 2);
    so_base64url(out, digest, SO_CALL_ID_LEN);
    return status;
}

const char *so_seal_result_name(so_seal_result result)
{
    static const char *const names[] = {"opened",   "hello", "stale",   "malformed", "no-epoch", "reflected",
                                        "replayed", "gap",   "spliced", "altered",   "failed"};
    return names[result];
}
