/* Invitation links: docs/protocol.md, section 2. */
#ifndef SOTTO_TRUST_INVITE_H
#define SOTTO_TRUST_INVITE_H

#include "base/status.h"
#include "crypto/random.h"

#include <stdint.h>

#define SO_LINK_SECRET_LEN 16
#define SO_LINK_TEXT_LEN 24 /* base64url of the secret and two check bytes */
#define SO_ROOM_LEN 16

/* Owned by the caller, who ends it with so_invite_wipe. */
typedef struct so_invite {
    uint8_t secret[SO_LINK_SECRET_LEN];
    uint8_t room[SO_ROOM_LEN];
} so_invite;

so_status so_invite_make(so_invite *invite, const so_random *random) SO_MUST_CHECK;

/* text: the fragment of a link, without '#'. SO_BAD_INPUT when it was damaged on its way. */
so_status so_invite_parse(so_invite *invite, const char *text, size_t len, so_error *err) SO_MUST_CHECK;

/* Writes SO_LINK_TEXT_LEN characters and a final zero: a secret, never to be logged. */
so_status so_invite_text(const so_invite *invite, char out[SO_LINK_TEXT_LEN + 1]) SO_MUST_CHECK;

void so_invite_wipe(so_invite *invite);

#endif
