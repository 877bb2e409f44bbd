#include "sdp/model.h"

#include <string.h>
#include <strings.h>

/* RFC 8122 §5: kinds that exist and do not count here, with their lengths, so that a damaged line is told from a weak
 * one. */
static const struct {
    const char *name;
    size_t len;
} weak_kinds[] = {{"md2", 16}, {"md5", 16}, {"sha-1", 20}, {"sha-224", 28}};

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "AB:CD:..." of either case, spaces behind it; at most cap bytes. 0: it is not that. */
static size_t read_pairs(uint8_t *out, size_t cap, const char *text)
{
    size_t n = 0;

    for (;;) {
        int high = nibble(text[0]), low = high < 0 ? -1 : nibble(text[1]);
        if (low < 0 || n == cap)
            return 0;
        out[n++] = (uint8_t)(high << 4 | low);
        text += 2;
        if (*text != ':')
            break;
        text++;
    }
    return text[strspn(text, " ")] == '\0' ? n : 0;
}

static size_t length_of(const char *name, size_t len, so_hash hash)
{
    if (hash != SO_HASH_NONE)
        return so_hash_len(hash);
    for (size_t i = 0; i < sizeof weak_kinds / sizeof *weak_kinds; i++)
        if (strlen(weak_kinds[i].name) == len && strncasecmp(weak_kinds[i].name, name, len) == 0)
            return weak_kinds[i].len;
    return 0; /* of a kind that nobody here has heard of, any */
}

so_status so_sdp_prints_add(so_sdp_prints *prints, size_t section, const char *value, so_sdp_fault *fault,
                            so_error *err)
{
    uint8_t bytes[SO_FINGERPRINT_BYTES_MAX];
    size_t name_len = strcspn(value, " ");
    so_hash hash = so_hash_named(value, name_len);
    const char *pairs = value + name_len + strspn(value + name_len, " ");
    size_t n = read_pairs(bytes, sizeof bytes, pairs), want = length_of(value, name_len, hash);

    if (name_len == 0 || n == 0 || (want != 0 && n != want))
        return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_MALFORMED,
                           "a fingerprint is not the digest that it says it is");
    prints->any[section] = true;
    prints->kinds[section] |= 1u << hash;
    if (hash == SO_HASH_NONE) {
        prints->weak = true;
    } else if (!prints->of[hash].seen) {
        prints->of[hash].seen = true;
        memcpy(prints->of[hash].bytes, bytes, n);
    } else if (memcmp(prints->of[hash].bytes, bytes, n) != 0) {
        prints->of[hash].several = true;
    }
    return SO_OK;
}

/*
 * docs/protocol.md: "The strongest kind present must have exactly one value, equal in every m-line". Who could choose
 * among several would choose for us: of several lines one browser takes the last, and another any.
 */
static so_status check_prints(so_sdp *sdp, const so_sdp_prints *prints, so_sdp_fault *fault, so_error *err)
{
    so_hash best = SO_HASH_SHA512;

    while (best != SO_HASH_NONE && !prints->of[best].seen)
        best--;
    if (best == SO_HASH_NONE && prints->weak)
        return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_WEAK,
                           "it names its certificate only by a digest that can be forged (SHA-1 or older)");
    if (best == SO_HASH_NONE)
        return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_MISSING, "it names no certificate");
    if (prints->of[best].several)
        return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_SEVERAL, "it names more than one certificate");
    for (size_t i = 0; i < sdp->media_count; i++) {
        size_t section = prints->any[i + 1] ? i + 1 : 0;
        if (sdp->media[i].rejected)
            continue;
        if (!prints->any[section])
            return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_MISSING, "m-line %zu names no certificate", i + 1);
        if ((prints->kinds[section] & 1u << best) == 0)
            return so_sdp_fail(fault, err, SO_SDP_FINGERPRINT_SEVERAL,
                               "m-line %zu does not name the certificate that the others do", i + 1);
    }
    sdp->fingerprint.hash = best;
    memcpy(sdp->fingerprint.bytes, prints->of[best].bytes, so_hash_len(best));
    return SO_OK;
}

static bool in_group(const char *group, const char *mid)
{
    size_t mid_len = strlen(mid);

    while (group != NULL && *group != '\0') {
        size_t len;
        group += strspn(group, " ");
        len = strcspn(group, " ");
        if (len == mid_len && memcmp(group, mid, len) == 0)
            return true;
        group += len;
    }
    return false;
}

/*
 * RFC 9143 §7.2: the first m-line of the group that is not rejected says whose transport all use. Bundle-only ones have
 * no address of their own, so another one is taken where there is one.
 */
static void find_tag(so_sdp *sdp, const char *group)
{
    size_t first = sdp->media_count, with_port = sdp->media_count;

    while (group != NULL && *group != '\0') {
        size_t len;
        group += strspn(group, " ");
        len = strcspn(group, " ");
        for (size_t i = 0; len > 0 && i < sdp->media_count; i++) {
            const so_sdp_media *m = &sdp->media[i];
            if (m->rejected || m->mid == NULL || strlen(m->mid) != len || memcmp(m->mid, group, len) != 0)
                continue;
            if (first == sdp->media_count)
                first = i;
            if (with_port == sdp->media_count && !m->bundle_only)
                with_port = i;
        }
        group += len;
    }
    for (size_t i = 0; first == sdp->media_count && i < sdp->media_count; i++)
        if (!sdp->media[i].rejected)
            first = i;
    sdp->tag = with_port != sdp->media_count ? with_port : first;
}

/* Our end has one transport: who does not bundle can't be called. RFC 9143 §7.3.3, and the "max-bundle" of RFC 9429
 * §4.1.1. */
static so_status check_bundle(so_sdp *sdp, const char *group, so_sdp_fault *fault, so_error *err)
{
    size_t accepted = 0, bundled = 0;

    for (size_t i = 0; i < sdp->media_count; i++) {
        so_sdp_media *m = &sdp->media[i];
        for (size_t k = 0; m->mid != NULL && k < i; k++)
            if (sdp->media[k].mid != NULL && strcmp(sdp->media[k].mid, m->mid) == 0)
                return so_sdp_fail(fault, err, SO_SDP_MALFORMED, "two m-lines have the same mid");
        if (m->rejected)
            continue;
        m->bundled = m->mid != NULL && in_group(group, m->mid);
        accepted++;
        bundled += m->bundled;
    }
    if (accepted > 1 && bundled != accepted)
        return so_sdp_fail(fault, err, SO_SDP_NO_BUNDLE, "its %zu m-lines are not all in one BUNDLE group", accepted);
    find_tag(sdp, group);
    return SO_OK;
}

/* RFC 8285 §5: within an m-line an id means one thing, since packets say only the id. */
static so_status check_extensions(const so_sdp_media *m, so_sdp_fault *fault, so_error *err)
{
    const char *uris[256] = {NULL};

    for (size_t k = 0; k < m->extension_count; k++) {
        const so_sdp_extension *x = &m->extensions[k];
        if (uris[x->id] == NULL)
            uris[x->id] = x->uri;
        else if (strcmp(uris[x->id], x->uri) != 0)
            return so_sdp_fail(fault, err, SO_SDP_MALFORMED, "extension id %u stands for two things", x->id);
    }
    return SO_OK;
}

/*
 * RFC 9143 §12: across bundled m-lines too an id must mean one thing. aiortc numbers those of each m-line from 1 all
 * the same; nobody is worse off for it, since extensions are only ever used where both ends say them. So the meaning
 * that comes first holds, and another one that comes later counts as not said.
 */
static void drop_extensions(so_sdp *sdp)
{
    const char *uris[256] = {NULL};

    for (size_t i = 0; i < sdp->media_count; i++) {
        so_sdp_media *m = &sdp->media[i];
        size_t kept = 0;

        for (size_t k = 0; !m->rejected && k < m->extension_count; k++) {
            const so_sdp_extension *x = &m->extensions[k];
            if (uris[x->id] == NULL)
                uris[x->id] = x->uri;
            if (strcmp(uris[x->id], x->uri) == 0)
                m->extensions[kept++] = *x;
        }
        if (!m->rejected)
            m->extension_count = kept;
    }
}

/* RFC 9143 §7.1.3: bundled m-lines may leave out what the tagged one says for all. */
static so_status check_transport(so_sdp *sdp, so_sdp_fault *fault, so_error *err)
{
    const so_sdp_media *tag = &sdp->media[sdp->tag];

    if (tag->ufrag == NULL || tag->pwd == NULL)
        return so_sdp_fail(fault, err, SO_SDP_ICE, "it has no ICE credentials");
    /* RFC 8842 §5.3: an answer says active or passive. An offer that says one of them leaves no choice, and is taken.
     */
    if (tag->setup == SO_SDP_NO_SETUP)
        return so_sdp_fail(fault, err, SO_SDP_SETUP, "it does not say which end begins the handshake (a=setup)");
    if (tag->setup == SO_SDP_ACTPASS && sdp->type == SO_SDP_ANSWER)
        return so_sdp_fail(fault, err, SO_SDP_SETUP,
                           "an answer must say which end begins the handshake, and it says actpass");
    sdp->ufrag = tag->ufrag;
    sdp->pwd = tag->pwd;
    sdp->setup = tag->setup;
    return SO_OK;
}

so_status so_sdp_check(so_sdp *sdp, const so_sdp_prints *prints, const char *bundle, so_sdp_fault *fault, so_error *err)
{
    so_status status;

    for (size_t i = 0; i < sdp->media_count; i++) {
        const so_sdp_media *m = &sdp->media[i];
        /* RFC 8827 §6.5: "implementations MUST NOT use non-protected media"; who so much as names it, in an m-line that
         * is rejected too, is no end that docs/protocol.md allows. */
        if (m->profile == SO_SDP_UNPROTECTED)
            return so_sdp_fail(fault, err, SO_SDP_PROFILE, "m-line %zu is not under DTLS", i + 1);
        if (m->rejected)
            continue;
        if ((m->kind == SO_SDP_APPLICATION) != (m->profile == SO_SDP_SCTP))
            return so_sdp_fail(fault, err, SO_SDP_PROFILE, "m-line %zu is not under DTLS", i + 1);
        /* RFC 8858 §3: without it RTCP would need a second path, which there is none of. */
        if (m->profile != SO_SDP_SCTP && !m->rtcp_mux)
            return so_sdp_fail(fault, err, SO_SDP_NO_RTCP_MUX,
                               "m-line %zu does not multiplex RTP and RTCP (a=rtcp-mux)", i + 1);
        if (check_extensions(m, fault, err) != SO_OK)
            return SO_BAD_INPUT;
    }
    status = check_prints(sdp, prints, fault, err);
    if (status == SO_OK)
        status = check_bundle(sdp, bundle, fault, err);
    if (status == SO_OK)
        drop_extensions(sdp);
    if (status == SO_OK && sdp->tag < sdp->media_count)
        status = check_transport(sdp, fault, err);
    return status;
}
