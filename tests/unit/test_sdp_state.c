/* sdp/state: two ends that offer, answer, collide, roll back and restart; and what an end never lets happen. */
#include "sdp_files.h"

#include "sdp/state.h"

#include <stdlib.h>

#define PWD "abcdefghijklmnopqrstuv"

typedef struct ends {
    so_sdp_session a, b; /* a is the polite one */
    char a_text[SO_SDP_MAX], b_text[SO_SDP_MAX];
    size_t a_len, b_len;
} ends;

static so_sdp_transceiver voice(uint32_t ssrc)
{
    return (so_sdp_transceiver){
        .kind = SO_SDP_AUDIO, .direction = SO_SDP_SENDRECV, .stream = "call", .track = "voice", .ssrc = ssrc};
}

static void start(so_sdp_session *s, bool polite, uint8_t print, const char *ufrag)
{
    so_fingerprint own = {.hash = SO_HASH_SHA256, .bytes = {print}};

    assert_int_equal(so_sdp_session_start(s, &so_sdp_voice, polite, print, &own, ufrag, PWD, "end"), SO_OK);
}

static int set_up(void **state)
{
    ends *e = calloc(1, sizeof *e);

    assert_non_null(e);
    start(&e->a, true, 1, "aaaa");
    start(&e->b, false, 2, "bbbb");
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    ends *e = *state;

    so_sdp_session_close(&e->a);
    so_sdp_session_close(&e->b);
    free(e);
    return 0;
}

static size_t add_voice(so_sdp_session *s)
{
    so_sdp_transceiver t = voice(7);
    size_t index;

    assert_int_equal(so_sdp_session_add(s, &t, &index), SO_OK);
    return index;
}

static size_t offer(so_sdp_session *s, char *text)
{
    so_writer w = so_writer_of(text, SO_SDP_MAX);

    assert_int_equal(so_sdp_session_offer(s, &w, NULL), SO_OK);
    assert_int_equal(s->state, SO_SDP_AWAITS_ANSWER);
    return so_writer_len(&w);
}

static size_t answer(so_sdp_session *s, char *text)
{
    so_writer w = so_writer_of(text, SO_SDP_MAX);
    so_error err = {0};
    so_status status = so_sdp_session_answer(s, &w, &err);

    if (status != SO_OK)
        print_error("%s\n", err.text);
    assert_int_equal(status, SO_OK);
    assert_int_equal(s->state, SO_SDP_STABLE);
    return so_writer_len(&w);
}

static so_sdp_taken take(so_sdp_session *s, so_sdp_type type, const char *text, size_t len)
{
    so_sdp_taken taken;
    so_error err = {0};
    so_status status = so_sdp_session_take(s, type, text, len, &taken, &err);

    if (status != SO_OK)
        print_error("%s\n", err.text);
    assert_int_equal(status, SO_OK);
    assert_int_equal(taken.fault, SO_SDP_FINE);
    return taken;
}

static void refused(so_sdp_session *s, so_sdp_type type, const char *text, size_t len, so_sdp_fault fault)
{
    so_sdp_state before = s->state;
    so_sdp_taken taken;
    so_error err = {0};

    assert_int_not_equal(so_sdp_session_take(s, type, text, len, &taken, &err), SO_OK);
    assert_int_equal(taken.fault, fault);
    assert_int_equal(s->state, before);
    assert_true(strlen(err.text) > 40);
}

/* One whole exchange that a begins. */
static void exchange(ends *e)
{
    e->a_len = offer(&e->a, e->a_text);
    (void)take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
    e->b_len = answer(&e->b, e->b_text);
    (void)take(&e->a, SO_SDP_ANSWER, e->b_text, e->b_len);
}

static void exchange_from_b(ends *e)
{
    e->b_len = offer(&e->b, e->b_text);
    (void)take(&e->a, SO_SDP_OFFER, e->b_text, e->b_len);
    e->a_len = answer(&e->a, e->a_text);
    (void)take(&e->b, SO_SDP_ANSWER, e->a_text, e->a_len);
}

/* One line of a text becomes another. */
static size_t replace(char *text, size_t len, const char *from, const char *to)
{
    char *at;

    text[len] = '\0';
    at = strstr(text, from);
    assert_non_null(at);
    memmove(at + strlen(to), at + strlen(from), len - (size_t)(at - text) - strlen(from));
    memcpy(at, to, strlen(to));
    return len + strlen(to) - strlen(from);
}

static void an_offer_and_its_answer_make_a_call(void **state)
{
    ends *e = *state;
    so_sdp_agreed agreed;
    size_t transceiver;

    assert_false(so_sdp_session_needed(&e->a));
    (void)add_voice(&e->a);
    (void)add_voice(&e->b);
    assert_true(so_sdp_session_needed(&e->a));
    assert_int_equal(so_sdp_session_agreed(&e->a, 0, &agreed, NULL), SO_NOT_FOUND);
    exchange(e);
    assert_int_equal(e->a.state, SO_SDP_STABLE);
    assert_int_equal(e->a.own.role, SO_SDP_PASSIVE);
    assert_int_equal(e->b.own.role, SO_SDP_ACTIVE);
    assert_int_equal(e->a.peer.bytes[0], 2);
    assert_int_equal(e->b.peer.bytes[0], 1);
    assert_int_equal(so_sdp_session_lines(&e->a), 1);
    assert_int_equal(so_sdp_session_agreed(&e->a, 0, &agreed, &transceiver), SO_OK);
    assert_int_equal(transceiver, 0);
    assert_int_equal(agreed.direction, SO_SDP_SENDRECV);
    assert_int_equal(agreed.codecs[0].send_type, 111);
    assert_int_equal(agreed.remote->sources[0].ssrc, 7);
    assert_string_equal(agreed.remote->track, "voice");
    assert_string_equal(so_sdp_session_remote(&e->b)->ufrag, "aaaa");
    assert_string_equal(so_sdp_session_local(&e->b)->ufrag, "bbbb");
    assert_false(so_sdp_session_needed(&e->a));
    assert_false(so_sdp_session_needed(&e->b));
}

static void who_has_no_track_still_hears(void **state)
{
    ends *e = *state;
    so_sdp_agreed agreed;
    size_t transceiver;

    (void)add_voice(&e->a);
    exchange(e);
    assert_int_equal(e->b.transceiver_count, 1);
    assert_int_equal(so_sdp_session_agreed(&e->b, 0, &agreed, &transceiver), SO_OK);
    assert_int_equal(transceiver, 0);
    assert_int_equal(agreed.direction, SO_SDP_RECVONLY);
    assert_false(so_sdp_session_needed(&e->a));
    assert_false(so_sdp_session_needed(&e->b));
    e->b.transceivers[0].direction = SO_SDP_SENDRECV;
    assert_true(so_sdp_session_needed(&e->b));
    exchange_from_b(e);
    assert_int_equal(so_sdp_session_agreed(&e->a, 0, &agreed, NULL), SO_OK);
    assert_int_equal(agreed.direction, SO_SDP_SENDRECV);
    assert_false(so_sdp_session_needed(&e->b));
}

/* Who puts a call on hold, or never sends, and what it says of its sources. */
static void sources_stay_named_once_they_were(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    (void)add_voice(&e->b);
    e->b.transceivers[0].direction = SO_SDP_RECVONLY;
    exchange(e);
    e->a_text[e->a_len] = e->b_text[e->b_len] = '\0';
    assert_non_null(strstr(e->a_text, "a=ssrc:7 cname:"));
    assert_null(strstr(e->b_text, "a=ssrc:")); /* it has never sent */
    e->a.transceivers[0].direction = SO_SDP_INACTIVE;
    exchange(e);
    e->a_text[e->a_len] = e->b_text[e->b_len] = '\0';
    assert_non_null(strstr(e->a_text, "a=inactive"));
    assert_non_null(strstr(e->a_text, "a=ssrc:7 cname:"));
    assert_null(strstr(e->a_text, "msid:call"));
    assert_null(strstr(e->b_text, "a=ssrc:"));
    e->a.transceivers[0].direction = SO_SDP_SENDRECV;
    exchange(e);
    e->a_text[e->a_len] = e->b_text[e->b_len] = '\0';
    assert_non_null(strstr(e->a_text, "a=ssrc:7 msid:call voice"));
}

static void versions_grow_with_every_description(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    exchange(e);
    assert_int_equal(e->a.current_local->version, 1);
    exchange_from_b(e);
    assert_int_equal(e->a.current_local->version, 2);
    exchange(e);
    assert_int_equal(e->a.current_local->version, 3);
    assert_int_equal(e->b.current_local->version, 3);
    assert_string_equal(e->a.current_local->session_id, "1");
}

static void nothing_is_taken_that_was_not_awaited(void **state)
{
    ends *e = *state;
    uint8_t text[100];
    so_writer w = so_writer_of(text, sizeof text);

    (void)add_voice(&e->a);
    e->a_len = offer(&e->a, e->a_text);
    refused(&e->b, SO_SDP_ANSWER, e->a_text, e->a_len, SO_SDP_WRONG_STATE);
    assert_int_equal(so_sdp_session_answer(&e->b, &w, NULL), SO_STATE);
    assert_int_equal(so_sdp_session_answer(&e->a, &w, NULL), SO_STATE);
    assert_int_equal(so_sdp_session_offer(&e->a, &w, NULL), SO_STATE);
    assert_int_equal(so_sdp_session_offer(&e->b, &w, NULL), SO_STATE); /* nothing to offer */
    assert_int_equal(so_sdp_session_restart(&e->a, "cccc", PWD), SO_STATE);
    assert_int_equal(so_sdp_session_rollback(&e->b), SO_STATE);
    so_sdp_session_close(&e->b);
    refused(&e->b, SO_SDP_OFFER, e->a_text, e->a_len, SO_SDP_WRONG_STATE);
    assert_int_equal(so_sdp_session_restart(&e->b, "cccc", PWD), SO_STATE);
}

static void of_two_offers_at_once_the_polite_one_gives_way(void **state)
{
    ends *e = *state;
    so_sdp_taken taken;

    (void)add_voice(&e->a);
    (void)add_voice(&e->b);
    e->a_len = offer(&e->a, e->a_text);
    e->b_len = offer(&e->b, e->b_text);
    taken = take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
    assert_true(taken.ignored && e->b.ignoring && !taken.rolled_back);
    assert_int_equal(e->b.state, SO_SDP_AWAITS_ANSWER);
    assert_int_equal(e->b.peer.hash, SO_HASH_NONE);
    taken = take(&e->a, SO_SDP_OFFER, e->b_text, e->b_len);
    assert_true(taken.rolled_back && !taken.ignored);
    assert_int_equal(e->a.state, SO_SDP_AWAITS_OWN_ANSWER);
    e->a_len = answer(&e->a, e->a_text);
    (void)take(&e->b, SO_SDP_ANSWER, e->a_text, e->a_len);
    assert_false(e->b.ignoring);
    assert_int_equal(e->a.transceiver_count, 1); /* its own track took the m-line of the other's offer */
    assert_int_equal(e->a.current_local->media[0].direction, SO_SDP_SENDRECV);
    assert_false(so_sdp_session_needed(&e->a));
    assert_int_equal(e->a.own.role, SO_SDP_ACTIVE);
    assert_int_equal(e->b.own.role, SO_SDP_PASSIVE);
}

static void what_was_rolled_back_is_offered_later(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    exchange(e);
    (void)add_voice(&e->a);
    e->a_len = offer(&e->a, e->a_text);
    (void)offer(&e->b, e->b_text);
    assert_int_equal(so_sdp_session_rollback(&e->a), SO_OK);
    assert_true(so_sdp_session_needed(&e->a));
    assert_int_equal(e->a.transceivers[1].line, SO_SDP_NO_LINE);
    assert_int_equal(so_sdp_session_rollback(&e->b), SO_OK);
    exchange(e);
    assert_int_equal(so_sdp_session_lines(&e->a), 2);
    assert_string_equal(e->b.current_remote->media[1].mid, "1");
    assert_false(so_sdp_session_needed(&e->a));
}

static void a_remote_offer_that_is_rolled_back_leaves_nothing(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    e->a_len = offer(&e->a, e->a_text);
    for (unsigned i = 0; i < 100; i++) {
        (void)take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
        assert_int_equal(so_sdp_session_rollback(&e->b), SO_OK);
    }
    assert_int_equal(e->b.transceiver_count, 1);
    assert_false(so_sdp_session_needed(&e->b));
    (void)take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
    (void)take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len); /* a later one takes the place of the first */
    e->b_len = answer(&e->b, e->b_text);
    (void)take(&e->a, SO_SDP_ANSWER, e->b_text, e->b_len);
    assert_false(e->b.transceivers[0].stopped);
}

static void roles_stay_whatever_a_later_description_says(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    exchange(e);
    /* Firefox answers active where it is the server already: read as the role that it has. */
    e->b_len = offer(&e->b, e->b_text);
    assert_non_null(strstr(e->b_text, "a=setup:actpass"));
    (void)take(&e->a, SO_SDP_OFFER, e->b_text, e->b_len);
    e->a_len = answer(&e->a, e->a_text);
    e->a_text[e->a_len] = '\0';
    assert_non_null(strstr(e->a_text, "a=setup:passive"));
    e->a_len = replace(e->a_text, e->a_len, "a=setup:passive", "a=setup:active");
    (void)take(&e->b, SO_SDP_ANSWER, e->a_text, e->a_len);
    assert_int_equal(e->a.own.role, SO_SDP_PASSIVE);
    assert_int_equal(e->b.own.role, SO_SDP_ACTIVE);
    /* and an offer that would change them is answered with the role that is */
    e->b_len = offer(&e->b, e->b_text);
    e->b_len = replace(e->b_text, e->b_len, "a=setup:actpass", "a=setup:passive");
    (void)take(&e->a, SO_SDP_OFFER, e->b_text, e->b_len);
    e->a_len = answer(&e->a, e->a_text);
    e->a_text[e->a_len] = '\0';
    assert_non_null(strstr(e->a_text, "a=setup:passive"));
}

static void another_fingerprint_in_mid_call_is_refused(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    exchange(e);
    e->b_len = offer(&e->b, e->b_text);
    e->b_len = replace(e->b_text, e->b_len, "sha-256 02:", "sha-256 03:");
    refused(&e->a, SO_SDP_OFFER, e->b_text, e->b_len, SO_SDP_FINGERPRINT_CHANGED);
    assert_int_equal(e->a.peer.bytes[0], 2);
    assert_int_equal(so_sdp_session_rollback(&e->b), SO_OK);
    /* in an answer too, and in a colliding offer that would be ignored */
    e->a_len = offer(&e->a, e->a_text);
    (void)take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
    e->b_len = answer(&e->b, e->b_text);
    e->b_len = replace(e->b_text, e->b_len, "sha-256 02:", "sha-256 03:");
    refused(&e->a, SO_SDP_ANSWER, e->b_text, e->b_len, SO_SDP_FINGERPRINT_CHANGED);
    (void)offer(&e->b, e->b_text);
    e->a_len = replace(e->a_text, e->a_len, "sha-256 01:", "sha-256 03:");
    refused(&e->b, SO_SDP_OFFER, e->a_text, e->a_len, SO_SDP_FINGERPRINT_CHANGED);
}

static void a_bad_description_changes_nothing(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    (void)add_voice(&e->b);
    e->a_len = offer(&e->a, e->a_text);
    e->b_len = offer(&e->b, e->b_text);
    e->b_len = replace(e->b_text, e->b_len, "UDP/TLS/RTP/SAVPF", "RTP/SAVPF");
    refused(&e->a, SO_SDP_OFFER, e->b_text, e->b_len, SO_SDP_PROFILE);
    refused(&e->a, SO_SDP_ANSWER, e->b_text, e->b_len, SO_SDP_PROFILE);
    assert_non_null(e->a.pending_local);
    assert_int_equal(e->a.transceivers[0].line, 0);
    assert_int_equal(so_sdp_session_rollback(&e->b), SO_OK);
    (void)take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
    e->b_len = answer(&e->b, e->b_text);
    (void)take(&e->a, SO_SDP_ANSWER, e->b_text, e->b_len);
}

static void a_later_offer_may_not_lose_or_change_m_lines(void **state)
{
    ends *e = *state;

    (void)add_voice(&e->a);
    (void)add_voice(&e->a);
    exchange(e);
    e->b_len = offer(&e->b, e->b_text);
    e->b_len = replace(e->b_text, e->b_len, "a=group:BUNDLE 0 1", "a=group:BUNDLE 5 1");
    e->b_len = replace(e->b_text, e->b_len, "a=mid:0", "a=mid:5");
    refused(&e->a, SO_SDP_OFFER, e->b_text, e->b_len, SO_SDP_MISMATCH);
    e->b_text[e->b_len] = '\0';
    e->b_len = (size_t)(strstr(strstr(e->b_text, "m=") + 2, "m=") - e->b_text);
    refused(&e->a, SO_SDP_OFFER, e->b_text, e->b_len, SO_SDP_MISMATCH);
}

static void a_restart_is_seen_and_answered_in_kind(void **state)
{
    ends *e = *state;
    so_sdp_taken taken;
    so_writer w = so_writer_of(e->b_text, sizeof e->b_text);

    (void)add_voice(&e->a);
    exchange(e);
    assert_int_equal(so_sdp_session_restart(&e->a, "a+2/", PWD), SO_OK);
    assert_true(so_sdp_session_needed(&e->a));
    e->a_len = offer(&e->a, e->a_text);
    taken = take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
    assert_true(taken.restarted);
    assert_int_equal(so_sdp_session_answer(&e->b, &w, NULL), SO_STATE); /* RFC 8839: new ones are owed */
    assert_int_equal(so_sdp_session_restart(&e->b, "b", PWD), SO_BAD_INPUT);
    assert_int_equal(so_sdp_session_restart(&e->b, "bbb2", PWD), SO_OK);
    e->b_len = answer(&e->b, e->b_text);
    taken = take(&e->a, SO_SDP_ANSWER, e->b_text, e->b_len);
    assert_true(taken.restarted);
    assert_string_equal(e->a.current_remote->ufrag, "bbb2");
    assert_string_equal(e->b.current_remote->ufrag, "a+2/");
    assert_false(so_sdp_session_needed(&e->a));
    exchange_from_b(e);
    assert_string_equal(e->b.current_remote->ufrag, "a+2/");
}

/* A restart of ours that gave way to the other end's offer must not slip into the answer to that (RFC 8839 §4.4.1.1.1).
 */
static void a_restart_that_gave_way_waits_for_the_next_offer(void **state)
{
    ends *e = *state;
    so_sdp_taken taken;

    (void)add_voice(&e->a);
    exchange(e);
    assert_int_equal(so_sdp_session_restart(&e->a, "aaa2", PWD), SO_OK);
    e->a_len = offer(&e->a, e->a_text);
    e->b_len = offer(&e->b, e->b_text);
    taken = take(&e->a, SO_SDP_OFFER, e->b_text, e->b_len);
    assert_true(taken.rolled_back && !taken.restarted);
    e->a_len = answer(&e->a, e->a_text);
    assert_string_equal(e->a.current_local->ufrag, "aaaa");
    taken = take(&e->b, SO_SDP_ANSWER, e->a_text, e->a_len);
    assert_false(taken.restarted);
    assert_true(so_sdp_session_needed(&e->a));
    e->a_len = offer(&e->a, e->a_text);
    assert_true(take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len).restarted);
}

static void a_stopped_track_is_rejected_from_then_on(void **state)
{
    ends *e = *state;
    so_sdp_agreed agreed;

    (void)add_voice(&e->a);
    (void)add_voice(&e->a);
    exchange(e);
    e->a.transceivers[0].stopped = true;
    assert_true(so_sdp_session_needed(&e->a));
    exchange(e);
    assert_false(so_sdp_session_needed(&e->a));
    assert_int_equal(so_sdp_session_agreed(&e->b, 0, &agreed, NULL), SO_OK);
    assert_false(agreed.accepted);
    assert_true(e->b.transceivers[0].stopped);
    assert_int_equal(so_sdp_session_agreed(&e->b, 1, &agreed, NULL), SO_OK);
    assert_true(agreed.accepted);
    assert_int_equal(e->a.current_local->tag, 1);
    exchange_from_b(e);
    assert_true(e->a.current_remote->media[0].rejected);
}

static void a_track_that_an_answer_rejects_is_stopped(void **state)
{
    ends *e = *state;
    static sdp_file f;

    sdp_read_file(&f, "firefox-audio-video-offer.sdp");
    (void)take(&e->b, SO_SDP_OFFER, f.text, f.len);
    e->b_len = answer(&e->b, e->b_text);
    assert_true(e->b.current_local->media[1].rejected);
    (void)add_voice(&e->a);
    e->a_len = offer(&e->a, e->a_text);
    sdp_read_file(&f, "chromium-stopped-offer.sdp");
    f.len = (size_t)(strstr(f.text, "m=video") - f.text);
    (void)take(&e->a, SO_SDP_ANSWER, f.text, f.len);
    assert_true(e->a.transceivers[0].stopped);
    assert_int_equal(e->a.own.role, SO_SDP_NO_SETUP);
    assert_false(so_sdp_session_needed(&e->a));
}

static void bad_beginnings_are_refused(void **state)
{
    so_sdp_session s;
    so_fingerprint none = {SO_HASH_NONE, {0}}, own = {SO_HASH_SHA256, {1}};
    so_sdp_transceiver video = voice(1);

    (void)state;
    assert_int_equal(so_sdp_session_start(&s, &so_sdp_voice, true, 1, &none, "aaaa", PWD, "x"), SO_BAD_INPUT);
    assert_int_equal(so_sdp_session_start(&s, &so_sdp_voice, true, 1, &own, "aaa", PWD, "x"), SO_BAD_INPUT);
    assert_int_equal(so_sdp_session_start(&s, &so_sdp_voice, true, 1, &own, "aaaa", "short", "x"), SO_BAD_INPUT);
    assert_int_equal(so_sdp_session_start(&s, &so_sdp_voice, true, 1, &own, "a\r\na=", PWD, "x"), SO_BAD_INPUT);
    assert_int_equal(so_sdp_session_start(&s, &so_sdp_voice, true, 1, &own, "aaaa", PWD, "x"), SO_OK);
    video.kind = SO_SDP_VIDEO;
    assert_int_equal(so_sdp_session_add(&s, &video, NULL), SO_BAD_INPUT);
    for (unsigned i = 0; i < SO_SDP_MEDIA_MAX; i++)
        (void)add_voice(&s);
    video = voice(2);
    assert_int_equal(so_sdp_session_add(&s, &video, NULL), SO_TOO_LONG);
    so_sdp_session_close(&s);
    assert_string_equal(so_sdp_state_name(s.state), "closed");
}

/* Two ends that do whatever a seed says, and exchange what they say with delays: they always meet again. */
static void any_course_of_offers_ends_in_agreement(void **state)
{
    ends *e = *state;
    uint64_t seed = 7;
    unsigned collisions = 0;

    (void)add_voice(&e->a);
    for (unsigned round = 0; round < 500; round++) {
        uint8_t r[4];
        so_sdp_taken taken;
        assert_int_equal(unit_fill(&seed, r, sizeof r), SO_OK);
        for (unsigned side = 0; side < 2; side++) {
            so_sdp_session *s = side == 0 ? &e->a : &e->b;
            if (s->transceiver_count > 0)
                s->transceivers[r[side] % s->transceiver_count].direction = r[side + 2] % 4;
            if (r[side] % 16 == 0 && s->transceiver_count < 6)
                (void)add_voice(s);
        }
        if (r[0] % 3 == 0 && so_sdp_session_lines(&e->a) > 0) { /* both at once */
            e->a_len = offer(&e->a, e->a_text);
            e->b_len = offer(&e->b, e->b_text);
            taken = take(&e->b, SO_SDP_OFFER, e->a_text, e->a_len);
            assert_true(taken.ignored);
            assert_true(take(&e->a, SO_SDP_OFFER, e->b_text, e->b_len).rolled_back);
            e->a_len = answer(&e->a, e->a_text);
            (void)take(&e->b, SO_SDP_ANSWER, e->a_text, e->a_len);
            collisions++;
        } else if (r[0] % 3 == 1 || so_sdp_session_lines(&e->b) == 0) {
            exchange(e);
        } else {
            exchange_from_b(e);
        }
        assert_int_equal(so_sdp_session_lines(&e->a), so_sdp_session_lines(&e->b));
        for (size_t i = 0; i < so_sdp_session_lines(&e->a); i++) {
            so_sdp_agreed a, b;
            assert_int_equal(so_sdp_session_agreed(&e->a, i, &a, NULL), SO_OK);
            assert_int_equal(so_sdp_session_agreed(&e->b, i, &b, NULL), SO_OK);
            assert_int_equal(a.direction, so_sdp_reverse(b.direction));
            assert_int_equal(a.codecs[0].send_type, b.codecs[0].receive_type);
        }
    }
    assert_true(collisions > 50);
    assert_int_not_equal(e->a.own.role, e->b.own.role);
}

int main(void)
{
#define PAIR(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PAIR(an_offer_and_its_answer_make_a_call),
        PAIR(who_has_no_track_still_hears),
        PAIR(sources_stay_named_once_they_were),
        PAIR(versions_grow_with_every_description),
        PAIR(nothing_is_taken_that_was_not_awaited),
        PAIR(of_two_offers_at_once_the_polite_one_gives_way),
        PAIR(what_was_rolled_back_is_offered_later),
        PAIR(a_remote_offer_that_is_rolled_back_leaves_nothing),
        PAIR(roles_stay_whatever_a_later_description_says),
        PAIR(another_fingerprint_in_mid_call_is_refused),
        PAIR(a_bad_description_changes_nothing),
        PAIR(a_later_offer_may_not_lose_or_change_m_lines),
        PAIR(a_restart_is_seen_and_answered_in_kind),
        PAIR(a_restart_that_gave_way_waits_for_the_next_offer),
        PAIR(a_stopped_track_is_rejected_from_then_on),
        PAIR(a_track_that_an_answer_rejects_is_stopped),
        cmocka_unit_test(bad_beginnings_are_refused),
        PAIR(any_course_of_offers_ends_in_agreement),
    };
    return cmocka_run_group_tests_name("two ends agree on one session, and on nothing behind its doors", tests, NULL,
                                       NULL);
}
