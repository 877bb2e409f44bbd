#include "stun/login.h"

#include "base/secret.h"

#include <string.h>

/* RFC 8489 §18.5.1 */
#define MD5 1
#define SHA256 2

/* RFC 8489 §9.2: "obMatJos2" and four base64 characters of 24 bits, whose first two mean something so far (§18.1) */
static const char cookie[] = "obMatJos2";
#define COOKIE_FEATURES 4
#define HAS_ALGORITHMS 0x20 /* in the first of those characters */
#define HAS_ANONYMITY 0x10

so_status so_stun_login_open(so_stun_login *login, const char *name, const char *password)
{
    size_t name_len = strlen(name), password_len = strlen(password);

    memset(login, 0, sizeof *login);
    if (name_len == 0 || name_len > SO_STUN_NAME_MAX || password_len == 0 || password_len > SO_STUN_NAME_MAX)
        return SO_BAD_INPUT;
    memcpy(login->name, name, name_len);
    memcpy(login->password, password, password_len);
    return SO_OK;
}

void so_stun_login_close(so_stun_login *login)
{
    so_hmac_free(login->key);
    so_wipe(login, sizeof *login);
}

void so_stun_login_forget(so_stun_login *login)
{
    so_hmac_free(login->key);
    login->key = NULL;
    login->realm_len = login->nonce_len = login->offered_len = 0;
}

static unsigned features_of(so_slice nonce)
{
    const char *text = nonce.bytes;
    char first;

    if (nonce.len < sizeof cookie - 1 + COOKIE_FEATURES || memcmp(text, cookie, sizeof cookie - 1) != 0)
        return 0;
    first = text[sizeof cookie - 1];
    if (first >= 'A' && first <= 'Z')
        return (unsigned)(first - 'A');
    if (first >= 'a' && first <= 'z')
        return (unsigned)(first - 'a') + 26;
    if (first >= '0' && first <= '9')
        return (unsigned)(first - '0') + 52;
    return first == '+' ? 62 : first == '/' ? 63 : 0;
}

/* RFC 8489 §9.2.5: "the first algorithm supported on the list"; 0: none is. */
static uint16_t choose(so_slice offered)
{
    so_reader r = so_reader_of(offered.bytes, offered.len);

    while (so_reader_left(&r) > 0) {
        uint16_t algorithm = so_read_u16(&r), len = so_read_u16(&r);

        (void)so_read_bytes(&r, len + (4U - len % 4U) % 4U);
        if (!r.failed && len == 0 && (algorithm == MD5 || algorithm == SHA256))
            return algorithm;
    }
    return 0;
}

/* RFC 8489 §9.2.2: the key is a digest of "name:realm:password". OpaqueString leaves ASCII as it is; what else a name
 * or a password has must have been prepared by who gave it. */
static so_status make_key(so_stun_login *l)
{
    const so_slice parts[] = {
        {l->name, strlen(l->name)}, {":", 1}, {l->realm, l->realm_len}, {":", 1}, {l->password, strlen(l->password)}};
    SO_WIPED so_key key = {{0}};
    so_slice made = {key.bytes, l->algorithm == SHA256 ? SO_SHA256_LEN : SO_MD5_LEN};
    so_status status = l->algorithm == SHA256 ? so_sha256(key.bytes, parts, 5) : so_md5(key.bytes, parts, 5);

    so_hmac_free(l->key);
    l->key = NULL;
    if (status == SO_OK)
        status = so_sha256(l->userhash, parts, 3);
    if (status != SO_OK)
        return status;
    /* RFC 8489 §9.2.5: with PASSWORD-ALGORITHMS "all the subsequent requests MUST be authenticated using
     * MESSAGE-INTEGRITY-SHA256 only", whichever the algorithm of the key. */
    return l->offered_len > 0 ? so_hmac_sha256_new(&l->key, made) : so_hmac_sha1_new(&l->key, made);
}

static so_status keep(uint8_t *to, size_t *to_len, size_t cap, so_slice from)
{
    if (from.len > cap)
        return SO_BAD_INPUT;
    if (from.len > 0)
        memcpy(to, from.bytes, from.len);
    *to_len = from.len;
    return SO_OK;
}

so_status so_stun_login_challenge(so_stun_login *l, const so_stun_message *m)
{
    so_slice offered = so_stun_find(m, SO_STUN_PASSWORD_ALGORITHMS);
    unsigned features = features_of(m->nonce);
    uint16_t algorithm = offered.bytes == NULL ? MD5 : choose(offered);
    bool fresh = l->key == NULL || m->realm.len != l->realm_len ||
                 (m->realm.len > 0 && memcmp(m->realm.bytes, l->realm, m->realm.len) != 0);

    if (m->realm.len == 0 || m->nonce.len == 0)
        return SO_BAD_INPUT;
    /* RFC 8489 §9.2.5, against somebody who takes the better algorithms out of an answer */
    if ((features & HAS_ALGORITHMS) != 0 && offered.bytes == NULL)
        return SO_REFUSED;
    if (algorithm == 0 || (m->error == SO_STUN_UNAUTHENTICATED && !fresh) ||
        (l->offered_len > 0 && offered.bytes == NULL))
        return SO_REFUSED;
    if (keep(l->nonce, &l->nonce_len, sizeof l->nonce, m->nonce) != SO_OK ||
        keep(l->realm, &l->realm_len, sizeof l->realm, m->realm) != SO_OK)
        return SO_BAD_INPUT;
    l->anonymous = (features & HAS_ANONYMITY) != 0;
    if (!fresh && algorithm == l->algorithm && (offered.bytes == NULL) == (l->offered_len == 0))
        return keep(l->offered, &l->offered_len, sizeof l->offered, offered);
    if (keep(l->offered, &l->offered_len, sizeof l->offered, offered) != SO_OK)
        return SO_BAD_INPUT;
    l->algorithm = algorithm;
    return make_key(l);
}

so_status so_stun_login_sign(const so_stun_login *l, so_writer *w)
{
    if (l->key == NULL)
        return so_stun_end(w, NULL, false);
    if (l->anonymous)
        so_stun_put(w, SO_STUN_USERHASH, l->userhash, sizeof l->userhash);
    else
        so_stun_put(w, SO_STUN_USERNAME, l->name, strlen(l->name));
    so_stun_put(w, SO_STUN_REALM, l->realm, l->realm_len);
    so_stun_put(w, SO_STUN_NONCE, l->nonce, l->nonce_len);
    if (l->offered_len > 0) {
        so_stun_put(w, SO_STUN_PASSWORD_ALGORITHMS, l->offered, l->offered_len);
        so_stun_put_u32(w, SO_STUN_PASSWORD_ALGORITHM, (uint32_t)l->algorithm << 16);
    }
    return so_stun_end(w, l->key, false);
}

bool so_stun_login_authentic(const so_stun_login *l, const so_stun_message *m)
{
    if (l->key == NULL ||
        ((features_of(m->nonce) & HAS_ALGORITHMS) != 0 && so_stun_find(m, SO_STUN_PASSWORD_ALGORITHMS).bytes == NULL))
        return false;
    return so_stun_authentic(m, l->key);
}
