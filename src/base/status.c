#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

so_status so_fail(so_error *err, so_status status, const char *layer, const char *fmt, ...)
{
    if (err != NULL) {
        va_list args;
        err->status = status;
        err->layer = layer;
        va_start(args, fmt);
        (void)vsnprintf(err->text, sizeof err->text, fmt, args);
        va_end(args);
    }
    return status;
}

const char *so_status_name(so_status status)
{
    switch (status) {
    case SO_OK:
        return "ok";
    case SO_NO_MEMORY:
        return "no memory";
    case SO_BAD_INPUT:
        return "bad input";
    case SO_TOO_LONG:
        return "too long";
    case SO_NOT_FOUND:
        return "not found";
    case SO_REFUSED:
        return "refused";
    case SO_IO:
        return "input/output";
    case SO_CRYPTO:
        return "crypto";
    case SO_STATE:
        return "wrong state";
    }
    return "unknown";
}
