/* Which transfers there are, and which message is whose. What a file sent is, is call_file_out.c's; one taken,
 * call_file_in.c's. */
#include "cli/call_files_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How often progress is told, at most, in ms. */
#define SAID_EVERY 1000

so_status call_files_open(call_files **out, const call_options *o, uv_loop_t *loop, const call_files_asks *asks,
                          so_error *err)
{
    call_files *f = NULL;
    so_status status = SO_OK;

    *out = NULL;
    f = calloc(1, sizeof *f);
    if (f == NULL)
        return so_fail(err, SO_NO_MEMORY, "file", "no memory for files; end other programs");
    f->options = o;
    f->loop = loop;
    f->asks = *asks;
    for (size_t i = 0; status == SO_OK && i < o->data_in_count; i++)
        status = file_out_open(&f->outs[f->out_count++], f, o->data_in[i], err);
    if (status == SO_OK && o->data_out != NULL)
        status = file_in_check(o->data_out, err);
    if (status != SO_OK) {
        call_files_close(f);
        return status;
    }
    *out = f;
    return SO_OK;
}

void call_files_close(call_files *f)
{
    if (f == NULL)
        return;
    call_files_call(f, NULL);
    for (size_t i = 0; i < f->out_count; i++)
        file_out_close(&f->outs[i]);
    free(f);
}

bool call_files_failed(const call_files *f)
{
    return f != NULL && f->failed;
}

void files_say(call_files *f, bool in, const char *state, const so_file_offer *offer, uint64_t bytes)
{
    f->asks.print(f->asks.user);
    call_say_file(f->options, in, state, offer, bytes);
}

void files_progress(call_files *f, bool in, const so_file_offer *offer, uint64_t bytes, so_msec *said_at)
{
    so_msec now = so_caller_now(f->caller);

    if (now - *said_at < SAID_EVERY)
        return;
    *said_at = now;
    files_say(f, in, "progress", offer, bytes);
}

uv_poll_t *files_poll(call_files *f, int fd, void *user)
{
    uv_poll_t *poll = malloc(sizeof *poll);

    if (poll == NULL || uv_poll_init(f->loop, poll, fd) != 0) {
        free(poll);
        return NULL;
    }
    poll->data = user;
    return poll;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void files_end_poll(uv_poll_t *poll)
{
    if (poll != NULL)
        uv_close((uv_handle_t *)poll, on_closed);
}

void files_fault(call_files *f, const so_error *err)
{
    f->failed = true;
    f->asks.fault(f->asks.user, err);
}

void files_send(call_files *f, uint16_t channel, const so_writer *text)
{
    if (so_writer_len(text) > 0 && !text->failed &&
        so_caller_send_message(f->caller, channel, true, (so_slice){text->start, so_writer_len(text)}) != SO_OK)
        so_caller_close_channel(f->caller, channel);
}

/* When the last of what was to be sent is through, or can't be. */
void files_settle(call_files *f)
{
    for (size_t i = 0; i < f->out_count; i++)
        if (!f->outs[i].over)
            return;
    if (f->out_count > 0 && !f->settled) {
        f->settled = true;
        f->asks.done(f->asks.user);
    }
}

void call_files_call(call_files *f, so_caller *caller)
{
    if (f == NULL)
        return;
    if (caller == NULL) {
        for (size_t i = 0; i < FILES_MAX; i++)
            if (f->ins[i].used)
                file_in_off(&f->ins[i], "the call ended before all of it was there");
        for (size_t i = 0; i < f->out_count; i++)
            file_out_off(&f->outs[i], f->caller != NULL && f->connected ? "the call ended before it was delivered"
                                                                        : "no call came in which it could be sent");
    }
    f->caller = caller;
    f->connected = f->settled = false;
    for (size_t i = 0; caller != NULL && i < f->out_count; i++)
        file_out_again(&f->outs[i]);
}

static void connected(call_files *f)
{
    f->connected = true;
    for (size_t i = 0; i < f->out_count; i++)
        file_out_offer(&f->outs[i]);
}

/* The peer is another one, or the channels ended: nothing of what was under way goes on. */
static void ended(call_files *f)
{
    f->connected = false;
    for (size_t i = 0; i < FILES_MAX; i++)
        if (f->ins[i].used)
            file_in_off(&f->ins[i], "the data channels ended before all of it was there");
    for (size_t i = 0; i < f->out_count; i++)
        file_out_off(&f->outs[i], "the data channels ended before it was delivered");
    files_settle(f);
}

static file_out *out_of(call_files *f, uint16_t channel)
{
    for (size_t i = 0; i < f->out_count; i++)
        if (f->outs[i].offered && !f->outs[i].over && f->outs[i].channel == channel)
            return &f->outs[i];
    return NULL;
}

static file_in *in_of(call_files *f, uint16_t channel)
{
    for (size_t i = 0; i < FILES_MAX; i++)
        if (f->ins[i].used && f->ins[i].channel == channel)
            return &f->ins[i];
    return NULL;
}

static bool is(so_slice text, const char *words)
{
    return text.len == strlen(words) && memcmp(text.bytes, words, text.len) == 0;
}

static void opened(call_files *f, const so_sctp_event *event)
{
    for (size_t i = 0;
         is(event->opened.label, SO_FILE_LABEL) && is(event->opened.protocol, SO_FILE_PROTOCOL) && i < FILES_MAX; i++)
        if (!f->ins[i].used && file_in_begin(&f->ins[i], f, event->channel))
            return;
    so_caller_close_channel(f->caller, event->channel);
}

void call_files_event(call_files *f, const so_sctp_event *data)
{
    file_out *out;
    file_in *in;

    if (f == NULL)
        return;
    out = out_of(f, data->channel);
    in = in_of(f, data->channel);
    switch (data->kind) {
    case SO_SCTP_CONNECTED:
        connected(f);
        break;
    case SO_SCTP_CHANNEL_OPENED:
        opened(f, data);
        break;
    case SO_SCTP_MESSAGE:
        if (out != NULL)
            file_out_take(out, data->text, data->bytes);
        else if (in != NULL)
            file_in_take(in, data->text, data->bytes);
        break;
    case SO_SCTP_BUFFERED_LOW:
        if (out != NULL)
            file_out_pump(out);
        break;
    case SO_SCTP_CHANNEL_CLOSED:
        if (out != NULL)
            file_out_off(out, "the other end took it off");
        if (in != NULL)
            file_in_off(in, "the other end took it off before all of it was there");
        files_settle(f);
        break;
    case SO_SCTP_ENDED:
        ended(f);
        break;
    }
}
