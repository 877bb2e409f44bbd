/* Feedback that asks: for packets, for a picture, for another rate. */
#include "rtp/rtcp_inside.h"

#define REMB_MANTISSA 0x3ffff /* 18 bits */
#define REMB_SSRCS 255        /* 8 bits */

size_t so_rtcp_feedback_begin(so_writer *w, uint32_t sender, uint32_t media)
{
    size_t begun = so_writer_len(w);

    so_write_u32(w, 0);
    so_write_u32(w, sender);
    so_write_u32(w, media);
    return begun;
}

void so_rtcp_feedback_end(so_writer *w, size_t begun, so_rtcp_type type, size_t format)
{
    so_writer header;

    while (!w->failed && (so_writer_len(w) - begun) % 4 != 0)
        so_write_u8(w, 0);
    if (w->failed)
        return;
    header = so_writer_of(w->start + begun, SO_RTCP_HEADER_LEN);
    so_rtcp_write_header(&header, type, format, so_writer_len(w) - begun - SO_RTCP_HEADER_LEN);
}

void so_rtcp_write_nack(so_writer *w, uint32_t sender, uint32_t media, const uint16_t *missing, size_t count)
{
    size_t begun = so_rtcp_feedback_begin(w, sender, media), i = 0;

    if (count == 0) /* RFC 4585 §6.2.1: "MUST contain at least one" */
        w->failed = true;
    while (i < count && !w->failed) {
        uint16_t pid = missing[i++], others = 0;

        while (i < count && (uint16_t)(missing[i] - pid - 1) < 16)
            others |= (uint16_t)(1u << (uint16_t)(missing[i++] - pid - 1));
        so_write_u16(w, pid);
        so_write_u16(w, others);
    }
    so_rtcp_feedback_end(w, begun, SO_RTCP_RTPFB, SO_RTCP_FMT_NACK);
}

void so_rtcp_write_pli(so_writer *w, uint32_t sender, uint32_t media)
{
    so_rtcp_feedback_end(w, so_rtcp_feedback_begin(w, sender, media), SO_RTCP_PSFB, SO_RTCP_FMT_PLI);
}

void so_rtcp_write_fir(so_writer *w, uint32_t sender, const so_rtcp_fir *firs, size_t count)
{
    size_t begun = so_rtcp_feedback_begin(w, sender, 0); /* RFC 5104 §4.3.1.2: the media SSRC is 0 */

    if (count == 0)
        w->failed = true;
    for (size_t i = 0; i < count && !w->failed; i++) {
        so_write_u32(w, firs[i].ssrc);
        so_write_u32(w, (uint32_t)firs[i].seq << 24);
    }
    so_rtcp_feedback_end(w, begun, SO_RTCP_PSFB, SO_RTCP_FMT_FIR);
}

void so_rtcp_write_remb(so_writer *w, uint32_t sender, uint64_t bitrate, const uint32_t *ssrcs, size_t count)
{
    size_t begun = so_rtcp_feedback_begin(w, sender, 0);
    uint32_t exponent = 0;

    if (count > REMB_SSRCS)
        w->failed = true;
    while (bitrate >> exponent > REMB_MANTISSA)
        exponent++;
    so_write_text(w, "REMB");
    so_write_u32(w, (uint32_t)count << 24 | exponent << 18 | (uint32_t)(bitrate >> exponent));
    for (size_t i = 0; i < count && !w->failed; i++)
        so_write_u32(w, ssrcs[i]);
    so_rtcp_feedback_end(w, begun, SO_RTCP_PSFB, SO_RTCP_FMT_AFB);
}
