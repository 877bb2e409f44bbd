#include "watch.h"

#include "base/bytes.h"
#include "peer/demux.h"

#include <string.h>

/* The first byte of a record of DTLS 1.2 (RFC 5246 §6.2.1). */
#define APPLICATION_DATA 23

#define AEAD_INDEX 4 /* RFC 7714 §9: the word of E bit and index ends the packet */
#define CM_INDEX 14  /* RFC 3711 §3.4: a tag of ten bytes follows it */

static sim_stream *stream_of(sim_world *world, sim_watch *watch, uint32_t ssrc)
{
    for (unsigned i = 0; i < watch->stream_count; i++)
        if (watch->streams[i].ssrc == ssrc)
            return &watch->streams[i];
    if (watch->stream_count == SIM_STREAMS) {
        (void)sim_blame(world, "more than %d SSRCs of one end", SIM_STREAMS);
        return NULL;
    }
    watch->streams[watch->stream_count] = (sim_stream){.ssrc = ssrc};
    return &watch->streams[watch->stream_count++];
}

/* Numbers go up by less than half the circle: so no index is used twice, however often they wrap. */
static void watch_rtp(sim_world *world, sim_watch *watch, const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);
    uint16_t seq, step;
    sim_stream *s;

    (void)so_read_u16(&r);
    seq = so_read_u16(&r);
    (void)so_read_u32(&r);
    s = stream_of(world, watch, so_read_u32(&r));
    if (s == NULL)
        return;
    step = (uint16_t)(seq - s->seq);
    if (s->rtp_known && (step == 0 || step >= 0x8000))
        (void)sim_blame(world, "an SRTP index is used twice: number %u after %u", seq, s->seq);
    s->rtp_known = true;
    s->seq = seq;
    s->rtp++;
}

static void watch_rtcp(sim_world *world, sim_watch *watch, bool aead, const uint8_t *bytes, size_t len)
{
    size_t tail = aead ? AEAD_INDEX : CM_INDEX;
    so_reader r = so_reader_of(bytes, len), end;
    uint32_t word;
    sim_stream *s;

    (void)so_read_u32(&r);
    s = stream_of(world, watch, so_read_u32(&r));
    if (s == NULL || r.failed || len < 8 + tail)
        return;
    end = so_reader_of(bytes + len - tail, 4);
    word = so_read_u32(&end);
    if ((word & 0x80000000) == 0)
        (void)sim_blame(world, "SRTCP without encryption");
    word &= 0x7fffffff;
    if (s->rtcp_known && word <= s->index)
        (void)sim_blame(world, "an SRTCP index is used twice: %u after %u", word, s->index);
    s->rtcp_known = true;
    s->index = word;
    s->rtcp++;
}

void sim_watch_out(sim_world *world, sim_watch *watch, bool open, bool aead, bool quiet, const uint8_t *bytes,
                   size_t len)
{
    so_demux kind = so_demux_of(bytes, len);

    if (memmem(bytes, len, SIM_MARKER, strlen(SIM_MARKER)) != NULL)
        (void)sim_blame(world, "a frame in the open, in a datagram of %zu bytes", len);
    if (len > 1200 + 80)
        (void)sim_blame(world, "a datagram of %zu bytes", len);
    switch (kind) {
    case SO_DEMUX_STUN:
        watch->stun++;
        return;
    case SO_DEMUX_DTLS:
        if (bytes[0] == APPLICATION_DATA) {
            watch->data++;
            if (!open)
                (void)sim_blame(world, "data from an end that is not open");
            return;
        }
        watch->dtls++;
        if (quiet && bytes[0] != 21)
            (void)sim_blame(world, "%s long after the handshake", sim_kind(bytes, len));
        return;
    case SO_DEMUX_NONE:
        (void)sim_blame(world, "a datagram of no protocol");
        return;
    default:
        break;
    }
    watch->media++;
    if (!open)
        (void)sim_blame(world, "%s from an end that is not open", sim_kind(bytes, len));
    if (kind == SO_DEMUX_RTP)
        watch_rtp(world, watch, bytes, len);
    else
        watch_rtcp(world, watch, aead, bytes, len);
}

/* ---- frames ---- */

static uint8_t next_byte(uint64_t *state)
{
    *state = *state * 6364136223846793005 + 1442695040888963407;
    return (uint8_t)(*state >> 56);
}

size_t sim_frame_fill(unsigned end, uint32_t number, uint8_t bytes[SIM_FRAME_MOST])
{
    uint64_t state = ((uint64_t)end << 32 | number) * 0x9e3779b97f4a7c15 + 1;
    size_t len = SIM_FRAME_LEAST + next_byte(&state) % 64;
    so_writer w = so_writer_of(bytes, SIM_FRAME_MOST);

    if (number % 50 == 49)
        len = SIM_FRAME_MOST;
    so_write_u8(&w, 0xf8); /* one Opus frame of 20 ms */
    so_write_text(&w, SIM_MARKER);
    so_write_u8(&w, (uint8_t)end);
    so_write_u32(&w, number);
    while (so_writer_len(&w) < len)
        so_write_u8(&w, next_byte(&state));
    return len;
}

bool sim_frame_read(unsigned end, const uint8_t *bytes, size_t len, uint32_t *number)
{
    uint8_t want[SIM_FRAME_MOST];
    so_reader r = so_reader_of(bytes, len);

    (void)so_read_bytes(&r, 1 + strlen(SIM_MARKER) + 1);
    *number = so_read_u32(&r);
    return !r.failed && sim_frame_fill(end, *number, want) == len && memcmp(want, bytes, len) == 0;
}
