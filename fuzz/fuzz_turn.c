/*
 * turn: a client in every state, and a server that says what it likes: right answers, as whoever has the credentials
 * would give them, arbitrary attributes in signed messages, and arbitrary bytes, as datagrams or as a stream cut
 * anywhere. Whatever comes out as a peer's datagram must come from a peer that was spoken to, and must lie in what was
 * given or in what the client holds.
 */
#include "ice/turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SENT 8
#define NAME "user"
#define CREDENTIAL "secret"

typedef struct rig {
    so_turn *turn;
    so_msec now;
    uint64_t drawn;
    bool stream, sha256;
    struct {
        uint8_t bytes[SO_TURN_REQUEST];
        size_t len;
    } sent[SENT];
    unsigned sent_count;
    bool spoken[256]; /* to the peer whose address ends so */
    so_reader input;
} rig;

static so_status count_up(void *user, uint8_t *out, size_t len)
{
    uint64_t *drawn = user;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(++*drawn * 0x9e3779b97f4a7c15 >> 56);
    return SO_OK;
}

static so_address peer_of(uint8_t last)
{
    const uint8_t ip[4] = {192, 0, 2, last};

    return so_address_of(ip, 4, 1000 + last % 4);
}

static void drain(rig *r)
{
    for (unsigned count = 0;; count++) {
        unsigned at = r->sent_count % SENT;
        so_stun_message m;

        if (!so_turn_transmit(r->turn, r->sent[at].bytes, &r->sent[at].len))
            break;
        if (count > 100 || so_stun_parse(&m, r->sent[at].bytes, r->sent[at].len) != SO_OK || m.kind != SO_STUN_REQUEST)
            abort();
        r->sent_count++;
    }
    if ((so_turn_state_of(r->turn) == SO_TURN_FAILED) != (so_turn_failure_of(r->turn) != NULL) ||
        (so_turn_state_of(r->turn) == SO_TURN_ALLOCATED && so_turn_relayed(r->turn)->family != 4))
        abort();
}

static void check(const rig *r, const so_turn_data *data)
{
    volatile uint8_t sum = 0;

    if (data->len == 0)
        return;
    if (so_turn_state_of(r->turn) != SO_TURN_ALLOCATED || data->len > SO_TURN_DATA_MAX || data->remote.family != 4 ||
        memcmp(data->remote.ip, "\xc0\0\2", 3) != 0 || !r->spoken[data->remote.ip[3]])
        abort();
    for (size_t i = 0; i < data->len; i++)
        sum = (uint8_t)(sum + data->bytes[i]);
}

static void receive(rig *r, const uint8_t *bytes, size_t len)
{
    so_turn_data data;
    uint8_t *copy = malloc(len + 1); /* so that a byte too far is seen */

    if (len > 0)
        memcpy(copy, bytes, len);
    if (!r->stream) {
        (void)so_turn_is_for(copy, len);
        so_turn_receive(r->turn, r->now, copy, len, &data);
        check(r, &data);
    }
    for (size_t at = 0; r->stream && at < len;) {
        size_t taken = so_turn_read(r->turn, r->now, copy + at, len - at, &data);

        if (taken == 0 || taken > len - at)
            abort();
        check(r, &data);
        at += taken;
    }
    free(copy);
}

static so_hmac *key_of(const rig *r)
{
    static const char text[] = NAME ":realm:" CREDENTIAL;
    so_slice all = {text, sizeof text - 1};
    uint8_t made[SO_SHA256_LEN];
    so_hmac *key = NULL;
    so_status status = r->sha256 ? so_sha256(made, &all, 1) : so_md5(made, &all, 1);

    if (status == SO_OK)
        status = r->sha256 ? so_hmac_sha256_new(&key, (so_slice){made, SO_SHA256_LEN})
                           : so_hmac_sha1_new(&key, (so_slice){made, SO_MD5_LEN});
    if (status != SO_OK)
        abort();
    return key;
}

/* To one of the last requests. */
static void answer(rig *r, uint8_t how)
{
    static const uint8_t offered[] = {0, 2, 0, 0, 0, 1, 0, 0};
    uint8_t out[400], more = so_read_u8(&r->input);
    const uint8_t *bytes, *request = r->sent[how % SENT].bytes;
    so_writer w = so_writer_of(out, sizeof out);
    bool right = (how & 0x40) == 0, challenge = (how & 0x20) != 0;
    so_hmac *key = challenge ? NULL : key_of(r);
    so_address relayed = peer_of(250);
    so_stun_message m;

    if (so_stun_parse(&m, request, r->sent[how % SENT].len) == SO_OK) {
        so_stun_begin(&w, challenge || (how & 0x80) != 0 ? SO_STUN_ERROR : SO_STUN_SUCCESS, m.method, m.id);
        if (challenge || (how & 0x80) != 0)
            so_stun_put_error(&w, challenge ? (how & 0x80 ? 438 : 401) : (uint16_t)(300 + more), "");
        if (challenge) {
            so_stun_put(&w, SO_STUN_REALM, "realm", 5);
            so_stun_put(&w, SO_STUN_NONCE, r->sha256 ? "obMatJos2wAAAxyz" : "nonce", r->sha256 ? 16 : 5);
            if (r->sha256)
                so_stun_put(&w, SO_STUN_PASSWORD_ALGORITHMS, offered, sizeof offered);
        } else if (right) {
            so_stun_put_xor_address(&w, SO_STUN_XOR_RELAYED_ADDRESS, &relayed);
            so_stun_put_u32(&w, SO_STUN_LIFETIME, more * 10U);
        }
        if (!right) {
            size_t left = so_reader_left(&r->input), len = (more < left ? more : left) / 4 * 4;

            bytes = so_read_bytes(&r->input, len);
            so_write_bytes(&w, bytes, len);
        }
        if (so_stun_end(&w, key, false) == SO_OK)
            receive(r, out, so_writer_len(&w));
    }
    so_hmac_free(key);
}

static void data(rig *r, uint8_t how)
{
    uint8_t out[300];
    so_writer w = so_writer_of(out, sizeof out);
    so_address peer = peer_of(how);

    if (how & 0x80) {
        so_write_u16(&w, 0x4000 + how % 16);
        so_write_u16(&w, 8);
        so_write_u64(&w, 1);
    } else {
        so_stun_begin(&w, SO_STUN_INDICATION, SO_STUN_DATA_OF_PEER, (const uint8_t *)"fuzz fuzz fu");
        so_stun_put_xor_address(&w, SO_STUN_XOR_PEER_ADDRESS, &peer);
        so_stun_put(&w, SO_STUN_DATA, "data", how % 5);
        if (so_stun_end(&w, NULL, false) != SO_OK)
            abort();
    }
    receive(r, out, so_writer_len(&w));
}

static void say(rig *r, uint8_t how)
{
    static const uint8_t zeros[256];
    uint8_t out[sizeof zeros + SO_TURN_OVERHEAD];
    so_address peer = peer_of(how & 0x7f);
    size_t len = 0;
    so_status status = so_turn_wrap(r->turn, r->now, &peer, how & 0x80, (so_slice){zeros, how}, out, sizeof out, &len);

    if (status == SO_OK && (len < how || len > how + (size_t)SO_TURN_OVERHEAD || (r->stream && len % 4 != 0)))
        abort();
    if (status == SO_OK)
        r->spoken[peer.ip[3]] = true;
    else if (status == SO_TOO_LONG || status == SO_CRYPTO || status == SO_NO_MEMORY)
        abort();
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input), how = so_read_u8(&r->input);
    size_t left = so_reader_left(&r->input), len = how < left ? how : left;

    if (what % 16 < 6)
        answer(r, how);
    else if (what % 16 < 8)
        data(r, how);
    else if (what % 16 < 10)
        say(r, how);
    else if (what % 16 < 12)
        so_turn_tick(r->turn, r->now += how * (what & 0x40 ? 10U : 2000U));
    else if (what % 16 < 14)
        receive(r, so_read_bytes(&r->input, len), len);
    else if (what % 16 == 14)
        so_turn_probe(r->turn, r->now);
    else if (what < 16)
        so_turn_release(r->turn, r->now);
    else
        so_turn_start(r->turn, r->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    rig *r = calloc(1, sizeof *r);
    so_turn_config config = {.random = {count_up, &r->drawn}, .family = 4, .username = NAME, .credential = CREDENTIAL};
    uint8_t how;

    r->input = so_reader_of(bytes, len);
    r->now = 1000;
    how = so_read_u8(&r->input);
    config.stream = r->stream = how & 1;
    r->sha256 = how & 2;
    if (so_turn_new(&r->turn, &config) != SO_OK)
        abort();
    so_turn_start(r->turn, r->now);
    drain(r);
    while (so_reader_left(&r->input) > 0) {
        act(r);
        for (unsigned i = 0; so_turn_deadline(r->turn) <= r->now; i++) {
            if (i > 100)
                abort(); /* a deadline that stays in the past */
            so_turn_tick(r->turn, r->now);
        }
        drain(r);
    }
    so_turn_free(r->turn);
    free(r);
    return 0;
}
