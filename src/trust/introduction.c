#include "trust/introduction.h"

#include "base/text.h"

#include <jansson.h>
#include <string.h>

#define LAYER "identity"
#define TYPE "sotto-identity"
#define LABEL "sotto v1 identity"
#define SID_TEXT_LEN SO_BASE64URL_LEN(SO_SID_LEN)
#define FINGERPRINT_TEXT_LEN ((size_t)2 * SO_SHA256_LEN)

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

static void write_payload(so_writer *w, const so_association *association, so_unix now, const char *thumbprint)
{
    association_text a = text_of(association);

    so_write_format(w,
                    "{\"label\":\"" LABEL "\",\"role\":\"%s\",\"fingerprints\":[\"%s\",\"%s\"],"
                    "\"sids\":[\"%s\",\"%s\"],\"time\":%lld,\"key\":\"%s\"}",
                    role_of(association->dtls_client), a.fingerprints[0], a.fingerprints[1], a.sids[0], a.sids[1],
                    (long long)now, thumbprint);
}

so_status so_introduction_write(uint8_t out[SO_INTRODUCTION_MAX], size_t *out_len, so_pkey *key,
                                const so_association *association, so_unix now, so_error *err)
{
    char thumbprint[SO_THUMBPRINT_LEN + 1];
    uint8_t payload[512];
    so_writer w = so_writer_of(out, SO_INTRODUCTION_MAX), p = so_writer_of(payload, sizeof payload);
    so_status status = so_thumbprint(thumbprint, key);

    *out_len = 0;
    if (status == SO_BAD_INPUT)
        return so_fail(err, status, LAYER, "the identity key is not a P-256 key; make a new one: sotto identity new");
    if (status == SO_OK) {
        so_write_u8(&w, SO_INTRODUCTION_KIND);
        write_payload(&p, association, now, thumbprint);
        status = so_jws_write(&w, TYPE, key, (so_slice){payload, so_writer_len(&p)});
    }
    if (status != SO_OK)
        return so_fail(err, status, LAYER, "introducing this end failed inside OpenSSL; check that memory is free");
    *out_len = so_writer_len(&w);
    return SO_OK;
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

static so_status check(const so_introduction *introduction, so_slice text, so_unix now,
                       char thumbprint[SO_THUMBPRINT_LEN + 1], so_error *err)
{
    uint8_t bytes[SO_INTRODUCTION_MAX];
    const char *wrong;
    size_t len;
    json_t *payload;
    so_status status = so_jws_read(text, TYPE, bytes, sizeof bytes, &len, thumbprint, &wrong);

    if (status == SO_REFUSED)
        return refuse(err, wrong);
    if (status != SO_OK)
        return so_fail(err, status, LAYER,
                       "checking the other end's introduction failed inside OpenSSL; check that memory is free");
    payload = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
    wrong = check_payload(introduction, payload, thumbprint, now);
    json_decref(payload);
    return wrong == NULL ? SO_OK : refuse(err, wrong);
}

so_status so_introduction_take(so_introduction *introduction, const uint8_t *message, size_t len, so_unix now,
                               so_error *err)
{
    char thumbprint[SO_THUMBPRINT_LEN + 1];
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
    status = check(introduction, (so_slice){message + 1, len - 1}, now, thumbprint, err);
    if (status == SO_OK)
        memcpy(introduction->thumbprint, thumbprint, sizeof thumbprint);
    return status;
}
