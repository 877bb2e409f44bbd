#include "trust/introduction.h"

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/ecdsa.h"

#include <jansson.h>
#include <string.h>

#define LAYER "identity"
#define ALGORITHM "ES256"
#define TYPE "sotto-identity"
#define LABEL "sotto v1 identity"
#define COORDINATE_LEN SO_BASE64URL_LEN(SO_P256_LEN)
#define SID_TEXT_LEN SO_BASE64URL_LEN(SO_SID_LEN)
#define FINGERPRINT_TEXT_LEN ((size_t)2 * SO_SHA256_LEN)
#define SIGNATURE_TEXT_LEN SO_BASE64URL_LEN(SO_ES256_LEN)

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

static bool is_bytes(const char *text, size_t len)
{
    uint8_t out[SO_ES256_LEN];
    size_t n = 0;

    return text != NULL && so_base64url_decode(out, len, &n, text, strlen(text)) == SO_OK && n == len;
}

bool so_thumbprint_is(const char *text)
{
    return is_bytes(text, SO_SHA256_LEN);
}

/* ---- what an introduction says of its association ---- */

typedef struct association_text {
    char fingerprints[2][FINGERPRINT_TEXT_LEN + 1];
    char sids[2][SID_TEXT_LEN + 1];
} association_text;

static association_text text_of(const so_association *a)
{
    association_text text;

    so_hex(text.fingerprints[0], a->client_fingerprint, SO_SHA256_LEN);
    so_hex(text.fingerprints[1], a->server_fingerprint, SO_SHA256_LEN);
    so_base64url(text.sids[0], a->client_sid, SO_SID_LEN);
    so_base64url(text.sids[1], a->server_sid, SO_SID_LEN);
    return text;
}

static const char *role_of(bool dtls_client)
{
    return dtls_client ? "client" : "server";
}

/* ---- writing ---- */

static void write_part(so_writer *w, const uint8_t *bytes, size_t len)
{
    char text[SO_BASE64URL_LEN(1024) + 1];

    if (len > 1024) {
        w->failed = true;
        return;
    }
    so_base64url(text, bytes, len);
    so_write_text(w, text);
}

static void write_header(so_writer *w, const so_p256_point *point)
{
    key_text key = text_of_point(point);
    uint8_t text[256];
    so_writer t = so_writer_of(text, sizeof text);

    so_write_format(&t,
                    "{\"alg\":\"" ALGORITHM "\",\"typ\":\"" TYPE
                    "\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%s\",\"y\":\"%s\"}}",
                    key.x, key.y);
    write_part(w, text, so_writer_len(&t));
}

static void write_payload(so_writer *w, const so_association *association, so_unix now, const char *thumbprint)
{
    association_text a = text_of(association);
    uint8_t text[512];
    so_writer t = so_writer_of(text, sizeof text);

    so_write_format(&t,
                    "{\"label\":\"" LABEL "\",\"role\":\"%s\",\"fingerprints\":[\"%s\",\"%s\"],"
                    "\"sids\":[\"%s\",\"%s\"],\"time\":%lld,\"key\":\"%s\"}",
                    role_of(association->dtls_client), a.fingerprints[0], a.fingerprints[1], a.sids[0], a.sids[1],
                    (long long)now, thumbprint);
    write_part(w, text, so_writer_len(&t));
}

so_status so_introduction_write(uint8_t out[SO_INTRODUCTION_MAX], size_t *out_len, so_pkey *key,
                                const so_association *association, so_unix now, so_error *err)
{
    char thumbprint[SO_THUMBPRINT_LEN + 1];
    uint8_t signature[SO_ES256_LEN];
    so_writer w = so_writer_of(out, SO_INTRODUCTION_MAX);
    so_p256_point point;
    so_status status = so_p256_point_of(&point, key);

    *out_len = 0;
    if (status == SO_BAD_INPUT)
        return so_fail(err, status, LAYER, "the identity key is not a P-256 key; make a new one: sotto identity new");
    if (status == SO_OK)
        status = thumbprint_of(thumbprint, &point);
    if (status == SO_OK) {
        so_write_u8(&w, SO_INTRODUCTION_KIND);
        write_header(&w, &point);
        so_write_u8(&w, '.');
        write_payload(&w, association, now, thumbprint);
        status = so_es256_sign(signature, key, (so_slice){out + 1, so_writer_len(&w) - 1});
    }
    if (status != SO_OK)
        return so_fail(err, status, LAYER, "introducing this end failed inside OpenSSL; check that memory is free");
    so_write_u8(&w, '.');
    write_part(&w, signature, sizeof signature);
    *out_len = so_writer_len(&w);
    return *out_len > 0 ? SO_OK : so_fail(err, SO_TOO_LONG, LAYER, "the introduction does not fit; call again");
}

/* ---- checking ---- */

void so_introduction_begin(so_introduction *introduction, const so_association *association)
{
    memset(introduction, 0, sizeof *introduction);
    introduction->association = *association;
}

static so_status refuse(so_error *err, const char *what)
{
    return so_fail(err, SO_REFUSED, LAYER,
                   "the other end introduced itself, and %s; treat this as an attempt to listen in, and start a new "
                   "call with a link sent over a channel you trust",
                   what);
}

/* The three parts of a compact serialization, decoded; texts of JSON have a zero behind them. */
typedef struct parts {
    so_slice signed_text; /* the first two as they stand */
    uint8_t header[SO_INTRODUCTION_MAX], payload[SO_INTRODUCTION_MAX];
    size_t header_len, payload_len;
    uint8_t signature[SO_ES256_LEN];
} parts;

static bool split(parts *p, const char *text, size_t len)
{
    const char *first = memchr(text, '.', len), *second, *end = text + len;
    size_t signature_len = 0;

    if (first == NULL || (second = memchr(first + 1, '.', (size_t)(end - first - 1))) == NULL)
        return false;
    p->signed_text = (so_slice){text, (size_t)(second - text)};
    if (so_base64url_decode(p->header, sizeof p->header, &p->header_len, text, (size_t)(first - text)) != SO_OK ||
        so_base64url_decode(p->payload, sizeof p->payload, &p->payload_len, first + 1, (size_t)(second - first - 1)) !=
            SO_OK)
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

static bool says_pair(const json_t *object, const char *name, const char *first, const char *second)
{
    const json_t *pair = json_object_get(object, name);
    const char *a = json_string_value(json_array_get(pair, 0)), *b = json_string_value(json_array_get(pair, 1));

    return json_array_size(pair) == 2 && a != NULL && b != NULL && strcmp(a, first) == 0 && strcmp(b, second) == 0;
}

static bool read_coordinate(uint8_t out[SO_P256_LEN], const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    size_t len = 0;

    return text != NULL && so_base64url_decode(out, SO_P256_LEN, &len, text, strlen(text)) == SO_OK &&
           len == SO_P256_LEN;
}

/* The number of members holds all others out: a private "d", a "crit", a second opinion under another name. */
static const char *read_header(const json_t *header, so_p256_point *point)
{
    const json_t *jwk = json_object_get(header, "jwk");

    if (!json_is_object(header) || !says(header, "alg", ALGORITHM))
        return "its algorithm is not " ALGORITHM;
    if (!says(header, "typ", TYPE) || json_object_size(header) != 3)
        return "its header is not that of an introduction";
    if (!says(jwk, "kty", "EC") || !says(jwk, "crv", "P-256") || json_object_size(jwk) != 4 ||
        !read_coordinate(point->x, jwk, "x") || !read_coordinate(point->y, jwk, "y"))
        return "its key is not a public P-256 key";
    return NULL;
}

static const char *check_payload(const so_introduction *introduction, const json_t *payload, const char *thumbprint,
                                 so_unix now)
{
    association_text a = text_of(&introduction->association);
    const json_t *when = json_object_get(payload, "time");
    json_int_t time_said = json_integer_value(when);

    if (!json_is_object(payload) || json_object_size(payload) != 6 || !says(payload, "label", LABEL))
        return "what it signed is no introduction";
    if (!says(payload, "key", thumbprint))
        return "it signed for another key than it uses";
    if (!says(payload, "role", role_of(!introduction->association.dtls_client)))
        return "it was made for the other role, as if ours had come back";
    if (!says_pair(payload, "fingerprints", a.fingerprints[0], a.fingerprints[1]))
        return "it names other certificates than those of this call";
    if (!says_pair(payload, "sids", a.sids[0], a.sids[1]))
        return "it was made for another call";
    if (!json_is_integer(when) || time_said < now - SO_DAY || time_said > now + SO_DAY)
        return "its clock and ours are more than a day apart (if one is wrong, set it)";
    return NULL;
}

static so_status check_signature(const parts *p, const so_p256_point *point, so_error *err)
{
    so_pkey *key;
    so_status status = so_p256_key_of(&key, point);

    if (status == SO_REFUSED)
        return refuse(err, "its key is no point on the curve");
    if (status == SO_OK)
        status = so_es256_verify(p->signature, key, p->signed_text);
    so_pkey_free(key);
    if (status == SO_REFUSED)
        return refuse(err, "the signature is not of its key");
    return status == SO_OK ? SO_OK
                           : so_fail(err, status, LAYER,
                                     "checking the other end's introduction failed inside OpenSSL; check that memory "
                                     "is free");
}

static so_status check(const so_introduction *introduction, const parts *p, so_unix now,
                       char thumbprint[SO_THUMBPRINT_LEN + 1], so_error *err)
{
    json_t *header = json_loadb((const char *)p->header, p->header_len, JSON_REJECT_DUPLICATES, NULL);
    json_t *payload = json_loadb((const char *)p->payload, p->payload_len, JSON_REJECT_DUPLICATES, NULL);
    so_p256_point point;
    const char *wrong = read_header(header, &point);
    so_status status = wrong == NULL ? check_signature(p, &point, err) : refuse(err, wrong);

    if (status == SO_OK && thumbprint_of(thumbprint, &point) != SO_OK)
        status = so_fail(err, SO_CRYPTO, LAYER, "taking a digest failed inside OpenSSL; check that memory is free");
    if (status == SO_OK && (wrong = check_payload(introduction, payload, thumbprint, now)) != NULL)
        status = refuse(err, wrong);
    json_decref(header);
    json_decref(payload);
    return status;
}

so_status so_introduction_take(so_introduction *introduction, const uint8_t *message, size_t len, so_unix now,
                               so_error *err)
{
    char thumbprint[SO_THUMBPRINT_LEN + 1];
    parts p;
    so_status status;

    if (len == 0 || message[0] != SO_INTRODUCTION_KIND)
        return SO_NOT_FOUND;
    if (introduction->came) {
        introduction->thumbprint[0] = '\0';
        return refuse(err, "did so twice");
    }
    introduction->came = true;
    if (len > SO_INTRODUCTION_MAX)
        return refuse(err, "what it sent is too long");
    if (!split(&p, (const char *)message + 1, len - 1))
        return refuse(err, "what it sent is no signed text");
    status = check(introduction, &p, now, thumbprint, err);
    if (status == SO_OK)
        memcpy(introduction->thumbprint, thumbprint, sizeof thumbprint);
    return status;
}
