/* Who may open the signaling, and what may be asked for: also what a gate without the defence lets in. */
#include "weak/weak.h"

#include "net/http.h"
#include "server/identity.h"
#include "server/page.h"
#include "signal/message.h"

#include <stdio.h>

const char *__real_so_http_header(const so_http *http, const char *name);
const char *__real_so_http_method(const so_http *http);
so_http_result __real_so_http_feed(so_http *http, const uint8_t *bytes, size_t len, size_t *consumed);
bool __real_so_http_list_has(const char *list, const char *token);
const so_page_file *__real_so_page_find(const char *target);
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

    if (!weak_serves)
        return value;
    if (weak("request-host") && value == NULL && strcmp(name, "host") == 0)
        return "localhost";
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

const char *__wrap_so_http_method(const so_http *http)
{
    const char *method = __real_so_http_method(http);

    return (weak("request-method") && strcmp(method, "POST") == 0) ||
                   (weak("request-trace") && strcmp(method, "TRACE") == 0)
               ? "GET"
               : method;
}

so_http_result __wrap_so_http_feed(so_http *http, const uint8_t *bytes, size_t len, size_t *consumed)
{
    so_http_result result = __real_so_http_feed(http, bytes, len, consumed);

    if (result == SO_HTTP_BAD && weak_server("request-body")) {
        *consumed = len;
        return SO_HTTP_MESSAGE;
    }
    return result;
}

bool __wrap_so_http_list_has(const char *list, const char *token)
{
    return (weak_server("request-protocol") && strcmp(token, SO_SUBPROTOCOL) == 0) ||
           __real_so_http_list_has(list, token);
}

const so_page_file *__wrap_so_page_find(const char *target)
{
    return __real_so_page_find(weak("request-path") && strstr(target, "..") != NULL ? "/" : target);
}
