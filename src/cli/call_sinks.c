#include "cli/call_sinks.h"

#include "media/ogg.h"
#include "media/rtp_port.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALL_CODECS ((1u << SO_MEDIA_CODECS) - 1)

struct call_sinks {
    const call_options *options;
    so_media_out *file;
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

so_status call_sinks_open(call_sinks **out, const call_options *o, uv_loop_t *loop, so_error *err)
{
    call_sinks *s = calloc(1, sizeof *s);
    so_status status;

    (void)loop;
    *out = s;
    if (s == NULL)
        return so_fail(err, SO_NO_MEMORY, "media", "no memory for what is heard; end other programs");
    s->options = o;
    status = open_rtp(s, err);
    if (status == SO_OK && o->out_count > 0)
        status = so_media_out_open(&s->file, o->out[0], 2, err);
    return status;
}

so_status call_sinks_close(call_sinks *s, so_error *err)
{
    so_status status = SO_OK;

    if (s == NULL)
        return SO_OK;
    if (s->file != NULL)
        status = so_media_out_close(s->file, err);
    so_rtp_out_close(s->rtp);
    free(s);
    return status;
}

unsigned call_sinks_take(const call_sinks *s)
{
    return s->file == NULL ? ALL_CODECS : ALL_CODECS;
}

bool call_sinks_want_picture(const call_sinks *s)
{
    return s->rtp != NULL;
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

so_status call_sinks_take_frame(call_sinks *s, const so_call_event *event, so_msec now, so_error *err)
{
    so_media_codec codec = so_media_codec_of(event->frame.codec->name);
    so_status status = SO_OK;

    if (codec == SO_MEDIA_NONE)
        return SO_OK;
    if (s->rtp != NULL)
        status = to_rtp(s, event, codec, now, err);
    if (status == SO_OK && s->file != NULL && codec == SO_MEDIA_OPUS)
        status = so_media_out_write(s->file, event->frame.bytes, event->frame.len, event->frame.time, err);
    return status == SO_BAD_INPUT ? SO_OK : status;
}

bool call_sinks_want_key(call_sinks *s)
{
    return s->rtp != NULL && so_rtp_out_wants_key(s->rtp);
}
