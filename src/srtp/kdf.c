#include "srtp/kdf.h"

#include "base/secret.h"

#include <string.h>

/* key_id = label || r is 7 bytes, aligned to the right of the 14 of the salt (RFC 3711 §4.3.1); r is 0 */
#define LABEL_AT (SO_SRTP_MAX_SALT - 7)

so_status so_srtp_derive(uint8_t *out, size_t len, so_slice key, so_slice salt, uint8_t label)
{
    uint8_t iv[SO_CM_IV_LEN] = {0};
    so_status status;

    if (salt.len != 12 && salt.len != SO_SRTP_MAX_SALT)
        return SO_BAD_INPUT;
    memcpy(iv, salt.bytes, salt.len);
    iv[LABEL_AT] ^= label;
    status = so_cm_keystream(out, len, key, iv);
    so_wipe(iv, sizeof iv);
    return status;
}

so_status so_srtp_derive_all(so_srtp_session_keys *out, so_srtp_profile profile, bool rtcp, so_slice key, so_slice salt)
{
    uint8_t base = rtcp ? SO_SRTP_LABEL_RTCP : 0;
    so_status status =
        so_srtp_derive(out->cipher, so_srtp_key_len(profile), key, salt, (uint8_t)(base + SO_SRTP_LABEL_CIPHER));

    if (status == SO_OK)
        status = so_srtp_derive(out->mac, sizeof out->mac, key, salt, (uint8_t)(base + SO_SRTP_LABEL_MAC));
    if (status == SO_OK)
        status = so_srtp_derive(out->salt, so_srtp_salt_len(profile), key, salt, (uint8_t)(base + SO_SRTP_LABEL_SALT));
    if (status != SO_OK)
        so_wipe(out, sizeof *out);
    return status;
}
