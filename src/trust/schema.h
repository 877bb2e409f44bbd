/*
 * Holds JSON against a JSON Schema (2020-12): of that what docs/report.schema.json uses, and no more. A keyword that is
 * not among them makes nothing pass.
 */
#ifndef SOTTO_TRUST_SCHEMA_H
#define SOTTO_TRUST_SCHEMA_H

#include "base/status.h"

#include <jansson.h>

#define SO_SCHEMA_PATH 160

typedef struct so_schema_fault {
    char path[SO_SCHEMA_PATH]; /* "report.doors[2].fields.mine"; "": the whole */
    char text[200];            /* "is not one of the words that may stand here" */
} so_schema_fault;

/* False: fault says what is wrong first, and where. */
bool so_schema_fits(const json_t *schema, const json_t *value, so_schema_fault *fault) SO_MUST_CHECK;

/* The first place where two values differ, as fault.path has it; false: they are equal. */
bool so_json_differs(const json_t *a, const json_t *b, char path[SO_SCHEMA_PATH]);

#endif
