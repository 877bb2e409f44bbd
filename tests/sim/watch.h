/*
 * What an eavesdropper sees of one end, held against what it may see: nothing but STUN and DTLS before that end is
 * open, no plaintext ever, no (SSRC, index) twice under one key, and no second handshake.
 */
#ifndef SOTTO_TESTS_SIM_WATCH_H
#define SOTTO_TESTS_SIM_WATCH_H

#include "world.h"

#define SIM_STREAMS 8

typedef struct sim_stream {
    uint32_t ssrc;
    bool rtp_known, rtcp_known;
    uint16_t seq;
    uint32_t index; /* of SRTCP */
    uint64_t rtp, rtcp;
} sim_stream;

typedef struct sim_watch {
    sim_stream streams[SIM_STREAMS];
    unsigned stream_count;
    uint64_t stun, dtls, data, media; /* dtls: handshakes and alerts; data: of data channels */
} sim_watch;

/* open: this end is. aead: the SRTP profile is one of GCM. quiet: handshakes are long over. */
void sim_watch_out(sim_world *world, sim_watch *watch, bool open, bool aead, bool quiet, const uint8_t *bytes,
                   size_t len);

/* ---- frames of which every one is known ---- */

#define SIM_FRAME_LEAST 24
#define SIM_FRAME_MOST 1100
/* In every frame; and in no datagram. */
#define SIM_MARKER "SOTTO-PLAINTEXT!"

/* The frame of that number of that end: always the same. Returns its length. */
size_t sim_frame_fill(unsigned end, uint32_t number, uint8_t bytes[SIM_FRAME_MOST]);
/* false: not a frame of that end, bit for bit. */
bool sim_frame_read(unsigned end, const uint8_t *bytes, size_t len, uint32_t *number);

#endif
