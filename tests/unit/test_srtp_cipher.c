/* crypto/srtp_cipher: both engines against the vectors, and against each other byte for byte. */
#include "unit.h"

#include "base/text.h"
#include "crypto/srtp_cipher.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#define ROOM 2200

static size_t openssl_allocations;

static void *counted_malloc(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    openssl_allocations++;
    return malloc(len);
}

static void *counted_realloc(void *p, size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    openssl_allocations++;
    return realloc(p, len);
}

static void counted_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    free(p);
}

/* [0]: OpenSSL; [1]: ipsec-mb, or NULL where there is none */
static so_srtp_engine *engines[2];

static int make_engines(void **state)
{
    so_status status;

    (void)state;
    assert_int_equal(so_srtp_engine_new(&engines[0], SO_SRTP_ENGINE_OPENSSL), SO_OK);
    assert_string_equal(so_srtp_engine_name(engines[0]), "OpenSSL");
    status = so_srtp_engine_new(&engines[1], SO_SRTP_ENGINE_IPSEC_MB);
    assert_true(status == SO_OK || (status == SO_NOT_FOUND && engines[1] == NULL));
    if (engines[1] == NULL)
        print_message("# no ipsec-mb in this build or for this CPU: OpenSSL alone is tested\n");
    else
        assert_string_equal(so_srtp_engine_name(engines[1]), "ipsec-mb");
    return 0;
}

static int free_engines(void **state)
{
    (void)state;
    so_srtp_engine_free(engines[0]);
    so_srtp_engine_free(engines[1]);
    so_srtp_engine_free(NULL);
    return 0;
}

static void from_hex(uint8_t *out, size_t len, const char *text)
{
    assert_int_equal(strlen(text), 2 * len);
    assert_int_equal(so_hex_decode(out, len, text), SO_OK);
}

static void the_best_engine_is_the_fast_one_where_there_is_one(void **state)
{
    so_srtp_engine *best;

    (void)state;
    assert_int_equal(so_srtp_engine_new(&best, SO_SRTP_ENGINE_BEST), SO_OK);
    assert_string_equal(so_srtp_engine_name(best), engines[1] != NULL ? "ipsec-mb" : "OpenSSL");
    so_srtp_engine_free(best);
}

/* RFC 3711 B.2: the first three blocks and the last three of 65,282. */
static void the_keystream_is_that_of_rfc_3711(void **state)
{
    uint8_t key[16], mac[20] = {0}, want[48];
    size_t len = 1044512;
    uint8_t *text = malloc(len);

    (void)state;
    from_hex(key, 16, "2B7E151628AED2A6ABF7158809CF4F3C");
    for (size_t e = 0; e < 2 && engines[e] != NULL; e++) {
        so_srtp_op op = {.text = text, .text_len = len};
        so_srtp_keys *keys;
        assert_int_equal(
            so_srtp_keys_new(&keys, engines[e], SO_SRTP_CM_128_SHA1, (so_slice){key, 16}, (so_slice){mac, 20}), SO_OK);
        memset(text, 0, len);
        from_hex(op.iv, 16, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000");
        so_cm_crypt(keys, &op, 1);
        assert_true(op.good);
        from_hex(want, 48,
                 "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0");
        assert_memory_equal(text, want, 48);
        from_hex(want, 48,
                 "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44");
        assert_memory_equal(text + len - 48, want, 48);
        so_srtp_keys_free(keys);
    }
    free(text);
}

/* RFC 2202, cases 1 (its key is 20 bytes, as SRTP's). */
static void the_hmac_is_that_of_rfc_2202(void **state)
{
    uint8_t key[16] = {0}, mac[20], want[20];

    (void)state;
    memset(mac, 0x0b, sizeof mac);
    from_hex(want, 20, "b617318655057264e28bc0b6fb378c8ef146be00");
    for (size_t e = 0; e < 2 && engines[e] != NULL; e++) {
        so_srtp_op op = {.covered = (const uint8_t *)"Hi There", .covered_len = 8};
        so_srtp_keys *keys;
        assert_int_equal(
            so_srtp_keys_new(&keys, engines[e], SO_SRTP_CM_128_SHA1, (so_slice){key, 16}, (so_slice){mac, 20}), SO_OK);
        so_cm_mac(keys, &op, 1);
        assert_true(op.good);
        assert_memory_equal(op.mac, want, 20);
        so_srtp_keys_free(keys);
    }
}

static void keys_of_wrong_length_are_refused(void **state)
{
    uint8_t key[33] = {0};
    so_srtp_keys *keys;

    (void)state;
    for (int suite = SO_SRTP_GCM_128; suite <= SO_SRTP_CM_128_SHA1; suite++) {
        size_t right = suite == SO_SRTP_GCM_256 ? 32 : 16, mac = suite == SO_SRTP_CM_128_SHA1 ? 20 : 0;
        for (size_t n = 0; n <= 33; n++) {
            so_status want = n == right ? SO_OK : SO_BAD_INPUT;
            assert_int_equal(
                so_srtp_keys_new(&keys, engines[0], (so_srtp_suite)suite, (so_slice){key, n}, (so_slice){key, mac}),
                want);
            assert_true((keys != NULL) == (want == SO_OK));
            so_srtp_keys_free(keys);
        }
        assert_int_equal(so_srtp_keys_new(&keys, engines[0], (so_srtp_suite)suite, (so_slice){key, right},
                                          (so_slice){key, mac == 0 ? 20 : 0}),
                         SO_BAD_INPUT);
    }
}

typedef struct batch {
    uint8_t bytes[SO_SRTP_BURST][ROOM];
    so_srtp_op ops[SO_SRTP_BURST];
} batch;

/* Everything about the batch comes from the seed, so that two engines get the same. */
static void fill(batch *b, size_t count, uint64_t seed)
{
    so_random random = UNIT_RANDOM(&seed);

    for (size_t i = 0; i < count; i++) {
        uint16_t n[2];
        so_srtp_op *op = &b->ops[i];
        memset(op, 0, sizeof *op);
        assert_int_equal(so_random_fill(&random, (uint8_t *)n, sizeof n), SO_OK);
        assert_int_equal(so_random_fill(&random, b->bytes[i], ROOM), SO_OK);
        assert_int_equal(so_random_fill(&random, op->iv, sizeof op->iv), SO_OK);
        op->iv[14] = op->iv[15] = 0; /* as SRTP's are: the block counter */
        op->covered = b->bytes[i];
        op->covered_len = 8 + n[0] % 90;
        op->text = b->bytes[i] + op->covered_len + n[1] % 3;
        op->text_len = n[1] % 17 == 0 ? n[1] % 20 : n[1] % 1500;
    }
}

static so_srtp_keys *some_keys(so_srtp_engine *engine, so_srtp_suite suite, uint64_t seed)
{
    uint8_t bytes[52];
    so_srtp_keys *keys;
    size_t len = suite == SO_SRTP_GCM_256 ? 32 : 16;

    assert_int_equal(unit_fill(&seed, bytes, sizeof bytes), SO_OK);
    assert_int_equal(so_srtp_keys_new(&keys, engine, suite, (so_slice){bytes, len},
                                      (so_slice){bytes + 32, suite == SO_SRTP_CM_128_SHA1 ? 20 : 0}),
                     SO_OK);
    return keys;
}

static void assert_good(const batch *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_true(b->ops[i].good);
}

static void run(batch *b, so_srtp_keys *keys, so_srtp_suite suite, size_t count)
{
    if (suite == SO_SRTP_CM_128_SHA1) {
        so_cm_crypt(keys, b->ops, count);
        for (size_t i = 0; i < count; i++) {
            assert_true(b->ops[i].good);
            b->ops[i].covered_len = (size_t)(b->ops[i].text - b->bytes[i]) + b->ops[i].text_len;
        }
        so_cm_mac(keys, b->ops, count);
    } else {
        so_gcm_seal(keys, b->ops, count);
    }
    assert_good(b, count);
}

static void engines_agree_on_every_byte(void **state)
{
    static batch a, b;

    (void)state;
    if (engines[1] == NULL)
        skip();
    for (uint64_t round = 1; round <= 400; round++) {
        so_srtp_suite suite = (so_srtp_suite)(round % 3);
        size_t count = 1 + round % SO_SRTP_BURST;
        so_srtp_keys *x = some_keys(engines[0], suite, round), *y = some_keys(engines[1], suite, round);
        fill(&a, count, round);
        fill(&b, count, round);
        assert_memory_equal(a.bytes, b.bytes, count * ROOM);
        run(&a, x, suite, count);
        run(&b, y, suite, count);
        assert_memory_equal(a.bytes, b.bytes, count * ROOM);
        for (size_t i = 0; i < count && suite == SO_SRTP_CM_128_SHA1; i++)
            assert_memory_equal(a.ops[i].mac, b.ops[i].mac, SO_SHA1_LEN);
        so_srtp_keys_free(x);
        so_srtp_keys_free(y);
    }
}

static void what_is_sealed_opens_and_can_be_unopened(void **state)
{
    static batch b, before, sealed;

    (void)state;
    for (size_t e = 0; e < 2 && engines[e] != NULL; e++)
        for (uint64_t round = 1; round <= 60; round++) {
            so_srtp_suite suite = round % 2 ? SO_SRTP_GCM_128 : SO_SRTP_GCM_256;
            size_t count = 1 + round % SO_SRTP_BURST;
            so_srtp_keys *keys = some_keys(engines[e], suite, round);
            fill(&b, count, round);
            before = b;
            so_gcm_seal(keys, b.ops, count);
            assert_good(&b, count);
            sealed = b;
            so_gcm_open(keys, b.ops, count);
            assert_good(&b, count);
            for (size_t i = 0; i < count; i++) {
                so_srtp_op *op = &b.ops[i];
                /* in place, but for the tag */
                assert_memory_equal(op->text, before.bytes[i] + (op->text - b.bytes[i]), op->text_len);
                assert_memory_equal(b.bytes[i], before.bytes[i], (size_t)(op->text - b.bytes[i]));
                b = sealed;
                op->text[op->text_len + i % 16] ^= 1;
                so_gcm_open(keys, op, 1);
                assert_false(op->good);
                so_gcm_unopen(keys, op);
                assert_true(op->good);
                op->text[op->text_len + i % 16] ^= 1;
                assert_memory_equal(b.bytes, sealed.bytes, sizeof b.bytes);
                /* and the keys still open the next; what is right can be undone, too */
                so_gcm_open(keys, op, 1);
                assert_true(op->good);
                so_gcm_unopen(keys, op);
                assert_memory_equal(b.bytes, sealed.bytes, sizeof b.bytes);
                so_gcm_open(keys, &b.ops[0], count);
            }
            so_srtp_keys_free(keys);
        }
}

static void no_packet_makes_openssl_allocate_or_complain(void **state)
{
    static batch b;

    (void)state;
    assert_true(openssl_allocations > 0); /* the counter counts */
    for (int suite = SO_SRTP_GCM_128; suite <= SO_SRTP_CM_128_SHA1; suite++) {
        so_srtp_keys *keys = some_keys(engines[0], (so_srtp_suite)suite, 7);
        size_t before;
        fill(&b, SO_SRTP_BURST, 9);
        before = openssl_allocations;
        run(&b, keys, (so_srtp_suite)suite, SO_SRTP_BURST);
        if (suite != SO_SRTP_CM_128_SHA1) {
            so_gcm_open(keys, b.ops, SO_SRTP_BURST);
            so_gcm_open(keys, b.ops, 1); /* its text is plain by now */
            assert_false(b.ops[0].good);
            /* a TLS connection of the same thread would take a left-over error for its own */
            assert_int_equal(ERR_peek_error(), 0);
        }
        assert_int_equal(openssl_allocations, before);
        so_srtp_keys_free(keys);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_engine_is_the_fast_one_where_there_is_one),
        cmocka_unit_test(the_keystream_is_that_of_rfc_3711),
        cmocka_unit_test(the_hmac_is_that_of_rfc_2202),
        cmocka_unit_test(keys_of_wrong_length_are_refused),
        cmocka_unit_test(engines_agree_on_every_byte),
        cmocka_unit_test(what_is_sealed_opens_and_can_be_unopened),
        cmocka_unit_test(no_packet_makes_openssl_allocate_or_complain),
    };

    /* before anything of OpenSSL runs */
    if (!CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free))
        return 1;
    return cmocka_run_group_tests_name("the ciphers of SRTP", tests, make_engines, free_engines);
}
