/* The server between two calls turned evil; and somebody in the room who does not have the link. */
#include "attack/native_call.h"

/* ---- Attack 23: alter, swap, splice, replay, drop ---- */

#define HELLO_KIND 9

typedef enum trick { HONEST, ALTER, ALTER_HEAD, REPLAY, DROP, SWAP, REFLECT, SPLICE_HASH, GARBAGE } trick;

typedef struct evil {
    trick trick;
    int kind; /* of the message that it is done to */
    bool done;
    unsigned from; /* who had said it */
    uint8_t kept[ROOM_PAYLOAD];
    size_t kept_len;
} evil;

/* Past its header of type, kind, sid, counter, and for an answer a hash. */
static size_t body_of(int kind)
{
    return 1 + 1 + SO_SID_LEN + 8 + (kind == SO_SEAL_ANSWER ? SO_SHA256_LEN : 0);
}

static bool meddle_once(room *r, unsigned from, uint8_t *payload, size_t *len)
{
    evil *e = r->user;
    int kind = payload[0] == 1 ? HELLO_KIND : payload[1];

    if (e->kept_len > 0 && e->trick == SWAP && from == e->from) {
        uint8_t kept[ROOM_PAYLOAD];
        size_t kept_len = e->kept_len;

        memcpy(kept, e->kept, kept_len);
        e->kept_len = 0;
        room_tell(r, 1 - from, payload, *len);
        room_tell(r, 1 - from, kept, kept_len);
        return false;
    }
    if (e->done || kind != e->kind || e->trick == HONEST)
        return true;
    /* A gap shows by what comes behind it: end 1 says its state and then an offer, end 0 nothing but a state. */
    if ((e->trick == DROP || e->trick == SWAP) && from == 0)
        return true;
    e->done = true;
    e->from = from;
    switch (e->trick) {
    case ALTER:
        payload[body_of(kind) + 3] ^= 0x10;
        return true;
    case ALTER_HEAD: /* another kind than it was sealed as */
        payload[1] = kind == SO_SEAL_CANDIDATE ? SO_SEAL_BYE : SO_SEAL_CANDIDATE;
        return true;
    case REPLAY:
        room_tell(r, 1 - from, payload, *len);
        return true;
    case SWAP:
        memcpy(e->kept, payload, *len);
        e->kept_len = *len;
        return false;
    case REFLECT:
        room_tell(r, from, payload, *len);
        return true;
    case SPLICE_HASH:
        payload[body_of(kind) - 1] ^= 1;
        return true;
    case GARBAGE:
        payload[0] = 7;
        return true;
    default:
        return false;
    }
}

typedef struct expected {
    trick trick;
    int kind;
    bool back; /* it is the one who had said it that finds out */
    const char *code;
} expected;

static void play(const expected *x, uint64_t seed)
{
    static evil e;
    room r;
    unsigned victim;

    memset(&e, 0, sizeof e);
    e.trick = x->trick;
    e.kind = x->kind;
    room_begin(&r, seed);
    r.user = &e;
    r.meddle = meddle_once;
    room_connect(&r, 0);
    room_run(&r, 100);
    room_connect(&r, 1); /* came last: opens, and offers */
    room_run(&r, 3000);
    if (x->trick == HONEST) {
        assert_true(r.ends[0].opened && r.ends[1].opened);
        for (unsigned i = 0; i < 2; i++) {
            for (int k = 0; k < 10; k++) {
                assert_int_equal(room_send(&r, i), SO_OK);
                room_run(&r, 20);
            }
            room_run(&r, 200);
            assert_int_equal(r.ends[1 - i].frames, 10);
        }
    } else {
        assert_true(e.done);
        victim = x->back ? e.from : 1 - e.from;
        assert_call_failed(&r, victim, SO_DOOR_SEAL, x->code);
        room_run(&r, 40000);
        for (unsigned i = 0; i < 2; i++)
            assert_call_is_silent(&r, i);
    }
    room_end_all(&r);
}

static void a_server_that_meddles_is_caught_at_once(void **state)
{
    static const expected all[] = {
        {HONEST, 0, false, NULL},
        {ALTER, SO_SEAL_STATE, false, "seal-altered"},
        {ALTER, SO_SEAL_OFFER, false, "seal-altered"}, /* that is where the fingerprint stands */
        {ALTER, SO_SEAL_ANSWER, false, "seal-altered"},
        {ALTER_HEAD, SO_SEAL_OFFER, false, "seal-altered"},
        {ALTER_HEAD, SO_SEAL_STATE, false, "seal-altered"},
        {REPLAY, SO_SEAL_STATE, false, "seal-replayed"},
        {REPLAY, SO_SEAL_OFFER, false, "seal-replayed"},
        {REPLAY, SO_SEAL_ANSWER, false, "seal-replayed"},
        {SWAP, SO_SEAL_STATE, false, "seal-gap"},
        {DROP, SO_SEAL_STATE, false, "seal-gap"},
        {REFLECT, SO_SEAL_STATE, true, "seal-reflected"},
        {REFLECT, SO_SEAL_OFFER, true, "seal-reflected"},
        {REFLECT, HELLO_KIND, true, "seal-reflected"},
        {SPLICE_HASH, SO_SEAL_ANSWER, false, "seal-spliced"},
        {GARBAGE, SO_SEAL_STATE, false, "seal-malformed"},
        {GARBAGE, SO_SEAL_OFFER, false, "seal-malformed"},
        {GARBAGE, HELLO_KIND, false, "seal-malformed"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        play(&all[i], 1 + i);
}

/* Hellos are nobody's: a server that puts its own in their place gains an epoch in which it reads and says nothing. */
static bool swap_sids(room *r, unsigned from, uint8_t *payload, size_t *len)
{
    (void)r;
    (void)len;
    if (payload[0] == 1)
        payload[5] ^= (uint8_t)(1 + from);
    return true;
}

static void forged_hellos_open_no_call(void **state)
{
    room r;

    (void)state;
    room_begin(&r, 50);
    r.meddle = swap_sids;
    room_connect(&r, 0);
    room_connect(&r, 1);
    room_run(&r, 60000);
    for (unsigned i = 0; i < 2; i++) {
        assert_call_is_silent(&r, i);
        assert_int_equal(room_sent(&r.ends[i]), 0);
        assert_null(so_call_peer(r.ends[i].call));
    }
    room_end_all(&r);
}

/* In mid-call: it ends by a message that nobody sealed, and nothing of media leaves any more. */
static void an_invention_in_mid_call_ends_it(void **state)
{
    uint8_t invented[100] = {2, SO_SEAL_CANDIDATE};
    uint64_t rtp;
    room r;

    (void)state;
    room_begin(&r, 51);
    room_connect(&r, 0);
    room_connect(&r, 1);
    room_run(&r, 1000);
    assert_true(r.ends[0].opened && r.ends[1].opened);
    assert_int_equal(room_send(&r, 0), SO_OK);
    room_run(&r, 20);
    room_tell(&r, 0, invented, sizeof invented); /* of no session that there is: stale, and nothing happens */
    room_run(&r, 20);
    assert_int_equal(so_call_state_of(r.ends[0].call), SO_CALL_OPEN);
    invented[0] = 3;
    room_tell(&r, 0, invented, sizeof invented);
    room_run(&r, 20);
    assert_call_failed(&r, 0, SO_DOOR_SEAL, "seal-malformed");
    rtp = r.ends[0].sent[SO_DEMUX_RTP];
    room_run(&r, 10000);
    assert_int_equal(r.ends[0].sent[SO_DEMUX_RTP], rtp);
    assert_int_equal(so_call_state_of(r.ends[1].call), SO_CALL_WAITING);
    room_end_all(&r);
}

/* ---- Attack 6 at this level, and old envelopes: what another call said ---- */

typedef struct recorder {
    uint8_t payload[64][4096];
    size_t len[64];
    unsigned from[64], count;
} recorder;

static bool record(room *r, unsigned from, uint8_t *payload, size_t *len)
{
    recorder *rec = r->user;

    if (rec->count < 64 && *len <= sizeof rec->payload[0]) {
        memcpy(rec->payload[rec->count], payload, *len);
        rec->from[rec->count] = from;
        rec->len[rec->count++] = *len;
    }
    return true;
}

/* Every sealed message is one of the other call's, of the same end and kind. */
static bool put_recorded(room *r, unsigned from, uint8_t *payload, size_t *len)
{
    const recorder *rec = r->user;

    for (unsigned i = 0; payload[0] == 2 && i < rec->count; i++)
        if (rec->from[i] == from && rec->payload[i][0] == 2 && rec->payload[i][1] == payload[1]) {
            *len = rec->len[i];
            memcpy(payload, rec->payload[i], *len);
            break;
        }
    return true;
}

static void envelopes_of_another_call_are_of_no_use(void **state)
{
    static recorder rec;

    (void)state;
    for (int same_link = 0; same_link < 2; same_link++) {
        so_invite invite;
        room r;

        memset(&rec, 0, sizeof rec);
        room_begin(&r, 60);
        invite = r.invite;
        r.user = &rec;
        r.meddle = record;
        room_connect(&r, 0);
        room_connect(&r, 1);
        room_run(&r, 1000);
        assert_true(r.ends[0].opened && r.ends[1].opened);
        assert_true(rec.count >= 6);
        room_end_all(&r);
        room_begin(&r, 61);
        if (same_link)
            r.invite = invite;
        r.user = &rec;
        r.meddle = put_recorded;
        room_connect(&r, 0);
        room_connect(&r, 1);
        room_run(&r, 60000);
        for (unsigned i = 0; i < 2; i++) {
            assert_call_is_silent(&r, i);
            assert_int_equal(room_sent(&r.ends[i]), 0);
            assert_true(so_call_report(r.ends[i].call, sim_now())->doors[SO_DOOR_SEAL].state != SO_DOOR_HELD);
        }
        room_end_all(&r);
    }
}

/* ---- Attack 21: somebody who knows the room, and not the link ---- */

typedef struct sitter {
    unsigned hellos, sealed, others;
    uint8_t sid[SO_SID_LEN]; /* the victim's last */
} sitter;

static void sit_and_listen(room *r, unsigned to, const uint8_t *payload, size_t len)
{
    sitter *s = r->user;

    (void)to;
    if (payload[0] == 1 && len == SO_HELLO_LEN) {
        s->hellos++;
        memcpy(s->sid, payload + 2, SO_SID_LEN);
    } else if (payload[0] == 2 && payload[1] == SO_SEAL_STATE) {
        s->sealed++;
    } else {
        s->others++;
    }
    /* What could tell where somebody is, in whatever it heard. */
    for (size_t i = 0; i + 4 <= len; i++) {
        assert_memory_not_equal(payload + i, r->ends[0].base.ip, 4);
        assert_memory_not_equal(payload + i, "10.9", 4);
        assert_memory_not_equal(payload + i, "cand", 4);
        assert_memory_not_equal(payload + i, "a=fi", 4);
    }
}

static void who_has_no_link_sees_no_address_and_no_description(void **state)
{
    (void)state;
    for (int last = 0; last < 2; last++) { /* it comes first, or last */
        uint8_t hello[SO_HELLO_LEN] = {1, 1, 'e', 'v', 'i', 'l'};
        sitter s = {.hellos = 0};
        so_seal wrong;
        so_invite other;
        so_random random;
        room r;

        room_begin(&r, 70);
        random = sim_random();
        r.user = &s;
        r.hear = sit_and_listen;
        if (!last)
            room_join(&r, 1);
        room_connect(&r, 0);
        room_run(&r, 100);
        if (last)
            room_join(&r, 1);
        room_run(&r, 100);
        if (!last)
            memcpy(hello + 2 + SO_SID_LEN, s.sid, SO_SID_LEN); /* answers the hello that it got */
        room_tell(&r, 0, hello, sizeof hello);
        room_run(&r, 5000);
        assert_true(s.hellos > 0 && s.sealed == 1); /* the victim took it for somebody, and said one sealed state */
        /* Its own state, under another link's keys: refused as altered, before anything of a peer exists. */
        assert_int_equal(so_invite_make(&other, &random), SO_OK);
        so_seal_start(&wrong, &other, random);
        {
            uint8_t out[200], none[SO_HELLO_LEN], text[200], answer[SO_HELLO_LEN] = {1, 1};
            static const char said[] = "{\"call\":null,\"audio\":true,\"agent\":\"native\"}";
            so_seal_kind kind;
            size_t len;
            bool reply;

            memcpy(answer + 2, s.sid, SO_SID_LEN);
            assert_int_equal(so_seal_take(&wrong, answer, sizeof answer, &kind, text, &len, none, &reply),
                             SO_SEAL_HELLO);
            assert_int_equal(
                so_seal_make(&wrong, SO_SEAL_STATE, (so_slice){said, sizeof said - 1}, (so_slice){NULL, 0}, out, &len),
                SO_OK);
            memcpy(out + 2, hello + 2, SO_SID_LEN); /* as the session that the victim knows it by */
            room_tell(&r, 0, out, len);
        }
        room_run(&r, 60000);
        assert_call_failed(&r, 0, SO_DOOR_SEAL, "seal-altered");
        assert_int_equal(s.others, 0);
        assert_int_equal(room_sent(&r.ends[0]), 0); /* no datagram at all, STUN to servers neither */
        assert_null(so_call_peer(r.ends[0].call));
        assert_null(memmem(r.ends[0].texts, r.ends[0].texts_len, "10.9.8", 6));
        assert_null(memmem(r.ends[0].texts, r.ends[0].texts_len, "candidate", 9));
        so_seal_end(&wrong);
        so_invite_wipe(&other);
        room_end_all(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_meddles_is_caught_at_once),
        cmocka_unit_test(forged_hellos_open_no_call),
        cmocka_unit_test(an_invention_in_mid_call_ends_it),
        cmocka_unit_test(envelopes_of_another_call_are_of_no_use),
        cmocka_unit_test(who_has_no_link_sees_no_address_and_no_description),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
