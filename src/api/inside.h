/* What the files of the public API share. Handles are the so_ structs themselves, under names of their own. */
#ifndef SOTTO_API_INSIDE_H
#define SOTTO_API_INSIDE_H

#include "net/caller.h"
#include "sotto/sotto.h"

struct sotto_engine {
    so_engine media;
    so_loop loop;
    SSL_CTX *ctx;
    bool has_loop;
};

static inline sotto_status api_status(so_status status)
{
    return (sotto_status)status;
}

/* Returns status, so that callers can write: return api_fail(...). */
static inline sotto_status api_fail(sotto_error *out, so_status status, const so_error *err)
{
    if (out != NULL && status != SO_OK) {
        out->status = api_status(status);
        out->layer = err->layer;
        _Static_assert(sizeof out->text == sizeof err->text, "the same room for a sentence");
        for (size_t i = 0; i < sizeof out->text; i++)
            out->text[i] = err->text[i];
    }
    return api_status(status);
}

#endif
