/* RTCP feedback: which kind it is, and bounded views of what it carries. */
#include "rtp/rtcp_inside.h"

#include <string.h>

/* false: too short for what it says it is. */
static bool classify_rtpfb(uint8_t fmt, so_rtcp_feedback *out)
{
    if (fmt == SO_RTCP_FMT_NACK) {
        out->kind = SO_RTCP_NACK;
        return out->fci_len >= SO_RTCP_NACK_LEN && out->fci_len % SO_RTCP_NACK_LEN == 0;
    }
    if (fmt == SO_RTCP_FMT_TRANSPORT_CC) {
        out->kind = SO_RTCP_TRANSPORT_CC;
        return out->fci_len >= SO_RTCP_TRANSPORT_CC_LEN;
    }
    return true;
}

static bool classify_psfb(uint8_t fmt, so_rtcp_feedback *out)
{
    if (fmt == SO_RTCP_FMT_PLI) {
        out->kind = SO_RTCP_PLI;
    } else if (fmt == SO_RTCP_FMT_FIR) {
        out->kind = SO_RTCP_FIR;
        return out->fci_len >= SO_RTCP_FIR_LEN && out->fci_len % SO_RTCP_FIR_LEN == 0;
    } else if (fmt == SO_RTCP_FMT_AFB && out->fci_len >= 4 && memcmp(out->fci, "REMB", 4) == 0) {
        out->kind = SO_RTCP_REMB;
        return out->fci_len >= SO_RTCP_REMB_LEN && out->fci_len >= SO_RTCP_REMB_LEN + 4 * (size_t)out->fci[4];
    }
    return true;
}

bool so_rtcp_read_feedback(const so_rtcp_packet *packet, so_rtcp_feedback *out)
{
    so_reader r = so_reader_of(packet->body, packet->body_len);

    memset(out, 0, sizeof *out);
    if ((packet->type != SO_RTCP_RTPFB && packet->type != SO_RTCP_PSFB) || packet->body_len < SO_RTCP_COMMON_LEN)
        return false;
    out->sender = so_read_u32(&r);
    out->media = so_read_u32(&r);
    out->fci_len = so_reader_left(&r);
    out->fci = so_read_bytes(&r, out->fci_len);
    return packet->type == SO_RTCP_RTPFB ? classify_rtpfb(packet->count, out) : classify_psfb(packet->count, out);
}

bool so_rtcp_read_nack(const so_rtcp_feedback *feedback, size_t i, so_rtcp_nack *out)
{
    so_reader r = so_reader_of(feedback->fci, feedback->fci_len);

    if (feedback->kind != SO_RTCP_NACK || i >= feedback->fci_len / SO_RTCP_NACK_LEN)
        return false;
    so_read_bytes(&r, SO_RTCP_NACK_LEN * i);
    out->pid = so_read_u16(&r);
    out->others = so_read_u16(&r);
    return !r.failed;
}

bool so_rtcp_read_fir(const so_rtcp_feedback *feedback, size_t i, so_rtcp_fir *out)
{
    so_reader r = so_reader_of(feedback->fci, feedback->fci_len);

    if (feedback->kind != SO_RTCP_FIR || i >= feedback->fci_len / SO_RTCP_FIR_LEN)
        return false;
    so_read_bytes(&r, SO_RTCP_FIR_LEN * i);
    out->ssrc = so_read_u32(&r);
    out->seq = so_read_u8(&r);
    return !r.failed;
}

bool so_rtcp_read_remb(const so_rtcp_feedback *feedback, so_rtcp_remb *out)
{
    so_reader r = so_reader_of(feedback->fci, feedback->fci_len);
    uint32_t word, exponent;
    uint64_t mantissa;

    if (feedback->kind != SO_RTCP_REMB)
        return false;
    so_read_u32(&r);
    word = so_read_u32(&r);
    out->count = (uint8_t)(word >> 24);
    exponent = word >> 18 & 0x3f;
    mantissa = word & 0x3ffff;
    out->bitrate = mantissa > UINT64_MAX >> exponent ? UINT64_MAX : mantissa << exponent;
    out->ssrcs = so_read_bytes(&r, 4 * (size_t)out->count);
    return !r.failed;
}

bool so_rtcp_read_transport_cc(const so_rtcp_feedback *feedback, so_rtcp_transport_cc *out)
{
    so_reader r = so_reader_of(feedback->fci, feedback->fci_len);
    uint32_t word;

    if (feedback->kind != SO_RTCP_TRANSPORT_CC)
        return false;
    out->base = so_read_u16(&r);
    out->statuses = so_read_u16(&r);
    word = so_read_u32(&r);
    out->number = (uint8_t)word;
    word >>= 8;
    out->reference = word & 0x800000 ? (int32_t)word - 0x1000000 : (int32_t)word;
    out->chunks_len = so_reader_left(&r);
    out->chunks = so_read_bytes(&r, out->chunks_len);
    return !r.failed;
}
