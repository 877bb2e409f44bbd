#include "api/inside.h"

#include <strings.h>

static const char *const names[] = {
    [SOTTO_OPUS] = "opus", [SOTTO_PCMU] = "PCMU", [SOTTO_PCMA] = "PCMA", [SOTTO_VP8] = "VP8", [SOTTO_H264] = "H264"};

#define CODECS (sizeof names / sizeof names[0])

const char *api_codec_name(sotto_codec codec)
{
    return (unsigned)codec < CODECS ? names[codec] : NULL;
}

so_sdp_kind api_codec_kind(sotto_codec codec)
{
    return codec == SOTTO_VP8 || codec == SOTTO_H264 ? SO_SDP_VIDEO : SO_SDP_AUDIO;
}

static sotto_codec codec_of(const char *name)
{
    sotto_codec codec = SOTTO_OPUS;

    while ((unsigned)codec < CODECS - 1 && strcasecmp(names[codec], name) != 0)
        codec++;
    return codec;
}

static bool is_wanted(const void *user, const char *name)
{
    const unsigned *codecs = user;

    return (*codecs & SOTTO_CODEC(codec_of(name))) != 0;
}

bool api_choose(so_sdp_choice *choice, unsigned codecs)
{
    so_sdp_choose(choice, is_wanted, &codecs);
    return choice->abilities.codec_count > 0;
}

sotto_frame api_frame(const so_peer_frame *f, unsigned lost)
{
    return (sotto_frame){.bytes = f->bytes,
                         .len = f->len,
                         .time = f->time,
                         .lost = lost,
                         .codec = codec_of(f->codec->name),
                         .key = f->key};
}
