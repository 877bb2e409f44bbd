/* media/source: what goes in comes out at its time, as it is or encoded anew, in simulated time. */
#include "unit.h"

#include "media/clock_strip.h"
#include "media_rig.h"
#include "rtp/payload.h"

#include <sys/stat.h>

static void fails(const char *what, so_status status, const char *says)
{
    so_source *s;
    so_error err = {0};

    assert_int_equal(so_source_open(&s, what, NULL, &err), status);
    assert_null(s);
    assert_string_equal(err.layer, "media");
    if (strstr(err.text, says) == NULL)
        fail_msg("%s", err.text);
}

static void write_file(const char *name, const void *bytes, size_t len)
{
    FILE *out = fopen(in_folder(name), "wb");

    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, len, out), len);
    (void)fclose(out);
}

/* ---- the test signal ---- */

/* Every picture of two seconds shows its own time, and sound and pictures keep pace with the clock. */
static void test_signal_in(so_media_codec audio, so_media_codec video)
{
    so_source_options options = {.clock_ms = 3600000};
    so_source_frame f;
    uint64_t sound_us = 0, begin;
    unsigned pictures = 0, read = 0;
    rig r;

    rig_begin(&r, "test", &options, audio, video);
    begin = r.now;
    while (rig_next(&r, begin + 2 * SECOND_US - 1, &f)) {
        uint32_t ms;
        assert_true(begin + f.time_us <= r.now);
        assert_true(r.now - begin - f.time_us < 2000);
        assert_int_equal(f.rtp_time, (f.time_us * so_media_codec_clock(f.codec) + SECOND_US / 2) / SECOND_US);
        assert_true(rig_decode(&r, &f));
        if (so_media_codec_kind(f.codec) == SO_MEDIA_AUDIO) {
            assert_int_equal(f.codec, audio);
            assert_int_equal(f.time_us, sound_us);
            assert_int_equal(f.duration_us, 20000);
            assert_int_equal(f.fresh, sound_us == 0);
            if (sound_us % SECOND_US > 100000) /* of 0.25 sin: 0.177; a beep is louder */
                assert_true(fabs(rig_level(&r) - 0.177) < 0.03);
            sound_us += f.duration_us;
            continue;
        }
        assert_int_equal(f.codec, video);
        assert_int_equal(f.time_us, (pictures * SECOND_US + 15) / 30);
        assert_int_equal(f.key, pictures == 0);
        assert_int_equal(so_rtp_is_key(video == SO_MEDIA_VP8 ? SO_RTP_VP8 : SO_RTP_H264, f.bytes, f.len), f.key);
        assert_int_equal(r.frame->width, 640);
        assert_int_equal(r.frame->height, 360);
        pictures++;
        if (so_clock_strip_read(r.frame->data[0], (size_t)r.frame->linesize[0], 640, 360, &ms)) {
            assert_int_equal(ms, 3600000 + f.time_us / 1000);
            read++;
        }
    }
    assert_int_equal(sound_us, 2 * SECOND_US);
    assert_int_equal(pictures, 60);
    assert_int_equal(read, 60);
    rig_end(&r);
}

static void the_test_signal_is_on_time_in_opus_and_vp8(void **state)
{
    (void)state;
    test_signal_in(SO_MEDIA_OPUS, SO_MEDIA_VP8);
}

static void the_test_signal_is_on_time_in_pcmu_and_h264(void **state)
{
    (void)state;
    test_signal_in(SO_MEDIA_PCMU, SO_MEDIA_H264);
}

static void the_test_signal_sounds_in_pcma(void **state)
{
    (void)state;
    test_signal_in(SO_MEDIA_PCMA, SO_MEDIA_VP8);
}

/* ---- pace ---- */

static void a_stall_is_left_out_and_not_sent_in_a_burst(void **state)
{
    so_source_frame f;
    unsigned burst = 0, pictures = 0;
    uint64_t begin, stalled;
    rig r;

    (void)state;
    rig_begin(&r, "test", NULL, SO_MEDIA_OPUS, SO_MEDIA_VP8);
    begin = r.now;
    while (rig_next(&r, begin + SECOND_US, &f))
        ;
    r.now = stalled = begin + 61 * SECOND_US;
    while (rig_next(&r, stalled + SECOND_US, &f)) {
        uint32_t ms;
        assert_true(f.time_us >= 61 * SECOND_US - 220000);
        burst += r.now == stalled;
        if (so_media_codec_kind(f.codec) == SO_MEDIA_AUDIO)
            continue;
        assert_int_equal(f.key, pictures == 0);
        assert_int_equal(f.fresh, pictures == 0);
        assert_true(rig_decode(&r, &f));
        assert_true(so_clock_strip_read(r.frame->data[0], (size_t)r.frame->linesize[0], 640, 360, &ms));
        assert_int_equal(ms, f.time_us / 1000);
        pictures++;
    }
    assert_true(burst < 18); /* 200 ms of sound and 100 ms of pictures */
    assert_true(pictures >= 29);
    rig_end(&r);
}

static void a_key_frame_comes_when_it_is_wanted(void **state)
{
    static const so_media_codec codecs[] = {SO_MEDIA_VP8, SO_MEDIA_H264};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        so_source_frame f;
        unsigned keys = 0, until = 0;
        rig r;
        rig_begin(&r, "test", NULL, SO_MEDIA_NONE, codecs[i]);
        for (unsigned n = 0; n < 60; n++) {
            assert_true(rig_next(&r, UINT64_MAX - 1, &f));
            keys += f.key;
            if (n == 30)
                so_source_want_key(r.source);
            if (n > 30 && keys == 1)
                until++;
        }
        assert_int_equal(keys, 2);
        assert_true(until <= 5);
        rig_end(&r);
    }
}

/* Of the last two of four seconds, at most that many bits a second; counts key frames and notes the size. */
static unsigned rate_at(rig *r, unsigned *keys, int *width)
{
    so_source_frame f;
    uint64_t begin = r->now, bits = 0;

    *keys = 0;
    while (rig_next(r, begin + 4 * SECOND_US, &f)) {
        *keys += f.key;
        if (r->now >= begin + 2 * SECOND_US)
            bits += f.len * 8;
        assert_true(rig_decode(r, &f));
        *width = r->frame->width;
    }
    return (unsigned)(bits / 2);
}

static void the_rate_is_followed_without_a_key_frame(void **state)
{
    static const so_media_codec codecs[] = {SO_MEDIA_VP8, SO_MEDIA_H264};

    (void)state;
    shell(FFMPEG "-f lavfi -i 'testsrc2=s=640x360:r=30:d=20,noise=alls=20:allf=t' -c:v mpeg4 -q:v 3 %s",
          in_folder("noise.mkv"));
    for (unsigned i = 0; i < 2; i++) {
        so_source_options options = {.bitrate = 1500000};
        unsigned keys, high, low;
        int width;
        rig r;
        rig_begin(&r, in_folder("noise.mkv"), &options, SO_MEDIA_NONE, codecs[i]);
        high = rate_at(&r, &keys, &width);
        assert_true(high > 1000000 && high < 2000000);
        so_source_set_bitrate(r.source, 600000);
        low = rate_at(&r, &keys, &width);
        assert_int_equal(keys, 0);
        assert_int_equal(width, 640);
        assert_true(low > 400000 && low < 800000);
        so_source_set_bitrate(r.source, 60000); /* smaller, and fewer of them */
        low = rate_at(&r, &keys, &width);
        assert_true(keys <= 2);
        assert_true(width < 640);
        assert_true(low < 100000);
        so_source_set_bitrate(r.source,
                              0); /* the path bears sound alone at the moment: pictures wait for a better one */
        (void)rate_at(&r, &keys, &width);
        assert_true(width < 640);
        so_source_set_bitrate(r.source, 1500000);
        (void)rate_at(&r, &keys, &width);
        assert_int_equal(width, 640);
        rig_end(&r);
    }
}

/* ---- files ---- */

typedef struct tally {
    unsigned sounds, pictures, keys;
    uint64_t sound_end_us, picture_us;
    size_t bytes;
    int width, height;
} tally;

/* To the end of the file: everything in order, at its time, decodable; then the end is said, once. */
static tally to_the_end(rig *r)
{
    so_source_frame f;
    uint64_t begin = r->now;
    tally t = {0};

    while (rig_next(r, UINT64_MAX - 1, &f)) {
        assert_true(begin + f.time_us <= r->now && r->now - begin - f.time_us < 250000);
        t.bytes += f.len;
        if (so_media_codec_kind(f.codec) == SO_MEDIA_AUDIO) {
            assert_true(f.time_us + 1 >= t.sound_end_us);
            assert_true(f.len <= 1000);
            t.sound_end_us = f.time_us + f.duration_us;
            t.sounds++;
            continue;
        }
        assert_true(t.pictures == 0 || f.time_us > t.picture_us);
        assert_true(rig_decode(r, &f));
        t.width = r->frame->width;
        t.height = r->frame->height;
        t.picture_us = f.time_us;
        t.keys += f.key;
        assert_true(t.pictures++ > 0 || f.key);
    }
    assert_int_equal(r->last, SO_SOURCE_END);
    return t;
}

static tally play_file(const char *name, const so_source_options *options, so_media_codec audio, so_media_codec video,
                       bool audio_passes, bool video_passes)
{
    tally t;
    rig r;

    rig_begin(&r, in_folder(name), options, audio, video);
    assert_int_equal(so_source_passes(r.source, SO_MEDIA_AUDIO), audio_passes);
    assert_int_equal(so_source_passes(r.source, SO_MEDIA_VIDEO), video_passes);
    t = to_the_end(&r);
    rig_end(&r);
    return t;
}

static bool about(uint64_t us, uint64_t want)
{
    return us + 60000 > want && us < want + 60000;
}

static void webm_passes_as_it_is(void **state)
{
    const so_source_has *has;
    so_source *s;
    tally t;

    (void)state;
    shell(FFMPEG MOVING SOUND "-c:v libvpx -b:v 300k -auto-alt-ref 0 -g 50 -c:a libopus %s", in_folder("a.webm"));
    s = source_of(in_folder("a.webm"), NULL);
    has = so_source_what(s);
    assert_true(has->audio && has->video && !has->live);
    assert_int_equal(has->audio_codec, SO_MEDIA_OPUS);
    assert_int_equal(has->video_codec, SO_MEDIA_VP8);
    assert_int_equal(has->width, 320);
    so_source_close(s);
    t = play_file("a.webm", NULL, SO_MEDIA_OPUS, SO_MEDIA_VP8, true, true);
    assert_int_equal(t.pictures, 125);
    assert_int_equal(t.keys, 3);
    assert_true(about(t.picture_us, 4960000));
    assert_true(t.sounds >= 250 && t.sounds <= 251);
    assert_true(about(t.sound_end_us, 5000000));
    /* the same file with other wishes */
    t = play_file("a.webm", NULL, SO_MEDIA_PCMU, SO_MEDIA_H264, false, false);
    assert_int_equal(t.pictures, 125);
    assert_true(about(t.sound_end_us, 5000000));
    t = play_file("a.webm", &(so_source_options){.width = 160, .fps = 10}, SO_MEDIA_NONE, SO_MEDIA_VP8, false, false);
    assert_int_equal(t.width, 160);
    assert_int_equal(t.height, 90);
    assert_true(t.pictures >= 49 && t.pictures <= 52);
}

static void mp4_passes_if_it_is_baseline(void **state)
{
    tally t;

    (void)state;
    shell(FFMPEG MOVING SOUND "-c:v libx264 -preset ultrafast -profile:v baseline -pix_fmt yuv420p -g 50 -c:a aac %s",
          in_folder("base.mp4"));
    t = play_file("base.mp4", NULL, SO_MEDIA_OPUS, SO_MEDIA_H264, false, true);
    assert_int_equal(t.pictures, 125);
    assert_int_equal(t.keys, 3);
    assert_true(about(t.sound_end_us, 5000000));
    shell(FFMPEG MOVING SOUND "-c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p -g 50 -c:a aac %s",
          in_folder("high.mp4"));
    t = play_file("high.mp4", NULL, SO_MEDIA_OPUS, SO_MEDIA_H264, false, false);
    assert_int_equal(t.pictures, 125);
    assert_int_equal(t.keys, 1);
    t = play_file("high.mp4", NULL, SO_MEDIA_NONE, SO_MEDIA_VP8, false, false);
    assert_int_equal(t.pictures, 125);
    shell(FFMPEG "-f lavfi -i testsrc2=s=320x180:r=25:d=12 -c:v libx264 -preset ultrafast -profile:v baseline "
                 "-pix_fmt yuv420p -g 1000 %s",
          in_folder("long.mp4"));
    t = play_file("long.mp4", NULL, SO_MEDIA_NONE, SO_MEDIA_H264, false, false); /* 12 s without a key frame */
    assert_int_equal(t.pictures, 300);
}

static void transport_streams_pass_where_each_key_frame_stands_alone(void **state)
{
    (void)state;
    shell(FFMPEG MOVING "-c:v libx264 -preset ultrafast -profile:v baseline -pix_fmt yuv420p -g 50 %s",
          in_folder("base.ts"));
    assert_int_equal(play_file("base.ts", NULL, SO_MEDIA_NONE, SO_MEDIA_H264, false, true).pictures, 125);
}

static void g711_passes_in_frames_of_20_ms(void **state)
{
    tally t;

    (void)state;
    shell(FFMPEG SOUND "-ac 1 -ar 8000 -c:a pcm_mulaw %s", in_folder("u.wav"));
    shell(FFMPEG SOUND "-ac 2 -ar 8000 -c:a pcm_alaw %s", in_folder("stereo.wav"));
    t = play_file("u.wav", NULL, SO_MEDIA_PCMU, SO_MEDIA_NONE, true, false);
    assert_int_equal(t.sounds, 250);
    assert_int_equal(t.bytes, 40000);
    assert_int_equal(t.sound_end_us, 5000000);
    t = play_file("u.wav", NULL, SO_MEDIA_PCMA, SO_MEDIA_NONE, false, false);
    assert_int_equal(t.bytes, 40000);
    t = play_file("stereo.wav", NULL, SO_MEDIA_PCMA, SO_MEDIA_NONE, false, false);
    assert_int_equal(t.bytes, 40000);
}

static void other_sound_becomes_opus(void **state)
{
    static const char *const names[] = {"a.mp3", "a.flac", "a.m4a", "a.wav", "a.mka"};

    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        tally t;
        shell(FFMPEG SOUND "-ar 44100 %s", in_folder(names[i]));
        t = play_file(names[i], NULL, SO_MEDIA_OPUS, SO_MEDIA_NONE, false, false);
        assert_true(about(t.sound_end_us, 5000000));
    }
}

/* Sound too large for a datagram, more channels than two, hidden frames: not as they are. */
static void what_does_not_fit_a_call_is_encoded_anew(void **state)
{
    (void)state;
    shell(FFMPEG "-f lavfi -i anoisesrc=d=3 -ac 2 -c:a libopus -b:a 510k -frame_duration 60 -vbr off %s",
          in_folder("big.ogg"));
    assert_int_equal(play_file("big.ogg", NULL, SO_MEDIA_OPUS, SO_MEDIA_NONE, false, false).sounds, 150);
    shell(FFMPEG "-f lavfi -i anoisesrc=d=3 -ac 6 -c:a libopus -mapping_family 1 %s", in_folder("six.ogg"));
    assert_int_equal(play_file("six.ogg", NULL, SO_MEDIA_OPUS, SO_MEDIA_NONE, false, false).sounds, 150);
    for (unsigned pass = 1; pass <= 2; pass++)
        shell(FFMPEG MOVING "-c:v libvpx -b:v 300k -auto-alt-ref 1 -lag-in-frames 20 -deadline good -cpu-used 2 "
                            "-pass %u -passlogfile %s %s",
              pass, in_folder("log"), in_folder("hidden.webm"));
    assert_int_equal(play_file("hidden.webm", NULL, SO_MEDIA_NONE, SO_MEDIA_VP8, false, false).pictures, 125);
}

static void large_and_turned_pictures_are_made_to_fit(void **state)
{
    tally t;

    (void)state;
    shell(FFMPEG "-f lavfi -i testsrc2=s=1920x1440:r=50:d=1 -c:v mpeg4 -q:v 5 %s", in_folder("large.avi"));
    t = play_file("large.avi", NULL, SO_MEDIA_NONE, SO_MEDIA_VP8, false, false);
    assert_int_equal(t.height, 720);
    assert_int_equal(t.width, 960);
    assert_true(t.pictures >= 25 && t.pictures <= 31);
    shell(FFMPEG "-f lavfi -i testsrc2=s=320x180:r=25:d=1 -c:v libx264 -pix_fmt yuv420p %s", in_folder("flat.mp4"));
    shell(FFMPEG "-i %s -c copy -metadata:s:v rotate=90 %s", in_folder("flat.mp4"), in_folder("upright.mp4"));
    t = play_file("upright.mp4", NULL, SO_MEDIA_NONE, SO_MEDIA_VP8, false, false);
    assert_int_equal(t.width, 180);
    assert_int_equal(t.height, 320);
    shell(FFMPEG "-f lavfi -i testsrc2=s=360x288:r=25:d=1,setsar=2 -c:v ffv1 %s", in_folder("wide.mkv"));
    t = play_file("wide.mkv", NULL, SO_MEDIA_NONE, SO_MEDIA_H264, false, false);
    assert_int_equal(t.width, 720);
    assert_int_equal(t.height, 288);
}

/* For three rounds and a half: sound without a gap, pictures in step with it. */
static void loops(const char *name, so_media_codec audio, so_media_codec video, bool passes, uint64_t round_us)
{
    so_source_options options = {.loop = true};
    uint64_t sound_us = 0, picture_us = 0, begin;
    unsigned pictures = 0;
    so_source_frame f;
    rig r;

    rig_begin(&r, in_folder(name), &options, audio, video);
    assert_int_equal(so_source_passes(r.source, audio != SO_MEDIA_NONE ? SO_MEDIA_AUDIO : SO_MEDIA_VIDEO), passes);
    begin = r.now;
    while (rig_next(&r, begin + round_us * 7 / 2, &f)) {
        if (so_media_codec_kind(f.codec) == SO_MEDIA_AUDIO) {
            assert_true(f.time_us + 1 >= sound_us && f.time_us <= sound_us + (video == SO_MEDIA_NONE ? 1 : 60000));
            sound_us = f.time_us + f.duration_us;
        } else {
            assert_true(pictures == 0 || (f.time_us > picture_us && f.time_us <= picture_us + 110000));
            picture_us = f.time_us;
            pictures++;
        }
    }
    assert_int_equal(r.last, SO_SOURCE_LATER);
    if (audio != SO_MEDIA_NONE)
        assert_true(about(sound_us, round_us * 7 / 2 + 20000));
    if (video != SO_MEDIA_NONE)
        assert_true(pictures >= 25 * round_us * 7 / 2 / SECOND_US - 5);
    rig_end(&r);
}

static void a_loop_has_no_seam(void **state)
{
    (void)state;
    shell(FFMPEG "-f lavfi -i testsrc2=s=160x90:r=25:d=2 -f lavfi -i sine=d=2 -c:v libvpx -b:v 100k -auto-alt-ref 0 "
                 "-g 25 -c:a libopus %s",
          in_folder("l.webm"));
    loops("l.webm", SO_MEDIA_OPUS, SO_MEDIA_VP8, true, 2 * SECOND_US);
    loops("l.webm", SO_MEDIA_PCMA, SO_MEDIA_H264, false, 2 * SECOND_US);
    loops("l.webm", SO_MEDIA_OPUS, SO_MEDIA_NONE, true, 2 * SECOND_US);
    shell(FFMPEG "-f lavfi -i sine=d=2 -ar 44100 %s", in_folder("l.wav"));
    loops("l.wav", SO_MEDIA_OPUS, SO_MEDIA_NONE, false, 2 * SECOND_US);
}

/* A pipe, a directory, a playlist, a name that looks like an address: nothing that could lead elsewhere. */
static void what_can_not_be_sent_is_told_with_a_remedy(void **state)
{
    so_source *s;
    so_error err = {0};

    (void)state;
    fails("/nonexistent/file.ogg", SO_IO, "No such file");
    fails(folder, SO_IO, "no regular file");
    fails("http://192.0.2.1/x.ogg", SO_IO, "No such file");
    write_file("text", "no sound at all", 15);
    fails(in_folder("text"), SO_BAD_INPUT, "ffmpeg -i FILE");
    write_file("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n", 56);
    fails(in_folder("list.m3u8"), SO_BAD_INPUT, "no file of sound");
    write_file("list.ffconcat", "ffconcat version 1.0\nfile '/etc/passwd'\n", 40);
    fails(in_folder("list.ffconcat"), SO_BAD_INPUT, "no file of sound");
    write_file("empty", "", 0);
    fails(in_folder("empty"), SO_BAD_INPUT, "no file of sound");
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    fails(in_folder("pipe"), SO_IO, "no regular file");
    shell(FFMPEG SOUND "-c:a pcm_s16le %s", in_folder("a.wav"));
    s = source_of(in_folder("a.wav"), NULL);
    assert_int_equal(so_source_start(s, SO_MEDIA_OPUS, SO_MEDIA_VP8, &err), SO_BAD_INPUT);
    assert_non_null(strstr(err.text, "no pictures"));
    assert_int_equal(so_source_start(s, SO_MEDIA_VP8, SO_MEDIA_NONE, &err), SO_BAD_INPUT);
    assert_int_equal(so_source_start(s, SO_MEDIA_OPUS, SO_MEDIA_NONE, &err), SO_OK);
    assert_int_equal(so_source_start(s, SO_MEDIA_OPUS, SO_MEDIA_NONE, &err), SO_STATE);
    so_source_close(s);
}

static void a_device_that_is_not_there_is_told(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("DISPLAY"), 0);
    assert_int_equal(setenv("PULSE_SERVER", "unix:/nonexistent", 1), 0);
    fails("screen", SO_NOT_FOUND, "DISPLAY is not set");
    assert_int_equal(setenv("DISPLAY", ":4711", 1), 0);
    fails("screen", SO_NOT_FOUND, ":4711");
    fails("mic", SO_NOT_FOUND, "start PulseAudio");
    if (access("/dev/video0", F_OK) != 0)
        fails("camera", SO_NOT_FOUND, "/dev/video0 does not exist");
}

/* ---- broken files ---- */

/* Whatever it is, it ends: with an error of opening, of starting, or after some frames. */
static void survives(const char *path)
{
    so_source *s;
    so_source_frame f;
    so_error err = {0};
    uint64_t now = 0, next;
    const so_source_has *has;
    so_source_said said = SO_SOURCE_LATER;

    if (so_source_open(&s, path, NULL, &err) != SO_OK) {
        assert_true(err.text[0] != '\0');
        return;
    }
    has = so_source_what(s);
    if (so_source_start(s, has->audio ? SO_MEDIA_OPUS : SO_MEDIA_NONE, has->video ? SO_MEDIA_VP8 : SO_MEDIA_NONE,
                        &err) == SO_OK)
        for (unsigned i = 0; i < 20000 && said != SO_SOURCE_END; i++) {
            so_source_fill(s);
            said = so_source_next(s, now, &f, &next);
            if (said == SO_SOURCE_LATER)
                now = next > now + SECOND_US ? now + SECOND_US : next;
        }
    so_source_close(s);
}

static void cut_and_spoiled_files_end_and_nothing_else(void **state)
{
    static const char *const names[] = {"b.webm", "b.mp4", "b.ogg", "b.ts", "b.mp3", "b.avi"};
    static uint8_t bytes[1 << 20];
    uint64_t seed = 11;
    so_random random = UNIT_RANDOM(&seed);

    (void)state;
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len;
        FILE *in;
        shell(FFMPEG "-f lavfi -i testsrc2=s=160x90:r=10:d=1 -f lavfi -i sine=d=1 -shortest %s %s",
              i == 2 || i == 4 ? "-vn" : "", in_folder(names[i]));
        in = fopen(in_folder(names[i]), "rb");
        assert_non_null(in);
        len = fread(bytes, 1, sizeof bytes, in);
        (void)fclose(in);
        for (unsigned n = 0; n < 12; n++) {
            static uint8_t spoiled[sizeof bytes];
            size_t left = len, where;
            memcpy(spoiled, bytes, len);
            for (unsigned k = 0; k < (n % 3) * 30; k++) {
                uint8_t what[5];
                assert_int_equal(random.fill(random.user, what, sizeof what), SO_OK);
                where = ((size_t)what[0] << 16 | (size_t)what[1] << 8 | what[2]) % len;
                spoiled[n % 2 == 0 ? where : where % 400 % len] = what[4];
            }
            if (n % 3 == 0)
                left = len * (n + 1) / 13;
            write_file("spoiled", spoiled, left);
            survives(in_folder("spoiled"));
        }
    }
}

int main(void)
{
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_test_signal_is_on_time_in_opus_and_vp8),
        cmocka_unit_test(the_test_signal_is_on_time_in_pcmu_and_h264),
        cmocka_unit_test(the_test_signal_sounds_in_pcma),
        cmocka_unit_test(a_stall_is_left_out_and_not_sent_in_a_burst),
        cmocka_unit_test(a_key_frame_comes_when_it_is_wanted),
        IN_FOLDER(the_rate_is_followed_without_a_key_frame),
        IN_FOLDER(webm_passes_as_it_is),
        IN_FOLDER(mp4_passes_if_it_is_baseline),
        IN_FOLDER(transport_streams_pass_where_each_key_frame_stands_alone),
        IN_FOLDER(g711_passes_in_frames_of_20_ms),
        IN_FOLDER(other_sound_becomes_opus),
        IN_FOLDER(what_does_not_fit_a_call_is_encoded_anew),
        IN_FOLDER(large_and_turned_pictures_are_made_to_fit),
        IN_FOLDER(a_loop_has_no_seam),
        IN_FOLDER(what_can_not_be_sent_is_told_with_a_remedy),
        IN_FOLDER(a_device_that_is_not_there_is_told),
        IN_FOLDER(cut_and_spoiled_files_end_and_nothing_else),
    };
    return cmocka_run_group_tests_name("anything in, at its time", tests, NULL, NULL);
}
