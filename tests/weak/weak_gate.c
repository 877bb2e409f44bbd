/* Who may open the signaling: also those whom a gate of this kind lets in. */
#include "weak/weak.h"

#include "net/http.h"
#include "server/identity.h"

#include <stdio.h>

const char *__real_so_http_header(const so_http *http, const char *name);
bool __real_so_identity_names(const so_identity *identity, const char *host, size_t len);

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    size_t len = strlen(text), end = strlen(with);

    return len >= end && strcmp(text + len - end, with) == 0;
}

/* Would a gate without the defence take it? */
static bool passes(const char *origin)
{
    if (weak("origin-absent"))
        return origin == NULL;
    if (origin == NULL)
        return false;
    return (weak("origin-null") && strcmp(origin, "null") == 0) ||
           (weak("origin-evil") && strcmp(origin, "https://evil.example") == 0) ||
           (weak("origin-suffix") && ends(origin, ".evil.example")) ||
           (weak("origin-prefix") && begins(origin, "https://evil-")) || (weak("origin-port") && ends(origin, ":1")) ||
           (weak("origin-http") && begins(origin, "http://"));
}

const char *__wrap_so_http_header(const so_http *http, const char *name)
{
    const char *value = __real_so_http_header(http, name), *host;
    static char origin[400];

    if (strcmp(name, "origin") != 0 || !passes(value))
        return value;
    host = __real_so_http_header(http, "host");
    (void)snprintf(origin, sizeof origin, "https://%s", host == NULL ? "" : host);
    return origin;
}

bool __wrap_so_identity_names(const so_identity *identity, const char *host, size_t len)
{
    return weak("origin-host") || __real_so_identity_names(identity, host, len);
}
