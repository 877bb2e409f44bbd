#include "trust/jws.h"

#include "base/text.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <string.h>

#define ALGORITHM "ES256"
#define COORDINATE_LEN SO_BASE64URL_LEN(SO_P256_LEN)
#define SIGNATURE_TEXT_LEN SO_BASE64URL_LEN(SO_ES256_LEN)
#define HEADER_MAX 512

/* ---- keys and their thumbprints ---- */

typedef struct key_text {
    char x[COORDINATE_LEN + 1], y[COORDINATE_LEN + 1];
} key_text;

static key_text text_of_point(const so_p256_point *point)
{
    key_text text;

    so_base64url(text.x, point->x, SO_P256_LEN);
    so_base64url(text.y, point->y, SO_P256_LEN);
    return text;
}

/* RFC 7638 §3: the required members alone, in lexicographic order, without white space. */
static so_status thumbprint_of(char out[SO_THUMBPRINT_LEN + 1], const so_p256_point *point)
{
    key_text key = text_of_point(point);
    uint8_t jwk[160], digest[SO_SHA256_LEN];
    so_writer w = so_writer_of(jwk, sizeof jwk);
    so_slice text;
    so_status status;

    so_write_format(&w, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", key.x, key.y);
    text = (so_slice){jwk, so_writer_len(&w)};
    status = so_sha256(digest, &text, 1);
    if (status == SO_OK)
        so_base64url(out, digest, sizeof digest);
    return status;
}

so_status so_thumbprint(char out[SO_THUMBPRINT_LEN + 1], const so_pkey *key)
{
    so_p256_point point;
    so_status status = so_p256_point_of(&point, key);

    return status == SO_OK ? thumbprint_of(out, &point) : status;
}

bool so_thumbprint_is(const char *text)
{
    uint8_t out[SO_SHA256_LEN];
    size_t n = 0;

    return text != NULL && so_base64url_decode(out, sizeof out, &n, text, strlen(text)) == SO_OK && n == sizeof out;
}

/* ---- writing ---- */

/* In pieces of whole triples, so that they join to the text of the whole. */
static void write_part(so_writer *w, so_slice bytes)
{
    char text[SO_BASE64URL_LEN(768) + 1];

    for (size_t at = 0, len; at < bytes.len; at += len) {
        len = bytes.len - at < 768 ? bytes.len - at : 768;
        so_base64url(text, (const uint8_t *)bytes.bytes + at, len);
        so_write_text(w, text);
    }
}

static void write_header(so_writer *w, const char *typ, const so_p256_point *point)
{
    key_text key = text_of_point(point);
    uint8_t text[HEADER_MAX];
    so_writer t = so_writer_of(text, sizeof text);

    so_write_format(&t,
                    "{\"alg\":\"" ALGORITHM "\",\"typ\":\"%s\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\","
                    "\"y\":\"%s\"}}",
                    typ, key.x, key.y);
    write_part(w, (so_slice){text, so_writer_len(&t)});
}

so_status so_jws_write(so_writer *w, const char *typ, so_pkey *key, so_slice payload)
{
    uint8_t signature[SO_ES256_LEN];
    const uint8_t *start = w->at;
    so_p256_point point;
    so_status status = so_p256_point_of(&point, key);

    if (status != SO_OK)
        return status;
    write_header(w, typ, &point);
    so_write_u8(w, '.');
    write_part(w, payload);
    if (w->failed)
        return SO_TOO_LONG;
    status = so_es256_sign(signature, key, (so_slice){start, (size_t)(w->at - start)});
    if (status != SO_OK)
        return status;
    so_write_u8(w, '.');
    write_part(w, (so_slice){signature, sizeof signature});
    return w->failed ? SO_TOO_LONG : SO_OK;
}

/* ---- checking ---- */

typedef struct parts {
    so_slice signed_text; /* the first two as they stand */
    uint8_t header[HEADER_MAX];
    size_t header_len;
    uint8_t signature[SO_ES256_LEN];
} parts;

static bool split(parts *p, so_slice all, uint8_t *payload, size_t cap, size_t *payload_len)
{
    const char *text = all.bytes, *end = text + all.len, *first = memchr(text, '.', all.len), *second;
    size_t signature_len = 0;

    if (first == NULL || (second = memchr(first + 1, '.', (size_t)(end - first - 1))) == NULL)
        return false;
    p->signed_text = (so_slice){text, (size_t)(second - text)};
    if (so_base64url_decode(p->header, sizeof p->header, &p->header_len, text, (size_t)(first - text)) != SO_OK ||
        so_base64url_decode(payload, cap, payload_len, first + 1, (size_t)(second - first - 1)) != SO_OK)
        return false;
    return (size_t)(end - second - 1) == SIGNATURE_TEXT_LEN &&
           so_base64url_decode(p->signature, sizeof p->signature, &signature_len, second + 1, SIGNATURE_TEXT_LEN) ==
               SO_OK;
}

static bool says(const json_t *object, const char *name, const char *text)
{
    const char *there = json_string_value(json_object_get(object, name));

    return there != NULL && strcmp(there, text) == 0;
}

static bool read_coordinate(uint8_t out[SO_P256_LEN], const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    size_t len = 0;

    return text != NULL && so_base64url_decode(out, SO_P256_LEN, &len, text, strlen(text)) == SO_OK &&
           len == SO_P256_LEN;
}

/* The number of members holds all others out: a private "d", a "crit", a second opinion under another name. */
static const char *read_header(const json_t *header, const char *typ, so_p256_point *point)
{
    const json_t *jwk = json_object_get(header, "jwk");

    if (!json_is_object(header) || !says(header, "alg", ALGORITHM))
        return "its algorithm is not " ALGORITHM;
    if (!says(header, "typ", typ) || json_object_size(header) != 3)
        return "its header is of another kind";
    if (!says(jwk, "kty", "EC") || !says(jwk, "crv", "P-256") || json_object_size(jwk) != 4 ||
        !read_coordinate(point->x, jwk, "x") || !read_coordinate(point->y, jwk, "y"))
        return "its key is not a public P-256 key";
    return NULL;
}

static so_status check_signature(const parts *p, const so_p256_point *point, const char **wrong)
{
    so_pkey *key;
    so_status status = so_p256_key_of(&key, point);

    *wrong = "its key is no point on the curve";
    if (status == SO_OK) {
        *wrong = "the signature is not of its key";
        status = so_es256_verify(p->signature, key, p->signed_text);
    }
    so_pkey_free(key);
    return status;
}

so_status so_jws_read(so_slice text, const char *typ, uint8_t *payload, size_t cap, size_t *payload_len,
                      char thumbprint[SO_THUMBPRINT_LEN + 1], const char **wrong)
{
    so_p256_point point;
    json_t *header;
    parts p;

    *payload_len = 0;
    *wrong = "it is no signed text";
    if (!split(&p, text, payload, cap, payload_len))
        return SO_REFUSED;
    header = json_loadb((const char *)p.header, p.header_len, JSON_REJECT_DUPLICATES, NULL);
    *wrong = read_header(header, typ, &point);
    json_decref(header);
    if (*wrong != NULL)
        return SO_REFUSED;
    if (thumbprint_of(thumbprint, &point) != SO_OK)
        return SO_CRYPTO;
    return check_signature(&p, &point, wrong);
}
