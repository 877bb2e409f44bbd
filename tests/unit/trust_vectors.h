/* The JSON files in tests/vectors for those who test against them. */
#ifndef SOTTO_TESTS_TRUST_VECTORS_H
#define SOTTO_TESTS_TRUST_VECTORS_H

#include "unit.h"

#include "base/text.h"
#include "trust/association.h"

#include <jansson.h>

/* The member of that name; all of them, root included, live as long as root. */
static inline json_t *vectors_of(json_t **root, const char *file, const char *name)
{
    json_t *member;

    *root = json_load_file(file, JSON_ALLOW_NUL, NULL);
    member = json_object_get(*root, name);
    assert_non_null(member);
    return member;
}

static inline json_t *trust_vectors(json_t **root, const char *name)
{
    return vectors_of(root, TEST_VECTORS "/trust.json", name);
}

static inline const char *vector_text(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    assert_non_null(text);
    return text;
}

static inline void vector_bytes(uint8_t *out, size_t len, const json_t *object, const char *name)
{
    assert_int_equal(so_hex_decode(out, len, vector_text(object, name)), SO_OK);
}

static inline so_association vector_association(const json_t *v, bool dtls_client)
{
    so_association a = {.dtls_client = dtls_client};

    vector_bytes(a.client_fingerprint, SO_SHA256_LEN, v, "client_fingerprint");
    vector_bytes(a.server_fingerprint, SO_SHA256_LEN, v, "server_fingerprint");
    vector_bytes(a.client_sid, SO_SID_LEN, v, "client_sid");
    vector_bytes(a.server_sid, SO_SID_LEN, v, "server_sid");
    return a;
}

#endif
