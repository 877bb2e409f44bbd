/* Who is at the other end, in the public API. */
#include "api/inside.h"

#include <string.h>

/* The name of the one that a program expects: nobody reads it but errors of a list with one entry. */
#define EXPECTED "expected"

so_status api_take_people(api_people *people, const sotto_call_options *options, so_error *err)
{
    so_slice pem = {options->identity, options->identity == NULL ? 0 : strlen(options->identity)};
    so_status status = SO_OK;

    if (options->identity != NULL)
        status = so_pkey_read(&people->identity, pem, (so_slice){NULL, 0}, "the identity", err);
    if (status == SO_OK && options->expect_key != NULL)
        status = so_known_pin(&people->known, EXPECTED, options->expect_key, 0, err);
    return status;
}

void api_drop_people(api_people *people)
{
    so_pkey_free(people->identity);
    people->identity = NULL;
    so_known_free(&people->known);
}

void api_people_config(const api_people *people, const sotto_call_options *options, so_caller_config *config)
{
    config->identity = people->identity;
    config->known = &people->known;
    config->expect = options->expect_key == NULL ? NULL : EXPECTED;
}

sotto_person api_person(const so_person *person)
{
    sotto_person out = {.has_string = person->has_string,
                        .compared = person->compared,
                        .settled = person->met,
                        .expected = person->met && person->identity == SO_RECOGNISED_KNOWN};

    _Static_assert(sizeof out.key == sizeof person->key, "a thumbprint fits");
    memcpy(out.key, person->key, sizeof out.key);
    for (size_t i = 0; person->has_string && i < SO_SAS_LEN; i++) {
        out.pictures[i] = so_sas_picture(person->string[i]);
        out.names[i] = so_sas_name(person->string[i]);
        out.words[i] = so_sas_word(person->string[i]);
    }
    return out;
}

void sotto_call_compare(sotto_call *c, bool same)
{
    api_quiet quiet = api_be_quiet();

    so_caller_compare(api_caller(c), same);
    api_end_quiet(&quiet);
}

static so_status make_identity(char *pem, size_t cap, so_error *err)
{
    so_random random = so_random_system;
    so_pem text = {NULL, 0};
    so_pkey *key = NULL;
    so_status status = so_pkey_make(&key, err);

    if (status == SO_OK)
        status = so_pkey_write(&text, key, (so_slice){NULL, 0}, &random, err);
    if (status == SO_OK && text.len >= cap)
        status = so_fail(err, SO_TOO_LONG, "identity", "the key does not fit; give SOTTO_IDENTITY_MAX bytes");
    if (status == SO_OK)
        memcpy(pem, text.text, text.len + 1);
    so_pem_free(&text);
    so_pkey_free(key);
    return status;
}

sotto_status sotto_identity_make(char *pem, size_t cap, sotto_error *error)
{
    so_error err = {.layer = "identity"};

    return api_fail(error, make_identity(pem, cap, &err), &err);
}

sotto_status sotto_identity_key(char key[SOTTO_KEY_LEN + 1], const char *pem, sotto_error *error)
{
    so_error err = {.layer = "identity"};
    so_pkey *pkey = NULL;
    so_status status = so_pkey_read(&pkey, (so_slice){pem, strlen(pem)}, (so_slice){NULL, 0}, "the identity", &err);

    _Static_assert(SOTTO_KEY_LEN == SO_THUMBPRINT_LEN, "a key is named by its thumbprint");
    if (status == SO_OK && (status = so_thumbprint(key, pkey)) != SO_OK)
        (void)so_fail(&err, status, "identity", "the key is no P-256 key; make one with sotto_identity_make");
    so_pkey_free(pkey);
    return api_fail(error, status, &err);
}
