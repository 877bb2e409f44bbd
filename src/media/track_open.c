#include "media/ffmpeg.h"
#include "media/fit.h"
#include "media/signal.h"
#include "media/source_inside.h"

#include <libavutil/avutil.h>
#include <string.h>

#define AHEAD_PASSING_MS 500
#define AHEAD_SOUND_MS 200
#define AHEAD_PICTURE_MS 100 /* so that another bit rate, and a key frame, take effect soon */
#define PIXELS_MOST (8192 * 8192)

static so_status open_input(so_track *t, so_error *err)
{
    so_status status = so_input_open(&t->input, err);
    AVStream *stream;

    if (status != SO_OK)
        return status;
    stream = t->stream < 0                                  ? so_input_find(&t->input, t->kind)
             : t->stream < (int)t->input.format->nb_streams ? t->input.format->streams[t->stream]
                                                            : NULL;
    if (stream == NULL)
        return so_fail(err, SO_BAD_INPUT, "media", "%.150s has no %s any more; it changed while it was read",
                       t->source->path, t->kind == SO_MEDIA_AUDIO ? "sound" : "picture");
    t->stream = stream->index;
    t->turns = so_input_turns(stream);
    so_input_choose(&t->input, stream);
    return SO_OK;
}

static so_status open_decoder(so_track *t, so_error *err)
{
    const AVCodecParameters *par = t->input.stream->codecpar;
    const AVCodec *decoder = avcodec_find_decoder(par->codec_id);
    char why[AV_ERROR_MAX_STRING_SIZE];
    int code;

    if (decoder == NULL)
        return so_fail(err, SO_NOT_FOUND, "media",
                       "this machine's FFmpeg can't decode the %s in %.150s; install one that can",
                       avcodec_get_name(par->codec_id), t->source->path);
    t->decoder = avcodec_alloc_context3(decoder);
    code = t->decoder == NULL ? AVERROR(ENOMEM) : avcodec_parameters_to_context(t->decoder, par);
    if (code >= 0) {
        t->decoder->pkt_timebase = t->input.stream->time_base;
        t->decoder->max_pixels = PIXELS_MOST;
        t->decoder->thread_count = t->kind == SO_MEDIA_VIDEO && t->input.what == SO_INPUT_FILE ? 2 : 1;
        code = avcodec_open2(t->decoder, decoder, NULL);
    }
    if (code == AVERROR(ENOMEM))
        return so_media_no_memory(err);
    if (code < 0)
        return so_fail(err, SO_BAD_INPUT, "media", "the %s in %.150s can't be decoded: %s; convert the file first",
                       avcodec_get_name(par->codec_id), t->source->path, so_media_why(code, why));
    return SO_OK;
}

static so_status open_encoder(so_track *t, so_error *err)
{
    const so_source_options *o = &t->source->options;
    so_video_setting setting = {o->width != 0 ? o->width : 1280, o->height != 0 ? o->height : 720, o->fps, o->bitrate};
    bool live = t->source->has.live;
    unsigned channels = t->source->test || live || t->input.stream->codecpar->ch_layout.nb_channels < 2 ? 1 : 2;

    if (t->kind == SO_MEDIA_AUDIO)
        return so_sound_make(&t->sound, t->codec, channels, live, err);
    if (t->source->test && setting.fps > SO_SIGNAL_FPS)
        setting.fps = SO_SIGNAL_FPS;
    return so_picture_make(&t->picture, t->codec, &setting, err);
}

/* A picture that passes has the size that it has: only who set a limit is spared larger ones. */
static bool small_enough(const so_track *t)
{
    const so_source_options *o = &t->source->options;
    const AVCodecParameters *par = t->input.stream->codecpar;

    return t->kind == SO_MEDIA_AUDIO || ((o->width == 0 || par->width <= (int)o->width) &&
                                         (o->height == 0 || par->height <= (int)o->height) && t->turns == 0);
}

static so_status open_file(so_track *t, so_error *err)
{
    so_status status = open_input(t, err);

    if (status == SO_OK && t->input.what == SO_INPUT_FILE && small_enough(t)) {
        status = so_fit(&t->input, t->codec, &t->passes, err);
        so_input_close(&t->input);
        if (status == SO_OK)
            status = open_input(t, err);
    }
    if (status != SO_OK)
        return status;
    return t->passes ? so_fit_filter(&t->input, t->codec, &t->filter, err) : open_decoder(t, err);
}

static so_status open_signal(so_track *t, so_error *err)
{
    so_status status = t->kind == SO_MEDIA_AUDIO ? so_signal_sound_frame(t->frame) : so_signal_picture_frame(t->frame);

    return status == SO_OK ? SO_OK : so_media_no_memory(err);
}

so_status so_track_open(so_track *t, so_error *err)
{
    unsigned ahead_ms;
    so_status status;

    t->input = (so_input){.what = t->source->input, .path = t->source->path, .fps = t->source->options.fps};
    t->stream = -1;
    t->packet = av_packet_alloc();
    t->frame = av_frame_alloc();
    if (t->packet == NULL || t->frame == NULL)
        return so_media_no_memory(err);
    for (size_t i = 0; i < SO_TRACK_ROOM; i++)
        if ((t->queue[i].packet = av_packet_alloc()) == NULL)
            return so_media_no_memory(err);
    status = t->source->test ? open_signal(t, err) : open_file(t, err);
    if (status == SO_OK && !t->passes)
        status = open_encoder(t, err);
    ahead_ms = t->passes ? AHEAD_PASSING_MS : t->kind == SO_MEDIA_AUDIO ? AHEAD_SOUND_MS : AHEAD_PICTURE_MS;
    t->ahead = (int64_t)ahead_ms * so_media_codec_clock(t->codec) / 1000;
    return status;
}

/* Opened anew: a seek finds the page before a time, and the first packets of some files have none of their own. */
so_status so_track_rewind(so_track *t, so_error *err)
{
    so_status status;

    if (t->decoder != NULL)
        avcodec_flush_buffers(t->decoder);
    av_bsf_free(&t->filter);
    so_input_close(&t->input);
    status = open_input(t, err);
    if (status == SO_OK && t->passes)
        status = so_fit_filter(&t->input, t->codec, &t->filter, err);
    return status;
}

void so_track_join(so_track *t)
{
    if (t->running)
        (void)pthread_join(t->thread, NULL);
    t->running = false;
}

void so_track_close(so_track *t)
{
    for (size_t i = 0; i < SO_TRACK_ROOM; i++)
        av_packet_free(&t->queue[i].packet);
    so_sound_free(t->sound);
    so_picture_free(t->picture);
    avcodec_free_context(&t->decoder);
    av_bsf_free(&t->filter);
    so_input_close(&t->input);
    av_packet_free(&t->packet);
    av_frame_free(&t->frame);
    memset(t, 0, sizeof *t);
}
