#include "trust/known.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "known peers"
#define LINK_BYTES 16

void so_known_free(so_known *known)
{
    free(known->peers);
    memset(known, 0, sizeof *known);
}

/* ---- names, times, links ---- */

/* What breaks lines or turns the direction of text, so that a name could look like another or like our own words. */
static bool is_trick(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* One code point of UTF-8 (RFC 3629); 0: it is none. */
static size_t code_point(const uint8_t *b, uint32_t *out)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t len = b[0] < 0x80             ? 1
                 : (b[0] & 0xe0) == 0xc0 ? 2
                 : (b[0] & 0xf0) == 0xe0 ? 3
                 : (b[0] & 0xf8) == 0xf0 ? 4
                                         : 0;
    uint32_t c = len < 2 ? b[0] : b[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++) {
        if ((b[i] & 0xc0) != 0x80) /* the final zero too */
            return 0;
        c = c << 6 | (b[i] & 0x3fu);
    }
    *out = c;
    return len == 0 || c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

so_status so_peer_name_check(const char *name, so_error *err)
{
    const uint8_t *at = (const uint8_t *)name;
    size_t characters = 0, len = strlen(name);

    if (len == 0)
        return so_fail(err, SO_BAD_INPUT, LAYER, "a name is empty; give one of 1 to %d characters", SO_PEER_NAME_MAX);
    if (name[0] == ' ' || name[len - 1] == ' ')
        return so_fail(err, SO_BAD_INPUT, LAYER, "a name begins or ends with a space; leave it out");
    while (*at != '\0') {
        uint32_t c = 0;
        size_t n = code_point(at, &c);

        if (n == 0)
            return so_fail(err, SO_BAD_INPUT, LAYER, "a name is not UTF-8; write it in the encoding UTF-8");
        if (is_trick(c))
            return so_fail(err, SO_BAD_INPUT, LAYER,
                           "a name holds U+%04X, a character that is not seen but changes how text is shown; leave it "
                           "out",
                           (unsigned)c);
        at += n;
        characters++;
    }
    if (characters > SO_PEER_NAME_MAX)
        return so_fail(err, SO_BAD_INPUT, LAYER, "a name has %zu characters; give one of 1 to %d", characters,
                       SO_PEER_NAME_MAX);
    return SO_OK;
}

void so_known_time(char out[SO_KNOWN_TIME_LEN + 1], so_unix when)
{
    unsigned second = (unsigned)(when % SO_DAY);
    char date[SO_DATE_LEN];

    so_date_text(date, when);
    (void)snprintf(out, SO_KNOWN_TIME_LEN + 1, "%.10sT%02u:%02u:%02uZ", date, second / 3600 % 24, second / 60 % 60,
                   second % 60);
}

static unsigned digits(const char *text, size_t len)
{
    unsigned n = 0;

    for (size_t i = 0; i < len; i++)
        n = 10 * n + (unsigned)(text[i] - '0');
    return n;
}

bool so_known_time_is(const char *text)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    bool leap;

    if (text == NULL || strlen(text) != SO_KNOWN_TIME_LEN)
        return false;
    for (size_t i = 0; i < SO_KNOWN_TIME_LEN; i++)
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    year = digits(text, 4);
    month = digits(text + 5, 2);
    day = digits(text + 8, 2);
    leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap ? 1u : 0u) &&
           digits(text + 11, 2) < 24 && digits(text + 14, 2) < 60 && digits(text + 17, 2) < 60;
}

so_status so_known_link(char out[SO_KNOWN_LINK_LEN + 1], const so_invite *invite)
{
    uint8_t bytes[LINK_BYTES];
    so_status status = so_hkdf_sha256(bytes, sizeof bytes, (so_slice){invite->secret, sizeof invite->secret},
                                      (so_slice){NULL, 0}, (so_slice){"sotto v1 known", 14});

    so_base64url(out, bytes, sizeof bytes);
    so_wipe(bytes, sizeof bytes);
    return status;
}

/* ---- looking up ---- */

static so_known_peer *by_name(const so_known *known, const char *name)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->peers[i].name, name) == 0)
            return &known->peers[i];
    return NULL;
}

static so_known_peer *by_key(const so_known *known, const char *key)
{
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->peers[i].key, key) == 0)
            return &known->peers[i];
    return NULL;
}

static so_known_peer *by_link(const so_known *known, const char *link, size_t *at)
{
    for (size_t i = 0; i < known->count; i++)
        for (size_t k = 0; k < known->peers[i].link_count; k++)
            if (strcmp(known->peers[i].links[k], link) == 0) {
                *at = k;
                return &known->peers[i];
            }
    return NULL;
}

const so_known_peer *so_known_by_name(const so_known *known, const char *name)
{
    return by_name(known, name);
}

const so_known_peer *so_known_by_key(const so_known *known, const char *key)
{
    return by_key(known, key);
}

const so_known_peer *so_known_by_link(const so_known *known, const char *link)
{
    size_t at;

    return by_link(known, link, &at);
}

/* ---- changing ---- */

static so_status nobody(so_error *err, const char *name)
{
    return so_fail(err, SO_NOT_FOUND, LAYER, "nobody called %.256s is known here; sotto peers lists who is", name);
}

static so_status no_such_key(so_error *err)
{
    return so_fail(err, SO_NOT_FOUND, LAYER, "this key is nobody's who is known here; give it a name first");
}

static so_status name_is_free(const so_known *known, const char *name, so_error *err)
{
    so_status status = so_peer_name_check(name, err);

    if (status == SO_OK && by_name(known, name) != NULL)
        status = so_fail(err, SO_REFUSED, LAYER, "another known peer is called %.256s; choose another name", name);
    return status;
}

static so_status key_is_free(const so_known *known, const char *key, so_error *err)
{
    const so_known_peer *peer;

    if (!so_thumbprint_is(key))
        return so_fail(err, SO_BAD_INPUT, LAYER, "a key's thumbprint is not 43 base64url characters; copy it whole");
    peer = by_key(known, key);
    if (peer == NULL)
        return SO_OK;
    return so_fail(err, SO_REFUSED, LAYER, "this key is known already, as %.256s; rename that peer instead",
                   peer->name);
}

static so_status make_room(so_known *known, so_error *err)
{
    size_t room = known->room == 0 ? 8 : 2 * known->room;
    so_known_peer *peers;

    if (known->count >= SO_KNOWN_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "%d peers are known, as many as there may be; forget some",
                       SO_KNOWN_MAX);
    if (known->count < known->room)
        return SO_OK;
    peers = realloc(known->peers, room * sizeof *peers);
    if (peers == NULL)
        return so_fail(err, SO_NO_MEMORY, LAYER, "no memory left for the list of known peers; end other programs");
    known->peers = peers;
    known->room = room;
    return SO_OK;
}

so_status so_known_pin(so_known *known, const char *name, const char *key, so_unix now, so_error *err)
{
    so_status status = name_is_free(known, name, err);
    so_known_peer *peer;

    if (status == SO_OK)
        status = key_is_free(known, key, err);
    if (status == SO_OK)
        status = make_room(known, err);
    if (status != SO_OK)
        return status;
    peer = &known->peers[known->count++];
    memset(peer, 0, sizeof *peer);
    memcpy(peer->name, name, strlen(name) + 1);
    memcpy(peer->key, key, sizeof peer->key);
    so_known_time(peer->since, now);
    return SO_OK;
}

so_status so_known_rename(so_known *known, const char *name, const char *to, so_error *err)
{
    so_known_peer *peer = by_name(known, name);
    so_status status;

    if (peer == NULL)
        return nobody(err, name);
    if (strcmp(name, to) == 0)
        return SO_OK;
    status = name_is_free(known, to, err);
    if (status == SO_OK)
        memcpy(peer->name, to, strlen(to) + 1);
    return status;
}

so_status so_known_forget(so_known *known, const char *name, so_error *err)
{
    so_known_peer *peer = by_name(known, name);
    size_t behind;

    if (peer == NULL)
        return nobody(err, name);
    behind = known->count - 1 - (size_t)(peer - known->peers);
    memmove(peer, peer + 1, behind * sizeof *peer);
    known->count--;
    return SO_OK;
}

so_status so_known_compared(so_known *known, const char *key, so_unix now, so_error *err)
{
    so_known_peer *peer = by_key(known, key);

    if (peer == NULL)
        return no_such_key(err);
    so_known_time(peer->compared, now);
    return SO_OK;
}

static void drop_link(so_known_peer *peer, size_t at)
{
    memmove(peer->links + at, peer->links + at + 1, (peer->link_count - 1 - at) * sizeof peer->links[0]);
    peer->link_count--;
    memset(peer->links + peer->link_count, 0, sizeof peer->links[0]);
}

static void add_link(so_known_peer *peer, const char *link)
{
    if (peer->link_count == SO_KNOWN_LINKS)
        drop_link(peer, 0);
    memcpy(peer->links[peer->link_count++], link, SO_KNOWN_LINK_LEN + 1);
}

so_status so_known_met(so_known *known, const char *key, const char *link, so_error *err)
{
    so_known_peer *peer = by_key(known, key), *had;
    uint8_t bytes[LINK_BYTES];
    size_t len = 0, at;

    if (peer == NULL)
        return no_such_key(err);
    if (so_base64url_decode(bytes, sizeof bytes, &len, link, strlen(link)) != SO_OK || len != sizeof bytes)
        return so_fail(err, SO_BAD_INPUT, LAYER,
                       "a remembered link is not %d base64url characters; this is a fault of "
                       "this program, please report it",
                       SO_KNOWN_LINK_LEN);
    had = by_link(known, link, &at);
    if (had != NULL)
        drop_link(had, at);
    add_link(peer, link);
    return SO_OK;
}

so_status so_known_replace(so_known *known, const char *name, const char *key, so_unix now, so_error *err)
{
    so_known_peer *peer = by_name(known, name);
    so_status status;

    if (peer == NULL)
        return nobody(err, name);
    status = key_is_free(known, key, err);
    if (status != SO_OK)
        return status;
    memcpy(peer->key, key, sizeof peer->key);
    so_known_time(peer->since, now);
    peer->compared[0] = '\0';
    return SO_OK;
}

/* ---- an import ---- */

static so_status can_merge(const so_known *known, const so_known *file, so_error *err)
{
    size_t fresh = 0;

    for (size_t i = 0; i < file->count; i++) {
        const so_known_peer *peer = &file->peers[i];

        if (by_key(known, peer->key) != NULL)
            continue;
        fresh++;
        if (by_name(known, peer->name) != NULL)
            return so_fail(err, SO_REFUSED, LAYER,
                           "the file calls somebody %.256s, and so is somebody else called here, with another key; "
                           "find out which is right, then rename or forget yours and import again",
                           peer->name);
    }
    if (known->count + fresh > SO_KNOWN_MAX)
        return so_fail(err, SO_TOO_LONG, LAYER, "with the file's, more than %d peers would be known; forget some first",
                       SO_KNOWN_MAX);
    return SO_OK;
}

static void forget_links(so_known_peer *peer)
{
    memset(peer->links, 0, sizeof peer->links);
    peer->link_count = 0;
}

/* Those of the file first, which are the older ones to us; nobody loses a link to a file. */
static void merge_links(const so_known *known, so_known_peer *mine, const so_known_peer *theirs)
{
    so_known_peer old = *mine;
    size_t at;

    forget_links(mine);
    for (size_t i = 0; i < theirs->link_count; i++) {
        const so_known_peer *holder = by_link(known, theirs->links[i], &at);
        bool own = false;

        for (size_t k = 0; k < old.link_count; k++)
            own |= strcmp(old.links[k], theirs->links[i]) == 0;
        if (!own && (holder == NULL || holder == mine))
            add_link(mine, theirs->links[i]);
    }
    for (size_t i = 0; i < old.link_count; i++)
        add_link(mine, old.links[i]);
}

so_status so_known_merge(so_known *known, const so_known *file, size_t *added, so_error *err)
{
    so_status status = can_merge(known, file, err);
    size_t before = known->count;

    *added = 0;
    for (size_t i = 0; i < file->count && status == SO_OK; i++)
        if (by_key(known, file->peers[i].key) == NULL && (status = make_room(known, err)) == SO_OK) {
            known->peers[known->count] = file->peers[i];
            forget_links(&known->peers[known->count++]);
        }
    if (status != SO_OK) {
        known->count = before;
        return status;
    }
    for (size_t i = 0; i < file->count; i++) {
        const so_known_peer *theirs = &file->peers[i];
        so_known_peer *mine = by_key(known, theirs->key);

        if (strcmp(theirs->since, mine->since) < 0) /* the text sorts as the time does */
            memcpy(mine->since, theirs->since, sizeof mine->since);
        if (mine->compared[0] == '\0')
            memcpy(mine->compared, theirs->compared, sizeof mine->compared);
        merge_links(known, mine, theirs);
    }
    *added = known->count - before;
    return SO_OK;
}

/* ---- recognising ---- */

so_recognition so_known_recognise(const so_known *known, const so_known_peer *expected, const char *key, bool *alarm)
{
    so_recognition is;

    if (key == NULL)
        is = SO_RECOGNISED_SILENT;
    else if (expected != NULL && strcmp(expected->key, key) == 0)
        is = SO_RECOGNISED_KNOWN;
    else if (by_key(known, key) == NULL)
        is = expected == NULL ? SO_RECOGNISED_UNKNOWN : SO_RECOGNISED_CHANGED;
    else
        is = expected == NULL ? SO_RECOGNISED_KNOWN : SO_RECOGNISED_OTHER;
    *alarm = expected != NULL && is != SO_RECOGNISED_KNOWN;
    return is;
}

const char *so_recognition_name(so_recognition recognition)
{
    static const char *const names[] = {"known", "unknown", "silent", "other", "changed"};

    return names[recognition];
}
