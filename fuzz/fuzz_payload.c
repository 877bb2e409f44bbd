/*
 * rtp/payload, rtp/red: any bytes as payloads, and any bytes as frames. A frame that is cut and put together again is
 * what it was, but for the forms that start codes may have; a payload never makes a frame over its bound.
 */
#include "rtp/payload.h"
#include "rtp/red.h"

#include <stdlib.h>
#include <string.h>

#define CAP 20000

static void check(bool good)
{
    if (!good)
        abort();
}

/* Cuts a frame and puts it together; its length in out, 0: it is none, or not for this format. */
static size_t there_and_back(so_rtp_format format, const uint8_t *frame, size_t len, size_t max, uint8_t out[2 * CAP])
{
    so_rtp_join *join;
    so_rtp_split split;
    so_rtp_frame whole = {0};
    so_rtp_joined joined = SO_RTP_JOIN_MORE;
    uint8_t *payload = malloc(max);
    size_t payload_len, count = 0;
    bool last = false;

    check(payload != NULL && so_rtp_join_new(&join, format, (size_t)2 * CAP) == SO_OK);
    if (so_rtp_split_begin(&split, format, frame, len, max, 7) == SO_OK) {
        while (so_rtp_split_next(&split, payload, &payload_len, &last)) {
            so_rtp_packet packet = {.payload = payload, .payload_len = payload_len, .timestamp = 1, .marker = last};

            check(payload_len > 0 && payload_len <= max && joined == SO_RTP_JOIN_MORE);
            joined = so_rtp_join_put(join, &packet, false, &whole);
            check(++count <= len + 1);
        }
        check(last && count > 0);
    }
    len = joined == SO_RTP_JOIN_FRAME ? whole.len : 0;
    if (len > 0)
        memcpy(out, whole.bytes, len);
    so_rtp_join_free(join);
    free(payload);
    return len;
}

static void cut(so_rtp_format format, size_t max, const uint8_t *bytes, size_t len)
{
    static uint8_t once[2 * CAP], twice[2 * CAP];
    size_t first, second;

    if (len > CAP / 2)
        return;
    first = there_and_back(format, bytes, len, max, once);
    if (first == 0)
        return;
    if (format == SO_RTP_WHOLE || format == SO_RTP_VP8)
        check(first == len && memcmp(once, bytes, len) == 0);
    second = there_and_back(format, once, first, max, twice);
    check(second == first && memcmp(once, twice, first) == 0);
    check(so_rtp_is_key(format, once, first) == so_rtp_is_key(format, twice, second));
}

/* Each payload after a byte of what goes with it and two of its length. */
static void put(so_rtp_format format, const uint8_t *bytes, size_t len)
{
    so_reader r = so_reader_of(bytes, len);
    so_rtp_join *join;
    uint32_t timestamp = 0;

    check(so_rtp_join_new(&join, format, CAP) == SO_OK);
    while (so_reader_left(&r) > 0) {
        uint8_t how = so_read_u8(&r);
        size_t payload_len = so_read_u16(&r) % 1500;
        const uint8_t *at = so_read_bytes(&r, payload_len);
        so_rtp_packet packet;
        so_rtp_frame frame;
        so_rtp_joined joined;
        uint8_t *copy;

        if (r.failed)
            break;
        copy = malloc(payload_len + 1);
        check(copy != NULL);
        memcpy(copy, at, payload_len);
        timestamp += how >> 4 & 1;
        packet = (so_rtp_packet){
            .payload = copy, .payload_len = payload_len, .timestamp = timestamp, .marker = (how & 1) != 0};
        if ((how & 0xc0) == 0xc0)
            so_rtp_join_reset(join, format);
        joined = so_rtp_join_put(join, &packet, (how & 2) != 0, &frame);
        check(joined == SO_RTP_JOIN_MORE || format == SO_RTP_WHOLE || (frame.len > 0 && frame.len <= CAP));
        if (joined == SO_RTP_JOIN_BEFORE)
            check(so_rtp_join_put(join, &packet, false, &frame) != SO_RTP_JOIN_BEFORE);
        free(copy);
    }
    so_rtp_join_free(join);
}

static void redundant(const uint8_t *bytes, size_t len)
{
    uint8_t out[CAP];
    so_writer w = so_writer_of(out, sizeof out);
    so_red red, again;

    if (len > CAP || so_red_parse(&red, bytes, len) != SO_OK)
        return;
    check(red.count > 0 && red.count <= SO_RED_BLOCKS && red.blocks[red.count - 1].len > 0);
    so_red_write(&w, &red);
    check(!w.failed && so_writer_len(&w) == len && memcmp(out, bytes, len) == 0);
    check(so_red_parse(&again, out, len) == SO_OK && again.count == red.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    so_rtp_format format;

    if (len < 2)
        return 0;
    format = (so_rtp_format)(bytes[0] & 3);
    if ((bytes[0] & 0x80) != 0)
        cut(format, SO_RTP_PAYLOAD_LEAST + bytes[1] * 5, bytes + 2, len - 2);
    else if ((bytes[0] & 0x40) != 0)
        redundant(bytes + 2, len - 2);
    else
        put(format, bytes + 2, len - 2);
    return 0;
}
