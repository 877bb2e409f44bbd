#include "sdp/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *code;
    so_status status;
    const char *remedy;
} faults[] = {
    [SO_SDP_FINE] = {"fine", SO_OK, ""},
    [SO_SDP_MALFORMED] = {"sdp-malformed", SO_BAD_INPUT, "call again, or update the program at the other end"},
    [SO_SDP_TOO_LARGE] = {"sdp-too-large", SO_TOO_LONG, "use fewer tracks, or update the program at the other end"},
    [SO_SDP_SDES] = {"sdes", SO_REFUSED, "update the program at the other end to one that speaks DTLS-SRTP"},
    [SO_SDP_PROFILE] = {"profile", SO_REFUSED, "update the program at the other end to one that speaks DTLS-SRTP"},
    [SO_SDP_FINGERPRINT_MISSING] = {"fingerprint-missing", SO_REFUSED,
                                    "treat it as an attempt to listen in, and start a new call with a new link"},
    [SO_SDP_FINGERPRINT_WEAK] = {"fingerprint-weak", SO_REFUSED,
                                 "update the program at the other end to one that sends sha-256"},
    [SO_SDP_FINGERPRINT_SEVERAL] = {"fingerprint-several", SO_REFUSED,
                                    "treat it as an attempt to listen in, and start a new call with a new link"},
    [SO_SDP_FINGERPRINT_MALFORMED] = {"fingerprint-malformed", SO_REFUSED,
                                      "treat it as an attempt to listen in, and start a new call with a new link"},
    [SO_SDP_FINGERPRINT_CHANGED] = {"fingerprint-changed", SO_REFUSED,
                                    "treat it as an attempt to listen in, and start a new call with a new link"},
    [SO_SDP_NO_RTCP_MUX] = {"rtcp-mux-missing", SO_REFUSED, "update the program at the other end"},
    [SO_SDP_NO_BUNDLE] = {"bundle-missing", SO_REFUSED,
                          "let the other end bundle its media, or offer one kind of media alone"},
    [SO_SDP_SETUP] = {"setup", SO_BAD_INPUT, "update the program at the other end"},
    [SO_SDP_ICE] = {"ice-credentials", SO_BAD_INPUT, "update the program at the other end"},
    [SO_SDP_MISMATCH] = {"answer-mismatch", SO_BAD_INPUT, "call again, or update the program at the other end"},
    [SO_SDP_WRONG_STATE] = {"wrong-state", SO_STATE, "call again"},
};

const char *so_sdp_fault_code(so_sdp_fault fault)
{
    return faults[fault].code;
}

so_status so_sdp_fail(so_sdp_fault *fault, so_error *err, so_sdp_fault what, const char *fmt, ...)
{
    char why[240];
    va_list args;

    *fault = what;
    va_start(args, fmt);
    (void)vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return so_fail(err, faults[what].status, "media", "the description of the other end's media was refused: %s; %s",
                   why, faults[what].remedy);
}

/* Room for count things of a size, all of whose alignments divide that of a pointer or a uint64_t. */
static void *carve(uint8_t **at, size_t count, size_t size)
{
    void *here = *at;

    *at += (count * size + 7) / 8 * 8;
    return here;
}

static size_t whole(const so_sdp_sizes *n)
{
    return sizeof(so_sdp) + n->media * sizeof(so_sdp_media) + n->codecs * sizeof(so_sdp_codec) +
           n->feedback * sizeof(so_sdp_feedback) + n->extensions * sizeof(so_sdp_extension) +
           n->sources * sizeof(so_sdp_source) + n->groups * sizeof(so_sdp_group) + n->rids * sizeof(so_sdp_rid) +
           n->candidates * sizeof(char *) + n->text + 10 * 8; /* each of the ten may be rounded up to 8 */
}

so_sdp *so_sdp_make(const so_sdp_sizes *n, so_sdp_pools *pools)
{
    uint8_t *at = calloc(1, whole(n));
    so_sdp *sdp;

    if (at == NULL)
        return NULL;
    sdp = carve(&at, 1, sizeof *sdp);
    sdp->media = carve(&at, n->media, sizeof *sdp->media);
    pools->codecs = carve(&at, n->codecs, sizeof *pools->codecs);
    pools->feedback = carve(&at, n->feedback, sizeof *pools->feedback);
    pools->extensions = carve(&at, n->extensions, sizeof *pools->extensions);
    pools->sources = carve(&at, n->sources, sizeof *pools->sources);
    pools->groups = carve(&at, n->groups, sizeof *pools->groups);
    pools->rids = carve(&at, n->rids, sizeof *pools->rids);
    pools->candidates = carve(&at, n->candidates, sizeof *pools->candidates);
    pools->text = carve(&at, n->text, 1);
    return sdp;
}

void so_sdp_free(so_sdp *sdp)
{
    free(sdp);
}

const so_sdp_media *so_sdp_media_of(const so_sdp *sdp, const char *mid)
{
    for (size_t i = 0; i < sdp->media_count; i++)
        if (sdp->media[i].mid != NULL && strcmp(sdp->media[i].mid, mid) == 0)
            return &sdp->media[i];
    return NULL;
}

const so_sdp_codec *so_sdp_codec_of(const so_sdp_media *media, unsigned type)
{
    for (size_t i = 0; i < media->codec_count; i++)
        if (media->codecs[i].type == type)
            return &media->codecs[i];
    return NULL;
}

const so_sdp_extension *so_sdp_extension_of(const so_sdp_media *media, const char *uri)
{
    for (size_t i = 0; i < media->extension_count; i++)
        if (strcmp(media->extensions[i].uri, uri) == 0)
            return &media->extensions[i];
    return NULL;
}

bool so_sdp_parameter(const char *fmtp, const char *name, const char **value, size_t *len)
{
    size_t name_len = strlen(name);

    while (fmtp != NULL && *fmtp != '\0') {
        size_t piece;
        fmtp += strspn(fmtp, " ;");
        piece = strcspn(fmtp, ";");
        if (piece > name_len && fmtp[name_len] == '=' && strncasecmp(fmtp, name, name_len) == 0) {
            *value = fmtp + name_len + 1;
            *len = piece - name_len - 1;
            return true;
        }
        fmtp += piece;
    }
    return false;
}

const char *so_sdp_direction_name(so_sdp_direction direction)
{
    static const char *const names[] = {"inactive", "sendonly", "recvonly", "sendrecv"};
    return names[direction];
}

so_sdp_direction so_sdp_reverse(so_sdp_direction direction)
{
    return (so_sdp_direction)((direction & SO_SDP_SENDONLY) << 1 | (direction & SO_SDP_RECVONLY) >> 1);
}
