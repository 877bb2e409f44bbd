/* Data channels between two peers: from descriptions over DTLS to messages, and what of a call goes on without them. */
#include "peer_rig.h"

#define TEXT(s) ((so_slice){(s), sizeof(s) - 1})
#define CHANNEL 7

/* What one end heard. */
typedef struct heard {
    bool connected, ended;
    unsigned opened, closed, messages, low;
    uint16_t channel;
    bool text;
    size_t len;
    char label[32], last[32];
} heard;

static void on_data(rig *r, int at, const so_sctp_event *event)
{
    heard *h = (heard *)r->user + at;

    h->channel = event->channel;
    switch (event->kind) {
    case SO_SCTP_CONNECTED:
        h->connected = true;
        break;
    case SO_SCTP_CHANNEL_OPENED:
        h->opened++;
        (void)snprintf(h->label, sizeof h->label, "%.*s", (int)event->opened.label.len,
                       (const char *)event->opened.label.bytes);
        break;
    case SO_SCTP_MESSAGE:
        h->messages++;
        h->text = event->text;
        h->len = event->bytes.len;
        (void)snprintf(h->last, sizeof h->last, "%.*s", (int)event->bytes.len, (const char *)event->bytes.bytes);
        break;
    case SO_SCTP_BUFFERED_LOW:
        h->low++;
        break;
    case SO_SCTP_CHANNEL_CLOSED:
        h->closed++;
        break;
    case SO_SCTP_ENDED:
        h->ended = true;
        break;
    }
}

static void begin_data(rig *r, heard h[2], uint64_t seed)
{
    begin(r, seed);
    memset(h, 0, 2 * sizeof *h);
    r->on_data = on_data;
    r->user = h;
}

static void open_both(rig *r, int offerer)
{
    assert_int_equal(so_peer_add_data(r->ends[offerer].peer), SO_OK);
    negotiate(r, offerer);
    run_for(r, 500);
}

static void say(rig *r, int from, uint16_t channel, so_slice what)
{
    assert_int_equal(so_peer_send_message(r->ends[from].peer, sim_now(), channel, true, what), SO_OK);
    run_for(r, 200);
}

static void channels_open_and_carry_messages_whoever_offers(void **state)
{
    (void)state;
    for (int offerer = 0; offerer < 2; offerer++) {
        rig r;
        heard h[2];
        uint16_t id;
        so_sctp_channel channel = {.label = TEXT("talk"), .protocol = TEXT("p")};

        begin_data(&r, h, 21 + (uint64_t)offerer);
        open_both(&r, offerer);
        assert_true(h[0].connected && h[1].connected);
        assert_int_equal(so_peer_message_max(r.ends[0].peer), SO_SCTP_MESSAGE_MAX);
        assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_OK);
        say(&r, 0, id, TEXT("hello"));
        assert_int_equal(h[1].opened, 1);
        assert_string_equal(h[1].label, "talk");
        assert_string_equal(h[1].last, "hello");
        assert_true(h[1].text && h[1].channel == id);
        say(&r, 1, id, TEXT("and back"));
        assert_string_equal(h[0].last, "and back");
        so_peer_close_channel(r.ends[1].peer, sim_now(), id);
        run_for(&r, 1000);
        assert_int_equal(h[0].closed + h[1].closed, 2);
        finish(&r);
    }
}

/* A channel that both ends open by themselves misses nothing, though its first message comes with the association. */
static void negotiated_channels_are_there_before_anything_can_come(void **state)
{
    so_sctp_channel channel = {.label = TEXT("n"), .negotiated = true, .id = CHANNEL};
    rig r;
    heard h[2];
    uint16_t id;

    (void)state;
    begin_data(&r, h, 31);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(so_peer_open_channel(r.ends[i].peer, sim_now(), &channel, &id), SO_OK);
        assert_int_equal(id, CHANNEL);
        assert_int_equal(so_peer_open_channel(r.ends[i].peer, sim_now(), &channel, &id), SO_BAD_INPUT);
    }
    channel.negotiated = false;
    assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_STATE);
    assert_int_equal(so_peer_send_message(r.ends[0].peer, sim_now(), CHANNEL, true, TEXT("early")), SO_STATE);
    assert_int_equal(so_peer_add_data(r.ends[0].peer), SO_OK);
    negotiate(&r, 0);
    for (int i = 0; i < 2; i++)
        while (!h[i].connected) {
            settle(&r);
            sim_set(sim_now() + 1);
            so_peer_tick(r.ends[0].peer, sim_now());
            so_peer_tick(r.ends[1].peer, sim_now());
        }
    say(&r, 1, CHANNEL, TEXT("at once"));
    assert_string_equal(h[0].last, "at once");
    assert_int_equal(h[0].opened, 0);
    finish(&r);
}

/* RFC 3264 §8: they may come in mid-call, and sound goes on. */
static void they_may_come_in_mid_call(void **state)
{
    so_sctp_channel channel = {.label = TEXT("late")};
    rig r;
    heard h[2];
    uint16_t id;

    (void)state;
    begin_data(&r, h, 41);
    negotiate(&r, 0);
    run_for(&r, 500);
    assert_false(h[0].connected);
    assert_int_equal(so_peer_message_max(r.ends[0].peer), 0);
    assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_STATE);
    open_both(&r, 1);
    assert_true(h[0].connected && h[1].connected);
    assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_OK);
    say(&r, 0, id, TEXT("later"));
    assert_string_equal(h[1].last, "later");
    assert_int_equal(so_peer_state_of(r.ends[0].peer), SO_PEER_OPEN);
    finish(&r);
}

/* What an outage held up comes when it is over, however long it was; and nothing spins meanwhile. */
static void an_outage_delays_messages_and_loses_none(void **state)
{
    so_sctp_channel channel = {.label = TEXT("x")};
    rig r;
    heard h[2];
    uint16_t id;

    (void)state;
    begin_data(&r, h, 51);
    open_both(&r, 0);
    assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_OK);
    say(&r, 0, id, TEXT("before"));
    r.cut = true;
    for (int i = 0; i < 20; i++)
        assert_int_equal(so_peer_send_message(r.ends[0].peer, sim_now(), id, true, TEXT("meanwhile")), SO_OK);
    run_for(&r, 25000); /* consent lasts for 30 s (RFC 7675) */
    assert_int_equal(h[1].messages, 1);
    r.cut = false;
    run_for(&r, 15000);
    assert_int_equal(h[1].messages, 21);
    assert_false(h[0].ended || h[1].ended);
    finish(&r);
}

static unsigned count_turns(rig *r, so_msec ms)
{
    so_msec until = sim_now() + ms;
    unsigned turns = 0;

    for (;; turns++) {
        so_msec at = so_peer_deadline(r->ends[0].peer, sim_now());

        settle(r);
        if (at > until)
            return turns;
        sim_set(at > sim_now() ? at : sim_now() + (turns % 64 == 63));
        so_peer_tick(r->ends[0].peer, sim_now());
    }
}

static void without_a_path_nothing_spins(void **state)
{
    so_sctp_channel channel = {.label = TEXT("x")};
    rig r;
    heard h[2];
    uint16_t id;

    (void)state;
    begin_data(&r, h, 61);
    open_both(&r, 0);
    assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_OK);
    say(&r, 0, id, TEXT("before"));
    so_peer_remove_base(r.ends[0].peer, sim_now(), &r.ends[0].base);
    assert_int_equal(so_peer_send_message(r.ends[0].peer, sim_now(), id, true, TEXT("held")), SO_OK);
    assert_in_range(count_turns(&r, 10000), 0, 1000);
    assert_int_equal(h[1].messages, 1);
    finish(&r);
}

static void a_megabyte_goes_through_with_sound_beside_it(void **state)
{
    static uint8_t bytes[64 * 1024];
    so_sctp_channel channel = {.label = TEXT("bulk")};
    rig r;
    heard h[2];
    uint16_t id;
    unsigned heard_before;

    (void)state;
    begin_data(&r, h, 71);
    open_both(&r, 0);
    assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &channel, &id), SO_OK);
    so_peer_set_low_mark(r.ends[0].peer, id, sizeof bytes);
    for (int i = 0; i < 16; i++)
        assert_int_equal(so_peer_send_message(r.ends[0].peer, sim_now(), id, false, (so_slice){bytes, sizeof bytes}),
                         SO_OK);
    assert_true(so_peer_buffered(r.ends[0].peer, id) > 0);
    heard_before = r.ends[1].frames;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t sound[40] = {0xf8};
        so_peer_frame frame = {.bytes = sound, .len = sizeof sound, .time = i * 960};

        assert_int_equal(so_peer_send(r.ends[0].peer, sim_now(), r.ends[0].track, &frame), SO_OK);
        run_for(&r, 20);
    }
    run_for(&r, 1000);
    assert_int_equal(h[1].messages, 16);
    assert_int_equal(h[1].len, sizeof bytes);
    assert_int_equal(h[0].low, 1);
    assert_int_equal(r.ends[1].frames - heard_before, 100);
    assert_int_equal(r.ends[1].lost, 0);
    finish(&r);
}

/* An end that breaks the rules of SCTP loses its data channels, and nothing else. */
static void what_breaks_them_ends_them_alone(void **state)
{
    so_sctp_channel channel = {.label = TEXT("x"), .negotiated = true, .id = CHANNEL};
    rig r;
    heard h[2];
    uint16_t id;
    uint8_t sound[40] = {0xf8};
    so_peer_frame frame = {.bytes = sound, .len = sizeof sound};

    (void)state;
    begin_data(&r, h, 81);
    open_both(&r, 0);
    /* Both open one of the same number: one in band, where the other has it already. */
    assert_int_equal(so_peer_open_channel(r.ends[1].peer, sim_now(), &channel, &id), SO_OK);
    for (int i = 0; i < 8; i++) {
        so_sctp_channel in_band = {.label = TEXT("y")};

        assert_int_equal(so_peer_open_channel(r.ends[0].peer, sim_now(), &in_band, &id), SO_OK);
        if (id == CHANNEL)
            break;
    }
    assert_int_equal(id, CHANNEL);
    run_for(&r, 1000);
    assert_true(h[1].ended);
    assert_non_null(strstr(so_peer_data_error(r.ends[1].peer)->text, "not its to give"));
    assert_int_equal(so_peer_open_channel(r.ends[1].peer, sim_now(), &channel, &id), SO_STATE);
    assert_int_equal(so_peer_state_of(r.ends[1].peer), SO_PEER_OPEN);
    assert_int_equal(so_peer_send(r.ends[0].peer, sim_now(), r.ends[0].track, &frame), SO_OK);
    run_for(&r, 200);
    assert_int_equal(r.ends[1].frames, 1);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(channels_open_and_carry_messages_whoever_offers),
        cmocka_unit_test(negotiated_channels_are_there_before_anything_can_come),
        cmocka_unit_test(they_may_come_in_mid_call),
        cmocka_unit_test(an_outage_delays_messages_and_loses_none),
        cmocka_unit_test(without_a_path_nothing_spins),
        cmocka_unit_test(a_megabyte_goes_through_with_sound_beside_it),
        cmocka_unit_test(what_breaks_them_ends_them_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
