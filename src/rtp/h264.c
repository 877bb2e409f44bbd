/* H.264 over RTP (RFC 6184): NAL units alone (§5.6), several in one packet (§5.7.1), and one in several (§5.8). */
#include "rtp/payload_inside.h"

#include <string.h>

/* NAL unit types: H.264 table 7-1, and RFC 6184 §5.2 */
#define SLICE 1
#define IDR 5
#define SPS 7
#define PPS 8
#define DELIMITER 9
#define LAST_PLAIN 23
#define STAP_A 24
#define FU_A 28

#define TYPE 0x1f
#define NRI 0x60
#define FORBIDDEN 0x80
#define FU_START 0x80
#define FU_END 0x40

static const uint8_t start_code[] = {0, 0, 0, 1};

static unsigned type_of(const uint8_t *nal)
{
    return nal[0] & TYPE;
}

/* The next NAL unit of Annex B from *at on, which goes behind it; false: there is none. */
static bool next_unit(const uint8_t **at, const uint8_t *end, const uint8_t **nal, const uint8_t **nal_end)
{
    do {
        const uint8_t *from = memmem(*at, (size_t)(end - *at), start_code + 1, 3), *to;
        if (from == NULL)
            return false;
        from += 3;
        to = memmem(from, (size_t)(end - from), start_code + 1, 3);
        *at = to == NULL ? end : to;
        *nal = from;
        *nal_end = *at;
        while (*nal_end > from && (*nal_end)[-1] == 0) /* of the next start code, and trailing_zero_8bits */
            (*nal_end)--;
    } while (*nal == *nal_end || type_of(*nal) == 0 || type_of(*nal) > LAST_PLAIN); /* those are RTP's own */
    return true;
}

bool so_h264_is_key(const uint8_t *frame, size_t len)
{
    const uint8_t *at = frame, *end = frame + len, *nal, *nal_end;

    while (next_unit(&at, end, &nal, &nal_end))
        if (type_of(nal) == IDR)
            return true;
    return false;
}

/* ---- to payloads ---- */

static void load(so_rtp_split *s)
{
    if (!next_unit(&s->at, s->end, &s->nal, &s->nal_end))
        s->nal = s->nal_end = NULL;
}

static size_t left(const so_rtp_split *s)
{
    return (size_t)(s->nal_end - s->nal);
}

so_status so_h264_split_begin(so_rtp_split *s)
{
    const uint8_t *at = s->at, *nal, *nal_end;

    while (s->format == SO_RTP_H264_SINGLE && next_unit(&at, s->end, &nal, &nal_end))
        if ((size_t)(nal_end - nal) > s->max)
            return SO_TOO_LONG;
    load(s);
    return s->nal == NULL ? SO_BAD_INPUT : SO_OK;
}

/* §5.8 */
static void write_piece(so_rtp_split *s, so_writer *w)
{
    bool first = !s->cut;
    size_t len;

    if (first)
        s->nal_header = *s->nal++;
    len = so_rtp_piece(left(s), s->pieces);
    s->pieces--;
    s->cut = s->pieces > 0;
    so_write_u8(w, (uint8_t)((s->nal_header & (FORBIDDEN | NRI)) | FU_A));
    so_write_u8(w, (uint8_t)((first ? FU_START : 0) | (s->pieces == 0 ? FU_END : 0) | (s->nal_header & TYPE)));
    so_write_bytes(w, s->nal, len);
    s->nal += len;
    if (s->pieces == 0)
        load(s);
}

/* How many units from this one on share a packet (§5.7.1), and the header that they have. */
static unsigned count_shared(const so_rtp_split *s, uint8_t *header)
{
    const uint8_t *at = s->at, *nal = s->nal, *nal_end = s->nal_end;
    size_t total = 1;
    unsigned count = 0;

    *header = STAP_A;
    do {
        total += 2 + (size_t)(nal_end - nal);
        if (total > s->max)
            break;
        count++;
        *header |= nal[0] & FORBIDDEN;
        if ((nal[0] & NRI) > (*header & NRI))
            *header = (uint8_t)((*header & ~NRI) | (nal[0] & NRI));
    } while (next_unit(&at, s->end, &nal, &nal_end));
    return count;
}

void so_h264_split_next(so_rtp_split *s, so_writer *w, bool *last)
{
    uint8_t header;
    unsigned count;

    if (s->pieces == 0 && left(s) > s->max)
        s->pieces = (left(s) - 1 + s->max - 2 - 1) / (s->max - 2);
    if (s->pieces > 0) {
        write_piece(s, w);
    } else if (s->format == SO_RTP_H264 && (count = count_shared(s, &header)) > 1) {
        so_write_u8(w, header);
        for (; count > 0; count--, load(s)) {
            so_write_u16(w, (uint16_t)left(s));
            so_write_bytes(w, s->nal, left(s));
        }
    } else {
        so_write_bytes(w, s->nal, left(s));
        load(s);
    }
    *last = s->nal == NULL;
}

/* ---- and back ---- */

/*
 * Can a frame begin with this unit? Nothing in the payload says so, as VP8's descriptor does. What comes before slices
 * can; of slices the first one has first_mb_in_slice 0 (H.264 §7.3.3), whose code is a single 1 bit.
 */
static bool may_begin(unsigned type, const uint8_t *data, size_t len)
{
    if (type == SLICE || type == IDR)
        return len > 0 && (data[0] & 0x80) != 0;
    return type >= 6 && type <= DELIMITER; /* SEI, parameter sets, delimiter */
}

static bool begin_unit(so_rtp_join *j, uint8_t header, const uint8_t *data, size_t len)
{
    unsigned type = header & TYPE;

    if (j->len == 0 && !may_begin(type, data, len))
        return false;
    /* What is missing before an IDR picture that comes without parameter sets may well be those. */
    if (j->len == 0 && type == IDR && j->gap)
        return false;
    if (type == SPS || type == PPS)
        j->sets = true;
    if (type == IDR && j->sets)
        j->key = true;
    return so_rtp_join_add(j, start_code, sizeof start_code) && so_rtp_join_add(j, &header, 1) &&
           so_rtp_join_add(j, data, len);
}

static bool take_shared(so_rtp_join *j, so_reader *r)
{
    while (so_reader_left(r) > 0) {
        size_t len = so_read_u16(r);
        const uint8_t *nal = so_read_bytes(r, len);

        if (r->failed || len == 0 || type_of(nal) == 0 || type_of(nal) > LAST_PLAIN ||
            !begin_unit(j, nal[0], nal + 1, len - 1))
            return false;
    }
    return true;
}

static bool take_piece(so_rtp_join *j, uint8_t indicator, so_reader *r)
{
    uint8_t header = so_read_u8(r);
    size_t len = so_reader_left(r);
    const uint8_t *data = so_read_bytes(r, len);
    bool start = (header & FU_START) != 0, ends = (header & FU_END) != 0;

    if (r->failed || len == 0 || (start && ends) || start == j->in_unit || (header & TYPE) == 0 ||
        (header & TYPE) > LAST_PLAIN || (!start && j->unit != (header & TYPE)))
        return false;
    j->unit = header & TYPE;
    j->in_unit = !ends;
    if (start)
        return begin_unit(j, (uint8_t)((indicator & (FORBIDDEN | NRI)) | j->unit), data, len);
    return so_rtp_join_add(j, data, len);
}

bool so_h264_join(so_rtp_join *j, const uint8_t *payload, size_t len)
{
    so_reader r = so_reader_of(payload, len);
    uint8_t first = so_read_u8(&r);
    unsigned type = first & TYPE;

    if (r.failed)
        return false;
    if (type == FU_A)
        return take_piece(j, first, &r);
    if (j->in_unit)
        return false;
    if (type == STAP_A)
        return so_reader_left(&r) > 0 && take_shared(j, &r);
    return type > 0 && type <= LAST_PLAIN && begin_unit(j, first, payload + 1, len - 1);
}
