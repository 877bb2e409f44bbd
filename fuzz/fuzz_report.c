/*
 * trust/report_check: any bytes as the file of a report. The first half of the input is one file, the rest another:
 * none is taken that is not signed, and two that are taken can be compared. So that the fuzzer gets behind the
 * signature, what begins with '!' is a report that this target signs itself.
 */
#include "trust/report_check.h"
#include "trust/schema.h"

#include <stdlib.h>
#include <string.h>

static json_t *schema;
static so_pkey *key;

static void check(bool good)
{
    if (!good)
        abort();
}

static void begin(void)
{
    so_error err;

    if (schema != NULL)
        return;
    schema = json_load_file(DOCS "/report.schema.json", 0, NULL);
    check(schema != NULL && so_pkey_make(&key, &err) == SO_OK);
}

/* {"report":bytes,"jws":"..."}, or NULL where the bytes are no JSON. */
static char *sign(const uint8_t *bytes, size_t len, size_t *out_len)
{
    static const char before[] = "{\"report\":", between[] = ",\"jws\":\"";
    size_t cap = sizeof before + sizeof between + len + SO_JWS_LEN(len) + 8;
    char *out = malloc(cap);
    so_writer w = so_writer_of(out, out == NULL ? 0 : cap);

    so_write_text(&w, before);
    so_write_bytes(&w, bytes, len);
    so_write_text(&w, between);
    check(so_jws_write(&w, SO_REPORT_TYPE, key, (so_slice){bytes, len}) == SO_OK);
    so_write_text(&w, "\"}");
    *out_len = so_writer_len(&w);
    return out;
}

static bool read_one(so_checked_report *c, const uint8_t *bytes, size_t len)
{
    char *made = NULL;
    so_status status;
    so_error err;

    if (len > 0 && bytes[0] == '!') {
        made = sign(bytes + 1, len - 1, &len);
        bytes = (const uint8_t *)made;
    }
    status = so_report_check(c, (so_slice){bytes, len}, "it", schema, &err);
    check(status == SO_OK || status == SO_BAD_INPUT || status == SO_REFUSED);
    if (status == SO_OK) {
        so_schema_fault fault;
        char path[SO_SCHEMA_PATH] = "";

        check(so_thumbprint_is(c->signer) && so_schema_fits(schema, c->file, &fault));
        check(!so_json_differs(c->report, json_object_get(c->file, "report"), path));
    } else {
        check(strlen(err.text) > 0);
    }
    free(made);
    return status == SO_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    const uint8_t *zero = len == 0 ? NULL : memchr(bytes, 0, len);
    size_t first = zero == NULL ? len : (size_t)(zero - bytes);
    so_shared_fact facts[SO_SHARED_FACTS];
    so_checked_report a = {.file = NULL}, b = {.file = NULL};
    bool agree;

    begin();
    if (read_one(&a, bytes, first) && zero != NULL && read_one(&b, zero + 1, len - first - 1)) {
        size_t count = so_report_compare(&a, &b, facts, &agree);

        check(count > 0 && count <= SO_SHARED_FACTS);
        for (size_t i = 0; i < count; i++)
            check(facts[i].name != NULL && memchr(facts[i].a, 0, SO_SHARED_TEXT) != NULL);
    }
    so_checked_report_free(&a);
    so_checked_report_free(&b);
    return 0;
}
