/*
 * trust/introduction: any bytes as an introduction, and any header and payload under a good signature. What is taken
 * names the key that signed it, and says all that this association demands.
 */
#include "base/bytes.h"
#include "base/text.h"
#include "clock.h"
#include "crypto/ecdsa.h"
#include "trust/introduction.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define NOW SIM_EPOCH

static so_pkey *key;
static char thumbprint[SO_THUMBPRINT_LEN + 1];

static void check(bool good)
{
    if (!good)
        abort();
}

static so_association association(bool dtls_client)
{
    return (so_association){.dtls_client = dtls_client,
                            .client_fingerprint = {1},
                            .server_fingerprint = {2},
                            .client_sid = {3},
                            .server_sid = {4}};
}

static void begin(void)
{
    so_error err;

    sim_begin(1);
    check(so_pkey_make(&key, &err) == SO_OK && so_thumbprint(thumbprint, key) == SO_OK);
    sim_end();
}

static void write_part(so_writer *w, const uint8_t *bytes, size_t len)
{
    char *text = malloc(SO_BASE64URL_LEN(len) + 1);

    check(text != NULL);
    so_base64url(text, bytes, len);
    so_write_text(w, text);
    free(text);
}

/* "$x", "$y" and "$k" in the input stand for the key's members and its thumbprint, which no fuzzer would find. */
static size_t put_key(uint8_t *out, size_t cap, const uint8_t *in, size_t len)
{
    so_writer w = so_writer_of(out, cap);
    so_p256_point point;
    char x[SO_BASE64URL_LEN(SO_P256_LEN) + 1], y[sizeof x];

    check(so_p256_point_of(&point, key) == SO_OK);
    so_base64url(x, point.x, SO_P256_LEN);
    so_base64url(y, point.y, SO_P256_LEN);
    for (size_t i = 0; i < len; i++) {
        if (len - i >= 2 && in[i] == '$' && (in[i + 1] == 'x' || in[i + 1] == 'y' || in[i + 1] == 'k'))
            so_write_text(&w, in[++i] == 'x' ? x : in[i] == 'y' ? y : thumbprint);
        else
            so_write_u8(&w, in[i]);
    }
    return so_writer_len(&w);
}

/* The length of the header, the header, the payload; signed with the key. */
static size_t sign(uint8_t *out, size_t cap, const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);
    so_writer w = so_writer_of(out, cap);
    uint8_t part[4096], signature[SO_ES256_LEN];
    size_t header_len = so_read_u16(&r), payload_len;
    const uint8_t *header = so_read_bytes(&r, header_len), *payload;

    if (header == NULL)
        return 0;
    payload_len = so_reader_left(&r);
    payload = so_read_bytes(&r, payload_len);
    so_write_u8(&w, SO_INTRODUCTION_KIND);
    write_part(&w, part, put_key(part, sizeof part, header, header_len));
    so_write_u8(&w, '.');
    write_part(&w, part, put_key(part, sizeof part, payload, payload_len));
    if (so_writer_len(&w) == 0)
        return 0;
    check(so_es256_sign(signature, key, (so_slice){out + 1, so_writer_len(&w) - 1}) == SO_OK);
    so_write_u8(&w, '.');
    write_part(&w, signature, sizeof signature);
    return so_writer_len(&w);
}

/* What was taken, read once more by another way: the payload has every value that it must have. */
static void check_taken(const uint8_t *message, size_t len)
{
    const char *first = memchr(message, '.', len), *second;
    uint8_t payload[SO_INTRODUCTION_MAX];
    size_t payload_len = 0;
    json_t *root;

    check(first != NULL);
    second = memchr(first + 1, '.', len - (size_t)((const uint8_t *)first + 1 - message));
    check(second != NULL &&
          so_base64url_decode(payload, sizeof payload, &payload_len, first + 1, (size_t)(second - first - 1)) == SO_OK);
    root = json_loadb((const char *)payload, payload_len, 0, NULL);
    check(root != NULL && strcmp(json_string_value(json_object_get(root, "key")), thumbprint) == 0);
    check(strcmp(json_string_value(json_object_get(root, "role")), "client") == 0);
    check(strcmp(json_string_value(json_object_get(root, "label")), "sotto v1 identity") == 0);
    check(llabs(json_integer_value(json_object_get(root, "time")) - NOW) <= SO_DAY);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static uint8_t signed_message[3 * 4096];
    const so_association server = association(false);
    so_introduction introduction;
    const uint8_t *message = bytes;
    so_error err;
    so_status status;

    if (key == NULL)
        begin();
    if (len > 0 && bytes[0] == 'S') {
        sim_begin(len);
        len = sign(signed_message, sizeof signed_message, bytes + 1, len - 1);
        sim_end();
        message = signed_message;
    }
    so_introduction_begin(&introduction, &server);
    status = so_introduction_take(&introduction, message, len, NOW, &err);
    check(status == SO_OK || status == SO_REFUSED || status == SO_NOT_FOUND);
    check((introduction.thumbprint[0] != '\0') == (status == SO_OK));
    if (status == SO_OK) {
        /* Of raw bytes only an introduction that was signed with a key would be taken, and no fuzzer signs. */
        check(message == signed_message && strcmp(introduction.thumbprint, thumbprint) == 0);
        check_taken(message, len);
    }
    return 0;
}
