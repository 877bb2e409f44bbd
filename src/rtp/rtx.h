/*
 * Retransmissions in a stream of their own (RFC 4588 §4, SSRC-multiplexed): a packet that was lost goes again under
 * another SSRC, payload type and number, with its first number in front of its payload.
 */
#ifndef SOTTO_RTP_RTX_H
#define SOTTO_RTP_RTX_H

#include "rtp/packet.h"

#define SO_RTX_OVERHEAD 2 /* bytes: the original sequence number */

/* A stream of retransmissions that we send, or what a packet came as. */
typedef struct so_rtx {
    uint32_t ssrc;
    uint8_t type;
    uint16_t seq;
} so_rtx;

/*
 * The packet in bytes, as it was sent, as rtx's; marker, timestamp, CSRCs and header extensions stay, padding goes. out
 * is not bytes. SO_TOO_LONG: cap; SO_BAD_INPUT: no RTP.
 */
so_status so_rtx_wrap(uint8_t *out, size_t cap, size_t *len, const uint8_t *bytes, size_t bytes_len,
                      const so_rtx *rtx) SO_MUST_CHECK;

/*
 * Makes the retransmission in bytes, in place, the packet that it was: of the stream ssrc, with its payload type.
 * SO_BAD_INPUT: no RTP; SO_NOT_FOUND: it has no number inside, as those that only fill a path.
 */
so_status so_rtx_unwrap(uint8_t *bytes, size_t *len, uint32_t ssrc, uint8_t type) SO_MUST_CHECK;

#endif
