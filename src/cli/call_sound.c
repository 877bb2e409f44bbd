/* What sounds in `sotto call`: a file or a tone out, at the pace of its time, and what is heard into a file. */
#include "cli/call.h"
#include "media/level.h"
#include "media/ogg.h"
#include "media/tone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_PER_MS 48
/* After a stall (a sleeping machine) the missed sound is left out, not sent in one burst. */
#define BURST_MS 200

struct call_sound {
    so_media_in *in;
    so_media_tone *tone;
    so_media_out *out;
    so_media_level *level; /* NULL: nobody asked, or no decoder is there */
    so_msec began;
    uint64_t time; /* of the next packet, in samples since `began` */
    bool begun, fresh, over;
    uint64_t measured;
    double energy;
};

static so_status open_all(call_sound *s, const call_options *o, so_error *err)
{
    so_status status = SO_OK;
    bool test = o->in != NULL && strcmp(o->in, "test") == 0;

    if (test)
        status = so_media_tone_make(&s->tone, err);
    else if (o->in != NULL)
        status = so_media_in_open(&s->in, o->in, err);
    if (status == SO_OK && o->out != NULL)
        status = so_media_out_open(&s->out, o->out, 2, err);
    /* A number in the report is worth having, and no reason to make no call. */
    if (status == SO_OK && o->json && so_media_level_make(&s->level, NULL) != SO_OK)
        s->level = NULL;
    return status;
}

so_status call_sound_open(call_sound **out, const call_options *o, so_error *err)
{
    call_sound *s = calloc(1, sizeof *s);
    so_status status;

    *out = NULL;
    if (s == NULL)
        return so_fail(err, SO_NO_MEMORY, "sound", "no memory for sound; end other programs");
    status = open_all(s, o, err);
    if (status != SO_OK) {
        so_error later;

        if (call_sound_close(s, &later) != SO_OK)
            status = later.status;
        return status;
    }
    *out = s;
    return SO_OK;
}

so_status call_sound_close(call_sound *s, so_error *err)
{
    so_status status = s->out == NULL ? SO_OK : so_media_out_close(s->out, err);

    so_media_in_close(s->in);
    so_media_tone_free(s->tone);
    so_media_level_free(s->level);
    free(s);
    return status;
}

bool call_sound_sends(const call_sound *s)
{
    return s->in != NULL || s->tone != NULL;
}

void call_sound_begin(call_sound *s, so_msec now)
{
    s->began = now;
    s->begun = s->fresh = true;
}

static bool next_packet(call_sound *s, so_media_packet *packet)
{
    if (s->tone != NULL) {
        *packet = so_media_tone_next(s->tone);
        return true;
    }
    /* A file that breaks in the middle ends there: what was sent was sent. */
    return s->in != NULL && so_media_in_next(s->in, packet, NULL) == SO_OK;
}

bool call_sound_next(call_sound *s, so_msec now, so_peer_frame *frame, so_msec *next)
{
    so_media_packet packet;
    so_msec due = s->began + s->time / SAMPLES_PER_MS;

    *next = UINT64_MAX;
    if (!s->begun || s->over)
        return false;
    if (due > now) {
        *next = due;
        return false;
    }
    if (now - due > BURST_MS) {
        s->time = (now - s->began) * SAMPLES_PER_MS;
        s->fresh = true;
    }
    if (!next_packet(s, &packet)) {
        s->over = true;
        return false;
    }
    *frame = (so_peer_frame){.bytes = packet.bytes, .len = packet.len, .time = (uint32_t)s->time, .marker = s->fresh};
    s->fresh = false;
    s->time += packet.samples;
    return true;
}

so_status call_sound_take(call_sound *s, const so_peer_frame *frame, so_error *err)
{
    double rms;
    so_status status;

    if (s->level != NULL && so_media_level_take(s->level, frame->bytes, frame->len, &rms) == SO_OK) {
        s->energy += rms * rms;
        s->measured++;
    }
    if (s->out == NULL)
        return SO_OK;
    status = so_media_out_write(s->out, frame->bytes, frame->len, frame->time, err);
    return status == SO_BAD_INPUT ? SO_OK : status;
}

void call_sound_totals(const call_sound *s, call_totals *totals)
{
    totals->level_known = s->measured > 0;
    if (totals->level_known)
        totals->level = s->energy <= 0 ? -127 : 10 * log10(s->energy / (double)s->measured);
}
