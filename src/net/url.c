#include "net/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static so_status bad(so_error *err, const char *text)
{
    /* What follows '#' is a secret: it must not come back in a message. */
    return so_fail(err, SO_BAD_INPUT, "address", "\"%.*s\" must look like https://host or https://host:port",
                   (int)(strcspn(text, "#") > 100 ? 100 : strcspn(text, "#")), text);
}

static bool host_ok(const char *host, size_t len, bool v6)
{
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)host[i]) && host[i] != (v6 ? ':' : '-') && host[i] != '.')
            return false;
    return len > 0 && len < 254;
}

so_status so_url_parse(so_url *url, const char *text, so_error *err)
{
    const char *at = text + 8, *end;
    bool v6;
    size_t len;
    unsigned long port = 443;

    if (strncasecmp(text, "https://", 8) != 0)
        return bad(err, text);
    v6 = *at == '[';
    at += v6;
    len = strcspn(at, v6 ? "]" : ":/?#");
    end = at + len + (v6 && at[len] == ']');
    if (!host_ok(at, len, v6) || (v6 && at[len] != ']'))
        return bad(err, text);
    if (*end == ':') {
        char *digits_end;
        port = isdigit((unsigned char)end[1]) ? strtoul(end + 1, &digits_end, 10) : 0;
        if (port == 0 || port > 65535)
            return bad(err, text);
        end = digits_end;
    }
    end += *end == '/';
    if (*end != '\0' && *end != '#')
        return bad(err, text);
    memset(url, 0, sizeof *url);
    for (size_t i = 0; i < len; i++)
        url->host[i] = (char)tolower((unsigned char)at[i]);
    url->port = (uint16_t)port;
    url->fragment = *end == '#' ? end + 1 : NULL;
    (void)snprintf(url->origin, sizeof url->origin, v6 ? "https://[%s]" : "https://%s", url->host);
    if (port != 443)
        (void)snprintf(url->origin + strlen(url->origin), 8, ":%lu", port);
    return SO_OK;
}

size_t so_url_host_len(const char *host)
{
    size_t len = strcspn(host, host[0] == '[' ? "]" : ":");

    return len + (host[0] == '[' && host[len] == ']');
}
