/* stun: any bytes. What parses is inside its bytes, is found again, and is not authentic unless it was signed. */
#include "stun/build.h"

#include <stdlib.h>
#include <string.h>

static so_hmac *key;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return so_hmac_sha1_new(&key, (so_slice){"0123456789012345678901", 22}) == SO_OK ? 0 : 1;
}

static void inside(const so_stun_message *m, so_slice s)
{
    const uint8_t *start = m->whole.bytes, *at = s.bytes;

    if (at != NULL && (at < start + SO_STUN_HEADER || at + s.len > start + m->whole.len))
        abort();
}

static void look_at(const uint8_t *bytes, size_t len)
{
    so_stun_message m;

    if (so_stun_parse(&m, bytes, len) != SO_OK)
        return;
    if (!so_stun_looks_like(bytes, len) || m.covered > len || m.covered < SO_STUN_HEADER)
        abort();
    inside(&m, m.username);
    inside(&m, m.realm);
    inside(&m, m.nonce);
    inside(&m, m.software);
    inside(&m, m.reason);
    inside(&m, m.refused);
    inside(&m, m.integrity);
    inside(&m, so_stun_find(&m, SO_STUN_PRIORITY));
    if (m.has_priority != (so_stun_find(&m, SO_STUN_PRIORITY).bytes != NULL))
        abort();
    if (so_stun_authentic(&m, key) && m.integrity.bytes == NULL)
        abort();
}

/* The same attributes, signed: that always authenticates, and one bit less never does. */
static void sign(const uint8_t *bytes, size_t len)
{
    uint8_t out[2048];
    so_writer w = so_writer_of(out, sizeof out);
    so_stun_message m;
    size_t body = len / 4 * 4;

    so_stun_begin(&w, SO_STUN_REQUEST, SO_STUN_BINDING, (const uint8_t *)"fuzz fuzz fu");
    so_write_bytes(&w, bytes, body);
    if (so_stun_end(&w, key, true) != SO_OK || so_stun_parse(&m, out, so_writer_len(&w)) != SO_OK ||
        m.integrity.bytes != out + SO_STUN_HEADER + body + 4)
        return;
    if (!so_stun_authentic(&m, key))
        abort();
    out[SO_STUN_HEADER - 1] ^= 1;
    if (so_stun_authentic(&m, key))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    look_at(bytes, len);
    if (len > SO_STUN_HEADER)
        sign(bytes + SO_STUN_HEADER, len - SO_STUN_HEADER);
    return 0;
}
