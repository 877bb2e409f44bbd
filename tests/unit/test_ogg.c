/* media/: Opus packets go into a file and come out of it as they were, and sound as they should. */
#include "unit.h"

#include "media/level.h"
#include "media/ogg.h"
#include "media/tone.h"

#include <errno.h>
#include <libavformat/avformat.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FRAME 960

static char folder[64];
static char path[128];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof folder, "/tmp/sotto-ogg-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/call.ogg", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder);
}

static so_media_tone *tone_of(void)
{
    so_media_tone *tone;
    so_error err = {0};

    if (so_media_tone_make(&tone, &err) != SO_OK)
        fail_msg("%s", err.text);
    return tone;
}

static so_media_out *out_of(unsigned channels)
{
    so_media_out *out;

    assert_int_equal(so_media_out_open(&out, path, channels, NULL), SO_OK);
    return out;
}

static void put(so_media_out *out, so_media_packet packet, uint32_t timestamp)
{
    assert_int_equal(so_media_out_write(out, packet.bytes, packet.len, timestamp, NULL), SO_OK);
}

static size_t read_file(uint8_t *bytes, size_t cap)
{
    FILE *in = fopen(path, "rb");
    size_t len;

    assert_non_null(in);
    len = fread(bytes, 1, cap, in);
    (void)fclose(in);
    return len;
}

static void write_file(const void *bytes, size_t len)
{
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    (void)fclose(out);
}

typedef struct page {
    uint8_t flags;
    uint64_t granule;
    size_t packets; /* that end on it */
} page;

/* The pages of the file, as RFC 3533 §6 has them. */
static size_t pages_of(page *pages, size_t cap)
{
    static uint8_t bytes[1 << 20];
    size_t len = read_file(bytes, sizeof bytes), n = 0;

    for (size_t at = 0; at + 27 <= len && n < cap; n++) {
        size_t segments = bytes[at + 26], body = 0;
        assert_memory_equal(bytes + at, "OggS\0", 5);
        pages[n] = (page){.flags = bytes[at + 5]};
        for (size_t i = 0; i < 8; i++)
            pages[n].granule |= (uint64_t)bytes[at + 6 + i] << 8 * i;
        for (size_t i = 0; i < segments; i++) {
            body += bytes[at + 27 + i];
            pages[n].packets += bytes[at + 27 + i] < 255;
        }
        at += 27 + segments + body;
        assert_true(at <= len);
    }
    return n;
}

static void a_tone_is_a_tone_and_repeats(void **state)
{
    so_media_tone *tone = tone_of();
    so_media_level *level;
    so_media_packet first;
    double rms;

    (void)state;
    assert_int_equal(so_media_level_make(&level, NULL), SO_OK);
    for (unsigned i = 0; i < 120; i++) {
        so_media_packet packet = so_media_tone_next(tone);
        if (i == 0)
            first = packet;
        assert_ptr_equal(i % 50 == 0 ? packet.bytes : first.bytes, first.bytes);
        assert_int_equal(packet.samples, FRAME);
        assert_int_equal(so_media_level_take(level, packet.bytes, packet.len, &rms), SO_OK);
        /* a sine of a quarter of full scale: 0.25 / sqrt 2 is 0.177; also where the second begins anew */
        if (i > 5)
            assert_true(rms > 0.15 && rms < 0.20);
    }
    so_media_level_free(level);
    so_media_tone_free(tone);
}

static void silence_is_silent_and_noise_no_packet(void **state)
{
    static const uint8_t silence[] = {0xf8, 0xff, 0xfe}; /* CELT, 20 ms, mono, as encoders write nothing */
    static const uint8_t broken[] = {0xff};
    so_media_level *level;
    double rms = 1;

    (void)state;
    assert_int_equal(so_media_level_make(&level, NULL), SO_OK);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(so_media_level_take(level, silence, sizeof silence, &rms), SO_OK);
    assert_true(rms < 0.001);
    assert_int_equal(so_media_level_take(level, broken, sizeof broken, &rms), SO_BAD_INPUT);
    assert_int_equal(so_media_level_take(level, broken, 0, &rms), SO_BAD_INPUT);
    assert_int_equal(so_media_level_take(level, silence, sizeof silence, &rms), SO_OK);
    so_media_level_free(level);
}

static void what_goes_in_comes_out(void **state)
{
    so_media_tone *tone = tone_of(), *again = tone_of();
    so_media_out *out = out_of(2);
    so_media_in *in;
    so_media_packet packet;
    struct stat st;

    (void)state;
    for (uint32_t i = 0; i < 175; i++)
        put(out, so_media_tone_next(tone), 4294960000u + i * FRAME); /* over the end of 32 bits */
    assert_int_equal(so_media_out_close(out, NULL), SO_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(so_media_in_open(&in, path, NULL), SO_OK);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 175; i++) {
            so_media_packet want = so_media_tone_next(again);
            assert_int_equal(so_media_in_next(in, &packet, NULL), SO_OK);
            assert_int_equal(packet.samples, FRAME);
            assert_int_equal(packet.len, want.len);
            assert_memory_equal(packet.bytes, want.bytes, want.len);
        }
        assert_int_equal(so_media_in_next(in, &packet, NULL), SO_NOT_FOUND);
        assert_int_equal(so_media_in_next(in, &packet, NULL), SO_STATE);
        assert_int_equal(so_media_in_rewind(in, NULL), SO_OK);
        for (unsigned i = 0; i < 25; i++)
            (void)so_media_tone_next(again);
    }
    so_media_in_close(in);
    so_media_tone_free(tone);
    so_media_tone_free(again);
}

static void the_head_is_that_of_RFC_7845(void **state)
{
    static const uint8_t head[] = {'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, 1, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0};
    static uint8_t bytes[4096];
    so_media_tone *tone = tone_of();
    so_media_out *out = out_of(1);
    page pages[16];
    size_t n;

    (void)state;
    for (uint32_t i = 0; i < 60; i++)
        put(out, so_media_tone_next(tone), i * FRAME);
    assert_int_equal(so_media_out_close(out, NULL), SO_OK);
    (void)read_file(bytes, sizeof bytes);
    assert_memory_equal(bytes + 28, head, sizeof head);
    n = pages_of(pages, 16);
    assert_int_equal(pages[0].flags, 2); /* begins */
    assert_int_equal(pages[0].granule, 0);
    assert_int_equal(pages[1].granule, 0);
    assert_int_equal(pages[n - 1].flags & 4, 4); /* ends */
    assert_int_equal(pages[n - 1].granule, 60 * FRAME);
    for (size_t i = 3; i < n; i++)
        assert_true(pages[i].granule - pages[i - 1].granule <= 24000);
    so_media_tone_free(tone);
}

static void a_gap_keeps_the_time_of_what_follows(void **state)
{
    so_media_tone *tone = tone_of();
    so_media_out *out = out_of(1);
    page pages[16];
    size_t n, packets = 0;

    (void)state;
    for (uint32_t i = 0; i < 5; i++)
        put(out, so_media_tone_next(tone), i * FRAME);
    for (uint32_t i = 100; i < 105; i++) /* 1.9 s are missing */
        put(out, so_media_tone_next(tone), i * FRAME);
    put(out, so_media_tone_next(tone), 104 * FRAME); /* again, and late: passed over */
    put(out, so_media_tone_next(tone), 90 * FRAME);
    put(out, so_media_tone_next(tone), 4000000000u); /* of another stream: right behind */
    assert_int_equal(so_media_out_close(out, NULL), SO_OK);
    n = pages_of(pages, 16);
    assert_int_equal(pages[2].granule, 5 * FRAME);
    assert_int_equal(pages[2].packets, 5);
    assert_int_equal(pages[3].granule, 101 * FRAME);
    assert_int_equal(pages[3].packets, 1);
    assert_int_equal(pages[n - 1].granule, 106 * FRAME);
    for (size_t i = 2; i < n; i++)
        packets += pages[i].packets;
    assert_int_equal(packets, 11);
    so_media_tone_free(tone);
}

static void a_file_that_was_never_closed_plays(void **state)
{
    static uint8_t bytes[1 << 16];
    so_media_tone *tone = tone_of();
    so_media_out *out = out_of(1);
    so_media_in *in;
    so_media_packet packet;
    size_t len, count = 0;

    (void)state;
    for (uint32_t i = 0; i < 140; i++)
        put(out, so_media_tone_next(tone), i * FRAME);
    len = read_file(bytes, sizeof bytes);
    assert_int_equal(so_media_out_close(out, NULL), SO_OK);
    write_file(bytes, len);
    assert_int_equal(so_media_in_open(&in, path, NULL), SO_OK);
    while (so_media_in_next(in, &packet, NULL) == SO_OK)
        count++;
    assert_true(count > 140 - 50); /* no more than a second is lost */
    so_media_in_close(in);
    write_file(bytes, len - 37); /* and cut anywhere */
    assert_int_equal(so_media_in_open(&in, path, NULL), SO_OK);
    while (so_media_in_next(in, &packet, NULL) == SO_OK)
        count--;
    assert_true(count < 50);
    so_media_in_close(in);
    so_media_tone_free(tone);
}

static void what_is_no_packet_is_not_written(void **state)
{
    static const uint8_t broken[] = {0xff};
    so_media_tone *tone = tone_of();
    so_media_out *out = out_of(1);
    so_media_in *in;
    so_media_packet packet;
    so_error err = {0};

    (void)state;
    put(out, so_media_tone_next(tone), 0);
    assert_int_equal(so_media_out_write(out, broken, sizeof broken, FRAME, &err), SO_BAD_INPUT);
    assert_int_equal(so_media_out_write(out, broken, 0, FRAME, &err), SO_BAD_INPUT);
    assert_string_equal(err.layer, "media");
    put(out, so_media_tone_next(tone), FRAME);
    assert_int_equal(so_media_out_close(out, NULL), SO_OK);
    assert_int_equal(so_media_in_open(&in, path, NULL), SO_OK);
    assert_int_equal(so_media_in_next(in, &packet, NULL), SO_OK);
    assert_int_equal(so_media_in_next(in, &packet, NULL), SO_OK);
    assert_int_equal(so_media_in_next(in, &packet, NULL), SO_NOT_FOUND);
    so_media_in_close(in);
    so_media_tone_free(tone);
}

static void refuses(const char *name, so_status status, const char *says)
{
    so_media_in *in;
    so_error err = {0};

    assert_int_equal(so_media_in_open(&in, name, &err), status);
    assert_null(in);
    if (strstr(err.text, says) == NULL)
        fail_msg("%s", err.text);
}

/* One second of nothing, 8 kHz, 16 bit. */
static void write_wav(void)
{
    static uint8_t wav[44 + 16000] =
        "RIFF\xa4\x3e\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x80\x3e\0";

    write_file(wav, sizeof wav);
}

static void what_can_not_be_sent_is_told_with_a_remedy(void **state)
{
    so_media_out *out;
    so_error err = {0};

    (void)state;
    refuses("/nonexistent/file.ogg", SO_IO, "No such file");
    refuses(folder, SO_IO, "can't be opened");
    refuses("http://192.0.2.1/x.ogg", SO_IO, "No such file"); /* a name of a file, whatever it looks like */
    write_file("no sound at all", 15);
    refuses(path, SO_BAD_INPUT, "ffmpeg -i FILE");
    write_wav();
    refuses(path, SO_BAD_INPUT, "holds pcm_s16le");
    refuses(path, SO_BAD_INPUT, "ffmpeg -i FILE");
    write_file("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n", 56);
    refuses(path, SO_BAD_INPUT, "no sound file");
    assert_int_equal(so_media_out_open(&out, "/nonexistent/call.ogg", 1, &err), SO_IO);
    assert_null(out);
    assert_non_null(strstr(err.text, "/nonexistent/call.ogg"));
    assert_non_null(strstr(err.text, "No such file"));
}

static void a_full_disk_is_told(void **state)
{
    so_media_tone *tone = tone_of();
    so_media_packet packet = so_media_tone_next(tone);
    so_media_out *out;
    so_error err = {0};
    so_status status = SO_OK;

    (void)state;
    if (so_media_out_open(&out, "/dev/full", 1, &err) == SO_OK) {
        for (uint32_t i = 0; i < 200 && status == SO_OK; i++)
            status = so_media_out_write(out, packet.bytes, packet.len, i * FRAME, &err);
        assert_int_equal(status, SO_IO);
        assert_int_equal(so_media_out_write(out, packet.bytes, packet.len, 300 * FRAME, &err), SO_IO);
        assert_int_equal(so_media_out_close(out, &err), SO_IO);
    }
    assert_non_null(strstr(err.text, "No space left"));
    so_media_tone_free(tone);
}

/* Opus in another box than Ogg: what browsers record. */
static void write_webm(so_media_tone *tone)
{
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    AVStream *stream;

    assert_non_null(packet);
    assert_true(avformat_alloc_output_context2(&format, NULL, "webm", path) >= 0);
    stream = avformat_new_stream(format, NULL);
    assert_non_null(stream);
    stream->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    stream->codecpar->codec_id = AV_CODEC_ID_OPUS;
    stream->codecpar->sample_rate = 48000;
    av_channel_layout_default(&stream->codecpar->ch_layout, 1);
    stream->codecpar->extradata = av_mallocz(19 + AV_INPUT_BUFFER_PADDING_SIZE);
    assert_non_null(stream->codecpar->extradata);
    memcpy(stream->codecpar->extradata, "OpusHead\1\1\x38\1\x80\xbb\0\0\0\0", 18);
    stream->codecpar->extradata_size = 19;
    assert_true(avio_open(&format->pb, path, AVIO_FLAG_WRITE) >= 0);
    assert_true(avformat_write_header(format, NULL) >= 0);
    for (int i = 0; i < 20; i++) {
        so_media_packet from = so_media_tone_next(tone);
        assert_true(av_new_packet(packet, (int)from.len) >= 0);
        memcpy(packet->data, from.bytes, from.len);
        packet->pts = packet->dts = i * 20;
        packet->duration = 20;
        packet->flags = AV_PKT_FLAG_KEY;
        assert_true(av_write_frame(format, packet) >= 0);
        av_packet_unref(packet);
    }
    assert_true(av_write_trailer(format) >= 0);
    (void)avio_closep(&format->pb);
    avformat_free_context(format);
    av_packet_free(&packet);
}

static void opus_in_webm_is_read_too(void **state)
{
    so_media_tone *tone = tone_of(), *again = tone_of();
    so_media_in *in;
    so_media_packet packet;

    (void)state;
    write_webm(tone);
    assert_int_equal(so_media_in_open(&in, path, NULL), SO_OK);
    for (unsigned i = 0; i < 20; i++) {
        so_media_packet want = so_media_tone_next(again);
        assert_int_equal(so_media_in_next(in, &packet, NULL), SO_OK);
        assert_int_equal(packet.len, want.len);
        assert_memory_equal(packet.bytes, want.bytes, want.len);
        assert_int_equal(packet.samples, FRAME);
    }
    assert_int_equal(so_media_in_next(in, &packet, NULL), SO_NOT_FOUND);
    so_media_in_close(in);
    so_media_tone_free(tone);
    so_media_tone_free(again);
}

int main(void)
{
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tone_is_a_tone_and_repeats),
        cmocka_unit_test(silence_is_silent_and_noise_no_packet),
        IN_FOLDER(what_goes_in_comes_out),
        IN_FOLDER(the_head_is_that_of_RFC_7845),
        IN_FOLDER(a_gap_keeps_the_time_of_what_follows),
        IN_FOLDER(a_file_that_was_never_closed_plays),
        IN_FOLDER(what_is_no_packet_is_not_written),
        IN_FOLDER(what_can_not_be_sent_is_told_with_a_remedy),
        cmocka_unit_test(a_full_disk_is_told),
        IN_FOLDER(opus_in_webm_is_read_too),
    };
    return cmocka_run_group_tests_name("Opus goes into files and out of them as it is", tests, NULL, NULL);
}
