#include "rtp/payload_inside.h"

#include <stdlib.h>
#include <string.h>

bool so_rtp_is_key(so_rtp_format format, const uint8_t *frame, size_t len)
{
    switch (format) {
    case SO_RTP_VP8:
        return so_vp8_is_key(frame, len);
    case SO_RTP_H264_SINGLE:
    case SO_RTP_H264:
        return so_h264_is_key(frame, len);
    case SO_RTP_WHOLE:
        break;
    }
    return true;
}

/* ---- frames into payloads ---- */

so_status so_rtp_split_begin(so_rtp_split *s, so_rtp_format format, const uint8_t *frame, size_t len, size_t max,
                             uint16_t picture_id)
{
    *s = (so_rtp_split){.format = format, .at = frame, .end = frame + len, .max = max, .picture_id = picture_id};
    if (len == 0 || max < SO_RTP_PAYLOAD_LEAST)
        return SO_BAD_INPUT;
    switch (format) {
    case SO_RTP_WHOLE:
        return len > max ? SO_TOO_LONG : SO_OK;
    case SO_RTP_VP8:
        so_vp8_split_begin(s);
        return SO_OK;
    case SO_RTP_H264_SINGLE:
    case SO_RTP_H264:
        return so_h264_split_begin(s);
    }
    return SO_BAD_INPUT;
}

/* Is there anything left? Of H.264 what is next is looked up ahead. */
static bool is_done(const so_rtp_split *s)
{
    bool h264 = s->format == SO_RTP_H264 || s->format == SO_RTP_H264_SINGLE;

    return h264 ? s->nal == NULL : s->at == s->end;
}

bool so_rtp_split_next(so_rtp_split *s, uint8_t *out, size_t *len, bool *last)
{
    so_writer w = so_writer_of(out, s->max);

    if (is_done(s))
        return false;
    if (s->format == SO_RTP_WHOLE) {
        so_write_bytes(&w, s->at, (size_t)(s->end - s->at));
        s->at = s->end;
        *last = true;
    } else if (s->format == SO_RTP_VP8) {
        so_vp8_split_next(s, &w, last);
    } else {
        so_h264_split_next(s, &w, last);
    }
    s->begun = true;
    *len = so_writer_len(&w);
    return !w.failed;
}

/* ---- payloads into frames ---- */

so_status so_rtp_join_new(so_rtp_join **out, so_rtp_format format, size_t cap)
{
    so_rtp_join *j;

    *out = NULL;
    if (format == SO_RTP_WHOLE)
        cap = 0;
    j = malloc(sizeof *j + cap);
    if (j == NULL)
        return SO_NO_MEMORY;
    *j = (so_rtp_join){.format = format, .cap = cap};
    *out = j;
    return SO_OK;
}

void so_rtp_join_free(so_rtp_join *j)
{
    free(j);
}

void so_rtp_join_reset(so_rtp_join *j, so_rtp_format format)
{
    *j = (so_rtp_join){.format = format, .cap = j->cap};
}

bool so_rtp_join_add(so_rtp_join *j, const void *bytes, size_t len)
{
    if (len > j->cap - j->len)
        return false;
    if (len > 0)
        memcpy(j->bytes + j->len, bytes, len);
    j->len += len;
    return true;
}

/* What there is of a frame is of no use without the rest. */
static void drop(so_rtp_join *j)
{
    j->open = j->key = j->in_unit = false;
    j->len = 0;
    j->broken = true;
}

/* true: out is the frame. */
static bool finish(so_rtp_join *j, so_rtp_frame *out)
{
    bool whole = j->open && j->len > 0 && !j->in_unit;

    if (!whole) {
        drop(j);
        return false;
    }
    *out =
        (so_rtp_frame){.bytes = j->bytes, .len = j->len, .timestamp = j->timestamp, .key = j->key, .broken = j->broken};
    j->open = j->key = j->broken = false;
    j->len = 0;
    return true;
}

so_rtp_joined so_rtp_join_put(so_rtp_join *j, const so_rtp_packet *packet, bool gap, so_rtp_frame *out)
{
    bool taken;

    if (j->format == SO_RTP_WHOLE) {
        *out = (so_rtp_frame){.bytes = packet->payload,
                              .len = packet->payload_len,
                              .timestamp = packet->timestamp,
                              .key = true,
                              .broken = gap};
        return SO_RTP_JOIN_FRAME;
    }
    j->gap = gap;
    if (gap)
        drop(j);
    /* A marker is what senders are to set; its absence must not glue two frames together. */
    if (j->open && j->timestamp != packet->timestamp && finish(j, out))
        return SO_RTP_JOIN_BEFORE;
    j->open = true;
    j->timestamp = packet->timestamp;
    taken = j->format == SO_RTP_VP8 ? so_vp8_join(j, packet->payload, packet->payload_len)
                                    : so_h264_join(j, packet->payload, packet->payload_len);
    if (!taken) {
        drop(j);
        return SO_RTP_JOIN_MORE;
    }
    return packet->marker && finish(j, out) ? SO_RTP_JOIN_FRAME : SO_RTP_JOIN_MORE;
}
