/* What readers and writers of RTCP share, and nobody else may know. */
#ifndef SOTTO_RTP_RTCP_INSIDE_H
#define SOTTO_RTP_RTCP_INSIDE_H

#include "rtp/rtcp.h"

#define SO_RTCP_HEADER_LEN 4
#define SO_RTCP_COMMON_LEN 8 /* of feedback: two SSRCs (RFC 4585 §6.1) */

/* The 5 bits of RTPFB and PSFB. */
#define SO_RTCP_FMT_NACK 1
#define SO_RTCP_FMT_TRANSPORT_CC 15
#define SO_RTCP_FMT_PLI 1
#define SO_RTCP_FMT_FIR 4
#define SO_RTCP_FMT_AFB 15

/* Bytes of an entry; of REMB and transport-cc: what stands before their lists. */
#define SO_RTCP_NACK_LEN 4
#define SO_RTCP_FIR_LEN 8
#define SO_RTCP_REMB_LEN 8
#define SO_RTCP_TRANSPORT_CC_LEN 8

/* body: bytes after the header, a multiple of 4. */
void so_rtcp_write_header(so_writer *w, so_rtcp_type type, size_t count, size_t body);

/* Feedback whose length shows at its end: the first leaves room for the header, the second goes back and fills it. */
size_t so_rtcp_feedback_begin(so_writer *w, uint32_t sender, uint32_t media);
void so_rtcp_feedback_end(so_writer *w, size_t begun, so_rtcp_type type, size_t format);

#endif
