#include "rtp/opus.h"

#include "base/bytes.h"

#include <string.h>

#define MAX_FRAME 1275 /* R2 */

/* Samples of a frame at 48 kHz, and the mode: RFC 6716 §3.1, table 2. */
static void read_config(so_opus_info *info, uint8_t config)
{
    static const uint16_t silk[] = {480, 960, 1920, 2880};
    static const uint16_t celt[] = {120, 240, 480, 960};

    if (config < 12) {
        info->mode = SO_OPUS_SILK;
        info->frame_samples = silk[config % 4];
    } else if (config < 16) {
        info->mode = SO_OPUS_HYBRID;
        info->frame_samples = silk[config % 2];
    } else {
        info->mode = SO_OPUS_CELT;
        info->frame_samples = celt[config % 4];
    }
}

/* §3.2.1: one byte up to 251, else the second one counts four times. */
static size_t read_frame_len(so_reader *r)
{
    size_t first = so_read_u8(r);

    return first < 252 ? first : first + 4 * (size_t)so_read_u8(r);
}

/* The padding's length bytes of §3.2.5: 255 stands for 254 and one more byte. */
static size_t read_padding(so_reader *r)
{
    size_t padding = 0;
    uint8_t b;

    do {
        b = so_read_u8(r);
        padding += b == 255 ? 254 : b;
    } while (b == 255);
    return padding;
}

/* All frames have the same length, and fill what is left (R3, R6). */
static bool split_evenly(so_opus_info *info, size_t left)
{
    if (left % info->frames != 0 || left / info->frames > MAX_FRAME)
        return false;
    for (size_t i = 0; i < info->frames; i++)
        info->len[i] = (uint16_t)(left / info->frames);
    return true;
}

/* Lengths of all frames but the last stand before them (R4, R7). padding: at the end, and no frame's. */
static bool split_by_lengths(so_opus_info *info, so_reader *r, size_t padding)
{
    size_t total = 0, left;

    for (size_t i = 0; i + 1 < info->frames; i++) {
        size_t len = read_frame_len(r);
        if (len > MAX_FRAME)
            return false;
        info->len[i] = (uint16_t)len;
        total += len;
    }
    left = so_reader_left(r);
    if (r->failed || padding > left || total > left - padding || left - padding - total > MAX_FRAME)
        return false;
    info->len[info->frames - 1] = (uint16_t)(left - padding - total);
    return true;
}

static bool split_counted(so_opus_info *info, so_reader *r)
{
    uint8_t head = so_read_u8(r);
    size_t padding = head & 0x40 ? read_padding(r) : 0;

    info->frames = head & 0x3f;
    /* R5: "the frame count M is not zero, and the audio in a packet lasts at most 120 ms" */
    if (r->failed || info->frames == 0 || info->frames * info->frame_samples > SO_OPUS_MAX_SAMPLES)
        return false;
    if (head & 0x80)
        return split_by_lengths(info, r, padding);
    return padding <= so_reader_left(r) && split_evenly(info, so_reader_left(r) - padding);
}

so_status so_opus_parse(so_opus_info *info, const uint8_t *payload, size_t len)
{
    so_reader r = so_reader_of(payload, len);
    uint8_t toc = so_read_u8(&r);
    size_t at;
    bool good;

    memset(info, 0, sizeof *info);
    if (r.failed || len > UINT16_MAX)
        return SO_BAD_INPUT;
    read_config(info, toc >> 3);
    info->stereo = toc & 4;
    info->frames = (toc & 3) == 0 ? 1 : 2;
    if ((toc & 3) < 2)
        good = split_evenly(info, so_reader_left(&r));
    else if ((toc & 3) == 2)
        good = split_by_lengths(info, &r, 0);
    else
        good = split_counted(info, &r);
    if (!good || r.failed)
        return SO_BAD_INPUT;
    info->samples = (uint16_t)(info->frames * info->frame_samples);
    info->dtx = true;
    at = len - so_reader_left(&r);
    for (size_t i = 0; i < info->frames; i++) {
        info->at[i] = (uint16_t)at;
        at += info->len[i];
        info->dtx = info->dtx && info->len[i] <= 1;
    }
    return SO_OK;
}
