/* What this machine's libraries can do with a call's codecs. */
#ifndef SOTTO_MEDIA_ABLE_H
#define SOTTO_MEDIA_ABLE_H

#include "media/codec.h"

#include <stdbool.h>

typedef struct so_media_able {
    const char *encoder, *decoder; /* their names; NULL: there is none */
} so_media_able;

so_media_able so_media_able_of(so_media_codec codec);

/* "libavcodec 59.37.100", ... */
typedef struct so_media_libraries {
    char avcodec[48], opus[48], vpx[48];
} so_media_libraries;
void so_media_libraries_of(so_media_libraries *out);

#endif
