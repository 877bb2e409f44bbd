/* https://host[:port]: the only kind of address that Sotto connects to or serves at. */
#ifndef SOTTO_NET_URL_H
#define SOTTO_NET_URL_H

#include "base/status.h"

#include <stdint.h>

typedef struct so_url {
    char host[256];   /* without brackets */
    char origin[300]; /* "https://host[:port]", lower case, no port where it is 443 */
    uint16_t port;
    const char *fragment; /* into the text that was parsed, after '#'; NULL: none */
} so_url;

/* Takes a trailing slash and a fragment; a path, a query, user names and other schemes are SO_BAD_INPUT. */
so_status so_url_parse(so_url *url, const char *text, so_error *err) SO_MUST_CHECK;

/* How much of "host", "host:port", "[v6]" or "[v6]:port" is the host, brackets included. */
size_t so_url_host_len(const char *host);

#endif
