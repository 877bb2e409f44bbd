/*
 * A seat at a server for a moment, in a room that nobody else can be in: what it says to whoever joins. Blocks until it
 * is given back.
 */
#ifndef SOTTO_CLI_VISIT_H
#define SOTTO_CLI_VISIT_H

#include "net/loop.h"
#include "net/tls.h"
#include "net/url.h"

#include <jansson.h>

typedef struct visit_request {
    so_loop *loop; /* with nothing else in it */
    SSL_CTX *ctx;
    const so_url *url;
    const char *connect_to; /* in the place of the URL's host, or NULL */
} visit_request;

typedef struct visit {
    bool open;       /* a WebSocket over TLS was there, with the certificate checked */
    json_t *welcome; /* or NULL: why says why there is none */
    bool refused;    /* by the server */
    so_certs *chain; /* the verified one, or NULL */
    char version[32], group[32];
    so_error why;
} visit;

/* Ended with visit_end, whatever comes. */
void visit_server(visit *v, const visit_request *request);
void visit_end(visit *v);

#endif
