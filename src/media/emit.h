/* Inside media/: where an encoder's packets go. */
#ifndef SOTTO_MEDIA_EMIT_H
#define SOTTO_MEDIA_EMIT_H

#include "base/status.h"

#include <libavcodec/packet.h>

/* Takes what packet holds. at and duration: in units of the codec's RTP clock. SO_STATE: nobody wants more. */
typedef struct so_emit {
    so_status (*packet)(void *user, AVPacket *packet, int64_t at, int64_t duration);
    void *user;
} so_emit;

#endif
