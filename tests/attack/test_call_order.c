/*
 * Attack 18: somebody who has the link says all that can be said, in every order. Whatever that is, nothing is sent
 * before both ends have said their state, nothing but STUN and DTLS before every door holds, and no sound without an
 * open call.
 */
#include "attack/native_call.h"

#define SAYS 5 /* kinds of the seal */
#define LONGEST 4
#define SDP_ROOM (2 * SO_PEER_SDP_MAX)

/* The other end: a real peer and a real seal, without any order of its own. */
typedef struct puppet {
    so_seal seal;
    so_peer *peer;
    bool victim_said, said;  /* states */
    uint8_t offer[SDP_ROOM]; /* the text of the victim's last one, to be answered */
    size_t offer_len;
    char own_offer[SO_PEER_SDP_MAX];
} puppet;

static void puppet_carry(room *r)
{
    puppet *p = r->user;
    so_peer_event event;
    so_datagram out;
    uint8_t bytes[2048];

    while (so_peer_transmit(p->peer, sim_now(), &out)) {
        memcpy(bytes, out.bytes, out.len);
        so_call_receive(r->ends[0].call, sim_now(), &r->ends[0].base, &out.local, bytes, out.len);
    }
    while (so_peer_event_next(p->peer, sim_now(), &event))
        ;
}

static void to_puppet(room *r, unsigned from, const so_datagram *datagram)
{
    puppet *p = r->user;
    uint8_t bytes[2048];

    (void)from;
    memcpy(bytes, datagram->bytes, datagram->len);
    if (so_address_equal(&datagram->remote, &r->ends[1].base))
        so_peer_receive(p->peer, sim_now(), &datagram->remote, &datagram->local, bytes, datagram->len);
}

/* "sdp" of a plaintext, as C has it. */
static size_t sdp_of(const uint8_t *text, size_t len, char *sdp, size_t cap)
{
    json_t *root = json_loadb((const char *)text, len, 0, NULL);
    const char *value = json_string_value(json_object_get(root, "sdp"));
    size_t n = value == NULL ? 0 : strlen(value);

    assert_true(n < cap);
    if (value != NULL)
        memcpy(sdp, value, n + 1);
    json_decref(root);
    return n;
}

static void puppet_hears(room *r, unsigned to, const uint8_t *payload, size_t len)
{
    static uint8_t text[ROOM_PAYLOAD];
    static char sdp[SDP_ROOM];
    puppet *p = r->user;
    uint8_t hello[SO_HELLO_LEN];
    so_sdp_taken taken;
    so_seal_kind kind;
    size_t text_len;
    bool reply;
    so_seal_result result = so_seal_take(&p->seal, payload, len, &kind, text, &text_len, hello, &reply);

    (void)to;
    if (result == SO_SEAL_HELLO && reply)
        room_tell(r, 0, hello, sizeof hello);
    if (result != SO_SEAL_OPENED)
        return;
    if (kind == SO_SEAL_STATE)
        p->victim_said = true;
    if (kind == SO_SEAL_OFFER) {
        memcpy(p->offer, text, text_len);
        p->offer_len = text_len;
    }
    if (kind == SO_SEAL_ANSWER && so_peer_signaling(p->peer) == SO_SDP_AWAITS_ANSWER) {
        size_t n = sdp_of(text, text_len, sdp, sizeof sdp);

        assert_int_equal(so_peer_take(p->peer, sim_now(), SO_SDP_ANSWER, sdp, n, &taken, NULL), SO_OK);
    }
}

static void say_sealed(room *r, so_seal_kind kind, const char *text, so_slice offer)
{
    static uint8_t out[ROOM_PAYLOAD];
    puppet *p = r->user;
    size_t len;

    if (so_seal_make(&p->seal, kind, (so_slice){text, strlen(text)}, offer, out, &len) == SO_OK)
        room_tell(r, 0, out, len);
}

static void say_description(room *r, so_seal_kind kind, const char *sdp, so_slice offer)
{
    static char text[ROOM_PAYLOAD];
    so_writer w = so_writer_of(text, sizeof text);

    so_write_format(&w, "{\"type\":\"%s\",\"sdp\":", kind == SO_SEAL_OFFER ? "offer" : "answer");
    so_write_json(&w, sdp, strlen(sdp));
    so_write_text(&w, "}");
    so_write_u8(&w, 0);
    assert_false(w.failed);
    say_sealed(r, kind, text, offer);
}

/* The right answer to the offer that there is; else something that looks like one. */
static void say_answer(room *r)
{
    static char sdp[SDP_ROOM];
    puppet *p = r->user;
    so_sdp_taken taken;
    so_error err;
    size_t len = p->offer_len == 0 ? 0 : sdp_of(p->offer, p->offer_len, sdp, sizeof sdp);

    if (len > 0 && so_peer_take(p->peer, sim_now(), SO_SDP_OFFER, sdp, len, &taken, &err) == SO_OK && !taken.ignored)
        assert_int_equal(so_peer_answer(p->peer, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    else
        (void)snprintf(sdp, sizeof sdp, "%s", p->own_offer);
    say_description(r, SO_SEAL_ANSWER, sdp, (so_slice){p->offer, p->offer_len});
}

static void say(room *r, so_seal_kind kind)
{
    puppet *p = r->user;
    so_error err;

    switch (kind) {
    case SO_SEAL_STATE:
        say_sealed(r, kind, "{\"call\":null,\"audio\":true,\"video\":false,\"screen\":false,\"agent\":\"native\"}",
                   (so_slice){NULL, 0});
        p->said = true;
        break;
    case SO_SEAL_OFFER:
        if (so_peer_signaling(p->peer) == SO_SDP_STABLE)
            assert_int_equal(so_peer_offer(p->peer, sim_now(), p->own_offer, sizeof p->own_offer, &err), SO_OK);
        say_description(r, kind, p->own_offer, (so_slice){NULL, 0});
        break;
    case SO_SEAL_ANSWER:
        say_answer(r);
        break;
    case SO_SEAL_CANDIDATE:
        say_sealed(r, kind, "{\"candidate\":\"candidate:1 1 udp 2130706431 10.9.8.2 5000 typ host\",\"sdpMid\":\"0\"}",
                   (so_slice){NULL, 0});
        break;
    case SO_SEAL_BYE:
        say_sealed(r, kind, "{\"reason\":\"hangup\"}", (so_slice){NULL, 0});
        break;
    }
}

static void puppet_begin(room *r, puppet *p, bool opens)
{
    so_peer_config config = {.engine = &r->engine,
                             .random = sim_random(),
                             .now = sim_now(),
                             .unix_ms = (uint64_t)SIM_EPOCH * 1000,
                             .polite = !opens};
    uint8_t hello[SO_HELLO_LEN];
    size_t track;
    so_error err;

    memset(p, 0, sizeof *p);
    so_seal_start(&p->seal, &r->invite, sim_random());
    assert_int_equal(so_peer_new(&p->peer, &config, &err), SO_OK);
    assert_int_equal(so_peer_add_track(p->peer, SO_SDP_AUDIO, SO_SDP_SENDRECV, "s", "t", &track), SO_OK);
    assert_int_equal(so_peer_add_base(p->peer, sim_now(), &r->ends[1].base), SO_OK);
    so_peer_no_more_bases(p->peer, sim_now());
    r->user = p;
    r->hear = puppet_hears;
    r->catch = to_puppet;
    if (!opens) {
        room_join(r, 1);
        room_connect(r, 0);
        room_settle(r);
        return;
    }
    room_connect(r, 0);
    room_settle(r);
    room_join(r, 1);
    assert_int_equal(so_seal_open_epoch(&p->seal, hello), SO_OK);
    room_tell(r, 0, hello, sizeof hello);
    room_settle(r);
}

/* Both for so long, and what must hold at every instant. */
static void run_both(room *r, so_msec ms)
{
    puppet *p = r->user;
    so_msec until = sim_now() + ms;

    while (sim_now() < until) {
        bool over = so_call_is_over(r->ends[0].call);

        room_run(r, 10);
        so_peer_tick(p->peer, sim_now());
        puppet_carry(r);
        room_settle(r);
        assert_true((p->said && p->victim_said) || room_sent(&r->ends[0]) == 0);
        assert_true(r->ends[0].opened || room_media(&r->ends[0]) == 0);
        if (so_call_state_of(r->ends[0].call) != SO_CALL_OPEN)
            assert_int_equal(room_send(r, 0), SO_STATE);
        if (over)
            break; /* its last words are said */
    }
}

static bool one_order(const so_seal_kind *order, unsigned count, bool opens, uint64_t seed)
{
    static puppet p;
    bool opened, talks;
    uint64_t media;
    room r;

    room_begin(&r, seed);
    puppet_begin(&r, &p, opens);
    assert_int_equal(room_send(&r, 0), SO_STATE);
    for (unsigned i = 0; i < count; i++) {
        say(&r, order[i]);
        run_both(&r, 20);
    }
    run_both(&r, 600);
    opened = r.ends[0].opened;
    assert_true(p.victim_said);
    /* An end that did not hear a state first took nothing. */
    if (order[0] != SO_SEAL_STATE) {
        assert_call_failed(&r, 0, SO_DOOR_SEAL, order[0] == SO_SEAL_ANSWER ? "seal-spliced" : "seal-malformed");
        assert_int_equal(room_sent(&r.ends[0]), 0);
    }
    talks = room_send(&r, 0) == SO_OK;
    assert_true(!talks || (opened && so_call_state_of(r.ends[0].call) == SO_CALL_OPEN));
    so_call_hang_up(r.ends[0].call, sim_now());
    room_settle(&r);
    media = room_media(&r.ends[0]);
    assert_int_equal(room_send(&r, 0), SO_STATE);
    room_run(&r, 5000);
    assert_int_equal(room_media(&r.ends[0]), media);
    so_peer_free(p.peer);
    so_seal_end(&p.seal);
    room_end_all(&r);
    return opened;
}

/* Does it open where it must, and nowhere else? The first description of the epoch is the opener's. */
static bool must_open(const so_seal_kind *order, unsigned count, bool opens)
{
    if (order[0] != SO_SEAL_STATE)
        return false;
    for (unsigned i = 1; i < count; i++) {
        if (order[i] == SO_SEAL_BYE)
            return false;
        if (order[i] == (opens ? SO_SEAL_OFFER : SO_SEAL_ANSWER))
            return true;
        if (opens && order[i] == SO_SEAL_ANSWER)
            return false; /* to an offer that the victim never made: spliced */
    }
    return false;
}

static void try_orders(bool opens)
{
    unsigned total = 0, open = 0;

    for (unsigned count = 1; count <= LONGEST; count++) {
        unsigned orders = 1;

        for (unsigned i = 0; i < count; i++)
            orders *= SAYS;
        for (unsigned n = 0; n < orders; n++, total++) {
            so_seal_kind order[LONGEST];
            unsigned rest = n;
            bool opened, must;

            for (unsigned i = 0; i < count; i++, rest /= SAYS)
                order[i] = (so_seal_kind)(rest % SAYS);
            opened = one_order(order, count, opens, 1 + total);
            must = must_open(order, count, opens);
            if (opened && !must)
                fail_msg("order %u of %u messages opens a call, and should not", n, count);
            /* what follows the offer or the answer at once may break it off before it is open */
            if (!opened && must && (order[count - 1] == SO_SEAL_OFFER || order[count - 1] == SO_SEAL_ANSWER) &&
                count == 2)
                fail_msg("order %u of %u messages opens no call, and should", n, count);
            open += opened;
        }
    }
    assert_int_equal(total, 5 + 25 + 125 + 625);
    assert_true(open > 10 && open < total / 4);
}

static void all_orders_of_messages_to_one_who_waited(void **state)
{
    (void)state;
    try_orders(true);
}

static void all_orders_of_messages_to_one_who_came_last(void **state)
{
    (void)state;
    try_orders(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_orders_of_messages_to_one_who_waited),
        cmocka_unit_test(all_orders_of_messages_to_one_who_came_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
