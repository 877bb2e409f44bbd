/* Two peers side by side: sound, roles, what is refused, and what goes on in mid-call. */
#include "peer_rig.h"

#include "peer/demux.h"

static void send_frames(rig *r, int from, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint8_t bytes[40];
        so_peer_frame frame = {.bytes = bytes, .len = sizeof bytes, .time = i * 960, .level_known = true, .level = 30};

        memset(bytes, (int)i, sizeof bytes);
        bytes[0] = 0xf8; /* one Opus frame of 20 ms */
        assert_int_equal(so_peer_send(r->ends[from].peer, sim_now(), r->ends[from].track, &frame), SO_OK);
        run_for(r, 20);
    }
}

static void two_peers_open_and_hear_each_other(void **state)
{
    (void)state;
    for (int offerer = 0; offerer < 2; offerer++) {
        rig r;
        so_peer_facts a, b;

        begin(&r, 1 + (uint64_t)offerer);
        negotiate(&r, offerer);
        run_for(&r, 500);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(so_peer_state_of(r.ends[i].peer), SO_PEER_OPEN);
            assert_true(r.ends[i].open && r.ends[i].receiving);
        }
        for (int i = 0; i < 2; i++) {
            send_frames(&r, i, 50);
            run_for(&r, 200);
            assert_int_equal(r.ends[1 - i].frames, 50);
            assert_int_equal(r.ends[1 - i].lost, 0);
            assert_int_equal(r.ends[1 - i].last_len, 40);
            assert_int_equal(r.ends[1 - i].last[20], 49);
        }
        so_peer_facts_of(r.ends[0].peer, &a);
        so_peer_facts_of(r.ends[1].peer, &b);
        assert_true(so_fingerprint_equal(&a.mine, &b.seen) && so_fingerprint_equal(&a.mine, &b.signaled));
        assert_true(so_fingerprint_equal(&b.mine, &a.seen) && so_fingerprint_equal(&b.mine, &a.signaled));
        assert_string_equal(a.srtp_profile, b.srtp_profile);
        assert_int_equal(a.received.auth_failed + b.received.auth_failed, 0);
        assert_string_equal(a.local_kind, "host");
        run_for(&r, 8000);
        so_peer_facts_of(r.ends[0].peer, &a);
        assert_true(a.round_trip_known);
        so_peer_close(r.ends[0].peer, sim_now());
        settle(&r);
        assert_int_equal(so_peer_state_of(r.ends[1].peer), SO_PEER_CLOSED);
        finish(&r);
    }
}

/* RFC 7983 §7, and RFC 5761 §4 for what is RTCP. */
static void first_bytes_say_which_protocol_it_is(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++) {
            const uint8_t bytes[] = {(uint8_t)first, (uint8_t)second};
            so_demux want = SO_DEMUX_NONE;

            if (first <= 3)
                want = SO_DEMUX_STUN;
            else if (first >= 20 && first <= 63)
                want = SO_DEMUX_DTLS;
            else if (first >= 128 && first <= 191)
                want = second >= 192 && second <= 223 ? SO_DEMUX_RTCP : SO_DEMUX_RTP;
            assert_int_equal(so_demux_of(bytes, 2), want);
            assert_int_equal(so_demux_of(bytes, 1), SO_DEMUX_NONE);
            assert_int_equal(so_demux_of(bytes, 0), SO_DEMUX_NONE);
        }
}

/* ---- descriptions that are refused ---- */

static const char other_print[] = "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                                  "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n";

/* What a line begins with goes, and something else stands in its place; "": it is put at the end. */
typedef struct spoiling {
    const char *code, *line, *with;
    so_door door;
} spoiling;

static const spoiling spoilings[] = {
    {"sdes", "", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n",
     SO_DOOR_MEDIA},
    {"profile", "m=audio", "m=audio 9 RTP/AVP 111\r\n", SO_DOOR_MEDIA},
    {"profile", "m=audio", "m=audio 9 RTP/SAVPF 111\r\n", SO_DOOR_MEDIA},
    {"fingerprint-missing", "a=fingerprint:", "", SO_DOOR_FINGERPRINTS},
    {"fingerprint-weak", "a=fingerprint:",
     "a=fingerprint:sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33\r\n", SO_DOOR_FINGERPRINTS},
    {"fingerprint-several", "", other_print, SO_DOOR_FINGERPRINTS},
    {"fingerprint-malformed", "a=fingerprint:", "a=fingerprint:sha-256 00:11\r\n", SO_DOOR_FINGERPRINTS},
};

static void spoil(char *sdp, size_t cap, const char *line, const char *with)
{
    char *at = line[0] == '\0' ? sdp + strlen(sdp) : strstr(sdp, line);
    size_t old = 0;

    assert_non_null(at);
    if (line[0] != '\0')
        old = strcspn(at, "\n") + 1;
    assert_true(strlen(sdp) + strlen(with) < cap);
    memmove(at + strlen(with), at + old, strlen(at + old) + 1);
    memcpy(at, with, strlen(with));
}

static void assert_failed(rig *r, int i, so_door door, const char *code)
{
    so_peer *peer = r->ends[i].peer;
    const so_peer_failure *failure = so_peer_failure_of(peer);
    static const uint8_t sound[] = {0xf8};
    so_peer_frame frame = {.bytes = sound, .len = sizeof sound};
    char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err;

    assert_int_equal(so_peer_state_of(peer), SO_PEER_FAILED);
    assert_non_null(failure);
    assert_int_equal(failure->door, door);
    assert_string_equal(failure->code, code);
    assert_true(strlen(failure->error.text) > 20);
    /* For good: nothing can be said, heard or done any more. */
    assert_int_equal(so_peer_send(peer, sim_now(), r->ends[i].track, &frame), SO_STATE);
    assert_int_equal(so_peer_offer(peer, sim_now(), sdp, sizeof sdp, &err), SO_STATE);
    assert_int_equal(so_peer_take(peer, sim_now(), SO_SDP_OFFER, "", 0, &taken, &err), SO_STATE);
    assert_int_equal(so_peer_restart_ice(peer, sim_now()), SO_STATE);
    assert_int_equal(so_peer_deadline(peer, sim_now()), UINT64_MAX);
}

/* In an offer as well as in an answer; and not one datagram leaves the end that refuses. */
static void a_description_is_refused_with_door_and_code(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof spoilings / sizeof spoilings[0]; i++) {
        const spoiling *s = &spoilings[i / 2];
        bool in_answer = i % 2 == 1;
        char sdp[SO_PEER_SDP_MAX];
        so_sdp_taken taken;
        so_datagram out;
        so_error err;
        rig r;
        end *a = &r.ends[0], *b = &r.ends[1];

        begin(&r, 30 + i);
        assert_int_equal(so_peer_offer(a->peer, sim_now(), sdp, sizeof sdp, &err), SO_OK);
        if (!in_answer)
            spoil(sdp, sizeof sdp, s->line, s->with);
        assert_int_equal(
            so_peer_take(b->peer, sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err) == SO_OK ? 1 : 0, in_answer);
        if (in_answer) {
            assert_int_equal(so_peer_answer(b->peer, sim_now(), sdp, sizeof sdp, &err), SO_OK);
            spoil(sdp, sizeof sdp, s->line, s->with);
            assert_int_not_equal(so_peer_take(a->peer, sim_now(), SO_SDP_ANSWER, sdp, strlen(sdp), &taken, &err),
                                 SO_OK);
        }
        assert_failed(&r, in_answer ? 0 : 1, s->door, s->code);
        assert_false(so_peer_transmit(r.ends[in_answer ? 0 : 1].peer, sim_now(), &out));
        finish(&r);
    }
}

static void another_fingerprint_in_mid_call_ends_it(void **state)
{
    char sdp[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_error err;
    rig r;

    (void)state;
    begin(&r, 50);
    negotiate(&r, 0);
    run_for(&r, 500);
    assert_int_equal(so_peer_state_of(r.ends[1].peer), SO_PEER_OPEN);
    assert_int_equal(so_peer_offer(r.ends[0].peer, sim_now(), sdp, sizeof sdp, &err), SO_OK);
    spoil(sdp, sizeof sdp, "a=fingerprint:", other_print);
    assert_int_equal(so_peer_take(r.ends[1].peer, sim_now(), SO_SDP_OFFER, sdp, strlen(sdp), &taken, &err), SO_REFUSED);
    assert_failed(&r, 1, SO_DOOR_FINGERPRINTS, "fingerprint-changed");
    finish(&r);
}

/* ---- what may come from where, and when ---- */

static void assert_stray(rig *r, int i, const so_address *from, uint8_t first, uint8_t second, bool counts)
{
    so_peer *peer = r->ends[i].peer;
    uint8_t bytes[40] = {first, second};
    so_peer_state before = so_peer_state_of(peer);
    so_peer_facts facts;
    so_datagram out;
    uint64_t stray;

    so_peer_facts_of(peer, &facts);
    stray = facts.stray;
    so_peer_receive(peer, sim_now(), &r->ends[i].base, from, bytes, sizeof bytes);
    so_peer_facts_of(peer, &facts);
    assert_int_equal(facts.stray, stray + counts);
    assert_int_equal(so_peer_state_of(peer), before);
    assert_false(so_peer_transmit(peer, sim_now(), &out));
}

static void from_addresses_that_do_not_count_nothing_is_heard(void **state)
{
    static const uint8_t kinds[][2] = {{22, 254}, {20, 254}, {128, 111}, {128, 200}, {144, 0}};
    so_address strange;
    rig r;

    (void)state;
    begin(&r, 60);
    assert_int_equal(so_address_parse(&strange, "10.0.0.3", 5000), SO_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        assert_stray(&r, 0, &r.ends[1].base, kinds[k][0], kinds[k][1], true); /* nobody counts yet */
    negotiate(&r, 0);
    run_for(&r, 500);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        assert_stray(&r, 0, &strange, kinds[k][0], kinds[k][1], true);
    /* Of no protocol, from whomever; STUN is the agent's to judge, and counts as no stray. */
    assert_stray(&r, 0, &r.ends[1].base, 4, 0, true);
    assert_stray(&r, 0, &r.ends[1].base, 64, 0, true);
    assert_stray(&r, 0, &r.ends[1].base, 255, 0, true);
    assert_stray(&r, 0, &strange, 0, 1, false);
    send_frames(&r, 1, 5);
    run_for(&r, 100);
    assert_int_equal(r.ends[0].frames, 5);
    finish(&r);
}

/* The answerer's first flight is faster than its answer: it waits, and is not asked for again. */
static void early_handshake_is_kept_and_used(void **state)
{
    char offer[SO_PEER_SDP_MAX], answer[SO_PEER_SDP_MAX];
    so_sdp_taken taken;
    so_peer_facts facts;
    so_error err;
    unsigned hellos;
    rig r;
    end *a = &r.ends[0], *b = &r.ends[1];

    (void)state;
    begin(&r, 70);
    assert_int_equal(so_peer_offer(a->peer, sim_now(), offer, sizeof offer, &err), SO_OK);
    assert_int_equal(so_peer_take(b->peer, sim_now(), SO_SDP_OFFER, offer, strlen(offer), &taken, &err), SO_OK);
    assert_int_equal(so_peer_answer(b->peer, sim_now(), answer, sizeof answer, &err), SO_OK);
    settle(&r);
    assert_int_equal(so_peer_state_of(b->peer), SO_PEER_AWAITS_HANDSHAKE);
    assert_int_equal(so_peer_state_of(a->peer), SO_PEER_AWAITS_REMOTE);
    hellos = r.kinds[22];
    assert_true(hellos > 0);
    so_peer_facts_of(a->peer, &facts);
    assert_int_equal(facts.stray, 0);
    assert_int_equal(so_peer_take(a->peer, sim_now(), SO_SDP_ANSWER, answer, strlen(answer), &taken, &err), SO_OK);
    settle(&r); /* no time passes: nothing is sent again */
    assert_int_equal(so_peer_state_of(a->peer), SO_PEER_OPEN);
    assert_int_equal(so_peer_state_of(b->peer), SO_PEER_OPEN);
    finish(&r);
}

static so_status send_one(rig *r, int i, size_t track, size_t len)
{
    static const uint8_t bytes[SO_PEER_FRAME_MAX + 1] = {0xf8};
    so_peer_frame frame = {.bytes = bytes, .len = len};

    return so_peer_send(r->ends[i].peer, sim_now(), track, &frame);
}

static void frames_are_taken_only_where_and_when_they_may_go(void **state)
{
    unsigned taken = 0;
    so_datagram out;
    rig r;
    end *a = &r.ends[0];

    (void)state;
    begin(&r, 80);
    assert_int_equal(send_one(&r, 0, a->track, 10), SO_STATE); /* no description */
    negotiate(&r, 0);
    assert_int_equal(send_one(&r, 0, a->track, 10), SO_STATE); /* no path, no keys */
    assert_int_equal(send_one(&r, 1, r.ends[1].track, 10), SO_STATE);
    run_for(&r, 500);
    assert_int_equal(send_one(&r, 0, a->track, SO_PEER_FRAME_MAX + 1), SO_TOO_LONG);
    assert_int_equal(send_one(&r, 0, a->track + 1, 10), SO_STATE); /* no such track */
    assert_int_equal(send_one(&r, 0, a->track, SO_PEER_FRAME_MAX), SO_OK);
    assert_true(so_peer_transmit(a->peer, sim_now(), &out));
    assert_true(out.len > SO_PEER_FRAME_MAX && out.len <= 1200);
    /* Who does not drain is told so, and loses nothing of what was taken. */
    while (send_one(&r, 0, a->track, 10) == SO_OK)
        taken++;
    assert_in_range(taken, 1, 16);
    assert_int_equal(send_one(&r, 0, a->track, 10), SO_TOO_LONG);
    settle(&r);
    run_for(&r, 200);
    assert_int_equal(r.ends[1].frames, taken); /* the first one was taken off the wire above */
    assert_int_equal(send_one(&r, 0, a->track, 10), SO_OK);
    settle(&r);
    so_peer_close(a->peer, sim_now());
    settle(&r);
    assert_int_equal(send_one(&r, 0, a->track, 10), SO_STATE);
    assert_int_equal(send_one(&r, 1, r.ends[1].track, 10), SO_STATE);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_peers_open_and_hear_each_other),
        cmocka_unit_test(first_bytes_say_which_protocol_it_is),
        cmocka_unit_test(a_description_is_refused_with_door_and_code),
        cmocka_unit_test(another_fingerprint_in_mid_call_ends_it),
        cmocka_unit_test(from_addresses_that_do_not_count_nothing_is_heard),
        cmocka_unit_test(early_handshake_is_kept_and_used),
        cmocka_unit_test(frames_are_taken_only_where_and_when_they_may_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
