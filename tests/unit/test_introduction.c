/* trust/introduction and crypto/ecdsa against tests/vectors/trust.json, and against OpenSSL's other keys. */
#include "trust_vectors.h"

#include "base/bytes.h"
#include "crypto/ecdsa.h"
#include "trust/introduction.h"

#include <stdlib.h>

#define NOW ((so_unix)1800000000)

static void read_text(uint8_t *out, size_t len, const char *text)
{
    size_t n = 0;

    assert_non_null(text);
    assert_int_equal(so_base64url_decode(out, len, &n, text, strlen(text)), SO_OK);
    assert_int_equal(n, len);
}

/* What the vector says of the end that takes it. */
static so_association association_of(const json_t *receiver)
{
    const json_t *fingerprints = json_object_get(receiver, "fingerprints"), *sids = json_object_get(receiver, "sids");
    so_association a = {.dtls_client = strcmp(vector_text(receiver, "role"), "client") == 0};

    assert_int_equal(so_hex_decode(a.client_fingerprint, 32, json_string_value(json_array_get(fingerprints, 0))), 0);
    assert_int_equal(so_hex_decode(a.server_fingerprint, 32, json_string_value(json_array_get(fingerprints, 1))), 0);
    read_text(a.client_sid, SO_SID_LEN, json_string_value(json_array_get(sids, 0)));
    read_text(a.server_sid, SO_SID_LEN, json_string_value(json_array_get(sids, 1)));
    return a;
}

/* In memory of exactly its size, so that a sanitizer sees every byte read too far. */
static uint8_t *message_of(const json_t *v, size_t *len)
{
    const json_t *jws = json_object_get(v, "jws");
    uint8_t *message;

    *len = 1 + json_string_length(jws);
    message = malloc(*len);
    assert_non_null(message);
    message[0] = SO_INTRODUCTION_KIND;
    memcpy(message + 1, json_string_value(jws), *len - 1);
    return message;
}

static so_status take(so_introduction *introduction, const json_t *v, so_error *err)
{
    const json_t *receiver = json_object_get(v, "receiver");
    so_association association = association_of(receiver);
    size_t len;
    uint8_t *message = message_of(v, &len);
    so_unix now = json_integer_value(json_object_get(receiver, "now"));
    so_status status;

    so_introduction_begin(introduction, &association);
    status = so_introduction_take(introduction, message, len, now, err);
    free(message);
    return status;
}

static void good_ones_are_taken(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "introductions");
    so_introduction introduction;
    so_error err;
    size_t i;

    (void)state;
    json_array_foreach(all, i, v)
    {
        err.text[0] = '\0';
        if (take(&introduction, v, &err) != SO_OK)
            fail_msg("%s: %s", vector_text(v, "about"), err.text);
        assert_string_equal(introduction.thumbprint, vector_text(v, "thumbprint"));
    }
    assert_true(i >= 6);
    json_decref(root);
}

static void broken_rules_are_refused(void **state)
{
    json_t *root, *v, *all = trust_vectors(&root, "introductions_refused");
    so_introduction introduction;
    so_error err;
    size_t i;

    (void)state;
    json_array_foreach(all, i, v)
    {
        so_status status = take(&introduction, v, &err);

        if (status != SO_REFUSED)
            fail_msg("%s: %s", vector_text(v, "rule"), so_status_name(status));
        assert_string_equal(introduction.thumbprint, "");
        assert_string_equal(err.layer, "identity");
        assert_non_null(strstr(err.text, "; "));
    }
    assert_true(i >= 64);
    json_decref(root);
}

/* Each names what it found, and not something that came before it by chance. */
static void refusals_name_their_cause(void **state)
{
    static const char *const causes[][2] = {
        {"alg is none, and there is a signature", "algorithm"},
        {"typ is another", "header"},
        {"the key has a private member", "public P-256 key"},
        {"the point is not on the curve", "curve"},
        {"the thumbprint is of another key", "another key"},
        {"the role is the receiver's own", "other role"},
        {"the fingerprints are changed about", "certificates"},
        {"the sids are of another call", "another call"},
        {"it is older than a day", "clock"},
        {"it is more than a day ahead", "clock"},
        {"the signature was altered at its end", "signature"},
        {"it is too long", "too long"},
        {"there is a fourth part", "no signed text"},
    };
    json_t *root, *v, *all = trust_vectors(&root, "introductions_refused");
    so_introduction introduction;
    so_error err;
    size_t i, found = 0;

    (void)state;
    json_array_foreach(all, i, v)
    {
        for (size_t k = 0; k < sizeof causes / sizeof causes[0]; k++) {
            if (strcmp(vector_text(v, "rule"), causes[k][0]) != 0)
                continue;
            found++;
            assert_int_equal(take(&introduction, v, &err), SO_REFUSED);
            if (strstr(err.text, causes[k][1]) == NULL)
                fail_msg("%s: %s", causes[k][0], err.text);
        }
    }
    assert_int_equal(found, sizeof causes / sizeof causes[0]);
    json_decref(root);
}

static void a_second_one_is_refused(void **state)
{
    json_t *root, *v = json_array_get(trust_vectors(&root, "introductions"), 0);
    uint8_t other[] = {0x01, 2, 3};
    so_introduction introduction;
    so_error err;
    size_t len;
    uint8_t *message = message_of(v, &len);
    so_unix now = json_integer_value(json_object_get(json_object_get(v, "receiver"), "now"));

    (void)state;
    assert_int_equal(take(&introduction, v, &err), SO_OK);
    assert_int_equal(so_introduction_take(&introduction, other, sizeof other, now, &err), SO_NOT_FOUND);
    assert_int_equal(so_introduction_take(&introduction, other, 0, now, &err), SO_NOT_FOUND);
    assert_string_equal(introduction.thumbprint, vector_text(v, "thumbprint"));
    assert_int_equal(so_introduction_take(&introduction, message, len, now, &err), SO_REFUSED);
    assert_string_equal(introduction.thumbprint, "");
    /* Nor does a good one come in behind a bad one. */
    introduction.came = false;
    message[len - 1] ^= 1;
    assert_int_equal(so_introduction_take(&introduction, message, len, now, &err), SO_REFUSED);
    message[len - 1] ^= 1;
    assert_int_equal(so_introduction_take(&introduction, message, len, now, &err), SO_REFUSED);
    assert_string_equal(introduction.thumbprint, "");
    free(message);
    json_decref(root);
}

static so_association some_association(bool dtls_client)
{
    so_association a = {.dtls_client = dtls_client};

    memset(a.client_fingerprint, 1, sizeof a.client_fingerprint);
    memset(a.server_fingerprint, 2, sizeof a.server_fingerprint);
    memset(a.client_sid, 3, sizeof a.client_sid);
    memset(a.server_sid, 4, sizeof a.server_sid);
    return a;
}

static void what_we_write_is_what_the_text_says(void **state)
{
    json_t *root, *v = json_array_get(trust_vectors(&root, "introductions"), 0);
    const json_t *receiver = json_object_get(v, "receiver");
    so_association association = association_of(receiver);
    char thumbprint[SO_THUMBPRINT_LEN + 1];
    uint8_t message[SO_INTRODUCTION_MAX], part[1024];
    char *end;
    so_introduction introduction;
    so_pkey *key;
    so_error err;
    size_t len, part_len;
    so_unix now = json_integer_value(json_object_get(receiver, "now"));

    (void)state;
    association.dtls_client = true; /* as its sender has it */
    assert_int_equal(so_pkey_make(&key, &err), SO_OK);
    assert_int_equal(so_thumbprint(thumbprint, key), SO_OK);
    assert_true(so_thumbprint_is(thumbprint));
    assert_int_equal(so_introduction_write(message, &len, key, &association, now, &err), SO_OK);
    assert_true(len < 1000);
    /* The payload is the vector's but for the key. */
    message[len] = '\0';
    end = strchr(strchr((char *)message + 1, '.') + 1, '.');
    *end = '\0';
    end = strchr((char *)message + 1, '.') + 1;
    assert_int_equal(so_base64url_decode(part, sizeof part, &part_len, end, strlen(end)), SO_OK);
    assert_int_equal(part_len, json_string_length(json_object_get(v, "payload")));
    assert_memory_equal(part, vector_text(v, "payload"), part_len - SO_THUMBPRINT_LEN - 2);
    assert_memory_equal(part + part_len - SO_THUMBPRINT_LEN - 2, thumbprint, SO_THUMBPRINT_LEN);
    /* And the other end takes it. */
    assert_int_equal(so_introduction_write(message, &len, key, &association, now, &err), SO_OK);
    association.dtls_client = false;
    so_introduction_begin(&introduction, &association);
    assert_int_equal(so_introduction_take(&introduction, message, len, now, &err), SO_OK);
    assert_string_equal(introduction.thumbprint, thumbprint);
    so_pkey_free(key);
    json_decref(root);
}

/* A key of another kind, or on another curve, as PEM from elsewhere. */
static const char ed25519[] = "-----BEGIN PRIVATE KEY-----\n"
                              "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                              "-----END PRIVATE KEY-----\n";
static const char p384[] = "-----BEGIN PRIVATE KEY-----\n"
                           "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDAIL1+xU8Ts3D2g2HEr\n"
                           "SzaLCerKpw7Z2qE08pnjpsOHeO7yaz1Gxg+X9hYOtUqUzQyhZANiAAQd0YwjZZy5\n"
                           "i37Pp8qId5DdOZ/wWjMfIqe8jnUCgVIafmVlHFE71nxY8N9yf4ZM4OvsgDrxMX8b\n"
                           "dum4XVdYKg7HiDtn/M+nUuMXPBPetNFelhhXXl6YvJuF68yNkdABG9E=\n"
                           "-----END PRIVATE KEY-----\n";

static void other_keys_do_not_introduce(void **state)
{
    const so_slice pems[] = {{ed25519, sizeof ed25519 - 1}, {p384, sizeof p384 - 1}};
    uint8_t message[SO_INTRODUCTION_MAX], signature[SO_ES256_LEN];
    so_association association = some_association(true);
    char thumbprint[SO_THUMBPRINT_LEN + 1];
    so_pkey *key;
    so_error err;
    size_t len;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(so_pkey_read(&key, pems[i], (so_slice){NULL, 0}, "it", &err), SO_OK);
        assert_int_equal(so_thumbprint(thumbprint, key), SO_BAD_INPUT);
        assert_int_equal(so_introduction_write(message, &len, key, &association, NOW, &err), SO_BAD_INPUT);
        assert_int_equal(len, 0);
        assert_int_equal(so_es256_sign(signature, key, (so_slice){"x", 1}), SO_BAD_INPUT);
        so_pkey_free(key);
    }
}

static void signatures_hold_for_their_message_and_key(void **state)
{
    const so_slice message = {"what is signed", 14}, less = {"what is signed", 13}, none = {NULL, 0};
    uint8_t signature[SO_ES256_LEN];
    so_pkey *key, *other, *half;
    so_p256_point point;
    so_error err;

    (void)state;
    assert_int_equal(so_pkey_make(&key, &err), SO_OK);
    assert_int_equal(so_pkey_make(&other, &err), SO_OK);
    assert_int_equal(so_p256_point_of(&point, key), SO_OK);
    assert_int_equal(so_p256_key_of(&half, &point), SO_OK);
    for (unsigned n = 0; n < 600; n++) { /* one in 256 has an r or s with a zero byte first */
        assert_int_equal(so_es256_sign(signature, key, message), SO_OK);
        assert_int_equal(so_es256_verify(signature, half, message), SO_OK);
    }
    assert_int_equal(so_es256_verify(signature, half, less), SO_REFUSED);
    assert_int_equal(so_es256_verify(signature, half, none), SO_REFUSED);
    assert_int_equal(so_es256_verify(signature, other, message), SO_REFUSED);
    for (unsigned bit = 0; bit < 8 * SO_ES256_LEN; bit += 7) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(so_es256_verify(signature, half, message), SO_REFUSED);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(so_es256_sign(signature, half, message), SO_CRYPTO); /* it has no private half */
    memset(signature, 0xff, sizeof signature);
    assert_int_equal(so_es256_verify(signature, half, message), SO_REFUSED);
    so_pkey_free(key);
    so_pkey_free(other);
    so_pkey_free(half);
}

static void points_off_the_curve_are_no_keys(void **state)
{
    so_p256_point point, bent;
    so_pkey *key, *half;
    so_error err;

    (void)state;
    assert_int_equal(so_pkey_make(&key, &err), SO_OK);
    assert_int_equal(so_p256_point_of(&point, key), SO_OK);
    for (unsigned bit = 0; bit < 8 * SO_P256_LEN; bit += 5) {
        bent = point;
        bent.y[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(so_p256_key_of(&half, &bent), SO_REFUSED);
        assert_null(half);
    }
    memset(&bent, 0, sizeof bent);
    assert_int_equal(so_p256_key_of(&half, &bent), SO_REFUSED);
    memset(&bent, 0xff, sizeof bent); /* beyond the field */
    assert_int_equal(so_p256_key_of(&half, &bent), SO_REFUSED);
    so_pkey_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_are_taken),
        cmocka_unit_test(broken_rules_are_refused),
        cmocka_unit_test(refusals_name_their_cause),
        cmocka_unit_test(a_second_one_is_refused),
        cmocka_unit_test(what_we_write_is_what_the_text_says),
        cmocka_unit_test(other_keys_do_not_introduce),
        cmocka_unit_test(signatures_hold_for_their_message_and_key),
        cmocka_unit_test(points_off_the_curve_are_no_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
