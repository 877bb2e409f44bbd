/*
 * The long-term credentials of one client at one server (RFC 8489 §9.2): a name and a password, and what the server
 * asked for them with. The first request goes without; the server's 401 brings realm and nonce, and every later request
 * is signed.
 *
 * SHA-256 keys, MESSAGE-INTEGRITY-SHA256 and the hashed user name are used where the server offers them, and once it
 * says in its nonce that it does, an answer that no longer offers them is not believed.
 */
#ifndef SOTTO_STUN_LOGIN_H
#define SOTTO_STUN_LOGIN_H

#include "stun/build.h"

/* Bytes. RFC 8489 allows a little more of each; what a server says beyond this is refused. */
#define SO_STUN_NAME_MAX 255
#define SO_STUN_CHALLENGE_MAX 255
#define SO_STUN_ALGORITHMS_MAX 64

typedef struct so_stun_login {
    char name[SO_STUN_NAME_MAX + 1], password[SO_STUN_NAME_MAX + 1];
    uint8_t realm[SO_STUN_CHALLENGE_MAX], nonce[SO_STUN_CHALLENGE_MAX], offered[SO_STUN_ALGORITHMS_MAX];
    size_t realm_len, nonce_len, offered_len; /* offered: PASSWORD-ALGORITHMS as it came */
    uint16_t algorithm;
    bool anonymous;                  /* the name goes as userhash */
    uint8_t userhash[SO_SHA256_LEN]; /* RFC 8489 §14.4 */
    so_hmac *key;                    /* NULL: the server has not asked yet */
} so_stun_login;

/* What room so_stun_login_sign takes at most. */
#define SO_STUN_LOGIN_MAX (4 * 4 + SO_STUN_NAME_MAX + 2 * SO_STUN_CHALLENGE_MAX + SO_STUN_ALGORITHMS_MAX + 64)

/* Both are copied. SO_BAD_INPUT: empty, or too long. */
so_status so_stun_login_open(so_stun_login *login, const char *name, const char *password) SO_MUST_CHECK;
void so_stun_login_close(so_stun_login *login); /* wipes it */

/* Back to where the server has not asked: a new session with it begins. */
void so_stun_login_forget(so_stun_login *login);

/*
 * A 401 or 438 came. SO_OK: the request is to be made anew, and signed. SO_REFUSED: the name or the password is wrong,
 * the server offers no algorithm that is known here, or what it says is less than what its nonce promises.
 * SO_BAD_INPUT: no realm or nonce, or one that is too long. SO_CRYPTO, SO_NO_MEMORY.
 */
so_status so_stun_login_challenge(so_stun_login *login, const so_stun_message *m) SO_MUST_CHECK;

/* The last attributes of a request, and its end: so_stun_end. Before there was a challenge nothing is signed. */
so_status so_stun_login_sign(const so_stun_login *login, so_writer *w) SO_MUST_CHECK;

/* Is it an answer of the server's that was signed with these credentials? */
bool so_stun_login_authentic(const so_stun_login *login, const so_stun_message *m);

#endif
