/* srtp against libsrtp2: the same bytes both ways, in all three profiles, round the sequence numbers and back. */
#include "srtp_rig.h"

#include <srtp2/srtp.h>

typedef struct peer {
    srtp_t out, in;
    uint8_t material[46];
} peer;

static srtp_t session_of(peer *p, so_srtp_profile profile, srtp_ssrc_type_t way)
{
    srtp_policy_t policy;
    srtp_t session;

    memset(&policy, 0, sizeof policy);
    assert_int_equal(srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, (srtp_profile_t)profile),
                     srtp_err_status_ok);
    assert_int_equal(srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, (srtp_profile_t)profile),
                     srtp_err_status_ok);
    policy.ssrc.type = way;
    policy.key = p->material;
    policy.window_size = SO_SRTP_WINDOW;
    assert_int_equal(srtp_create(&session, &policy), srtp_err_status_ok);
    return session;
}

static void start(rig *r, peer *p, so_srtp_profile profile, so_srtp_engine_kind kind)
{
    rig_start_on(r, profile, kind, 90 + (uint64_t)profile);
    memcpy(p->material, r->key, r->key_len);
    memcpy(p->material + r->key_len, r->salt, r->salt_len);
    p->out = session_of(p, profile, ssrc_any_outbound);
    p->in = session_of(p, profile, ssrc_any_inbound);
}

static void end(rig *r, peer *p)
{
    assert_int_equal(srtp_dealloc(p->out), srtp_err_status_ok);
    assert_int_equal(srtp_dealloc(p->in), srtp_err_status_ok);
    rig_end(r);
}

/* libsrtp reads and writes 32-bit words */
typedef struct aligned {
    _Alignas(16) uint8_t b[RIG_ROOM];
} aligned;

/* One packet, protected by both: the same bytes; each opens the other's. */
static void cross_rtp(rig *r, peer *p, const uint8_t *plain, size_t plain_len)
{
    static aligned ours, theirs;
    size_t len = plain_len;
    int n = (int)plain_len;

    memcpy(ours.b, plain, plain_len);
    memcpy(theirs.b, plain, plain_len);
    assert_int_equal(rig_one(so_srtp_protect, r->out, ours.b, &len), SO_SRTP_OK);
    assert_int_equal(srtp_protect(p->out, theirs.b, &n), srtp_err_status_ok);
    assert_int_equal(len, n);
    assert_memory_equal(ours.b, theirs.b, len);
    assert_int_equal(srtp_unprotect(p->in, ours.b, &n), srtp_err_status_ok);
    assert_int_equal(n, plain_len);
    assert_memory_equal(ours.b, plain, plain_len);
    assert_int_equal(rig_one(so_srtp_unprotect, r->in, theirs.b, &len), SO_SRTP_OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(theirs.b, plain, plain_len);
}

static const so_srtp_engine_kind kinds[] = {SO_SRTP_ENGINE_OPENSSL, SO_SRTP_ENGINE_BEST};

/* CSRCs, header extensions, every payload length up to a few blocks, several SSRCs. */
static void packets_of_every_shape(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < RIG_PROFILES; i++) {
            uint8_t plain[RIG_ROOM];
            uint16_t seq = 1;
            rig r;
            peer p;
            start(&r, &p, rig_profiles[i], kinds[k]);
            for (size_t csrcs = 0; csrcs <= 15; csrcs += 3)
                for (int ext = -1; ext <= 4; ext++)
                    for (size_t payload = 1; payload < 1300; payload += payload < 70 ? 1 : 311) {
                        uint32_t ssrc = 0xf0000000u + seq % 5;
                        cross_rtp(&r, &p, plain, rig_rtp(plain, ssrc, seq, csrcs, ext, payload));
                        seq++;
                    }
            end(&r, &p);
        }
}

static void twice_round_the_sequence_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIG_PROFILES; i++) {
        uint8_t plain[RIG_ROOM];
        rig r;
        peer p;
        start(&r, &p, rig_profiles[i], SO_SRTP_ENGINE_BEST);
        for (uint32_t seq = 30000; seq < 30000 + 2 * 65536 + 3000; seq += 1 + seq % 7)
            cross_rtp(&r, &p, plain, rig_rtp(plain, 77, (uint16_t)seq, 0, -1, 20));
        end(&r, &p);
    }
}

/* Theirs arrives late, early, lost and twice, across the wrap; both receivers say the same of each packet. */
static void disorder_is_judged_alike(void **state)
{
    enum { HELD = 50 };
    static aligned held[HELD];
    static int held_len[HELD];

    (void)state;
    for (size_t i = 0; i < RIG_PROFILES; i++) {
        uint64_t seed = 4242;
        unsigned taken = 0, refused = 0;
        rig r;
        peer p;
        start(&r, &p, rig_profiles[i], SO_SRTP_ENGINE_BEST);
        memset(held_len, 0, sizeof held_len);
        for (uint32_t seq = 64000; seq < 64000 + 9000; seq++) {
            static aligned b, a;
            uint8_t dice[2];
            size_t slot, len;
            int n;
            assert_int_equal(unit_fill(&seed, dice, 2), SO_OK);
            n = (int)rig_rtp(b.b, 5, (uint16_t)seq, 0, 1, 30);
            assert_int_equal(srtp_protect(p.out, b.b, &n), srtp_err_status_ok);
            if (seq > 64000 && dice[0] < 30)
                continue;
            slot = dice[1] % HELD;
            if (seq != 64000 && held_len[slot] != 0) {
                int m = held_len[slot];
                srtp_err_status_t theirs;
                so_srtp_result ours;
                a = held[slot];
                theirs = srtp_unprotect(p.in, a.b, &m);
                a = held[slot];
                len = (size_t)held_len[slot];
                ours = rig_one(so_srtp_unprotect, r.in, a.b, &len);
                assert_int_equal(ours == SO_SRTP_OK, theirs == srtp_err_status_ok);
                assert_int_equal(ours == SO_SRTP_AUTH_FAILED, theirs == srtp_err_status_auth_fail);
                taken += ours == SO_SRTP_OK;
                refused += ours != SO_SRTP_OK;
                if (dice[0] > 220) /* the same once more later */
                    continue;
            }
            held[slot] = b;
            held_len[slot] = n;
        }
        assert_true(taken > 5000);
        assert_true(refused > 500);
        end(&r, &p);
    }
}

/* libsrtp's first SRTCP index is 1 and ours 0: so each sends to the other, and the bytes are not compared. */
static void srtcp_goes_both_ways(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < RIG_PROFILES; i++) {
            static aligned b, again;
            uint8_t plain[RIG_ROOM];
            rig r;
            peer p;
            start(&r, &p, rig_profiles[i], kinds[k]);
            for (size_t more = 0; more < 600; more += 4) {
                size_t plain_len = rig_rtcp(plain, 0xdeadbeef, more), len = plain_len;
                int n = (int)plain_len;
                memcpy(b.b, plain, len);
                assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b.b, &len), SO_SRTP_OK);
                n = (int)len;
                assert_int_equal(srtp_unprotect_rtcp(p.in, b.b, &n), srtp_err_status_ok);
                assert_int_equal(n, plain_len);
                assert_memory_equal(b.b, plain, plain_len);

                assert_int_equal(srtp_protect_rtcp(p.out, b.b, &n), srtp_err_status_ok);
                again = b;
                len = (size_t)n;
                assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b.b, &len), SO_SRTP_OK);
                assert_int_equal(len, plain_len);
                assert_memory_equal(b.b, plain, plain_len);
                len = (size_t)n;
                assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, again.b, &len), SO_SRTP_REPLAYED);
            }
            end(&r, &p);
        }
}

static void altered_packets_are_refused_by_both(void **state)
{
    (void)state;
    for (size_t i = 0; i < RIG_PROFILES; i++) {
        static aligned sealed, b;
        size_t len = rig_rtp(sealed.b, 5, 7, 1, 1, 30), full;
        rig r;
        peer p;
        start(&r, &p, rig_profiles[i], SO_SRTP_ENGINE_BEST);
        assert_int_equal(rig_one(so_srtp_protect, r.out, sealed.b, &len), SO_SRTP_OK);
        full = len;
        for (size_t bit = 0; bit < 8 * full; bit += 3) {
            int n = (int)full;
            b = sealed;
            b.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_not_equal(srtp_unprotect(p.in, b.b, &n), srtp_err_status_ok);
            b = sealed;
            b.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
            len = full;
            assert_int_not_equal(rig_one(so_srtp_unprotect, r.in, b.b, &len), SO_SRTP_OK);
        }
        end(&r, &p);
    }
}

static int begin(void **state)
{
    (void)state;
    return srtp_init() == srtp_err_status_ok ? 0 : -1;
}

static int finish(void **state)
{
    (void)state;
    return srtp_shutdown() == srtp_err_status_ok ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_every_shape),
        cmocka_unit_test(twice_round_the_sequence_numbers),
        cmocka_unit_test(disorder_is_judged_alike),
        cmocka_unit_test(srtcp_goes_both_ways),
        cmocka_unit_test(altered_packets_are_refused_by_both),
    };
    return cmocka_run_group_tests_name("SRTP with libsrtp2 at the other end", tests, begin, finish);
}
