/*
 * ice: an agent in the middle of its checks, and a network that says what it likes. Some of the datagrams are signed
 * rightly by the target, as a hostile peer would; as long as none was, nothing may count and no media may go anywhere.
 */
#include "ice/ice.h"
#include "stun/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEER_UFRAG "peer"
#define PEER_PWD "0123456789012345678901"
#define SENT 16

typedef struct rig {
    so_ice *ice;
    so_msec now;
    uint64_t drawn;
    bool signed_once; /* something went in that whoever has the passwords may have sent */
    so_ice_datagram sent[SENT];
    unsigned sent_count;
    so_reader input;
} rig;

static so_status count_up(void *user, uint8_t *out, size_t len)
{
    uint64_t *drawn = user;

    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(++*drawn * 0x9e3779b97f4a7c15 >> 56);
    return SO_OK;
}

static so_address address_of(uint8_t draw)
{
    uint8_t ip[16] = {10, 0, 0, (uint8_t)(draw & 0x1f)};

    if (draw & 0x20) {
        ip[0] = 0x20;
        ip[1] = 1;
        ip[15] = draw & 0x1f;
    }
    return so_address_of(ip, draw & 0x20 ? 16 : 4, draw & 0x40 ? 2000 : 1000);
}

static void drain(rig *r)
{
    so_ice_datagram d;
    so_ice_event e;
    so_address local, remote;
    unsigned count = 0;
    char line[SO_ICE_LINE];

    while (so_ice_transmit(r->ice, &d)) {
        so_stun_message m;
        if (++count > 1000 || so_stun_parse(&m, d.bytes, d.len) != SO_OK || !m.fingerprint)
            abort();
        r->sent[r->sent_count++ % SENT] = d;
    }
    for (count = 0; so_ice_next_event(r->ice, &e); count++)
        if (count > 200 ||
            (e.kind == SO_ICE_LOCAL_CANDIDATE && so_ice_candidate_format(&e.local, line, sizeof line) != SO_OK))
            abort();
    if (so_ice_deadline(r->ice) < r->now)
        abort();
    if (so_ice_send_pair(r->ice, &local, &remote) && (!r->signed_once || !so_ice_counts(r->ice, &local, &remote)))
        abort();
    for (unsigned i = 0; !r->signed_once && i < 256; i++) {
        local = address_of(1);
        remote = address_of((uint8_t)i);
        if (so_ice_counts(r->ice, &local, &remote))
            abort();
    }
}

static void receive(rig *r, const uint8_t *bytes, size_t len)
{
    so_address local = address_of(so_read_u8(&r->input)), remote = address_of(so_read_u8(&r->input));

    so_ice_receive(r->ice, r->now, &local, &remote, bytes, len);
}

/* Arbitrary bytes, or arbitrary attributes in a message that is signed, addressed and checksummed rightly. */
static void say(rig *r, uint8_t how)
{
    size_t len = so_read_u8(&r->input), left = so_reader_left(&r->input);
    const uint8_t *bytes = so_read_bytes(&r->input, len < left ? len : left);
    uint8_t out[600];
    so_writer w = so_writer_of(out, sizeof out);
    so_hmac *key = NULL;
    const char *pwd = how & 1 ? so_ice_pwd(r->ice) : PEER_PWD;
    char name[64];

    len = len < left ? len : left;
    if (how & 2) {
        receive(r, bytes, len);
        return;
    }
    if (how & 1) {
        (void)snprintf(name, sizeof name, "%s:" PEER_UFRAG, so_ice_ufrag(r->ice));
        so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, (const uint8_t *)"fuzz fuzz fu");
        so_stun_put(&w, SO_STUN_USERNAME, name, strlen(name));
    } else {
        so_stun_begin(&w, how & 4 ? SO_STUN_ERROR : SO_STUN_SUCCESS, SO_STUN_BINDING,
                      r->sent[how / 16 % SENT].bytes + 8);
    }
    so_write_bytes(&w, bytes, len / 4 * 4);
    if (so_hmac_sha1_new(&key, (so_slice){pwd, strlen(pwd)}) != SO_OK)
        abort();
    if (so_stun_end(&w, key, true) == SO_OK) {
        r->signed_once = true;
        receive(r, out, so_writer_len(&w));
    }
    so_hmac_free(key);
}

/* The right answer to something that the agent asked. */
static void answer(rig *r, uint8_t which)
{
    const so_ice_datagram *d = &r->sent[which % SENT];
    uint8_t out[200];
    so_writer w = so_writer_of(out, sizeof out);
    so_hmac *key = NULL;

    if (d->len == 0)
        return;
    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, d->bytes + 8);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, which & 0x80 ? &d->remote : &d->local);
    if (so_hmac_sha1_new(&key, (so_slice){PEER_PWD, strlen(PEER_PWD)}) != SO_OK || so_stun_end(&w, key, true) != SO_OK)
        abort();
    so_hmac_free(key);
    r->signed_once = true;
    so_ice_receive(r->ice, r->now, &d->local, &d->remote, out, so_writer_len(&w));
}

static void candidate(rig *r)
{
    so_ice_candidate c = {.component = 1};
    so_status status;

    c.foundation[0] = (char)('a' + so_read_u8(&r->input) % 8);
    c.priority = so_read_u8(&r->input) * 1000U;
    c.address = address_of(so_read_u8(&r->input));
    status = so_ice_add_remote(r->ice, r->now, &c);
    if (status != SO_OK && c.priority != 0 && so_ice_state_of(r->ice) != SO_ICE_CLOSED)
        abort();
}

static void act(rig *r)
{
    uint8_t what = so_read_u8(&r->input), how = so_read_u8(&r->input);
    so_address base = address_of(how);
    so_status status = SO_OK;
    char pwd[sizeof PEER_PWD + 1];

    if (what % 16 < 7)
        say(r, how);
    else if (what % 16 < 9)
        answer(r, how);
    else if (what % 16 == 9)
        candidate(r);
    else if (what % 16 == 10)
        so_ice_tick(r->ice, r->now += how * (what & 0x40 ? 1U : 100U));
    else if (what % 16 == 11)
        status = so_ice_add_base(r->ice, r->now, &base);
    else if (what % 16 == 12)
        status = so_ice_remove_base(r->ice, r->now, &base);
    else if (what % 16 == 13)
        status = so_ice_restart(r->ice, r->now);
    else if (what % 16 == 14) {
        /* the same password with one character more is the peer's restart */
        (void)snprintf(pwd, sizeof pwd, "%s%s", PEER_PWD, how & 1 ? "x" : "");
        status = so_ice_set_remote(r->ice, r->now, PEER_UFRAG, pwd, how & 2);
    } else if (what < 16)
        so_ice_close(r->ice);
    else if (what < 128)
        so_ice_heard(r->ice, r->now);
    else
        so_ice_remote_end(r->ice, r->now);
    if (status == SO_NO_MEMORY || status == SO_CRYPTO)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    rig *r = calloc(1, sizeof *r);
    so_ice_config config = {.random = {count_up, &r->drawn}};
    so_address base = address_of(1), server = address_of(30), peer = address_of(2);
    so_ice_candidate c = {.foundation = "1", .component = 1, .priority = 1000, .address = peer};
    uint8_t how;

    r->input = so_reader_of(bytes, len);
    r->now = 1000;
    how = so_read_u8(&r->input);
    config.controlling = how & 1;
    if (so_ice_new(&r->ice, &config) != SO_OK || so_ice_add_base(r->ice, r->now, &base) != SO_OK ||
        so_ice_add_stun_server(r->ice, r->now, &server) != SO_OK)
        abort();
    if ((how & 2) == 0 && (so_ice_set_remote(r->ice, r->now, PEER_UFRAG, PEER_PWD, false) != SO_OK ||
                           so_ice_add_remote(r->ice, r->now, &c) != SO_OK))
        abort();
    so_ice_no_more_bases(r->ice, r->now);
    drain(r);
    while (so_reader_left(&r->input) > 0) {
        act(r);
        if (so_ice_deadline(r->ice) < r->now)
            so_ice_tick(r->ice, r->now);
        drain(r);
    }
    so_ice_free(r->ice);
    free(r);
    return 0;
}
