/*
 * rtp/packet, rtp/extension, rtp/opus, rtp/reorder, rtp/stats: any bytes. What parses is written again and says the
 * same; what a reordering buffer hands out goes up by one.
 */
#include "rtp/opus.h"
#include "rtp/packet.h"
#include "rtp/reorder.h"
#include "rtp/stats.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ELEMENTS 64

static void check(bool good)
{
    if (!good)
        abort();
}

/* What the elements say must survive being written. */
static void rewrite(const so_rtp_packet *p, size_t len)
{
    so_rtp_extension es[MAX_ELEMENTS], e, first;
    so_rtp_extension_iter iter = so_rtp_extensions(p);
    size_t count = 0, cap = len + 3 * 2 * MAX_ELEMENTS + 64, out_len;
    uint8_t *out = malloc(cap);
    so_rtp_packet again;

    while (count < MAX_ELEMENTS && so_rtp_extension_next(&iter, &e)) {
        check(e.data >= p->extensions && e.data + e.len <= p->extensions + p->extensions_len);
        es[count++] = e;
    }
    check(so_rtp_write(out, cap, &out_len, p, es, count) == SO_OK);
    check(so_rtp_parse(&again, out, out_len) == SO_OK);
    check(again.marker == p->marker && again.type == p->type && again.seq == p->seq && again.ssrc == p->ssrc);
    check(again.timestamp == p->timestamp && again.csrc_count == p->csrc_count && again.padding == p->padding);
    check(again.payload_len == p->payload_len && memcmp(again.payload, p->payload, p->payload_len) == 0);
    for (size_t i = 0; i < p->csrc_count; i++)
        check(so_rtp_csrc(&again, i) == so_rtp_csrc(p, i));
    for (size_t i = 0; i < count; i++) {
        check(so_rtp_extension_get(&again, es[i].id, &e) && so_rtp_extension_get(p, es[i].id, &first));
        check(e.len == first.len && memcmp(e.data, first.data, e.len) == 0);
        check(so_rtp_extension_set(out, out_len, es[i].id, first.data, first.len) == SO_OK);
    }
    free(out);
}

static void look(const so_rtp_packet *p)
{
    so_opus_info info;
    const char *mid;
    uint8_t level;
    size_t len;
    bool voice;

    for (unsigned id = 0; id < 16; id++) {
        if (so_rtp_mid(p, (uint8_t)id, &mid, &len))
            check(len > 0 && mid[len - 1] == mid[len - 1]);
        if (so_rtp_audio_level(p, (uint8_t)id, &voice, &level))
            check(level < 128);
    }
    if (so_opus_parse(&info, p->payload, p->payload_len) != SO_OK)
        return;
    check(info.frames > 0 && info.samples <= SO_OPUS_MAX_SAMPLES);
    for (size_t i = 0; i < info.frames; i++)
        check((size_t)info.at[i] + info.len[i] <= p->payload_len);
}

static so_pool pool = {.size = 64};

/* 5 bytes an action: a number, a time, and whether to put, take or reset. */
static void reorder(const uint8_t *bytes, size_t len)
{
    so_reorder *buffer;
    so_rtp_stats stats;
    so_msec now = 0;
    so_reorder_out out;
    bool started = false;
    uint16_t next = 0;

    check(so_reorder_new(&buffer, &pool, 16, 4, 20) == SO_OK);
    so_rtp_stats_init(&stats, 1, 48000);
    for (size_t at = 0; at + 5 <= len; at += 5) {
        uint16_t seq = (uint16_t)(bytes[at] << 8 | bytes[at + 1]);
        so_rtcp_block block;
        now += bytes[at + 2];
        so_rtp_stats_packet(&stats, seq, bytes[at + 3] * 1000u, bytes[at + 4], now);
        so_rtp_stats_report(&stats, now, &block);
        if (bytes[at + 4] == 255) {
            so_reorder_reset(buffer);
            started = false;
            continue;
        }
        for (int tries = 0;; tries++) {
            so_reorder_put_result result = so_reorder_put(buffer, seq, bytes + at, bytes[at + 4] % 6, now);
            if (!started && (result == SO_REORDER_KEPT)) {
                started = true;
                next = seq;
            }
            while (so_reorder_take(buffer, now, &out) != SO_REORDER_WAIT) {
                check(out.seq == next && out.count > 0);
                next = (uint16_t)(next + out.count);
            }
            check(so_reorder_deadline(buffer) > now);
            if (result != SO_REORDER_FULL)
                break;
            check(tries == 0); /* once drained there is room */
        }
    }
    so_reorder_free(buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_rtp_packet p;

    if (so_rtp_parse(&p, bytes, len) == SO_OK) {
        rewrite(&p, len);
        look(&p);
    }
    reorder(bytes, len);
    return 0;
}
