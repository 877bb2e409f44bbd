#include "server/page.h"

#include "net/url.h"

#include <string.h>
#include <strings.h>

/* No 'unsafe-*', nothing from another origin; the page builds its DOM without HTML strings. */
#define POLICY_BEFORE                                                                                                  \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self' blob:; "                \
    "connect-src 'self' wss://"
#define POLICY_AFTER                                                                                                   \
    "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "              \
    "trusted-types 'none'"

static const struct {
    const char *name, *value;
} fixed[] = {
    {"Permissions-Policy",
     "camera=(self), microphone=(self), display-capture=(self), autoplay=(self), "
     "speaker-selection=(self), screen-wake-lock=(self), geolocation=(), usb=(), serial=(), hid=(), payment=()"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
};

const char *const so_page_headers[] = {
    "Content-Security-Policy", "Strict-Transport-Security",  "Permissions-Policy",          "Referrer-Policy",
    "X-Content-Type-Options",  "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy"};
const size_t so_page_header_count = sizeof so_page_headers / sizeof so_page_headers[0];

const so_page_file *so_page_find(const char *target)
{
    for (size_t i = 0; i < so_page_file_count; i++)
        if (strcmp(so_page_files[i].target, target) == 0)
            return &so_page_files[i];
    return NULL;
}

bool so_page_loopback_host(const char *host, size_t len)
{
    static const char name[] = "localhost";
    size_t n = sizeof name - 1;

    if (len >= n && strncasecmp(host + len - n, name, n) == 0)
        return len == n || host[len - n - 1] == '.';
    if (len == 5 && memcmp(host, "[::1]", 5) == 0)
        return true;
    return len > 4 && memcmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") >= len;
}

bool so_page_header(so_writer *w, const char *name, const char *origin)
{
    const char *host = strncmp(origin, "https://", 8) == 0 ? origin + 8 : origin;

    if (strcmp(name, "Content-Security-Policy") == 0) {
        so_write_text(w, POLICY_BEFORE);
        so_write_text(w, host);
        so_write_text(w, POLICY_AFTER);
        return true;
    }
    if (strcmp(name, "Strict-Transport-Security") == 0) {
        if (so_page_loopback_host(host, so_url_host_len(host)))
            return false;
        so_write_text(w, "max-age=63072000");
        return true;
    }
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (strcmp(fixed[i].name, name) != 0)
            continue;
        so_write_text(w, fixed[i].value);
        return true;
    }
    return false;
}
