#include "sdp/match.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The profile of H.264 that a profile-level-id says: RFC 6184 §8.1, table 5. Its level may differ (§8.2.2). */
static unsigned h264_profile(const char *value, size_t len)
{
    char digits[7] = "";
    unsigned long id;
    unsigned profile, flags;

    if (len != 6)
        return 0;
    memcpy(digits, value, 6);
    id = strtoul(digits, NULL, 16);
    profile = (unsigned)(id >> 16);
    flags = (unsigned)(id >> 8) & 0xff;
    /* Constrained Baseline has three names. */
    if ((profile == 0x42 && (flags & 0x40) != 0) || (profile == 0x4d && (flags & 0x80) != 0) ||
        (profile == 0x58 && (flags & 0xc0) == 0xc0))
        return 0x4240;
    return profile << 8;
}

/* One of the names in must, as both ends say it; one that is not said is 0. */
static bool same_parameter(const char *a, const char *b, const char *name)
{
    const char *av = "0", *bv = "0";
    size_t al = 1, bl = 1;
    bool both = so_sdp_parameter(a, name, &av, &al);

    both = so_sdp_parameter(b, name, &bv, &bl) && both;
    /* Who says no profile takes what is common (GStreamer), whatever §8.1 would have it mean. */
    if (strcasecmp(name, "profile-level-id") == 0)
        return !both || h264_profile(av, al) == h264_profile(bv, bl);
    return al == bl && strncasecmp(av, bv, al) == 0;
}

static bool same_parameters(const char *ours, const char *theirs, const char *must)
{
    char name[64];

    while (must != NULL && *must != '\0') {
        size_t len = strcspn(must, ";");
        if (len >= sizeof name)
            return false;
        memcpy(name, must, len);
        name[len] = '\0';
        if (!same_parameter(ours, theirs, name))
            return false;
        must += len;
        must += *must == ';';
    }
    return true;
}

static bool is(const so_sdp_ability *ability, const so_sdp_media *media, const so_sdp_codec *codec)
{
    return ability->kind == media->kind && ability->clock == codec->clock && ability->channels == codec->channels &&
           strcasecmp(ability->name, codec->name) == 0 && same_parameters(ability->fmtp, codec->fmtp, ability->must);
}

/* A payload type in decimal; -1: none. *at goes behind it. */
static int read_type(const char **at, const char *end)
{
    int v = 0, digits = 0;

    for (; *at < end && **at >= '0' && **at <= '9' && digits < 3; (*at)++, digits++)
        v = v * 10 + (**at - '0');
    return digits == 0 ? -1 : v;
}

/* RFC 2198 §5: "111/111", the types of all that one packet may carry. */
static bool repeats(const so_sdp_codec *codec, uint8_t type)
{
    const char *at = codec->fmtp, *end;

    if (at == NULL)
        return false;
    end = at + strlen(at);
    for (;;) {
        if (read_type(&at, end) != type)
            return false;
        if (at == end)
            return true;
        if (*at++ != '/')
            return false;
    }
}

/* RFC 4588 §8.6: apt names the payload type that an rtx repairs. */
static bool repairs(const so_sdp_codec *codec, uint8_t type)
{
    const char *apt;
    size_t len;

    if (strcasecmp(codec->name, "red") == 0)
        return repeats(codec, type);
    if (!so_sdp_parameter(codec->fmtp, "apt", &apt, &len))
        return false;
    return read_type(&apt, apt + len) == type && (*apt < '0' || *apt > '9');
}

static const so_sdp_codec *find(const so_sdp_ability *ability, const so_sdp_media *media, const so_sdp_codec *repaired)
{
    for (size_t i = 0; i < media->codec_count; i++)
        if (is(ability, media, &media->codecs[i]) && (repaired == NULL || repairs(&media->codecs[i], repaired->type)))
            return &media->codecs[i];
    return NULL;
}

const so_sdp_codec *so_sdp_find(const so_sdp_abilities *abilities, size_t ability, const so_sdp_media *media)
{
    const so_sdp_ability *a = &abilities->codecs[ability];

    if (a->repairs == 0)
        return find(a, media, NULL);
    for (size_t i = 0; i < abilities->codec_count; i++) {
        const so_sdp_ability *other = &abilities->codecs[i];
        if (other->type == a->repairs && other->repairs == 0) {
            const so_sdp_codec *repaired = find(other, media, NULL);
            return repaired == NULL ? NULL : find(a, media, repaired);
        }
    }
    return NULL;
}

size_t so_sdp_ability_of(const so_sdp_abilities *abilities, const so_sdp_media *media, const so_sdp_codec *codec)
{
    size_t i = 0;

    while (i < abilities->codec_count && so_sdp_find(abilities, i, media) != codec)
        i++;
    return i;
}

size_t so_sdp_extension_ability_of(const so_sdp_abilities *abilities, const so_sdp_media *media,
                                   const so_sdp_extension *extension)
{
    size_t i = 0;

    /* Of two ids for one thing the first counts. */
    if (media->kind > SO_SDP_VIDEO || so_sdp_extension_of(media, extension->uri) != extension)
        return abilities->extension_count;
    while (i < abilities->extension_count && ((abilities->extensions[i].kinds & 1u << media->kind) == 0 ||
                                              strcmp(abilities->extensions[i].uri, extension->uri) != 0))
        i++;
    return i;
}
