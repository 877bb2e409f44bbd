/* Requests that ask for what the server does not have (docs/protocol.md, section 1). */
#include "cli/rehearse_wire.h"

#include <string.h>

static bool page_comes(rehearsal *r)
{
    char request[400];
    wire *w = wire_tls(r);
    unsigned status = 0;

    (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                   r->url->origin + strlen("https://"));
    if (w != NULL && wire_opened(w))
        status = wire_request(w, request, strlen(request));
    wire_free(w);
    return status == 200 || rehearse_failed(r, "the page was answered %u", status);
}

enum { METHOD, TRACE, BODY, TRAVERSAL, HOST_TWICE, OLD_PROTOCOL };

static const struct {
    const char *line;    /* before the Host */
    const char *headers; /* behind it */
    unsigned status;
} odd[] = {
    [METHOD] = {"POST / HTTP/1.1", "Content-Length: 0\r\n", 405},
    [TRACE] = {"TRACE / HTTP/1.1", "", 405},
    [BODY] = {"GET / HTTP/1.1", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 0},
    [TRAVERSAL] = {"GET /../../etc/passwd HTTP/1.1", "", 404},
    [HOST_TWICE] = {"GET / HTTP/1.1", "Host: evil.example\r\n", 400},
    [OLD_PROTOCOL] = {"GET /signal HTTP/1.1",
                      "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sotto.v0\r\n",
                      426},
};

static rehearse_result ask(rehearsal *r, int variant)
{
    char request[800];
    int len = snprintf(request, sizeof request, "%s\r\nHost: %s\r\nOrigin: %s\r\n%s\r\n%s", odd[variant].line,
                       r->url->origin + strlen("https://"), r->url->origin, odd[variant].headers,
                       variant == BODY ? "0\r\n\r\nG" : "");
    wire *w = wire_tls(r);
    unsigned status = 0;
    bool opened = w != NULL && wire_opened(w);

    if (opened)
        status = wire_request(w, request, (size_t)len);
    wire_free(w);
    if (!opened)
        return rehearse_not_tried(r, "no connection");
    if (variant == BODY ? status == 400 || status == 413 : status == odd[variant].status)
        return rehearse_held(r, "refused with HTTP %u", status);
    return rehearse_weak(r, "answered %u", status);
}

static const rehearse_attack attacks[] = {
    {"request-method", "a POST to the page", ask, METHOD},
    {"request-trace", "a TRACE", ask, TRACE},
    {"request-body", "a request that ends in two places", ask, BODY},
    {"request-path", "a file from outside the page", ask, TRAVERSAL},
    {"request-host", "a second Host", ask, HOST_TWICE},
    {"request-protocol", "the signaling in a version that does not exist", ask, OLD_PROTOCOL},
};

const rehearse_group rehearse_requests = {.name = "requests",
                                          .whom = REHEARSE_SERVER,
                                          .good = "the page comes",
                                          .control = page_comes,
                                          .attacks = attacks,
                                          .count = sizeof attacks / sizeof attacks[0]};
