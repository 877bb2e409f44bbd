/* What the payload formats share with rtp/payload.c, and nobody else may know. */
#ifndef SOTTO_RTP_PAYLOAD_INSIDE_H
#define SOTTO_RTP_PAYLOAD_INSIDE_H

#include "rtp/payload.h"

struct so_rtp_join {
    so_rtp_format format;
    bool open;    /* a frame is being put together */
    bool broken;  /* of the next frame that comes out */
    bool gap;     /* packets are missing just before the one that is put */
    bool key;     /* the frame that is being put together */
    bool in_unit; /* H.264: in the middle of a NAL unit that is cut */
    bool sets;    /* H.264: parameter sets came at some time */
    uint8_t unit; /* its type */
    uint32_t timestamp;
    size_t len, cap;
    uint8_t bytes[];
};

/* Adds to the frame; false: it does not fit. */
bool so_rtp_join_add(so_rtp_join *join, const void *bytes, size_t len) SO_MUST_CHECK;

/* Bytes of the next of so many pieces that are to be about the same size. */
static inline size_t so_rtp_piece(size_t left, size_t pieces)
{
    return (left + pieces - 1) / pieces;
}

/* Each format: begins, gives the next payload, takes one. */
void so_vp8_split_begin(so_rtp_split *split);
void so_vp8_split_next(so_rtp_split *split, so_writer *w, bool *last);
so_status so_h264_split_begin(so_rtp_split *split) SO_MUST_CHECK;
void so_h264_split_next(so_rtp_split *split, so_writer *w, bool *last);

/* false: not a payload of this format, or not one that goes on where the last one ended: the frame is lost. */
bool so_vp8_join(so_rtp_join *join, const uint8_t *payload, size_t len) SO_MUST_CHECK;
bool so_h264_join(so_rtp_join *join, const uint8_t *payload, size_t len) SO_MUST_CHECK;

bool so_vp8_is_key(const uint8_t *frame, size_t len);
bool so_h264_is_key(const uint8_t *frame, size_t len);

#endif
