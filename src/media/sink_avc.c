#include "base/bytes.h"
#include "media/sink_inside.h"

#include <string.h>

#define TYPE 0x1f
#define SPS 7
#define PPS 8
#define SET_MOST 512 /* bytes of a parameter set that is worth keeping; real ones have some dozens */

/* The next unit from *at on, which goes behind it; false: there is none. */
static bool next_unit(const uint8_t **at, const uint8_t *end, const uint8_t **unit, size_t *len)
{
    static const uint8_t start[] = {0, 0, 1};

    for (;;) {
        const uint8_t *from = memmem(*at, (size_t)(end - *at), start, sizeof start), *to;
        if (from == NULL)
            return false;
        from += sizeof start;
        to = memmem(from, (size_t)(end - from), start, sizeof start);
        *at = to == NULL ? end : to;
        to = *at;
        while (to > from && to[-1] == 0) /* of the next start code */
            to--;
        *unit = from;
        *len = (size_t)(to - from);
        if (*len > 0)
            return true;
    }
}

so_status so_sink_avc(AVPacket *packet, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = bytes + len, *unit;
    size_t total = 0, n;
    so_writer w;

    while (next_unit(&at, end, &unit, &n))
        total += 4 + n;
    if (total == 0)
        return SO_BAD_INPUT;
    if (av_new_packet(packet, (int)total) < 0)
        return SO_NO_MEMORY;
    w = so_writer_of(packet->data, total);
    for (at = bytes; next_unit(&at, end, &unit, &n);) {
        so_write_u32(&w, (uint32_t)n);
        so_write_bytes(&w, unit, n);
    }
    return SO_OK;
}

/*
 * What the head says where no picture has come yet: players that find no format at all give up on the whole file. SPS:
 * profile-level-id 42e01f, 640×360, pictures in the order of their coding, one reference. PPS: all at its simplest.
 */
static const uint8_t some_sps[] = {0x67, 0x42, 0xe0, 0x1f, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x40};
static const uint8_t some_pps[] = {0x68, 0xce, 0x38, 0x80};

static void write_set(so_writer *w, const uint8_t *set, size_t len, uint8_t count)
{
    so_write_u8(w, count);
    so_write_u16(w, (uint16_t)len);
    so_write_bytes(w, set, len);
}

so_status so_sink_avc_config(AVCodecParameters *codec, const uint8_t *bytes, size_t len)
{
    const uint8_t *at = bytes, *end = len == 0 ? bytes : bytes + len, *unit, *sps = some_sps, *pps = some_pps;
    size_t n, sps_len = sizeof some_sps, pps_len = sizeof some_pps;
    size_t room = 16 + 2 * SET_MOST;
    so_writer w;

    while (len > 0 && next_unit(&at, end, &unit, &n)) {
        if ((unit[0] & TYPE) == SPS && n >= 4 && n <= SET_MOST) {
            sps = unit;
            sps_len = n;
        } else if ((unit[0] & TYPE) == PPS && n <= SET_MOST) {
            pps = unit;
            pps_len = n;
        }
    }
    codec->extradata = av_mallocz(room + AV_INPUT_BUFFER_PADDING_SIZE);
    if (codec->extradata == NULL)
        return SO_NO_MEMORY;
    w = so_writer_of(codec->extradata, room);
    so_write_u8(&w, 1);
    so_write_bytes(&w, sps + 1, 3);    /* profile and level */
    so_write_u8(&w, 0xff);             /* lengths of 4 bytes */
    write_set(&w, sps, sps_len, 0xe1); /* one, in five bits */
    write_set(&w, pps, pps_len, 1);
    codec->extradata_size = (int)so_writer_len(&w);
    return SO_OK;
}

static bool size_of_h264(const uint8_t *bytes, size_t len, so_picture_size *size)
{
    AVCodecParserContext *parser = av_parser_init(AV_CODEC_ID_H264);
    AVCodecContext *codec = avcodec_alloc_context3(NULL);
    AVPacket *padded = av_packet_alloc(); /* with the room behind that parsers want */
    uint8_t *out;
    int out_len;

    *size = (so_picture_size){0, 0};
    if (parser != NULL && codec != NULL && padded != NULL && av_new_packet(padded, (int)len) >= 0) {
        memcpy(padded->data, bytes, len);
        codec->codec_id = AV_CODEC_ID_H264;
        codec->codec_type = AVMEDIA_TYPE_VIDEO;
        parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
        (void)av_parser_parse2(parser, codec, &out, &out_len, padded->data, padded->size, AV_NOPTS_VALUE,
                               AV_NOPTS_VALUE, 0);
        if (parser->width > 0 && parser->height > 0)
            *size = (so_picture_size){(unsigned)parser->width, (unsigned)parser->height};
    }
    av_parser_close(parser);
    avcodec_free_context(&codec);
    av_packet_free(&padded);
    return size->width > 0;
}

bool so_sink_size(so_media_codec codec, const uint8_t *bytes, size_t len, so_picture_size *size)
{
    if (codec == SO_MEDIA_H264)
        return size_of_h264(bytes, len, size);
    if (len < 10)
        return false;
    /* RFC 6386 §9.1: 14 bits each, the lowest first, behind frame tag and start code */
    size->width = (bytes[6] | (unsigned)bytes[7] << 8) & 0x3fff;
    size->height = (bytes[8] | (unsigned)bytes[9] << 8) & 0x3fff;
    return size->width > 0 && size->height > 0;
}
