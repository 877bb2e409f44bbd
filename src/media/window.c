#include "media/window.h"

#include "media/ffmpeg.h"
#include "media/window_inside.h"

#include <libavcodec/avcodec.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROOM 64             /* frames that wait to be decoded; who is that far behind waits for a key frame instead */
#define BYTES_MOST 8000000  /* of all of them */
#define PIXELS_MOST 9000000 /* 4096 x 2160, and a little */
#define LOOK_NS 20000000    /* how often it looks what happened to the window, at least */
#define ASK_AGAIN_US 1000000

typedef struct waiting {
    AVPacket *packet;
    so_media_codec codec;
} waiting;

struct so_window {
    void (*told)(void *user);
    void *user;
    pthread_t thread;
    bool running;

    /* What the thread alone uses. */
    so_screen screen;
    AVCodecContext *decoder;
    so_media_codec decodes;
    AVPacket *packet;
    AVFrame *frame;

    pthread_mutex_t lock; /* guards these */
    pthread_cond_t moved;
    bool is_open, stop, over, closed, failed, hides;
    so_error fault;
    waiting queue[ROOM];
    size_t first, count, bytes;
    bool needs_key, asks;
    uint64_t asked_us;
};

/* ---- the thread: pictures ---- */

static enum AVCodecID codec_id(so_media_codec codec)
{
    return codec == SO_MEDIA_VP8 ? AV_CODEC_ID_VP8 : codec == SO_MEDIA_H264 ? AV_CODEC_ID_H264 : AV_CODEC_ID_NONE;
}

static so_status set_decoder(so_window *w, so_media_codec codec, so_error *err)
{
    const AVCodec *decoder = avcodec_find_decoder(codec_id(codec));

    if (w->decoder != NULL && codec == w->decodes)
        return SO_OK;
    avcodec_free_context(&w->decoder);
    if (decoder == NULL)
        return so_fail(err, SO_NOT_FOUND, "media", "this machine's FFmpeg has no decoder for %s; install one that has",
                       so_media_codec_name(codec));
    w->decoder = avcodec_alloc_context3(decoder);
    if (w->decoder == NULL)
        return so_media_no_memory(err);
    w->decodes = codec;
    w->decoder->thread_count = 1; /* more would keep pictures back */
    w->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
    w->decoder->max_pixels = PIXELS_MOST;
    if (avcodec_open2(w->decoder, decoder, NULL) >= 0)
        return SO_OK;
    return so_fail(err, SO_NOT_FOUND, "media",
                   "the %s decoder of this machine's FFmpeg does not start; install another",
                   so_media_codec_name(codec));
}

/* The lock is held. */
static void forget_all(so_window *w)
{
    for (; w->count > 0; w->count--) {
        av_packet_unref(w->queue[w->first].packet);
        w->first = (w->first + 1) % ROOM;
    }
    w->bytes = 0;
    w->needs_key = true;
}

static bool next_packet(so_window *w, so_media_codec *codec)
{
    bool some;

    (void)pthread_mutex_lock(&w->lock);
    some = w->count > 0 && !w->stop;
    if (some) {
        av_packet_unref(w->packet);
        av_packet_move_ref(w->packet, w->queue[w->first].packet);
        *codec = w->queue[w->first].codec;
        w->bytes -= (size_t)w->packet->size;
        w->first = (w->first + 1) % ROOM;
        w->count--;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return some;
}

/* What the caller's side has said. */
static bool says(so_window *w, const bool *what)
{
    bool is;

    (void)pthread_mutex_lock(&w->lock);
    is = *what;
    (void)pthread_mutex_unlock(&w->lock);
    return is;
}

/* SO_BAD_INPUT: the packet can't be decoded. */
static so_status show_packet(so_window *w, so_error *err)
{
    so_status status = SO_OK;
    bool hides = says(w, &w->hides);
    int code = avcodec_send_packet(w->decoder, w->packet);

    while (status == SO_OK && code >= 0) {
        code = avcodec_receive_frame(w->decoder, w->frame);
        if (code >= 0 && !hides)
            status = so_screen_put(&w->screen, w->frame, err);
    }
    return status == SO_OK && code != AVERROR(EAGAIN) ? SO_BAD_INPUT : status;
}

static so_status show_waiting(so_window *w, so_error *err)
{
    so_status status = SO_OK;
    so_media_codec codec;

    /* No more at once than can wait: where they come faster than they are decoded, the window is looked at as well. */
    for (size_t i = 0; i < ROOM && status == SO_OK && next_packet(w, &codec); i++) {
        status = set_decoder(w, codec, err);
        if (status == SO_OK)
            status = show_packet(w, err);
        if (status == SO_BAD_INPUT) {
            (void)pthread_mutex_lock(&w->lock);
            forget_all(w);
            (void)pthread_mutex_unlock(&w->lock);
            status = SO_OK;
        }
    }
    return status;
}

/*
 * For a frame, or until it is time to look at the window. SDL could be woken for a frame, but on X11 that is a message
 * to the window by another connection: where the window is closed meanwhile, Xlib ends the process.
 */
static bool wait_a_little(so_window *w)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_mutex_lock(&w->lock);
    if (w->count == 0 && !w->stop)
        (void)pthread_cond_timedwait(&w->moved, &w->lock, &until);
    (void)pthread_mutex_unlock(&w->lock);
    return so_screen_look(&w->screen);
}

static void say_begun(so_window *w, so_status status, const so_error *err)
{
    (void)pthread_mutex_lock(&w->lock);
    w->is_open = status == SO_OK;
    w->over = status != SO_OK;
    if (status != SO_OK)
        w->fault = *err;
    (void)pthread_cond_signal(&w->moved);
    (void)pthread_mutex_unlock(&w->lock);
}

/* SDL wants all that is of a window done on one thread. */
static void *work(void *user)
{
    so_window *w = user;
    so_error err = {0};
    so_status status = so_screen_open(&w->screen, &err);
    bool open = status == SO_OK, tell = open;

    say_begun(w, status, &err);
    while (open && status == SO_OK && !says(w, &w->stop)) {
        if (says(w, &w->hides))
            so_screen_blank(&w->screen);
        status = show_waiting(w, &err);
        if (status == SO_OK)
            open = wait_a_little(w);
    }
    (void)pthread_mutex_lock(&w->lock);
    w->over = true; /* from here on nobody wakes it */
    w->closed = tell && !open;
    w->failed = tell && status != SO_OK;
    if (w->failed)
        w->fault = err;
    tell = w->closed || w->failed;
    (void)pthread_mutex_unlock(&w->lock);
    so_screen_close(&w->screen);
    if (tell)
        w->told(w->user);
    return NULL;
}

/* ---- the caller's side ---- */

static so_status begin(so_window *w, so_error *err)
{
    so_status status = SO_OK;

    w->packet = av_packet_alloc();
    w->frame = av_frame_alloc();
    if (w->packet == NULL || w->frame == NULL)
        return so_media_no_memory(err);
    for (size_t i = 0; i < ROOM; i++) {
        w->queue[i].packet = av_packet_alloc();
        if (w->queue[i].packet == NULL)
            return so_media_no_memory(err);
    }
    if (pthread_create(&w->thread, NULL, work, w) != 0)
        return so_fail(err, SO_NO_MEMORY, "media", "no thread can be started; end other programs");
    w->running = true;
    (void)pthread_mutex_lock(&w->lock);
    while (!w->is_open && !w->over)
        (void)pthread_cond_wait(&w->moved, &w->lock);
    if (!w->is_open) {
        status = SO_NOT_FOUND;
        *err = w->fault;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return status;
}

so_status so_window_open(so_window **made, void (*told)(void *user), void *user, so_error *err)
{
    so_window *w = calloc(1, sizeof *w);
    pthread_condattr_t monotonic;
    so_status status;

    *made = NULL;
    if (w == NULL)
        return so_media_no_memory(err);
    so_media_quiet();
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->moved, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    w->told = told;
    w->user = user;
    w->needs_key = true;
    status = begin(w, err);
    if (status == SO_OK)
        *made = w;
    else
        so_window_close(w);
    return status;
}

void so_window_close(so_window *w)
{
    if (w == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    if (w->is_open && !w->over)
        (void)pthread_cond_signal(&w->moved);
    (void)pthread_mutex_unlock(&w->lock);
    if (w->running)
        (void)pthread_join(w->thread, NULL);
    for (size_t i = 0; i < ROOM; i++)
        av_packet_free(&w->queue[i].packet);
    avcodec_free_context(&w->decoder);
    av_packet_free(&w->packet);
    av_frame_free(&w->frame);
    (void)pthread_cond_destroy(&w->moved);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

unsigned so_window_takes(void)
{
    static const so_media_codec codecs[] = {SO_MEDIA_VP8, SO_MEDIA_H264};
    unsigned takes = 0;

    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++)
        if (avcodec_find_decoder(codec_id(codecs[i])) != NULL)
            takes |= SO_MEDIA_BIT(codecs[i]);
    return takes;
}

/* The lock is held. */
static void queue_frame(so_window *w, const so_sink_frame *frame)
{
    waiting *last;

    if (w->count == ROOM || w->bytes + frame->len > BYTES_MOST)
        forget_all(w);
    if (w->needs_key && !frame->key) {
        w->asks |= w->asked_us == 0 || frame->arrival_us - w->asked_us >= ASK_AGAIN_US;
        if (w->asks)
            w->asked_us = frame->arrival_us;
        return;
    }
    last = &w->queue[(w->first + w->count) % ROOM];
    if (av_new_packet(last->packet, (int)frame->len) < 0) {
        forget_all(w);
        return;
    }
    memcpy(last->packet->data, frame->bytes, frame->len);
    last->codec = frame->codec;
    w->needs_key = false;
    w->bytes += frame->len;
    if (w->count++ == 0)
        (void)pthread_cond_signal(&w->moved);
}

void so_window_put(so_window *w, const so_sink_frame *frame)
{
    if (codec_id(frame->codec) == AV_CODEC_ID_NONE || frame->len == 0 || frame->len > BYTES_MOST)
        return;
    (void)pthread_mutex_lock(&w->lock);
    if (!w->over)
        queue_frame(w, frame);
    (void)pthread_mutex_unlock(&w->lock);
}

void so_window_show(so_window *w, bool shows)
{
    (void)pthread_mutex_lock(&w->lock);
    w->hides = !shows;
    if (!w->over)
        (void)pthread_cond_signal(&w->moved);
    (void)pthread_mutex_unlock(&w->lock);
}

bool so_window_wants_key(so_window *w)
{
    bool asks;

    (void)pthread_mutex_lock(&w->lock);
    asks = w->asks;
    w->asks = false;
    (void)pthread_mutex_unlock(&w->lock);
    return asks;
}

bool so_window_closed(so_window *w)
{
    bool closed;

    (void)pthread_mutex_lock(&w->lock);
    closed = w->closed;
    (void)pthread_mutex_unlock(&w->lock);
    return closed;
}

bool so_window_fault(so_window *w, so_error *fault)
{
    bool failed;

    (void)pthread_mutex_lock(&w->lock);
    failed = w->failed;
    w->failed = false;
    if (failed)
        *fault = w->fault;
    (void)pthread_mutex_unlock(&w->lock);
    return failed;
}
