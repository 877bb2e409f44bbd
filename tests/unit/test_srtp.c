/* srtp: vectors of RFC 7714, what is refused and what that changes (nothing), rollover under loss and reordering. */
#include "srtp_rig.h"

#include "base/text.h"
#include "srtp/inside.h"

#include <stdlib.h>

/* A session of given session keys, the same for SRTP and SRTCP: RFC 7714's vectors have no master keys. */
static so_srtp *of_session_keys(so_srtp_engine *engine, so_srtp_profile profile, bool sender)
{
    so_srtp_session_keys keys[2];
    so_srtp *session;

    memset(keys, 0, sizeof keys);
    for (uint8_t i = 0; i < 32; i++)
        keys[0].cipher[i] = keys[1].cipher[i] = i;
    memcpy(keys[0].salt, "Quid pro quo", 12);
    memcpy(keys[1].salt, "Quid pro quo", 12);
    assert_int_equal(so_srtp_new_derived(&session, engine, profile, sender, keys), SO_OK);
    return session;
}

#define RTP_PLAIN "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573"
#define RTCP_PLAIN                                                                                                     \
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"

static const struct {
    so_srtp_profile profile;
    const char *rtp, *rtcp;
} vectors[] = {
    /* RFC 7714 §16.1, §17.1 */
    {SO_SRTP_AEAD_AES_128_GCM,
     "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833"
     "899d7f27beb16a9152cf765ee4390cce",
     "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275b"
     "c84aa45896cf4d2fc5abf87245d9eade800005d4"},
    /* §16.2, §17.2 */
    {SO_SRTP_AEAD_AES_256_GCM,
     "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b"
     "7aa3db36dfffd6b0f9bb7878d7a76c13",
     "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad"
     "1d1eb30c4446839f57ff6f6cb26ac3be800005d4"},
};

static size_t from_hex(uint8_t *out, const char *hex)
{
    size_t len = strlen(hex) / 2;

    assert_int_equal(so_hex_decode(out, len, hex), SO_OK);
    return len;
}

static void packets_meet_the_vectors_of_rfc_7714(void **state)
{
    static const so_srtp_engine_kind kinds[] = {SO_SRTP_ENGINE_OPENSSL, SO_SRTP_ENGINE_BEST};
    uint8_t b[RIG_ROOM], want[RIG_ROOM];

    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (size_t v = 0; v < 2; v++) {
            so_srtp_engine *engine;
            so_srtp *out, *in;
            size_t len, want_len;
            assert_int_equal(so_srtp_engine_new(&engine, kinds[k]), SO_OK);
            out = of_session_keys(engine, vectors[v].profile, true);
            in = of_session_keys(engine, vectors[v].profile, false);
            len = from_hex(b, RTP_PLAIN);
            want_len = from_hex(want, vectors[v].rtp);
            assert_int_equal(rig_one(so_srtp_protect, out, b, &len), SO_SRTP_OK);
            assert_int_equal(len, want_len);
            assert_memory_equal(b, want, len);
            assert_int_equal(rig_one(so_srtp_unprotect, in, b, &len), SO_SRTP_OK);
            assert_int_equal(len, from_hex(want, RTP_PLAIN));
            assert_memory_equal(b, want, len);

            for (int i = 0; i < 0x5d4; i++) {
                len = from_hex(b, RTCP_PLAIN);
                assert_int_equal(rig_one(so_srtp_protect_rtcp, out, b, &len), SO_SRTP_OK);
            }
            len = from_hex(b, RTCP_PLAIN);
            want_len = from_hex(want, vectors[v].rtcp);
            assert_int_equal(rig_one(so_srtp_protect_rtcp, out, b, &len), SO_SRTP_OK);
            assert_int_equal(len, want_len);
            assert_memory_equal(b, want, len);
            assert_int_equal(rig_one(so_srtp_unprotect_rtcp, in, b, &len), SO_SRTP_OK);
            assert_int_equal(len, from_hex(want, RTCP_PLAIN));
            assert_memory_equal(b, want, len);
            so_srtp_free(out);
            so_srtp_free(in);
            so_srtp_engine_free(engine);
        }
}

/* RFC 7714 §17.3: the same packet authenticated without encryption is a right packet, and not for us. */
static void unencrypted_srtcp_is_refused(void **state)
{
    static const char *const tagged =
        "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef"
        "841dd9683dd78ec92ae58790125f62b3000005d4";
    uint8_t b[RIG_ROOM];
    so_srtp_engine *engine;
    so_srtp_counts counts;
    so_srtp *in;
    size_t len;

    (void)state;
    assert_int_equal(so_srtp_engine_new(&engine, SO_SRTP_ENGINE_BEST), SO_OK);
    in = of_session_keys(engine, SO_SRTP_AEAD_AES_128_GCM, false);
    len = from_hex(b, tagged);
    assert_int_equal(rig_one(so_srtp_unprotect_rtcp, in, b, &len), SO_SRTP_MALFORMED);
    so_srtp_stats(in, &counts);
    assert_int_equal(counts.malformed, 1);
    assert_int_equal(counts.unprotected_rtcp, 0);
    so_srtp_free(in);
    so_srtp_engine_free(engine);
}

static void profiles_know_their_lengths_and_names(void **state)
{
    static const struct {
        int id;
        size_t key, salt;
        const char *name;
    } rows[] = {
        {0x0001, 16, 14, "AES128_CM_HMAC_SHA1_80"},
        {0x0007, 16, 12, "AEAD_AES_128_GCM"},
        {0x0008, 32, 12, "AEAD_AES_256_GCM"},
        {0x0002, 0, 0, "unknown"}, /* SHA1_32 */
        {0x0005, 0, 0, "unknown"}, /* NULL cipher */
        {0, 0, 0, "unknown"},
    };
    uint8_t bytes[33] = {0};
    so_srtp_engine *engine;
    so_srtp *session;

    (void)state;
    assert_int_equal(so_srtp_engine_new(&engine, SO_SRTP_ENGINE_BEST), SO_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        so_srtp_profile p = (so_srtp_profile)rows[i].id;
        assert_int_equal(so_srtp_key_len(p), rows[i].key);
        assert_int_equal(so_srtp_salt_len(p), rows[i].salt);
        assert_string_equal(so_srtp_profile_name(p), rows[i].name);
        for (size_t k = 0; k <= 33; k++)
            for (size_t s = 10; s <= 16; s++) {
                so_status want = rows[i].key != 0 && k == rows[i].key && s == rows[i].salt ? SO_OK : SO_BAD_INPUT;
                assert_int_equal(so_srtp_new(&session, engine, p, true, (so_slice){bytes, k}, (so_slice){bytes, s}),
                                 want);
                assert_true((session != NULL) == (want == SO_OK));
                so_srtp_free(session);
            }
    }
    so_srtp_engine_free(engine);
}

static void a_packet_of_every_shape_comes_back(void **state)
{
    uint8_t b[RIG_ROOM], plain[RIG_ROOM];

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        uint16_t seq = 0;
        rig r;
        rig_start(&r, rig_profiles[p]);
        for (size_t csrcs = 0; csrcs <= 15; csrcs += 5)
            for (int ext = -1; ext <= 5; ext += 3)
                for (size_t payload = 0; payload < 1300; payload += payload < 40 ? 1 : 311) {
                    size_t plain_len = rig_rtp(plain, 7, seq, csrcs, ext, payload), len = plain_len;
                    size_t header = plain_len - payload;
                    memcpy(b, plain, len);
                    seq++;
                    assert_int_equal(rig_one(so_srtp_protect, r.out, b, &len), SO_SRTP_OK);
                    assert_int_equal(len, plain_len + (p == 0 ? 10 : 16));
                    assert_memory_equal(b, plain, header);
                    if (payload > 8)
                        assert_memory_not_equal(b + header, plain + header, payload);
                    assert_int_equal(rig_one(so_srtp_unprotect, r.in, b, &len), SO_SRTP_OK);
                    assert_int_equal(len, plain_len);
                    assert_memory_equal(b, plain, len);
                }
        for (size_t more = 0; more < 1300; more += 4) {
            size_t plain_len = rig_rtcp(plain, 7, more), len = plain_len;
            memcpy(b, plain, len);
            assert_int_equal(rig_one(so_srtp_protect_rtcp, r.out, b, &len), SO_SRTP_OK);
            assert_int_equal(len, plain_len + (p == 0 ? 14 : 20));
            assert_memory_equal(b, plain, 8);
            assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.in, b, &len), SO_SRTP_OK);
            assert_int_equal(len, plain_len);
            assert_memory_equal(b, plain, len);
        }
        rig_end(&r);
    }
}

/* Everything of a session that packets may change, apart from counters and the memory of the last look-up. */
typedef struct snapshot {
    size_t count;
    uint64_t rtp_used, rtcp_used;
    uint32_t ssrcs[SO_SRTP_SSRCS];
    so_srtp_stream streams[SO_SRTP_SSRCS];
} snapshot;

static void snap(const so_srtp *s, snapshot *out)
{
    memset(out, 0, sizeof *out);
    out->count = s->count;
    out->rtp_used = s->rtp_used;
    out->rtcp_used = s->rtcp_used;
    memcpy(out->ssrcs, s->ssrcs, s->count * sizeof *s->ssrcs);
    memcpy(out->streams, s->streams, s->count * sizeof *s->streams);
}

/* known: the receiver has met the stream; else each flipped packet is the first of its SSRC. */
static void flip_all(rig *r, rig_call protect, rig_call unprotect, bool rtcp, bool known)
{
    static snapshot before, after;
    uint8_t plain[RIG_ROOM], sealed[RIG_ROOM], b[RIG_ROOM];
    size_t plain_len, len, bits;
    so_srtp_counts c0, c1;

    if (known) {
        len = rtcp ? rig_rtcp(b, 9, 20) : rig_rtp(b, 9, 100, 1, 1, 33);
        assert_int_equal(rig_one(protect, r->out, b, &len), SO_SRTP_OK);
        assert_int_equal(rig_one(unprotect, r->in, b, &len), SO_SRTP_OK);
    }
    plain_len = rtcp ? rig_rtcp(plain, 9, 20) : rig_rtp(plain, 9, 101, 1, 1, 33);
    memcpy(sealed, plain, plain_len);
    len = plain_len;
    assert_int_equal(rig_one(protect, r->out, sealed, &len), SO_SRTP_OK);
    snap(r->in, &before);
    so_srtp_stats(r->in, &c0);
    bits = 8 * len;
    for (size_t bit = 0; bit < bits; bit++) {
        size_t n = len;
        so_srtp_result result;
        memcpy(b, sealed, len);
        b[bit / 8] ^= (uint8_t)(1 << bit % 8);
        result = rig_one(unprotect, r->in, b, &n);
        assert_true(result == SO_SRTP_AUTH_FAILED || result == SO_SRTP_MALFORMED || result == SO_SRTP_REPLAYED);
        snap(r->in, &after);
        assert_memory_equal(&before, &after, sizeof before);
        /* and nobody can take out of it what it said */
        assert_memory_not_equal(b + plain_len - 20, plain + plain_len - 20, 20);
    }
    so_srtp_stats(r->in, &c1);
    assert_int_equal(c1.unprotected_rtp + c1.unprotected_rtcp, c0.unprotected_rtp + c0.unprotected_rtcp);
    assert_int_equal(c1.auth_failed + c1.malformed + c1.replayed, c0.auth_failed + c0.malformed + c0.replayed + bits);
    assert_int_equal(rig_one(unprotect, r->in, sealed, &len), SO_SRTP_OK);
    assert_int_equal(len, plain_len);
    assert_memory_equal(sealed, plain, len);
}

static void each_flipped_bit_is_refused_and_changes_nothing(void **state)
{
    static const so_srtp_engine_kind kinds[] = {SO_SRTP_ENGINE_OPENSSL, SO_SRTP_ENGINE_BEST};

    (void)state;
    for (size_t k = 0; k < 2; k++)
        for (size_t p = 0; p < RIG_PROFILES; p++)
            for (int known = 0; known < 2; known++) {
                rig r;
                rig_start_on(&r, rig_profiles[p], kinds[k], 5);
                flip_all(&r, so_srtp_protect, so_srtp_unprotect, false, known);
                rig_end(&r);
                rig_start_on(&r, rig_profiles[p], kinds[k], 6);
                flip_all(&r, so_srtp_protect_rtcp, so_srtp_unprotect_rtcp, true, known);
                rig_end(&r);
            }
}

static void packets_of_other_keys_are_refused(void **state)
{
    uint8_t b[RIG_ROOM];

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        size_t len;
        rig a, other;
        rig_start_on(&a, rig_profiles[p], SO_SRTP_ENGINE_BEST, 1);
        rig_start_on(&other, rig_profiles[p], SO_SRTP_ENGINE_BEST, 2);
        assert_int_equal(rig_send(&other, b, &len, 1, 1), SO_SRTP_OK);
        assert_int_equal(rig_take(a.in, b, len), SO_SRTP_AUTH_FAILED);
        /* SRTP is no SRTCP of the same keys, and the other way round */
        assert_int_equal(rig_send(&a, b, &len, 1, 1), SO_SRTP_OK);
        assert_int_not_equal(rig_one(so_srtp_unprotect_rtcp, a.in, b, &len), SO_SRTP_OK);
        len = rig_rtcp(b, 1, 60);
        assert_int_equal(rig_one(so_srtp_protect_rtcp, a.out, b, &len), SO_SRTP_OK);
        assert_int_equal(rig_one(so_srtp_unprotect, a.in, b, &len), SO_SRTP_AUTH_FAILED);
        rig_end(&a);
        rig_end(&other);
    }
}

/* Each packet stands alone in memory of its exact length, so that ASan sees a read past it. */
static so_srtp_result exact(rig_call call, so_srtp *session, const uint8_t *bytes, size_t len)
{
    so_srtp_packet p = {.bytes = malloc(len + (len == 0)), .len = len, .cap = len};

    memcpy(p.bytes, bytes, len);
    call(session, &p, 1);
    assert_int_equal(p.len, p.result == SO_SRTP_OK ? p.len : len);
    free(p.bytes);
    return p.result;
}

static void malformed_lengths_are_refused(void **state)
{
    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        size_t tag = p == 0 ? 10 : 16, len;
        uint8_t b[RIG_ROOM];
        rig r;
        rig_start(&r, rig_profiles[p]);
        /* cut short anywhere; 3 CSRCs and 2 words of extension: the header ends at 36 */
        len = rig_rtp(b, 3, 1, 3, 2, 20);
        for (size_t n = 0; n < 36; n++)
            assert_int_equal(exact(so_srtp_protect, r.out, b, n), SO_SRTP_MALFORMED);
        for (size_t n = 36; n <= len; n++)
            assert_int_equal(exact(so_srtp_protect, r.out, b, n), SO_SRTP_NO_ROOM);
        assert_int_equal(r.out->count, 0); /* no number was used */
        for (size_t n = 0; n < 36 + tag; n++)
            assert_int_equal(exact(so_srtp_unprotect, r.in, b, n), SO_SRTP_MALFORMED);
        for (size_t n = 36 + tag; n <= len; n++)
            assert_int_equal(exact(so_srtp_unprotect, r.in, b, n), SO_SRTP_AUTH_FAILED);
        /* an extension that says more than there is */
        b[12 + 12 + 2] = 0xff;
        assert_int_equal(exact(so_srtp_unprotect, r.in, b, len), SO_SRTP_MALFORMED);
        assert_int_equal(exact(so_srtp_protect, r.out, b, len), SO_SRTP_MALFORMED);
        for (int version = 0; version < 4; version++) {
            len = rig_rtp(b, 3, 1, 0, -1, 40);
            b[0] = (uint8_t)(version << 6);
            assert_int_equal(exact(so_srtp_unprotect, r.in, b, len),
                             version == 2 ? SO_SRTP_AUTH_FAILED : SO_SRTP_MALFORMED);
            len = rig_rtcp(b, 3, 40);
            b[0] = (uint8_t)(version << 6);
            b[len - 4] = b[len - 14] = 0x80;
            assert_int_equal(exact(so_srtp_unprotect_rtcp, r.in, b, len),
                             version == 2 ? SO_SRTP_AUTH_FAILED : SO_SRTP_MALFORMED);
        }
        len = rig_rtcp(b, 3, 40);
        b[len - 4] = b[len - 14] = 0x80;
        for (size_t n = 0; n < 8 + 4 + tag; n++)
            assert_int_equal(exact(so_srtp_unprotect_rtcp, r.in, b, n), SO_SRTP_MALFORMED);
        for (size_t n = 0; n < 8; n++)
            assert_int_equal(exact(so_srtp_protect_rtcp, r.out, b, n), SO_SRTP_MALFORMED);
        assert_int_equal(exact(so_srtp_protect_rtcp, r.out, b, 8), SO_SRTP_NO_ROOM);
        assert_int_equal(r.in->count, 0);
        rig_end(&r);
    }
}

static void the_longest_packet_still_goes(void **state)
{
    uint8_t *b = malloc(70000);

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        size_t tag = p == 0 ? 10 : 16;
        so_srtp_packet packet = {.bytes = b, .len = SO_SRTP_MAX_LEN - tag + 1, .cap = 70000};
        rig r;
        rig_start(&r, rig_profiles[p]);
        memset(b, 0, 70000);
        rig_rtp(b, 3, 1, 0, -1, 100);
        so_srtp_protect(r.out, &packet, 1);
        assert_int_equal(packet.result, SO_SRTP_NO_ROOM);
        packet.len--;
        so_srtp_protect(r.out, &packet, 1);
        assert_int_equal(packet.result, SO_SRTP_OK);
        assert_int_equal(packet.len, SO_SRTP_MAX_LEN);
        so_srtp_unprotect(r.in, &packet, 1);
        assert_int_equal(packet.result, SO_SRTP_OK);
        rig_end(&r);
    }
    free(b);
}

static void a_session_goes_one_way(void **state)
{
    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        uint8_t b[RIG_ROOM];
        size_t len = rig_rtp(b, 3, 1, 0, -1, 60);
        rig r;
        rig_start(&r, rig_profiles[p]);
        assert_int_equal(rig_one(so_srtp_protect, r.in, b, &len), SO_SRTP_WRONG_WAY);
        assert_int_equal(rig_one(so_srtp_protect_rtcp, r.in, b, &len), SO_SRTP_WRONG_WAY);
        assert_int_equal(rig_one(so_srtp_unprotect, r.out, b, &len), SO_SRTP_WRONG_WAY);
        assert_int_equal(rig_one(so_srtp_unprotect_rtcp, r.out, b, &len), SO_SRTP_WRONG_WAY);
        rig_end(&r);
    }
}

/* Packets good and bad, old and new, jumping and wrapping: a batch of any size gives what one by one gives. */
static void batches_change_nothing(void **state)
{
    enum { N = 600 };
    static uint8_t wire[N][160], one[N][160], many[N][160];
    static so_srtp_packet alone[N], together[N];
    static size_t lens[N];

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        uint64_t seed = 1234 + p;
        uint32_t next[3] = {65300, 20000, 0};
        so_srtp_counts ca, cb;
        snapshot sa, sb;
        so_srtp *a, *b;
        size_t ok = 0;
        rig r;
        rig_start(&r, rig_profiles[p]);
        for (size_t i = 0; i < N; i++) {
            uint8_t dice[6];
            assert_int_equal(unit_fill(&seed, dice, sizeof dice), SO_OK);
            if (i > 20 && dice[0] < 50) { /* again something from before */
                size_t from = i - 1 - dice[1] % 20;
                memcpy(wire[i], wire[from], sizeof wire[i]);
                lens[i] = lens[from];
            } else {
                uint32_t s = dice[2] % 3u;
                uint8_t packet[RIG_ROOM];
                size_t len;
                next[s] += dice[3] < 8 ? 30000 : 1 + dice[3] % 3; /* at times almost half the circle */
                assert_int_equal(rig_send(&r, packet, &len, 40 + s, (uint16_t)next[s]), SO_SRTP_OK);
                memcpy(wire[i], packet, len);
                lens[i] = len;
            }
            if (dice[4] < 25)
                wire[i][dice[5] % lens[i]] ^= 4;
            if (dice[4] == 30)
                lens[i] = dice[5] % 30;
        }
        memcpy(one, wire, sizeof wire);
        memcpy(many, wire, sizeof wire);
        a = rig_fresh_receiver(&r, rig_profiles[p]);
        b = rig_fresh_receiver(&r, rig_profiles[p]);
        for (size_t i = 0; i < N; i++) {
            alone[i] = (so_srtp_packet){.bytes = one[i], .len = lens[i], .cap = 160};
            together[i] = (so_srtp_packet){.bytes = many[i], .len = lens[i], .cap = 160};
            so_srtp_unprotect(a, &alone[i], 1);
        }
        for (size_t at = 0, step = 1; at < N; at += step, step = step % 75 + 7)
            so_srtp_unprotect(b, together + at, N - at < step ? N - at : step);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(alone[i].result, together[i].result);
            assert_int_equal(alone[i].len, together[i].len);
            assert_memory_equal(one[i], many[i], sizeof one[i]);
            ok += alone[i].result == SO_SRTP_OK;
        }
        assert_true(ok > N / 2 && ok < N);
        so_srtp_stats(a, &ca);
        so_srtp_stats(b, &cb);
        assert_memory_equal(&ca, &cb, sizeof ca);
        snap(a, &sa);
        snap(b, &sb);
        assert_memory_equal(&sa, &sb, sizeof sa);
        so_srtp_free(a);
        so_srtp_free(b);
        rig_end(&r);
    }
}

/*
 * Strides of nearly half the circle inside one batch: what a number means hangs on the packets just before it. Looked
 * at from before the batch, the last four are one that was seen, two of another round, and one too old.
 */
static void a_batch_may_go_round_by_itself(void **state)
{
    static const uint32_t indices[] = {20000, 50000, 79536, 85536, 110000, 131075, 131072 + 19000};
    enum { N = sizeof indices / sizeof *indices };

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        static uint8_t bytes[N][RIG_ROOM];
        so_srtp_packet packets[N];
        rig r;
        rig_start(&r, rig_profiles[p]);
        for (size_t i = 0; i < N; i++) {
            packets[i] = (so_srtp_packet){.bytes = bytes[i], .cap = RIG_ROOM};
            assert_int_equal(rig_send(&r, bytes[i], &packets[i].len, 3, (uint16_t)indices[i]), SO_SRTP_OK);
        }
        so_srtp_unprotect(r.in, packets, 1);
        so_srtp_unprotect(r.in, packets + 1, N - 1);
        for (size_t i = 0; i < N; i++) {
            uint8_t plain[RIG_ROOM];
            assert_int_equal(packets[i].result, SO_SRTP_OK);
            assert_int_equal(packets[i].len, rig_rtp(plain, 3, (uint16_t)indices[i], 0, -1, 40));
            assert_memory_equal(bytes[i], plain, packets[i].len);
        }
        assert_int_equal(r.in->streams[0].rtp.highest, indices[N - 1]);
        rig_end(&r);
    }
}

/* Both engines, sending in batches: the same bytes on the wire. */
static void both_engines_send_the_same_bytes(void **state)
{
    enum { N = 200 };
    static uint8_t a[N][1400], b[N][1400];
    static so_srtp_packet pa[N], pb[N];

    (void)state;
    for (size_t p = 0; p < RIG_PROFILES; p++) {
        rig x, y;
        rig_start_on(&x, rig_profiles[p], SO_SRTP_ENGINE_OPENSSL, 3);
        rig_start_on(&y, rig_profiles[p], SO_SRTP_ENGINE_IPSEC_MB, 3);
        for (size_t i = 0; i < N; i++) {
            size_t len = rig_rtp(a[i], 3 + i % 4, (uint16_t)(65500 + i), i % 3, (int)(i % 4) - 1, i * 6);
            memcpy(b[i], a[i], len);
            pa[i] = (so_srtp_packet){.bytes = a[i], .len = len, .cap = 1400};
            pb[i] = (so_srtp_packet){.bytes = b[i], .len = len, .cap = 1400};
        }
        so_srtp_protect(x.out, pa, N);
        for (size_t at = 0, step = 1; at < N; at += step, step = step % 40 + 3)
            so_srtp_protect(y.out, pb + at, N - at < step ? N - at : step);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(pa[i].result, SO_SRTP_OK);
            assert_int_equal(pb[i].result, SO_SRTP_OK);
            assert_int_equal(pa[i].len, pb[i].len);
            assert_memory_equal(a[i], b[i], pa[i].len);
        }
        /* each opens the other's */
        so_srtp_unprotect(x.in, pb, N);
        so_srtp_unprotect(y.in, pa, N);
        for (size_t i = 0; i < N; i++) {
            assert_int_equal(pa[i].result, SO_SRTP_OK);
            assert_int_equal(pb[i].result, SO_SRTP_OK);
        }
        rig_end(&x);
        rig_end(&y);
    }
}

static void results_have_names(void **state)
{
    (void)state;
    assert_string_equal(so_srtp_result_name(SO_SRTP_OK), "ok");
    assert_string_equal(so_srtp_result_name(SO_SRTP_CRYPTO), "crypto");
    assert_string_equal(so_srtp_result_name(SO_SRTP_REPLAYED), "replayed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_meet_the_vectors_of_rfc_7714),
        cmocka_unit_test(unencrypted_srtcp_is_refused),
        cmocka_unit_test(profiles_know_their_lengths_and_names),
        cmocka_unit_test(a_packet_of_every_shape_comes_back),
        cmocka_unit_test(each_flipped_bit_is_refused_and_changes_nothing),
        cmocka_unit_test(packets_of_other_keys_are_refused),
        cmocka_unit_test(malformed_lengths_are_refused),
        cmocka_unit_test(the_longest_packet_still_goes),
        cmocka_unit_test(a_session_goes_one_way),
        cmocka_unit_test(batches_change_nothing),
        cmocka_unit_test(a_batch_may_go_round_by_itself),
        cmocka_unit_test(both_engines_send_the_same_bytes),
        cmocka_unit_test(results_have_names),
    };
    return cmocka_run_group_tests_name("media packets are encrypted, authenticated and taken once", tests, NULL, NULL);
}
