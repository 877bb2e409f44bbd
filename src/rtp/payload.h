/*
 * Frames into RTP payloads, and payloads back into frames: whole ones (Opus, RFC 7587; G.711, RFC 3551 §4.5.14),
 * VP8 (RFC 7741), H.264 (RFC 6184, packetization modes 0 and 1). Nothing is decoded.
 *
 * A frame of VP8 is what RFC 6386 calls one; a frame of H.264 is an access unit of Annex B, with start codes.
 */
#ifndef SOTTO_RTP_PAYLOAD_H
#define SOTTO_RTP_PAYLOAD_H

#include "rtp/packet.h"

typedef enum so_rtp_format {
    SO_RTP_WHOLE,       /* a frame is a payload */
    SO_RTP_VP8,         /* RFC 7741 */
    SO_RTP_H264_SINGLE, /* RFC 6184 §6.2, packetization-mode 0: each NAL unit fits one packet */
    SO_RTP_H264,        /* RFC 6184 §6.3, packetization-mode 1: small ones share a packet, large ones take several */
} so_rtp_format;

/* Does the frame need none before it? Of SO_RTP_WHOLE always. */
bool so_rtp_is_key(so_rtp_format format, const uint8_t *frame, size_t len);

/* ---- Frames into payloads ---- */

typedef struct so_rtp_split {
    so_rtp_format format;
    const uint8_t *at, *end; /* what is left of the frame */
    size_t max;              /* bytes of a payload */
    uint16_t picture_id;     /* VP8 */
    size_t pieces;           /* of what is being cut: how many are left */
    bool begun;
    const uint8_t *nal, *nal_end; /* H.264: the unit that is next */
    bool cut;                     /* of which some has left already */
    uint8_t nal_header;
} so_rtp_split;

/* The least that max may be. */
#define SO_RTP_PAYLOAD_LEAST 64

/*
 * Begins a frame, which stays where it is until its last payload. picture_id: counts frames, for VP8. SO_BAD_INPUT: it
 * is empty, or holds no NAL unit; SO_TOO_LONG: one that cannot be cut (whole, or a NAL unit of mode 0) is over max.
 */
so_status so_rtp_split_begin(so_rtp_split *split, so_rtp_format format, const uint8_t *frame, size_t len, size_t max,
                             uint16_t picture_id) SO_MUST_CHECK;
/* The next payload into out, which has room for max bytes; *last: it is the frame's last, and takes the marker. */
bool so_rtp_split_next(so_rtp_split *split, uint8_t *out, size_t *len, bool *last);

/* ---- Payloads into frames ---- */

typedef struct so_rtp_join so_rtp_join;

typedef enum so_rtp_joined {
    SO_RTP_JOIN_MORE,   /* nothing is whole yet; or the payload was of no use, and counts as lost */
    SO_RTP_JOIN_FRAME,  /* out is filled */
    SO_RTP_JOIN_BEFORE, /* out is filled with the frame before: put this packet again */
} so_rtp_joined;

typedef struct so_rtp_frame {
    const uint8_t *bytes; /* until the next so_rtp_join_put */
    size_t len;
    uint32_t timestamp;
    bool key;
    bool broken; /* since the last frame some are missing: what is no key frame may show wrong */
} so_rtp_frame;

/* cap: bytes of the largest frame; all memory is taken here. Of SO_RTP_WHOLE none is: frames are views of packets. */
so_status so_rtp_join_new(so_rtp_join **join, so_rtp_format format, size_t cap) SO_MUST_CHECK;
void so_rtp_join_free(so_rtp_join *join); /* NULL is allowed */
/* The packet that is next in sequence, with a payload; gap: packets just before it are missing for good. */
so_rtp_joined so_rtp_join_put(so_rtp_join *join, const so_rtp_packet *packet, bool gap, so_rtp_frame *out);
/* Another stream begins, maybe in another format. */
void so_rtp_join_reset(so_rtp_join *join, so_rtp_format format);

#endif
