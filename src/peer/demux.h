/* Which protocol a datagram belongs to, by its first bytes (RFC 7983 §7). */
#ifndef SOTTO_PEER_DEMUX_H
#define SOTTO_PEER_DEMUX_H

#include <stddef.h>
#include <stdint.h>

typedef enum so_demux { SO_DEMUX_NONE, SO_DEMUX_STUN, SO_DEMUX_DTLS, SO_DEMUX_RTP, SO_DEMUX_RTCP } so_demux;

static inline so_demux so_demux_of(const uint8_t *bytes, size_t len)
{
    if (len < 2)
        return SO_DEMUX_NONE;
    if (bytes[0] <= 3)
        return SO_DEMUX_STUN;
    if (bytes[0] >= 20 && bytes[0] <= 63)
        return SO_DEMUX_DTLS;
    if (bytes[0] < 128 || bytes[0] > 191)
        return SO_DEMUX_NONE; /* ZRTP, TURN channels, and what nobody has defined */
    /* RFC 5761 §4: RTCP's packet types are 192 to 223. */
    return bytes[1] >= 192 && bytes[1] <= 223 ? SO_DEMUX_RTCP : SO_DEMUX_RTP;
}

#endif
