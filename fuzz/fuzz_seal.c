/* trust/seal: payloads of a server that does what it likes. Nothing that the other end did not seal is ever opened. */
#include "trust/seal.h"

#include <stdlib.h>
#include <string.h>

static so_status count_up(void *user, uint8_t *out, size_t len)
{
    uint8_t *next = user;

    memset(out, 0, len);
    out[0] = ++*next;
    return SO_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    uint8_t counter = 0, hello[SO_HELLO_LEN], ignored[SO_HELLO_LEN], *text = malloc(len + 64);
    so_invite invite = {{1}, {2}};
    so_seal opener, answerer;
    so_seal_kind kind;
    size_t n, at = 0;
    bool reply;

    so_seal_start(&opener, &invite, (so_random){count_up, &counter});
    so_seal_start(&answerer, &invite, (so_random){count_up, &counter});
    if (so_seal_open_epoch(&opener, hello) != SO_OK ||
        so_seal_take(&answerer, hello, sizeof hello, &kind, text, &n, ignored, &reply) != SO_SEAL_HELLO)
        abort();
    /* pieces, each after its length */
    while (at + 2 < len) {
        size_t piece = (size_t)(bytes[at] << 8 | bytes[at + 1]);
        at += 2;
        if (piece > len - at)
            piece = len - at;
        if (so_seal_take(&answerer, bytes + at, piece, &kind, text, &n, ignored, &reply) == SO_SEAL_OPENED)
            abort();
        if (so_seal_take(&opener, bytes + at, piece, &kind, text, &n, ignored, &reply) == SO_SEAL_OPENED)
            abort();
        at += piece;
    }
    so_seal_end(&opener);
    so_seal_end(&answerer);
    free(text);
    return 0;
}
