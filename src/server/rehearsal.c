#include "server/rehearsal.h"

#include "base/text.h"
#include "crypto/hmac.h"

#include <string.h>

so_status so_rehearsal_proof(char out[SO_REHEARSAL_PROOF_LEN + 1], so_slice token, so_slice nonce, so_slice host)
{
    static const char label[] = "sotto v1 rehearsal";
    /* The nonce's length is fixed and a host has no zero byte, so the parts can't be read in two ways. */
    const so_slice parts[] = {{label, sizeof label}, nonce, host};
    uint8_t mac[SO_SHA256_LEN];
    so_hmac *hmac;
    so_status status = so_hmac_sha256_new(&hmac, token);

    if (status == SO_OK)
        status = so_hmac_run(hmac, mac, parts, sizeof parts / sizeof parts[0]);
    so_hmac_free(hmac);
    if (status == SO_OK)
        so_hex(out, mac, sizeof mac);
    return status;
}

const char *so_rehearsal_nonce(const char *target)
{
    static const char begins[] = SO_REHEARSAL_PATH "?nonce=";
    const char *nonce = target + sizeof begins - 1;
    uint8_t bytes[SO_REHEARSAL_NONCE_BYTES];
    size_t len;

    if (strncmp(target, begins, sizeof begins - 1) != 0 || strlen(nonce) != SO_REHEARSAL_NONCE_LEN ||
        so_base64url_decode(bytes, sizeof bytes, &len, nonce, SO_REHEARSAL_NONCE_LEN) != SO_OK)
        return NULL;
    return nonce;
}
