/* media/sink: files that ffprobe finds in order and in time, and that ffmpeg decodes from end to end. */
#include "unit.h"

#include "media/sink.h"
#include "media_rig.h"

#include <errno.h>
#include <sys/stat.h>

/* Far from zero, and over the end of 32 bits within the file. */
#define SOUND_OFFSET 4294940000u
#define PICTURE_OFFSET 4294900000u

static so_sink *sink_of(const char *name, so_media_codec audio, so_media_codec video)
{
    so_sink *s;
    so_error err = {0};

    if (so_sink_open(&s, in_folder(name), &err) != SO_OK || so_sink_expect(s, audio, video, &err) != SO_OK)
        fail_msg("%s", err.text);
    return s;
}

static void closed(so_sink *s)
{
    so_error err = {0};

    if (so_sink_close(s, &err) != SO_OK)
        fail_msg("%s", err.text);
}

/* What the rig sends between two of its times, in µs from its begin on, that is at `at` in the call. */
typedef struct passage {
    uint64_t from, to, at;
    uint64_t picture_delay; /* of its arrival */
} passage;

static void record(so_sink *s, rig *r, uint64_t begin, passage p)
{
    so_source_frame f;
    so_error err = {0};

    while (rig_next(r, begin + p.to - 1, &f)) {
        bool sound = so_media_codec_kind(f.codec) == SO_MEDIA_AUDIO;
        uint64_t time_us = f.time_us - p.from + p.at;
        if (f.time_us < p.from)
            continue;
        if (so_sink_write(
                s,
                &(so_sink_frame){.codec = f.codec,
                                 .bytes = f.bytes,
                                 .len = f.len,
                                 .rtp_time =
                                     (uint32_t)((time_us * so_media_codec_clock(f.codec) + SECOND_US / 2) / SECOND_US) +
                                     (sound ? SOUND_OFFSET : PICTURE_OFFSET),
                                 .arrival_us = 3 * SECOND_US + time_us + (sound ? 0 : p.picture_delay),
                                 .key = f.key},
                &err) != SO_OK)
            fail_msg("%s", err.text);
    }
}

static void record_test(so_sink *s, so_media_codec audio, so_media_codec video, const so_source_options *options,
                        passage p)
{
    rig r;

    rig_begin(&r, "test", options, audio, video);
    record(s, &r, r.now, p);
    rig_end(&r);
}

/* ---- what ffprobe says ---- */

typedef struct probed {
    unsigned packets[SO_MEDIA_KINDS];
    double first[SO_MEDIA_KINDS], last[SO_MEDIA_KINDS], widest[SO_MEDIA_KINDS]; /* gap between two packets */
} probed;

static probed probe(const char *name)
{
    probed p = {0};
    char line[500], type[16];
    double time;
    FILE *in;

    (void)snprintf(line, sizeof line, "ffprobe -v error -show_entries packet=codec_type,pts_time -of csv=p=0 %s 2>&1",
                   in_folder(name));
    in = popen(line, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        unsigned k;
        if (line[0] == '\n') /* what packets carry besides */
            continue;
        if (sscanf(line, "%15[a-z],%lf", type, &time) != 2)
            fail_msg("ffprobe says: %s", line);
        k = strcmp(type, "audio") == 0 ? SO_MEDIA_AUDIO : SO_MEDIA_VIDEO;
        if (p.packets[k]++ == 0) {
            p.first[k] = time;
        } else {
            assert_true(time > p.last[k]); /* in order */
            p.widest[k] = time - p.last[k] > p.widest[k] ? time - p.last[k] : p.widest[k];
        }
        p.last[k] = time;
    }
    assert_int_equal(pclose(in), 0);
    return p;
}

/* Every frame can be decoded, and nobody complains. */
static void decodes_of(const char *name, const char *which)
{
    shell("test -z \"$(ffmpeg -nostdin -v error -xerror -i %s -map 0%s -fps_mode passthrough -f null - 2>&1 | tee -a "
          "/dev/stderr)\"",
          in_folder(name), which);
}

static void decodes(const char *name)
{
    decodes_of(name, "");
}

static void near(double got, double want)
{
    if (fabs(got - want) > 0.0025)
        fail_msg("%f s, not %f", got, want);
}

/* ---- tests ---- */

static const struct {
    const char *name;
    so_media_codec audio, video;
} all[] = {
    {"a.webm", SO_MEDIA_OPUS, SO_MEDIA_VP8}, {"a.mkv", SO_MEDIA_OPUS, SO_MEDIA_H264},
    {"b.mkv", SO_MEDIA_PCMU, SO_MEDIA_VP8},  {"a.mp4", SO_MEDIA_OPUS, SO_MEDIA_H264},
    {"a.ogg", SO_MEDIA_OPUS, SO_MEDIA_NONE}, {"v.webm", SO_MEDIA_NONE, SO_MEDIA_VP8},
    {"c.mkv", SO_MEDIA_PCMA, SO_MEDIA_NONE}, {"a.MP4", SO_MEDIA_OPUS, SO_MEDIA_NONE},
};
#define ALL (sizeof all / sizeof *all)

static void every_kind_of_file_is_in_order_and_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        so_sink *s = sink_of(all[i].name, all[i].audio, all[i].video);
        struct stat st;
        probed p;
        record_test(s, all[i].audio, all[i].video, NULL, (passage){.to = 4 * SECOND_US});
        closed(s);
        assert_int_equal(stat(in_folder(all[i].name), &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        p = probe(all[i].name);
        if (all[i].audio != SO_MEDIA_NONE) {
            assert_int_equal(p.packets[SO_MEDIA_AUDIO], 200);
            near(p.first[SO_MEDIA_AUDIO], all[i].name[2] == 'o' ? -0.0065 : 0); /* Ogg counts the pre-skip */
            near(p.last[SO_MEDIA_AUDIO] - p.first[SO_MEDIA_AUDIO], 3.98);
            near(p.widest[SO_MEDIA_AUDIO], 0.020);
        }
        if (all[i].video != SO_MEDIA_NONE) {
            assert_int_equal(p.packets[SO_MEDIA_VIDEO], 120);
            near(p.first[SO_MEDIA_VIDEO], 0);
            near(p.last[SO_MEDIA_VIDEO], 119 / 30.0);
            near(p.widest[SO_MEDIA_VIDEO], 1 / 30.0);
        }
        decodes(all[i].name);
    }
}

static void a_gap_stays_a_gap(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        so_sink *s = sink_of(all[i].name, all[i].audio, all[i].video);
        probed p;
        rig r;
        uint64_t begin;
        rig_begin(&r, "test", NULL, all[i].audio, all[i].video);
        begin = r.now;
        record(s, &r, begin, (passage){.to = SECOND_US});
        so_source_want_key(r.source);
        record(s, &r, begin, (passage){.from = SECOND_US, .to = 2 * SECOND_US, .at = 3500000});
        rig_end(&r);
        closed(s);
        p = probe(all[i].name);
        for (unsigned k = 0; k < SO_MEDIA_KINDS; k++) {
            if (p.packets[k] == 0)
                continue;
            near(p.widest[k], 2.5 + (k == SO_MEDIA_AUDIO ? 0.02 : 1 / 30.0));
            near(p.last[k] - p.first[k], k == SO_MEDIA_AUDIO ? 4.48 : 3.5 + 29 / 30.0);
        }
        decodes(all[i].name);
    }
}

/* Pictures become smaller in the middle, then larger than at first. */
static void pictures_may_change_their_size(void **state)
{
    static const unsigned widths[] = {320, 160, 640};

    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        char line[400];
        so_sink *s;
        if (all[i].video == SO_MEDIA_NONE)
            continue;
        s = sink_of(all[i].name, all[i].audio, all[i].video);
        for (unsigned n = 0; n < 3; n++)
            record_test(s, all[i].audio, all[i].video, &(so_source_options){.width = widths[n]},
                        (passage){.to = 1500000, .at = n * 1500000});
        closed(s);
        assert_int_equal(probe(all[i].name).packets[SO_MEDIA_VIDEO], 135);
        decodes(all[i].name);
        (void)snprintf(
            line, sizeof line,
            "test \"$(ffprobe -v error -select_streams v -show_entries frame=width -of csv=p=0 %s | tr -d , | grep . "
            "| uniq -c | "
            "tr -s ' \\n' ' ')\" = ' 45 320 45 160 45 640 '",
            in_folder(all[i].name));
        if (system(line) != 0)
            fail_msg("%s", line);
    }
}

static void copy_of(const char *from, const char *to, size_t len)
{
    shell("head -c %zu %s > %s", len, in_folder(from), in_folder(to));
}

/* The file as it is while the call runs, and cut anywhere: what is whole in it plays. */
static void a_file_that_was_never_closed_plays(void **state)
{
    uint64_t seed = 5;
    so_random random = UNIT_RANDOM(&seed);

    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        so_sink *s = sink_of(all[i].name, all[i].audio, all[i].video);
        const char *cut = all[i].name[2] == 'o'                            ? "cut.ogg"
                          : all[i].name[2] == 'm' && all[i].name[3] == 'k' ? "cut.mkv"
                                                                           : "cut.mp4";
        so_media_kind kind = all[i].audio != SO_MEDIA_NONE ? SO_MEDIA_AUDIO : SO_MEDIA_VIDEO;
        struct stat st;
        probed p;
        record_test(s, all[i].audio, all[i].video, NULL, (passage){.to = 6 * SECOND_US});
        assert_int_equal(stat(in_folder(all[i].name), &st), 0);
        copy_of(all[i].name, cut, (size_t)st.st_size); /* as if the process were killed now */
        p = probe(cut);
        assert_true(p.last[kind] > 4.9);
        decodes(cut);
        for (unsigned n = 0; n < 4; n++) {
            uint32_t where;
            assert_int_equal(random.fill(random.user, (uint8_t *)&where, sizeof where), SO_OK);
            copy_of(all[i].name, cut, (size_t)st.st_size / 2 + where % ((size_t)st.st_size / 2));
            shell("ffmpeg -nostdin -v error -i %s -f null - 2>/dev/null", in_folder(cut));
            shell(
                "test \"$(ffprobe -v error -show_entries packet=pts_time -of csv=p=0 %s 2>/dev/null | wc -l)\" -gt 40",
                in_folder(cut));
        }
        closed(s);
    }
}

/* Sound from the beginning on, pictures only after five seconds, or never. */
static void pictures_may_come_late_or_never(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        so_sink *s;
        probed p;
        if (all[i].video == SO_MEDIA_NONE || all[i].audio == SO_MEDIA_NONE)
            continue;
        for (unsigned never = 0; never < 2; never++) {
            s = sink_of(all[i].name, all[i].audio, all[i].video);
            record_test(s, all[i].audio, SO_MEDIA_NONE, NULL, (passage){.to = 5 * SECOND_US});
            if (!never)
                record_test(s, all[i].audio, all[i].video, &(so_source_options){.width = 320},
                            (passage){.to = 2 * SECOND_US, .at = 5 * SECOND_US});
            closed(s);
            p = probe(all[i].name);
            assert_int_equal(p.packets[SO_MEDIA_AUDIO], never ? 250 : 350);
            near(p.first[SO_MEDIA_AUDIO], 0);
            near(p.widest[SO_MEDIA_AUDIO], 0.020);
            assert_int_equal(p.packets[SO_MEDIA_VIDEO], never ? 0 : 60);
            if (!never)
                near(p.first[SO_MEDIA_VIDEO], 5);
            /* ffmpeg, unlike players, wants to know the form of pictures that never come, and H.264's is in them */
            decodes_of(all[i].name, never ? ":a" : "");
        }
    }
}

/* Pictures that arrive 300 ms after the sound that belongs to them. */
static void sender_reports_bring_sound_and_pictures_together(void **state)
{
    uint64_t ntp = 3900000000u * (uint64_t)4294967296u;

    (void)state;
    for (unsigned told = 0; told < 2; told++) {
        so_sink *s = sink_of("a.webm", SO_MEDIA_OPUS, SO_MEDIA_VP8);
        probed p;
        if (told) {
            so_sink_align(s, SO_MEDIA_AUDIO, ntp, SOUND_OFFSET);
            so_sink_align(s, SO_MEDIA_VIDEO, ntp, PICTURE_OFFSET);
        }
        record_test(s, SO_MEDIA_OPUS, SO_MEDIA_VP8, NULL, (passage){.to = 2 * SECOND_US, .picture_delay = 300000});
        closed(s);
        p = probe("a.webm");
        near(p.last[SO_MEDIA_VIDEO] - p.last[SO_MEDIA_AUDIO], 59 / 30.0 - 1.98 + (told ? 0 : 0.3));
        decodes("a.webm");
    }
}

static void pictures_begin_with_a_key_frame(void **state)
{
    so_sink *s = sink_of("a.webm", SO_MEDIA_NONE, SO_MEDIA_VP8);
    probed p;
    rig r;
    uint64_t begin;

    (void)state;
    rig_begin(&r, "test", NULL, SO_MEDIA_NONE, SO_MEDIA_VP8);
    begin = r.now;
    while (rig_next(&r, begin + SECOND_US, &(so_source_frame){0}))
        ; /* nobody records yet */
    record(s, &r, begin, (passage){.from = SECOND_US, .to = 2 * SECOND_US});
    so_source_want_key(r.source);
    record(s, &r, begin, (passage){.from = 2 * SECOND_US, .to = 3 * SECOND_US, .at = SECOND_US});
    rig_end(&r);
    closed(s);
    p = probe("a.webm");
    assert_true(p.packets[SO_MEDIA_VIDEO] >= 25 && p.packets[SO_MEDIA_VIDEO] <= 30);
    near(p.first[SO_MEDIA_VIDEO], 0);
    decodes("a.webm");
}

static void refuses(const char *name, so_status status, const char *says)
{
    so_sink *s;
    so_error err = {0};

    assert_int_equal(so_sink_open(&s, name, &err), status);
    assert_null(s);
    if (strstr(err.text, says) == NULL)
        fail_msg("%s", err.text);
}

static void names_and_codecs_that_do_not_fit_are_told(void **state)
{
    static const uint8_t broken[] = {0xff};
    so_sink_frame f = {.codec = SO_MEDIA_OPUS, .bytes = broken, .len = 1};
    so_sink *s;
    so_error err = {0};

    (void)state;
    refuses(in_folder("call"), SO_BAD_INPUT, ".webm, .mkv, .mp4 or .ogg");
    refuses(in_folder("call.avi"), SO_BAD_INPUT, ".webm, .mkv, .mp4 or .ogg");
    refuses(".webm", SO_BAD_INPUT, ".webm, .mkv");
    refuses("/nonexistent/call.webm", SO_IO, "No such file");
    assert_int_equal(so_sink_open(&s, in_folder("a.webm"), NULL), SO_OK);
    assert_int_equal(so_sink_takes(s), SO_MEDIA_BIT(SO_MEDIA_OPUS) | SO_MEDIA_BIT(SO_MEDIA_VP8));
    assert_int_equal(so_sink_write(s, &f, NULL), SO_STATE);
    assert_int_equal(so_sink_expect(s, SO_MEDIA_PCMU, SO_MEDIA_VP8, &err), SO_BAD_INPUT);
    assert_non_null(strstr(err.text, ".mkv"));
    assert_int_equal(so_sink_expect(s, SO_MEDIA_VP8, SO_MEDIA_OPUS, NULL), SO_BAD_INPUT);
    assert_int_equal(so_sink_expect(s, SO_MEDIA_OPUS, SO_MEDIA_NONE, NULL), SO_OK);
    assert_int_equal(so_sink_write(s, &f, &err), SO_BAD_INPUT);
    assert_non_null(strstr(err.text, "not opus"));
    f.codec = SO_MEDIA_VP8;
    assert_int_equal(so_sink_write(s, &f, &err), SO_BAD_INPUT);
    assert_non_null(strstr(err.text, "not agreed on"));
    record_test(s, SO_MEDIA_OPUS, SO_MEDIA_NONE, NULL, (passage){.to = SECOND_US});
    assert_int_equal(so_sink_expect(s, SO_MEDIA_OPUS, SO_MEDIA_NONE, NULL), SO_OK);
    assert_int_equal(so_sink_expect(s, SO_MEDIA_OPUS, SO_MEDIA_VP8, NULL), SO_STATE);
    closed(s);
    decodes("a.webm");
}

static void a_file_without_anything_in_it_is_a_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++)
        closed(sink_of(all[i].name, all[i].audio, all[i].video));
    assert_int_equal(so_sink_close(NULL, NULL), SO_OK);
}

static void a_full_disk_is_an_error_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ALL; i++) {
        so_sink *s;
        so_source_frame f;
        so_error err = {0};
        so_status status = SO_OK;
        rig r;
        (void)unlink(in_folder(all[i].name));
        assert_int_equal(symlink("/dev/full", in_folder(all[i].name)), 0);
        s = sink_of(all[i].name, all[i].audio, all[i].video);
        rig_begin(&r, "test", NULL, all[i].audio, all[i].video);
        while (status == SO_OK && rig_next(&r, UINT64_MAX - 1, &f))
            status = so_sink_write(s,
                                   &(so_sink_frame){.codec = f.codec,
                                                    .bytes = f.bytes,
                                                    .len = f.len,
                                                    .rtp_time = f.rtp_time,
                                                    .arrival_us = f.time_us,
                                                    .key = f.key},
                                   &err);
        assert_int_equal(status, SO_TOO_LONG);
        assert_true(f.time_us <= 2500000); /* told soon, not at the end */
        assert_non_null(strstr(err.text, "No space left"));
        assert_int_equal(so_sink_close(s, &err), SO_TOO_LONG);
        rig_end(&r);
    }
}

int main(void)
{
#define IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, rig_set_up, rig_tear_down)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(every_kind_of_file_is_in_order_and_in_time),
        IN_FOLDER(a_gap_stays_a_gap),
        IN_FOLDER(pictures_may_change_their_size),
        IN_FOLDER(a_file_that_was_never_closed_plays),
        IN_FOLDER(pictures_may_come_late_or_never),
        IN_FOLDER(sender_reports_bring_sound_and_pictures_together),
        IN_FOLDER(pictures_begin_with_a_key_frame),
        IN_FOLDER(names_and_codecs_that_do_not_fit_are_told),
        IN_FOLDER(a_file_without_anything_in_it_is_a_file),
        IN_FOLDER(a_full_disk_is_an_error_of_its_own),
    };
    return cmocka_run_group_tests_name("a call into a file, in order and in time", tests, NULL, NULL);
}
