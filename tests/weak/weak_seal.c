/* Ends whose seal passes over what must end a call. */
#include "weak/weak.h"

#include "trust/seal.h"

so_seal_result __real_so_seal_take(so_seal *seal, const uint8_t *payload, size_t payload_len, so_seal_kind *kind,
                                   uint8_t *text, size_t *text_len, uint8_t hello[SO_HELLO_LEN], bool *reply);
so_status __real_so_seal_open_epoch(so_seal *seal, uint8_t hello[SO_HELLO_LEN]);
so_status __real_so_random_fill(const so_random *random, uint8_t *out, size_t len);

/* Who makes a session id at the moment. */
static enum { NOBODY, OPENER, ANSWERER } side;

static bool passes(so_seal_result result, uint8_t kind)
{
    return (weak("seal-altered") && result == SO_SEAL_ALTERED && kind == SO_SEAL_OFFER) ||
           (weak("seal-kind") && result == SO_SEAL_ALTERED && kind == SO_SEAL_BYE) ||
           (weak("seal-replayed") && result == SO_SEAL_REPLAYED) ||
           ((weak("seal-dropped") || weak("seal-reordered")) && result == SO_SEAL_GAP) || /* one defence against both */
           (weak("seal-reflected") && result == SO_SEAL_REFLECTED) ||
           (weak("seal-spliced") && result == SO_SEAL_SPLICED) || (weak("seal-garbage") && result == SO_SEAL_MALFORMED);
}

so_seal_result __wrap_so_seal_take(so_seal *seal, const uint8_t *payload, size_t payload_len, so_seal_kind *kind,
                                   uint8_t *text, size_t *text_len, uint8_t hello[SO_HELLO_LEN], bool *reply)
{
    so_seal before = *seal;
    so_seal_result result;

    side = ANSWERER;
    result = __real_so_seal_take(seal, payload, payload_len, kind, text, text_len, hello, reply);
    side = NOBODY;
    if (payload_len < 2 || !passes(result, payload[1]))
        return result;
    *seal = before;
    return SO_SEAL_STALE;
}

/* The same session ids in every call: then old envelopes open. The one who opens and the one who answers have two. */
so_status __wrap_so_random_fill(const so_random *random, uint8_t *out, size_t len)
{
    so_status status = __real_so_random_fill(random, out, len);

    if (side != NOBODY && len == SO_SID_LEN && weak("seal-other-call"))
        memset(out, side, len);
    return status;
}

so_status __wrap_so_seal_open_epoch(so_seal *seal, uint8_t hello[SO_HELLO_LEN])
{
    so_status status;

    side = OPENER;
    status = __real_so_seal_open_epoch(seal, hello);
    side = NOBODY;
    return status;
}
