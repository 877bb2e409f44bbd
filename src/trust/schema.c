#include "trust/schema.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* How deep values and schemas may go: reports go half as deep. */
#define DEPTH 24

typedef struct check {
    const json_t *root;
    so_schema_fault *fault;
    char path[SO_SCHEMA_PATH];
} check;

static bool fits(check *c, const json_t *schema, const json_t *value, unsigned depth);

static bool wrong(check *c, const char *fmt, ...) SO_PRINTF(2, 3);

static bool wrong(check *c, const char *fmt, ...)
{
    va_list args;

    (void)snprintf(c->fault->path, sizeof c->fault->path, "%s", c->path);
    va_start(args, fmt);
    (void)vsnprintf(c->fault->text, sizeof c->fault->text, fmt, args);
    va_end(args);
    return false;
}

/* Where the path ended before, to come back to. */
static size_t enter(char path[SO_SCHEMA_PATH], const char *name, size_t index)
{
    size_t len = strlen(path);

    if (name != NULL)
        (void)snprintf(path + len, SO_SCHEMA_PATH - len, "%s%.60s", len == 0 ? "" : ".", name);
    else
        (void)snprintf(path + len, SO_SCHEMA_PATH - len, "[%zu]", index);
    return len;
}

/* ---- the keywords ---- */

static bool is_type(const char *type, const json_t *value)
{
    static const struct {
        const char *name;
        json_type type;
    } types[] = {{"object", JSON_OBJECT},
                 {"array", JSON_ARRAY},
                 {"string", JSON_STRING},
                 {"integer", JSON_INTEGER},
                 {"null", JSON_NULL}};

    if (strcmp(type, "boolean") == 0)
        return json_is_boolean(value);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, type) == 0)
            return json_typeof(value) == types[i].type;
    return false;
}

static bool one_of(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value))
            return true;
    return false;
}

static bool matches(const char *pattern, const char *text)
{
    regex_t regex;
    bool match;

    if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    match = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return match;
}

/* Characters, of what jansson has found to be UTF-8. */
static size_t characters(const json_t *string)
{
    const char *text = json_string_value(string);
    size_t count = 0;

    for (size_t i = 0; i < json_string_length(string); i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Of a text its characters, of a list its items. */
static size_t extent(const json_t *value)
{
    return json_is_string(value) ? characters(value) : json_array_size(value);
}

static bool properties(check *c, const json_t *schema, const json_t *value, unsigned depth)
{
    const json_t *known = json_object_get(schema, "properties"), *required = json_object_get(schema, "required");
    const char *name;
    json_t *member;

    for (size_t i = 0; i < json_array_size(required); i++) {
        name = json_string_value(json_array_get(required, i));
        if (json_object_get(value, name) == NULL)
            return wrong(c, "has no \"%s\"", name);
    }
    json_object_foreach((json_t *)value, name, member)
    {
        const json_t *inner = json_object_get(known, name);
        size_t back = enter(c->path, name, 0);

        if (inner == NULL && json_is_false(json_object_get(schema, "additionalProperties")))
            return wrong(c, "does not belong there");
        if (inner != NULL && !fits(c, inner, member, depth + 1))
            return false;
        c->path[back] = '\0';
    }
    return true;
}

static bool items(check *c, const json_t *schema, const json_t *value, unsigned depth)
{
    const json_t *first = json_object_get(schema, "prefixItems"), *all = json_object_get(schema, "items");

    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *inner = i < json_array_size(first) ? json_array_get(first, i) : all;
        size_t back = enter(c->path, NULL, i);

        if (json_is_false(inner))
            return wrong(c, "is one too many");
        if (inner != NULL && !fits(c, inner, json_array_get(value, i), depth + 1))
            return false;
        c->path[back] = '\0';
    }
    return true;
}

/* Of what is wrong by each of them that which lies deepest is told: the others were not meant. */
static bool any_of(check *c, const json_t *list, const json_t *value, unsigned depth)
{
    char path[SO_SCHEMA_PATH];
    so_schema_fault deepest = {.path = ""};

    memcpy(path, c->path, sizeof path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (fits(c, json_array_get(list, i), value, depth + 1))
            return true;
        memcpy(c->path, path, sizeof path);
        if (i == 0 || strlen(c->fault->path) > strlen(deepest.path))
            deepest = *c->fault;
    }
    if (!json_is_object(value))
        return wrong(c, "is nothing that may stand there");
    *c->fault = deepest;
    return false;
}

static const json_t *follow(check *c, const json_t *schema)
{
    static const char place[] = "#/$defs/";
    const char *ref = json_string_value(json_object_get(schema, "$ref"));

    if (ref == NULL)
        return schema;
    return strncmp(ref, place, sizeof place - 1) == 0
               ? json_object_get(json_object_get(c->root, "$defs"), ref + sizeof place - 1)
               : NULL;
}

static bool keyword(check *c, const json_t *schema, const char *name, const json_t *rule, const json_t *value,
                    unsigned depth)
{
    json_int_t bound = json_integer_value(rule);

    if (strcmp(name, "type") == 0)
        return is_type(json_string_value(rule), value) || wrong(c, "is not of the type %s", json_string_value(rule));
    if (strcmp(name, "const") == 0)
        return json_equal(rule, value) || wrong(c, "is not what must stand there");
    if (strcmp(name, "enum") == 0)
        return one_of(rule, value) || wrong(c, "is none of the words that may stand there");
    if (strcmp(name, "pattern") == 0)
        return !json_is_string(value) || matches(json_string_value(rule), json_string_value(value)) ||
               wrong(c, "is not written as it must be");
    if (strcmp(name, "minLength") == 0 || strcmp(name, "minItems") == 0)
        return (json_int_t)extent(value) >= bound || wrong(c, "is too short");
    if (strcmp(name, "maxLength") == 0 || strcmp(name, "maxItems") == 0)
        return (json_int_t)extent(value) <= bound || wrong(c, "is too long");
    if (strcmp(name, "minimum") == 0)
        return !json_is_integer(value) || json_integer_value(value) >= bound || wrong(c, "is too small");
    if (strcmp(name, "properties") == 0)
        return !json_is_object(value) || properties(c, schema, value, depth);
    if (strcmp(name, "items") == 0)
        return !json_is_array(value) || items(c, schema, value, depth);
    if (strcmp(name, "anyOf") == 0)
        return any_of(c, rule, value, depth);
    /* Looked at with properties and items, or of no meaning here. */
    if (strcmp(name, "required") == 0 || strcmp(name, "additionalProperties") == 0 ||
        strcmp(name, "prefixItems") == 0 || name[0] == '$' || strcmp(name, "title") == 0)
        return true;
    return wrong(c, "can't be checked: the schema says \"%s\"", name);
}

static bool fits(check *c, const json_t *schema, const json_t *value, unsigned depth)
{
    const char *name;
    json_t *rule;

    schema = follow(c, schema);
    if (depth > DEPTH || !json_is_object(schema))
        return wrong(c, "can't be checked");
    /* The type first: the other words are of values of that type. */
    rule = json_object_get(schema, "type");
    if (rule != NULL && !keyword(c, schema, "type", rule, value, depth))
        return false;
    json_object_foreach((json_t *)schema, name, rule)
    {
        if (!keyword(c, schema, name, rule, value, depth))
            return false;
    }
    return true;
}

bool so_schema_fits(const json_t *schema, const json_t *value, so_schema_fault *fault)
{
    check c = {.root = schema, .fault = fault, .path = ""};

    *fault = (so_schema_fault){.path = ""};
    return fits(&c, schema, value, 0);
}

/* ---- two values ---- */

static bool object_differs(const json_t *a, const json_t *b, char path[SO_SCHEMA_PATH])
{
    const char *name;
    json_t *member;

    for (int turn = 0; turn < 2; turn++)
        json_object_foreach(turn == 0 ? (json_t *)a : (json_t *)b, name, member)
        {
            size_t back = enter(path, name, 0);

            if (json_object_get(turn == 0 ? b : a, name) == NULL ||
                (turn == 0 && so_json_differs(member, json_object_get(b, name), path)))
                return true;
            path[back] = '\0';
        }
    return false;
}

static bool array_differs(const json_t *a, const json_t *b, char path[SO_SCHEMA_PATH])
{
    size_t count = json_array_size(a) < json_array_size(b) ? json_array_size(a) : json_array_size(b);

    for (size_t i = 0; i < count; i++) {
        size_t back = enter(path, NULL, i);

        if (so_json_differs(json_array_get(a, i), json_array_get(b, i), path))
            return true;
        path[back] = '\0';
    }
    return json_array_size(a) != json_array_size(b);
}

bool so_json_differs(const json_t *a, const json_t *b, char path[SO_SCHEMA_PATH])
{
    if (json_typeof(a) != json_typeof(b))
        return true;
    if (json_is_object(a))
        return object_differs(a, b, path);
    if (json_is_array(a))
        return array_differs(a, b, path);
    return !json_equal(a, b);
}
