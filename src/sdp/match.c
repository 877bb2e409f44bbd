#include "sdp/match.h"

#include <string.h>
#include <strings.h>

/* One of the names in must, as both ends say it; one that is not said is 0. */
static bool same_parameter(const char *a, const char *b, const char *name)
{
    const char *av = "0", *bv = "0";
    size_t al = 1, bl = 1;

    (void)so_sdp_parameter(a, name, &av, &al);
    (void)so_sdp_parameter(b, name, &bv, &bl);
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

/* RFC 4588 §8.6: apt names the payload type that an rtx repairs. */
static bool repairs(const so_sdp_codec *codec, uint8_t type)
{
    const char *apt;
    size_t len;
    unsigned v = 0;

    if (!so_sdp_parameter(codec->fmtp, "apt", &apt, &len) || len == 0 || len > 3)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (apt[i] < '0' || apt[i] > '9')
            return false;
        v = v * 10 + (unsigned)(apt[i] - '0');
    }
    return v == type;
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
