/* media/rtp_port: what goes out in plain RTP comes in as it was, on this machine and on no other. */
#include "unit.h"

#include "media/rtp_port.h"
#include "rtp/packet.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static so_status parsed(const char *text, so_address *address)
{
    so_error err;
    so_status status = so_rtp_port_parse(address, text, &err);

    if (status != SO_OK)
        assert_true(strlen(err.text) > 20);
    return status;
}

static void loopback_alone_is_taken(void **state)
{
    static const char *const good[] = {"127.0.0.1:5004", "127.9.9.9:1", "[::1]:5004", "::1:65532"};
    static const char *const others[] = {
        "0.0.0.0:5004",   "192.168.1.2:5004",   "10.0.0.1:5004",         "8.8.8.8:5004",        "[::]:5004",
        "[fe80::1]:5004", "[2001:db8::1]:5004", "[::ffff:8.8.8.8]:5004", "126.255.255.255:5004"};
    static const char *const bad[] = {"",           "5004",           "127.0.0.1",       "127.0.0.1:",   "127.0.0.1:0",
                                      ":5004",      "localhost:5004", "127.0.0.1:65533", "127.0.0.1:5x", "127.0.0.1:-1",
                                      "[::1]:99999"};
    so_address address;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(parsed(good[i], &address), SO_OK);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(parsed(others[i], &address), SO_REFUSED);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parsed(bad[i], &address), SO_BAD_INPUT);
    assert_int_equal(parsed("[::ffff:127.0.0.1]:5004", &address), SO_OK);
    assert_int_equal(address.family, 4);
}

/* Some port that is free. */
static so_rtp_in *open_in(so_address *address)
{
    so_rtp_in *in = NULL;
    so_error err;

    for (unsigned port = 20000; in == NULL && port < 60000; port += 4) {
        assert_int_equal(so_address_parse(address, "127.0.0.1", (uint16_t)port), SO_OK);
        if (so_rtp_in_open(&in, address, &err) != SO_OK)
            assert_int_equal(err.status, SO_IO);
    }
    assert_non_null(in);
    return in;
}

static bool next_frame(so_rtp_in *in, so_media_kind kind, so_rtp_frame_in *frame)
{
    struct pollfd fd = {.fd = so_rtp_in_fd(in, kind), .events = POLLIN};

    while (poll(&fd, 1, 1000) > 0)
        if (so_rtp_in_next(in, kind, frame))
            return true;
    return false;
}

static void frames_of_every_codec_pass(void **state)
{
    static uint8_t bytes[30000];
    uint64_t seed = 9;
    so_random random = UNIT_RANDOM(&seed);
    so_rtp_frame_in frame;
    so_address address;
    so_rtp_in *in = open_in(&address);
    so_rtp_out *out;
    so_error err;

    (void)state;
    assert_int_equal(unit_fill(&seed, bytes, sizeof bytes), SO_OK);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] |= 1;
    assert_int_equal(so_rtp_out_open(&out, &address, &random, &err), SO_OK);
    for (so_media_codec codec = SO_MEDIA_OPUS; codec < SO_MEDIA_CODECS; codec++) {
        so_media_kind kind = so_media_codec_kind(codec);
        size_t len = kind == SO_MEDIA_VIDEO ? sizeof bytes : 160;
        uint32_t first = 0;

        if (codec == SO_MEDIA_H264)
            memcpy(bytes, "\0\0\0\1\x67\x42\0\0\0\1\x65\x88", 12);
        else
            bytes[0] = codec == SO_MEDIA_VP8 ? 0x10 : 0xf8;
        for (uint32_t i = 0; i < 3; i++) {
            assert_int_equal(so_rtp_out_send(out, codec, bytes, len, i * 1000, i == 0, 1700000000000 + i, 1000 * i),
                             SO_OK);
            assert_true(next_frame(in, kind, &frame));
            assert_int_equal(frame.codec, codec);
            assert_int_equal(frame.len, len);
            assert_memory_equal(frame.bytes, bytes, len);
            if (i == 0)
                first = frame.rtp_time;
            else
                assert_int_equal(frame.rtp_time - first, i * 1000);
        }
    }
    assert_true(so_rtp_out_wants_key(out)); /* somebody has heard the picture from the first packet on */
    assert_false(so_rtp_out_wants_key(out));
    assert_int_equal(so_rtp_out_send(out, SO_MEDIA_OPUS, bytes, 1500, 0, false, 0, 0), SO_TOO_LONG);
    so_rtp_out_close(out);
    so_rtp_in_close(in);
}

/* Who begins to listen in the middle gets a key frame; while nobody does, none is asked for. */
static void a_new_listener_is_noticed(void **state)
{
    uint8_t bytes[100] = {0x10};
    uint64_t seed = 10;
    so_random random = UNIT_RANDOM(&seed);
    so_address address;
    so_rtp_in *in = open_in(&address);
    so_rtp_out *out;
    so_error err;

    (void)state;
    so_rtp_in_close(in);
    assert_int_equal(so_rtp_out_open(&out, &address, &random, &err), SO_OK);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 50; i++)
            assert_int_equal(so_rtp_out_send(out, SO_MEDIA_VP8, bytes, sizeof bytes, i, false, 0, i), SO_OK);
        assert_false(so_rtp_out_wants_key(out));
        assert_int_equal(so_rtp_in_open(&in, &address, &err), SO_OK);
        for (uint32_t i = 0; i < 50; i++)
            assert_int_equal(so_rtp_out_send(out, SO_MEDIA_VP8, bytes, sizeof bytes, i, false, 0, i), SO_OK);
        assert_true(so_rtp_out_wants_key(out));
        assert_false(so_rtp_out_wants_key(out));
        so_rtp_in_close(in);
    }
    so_rtp_out_close(out);
}

static void what_is_no_rtp_is_passed_over(void **state)
{
    so_rtp_frame_in frame;
    so_address address;
    so_rtp_in *in = open_in(&address);
    so_rtp_in *second;
    so_error err;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    (void)state;
    assert_int_equal(getsockname(so_rtp_in_fd(in, SO_MEDIA_VIDEO), (struct sockaddr *)&name, &len), 0);
    for (size_t i = 0; i < 60; i++) {
        static const uint8_t noise[60] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff};

        assert_true(sendto(fd, noise, i, 0, (struct sockaddr *)&name, len) >= 0);
    }
    assert_false(next_frame(in, SO_MEDIA_VIDEO, &frame));
    assert_int_equal(so_rtp_in_open(&second, &address, &err), SO_IO);
    assert_non_null(strstr(err.text, "port"));
    (void)close(fd);
    so_rtp_in_close(in);
}

static void the_description_names_ports_and_types(void **state)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);
    so_address address;

    (void)state;
    assert_int_equal(parsed("[::1]:5004", &address), SO_OK);
    so_rtp_port_describe(file, &address, SO_MEDIA_OPUS, SO_MEDIA_H264);
    (void)fclose(file);
    assert_non_null(strstr(text, "c=IN IP6 ::1\r\n"));
    assert_non_null(strstr(text, "m=audio 5004 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n"));
    assert_non_null(
        strstr(text, "m=video 5006 RTP/AVP 102\r\na=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_alone_is_taken),
        cmocka_unit_test(frames_of_every_codec_pass),
        cmocka_unit_test(a_new_listener_is_noticed),
        cmocka_unit_test(what_is_no_rtp_is_passed_over),
        cmocka_unit_test(the_description_names_ports_and_types),
    };

    return cmocka_run_group_tests_name("plain RTP on loopback", tests, NULL, NULL);
}
