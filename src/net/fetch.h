/* One HTTPS GET over a verified connection, waited for: for commands, not for servers. */
#ifndef SOTTO_NET_FETCH_H
#define SOTTO_NET_FETCH_H

#include "net/http.h"
#include "net/tls.h"
#include "net/url.h"

typedef struct so_fetch_request {
    SSL_CTX *ctx; /* of so_tls_client */
    const so_url *url;
    const char *connect_to; /* a name or address in place of the URL's host, or NULL */
    const char *target;     /* "/" and what follows */
    unsigned timeout;       /* ms */
} so_fetch_request;

/* *answer is ended with so_http_free. The error names what was refused and why. */
so_status so_fetch(const so_fetch_request *request, so_http **answer, so_error *err) SO_MUST_CHECK;

#endif
