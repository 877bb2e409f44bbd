/* Packets of media under attack: nonces that repeat, bits that flip, packets that come again. */
#include "attack/native.h"
#include "peer/inside.h"

#include "rtp/packet.h"

/* ---- Attack 10: no nonce twice ---- */

#define KEYS_MAX 40000

typedef struct seen {
    uint64_t all[KEYS_MAX]; /* what makes up a nonce under one key */
    size_t count;
} seen;

typedef struct capture {
    seen rtp[2], rtcp[2], dtls[2], explicit_nonces[2];
    uint16_t last_seq[2];
    uint64_t roc[2];
    bool any[2];
    unsigned lose; /* one datagram of so many of a handshake; 0: none */
    unsigned count;
} capture;

static void note(seen *s, uint64_t key)
{
    assert_true(s->count < KEYS_MAX);
    s->all[s->count++] = key;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static void assert_unique(seen *s, size_t least)
{
    assert_true(s->count >= least);
    qsort(s->all, s->count, sizeof s->all[0], by_number);
    for (size_t i = 1; i < s->count; i++)
        assert_true(s->all[i - 1] != s->all[i]);
}

/* RFC 6347 §4.1: type, version, epoch and number, length. */
static void note_records(capture *c, unsigned from, const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);

    while (so_reader_left(&r) > 0) {
        const uint8_t *fragment;
        uint64_t epoch_and_number;
        uint16_t length;

        (void)so_read_bytes(&r, 3);
        epoch_and_number = so_read_u64(&r);
        length = so_read_u16(&r);
        fragment = so_read_bytes(&r, length);
        assert_non_null(fragment);
        note(&c->dtls[from], epoch_and_number);
        if (epoch_and_number >> 48 > 0) { /* RFC 5288 §3: the explicit part of the nonce of AES-GCM */
            so_reader nonce = so_reader_of(fragment, length);

            note(&c->explicit_nonces[from], so_read_u64(&nonce));
        }
    }
}

static bool capture_all(native *n, native_datagram *d)
{
    capture *c = n->user;
    so_reader r = so_reader_of(d->bytes, d->len);

    if (d->kind == SO_DEMUX_RTP) {
        uint32_t ssrc;
        uint16_t seq;

        (void)so_read_u16(&r);
        seq = so_read_u16(&r);
        (void)so_read_u32(&r);
        ssrc = so_read_u32(&r);
        if (c->any[d->from] && seq < 0x1000 && c->last_seq[d->from] > 0xf000)
            c->roc[d->from]++;
        c->any[d->from] = true;
        c->last_seq[d->from] = seq;
        note(&c->rtp[d->from], (uint64_t)(ssrc & 0xffff) << 48 | c->roc[d->from] << 16 | seq);
    } else if (d->kind == SO_DEMUX_RTCP) {
        r = so_reader_of(d->bytes + d->len - 4, 4); /* with GCM the index is last (RFC 7714 §9.3) */
        note(&c->rtcp[d->from], so_read_u32(&r));
    } else if (d->kind == SO_DEMUX_DTLS) {
        note_records(c, d->from, d->bytes, d->len);
        return c->lose == 0 || ++c->count % c->lose != 0;
    }
    return true;
}

static void no_nonce_is_on_the_wire_twice(void **state)
{
    static capture c;
    native n;

    (void)state;
    memset(&c, 0, sizeof c);
    c.lose = 3; /* so that flights are sent again, which must not be with the same numbers */
    native_begin(&n, 1);
    n.user = &c;
    n.tap = capture_all;
    assert_true(native_negotiate(&n, 0));
    native_run(&n, 10000);
    assert_true(native_is_open(&n));
    c.lose = 0;
    for (int i = 0; i < 2; i++)
        n.ends[i].peer->tracks[n.ends[i].track]->out.sender.seq =
            65000; /* before the first packet: so that it wraps soon */
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(native_send(&n, i % 2), SO_OK);
        assert_int_equal(native_send(&n, i % 2), SO_OK);
        native_run(&n, 20);
        if (i == 700 || i == 1400) { /* keys and counters outlive a restart of ICE, and a direction that changes */
            assert_int_equal(so_peer_restart_ice(n.ends[i == 700].peer, sim_now()), SO_OK);
            assert_true(native_negotiate(&n, i == 700));
        }
        if (i == 1000 || i == 1010)
            so_peer_direct_track(n.ends[0].peer, n.ends[0].track, i == 1000 ? SO_SDP_RECVONLY : SO_SDP_SENDRECV);
        if (i == 1010)
            assert_true(native_negotiate(&n, 0));
    }
    so_peer_close(n.ends[0].peer, sim_now());
    native_settle(&n);
    for (int i = 0; i < 2; i++) {
        assert_true(c.roc[i] == 1);
        assert_unique(&c.rtp[i], 2000);
        assert_unique(&c.rtcp[i], 5);
        assert_unique(&c.dtls[i], 4);
        assert_unique(&c.explicit_nonces[i], 1);
    }
    native_end_all(&n);
}

/* ---- Attack 11: every bit of a packet ---- */

static native_datagram held;
static so_demux wanted;

static bool hold_one(native *n, native_datagram *d)
{
    (void)n;
    if (held.len > 0 || d->from != 0 || d->kind != wanted)
        return true;
    held = *d;
    return false;
}

static so_srtp_counts counts_of(const native *n, unsigned i)
{
    so_peer_facts facts;

    so_peer_facts_of(n->ends[i].peer, &facts);
    return facts.received;
}

static void flip_every_bit(native *n)
{
    so_srtp_counts before = counts_of(n, 1), after;
    unsigned frames = n->ends[1].frames;

    for (size_t bit = 0; bit < 8 * held.len; bit++) {
        held.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        native_inject(n, 1, &held.source, held.bytes, held.len);
        held.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t len = 0; len < held.len; len++) /* cut short, too */
        native_inject(n, 1, &held.source, held.bytes, len);
    native_settle(n);
    after = counts_of(n, 1);
    /* Nearly all reach the check of the tag; some no longer look like media, or like SRTCP's E bit. */
    assert_true(after.auth_failed - before.auth_failed > 7 * held.len);
    assert_int_equal(after.unprotected_rtp, before.unprotected_rtp);
    assert_int_equal(after.unprotected_rtcp, before.unprotected_rtcp);
    assert_int_equal(after.too_many_ssrcs, before.too_many_ssrcs);
    assert_int_equal(n->ends[1].frames, frames);
    assert_int_equal(n->ends[1].peer->incoming != NULL, true);
    assert_true(native_is_open(n));
    /* The packet itself is still taken: nothing of the above has moved a counter or a window. Once. */
    native_inject(n, 1, &held.source, held.bytes, held.len);
    native_inject(n, 1, &held.source, held.bytes, held.len);
    before = after;
    after = counts_of(n, 1);
    assert_int_equal(after.unprotected_rtp + after.unprotected_rtcp,
                     before.unprotected_rtp + before.unprotected_rtcp + 1);
    assert_int_equal(after.replayed, before.replayed + 1);
}

static void no_bit_of_a_packet_can_be_changed(void **state)
{
    (void)state;
    for (int rtcp = 0; rtcp < 2; rtcp++)
        for (int first = 0; first < 2; first++) { /* the first one of its stream, and one in its middle */
            native n;

            native_open(&n, 2, 0);
            if (!first)
                native_talk(&n, 0, 20);
            memset(&held, 0, sizeof held);
            wanted = rtcp ? SO_DEMUX_RTCP : SO_DEMUX_RTP;
            n.tap = hold_one;
            for (int i = 0; i < 1000 && held.len == 0; i++)
                native_talk(&n, 0, 1);
            assert_true(held.len > 0);
            n.tap = NULL;
            flip_every_bit(&n);
            native_run(&n, 200);
            assert_they_hear_each_other(&n);
            native_end_all(&n);
        }
}

/* Not flipped but made up: bytes of a stranger who knows SSRC and sequence number, from the true address. */
static void forged_packets_from_the_true_address_are_not_taken(void **state)
{
    native n;
    so_srtp_counts before, after;
    size_t head;

    (void)state;
    native_open(&n, 3, 0);
    memset(&held, 0, sizeof held);
    wanted = SO_DEMUX_RTP;
    n.tap = hold_one;
    native_talk(&n, 0, 1);
    before = counts_of(&n, 1);
    head = 12 + 4 + 4 * (size_t)held.bytes[15]; /* with its extension: a header in the clear must hold together */
    assert_true(held.bytes[0] == 0x90 && head < 60);
    for (uint32_t i = 0; i < 5000; i++) {
        uint8_t bytes[100];
        so_random random = sim_random();

        assert_int_equal(so_random_fill(&random, bytes, sizeof bytes), SO_OK);
        memcpy(bytes, held.bytes, head);
        bytes[3] = (uint8_t)i;
        bytes[2] = (uint8_t)(i >> 8);
        if (i % 3 == 0) /* and as many SSRCs as there are */
            memcpy(bytes + 8, &i, sizeof i);
        native_inject(&n, 1, &n.ends[0].base, bytes, sizeof bytes);
    }
    after = counts_of(&n, 1);
    assert_int_equal(after.auth_failed - before.auth_failed, 5000);
    assert_int_equal(after.too_many_ssrcs, 0);
    assert_int_equal(after.unprotected_rtp, before.unprotected_rtp);
    n.tap = NULL;
    assert_they_hear_each_other(&n);
    native_end_all(&n);
}

/* ---- Attack 12: replay and rollover ---- */

#define KEPT 4096

typedef struct replayer {
    native_datagram *kept; /* every packet of media that there was */
    size_t count, delivered;
    uint64_t replays;
    bool arrived[KEPT];
} replayer;

static bool hold_media(native *n, native_datagram *d)
{
    replayer *r = n->user;

    if (d->from != 0 || (d->kind != SO_DEMUX_RTP && d->kind != SO_DEMUX_RTCP))
        return true;
    assert_true(r->count < KEPT);
    r->kept[r->count++] = *d;
    return false;
}

static void arrive(native *n, size_t i)
{
    replayer *r = n->user;

    r->arrived[i] = true;
    r->delivered++;
    native_inject(n, 1, &r->kept[i].source, r->kept[i].bytes, r->kept[i].len);
}

static void replay(native *n, size_t i)
{
    replayer *r = n->user;

    r->replays++;
    native_inject(n, 1, &r->kept[i].source, r->kept[i].bytes, r->kept[i].len);
}

/* Over the rollover at 65536, with a tenth lost and neighbours swapped; each packet comes twice, and again later. */
static void nothing_that_comes_again_is_taken(void **state)
{
    static replayer r;
    native n;
    so_srtp_counts counts;

    (void)state;
    native_open(&n, 4, 0);
    memset(&r, 0, sizeof r);
    r.kept = calloc(KEPT, sizeof *r.kept);
    assert_non_null(r.kept);
    n.user = &r;
    n.tap = hold_media;
    n.ends[0].peer->tracks[n.ends[0].track]->out.sender.seq = 64000;
    for (size_t done = 0; r.count < 3000;) {
        assert_int_equal(native_send(&n, 0), SO_OK);
        native_run(&n, 20);
        if (r.count < done + 4)
            continue;
        for (size_t i = r.count; i-- > done;) { /* last first */
            if (sim_dice(10) == 0)
                continue;
            arrive(&n, i);
            replay(&n, i);
        }
        done = r.count;
        for (int k = 0; k < 3; k++) { /* what came long ago or just now */
            size_t i = sim_dice((unsigned)done);

            if (r.arrived[i])
                replay(&n, i);
        }
    }
    native_run(&n, 500);
    counts = counts_of(&n, 1);
    assert_int_equal(counts.unprotected_rtp + counts.unprotected_rtcp, r.delivered);
    assert_int_equal(counts.replayed, r.replays);
    assert_int_equal(counts.auth_failed, 0); /* the rollover counter was never wrong */
    assert_true(r.replays > 3000);
    assert_true(n.ends[1].frames > 2400);
    assert_true(n.ends[1].frames <= r.delivered);
    assert_false(n.ends[1].disordered);
    /* And all of it once more. */
    for (size_t i = 0; i < r.count; i++)
        if (r.arrived[i])
            replay(&n, i);
    counts = counts_of(&n, 1);
    assert_int_equal(counts.replayed, r.replays);
    free(r.kept);
    native_end_all(&n);
}

/* RFC 3711 §3.3.2: what is older than the window cannot be told from a replay, and is none the less refused. */
static void behind_the_window_nothing_is_taken(void **state)
{
    static replayer r;
    native n;
    so_srtp_counts counts;

    (void)state;
    native_open(&n, 5, 0);
    memset(&r, 0, sizeof r);
    r.kept = calloc(KEPT, sizeof *r.kept);
    assert_non_null(r.kept);
    n.user = &r;
    n.tap = hold_media;
    n.ends[0].peer->reports.due = UINT64_MAX; /* RTP alone */
    for (size_t i = 0; i < 2 * SO_SRTP_WINDOW + 2; i++) {
        assert_int_equal(native_send(&n, 0), SO_OK);
        native_settle(&n);
    }
    arrive(&n, SO_SRTP_WINDOW);
    assert_int_equal(counts_of(&n, 1).unprotected_rtp, 1);
    arrive(&n, 1); /* the oldest that may still come */
    assert_int_equal(counts_of(&n, 1).unprotected_rtp, 2);
    arrive(&n, 0);
    counts = counts_of(&n, 1);
    assert_int_equal(counts.unprotected_rtp, 2);
    assert_int_equal(counts.replayed, 1);
    arrive(&n, 2 * SO_SRTP_WINDOW + 1);
    arrive(&n, SO_SRTP_WINDOW + 1);
    replay(&n, SO_SRTP_WINDOW);
    counts = counts_of(&n, 1);
    assert_int_equal(counts.unprotected_rtp, 3);
    assert_int_equal(counts.replayed, 3);
    free(r.kept);
    native_end_all(&n);
}

/* A packet of one call is noise in the next one, between the same two ends. */
static void a_packet_of_another_call_is_not_taken(void **state)
{
    native n, m;

    (void)state;
    native_open(&n, 6, 0);
    memset(&held, 0, sizeof held);
    wanted = SO_DEMUX_RTP;
    n.tap = hold_one;
    native_talk(&n, 0, 2);
    native_end_all(&n);
    native_open(&m, 7, 0);
    native_inject(&m, 1, &m.ends[0].base, held.bytes, held.len);
    assert_int_equal(counts_of(&m, 1).auth_failed, 1);
    assert_int_equal(counts_of(&m, 1).unprotected_rtp, 0);
    assert_they_hear_each_other(&m);
    native_end_all(&m);
}

/* ---- consent of another kind: what the other end no longer wants ---- */

static void reject_line(native *n, unsigned from, so_sdp_type type, char *sdp, size_t cap)
{
    (void)n;
    (void)from;
    (void)type;
    if (native_replace(sdp, cap, "m=audio 9 ", "m=audio 0 ") == 0)
        assert_non_null(strstr(sdp, "m=audio 0 "));
    (void)native_replace(sdp, cap, "a=group:BUNDLE 0\r\n", "");
}

/* RFC 3264 §8.2: "the offerer MUST NOT send media" on a stream with a port of zero, nor may the answerer. */
static void a_line_that_is_rejected_in_mid_call_is_silent(void **state)
{
    (void)state;
    for (unsigned offerer = 0; offerer < 2; offerer++) {
        uint64_t before[2];
        native n;

        native_open(&n, 8, 0);
        assert_they_hear_each_other(&n);
        n.rewrite = reject_line;
        assert_true(native_negotiate(&n, offerer));
        for (unsigned i = 0; i < 2; i++) {
            before[i] = n.ends[i].sent[SO_DEMUX_RTP];
            assert_int_equal(native_send(&n, i), SO_STATE);
        }
        native_run(&n, 1000);
        for (unsigned i = 0; i < 2; i++)
            assert_int_equal(n.ends[i].sent[SO_DEMUX_RTP], before[i]);
        assert_true(native_is_open(&n));
        native_end_all(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_nonce_is_on_the_wire_twice),
        cmocka_unit_test(no_bit_of_a_packet_can_be_changed),
        cmocka_unit_test(forged_packets_from_the_true_address_are_not_taken),
        cmocka_unit_test(nothing_that_comes_again_is_taken),
        cmocka_unit_test(behind_the_window_nothing_is_taken),
        cmocka_unit_test(a_packet_of_another_call_is_not_taken),
        cmocka_unit_test(a_line_that_is_rejected_in_mid_call_is_silent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
