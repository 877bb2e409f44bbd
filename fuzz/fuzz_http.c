/* net/http: heads in any pieces; the same bytes give the same messages however they are cut. */
#include "net/http.h"

#include <stdlib.h>
#include <string.h>

#define LIMIT 4096
#define BODY 4096

typedef struct outcome {
    unsigned messages, fault;
} outcome;

static outcome run(so_http_side side, const uint8_t *bytes, size_t len, size_t piece)
{
    so_http *http = so_http_new(side, LIMIT, BODY);
    outcome o = {0, 0};
    size_t at = 0;

    if (http == NULL)
        abort();
    while (at < len && o.fault == 0) {
        size_t n = len - at < piece ? len - at : piece, taken = 0;
        so_http_result result = so_http_feed(http, bytes + at, n, &taken);

        if (taken > n)
            abort();
        at += taken;
        if (result == SO_HTTP_BAD) {
            o.fault = so_http_fault(http);
            if (o.fault < 400)
                abort();
        } else if (result == SO_HTTP_MESSAGE) {
            size_t body_len;
            o.messages++;
            (void)so_http_header(http, "host");
            if (strlen(so_http_target(http)) > LIMIT)
                abort();
            (void)so_http_body(http, &body_len);
            if (body_len > BODY)
                abort();
            if (so_http_upgrade(http))
                break;
        }
    }
    so_http_free(http);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_http_side side;
    outcome whole, cut;

    if (len < 2)
        return 0;
    side = bytes[0] & 1 ? SO_HTTP_RESPONSES : SO_HTTP_REQUESTS;
    whole = run(side, bytes + 2, len - 2, len);
    cut = run(side, bytes + 2, len - 2, 1 + bytes[1] % 16);
    if (whole.messages != cut.messages || (whole.fault == 0) != (cut.fault == 0))
        abort();
    return 0;
}
