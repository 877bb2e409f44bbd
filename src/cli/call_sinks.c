#include "cli/call_sinks.h"

#include "media/rtp_port.h"
#include "media/sink.h"
#include "media/speaker.h"
#include "media/window.h"
#include "rtp/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALL_CODECS ((1u << SO_MEDIA_CODECS) - 1)
#define PICTURES (SO_MEDIA_BIT(SO_MEDIA_VP8) | SO_MEDIA_BIT(SO_MEDIA_H264))

struct call_sinks {
    const call_options *options;
    so_sink *files[CALL_OUTS];
    char *paths[CALL_OUTS];
    bool begun, picture; /* picture: some file takes one */
    size_t file_count;
    unsigned takes; /* the codecs that all of the files take */
    so_speaker *speaker;
    so_window *window;
    so_rtp_out *rtp;
    so_address rtp_address;
    so_media_codec described[SO_MEDIA_KINDS]; /* in the session description that was written last */
};

static so_status open_rtp(call_sinks *s, so_error *err)
{
    so_status status;

    if (s->options->rtp_out == NULL)
        return SO_OK;
    status = so_rtp_port_parse(&s->rtp_address, s->options->rtp_out, err);
    return status == SO_OK ? so_rtp_out_open(&s->rtp, &s->rtp_address, &so_random_system, err) : status;
}

static bool takes_picture(unsigned codecs)
{
    return (codecs & PICTURES) != 0;
}

/* "a.webm", "a-2.webm", ... */
static char *path_of(const char *name, unsigned number)
{
    const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.');
    size_t len = strlen(name), stem = dot == NULL || (slash != NULL && dot < slash) ? len : (size_t)(dot - name);
    char *path = malloc(len + 16);

    if (path == NULL)
        return NULL;
    if (number <= 1)
        memcpy(path, name, len + 1);
    else
        (void)snprintf(path, len + 16, "%.*s-%u%s", (int)stem, name, number, name + stem);
    return path;
}

static so_status open_file(call_sinks *s, const char *name, unsigned number, so_error *err)
{
    size_t i = s->file_count;
    so_status status;
    unsigned takes;

    free(s->paths[i]);
    s->paths[i] = path_of(name, number);
    if (s->paths[i] == NULL)
        return so_fail(err, SO_NO_MEMORY, "media", "no memory for a file's name; end other programs");
    status = so_sink_open(&s->files[i], s->paths[i], err);
    if (status != SO_OK)
        return status;
    s->file_count++;
    /* A file that takes no pictures says nothing about theirs. */
    takes = so_sink_takes(s->files[i]);
    s->takes &= takes_picture(takes) ? takes : takes | PICTURES;
    s->picture |= takes_picture(takes);
    return SO_OK;
}

/* It says nothing about sound. */
static so_status open_window(call_sinks *s, call_sinks_notice notice, so_error *err)
{
    s->takes &= so_window_takes() | ~PICTURES;
    s->picture = true;
    return so_window_open(&s->window, notice.told, notice.user, err);
}

static so_status open_outs(call_sinks *s, unsigned number, call_sinks_notice notice, so_error *err)
{
    so_status status = SO_OK;

    for (size_t i = 0; status == SO_OK && i < s->options->out_count; i++) {
        const char *out = s->options->out[i];

        if (strcmp(out, "speaker") == 0)
            status = so_speaker_open(&s->speaker, notice.told, notice.user, err);
        else if (strcmp(out, "window") == 0)
            status = open_window(s, notice, err);
        else
            status = open_file(s, out, number, err);
    }
    return status;
}

so_status call_sinks_open(call_sinks **out, const call_options *o, unsigned number, call_sinks_notice notice,
                          so_error *err)
{
    call_sinks *s = calloc(1, sizeof *s);
    so_status status;

    *out = s;
    if (s == NULL)
        return so_fail(err, SO_NO_MEMORY, "media", "no memory for what is heard; end other programs");
    s->options = o;
    s->takes = ALL_CODECS;
    status = open_rtp(s, err);
    return status == SO_OK ? open_outs(s, number, notice, err) : status;
}

so_status call_sinks_close(call_sinks *s, so_error *err)
{
    so_status status = SO_OK;

    if (s == NULL)
        return SO_OK;
    for (size_t i = 0; i < s->file_count; i++) {
        so_error later;
        so_status closed = so_sink_close(s->files[i], status == SO_OK ? err : &later);

        if (status == SO_OK)
            status = closed;
        if (!s->begun)
            (void)remove(s->paths[i]);
    }
    for (size_t i = 0; i < CALL_OUTS; i++)
        free(s->paths[i]);
    so_speaker_close(s->speaker);
    so_window_close(s->window);
    so_rtp_out_close(s->rtp);
    free(s);
    return status;
}

unsigned call_sinks_take(const call_sinks *s)
{
    return s->takes;
}

bool call_sinks_want_picture(const call_sinks *s)
{
    return s->rtp != NULL || s->picture;
}

so_status call_sinks_expect(call_sinks *s, so_media_codec audio, so_media_codec video, so_error *err)
{
    s->begun = true;
    for (size_t i = 0; i < s->file_count; i++) {
        bool picture = takes_picture(so_sink_takes(s->files[i]));
        so_status status = so_sink_expect(s->files[i], audio, picture ? video : SO_MEDIA_NONE, err);

        if (status != SO_OK)
            return status;
    }
    return SO_OK;
}

/* Written anew when the other end takes another codec. */
static so_status describe(call_sinks *s, so_media_codec codec, so_error *err)
{
    FILE *file;
    bool whole;

    if (s->options->rtp_sdp == NULL || s->described[so_media_codec_kind(codec)] == codec)
        return SO_OK;
    s->described[so_media_codec_kind(codec)] = codec;
    file = fopen(s->options->rtp_sdp, "we");
    if (file != NULL)
        so_rtp_port_describe(file, &s->rtp_address, s->described[SO_MEDIA_AUDIO], s->described[SO_MEDIA_VIDEO]);
    whole = file != NULL && ferror(file) == 0;
    if (file != NULL)
        whole = fclose(file) == 0 && whole;
    return whole ? SO_OK
                 : so_fail(err, SO_IO, "rtp", "%s can't be written (%s); give a file that you may write",
                           s->options->rtp_sdp, strerror(errno));
}

static so_status to_rtp(call_sinks *s, const so_call_event *event, so_media_codec codec, so_msec now, so_error *err)
{
    const so_peer_frame *f = &event->frame;
    so_status status = describe(s, codec, err);
    so_status sent;

    if (status != SO_OK)
        return status;
    sent = so_rtp_out_send(s->rtp, codec, f->bytes, f->len, f->time, f->marker, event->wall, now);
    (void)sent; /* a frame that no packet takes is lost to the other program alone */
    return SO_OK;
}

static so_status to_files(call_sinks *s, const so_call_event *event, const so_sink_frame *frame, so_error *err)
{
    for (size_t i = 0; i < s->file_count; i++) {
        so_status status;

        if ((so_sink_takes(s->files[i]) & SO_MEDIA_BIT(frame->codec)) == 0)
            continue;
        if (event->wall != 0)
            so_sink_align(s->files[i], so_media_codec_kind(frame->codec), so_ntp_of_unix_msec(event->wall),
                          frame->rtp_time);
        status = so_sink_write(s->files[i], frame, err);
        if (status == SO_TOO_LONG || status == SO_IO || status == SO_NO_MEMORY)
            return status;
    }
    return SO_OK;
}

static void to_devices(call_sinks *s, const so_sink_frame *f)
{
    so_media_kind kind = so_media_codec_kind(f->codec);

    if (s->speaker != NULL && kind == SO_MEDIA_AUDIO)
        so_speaker_put(s->speaker, f->codec, f->bytes, f->len, f->rtp_time);
    if (s->window != NULL && kind == SO_MEDIA_VIDEO)
        so_window_put(s->window, f);
}

so_status call_sinks_take_frame(call_sinks *s, const so_call_event *event, so_msec now, so_error *err)
{
    so_sink_frame frame = {.codec = so_media_codec_of(event->frame.codec->name),
                           .bytes = event->frame.bytes,
                           .len = event->frame.len,
                           .rtp_time = event->frame.time,
                           .arrival_us = now * 1000,
                           .key = event->frame.key};
    so_status status = SO_OK;

    if (frame.codec == SO_MEDIA_NONE)
        return SO_OK;
    to_devices(s, &frame);
    if (s->rtp != NULL)
        status = to_rtp(s, event, frame.codec, now, err);
    return status == SO_OK ? to_files(s, event, &frame, err) : status;
}

void call_sinks_show(call_sinks *s, bool shows)
{
    if (s->window != NULL)
        so_window_show(s->window, shows);
}

bool call_sinks_want_key(call_sinks *s)
{
    bool rtp = s->rtp != NULL && so_rtp_out_wants_key(s->rtp);
    bool window = s->window != NULL && so_window_wants_key(s->window);

    return rtp || window;
}

bool call_sinks_fault(call_sinks *s, so_error *fault)
{
    return (s->speaker != NULL && so_speaker_fault(s->speaker, fault)) ||
           (s->window != NULL && so_window_fault(s->window, fault));
}

bool call_sinks_closed(call_sinks *s)
{
    return s->window != NULL && so_window_closed(s->window);
}
