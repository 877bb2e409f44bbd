/*
 * RTCP (RFC 3550 §6), compound and reduced-size (RFC 5506): checked whole, then read packet by packet over views; and
 * written: reports, and feedback (RFC 4585, RFC 5104, REMB; rtp/transport_cc.h has the one for congestion control).
 */
#ifndef SOTTO_RTP_RTCP_H
#define SOTTO_RTP_RTCP_H

#include "base/bytes.h"

typedef enum so_rtcp_type {
    SO_RTCP_SR = 200,
    SO_RTCP_RR = 201,
    SO_RTCP_SDES = 202,
    SO_RTCP_BYE = 203,
    SO_RTCP_APP = 204,
    SO_RTCP_RTPFB = 205, /* RFC 4585 §6.2 */
    SO_RTCP_PSFB = 206,  /* RFC 4585 §6.3 */
    SO_RTCP_XR = 207,    /* RFC 3611 */
} so_rtcp_type;

/* Of what came on a port shared with RTP: is it RTCP? (RFC 5761 §4: the second byte is 192 to 223.) */
bool so_rtcp_is(const uint8_t *bytes, size_t len);

/* One packet of a compound; body is what follows the first 4 bytes, without padding. */
typedef struct so_rtcp_packet {
    uint8_t type;  /* a so_rtcp_type, or another: those are to be ignored (RFC 3550 §6.1) */
    uint8_t count; /* the 5 bits: reports, chunks, SSRCs, or the feedback's format */
    const uint8_t *body;
    size_t body_len;
} so_rtcp_packet;

typedef struct so_rtcp_iter {
    so_reader r;
} so_rtcp_iter;

/*
 * Checks the versions, lengths and padding of all packets (RFC 3550 A.2), then hands out an iterator. reduced: the
 * first may be of any type (RFC 5506), else it is a report. SO_BAD_INPUT: not so; none of it is to be used.
 */
so_status so_rtcp_parse(so_rtcp_iter *iter, const uint8_t *bytes, size_t len, bool reduced) SO_MUST_CHECK;
bool so_rtcp_next(so_rtcp_iter *iter, so_rtcp_packet *packet);

/* What a sender says of itself (§6.4.1). */
typedef struct so_rtcp_sender {
    uint32_t ssrc;
    uint64_t ntp; /* wall clock, 32.32 seconds since 1900 */
    uint32_t rtp; /* the same instant on the clock of the stream's timestamps */
    uint32_t packets;
    uint32_t octets;
} so_rtcp_sender;

/* What a receiver says of one source (§6.4.1). */
typedef struct so_rtcp_block {
    uint32_t ssrc;
    uint8_t fraction; /* lost since the last report, in 1/256 */
    int32_t lost;     /* since the beginning; 24 bits with sign, and negative when there were duplicates */
    uint32_t highest; /* cycles << 16 | sequence number */
    uint32_t jitter;  /* in timestamp units */
    uint32_t lsr;     /* the middle 32 bits of the last SR's ntp; 0: none came */
    uint32_t dlsr;    /* since then, in 1/65536 s */
} so_rtcp_block;

/* All readers below: false when the packet is of another kind, or too short for what it says. */
bool so_rtcp_read_sr(const so_rtcp_packet *packet, so_rtcp_sender *out);
/* The sender's SSRC of a SR, RR, RTPFB or PSFB. */
bool so_rtcp_read_ssrc(const so_rtcp_packet *packet, uint32_t *ssrc);
/* Report block i of a SR or RR, i < count. */
bool so_rtcp_read_block(const so_rtcp_packet *packet, size_t i, so_rtcp_block *out);

#define SO_RTCP_CNAME 1
/* One item of an SDES; text is no string. */
typedef struct so_rtcp_item {
    uint32_t ssrc;
    uint8_t type; /* SO_RTCP_CNAME or another */
    uint8_t len;
    const char *text;
} so_rtcp_item;
typedef struct so_rtcp_items {
    so_reader r;
    uint8_t chunks; /* that are still to come */
    bool in_chunk;
    uint32_t ssrc;
    const uint8_t *start;
} so_rtcp_items;
/* Start with so_rtcp_items_of; an SDES that is malformed somewhere ends there. */
so_rtcp_items so_rtcp_items_of(const so_rtcp_packet *packet);
bool so_rtcp_item_next(so_rtcp_items *items, so_rtcp_item *out);

/* SSRC i of a BYE, i < count. */
bool so_rtcp_read_bye(const so_rtcp_packet *packet, size_t i, uint32_t *ssrc);
/* The reason; false: none. */
bool so_rtcp_read_bye_reason(const so_rtcp_packet *packet, const char **text, size_t *len);

typedef enum so_rtcp_feedback_kind {
    SO_RTCP_OTHER_FEEDBACK,
    SO_RTCP_NACK,         /* RFC 4585 §6.2.1 */
    SO_RTCP_TRANSPORT_CC, /* draft-holmer-rmcat-transport-wide-cc-extensions-01 */
    SO_RTCP_PLI,          /* RFC 4585 §6.3.1 */
    SO_RTCP_FIR,          /* RFC 5104 §4.3.1 */
    SO_RTCP_REMB,         /* draft-alvestrand-rmcat-remb-03 */
} so_rtcp_feedback_kind;

typedef struct so_rtcp_feedback {
    so_rtcp_feedback_kind kind;
    uint32_t sender;
    uint32_t media;     /* 0 in FIR and REMB, which name their SSRCs inside */
    const uint8_t *fci; /* checked to be long enough, and whole, for its kind */
    size_t fci_len;
} so_rtcp_feedback;
bool so_rtcp_read_feedback(const so_rtcp_packet *packet, so_rtcp_feedback *out);

/* NACK i: the packet pid is missing, and pid + 1 + n for each bit n of others. */
typedef struct so_rtcp_nack {
    uint16_t pid, others;
} so_rtcp_nack;
bool so_rtcp_read_nack(const so_rtcp_feedback *feedback, size_t i, so_rtcp_nack *out);

typedef struct so_rtcp_fir {
    uint32_t ssrc;
    uint8_t seq; /* a command with the same number is a repetition */
} so_rtcp_fir;
bool so_rtcp_read_fir(const so_rtcp_feedback *feedback, size_t i, so_rtcp_fir *out);

typedef struct so_rtcp_remb {
    uint64_t bitrate; /* bits per second; UINT64_MAX if it does not fit */
    uint8_t count;
    const uint8_t *ssrcs; /* count of them, 4 bytes each, network order */
} so_rtcp_remb;
bool so_rtcp_read_remb(const so_rtcp_feedback *feedback, so_rtcp_remb *out);

typedef struct so_rtcp_transport_cc {
    uint16_t base;         /* the first transport-wide number */
    uint16_t statuses;     /* how many packets it tells of */
    int32_t reference;     /* in 64 ms, 24 bits with sign */
    uint8_t number;        /* of this feedback */
    const uint8_t *chunks; /* status chunks, then deltas: rtp/transport_cc.h reads them */
    size_t chunks_len;
} so_rtcp_transport_cc;
bool so_rtcp_read_transport_cc(const so_rtcp_feedback *feedback, so_rtcp_transport_cc *out);

/* Writers: each adds one packet. count at most 31; a writer that is full has failed, as base/bytes.h says. */
void so_rtcp_write_sr(so_writer *w, const so_rtcp_sender *sender, const so_rtcp_block *blocks, size_t count);
void so_rtcp_write_rr(so_writer *w, uint32_t ssrc, const so_rtcp_block *blocks, size_t count);
/* One chunk with a CNAME of at most 255 bytes. */
void so_rtcp_write_cname(so_writer *w, uint32_t ssrc, const char *cname);
/* reason: NULL, or at most 255 bytes. */
void so_rtcp_write_bye(so_writer *w, const uint32_t *ssrcs, size_t count, const char *reason);

/* Feedback; sender is an SSRC of ours, media the stream that it is about. */
/* missing: in the order of their circle. As many pairs as it takes. */
void so_rtcp_write_nack(so_writer *w, uint32_t sender, uint32_t media, const uint16_t *missing, size_t count);
void so_rtcp_write_pli(so_writer *w, uint32_t sender, uint32_t media);
void so_rtcp_write_fir(so_writer *w, uint32_t sender, const so_rtcp_fir *firs, size_t count);
/* For all of ssrcs together, at most 255; the rate is rounded down to 18 bits. */
void so_rtcp_write_remb(so_writer *w, uint32_t sender, uint64_t bitrate, const uint32_t *ssrcs, size_t count);

#endif
