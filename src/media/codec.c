#include "media/codec.h"

#include <strings.h>

static const struct {
    const char *name;
    so_media_kind kind;
    uint32_t clock;
} codecs[SO_MEDIA_CODECS] = {
    [SO_MEDIA_NONE] = {"none", SO_MEDIA_AUDIO, 1000}, [SO_MEDIA_OPUS] = {"opus", SO_MEDIA_AUDIO, 48000},
    [SO_MEDIA_PCMU] = {"PCMU", SO_MEDIA_AUDIO, 8000}, [SO_MEDIA_PCMA] = {"PCMA", SO_MEDIA_AUDIO, 8000},
    [SO_MEDIA_VP8] = {"VP8", SO_MEDIA_VIDEO, 90000},  [SO_MEDIA_H264] = {"H264", SO_MEDIA_VIDEO, 90000},
};

const char *so_media_codec_name(so_media_codec codec)
{
    return codecs[codec].name;
}

so_media_codec so_media_codec_of(const char *name)
{
    for (unsigned i = SO_MEDIA_OPUS; i < SO_MEDIA_CODECS; i++)
        if (strcasecmp(codecs[i].name, name) == 0)
            return (so_media_codec)i;
    return SO_MEDIA_NONE;
}

so_media_kind so_media_codec_kind(so_media_codec codec)
{
    return codecs[codec].kind;
}

uint32_t so_media_codec_clock(so_media_codec codec)
{
    return codecs[codec].clock;
}
