#include "turn_server.h"

#include <stdio.h>
#include <string.h>

#define PERMISSION_MS 300000
#define CHANNEL_MS 600000
#define ANSWER 600

void sim_turn_open(sim_turn *turn, const so_address *relay)
{
    memset(turn, 0, sizeof *turn);
    turn->relay = *relay;
    turn->user = "1800000000:member";
    turn->password = "a password of this test alone";
    turn->realm = "sotto.test";
    turn->lifetime = 600;
    sim_turn_new_nonce(turn);
}

void sim_turn_new_nonce(sim_turn *turn)
{
    static const char plain[] = "nonce", cookie[] = "obMatJos2wAAA";
    unsigned number = 0;
    const char *dash = strrchr(turn->nonce, '-');

    if (dash != NULL)
        (void)sscanf(dash + 1, "%u", &number);
    (void)snprintf(turn->nonce, sizeof turn->nonce, "%s-%u", turn->sha256 ? cookie : plain, number + 1);
}

sim_turn_client *sim_turn_client_of(sim_turn *turn, so_msec now, const so_address *client)
{
    for (unsigned i = 0; i < SIM_TURN_CLIENTS; i++) {
        sim_turn_client *c = &turn->clients[i];

        c->used = c->used && now < c->until;
        if (c->used && so_address_equal(&c->from, client))
            return c;
    }
    return NULL;
}

static sim_turn_grant *grant_of(sim_turn_client *c, so_msec now, const so_address *peer, uint16_t number)
{
    for (unsigned i = 0; i < c->count; i++) {
        sim_turn_grant *g = &c->grants[i];

        if (now >= g->until || (number == 0) != (g->number == 0))
            continue;
        if (number != 0 ? g->number == number : so_address_same_ip(&g->peer, peer))
            return g;
    }
    return NULL;
}

static void grant(sim_turn_client *c, so_msec until, const so_address *peer, uint16_t number)
{
    for (unsigned i = 0; i < c->count; i++)
        if (c->grants[i].number == number && so_address_equal(&c->grants[i].peer, peer)) {
            c->grants[i].until = until;
            return;
        }
    if (c->count < SIM_TURN_PEERS)
        c->grants[c->count++] = (sim_turn_grant){number, *peer, until};
}

/* ---- credentials ---- */

static so_hmac *key_of(const sim_turn *turn)
{
    char text[256];
    uint8_t made[SO_SHA256_LEN];
    int len = snprintf(text, sizeof text, "%s:%s:%s", turn->user, turn->realm, turn->password);
    so_slice all = {text, (size_t)len};
    so_hmac *key = NULL;
    so_status status = turn->sha256 ? so_sha256(made, &all, 1) : so_md5(made, &all, 1);

    if (status == SO_OK)
        status = turn->sha256 ? so_hmac_sha256_new(&key, (so_slice){made, SO_SHA256_LEN})
                              : so_hmac_sha1_new(&key, (so_slice){made, SO_MD5_LEN});
    return status == SO_OK ? key : NULL;
}

static bool is(so_slice slice, const void *bytes, size_t len)
{
    return slice.bytes != NULL && slice.len == len && memcmp(slice.bytes, bytes, len) == 0;
}

static bool names_user(const sim_turn *turn, const so_stun_message *m)
{
    char text[256];
    uint8_t hash[SO_SHA256_LEN];
    int len = snprintf(text, sizeof text, "%s:%s", turn->user, turn->realm);
    so_slice all = {text, (size_t)len};

    if (!turn->sha256)
        return is(m->username, turn->user, strlen(turn->user));
    return so_sha256(hash, &all, 1) == SO_OK && m->username.bytes == NULL &&
           is(so_stun_find(m, SO_STUN_USERHASH), hash, sizeof hash);
}

/* What is offered, and the algorithm that must be chosen: SHA-256, then MD5. */
static const uint8_t algorithms[] = {0, 2, 0, 0, 0, 1, 0, 0};

static bool chooses(const sim_turn *turn, const so_stun_message *m)
{
    static const uint8_t chosen[] = {0, 2, 0, 0};

    if (!turn->sha256)
        return so_stun_find(m, SO_STUN_PASSWORD_ALGORITHM).bytes == NULL;
    return is(so_stun_find(m, SO_STUN_PASSWORD_ALGORITHMS), algorithms, sizeof algorithms) &&
           is(so_stun_find(m, SO_STUN_PASSWORD_ALGORITHM), chosen, sizeof chosen);
}

/* 0: it is authentic; else 401 or 438. */
static uint16_t fault_of(const sim_turn *turn, const so_stun_message *m)
{
    so_hmac *key = key_of(turn);
    bool good = key != NULL && names_user(turn, m) && is(m->realm, turn->realm, strlen(turn->realm)) &&
                chooses(turn, m) && so_stun_authentic(m, key);

    so_hmac_free(key);
    if (!good)
        return SO_STUN_UNAUTHENTICATED;
    return is(m->nonce, turn->nonce, strlen(turn->nonce)) ? 0 : SO_STUN_STALE_NONCE;
}

/* ---- answers ---- */

typedef struct answer {
    so_writer w;
    uint8_t bytes[ANSWER];
} answer;

static void begin(answer *a, so_stun_class kind, const so_stun_message *m)
{
    a->w = so_writer_of(a->bytes, sizeof a->bytes);
    so_stun_begin(&a->w, kind, m->method, m->id);
}

static void say(sim_turn *turn, const so_address *client, answer *a, bool sign)
{
    so_hmac *key = sign && !turn->open ? key_of(turn) : NULL;

    if (so_stun_end(&a->w, key, false) == SO_OK)
        turn->to_client(turn->user_data, client, a->bytes, so_writer_len(&a->w));
    so_hmac_free(key);
}

static void refuse(sim_turn *turn, const so_address *client, const so_stun_message *m, uint16_t error)
{
    answer a;
    bool challenge = error == SO_STUN_UNAUTHENTICATED || error == SO_STUN_STALE_NONCE;

    begin(&a, SO_STUN_ERROR, m);
    so_stun_put_error(&a.w, error, "No");
    if (challenge) {
        so_stun_put(&a.w, SO_STUN_REALM, turn->realm, strlen(turn->realm));
        so_stun_put(&a.w, SO_STUN_NONCE, turn->nonce, strlen(turn->nonce));
        if (turn->sha256 && !turn->strips)
            so_stun_put(&a.w, SO_STUN_PASSWORD_ALGORITHMS, algorithms, sizeof algorithms);
        turn->challenges += error == SO_STUN_UNAUTHENTICATED;
        turn->stale += error == SO_STUN_STALE_NONCE;
    }
    say(turn, client, &a, !challenge);
}

static void grant_allocation(sim_turn *turn, const sim_turn_client *c, const so_stun_message *m)
{
    answer a;

    begin(&a, SO_STUN_SUCCESS, m);
    so_stun_put_xor_address(&a.w, SO_STUN_XOR_RELAYED_ADDRESS, &c->relayed);
    so_stun_put_xor_address(&a.w, SO_STUN_XOR_MAPPED_ADDRESS, &c->from);
    so_stun_put_u32(&a.w, SO_STUN_LIFETIME, turn->lifetime);
    say(turn, &c->from, &a, true);
}

static void allocate(sim_turn *turn, so_msec now, const so_address *client, const so_stun_message *m)
{
    static const uint8_t udp[] = {17, 0, 0, 0};
    sim_turn_client *c = sim_turn_client_of(turn, now, client);
    bool right = is(so_stun_find(m, SO_STUN_REQUESTED_TRANSPORT), udp, sizeof udp);

    if (c != NULL && memcmp(c->id, m->id, SO_STUN_ID) == 0) {
        grant_allocation(turn, c, m);
        return;
    }
    if (turn->refuses != 0 || !right || c != NULL) {
        refuse(turn, client, m,
               turn->refuses != 0 ? turn->refuses
               : right            ? SO_STUN_ALLOCATION_MISMATCH
                                  : SO_STUN_UNSUPPORTED_TRANSPORT);
        return;
    }
    for (unsigned i = 0; c == NULL && i < SIM_TURN_CLIENTS; i++)
        if (!turn->clients[i].used)
            c = &turn->clients[i];
    if (c == NULL) {
        refuse(turn, client, m, SO_STUN_NO_CAPACITY);
        return;
    }
    *c = (sim_turn_client){.used = true, .from = *client, .relayed = turn->relay};
    memcpy(c->id, m->id, SO_STUN_ID);
    c->until = now + (so_msec)turn->lifetime * 1000;
    turn->relay.port++;
    turn->allocates++;
    grant_allocation(turn, c, m);
}

static void refresh(sim_turn *turn, so_msec now, sim_turn_client *c, const so_stun_message *m)
{
    so_slice value = so_stun_find(m, SO_STUN_LIFETIME);
    so_reader r = so_reader_of(value.bytes, value.len);
    uint32_t asked = so_read_u32(&r), lifetime = value.bytes != NULL && asked == 0 ? 0 : turn->lifetime;
    so_address client = c->from;
    answer a;

    if (lifetime == 0)
        turn->releases++;
    else
        turn->refreshes++;
    c->until = now + (so_msec)lifetime * 1000;
    begin(&a, SO_STUN_SUCCESS, m);
    so_stun_put_u32(&a.w, SO_STUN_LIFETIME, lifetime);
    say(turn, &client, &a, true);
}

static void give(sim_turn *turn, so_msec now, sim_turn_client *c, const so_stun_message *m)
{
    bool channel = m->method == SO_STUN_CHANNEL_BIND;
    so_slice value = so_stun_find(m, SO_STUN_CHANNEL_NUMBER);
    so_reader r = so_reader_of(value.bytes, value.len);
    uint16_t number = channel ? so_read_u16(&r) : 0;
    so_address peer;
    answer a;

    if (so_stun_xor_address_of(m, so_stun_find(m, SO_STUN_XOR_PEER_ADDRESS), &peer) != SO_OK ||
        (channel && (number < 0x4000 || number > 0x4fff))) {
        refuse(turn, &c->from, m, SO_STUN_BAD_REQUEST);
        return;
    }
    if (turn->forbids != 0) {
        refuse(turn, &c->from, m, turn->forbids);
        return;
    }
    /* RFC 8656 §12: a binding of either to another is refused while it lasts. */
    for (unsigned i = 0; channel && i < c->count; i++) {
        const sim_turn_grant *g = &c->grants[i];

        if (g->number != 0 && now < g->until + PERMISSION_MS &&
            (g->number == number) != so_address_equal(&g->peer, &peer)) {
            refuse(turn, &c->from, m, SO_STUN_BAD_REQUEST);
            return;
        }
    }
    if (channel) {
        grant(c, now + CHANNEL_MS, &peer, number);
        turn->channels++;
    } else {
        turn->permissions++;
    }
    peer.port = 0;
    grant(c, now + PERMISSION_MS, &peer, 0);
    begin(&a, SO_STUN_SUCCESS, m);
    say(turn, &c->from, &a, true);
}

static void take_request(sim_turn *turn, so_msec now, const so_address *client, const so_stun_message *m)
{
    sim_turn_client *c = sim_turn_client_of(turn, now, client);
    uint16_t fault = turn->open ? 0 : fault_of(turn, m);

    if (fault != 0)
        refuse(turn, client, m, fault);
    else if (m->method == SO_STUN_ALLOCATE)
        allocate(turn, now, client, m);
    else if (c == NULL)
        refuse(turn, client, m, SO_STUN_ALLOCATION_MISMATCH);
    else if (m->method == SO_STUN_REFRESH)
        refresh(turn, now, c, m);
    else if (m->method == SO_STUN_CREATE_PERMISSION || m->method == SO_STUN_CHANNEL_BIND)
        give(turn, now, c, m);
    else
        refuse(turn, client, m, SO_STUN_BAD_REQUEST);
}

/* ---- data ---- */

static void pass(sim_turn *turn, so_msec now, sim_turn_client *c, const so_address *peer, so_slice data)
{
    if (data.bytes == NULL || grant_of(c, now, peer, 0) == NULL)
        turn->dropped++;
    else
        turn->to_peer(turn->user_data, &c->relayed, peer, data.bytes, data.len);
}

static void take_channel(sim_turn *turn, so_msec now, const so_address *client, const uint8_t *bytes, size_t len)
{
    sim_turn_client *c = sim_turn_client_of(turn, now, client);
    so_reader r = so_reader_of(bytes, len);
    uint16_t number = so_read_u16(&r), inside = so_read_u16(&r);
    const uint8_t *data = so_read_bytes(&r, inside);
    const sim_turn_grant *g = c == NULL ? NULL : grant_of(c, now, NULL, number);

    if (r.failed || g == NULL) {
        turn->dropped++;
        return;
    }
    turn->channel_data++;
    pass(turn, now, c, &g->peer, (so_slice){data, inside});
}

void sim_turn_from_client(sim_turn *turn, so_msec now, const so_address *client, const uint8_t *bytes, size_t len)
{
    sim_turn_client *c = sim_turn_client_of(turn, now, client);
    so_stun_message m;
    so_address peer;

    if (len > 0 && (bytes[0] & 0xf0) == 0x40) {
        take_channel(turn, now, client, bytes, len);
        return;
    }
    if (so_stun_parse(&m, bytes, len) != SO_OK || m.unknown_count > 0) {
        turn->dropped++;
    } else if (m.kind == SO_STUN_REQUEST) {
        take_request(turn, now, client, &m);
    } else if (m.kind == SO_STUN_INDICATION && m.method == SO_STUN_SEND && c != NULL &&
               so_stun_xor_address_of(&m, so_stun_find(&m, SO_STUN_XOR_PEER_ADDRESS), &peer) == SO_OK) {
        turn->indications++;
        pass(turn, now, c, &peer, so_stun_find(&m, SO_STUN_DATA));
    } else {
        turn->dropped++;
    }
}

void sim_turn_from_peer(sim_turn *turn, so_msec now, const so_address *relayed, const so_address *peer,
                        const uint8_t *bytes, size_t len)
{
    static const uint8_t id[SO_STUN_ID] = "indication.";
    uint8_t out[2200];
    so_writer w = so_writer_of(out, sizeof out);

    for (unsigned i = 0; i < SIM_TURN_CLIENTS; i++) {
        sim_turn_client *c = &turn->clients[i];
        const sim_turn_grant *channel = NULL;

        if (!c->used || now >= c->until || !so_address_equal(&c->relayed, relayed) || grant_of(c, now, peer, 0) == NULL)
            continue;
        for (unsigned k = 0; k < c->count; k++)
            if (c->grants[k].number != 0 && now < c->grants[k].until && so_address_equal(&c->grants[k].peer, peer))
                channel = &c->grants[k];
        if (channel != NULL) {
            so_write_u16(&w, channel->number);
            so_write_u16(&w, (uint16_t)len);
            so_write_bytes(&w, bytes, len);
        } else {
            so_stun_begin(&w, SO_STUN_INDICATION, SO_STUN_DATA_OF_PEER, id);
            so_stun_put_xor_address(&w, SO_STUN_XOR_PEER_ADDRESS, peer);
            so_stun_put(&w, SO_STUN_DATA, bytes, len);
            if (so_stun_end(&w, NULL, false) != SO_OK)
                return;
        }
        if (!w.failed)
            turn->to_client(turn->user_data, &c->from, out, so_writer_len(&w));
        return;
    }
}
