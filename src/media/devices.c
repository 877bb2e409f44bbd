#include "media/devices.h"

#include "media/ffmpeg.h"

#include <libavdevice/avdevice.h>
#include <libavutil/channel_layout.h>
#include <libavutil/dict.h>
#include <libavutil/mathematics.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAMERA "/dev/video0"
#define ALSA_DEVICES "/dev/snd"
#define HELD_MOST_MS 60

typedef struct setting {
    const char *name, *value;
} setting;

static void register_devices(void)
{
    avdevice_register_all();
}

static void know_devices(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_devices);
}

static int set_all(AVDictionary **options, const setting *settings)
{
    int code = 0;

    for (size_t i = 0; code >= 0 && settings[i].name != NULL; i++)
        code = av_dict_set(options, settings[i].name, settings[i].value, 0);
    return code;
}

/* AVERROR_DEMUXER_NOT_FOUND: this FFmpeg does not know the kind of device. */
static int open_device(AVFormatContext **format, const char *kind, const char *name, const setting *settings)
{
    const AVInputFormat *input;
    AVDictionary *options = NULL;
    int code;

    know_devices();
    input = av_find_input_format(kind);
    if (input == NULL)
        return AVERROR_DEMUXER_NOT_FOUND;
    *format = avformat_alloc_context();
    if (*format == NULL)
        return AVERROR(ENOMEM);
    (*format)->flags |= AVFMT_FLAG_NONBLOCK; /* so that a silent device does not hold its thread for ever */
    code = set_all(&options, settings);
    if (code < 0) {
        avformat_free_context(*format);
        *format = NULL;
    } else {
        code = avformat_open_input(format, name, input, &options); /* which frees it where it fails */
    }
    av_dict_free(&options);
    return code;
}

so_status so_device_mic(AVFormatContext **format, so_error *err)
{
    /* in pieces of 10 ms: PulseAudio's own are two seconds */
    static const setting pulse[] = {{"name", "sotto"}, {"stream_name", "call"},  {"sample_rate", "48000"},
                                    {"channels", "1"}, {"fragment_size", "960"}, {NULL, NULL}};
    static const setting alsa[] = {{"sample_rate", "48000"}, {"channels", "1"}, {NULL, NULL}};
    char why[AV_ERROR_MAX_STRING_SIZE], why_alsa[AV_ERROR_MAX_STRING_SIZE];
    int code = open_device(format, "pulse", "default", pulse), code_alsa = code;

    /* where there is no sound card, ALSA's library writes a page about it to stderr */
    if (code < 0 && code != AVERROR(ENOMEM))
        code_alsa = access(ALSA_DEVICES, F_OK) == 0 ? open_device(format, "alsa", "default", alsa) : AVERROR(ENODEV);
    if (code_alsa >= 0)
        return SO_OK;
    if (code_alsa == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_NOT_FOUND, "media",
                   "no microphone can be opened: PulseAudio says '%s', ALSA says '%s'; start PulseAudio or PipeWire "
                   "(pactl info tells), or plug a microphone in",
                   so_media_why(code, why), so_media_why(code_alsa, why_alsa));
}

so_status so_device_camera(AVFormatContext **format, unsigned fps, so_error *err)
{
    char why[AV_ERROR_MAX_STRING_SIZE], rate[16];
    const setting wanted[] = {{"video_size", "1280x720"}, {"framerate", rate}, {NULL, NULL}};
    const setting any[] = {{NULL, NULL}};
    int code;

    if (access(CAMERA, F_OK) != 0)
        return so_fail(err, SO_NOT_FOUND, "media",
                       "there is no camera: " CAMERA " does not exist; plug one in, or send "
                       "a file, \"screen\" or \"test\"");
    (void)snprintf(rate, sizeof rate, "%u", fps);
    code = open_device(format, "v4l2", CAMERA, wanted);
    if (code < 0 && code != AVERROR(ENOMEM) && code != AVERROR_DEMUXER_NOT_FOUND)
        code = open_device(format, "v4l2", CAMERA, any);
    if (code >= 0)
        return SO_OK;
    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_NOT_FOUND, "media",
                   "the camera " CAMERA
                   " can't be opened: %s; end the program that uses it, or join its group (ls -l " CAMERA " tells)",
                   so_media_why(code, why));
}

so_status so_device_screen(AVFormatContext **format, unsigned fps, so_error *err)
{
    const char *display = getenv("DISPLAY");
    char why[AV_ERROR_MAX_STRING_SIZE], rate[16];
    const setting settings[] = {{"framerate", rate}, {NULL, NULL}};
    int code;

    if (display == NULL || display[0] == '\0')
        return so_fail(err, SO_NOT_FOUND, "media",
                       "there is no screen: DISPLAY is not set; start sotto from a terminal on an X11 screen (Wayland "
                       "alone shows other programs nothing)");
    (void)snprintf(rate, sizeof rate, "%u", fps);
    code = open_device(format, "x11grab", display, settings);
    if (code >= 0)
        return SO_OK;
    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_NOT_FOUND, "media",
                   "the screen %.60s can't be read: %s; check DISPLAY, and that you may connect to it (xdpyinfo tells)",
                   display, so_media_why(code, why));
}

/* ---- out ---- */

static int add_sound(AVFormatContext *format, int rate, int channels)
{
    AVStream *stream = avformat_new_stream(format, NULL);

    if (stream == NULL)
        return AVERROR(ENOMEM);
    stream->codecpar->codec_type = AVMEDIA_TYPE_AUDIO;
    stream->codecpar->codec_id = AV_NE(AV_CODEC_ID_PCM_F32BE, AV_CODEC_ID_PCM_F32LE);
    stream->codecpar->format = AV_SAMPLE_FMT_FLT;
    stream->codecpar->sample_rate = rate;
    av_channel_layout_default(&stream->codecpar->ch_layout, channels);
    stream->time_base = (AVRational){1, rate};
    return 0;
}

static int open_output(AVFormatContext **format, const char *kind, int rate, int channels, const setting *settings)
{
    AVDictionary *options = NULL;
    int code;

    know_devices();
    code = avformat_alloc_output_context2(format, NULL, kind, "default");
    if (code < 0)
        return code;
    (*format)->flags |= AVFMT_FLAG_NONBLOCK;
    code = set_all(&options, settings);
    if (code >= 0)
        code = add_sound(*format, rate, channels);
    if (code >= 0)
        code = avformat_write_header(*format, &options);
    if (code < 0) {
        avformat_free_context(*format);
        *format = NULL;
    }
    av_dict_free(&options);
    return code;
}

so_status so_device_speaker(AVFormatContext **format, int rate, int channels, so_error *err)
{
    /* room for 40 ms, where PulseAudio's own is for seconds */
    static const setting pulse[] = {
        {"name", "sotto"}, {"stream_name", "call"}, {"buffer_duration", "40"}, {NULL, NULL}};
    static const setting alsa[] = {{NULL, NULL}};
    char why[AV_ERROR_MAX_STRING_SIZE], why_alsa[AV_ERROR_MAX_STRING_SIZE];
    int code = open_output(format, "pulse", rate, channels, pulse), code_alsa = code;

    if (code < 0 && code != AVERROR(ENOMEM))
        code_alsa =
            access(ALSA_DEVICES, F_OK) == 0 ? open_output(format, "alsa", rate, channels, alsa) : AVERROR(ENODEV);
    if (code_alsa >= 0)
        return SO_OK;
    if (code_alsa == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    return so_fail(err, SO_NOT_FOUND, "media",
                   "no loudspeaker can be opened: PulseAudio says '%s', ALSA says '%s'; start PulseAudio or PipeWire "
                   "(pactl info tells), or plug a loudspeaker in",
                   so_media_why(code, why), so_media_why(code_alsa, why_alsa));
}

/* ALSA has room for seconds. PulseAudio was told, and what it counts is in the loudspeaker's own buffers as well. */
bool so_device_holds_enough(AVFormatContext *format, int64_t time)
{
    int64_t played, wall;

    if (strcmp(format->oformat->name, "alsa") != 0 || av_get_output_timestamp(format, 0, &played, &wall) < 0)
        return false;
    return av_rescale_q(time - played, format->streams[0]->time_base, (AVRational){1, 1000}) > HELD_MOST_MS;
}

void so_device_close_output(AVFormatContext *format)
{
    if (format == NULL)
        return;
    (void)av_write_trailer(format); /* which closes the device; what it holds yet nobody misses */
    avformat_free_context(format);
}
