/*
 * Plain RTP for another program on this machine: ffmpeg, GStreamer, a PBX. The secure leg is the call; this end of it
 * is in the clear, and so it exists on loopback alone.
 *
 * Sound has the port that is named, the picture the one two above it, and each has its RTCP on the port behind it
 * (RFC 3550 §11). Payload types: opus 111, PCMU 0, PCMA 8, VP8 96, H264 102.
 */
#ifndef SOTTO_MEDIA_RTP_PORT_H
#define SOTTO_MEDIA_RTP_PORT_H

#include "base/address.h"
#include "crypto/random.h"
#include "media/codec.h"

#include <stdio.h>

/*
 * "127.0.0.1:5004" or "[::1]:5004". SO_BAD_INPUT: no address and port, or no room for the ports above it; SO_REFUSED:
 * of another machine, or one that others reach.
 */
so_status so_rtp_port_parse(so_address *address, const char *text, so_error *err) SO_MUST_CHECK;
/* A session description (RFC 8866) for the other program: where the streams of these codecs go, or come from. */
void so_rtp_port_describe(FILE *out, const so_address *address, so_media_codec audio, so_media_codec video);

typedef struct so_rtp_frame_in {
    so_media_codec codec;
    const uint8_t *bytes; /* until the next call */
    size_t len;
    uint32_t rtp_time; /* from any beginning */
    bool key, marker;
} so_rtp_frame_in;

typedef struct so_rtp_in so_rtp_in;

/* SO_IO: the ports are taken. */
so_status so_rtp_in_open(so_rtp_in **in, const so_address *address, so_error *err) SO_MUST_CHECK;
void so_rtp_in_close(so_rtp_in *in); /* NULL is allowed */
/* To wait on until it is readable. */
int so_rtp_in_fd(const so_rtp_in *in, so_media_kind kind);
/* The next whole frame; false: none at the moment. What does not come from this machine is dropped. */
bool so_rtp_in_next(so_rtp_in *in, so_media_kind kind, so_rtp_frame_in *frame);

typedef struct so_rtp_out so_rtp_out;

so_status so_rtp_out_open(so_rtp_out **out, const so_address *address, const so_random *random,
                          so_error *err) SO_MUST_CHECK;
void so_rtp_out_close(so_rtp_out *out); /* NULL is allowed */
/*
 * A frame of the other end; rtp_time as it came, wall: when it was taken, in Unix milliseconds, or 0: sender reports
 * say so to the other program. What nobody listens to is gone. SO_TOO_LONG: no packet takes it.
 */
so_status so_rtp_out_send(so_rtp_out *out, so_media_codec codec, const uint8_t *bytes, size_t len, uint32_t rtp_time,
                          bool marker, uint64_t wall, uint64_t now_ms) SO_MUST_CHECK;

/* Once, when another program has begun to listen to the picture: it needs a key frame. */
bool so_rtp_out_wants_key(so_rtp_out *out);

#endif
