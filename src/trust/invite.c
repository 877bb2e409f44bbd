#include "trust/invite.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/digest.h"

#include <string.h>

#define CHECK_LEN 2

static so_slice ascii(const char *text)
{
    return (so_slice){text, strlen(text)};
}

/* The two bytes that tell a damaged link from a whole one before anybody waits in an empty room. */
static so_status check_bytes(uint8_t out[CHECK_LEN], const uint8_t *secret)
{
    uint8_t digest[SO_SHA256_LEN];
    const so_slice parts[] = {ascii("sotto v1 link"), {secret, SO_LINK_SECRET_LEN}};
    so_status status = so_sha256(digest, parts, 2);

    memcpy(out, digest, CHECK_LEN);
    so_wipe(digest, sizeof digest);
    return status;
}

static so_status derive_room(so_invite *invite)
{
    return so_hkdf_sha256(invite->room, sizeof invite->room, (so_slice){invite->secret, sizeof invite->secret},
                          (so_slice){NULL, 0}, ascii("sotto v1 room"));
}

so_status so_invite_make(so_invite *invite, const so_random *random)
{
    so_status status = so_random_fill(random, invite->secret, sizeof invite->secret);

    return status != SO_OK ? status : derive_room(invite);
}

so_status so_invite_parse(so_invite *invite, const char *text, size_t len, so_error *err)
{
    uint8_t bytes[SO_LINK_SECRET_LEN + CHECK_LEN], check[CHECK_LEN];
    size_t n = 0;
    so_status status;

    if (len != SO_LINK_TEXT_LEN || so_base64url_decode(bytes, sizeof bytes, &n, text, len) != SO_OK)
        return so_fail(err, SO_BAD_INPUT, "link",
                       "the invitation link is damaged: what follows '#' must be 24 letters, digits, '-' or '_'; "
                       "ask for the link again and copy the whole of it");
    status = check_bytes(check, bytes);
    if (status == SO_OK && !so_equal_secret(check, bytes + SO_LINK_SECRET_LEN, CHECK_LEN))
        status = so_fail(err, SO_BAD_INPUT, "link",
                         "the invitation link is damaged: a character in it has changed; ask for the link again and "
                         "copy the whole of it");
    if (status == SO_OK) {
        memcpy(invite->secret, bytes, sizeof invite->secret);
        status = derive_room(invite);
    }
    so_wipe(bytes, sizeof bytes);
    return status;
}

so_status so_invite_text(const so_invite *invite, char out[SO_LINK_TEXT_LEN + 1])
{
    uint8_t bytes[SO_LINK_SECRET_LEN + CHECK_LEN];
    so_status status = check_bytes(bytes + SO_LINK_SECRET_LEN, invite->secret);

    memcpy(bytes, invite->secret, sizeof invite->secret);
    if (status == SO_OK)
        so_base64url(out, bytes, sizeof bytes);
    so_wipe(bytes, sizeof bytes);
    return status;
}

void so_invite_wipe(so_invite *invite)
{
    so_wipe(invite, sizeof *invite);
}
