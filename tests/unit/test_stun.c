/* stun/message and stun/build: the vectors of RFC 5769, what is refused, and what is not listened to. */
#include "unit.h"

#include "stun/build.h"

#include <stdlib.h>

static const uint8_t short_id[SO_STUN_ID] = {0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
static const char password[] = "VOkJxbRl1RmTxUk/WvJxBt";

/* RFC 5769 §2.1 */
static const uint8_t request[] = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
    0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
    0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
    0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
    0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
    0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
};

/* RFC 5769 §2.2 */
static const uint8_t response4[] = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
    0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
    0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
    0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
};

/* RFC 5769 §2.3 */
static const uint8_t response6[] = {
    0x01, 0x01, 0x00, 0x48, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf,
    0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20,
    0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe,
    0xd2, 0xb9, 0xd9, 0x00, 0x08, 0x00, 0x14, 0xa3, 0x82, 0x95, 0x4e, 0x4b, 0xe6, 0x7b, 0xf1, 0x17, 0x84, 0xc9, 0x7c,
    0x82, 0x92, 0xc2, 0x75, 0xbf, 0xe3, 0xed, 0x41, 0x80, 0x28, 0x00, 0x04, 0xc8, 0xfb, 0x0b, 0x4c,
};

/* RFC 5769 §2.4 */
static const uint8_t long_term[] = {
    0x00, 0x01, 0x00, 0x60, 0x21, 0x12, 0xa4, 0x42, 0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29,
    0xda, 0x41, 0x2e, 0x00, 0x06, 0x00, 0x12, 0xe3, 0x83, 0x9e, 0xe3, 0x83, 0x88, 0xe3, 0x83, 0xaa, 0xe3,
    0x83, 0x83, 0xe3, 0x82, 0xaf, 0xe3, 0x82, 0xb9, 0x00, 0x00, 0x00, 0x15, 0x00, 0x1c, 0x66, 0x2f, 0x2f,
    0x34, 0x39, 0x39, 0x6b, 0x39, 0x35, 0x34, 0x64, 0x36, 0x4f, 0x4c, 0x33, 0x34, 0x6f, 0x4c, 0x39, 0x46,
    0x53, 0x54, 0x76, 0x79, 0x36, 0x34, 0x73, 0x41, 0x00, 0x14, 0x00, 0x0b, 0x65, 0x78, 0x61, 0x6d, 0x70,
    0x6c, 0x65, 0x2e, 0x6f, 0x72, 0x67, 0x00, 0x00, 0x08, 0x00, 0x14, 0xf6, 0x70, 0x24, 0x65, 0x6d, 0xd6,
    0x4a, 0x3e, 0x02, 0xb8, 0xe0, 0x71, 0x2e, 0x85, 0xc9, 0xa2, 0x8c, 0xa8, 0x96, 0x66,
};
/* MD5 of the user name, "example.org" and "TheMatrIX" of that section, joined with colons */
static const uint8_t long_term_key[16] = {0xe8, 0xca, 0x7a, 0xd5, 0x9d, 0x5e, 0xb0, 0x51,
                                          0x8e, 0x31, 0x29, 0x11, 0xd2, 0xda, 0xb2, 0xa9};

static int set_up(void **state)
{
    so_hmac *key;

    if (so_hmac_sha1_new(&key, (so_slice){password, strlen(password)}) != SO_OK)
        return -1;
    *state = key;
    return 0;
}

static int tear_down(void **state)
{
    so_hmac_free(*state);
    return 0;
}

static so_stun_message parsed(const uint8_t *bytes, size_t len)
{
    so_stun_message m;

    assert_int_equal(so_stun_parse(&m, bytes, len), SO_OK);
    return m;
}

static void assert_slice(so_slice slice, const char *text)
{
    assert_int_equal(slice.len, strlen(text));
    assert_memory_equal(slice.bytes, text, slice.len);
}

static void the_request_of_rfc_5769_is_read(void **state)
{
    so_stun_message m = parsed(request, sizeof request);

    assert_int_equal(m.kind, SO_STUN_REQUEST);
    assert_int_equal(m.method, SO_STUN_BINDING);
    assert_memory_equal(m.id, short_id, SO_STUN_ID);
    assert_slice(m.software, "STUN test client");
    assert_slice(m.username, "evtj:h6vY");
    assert_true(m.has_priority);
    assert_int_equal(m.priority, 0x6e0001ff);
    assert_true(m.controlled);
    assert_false(m.controlling);
    assert_true(m.tie_breaker == 0x932ff9b151263b36);
    assert_false(m.use_candidate);
    assert_true(m.fingerprint);
    assert_int_equal(m.unknown_count, 0);
    assert_true(so_stun_authentic(&m, *state));
}

static void the_responses_of_rfc_5769_are_read(void **state)
{
    so_stun_message m = parsed(response4, sizeof response4);
    so_address expected;

    assert_int_equal(m.kind, SO_STUN_SUCCESS);
    assert_slice(m.software, "test vector");
    assert_int_equal(so_address_parse(&expected, "192.0.2.1", 32853), SO_OK);
    assert_true(so_address_equal(&m.mapped, &expected));
    assert_true(so_stun_authentic(&m, *state));
    assert_true(m.fingerprint);
    m = parsed(response6, sizeof response6);
    assert_int_equal(so_address_parse(&expected, "2001:db8:1234:5678:11:2233:4455:6677", 32853), SO_OK);
    assert_true(so_address_equal(&m.mapped, &expected));
    assert_true(so_stun_authentic(&m, *state));
    assert_true(m.fingerprint);
}

static void the_long_term_request_of_rfc_5769_is_read(void **state)
{
    so_stun_message m = parsed(long_term, sizeof long_term);
    so_hmac *key;

    assert_slice(m.realm, "example.org");
    assert_slice(m.nonce, "f//499k954d6OL34oL9FSTvy64sA");
    assert_int_equal(m.username.len, 18);
    assert_false(m.fingerprint);
    assert_false(so_stun_authentic(&m, *state));
    assert_int_equal(so_hmac_sha1_new(&key, (so_slice){long_term_key, sizeof long_term_key}), SO_OK);
    assert_true(so_stun_authentic(&m, key));
    so_hmac_free(key);
}

/* RFC 5769 pads with spaces; here it is zeros, so the bytes are compared where padding has no part. */
static void what_is_built_is_what_rfc_5769_has(void **state)
{
    uint8_t bytes[200];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_address address;

    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, short_id);
    assert_int_equal(so_address_parse(&address, "2001:db8:1234:5678:11:2233:4455:6677", 32853), SO_OK);
    so_stun_put(&w, SO_STUN_SOFTWARE, "test vector", 11);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &address);
    assert_int_equal(so_stun_end(&w, *state, true), SO_OK);
    assert_int_equal(so_writer_len(&w), sizeof response6);
    assert_memory_equal(bytes, response6, 35);
    assert_int_equal(bytes[35], 0);
    assert_memory_equal(bytes + 36, response6 + 36, 28);
    assert_true(parsed(bytes, so_writer_len(&w)).fingerprint);

    w = so_writer_of(bytes, sizeof bytes);
    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, long_term + 8);
    so_stun_put(&w, SO_STUN_USERNAME, long_term + 24, 18);
    so_stun_put(&w, SO_STUN_NONCE, "f//499k954d6OL34oL9FSTvy64sA", 28);
    so_stun_put(&w, SO_STUN_REALM, "example.org", 11);
    {
        so_hmac *key;
        assert_int_equal(so_hmac_sha1_new(&key, (so_slice){long_term_key, sizeof long_term_key}), SO_OK);
        assert_int_equal(so_stun_end(&w, key, false), SO_OK);
        so_hmac_free(key);
    }
    assert_int_equal(so_writer_len(&w), sizeof long_term);
    assert_memory_equal(bytes, long_term, sizeof long_term);
}

static void what_is_built_is_read_back(void **state)
{
    static const uint16_t types[] = {0x0013, 0x7fff, 0x0001};
    uint8_t bytes[300];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_stun_message m;

    so_stun_begin(&w, SO_STUN_ERROR, 0xabc, short_id);
    so_stun_put_error(&w, SO_STUN_UNKNOWN_ATTRIBUTE, "Unknown Attribute");
    so_stun_put_unknown(&w, types, 3);
    so_stun_put_u32(&w, SO_STUN_PRIORITY, 0x7effffff);
    so_stun_put_u64(&w, SO_STUN_ICE_CONTROLLING, 0x0123456789abcdef);
    so_stun_put(&w, SO_STUN_USE_CANDIDATE, NULL, 0);
    assert_int_equal(so_stun_end(&w, *state, true), SO_OK);
    m = parsed(bytes, so_writer_len(&w));
    assert_int_equal(m.kind, SO_STUN_ERROR);
    assert_int_equal(m.method, 0xabc);
    assert_int_equal(m.error, 420);
    assert_slice(m.reason, "Unknown Attribute");
    assert_int_equal(m.refused.len, 6);
    assert_memory_equal(m.refused.bytes, "\x00\x13\x7f\xff\x00\x01", 6);
    assert_int_equal(m.priority, 0x7effffff);
    assert_true(m.controlling && m.use_candidate && !m.controlled);
    assert_true(m.tie_breaker == 0x0123456789abcdef);
    assert_true(so_stun_authentic(&m, *state));
    assert_int_equal(so_stun_find(&m, SO_STUN_PRIORITY).len, 4);
    assert_null(so_stun_find(&m, SO_STUN_REALM).bytes);
    assert_null(so_stun_find(&m, SO_STUN_FINGERPRINT).bytes);
}

static void classes_and_methods_keep_their_bits_apart(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++)
        for (unsigned method = 0; method < 0x1000; method += 0x37) {
            uint8_t bytes[SO_STUN_HEADER];
            so_writer w = so_writer_of(bytes, sizeof bytes);
            so_stun_message m;

            so_stun_begin(&w, (so_stun_class)kind, (uint16_t)method, short_id);
            assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
            m = parsed(bytes, sizeof bytes);
            assert_int_equal(m.kind, kind);
            assert_int_equal(m.method, method);
        }
}

/* Each bit before FINGERPRINT's value is covered by it; each before MESSAGE-INTEGRITY's by that, whatever CRC is put.
 */
static void every_altered_bit_is_noticed(void **state)
{
    for (size_t bit = 0; bit < 8 * sizeof request; bit++) {
        uint8_t altered[sizeof request];
        so_stun_message m;
        uint32_t crc;

        memcpy(altered, request, sizeof request);
        altered[bit / 8] ^= (uint8_t)(1U << bit % 8);
        /* An altered length or type may make FINGERPRINT a part of something else: then it is not there. */
        assert_false(so_stun_parse(&m, altered, sizeof altered) == SO_OK && m.fingerprint);
        if (bit / 8 >= sizeof request - 8)
            continue;
        crc = so_stun_fingerprint_of(altered, sizeof altered - 8);
        for (unsigned i = 0; i < 4; i++)
            altered[sizeof altered - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
        assert_false(so_stun_parse(&m, altered, sizeof altered) == SO_OK && so_stun_authentic(&m, *state));
    }
}

static void every_cut_or_lengthened_message_is_refused(void **state)
{
    uint8_t longer[sizeof request + 4] = {0};
    so_stun_message m;
    uint32_t crc;

    (void)state;
    for (size_t len = 0; len < sizeof request; len++) {
        uint8_t *exact = malloc(len + 1); /* so that a sanitizer sees a read past the end */
        assert_non_null(exact);
        memcpy(exact, request, len);
        assert_int_equal(so_stun_parse(&m, exact, len), SO_BAD_INPUT);
        if (len >= SO_STUN_HEADER) {
            /* The length says so too: that is a message where the cut falls between attributes, and nowhere else. */
            exact[2] = 0;
            exact[3] = (uint8_t)(len - SO_STUN_HEADER);
            assert_int_equal(so_stun_parse(&m, exact, len) == SO_OK,
                             len == 20 || len == 40 || len == 48 || len == 60 || len == 76 || len == 100);
        }
        free(exact);
    }
    memcpy(longer, request, sizeof request);
    assert_int_equal(so_stun_parse(&m, longer, sizeof longer), SO_BAD_INPUT);
    longer[3] += 4; /* an attribute after FINGERPRINT, and a FINGERPRINT that is right for that length */
    crc = so_stun_fingerprint_of(longer, sizeof request - 8);
    for (unsigned i = 0; i < 4; i++)
        longer[sizeof request - 4 + i] = (uint8_t)(crc >> (24 - 8 * i));
    assert_int_equal(so_stun_parse(&m, longer, sizeof longer), SO_BAD_INPUT);
    assert_int_equal(so_stun_parse(&m, NULL, 0), SO_BAD_INPUT);
}

static void known_attributes_of_a_wrong_length_are_refused(void **state)
{
    static const struct {
        uint16_t type;
        uint16_t len;
    } wrong[] = {
        {SO_STUN_PRIORITY, 3},
        {SO_STUN_PRIORITY, 8},
        {SO_STUN_ICE_CONTROLLING, 4},
        {SO_STUN_ICE_CONTROLLED, 12},
        {SO_STUN_USE_CANDIDATE, 4},
        {SO_STUN_USERNAME, 514},
        {SO_STUN_REALM, 764},
        {SO_STUN_XOR_MAPPED_ADDRESS, 8}, /* family 0 */
        {SO_STUN_XOR_MAPPED_ADDRESS, 3},
        {SO_STUN_MAPPED_ADDRESS, 20},
        {SO_STUN_ERROR_CODE, 3},
        {SO_STUN_ERROR_CODE, 4}, /* of the class 0 */
        {SO_STUN_UNKNOWN_ATTRIBUTES, 3},
        {SO_STUN_MESSAGE_INTEGRITY, 16},
        {SO_STUN_FINGERPRINT, 8},
    };
    static const uint8_t zeros[800];

    (void)state;
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t bytes[900];
        so_writer w = so_writer_of(bytes, sizeof bytes);
        so_stun_message m;

        so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, short_id);
        so_stun_put(&w, wrong[i].type, zeros, wrong[i].len);
        assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
        assert_int_equal(so_stun_parse(&m, bytes, so_writer_len(&w)), SO_BAD_INPUT);
    }
}

/* RFC 8489 §14.5: what follows MESSAGE-INTEGRITY was signed by nobody. */
static void nothing_after_message_integrity_is_listened_to(void **state)
{
    uint8_t bytes[300], sha256[32] = {0};
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_stun_message m;
    size_t len;

    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, short_id);
    so_stun_put(&w, SO_STUN_USERNAME, "abcd:efgh", 9);
    assert_int_equal(so_stun_end(&w, *state, false), SO_OK);
    so_stun_put(&w, SO_STUN_MESSAGE_INTEGRITY_SHA256, sha256, sizeof sha256);
    so_stun_put(&w, SO_STUN_USE_CANDIDATE, NULL, 0);
    so_stun_put_u32(&w, SO_STUN_PRIORITY, 1);
    so_stun_put_u64(&w, SO_STUN_ICE_CONTROLLING, 1);
    so_stun_put(&w, 0x0077, NULL, 0);
    so_stun_put(&w, SO_STUN_MESSAGE_INTEGRITY, sha256, 20);
    assert_int_equal(so_stun_end(&w, NULL, true), SO_OK);
    len = so_writer_len(&w);
    m = parsed(bytes, len);
    assert_false(m.use_candidate || m.has_priority || m.controlling);
    assert_int_equal(m.unknown_count, 0);
    assert_null(so_stun_find(&m, SO_STUN_PRIORITY).bytes);
    assert_true(m.fingerprint);
    assert_true(so_stun_authentic(&m, *state));
    /* Nor does one that stands after MESSAGE-INTEGRITY-SHA256 sign anything. */
    w = so_writer_of(bytes, sizeof bytes);
    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, short_id);
    so_stun_put(&w, SO_STUN_MESSAGE_INTEGRITY_SHA256, sha256, sizeof sha256);
    assert_int_equal(so_stun_end(&w, *state, false), SO_OK);
    m = parsed(bytes, so_writer_len(&w));
    assert_null(m.integrity.bytes);
    assert_false(so_stun_authentic(&m, *state));
}

static void the_first_of_two_counts(void **state)
{
    uint8_t bytes[200];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_address one, two;
    so_stun_message m;

    assert_int_equal(so_address_parse(&one, "192.0.2.1", 1), SO_OK);
    assert_int_equal(so_address_parse(&two, "192.0.2.2", 2), SO_OK);
    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, short_id);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &one);
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &two);
    so_stun_put(&w, SO_STUN_MAPPED_ADDRESS, "\0\1\0\1\7\7\7\7", 8);
    so_stun_put_u32(&w, SO_STUN_PRIORITY, 1);
    so_stun_put_u32(&w, SO_STUN_PRIORITY, 2);
    so_stun_put(&w, SO_STUN_USERNAME, "one", 3);
    so_stun_put(&w, SO_STUN_USERNAME, "two", 3);
    so_stun_put_u64(&w, SO_STUN_ICE_CONTROLLED, 1);
    so_stun_put_u64(&w, SO_STUN_ICE_CONTROLLING, 2);
    assert_int_equal(so_stun_end(&w, *state, true), SO_OK);
    m = parsed(bytes, so_writer_len(&w));
    assert_true(so_address_equal(&m.mapped, &one));
    assert_int_equal(m.priority, 1);
    assert_slice(m.username, "one");
    assert_true(m.controlled && !m.controlling && m.tie_breaker == 1);
}

static void mapped_address_alone_is_taken_and_gives_way(void **state)
{
    uint8_t bytes[200];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_address plain, masked;
    so_stun_message m;

    (void)state;
    assert_int_equal(so_address_parse(&plain, "198.51.100.7", 258), SO_OK);
    assert_int_equal(so_address_parse(&masked, "192.0.2.2", 2), SO_OK);
    so_stun_begin(&w, SO_STUN_SUCCESS, SO_STUN_BINDING, short_id);
    so_stun_put(&w, SO_STUN_MAPPED_ADDRESS, "\0\1\1\2\306\063\144\7", 8);
    assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
    m = parsed(bytes, so_writer_len(&w));
    assert_true(so_address_equal(&m.mapped, &plain));
    so_stun_put_xor_address(&w, SO_STUN_XOR_MAPPED_ADDRESS, &masked);
    assert_int_equal(so_stun_end(&w, NULL, false), SO_OK);
    m = parsed(bytes, so_writer_len(&w));
    assert_true(so_address_equal(&m.mapped, &masked));
}

static void unknown_types_are_collected_and_bounded(void **state)
{
    uint8_t bytes[300];
    so_writer w = so_writer_of(bytes, sizeof bytes);
    so_stun_message m;

    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, short_id);
    for (uint16_t i = 0; i < 12; i++)
        so_stun_put(&w, (uint16_t)(0x4000 + i), "x", 1);
    so_stun_put(&w, 0xc000, "x", 1); /* comprehension-optional */
    assert_int_equal(so_stun_end(&w, *state, true), SO_OK);
    m = parsed(bytes, so_writer_len(&w));
    assert_int_equal(m.unknown_count, 12);
    for (unsigned i = 0; i < SO_STUN_UNKNOWN; i++)
        assert_int_equal(m.unknown[i], 0x4000 + i);
}

static void what_does_not_fit_is_not_built(void **state)
{
    uint8_t bytes[60];

    for (size_t cap = 0; cap <= sizeof bytes; cap++) {
        so_writer w = so_writer_of(bytes, cap);

        so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, short_id);
        so_stun_put_u32(&w, SO_STUN_PRIORITY, 1);
        assert_int_equal(so_stun_end(&w, *state, true), cap < 60 ? SO_TOO_LONG : SO_OK);
        assert_int_equal(so_writer_len(&w), cap < 60 ? 0 : 60);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_request_of_rfc_5769_is_read),
        cmocka_unit_test(the_responses_of_rfc_5769_are_read),
        cmocka_unit_test(the_long_term_request_of_rfc_5769_is_read),
        cmocka_unit_test(what_is_built_is_what_rfc_5769_has),
        cmocka_unit_test(what_is_built_is_read_back),
        cmocka_unit_test(classes_and_methods_keep_their_bits_apart),
        cmocka_unit_test(every_altered_bit_is_noticed),
        cmocka_unit_test(every_cut_or_lengthened_message_is_refused),
        cmocka_unit_test(known_attributes_of_a_wrong_length_are_refused),
        cmocka_unit_test(nothing_after_message_integrity_is_listened_to),
        cmocka_unit_test(the_first_of_two_counts),
        cmocka_unit_test(mapped_address_alone_is_taken_and_gives_way),
        cmocka_unit_test(unknown_types_are_collected_and_bounded),
        cmocka_unit_test(what_does_not_fit_is_not_built),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
