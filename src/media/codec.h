/* The codecs that a call can carry, by the names that session descriptions have for them. */
#ifndef SOTTO_MEDIA_CODEC_H
#define SOTTO_MEDIA_CODEC_H

#include <stdint.h>

typedef enum so_media_kind { SO_MEDIA_AUDIO, SO_MEDIA_VIDEO } so_media_kind;
#define SO_MEDIA_KINDS 2

typedef enum so_media_codec {
    SO_MEDIA_NONE,
    SO_MEDIA_OPUS, /* RFC 7587 */
    SO_MEDIA_PCMU, /* G.711, RFC 3551 §4.5.14 */
    SO_MEDIA_PCMA,
    SO_MEDIA_VP8,  /* frames of RFC 6386 */
    SO_MEDIA_H264, /* access units of Annex B, with start codes */
} so_media_codec;
#define SO_MEDIA_CODECS 6

/* A set of codecs has bit SO_MEDIA_BIT(codec) for each. */
#define SO_MEDIA_BIT(codec) (1u << (codec))

const char *so_media_codec_name(so_media_codec codec); /* "opus", "PCMU", ...; "none" */
/* Names are the same in any case (RFC 8866 §6.6). SO_MEDIA_NONE: it is none of these. */
so_media_codec so_media_codec_of(const char *name);
so_media_kind so_media_codec_kind(so_media_codec codec);
uint32_t so_media_codec_clock(so_media_codec codec); /* RTP timestamp units a second */

#endif
