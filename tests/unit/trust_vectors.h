/* tests/vectors/trust.json for those who test against it. */
#ifndef SOTTO_TESTS_TRUST_VECTORS_H
#define SOTTO_TESTS_TRUST_VECTORS_H

#include "unit.h"

#include "base/text.h"

#include <jansson.h>

/* The member of that name; all of them, root included, live as long as root. */
static inline json_t *trust_vectors(json_t **root, const char *name)
{
    json_t *member;

    *root = json_load_file(TEST_VECTORS "/trust.json", JSON_ALLOW_NUL, NULL);
    member = json_object_get(*root, name);
    assert_non_null(member);
    return member;
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

#endif
