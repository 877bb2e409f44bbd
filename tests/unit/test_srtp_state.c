/* srtp: what a session remembers: which packets were there, how often the numbers went round, how long a key lasts. */
#include "srtp_rig.h"

#include "srtp/inside.h"

static void a_replay_is_refused_at_each_distance(void **state)
{
    enum { N = SO_SRTP_WINDOW + 40 };
    static uint8_t rtp[N][100], rtcp[N][100];
    static size_t rtp_len[N], rtcp_len[N];

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        so_srtp_counts c;
        uint8_t b[RIG_ROOM];
        rig r;
        rig_start(&r, rig_profiles[p]);
        for (size_t i = 0; i < N; i++) {
            size_t len;
            assert_int_equal(rig_send(&r, b, &len, 3, (uint16_t)(65000 + i)), SO_SRTP_OK);
            memcpy(rtp[i], b, len);
            rtp_len[i] = len;
            assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
            len = rig_rtcp(b, 3, 8);
            assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_OK);
            memcpy(rtcp[i], b, len);
            rtcp_len[i] = len;
            assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_OK);
        }
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(rig_take(r.in, rtp[i], rtp_len[i]), SO_SRTP_REPLAYED);
            memcpy(b, rtcp[i], rtcp_len[i]);
            assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &rtcp_len[i]), SO_SRTP_REPLAYED);
        }
        so_srtp_stats(r.in, &c);
        assert_int_equal(c.replayed, 2 * N);
        assert_int_equal(c.unprotected_rtp, N);
        assert_int_equal(c.unprotected_rtcp, N);
        assert_int_equal(c.auth_failed, 0);
        rig_end(&r);
    }
}

static void a_late_packet_is_taken_once_within_the_window(void **state)
{
    (void)state;
    for (size_t gap = 1; gap <= SO_SRTP_WINDOW + 1; gap += gap < 3 || gap > SO_SRTP_WINDOW - 4 ? 1 : 200) {
        uint8_t late[RIG_ROOM], b[RIG_ROOM];
        size_t late_len, len;
        bool in_time = gap < SO_SRTP_WINDOW;
        rig r;
        rig_start(&r, SO_SRTP_AEAD_AES_128_GCM);
        assert_int_equal(rig_send(&r, b, &len, 3, 65400), SO_SRTP_OK);
        assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
        assert_int_equal(rig_send(&r, late, &late_len, 3, 65401), SO_SRTP_OK);
        for (size_t i = 1; i <= gap; i++) {
            assert_int_equal(rig_send(&r, b, &len, 3, (uint16_t)(65401 + i)), SO_SRTP_OK);
            assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
        }
        assert_int_equal(rig_take(r.in, late, late_len), in_time ? SO_SRTP_OK : SO_SRTP_REPLAYED);
        assert_int_equal(rig_take(r.in, late, late_len), SO_SRTP_REPLAYED);
        rig_end(&r);
    }
}

/* Three times round the sequence numbers, with loss up to half and packets that overtake each other. */
static void rollover_survives_loss_and_reordering(void **state)
{
    enum { DELAYED = 64 };
    static uint8_t held[DELAYED][100];
    static size_t held_len[DELAYED];

    (void)state;
    for (uint32_t loss = 0; loss <= 128; loss += 64) {
        uint64_t seed = 77 + loss, taken = 0, sent = 0;
        so_srtp_counts c;
        rig r;
        rig_start(&r, SO_SRTP_AEAD_AES_128_GCM);
        memset(held_len, 0, sizeof held_len);
        for (uint32_t i = 0; i < 3 * 65536 + 900; i++) {
            uint8_t dice[2], b[RIG_ROOM];
            size_t len, slot;
            assert_int_equal(unit_fill(&seed, dice, 2), SO_OK);
            assert_int_equal(rig_send(&r, b, &len, 3, (uint16_t)(65530 + i)), SO_SRTP_OK);
            if (i > 0 && dice[0] < loss)
                continue;
            slot = i == 0 ? 0 : dice[1] % DELAYED;
            sent++;
            /* it takes the place of an earlier one, which goes out now */
            if (held_len[slot] != 0 && rig_take(r.in, held[slot], held_len[slot]) == SO_SRTP_OK)
                taken++;
            memcpy(held[slot], b, len);
            held_len[slot] = len;
        }
        for (size_t i = 0; i < DELAYED; i++)
            if (held_len[i] != 0 && rig_take(r.in, held[i], held_len[i]) == SO_SRTP_OK)
                taken++;
        so_srtp_stats(r.in, &c);
        assert_int_equal(c.auth_failed, 0);
        assert_int_equal(c.unprotected_rtp, taken);
        assert_int_equal(taken + c.replayed, sent); /* those held for longer than the window */
        assert_true(c.replayed < sent / 1000);
        assert_int_equal(r.in->streams[0].rtp.highest >> 16, 3 + (65530 + 899 >= 65536 ? 1 : 0));
        rig_end(&r);
    }
}

/* All that was sent before the first rollover is lost: the receiver's first packet is one of rollover counter 1. */
static void a_stream_whose_beginning_is_lost_is_found(void **state)
{
    static const uint16_t firsts[] = {32768, 65535, 65000};
    static const uint16_t seen[] = {0, 1, 9000, 32767};

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++)
        for (size_t f = 0; f < 3; f++)
            for (size_t s = 0; s < 4; s++) {
                uint8_t b[RIG_ROOM];
                size_t len;
                rig r;
                rig_start(&r, rig_profiles[p]);
                assert_int_equal(rig_send(&r, b, &len, 3, firsts[f]), SO_SRTP_OK);
                for (uint32_t seq = firsts[f] + 1u; seq < 65536u + seen[s]; seq += 200)
                    assert_int_equal(rig_send(&r, b, &len, 3, (uint16_t)seq), SO_SRTP_OK);
                assert_int_equal(rig_send(&r, b, &len, 3, seen[s]), SO_SRTP_OK);
                assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
                assert_int_equal(r.in->streams[0].rtp.highest, 65536u + seen[s]);
                assert_int_equal(rig_send(&r, b, &len, 3, (uint16_t)(seen[s] + 1)), SO_SRTP_OK);
                assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
                rig_end(&r);
            }
}

static void a_number_is_protected_once(void **state)
{
    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        uint8_t b[RIG_ROOM];
        so_srtp_counts c;
        size_t len;
        rig r;
        rig_start(&r, rig_profiles[p]);
        assert_int_equal(rig_send(&r, b, &len, 3, 2), SO_SRTP_OK);
        assert_int_equal(rig_send(&r, b, &len, 3, 2), SO_SRTP_REPLAYED);
        assert_int_equal(rig_send(&r, b, &len, 4, 2), SO_SRTP_OK); /* another stream, another nonce */
        assert_int_equal(rig_send(&r, b, &len, 3, 5), SO_SRTP_OK);
        assert_int_equal(rig_send(&r, b, &len, 3, 3), SO_SRTP_OK); /* out of order, and new */
        assert_int_equal(rig_send(&r, b, &len, 3, 3), SO_SRTP_REPLAYED);
        assert_int_equal(rig_send(&r, b, &len, 3, 5), SO_SRTP_REPLAYED);
        assert_int_equal(rig_send(&r, b, &len, 3, 1), SO_SRTP_OK);
        assert_int_equal(rig_send(&r, b, &len, 3, 65535), SO_SRTP_REPLAYED); /* before the first index there is */
        assert_int_equal(rig_send(&r, b, &len, 3, 5 + SO_SRTP_WINDOW), SO_SRTP_OK);
        assert_int_equal(rig_send(&r, b, &len, 3, 4), SO_SRTP_REPLAYED);
        assert_int_equal(rig_send(&r, b, &len, 3, 6 + SO_SRTP_WINDOW), SO_SRTP_OK);
        assert_int_equal(rig_send(&r, b, &len, 3, 6), SO_SRTP_REPLAYED); /* never used, but not to be known any more */
        so_srtp_stats(r.out, &c);
        assert_int_equal(c.replayed, 6);
        rig_end(&r);
    }
}

static void a_used_up_key_sends_no_more(void **state)
{
    uint8_t b[RIG_ROOM];
    so_srtp_counts c;
    size_t len;
    rig r;

    (void)state;
    rig_start(&r, SO_SRTP_AEAD_AES_256_GCM);
    len = rig_rtcp(b, 3, 8);
    assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_OK);
    r.out->rtcp_used = SO_SRTCP_KEY_PACKETS - 1;
    r.out->streams[0].rtcp_next = (uint32_t)(SO_SRTCP_KEY_PACKETS - 1);
    len = rig_rtcp(b, 3, 8);
    assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_OK);
    assert_memory_equal(b + len - 4, "\xff\xff\xff\xff", 4);
    assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_OK);
    len = rig_rtcp(b, 3, 8);
    assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_EXPIRED);
    /* "whichever occurs before": SRTP is over with it */
    assert_int_equal(rig_send(&r, b, &len, 3, 1), SO_SRTP_EXPIRED);
    r.out->rtcp_used = 0;
    r.out->rtp_used = SO_SRTP_KEY_PACKETS - 1;
    assert_int_equal(rig_send(&r, b, &len, 3, 1), SO_SRTP_OK);
    assert_int_equal(rig_send(&r, b, &len, 3, 2), SO_SRTP_EXPIRED);
    /* the last index that there is */
    r.out->rtp_used = 0;
    r.out->streams[0].rtp.highest = r.in->streams[0].rtp.highest = SO_SRTP_INDEX_END - 2;
    r.in->streams[0].rtp.any = true;
    assert_int_equal(rig_send(&r, b, &len, 3, 65535), SO_SRTP_OK);
    assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
    assert_int_equal(rig_send(&r, b, &len, 3, 0), SO_SRTP_EXPIRED);
    len = rig_rtp(b, 3, 0, 0, -1, 40);
    assert_int_equal(rig_take(r.in, b, len), SO_SRTP_EXPIRED);
    so_srtp_stats(r.out, &c);
    assert_int_equal(c.expired, 4);
    rig_end(&r);
}

/* room: what a new session has, and the most that can be reserved. */
static void one_ssrc_more_than_there_is_room_for_is_refused(void **state)
{
    static const uint32_t rooms[] = {SO_SRTP_SSRCS_AT_FIRST, SO_SRTP_SSRCS};

    (void)state;
    for (size_t p = 0; p < 2 * RIG_PROFILES; p++) {
        const uint32_t room = rooms[p % 2];
        uint8_t b[RIG_ROOM];
        so_srtp_counts c;
        size_t len;
        rig r, more;
        rig_start(&r, rig_profiles[p / 2]);
        rig_start(&more, rig_profiles[p / 2]);
        if (room > SO_SRTP_SSRCS_AT_FIRST) {
            assert_int_equal(so_srtp_reserve(r.in, 1000), SO_OK);
            assert_int_equal(so_srtp_reserve(r.out, room), SO_OK);
        }
        /* forged ones take no place, whatever their number */
        for (uint32_t i = 0; i < 3 * room; i++) {
            len = rig_rtp(b, 5000 + i, 1, 0, -1, 60);
            assert_int_equal(rig_take(r.in, b, len), SO_SRTP_AUTH_FAILED);
            len = rig_rtcp(b, 6000 + i, 60);
            b[len - 4] = b[len - 14] = 0xff;
            assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_AUTH_FAILED);
        }
        assert_int_equal(r.in->count, 0);
        for (uint32_t i = 0; i < room; i++) {
            if (i % 2) {
                assert_int_equal(rig_send(&r, b, &len, 100 + i, 1), SO_SRTP_OK);
                assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
            } else {
                len = rig_rtcp(b, 100 + i, 8);
                assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_OK);
                assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_OK);
            }
        }
        assert_int_equal(rig_send(&r, b, &len, 999, 1), SO_SRTP_TOO_MANY_SSRCS);
        len = rig_rtcp(b, 999, 8);
        assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_TOO_MANY_SSRCS);
        /* of the same keys, so that only the cap refuses it */
        assert_int_equal(rig_send(&more, b, &len, 999, 1), SO_SRTP_OK);
        assert_int_equal(rig_take(r.in, b, len), SO_SRTP_TOO_MANY_SSRCS);
        len = rig_rtcp(b, 999, 8);
        assert_int_equal(rig_one(so_srtp_protect_rtcp, more.out, b, &len), SO_SRTP_OK);
        assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_TOO_MANY_SSRCS);
        /* and those that are known go on */
        assert_int_equal(rig_send(&r, b, &len, 100, 2), SO_SRTP_OK);
        assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
        so_srtp_stats(r.in, &c);
        assert_int_equal(c.too_many_ssrcs, 2);
        rig_end(&r);
        rig_end(&more);
    }
}

/* Room that is made in mid-stream takes along every stream as it was: no index is used or taken twice. */
static void reserving_forgets_nothing(void **state)
{
    uint8_t b[RIG_ROOM], old[RIG_ROOM], old_rtcp[RIG_ROOM];
    size_t len, old_len, old_rtcp_len;
    rig r;

    (void)state;
    rig_start(&r, SO_SRTP_AEAD_AES_128_GCM);
    assert_int_equal(rig_send(&r, old, &old_len, 7, 65535), SO_SRTP_OK);
    assert_int_equal(rig_take(r.in, old, old_len), SO_SRTP_OK);
    old_rtcp_len = rig_rtcp(old_rtcp, 7, 8);
    assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, old_rtcp, &old_rtcp_len), SO_SRTP_OK);
    memcpy(b, old_rtcp, old_rtcp_len);
    len = old_rtcp_len;
    assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_OK);
    for (size_t more = 0; more < 80; more += 9) {
        assert_int_equal(so_srtp_reserve(r.in, more), SO_OK);
        assert_int_equal(so_srtp_reserve(r.out, more), SO_OK);
        assert_true(r.in->room >= r.in->count + (more < 60 ? more : 0) && r.in->room <= SO_SRTP_SSRCS);
        assert_int_equal(rig_send(&r, b, &len, 7, 65535), SO_SRTP_REPLAYED);
        assert_int_equal(rig_take(r.in, old, old_len), SO_SRTP_REPLAYED);
        memcpy(b, old_rtcp, old_rtcp_len);
        len = old_rtcp_len;
        assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_REPLAYED);
        assert_int_equal(rig_send(&r, b, &len, 7, (uint16_t)more), SO_SRTP_OK); /* of rollover counter 1 */
        assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
        /* and a new one finds its place */
        assert_int_equal(rig_send(&r, b, &len, 100 + (uint32_t)more / 20, (uint16_t)more), SO_SRTP_OK);
        assert_int_equal(rig_take(r.in, b, len), SO_SRTP_OK);
    }
    assert_int_equal(r.in->streams[0].rtp.highest >> 16, 1);
    assert_int_equal(r.out->streams[0].rtcp_next, 1);
    rig_end(&r);
}

/* A GCM nonce is salt, SSRC and index: two SRTCP packets of one SSRC never share the last. */
static void srtcp_indices_count_up_per_ssrc(void **state)
{
    uint8_t b[RIG_ROOM];
    rig r;

    (void)state;
    rig_start(&r, SO_SRTP_AEAD_AES_128_GCM);
    for (uint32_t i = 0; i < 50; i++)
        for (uint32_t ssrc = 1; ssrc <= 2; ssrc++) {
            size_t len = rig_rtcp(b, ssrc, 4);
            assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_OK);
            assert_int_equal(so_srtp_get32(b + len - 4), SO_SRTCP_E_BIT | i);
        }
    rig_end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_replay_is_refused_at_each_distance),
        cmocka_unit_test(a_late_packet_is_taken_once_within_the_window),
        cmocka_unit_test(rollover_survives_loss_and_reordering),
        cmocka_unit_test(a_stream_whose_beginning_is_lost_is_found),
        cmocka_unit_test(a_number_is_protected_once),
        cmocka_unit_test(a_used_up_key_sends_no_more),
        cmocka_unit_test(one_ssrc_more_than_there_is_room_for_is_refused),
        cmocka_unit_test(reserving_forgets_nothing),
        cmocka_unit_test(srtcp_indices_count_up_per_ssrc),
    };
    return cmocka_run_group_tests_name("an SRTP session takes and sends each packet once", tests, NULL, NULL);
}
