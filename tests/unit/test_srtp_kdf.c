/* srtp/kdf: session keys as the RFCs print them. */
#include "unit.h"

#include "base/text.h"
#include "srtp/kdf.h"

static uint8_t key[32], salt[14];

static void given(const char *key_hex, const char *salt_hex)
{
    assert_int_equal(so_hex_decode(key, strlen(key_hex) / 2, key_hex), SO_OK);
    assert_int_equal(so_hex_decode(salt, strlen(salt_hex) / 2, salt_hex), SO_OK);
}

static void assert_derived(size_t key_len, size_t salt_len, uint8_t label, const char *want)
{
    uint8_t out[128];
    char hex[257];

    assert_int_equal(so_srtp_derive(out, strlen(want) / 2, (so_slice){key, key_len}, (so_slice){salt, salt_len}, label),
                     SO_OK);
    so_hex(hex, out, strlen(want) / 2);
    assert_string_equal(hex, want);
}

/* RFC 3711 B.3 */
static void keys_of_128_bits(void **state)
{
    (void)state;
    given("e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6");
    assert_derived(16, 14, SO_SRTP_LABEL_CIPHER, "c61e7a93744f39ee10734afe3ff7a087");
    assert_derived(16, 14, SO_SRTP_LABEL_SALT, "30cbbc08863d8c85d49db34a9ae1");
    assert_derived(16, 14, SO_SRTP_LABEL_MAC,
                   "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
                   "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
                   "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2");
}

/* RFC 6188 §7.3 */
static void keys_of_256_bits(void **state)
{
    (void)state;
    given("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6", "3b04803de51ee7c96423ab5b78d2");
    assert_derived(32, 14, SO_SRTP_LABEL_CIPHER, "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
    assert_derived(32, 14, SO_SRTP_LABEL_SALT, "fa31791685ca444a9e07c6c64e93");
    assert_derived(32, 14, SO_SRTP_LABEL_MAC, "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
}

/* RFC 7714 §11: a salt of 12 bytes counts as one of 14 whose last two are zero. */
static void a_short_salt_is_padded_with_zeros(void **state)
{
    uint8_t a[16], b[16], padded[14] = {0};

    (void)state;
    given("e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3a");
    memcpy(padded, salt, 12);
    assert_int_equal(so_srtp_derive(a, 16, (so_slice){key, 16}, (so_slice){salt, 12}, 3), SO_OK);
    assert_int_equal(so_srtp_derive(b, 16, (so_slice){key, 16}, (so_slice){padded, 14}, 3), SO_OK);
    assert_memory_equal(a, b, 16);
}

static void the_six_labels_give_six_keys(void **state)
{
    uint8_t out[6][16];

    (void)state;
    given("e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6");
    for (uint8_t i = 0; i < 6; i++) {
        assert_int_equal(so_srtp_derive(out[i], 16, (so_slice){key, 16}, (so_slice){salt, 14}, i), SO_OK);
        for (uint8_t j = 0; j < i; j++)
            assert_memory_not_equal(out[i], out[j], 16);
    }
}

static void a_profile_gets_all_its_keys(void **state)
{
    so_srtp_session_keys rtp, rtcp;
    uint8_t want[32];

    (void)state;
    given("e1f97a0d3e018be0d64fa32c06de4139", "0ec675ad498afeebb6960b3aabe6");
    assert_int_equal(
        so_srtp_derive_all(&rtp, SO_SRTP_AES128_CM_SHA1_80, false, (so_slice){key, 16}, (so_slice){salt, 14}), SO_OK);
    assert_int_equal(
        so_srtp_derive_all(&rtcp, SO_SRTP_AES128_CM_SHA1_80, true, (so_slice){key, 16}, (so_slice){salt, 14}), SO_OK);
    for (uint8_t i = 0; i < 6; i++) {
        const so_srtp_session_keys *keys = i < 3 ? &rtp : &rtcp;
        const uint8_t *got[] = {keys->cipher, keys->mac, keys->salt};
        static const size_t len[] = {16, 20, 14};
        assert_int_equal(so_srtp_derive(want, len[i % 3], (so_slice){key, 16}, (so_slice){salt, 14}, i), SO_OK);
        assert_memory_equal(got[i % 3], want, len[i % 3]);
    }
}

static void other_lengths_are_refused(void **state)
{
    uint8_t out[16], bytes[40] = {0};

    (void)state;
    for (size_t n = 0; n <= 40; n++) {
        assert_int_equal(so_srtp_derive(out, 16, (so_slice){bytes, n}, (so_slice){bytes, 14}, 0),
                         n == 16 || n == 32 ? SO_OK : SO_BAD_INPUT);
        assert_int_equal(so_srtp_derive(out, 16, (so_slice){bytes, 16}, (so_slice){bytes, n}, 0),
                         n == 12 || n == 14 ? SO_OK : SO_BAD_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_128_bits),
        cmocka_unit_test(keys_of_256_bits),
        cmocka_unit_test(a_short_salt_is_padded_with_zeros),
        cmocka_unit_test(the_six_labels_give_six_keys),
        cmocka_unit_test(a_profile_gets_all_its_keys),
        cmocka_unit_test(other_lengths_are_refused),
    };
    return cmocka_run_group_tests_name("session keys are derived from master keys", tests, NULL, NULL);
}
