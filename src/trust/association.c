#include "trust/association.h"

#include "base/text.h"

so_status so_association_call(char out[SO_CALL_NAME_LEN + 1], const so_association *a)
{
    static const char label[] = "sotto v1 call";
    const so_slice parts[] = {{label, sizeof label - 1},
                              {a->client_fingerprint, SO_SHA256_LEN},
                              {a->server_fingerprint, SO_SHA256_LEN},
                              {a->client_sid, SO_SID_LEN},
                              {a->server_sid, SO_SID_LEN}};
    uint8_t digest[SO_SHA256_LEN];
    so_status status = so_sha256(digest, parts, sizeof parts / sizeof parts[0]);

    if (status == SO_OK)
        so_base64url(out, digest, sizeof digest);
    return status;
}
