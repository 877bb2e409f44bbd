/* Pages of other sites that open the signaling in a visitor's name (attack 16; RFC 6455 §10.2). */
#include "cli/rehearse_wire.h"

#include <string.h>

enum { ABSENT, NOBODY, EVIL, SUFFIX, PREFIX, PORT, CLEAR, FORGED_HOST };

static const char *host_of(const rehearsal *r)
{
    return r->url->origin + strlen("https://");
}

static unsigned ask(rehearsal *r, const char *host, const char *origin)
{
    wire *w = wire_tls(r);
    unsigned status = w != NULL && wire_opened(w) ? wire_upgrade(w, host, origin, "") : 0;

    wire_free(w);
    return status;
}

static bool own_origin(rehearsal *r)
{
    unsigned status = ask(r, host_of(r), r->url->origin);

    return status == 101 || rehearse_failed(r, "an honest request for the signaling was answered %u", status);
}

static rehearse_result other_origin(rehearsal *r, int variant)
{
    static const char evil[] = "https://evil.example";
    char text[700] = "";
    const char *host = host_of(r), *origin = text;
    unsigned status;

    if (variant == ABSENT)
        origin = NULL;
    else if (variant == NOBODY)
        origin = "null";
    else if (variant == EVIL)
        origin = evil;
    else if (variant == SUFFIX)
        (void)snprintf(text, sizeof text, "https://%s.evil.example", r->url->host);
    else if (variant == PREFIX)
        (void)snprintf(text, sizeof text, "https://evil-%s", host);
    else if (variant == PORT)
        (void)snprintf(text, sizeof text, "https://%s:%u", r->url->host, r->url->port == 1 ? 2 : 1);
    else if (variant == CLEAR)
        (void)snprintf(text, sizeof text, "http://%s", host);
    else
        host = strchr(origin = evil, '/') + 2; /* as a page whose name was bound anew to this address */
    status = ask(r, host, origin);
    if (status == 101)
        return rehearse_weak(r, "the signaling was opened for %s",
                             origin == NULL ? "a request without Origin" : origin);
    if (status == 403)
        return rehearse_held(r, "refused with HTTP 403");
    return rehearse_weak(r, "answered %u, which is no refusal of an origin (403)", status);
}

static const rehearse_attack attacks[] = {
    {"origin-absent", "the signaling asked for without an Origin", other_origin, ABSENT},
    {"origin-null", "by a sandboxed page (Origin: null)", other_origin, NOBODY},
    {"origin-evil", "by the page of another site", other_origin, EVIL},
    {"origin-suffix", "by a site whose name begins with this one's", other_origin, SUFFIX},
    {"origin-prefix", "by a site whose name ends with this one's", other_origin, PREFIX},
    {"origin-port", "by a page of another port", other_origin, PORT},
    {"origin-http", "by a page without TLS", other_origin, CLEAR},
    {"origin-host", "by a site whose name was bound anew to this address", other_origin, FORGED_HOST},
};

const rehearse_group rehearse_origins = {.name = "origins",
                                         .whom = REHEARSE_SERVER,
                                         .good = "the server's own page opens the signaling",
                                         .control = own_origin,
                                         .attacks = attacks,
                                         .count = sizeof attacks / sizeof attacks[0]};
